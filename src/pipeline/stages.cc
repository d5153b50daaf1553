#include "pipeline/stages.h"

#include <string_view>

namespace pghaul {
namespace {

using Share = std::chrono::microseconds StageReport::*;

struct Kind {
  Activity activity;
  std::string_view name;  // of the wait; empty: it is none
  Share share;
};

constexpr Kind kinds[] = {{Activity::working, "", &StageReport::working},
                          {Activity::source_answer, "source_answer", &StageReport::for_input},
                          {Activity::source_rows, "source_rows", &StageReport::for_input},
                          {Activity::no_chunk, "no_chunk", &StageReport::for_input},
                          {Activity::no_batch, "no_batch", &StageReport::for_input},
                          {Activity::no_room, "no_room", &StageReport::for_output},
                          {Activity::target_room, "target_room", &StageReport::for_output},
                          {Activity::target_answer, "target_answer", &StageReport::for_output},
                          {Activity::rate, "rate", &StageReport::held},
                          {Activity::sleep, "sleep", &StageReport::held},
                          {Activity::retry, "retry", &StageReport::held},
                          {Activity::connecting, "connecting", &StageReport::held},
                          {Activity::parked, "parked", &StageReport::held}};
static_assert(std::size(kinds) == activity_count);

std::chrono::microseconds rounded(std::chrono::nanoseconds time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time);
}

}  // namespace

std::chrono::nanoseconds StageTimes::all() const {
  std::chrono::nanoseconds all{0};
  for (const auto time : sum.times) all += time;
  return all;
}

StageTimes StageTimes::since(const StageTimes& before) const {
  auto rest = *this;
  for (std::size_t i = 0; i < activity_count; ++i) rest.sum.times[i] -= before.sum.times[i];
  rest.sum.cpu -= before.sum.cpu;
  rest.sum.rows -= before.sum.rows;
  rest.sum.bytes -= before.sum.bytes;
  return rest;
}

ActivityClock& Stages::clock(Stage stage, std::size_t thread) {
  const std::lock_guard lock(mutex_);
  return clocks_[{stage, thread}];
}

StageTimes Stages::times(Stage stage) const {
  const std::lock_guard lock(mutex_);
  StageTimes all;
  for (const auto& [key, clock] : clocks_) {
    if (key.first != stage) continue;
    const auto reading = clock.read();
    ++all.threads;
    for (std::size_t i = 0; i < activity_count; ++i) all.sum.times[i] += reading.times[i];
    all.sum.cpu += reading.cpu;
    all.sum.rows += reading.rows;
    all.sum.bytes += reading.bytes;
  }
  return all;
}

StageReport report_of(Stage stage, const StageTimes& times) {
  StageReport report;
  report.stage = stage == Stage::reading ? "readers" : "writers";
  report.threads = times.threads;
  report.rows = times.sum.rows;
  report.bytes = times.sum.bytes;
  report.cpu = rounded(times.sum.cpu);
  for (const auto& kind : kinds) {
    const auto time = rounded(times.of(kind.activity));
    report.time += time;
    report.*kind.share += time;
    if (!kind.name.empty() && time.count() > 0) report.waits.push_back({std::string(kind.name), time});
  }
  return report;
}

}  // namespace pghaul
