#include "base/checksum.h"

#include <charconv>

#include <fmt/format.h>

#include "pghaul/error.h"

namespace pghaul {
namespace {

std::uint64_t parse_half(const std::string& digits, std::size_t from) {
  const char* const begin = digits.data() + from;
  std::uint64_t half = 0;
  const auto [end, code] = std::from_chars(begin, begin + 16, half, 16);
  if (code != std::errc() || end != begin + 16) {
    throw Error(ErrorKind::failed, fmt::format("'{}' is not a checksum of 32 hexadecimal digits", digits));
  }
  return half;
}

}  // namespace

std::string RowChecksum::hex() const {
  return fmt::format("{:016x}{:016x}", static_cast<std::uint64_t>(sum >> 64), static_cast<std::uint64_t>(sum));
}

RowChecksum RowChecksum::from_hex(const std::string& digits) {
  if (digits.size() != 32) {
    throw Error(ErrorKind::failed, fmt::format("'{}' is not a checksum of 32 hexadecimal digits", digits));
  }
  RowChecksum checksum;
  checksum.add(parse_half(digits, 16), parse_half(digits, 0));
  return checksum;
}

}  // namespace pghaul
