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

const Digest& Comparison::waiting(std::size_t table, const Chunk& chunk) const {
  const std::lock_guard lock(mutex_);
  return waiting_.at({table, chunk.no});
}

void Comparison::add(std::size_t table, const ComparedChunk& chunk) {
  const std::lock_guard lock(mutex_);
  rows_[table].source += chunk.source_rows;
  rows_[table].target += chunk.target_rows;
  if (!chunk.unequal_buckets.empty()) unequal_.push_back({chunk, table});
  waiting_.erase({table, chunk.chunk.no});
}

void Comparison::note_source(std::size_t table, const Chunk& chunk, Digest source) {
  const std::lock_guard lock(mutex_);
  waiting_.insert_or_assign({table, chunk.no}, std::move(source));
}

void Comparison::note_target(std::size_t table, const Chunk& chunk, const Digest& target) {
  // Nobody else has to do with this chunk meanwhile.
  const auto& source = waiting(table, chunk);
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

BatchSummary DigestSource::read(std::size_t table, const Chunk& chunk, BatchReceiver&) {
  if (!samples_[table].choose(chunk)) return {};
  Collected lines;
  auto summary = digests_->read(table, chunk, lines);
  auto digest = parse_digest(lines.text);
  summary.rows = rows_of(digest);
  summary.bytes = bytes_of(digest);
  comparison_.note_source(table, chunk, std::move(digest));
  rate_.pass(summary.bytes);
  return summary;
}

WriteResult ComparingSink::write(std::size_t table, const Chunk& chunk, const Mark&, Batch& batch) {
  for (std::string_view bytes; batch.next(bytes);) {
  }
  if (!samples_[table].takes(chunk)) return {};
  auto there = chunk;
  there.range = pairs_[table].on_target(chunk.range);
  Collected target;
  target_->read(table, there, target);
  comparison_.note_target(table, chunk, parse_digest(target.text));
  return {};
}

}  // namespace pghaul
