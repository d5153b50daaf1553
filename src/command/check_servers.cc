#include "command/check_servers.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "command/finding_list.h"

namespace pghaul {
namespace {

constexpr int oldest_major = 14, newest_major = 18;

void check_version(FindingList& findings, std::string_view name, int version, bool allowed) {
  const int major = version / 10'000;
  if (major >= oldest_major && major <= newest_major) return;
  if (version <= 0) {
    return findings.error(fmt::format("the {} server gives no version that could be read", name),
                          "see whether that is a PostgreSQL server, and what stands between it and pghaul");
  }
  findings.unless(allowed,
                  fmt::format("the {} server has version {}.{}; pghaul is made for {} to {}", name, major,
                              version % 10'000, oldest_major, newest_major),
                  "use a server of these versions, or try it with --untested-version");
}

void check_line(FindingList& findings, std::string_view name, const pg::Connection& connection) {
  const auto risk = connection.line_risk();
  if (risk.empty()) return;
  findings.warning(
      fmt::format("{}: {}", name, risk),
      fmt::format("add to --{}: sslmode=verify-full sslrootcert=FILE (or sslrootcert=system)", name));
}

// A pooler gives its clients a process id of its own. In transaction mode, settings, advisory locks and
// snapshots would be those of whatever session comes next.
void check_direct(FindingList& findings, std::string_view name, pg::Connection& connection,
                  Deadline deadline) {
  const auto pid = connection.run("SELECT pg_catalog.pg_backend_pid()", deadline).int64(0, 0);
  if (pid == connection.backend_pid()) return;
  findings.error(fmt::format("a connection pooler stands between pghaul and the {} server", name),
                 "connect to the PostgreSQL server itself");
}

}  // namespace

void check_server_and_line(pg::Connection& connection, std::string_view name,
                           const catalog::ServerFacts& facts, const Allowed& allowed, Deadline deadline,
                           std::vector<Finding>& all) {
  FindingList findings(all, "");
  findings.on(connection);
  check_version(findings, name, facts.version_num, allowed.untested_version);
  check_line(findings, name, connection);
  check_direct(findings, name, connection, deadline);
}

void check_role(const pg::Connection& source, const catalog::ServerFacts& facts, std::vector<Finding>& all) {
  if (!facts.superuser) return;
  FindingList findings(all, "");
  findings.on(source).warning(fmt::format("the source role {} is a superuser", facts.role),
                              "a role with SELECT on the tables is enough");
}

void check_environment(std::vector<Finding>& all) {
  const auto names = pg::steering_environment();
  if (names.empty()) return;
  FindingList(all, "").warning(
      fmt::format("the environment changes where and how both sides are reached: {}", fmt::join(names, ", ")),
      "unset it, and say hostaddr= or options= in --source and --target");
}

bool is_same_database(const catalog::ServerFacts& source, const catalog::ServerFacts& target) {
  return source.system_identifier == target.system_identifier && source.database == target.database;
}

void refuse_same_database(const catalog::ServerFacts& facts, std::vector<Finding>& all) {
  FindingList(all, "").error(
      fmt::format("source and target are the same database {} of the same server", facts.database),
      "check --source and --target");
}

bool is_one_server(pg::Connection& source, pg::Connection& target, Deadline deadline) {
  constexpr auto sql = "SELECT pg_catalog.pg_postmaster_start_time()";
  return source.run(sql, deadline).text(0, 0) == target.run(sql, deadline).text(0, 0);
}

}  // namespace pghaul
