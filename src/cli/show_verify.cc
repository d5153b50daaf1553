// Reports of comparisons, as text.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/duration.h"
#include "catalog/names.h"
#include "cli/show_report.h"
#include "cli/show_stages.h"
#include "cli/text.h"

namespace pghaul {
namespace {

constexpr std::size_t longest_value = 60;

std::string state_text(const VerifiedTable& table) {
  if (table.state == "equal_counts") return "as many rows";
  if (table.state == "equal_in_sample") return "no difference in the sample";
  return table.state;
}

std::string row_name(const RowDifference& row, const VerifiedTable& table) {
  if (!row.by_key) return fmt::format("row of hash {}", fmt::join(row.key, " "));
  std::string name;
  for (std::size_t i = 0; i < row.key.size(); ++i) {
    name +=
        fmt::format("{}{} = {}", i == 0 ? "" : ", ", catalog::display_name(table.key_columns[i]), row.key[i]);
  }
  return name;
}

std::string value_text(const std::optional<std::string>& value) {
  return value ? "'" + shortened(one_line(*value), longest_value) + "'" : "NULL";
}

std::string columns_text(const RowDifference& row, bool values) {
  std::string text;
  for (const auto& each : row.columns) {
    text += fmt::format("{}{}", text.empty() ? "" : ", ", catalog::display_name(each.column));
    if (values)
      text += fmt::format(" ({} on the source, {} on the target)", value_text(each.source),
                          value_text(each.target));
  }
  return text.empty() ? "differs" : "differs in " + text;
}

std::string difference_text(const RowDifference& row, bool values) {
  if (row.on_target == 0 && row.on_source == 1) return "is missing on the target";
  if (row.on_source == 0 && row.on_target == 1) return "is on the target only";
  if (row.on_source == 1 && row.on_target == 1) return columns_text(row, values);
  return fmt::format("{} on the source, {} on the target", counted(row.on_source, "row"),
                     counted(row.on_target, "row"));
}

void show_rows(Sheet& sheet, const char* label, const std::vector<RowDifference>& rows,
               const VerifiedTable& table, bool values) {
  for (const auto& row : rows)
    sheet.line(label, one_line(row_name(row, table)) + ": " + difference_text(row, values));
}

std::string by_earlier_runs(const VerifiedTable& table) {
  return table.chunks_before == 0 ? "" : fmt::format(" ({} by earlier runs)", grouped(table.chunks_before));
}

const char* noun(const VerifiedTable& table) {
  return table.ranges.empty() ? "row" : "range";
}

void show_table(Sheet& sheet, const VerifiedTable& table, bool values, bool from_ledger) {
  const char* const before = from_ledger ? "recorded" : "on the source";
  sheet.title(fmt::format("{}: {}", one_line(table.source_table), state_text(table)));
  sheet.line("rows", fmt::format("{} {}, {} on the target", grouped(table.source_rows), before,
                                 grouped(table.target_rows)));
  sheet.line("bytes", format_bytes(static_cast<double>(table.bytes)));
  sheet.line("chunks", grouped(table.chunks) + by_earlier_runs(table) +
                           (table.chunks_passed_over > 0
                                ? fmt::format(" of {}", grouped(table.chunks + table.chunks_passed_over))
                                : ""));
  sheet.line("cut", table.strategy);
  sheet.line("equal is", table.equality);
  if (table.state == "unfinished") return;
  for (const auto& each : table.suspected_indexes) {
    sheet.line("index suspected",
               fmt::format("{} on the {}, {}: {} by the index, {} in the table", one_line(each.index),
                           to_string(each.side), one_line(each.range), counted(each.by_index, "row"),
                           counted(each.in_table, "row")));
  }
  sheet.line("different",
             counted(table.differences, noun(table)) + (table.chunks_left > 0 ? " at least" : ""));
  for (const auto& each : table.ranges) {
    sheet.line("range", fmt::format("{}: {} {}, {} on the target", one_line(each.range),
                                    counted(each.on_source, "row"), before, counted(each.on_target, "row")));
  }
  show_rows(sheet, "row", table.rows, table, values);
  const auto shown = static_cast<std::int64_t>(table.rows.size() + table.ranges.size());
  if (table.differences > shown)
    sheet.line("and", fmt::format("{} more: see --limit", grouped(table.differences - shown)));
  if (table.chunks_left > 0) {
    sheet.line("and", fmt::format("{} that differ and were not looked into: see --limit",
                                  counted(table.chunks_left, "chunk")));
  }
  if (table.rows_in_motion > 0)
    sheet.line("in motion",
               fmt::format("{}: changed until the end", counted(table.rows_in_motion, noun(table))));
  show_rows(sheet, "in motion", table.in_motion, table, values);
}

}  // namespace

bool has_differences(const VerifyReport& report) {
  return std::ranges::any_of(report.tables, [](const auto& table) { return table.state == "different"; });
}

std::string verify_text(const VerifyReport& report) {
  Sheet sheet;
  for (const auto& table : report.tables) show_table(sheet, table, report.show_values, report.from_ledger);
  sheet.title("all tables");
  sheet.line("time", format_duration(report.time));
  show_stages(sheet, report.stages, report.limit);
  return sheet.text() + findings_text(report.findings);
}

}  // namespace pghaul
