#include "command/table_facts.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "plan/key_bound.h"
#include "source/ordered_ranges.h"

namespace pghaul {
namespace {

std::pair<std::int64_t, std::int64_t> type_bounds(const std::string& type) {
  if (type == "smallint") return {INT16_MIN, INT16_MAX};
  if (type == "integer") return {INT32_MIN, INT32_MAX};
  return {INT64_MIN, INT64_MAX};
}

KeyFacts read_key_facts(pg::Connection& connection, const TableJob& job, Deadline deadline) {
  KeyFacts facts;
  facts.column = job.key->column;
  facts.nullable = job.key->nullable;
  std::tie(facts.type_lowest, facts.type_highest) = type_bounds(job.key->type);
  const auto statistics = catalog::read_key_statistics(connection, job.name, facts.column, deadline);
  facts.histogram = statistics.histogram;
  facts.null_fraction = statistics.null_fraction;
  const auto bounds = catalog::read_key_bounds(connection, job.name, facts.column, deadline);
  facts.lowest = bounds.lowest;
  facts.highest = bounds.highest;
  return facts;
}

// Of arrays the statistics are no list that could be taken apart.
OrderedKeyFacts read_ordered_facts(pg::Connection& connection, const TableJob& job, Deadline deadline) {
  const auto& first = job.ordered_key->columns.front();
  OrderedKeyFacts facts;
  facts.name = job.ordered_key->display();
  if (first.type.ends_with("[]")) return facts;
  const auto statistics = catalog::read_ordered_statistics(connection, job.name, first, deadline);
  facts.correlation = statistics.correlation;
  std::vector<std::string> bounds;
  for (const auto& point : statistics.points) {
    bounds.push_back(encode_bound({point.value}));
    facts.points.push_back({bounds.back(), point.share});
  }
  if (!connection.run(ascending_sql(*job.ordered_key, bounds), deadline).boolean(0, 0)) facts.points.clear();
  return facts;
}

std::optional<Chunk> late_chunk(const TableJob& job, const PgCopyOptions& options, const RoundFacts& last) {
  const bool wanted = options.late_rows == LateRows::scan || !last.settled;
  if (!wanted || options.late_rows == LateRows::ignore || !last.high_water || last.late_since.empty()) {
    return std::nullopt;
  }
  Chunk chunk;
  chunk.range.kind = ChunkKind::late;
  // Some bound there must be, as only that shuts out rows without a key: they have a chunk of their own.
  const auto& key = *job.facts.key;
  if (*last.high_water < key.type_highest) chunk.range.upper = std::to_string(*last.high_water + 1);
  else chunk.range.lower = std::to_string(key.type_lowest);
  chunk.range.since = last.late_since;
  chunk.refined = true;
  return chunk;
}

}  // namespace

TableFacts read_table_facts(pg::Connection& connection, const TableJob& job, Deadline deadline) {
  TableFacts facts;
  facts.bytes = job.source.table_bytes;
  facts.pages = job.source.pages;
  facts.rows = job.source.row_estimate;
  if (job.key) facts.key = read_key_facts(connection, job, deadline);
  if (job.ordered_key) facts.ordered_key = read_ordered_facts(connection, job, deadline);
  facts.no_key = fmt::format("{}", fmt::join(job.source.no_keys, "; "));
  return facts;
}

Plan plan_round(const TableJob& job, const PgCopyOptions& options, const std::optional<RoundFacts>& last) {
  PlanRange range;
  range.high_water = job.observation.high_water;
  range.replace = last.has_value();
  if (last) range.gained_above = last->high_water;
  auto cut = options.plan;
  // What was gained is told by its keys, however the first round was cut.
  if (last && job.facts.key && cut.chunk_by == ChunkBy::ctid) cut.chunk_by = ChunkBy::automatic;
  auto plan = make_plan(job.facts, cut, range);
  if (last && job.facts.key) {
    if (auto late = late_chunk(job, options, *last)) plan.chunks.push_back(std::move(*late));
  }
  return plan;
}

std::vector<std::string> statements_before_gain(const TableJob& job, const PgCopyOptions& options,
                                                const std::optional<RoundFacts>& last) {
  if (!last || !last->high_water || !job.key || !job.target || options.on_conflict != OnConflict::error) return {};
  const auto unique = std::ranges::count_if(job.target->indexes, [](const auto& index) { return index.unique; });
  if (unique < 2 || *last->high_water == INT64_MAX) return {};
  const TargetTable table{job.name, job.columns, job.key_column(), {}, options.on_conflict, job.binary};
  return {delete_range_sql(table, {ChunkKind::key, std::to_string(*last->high_water + 1), std::nullopt, std::nullopt})};
}

std::string nothing_newer(const TableJob& job) {
  if (!job.ordered_key) return "complete, and without a key nothing newer can be told apart";
  return fmt::format("complete, and the key {} does not tell what is newer", job.ordered_key->display());
}

RoundFacts round_facts(const TableJob& job, const Plan& plan, const std::optional<RoundFacts>& last) {
  RoundFacts round;
  round.round = last ? last->round + 1 : 1;
  round.high_water = job.observation.high_water;
  // The mark never moves back: what was gained stays gained.
  if (last && last->high_water) round.high_water = std::max(round.high_water, last->high_water);
  round.settled = job.settled;
  round.late_since = job.observation.oldest_xid;
  // What outlasted the run before and is not looked for now (--late-rows ignore) is left to the run that looks.
  const bool looks = std::any_of(plan.chunks.begin(), plan.chunks.end(),
                                 [](const Chunk& chunk) { return chunk.range.kind == ChunkKind::late; });
  if (last && !last->settled && !looks && !last->late_since.empty()) round.late_since = last->late_since;
  round.unsettled = job.settled ? "" : fmt::format("{}", fmt::join(job.observation.writers, ", "));
  round.reason = plan.reason;
  return round;
}

}  // namespace pghaul
