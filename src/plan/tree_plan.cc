// Plans of tables whose rows are in several: partitions, or an inheritance tree.
#include <fmt/format.h>

#include "plan/planner.h"

namespace pghaul {

namespace {

bool is_main(const Chunk& chunk) { return chunk.range.kind != ChunkKind::null && !chunk.tail; }

// What is known of a table's size by its files needs no probe.
bool fits_one_batch(const TableFacts& facts, const PlanOptions& options) {
  return facts.bytes <= options.batch_bytes && !options.batch_rows;
}

// The member's rows, but not those of the tail and those without a key.
std::vector<Chunk> main_chunks(const MemberFacts& member, const PlanOptions& options, const PlanRange& range) {
  std::vector<Chunk> chunks;
  for (auto& chunk : make_plan(member.facts, options, range).chunks) {
    if (!is_main(chunk)) continue;
    chunk.range.member = member.member;
    chunks.push_back(std::move(chunk));
  }
  if (chunks.size() == 1 && fits_one_batch(member.facts, options)) chunks.front().refined = true;
  return chunks;
}

ChunkBy way_of(const Chunk& chunk) { return chunk.range.kind == ChunkKind::ctid ? ChunkBy::ctid : ChunkBy::key; }

std::string way_text(const TableFacts& whole, ChunkBy way) {
  if (way == ChunkBy::ctid) {
    const bool asked = whole.key || whole.ordered_key;
    return asked ? "asked for" : whole.no_key.empty() ? "no usable key" : fmt::format("no usable key ({})", whole.no_key);
  }
  return whole.key ? fmt::format("integer key {}", whole.key->column) : fmt::format("key {}", whole.ordered_key->name);
}

std::string reason_of(const TableFacts& whole, ChunkBy way, std::size_t ranges, std::size_t members) {
  const auto mean = ranges > 0 ? static_cast<double>(whole.bytes) / static_cast<double>(ranges) : 0.0;
  return fmt::format("{}: {} {} in {} {}, about {:.1f} MB each{}", way_text(whole, way), ranges,
                     way == ChunkBy::ctid ? "page ranges" : "ranges", members, members == 1 ? "table" : "tables",
                     mean / 1e6, way == ChunkBy::ctid ? ", inside one snapshot" : "");
}

}  // namespace

Plan make_tree_plan(const TableFacts& whole, const std::vector<MemberFacts>& members, const PlanOptions& options,
                    const PlanRange& range) {
  Plan all = make_plan(whole, options, range);
  const bool later = range.replace || range.gained_above;
  if (later || all.chunks.empty() || all.chunks.front().range.kind == ChunkKind::whole) return all;

  Plan plan;
  plan.rows_per_batch = all.rows_per_batch;
  // One way for all members: what a resume may rely on hangs on it.
  auto of_member = options;
  of_member.chunk_by = way_of(all.chunks.front());
  for (const auto& member : members) {
    auto chunks = main_chunks(member, of_member, range);
    std::move(chunks.begin(), chunks.end(), std::back_inserter(plan.chunks));
  }
  plan.reason = reason_of(whole, of_member.chunk_by, plan.chunks.size(), members.size());
  for (auto& chunk : all.chunks) {
    if (!is_main(chunk)) plan.chunks.push_back(std::move(chunk));
  }
  return plan;
}

std::vector<Chunk> joined_member_chunks(const MemberFacts& member, const PlanOptions& options, std::int64_t high_water) {
  PlanRange up_to_mark;
  up_to_mark.high_water = high_water;
  auto by_key = options;
  by_key.chunk_by = ChunkBy::key;
  auto chunks = main_chunks(member, by_key, up_to_mark);
  for (auto& chunk : chunks) {
    chunk.range.kind = ChunkKind::late;
    // Without any bound rows that have no key would come, too; they have a chunk of their own.
    if (!chunk.range.lower && !chunk.range.upper) chunk.range.lower = std::to_string(member.facts.key->type_lowest);
    chunk.refined = true;
  }
  return chunks;
}

}  // namespace pghaul
