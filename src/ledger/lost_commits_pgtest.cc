// A target that forgets what it had acknowledged: it crashed with synchronous_commit off, or a standby took its place.
#include <gmock/gmock.h>

#include "fakes/ledger_fixture.h"
#include "ledger/pg_mark.h"

namespace pghaul::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class LostCommits : public LedgerTest {
 protected:
  LostCommits() : session_(open_session()), ledger_(claim(*session_)) {}

  void remember() const {
    for (const auto* table : tables) target_sql(fmt::format("CREATE TABLE kept_{0} AS TABLE pghaul.{0}", table));
  }
  void forget() const {
    for (const auto* table : tables) {
      target_sql(fmt::format("TRUNCATE pghaul.{0}; INSERT INTO pghaul.{0} TABLE kept_{0}", table));
    }
  }
  static std::vector<Chunk> halves(const Chunk& parent, int at) {
    auto lower = parent, upper = parent;
    lower.parent = upper.parent = parent.no;
    lower.range.upper = upper.range.lower = std::to_string(at);
    return {lower, upper};
  }
  MarkOutcome mark_chunk(const Chunk& chunk) const {
    auto writer = connect();
    return mark(writer, ledger_->mark_for(chunk));
  }

  static constexpr std::array tables{"round", "chunk", "step"};
  std::unique_ptr<LedgerSession> session_;
  std::unique_ptr<PgLedger> ledger_;
};

TEST_F(LostCommits, ANumberThatWasGivenAgainMeansTheNewRange) {
  const auto chunks = begin(*ledger_, key_chunks(4));
  remember();
  const auto lost = ledger_->split(chunks[1], halves(chunks[1], 150));
  forget();
  const auto stored = ledger_->split(chunks[2], halves(chunks[2], 250));
  ASSERT_THAT(lost, SizeIs(2));
  ASSERT_THAT(stored, SizeIs(2));
  ASSERT_EQ(lost[0].no, stored[0].no);

  EXPECT_EQ(mark_chunk(lost[0]), MarkOutcome::forgotten);
  EXPECT_THAT(ledger_->split(lost[0], halves(lost[0], 125)), IsEmpty());
  EXPECT_EQ(state_of(stored[0]), "pending");
  EXPECT_EQ(mark_chunk(stored[0]), MarkOutcome::written);
  EXPECT_EQ(mark_chunk(stored[0]), MarkOutcome::already_done);
  EXPECT_EQ(mark_chunk(lost[0]), MarkOutcome::forgotten);
  EXPECT_THAT(ledger_->split(stored[1], halves(stored[1], 275)), SizeIs(2));
  EXPECT_EQ(mark_chunk(stored[1]), MarkOutcome::split);
  EXPECT_EQ(mark_chunk(lost[1]), MarkOutcome::forgotten);
  EXPECT_THAT(ledger_->split(lost[1], halves(lost[1], 175)), IsEmpty()) << "these are no children of its";
  EXPECT_EQ(state_of(chunks[1]), "pending") << "it is cut anew";
}

TEST_F(LostCommits, ANumberThatNobodyHasNow) {
  const auto chunks = begin(*ledger_, key_chunks(2));
  remember();
  const auto lost = ledger_->split(chunks[0], halves(chunks[0], 50));
  forget();
  EXPECT_EQ(mark_chunk(lost[1]), MarkOutcome::forgotten);
  EXPECT_THAT(ledger_->split(lost[1], halves(lost[1], 75)), IsEmpty());
  EXPECT_EQ(ledger_->split(chunks[0], halves(chunks[0], 60)).front().range.upper, "60");
}

// Every part of a range counts.
TEST_F(LostCommits, WhatMakesARangeAnother) {
  auto chunk = key_chunk(100, 200);
  chunk.range.kind = ChunkKind::late;
  chunk.range.since = "777";
  chunk.range.member = ChunkMember{4711, "public.t_1"};
  auto round = round_facts();
  round.new_members = {{4711, "public.t_1", 1}, {4712, "public.t_2", 2}};
  ledger_->start_generation(generation_facts(), {}, soon());
  const auto stored = ledger_->save_plan(round, {chunk}, soon()).front();
  std::vector<Chunk> others(8, stored);
  others[0].range.kind = ChunkKind::key;
  others[1].range.lower = "101";
  others[2].range.lower.reset();
  others[3].range.upper = "201";
  others[4].range.upper.reset();
  others[5].range.since.reset();
  others[6].range.member->oid = 4712;
  others[7].range.member.reset();
  for (const auto& other : others) {
    EXPECT_EQ(mark_chunk(other), MarkOutcome::forgotten) << describe(other.range, "id");
    EXPECT_THAT(ledger_->split(other, halves(other, 150)), IsEmpty()) << describe(other.range, "id");
  }
  EXPECT_EQ(mark_chunk(stored), MarkOutcome::written);
}

TEST_F(LostCommits, ACopyWithoutItsPlanIsNotComplete) {
  ledger_->start_generation(generation_facts(), {}, soon());
  remember();
  ledger_->save_plan(round_facts(), key_chunks(3), soon());
  forget();
  EXPECT_THAT(ledger_->pending_chunks(), IsEmpty());
  EXPECT_FALSE(ledger_->finish({}, soon()));
  EXPECT_FALSE(ledger_->is_complete());
  EXPECT_THAT(ledger_->save_plan(round_facts(), key_chunks(3), soon()), SizeIs(3)) << "as the next run does";
}

TEST_F(LostCommits, ACopyWithoutAnIndexThatWasBuiltIsNotComplete) {
  begin(*ledger_, {});
  remember();
  auto builder = connect();
  ASSERT_TRUE(run_step_once(builder, names_, ledger_->owner_mark(), "index t_pkey", {"SELECT"}, soon()));
  forget();
  EXPECT_FALSE(ledger_->finish({"index t_pkey"}, soon()));
  EXPECT_FALSE(ledger_->is_complete());
  ASSERT_TRUE(run_step_once(builder, names_, ledger_->owner_mark(), "index t_pkey", {"SELECT"}, soon()));
  EXPECT_TRUE(ledger_->finish({"index t_pkey"}, soon()));
  EXPECT_TRUE(ledger_->is_complete());
}

}  // namespace
}  // namespace pghaul::test
