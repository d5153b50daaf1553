#include "ledger/pg_ledger.h"

#include <atomic>
#include <mutex>
#include <set>
#include <thread>

#include <gmock/gmock.h>

#include "base/failpoint.h"
#include "fakes/commit_cutter.h"
#include "fakes/ledger_fixture.h"

namespace pghaul::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<Chunk> halves(const Chunk& parent, std::int64_t at) {
  auto lower = parent, upper = parent;
  lower.parent = upper.parent = parent.no;
  lower.range.upper = upper.range.lower = std::to_string(at);
  return {lower, upper};
}

class Ledgers : public LedgerTest {
 protected:
  Ledgers() : session_(open_session()), ledger_(claim(*session_)) {}
  ~Ledgers() override { configure_failpoints(""); }

  static std::vector<std::int64_t> numbers(const std::vector<Chunk>& chunks) {
    std::vector<std::int64_t> numbers;
    for (const auto& chunk : chunks) numbers.push_back(chunk.no);
    return numbers;
  }
  std::string tables() const {
    return target_sql("SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class "
                      "WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'");
  }
  std::string counts() const {
    return target_sql("SELECT (SELECT count(*) FROM pghaul.generation), (SELECT count(*) FROM pghaul.round), "
                      "(SELECT count(*) FROM pghaul.chunk)");
  }

  std::unique_ptr<LedgerSession> session_;
  std::unique_ptr<PgLedger> ledger_;
};

// ---- Generations -----------------------------------------------------------------------------------

TEST_F(Ledgers, AGenerationBeginsWithItsStatements) {
  EXPECT_EQ(ledger_->generation(), 0);
  EXPECT_FALSE(ledger_->generation_facts());
  const auto before = ledger_->owner_mark();
  ledger_->start_generation(generation_facts(), {"CREATE TABLE public.a ()", "CREATE TABLE public.b ()"}, soon());
  EXPECT_EQ(tables(), "a,b");
  EXPECT_EQ(ledger_->generation(), 1);
  EXPECT_EQ(ledger_->owner_mark().epoch, before.epoch + 1);
  EXPECT_EQ(epoch(), std::to_string(before.epoch + 1));
  const auto facts = ledger_->generation_facts();
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->source_oid, 4'000'000'000u);
  EXPECT_EQ(facts->source_filenode, 17u);
  EXPECT_EQ(facts->source_timeline, 3);
  EXPECT_EQ(facts->source_shape, "id bigint");
  EXPECT_EQ(facts->key_column, "id");
  EXPECT_NO_THROW(ledger_->check_ownership());
}

TEST_F(Ledgers, AFailingStatementLeavesEverythingAsBefore) {
  begin(*ledger_, key_chunks(2));
  target_sql("CREATE TABLE public.t AS SELECT generate_series(1, 5)");
  const auto mark = ledger_->owner_mark();
  const auto error = error_of([&] {
    ledger_->start_generation(generation_facts(), {"TRUNCATE public.t", "CREATE TABLE public.new ()", "SELECT 1/0"},
                              soon());
  });
  EXPECT_EQ(error.sqlstate(), "22012");
  EXPECT_EQ(target_sql("SELECT count(*) FROM public.t"), "5");
  EXPECT_EQ(tables(), "t");
  EXPECT_EQ(counts(), "1|1|2");
  EXPECT_EQ(epoch(), std::to_string(mark.epoch));
  EXPECT_EQ(ledger_->generation(), 1);
  EXPECT_NO_THROW(ledger_->check_ownership());
  EXPECT_THAT(ledger_->pending_chunks(), SizeIs(2));
  ledger_->start_generation(generation_facts(), {"TRUNCATE public.t"}, soon());  // and then it goes
  EXPECT_EQ(target_sql("SELECT count(*) FROM public.t"), "0");
  EXPECT_EQ(ledger_->generation(), 2);
}

TEST_F(Ledgers, AWriterOfTheGenerationBeforeMarksNothing) {
  const auto chunks = begin(*ledger_, key_chunks(2));
  const auto old = ledger_->mark_for(chunks[0]);
  ledger_->start_generation(generation_facts(), {}, soon());
  auto writer = connect();
  EXPECT_EQ(mark(writer, old), MarkOutcome::fenced);
}

