#include "support/servers.h"

#include <cctype>
#include <cstdlib>
#include <functional>

#include <fmt/format.h>

#include "pghaul/error.h"

namespace pghaul::test {
namespace {

class StartedServer : public pg::ThrowawayServer {
 public:
  explicit StartedServer(const char* bindir_variable) : ThrowawayServer(options_of(bindir_variable)) { start(); }

 private:
  static pg::ThrowawayOptions options_of(const char* bindir_variable) {
    pg::ThrowawayOptions options;
    if (const char* const bindir = std::getenv(bindir_variable)) options.bindir = bindir;
    return options;
  }
};

// Database names hold 63 bytes; the hash keeps long test names apart.
std::string database_name() {
  const auto* const test = testing::UnitTest::GetInstance()->current_test_info();
  const auto full = fmt::format("{}_{}", test->test_suite_name(), test->name());
  std::string name = "t_";
  for (const char c : full.substr(0, 44)) {
    name += std::isalnum(static_cast<unsigned char>(c)) ? static_cast<char>(std::tolower(c)) : '_';
  }
  return fmt::format("{}_{:08x}", name, std::hash<std::string>{}(full) & 0xffffffff);
}

}  // namespace

pg::ThrowawayServer& source_server() {
  static StartedServer server("PGHAUL_TEST_SOURCE_BINDIR");
  return server;
}

pg::ThrowawayServer& target_server() {
  static StartedServer server("PGHAUL_TEST_TARGET_BINDIR");
  return server;
}

ProcessOptions psql_options(const std::string& conninfo) {
  ProcessOptions options;
  options.argv = {pg::find_postgres_bindir() + "/psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", conninfo};
  options.environment = {{"PGCLIENTENCODING", "UTF8"}, {"PGCONNECT_TIMEOUT", "10"}};
  return options;
}

ProgramResult try_psql(const std::string& conninfo, const std::string& sql) {
  const MemoryFile input(sql);
  auto options = psql_options(conninfo);
  options.stdin_file = input.path();
  return run_program(options, std::chrono::minutes(5));
}

std::string run_psql(const std::string& conninfo, const std::string& sql) {
  auto result = try_psql(conninfo, sql);
  if (result.status != 0) {
    throw Error(ErrorKind::failed, fmt::format("psql ended with {}: {}in: {}", result.status, result.err, sql));
  }
  if (result.out.ends_with('\n')) result.out.pop_back();
  return result.out;
}

void make_databases(const std::string& name) {
  for (auto* server : {&source_server(), &target_server()}) {
    run_psql(server->conninfo(), fmt::format("DROP DATABASE IF EXISTS {0} WITH (FORCE); CREATE DATABASE {0};", name));
  }
}

void drop_databases(const std::string& name) {
  for (auto* server : {&source_server(), &target_server()}) {
    if (server->running()) try_psql(server->conninfo(), fmt::format("DROP DATABASE {} WITH (FORCE)", name));
  }
}

ServersTest::ServersTest() : database_(database_name()) { make_databases(database_); }

ServersTest::~ServersTest() { drop_databases(database_); }

bool ServersTest::same_version() const {
  const auto version = "SELECT current_setting('server_version_num')::int / 10000";
  return source_sql(version) == target_sql(version);
}

}  // namespace pghaul::test
