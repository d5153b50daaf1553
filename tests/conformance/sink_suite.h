// What every sink must do, whatever it writes to. A sink is held to it by a type that derives from testing::Test (or
// from a fixture) and has the members of the concept below:
//   INSTANTIATE_TYPED_TEST_SUITE_P(MySink, SinkSuite, MySinkWorld);
#pragma once

#include <concepts>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "fakes/scripted_batch.h"
#include "ledger/ledger.h"
#include "pghaul/error.h"
#include "sink/sink.h"

namespace pghaul::test {

// The target starts empty; rows are told apart by their keys.
template <typename World>
concept SinkWorld = requires(World world, std::int64_t number, const Chunk& chunk, const std::vector<std::int64_t>& keys) {
  { world.make_sink() } -> std::same_as<std::unique_ptr<Sink>>;  // of table 0
  { world.ledger() } -> std::convertible_to<Ledger&>;
  { world.add_chunk(number, number) } -> std::same_as<Chunk>;     // a pending one, of keys [lower, upper)
  { world.state_of(chunk) } -> std::same_as<std::string>;         // pending, done or split
  { world.take_over() };                                          // as another process would
  { world.encode(keys) } -> std::same_as<std::string>;            // as they travel
  { world.visible_keys() } -> std::same_as<std::vector<std::int64_t>>;  // ascending, to everybody else
  { world.lose_sessions() };                                      // of all sinks, at once
  { world.fail_once_after_durable() };                            // the next write, by an error
};

template <typename World>
class SinkSuite : public World {
 protected:
  static constexpr std::int64_t rows = 40;

