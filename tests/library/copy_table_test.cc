// copy_table() between Databases that do what they promise.
#include "library/copy_table_test.h"

namespace pghaul::test {
namespace {

TEST_F(CopyTable, EveryRow) {
  fill(source(), 1, 1005);
  const auto summary = copy();
  expect_equal();
  EXPECT_EQ(summary.done.rows, 1005u);
  EXPECT_EQ(summary.up_to, 1006u);
  EXPECT_FALSE(summary.resumed);
  EXPECT_FALSE(world->shared_session);
  EXPECT_EQ(world->open, 0);
  EXPECT_LE(world->largest_save, options.batch_size);
  EXPECT_EQ(calls("clear"), 0);
}

TEST_F(CopyTable, ReadersAndWritersHaveADatabaseEach) {
  fill(source(), 1, 2000);
  options.readers = 3;
  options.writers = 2;
  std::mutex mutex;
  std::set<std::thread::id> loading, saving;
  world->before = [&](MemoryWorld::Call& call) {
    const std::lock_guard lock(mutex);
    if (call.name == "load_rows") loading.insert(std::this_thread::get_id());
    if (call.name == "save_rows") saving.insert(std::this_thread::get_id());
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  };
  copy();
  expect_equal();
  EXPECT_EQ(loading.size(), 3u);
  EXPECT_EQ(saving.size(), 2u);
  EXPECT_EQ(world->most_open, 5);
}

TEST_F(CopyTable, AnEmptyTable) {
  const auto summary = copy();
  EXPECT_EQ(summary.done.rows, 0u);
  EXPECT_EQ(calls("save_rows"), 0);
  fill(source(), 0, 3);
  copy();
  expect_equal();
}

TEST_F(CopyTable, TheIdZeroIsTakenAgainByEveryRunUntilThereAreOthers) {
  source()[0] = row_of(0);
  copy();
  expect_equal();
  source()[0][1] = "another";
  copy();
  expect_equal();
}

TEST_F(CopyTable, TheHighestIdThatThereCanBe) {
  fill(source(), UINT64_MAX - 25, 25);
  EXPECT_EQ(copy().up_to, UINT64_MAX);
  expect_equal();
}

TEST_F(CopyTable, AnIdThatNoRangeCanEndBehindIsRefused) {
  source()[UINT64_MAX] = row_of(UINT64_MAX);
  const auto error = failure();
  EXPECT_EQ(error.side(), Side::source);
  EXPECT_THAT(error.what(), testing::HasSubstr("2^64 - 1"));
  EXPECT_TRUE(target().empty());
}

TEST_F(CopyTable, AGapOfATrillionCostsTensOfCalls) {
  fill(source(), 1, 100);
  fill(source(), 1'000'000'000'000, 100);
  copy();
  expect_equal();
  EXPECT_LT(calls("load_rows"), 150);  // 20 of them for the rows
}

TEST_F(CopyTable, BehindAGapRangesAreAsNarrowAsTheRowsAreDense) {
  fill(source(), 1'000'000'000'000, 20'000);
  options.readers = 1;
  copy();
  expect_equal();
  EXPECT_LT(calls("load_rows"), 2200);
}

TEST_F(CopyTable, TheWidestRangeIsNeverPassed) {
  fill(source(), 1, 10);
  fill(source(), 100'000, 10'000);
  options.widest_range = 500;
  copy();
  expect_equal();
  EXPECT_EQ(world->widest, 500u);
  EXPECT_LE(world->largest_load, 500u);
}

TEST_F(CopyTable, SparseIdsAreLoadedInRangesThatHoldABatch) {
  fill(source(), 7, 10'000, 1'000'003);
  options.batch_size = 100;
  copy();
  expect_equal();
  EXPECT_LT(calls("load_rows"), 400);
  EXPECT_LE(world->largest_load, 200u);
}

TEST_F(CopyTable, NextIdJumps) {
  world->has_next_id = true;
  fill(source(), 1'000'000'000'000, 95);
  fill(source(), 9'000'000'000'000'000'000, 95);
  options.readers = 1;  // a second one may cut while the range at the end of the first rows, half full, decides
  copy();
  expect_equal();
  EXPECT_LT(calls("load_rows"), 60);
  EXPECT_LT(calls("next_id"), 80);
  EXPECT_LE(world->largest_load, 10u);
  EXPECT_LT(world->widest, 1000u) << "what next_id() said is empty is not loaded";
}

TEST_F(CopyTable, AgainTakesWhatCameSince) {
  fill(source(), 1, 100);
  copy();
  fill(source(), 101, 50);
  source()[5][1] = "changed since";
  const auto loads = calls("load_rows");
  const auto summary = copy();
  EXPECT_EQ(summary.done.rows, 50u);
  EXPECT_LT(calls("load_rows") - loads, 20);
  EXPECT_EQ(target().size(), 150u);
  EXPECT_EQ(target()[5], row_of(5)) << "updates are not followed";
  EXPECT_EQ(copy().done.rows, 0u);
}

TEST_F(CopyTable, WhatBecomesVisibleLateIsTakenByLookingBack) {
  fill(source(), 1, 100);
  source().erase(97);
  copy();
  source()[97] = row_of(97);
  copy();
  EXPECT_FALSE(target().contains(97));
  options.look_back = 10;
  EXPECT_EQ(copy().done.rows, 10u);
  expect_equal();
}

TEST_F(CopyTable, WhatComesDuringTheCopyIsForTheNext) {
  fill(source(), 1, 100);
  world->after = [&](MemoryWorld::Call& call) {
    const std::lock_guard lock(world->mutex);
    if (call.name == "load_rows") fill(world->tables["from"], world->tables["from"].rbegin()->first + 1, 5);
  };
  EXPECT_EQ(copy().done.rows, 100u);
  world->after = [](MemoryWorld::Call&) {};
  copy();
  expect_equal();
}

TEST_F(CopyTable, FullBeginsAnewOnAClearedTarget) {
  fill(source(), 1, 100);
  copy();
  source().erase(50);
  source()[7][1] = "changed";
  const auto summary = copy(true);
  EXPECT_EQ(summary.done.rows, 99u);
  EXPECT_EQ(summary.generation, 2);
  EXPECT_EQ(calls("clear"), 1);
  expect_equal();
}

TEST_F(CopyTable, AnotherIdColumn) {
  fill(source(), 1, 100);
  for (auto& [id, row] : source()) std::swap(row[0], row[1]);
  options.id_column = 1;
  world->before = [](MemoryWorld::Call& call) {
    if (call.name == "save_rows") throw std::runtime_error("as far as it should get");
  };
  EXPECT_THAT(failure().what(), testing::HasSubstr("as far as it should get"));
}

TEST_F(CopyTable, ManyColumnsLongValuesAndNulls) {
  for (std::uint64_t id = 1; id <= 30; ++id) {
    Row row(200, Value());
    row[0] = std::to_string(id);
    row[1] = std::string(300'000, static_cast<char>(id));
    row[2] = "";
    source()[id] = row;
  }
  copy();
  expect_equal();
}

TEST_F(CopyTable, ProgressIsTold) {
  fill(source(), 1, 500);
  std::vector<std::uint64_t> told;
  const auto thread = std::this_thread::get_id();
  options.on_progress = [&](const TableProgressNow& now) {
    EXPECT_EQ(std::this_thread::get_id(), thread);
    told.push_back(now.rows);
  };
  copy();
  ASSERT_FALSE(told.empty());
  EXPECT_TRUE(std::ranges::is_sorted(told));
  EXPECT_EQ(told.back(), 500u);
}

TEST_F(CopyTable, NothingIsWrittenToStandardError) {
  fill(source(), 1, 100);
  std::atomic<int> left{3};
  world->before = [&](MemoryWorld::Call& call) {
    if (call.name == "save_rows" && left-- > 0) throw Error(ErrorKind::transient, "a passing trouble");
  };
  testing::internal::CaptureStderr();
  EXPECT_EQ(copy().done.retries, 3u);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  expect_equal();
}

TEST_F(CopyTable, OptionsOutOfRangeAreRefused) {
  const auto refused = [&](auto change) {
    options = {};
    options.progress = progress;
    change();
    EXPECT_EQ(failure().kind(), ErrorKind::usage);
  };
  refused([&] { options.batch_size = 0; });
  refused([&] { options.readers = 0; });
  refused([&] { options.writers = 0; });
  refused([&] { options.queue_length = 0; });
  refused([&] { options.max_retries = 4; });
  refused([&] { options.max_retries = -1; });
  refused([&] { options.widest_range = 0; });
  refused([&] { options.timeout = {}; });
  EXPECT_EQ(calls("max_id"), 0);
}

}  // namespace
}  // namespace pghaul::test
