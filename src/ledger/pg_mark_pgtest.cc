// The referee: mark first, then rows.
#include "ledger/pg_mark.h"

#include <algorithm>
#include <atomic>
#include <random>
#include <thread>

#include <gmock/gmock.h>
#include <signal.h>

#include "fakes/commit_cutter.h"
#include "fakes/ledger_fixture.h"

namespace pghaul::test {
namespace {

class Marks : public LedgerTest {
 protected:
  Marks() : session_(open_session()), ledger_(claim(*session_)), chunks_(begin(*ledger_, key_chunks(4))) {
    target_sql("CREATE TABLE public.t (id int)");
  }

  Mark mark_of(std::size_t chunk) const { return ledger_->mark_for(chunks_[chunk]); }
  // Begins the transaction of a writer, marks, and writes a row.
  MarkOutcome mark_and_write(pg::Connection& connection, const Mark& mark) const {
    connection.run(begin_fenced_sql(names_, mark.table_copy), soon());
    const auto facts = summary();
    const auto outcome = mark_done(connection, names_, mark, &facts, soon());
    if (outcome == MarkOutcome::written) connection.run("INSERT INTO public.t VALUES (1)", soon());
    return outcome;
  }
  // A whole transaction.
  MarkOutcome write(pg::Connection& connection, const Mark& mark) const {
    const auto outcome = mark_and_write(connection, mark);
    connection.run(outcome == MarkOutcome::written ? "COMMIT" : "ROLLBACK", soon());
    return outcome;
  }
  std::string rows() const { return target_sql("SELECT count(*) FROM public.t"); }

