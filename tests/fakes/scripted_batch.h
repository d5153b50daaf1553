// A batch whose bytes and troubles a test lays down.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "sink/sink.h"

namespace pghaul::test {

// Bytes cut into blocks. `open`: the summary is not known before the end.
class ScriptedBatch : public Batch {
 public:
  ScriptedBatch(std::string bytes, std::int64_t rows, std::size_t block_bytes = 0, bool open = false) : open_(open) {
    summary_.rows = rows;
    summary_.bytes = static_cast<std::int64_t>(bytes.size());
    summary_.record_format = "text";
    summary_.snapshot = "10:10:";
    const auto step = block_bytes == 0 ? std::max<std::size_t>(1, bytes.size()) : block_bytes;
    for (std::size_t at = 0; at < bytes.size(); at += step) blocks_.push_back(bytes.substr(at, step));
  }

  // Called before block i is handed over; i is the number of blocks for the end.
  std::function<void(std::size_t i)> before = [](std::size_t) {};

  std::size_t blocks() const { return blocks_.size(); }
  void rewind() { next_ = 0; }
  const BatchSummary* summary() const override { return open_ && next_ <= blocks_.size() ? nullptr : &summary_; }
  bool next(std::string_view& bytes) override {
    before(std::min(next_, blocks_.size()));
    if (next_ >= blocks_.size()) {
      next_ = blocks_.size() + 1;
      return false;
    }
    bytes = blocks_[next_++];
    return true;
  }

 private:
  const bool open_;
  BatchSummary summary_;
  std::vector<std::string> blocks_;
  std::size_t next_ = 0;
};

}  // namespace pghaul::test
