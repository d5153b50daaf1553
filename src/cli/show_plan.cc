#include <fmt/format.h>

#include "base/bytes.h"
#include "base/duration.h"
#include "cli/show_report.h"
#include "cli/text.h"

namespace pghaul {
namespace {

constexpr std::size_t kShownChunks = 10;

std::string about(std::int64_t bytes) { return "about " + format_bytes(static_cast<double>(bytes)); }

std::string range_text(const PlannedTable::Range& range) {
  const auto* const coarse = range.coarse ? ", cut further on the way" : "";
  const auto* const tail = range.tail ? ", tail: the next run replaces it" : "";
  return fmt::format("{}, {}{}{}", range.text, about(range.estimated_bytes), coarse, tail);
}

// The chunks of one partition or child, which follow each other.
struct MemberChunks {
  std::string name;
  std::int64_t chunks = 0, bytes = 0;
};

std::vector<MemberChunks> by_member(const PlannedTable& table) {
  std::vector<MemberChunks> members;
  for (const auto& range : table.chunks) {
    if (range.member.empty()) continue;
    if (members.empty() || members.back().name != range.member) members.push_back({range.member, 0, 0});
    ++members.back().chunks;
    members.back().bytes += range.estimated_bytes;
  }
  return members;
}

void show_members(Sheet& sheet, const PlannedTable& table, bool verbose) {
  const auto members = by_member(table);
  const auto shown = verbose ? members.size() : std::min(members.size(), kShownChunks);
  for (std::size_t i = 0; i < shown; ++i) {
    sheet.line(i == 0 ? "from" : "", fmt::format("{}: {}, {}", one_line(members[i].name),
                                                 counted(members[i].chunks, "chunk"), about(members[i].bytes)));
  }
  const auto more = members.size() - shown;
  if (more > 0) sheet.line("", fmt::format("… and {} more (--verbose)", grouped(static_cast<std::int64_t>(more))));
}

std::string format_text(const PlannedTable& table) {
  return table.why_text.empty() ? table.record_format : fmt::format("{}: {}", table.record_format, table.why_text);
}

void show_chunks(Sheet& sheet, const PlannedTable& table, bool verbose) {
  sheet.line("chunks", grouped(static_cast<std::int64_t>(table.chunks.size())));
  const auto shown = verbose ? table.chunks.size() : std::min(table.chunks.size(), kShownChunks);
  for (std::size_t i = 0; i < shown; ++i) sheet.line("", range_text(table.chunks[i]));
  const auto more = table.chunks.size() - shown;
  if (more > 0) sheet.line("", fmt::format("… and {} more (--verbose)", grouped(static_cast<std::int64_t>(more))));
}

void show_table(Sheet& sheet, const PlannedTable& table, bool verbose) {
  sheet.title(fmt::format("{} -> {}: {}", one_line(table.source_table), one_line(table.target_table),
                          one_line(table.action)));
  if (!table.reason.empty()) sheet.line("because", table.reason);
  if (!table.record_format.empty()) sheet.line("format", format_text(table));
  const auto rows = table.estimated_rows < 0 ? "rows unknown" : counted(table.estimated_rows, "row");
  sheet.line("size", fmt::format("{}, {}", about(table.estimated_bytes), rows));
  if (!table.key_column.empty()) sheet.line("key", table.key_column);
  if (table.high_water) sheet.line("up to key", grouped(*table.high_water));
  if (table.rows_per_batch > 0) sheet.line("batch", counted(table.rows_per_batch, "row"));
  show_members(sheet, table, verbose);
  show_chunks(sheet, table, verbose);
  for (const auto& index : table.indexes) sheet.line("build", index);
}

// The time, and what it was measured by.
std::string eta_text(const PlanReport& report) {
  if (!report.eta) return "unknown: nothing was measured";
  return fmt::format("about {}, from a sample of {} in {}", format_duration(*report.eta),
                     format_bytes(static_cast<double>(report.sample_bytes)), format_duration(report.sample_time));
}

}  // namespace

std::string plan_text(const PlanReport& report, bool verbose) {
  Sheet sheet;
  for (const auto& table : report.tables) show_table(sheet, table, verbose);
  sheet.title("all tables");
  const auto primary =
      report.primary_connections > 0 ? fmt::format("{} to its primary, ", report.primary_connections) : "";
  sheet.line("connections", fmt::format("{} to the source, {}{} to the target", report.source_connections, primary,
                                        report.target_connections));
  sheet.line("time", eta_text(report));
  const auto* const verdict = "copy would be refused: see the errors below";
  if (has_errors(report.findings)) sheet.line("verdict", verdict);
  return sheet.text() + findings_text(report.findings);
}

}  // namespace pghaul
