// The one table that says what an SQLSTATE means for us.
#pragma once

#include <string_view>

#include "pghaul/error.h"

namespace pghaul::pg {

// transient, connection_lost (the session ended with it or is of no use) or failed. Unknown codes are failed.
ErrorKind classify_sqlstate(std::string_view code);

}  // namespace pghaul::pg