  static std::vector<std::int64_t> keys(std::int64_t from, std::int64_t to) {
    std::vector<std::int64_t> all(static_cast<std::size_t>(to - from));
    std::iota(all.begin(), all.end(), from);
    return all;
  }
  // Of keys [from, from + rows).
  ScriptedBatch batch(std::int64_t from = 0, std::size_t block_bytes = 0, bool open = false) {
    return ScriptedBatch(this->encode(keys(from, from + rows)), rows, block_bytes, open);
  }
  WriteResult write(Sink& sink, const Chunk& chunk, Batch& batch) {
    return sink.write(0, chunk, this->ledger().mark_for(chunk), batch);
  }
  void expect_nothing_done(const Chunk& chunk) {
    EXPECT_TRUE(this->visible_keys().empty());
    EXPECT_EQ(this->state_of(chunk), "pending");
  }
  void expect_done(const Chunk& chunk) {
    EXPECT_EQ(this->visible_keys(), keys(0, rows));
    EXPECT_EQ(this->state_of(chunk), "done");
  }
};
TYPED_TEST_SUITE_P(SinkSuite);

TYPED_TEST_P(SinkSuite, Written) {
  static_assert(SinkWorld<TypeParam>);
  const auto chunk = this->add_chunk(0, this->rows);
  const auto sink = this->make_sink();
  auto batch = this->batch();
  EXPECT_EQ(this->write(*sink, chunk, batch).outcome, MarkOutcome::written);
  this->expect_done(chunk);
}

TYPED_TEST_P(SinkSuite, ManyChunksThroughOneSession) {
  const auto sink = this->make_sink();
  for (std::int64_t from = 0; from < 10 * this->rows; from += this->rows) {
    const auto chunk = this->add_chunk(from, from + this->rows);
    auto batch = this->batch(from);
    EXPECT_EQ(this->write(*sink, chunk, batch).outcome, MarkOutcome::written);
    EXPECT_EQ(this->state_of(chunk), "done");
  }
  EXPECT_EQ(this->visible_keys(), this->keys(0, 10 * this->rows));
}

TYPED_TEST_P(SinkSuite, AChunkWithoutRows) {
  const auto chunk = this->add_chunk(0, 1);
  const auto sink = this->make_sink();
  ScriptedBatch empty(this->encode({}), 0);
  EXPECT_EQ(this->write(*sink, chunk, empty).outcome, MarkOutcome::written);
  EXPECT_TRUE(this->visible_keys().empty());
  EXPECT_EQ(this->state_of(chunk), "done");
}

TYPED_TEST_P(SinkSuite, BlocksEndAnywhere) {
  const auto chunk = this->add_chunk(0, this->rows);
  const auto sink = this->make_sink();
  auto batch = this->batch(0, 1);
  EXPECT_EQ(this->write(*sink, chunk, batch).outcome, MarkOutcome::written);
  this->expect_done(chunk);
}

TYPED_TEST_P(SinkSuite, AnOpenBatch) {
  const auto chunk = this->add_chunk(0, this->rows);
  const auto sink = this->make_sink();
  auto batch = this->batch(0, 100, true);
  EXPECT_EQ(this->write(*sink, chunk, batch).outcome, MarkOutcome::written);
  this->expect_done(chunk);
}

TYPED_TEST_P(SinkSuite, NothingIsVisibleBeforeTheEnd) {
  const auto chunk = this->add_chunk(0, this->rows);
  const auto sink = this->make_sink();
  auto batch = this->batch(0, 100);
  batch.before = [&](std::size_t i) {
    if (i == batch.blocks()) this->expect_nothing_done(chunk);
  };
  EXPECT_EQ(this->write(*sink, chunk, batch).outcome, MarkOutcome::written);
}

TYPED_TEST_P(SinkSuite, AlreadyDone) {
  const auto chunk = this->add_chunk(0, this->rows);
  const auto sink = this->make_sink();
  for (const auto expected : {MarkOutcome::written, MarkOutcome::already_done, MarkOutcome::already_done}) {
    auto batch = this->batch();
    EXPECT_EQ(this->write(*sink, chunk, batch).outcome, expected);
    this->expect_done(chunk);
  }
}

TYPED_TEST_P(SinkSuite, AlreadyDoneAsAnOpenBatch) {
  const auto chunk = this->add_chunk(0, this->rows);
  const auto sink = this->make_sink();
  for (const auto expected : {MarkOutcome::written, MarkOutcome::already_done}) {
    auto batch = this->batch(0, 100, true);
    EXPECT_EQ(this->write(*sink, chunk, batch).outcome, expected);
    this->expect_done(chunk);
  }
}

TYPED_TEST_P(SinkSuite, Split) {
  const auto chunk = this->add_chunk(0, this->rows);
  auto lower = chunk, upper = chunk;
  lower.parent = upper.parent = chunk.no;
  lower.range.upper = upper.range.lower = std::to_string(this->rows / 2);
  const auto children = this->ledger().split(chunk, {lower, upper});
  ASSERT_EQ(children.size(), 2u);
  const auto sink = this->make_sink();
  auto batch = this->batch();
  EXPECT_EQ(this->write(*sink, chunk, batch).outcome, MarkOutcome::split);
  EXPECT_TRUE(this->visible_keys().empty());
  for (const auto& child : children) EXPECT_EQ(this->state_of(child), "pending");
}

TYPED_TEST_P(SinkSuite, Fenced) {
  const auto chunk = this->add_chunk(0, this->rows);
  const auto mark = this->ledger().mark_for(chunk);
  const auto sink = this->make_sink();
  sink->connect();
  this->take_over();
  auto batch = this->batch();
  EXPECT_EQ(sink->write(0, chunk, mark, batch).outcome, MarkOutcome::fenced);
  this->expect_nothing_done(chunk);
}

TYPED_TEST_P(SinkSuite, TheBatchFailsAnywhere) {
  const auto chunk = this->add_chunk(0, this->rows);
  const auto sink = this->make_sink();
  for (const bool open : {false, true}) {
    const auto blocks = this->batch(0, 100, open).blocks();
    for (std::size_t at = 0; at <= blocks; ++at) {
      SCOPED_TRACE(testing::Message() << "block " << at << " of " << blocks << (open ? ", open" : ""));
      auto batch = this->batch(0, 100, open);
      batch.before = [&](std::size_t i) {
        if (i == at) throw Error(ErrorKind::transient, "the reader failed").on(Side::source);
      };
      try {
        this->write(*sink, chunk, batch);
        FAIL() << "the error got lost";
      } catch (const Error& error) {
        EXPECT_STREQ(error.what(), "the reader failed");
      }
      this->expect_nothing_done(chunk);
    }
  }
  auto batch = this->batch();
  EXPECT_EQ(this->write(*sink, chunk, batch).outcome, MarkOutcome::written);
  this->expect_done(chunk);
}

TYPED_TEST_P(SinkSuite, ASessionIsLostAnywhere) {
  const auto chunk = this->add_chunk(0, this->rows);
  const auto sink = this->make_sink();
  const auto blocks = this->batch(0, 100).blocks();
  for (std::size_t at = 0; at <= blocks; ++at) {
    SCOPED_TRACE(testing::Message() << "block " << at << " of " << blocks);
    auto batch = this->batch(0, 100);
    batch.before = [&](std::size_t i) {
      if (i == at) this->lose_sessions();
    };
    try {
      this->write(*sink, chunk, batch);
      FAIL() << "written without a session";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::connection_lost) << error.what();
    }
    this->expect_nothing_done(chunk);
  }
  auto batch = this->batch();
  EXPECT_EQ(this->write(*sink, chunk, batch).outcome, MarkOutcome::written);
  this->expect_done(chunk);
}

