#include "pg/conninfo.h"

#include "pg/connection_state.h"

namespace pghaul::pg {

// PQconndefaults() knows no service that the string names. A connection does; it is made to fail before
// anything is looked up or sent, at a value that no version of libpq accepts.
Conninfo resolve(const std::string& conninfo) {
  const char* keywords[] = {"dbname", "channel_binding", nullptr};
  const char* values[] = {conninfo.c_str(), "resolve only", nullptr};
  const ConnectionHandle conn(PQconnectStartParams(keywords, values, 1));
  return Conninfo(PQconninfo(conn.get()));
}

std::string value_of(const Conninfo& options, std::string_view keyword) {
  for (auto* option = options.get(); option != nullptr && option->keyword != nullptr; ++option) {
    if (keyword == option->keyword && option->val != nullptr) return option->val;
  }
  return "";
}

}  // namespace pghaul::pg
