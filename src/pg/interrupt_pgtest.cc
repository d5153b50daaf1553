// Deadlines and stops: the wait ends in time, and nothing of ours keeps running on the server.
#include <functional>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "pg/connection.h"
#include "support/servers.h"

namespace pghaul::pg {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using Clock = Deadline::Clock;

class Interrupt : public testing::Test {
 protected:
  Interrupt() : watcher_(open(nullptr)), connection_(open(&stop_)) {}
  ~Interrupt() override {
    if (stopper_.joinable()) stopper_.join();
  }

  static Connection open(const StopSource* stop) {
    SessionOptions options;
    options.stop = stop;
    return Connection(parse_endpoint(Side::source, test::source_server().conninfo()), options);
  }
  static Deadline soon() { return Deadline::after(30s); }

  void stop_after(Clock::duration span) {
    stopper_ = std::thread([this, span] {
      std::this_thread::sleep_for(span);
      stop_.request(StopReason::signal);
    });
  }
  ErrorKind kind_of(const std::string& sql, Deadline deadline) {
    const auto begin = Clock::now();
    auto kind = ErrorKind::usage;
    try {
      connection_.run(sql, deadline);
      ADD_FAILURE() << "no error";
    } catch (const Error& error) {
      kind = error.kind();
      message_ = error.what();
    }
    took_ = Clock::now() - begin;
    return kind;
  }
  // What pg_stat_activity says of our session.
  std::string server_state() {
    const auto row = watcher_.query("SELECT state FROM pg_catalog.pg_stat_activity WHERE pid = $1",
                                    {std::to_string(connection_.backend_pid())}, soon());
    return row.rows() == 0 ? "gone" : std::string(row.text(0, 0));
  }
  bool is_active_after(Clock::duration span) {
    const auto deadline = Deadline::after(span);
    while (server_state() == "active" && !deadline.expired()) std::this_thread::sleep_for(10ms);
    return server_state() == "active";
  }

  StopSource stop_;
  std::thread stopper_;
  Connection watcher_, connection_;
  Clock::duration took_{};
  std::string message_;
};

TEST_F(Interrupt, DeadlineCancelsTheQuery) {
  EXPECT_EQ(kind_of("SELECT pg_catalog.pg_sleep(60)", Deadline::after(300ms)), ErrorKind::connection_lost);
  EXPECT_GE(took_, 300ms);
  EXPECT_LT(took_, 5s);
  EXPECT_THAT(message_, HasSubstr("no answer within the time allowed"));
  EXPECT_FALSE(connection_.usable());
  EXPECT_FALSE(is_active_after(5s)) << "while our session still exists";
}

TEST_F(Interrupt, DeadlineHoldsAlsoForServersThatNeverPause) {
  // On a fast machine the limit on an answer's length comes first; the query must end all the same.
  EXPECT_THAT(kind_of("SELECT pg_catalog.generate_series(1, 1000000000)", Deadline::after(300ms)),
              testing::AnyOf(ErrorKind::connection_lost, ErrorKind::failed));
  EXPECT_LT(took_, 5s);
  EXPECT_FALSE(is_active_after(5s));
}

TEST_F(Interrupt, StopCancelsTheQuery) {
  stop_after(300ms);
  EXPECT_EQ(kind_of("SELECT pg_catalog.pg_sleep(60)", soon()), ErrorKind::stopped);
  EXPECT_LT(took_, 2s);
  EXPECT_EQ(server_state(), "idle");
  EXPECT_TRUE(connection_.usable());
  connection_.ignore_stop();
  EXPECT_EQ(connection_.run("SELECT 5", soon()).int64(0, 0), 5);
}

TEST_F(Interrupt, StopInATransaction) {
  connection_.run("BEGIN", soon());
  stop_after(200ms);
  EXPECT_EQ(kind_of("SELECT pg_catalog.pg_sleep(60)", soon()), ErrorKind::stopped);
  EXPECT_EQ(server_state(), "idle in transaction (aborted)");
  EXPECT_TRUE(connection_.in_transaction());
  connection_.abandon();
  EXPECT_FALSE(connection_.usable());
}

TEST_F(Interrupt, StopWhileTheQueryWaitsForALock) {
  watcher_.run("SELECT pg_catalog.pg_advisory_lock(77)", soon());
  stop_after(200ms);
  EXPECT_EQ(kind_of("SELECT pg_catalog.pg_advisory_lock(77)", soon()), ErrorKind::stopped);
  EXPECT_LT(took_, 2s);
  EXPECT_EQ(server_state(), "idle");
}

TEST_F(Interrupt, StopBeforeTheQuery) {
  stop_.request(StopReason::deadline);
  EXPECT_EQ(kind_of("SELECT pg_catalog.pg_sleep(60)", soon()), ErrorKind::stopped);
  EXPECT_LT(took_, 5s);
  EXPECT_EQ(server_state(), "idle") << "nothing was sent";
  EXPECT_TRUE(connection_.usable());
}

// A backend that has not read the query yet forgets a cancel that overtakes it.
TEST_F(Interrupt, CancelThatComesBeforeTheQuery) {
  const pid_t backend = connection_.backend_pid();
  ::kill(backend, SIGSTOP);
  stop_after(100ms);
  std::thread waker([&] {
    std::this_thread::sleep_for(400ms);
    ::kill(backend, SIGCONT);
  });
  EXPECT_EQ(kind_of("SELECT pg_catalog.pg_sleep(60)", soon()), ErrorKind::stopped);
  waker.join();
  EXPECT_LT(took_, 2s);
  EXPECT_FALSE(is_active_after(5s)) << "while our session still exists";
}

// A query that cannot be cancelled must not hold us, and a session whose cancel request is still on its way must not
// be used again: it would hit the next query.
TEST_F(Interrupt, CancelThatCannotBeDelivered) {
  const pid_t postmaster = test::source_server().postmaster_pid();
  ::kill(postmaster, SIGSTOP);
  stop_after(200ms);
  EXPECT_EQ(kind_of("SELECT pg_catalog.pg_sleep(1), pg_catalog.repeat('x', 100000000)", soon()), ErrorKind::stopped);
  ::kill(postmaster, SIGCONT);
  EXPECT_LT(took_, 2500ms);
  EXPECT_FALSE(connection_.usable());
}

TEST_F(Interrupt, ACancelNeverHitsTheNextQuery) {
  for (int i = 0; i < 50; ++i) {
    StopSource stop;
    auto connection = open(&stop);
    std::thread stopper([&] {
      std::this_thread::sleep_for(std::chrono::microseconds(20 * i));
      stop.request(StopReason::paused);
    });
    try {
      connection.run("SELECT pg_catalog.pg_sleep(0.0003)", soon());
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::stopped);
    }
    stopper.join();
    ASSERT_TRUE(connection.usable());
    connection.ignore_stop();
    EXPECT_NO_THROW(connection.run("SELECT pg_catalog.pg_sleep(0.002)", soon()));
  }
}

}  // namespace
}  // namespace pghaul::pg