TEST_F(Ledgers, ANewGenerationWaitsForChunkTransactions) {
  const auto chunks = begin(*ledger_, key_chunks(2));
  target_sql("CREATE TABLE public.t (id int)");
  auto writer = connect();
  const auto facts = summary();
  auto chunk = std::make_unique<pg::Transaction>(writer, soon(), begin_fenced_sql(names_, ledger_->table_copy()));
  ASSERT_EQ(mark_done(writer, names_, ledger_->mark_for(chunks[0]), &facts, soon()), MarkOutcome::written);
  writer.run("INSERT INTO public.t VALUES (1)", soon());
  std::atomic<bool> started{false};
  std::jthread other([&] {
    ledger_->start_generation(generation_facts(), {"TRUNCATE public.t"}, soon());
    started = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_FALSE(started);
  chunk->commit(soon());
  other.join();
  EXPECT_EQ(target_sql("SELECT count(*) FROM public.t"), "0");
}

// ---- Plans -------------------------------------------------------------------------------------------

TEST_F(Ledgers, APlanComesBackAsItWasSaved) {
  std::vector<Chunk> chunks(3);
  chunks[0] = key_chunk({}, -5);
  chunks[0].tail = true;
  chunks[1] = key_chunk(-5, {});
  chunks[1].replace = chunks[1].refined = true;
  chunks[2].range.kind = ChunkKind::late;
  chunks[2].range.since = "4294967295";
  const auto stored = begin(*ledger_, chunks);
  EXPECT_THAT(numbers(stored), ElementsAre(1, 2, 3));
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(stored[i].range, chunks[i].range);
    EXPECT_EQ(stored[i].tail, chunks[i].tail);
    EXPECT_EQ(stored[i].replace, chunks[i].replace);
    EXPECT_EQ(stored[i].refined, chunks[i].refined);
    EXPECT_EQ(stored[i].estimated_bytes, chunks[i].estimated_bytes);
    EXPECT_EQ(stored[i].estimated_rows, chunks[i].estimated_rows);
    EXPECT_EQ(stored[i].round, 1);
    EXPECT_EQ(stored[i].parent, 0);
    EXPECT_EQ(stored[i].failed_attempts, 0);
  }
  const auto round = ledger_->last_round();
  ASSERT_TRUE(round);
  EXPECT_EQ(round->round, 1);
  EXPECT_EQ(round->high_water, 1000);
  EXPECT_TRUE(round->settled);
  EXPECT_EQ(round->reason, "because");
}

// A member's name is kept once for all its chunks; a later round adds those that are new.
TEST_F(Ledgers, MembersAndTheirChunks) {
  const ChunkMember leaf{4'000'000'001, "odd.\"na\tme\\\""};
  auto chunk = key_chunk({}, 100);
  chunk.range.member = leaf;
  ledger_->start_generation(generation_facts(), {}, soon());
  auto round = round_facts();
  round.new_members = {{leaf.oid, leaf.name, 17}};
  const auto stored = ledger_->save_plan(round, {chunk, key_chunk(100, {})}, soon());
  EXPECT_EQ(stored[0].range, chunk.range);
  EXPECT_FALSE(stored[1].range.member);
  const auto children = ledger_->split(stored[0], halves(stored[0], 50));
  EXPECT_EQ(children[1].range.member, leaf);
  EXPECT_EQ(ledger_->pending_chunks().back().range.member, leaf);

  ledger_->accept_member_filenode({leaf.oid, "", 18});
  round = round_facts(2);
  round.new_members = {{5, "public.b", 19}};
  ledger_->save_plan(round, {}, soon());
  auto other = connect();
  const auto members = find_table_copy(other, names_, identity(), soon())->members;
  ASSERT_THAT(members, SizeIs(2));
  EXPECT_EQ(members[0].name, leaf.name);
  EXPECT_EQ(members[0].filenode, 18u);
  EXPECT_EQ(members[1].oid, 5u);
  ledger_->start_generation(generation_facts(), {}, soon());
  EXPECT_THAT(find_table_copy(other, names_, identity(), soon())->members, IsEmpty());
}

TEST_F(Ledgers, BoundsMayHoldAnything) {
  const std::vector<std::string> odd{"", " ", "\t", "\n", "\r\n", "\\", "\\N", "\\.", "a\tb\nc\\d\re", "'\"", "NULL",
                                     "ÄÖ\xe2\x82\xac", std::string(10'000, 'x')};
  std::vector<Chunk> chunks;
  for (const auto& text : odd) {
    auto chunk = key_chunk({}, {});
    chunk.range.lower = chunk.range.upper = chunk.range.since = text;
    chunks.push_back(chunk);
  }
  chunks.push_back(key_chunk({}, {}));
  const auto stored = begin(*ledger_, chunks);
  ASSERT_EQ(stored.size(), chunks.size());
  for (std::size_t i = 0; i < chunks.size(); ++i) EXPECT_EQ(stored[i].range, chunks[i].range) << i;
}

TEST_F(Ledgers, APlanIsSavedOnce) {
  begin(*ledger_, key_chunks(3));
  const auto again = ledger_->save_plan(round_facts(), key_chunks(7), soon());
  EXPECT_THAT(numbers(again), ElementsAre(1, 2, 3));
  EXPECT_EQ(counts(), "1|1|3");
}

TEST_F(Ledgers, AnEmptyPlan) {
  EXPECT_THAT(begin(*ledger_, {}), IsEmpty());
  EXPECT_TRUE(ledger_->last_round());
  EXPECT_TRUE(ledger_->finish({}, soon()));
}

TEST_F(Ledgers, LaterRoundsCountOnAndTakeUpWhatIsLeft) {
  const auto first = begin(*ledger_, key_chunks(2));
  auto writer = connect();
  ASSERT_EQ(mark(writer, ledger_->mark_for(first[1])), MarkOutcome::written);
  const auto pending = ledger_->save_plan(round_facts(2), {key_chunk(200, {})}, soon());
  EXPECT_THAT(numbers(pending), ElementsAre(1, 3));
  EXPECT_EQ(pending[1].round, 2);
  EXPECT_EQ(ledger_->last_round()->round, 2);
}

TEST_F(Ledgers, ALargePlan) {
  const auto chunks = begin(*ledger_, key_chunks(100'000));
  ASSERT_EQ(chunks.size(), 100'000u);
  EXPECT_EQ(chunks.back().range.lower, "9999900");
}

// ---- Splits ------------------------------------------------------------------------------------------

TEST_F(Ledgers, ASplitStoresChildrenInThePlaceOfTheirParent) {
  const auto chunks = begin(*ledger_, key_chunks(3));
  const auto children = ledger_->split(chunks[1], halves(chunks[1], 150));
  EXPECT_THAT(numbers(children), ElementsAre(4, 5));
  EXPECT_EQ(state_of(chunks[1]), "split");
  const auto pending = ledger_->pending_chunks();
  EXPECT_THAT(numbers(pending), ElementsAre(1, 3, 4, 5));
  EXPECT_EQ(pending[2].range, children[0].range);
  EXPECT_EQ(pending[2].parent, chunks[1].no);
  // Their union is the parent, for a person who asks the ledger.
  EXPECT_EQ(target_sql("SELECT string_agg(coalesce(lower_bound, '-') || ' ' || coalesce(upper_bound, '+'), ', ' "
                       "ORDER BY lower_bound::bigint NULLS FIRST) FROM pghaul.unfinished_chunks"),
            "- 100, 100 150, 150 200, 200 +");
}

TEST_F(Ledgers, ASecondSplitFindsTheChildrenOfTheFirst) {
  const auto chunks = begin(*ledger_, key_chunks(3));
  const auto first = ledger_->split(chunks[1], halves(chunks[1], 150));
  const auto second = ledger_->split(chunks[1], halves(chunks[1], 120));
  ASSERT_THAT(numbers(second), ElementsAre(4, 5));
  EXPECT_EQ(second[0].range, first[0].range);
  EXPECT_EQ(counts(), "1|1|5");
}

TEST_F(Ledgers, ADoneChunkIsNotSplit) {
  const auto chunks = begin(*ledger_, key_chunks(3));
  auto writer = connect();
  ASSERT_EQ(mark(writer, ledger_->mark_for(chunks[1])), MarkOutcome::written);
  EXPECT_THAT(ledger_->split(chunks[1], halves(chunks[1], 150)), IsEmpty());
  EXPECT_EQ(state_of(chunks[1]), "done");
  EXPECT_EQ(counts(), "1|1|3");
}

// The row's lock is the referee between a split and a writer: one of the two happens.
TEST_F(Ledgers, SplitAndMarkAtOnce) {
  const auto chunks = begin(*ledger_, key_chunks(30));
  auto writer = connect();
  for (const auto& chunk : chunks) {
    MarkOutcome outcome{};
    std::vector<Chunk> children;
    {
      std::jthread one([&] { outcome = mark(writer, ledger_->mark_for(chunk)); });
      std::jthread two([&] { children = ledger_->split(chunk, {chunk, chunk}); });
    }
    EXPECT_EQ(outcome == MarkOutcome::written, children.empty());
    EXPECT_EQ(state_of(chunk), children.empty() ? "done" : "split");
  }
}

TEST_F(Ledgers, ManyReadersSplitAtOnce) {
  const auto chunks = begin(*ledger_, key_chunks(64));
  std::set<std::int64_t> seen;
  std::mutex mutex;
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < 8; ++t) {
      threads.emplace_back([&, t] {
        for (std::size_t i = t; i < chunks.size(); i += 8) {
          for (const auto no : numbers(ledger_->split(chunks[i], {chunks[i], chunks[i], chunks[i]}))) {
            const std::lock_guard lock(mutex);
            EXPECT_TRUE(seen.insert(no).second) << no;
          }
        }
      });
    }
  }
  EXPECT_EQ(seen.size(), 3 * 64u);
  EXPECT_THAT(ledger_->pending_chunks(), SizeIs(3 * 64));
}

// ---- The end -----------------------------------------------------------------------------------------

TEST_F(Ledgers, FinishesWhenNothingIsPending) {
  const auto chunks = begin(*ledger_, key_chunks(2));
  auto writer = connect();
  EXPECT_FALSE(ledger_->finish({}, soon()));
  ASSERT_EQ(mark(writer, ledger_->mark_for(chunks[0])), MarkOutcome::written);
  EXPECT_FALSE(ledger_->finish({}, soon()));
  EXPECT_FALSE(ledger_->is_complete());
  EXPECT_EQ(target_sql("SELECT finished_at IS NULL FROM pghaul.generation"), "t");
  ASSERT_EQ(mark(writer, ledger_->mark_for(chunks[1])), MarkOutcome::written);
  EXPECT_TRUE(ledger_->finish({}, soon()));
  EXPECT_TRUE(ledger_->finish({}, soon()));
  EXPECT_TRUE(ledger_->is_complete());
  EXPECT_EQ(target_sql("SELECT finished_at IS NULL FROM pghaul.generation"), "f");
  EXPECT_EQ(target_sql("SELECT finished_at IS NULL FROM pghaul.round"), "f");
}

TEST_F(Ledgers, TotalsAndFailures) {
  const auto chunks = begin(*ledger_, key_chunks(3));
  auto writer = connect();
  ASSERT_EQ(mark(writer, ledger_->mark_for(chunks[0])), MarkOutcome::written);
  ledger_->note_failed_attempt(chunks[1], "trouble with \\ and \n and 'quotes'");
  ledger_->note_failed_attempt(chunks[1], "more");
  const auto totals = ledger_->totals();
  EXPECT_EQ(totals.chunks_done, 1);
  EXPECT_EQ(totals.chunks_pending, 2);
  EXPECT_EQ(totals.rows_done, 10);
  EXPECT_EQ(totals.bytes_done, 1000);
  EXPECT_EQ(totals.estimated_bytes_pending, 2000);
  const auto pending = ledger_->pending_chunks();
  EXPECT_EQ(pending[0].failed_attempts, 2);
  EXPECT_EQ(pending[1].failed_attempts, 0);
  EXPECT_EQ(ledger_->mark_for(pending[0]).attempts, 3);
}

TEST_F(Ledgers, WhyItStopped) {
  begin(*ledger_, key_chunks(2));
  ledger_->note_stop("stopped by a signal");
  EXPECT_EQ(target_sql("SELECT last_stop FROM pghaul.table_copy_progress"), "stopped by a signal");
  ledger_->save_plan(round_facts(2), {}, soon());
  EXPECT_EQ(target_sql("SELECT last_stop IS NULL FROM pghaul.table_copy"), "t");
}

TEST_F(Ledgers, WhatAnotherFinds) {
  auto other = connect();
  EXPECT_FALSE(find_table_copy(other, names_, identity("public.unknown"), soon()));
  EXPECT_EQ(find_table_copy(other, names_, identity(), soon())->generation, 0);
  begin(*ledger_, key_chunks(2));
  const auto entry = find_table_copy(other, names_, identity(), soon());
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->table_copy, ledger_->table_copy());
  EXPECT_EQ(entry->generation, 1);
  EXPECT_FALSE(entry->complete);
  EXPECT_EQ(entry->facts.source_shape, "id bigint");
  EXPECT_EQ(entry->totals.chunks_pending, 2);
}

// ---- Failures between the steps --------------------------------------------------------------------

// An error at a failpoint is transient: the step is run again, and must come out as if it had been run once.
TEST_F(Ledgers, StepsMayFailOnceAnywhere) {
  configure_failpoints("target.before_empty=error;chunk.before_split=error;chunk.split=error;job.before_finish=error");
  const auto chunks = begin(*ledger_, key_chunks(1));
  EXPECT_EQ(ledger_->generation(), 1);
  const auto children = ledger_->split(chunks[0], halves(chunks[0], 50));
  EXPECT_THAT(numbers(children), ElementsAre(2, 3));
  EXPECT_EQ(counts(), "1|1|3");
  auto writer = connect();
  for (const auto& child : children) ASSERT_EQ(mark(writer, ledger_->mark_for(child)), MarkOutcome::written);
  EXPECT_TRUE(ledger_->finish({}, soon()));
  EXPECT_TRUE(ledger_->is_complete());
}

// ---- The answer to COMMIT is lost ------------------------------------------------------------------

class LostCommits : public LedgerTest, public testing::WithParamInterface<CommitCutter::Cut> {
 protected:
  LostCommits() : proxy_(target_server().port()), session_(open_session(proxy_.detour())), ledger_(claim(*session_)) {}
  ~LostCommits() override { EXPECT_GE(proxy_.cuts(), 1); }
  void cut() { proxy_.arm(GetParam()); }

  CommitCutter proxy_;
  std::unique_ptr<LedgerSession> session_;
  std::unique_ptr<PgLedger> ledger_;
};

TEST_P(LostCommits, OfAClaim) {
  session_->release_locks();
  const auto before = std::stoll(epoch());
  cut();
  const auto again = claim(*session_);
  EXPECT_NO_THROW(again->check_ownership());
  EXPECT_GE(std::stoll(epoch()), before + 1);
  EXPECT_THROW(ledger_->check_ownership(), Error);
}

TEST_P(LostCommits, OfANewGeneration) {
  const auto before = std::stoll(epoch());
  cut();
  ledger_->start_generation(generation_facts(), {"CREATE TABLE public.t ()"}, soon());
  EXPECT_EQ(ledger_->generation(), 1);
  EXPECT_EQ(std::stoll(epoch()), before + 1);
  EXPECT_NO_THROW(ledger_->check_ownership());
  EXPECT_EQ(target_sql("SELECT count(*) FROM pghaul.generation"), "1");
  // The next one is the next one.
  ledger_->start_generation(generation_facts(), {"DROP TABLE public.t"}, soon());
  EXPECT_EQ(ledger_->generation(), 2);
}

TEST_P(LostCommits, OfAPlan) {
  ledger_->start_generation(generation_facts(), {}, soon());
  cut();
  EXPECT_THAT(ledger_->save_plan(round_facts(), key_chunks(5), soon()), SizeIs(5));
  EXPECT_EQ(target_sql("SELECT count(*) FROM pghaul.chunk"), "5");
}

TEST_P(LostCommits, OfASplit) {
  const auto chunks = begin(*ledger_, key_chunks(2));
  cut();
  const auto children = ledger_->split(chunks[0], halves(chunks[0], 50));
  ASSERT_THAT(children, SizeIs(2));
  EXPECT_EQ(children[0].no, 3);
  EXPECT_EQ(children[1].no, 4);
  EXPECT_EQ(target_sql("SELECT count(*) FROM pghaul.chunk"), "4");
}

TEST_P(LostCommits, OfTheEnd) {
  begin(*ledger_, {});
  cut();
  EXPECT_TRUE(ledger_->finish({}, soon()));
  EXPECT_TRUE(ledger_->is_complete());
}

// Between the lost answer and the next try somebody takes over: what was committed by us is not taken for ours.
TEST_P(LostCommits, OfANewGenerationAndThenATakeover) {
  const auto other = open_session();
  target_sql("CREATE TABLE public.t AS SELECT 1");
  std::unique_ptr<PgLedger> taken;
  cut();
  // The takeover ends our session while it is being opened again, or finds it gone.
  std::jthread taker([&] {
    while (proxy_.cuts() == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    taken = claim(*other, true, {"beta", 1});
  });
  try {
    ledger_->start_generation(generation_facts(), {"TRUNCATE public.t"}, soon());
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::failed) << error.what();
  }
  taker.join();
  EXPECT_THROW(ledger_->check_ownership(), Error);
  EXPECT_NO_THROW(taken->check_ownership());
}

INSTANTIATE_TEST_SUITE_P(, LostCommits, testing::Values(CommitCutter::Cut::before, CommitCutter::Cut::after),
                         [](const auto& outcome) {
                           return outcome.param == CommitCutter::Cut::before ? "RolledBack" : "Committed";
                         });

}  // namespace
}  // namespace pghaul::test
