// From chunks that differ to rows that do.
#include <algorithm>
#include <span>

#include "base/log.h"
#include "command/verify_job.h"

namespace pghaul {
namespace {

constexpr std::int64_t rows_at_once = 50'000;  // of one side, in memory
constexpr std::size_t keys_at_once = 200;      // in one statement

// A chunk's buckets in groups of so few that their rows fit into memory.
std::vector<UnequalChunk> pieces_of(const UnequalChunk& chunk, int buckets) {
  const auto rows = std::max(chunk.source_rows, chunk.target_rows);
  const auto size = std::max<std::int64_t>(1, rows_at_once * buckets / std::max<std::int64_t>(rows, 1));
  std::vector<UnequalChunk> pieces;
  for (std::size_t from = 0; from < chunk.unequal_buckets.size(); from += static_cast<std::size_t>(size)) {
    auto& piece = pieces.emplace_back(chunk);
    const auto to = std::min(chunk.unequal_buckets.size(), from + static_cast<std::size_t>(size));
    piece.unequal_buckets.assign(chunk.unequal_buckets.begin() + static_cast<std::ptrdiff_t>(from),
                                 chunk.unequal_buckets.begin() + static_cast<std::ptrdiff_t>(to));
  }
  return pieces;
}

bool has_keys(const VerifyTable& table, const Chunk& chunk) {
  return !table.report.key_columns.empty() && chunk.range.kind != ChunkKind::null;
}

void name_rows(const RowStates& states, bool by_key, std::int64_t limit, std::vector<RowDifference>& rows) {
  for (const auto& [key, state] : states) {
    if (static_cast<std::int64_t>(rows.size()) >= limit) return;
    rows.push_back({key,
                    by_key,
                    static_cast<std::int64_t>(state.source.size()),
                    static_cast<std::int64_t>(state.target.size()),
                    {}});
  }
}

// Rows of an integer key; those without one come first.
void sort_by_number(std::vector<RowDifference>& rows) {
  const auto number = [](const RowDifference& row) {
    return row.by_key ? std::stoll(row.key.front()) : INT64_MIN;
  };
  std::ranges::stable_sort(rows, {}, number);
}

// The columns in which a row of one side is not that of the other.
std::vector<ColumnDifference> unequal_columns(const std::vector<std::string>& names,
                                              const RowReader::RowColumns& source,
                                              const RowReader::RowColumns& target) {
  std::vector<ColumnDifference> found;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto &one = source.columns[i], &other = target.columns[i];
    if (one.md5 != other.md5) found.push_back({names[i], one.value, other.value});
  }
  return found;
}

const RowReader::RowColumns* find_row(const std::vector<RowReader::RowColumns>& rows, const RowKey& key) {
  const auto found = std::ranges::find(rows, key, &RowReader::RowColumns::key);
  return found == rows.end() ? nullptr : &*found;
}

}  // namespace

std::int64_t VerifyJob::Suspects::confirmed() const {
  return static_cast<std::int64_t>(keyed.different().size() + hashed.different().size() +
                                   counted.different().size());
}

std::int64_t VerifyJob::Suspects::open() const {
  return static_cast<std::int64_t>(keyed.open().size() + hashed.open().size() + counted.open().size());
}

RowStates VerifyJob::read_states(const UnequalChunk& chunk) {
  const auto& table = tables_[chunk.table];
  return row_states(
      source_rows_->rows(table.source, chunk.chunk.range, chunk.unequal_buckets),
      target_rows_->rows(table.target, table.pairs.on_target(chunk.chunk.range), chunk.unequal_buckets));
}

// The numbers of rows stand in for a hash of the chunk.
RowStates VerifyJob::read_counts(const UnequalChunk& chunk) {
  const auto& table = tables_[chunk.table];
  const auto& range = chunk.chunk.range;
  RowState state;
  state.source = {{source_rows_->count(table.source, range), 0}};
  state.target = {{target_rows_->count(table.target, table.pairs.on_target(range)), 0}};
  return {{RowKey{pghaul::describe(range, table.job.key_name())}, state}};
}

