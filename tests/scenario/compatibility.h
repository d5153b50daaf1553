// What tools/compatibility makes docs/compatibility.md of.
#pragma once

#include <cstdlib>
#include <fstream>
#include <string>

#include "support/servers.h"

namespace pghaul::test {

// One line for a case that was copied: kind, name, type, the two versions, record format, outcome, between tabs, at the
// end of the file $PGHAUL_COMPATIBILITY. Nothing without it.
inline void note_compatibility(const std::string& kind, const std::string& name, const std::string& what,
                               const std::string& record_format, bool identical) {
  const char* const file = std::getenv("PGHAUL_COMPATIBILITY");
  if (file == nullptr) return;
  const auto version = [](pg::ThrowawayServer& server) {
    return run_psql(server.conninfo(), "SELECT current_setting('server_version_num')::int / 10000");
  };
  std::ofstream(file, std::ios::app) << kind << '\t' << name << '\t' << what << '\t' << version(source_server()) << '\t'
                                     << version(target_server()) << '\t' << record_format << '\t'
                                     << (identical ? "identical" : "DIFFERENT") << '\n';
}

}  // namespace pghaul::test
