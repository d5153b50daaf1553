// How long a statement is waited for.
#pragma once

#include "base/duration.h"
#include "pghaul/deadline.h"

namespace pghaul::pg {

// Over a session with this statement_timeout. The server's own comes first: it says what was too slow, and the session
// lives on. This one is for a server that does not answer at all.
inline Deadline statement_deadline(Duration statement_timeout) {
  return Deadline::after(statement_timeout + std::chrono::seconds(10));
}

}  // namespace pghaul::pg
