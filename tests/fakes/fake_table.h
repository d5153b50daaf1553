// A table in memory: its rows at the source, its ledger, and what is durable on the target. The pipeline's three
// interfaces on top of it are here and in fake_source.h and fake_sink.h.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/ledger.h"
#include "pghaul/error.h"

namespace pghaul::test {

// Called at named places of the fakes; throws to make them fail there. Threads: called from all of them at once.
using Hook = std::function<void(std::string_view place, const Chunk& chunk)>;

inline Error transient_error(Side side) { return Error(ErrorKind::transient, "a passing trouble").on(side); }
inline Error lost_error(Side side) { return Error(ErrorKind::connection_lost, "the line was cut").on(side); }
inline Error permanent_error(Side side) { return Error(ErrorKind::failed, "no way").on(side); }
inline Error timeout_error(Side side) {
  return Error(ErrorKind::transient, "canceling statement due to statement timeout").on(side).with_sqlstate("57014");
}
inline Error conflict_error(std::string code = "40001") {
  return Error(ErrorKind::transient, "canceling statement due to conflict with recovery")
      .on(Side::source)
      .with_sqlstate(std::move(code));
}

// Rows are `key<TAB>padding<NEWLINE>`. Mark and rows become durable under one mutex, and a marked row stays locked
// until its transaction ends: what PostgreSQL does for PgSink. Threads: safe.
class FakeTable : public Ledger {
 public:
  FakeTable(std::vector<std::int64_t> keys, std::vector<Chunk> chunks) : keys_(std::move(keys)) {
    std::sort(keys_.begin(), keys_.end());
    for (auto& chunk : chunks) store(std::move(chunk));
  }

  // ---- At the source ---------------------------------------------------------------------------
  std::vector<std::int64_t> keys_in(const ChunkRange& range) const {
    const auto bound = [&](const std::optional<std::string>& text, std::int64_t otherwise) {
      return std::lower_bound(keys_.begin(), keys_.end(), text ? std::stoll(*text) : otherwise);
    };
    return {bound(range.lower, INT64_MIN), range.upper ? bound(range.upper, 0) : keys_.end()};
  }
  // Bytes of a row, its newline included.
  std::function<std::size_t(std::int64_t key)> row_bytes = [](std::int64_t) { return 100; };

  // ---- Transactions of sinks -------------------------------------------------------------------
  // `written`: the row is locked until commit() or roll_back(). Waits while another one holds it; 55P03 after that.
  MarkOutcome begin(const Mark& mark) {
    std::unique_lock lock(mutex_);
    auto& row = chunks_.at(mark.chunk);
    if (!changed_.wait_for(lock, lock_timeout, [&] { return !row.locked; })) {
      throw Error(ErrorKind::transient, "lock timeout").on(Side::target).with_sqlstate("55P03");
    }
    if (mark.epoch != epoch_) return MarkOutcome::fenced;
    if (row.state == "done") return MarkOutcome::already_done;
    if (row.state == "split") return MarkOutcome::split;
    row.locked = true;
    return MarkOutcome::written;
  }
  void commit(const Mark& mark, const std::vector<std::int64_t>& keys) {
    const std::lock_guard lock(mutex_);
    auto& row = chunks_.at(mark.chunk);
    for (const auto key : keys) target_.push_back(key);
    row.state = "done";
    row.attempts = mark.attempts;
    row.locked = false;
    changed_.notify_all();
  }
  void roll_back(const Mark& mark) {
    const std::lock_guard lock(mutex_);
    chunks_.at(mark.chunk).locked = false;
    changed_.notify_all();
  }

  // ---- For tests to look at --------------------------------------------------------------------
  const std::vector<std::int64_t>& source_keys() const { return keys_; }
  std::vector<std::int64_t> target_keys() const {
    const std::lock_guard lock(mutex_);
    auto keys = target_;
    std::sort(keys.begin(), keys.end());
    return keys;
  }
  std::string state_of(std::int64_t chunk) const {
    const std::lock_guard lock(mutex_);
    return chunks_.at(chunk).state;
  }
  std::int64_t count(std::string_view state) const {
    const std::lock_guard lock(mutex_);
    return std::count_if(chunks_.begin(), chunks_.end(), [&](const auto& row) { return row.second.state == state; });
  }
  int most_attempts() const {
    const std::lock_guard lock(mutex_);
    int most = 0;
    for (const auto& [no, row] : chunks_) most = std::max(most, row.attempts);
    return most;
  }
  std::vector<std::string> failures() const {
    const std::lock_guard lock(mutex_);
    return failures_;
  }
  // One more chunk, pending; with its number.
  Chunk add(Chunk chunk) {
    const std::lock_guard lock(mutex_);
    return store(std::move(chunk));
  }
  void take_over() {
    const std::lock_guard lock(mutex_);
    ++epoch_;
  }

  // ---- Ledger ----------------------------------------------------------------------------------
  std::vector<Chunk> split(const Chunk& parent, const std::vector<Chunk>& children) override {
    const std::lock_guard lock(mutex_);
    auto& row = chunks_.at(parent.no);
    std::vector<Chunk> stored;
    if (row.state == "pending") {
      row.state = "split";
      for (const auto& child : children) stored.push_back(store(child));
      return stored;
    }
    for (const auto& [no, other] : chunks_) {
      if (other.chunk.parent == parent.no && other.state == "pending") stored.push_back(other.chunk);
    }
    return stored;
  }
  void note_failed_attempt(const Chunk&, std::string_view error) noexcept override {
    const std::lock_guard lock(mutex_);
    failures_.emplace_back(error);
  }
  std::vector<Chunk> pending_chunks() override {
    const std::lock_guard lock(mutex_);
    std::vector<Chunk> pending;
    for (const auto& [no, row] : chunks_) {
      if (row.state == "pending") pending.push_back(row.chunk);
    }
    return pending;
  }
  void check_ownership() override {}
  Mark mark_for(const Chunk& chunk) const override { return {1, 1, 1, chunk.no, chunk.failed_attempts + 1}; }

  std::chrono::milliseconds lock_timeout{2000};

 private:
  struct Row {
    Chunk chunk;
    std::string state = "pending";
    int attempts = 0;
    bool locked = false;
  };

  Chunk store(Chunk chunk) {
    chunk.no = static_cast<std::int64_t>(chunks_.size()) + 1;
    chunks_[chunk.no].chunk = chunk;
    return chunk;
  }

  std::vector<std::int64_t> keys_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_:
  std::map<std::int64_t, Row> chunks_;
  std::vector<std::int64_t> target_;
  std::vector<std::string> failures_;
  std::int64_t epoch_ = 1;
};

}  // namespace pghaul::test
