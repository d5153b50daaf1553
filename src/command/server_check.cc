#include "command/server_check.h"

#include <fmt/format.h>

namespace pghaul {
namespace {

Error other_server(const pg::Connection& connection, const std::string& message) {
  return Error(ErrorKind::failed, message)
      .on(connection.side())
      .about(connection.label())
      .safe("nothing was read from it or written to it; every chunk finished before is kept");
}

// Ports, addresses and names move; what was copied belongs to one server, and to one history of it.
void check_server(pg::Connection& connection, const catalog::ServerFacts& expected, bool any_timeline,
                  Duration patience) {
  const auto found = catalog::read_server_facts(connection, Deadline::after(patience));
  if (found.system_identifier != expected.system_identifier || found.database_oid != expected.database_oid) {
    throw other_server(connection,
                       fmt::format("another server or database answers than at the start of the run: system "
                                   "identifier {}, not {}",
                                   found.system_identifier, expected.system_identifier))
        .advise(
            "see to it that the connection string leads to the server of before, and run the same command "
            "again");
  }
  if (any_timeline || found.timeline == expected.timeline) return;
  throw other_server(connection, failover_text(expected.timeline, found.timeline)).advise(failover_advice);
}

}  // namespace

std::function<void(pg::Connection&)> server_check(const std::optional<catalog::ServerFacts>& expected,
                                                  bool any_timeline, Duration patience) {
  if (!expected) return nullptr;
  return [facts = *expected, any_timeline, patience](pg::Connection& connection) {
    check_server(connection, facts, any_timeline, patience);
  };
}

std::string failover_text(std::int64_t before, std::int64_t now) {
  return fmt::format(
      "the source has failed over or was restored since the copy began (timeline {} then, {} now): rows "
      "may have been copied that it no longer has",
      before, now);
}

}  // namespace pghaul
