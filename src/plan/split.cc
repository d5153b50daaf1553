// Cutting a chunk in two or more.
#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/int128.h"
#include "pghaul/error.h"
#include "plan/key_bound.h"
#include "plan/planner.h"

namespace pghaul {

namespace {

template <typename Number>
std::optional<int128> parse_as(const std::string& text) {
  Number value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, problem] = std::from_chars(text.data(), end, value);
  if (problem != std::errc{} || stop != end) return std::nullopt;
  return value;
}

// Keys of PostgreSQL have a sign, ids of a user's Database have none.
int128 parse_bound(const std::string& text) {
  if (const auto value = parse_as<std::int64_t>(text)) return *value;
  if (const auto value = parse_as<std::uint64_t>(text)) return *value;
  throw Error(ErrorKind::failed, fmt::format("\"{}\" is not a bound of a chunk", text));
}

bool ascend_inside(const ChunkRange& range, const std::vector<std::string>& cuts) {
  std::optional<int128> before;
  if (range.lower) before = parse_bound(*range.lower);
  bool right = true;
  for (const std::string& cut : cuts) {
    const auto value = parse_bound(cut);
    right = right && (!before || *before < value);
    before = value;
  }
  return right && (!range.upper || *before < parse_bound(*range.upper));
}

// Their order is the source's, which gave each as a key of the range that lies behind the one before. That it is
// another one is all that can be seen here; even two equal cuts would have an empty range between them and lose nothing.
bool differ_inside(const ChunkRange& range, const std::vector<std::string>& cuts) {
  const std::string* before = range.lower ? &*range.lower : nullptr;
  bool right = range.kind == ChunkKind::key;
  for (const std::string& cut : cuts) {
    right = right && !decode_bound(cut).empty() && (before == nullptr || *before != cut);
    before = &cut;
  }
  return right && (!range.upper || *before != *range.upper);
}

void check_cuts(const ChunkRange& range, const std::vector<std::string>& cuts) {
  if (cuts.empty()) return;
  const bool right = can_be_cut(range) &&
                     (is_encoded_bound(cuts.front()) ? differ_inside(range, cuts) : ascend_inside(range, cuts));
  if (!right) {
    throw Error(ErrorKind::failed,
                fmt::format("cuts are not ascending inside the chunk: {}", fmt::join(cuts, ", ")))
        .in_range(describe(range, "key"));
  }
}

// The i-th of n nearly equal parts whose sum is the whole.
std::int64_t part_of(std::int64_t whole, std::size_t i, std::size_t n) {
  const auto count = static_cast<std::int64_t>(n);
  return whole / count + (static_cast<std::int64_t>(i) < whole % count ? 1 : 0);
}

Chunk child_of(const Chunk& parent, std::size_t i, std::size_t n) {
  Chunk child = parent;
  child.no = 0;
  child.parent = parent.no;
  child.failed_attempts = 0;
  child.estimated_bytes = part_of(parent.estimated_bytes, i, n);
  child.estimated_rows = part_of(parent.estimated_rows, i, n);
  return child;
}

}  // namespace

std::vector<Chunk> split_at(const Chunk& parent, const std::vector<std::string>& cuts) {
  check_cuts(parent.range, cuts);
  std::vector<Chunk> children;
  const std::size_t n = cuts.size() + 1;
  for (std::size_t i = 0; i < n; ++i) {
    Chunk child = child_of(parent, i, n);
    if (i > 0) child.range.lower = cuts[i - 1];
    if (i + 1 < n) child.range.upper = cuts[i];
    children.push_back(std::move(child));
  }
  return children;
}

std::optional<std::string> midpoint(const ChunkRange& range, std::int64_t lowest, std::int64_t highest) {
  if (!can_be_cut(range)) return std::nullopt;
  const int128 lower = range.lower ? parse_bound(*range.lower) : lowest;
  int128 upper = static_cast<int128>(highest) + 1;
  if (range.upper) upper = parse_bound(*range.upper);
  if (upper - lower < 2) return std::nullopt;
  return std::to_string(static_cast<std::int64_t>(lower + (upper - lower) / 2));
}

}  // namespace pghaul
