// `pghaul demo`: a copy between two throwaway servers that is killed, resumed and compared.
#include <cstdio>
#include <filesystem>
#include <optional>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/duration.h"
#include "command/commands.h"
#include "command/demo_checks.h"
#include "command/demo_copy.h"
#include "command/demo_digest.h"
#include "command/demo_servers.h"
#include "command/demo_table.h"

namespace pghaul {
namespace demonstration {
namespace {

namespace fs = std::filesystem;

// Flushed at once, as children write to the same place.
template <typename... Args>
void say(fmt::format_string<Args...> format, Args&&... args) {
  const auto line = fmt::format(format, std::forward<Args>(args)...) + '\n';
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fflush(stdout);
}

// 1234567 as 1,234,567.
std::string grouped(std::int64_t number) {
  auto text = std::to_string(number);
  for (auto place = static_cast<std::ptrdiff_t>(text.size()) - 3; place > 0; place -= 3) {
    text.insert(static_cast<std::size_t>(place), ",");
  }
  return text;
}

class Stopwatch {
 public:
  std::string text() const {
    return format_duration(std::chrono::duration_cast<Duration>(Deadline::Clock::now() - begin_));
  }

 private:
  Deadline::Clock::time_point begin_ = Deadline::Clock::now();
};

// One demonstration; the steps in order. Threads: one.
class Show {
 public:
  Show(const DemoOptions& options, const std::string& bindir, const StopSource& stop)
      : options_(options), bindir_(bindir), stop_(stop) {}

  int run() {
    start_servers();
    bool equal = false;
    try {
      equal = run_steps();
    } catch (...) {
      clean_up();
      throw;
    }
    clean_up();
    return equal ? 0 : 1;
  }

 private:
  void start_servers();
  bool run_steps();
  void fill();
  void copy_and_kill();
  void tell_the_middle();
  void resume();
  bool compare();
  void clean_up();

  const DemoOptions& options_;
  const std::string bindir_;
  const StopSource& stop_;
  std::optional<Servers> servers_;
  std::optional<pg::Connection> stats_;
  FilledTable table_;
  std::optional<Program> program_;
  LedgerState killed_;
  std::string killed_at_;
};

void Show::start_servers() {
  const Stopwatch watch;
  say("1. Two PostgreSQL servers of our own, in temporary folders");
  servers_.emplace(stop_);
  stats_.emplace(servers_->connect_stats());
  const auto version = stats_->parameter("server_version");
  say("   PROD  on 127.0.0.1:{}, PostgreSQL {}", servers_->prod().port(), version);
  say("   STATS on 127.0.0.1:{}, PostgreSQL {}   ({})", servers_->stats().port(), version, watch.text());
}

bool Show::run_steps() {
  fill();
  copy_and_kill();
  tell_the_middle();
  resume();
  return compare();
}

void Show::fill() {
  const Stopwatch watch;
  say("\n2. A table on PROD: {}(id BIGSERIAL, data JSONB), {} rows, gaps in id", kTable, grouped(options_.rows));
  auto prod = servers_->connect_prod();
  table_ = make_profiles(prod, options_.rows);
  say("   {} rows, id from {} to {}, {}   ({})", grouped(table_.rows), table_.lowest_id, table_.highest_id,
      format_bytes(static_cast<double>(table_.heap_bytes)), watch.text());
}

void Show::copy_and_kill() {
  program_.emplace(options_.program, *servers_, table_, stop_);
  say("\n3. Copying it from PROD to STATS; killed with SIGKILL on the way");
  say("   The connection strings are in the environment, as PGHAUL_SOURCE and PGHAUL_TARGET.");
  say("   Small batches and a limited rate make sure that there is a middle, also on a fast machine.");
  say("   $ {}", program_->copy_command());
  const Stopwatch watch;
  program_->copy_and_kill(*stats_);
  say("   Killed after {}.", watch.text());
}

void Show::tell_the_middle() {
  killed_ = read_ledger(*stats_);
  killed_at_ = now_on(*stats_);
  const auto found = count_rows(*stats_);
  say("\n4. What is on STATS now");
  say("   ledger: {} chunks done, {} pending; {} of {} rows", killed_.chunks_done, killed_.chunks_pending,
      grouped(killed_.rows_done), grouped(table_.rows));
  say("   table:  {} rows", grouped(found));
  if (killed_.chunks_pending == 0 || killed_.rows_done >= table_.rows) {
    throw Error(ErrorKind::failed, "the kill did not come in the middle of the copy");
  }
  if (found != killed_.rows_done) throw Error(ErrorKind::failed, "the table and its ledger disagree").about(kTable);
  say("   $ {}", program_->status_command());
  program_->status();
}

void Show::resume() {
  say("\n5. Resuming: the same command again");
  say("   $ {}", program_->copy_command());
  const Stopwatch watch;
  program_->copy();
  const auto now = read_ledger(*stats_);
  const auto untouched = done_until(*stats_, killed_at_);
  say("   {} rows in {} chunks came in {}.", grouped(now.rows_done - untouched.rows_done),
      now.chunks_done - untouched.chunks_done, watch.text());
  say("   Of the {} chunks done before the kill, {} were done again.", killed_.chunks_done,
      killed_.chunks_done - untouched.chunks_done);
}

bool Show::compare() {
  const Stopwatch watch;
  say("\n6. Comparing both sides");
  say("   $ psql -c '{}' | sha256sum", kDigestedCopy);
  const auto psql = bindir_ + "/psql";
  Digest of_prod(psql, servers_->prod_environment()), of_stats(psql, servers_->stats_environment());
  const auto prod = of_prod.finish(stop_), stats = of_stats.finish(stop_);
  auto prod_session = servers_->connect_prod();
  say("   PROD  {} rows  {}", grouped(count_rows(prod_session)), prod);
  say("   STATS {} rows  {}", grouped(count_rows(*stats_)), stats);
  say("   {}   ({})", prod == stats ? "EQUAL" : "DIFFERENT", watch.text());
  return prod == stats;
}

void Show::clean_up() {
  say("\n7. Cleaning up");
  stats_.reset();
  const auto kept = options_.keep ? servers_->keep() : "";
  const auto folders = {servers_->prod().socket_directory(), servers_->stats().socket_directory()};
  servers_.reset();
  for (const auto& folder : folders) {
    if (fs::exists(folder)) say("   Could not remove {}.", folder);
  }
  if (options_.keep) {
    say("   Both servers are stopped; their data are in {0}/prod/data and {0}/stats/data,", kept);
    say("   the password of user postgres is in {}/password.", kept);
  } else {
    say("   Both servers are stopped and their folders removed.");
  }
}

}  // namespace
}  // namespace demonstration

int demo(const DemoOptions& options, StopSource& stop) {
  demonstration::check_rows(options.rows);
  const auto bindir = demonstration::required_bindir();
  demonstration::check_space(options.rows);
  demonstration::forget_environment();
  try {
    return demonstration::Show(options, bindir, stop).run();
  } catch (const Error&) {
    // Whatever broke because of the stop (a child, a query) is not the reason.
    if (!stop.requested()) throw;
    throw stopped_error(stop.reason()).safe("the demonstration's servers are stopped");
  }
}

}  // namespace pghaul
