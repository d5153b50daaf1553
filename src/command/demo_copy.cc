#include "command/demo_copy.h"

#include <algorithm>

#include <signal.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "command/demo_digest.h"

namespace pghaul::demonstration {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kMega = 1'000'000;

std::string size_text(std::int64_t bytes) {
  if (bytes % kMega == 0) return fmt::format("{}MB", bytes / kMega);
  return fmt::format("{}kB", std::max<std::int64_t>(1, bytes / 1000));
}

std::int64_t rounded(std::int64_t bytes) { return bytes < 10 * kMega ? bytes : bytes / kMega * kMega; }

// About a hundred chunks, so that there is a middle to be killed in.
std::string batch_bytes(const FilledTable& table) {
  return size_text(std::clamp<std::int64_t>(table.heap_bytes / 100, 64'000, 2 * kMega));
}

// However fast the machine is, the copy takes some seconds.
std::string max_rate(const FilledTable& table) {
  return size_text(rounded(std::max<std::int64_t>(table.heap_bytes / 6, 100'000))) + "/s";
}

LedgerState state_of(const pg::Result& result) {
  if (result.rows() == 0) return {};
  return {result.int64(0, 0), result.int64(0, 1), result.int64(0, 2), result.int64(0, 3)};
}

// The servers see that the client is gone when they next read from it or write to it.
void wait_until_gone(pg::Connection& stats, const StopSource& stop) {
  const auto deadline = Deadline::after(30s);
  const auto count =
      "SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity WHERE application_name LIKE 'pghaul%'";
  while (stats.run(count, deadline).int64(0, 0) > 0) {
    stop.throw_if_requested();
    if (deadline.expired()) throw Error(ErrorKind::failed, "sessions of the killed copy stay").on(Side::target);
    stop.sleep_for(20ms);
  }
}

}  // namespace

LedgerState read_ledger(pg::Connection& stats) {
  const auto deadline = Deadline::after(60s);
  const auto exists = "SELECT pg_catalog.to_regclass('pghaul.table_copy_progress') IS NOT NULL";
  if (!stats.run(exists, deadline).boolean(0, 0)) return {};
  const auto sql = "SELECT chunks_done, chunks_pending, rows_done, bytes_done FROM pghaul.table_copy_progress";
  return state_of(stats.run(sql, deadline));
}

LedgerState done_until(pg::Connection& stats, const std::string& time) {
  const auto sql =
      "SELECT pg_catalog.count(*), 0, pg_catalog.sum(rows)::bigint, pg_catalog.sum(bytes)::bigint "
      "FROM pghaul.finished_chunks WHERE done_at <= $1::timestamptz";
  return state_of(stats.query(sql, {time}, Deadline::after(60s)));
}

std::string now_on(pg::Connection& stats) {
  return std::string(stats.run("SELECT pg_catalog.clock_timestamp()", Deadline::after(60s)).text(0, 0));
}

Program::Program(std::string program, const Servers& servers, const FilledTable& table, const StopSource& stop)
    : program_(std::move(program)),
      environment_{{"PGHAUL_SOURCE", servers.prod_conninfo()}, {"PGHAUL_TARGET", servers.stats_conninfo()}},
      stop_(stop),
      rows_(table.rows),
      copy_arguments_{"copy", "--table", kTable, "--batch-bytes", batch_bytes(table), "--max-rate", max_rate(table),
                      "--progress", "plain"},
      status_arguments_{"status"} {}

std::string Program::shown(const std::vector<std::string>& arguments) {
  return fmt::format("pghaul {}", fmt::join(arguments, " "));
}

ProcessOptions Program::options(const std::vector<std::string>& arguments) const {
  ProcessOptions options;
  options.argv = {program_};
  options.argv.insert(options.argv.end(), arguments.begin(), arguments.end());
  options.environment = environment_;
  options.new_session = true;  // Ctrl-C is for us
  options.parent_death_signal = SIGTERM;
  return options;
}

void Program::copy_and_kill(pg::Connection& stats) {
  Process copying(options(copy_arguments_));
  wait_for_the_middle(copying, stats);
  copying.signal(SIGKILL);
  wait_for(copying, stop_);
  wait_until_gone(stats, stop_);
}

void Program::wait_for_the_middle(Process& copying, pg::Connection& stats) {
  while (read_ledger(stats).rows_done < rows_ * 2 / 5) {
    stop_.throw_if_requested();
    const auto status = copying.wait(Deadline::after(20ms));
    if (!status) continue;
    if (*status == 0) throw Error(ErrorKind::failed, "the copy was over before it could be killed in the middle");
    throw Error(ErrorKind::failed, fmt::format("the copy ended with exit code {}; what it said is above", *status));
  }
}

void Program::run(const std::vector<std::string>& arguments) {
  Process process(options(arguments));
  const int status = wait_for(process, stop_);
  if (status == 0) return;
  throw Error(ErrorKind::failed,
              fmt::format("'pghaul {}' ended with exit code {}; what it said is above", arguments[0], status));
}

void Program::copy() { run(copy_arguments_); }
void Program::status() { run(status_arguments_); }

}  // namespace pghaul::demonstration
