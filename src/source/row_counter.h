// Finds the rows in the frames of a COPY without decoding them.
#pragma once

#include <algorithm>
#include <string_view>

namespace pghaul {

// The server sends one row per CopyData frame. In binary its header travels in front of the first row, or in front of
// the trailer if there is none, and the trailer is a frame of its own (copyto.c). Threads: one.
class RowCounter {
 public:
  explicit RowCounter(bool binary) : header_to_come_(binary), binary_(binary) {}

  // The row in this frame, without header; empty if there is none.
  std::string_view row_of(std::string_view frame) {
    if (header_to_come_) {
      header_to_come_ = false;
      frame.remove_prefix(std::min(frame.size(), header_bytes));
    }
    return binary_ && frame == trailer ? std::string_view() : frame;
  }

 private:
  static constexpr std::size_t header_bytes = 19;
  static constexpr std::string_view trailer = "\xff\xff";
  bool header_to_come_;
  const bool binary_;
};

}  // namespace pghaul
