#include "pipeline/batch_stream.h"

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/batch_queue.h"

namespace pghaul {
namespace {

constexpr std::size_t block = BlockPool::block_bytes;

class Streams : public testing::Test {
 protected:
  BatchStreamPtr make(std::size_t limit) {
    auto task = std::make_shared<ChunkTask>(0, Chunk(), policy_);
    return std::make_shared<BatchStream>(std::move(task), limit, pool_, stop_, [this] { ++published_; });
  }
  static std::string read_all(BatchStream& stream) {
    std::string all;
    std::string_view bytes;
    while (stream.next(bytes)) all += bytes;
    return all;
  }
  static BatchSummary summary_of(std::int64_t rows) {
    BatchSummary summary;
    summary.rows = rows;
    return summary;
  }

  RetryPolicy policy_;
  StopSource stop_;
  BlockPool pool_;
  std::atomic<int> published_{0};
};

TEST_F(Streams, ACompleteOneIsPublishedOnceAndReadAgainAndAgain) {
  const auto stream = make(3 * block);
  const std::string text(block, 'a');
  stream->write(text);
  stream->write("the end");
  EXPECT_EQ(published_, 0);
  EXPECT_EQ(stream->summary(), nullptr);
  stream->finish(summary_of(7));
  EXPECT_EQ(published_, 1);
  for (int i = 0; i < 3; ++i) {
    stream->rewind();
    EXPECT_EQ(read_all(*stream), text + "the end");
    EXPECT_TRUE(stream->can_rewind());
  }
  EXPECT_EQ(stream->summary()->rows, 7);
}

TEST_F(Streams, ARewindInTheMiddleStartsAtTheBeginning) {
  const auto stream = make(9 * block);
  for (const char c : {'a', 'b', 'c'}) stream->write(std::string(block, c));
  stream->finish({});
  std::string_view bytes;
  stream->rewind();
  ASSERT_TRUE(stream->next(bytes));
  ASSERT_TRUE(stream->next(bytes));
  stream->rewind();
  EXPECT_EQ(read_all(*stream).substr(0, 1), "a");
}

TEST_F(Streams, NoRowsAtAll) {
  const auto stream = make(block);
  stream->finish({});
  stream->rewind();
  EXPECT_EQ(read_all(*stream), "");
}

TEST_F(Streams, ARowLargerThanABlockStaysInOnePiece) {
  const auto stream = make(100 * block);
  const std::string row(5 * block + 17, 'r');
  stream->write("before");
  stream->write(row);
  stream->write("after");
  stream->finish({});
  stream->rewind();
  EXPECT_EQ(read_all(*stream), "before" + row + "after");
}

TEST_F(Streams, AnOpenOneIsPublishedAtTheLimitAndItsReaderWaits) {
  const auto stream = make(2 * block);
  std::atomic<int> written{0};
  std::jthread reader([&] {
    for (int i = 0; i < 10; ++i, ++written) stream->write(std::string(block, static_cast<char>('a' + i)));
    stream->finish(summary_of(10));
  });
  while (published_ == 0) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(120));  // longer than two of its looks at the stop
  EXPECT_LE(written, 3);
  EXPECT_EQ(stream->summary(), nullptr);
  stream->rewind();
  EXPECT_EQ(read_all(*stream).size(), 10 * block);
  EXPECT_EQ(stream->summary()->rows, 10);
  EXPECT_FALSE(stream->can_rewind());
  EXPECT_EQ(published_, 1);
}

TEST_F(Streams, OfFailAndGiveUpTheFirstDecides) {
  const auto failed = make(block);
  EXPECT_TRUE(failed->fail(Error(ErrorKind::transient, "x")));
  EXPECT_FALSE(failed->give_up());
  const auto given_up = make(block);
  EXPECT_TRUE(given_up->give_up());
  EXPECT_FALSE(given_up->fail(Error(ErrorKind::transient, "x")));
}

// Exactly one of the two has to look after the task, whoever is faster.
TEST_F(Streams, FailAndGiveUpAtOnce) {
  for (int i = 0; i < 300; ++i) {
    const auto stream = make(block);
    std::atomic<int> ready{0};
    bool reader = false, writer = false;
    const auto meet = [&] {
      for (++ready; ready < 2;) std::this_thread::yield();
    };
    {
      std::jthread one([&] { meet(); reader = stream->fail(Error(ErrorKind::transient, "x")); });
      std::jthread two([&] { meet(); writer = stream->give_up(); });
    }
    EXPECT_NE(reader, writer);
  }
}

TEST_F(Streams, TheWriterSeesTheReadersError) {
  const auto stream = make(1);
  std::jthread reader([&] {
    try {
      for (int i = 0; i < 4; ++i) stream->write(std::string(block, 'a'));
      throw Error(ErrorKind::failed, "the table is gone");
    } catch (const Error& error) {
      EXPECT_TRUE(stream->fail(error));
    }
  });
  while (published_ == 0) std::this_thread::yield();
  stream->rewind();
  try {
    read_all(*stream);
    FAIL() << "the error got lost";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "the table is gone");
  }
}

TEST_F(Streams, AReaderThatWaitsHearsThatTheWriterGaveUp) {
  const auto stream = make(1);
  std::jthread writer([&] {
    while (published_ == 0) std::this_thread::yield();
    stream->give_up();
  });
  try {
    for (int i = 0; i < 4; ++i) stream->write(std::string(block, 'a'));
    FAIL() << "it was not told";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::transient);
  }
}

TEST_F(Streams, AStopEndsTheWaitOfEitherSide) {
  const auto full = make(1), empty = make(1);
  std::jthread signal([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    stop_.request(StopReason::signal);
  });
  const auto started = Deadline::Clock::now();
  std::string_view bytes;
  empty->rewind();
  EXPECT_THROW(empty->next(bytes), Error);
  EXPECT_THROW(for (;;) full->write(std::string(block, 'a')), Error);
  EXPECT_LT(Deadline::Clock::now() - started, std::chrono::milliseconds(500));
}

TEST_F(Streams, BlocksAreUsedAgain) {
  auto first = pool_.take();
  first.assign(100, 'a');
  const auto* const memory = first.data();
  pool_.give(std::move(first));
  const auto again = pool_.take();
  EXPECT_EQ(again.data(), memory);
  EXPECT_EQ(again.size(), 0u);
  auto huge = pool_.take();
  huge.reserve(3 * block);
  pool_.give(std::move(huge));
  EXPECT_LT(pool_.take().capacity(), 2 * block);
}

TEST_F(Streams, TheQueueIsBounded) {
  BatchQueue queue(2, stop_);
  std::atomic<int> pushed{0};
  std::jthread reader([&] {
    for (int i = 0; i < 5; ++i, ++pushed) queue.push(make(1));
    queue.close();
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(120));
  EXPECT_EQ(pushed, 2);
  int popped = 0;
  while (queue.pop()) {
    ++popped;
    EXPECT_LE(pushed, popped + 2);
  }
  EXPECT_EQ(popped, 5);
}

TEST_F(Streams, AStopEndsTheWaitsOfTheQueue) {
  BatchQueue queue(1, stop_);
  queue.push(make(1));
  std::jthread signal([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    stop_.request(StopReason::signal);
  });
  EXPECT_THROW(queue.push(make(1)), Error);
  EXPECT_EQ(queue.pop(), nullptr);
}

}  // namespace
}  // namespace pghaul