RowStates VerifyJob::read_states(const VerifyTable& table, const RowStates& keys) {
  RowStates all;
  std::vector<RowKey> some;
  const auto read = [&] {
    if (some.empty()) return;
    all.merge(row_states(source_rows_->rows(table.source, some), target_rows_->rows(table.target, some)));
    some.clear();
  };
  for (const auto& [key, state] : keys) {
    some.push_back(key);
    if (some.size() == keys_at_once) read();
  }
  read();
  return all;
}

void VerifyJob::look_into(Suspects& suspects, const UnequalChunk& chunk) {
  if (options_.counts) {
    suspects.counted.add(read_counts(chunk));
    return suspects.looked.push_back(chunk);
  }
  const bool keyed = has_keys(*suspects.table, chunk.chunk);
  for (const auto& piece : pieces(chunk)) {
    (keyed ? suspects.keyed : suspects.hashed).add(read_states(piece));
    if (!keyed) suspects.looked.push_back(piece);
  }
}

// Of a range, the buckets that differ by now.
std::vector<UnequalChunk> VerifyJob::pieces(const UnequalChunk& chunk) {
  const auto& table = tables_[chunk.table];
  if (!table.by_ranges) return {chunk};
  auto now = chunk;
  now.unequal_buckets =
      unequal_buckets(source_rows_->digest(table.source, chunk.chunk.range),
                      target_rows_->digest(table.target, table.pairs.on_target(chunk.chunk.range)));
  return pieces_of(now, table.source.buckets);
}

// True: there is something to look at again.
bool VerifyJob::look_into_chunks(Suspects& suspects) {
  const auto enough = std::max<std::int64_t>(2 * options_.limit, 1000);
  suspects.looked.clear();
  while (!suspects.chunks.empty() && suspects.confirmed() < options_.limit && suspects.open() < enough) {
    const auto chunk = suspects.chunks.back();
    suspects.chunks.pop_back();
    stop_.throw_if_requested();
    look_into(suspects, chunk);
    tick();
  }
  return suspects.open() > 0;
}

void VerifyJob::look_again(Suspects& suspects) {
  suspects.keyed.look_again(read_states(*suspects.table, suspects.keyed.open()));
  RowStates again;
  for (const auto& chunk : suspects.looked)
    again.merge(options_.counts ? read_counts(chunk) : read_states(chunk));
  (options_.counts ? suspects.counted : suspects.hashed).look_again(again);
}

// Looks again until nothing is open, or the rounds are over.
void VerifyJob::settle(std::vector<Suspects>& all) {
  const auto is_open = [](const Suspects& suspects) { return suspects.open() > 0; };
  for (int round = 0; round < options_.rounds && std::ranges::any_of(all, is_open); ++round) {
    const auto until = Deadline::after(options_.settle);
    while (!until.expired()) {
      tick();
      if (!stop_.sleep_for(
              std::min<Deadline::Clock::duration>(until.remaining(), std::chrono::milliseconds(200)))) {
        stop_.throw_if_requested();
      }
    }
    for (auto& suspects : all) look_again(suspects);
  }
  for (auto& suspects : all) {
    suspects.keyed_in_motion.merge(suspects.keyed.take_open());
    suspects.hashed_in_motion.merge(suspects.hashed.take_open());
    suspects.counted_in_motion.merge(suspects.counted.take_open());
  }
}

void VerifyJob::find_rows() {
  progress_.phase = Phase::looking_again;
  source_rows_ = std::make_unique<RowReader>(sessions_.source(), session(Side::source, "row reader"), retry_,
                                             stop_, options_.copy.statement_timeout);
  target_rows_ = std::make_unique<RowReader>(sessions_.target(), session(Side::target, "row reader"), retry_,
                                             stop_, options_.copy.statement_timeout);
  suspects_.resize(tables_.size());
  for (std::size_t i = 0; i < tables_.size(); ++i) suspects_[i].table = &tables_[i];
  for (const auto& chunk : comparison_->unequal()) {
    const auto& table = tables_[chunk.table];
    for (auto& piece : pieces_of(chunk, table.by_ranges ? 1 : table.source.buckets)) {
      suspects_[chunk.table].chunks.push_back(std::move(piece));
    }
  }
  for (auto& suspects : suspects_) std::ranges::reverse(suspects.chunks);  // taken from the end
  for (;;) {
    bool some = false;
    for (auto& suspects : suspects_) some = look_into_chunks(suspects) || some;
    if (!some) return;
    settle(suspects_);
  }
}

