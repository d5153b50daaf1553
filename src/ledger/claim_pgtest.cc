// Who owns a table copy.
#include <optional>
#include <set>
#include <thread>

#include <gmock/gmock.h>
#include <signal.h>

#include "fakes/ledger_fixture.h"

namespace pghaul::test {
namespace {

using testing::HasSubstr;

class Claims : public LedgerTest {
 protected:
  // Everything that changes the ledger; of an owner who is one no more.
  void expect_fenced(PgLedger& ledger, const std::vector<Chunk>& chunks) {
    const auto fenced = [&](auto action) {
      const auto error = error_of(action);
      EXPECT_EQ(error.kind(), ErrorKind::failed);
      EXPECT_THAT(error.what(), HasSubstr("another process has taken this table copy over"));
    };
    fenced([&] { ledger.check_ownership(); });
    fenced([&] { ledger.split(chunks[0], {key_chunk({}, 50), key_chunk(50, 100)}); });
    fenced([&] { ledger.save_plan(round_facts(2), key_chunks(1), soon()); });
    fenced([&] { ledger.start_generation(generation_facts(), {"CREATE TABLE public.forbidden ()"}, soon()); });
    fenced([&] { ledger.accept_filenode(18); });
    fenced([&] { ledger.finish({}, soon()); });
    ledger.note_failed_attempt(chunks[0], "nobody wants to know");
    ledger.note_stop("nobody wants to know");
    EXPECT_EQ(target_sql("SELECT count(*) FROM pghaul.chunk_failure"), "0");
    EXPECT_EQ(target_sql("SELECT to_regclass('public.forbidden') IS NULL"), "t");
    EXPECT_EQ(target_sql("SELECT state, generation, last_stop IS NULL FROM pghaul.table_copy"), "copying|1|t");
    EXPECT_EQ(target_sql("SELECT count(*), count(*) FILTER (WHERE state = 'pending') FROM pghaul.chunk"), "3|3");
  }
};

TEST_F(Claims, TheSecondIsRefusedAndToldWhoTheFirstIs) {
  const auto first = open_session(), second = open_session();
  const auto ledger = claim(*first, false, {"alpha.example.com", 4711});
  const auto error = error_of([&] { claim(*second, false, {"beta", 1}); });
  EXPECT_EQ(error.kind(), ErrorKind::refused);
  EXPECT_THAT(error.what(), HasSubstr("process 4711 on host alpha.example.com"));
  EXPECT_THAT(error.what(), HasSubstr("backend " + std::to_string(backend_of(*first))));
  EXPECT_THAT(error.advice(), HasSubstr("--take-over"));
  EXPECT_NO_THROW(ledger->check_ownership());
  EXPECT_EQ(target_sql("SELECT owner_host FROM pghaul.table_copy"), "alpha.example.com");
}

TEST_F(Claims, OtherTableCopiesAreFree) {
  const auto first = open_session(), second = open_session();
  claim(*first);
  std::set<int> ids;
  for (auto other : {identity("public.u"), identity("public.v")}) {
    ids.insert(claim_table_copy(*second, other, {"beta", 1}, false)->table_copy());
    other.where_sql = "id > 1";
    ids.insert(claim_table_copy(*second, other, {"beta", 1}, false)->table_copy());
  }
  EXPECT_EQ(ids.size(), 4u);
}

// No two identities give the same key, however their parts meet.
TEST_F(Claims, PartsOfAnIdentityDoNotRunIntoEachOther) {
  auto one = identity(), two = identity();
  one.where_sql = "a";
  one.columns = "bc";
  two.where_sql = "ab";
  two.columns = "c";
  EXPECT_NE(one.key(), two.key());
}

TEST_F(Claims, WhenTheOwnersSessionHasDied) {
  auto first = open_session();
  const auto id = claim(*first)->table_copy();
  first.reset();
  const auto second = open_session();
  EXPECT_EQ(claim(*second, false, {"beta", 1})->table_copy(), id);
  EXPECT_EQ(target_sql("SELECT owner_host, owner_pid FROM pghaul.table_copy"), "beta|1");
}

// However busy the server is: its backend sees some time later that the owner was killed.
TEST_F(Claims, TheServerMayNeedAMomentToSeeIt) {
  auto first = open_session();
  claim(*first);
  const auto backend = backend_of(*first);
  ASSERT_EQ(::kill(backend, SIGSTOP), 0);
  first.reset();
  std::jthread waker([backend] {
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    ::kill(backend, SIGCONT);
  });
  const auto second = open_session();
  EXPECT_NO_THROW(claim(*second, false, {"beta", 1}));
}

// The target fails over to a standby that never saw the last claim; its owner may still live.
TEST_F(Claims, C9_AnEpochThatWasForgottenIsNotUsedAgain) {
  auto first = open_session();
  claim(*first);
  const auto forgotten = std::stoll(epoch());
  first.reset();
  target_sql("UPDATE pghaul.table_copy SET epoch = 0");
  const auto second = open_session();
  claim(*second);
  EXPECT_GT(std::stoll(epoch()), forgotten);
}

TEST_F(Claims, TakingOverEndsTheOwnersSessionAndFencesIt) {
  const auto first = open_session(), second = open_session();
  const auto old = claim(*first);
  const auto chunks = begin(*old, key_chunks(3));
  const auto backend = backend_of(*first);
  const auto before = std::stoll(epoch());
  const auto ledger = claim(*second, true, {"beta", 1});
  EXPECT_EQ(target_sql("SELECT count(*) FROM pg_stat_activity WHERE pid = " + std::to_string(backend)), "0");
  EXPECT_GT(std::stoll(epoch()), before);
  expect_fenced(*old, chunks);
  EXPECT_EQ(ledger->pending_chunks().size(), 3u);
  EXPECT_NO_THROW(ledger->check_ownership());
}

// As when the process that took over has finished meanwhile: its lock is gone, the epoch is not.
TEST_F(Claims, TheEpochFencesEvenWhenNobodyHoldsTheLock) {
  const auto first = open_session();
  const auto old = claim(*first);
  const auto chunks = begin(*old, key_chunks(3));
  {
    const auto second = open_session();
    claim(*second, true, {"beta", 1});
    second->release_locks();
  }
  expect_fenced(*old, chunks);
}

TEST_F(Claims, AWriterOfTheOwnerBeforeMarksNothing) {
  const auto first = open_session(), second = open_session();
  const auto old = claim(*first);
  const auto chunks = begin(*old, key_chunks(2));
  auto writer = connect();
  const auto ledger = claim(*second, true, {"beta", 1});
  EXPECT_EQ(mark(writer, old->mark_for(chunks[0])), MarkOutcome::fenced);
  EXPECT_EQ(mark(writer, ledger->mark_for(chunks[0])), MarkOutcome::written);
}

// A chunk transaction of the old owner that nobody ends: its backend waits for a client that is far away.
TEST_F(Claims, AGhostThatHoldsTheFenceIsEnded) {
  auto first = open_session();
  const auto old = claim(*first);
  const auto chunks = begin(*old, key_chunks(2));
  auto ghost = connect();
  ghost.run(begin_fenced_sql(names_, old->table_copy()), soon());
  const auto facts = summary();
  ASSERT_EQ(mark_done(ghost, names_, old->mark_for(chunks[0]), &facts, soon()), MarkOutcome::written);
  const auto second = open_session();
  const auto ledger = claim(*second, true, {"beta", 1});
  EXPECT_THROW(ghost.run("COMMIT", soon()), Error);
  EXPECT_EQ(ledger->pending_chunks().size(), 2u);
}

// The same, met by a new generation of the same owner.
TEST_F(Claims, AGhostThatHoldsTheFenceIsEndedByANewGeneration) {
  auto session = open_session();
  const auto ledger = claim(*session);
  begin(*ledger, key_chunks(2));
  auto ghost = connect();
  ghost.run(begin_fenced_sql(names_, ledger->table_copy()), soon());
  ledger->start_generation(generation_facts(), {}, soon());
  EXPECT_EQ(ledger->generation(), 2);
  EXPECT_THROW(ghost.run("COMMIT", soon()), Error);
}

// Sixteen that want it at once: one gets it, and the others are told.
TEST_F(Claims, ManyAtOnce) {
  std::vector<std::unique_ptr<LedgerSession>> sessions;
  for (int i = 0; i < 16; ++i) sessions.push_back(open_session());
  std::atomic<int> owners{0}, refused{0};
  {
    std::vector<std::jthread> threads;
    for (auto& session : sessions) {
      threads.emplace_back([&] {
        try {
          claim(*session);
          ++owners;
        } catch (const Error& error) {
          EXPECT_EQ(error.kind(), ErrorKind::refused) << error.what();
          ++refused;
        }
      });
    }
  }
  EXPECT_EQ(owners, 1);
  EXPECT_EQ(refused, 15);
  EXPECT_EQ(target_sql("SELECT count(*) FROM pghaul.table_copy"), "1");
}

}  // namespace
}  // namespace pghaul::test
