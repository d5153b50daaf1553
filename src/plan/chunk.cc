#include "plan/chunk.h"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "pghaul/error.h"
#include "plan/key_bound.h"

namespace pghaul {

namespace {

// Written to the ledger: never rename one.
constexpr std::array<std::pair<ChunkKind, std::string_view>, 5> kind_names{{
    {ChunkKind::key, "key"},
    {ChunkKind::null, "null"},
    {ChunkKind::ctid, "ctid"},
    {ChunkKind::whole, "whole"},
    {ChunkKind::late, "late"},
}};

std::string shown(const std::string& bound) { return is_encoded_bound(bound) ? show_bound(bound) : bound; }

std::string describe_key(const ChunkRange& range, const std::string& column) {
  if (range.lower && range.upper) {
    return fmt::format("{} in [{}, {})", column, shown(*range.lower), shown(*range.upper));
  }
  if (range.lower) return fmt::format("{} >= {}", column, shown(*range.lower));
  if (range.upper) return fmt::format("{} < {}", column, shown(*range.upper));
  return fmt::format("every {}", column);
}

std::string describe_pages(const ChunkRange& range) {
  const std::string lower = range.lower.value_or("0");
  return range.upper ? fmt::format("pages [{}, {})", lower, *range.upper) : fmt::format("pages from {}", lower);
}

}  // namespace

std::string_view to_string(ChunkKind kind) {
  for (const auto& [known, name] : kind_names) {
    if (known == kind) return name;
  }
  return "unknown";
}

ChunkKind parse_chunk_kind(std::string_view text) {
  for (const auto& [kind, name] : kind_names) {
    if (name == text) return kind;
  }
  throw Error(ErrorKind::failed, fmt::format("unknown kind of chunk \"{}\"", text));
}

namespace {

std::string describe_rows(const ChunkRange& range, const std::string& key_column) {
  switch (range.kind) {
    case ChunkKind::key: return describe_key(range, key_column);
    case ChunkKind::null: return fmt::format("{} is null", key_column);
    case ChunkKind::ctid: return describe_pages(range);
    case ChunkKind::late: return fmt::format("late rows of {}", describe_key(range, key_column));
    case ChunkKind::whole: break;
  }
  return "all rows";
}

}  // namespace

std::string describe(const ChunkRange& range, const std::string& key_column) {
  const auto rows = describe_rows(range, key_column);
  return range.member ? fmt::format("{} of {}", rows, range.member->name) : rows;
}

}  // namespace pghaul
