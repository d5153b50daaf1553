// The chunks of a comparison, in memory: it marks nothing anywhere.
#pragma once

#include <map>
#include <mutex>
#include <vector>

#include "ledger/ledger.h"

namespace pghaul {

// Threads: safe.
class ChunkList : public Ledger {
 public:
  // Numbers them.
  std::vector<Chunk> start(std::vector<Chunk> chunks);

  std::vector<Chunk> split(const Chunk& parent, const std::vector<Chunk>& children) override;
  void note_failed_attempt(const Chunk&, std::string_view) noexcept override {}
  std::vector<Chunk> pending_chunks() override;
  void check_ownership() override {}
  Mark mark_for(const Chunk& chunk) const override;
  void done(std::int64_t chunk);

 private:
  std::mutex mutex_;
  std::map<std::int64_t, Chunk> pending_;  // guarded by mutex_
  std::int64_t last_ = 0;                  // guarded by mutex_
};

}  // namespace pghaul
