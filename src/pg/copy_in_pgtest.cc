// COPY … FROM STDIN: errors while data is on its way, notices that are none, and streams given up in the middle.
#include <atomic>
#include <functional>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pg/copy.h"
#include "support/servers.h"

namespace pghaul::pg {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using Clock = Deadline::Clock;

constexpr const char* copy_sql = "COPY t FROM STDIN";
constexpr std::int64_t million = 1'000'000;

class CopyInTest : public testing::Test {
 protected:
  CopyInTest() : watcher_(open(nullptr)), connection_(open(&stop_)) {
    watcher_.run("DROP TABLE IF EXISTS t; CREATE UNLOGGED TABLE t (id bigint, data text)", soon());
  }
  ~CopyInTest() override {
    if (thread_.joinable()) thread_.join();
  }

  static Connection open(const StopSource* stop) {
    SessionOptions options;
    options.stop = stop;
    return Connection(parse_endpoint(Side::target, test::source_server().conninfo()), options);
  }
  static Deadline soon() { return Deadline::after(60s); }

  // `count` rows with ids from `first` on, of about `width` bytes each.
  static std::string rows(std::int64_t first, std::int64_t count, std::size_t width = 1000) {
    std::string text;
    const std::string data(width, 'x');
    for (auto id = first; id < first + count; ++id) text += fmt::format("{}\t{}\n", id, data);
    return text;
  }
  // Sends `head` and then rows for as long as nothing goes wrong, `most_bytes` at most.
  Error send_until_error(const std::string& head, std::int64_t most_bytes, Deadline deadline) {
    const auto block = rows(10, 60);
    const auto begin = Clock::now();
    try {
      CopyIn copy(connection_, copy_sql, deadline);
      copy.write(head);
      for (sent_ = 0; sent_ < most_bytes; sent_ += static_cast<std::int64_t>(block.size())) copy.write(block);
      copy.finish();
      ADD_FAILURE() << "no error";
    } catch (const Error& error) {
      took_ = Clock::now() - begin;
      return error;
    }
    return Error(ErrorKind::usage, "");
  }
  void in_a_moment(std::function<void()> work) {
    thread_ = std::thread([work] {
      std::this_thread::sleep_for(300ms);
      work();
    });
  }
  std::int64_t number(const std::string& sql) { return watcher_.run(sql, soon()).int64(0, 0); }
  std::int64_t rows_there() { return number("SELECT count(*) FROM t"); }
  bool is_active_after(Clock::duration span) {
    const auto deadline = Deadline::after(span);
    const auto sql = fmt::format("SELECT count(*) FROM pg_stat_activity WHERE pid = {} AND state = 'active'",
                                 connection_.backend_pid());
    while (number(sql) > 0 && !deadline.expired()) std::this_thread::sleep_for(10ms);
    return number(sql) > 0;
  }
  void expect_usable() {
    ASSERT_TRUE(connection_.usable());
    connection_.ignore_stop();
    EXPECT_EQ(connection_.run("SELECT 42", soon()).int64(0, 0), 42);
  }

