#include "diff/chunk_list.h"

namespace pghaul {

std::vector<Chunk> ChunkList::start(int buckets, std::vector<Chunk> chunks) {
  chunks = add(std::move(chunks));
  record_.plan(table_, buckets, chunks);
  return chunks;
}

std::vector<Chunk> ChunkList::resume() {
  const auto& known = record_.table(table_);
  const std::lock_guard lock(mutex_);
  last_ = known.last_no;
  pending_ = known.pending;
  std::vector<Chunk> chunks;
  for (const auto& [no, chunk] : pending_) chunks.push_back(chunk);
  return chunks;
}

std::vector<Chunk> ChunkList::add(std::vector<Chunk> chunks) {
  const std::lock_guard lock(mutex_);
  for (auto& chunk : chunks) {
    chunk.no = ++last_;
    pending_.emplace(chunk.no, chunk);
  }
  return chunks;
}

std::vector<Chunk> ChunkList::split(const Chunk& parent, const std::vector<Chunk>& children) {
  auto stored = add(children);
  for (auto& child : stored) child.parent = parent.no;
  record_.split(table_, parent.no, stored);
  done(parent.no);
  return stored;
}

std::vector<Chunk> ChunkList::pending_chunks() {
  const std::lock_guard lock(mutex_);
  std::vector<Chunk> chunks;
  for (const auto& [no, chunk] : pending_) chunks.push_back(chunk);
  return chunks;
}

Mark ChunkList::mark_for(const Chunk& chunk) const {
  Mark mark;
  mark.chunk = chunk.no;
  return mark;
}

void ChunkList::done(std::int64_t chunk) {
  const std::lock_guard lock(mutex_);
  pending_.erase(chunk);
}

}  // namespace pghaul
