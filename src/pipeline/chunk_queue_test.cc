#include "pipeline/chunk_queue.h"

#include <thread>

#include <gtest/gtest.h>

namespace pghaul {
namespace {

class Queue : public testing::Test {
 protected:
  ChunkTaskPtr task(std::int64_t no) {
    Chunk chunk;
    chunk.no = no;
    return std::make_shared<ChunkTask>(0, chunk, policy_);
  }
  static std::int64_t claimed(ChunkQueue& queue) {
    const auto task = queue.claim();
    return task ? task->chunk.no : -1;
  }

  RetryPolicy policy_;
  StopSource stop_;
};

TEST_F(Queue, InTheirOrderAndThenNothing) {
  ChunkQueue queue(stop_, std::nullopt);
  for (int i = 1; i <= 3; ++i) queue.add(task(i));
  for (int i = 1; i <= 3; ++i) {
    const auto claimed = queue.claim();
    EXPECT_EQ(claimed->chunk.no, i);
    queue.complete(claimed);
  }
  EXPECT_EQ(queue.claim(), nullptr);
  EXPECT_FALSE(queue.limit_reached());
}

TEST_F(Queue, ChildrenComeBeforeWhatWaits) {
  ChunkQueue queue(stop_, std::nullopt);
  for (int i = 1; i <= 2; ++i) queue.add(task(i));
  const auto parent = queue.claim();
  queue.replace(parent, {task(11), task(12)});
  EXPECT_EQ(claimed(queue), 11);
  EXPECT_EQ(claimed(queue), 12);
  EXPECT_EQ(claimed(queue), 2);
}

// While a chunk is in flight it may come back: nobody may leave.
TEST_F(Queue, WaitsForWhatIsInFlight) {
  ChunkQueue queue(stop_, std::nullopt);
  queue.add(task(1));
  const auto first = queue.claim();
  std::jthread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(80));
    queue.give_back(first);
  });
  EXPECT_EQ(queue.claim(), first);
}

TEST_F(Queue, AParentWithoutChildrenIsOver) {
  ChunkQueue queue(stop_, std::nullopt);
  queue.add(task(1));
  queue.replace(queue.claim(), {});
  EXPECT_EQ(queue.claim(), nullptr);
}

TEST_F(Queue, TheLimitCountsWhatIsInFlight) {
  ChunkQueue queue(stop_, 2);
  for (int i = 1; i <= 4; ++i) queue.add(task(i));
  const auto first = queue.claim(), second = queue.claim();
  std::jthread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(80));
    queue.complete(first);
    queue.complete(second);
  });
  EXPECT_EQ(queue.claim(), nullptr);
  EXPECT_TRUE(queue.limit_reached());
}

TEST_F(Queue, OneGivenBackDoesNotCountAgainstTheLimit) {
  ChunkQueue queue(stop_, 1);
  for (int i = 1; i <= 2; ++i) queue.add(task(i));
  for (int i = 0; i < 3; ++i) queue.give_back(queue.claim());
  const auto first = queue.claim();
  EXPECT_EQ(first->chunk.no, 1);
  queue.complete(first);
  EXPECT_EQ(queue.claim(), nullptr);
}

TEST_F(Queue, TheLimitIsNotReachedByTheLastChunk) {
  ChunkQueue queue(stop_, 1);
  queue.add(task(1));
  queue.complete(queue.claim());
  EXPECT_EQ(queue.claim(), nullptr);
  EXPECT_FALSE(queue.limit_reached());
}

TEST_F(Queue, NothingAtALimitOfNothing) {
  ChunkQueue queue(stop_, 0);
  queue.add(task(1));
  EXPECT_EQ(queue.claim(), nullptr);
  EXPECT_TRUE(queue.limit_reached());
}

TEST_F(Queue, AStopEndsTheWait) {
  ChunkQueue queue(stop_, std::nullopt);
  queue.add(task(1));
  const auto first = queue.claim();
  std::jthread signal([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    stop_.request(StopReason::signal);
  });
  const auto started = Deadline::Clock::now();
  EXPECT_EQ(queue.claim(), nullptr);
  EXPECT_LT(Deadline::Clock::now() - started, std::chrono::milliseconds(500));
}

}  // namespace
}  // namespace pghaul
