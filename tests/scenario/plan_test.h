// For scenarios about planning: what the program says, and what the source's server saw of it.
#pragma once

#include <fstream>
#include <iterator>

#include "scenario/copy_test.h"

namespace pghaul::test {

class PlanTest : public CopyTest {
 protected:
  // Nothing but this test writes on the servers, and statistics stay as they are.
  static void SetUpTestSuite() {
    for (auto* server : {&source_server(), &target_server()}) {
      run_psql(server->conninfo(), "ALTER SYSTEM SET autovacuum = off; SELECT pg_reload_conf()");
    }
  }

  ProgramResult plan(const Arguments& more = {}) const { return run_pghaul(command("plan", more)); }
  // Expects success; the whole document.
  nlohmann::json planned(Arguments more = {}) const {
    more.emplace_back("--json");
    const auto result = plan(more);
    EXPECT_EQ(result.status, 0) << result;
    return json_of(result);
  }
  nlohmann::json planned_table(const Arguments& more = {}) const { return planned(more).at("tables").at(0); }

  // New sessions of both databases log each statement; those of the source the plans of their queries, too.
  void log_everything() const {
    const auto both = fmt::format("ALTER DATABASE {} SET log_statement = 'all'", database());
    source_sql(both);
    target_sql(both);
    source_sql(fmt::format("ALTER DATABASE {0} SET session_preload_libraries = 'auto_explain';"
                           "ALTER DATABASE {0} SET auto_explain.log_min_duration = 0",
                           database()));
  }
  static std::string log_of(const pg::ThrowawayServer& server) {
    std::ifstream file(server.log_file());
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // What was added to a server's log while `work` ran.
  template <typename Work>
  static std::string logged(const pg::ThrowawayServer& server, const Work& work) {
    const auto before = log_of(server).size();
    work();
    return log_of(server).substr(before);
  }

  static double estimated_bytes(const nlohmann::json& table) {
    double bytes = 0;
    for (const auto& chunk : table["chunks"]) bytes += chunk["estimated_bytes"].get<double>();
    return bytes;
  }
  double source_bytes(const std::string& table = profiles) const {
    return std::stod(source_sql(fmt::format("SELECT pg_table_size('{}')", table)));
  }
};

}  // namespace pghaul::test
