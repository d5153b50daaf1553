#include "cli/progress_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cli/progress_bar.h"
#include "cli/text.h"

namespace pghaul {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using namespace std::chrono_literals;

const auto start = RateWindow::TimePoint() + 1h;

TableProgress& add_table(Progress& progress, const std::string& name, std::int64_t expected, std::int64_t pending) {
  auto& table = progress.tables.emplace_back();
  table.name = name;
  table.bytes_expected = expected;
  table.chunks_pending = pending;
  return table;
}

Pace pace_of(const std::string& name, std::int64_t bytes, std::int64_t expected, std::int64_t pending, double rate) {
  Pace pace;
  pace.counts.name = name;
  pace.counts.rows = bytes / 100;
  pace.counts.bytes = bytes;
  pace.counts.bytes_expected = expected;
  pace.counts.chunks_pending = pending;
  pace.rate = rate;
  pace.eta = time_left(pace.counts, rate);
  return pace;
}

TEST(RateWindow, NeedsASecondAndForgetsAfterTen) {
  RateWindow window;
  EXPECT_EQ(window.per_second(), std::nullopt);
  window.add(start, 0);
  window.add(start + 500ms, 1000);
  EXPECT_EQ(window.per_second(), std::nullopt);
  window.add(start + 1s, 2000);
  EXPECT_EQ(window.per_second(), 2000);
  for (int second = 2; second <= 10; ++second) window.add(start + second * 1s, 2000);
  EXPECT_EQ(window.per_second(), 200);
  for (int second = 11; second <= 20; ++second) window.add(start + second * 1s, 2000);
  EXPECT_EQ(window.per_second(), 0) << "nothing has moved for ten seconds";
}

TEST(Counts, FractionIsNotFullWhileAChunkIsPending) {
  auto counts = pace_of("t", 40, 100, 3, 1).counts;
  EXPECT_DOUBLE_EQ(fraction_done(counts), 0.4);
  counts.bytes_before = 100;
  EXPECT_DOUBLE_EQ(fraction_done(counts), 0.7) << "of the whole generation";
  counts.bytes = 500;
  EXPECT_DOUBLE_EQ(fraction_done(counts), 0.99);
  counts.chunks_pending = 0;
  EXPECT_DOUBLE_EQ(fraction_done(counts), 1);
  EXPECT_DOUBLE_EQ(fraction_done(pace_of("t", 0, 0, 1, 1).counts), 0);
}

TEST(Counts, TimeLeft) {
  EXPECT_EQ(time_left(pace_of("t", 40, 100, 3, 1).counts, 30.0), 2s);
  EXPECT_EQ(time_left(pace_of("t", 40, 100, 3, 1).counts, std::nullopt), std::nullopt);
  EXPECT_EQ(time_left(pace_of("t", 40, 100, 3, 1).counts, 0.0), std::nullopt);
  EXPECT_EQ(time_left(pace_of("t", 140, 100, 3, 1).counts, 30.0), std::nullopt) << "the estimate was too low";
  EXPECT_EQ(time_left(pace_of("t", 40, 100, 0, 1).counts, 30.0), 0s);
  EXPECT_EQ(time_left(pace_of("t", 0, INT64_MAX, 1, 1).counts, 1e-9), std::nullopt);
}

TEST(Counts, ATableThatOutgrewItsEstimateDoesNotHideWhatOthersHaveToDo) {
  const auto total = total_of({pace_of("a", 300, 100, 1, 1).counts, pace_of("b", 0, 100, 2, 1).counts});
  EXPECT_EQ(total.bytes, 300);
  EXPECT_EQ(total.bytes_expected, 400);
  EXPECT_EQ(total.chunks_pending, 3);
  EXPECT_EQ(time_left(total, 50.0), 2s);
}

TEST(PaceKeeper, RatesOfTablesAndOfTheJob) {
  Progress progress;
  auto& first = add_table(progress, "a", 1000, 5);
  PaceKeeper keeper;
  keeper.add(progress, start);
  auto& second = add_table(progress, "b", 1000, 5);
  first.bytes = 100;
  keeper.add(progress, start + 1s);
  first.bytes = 300;
  second.bytes = 200;
  keeper.add(progress, start + 2s);
  EXPECT_EQ(keeper.tables()[0].rate, 150);
  EXPECT_EQ(keeper.tables()[1].rate, 200) << "seen one second later";
  EXPECT_EQ(keeper.total().rate, 250);
  EXPECT_EQ(keeper.total().eta, 6s);
  EXPECT_EQ(keeper.elapsed(), 2s);
}

TEST(BarLine, AtSeveralWidths) {
  const auto pace = pace_of("public.t", 42'000'000, 100'000'000, 6, 5.8e6);
  EXPECT_EQ(bar_line(pace, 10, 120),
            "public.t    [############..................]  42 %    420,000 rows  42.0 MB  5.80 MB/s  ETA 10.0 s    ");
  EXPECT_EQ(bar_line(pace, 10, 80),
            "public.t    [##.....]  42 %    420,000 rows  42.0 MB  5.80 MB/s  ETA 10.0 s    ");
  EXPECT_EQ(bar_line(pace, 10, 70), "public.t    [#####........]  42 %  42.0 MB  5.80 MB/s  ETA 10.0 s    ");
  EXPECT_EQ(bar_line(pace, 10, 40), "public.t    [####......]  42 %  42.0 MB");
  EXPECT_EQ(bar_line(pace, 10, 30), "public.t    [###......]  42 %");
  EXPECT_EQ(bar_line(pace, 10, 20), "public.t     42 %");
  EXPECT_EQ(bar_line(pace, 10, 14), "public.t    …");
  for (std::size_t width = 0; width <= 200; ++width) {
    EXPECT_LT(columns_of(bar_line(pace, std::min<std::size_t>(10, width / 3), width)), std::max<std::size_t>(width, 1));
  }
}

TEST(BarLine, OfATableThatIsDone) {
  const auto line = bar_line(pace_of("t\x1b[2J", 100, 300, 0, 0), 10, 120);
  EXPECT_THAT(line, AllOf(HasSubstr("##############################]"), HasSubstr("100 %"), HasSubstr("done")));
  EXPECT_THAT(line, Not(HasSubstr("\x1b"))) << "names cannot drive the terminal";
}

PaceKeeper many_tables(int count, Phase phase = Phase::copying) {
  Progress progress;
  progress.phase = phase;
  for (int i = 0; i < count; ++i) {
    auto& table = add_table(progress, "t" + std::to_string(i), 100, i < 2 ? 0 : 4);
    if (i == count - 1) table.chunks = 1;
  }
  PaceKeeper keeper;
  keeper.add(progress, start);
  return keeper;
}

TEST(BarFrame, ShowsWhatIsAtWorkWhenThereAreMoreTablesThanLines) {
  const auto lines = bar_frame(many_tables(10), {80, 6});
  EXPECT_THAT(lines, ElementsAre(StartsWith("copying"), StartsWith("t9"), StartsWith("t2"), StartsWith("t3"),
                                 "… and 7 more tables, 2 of them done"));
  EXPECT_EQ(bar_frame(many_tables(4), {80, 6}).size(), 5u) << "just fit";
  EXPECT_EQ(bar_frame(many_tables(10), {80, 2}).size(), 1u);
  EXPECT_EQ(bar_frame(many_tables(10), {1, 1}).size(), 1u);
  EXPECT_THAT(bar_frame(many_tables(10, Phase::preparing), {80, 24}), ElementsAre(StartsWith("preparing")));
}

struct Output {
  std::vector<std::string> texts;
  Writer writer() {
    return [this](std::string_view text) { texts.emplace_back(text); };
  }
};

TEST(PlainView, OneLineForAPhaseAfterASecondAndThenEveryFive) {
  Output output;
  PlainView view(output.writer());
  Progress progress;
  auto& table = add_table(progress, "t", 100'000'000, 10);
  view.tick_at(progress, start);
  progress.phase = Phase::copying;
  view.tick_at(progress, start + 200ms);
  for (int tenth = 3; tenth <= 110; ++tenth) {
    table.bytes = tenth * 100'000;
    table.rows = tenth * 1'000;
    view.tick_at(progress, start + tenth * 100ms);
  }
  progress.phase = Phase::building_indexes;
  view.tick_at(progress, start + 11'100ms);
  EXPECT_THAT(output.texts, ElementsAre("preparing", "copying  0 %  0 rows  0 B  ETA ?",
                                        "copying  1 %  10,000 rows  1.00 MB  1.00 MB/s  ETA 1 min 39 s",
                                        "copying  6 %  60,000 rows  6.00 MB  1.00 MB/s  ETA 1 min 34 s",
                                        "copying  11 %  110,000 rows  11.0 MB  1.00 MB/s  ETA 1 min 29 s",
                                        "building indexes  11 %  110,000 rows  11.0 MB"));
}

TEST(PlainView, FindingsAreLinesWithoutAnEnd) {
  Output output;
  PlainView view(output.writer());
  view.findings({{Finding::Severity::warning, "t", "cache", "no"}, {Finding::Severity::warning, "u", "rls", ""}});
  EXPECT_THAT(output.texts, ElementsAre("warning: t: cache\n  next:       no", "warning: u: rls"));
}

TEST(JsonView, OneObjectALine) {
  Output output;
  JsonView view(output.writer());
  Progress progress;
  view.tick_at(progress, start);
  auto& table = add_table(progress, "public.\xff", 2'000'000, 10);
  progress.phase = Phase::copying;
  view.tick_at(progress, start + 100ms);
  table.bytes = 1'000'000;
  view.tick_at(progress, start + 600ms);
  table.late_rows = 2;
  view.tick_at(progress, start + 1'100ms);
  ASSERT_EQ(output.texts.size(), 3u) << "two phases, and one second later";
  EXPECT_EQ(json::parse(output.texts[0])["eta_seconds"], nullptr);
  EXPECT_THAT(output.texts[2], testing::EndsWith("}\n"));
  const auto line = json::parse(output.texts[2]);
  EXPECT_EQ(line["phase"], "copying");
  EXPECT_EQ(line["tables"][0]["bytes"], 1'000'000);
  EXPECT_EQ(line["tables"][0]["bytes_expected"], 2'000'000);
  EXPECT_EQ(line["tables"][0]["chunks_pending"], 10);
  EXPECT_EQ(line["tables"][0]["late_rows"], 2);
  EXPECT_NEAR(line["rate_bytes_per_second"], 1e6 / 1.1, 1);
  EXPECT_NEAR(line["eta_seconds"], 1.1, 0.01);
  EXPECT_EQ(line["time"].get<std::string>().size(), 20u);
}

TEST(BarView, RedrawsInPlaceAtMostFiveTimesASecond) {
  Output output;
  TerminalSize size{80, 24};
  BarView view(output.writer(), [&] { return size; });
  Progress progress;
  progress.phase = Phase::copying;
  add_table(progress, "t", 100, 10);
  for (int ms = 0; ms < 1000; ms += 50) view.tick_at(progress, start + ms * 1ms);
  ASSERT_EQ(output.texts.size(), 5u);
  EXPECT_THAT(output.texts[0], StartsWith("copying"));
  EXPECT_THAT(output.texts[1], StartsWith("\r\x1b[2A\x1b[Jcopying"));
}

TEST(BarView, GoesAroundLogLinesAndFollowsAResize) {
  Output output;
  TerminalSize size{80, 24};
  BarView view(output.writer(), [&] { return size; });
  view.redraw();
  EXPECT_TRUE(output.texts.empty()) << "nothing was drawn yet";
  Progress progress;
  view.tick_at(progress, start);
  view.hide();
  view.hide();
  view.redraw();
  EXPECT_THAT(output.texts, ElementsAre("preparing  0.00 s so far\n", "\r\x1b[1A\x1b[J", "preparing  0.00 s so far\n"));
  size.columns = 10;  // the 24 columns now take three rows
  view.tick_at(progress, start + 1s);
  EXPECT_EQ(output.texts.back(), "\r\x1b[3A\x1b[Jpreparin…\n");
}

}  // namespace
}  // namespace pghaul
