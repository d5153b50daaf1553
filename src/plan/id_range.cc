#include "plan/id_range.h"

#include <charconv>

#include <fmt/format.h>

#include "pghaul/error.h"

namespace pghaul {
namespace {

std::uint64_t parse_id(const std::optional<std::string>& text) {
  std::uint64_t id = 0;
  if (text) {
    const char* const end = text->data() + text->size();
    const auto [stop, problem] = std::from_chars(text->data(), end, id);
    if (problem == std::errc() && stop == end) return id;
  }
  throw Error(ErrorKind::failed, fmt::format("\"{}\" is not a bound of a range of ids", text.value_or("")));
}

}  // namespace

Chunk id_chunk(const IdRange& range) {
  Chunk chunk;
  chunk.range.kind = ChunkKind::key;
  chunk.range.lower = std::to_string(range.lower);
  chunk.range.upper = std::to_string(range.upper);
  return chunk;
}

IdRange id_range(const Chunk& chunk) { return {parse_id(chunk.range.lower), parse_id(chunk.range.upper)}; }

}  // namespace pghaul
