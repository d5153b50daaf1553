// The ledger of a copy between users' Databases: ranges of ids, recorded in a ProgressStore.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/call_thread.h"
#include "base/duration.h"
#include "ledger/ledger.h"
#include "ledger/range_progress.h"
#include "pghaul/error.h"
#include "pghaul/progress_store.h"

namespace pghaul {

// Rows and mark are not one transaction here: a range is marked after its rows were saved, so one whose mark is lost is
// saved again. Threads: safe. Errors: those of the store, which is not asked again after one: whether its last record is
// there only the next open() can tell.
class RangeLedger : public Ledger {
 public:
  RangeLedger(std::shared_ptr<ProgressStore> store, Duration call_timeout, Deadline whole);
  // Closes the store.
  ~RangeLedger() override;

  // Reads what earlier processes recorded. Errors: refused, when it is the record of another copy, or in use.
  void open(const std::string& copy);

  // Of the state, between calls that change it.
  const RangeProgress& progress() const { return progress_; }

  void start_generation(bool clear_first);
  void note_cleared();
  // `range` is what this run takes anew.
  void start_round(std::uint64_t up_to, IdRange range);

  // Whether the range is still to be written. Asked before its rows are saved.
  MarkOutcome state_of(const Mark& mark) const;
  // Records it as done.
  MarkOutcome mark_done(const Mark& mark);

  std::vector<Chunk> split(const Chunk& parent, const std::vector<Chunk>& children) override;
  void note_failed_attempt(const Chunk&, std::string_view) noexcept override {}
  std::vector<Chunk> pending_chunks() override;
  void check_ownership() override {}
  Mark mark_for(const Chunk& chunk) const override;

 private:
  MarkOutcome outcome_of(const Mark& mark) const;
  void record(const std::string& text);
  void shorten();
  // Runs `work` on the store's thread.
  void call(const std::function<void(ProgressStore&, const Deadline&)>& work);

  const std::shared_ptr<ProgressStore> store_;
  const std::string name_;
  const Duration call_timeout_;
  const Deadline whole_;
  mutable std::mutex mutex_;
  // Guarded by mutex_:
  std::unique_ptr<CallThread> thread_;
  RangeProgress progress_;
  std::size_t records_ = 0;
  std::optional<Error> broken_;
};

}  // namespace pghaul
