#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/bytes.h"
#include "base/duration.h"
#include "cli/show_report.h"
#include "cli/show_stages.h"
#include "cli/text.h"

namespace pghaul {
namespace {

bool is_complete(const TableReport& table) {
  return table.chunks_left == 0 && (table.state == "complete" || table.state == "unchanged");
}

std::string of_generation(bool resumed, const std::string& total) {
  return resumed ? fmt::format(" ({} with earlier runs)", total) : std::string();
}

std::string rate_text(double bytes, std::chrono::milliseconds time) {
  if (time.count() <= 0) return "";
  return fmt::format(", {}/s", format_bytes(bytes * 1000 / static_cast<double>(time.count())));
}

void show_amounts(Sheet& sheet, const TableReport& table, std::chrono::milliseconds time) {
  const bool resumed = table.resumed;
  sheet.line("rows", grouped(table.rows) + of_generation(resumed, grouped(table.rows_total)));
  sheet.line("bytes", format_bytes(static_cast<double>(table.bytes)) +
                          of_generation(resumed, format_bytes(static_cast<double>(table.bytes_total))) +
                          rate_text(static_cast<double>(table.bytes), time));
  sheet.line("chunks", grouped(table.chunks) + of_generation(resumed, grouped(table.chunks_total)));
  sheet.line("retries", grouped(table.retries));
}

void show_table(Sheet& sheet, const TableReport& table, std::chrono::milliseconds time) {
  sheet.title(fmt::format("{} -> {}: {}", one_line(table.source_table), one_line(table.target_table), table.state));
  sheet.line("generation", fmt::format("{}{}", table.generation, table.resumed ? ", resumed" : ""));
  show_amounts(sheet, table, time);
  sheet.line("late rows", fmt::format("{} found{}", grouped(table.late_rows),
                                      table.settled ? "" : "; more may come: see remarks"));
  if (table.high_water && is_complete(table)) sheet.line("up to key", grouped(*table.high_water));
  if (!table.created.empty()) sheet.line("created", fmt::format("{}", fmt::join(table.created, ", ")));
  if (table.chunks_left > 0) sheet.line("left", counted(table.chunks_left, "chunk"));
  for (const auto& remark : table.remarks) sheet.line("remark", remark);
}

}  // namespace

bool is_complete(const CopyReport& report) {
  return std::ranges::all_of(report.tables, [](const TableReport& table) { return is_complete(table); });
}

bool has_errors(const std::vector<Finding>& findings) {
  return std::ranges::any_of(findings, [](const Finding& f) { return f.severity == Finding::Severity::error; });
}

std::string copy_text(const CopyReport& report) {
  Sheet sheet;
  for (const auto& table : report.tables) show_table(sheet, table, report.time);
  sheet.title(is_complete(report) ? "all tables" : "all tables: not complete");
  std::int64_t rows = 0, bytes = 0;
  for (const auto& table : report.tables) rows += table.rows, bytes += table.bytes;
  if (report.tables.size() > 1) {
    sheet.line("rows", grouped(rows));
    sheet.line("bytes", format_bytes(static_cast<double>(bytes)) + rate_text(static_cast<double>(bytes), report.time));
  }
  sheet.line("time", format_duration(report.time));
  if (!report.snapshot_text.empty()) sheet.line("rows are of", report.snapshot_text);
  if (!is_complete(report)) sheet.line("next", "run the same pghaul copy again, without --full: it continues");
  show_stages(sheet, report.stages, report.limit);
  return sheet.text() + findings_text(report.findings);
}

std::string copies_text(const std::vector<NamedDocument>& copies) {
  std::string text;
  for (const auto& copy : copies) {
    if (!copy.text.empty()) text += fmt::format("{}copy {}\n{}", text.empty() ? "" : "\n", copy.name, copy.text);
  }
  return text;
}

std::string findings_text(const std::vector<Finding>& findings) {
  Sheet sheet;
  for (const auto& each : findings) {
    const auto* const severity = each.severity == Finding::Severity::error ? "error" : "warning";
    const auto table = each.table.empty() ? std::string() : one_line(each.table) + ": ";
    sheet.title(fmt::format("{}: {}{}", severity, table, one_line(each.text)));
    if (!each.advice.empty()) sheet.line("next:", each.advice);
  }
  return sheet.text();
}

}  // namespace pghaul
