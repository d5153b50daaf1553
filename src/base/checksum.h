// An order-free 128-bit checksum of a set of rows.
#pragma once

#include <cstdint>
#include <string>

#include "base/int128.h"

namespace pghaul {

// Sum modulo 2^128 of one 128-bit hash per row. A sum and not an XOR: two equal rows would cancel. A value.
struct RowChecksum {
  uint128 sum = 0;

  void add(std::uint64_t low, std::uint64_t high) { sum += (static_cast<uint128>(high) << 64) | low; }
  void add(const RowChecksum& other) { sum += other.sum; }
  bool operator==(const RowChecksum&) const = default;
  // 32 hexadecimal digits.
  std::string hex() const;
  static RowChecksum from_hex(const std::string& digits);
};

}  // namespace pghaul
