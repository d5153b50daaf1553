#include "database/row_codec.h"

#include <cstring>
#include <optional>

#include "pghaul/error.h"

namespace pghaul {
namespace {

constexpr std::uint64_t null_length = UINT64_MAX;

void append_number(std::string& bytes, std::uint64_t number) {
  char raw[sizeof number];
  std::memcpy(raw, &number, sizeof number);
  bytes.append(raw, sizeof raw);
}

std::optional<std::uint64_t> take_number(std::string_view& bytes) {
  std::uint64_t number = 0;
  if (bytes.size() < sizeof number) return std::nullopt;
  std::memcpy(&number, bytes.data(), sizeof number);
  bytes.remove_prefix(sizeof number);
  return number;
}

// False: not all of it is there.
bool take_value(std::string_view& bytes, Row& row) {
  const auto length = take_number(bytes);
  if (!length) return false;
  if (*length == null_length) {
    row.emplace_back();
    return true;
  }
  if (bytes.size() < *length) return false;
  row.emplace_back(bytes.substr(0, *length));
  bytes.remove_prefix(*length);
  return true;
}

}  // namespace

void append_row(std::string& bytes, const Row& row) {
  append_number(bytes, row.size());
  for (const auto& value : row) {
    append_number(bytes, value ? value->size() : null_length);
    if (value) bytes += *value;
  }
}

bool RowDecoder::take_row(std::string_view& bytes, std::vector<Row>& rows) const {
  auto left = bytes;
  const auto width = take_number(left);
  if (!width) return false;
  Row row;
  for (std::uint64_t column = 0; column < *width; ++column) {
    if (!take_value(left, row)) return false;
  }
  rows.push_back(std::move(row));
  bytes = left;
  return true;
}

void RowDecoder::feed(std::string_view bytes, std::vector<Row>& rows) {
  rest_ += bytes;
  std::string_view left = rest_;
  while (take_row(left, rows)) {
  }
  rest_.erase(0, rest_.size() - left.size());
}

void RowDecoder::finish() const {
  if (!rest_.empty()) throw Error(ErrorKind::failed, "the last row of a batch is incomplete").on(Side::local);
}

}  // namespace pghaul
