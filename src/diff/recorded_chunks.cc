#include "diff/recorded_chunks.h"

namespace pghaul {
namespace {

class Discarded : public BatchReceiver {
 public:
  explicit Discarded(RateLimiter& rate) : rate_(rate) {}
  void write(std::string_view bytes) override { rate_.pass(static_cast<std::int64_t>(bytes.size())); }

 private:
  RateLimiter& rate_;
};

}  // namespace

WriteResult ChecksumSink::write(std::size_t table, const Chunk& chunk, const Mark&, Batch& batch) {
  for (std::string_view bytes; batch.next(bytes);) {
  }
  const auto& recorded = *batch.summary();
  Discarded rows(rate_);
  const auto found = target_->read(table, chunk, rows);
  const std::lock_guard lock(changed_.mutex);
  changed_.rows[table] += found.rows;
  if (found.rows != recorded.rows || !(found.checksum == recorded.checksum)) {
    changed_.chunks[table].push_back({chunk, recorded.rows, found.rows});
  }
  return {};
}

}  // namespace pghaul
