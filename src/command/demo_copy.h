// The copies of the demonstration: the program itself, run as anybody would run it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/stop.h"
#include "base/subprocess.h"
#include "command/demo_servers.h"
#include "command/demo_table.h"

namespace pghaul::demonstration {

// What the ledger's view says of the table copy.
struct LedgerState {
  std::int64_t chunks_done = 0, chunks_pending = 0, rows_done = 0, bytes_done = 0;
};

// Zeros while there is no ledger yet.
LedgerState read_ledger(pg::Connection& stats);
// Of the chunks marked done until `time`, a time on STATS: how many, and how many rows.
LedgerState done_until(pg::Connection& stats, const std::string& time);
std::string now_on(pg::Connection& stats);

// The commands, with the connection strings in the environment. Threads: one. Errors: failed, stopped.
class Program {
 public:
  // `program` is pghaul; `facts` of the table choose sizes that make a hundred chunks and some seconds.
  Program(std::string program, const Servers& servers, const FilledTable& table, const StopSource& stop);

  // As one would type it.
  std::string copy_command() const { return shown(copy_arguments_); }
  std::string status_command() const { return shown(status_arguments_); }

  // Starts the copy and ends it with SIGKILL when about two fifths of the rows are on STATS; returns when the servers
  // have noticed. Errors: failed, if the copy ended by itself.
  void copy_and_kill(pg::Connection& stats);
  // Runs the same command to its end. Errors: failed, with its exit code.
  void copy();
  void status();

 private:
  static std::string shown(const std::vector<std::string>& arguments);
  ProcessOptions options(const std::vector<std::string>& arguments) const;
  void run(const std::vector<std::string>& arguments);
  void wait_for_the_middle(Process& copying, pg::Connection& stats);

  const std::string program_;
  const Environment environment_;
  const StopSource& stop_;
  const std::int64_t rows_;
  std::vector<std::string> copy_arguments_, status_arguments_;
};

}  // namespace pghaul::demonstration
