#include "cli/progress_lines.h"

#include <algorithm>
#include <cmath>
#include <span>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "cli/text.h"

namespace pghaul {
namespace {

constexpr std::size_t kShortestBar = 5, kLongestBar = 30;
constexpr std::size_t kBarFrame = 3;  // brackets and a blank
constexpr std::size_t kLongestName = 32;

std::string percent_text(const Counts& counts) {
  return fmt::format("{:.0f} %", std::floor(fraction_done(counts) * 100));
}
std::string rows_text(const Counts& counts) { return counted(counts.rows_before + counts.rows, "row"); }
std::string bytes_text(const Counts& counts) {
  return format_bytes(static_cast<double>(counts.bytes_before + counts.bytes));
}
std::string rate_text(std::optional<double> rate) { return rate ? format_bytes(*rate) + "/s" : ""; }
std::string eta_text(std::optional<Duration> eta) { return eta ? "ETA " + format_duration(*eta) : "ETA ?"; }

bool knows_tables(Phase phase) { return phase != Phase::preparing && phase != Phase::waiting_for_late_rows; }

bool is_done(const Pace& table) { return table.counts.chunks_pending == 0; }

std::string bar_text(double fraction, std::size_t width) {
  const auto full = static_cast<std::size_t>(fraction * static_cast<double>(width));
  return "[" + std::string(full, '#') + std::string(width - full, '.') + "] ";
}

// Right of the bar, padded so that bars of all tables are of one width; the further up `level`, the less.
constexpr int kMostLevels = 4;
std::string fields_text(const Pace& table, int level) {
  const auto& counts = table.counts;
  std::string text = fmt::format("{:>5}", percent_text(counts));
  if (level < 1) text += fmt::format("  {:>14}", rows_text(counts));
  if (level < 4) text += fmt::format("  {:>7}", bytes_text(counts));
  if (level < 2) text += fmt::format("  {:>9}", rate_text(table.rate));
  if (level < 3) text += fmt::format("  {:<14}", is_done(table) ? "done" : eta_text(table.eta));
  return text;
}

std::vector<const Pace*> by_urgency(const std::vector<Pace>& tables) {
  std::vector<const Pace*> order;
  for (const auto& table : tables) order.push_back(&table);
  std::ranges::stable_sort(order, {}, [](const Pace* table) {
    return is_done(*table) ? 2 : table->counts.chunks > 0 ? 0 : 1;
  });
  return order;
}

std::size_t name_width(const std::vector<Pace>& tables, std::size_t width) {
  std::size_t longest = 0;
  for (const auto& table : tables) longest = std::max(longest, columns_of(one_line(table.counts.name)));
  return std::min({longest, kLongestName, width / 3});
}

std::string rest_line(const std::vector<const Pace*>& order, std::size_t shown) {
  const auto rest = std::span(order).subspan(shown);
  const auto done = std::ranges::count_if(rest, [](const Pace* table) { return is_done(*table); });
  return fmt::format("… and {} more tables, {} of them done", rest.size(), done);
}

nlohmann::ordered_json table_json(const Counts& counts) {
  return {{"name", counts.name},
          {"rows", counts.rows},
          {"bytes", counts.bytes},
          {"chunks", counts.chunks},
          {"chunks_pending", counts.chunks_pending},
          {"bytes_expected", counts.bytes_expected},
          {"retries", counts.retries},
          {"late_rows", counts.late_rows},
          {"rows_before", counts.rows_before},
          {"bytes_before", counts.bytes_before},
          {"chunks_before", counts.chunks_before}};
}

}  // namespace

std::string job_line(const PaceKeeper& pace) {
  std::string text(phase_text(pace.phase()));
  if (!knows_tables(pace.phase())) return text;
  const auto& total = pace.total();
  text += fmt::format("  {}  {}  {}", percent_text(total.counts), rows_text(total.counts), bytes_text(total.counts));
  if (pace.phase() == Phase::copying || pace.phase() == Phase::comparing) {
    if (total.rate) text += "  " + rate_text(total.rate);
    text += "  " + eta_text(total.eta);
    if (!pace.limit().empty()) text += "  limit: " + pace.limit();
  }
  if (total.counts.retries > 0) text += fmt::format("  {} retried", grouped(total.counts.retries));
  return text;
}

std::string bar_line(const Pace& table, std::size_t name_columns, std::size_t width) {
  const auto name = fitted(one_line(table.counts.name), name_columns) + "  ";
  const auto room = width - std::min(width, std::size_t{1});  // the last column would wrap
  auto fields = fields_text(table, 0);
  auto needed = [&] { return columns_of(name) + kShortestBar + kBarFrame + columns_of(fields); };
  for (int level = 1; level <= kMostLevels && needed() > room; ++level) fields = fields_text(table, level);
  if (needed() > room) return shortened(name + fields, room);
  const auto bar = std::min(kShortestBar + room - needed(), kLongestBar);
  return name + bar_text(fraction_done(table.counts), bar) + fields;
}

std::vector<std::string> bar_frame(const PaceKeeper& pace, TerminalSize size) {
  const auto job = fmt::format("{}  {} so far", job_line(pace), format_duration(pace.elapsed()));
  std::vector<std::string> lines{shortened(job, size.columns - std::min(size.columns, std::size_t{1}))};
  if (!knows_tables(pace.phase())) return lines;
  const auto order = by_urgency(pace.tables());
  const auto room = size.rows - std::min(size.rows, std::size_t{2});  // the job's line, and the cursor's
  const bool all = order.size() <= room;
  const auto shown = all ? order.size() : room - std::min(room, std::size_t{1});
  const auto columns = name_width(pace.tables(), size.columns);
  for (std::size_t i = 0; i < shown; ++i) lines.push_back(bar_line(*order[i], columns, size.columns));
  if (!all && room > 0) lines.push_back(shortened(rest_line(order, shown), size.columns - 1));
  return lines;
}

std::string json_line(const PaceKeeper& pace, std::string_view time) {
  using Json = nlohmann::ordered_json;
  Json tables = Json::array();
  for (const auto& table : pace.tables()) tables.push_back(table_json(table.counts));
  const auto rate = pace.total().rate;
  const auto eta = knows_tables(pace.phase()) ? pace.total().eta : std::nullopt;
  Json document{{"time", time},
                      {"phase", phase_text(pace.phase())},
                      {"tables", std::move(tables)},
                      {"rate_bytes_per_second", rate ? Json(*rate) : Json()},
                      {"eta_seconds", eta ? Json(static_cast<double>(eta->count()) / 1000) : Json()}};
  if (!pace.limit().empty()) document["limit"] = pace.limit();
  return printable_json(document.dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace pghaul
