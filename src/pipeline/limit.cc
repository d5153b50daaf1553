#include "pipeline/limit.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace pghaul {
namespace {

using Time = std::chrono::nanoseconds;

// Below this difference of their shares both sides limit.
constexpr double nearly = 0.1;
// A thread that works and gets less of a processor than this had to wait for one.
constexpr double starved = 0.5;

double share_of(Time part, Time all) {
  return all.count() <= 0 ? 0 : static_cast<double>(part.count()) / static_cast<double>(all.count());
}
int percent(double share) {
  return static_cast<int>(share * 100 + 0.5);
}

struct Cause {
  Time time;
  std::string by;
  std::string what;  // the threads did: "waited for …"
};

Time at_work_of(const StageTimes& times) { return times.all() - times.of(Activity::parked); }

// Time in which a stage was not kept waiting by the other one.
Time busy(Stage stage, const StageTimes& times) {
  const auto at_work = at_work_of(times);
  if (stage == Stage::writing) return at_work - times.of(Activity::no_batch);
  return at_work - times.of(Activity::no_room) - times.of(Activity::no_chunk);
}

Cause own_work(const StageTimes& times) {
  const auto time = times.of(Activity::working);
  const bool known = times.sum.cpu.count() > 0;
  if (known && share_of(times.sum.cpu, time) < starved) {
    return {time, "this machine", "worked, but most of that time without getting a processor"};
  }
  return {time, "pghaul", "worked themselves"};
}

Cause wait_for_source(const StageTimes& times, const SessionLooks& looks) {
  const auto time = times.of(Activity::source_answer) + times.of(Activity::source_rows);
  const auto seen = looks.text();
  const auto what = "waited for the source" + (seen.empty() ? "" : ", whose sessions were seen " + seen);
  return {time,
          looks.show_the_line(share_of(time, times.all())) ? "network from the source" : "source server",
          what};
}

Cause wait_for_target(const StageTimes& times, const SessionLooks& looks) {
  const auto room = times.of(Activity::target_room);
  const auto time = room + times.of(Activity::target_answer);
  const auto seen = looks.text();
  const auto what = "waited for the target" + (seen.empty() ? "" : ", whose sessions were seen " + seen);
  return {time, looks.show_the_line(share_of(time, times.all())) ? "network to the target" : "target server",
          what};
}

Cause main_cause(const StageTimes& times, const SessionLooks& source, const SessionLooks& target) {
  const std::vector<Cause> causes{
      own_work(times),
      wait_for_source(times, source),
      wait_for_target(times, target),
      {times.of(Activity::rate), "--max-rate", "were held to the rate"},
      {times.of(Activity::sleep), "--sleep", "slept as they were told"},
      {times.of(Activity::retry), "retries", "paused before another try"},
      {times.of(Activity::connecting), "connecting", "made sessions"},
  };
  return *std::ranges::max_element(causes, {}, &Cause::time);
}

}  // namespace

std::int64_t SessionLooks::all() const {
  std::int64_t all = 0;
  for (const auto& [kind, times] : by_kind_) all += times;
  return all;
}

SessionLooks SessionLooks::since(const SessionLooks& before) const {
  auto rest = *this;
  for (const auto& [kind, times] : before.by_kind_) {
    if ((rest.by_kind_[kind] -= times) == 0) rest.by_kind_.erase(kind);
  }
  return rest;
}

bool SessionLooks::show_the_line(double waited) const {
  const auto found = by_kind_.find("Client");
  if (found == by_kind_.end()) return false;
  const auto seen = static_cast<double>(all());
  return seen - static_cast<double>(found->second) < waited / 2 * seen;
}

std::string SessionLooks::text() const {
  std::vector<std::pair<std::int64_t, std::string>> kinds;
  for (const auto& [kind, times] : by_kind_) kinds.emplace_back(times, kind);
  std::ranges::sort(kinds, std::greater());
  std::string text;
  for (const auto& [times, kind] : kinds) {
    const auto where = kind == "Client" ? "idle or at the line" : "at " + kind;
    text += text.empty() ? fmt::format("{} times {}", times, where) : fmt::format(", {} {}", times, where);
  }
  return text;
}

LimitReport what_limits(const StageTimes& readers, const StageTimes& writers, const SessionLooks& source,
                        const SessionLooks& target) {
  if (readers.all() == Time::zero() || writers.all() == Time::zero()) return {};
  const double reading = share_of(busy(Stage::reading, readers), at_work_of(readers));
  const double writing = share_of(busy(Stage::writing, writers), at_work_of(writers));
  const bool at_writing = writing > reading;
  const auto& slower = at_writing ? writers : readers;
  const auto cause = main_cause(slower, source, target);
  LimitReport limit{cause.by, ""};
  limit.why =
      fmt::format("{} {}: {} % of their time; {} were kept waiting by them for {} %",
                  at_writing ? "writers" : "readers", cause.what, percent(share_of(cause.time, at_work_of(slower))),
                  at_writing ? "readers" : "writers", percent(1 - (at_writing ? reading : writing)));
  if (std::abs(reading - writing) >= nearly) return limit;
  const auto next = main_cause(at_writing ? readers : writers, source, target).by;
  if (next != cause.by) limit.why += fmt::format("; nearly as much: {}", next);
  return limit;
}

}  // namespace pghaul
