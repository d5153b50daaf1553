#include "diff/digest.h"

#include <charconv>

#include "pghaul/error.h"

namespace pghaul {
namespace {

std::string_view cut(std::string_view& rest, char end) {
  const auto length = rest.find(end);
  if (length == std::string_view::npos)
    throw Error(ErrorKind::failed, "a server's answer has not the form that was asked for");
  const auto piece = rest.substr(0, length);
  rest.remove_prefix(length + 1);
  return piece;
}

std::int64_t number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) return value;
  throw Error(ErrorKind::failed, "a server's answer has no number where one was asked for");
}

}  // namespace

Digest parse_digest(std::string_view lines) {
  Digest digest;
  while (!lines.empty()) {
    auto line = cut(lines, '\n');
    const auto bucket = number(cut(line, '\t'));
    BucketDigest found;
    found.rows = number(cut(line, '\t'));
    found.bytes = number(cut(line, '\t'));
    found.sums = line;
    digest.emplace(static_cast<int>(bucket), std::move(found));
  }
  return digest;
}

std::vector<int> unequal_buckets(const Digest& one, const Digest& other) {
  std::vector<int> buckets;
  for (const auto& [bucket, found] : one) {
    const auto there = other.find(bucket);
    if (there == other.end() || there->second != found) buckets.push_back(bucket);
  }
  for (const auto& [bucket, found] : other) {
    if (!one.contains(bucket)) buckets.push_back(bucket);
  }
  return buckets;
}

std::int64_t rows_of(const Digest& digest) {
  std::int64_t rows = 0;
  for (const auto& [bucket, found] : digest) rows += found.rows;
  return rows;
}

std::int64_t bytes_of(const Digest& digest) {
  std::int64_t bytes = 0;
  for (const auto& [bucket, found] : digest) bytes += found.bytes;
  return bytes;
}

}  // namespace pghaul
