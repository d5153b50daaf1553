#include "pipeline/batch_stream.h"

#include "base/activity.h"
#include "base/sqlstate.h"

namespace pghaul {
namespace {

constexpr auto stop_check_interval = std::chrono::milliseconds(50);

// As the server says of what it ends for the same reason: half of it may do.
Error took_too_long() {
  return Error(ErrorKind::transient, "the writer took too long to make room")
      .on(Side::local)
      .with_sqlstate(std::string(sqlstate::query_canceled))
      .advise("raise --max-snapshot-age: rows are read only as fast as the target takes them; then run the same command again");
}

}  // namespace

std::string BlockPool::take() {
  const std::lock_guard lock(mutex_);
  if (free_.empty()) {
    std::string block;
    block.reserve(block_bytes);
    return block;
  }
  auto block = std::move(free_.back());
  free_.pop_back();
  return block;
}

void BlockPool::give(std::string block) {
  // One grown by a huge row is not worth keeping.
  if (block.capacity() > 2 * block_bytes || block.capacity() < block_bytes) return;
  block.clear();
  const std::lock_guard lock(mutex_);
  free_.push_back(std::move(block));
}

BatchStream::BatchStream(ChunkTaskPtr task, std::size_t limit, BlockPool& pool, const StopSource& stop,
                         std::function<void()> publish)
    : task_(std::move(task)),
      limit_(limit),
      pool_(pool),
      stop_(stop),
      publish_(std::move(publish)),
      filling_(pool.take()) {}

BatchStream::~BatchStream() {
  pool_.give(std::move(filling_));
  pool_.give(std::move(current_));
  for (auto& block : blocks_) pool_.give(std::move(block));
}

void BatchStream::write(std::string_view bytes) {
  // A huge row goes in pieces, so that it is no part of what the batch holds: whoever read it has it in memory once.
  while (!bytes.empty()) {
    const auto piece = bytes.substr(0, BlockPool::block_bytes);
    if (!filling_.empty() && filling_.size() + piece.size() > BlockPool::block_bytes) push_block();
    filling_.append(piece);
    bytes.remove_prefix(piece.size());
  }
}

void BatchStream::push_block() {
  stop_.throw_if_requested();  // a writer that keeps up leaves nothing to wait for
  count_moved(0, static_cast<std::int64_t>(filling_.size()));
  std::unique_lock lock(mutex_);
  buffered_ += filling_.size();
  blocks_.push_back(std::exchange(filling_, pool_.take()));
  changed_.notify_all();
  if (buffered_ < limit_) return;
  if (!std::exchange(published_, true)) {
    lock.unlock();
    publish_();
    lock.lock();
  }
  while (buffered_ >= limit_) {
    const Doing waiting(Activity::no_room);
    stop_.throw_if_requested();
    if (given_up_) throw Error(ErrorKind::transient, "the writer gave the batch up");
    if (latest_.expired()) throw took_too_long();
    changed_.wait_for(lock, stop_check_interval);
  }
}

void BatchStream::finish(const BatchSummary& summary) {
  count_moved(summary.rows, static_cast<std::int64_t>(filling_.size()));
  {
    const std::lock_guard lock(mutex_);
    buffered_ += filling_.size();
    blocks_.push_back(std::exchange(filling_, std::string()));
    summary_ = summary;
    changed_.notify_all();
  }
  if (!std::exchange(published_, true)) publish_();
}

bool BatchStream::fail(const Error& error) {
  const std::lock_guard lock(mutex_);
  if (given_up_) return false;
  error_ = error;
  changed_.notify_all();
  return true;
}

void BatchStream::rewind() {
  const std::lock_guard lock(mutex_);
  streaming_ = !summary_.has_value();
  position_ = 0;
}

bool BatchStream::can_rewind() const {
  const std::lock_guard lock(mutex_);
  return summary_.has_value() && !taken_;
}

const BatchSummary* BatchStream::summary() const {
  const std::lock_guard lock(mutex_);
  return summary_ ? &*summary_ : nullptr;
}

bool BatchStream::next(std::string_view& bytes) {
  std::unique_lock lock(mutex_);
  if (!streaming_) {
    if (position_ == blocks_.size()) return false;
    bytes = blocks_[position_++];
    count_moved(0, static_cast<std::int64_t>(bytes.size()));
    return true;
  }
  while (blocks_.empty()) {
    if (error_) throw *error_;
    if (summary_) return false;
    const Doing waiting(Activity::no_batch);
    stop_.throw_if_requested();
    changed_.wait_for(lock, stop_check_interval);
  }
  pool_.give(std::move(current_));
  current_ = std::move(blocks_.front());
  blocks_.pop_front();
  buffered_ -= current_.size();
  taken_ = true;
  bytes = current_;
  count_moved(0, static_cast<std::int64_t>(bytes.size()));
  changed_.notify_all();
  return true;
}

bool BatchStream::give_up() {
  const std::lock_guard lock(mutex_);
  if (error_) return false;
  given_up_ = true;
  changed_.notify_all();
  return true;
}

}  // namespace pghaul
