#include "command/server_check.h"

#include <fmt/format.h>

#include "source/standby.h"

namespace pghaul {
namespace {

Error other_server(const pg::Connection& connection, const std::string& message) {
  return Error(ErrorKind::failed, message)
      .on(connection.side())
      .about(connection.label())
      .safe("nothing was read from it or written to it; every chunk finished before is kept");
}

Error behind(const pg::Connection& connection, const std::string& message) {
  return Error(ErrorKind::connection_lost, message).on(connection.side()).about(connection.label());
}

// A standby may lag behind what the copy knows of its rows: another one than before, or the same after its
// restart, which begins with what was flushed there.
void check_position(pg::Connection& connection, const ExpectedServer& server, Duration patience) {
  if (!server.facts.in_recovery) {
    throw behind(connection, "a standby answers where a primary did at the start of the run")
        .advise("add target_session_attrs=primary to the connection string, and run the same command again");
  }
  if (server.replayed.empty() || has_replayed(connection, server.replayed, Deadline::after(patience))) return;
  throw behind(connection,
               fmt::format("the standby has not replayed WAL up to {} yet, from where on this run reads",
                           server.replayed))
      .advise("see whether it follows its primary, and run the same command again");
}

// Ports, addresses and names move; what was copied belongs to one server, and to one history of it.
void check_server(pg::Connection& connection, const ExpectedServer& server, Duration patience) {
  const auto& expected = server.facts;
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
  if (!server.any_timeline && found.timeline != expected.timeline) {
    throw other_server(connection, failover_text(expected.timeline, found.timeline)).advise(failover_advice);
  }
  if (connection.side() == Side::source && found.in_recovery) check_position(connection, server, patience);
}

}  // namespace

std::function<void(pg::Connection&)> server_check(const std::optional<ExpectedServer>& expected,
                                                  Duration patience) {
  if (!expected) return nullptr;
  return [server = *expected, patience](pg::Connection& connection) {
    check_server(connection, server, patience);
  };
}

std::string failover_text(std::int64_t before, std::int64_t now) {
  return fmt::format(
      "the source has failed over or was restored since the copy began (timeline {} then, {} now): rows "
      "may have been copied that it no longer has",
      before, now);
}

}  // namespace pghaul
