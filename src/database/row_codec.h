// Rows of a user's Database as bytes, for their way through the pipeline.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pghaul/value.h"

namespace pghaul {

// Number of values, then of each its length and its bytes; numbers are of 8 bytes in this machine's order, as the bytes
// never leave the process.
void append_row(std::string& bytes, const Row& row);

// Puts rows together from bytes that are cut anywhere. Threads: one.
class RowDecoder {
 public:
  // Rows that are complete now go to the end of `rows`.
  void feed(std::string_view bytes, std::vector<Row>& rows);
  // Errors: failed, when a row is incomplete.
  void finish() const;

 private:
  bool take_row(std::string_view& bytes, std::vector<Row>& rows) const;

  std::string rest_;
};

}  // namespace pghaul
