// A copy, or a comparison, to which something happens: from a seed to a verdict.
#pragma once

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "fault/cutting_proxy.h"
#include "fault/random.h"
#include "fault/workload.h"
#include "support/program.h"
#include "support/servers.h"

namespace pghaul::test {

struct Verdict {
  std::uint64_t seed = 0;
  std::string kind;
  std::vector<std::string> notes;     // what was done to it, in order
  std::vector<std::string> problems;  // empty: survived
  int starts = 0;                     // of pghaul
  int faults = 0;                     // that struck
  int unexplained_exits = 0;          // codes that this fault does not excuse
  std::int64_t rows = 0, lost = 0, doubled = 0;
  std::chrono::milliseconds took{};

  bool good() const { return problems.empty(); }
};
std::ostream& operator<<(std::ostream& stream, const Verdict& verdict);

class FaultRun;

// One pghaul process of a run. The run must outlive it; killed when destroyed.
class FaultedProcess {
 public:
  void signal(int number) { program_.process().signal(number); }
  pid_t pid() { return program_.process().pid(); }
  std::string err() const { return program_.err(); }
  bool ended() { return program_.process().wait(Deadline::after(std::chrono::milliseconds(0))).has_value(); }
  // Waits for its end and judges it: the exit code is one of these, where 0 stands for being through
  // (FaultRun::through()), and the message is complete. Of a copy the target holds exactly the rows of the chunks
  // that the ledger calls done; of a comparison all that it says is so. One that still runs after `bound` is
  // killed: a problem.
  ProgramResult finish(const std::set<int>& allowed, std::chrono::milliseconds bound = std::chrono::seconds(60));

 private:
  friend class FaultRun;
  FaultedProcess(FaultRun& run, RunningProgram program) : run_(run), program_(std::move(program)) {}

  FaultRun& run_;
  RunningProgram program_;
};

// Two databases of its own on source_server() and target_server(), a workload, and a proxy before each server, if
// asked for. Not a gtest fixture, so that the soak can play it, too. Threads: one at a time.
// This one copies; VerifyRun compares, under the same faults.
class FaultRun {
 public:
  static constexpr int killed = 128 + 9;

  explicit FaultRun(std::uint64_t seed);
  virtual ~FaultRun();
  FaultRun(const FaultRun&) = delete;
  FaultRun& operator=(const FaultRun&) = delete;

  // A stream of numbers for a purpose: always the same for the same seed.
  Random random(std::string_view purpose) const { return Random(verdict_.seed).stream(purpose); }

  // Creates the tables. To be called once, before the first start.
  virtual void use(const Workload& workload);
  const Workload& workload() const { return workload_; }
  // From now on pghaul goes through it.
  CuttingProxy& source_proxy();
  CuttingProxy& target_proxy();

  std::string source_conninfo() const { return source_server().conninfo(database_); }
  std::string target_conninfo() const { return target_server().conninfo(database_); }
  std::string source_sql(const std::string& sql) const { return run_psql(source_conninfo(), sql); }
  std::string target_sql(const std::string& sql) const { return run_psql(target_conninfo(), sql); }
  const std::string& database() const { return database_; }

  // pghaul with the workload's tables; later options win.
  FaultedProcess start(const Arguments& more = {}, const Environment& environment = {});
  ProgramResult once(const std::set<int>& allowed, const Arguments& more = {}, const Environment& environment = {}) {
    return start(more, environment).finish(allowed);
  }
  // Exit code of one that is through.
  virtual int through() const { return 0; }
  // Chunks recorded as done; 0 also where there is no record yet, or no server.
  virtual std::int64_t chunks_done() const;
  // Those that it may meet.
  virtual const std::vector<std::string_view>& failpoints() const;
  // False: it was not so within `patience`.
  bool wait_for_chunks(std::int64_t least, std::chrono::milliseconds patience = std::chrono::seconds(20)) const;

  // For the verdict: a fault has struck; something was done; something is wrong.
  template <typename... Values>
  void strike(fmt::format_string<Values...> text, Values&&... values) {
    ++verdict_.faults;
    verdict_.notes.push_back(fmt::format(text, std::forward<Values>(values)...));
  }
  template <typename... Values>
  void note(fmt::format_string<Values...> text, Values&&... values) {
    verdict_.notes.push_back(fmt::format(text, std::forward<Values>(values)...));
  }
  template <typename... Values>
  void problem(fmt::format_string<Values...> text, Values&&... values) {
    verdict_.problems.push_back(fmt::format(text, std::forward<Values>(values)...));
  }
  // Options of the last, undisturbed run, where the fault makes some necessary.
  void finish_with(const Arguments& more) { final_options_ = more; }

  // Nothing disturbs any more: one more run must be through, the outcome be right, and nothing be left behind.
  void expect_recovery();
  std::uint64_t seed() const { return verdict_.seed; }
  Verdict& verdict() { return verdict_; }

 protected:
  void keep(const Workload& workload);
  // The verb and the options that it needs.
  virtual Arguments command() const { return {"copy", "--late-wait", "2s"}; }
  // What a process has done, however it ended.
  virtual void judge_work(const ProgramResult& result);
  // After the last run.
  virtual void judge_outcome();
  static constexpr auto source_role = "hauler", target_role = "loader";

 private:
  friend class FaultedProcess;

  void judge(const ProgramResult& result, const std::set<int>& allowed);
  void expect_nothing_left();
  void expect_rows_of_done_chunks();
  void expect_equal();
  void expect_complete_ledger();

  const std::string database_;
  Verdict verdict_;
  Workload workload_;
  Arguments final_options_;
  int running_ = 0;  // processes
  std::unique_ptr<CuttingProxy> source_proxy_, target_proxy_;
};

}  // namespace pghaul::test
