// The chunks of a comparison. They are kept in memory; what is recorded of them is recorded elsewhere.
#pragma once

#include <map>
#include <mutex>
#include <vector>

#include "diff/comparison_record.h"
#include "ledger/ledger.h"

namespace pghaul {

// Threads: safe.
class ChunkList : public Ledger {
 public:
  ChunkList(ComparisonRecord& record, std::size_t table) : record_(record), table_(table) {}

  // Numbers them, and records them as the table's plan.
  std::vector<Chunk> start(int buckets, std::vector<Chunk> chunks);
  // Goes on where an earlier process stopped: what is left.
  std::vector<Chunk> resume();

  std::vector<Chunk> split(const Chunk& parent, const std::vector<Chunk>& children) override;
  void note_failed_attempt(const Chunk&, std::string_view) noexcept override {}
  std::vector<Chunk> pending_chunks() override;
  void check_ownership() override {}
  Mark mark_for(const Chunk& chunk) const override;
  void done(std::int64_t chunk);

 private:
  std::vector<Chunk> add(std::vector<Chunk> chunks);

  ComparisonRecord& record_;
  const std::size_t table_;
  std::mutex mutex_;
  std::map<std::int64_t, Chunk> pending_;  // guarded by mutex_
  std::int64_t last_ = 0;                  // guarded by mutex_
};

}  // namespace pghaul
