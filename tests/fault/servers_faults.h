// What the tests share in which servers, their disks and their locks fail: copies between servers of the
// test's own choice, and how they have to end.
#pragma once

#include <algorithm>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "fault/judge.h"
#include "scenario/late_rows.h"
#include "scenario/stopping.h"
#include "support/message.h"

namespace pghaul::test {

// Connection strings of both sides.
struct Sides {
  std::string source, target;
};

class ServerFaults : public Stopping {
 protected:
  static constexpr int refused = 3, failed = 5;

  ServerFaults() : admin_{source_conninfo(), target_conninfo()}, copier_(admin_) {}

  Arguments arguments(const Arguments& more) const {
    Arguments all{"copy", "--source", copier_.source, "--target", copier_.target, "--table", profiles};
    if (std::find(more.begin(), more.end(), "--progress") == more.end())
      all.insert(all.end(), {"--progress", "none"});
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  ProgramResult run(const Arguments& more = {}) const { return run_pghaul(arguments(more), {}, 120s); }
  std::string admin_source(const std::string& sql) const { return run_psql(admin_.source, sql); }
  std::string admin_target(const std::string& sql) const { return run_psql(admin_.target, sql); }

  // public.profiles on the source; ids 3, 6, 9, …
  void make_rows(int rows, int first = 1, const std::string& note = "n") const {
    admin_source(
        fmt::format("CREATE TABLE IF NOT EXISTS public.profiles (id bigserial PRIMARY KEY, data jsonb);"
                    "INSERT INTO public.profiles SELECT g * 3, jsonb_build_object('name', '{2}' || g, "
                    "'about', repeat(md5(g::text), 2)) "
                    "FROM generate_series({0}, {0} + {1} - 1) g;"
                    "SELECT setval('public.profiles_id_seq', (SELECT max(id) FROM public.profiles)); ANALYZE "
                    "public.profiles",
                    first, rows, note));
  }
  int chunks_done_now() const {
    const auto found = try_psql(admin_.target, "SELECT count(*) FROM pghaul.chunk WHERE state = 'done'").out;
    return found.empty() ? 0 : std::stoi(found);
  }
  // A copy in the middle: `chunks` more are done, and some seconds' work is left.
  RunningProgram begin(const Arguments& more = {}, int chunks = 3) const {
    const auto before = chunks_done_now();
    Arguments slow{"--batch-bytes", "64kB", "--sleep", "200ms"};
    slow.insert(slow.end(), more.begin(), more.end());
    auto running = start_pghaul(arguments(slow));
    EXPECT_TRUE(wait_until([&] { return chunks_done_now() >= before + chunks; })) << running.err();
    return running;
  }
  // Running sessions go on.
  void expect_progress(RunningProgram& running, int chunks = 2) const {
    const auto before = chunks_done_now();
    EXPECT_TRUE(wait_until([&] { return chunks_done_now() >= before + chunks; })) << running.err();
  }
  void expect_clean() const {
    EXPECT_EQ(leftovers(admin_.source), "");
    EXPECT_EQ(leftovers(admin_.target), "");
  }
  // The outcome of a fault that passes.
  void expect_success(const ProgramResult& result) const {
    EXPECT_EQ(result.status, 0) << result;
    const auto difference = compare_rows(admin_.source, admin_.target, {"profiles"});
    EXPECT_TRUE(difference.equal()) << difference.lost << " rows lost, " << difference.doubled << " doubled\n"
                                    << result;
    expect_clean();
  }
  // The outcome of one that stays: a complete message with all of `words`, and nothing left behind.
  void expect_failure(const ProgramResult& result, int code, const std::vector<std::string>& words) const {
    EXPECT_EQ(result.status, code) << result;
    EXPECT_EQ(missing_parts(result), "") << result;
    for (const auto& word : words) EXPECT_THAT(result.err, HasSubstr(word)) << result;
    expect_clean();
  }
  void expect_completion(const Arguments& more = {}) const { expect_success(run(more)); }

  // Ends sessions of pghaul whose name has `role` in it.
  static std::string terminate_sql(const std::string& role = "") {
    return fmt::format(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
        "AND application_name LIKE 'pghaul % {}%'",
        role);
  }

  // For sessions of the test that stay open while it is judged: none of pghaul's.
  static std::string as_tester(const std::string& conninfo) { return conninfo + " application_name=tester"; }

  Sides admin_;   // as superuser: for the test itself
  Sides copier_;  // what pghaul is given
};

// What a server has logged so far.
inline std::string log_of(const pg::ThrowawayServer& server) {
  std::ifstream file(server.log_file());
  return {std::istreambuf_iterator<char>(file), {}};
}

inline int count_of(const std::string& text, const std::string& word) {
  int count = 0;
  for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++count;
  return count;
}

// The same server and role, another database.
inline std::string with_role(const pg::ThrowawayServer& server, const std::string& database,
                             const std::string& role, const std::string& password = "") {
  const auto conninfo = server.conninfo(database, role);
  return password.empty() ? conninfo : conninfo + " password=" + password;
}

}  // namespace pghaul::test
