// Whether a user's Database has kept to its contract.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "pghaul/value.h"

namespace pghaul {

// Every range of a table is held to the same width. Threads: safe.
class RowChecks {
 public:
  explicit RowChecks(std::size_t id_column) : id_column_(id_column) {}

  // Errors: failed, about the first row that is of another width than the first row of the table, whose id is no number,
  // lies outside [lower, upper), or is not above the one before it. No value is in the message.
  void check(const std::vector<Row>& rows, std::uint64_t lower, std::uint64_t upper);

  static std::optional<std::uint64_t> parse_id(std::string_view text);

 private:
  void check_width(std::size_t row, std::size_t width);
  std::uint64_t id_of(const Row& row, std::size_t number) const;

  const std::size_t id_column_;
  std::atomic<std::size_t> width_{0};  // 0: no row was seen
};

}  // namespace pghaul
