// The values of options: words, counts, times, sizes, lists.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/duration.h"
#include "cli/options.h"
#include "pghaul/error.h"

namespace pghaul {

// Errors of all parsers: usage, telling the value and what is expected.

std::int64_t parse_count(const std::string& text, std::int64_t lowest, std::int64_t highest);
std::int64_t parse_bytes_between(const std::string& text, std::int64_t lowest, std::int64_t highest);
Duration parse_duration_between(const std::string& text, Duration lowest, Duration highest);
// "1%", "0.5": above 0, at most 100.
double parse_percent(const std::string& text);
// Also refuses a text of nothing but blanks.
const std::string& not_empty(const std::string& text);
// "a, b,\"C d\"": bare names are folded to lower case as in SQL, quoted ones are taken as they stand.
std::vector<std::string> parse_names(const std::string& text);
// Sets what a comma list of triggers, foreign-keys and rewritten names.
void parse_allowed(const std::string& text, Allowed& allowed);

// As the parsers would read them: "24h", "8MB".
std::string show_duration(Duration span);
std::string show_bytes(std::int64_t bytes);

template <typename Enum>
struct Word {
  std::string_view word;
  Enum value;
};

inline constexpr Word<ChunkBy> chunk_by_words[] = {
    {"auto", ChunkBy::automatic}, {"key", ChunkBy::key}, {"ctid", ChunkBy::ctid}, {"whole", ChunkBy::whole}};
inline constexpr Word<SnapshotMode> snapshot_words[] = {{"shared", SnapshotMode::shared},
                                                        {"chunk", SnapshotMode::chunk}};
inline constexpr Word<LateRows> late_rows_words[] = {
    {"wait", LateRows::wait}, {"scan", LateRows::scan}, {"ignore", LateRows::ignore}};
inline constexpr Word<AfterCopy> after_copy_words[] = {
    {"vacuum", AfterCopy::vacuum}, {"analyze", AfterCopy::analyze}, {"none", AfterCopy::none}};
inline constexpr Word<OnConflict> on_conflict_words[] = {
    {"error", OnConflict::error}, {"skip", OnConflict::skip}, {"update", OnConflict::update}};
inline constexpr Word<ProgressStyle> progress_words[] = {{"auto", ProgressStyle::automatic},
                                                         {"bar", ProgressStyle::bar},
                                                         {"plain", ProgressStyle::plain},
                                                         {"json", ProgressStyle::json},
                                                         {"none", ProgressStyle::none}};

template <typename Enum, std::size_t N>
Enum parse_word(const std::string& text, const Word<Enum> (&words)[N]) {
  std::vector<std::string_view> known;
  for (const auto& each : words) {
    if (each.word == text) return each.value;
    known.push_back(each.word);
  }
  throw Error(ErrorKind::usage, fmt::format("'{}' is not one of {}", text, fmt::join(known, ", ")));
}

template <typename Enum, std::size_t N>
std::string show_word(Enum value, const Word<Enum> (&words)[N]) {
  for (const auto& each : words) {
    if (each.value == value) return std::string(each.word);
  }
  return "?";
}

}  // namespace pghaul