TYPED_TEST_P(SinkSuite, AWrongNumberOfRows) {
  const auto chunk = this->add_chunk(0, this->rows);
  const auto sink = this->make_sink();
  for (const bool open : {false, true}) {
    ScriptedBatch batch(this->encode(this->keys(0, this->rows)), this->rows + 1, 0, open);
    try {
      this->write(*sink, chunk, batch);
      FAIL() << "it was not noticed";
    } catch (const Error& error) {
      EXPECT_FALSE(error.retryable());
    }
    this->expect_nothing_done(chunk);
  }
}

TYPED_TEST_P(SinkSuite, AnErrorAfterItIsDurable) {
  const auto chunk = this->add_chunk(0, this->rows);
  const auto sink = this->make_sink();
  this->fail_once_after_durable();
  auto first = this->batch(), second = this->batch();
  EXPECT_THROW(this->write(*sink, chunk, first), Error);
  EXPECT_EQ(this->write(*sink, chunk, second).outcome, MarkOutcome::already_done);
  this->expect_done(chunk);
}

// Two tries of one chunk, of which the first is not over: exactly one writes.
TYPED_TEST_P(SinkSuite, TwoAtOnce) {
  for (std::int64_t from = 0; from < 10 * this->rows; from += this->rows) {
    const auto chunk = this->add_chunk(from, from + this->rows);
    std::vector<MarkOutcome> outcomes(2);
    {
      std::vector<std::jthread> writers;
      for (auto& outcome : outcomes) {
        writers.emplace_back([&, from] {
          const auto sink = this->make_sink();
          auto batch = this->batch(from, 100);
          outcome = this->write(*sink, chunk, batch).outcome;
        });
      }
    }
    EXPECT_NE(outcomes[0], outcomes[1]);
    for (const auto outcome : outcomes) {
      EXPECT_TRUE(outcome == MarkOutcome::written || outcome == MarkOutcome::already_done);
    }
  }
  EXPECT_EQ(this->visible_keys(), this->keys(0, 10 * this->rows));
}

REGISTER_TYPED_TEST_SUITE_P(SinkSuite, Written, ManyChunksThroughOneSession, AChunkWithoutRows, BlocksEndAnywhere,
                            AnOpenBatch, NothingIsVisibleBeforeTheEnd, AlreadyDone, AlreadyDoneAsAnOpenBatch, Split,
                            Fenced, TheBatchFailsAnywhere, ASessionIsLostAnywhere, AWrongNumberOfRows,
                            AnErrorAfterItIsDurable, TwoAtOnce);

}  // namespace pghaul::test
