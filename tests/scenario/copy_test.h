// What the scenarios share: the built program between two databases, judged by the oracle.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "support/oracle.h"
#include "support/program.h"
#include "support/servers.h"

namespace pghaul::test {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

// Asks until it is true. False: it was not within `patience`.
template <typename Question>
bool wait_until(const Question& is_true, std::chrono::milliseconds patience = 30s) {
  const auto deadline = Deadline::after(patience);
  while (!is_true()) {
    if (deadline.expired()) return false;
    std::this_thread::sleep_for(10ms);
  }
  return true;
}

inline nlohmann::json json_of(const ProgramResult& result) {
  const auto document = nlohmann::json::parse(result.out, nullptr, false);
  if (document.is_discarded()) ADD_FAILURE() << "not JSON: " << result;
  return document;
}

class CopyTest : public ServersTest {
 protected:
  static constexpr auto profiles = "public.profiles";

  // A verb of pghaul between the two databases, without progress, for public.profiles unless `more` names tables.
  Arguments command(const std::string& verb, const Arguments& more) const {
    Arguments arguments{verb, "--source", source_conninfo(), "--target", target_conninfo()};
    bool table = false, progress = false;
    for (const auto& argument : more) {
      table = table || argument == "--table";
      progress = progress || argument == "--progress";
    }
    if (!table) arguments.insert(arguments.end(), {"--table", profiles});
    if (!progress) arguments.insert(arguments.end(), {"--progress", "none"});
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  ProgramResult copy(const Arguments& more = {}, const Environment& environment = {}) const {
    return run_pghaul(command("copy", more), environment, 120s);
  }
  RunningProgram start_copy(const Arguments& more = {}, const Environment& environment = {}) const {
    return start_pghaul(command("copy", more), environment);
  }
  ProgramResult status(const Arguments& more = {}) const {
    Arguments arguments{"status", "--target", target_conninfo()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_pghaul(arguments);
  }
  // Expects success; the report.
  nlohmann::json copied(Arguments more = {}, const Environment& environment = {}) const {
    more.emplace_back("--json");
    const auto result = copy(more, environment);
    EXPECT_EQ(result.status, 0) << result;
    return json_of(result);
  }
  // Expects exit code 4; the report.
  nlohmann::json stopped(Arguments more, const Environment& environment = {}) const {
    more.emplace_back("--json");
    const auto result = copy(more, environment);
    EXPECT_EQ(result.status, 4) << result;
    return json_of(result);
  }

  // public.profiles on the source: gaps in id, fresh statistics, about 130 bytes a row.
  void make_profiles(int rows, int first = 1) const {
    source_sql("CREATE TABLE IF NOT EXISTS public.profiles (id bigserial PRIMARY KEY, data jsonb)");
    add_profiles(rows, first);
    source_sql("CREATE INDEX IF NOT EXISTS profiles_name ON public.profiles ((data ->> 'name')); ANALYZE public.profiles");
  }
  // Row number n has id 3 n.
  void add_profiles(int rows, int first) const {
    source_sql(fmt::format(
        "INSERT INTO public.profiles SELECT g * 3, jsonb_build_object('name', 'n' || g, 'about', repeat(md5(g::text), 2)) "
        "FROM generate_series({0}, {0} + {1} - 1) g; "
        "SELECT setval('public.profiles_id_seq', (SELECT max(id) FROM public.profiles))",
        first, rows));
  }
  std::string digest(const std::string& conninfo, const std::string& table, const std::string& key) const {
    return table_digest(conninfo, fmt::format("SELECT * FROM {} AS t ORDER BY t.{}", table, key));
  }
  void expect_equal(const std::string& table = profiles, const std::string& key = "id") const {
    EXPECT_EQ(digest(source_conninfo(), table, key), digest(target_conninfo(), table, key)) << table;
  }
  // "binary" or "text", by the names of the tables that were copied.
  std::map<std::string, std::string> record_formats() const {
    std::map<std::string, std::string> formats;
    std::istringstream lines(target_sql("SELECT DISTINCT source_table, split_part(record_format, ' ', 1) FROM "
                                        "pghaul.finished_chunks"));
    for (std::string name, format; std::getline(lines, name, '|') && std::getline(lines, format);) formats[name] = format;
    return formats;
  }
  // Names of the target table's indexes.
  std::string target_indexes(const std::string& table = "profiles") const {
    return target_sql(fmt::format("SELECT string_agg(indexname, ',' ORDER BY indexname) FROM pg_indexes "
                                  "WHERE tablename = '{}' AND schemaname = 'public'",
                                  table));
  }
  std::string chunks_done() const {
    return try_psql(target_conninfo(), "SELECT count(*) FROM pghaul.chunk WHERE state = 'done'").out;
  }
  bool some_chunks_done(int least = 1) const {
    const auto found = chunks_done();
    return !found.empty() && std::stoi(found) >= least;
  }
  // Sessions of ours on both servers, in this test's databases.
  int sessions_left() const {
    const auto sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'pghaul%' AND datname = "
                     "current_database()";
    return std::stoi(source_sql(sql)) + std::stoi(target_sql(sql));
  }
  // The servers need a moment to see that a client is gone; one that still works for it would be seen for longer.
  void expect_no_session_left() const {
    const auto activity =
        "SELECT application_name, state, query FROM pg_stat_activity WHERE application_name LIKE 'pghaul%'";
    EXPECT_TRUE(wait_until([&] { return sessions_left() == 0; }, 10s)) << source_sql(activity) << target_sql(activity);
  }
};

}  // namespace pghaul::test
