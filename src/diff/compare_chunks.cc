#include "diff/compare_chunks.h"

#include <algorithm>
#include <utility>

namespace pghaul {
namespace {

class Collected : public BatchReceiver {
 public:
  void write(std::string_view bytes) override { text += bytes; }
  std::string text;
};

}  // namespace

Comparison::Comparison(std::size_t tables, ComparisonRecord& record) : record_(record), rows_(tables) {
  for (std::size_t table = 0; table < tables; ++table) {
    for (const auto& chunk : record.table(table).done) add(table, chunk);
  }
}

void Comparison::add(std::size_t table, const ComparedChunk& chunk) {
  const std::lock_guard lock(mutex_);
  rows_[table].source += chunk.source_rows;
  rows_[table].target += chunk.target_rows;
  if (!chunk.unequal_buckets.empty()) unequal_.push_back({chunk, table});
}

void Comparison::note(std::size_t table, const Chunk& chunk, const Digest& source, const Digest& target) {
  const ComparedChunk compared{chunk, rows_of(source), rows_of(target), unequal_buckets(source, target)};
  record_.done(table, compared);
  add(table, compared);
}

std::vector<UnequalChunk> Comparison::unequal() const {
  const std::lock_guard lock(mutex_);
  auto chunks = unequal_;
  std::ranges::sort(chunks, {},
                    [](const UnequalChunk& each) { return std::pair(each.table, each.chunk.no); });
  return chunks;
}

ComparedRows Comparison::rows(std::size_t table) const {
  const std::lock_guard lock(mutex_);
  return rows_[table];
}

BatchSummary DigestSource::read(std::size_t table, const Chunk& chunk, BatchReceiver& receiver) {
  if (!samples_[table].choose(chunk)) return {};
  Collected lines;
  auto summary = digests_->read(table, chunk, lines);
  const auto digest = parse_digest(lines.text);
  summary.rows = rows_of(digest);
  summary.bytes = bytes_of(digest);
  receiver.write(lines.text);
  rate_.pass(summary.bytes);
  return summary;
}

WriteResult ComparingSink::write(std::size_t table, const Chunk& chunk, const Mark&, Batch& batch) {
  std::string source;
  for (std::string_view bytes; batch.next(bytes);) source += bytes;
  if (!samples_[table].takes(chunk)) return {};
  Collected target;
  target_->read(table, chunk, target);
  comparison_.note(table, chunk, parse_digest(source), parse_digest(target.text));
  return {};
}

}  // namespace pghaul
