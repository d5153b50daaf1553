// Connection strings as libpq understands them. Private to this folder.
#pragma once

#include <libpq-fe.h>

#include <memory>
#include <string>
#include <string_view>

namespace pghaul::pg {

struct FreeConninfo {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};
using Conninfo = std::unique_ptr<PQconninfoOption, FreeConninfo>;

// What libpq would connect with: the string's values, then those of its service, of the environment, and
// defaults. Connects to nothing. Null when memory is short; without values when the string or its service is
// not understood.
Conninfo resolve(const std::string& conninfo);

// Empty if it has none.
std::string value_of(const Conninfo& options, std::string_view keyword);

}  // namespace pghaul::pg