  StopSource stop_;
  std::thread thread_;
  Connection watcher_, connection_;
  std::int64_t sent_ = 0;
  Clock::duration took_{};
};

TEST_F(CopyInTest, Rows) {
  CopyIn copy(connection_, copy_sql, soon());
  copy.write("1\ta\n2\tt\\t\\\\\n");
  copy.write("");
  copy.write("3\t\\N\n");
  EXPECT_EQ(rows_there(), 0) << "not before the end";
  EXPECT_EQ(copy.finish(), 3);
  EXPECT_EQ(number("SELECT count(*) FROM t WHERE (id, data) IN ((1, 'a'), (2, E't\\t\\\\')) OR data IS NULL"), 3);
  expect_usable();
}

TEST_F(CopyInTest, NoRows) {
  CopyIn copy(connection_, copy_sql, soon());
  EXPECT_EQ(copy.finish(), 0);
  expect_usable();
}

TEST_F(CopyInTest, FiftyMegabytesInOnePiece) {
  const auto text = rows(1, 50'000);
  ASSERT_GT(text.size(), 50'000'000U);
  CopyIn copy(connection_, copy_sql, soon());
  copy.write(text);
  EXPECT_EQ(copy.finish(), 50'000);
  EXPECT_EQ(number("SELECT sum(id) FROM t WHERE length(data) = 1000"), 50'000LL * 50'001 / 2);
}

TEST_F(CopyInTest, AnyCutWillDo) {
  const auto text = rows(1, 2000, 20);
  CopyIn copy(connection_, copy_sql, soon());
  for (std::size_t at = 0; at < text.size(); at += 7) copy.write(std::string_view(text).substr(at, 7));
  EXPECT_EQ(copy.finish(), 2000);
  EXPECT_EQ(number("SELECT sum(id) FROM t WHERE length(data) = 20"), 2000 * 2001 / 2);
}

TEST_F(CopyInTest, WhatCannotStart) {
  for (const auto& [sql, code] : {std::pair{"COPY no_such_table FROM STDIN", "42P01"}, {"SELECT 1", ""}}) {
    try {
      CopyIn(connection_, sql, soon());
      ADD_FAILURE() << sql;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::failed);
      EXPECT_EQ(error.sqlstate(), code);
    }
    expect_usable();
  }
}

TEST_F(CopyInTest, BadRowIsToldLongBeforeTheEnd) {
  const auto error = send_until_error("1\tgood\nbad\tx\n", 200 * million, soon());
  EXPECT_EQ(error.kind(), ErrorKind::failed);
  EXPECT_EQ(error.sqlstate(), "22P02");
  EXPECT_EQ(error.side(), Side::target);
  EXPECT_THAT(error.what(), HasSubstr("invalid input syntax for type bigint"));
  EXPECT_LT(sent_, 50 * million);
  EXPECT_EQ(rows_there(), 0);
  expect_usable();
}

// The server answers while we are sending, not before it and not in a pause: so it is tried often.
TEST_F(CopyInTest, BadRowInTheMiddleOfTheFlow) {
  for (int i = 0; i < 20; ++i) {
    const auto error = send_until_error(rows(1, 500 + 97 * i) + "bad\tx\n", 100 * million, soon());
    EXPECT_EQ(error.sqlstate(), "22P02");
    EXPECT_LT(sent_, 50 * million);
    expect_usable();
  }
}

TEST_F(CopyInTest, ErrorThatComesOnlyAtTheEnd) {
  CopyIn copy(connection_, copy_sql, soon());
  copy.write("1\tcut off");
  copy.write("\nx\t");
  try {
    copy.finish();
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.sqlstate(), "22P02");
  }
  expect_usable();
}

TEST_F(CopyInTest, DestroyedInTheMiddle) {
  {
    CopyIn copy(connection_, copy_sql, soon());
    copy.write(rows(1, 20'000));
  }
  EXPECT_FALSE(is_active_after(5s));
  expect_usable();
  EXPECT_EQ(rows_there(), 0);
}

TEST_F(CopyInTest, DestroyedInATransaction) {
  connection_.run("BEGIN; INSERT INTO t VALUES (1)", soon());
  { const CopyIn copy(connection_, copy_sql, soon()); }
  ASSERT_TRUE(connection_.usable());
  EXPECT_EQ(connection_.run("COMMIT", soon()).command(), "ROLLBACK");
  EXPECT_EQ(rows_there(), 0);
}

class CopyInNotices : public CopyInTest {
 protected:
  void raise_notices(const std::string& condition, const std::string& text, const std::string& then = "") {
    watcher_.run(fmt::format("CREATE OR REPLACE FUNCTION speak() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                             "IF {} THEN RAISE NOTICE '%', {}; {} END IF; RETURN NEW; END $$; "
                             "CREATE TRIGGER speak BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION speak()",
                             condition, text, then),
                 soon());
  }
};

TEST_F(CopyInNotices, DoNotEndTheCopy) {
  raise_notices("NEW.id % 10 = 0", "NEW.id");
  CopyIn copy(connection_, copy_sql, soon());
  for (int i = 0; i < 50; ++i) copy.write(rows(1 + 1000 * i, 1000, 300));
  EXPECT_EQ(copy.finish(), 50'000);
  EXPECT_EQ(rows_there(), 50'000);
  const auto notices = connection_.take_notices();
  ASSERT_EQ(notices.size(), 100U);
  EXPECT_EQ(notices[99], "1000");
}

// They arrive in many pieces, and a piece is no error.
TEST_F(CopyInNotices, BigOnesDoNotEndTheCopy) {
  raise_notices("NEW.id % 100 = 0", "pg_catalog.repeat('n', 1000000)");
  CopyIn copy(connection_, copy_sql, soon());
  for (int i = 0; i < 40; ++i) copy.write(rows(1 + 100 * i, 100));
  EXPECT_EQ(copy.finish(), 4000);
  EXPECT_EQ(connection_.take_notices().size(), 40U);
}

TEST_F(CopyInNotices, AnErrorBehindThemIsToldAtTheEndAtTheLatest) {
  raise_notices("NEW.id = 10", "'about to fail'", "RAISE EXCEPTION 'failed' USING ERRCODE = '22012';");
  EXPECT_EQ(send_until_error("", 30 * million, soon()).sqlstate(), "22012");
  expect_usable();
}

TEST_F(CopyInTest, BackendTerminated) {
  in_a_moment([this] { number(fmt::format("SELECT pg_terminate_backend({}, 5000)::int", connection_.backend_pid())); });
  const auto error = send_until_error("", 100'000 * million, soon());
  EXPECT_EQ(error.kind(), ErrorKind::connection_lost);
  EXPECT_LT(took_, 3s);
  EXPECT_FALSE(connection_.usable());
  thread_.join();
  EXPECT_EQ(rows_there(), 0);
}

TEST_F(CopyInTest, BackendTerminatedWhileItWaitsForUs) {
  CopyIn copy(connection_, copy_sql, soon());
  copy.write(rows(1, 10));
  number(fmt::format("SELECT pg_terminate_backend({}, 5000)::int", connection_.backend_pid()));
  try {
    copy.write(rows(11, 10));
    copy.finish();
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::connection_lost);
    EXPECT_EQ(error.sqlstate(), "57P01");
  }
  EXPECT_FALSE(connection_.usable());
}

TEST_F(CopyInTest, StopWhileDataFlows) {
  in_a_moment([this] { stop_.request(StopReason::signal); });
  EXPECT_EQ(send_until_error("", 100'000 * million, soon()).kind(), ErrorKind::stopped);
  EXPECT_LT(took_, 2s);
  EXPECT_FALSE(is_active_after(5s));
  EXPECT_EQ(rows_there(), 0);
  expect_usable();
}

TEST_F(CopyInTest, DeadlineHoldsAlsoWhenDataFlows) {
  EXPECT_EQ(send_until_error("", 100'000 * million, Deadline::after(500ms)).kind(), ErrorKind::connection_lost);
  EXPECT_GE(took_, 500ms);
  EXPECT_LT(took_, 2s);
  EXPECT_FALSE(connection_.usable());
  EXPECT_FALSE(is_active_after(5s));
}

// Somebody else has inserted the key 5 and not yet committed: the COPY waits in its middle.
class CopyInBlocked : public CopyInTest {
 protected:
  CopyInBlocked() : blocker_(open(nullptr)), head_(rows(1, 9)) {
    blocker_.run("ALTER TABLE t ADD PRIMARY KEY (id)", soon());
    blocker_.run("BEGIN; INSERT INTO t VALUES (5)", soon());
  }
  Connection blocker_;
  const std::string head_;
};

TEST_F(CopyInBlocked, LockTimeoutIsToldWhileWeSend) {
  connection_.run("SET lock_timeout = 400", soon());
  const auto error = send_until_error(head_, 100'000 * million, soon());
  EXPECT_EQ(error.kind(), ErrorKind::transient);
  EXPECT_EQ(error.sqlstate(), "55P03");
  EXPECT_LT(took_, 2s);
  expect_usable();
}

TEST_F(CopyInBlocked, StopEndsTheWait) {
  in_a_moment([this] { stop_.request(StopReason::signal); });
  EXPECT_EQ(send_until_error(head_, 100'000 * million, soon()).kind(), ErrorKind::stopped);
  EXPECT_LT(took_, 2s);
  EXPECT_FALSE(is_active_after(5s));
  expect_usable();
}

TEST_F(CopyInBlocked, DeadlineEndsTheWaitOnTheServerToo) {
  EXPECT_EQ(send_until_error(head_, 100'000 * million, Deadline::after(500ms)).kind(), ErrorKind::connection_lost);
  EXPECT_LT(took_, 2s);
  EXPECT_FALSE(is_active_after(5s)) << "while our session still exists";
}

TEST_F(CopyInBlocked, DeadlineInTheEndOfTheCopy) {
  try {
    CopyIn copy(connection_, copy_sql, Deadline::after(500ms));
    copy.write(head_);
    copy.finish();
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::connection_lost);
  }
  EXPECT_FALSE(is_active_after(5s));
}

TEST_F(CopyInTest, TableIsLocked) {
  watcher_.run("BEGIN; LOCK TABLE t", soon());
  connection_.run("SET lock_timeout = 200", soon());
  const auto error = send_until_error("", 1, soon());
  EXPECT_EQ(error.kind(), ErrorKind::transient);
  EXPECT_EQ(error.sqlstate(), "55P03");
  expect_usable();
}

}  // namespace
}  // namespace pghaul::pg
