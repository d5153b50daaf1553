#include "pipeline/pipeline.h"

#include <atomic>
#include <map>
#include <mutex>
#include <new>
#include <set>
#include <thread>
#include <unordered_set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/activity.h"
#include "fakes/pipeline_run.h"

namespace pghaul::test {
namespace {

using testing::HasSubstr;

Error error_of(PipelineRun& run) {
  try {
    run.run();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no error";
  return Error(ErrorKind::usage, "");
}

class Pipelines : public testing::Test {
 protected:
  FakeTable& table(std::size_t i = 0) { return run_.tables[i]; }
  void expect_all_done() {
    for (std::size_t i = 0; i < run_.tables.size(); ++i) {
      SCOPED_TRACE(i);
      EXPECT_EQ(table(i).target_keys(), table(i).source_keys());
      EXPECT_EQ(table(i).count("pending"), 0);
      const auto& progress = run_.progress->at(i);
      EXPECT_EQ(progress.rows, static_cast<std::int64_t>(table(i).source_keys().size()));
      EXPECT_EQ(progress.chunks, table(i).count("done"));
      EXPECT_EQ(progress.chunks_pending, 0);
    }
  }

  PipelineRun run_;
};

TEST_F(Pipelines, AnyNumberOfReadersAndWriters) {
  for (int readers = 1; readers <= 8; ++readers) {
    for (int writers = 1; writers <= 8; ++writers) {
      SCOPED_TRACE(testing::Message() << readers << " readers, " << writers << " writers");
      run_ = PipelineRun();
      run_.options.readers = readers;
      run_.options.writers = writers;
      run_.add_table(2000, 50);
      EXPECT_TRUE(run_.run());
      expect_all_done();
    }
  }
}

TEST_F(Pipelines, TablesShareReadersAndWriters) {
  for (int i = 0; i < 5; ++i) run_.add_table(100 * i, 30);
  EXPECT_TRUE(run_.run());
  expect_all_done();
}

TEST_F(Pipelines, TellsWhenATableIsDone) {
  for (int i = 0; i < 5; ++i) run_.add_table(100 * i, 30);
  std::mutex mutex;
  std::map<std::size_t, int> told;
  run_.all_done = [&](std::size_t i) {
    const std::lock_guard lock(mutex);
    ++told[i];
    EXPECT_EQ(table(i).count("pending"), 0);
  };
  // No more than a single chunk may fail.
  run_.hook = [&, failed = std::make_shared<std::atomic<int>>(0)](std::string_view place, const Chunk&) {
    if (place == "sink.commit" && ++*failed <= run_.options.retry.max_retries) throw transient_error(Side::target);
  };
  EXPECT_TRUE(run_.run());
  expect_all_done();
  EXPECT_EQ(told, (std::map<std::size_t, int>{{1, 1}, {2, 1}, {3, 1}, {4, 1}})) << "the first has nothing to do";
}

TEST_F(Pipelines, WorkersBeyondTheFirstNeedNotWork) {
  for (const int most : {1, 2, 8}) {
    run_ = PipelineRun();
    run_.options.readers = run_.options.writers = 1;
    run_.options.max_workers = most;
    run_.add_table(2000, 50);
    EXPECT_TRUE(run_.run());
    expect_all_done();
  }
}

// Each reader is slow, so that more of them make it faster.
TEST_F(Pipelines, ReadersAreAddedWhereTheyPay) {
  run_.options.readers = run_.options.writers = 1;
  run_.options.max_workers = 6;
  run_.options.queue_length = 6;
  run_.add_table(60'000, 100);
  std::mutex mutex;
  std::set<std::thread::id> readers, writers;
  run_.hook = [&](std::string_view place, const Chunk&) {
    {
      const std::lock_guard lock(mutex);
      if (place == "source.read") readers.insert(std::this_thread::get_id());
      if (place == "sink.begin") writers.insert(std::this_thread::get_id());
    }
    if (place == "source.read") {
      const Doing reading(Activity::source_rows);
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  };
  EXPECT_TRUE(run_.run());
  expect_all_done();
  EXPECT_GE(readers.size(), 3U);
  EXPECT_LE(writers.size(), 2U);
}

// What follows the rows of a large table takes long, too.
TEST_F(Pipelines, LargeTablesComeFirst) {
  for (const int keys : {300, 500, 100, 400}) run_.add_table(keys, 30);
  run_.options.readers = run_.options.writers = 1;
  std::vector<std::size_t> order;
  run_.all_done = [&](std::size_t i) { order.push_back(i); };
  EXPECT_TRUE(run_.run());
  EXPECT_THAT(order, testing::ElementsAre(1, 3, 0, 2));
}

TEST_F(Pipelines, NothingToDo) {
  run_.tables.emplace_back(std::vector<std::int64_t>(), std::vector<Chunk>());
  EXPECT_TRUE(run_.run());
}

TEST_F(Pipelines, MaxChunksStopsExactlyThere) {
  for (const int limit : {0, 1, 3, 7, 19}) {
    SCOPED_TRACE(limit);
    run_ = PipelineRun();
    run_.options.readers = run_.options.writers = 4;
    run_.options.max_chunks = limit;
    run_.add_table(2000, 100);
    EXPECT_FALSE(run_.run());
    EXPECT_EQ(table().count("done"), limit);
    run_.options.max_chunks.reset();
    EXPECT_TRUE(run_.run());
    EXPECT_EQ(table().target_keys(), table().source_keys());
  }
}

TEST_F(Pipelines, MaxChunksCountsPiecesAndNotWhatTheyWereCutFrom) {
  run_.tables.emplace_back(keys_below(100'000), std::vector<Chunk>{key_chunk({}, {})});
  run_.options.readers = run_.options.writers = 3;
  run_.options.max_chunks = 5;
  auto chunk = key_chunk({}, {});
  chunk.refined = false;
  run_.tables.clear();
  run_.tables.emplace_back(keys_below(100'000), std::vector<Chunk>{chunk});
  EXPECT_FALSE(run_.run());
  EXPECT_EQ(table().count("done"), 5);
}

TEST_F(Pipelines, CoarseRangesAreRefinedToAboutTheBatchSize) {
  auto chunk = key_chunk({}, {});
  chunk.refined = false;
  run_.tables.emplace_back(keys_below(100'000), std::vector<Chunk>{chunk});  // 10 MB; a batch is 100 kB
  std::mutex mutex;
  std::map<std::int64_t, int> rows_of;
  run_.hook = [&](std::string_view place, const Chunk& here) {
    const std::lock_guard lock(mutex);
    if (place == "source.row") ++rows_of[here.no];
  };
  EXPECT_TRUE(run_.run());
  expect_all_done();
  EXPECT_GE(table().count("done"), 100);
  EXPECT_LE(table().count("done"), 110);
  for (const auto& [no, rows] : rows_of) EXPECT_LE(rows, 1000) << "chunk " << no;
}

TEST_F(Pipelines, AProbeThatTakesTooLongReadsTheRangeAsItIs) {
  auto chunk = key_chunk({}, {});
  chunk.refined = false;
  run_.tables.emplace_back(keys_below(5000), std::vector<Chunk>{chunk});
  run_.hook = [&](std::string_view place, const Chunk&) {
    if (place == "source.probe") throw timeout_error(Side::source);
  };
  EXPECT_TRUE(run_.run());
  expect_all_done();
  EXPECT_EQ(table().count("done"), 1);
}

// ---- Errors --------------------------------------------------------------------------------------

TEST_F(Pipelines, AChunkIsTriedFourTimesAtMost) {
  for (const std::string place : {"source.read", "source.end", "sink.begin", "sink.commit"}) {
    SCOPED_TRACE(place);
    run_ = PipelineRun();
    run_.add_table(500, 50);
    std::atomic<int> tries{0};
    run_.hook = [&](std::string_view here, const Chunk& chunk) {
      if (here != place || chunk.no != 4) return;
      ++tries;
      throw transient_error(Side::source);
    };
    const auto error = error_of(run_);
    EXPECT_EQ(tries, 4);
    EXPECT_EQ(error.kind(), ErrorKind::failed);
    EXPECT_THAT(error.what(), HasSubstr("3 retries"));
    EXPECT_EQ(error.object(), "public.t1");
    EXPECT_EQ(error.range(), "id in [150, 200)");
    EXPECT_EQ(table().state_of(4), "pending");
  }
}

TEST_F(Pipelines, TwoRetriesMayHappenOnEitherSide) {
  run_.add_table(50, 50);
  std::atomic<int> reads{0}, writes{0};
  run_.hook = [&](std::string_view place, const Chunk&) {
    if (place == "source.end" && ++reads <= 1) throw transient_error(Side::source);
    if (place == "sink.commit" && ++writes <= 2) throw transient_error(Side::target);
  };
  EXPECT_TRUE(run_.run());
  expect_all_done();
  EXPECT_EQ(run_.progress->front().retries, 3);
  EXPECT_EQ(table().most_attempts(), 4);
  EXPECT_EQ(reads, 2) << "a complete batch is written again, not read again";
}

TEST_F(Pipelines, LostConnectionsAreNotCountedAsRetries) {
  run_.add_table(50, 50);
  std::atomic<int> writes{0};
  run_.hook = [&](std::string_view place, const Chunk&) {
    if (place == "sink.commit" && ++writes <= 10) throw lost_error(Side::target);
  };
  EXPECT_TRUE(run_.run());
  expect_all_done();
}

TEST_F(Pipelines, AChunkThatKillsItsSessionEachTimeEndsTheJob) {
  run_.options.retry.max_losses = 5;
  run_.add_table(50, 50);
  std::atomic<int> writes{0};
  run_.hook = [&](std::string_view place, const Chunk&) {
    if (place != "sink.block") return;
    ++writes;
    throw lost_error(Side::target);
  };
  EXPECT_EQ(error_of(run_).kind(), ErrorKind::failed);
  EXPECT_EQ(writes, 6);
}

TEST_F(Pipelines, APermanentErrorStopsAll) {
  run_.options.readers = run_.options.writers = 4;
  run_.add_table(100'000, 10);
  std::atomic<int> reads{0};
  run_.hook = [&](std::string_view place, const Chunk& chunk) {
    if (place == "source.read") ++reads;
    if (place == "sink.begin" && chunk.no == 20) throw permanent_error(Side::target);
  };
  const auto error = error_of(run_);
  EXPECT_STREQ(error.what(), "no way");
  EXPECT_EQ(error.side(), Side::target);
  EXPECT_EQ(error.range(), "id in [190, 200)");
  EXPECT_LT(reads, 1000);
  EXPECT_EQ(table().target_keys().size(), static_cast<std::size_t>(table().count("done")) * 10);
  run_.renew_stop();
  run_.hook = [](std::string_view, const Chunk&) {};
  EXPECT_TRUE(run_.run());
  EXPECT_EQ(table().target_keys(), table().source_keys());
}

// Whatever fails because the job is over is not its cause.
TEST_F(Pipelines, TheFirstCauseIsTold) {
  for (int round = 0; round < 20; ++round) {
    run_ = PipelineRun();
    run_.options.readers = run_.options.writers = 4;
    run_.add_table(10'000, 50);
    run_.hook = [&](std::string_view place, const Chunk& chunk) {
      if (run_.stop->requested()) throw Error(ErrorKind::failed, "a consequence");
      if (place == "source.end" && chunk.no == 30) throw Error(ErrorKind::failed, "the cause");
    };
    EXPECT_STREQ(error_of(run_).what(), "the cause");
  }
}

TEST_F(Pipelines, WhatFailsAfterASignalIsNotTheCause) {
  run_.add_table(10'000, 50);
  run_.hook = [&](std::string_view place, const Chunk& chunk) {
    if (place == "source.end" && chunk.no == 30) run_.stop->request(StopReason::signal);
    if (place == "source.end" && run_.stop->requested()) throw Error(ErrorKind::failed, "a consequence");
  };
  EXPECT_EQ(error_of(run_).kind(), ErrorKind::stopped);
}

TEST_F(Pipelines, AFailingTickStopsAll) {
  run_.add_table(100'000, 10);
  int ticks = 0;
  run_.tick = [&] {
    if (++ticks == 2) throw Error(ErrorKind::failed, "the terminal is gone");
  };
  run_.hook = [](std::string_view place, const Chunk&) {
    if (place == "source.read") std::this_thread::sleep_for(std::chrono::milliseconds(5));
  };
  EXPECT_STREQ(error_of(run_).what(), "the terminal is gone");
}

TEST_F(Pipelines, AnExceptionOfAnotherTypeStopsAll) {
  run_.add_table(5000, 10);
  run_.hook = [](std::string_view place, const Chunk& chunk) {
    if (place == "source.end" && chunk.no == 3) throw std::bad_alloc();
  };
  EXPECT_EQ(error_of(run_).side(), Side::local);
}

TEST_F(Pipelines, Fenced) {
  run_.add_table(5000, 10);
  std::atomic<int> written{0};
  run_.hook = [&](std::string_view place, const Chunk&) {
    if (place == "sink.committed" && ++written == 5) table().take_over();
  };
  EXPECT_THAT(error_of(run_).what(), HasSubstr("taken this table copy over"));
  EXPECT_LT(table().count("done"), 20);
}

TEST_F(Pipelines, FewerReadersWhenTheServerHasNoPlace) {
  run_.options.readers = 4;
  run_.add_table(2000, 50);
  std::mutex mutex;
  std::unordered_set<std::thread::id> readers;
  run_.hook = [&](std::string_view place, const Chunk&) {
    const std::lock_guard lock(mutex);
    if (place == "source.read") std::this_thread::sleep_for(std::chrono::milliseconds(1));
    if (place != "source.connect" || readers.contains(std::this_thread::get_id())) return;
    if (readers.size() == 2) throw lost_error(Side::source).with_sqlstate("53300");
    readers.insert(std::this_thread::get_id());
  };
  EXPECT_TRUE(run_.run());
  expect_all_done();
}

TEST_F(Pipelines, AServerThatIsAwayIsWaitedForAndNoLonger) {
  run_.options.retry.reconnect_timeout = Duration(150);
  run_.options.retry.longest_pause = Duration(20);
  run_.add_table(100, 50);
  run_.hook = [](std::string_view place, const Chunk&) {
    if (place == "sink.connect") throw lost_error(Side::target);
  };
  const auto started = Deadline::Clock::now();
  EXPECT_EQ(error_of(run_).kind(), ErrorKind::failed);
  EXPECT_GE(Deadline::Clock::now() - started, std::chrono::milliseconds(140));
  EXPECT_LT(Deadline::Clock::now() - started, std::chrono::milliseconds(1500));
}

// ---- Statement timeout -----------------------------------------------------------------------------

class TooLong : public Pipelines {
 protected:
  // Reading (or writing) more than so many rows takes too long.
  void limit_rows(const std::string& at, std::int64_t most) {
    run_.hook = [this, at, most](std::string_view place, const Chunk& chunk) {
      if (place != at) return;
      ++tries_;
      if (static_cast<std::int64_t>(table().keys_in(chunk.range).size()) > most) throw timeout_error(Side::source);
    };
  }
  std::atomic<int> tries_{0};
};

TEST_F(TooLong, AReadIsHalved) {
  run_.add_table(800, 800);
  limit_rows("source.end", 100);
  EXPECT_TRUE(run_.run());
  expect_all_done();
  EXPECT_EQ(table().count("done"), 8);
  EXPECT_EQ(tries_, 15);  // one for every node of the tree
}

TEST_F(TooLong, AWriteIsHalved) {
  run_.add_table(800, 800);
  limit_rows("sink.commit", 100);
  EXPECT_TRUE(run_.run());
  expect_all_done();
  EXPECT_EQ(table().count("done"), 8);
}

// What was planned without statistics has no estimate; it must not be taken apart row by row.
TEST_F(TooLong, HalvingNeedsNoEstimate) {
  std::vector<std::int64_t> keys;
  for (std::int64_t i = 0; i < 500; ++i) keys.push_back(i * 1'000'000'000'000);
  auto chunk = key_chunk({}, {});
  chunk.refined = false;
  run_.plan.batch_bytes = 10'000'000;
  run_.tables.emplace_back(keys, std::vector<Chunk>{chunk});
  limit_rows("source.end", 100);
  EXPECT_TRUE(run_.run());
  expect_all_done();
  EXPECT_LE(table().count("done"), 16);
  EXPECT_LE(tries_, 31);
}

TEST_F(TooLong, AnEstimateFarTooHighStillHalves) {
  auto chunk = key_chunk({}, {});
  chunk.estimated_rows = 1'000'000'000;
  run_.tables.emplace_back(keys_below(400), std::vector<Chunk>{chunk});
  limit_rows("source.end", 100);
  EXPECT_TRUE(run_.run());
  expect_all_done();
  EXPECT_LE(table().count("done"), 16);
}

TEST_F(TooLong, WithoutAProbeTheRangeIsCutInTheMiddle) {
  run_.add_table(800, 800);
  run_.hook = [this](std::string_view place, const Chunk& chunk) {
    if (place == "source.probe") throw timeout_error(Side::source);
    if (place == "source.end" && table().keys_in(chunk.range).size() > 100) throw timeout_error(Side::source);
  };
  EXPECT_TRUE(run_.run());
  expect_all_done();
  EXPECT_EQ(table().count("done"), 8);
}

TEST_F(TooLong, ASingleRowIsTriedAsOftenAsAnythingElse) {
  auto chunk = key_chunk(0, 1'000'000'000);
  run_.tables.emplace_back(std::vector<std::int64_t>{5}, std::vector<Chunk>{chunk});
  limit_rows("source.end", 0);
  EXPECT_EQ(error_of(run_).sqlstate(), "57014");
  EXPECT_EQ(tries_, 4);
}

// ---- Conflicts with a standby's recovery -----------------------------------------------------------

class Conflicts : public TooLong {};

TEST_F(Conflicts, AReadIsHalved) {
  for (const std::string code : {"40001", "40P01"}) {
    run_ = PipelineRun();
    run_.add_table(800, 800);
    run_.hook = [this, code](std::string_view place, const Chunk& chunk) {
      if (place == "source.end" && table().keys_in(chunk.range).size() > 100) throw conflict_error(code);
    };
    EXPECT_TRUE(run_.run());
    expect_all_done();
    EXPECT_EQ(table().count("done"), 8) << code;
  }
}

TEST_F(Conflicts, ASingleRowIsTriedAsOftenAsAnythingElse) {
  run_.tables.emplace_back(std::vector<std::int64_t>{5}, std::vector<Chunk>{key_chunk(0, 1'000'000'000)});
  run_.hook = [this](std::string_view place, const Chunk&) {
    if (place == "source.end" && ++tries_ > 0) throw conflict_error();
  };
  EXPECT_EQ(error_of(run_).sqlstate(), "40001");
  EXPECT_EQ(tries_, 4);
}

// Its pieces would else be read without having been probed, of whatever size they are.
TEST_F(Conflicts, ARangeThatWasNotProbedIsProbedInSmallerSteps) {
  auto chunk = key_chunk({}, {});
  chunk.refined = false;
  run_.tables.emplace_back(keys_below(100'000), std::vector<Chunk>{chunk});  // 10 MB; a batch is 100 kB
  std::atomic<bool> first{true};
  run_.hook = [&](std::string_view place, const Chunk&) {
    if (place == "source.probe" && first.exchange(false)) throw conflict_error();
  };
  EXPECT_TRUE(run_.run());
  expect_all_done();
  EXPECT_GE(table().count("done"), 100);
  EXPECT_LE(table().count("done"), 110);
}

TEST_F(Conflicts, WhatTheTargetSaysIsNone) {
  run_.add_table(800, 800);
  std::atomic<int> writes{0};
  run_.hook = [&](std::string_view place, const Chunk&) {
    if (place == "sink.commit" && ++writes == 1) throw conflict_error().on(Side::target);
  };
  EXPECT_TRUE(run_.run());
  expect_all_done();
  EXPECT_EQ(table().count("done"), 1);
}

// ---- Pace ----------------------------------------------------------------------------------------

TEST_F(Pipelines, MaxRateIsKept) {
  run_.options.max_rate = 5'000'000;
  run_.options.readers = 3;
  run_.add_table(110'000, 1000);  // 11 MB
  const auto started = Deadline::Clock::now();
  EXPECT_TRUE(run_.run());
  const auto seconds = std::chrono::duration<double>(Deadline::Clock::now() - started).count();
  EXPECT_GE(seconds, 2.2 / 1.05);
  EXPECT_LE(seconds, 2.2 / 0.95);
  expect_all_done();
}

TEST_F(Pipelines, EachReaderSleepsAfterEachChunk) {
  run_.options.readers = 2;
  run_.options.sleep = Duration(20);
  run_.add_table(1000, 50);  // 20 chunks, 10 a reader
  const auto started = Deadline::Clock::now();
  EXPECT_TRUE(run_.run());
  EXPECT_GE(Deadline::Clock::now() - started, std::chrono::milliseconds(190));
  expect_all_done();
}

TEST_F(Pipelines, NoMoreThanTheQueueHoldsIsReadAhead) {
  run_.options.readers = 2;
  run_.options.writers = 1;
  run_.options.queue_length = 3;
  run_.add_table(5000, 50);
  std::atomic<int> read{0}, written{0}, most{0};
  run_.hook = [&](std::string_view place, const Chunk&) {
    if (place == "sink.begin") std::this_thread::sleep_for(std::chrono::milliseconds(2));
    if (place == "sink.committed") ++written;
    if (place != "source.end") return;
    const int ahead = ++read - written;
    for (int before = most; before < ahead && !most.compare_exchange_weak(before, ahead);) continue;
  };
  EXPECT_TRUE(run_.run());
  EXPECT_LE(most, 2 + 3 + 1);
  EXPECT_GE(most, 4);
}

}  // namespace
}  // namespace pghaul::test
