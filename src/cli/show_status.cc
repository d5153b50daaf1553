#include <algorithm>
#include <cstdint>
#include <limits>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/duration.h"
#include "cli/show_report.h"
#include "cli/text.h"

namespace pghaul {
namespace {

constexpr std::size_t kShownFailures = 3;
constexpr std::size_t kShownMembers = 10;

void show_if_any(Sheet& sheet, std::string_view label, const std::string& value) {
  if (!value.empty()) sheet.line(label, value);
}

// What a ledger says need not be sane.
std::int64_t sum_or_most(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? std::numeric_limits<std::int64_t>::max() : sum;
}

void show_amounts(Sheet& sheet, const TableStatus& table) {
  sheet.line("done", fmt::format("{} of {}, {}, {}", grouped(table.chunks_done),
                                 counted(sum_or_most(table.chunks_done, table.chunks_pending), "chunk"),
                                 counted(table.rows_done, "row"), format_bytes(static_cast<double>(table.bytes_done))));
  if (table.chunks_pending > 0) {
    sheet.line("to do", fmt::format("{}, about {}", counted(table.chunks_pending, "chunk"),
                                    format_bytes(static_cast<double>(table.bytes_pending))));
  }
  if (table.bytes_per_second > 0) sheet.line("rate", format_bytes(table.bytes_per_second) + "/s");
  if (table.eta) sheet.line("ETA", format_duration(*table.eta));
}

// What is left of each; of those that are done only how many there are.
void show_members(Sheet& sheet, const TableStatus& table, bool verbose) {
  if (table.members.empty()) return;
  std::vector<const TableStatus::Member*> open;
  for (const auto& member : table.members) {
    if (member.chunks_pending > 0) open.push_back(&member);
  }
  sheet.line("members", fmt::format("{} of {} partitions or children done",
                                    grouped(static_cast<std::int64_t>(table.members.size() - open.size())),
                                    grouped(static_cast<std::int64_t>(table.members.size()))));
  const auto shown = verbose ? open.size() : std::min(open.size(), kShownMembers);
  for (std::size_t i = 0; i < shown; ++i) {
    const auto all = sum_or_most(open[i]->chunks_done, open[i]->chunks_pending);
    sheet.line("", fmt::format("{}: {} of {}", one_line(open[i]->name), grouped(open[i]->chunks_done), counted(all, "chunk")));
  }
  if (open.size() > shown) {
    sheet.line("", fmt::format("… and {} more (--verbose)", grouped(static_cast<std::int64_t>(open.size() - shown))));
  }
}

void show_failures(Sheet& sheet, const TableStatus& table, bool verbose) {
  const auto shown = verbose ? table.failures.size() : std::min(table.failures.size(), kShownFailures);
  for (std::size_t i = 0; i < shown; ++i) sheet.line("failure", table.failures[i]);
  const auto more = table.failures.size() - shown;
  if (more > 0) sheet.line("", fmt::format("… and {} more (--verbose)", more));
}

void show_table(Sheet& sheet, const TableStatus& table, bool verbose) {
  sheet.title(fmt::format("{}: {} -> {}: {}", table.id, one_line(table.source_table), one_line(table.target_table),
                          one_line(table.state)));
  show_if_any(sheet, "source", table.source_database);
  show_if_any(sheet, "where", table.where_sql);
  show_if_any(sheet, "columns", table.columns);
  show_if_any(sheet, "owner", table.owner);
  sheet.line("generation", std::to_string(table.generation));
  show_if_any(sheet, "started", table.started_at);
  show_if_any(sheet, "finished", table.finished_at);
  show_amounts(sheet, table);
  show_members(sheet, table, verbose);
  show_if_any(sheet, "last stop", table.last_stop);
  sheet.line("resume", fmt::format("{}{}{}", table.resumable ? "yes" : "no", table.resume_text.empty() ? "" : ": ",
                                   table.resume_text));
  show_failures(sheet, table, verbose);
}

}  // namespace

std::string status_text(const StatusReport& report, bool verbose) {
  const auto schema = one_line(report.ledger_schema);
  if (!report.ledger) return fmt::format("no ledger in schema {}: nothing was copied to this target\n", schema);
  if (report.tables.empty()) return fmt::format("the ledger in schema {} knows no table copy\n", schema);
  Sheet sheet;
  for (const auto& table : report.tables) show_table(sheet, table, verbose);
  return sheet.text();
}

}  // namespace pghaul
