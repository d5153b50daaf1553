// How a comparison is cut: by ranges of a key, by partitions, or not at all.
#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "command/verify_table.h"
#include "plan/planner.h"

namespace pghaul {
namespace {

constexpr std::int64_t rows_per_bucket = 2000;  // of a table that is compared as a whole
constexpr int most_buckets = 65'536;
constexpr double assumed_row_bytes = 256;  // where nobody has counted

int buckets_for(double rows) {
  const auto wanted = static_cast<std::uint64_t>(rows) / rows_per_bucket;
  return static_cast<int>(std::clamp<std::uint64_t>(std::bit_ceil(wanted + 1), 16, most_buckets));
}

PlanOptions by_key(const VerifyOptions& options) {
  auto cut = options.copy.plan;
  cut.chunk_by = ChunkBy::key;
  return cut;
}

PlanRange all_of(const TableFacts& facts) {
  PlanRange range;
  if (facts.key) range.high_water = facts.key->highest;
  return range;
}

// Each range is one of all partitions or children together.
Plan plan_across(const VerifyOptions& options, const TableFacts& facts) {
  return make_plan(facts, by_key(options), all_of(facts));
}

Plan plan_ranges(const VerifyOptions& options, const VerifyTable& table) {
  const auto& job = table.job;
  if (table.pairs.all()) return make_tree_plan(job.facts, job.members, by_key(options), all_of(job.facts));
  auto plan = plan_across(options, job.facts);
  if (job.source.is_tree()) plan.reason += fmt::format(", over all {} tables", job.source.members.size());
  return plan;
}

Chunk whole_chunk(const TableFacts& facts) {
  Chunk chunk;
  chunk.refined = true;
  chunk.estimated_bytes = facts.bytes;
  return chunk;
}

std::string why_whole(const VerifyOptions& options) {
  return options.seq_scan ? "no index is read"
                          : "there is no key whose ranges are the same rows on both sides";
}

// Partitions that both sides have alike, and all the others together.
Plan plan_leaves(const VerifyTable& table, const std::string& why) {
  Plan plan;
  const auto& pairs = table.pairs;
  for (const auto& member : table.job.members) {
    if (!pairs.target_of.contains(member.member.oid)) continue;
    plan.chunks.push_back(whole_chunk(member.facts));
    plan.chunks.back().range.member = member.member;
  }
  plan.reason = fmt::format("partition by partition: {} ({} on both sides alike", why, plan.chunks.size());
  if (!pairs.all()) {
    plan.chunks.push_back(whole_chunk({}));
    plan.reason += fmt::format("; {} on the source and {} on the target as a whole", pairs.source_rest.size(),
                               pairs.target_rest.size());
  }
  plan.reason += ")";
  return plan;
}

Plan plan_whole(const VerifyOptions& options, const VerifyTable& table) {
  const auto why = why_whole(options);
  if (!table.pairs.target_of.empty()) return plan_leaves(table, why);
  const bool both = table.job.source.kind == 'p' && table.job.target->kind == 'p';
  return {{whole_chunk(table.job.facts)},
          fmt::format("as a whole: {}{}", why, both ? ", and no partition is alike on both sides" : ""),
          0};
}

double likely_rows(const TableFacts& facts) {
  return facts.rows >= 0 ? facts.rows : static_cast<double>(facts.bytes) / assumed_row_bytes;
}

// Of the largest piece.
double most_rows(const VerifyTable& table) {
  if (table.pairs.target_of.empty()) return likely_rows(table.job.facts);
  double most = 0, rest = 0;
  for (const auto& member : table.job.members) {
    const auto rows = likely_rows(member.facts);
    if (table.pairs.target_of.contains(member.member.oid))
      most = std::max(most, rows);
    else
      rest += rows;
  }
  return std::max(most, rest);
}

std::vector<ChunkRange> key_ranges(const Plan& plan) {
  std::vector<ChunkRange> ranges;
  for (const auto& chunk : plan.chunks) {
    if (chunk.range.kind == ChunkKind::key) ranges.push_back(chunk.range);
  }
  return ranges;
}

}  // namespace

void plan_for_verify(const VerifyOptions& options, VerifyTable& table, const ComparisonRecord::Table& known) {
  const auto& job = table.job;
  Plan plan;
  if (options.seq_scan && table.by_ranges && job.facts.key)
    table.index_ranges = key_ranges(plan_across(options, job.facts));
  if (table.by_ranges) plan = plan_ranges(options, table);
  if (options.seq_scan || !table.by_ranges) {
    table.by_ranges = false;
    plan = plan_whole(options, table);
    table.source.buckets = table.target.buckets = buckets_for(most_rows(table));
  }
  table.report.strategy = plan.reason;
  if (known.planned) {
    table.source.buckets = table.target.buckets = known.buckets;
    table.report.chunks_before = static_cast<std::int64_t>(known.done.size());
    table.chunks = table.list.resume();
  } else {
    table.chunks = table.list.start(table.source.buckets, std::move(plan.chunks));
  }
}

}  // namespace pghaul