  std::unique_ptr<LedgerSession> session_;
  std::unique_ptr<PgLedger> ledger_;
  std::vector<Chunk> chunks_;
};

TEST_F(Marks, KeepWhatIsKnownOfTheRows) {
  auto writer = connect();
  EXPECT_EQ(write(writer, mark_of(1)), MarkOutcome::written);
  EXPECT_EQ(target_sql("SELECT rows, bytes, checksum = repeat('0', 32), record_format, snapshot, read_seconds, attempts, "
                       "done_at > now() - interval '1 minute' FROM pghaul.chunk WHERE state = 'done'"),
            "10|1000|t|binary|10:20:11,12|1.25|1|t");
}

TEST_F(Marks, OfABatchThatIsStillRead) {
  auto writer = connect();
  writer.run(begin_fenced_sql(names_, ledger_->table_copy()), soon());
  EXPECT_EQ(mark_done(writer, names_, mark_of(1), nullptr, soon()), MarkOutcome::written);
  complete_mark(writer, names_, mark_of(1), summary(77), soon());
  writer.run("COMMIT", soon());
  EXPECT_EQ(target_sql("SELECT no, rows, bytes FROM pghaul.finished_chunks"), "2|77|7700");
}

TEST_F(Marks, AlreadyDone) {
  auto writer = connect(), other = connect();
  EXPECT_EQ(write(writer, mark_of(0)), MarkOutcome::written);
  EXPECT_EQ(write(writer, mark_of(0)), MarkOutcome::already_done);
  EXPECT_EQ(write(other, mark_of(0)), MarkOutcome::already_done);
  EXPECT_EQ(rows(), "1");
}

TEST_F(Marks, Split) {
  ledger_->split(chunks_[0], {chunks_[0], chunks_[0]});
  auto writer = connect();
  EXPECT_EQ(write(writer, mark_of(0)), MarkOutcome::split);
  EXPECT_EQ(rows(), "0");
}

TEST_F(Marks, FencedWhenTheEpochWasRaised) {
  auto writer = connect();
  auto mark = mark_of(0);
  const auto successor = open_session();
  claim(*successor, true, {"beta", 1});
  EXPECT_EQ(write(writer, mark), MarkOutcome::fenced);
  mark.epoch += 100;  // nor does a number of its own help
  EXPECT_EQ(write(writer, mark), MarkOutcome::fenced);
  EXPECT_EQ(rows(), "0");
}

// Fenced is fenced, whatever became of the chunk.
TEST_F(Marks, FencedEvenWhenItIsDone) {
  auto writer = connect();
  const auto mark = mark_of(0);
  ASSERT_EQ(write(writer, mark), MarkOutcome::written);
  const auto successor = open_session();
  claim(*successor, true, {"beta", 1});
  EXPECT_EQ(write(writer, mark), MarkOutcome::fenced);
}

// A role may have another default, in which a lost race would be an error and not an answer.
TEST_F(Marks, TheDefaultIsolationOfTheRoleDoesNotMatter) {
  auto slow = connect();
  ASSERT_EQ(mark_and_write(slow, mark_of(0)), MarkOutcome::written);
  auto options = session_options("10s");
  options.settings.emplace_back("default_transaction_isolation", "serializable");
  pg::Connection other(endpoint(), options);
  std::jthread commit([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    slow.run("COMMIT", soon());
  });
  EXPECT_EQ(write(other, mark_of(0)), MarkOutcome::already_done);
  EXPECT_EQ(rows(), "1");
}

TEST_F(Marks, TheSecondWaitsForTheFirst) {
  for (const bool commits : {true, false}) {
    const std::size_t chunk = commits ? 0 : 1;
    auto first = connect(), second = connect("10s");
    ASSERT_EQ(mark_and_write(first, mark_of(chunk)), MarkOutcome::written);
    std::atomic<bool> over{false};
    std::jthread end([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
      over = true;
      first.run(commits ? "COMMIT" : "ROLLBACK", soon());
    });
    EXPECT_EQ(write(second, mark_of(chunk)), commits ? MarkOutcome::already_done : MarkOutcome::written);
    EXPECT_TRUE(over);
  }
  EXPECT_EQ(rows(), "2");
}

TEST_F(Marks, WhenTheFirstIsKilled) {
  auto first = connect();
  ASSERT_EQ(mark_and_write(first, mark_of(0)), MarkOutcome::written);
  terminate(first.backend_pid());
  auto second = connect();
  EXPECT_EQ(write(second, mark_of(0)), MarkOutcome::written);
  EXPECT_EQ(rows(), "1");
}

TEST_F(Marks, WhenTheFirstOnesClientIsGone) {
  {
    auto first = connect();
    ASSERT_EQ(mark_and_write(first, mark_of(0)), MarkOutcome::written);
  }
  auto second = connect();
  EXPECT_EQ(write(second, mark_of(0)), MarkOutcome::written);
  EXPECT_EQ(rows(), "1");
}

TEST_F(Marks, ATakeoverWaitsForChunkTransactions) {
  auto writer = connect();
  ASSERT_EQ(mark_and_write(writer, mark_of(0)), MarkOutcome::written);
  const auto successor = open_session();
  std::atomic<bool> taken{false};
  std::unique_ptr<PgLedger> ledger;
  std::jthread taker([&] {
    ledger = claim(*successor, true, {"beta", 1});
    taken = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_FALSE(taken);
  writer.run("COMMIT", soon());
  taker.join();
  // What was committed before the epoch rose is the successor's as well.
  EXPECT_EQ(ledger->pending_chunks().size(), 3u);
  EXPECT_EQ(rows(), "1");
}

// ---- Ghosts ------------------------------------------------------------------------------------------

// A backend frozen with the COMMIT in its socket, and its client gone.
class Ghosts : public Marks {
 protected:
  Ghosts() {
    auto first = connect();
    EXPECT_EQ(mark_and_write(first, mark_of(0)), MarkOutcome::written);
    backend_ = first.backend_pid();
    EXPECT_EQ(::kill(backend_, SIGSTOP), 0);
    EXPECT_THROW(first.run("COMMIT", Deadline::after(std::chrono::milliseconds(100))), Error);
  }
  ~Ghosts() override { thaw(); }
  void thaw() const { ::kill(backend_, SIGCONT); }
  bool gone() const {
    const auto sql = "SELECT count(*) FROM pg_stat_activity WHERE pid = " + std::to_string(backend_);
    for (int tries = 0; tries < 500; ++tries) {
      if (target_sql(sql) == "0") return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return false;
  }
  void expect_lock_timeout(pg::Connection& writer) {
    const auto started = Deadline::Clock::now();
    const auto error = error_of([&] { write(writer, mark_of(0)); });
    EXPECT_EQ(error.sqlstate(), "55P03");
    EXPECT_EQ(error.kind(), ErrorKind::transient);
    EXPECT_LT(Deadline::Clock::now() - started, std::chrono::seconds(2));
    writer.run("ROLLBACK", soon());
  }
  int backend_ = 0;
};

TEST_F(Ghosts, ItsCommitIsCarriedOutThoughTheClientIsGone) {
  auto writer = connect("300ms");
  expect_lock_timeout(writer);
  EXPECT_EQ(target_sql("SELECT state FROM pghaul.chunk WHERE no = 1"), "pending");  // a plain look cannot tell
  thaw();
  EXPECT_TRUE(gone());
  EXPECT_EQ(write(writer, mark_of(0)), MarkOutcome::already_done);
  EXPECT_EQ(rows(), "1");
}

TEST_F(Ghosts, EndedWhileItIsFrozenItsCommitIsLost) {
  auto writer = connect("300ms");
  expect_lock_timeout(writer);
  EXPECT_EQ(terminate_ghosts(writer, names_, mark_of(0), soon()), 1);
  thaw();
  EXPECT_TRUE(gone());
  EXPECT_EQ(write(writer, mark_of(0)), MarkOutcome::written);
  EXPECT_EQ(rows(), "1");
}

TEST_F(Ghosts, OthersAreNotEnded) {
  auto writer = connect("300ms"), bystander = connect();
  ASSERT_EQ(mark_and_write(bystander, mark_of(1)), MarkOutcome::written);
  EXPECT_EQ(terminate_ghosts(writer, names_, mark_of(2), soon()), 0);
  EXPECT_EQ(terminate_ghosts(writer, names_, mark_of(0), soon()), 1);
  bystander.run("COMMIT", soon());
  EXPECT_EQ(state_of(chunks_[1]), "done");
}

// A batch that was open marks its row twice in one transaction.
TEST_F(Marks, AGhostIsFoundAfterItsMarkWasCompleted) {
  auto ghost = connect(), writer = connect("300ms");
  ghost.run(begin_fenced_sql(names_, ledger_->table_copy()), soon());
  ASSERT_EQ(mark_done(ghost, names_, mark_of(0), nullptr, soon()), MarkOutcome::written);
  complete_mark(ghost, names_, mark_of(0), summary(), soon());
  EXPECT_EQ(error_of([&] { write(writer, mark_of(0)); }).sqlstate(), "55P03");
  writer.run("ROLLBACK", soon());
  EXPECT_EQ(terminate_ghosts(writer, names_, mark_of(0), soon()), 1);
  EXPECT_EQ(write(writer, mark_of(0)), MarkOutcome::written);
}

// ---- Unknown outcomes ----------------------------------------------------------------------------------

// The answer to a COMMIT is lost, fifty times, in both real outcomes. The second try knows.
TEST_F(Marks, FiftyUnknownOutcomes) {
  const auto chunks = ledger_->save_plan(round_facts(2), key_chunks(50), soon());
  CommitCutter proxy(target_server().port());
  std::minstd_rand random{50};
  int committed = 0;
  for (std::size_t i = chunks.size() - 50; i < chunks.size(); ++i) {
    SCOPED_TRACE(i);
    const auto mark = ledger_->mark_for(chunks[i]);
    const bool commits = std::uniform_int_distribution(0, 1)(random) == 1;
    committed += commits ? 1 : 0;
    pg::Connection first(endpoint(proxy.detour()), session_options());
    ASSERT_EQ(mark_and_write(first, mark), MarkOutcome::written);
    proxy.arm(commits ? CommitCutter::Cut::after : CommitCutter::Cut::before);
    EXPECT_EQ(error_of([&] { first.run("COMMIT", soon()); }).kind(), ErrorKind::connection_lost);
    pg::Connection second(endpoint(proxy.detour()), session_options());
    EXPECT_EQ(write(second, mark), commits ? MarkOutcome::already_done : MarkOutcome::written);
  }
  EXPECT_EQ(proxy.cuts(), 50);
  EXPECT_GT(committed, 10);
  EXPECT_LT(committed, 40);
  EXPECT_EQ(rows(), "50");
}

// ---- Steps ---------------------------------------------------------------------------------------------

TEST_F(Marks, AStepIsRunOnce) {
  auto builder = connect();
  const std::vector<std::string> statements{"INSERT INTO public.t VALUES (1)", "INSERT INTO public.t VALUES (2)"};
  EXPECT_FALSE(ledger_->step_done("index t_idx"));
  EXPECT_TRUE(run_step_once(builder, names_, ledger_->owner_mark(), "index t_idx", statements, soon()));
  EXPECT_TRUE(ledger_->step_done("index t_idx"));
  EXPECT_FALSE(run_step_once(builder, names_, ledger_->owner_mark(), "index t_idx", statements, soon()));
  EXPECT_EQ(rows(), "2");
  EXPECT_TRUE(run_step_once(builder, names_, ledger_->owner_mark(), "another", {}, soon()));
}

TEST_F(Marks, AStepThatFailsIsNotRecorded) {
  auto builder = connect();
  EXPECT_EQ(error_of([&] {
              run_step_once(builder, names_, ledger_->owner_mark(), "step",
                            {"INSERT INTO public.t VALUES (1)", "SELECT 1/0"}, soon());
            }).sqlstate(),
            "22012");
  EXPECT_EQ(rows(), "0");
  EXPECT_FALSE(ledger_->step_done("step"));
  EXPECT_TRUE(run_step_once(builder, names_, ledger_->owner_mark(), "step", {}, soon()));
}

TEST_F(Marks, AStepIsRunAgainInANewGeneration) {
  auto builder = connect();
  EXPECT_TRUE(run_step_once(builder, names_, ledger_->owner_mark(), "step", {}, soon()));
  ledger_->start_generation(generation_facts(), {}, soon());
  EXPECT_FALSE(ledger_->step_done("step"));
  EXPECT_TRUE(run_step_once(builder, names_, ledger_->owner_mark(), "step", {}, soon()));
}

TEST_F(Marks, AStepOfAFencedProcess) {
  auto builder = connect();
  const auto old = ledger_->owner_mark();
  const auto successor = open_session();
  const auto ledger = claim(*successor, true, {"beta", 1});
  const auto run_as = [&](const Mark& owner) {
    return run_step_once(builder, names_, owner, "step", {"INSERT INTO public.t VALUES (1)"}, soon());
  };
  EXPECT_EQ(error_of([&] { run_as(old); }).kind(), ErrorKind::failed);
  EXPECT_TRUE(run_as(ledger->owner_mark()));
  EXPECT_EQ(error_of([&] { run_as(old); }).kind(), ErrorKind::failed);
  EXPECT_EQ(rows(), "1");
}

TEST_F(Marks, TwoBuildersDoAStepOnce) {
  auto one = connect("20s"), two = connect("20s");
  for (int i = 0; i < 20; ++i) {
    std::atomic<int> ran{0};
    const auto run = [&](pg::Connection& builder) {
      if (run_step_once(builder, names_, ledger_->owner_mark(), std::to_string(i), {"INSERT INTO public.t VALUES (1)"},
                        soon())) {
        ++ran;
      }
    };
    {
      std::jthread first([&] { run(one); });
      std::jthread second([&] { run(two); });
    }
    EXPECT_EQ(ran, 1);
  }
  EXPECT_EQ(rows(), "20");
}

}  // namespace
}  // namespace pghaul::test
