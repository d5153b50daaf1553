#include "ledger/ledger_session.h"

#include <atomic>
#include <thread>

#include <gmock/gmock.h>
#include <signal.h>

#include "fakes/commit_cutter.h"
#include "fakes/ledger_fixture.h"
#include "fault/cutting_proxy.h"

namespace pghaul::test {
namespace {

using testing::HasSubstr;

class Sessions : public LedgerTest {
 protected:
  static constexpr std::int32_t lock_class = -77;  // above 2^31 in pg_locks

  static std::string answer(LedgerSession& session, const std::string& sql) {
    std::string text;
    session.use([&](pg::Connection& connection) { text = connection.run(sql, soon()).text(0, 0); });
    return text;
  }
};

TEST_F(Sessions, ALockIsHeldByOne) {
  const auto first = open_session(), second = open_session();
  EXPECT_EQ(second->lock_holder(lock_class, 5), std::nullopt);
  EXPECT_TRUE(first->hold_lock(lock_class, 5));
  EXPECT_FALSE(second->hold_lock(lock_class, 5));
  EXPECT_TRUE(second->hold_lock(lock_class, 6));
  EXPECT_TRUE(second->hold_lock(lock_class + 1, 5));
  EXPECT_EQ(second->lock_holder(lock_class, 5), backend_of(*first));
  first->release_locks();
  EXPECT_TRUE(second->hold_lock(lock_class, 5));
}

TEST_F(Sessions, AfterALossItIsOpenedAgainWithAllItsLocks) {
  const auto session = open_session();
  for (const int id : {1, 2, -3}) ASSERT_TRUE(session->hold_lock(lock_class, id));
  const int backend = backend_of(*session);
  terminate(backend);
  EXPECT_EQ(answer(*session, "SELECT 'still here'"), "still here");
  EXPECT_NE(backend_of(*session), backend);
  for (const int id : {1, 2, -3}) EXPECT_EQ(session->lock_holder(lock_class, id), backend_of(*session));
}

TEST_F(Sessions, WorkIsRunAgainAfterALoss) {
  const auto session = open_session();
  int runs = 0;
  session->use([&](pg::Connection& connection) {
    if (++runs <= 3) terminate(connection.backend_pid());
    connection.run("SELECT 1", soon());
  });
  EXPECT_EQ(runs, 4);
}

TEST_F(Sessions, APermanentErrorIsNotTriedAgain) {
  const auto session = open_session();
  int runs = 0;
  EXPECT_EQ(error_of([&] {
              session->use([&](pg::Connection& connection) {
                ++runs;
                connection.run("SELECT 1/0", soon());
              });
            }).sqlstate(),
            "22012");
  EXPECT_EQ(runs, 1);
}

// Also where its answer comes late: a session that is given up loses its locks.
TEST_F(Sessions, TheServersOwnTimeoutComesFirst) {
  auto options = session_options();
  options.settings.emplace_back("statement_timeout", "300");
  RetryPolicy policy;
  policy.max_retries = 0;
  LedgerSession session(endpoint(), options, names_, policy, Duration(300));
  const auto backend = backend_of(session);
  std::jthread waker;
  EXPECT_EQ(error_of([&] {
              session.use([&](pg::Connection& connection) {
                ASSERT_EQ(::kill(backend, SIGSTOP), 0);
                waker = std::jthread([backend] {
                  std::this_thread::sleep_for(std::chrono::seconds(1));
                  ::kill(backend, SIGCONT);
                });
                connection.run("SELECT pg_catalog.pg_sleep(60)", session.statement_deadline());
              });
            }).sqlstate(),
            "57014");
  EXPECT_EQ(backend_of(session), backend);
}

TEST_F(Sessions, WhoTookALockMeanwhileIsTheOwner) {
  const auto first = open_session(), second = open_session();
  ASSERT_TRUE(first->hold_lock(lock_class, 1));
  ASSERT_TRUE(first->hold_lock(lock_class, 2));
  terminate(backend_of(*first));
  ASSERT_TRUE(second->hold_lock(lock_class, 2));
  for (int i = 0; i < 3; ++i) {  // and it stays so: no work is done without the locks
    const auto started = Deadline::Clock::now();
    EXPECT_THAT(error_of([&] { answer(*first, "SELECT 1"); }).what(), HasSubstr("taken this table copy over"));
    EXPECT_LT(Deadline::Clock::now() - started, std::chrono::seconds(3));
  }
  // Half of the locks are not kept either; the server needs a moment to see that the session is gone.
  const auto patience = Deadline::after(std::chrono::seconds(10));
  bool held = false;
  while (!(held = second->hold_lock(lock_class, 1)) && !patience.expired()) {}
  EXPECT_TRUE(held);
}

// The line went dead, and the server does not know: the session that nobody talks to any more still holds the lock.
TEST_F(Sessions, ItsOwnGhostIsNotTakenForSomebodyElse) {
  CommitCutter proxy(target_server().port());
  const auto session = open_session(proxy.detour());
  ASSERT_TRUE(session->hold_lock(lock_class, 1));
  const int ghost = backend_of(*session);
  proxy.go_dead();
  const auto started = Deadline::Clock::now();
  int runs = 0;
  session->use([&](pg::Connection& connection) {
    connection.run("SELECT 1", Deadline::after(++runs == 1 ? std::chrono::milliseconds(100) : std::chrono::seconds(9)));
  });
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(session->lock_holder(lock_class, 1), backend_of(*session));
  EXPECT_NE(backend_of(*session), ghost);
  EXPECT_LT(Deadline::Clock::now() - started, std::chrono::seconds(5));
}

// Many callers of a dead server wait side by side, and are told at the same time.
TEST_F(Sessions, WaitsForALostServerDoNotAddUp) {
  CuttingProxy proxy(target_server().port());
  RetryPolicy policy;
  policy.reconnect_timeout = std::chrono::seconds(3);
  LedgerSession session({Side::target, Secret(proxy.through(target_conninfo())), "h/d"}, session_options(), names_,
                        policy, Duration(20'000));
  proxy.refuse_connections();
  proxy.cut_all(Cut::reset);
  const auto started = Deadline::Clock::now();
  std::atomic<int> told{0};
  {
    std::vector<std::jthread> callers;
    for (int i = 0; i < 8; ++i) {
      callers.emplace_back([&] {
        const auto error = error_of([&] { answer(session, "SELECT 1"); });
        EXPECT_EQ(error.kind(), ErrorKind::failed) << error.what();
        EXPECT_THAT(error.what(), HasSubstr("lost connection"));
        ++told;
      });
    }
  }
  EXPECT_EQ(told, 8);
  EXPECT_GE(Deadline::Clock::now() - started, std::chrono::seconds(3));
  EXPECT_LT(Deadline::Clock::now() - started, std::chrono::seconds(9));  // one after the other it would be 24
}

TEST_F(Sessions, AfterAStopItSaysALastWord) {
  StopSource stop;
  auto options = session_options();
  options.stop = &stop;
  LedgerSession session(endpoint(), options, names_, RetryPolicy(), Duration(20'000));
  ASSERT_TRUE(session.hold_lock(lock_class, 1));
  stop.request(StopReason::signal);
  EXPECT_EQ(error_of([&] { answer(session, "SELECT pg_catalog.pg_sleep(10)"); }).kind(), ErrorKind::stopped);
  bool said = false;
  session.use_after_stop([&](pg::Connection& connection) {
    connection.run("SELECT 1", soon());
    said = true;
  });
  EXPECT_TRUE(said);
  session.release_locks();
  EXPECT_EQ(open_session()->lock_holder(lock_class, 1), std::nullopt);
}

TEST_F(Sessions, ThreadsTakeTurns) {
  const auto session = open_session();
  std::atomic<int> inside{0}, most{0}, done{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        for (int k = 0; k < 20; ++k) {
          session->use([&](pg::Connection& connection) {
            if (++inside > most) most = inside.load();
            connection.run("SELECT 1", soon());
            --inside;
          });
          ++done;
        }
      });
    }
  }
  EXPECT_EQ(most, 1);
  EXPECT_EQ(done, 160);
}

}  // namespace
}  // namespace pghaul::test
