#include "source/database_source.h"

#include <algorithm>

#include <fmt/format.h>

#include "database/row_codec.h"
#include "plan/id_range.h"

namespace pghaul {
namespace {

// Cut at once where ranges are about full: so many readers need not wait for each other.
constexpr int most_pieces = 16;
constexpr std::size_t block_bytes = 64 * 1024;

std::uint64_t end_of_piece(std::uint64_t start, std::uint64_t ids, std::uint64_t upper) {
  return ids >= upper - start ? upper : start + ids;
}

}  // namespace

void DatabaseTable::note_start(std::uint64_t upper, std::uint64_t start) {
  const std::lock_guard lock(mutex_);
  starts_[upper] = start;
}

std::optional<std::uint64_t> DatabaseTable::take_start(std::uint64_t upper) {
  const std::lock_guard lock(mutex_);
  const auto found = starts_.extract(upper);
  return found ? std::optional(found.mapped()) : std::nullopt;
}

DatabaseSource::DatabaseSource(std::shared_ptr<DatabaseCalls> calls, std::string dbname,
                               std::shared_ptr<DatabaseTable> table)
    : session_(std::move(calls), Side::source, std::move(dbname)), table_(std::move(table)) {}

// "No row in it" is not believed: coarse ranges end with the highest id there was, and to look costs little.
std::uint64_t DatabaseSource::start_of_rows(std::uint64_t from, std::uint64_t upper) {
  const auto next = session_.next_id(from);
  if (!next || *next >= upper) return from;
  if (*next < from) {
    throw Error(ErrorKind::failed, fmt::format("next_id({}) broke its contract: it went back to {}", from, *next))
        .on(Side::source);
  }
  return *next;
}

std::optional<RangeCut> DatabaseSource::cut_range(std::size_t, const Chunk& chunk) {
  const auto range = id_range(chunk);
  const auto width = table_->width.next();
  RangeCut cut;
  auto at = range.lower;
  for (int piece = 0; piece < (width.searching ? 1 : most_pieces); ++piece) {
    const auto start = start_of_rows(at, range.upper);
    const auto end = end_of_piece(start, width.ids, range.upper);
    if (start > at) table_->note_start(end, start);
    if (end == range.upper) return cut;
    cut.cuts.push_back(std::to_string(end));
    at = end;
  }
  cut.rest_is_coarse = true;
  return cut;
}

std::vector<std::string> DatabaseSource::probe_cuts(std::size_t, const Chunk& chunk, std::int64_t, int) {
  const auto range = id_range(chunk);
  if (range.upper - range.lower < 2) return {};
  return {std::to_string(range.lower + (range.upper - range.lower) / 2)};
}

std::vector<Row> DatabaseSource::load(std::uint64_t lower, std::uint64_t upper) {
  auto rows = session_.load_rows(lower, upper);
  table_->checks.check(rows, lower, upper);
  std::uint64_t span = 0;
  if (!rows.empty()) span = upper - RowChecks::parse_id(*rows.front()[table_->id_in]).value();
  table_->width.loaded(upper - lower, rows.size(), span);
  return rows;
}

BatchSummary DatabaseSource::read(std::size_t, const Chunk& chunk, BatchReceiver& receiver) {
  const auto range = id_range(chunk);
  const auto begun = std::chrono::steady_clock::now();
  auto at = std::max(range.lower, table_->take_start(range.upper).value_or(range.lower));
  BatchSummary summary;
  std::string bytes;
  const auto pass = [&](bool all) {
    if (bytes.size() < (all ? 1 : block_bytes)) return;
    summary.bytes += static_cast<std::int64_t>(bytes.size());
    receiver.write(bytes);
    bytes.clear();
  };
  while (at < range.upper) {  // several loads, where the range is from a run with other options
    const auto end = end_of_piece(at, table_->widest, range.upper);
    for (const auto& row : load(at, end)) {
      append_row(bytes, row);
      ++summary.rows;
      pass(false);
    }
    at = end;
  }
  pass(true);
  summary.read_time =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun);
  return summary;
}

}  // namespace pghaul
