// Batches larger than the limit: read and written at the same time, by two threads that may both fail.
#include <atomic>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fakes/pipeline_run.h"

namespace pghaul::test {
namespace {

using testing::Contains;
using testing::HasSubstr;

constexpr std::int64_t rows = 40;
constexpr std::size_t row_bytes = 100'000;  // two a block

// One chunk of 4 MB at a limit of 1 MB.
class OpenBatch : public testing::Test {
 protected:
  OpenBatch() {
    run_.plan.batch_bytes = 1'000'000;
    run_.add_table(rows, rows).row_bytes = [](std::int64_t) { return row_bytes; };
  }
  FakeTable& table() { return run_.tables.front(); }

  // Fails the nth hit of a place, once.
  void fail(std::string place, int nth, const Error& error) {
    run_.hook = [=, hits = std::make_shared<std::atomic<int>>(0)](std::string_view here, const Chunk&) {
      if (here == place && ++*hits == nth) throw error;
    };
  }
  void expect_done_once() {
    EXPECT_EQ(table().target_keys(), table().source_keys());
    EXPECT_EQ(table().count("pending"), 0);
    EXPECT_EQ(run_.progress->front().chunks_pending, 0);
    EXPECT_EQ(run_.progress->front().chunks, table().count("done"));
  }

  PipelineRun run_;
};

TEST_F(OpenBatch, IsWrittenWhileItIsRead) {
  std::atomic<int> rows_read{0}, rows_read_at_first_block{-1};
  run_.hook = [&](std::string_view place, const Chunk&) {
    if (place == "source.row") ++rows_read;
    int none = -1;
    if (place == "sink.block") rows_read_at_first_block.compare_exchange_strong(none, rows_read);
  };
  EXPECT_TRUE(run_.run());
  expect_done_once();
  EXPECT_LT(rows_read_at_first_block, rows);
}

TEST_F(OpenBatch, TheReaderFailsAtEachRow) {
  for (int nth = 1; nth <= rows; ++nth) {
    SCOPED_TRACE(nth);
    run_ = PipelineRun();
    run_.plan.batch_bytes = 1'000'000;
    run_.add_table(rows, rows).row_bytes = [](std::int64_t) { return row_bytes; };
    fail("source.row", nth, transient_error(Side::source));
    EXPECT_TRUE(run_.run());
    expect_done_once();
    EXPECT_EQ(table().failures().size(), 1u);
  }
}

TEST_F(OpenBatch, TheWriterFailsAtEachBlock) {
  for (int nth = 1; nth <= rows / 2; ++nth) {
    SCOPED_TRACE(nth);
    run_ = PipelineRun();
    run_.plan.batch_bytes = 1'000'000;
    run_.add_table(rows, rows).row_bytes = [](std::int64_t) { return row_bytes; };
    fail("sink.block", nth, lost_error(Side::target));
    EXPECT_TRUE(run_.run());
    expect_done_once();
    EXPECT_THAT(table().failures(), Contains(HasSubstr("the line was cut")));
  }
}

// The answer to COMMIT was lost; the chunk is read again, and its mark tells the writer before a block was taken. The
// reader, which waits for room, must not wait for ever.
TEST_F(OpenBatch, FoundToBeDoneAlready) {
  fail("sink.committed", 1, lost_error(Side::target));
  EXPECT_TRUE(run_.run());
  expect_done_once();
}

TEST_F(OpenBatch, ReaderAndWriterFailTogether) {
  for (int round = 0; round < 20; ++round) {
    run_ = PipelineRun();
    run_.plan.batch_bytes = 1'000'000;
    run_.add_table(rows, rows).row_bytes = [](std::int64_t) { return row_bytes; };
    // Both at the moment when the writer has taken its first block.
    auto go = std::make_shared<std::atomic<int>>(0);
    run_.hook = [go](std::string_view place, const Chunk&) {
      int one = 1, two = 2;
      if (place == "sink.block" && go->fetch_add(1) == 0) throw lost_error(Side::target);
      if (place == "source.row" && (go->compare_exchange_strong(one, 3) || go->compare_exchange_strong(two, 3))) {
        throw lost_error(Side::source);
      }
    };
    EXPECT_TRUE(run_.run());
    expect_done_once();
  }
}

// Of two errors in one batch one is looked after by the other side; if it is permanent, it ends the job all the same.
TEST_F(OpenBatch, APermanentErrorIsToldWhoeverFailedFirst) {
  for (const bool by_reader : {true, false}) {
    SCOPED_TRACE(by_reader);
    run_ = PipelineRun();
    run_.plan.batch_bytes = 1'000'000;
    run_.add_table(rows, rows).row_bytes = [](std::int64_t) { return row_bytes; };
    std::atomic<bool> reader_failed{false}, writer_failed{false};
    const auto wait_for = [](const std::atomic<bool>& other) {
      while (!other) std::this_thread::yield();
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    };
    std::atomic<int> reads{0};
    run_.hook = [&](std::string_view place, const Chunk&) {
      thread_local int rows_of_first_read = 0;
      if (place == "source.read") rows_of_first_read = ++reads == 1 ? 1 : -1000;
      if (place == "sink.block" && !writer_failed) {
        if (!by_reader) wait_for(reader_failed);
        writer_failed = true;
        throw by_reader ? lost_error(Side::target) : permanent_error(Side::target);
      }
      if (place == "source.row" && ++rows_of_first_read == 13) {
        if (by_reader) wait_for(writer_failed);
        reader_failed = true;
        throw by_reader ? permanent_error(Side::source) : lost_error(Side::source);
      }
    };
    try {
      run_.run();
      FAIL() << "the permanent error got lost";
    } catch (const Error& error) {
      EXPECT_STREQ(error.what(), "no way");
      EXPECT_EQ(error.range(), "every id");
    }
  }
}

TEST_F(OpenBatch, AStopEndsBothSides) {
  run_.hook = [&](std::string_view place, const Chunk&) {
    if (place == "sink.block") run_.stop->request(StopReason::signal);
  };
  try {
    run_.run();
    FAIL() << "a stopped run must not say that all is done";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::stopped) << error.what();
  }
  EXPECT_EQ(table().target_keys().size(), 0u);
}

}  // namespace
}  // namespace pghaul::test