// Reads the columns of rows that both sides have once.
void VerifyJob::name_columns(VerifyTable& table) {
  std::vector<RowDifference*> pairs;
  for (auto& row : table.report.rows) {
    if (row.by_key && row.on_source == 1 && row.on_target == 1) pairs.push_back(&row);
  }
  const auto& names = table.job.columns;
  for (std::size_t from = 0; from < pairs.size(); from += keys_at_once) {
    const std::span some(pairs.data() + from, std::min(keys_at_once, pairs.size() - from));
    std::vector<RowKey> keys;
    for (const auto* row : some) keys.push_back(row->key);
    const auto source = source_rows_->columns(table.source, keys, names, options_.show_values);
    const auto target = target_rows_->columns(table.target, keys, names, options_.show_values);
    for (auto* row : some) {
      const auto *one = find_row(source, row->key), *other = find_row(target, row->key);
      if (one != nullptr && other != nullptr) row->columns = unequal_columns(names, *one, *other);
    }
  }
}

std::string VerifyJob::state_of(const Suspects& suspects) const {
  if (suspects.confirmed() > 0 || !suspects.table->report.suspected_indexes.empty()) return "different";
  if (options_.counts) return "equal_counts";
  const auto table = static_cast<std::size_t>(&suspects - suspects_.data());
  return samples_[table].passed_over() > 0 ? "equal_in_sample" : "equal";
}

void VerifyJob::describe(const Suspects& suspects) const {
  auto& report = suspects.table->report;
  name_rows(suspects.keyed.different(), true, options_.limit, report.rows);
  name_rows(suspects.hashed.different(), false, options_.limit, report.rows);
  name_rows(suspects.keyed_in_motion, true, options_.limit, report.in_motion);
  name_rows(suspects.hashed_in_motion, false, options_.limit, report.in_motion);
  if (!suspects.table->source.key_column.empty()) sort_by_number(report.rows);
  for (const auto& [key, counts] : suspects.counted.different()) {
    if (static_cast<std::int64_t>(report.ranges.size()) == options_.limit) break;
    report.ranges.push_back({key.front(), counts.source.front().one, counts.target.front().one});
  }
  report.differences = suspects.confirmed();
  report.rows_in_motion = static_cast<std::int64_t>(
      suspects.keyed_in_motion.size() + suspects.hashed_in_motion.size() + suspects.counted_in_motion.size());
  report.chunks_left = static_cast<std::int64_t>(suspects.chunks.size());
  report.state = state_of(suspects);
}

void VerifyJob::describe_rows() {
  for (const auto& suspects : suspects_) {
    describe(suspects);
    name_columns(*suspects.table);
  }
}

VerifyReport VerifyJob::report() const {
  VerifyReport report;
  report.findings = findings_;
  report.show_values = options_.show_values;
  report.time = std::chrono::duration_cast<std::chrono::milliseconds>(Deadline::Clock::now() - started_);
  for (std::size_t i = 0; i < tables_.size(); ++i) {
    auto table = tables_[i].report;
    if (comparison_) {
      const auto rows = comparison_->rows(i);
      table.source_rows = rows.source;
      table.target_rows = rows.target;
    }
    table.bytes = progress_.tables[i].bytes;
    table.chunks = progress_.tables[i].chunks;
    table.retries = progress_.tables[i].retries;
    if (i < samples_.size()) table.chunks_passed_over = samples_[i].passed_over();
    table.chunks += table.chunks_before - table.chunks_passed_over;
    report.tables.push_back(std::move(table));
  }
  report.stages = stages_.report();
  report.limit = stages_.limit();
  return report;
}

}  // namespace pghaul
