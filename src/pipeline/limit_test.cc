#include "pipeline/limit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>

namespace pghaul {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

StageTimes times(std::initializer_list<std::pair<Activity, std::chrono::nanoseconds>> parts,
                 std::chrono::nanoseconds cpu = 0s) {
  StageTimes all;
  all.threads = 2;
  all.sum.cpu = cpu;
  for (const auto& [activity, time] : parts) all.sum.times[static_cast<std::size_t>(activity)] = time;
  return all;
}
const auto idle_writers = times({{Activity::no_batch, 90s}, {Activity::working, 10s}});
const auto idle_readers = times({{Activity::no_room, 90s}, {Activity::working, 10s}});

SessionLooks looks(std::int64_t cpu, std::int64_t client) {
  SessionLooks looks;
  if (cpu > 0) looks.add("CPU", cpu);
  if (client > 0) looks.add("Client", client);
  return looks;
}

TEST(Limit, IsTheSideThatIsNotKeptWaiting) {
  const auto limit = what_limits(
      idle_readers, times({{Activity::target_answer, 95s}, {Activity::working, 5s}}), {}, looks(9, 3));
  EXPECT_EQ(limit.by, "target server");
  EXPECT_EQ(limit.why,
            "writers waited for the target, whose sessions were seen 9 times at CPU, 3 idle or at the line: "
            "95 % of "
            "their time; readers were kept waiting by them for 90 %");
}

TEST(Limit, RowsThatComeLateAreTheServersOrTheLines) {
  const auto readers =
      times({{Activity::source_rows, 60s}, {Activity::source_answer, 20s}, {Activity::working, 20s}});
  EXPECT_EQ(what_limits(readers, idle_writers, {}, {}).by, "source server");
  EXPECT_EQ(what_limits(readers, idle_writers, looks(41, 59), {}).by, "source server");
  EXPECT_EQ(what_limits(readers, idle_writers, looks(39, 61), {}).by, "network from the source");
}

TEST(Limit, WorkThatGetsNoProcessorIsTheMachines) {
  const auto of_cpu = [](std::chrono::nanoseconds cpu) {
    return what_limits(times({{Activity::working, 80s}, {Activity::source_rows, 20s}}, cpu), idle_writers, {},
                       {})
        .by;
  };
  EXPECT_EQ(of_cpu(75s), "pghaul");
  EXPECT_EQ(of_cpu(20s), "this machine");
  EXPECT_EQ(of_cpu(0s), "pghaul") << "unknown while threads run";
}

TEST(Limit, WhatHoldsThemBackIsNamed) {
  for (const auto& [activity, name] :
       {std::pair(Activity::rate, "--max-rate"), std::pair(Activity::sleep, "--sleep"),
        std::pair(Activity::retry, "retries"), std::pair(Activity::connecting, "connecting")}) {
    EXPECT_EQ(what_limits(times({{activity, 60s}, {Activity::source_rows, 40s}}), idle_writers, {}, {}).by,
              name);
  }
}

TEST(Limit, TheOtherSideIsNamedWhereItIsNearlyAsBusy) {
  const auto writers = times({{Activity::target_answer, 85s}, {Activity::no_batch, 15s}});
  const auto readers = [](auto idle) {
    return times({{Activity::source_rows, 100s - idle}, {Activity::no_room, idle}});
  };
  const auto near = what_limits(readers(20s), writers, {}, {}),
             far = what_limits(readers(30s), writers, {}, {});
  EXPECT_EQ(near.by, "target server");
  EXPECT_THAT(near.why, HasSubstr("nearly as much: source server"));
  EXPECT_EQ(far.by, "target server");
  EXPECT_THAT(far.why, Not(HasSubstr("nearly")));
}

TEST(Limit, OfNothing) {
  EXPECT_EQ(what_limits({}, {}, {}, {}).by, "");
  EXPECT_EQ(looks(0, 0).text(), "");
}

TEST(Limit, OfTheLastSeconds) {
  const auto before = times({{Activity::source_rows, 100s}}),
             after = times({{Activity::source_rows, 101s}, {Activity::rate, 4s}});
  EXPECT_EQ(what_limits(after, idle_writers, {}, {}).by, "source server");
  EXPECT_EQ(what_limits(after.since(before), idle_writers, {}, {}).by, "--max-rate");
  EXPECT_EQ(looks(7, 4).since(looks(7, 1)).text(), "3 times idle or at the line");
}

TEST(StageReports, TheirPartsMakeUpTheTime) {
  auto all = times({{Activity::working, 1s},
                    {Activity::source_rows, 2s},
                    {Activity::no_chunk, 3s},
                    {Activity::no_room, 4s},
                    {Activity::target_answer, 5s},
                    {Activity::sleep, 6s},
                    {Activity::retry, 7s}});
  const auto report = report_of(Stage::reading, all);
  EXPECT_EQ(report.stage, "readers");
  EXPECT_EQ(report.working, 1s);
  EXPECT_EQ(report.for_input, 5s);
  EXPECT_EQ(report.for_output, 9s);
  EXPECT_EQ(report.held, 13s);
  EXPECT_EQ(report.time, 28s);
  ASSERT_EQ(report.waits.size(), 6U);
  EXPECT_EQ(report.waits[0].what, "source_rows");
  EXPECT_EQ(report.waits[0].time, 2s);
}

}  // namespace
}  // namespace pghaul
