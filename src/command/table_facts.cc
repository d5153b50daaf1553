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
  const auto bounds = catalog::read_key_bounds(connection, job.name, facts.column, deadline,
                                               job.source.is_tree() ? catalog::Descendants::read : catalog::Descendants::ignore);
  facts.lowest = bounds.lowest;
  facts.highest = bounds.highest;
  return facts;
}

// Of arrays the statistics are no list that could be taken apart.
OrderedKeyFacts read_ordered_facts(pg::Connection& connection, const TableJob& job, const catalog::TableName& table,
                                   Deadline deadline) {
  const auto& first = job.ordered_key->columns.front();
  OrderedKeyFacts facts;
  facts.name = job.ordered_key->display();
  if (first.type.ends_with("[]")) return facts;
  const auto statistics = catalog::read_ordered_statistics(connection, table, first, deadline);
  facts.correlation = statistics.correlation;
  std::vector<std::string> bounds;
  for (const auto& point : statistics.points) {
    bounds.push_back(encode_bound({point.value}));
    facts.points.push_back({bounds.back(), point.share});
  }
  if (!connection.run(ascending_sql(*job.ordered_key, bounds), deadline).boolean(0, 0)) facts.points.clear();
  return facts;
}

MemberFacts member_facts(const TableJob& job, const catalog::Member& member) {
  MemberFacts facts;
  facts.member = {member.oid, member.name.display()};
  facts.facts.bytes = member.table_bytes;
  facts.facts.pages = member.pages;
  facts.facts.rows = member.row_estimate;
  facts.facts.key = job.facts.key;
  // Without statistics: one range, cut by probes.
  if (facts.facts.key) facts.facts.key->histogram.clear();
  if (facts.facts.key) facts.facts.key->lowest = facts.facts.key->highest = std::nullopt;
  if (job.facts.ordered_key) facts.facts.ordered_key = OrderedKeyFacts{job.facts.ordered_key->name, {}, std::nullopt};
  return facts;
}

void read_member_facts(pg::Connection& connection, const PgCopyOptions& options, TableJob& job, Deadline deadline) {
  job.members.clear();
  for (const auto& member : job.source.members) job.members.push_back(member_facts(job, member));
  if (job.key) {
    const auto statistics =
        catalog::read_member_statistics(connection, job.source.members, job.key->column, deadline);
    for (std::size_t i = 0; i < statistics.size(); ++i) {
      auto& key = *job.members[i].facts.key;
      key.histogram = statistics[i].histogram;
      key.null_fraction = statistics[i].null_fraction;
      // Good enough for estimates; no probes of each member.
      if (!key.histogram.empty()) key.lowest = key.histogram.front();
      if (!key.histogram.empty()) key.highest = key.histogram.back();
    }
  }
  if (!job.ordered_key) return;
  for (std::size_t i = 0; i < job.members.size(); ++i) {
    if (job.members[i].facts.bytes <= options.plan.batch_bytes) continue;
    job.members[i].facts.ordered_key = read_ordered_facts(connection, job, job.source.members[i].name, deadline);
  }
}

// Partitions and children that came since the generation's last plan.
std::vector<Chunk> chunks_of_joined_members(const TableJob& job, const PgCopyOptions& options, const RoundFacts& last) {
  std::vector<Chunk> chunks;
  if (!last.high_water) return chunks;  // everything is read again
  for (const auto& member : job.members) {
    if (is_known_member(job, member.member.oid)) continue;
    auto joined = joined_member_chunks(member, options.plan, *last.high_water);
    std::move(joined.begin(), joined.end(), std::back_inserter(chunks));
  }
  return chunks;
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

bool is_known_member(const TableJob& job, std::uint32_t oid) {
  if (!job.entry) return false;
  return std::ranges::any_of(job.entry->members, [&](const LedgerMember& member) { return member.oid == oid; });
}

void read_table_facts(pg::Connection& connection, const PgCopyOptions& options, TableJob& job, Deadline deadline) {
  TableFacts facts;
  facts.bytes = job.source.table_bytes;
  facts.pages = job.source.pages;
  facts.rows = job.source.row_estimate;
  if (job.key) facts.key = read_key_facts(connection, job, deadline);
  if (job.ordered_key) facts.ordered_key = read_ordered_facts(connection, job, job.name, deadline);
  facts.no_key = fmt::format("{}", fmt::join(job.source.no_keys, "; "));
  job.facts = std::move(facts);
  if (job.source.is_tree()) read_member_facts(connection, options, job, deadline);
}

Plan plan_round(const TableJob& job, const PgCopyOptions& options, const std::optional<RoundFacts>& last) {
  PlanRange range;
  range.high_water = job.observation.high_water;
  range.replace = last.has_value();
  if (last) range.gained_above = last->high_water;
  range.one_snapshot = options.snapshot == SnapshotMode::shared;
  auto cut = options.plan;
  // What was gained is told by its keys, however the first round was cut.
  if (last && job.facts.key && cut.chunk_by == ChunkBy::ctid) cut.chunk_by = ChunkBy::automatic;
  auto plan = job.source.is_tree() ? make_tree_plan(job.facts, job.members, cut, range)
                                   : make_plan(job.facts, cut, range);
  if (last && job.facts.key) {
    for (auto& chunk : chunks_of_joined_members(job, options, *last)) plan.chunks.push_back(std::move(chunk));
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
  for (const auto& member : job.source.members) {
    if (!last || !is_known_member(job, member.oid)) {
      round.new_members.push_back({member.oid, member.name.display(), member.filenode});
    }
  }
  return round;
}

}  // namespace pghaul
