// A comparison, step by step.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "command/commands.h"
#include "command/stage_watch.h"
#include "command/verify_table.h"
#include "diff/compare_chunks.h"
#include "diff/row_reader.h"

namespace pghaul {

// One run of `pghaul verify`. Threads: used by one; starts those of the pipeline. A value that lives as long
// as the run.
class VerifyJob {
 public:
  VerifyJob(const VerifyOptions& options, StopSource& stop, CopyObserver& observer);

  // All of it, in order. Errors: see verify().
  void run();
  // Everything known so far; also after an error.
  VerifyReport report() const;
  const Sessions& sessions() const { return sessions_; }

 private:
  // Rows of one table that have to be looked at again.
  struct Suspects {
    VerifyTable* table = nullptr;
    std::vector<UnequalChunk> chunks;  // not looked into yet
    std::vector<UnequalChunk> looked;  // in this pass, that are read again as they are
    Settling keyed, hashed, counted;   // by key, by hash, and with --counts by chunk
    RowStates keyed_in_motion, hashed_in_motion, counted_in_motion;  // of earlier passes
    std::int64_t confirmed() const;
    std::int64_t open() const;
  };

  // Steps of run(), in their order.
  void open_sessions();
  void check_servers();
  void inspect();
  void open_record();
  void plan_tables();
  void check_indexes();
  void compare_chunks();
  void check_partitions();
  void find_rows();
  void describe_rows();
  void remove_record();

  pg::SessionOptions session(Side side, const std::string& role) const;
  void read_facts(TableJob& job);
  void check_index_of(Side side, VerifyTable& table);

  // Steps of find_rows().
  bool look_into_chunks(Suspects& suspects);
  void look_into(Suspects& suspects, const UnequalChunk& chunk);
  RowStates read_states(const UnequalChunk& chunk);
  RowStates read_counts(const UnequalChunk& chunk);
  std::vector<UnequalChunk> pieces(const UnequalChunk& chunk);
  RowStates read_states(const VerifyTable& table, const RowStates& keys);
  void look_again(Suspects& suspects);
  void settle(std::vector<Suspects>& all);
  void name_columns(VerifyTable& table);
  void describe(const Suspects& suspects) const;
  std::string state_of(const Suspects& suspects) const;
  void tick();

  const VerifyOptions options_;
  StopSource& stop_;
  CopyObserver& observer_;
  const Deadline::Clock::time_point started_;
  Sessions sessions_;
  RetryPolicy retry_;

  std::optional<pg::Connection> source_, target_;  // for control
  Servers servers_;
  ComparisonRecord record_;
  std::deque<VerifyTable> tables_;
  std::vector<Finding> findings_;
  Progress progress_;
  StageWatch stages_;
  std::unique_ptr<Comparison> comparison_;
  std::deque<Sample> samples_;  // of the tables
  std::unique_ptr<RowReader> source_rows_, target_rows_;
  std::vector<Suspects> suspects_;
};

}  // namespace pghaul
