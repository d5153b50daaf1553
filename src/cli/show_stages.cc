#include "cli/show_stages.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "base/duration.h"

namespace pghaul {
namespace {

using Json = nlohmann::ordered_json;
using Time = std::chrono::microseconds;

constexpr std::pair<std::string_view, std::string_view> wait_words[] = {
    {"source_answer", "for answers of the source"},
    {"source_rows", "for rows of the source"},
    {"no_chunk", "for something to read"},
    {"no_batch", "for batches"},
    {"no_room", "for room in the queue"},
    {"target_room", "until the target took rows"},
    {"target_answer", "for answers of the target"},
    {"rate", "by --max-rate"},
    {"sleep", "by --sleep"},
    {"retry", "before another try"},
    {"connecting", "to connect"},
    {"parked", "as more would not pay"}};

std::string words_for(const std::string& wait) {
  const auto* const found = std::ranges::find(wait_words, wait, [](const auto& each) { return each.first; });
  return std::string(found == std::end(wait_words) ? wait : found->second);
}

std::string time_text(Time time) {
  return format_duration(std::chrono::duration_cast<Duration>(time));
}

std::string share_text(Time part, Time all) {
  const auto share =
      all.count() == 0 ? 0.0 : static_cast<double>(part.count()) / static_cast<double>(all.count());
  return fmt::format("{:.0f} %", share * 100);
}

constexpr std::string_view row_format = "{:>7}  {:>10}  {:>7}  {:>9}  {:>10}  {:>5}  {:>8}  {:>13}  {:>8}";

std::string row_text(const StageReport& stage) {
  const auto share = [&](Time part) { return share_text(part, stage.time); };
  return fmt::format(row_format, stage.threads, time_text(stage.time), share(stage.working),
                     share(stage.for_input), share(stage.for_output), share(stage.held), time_text(stage.cpu),
                     grouped(stage.rows), format_bytes(static_cast<double>(stage.bytes)));
}

std::string waits_text(StageReport stage) {
  std::ranges::stable_sort(stage.waits, std::greater(), &StageReport::Wait::time);
  std::string text;
  for (const auto& wait : stage.waits) {
    if (wait.time < std::chrono::milliseconds(1)) continue;
    text +=
        fmt::format("{}{} {}", text.empty() ? "waited " : ", ", time_text(wait.time), words_for(wait.what));
  }
  return text.empty() ? "waited for nothing" : text;
}

double seconds(Time time) {
  return static_cast<double>(time.count()) / 1e6;
}

Json to_document(const StageReport& stage) {
  Json waits = Json::object();
  for (const auto& wait : stage.waits) waits[wait.what + "_seconds"] = seconds(wait.time);
  return {{"stage", stage.stage},
          {"threads", stage.threads},
          {"rows", stage.rows},
          {"bytes", stage.bytes},
          {"time_seconds", seconds(stage.time)},
          {"cpu_seconds", seconds(stage.cpu)},
          {"working_seconds", seconds(stage.working)},
          {"for_input_seconds", seconds(stage.for_input)},
          {"for_output_seconds", seconds(stage.for_output)},
          {"held_seconds", seconds(stage.held)},
          {"waits", std::move(waits)}};
}

}  // namespace

void show_stages(Sheet& sheet, const std::vector<StageReport>& stages, const LimitReport& limit) {
  if (stages.empty()) return;
  sheet.title("where the time went");
  sheet.line("", fmt::format(row_format, "threads", "time", "working", "for input", "for output", "held",
                             "CPU", "rows", "bytes"));
  for (const auto& stage : stages) sheet.line(stage.stage, row_text(stage));
  for (const auto& stage : stages) sheet.line(stage.stage, waits_text(stage));
  sheet.line("limit", limit.by.empty() ? "nothing was moved" : fmt::format("{}: {}", limit.by, limit.why));
}

void add_stages(nlohmann::ordered_json& document, const std::vector<StageReport>& stages,
                const LimitReport& limit) {
  if (stages.empty()) return;
  document["stages"] = Json::array();
  for (const auto& stage : stages) document["stages"].push_back(to_document(stage));
  document["limit"] = limit.by.empty() ? Json() : Json{{"by", limit.by}, {"why", limit.why}};
}

}  // namespace pghaul
