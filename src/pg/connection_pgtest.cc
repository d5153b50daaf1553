// Statements on an open session, and what is left of it when it is lost.
#include "pg/connection.h"

#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/servers.h"

namespace pghaul::pg {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class ConnectionTest : public testing::Test {
 protected:
  ConnectionTest() : connection_(open()) {}

  static Connection open() {
    SessionOptions options;
    options.settings = {{"search_path", ""}};
    return Connection(parse_endpoint(Side::target, test::source_server().conninfo()), options);
  }
  static Deadline soon() { return Deadline::after(30s); }

  Result run(const std::string& sql) { return connection_.run(sql, soon()); }
  Error error_of(const std::string& sql) { return error_from([&] { run(sql); }); }
  template <typename Work>
  static Error error_from(Work work) {
    try {
      work();
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << "no error";
    return Error(ErrorKind::usage, "");
  }
  // Returns when it is gone.
  static void terminate(int pid) {
    auto other = open();
    other.run(fmt::format("SELECT pg_catalog.pg_terminate_backend({}, 5000)", pid), soon());
  }

  Connection connection_;
};

TEST_F(ConnectionTest, ErrorsTellWhatTheServerSaid) {
  run("CREATE TEMP TABLE t (id int CONSTRAINT \"the key\" PRIMARY KEY); INSERT INTO t VALUES (7)");
  const auto error = error_of("INSERT INTO t VALUES (7)");
  EXPECT_EQ(error.kind(), ErrorKind::failed);
  EXPECT_EQ(error.sqlstate(), "23505");
  EXPECT_EQ(error.side(), Side::target);
  EXPECT_STREQ(error.what(), "duplicate key value violates unique constraint \"the key\"");
  EXPECT_EQ(error.detail(), "Key (id)=(7) already exists.");
  EXPECT_TRUE(connection_.usable());
  EXPECT_EQ(run("SELECT 1").int64(0, 0), 1);
}

TEST_F(ConnectionTest, ContextGoesToTheDetail) {
  const auto error = error_of("DO $$ BEGIN RAISE EXCEPTION 'no' USING DETAIL = 'row 5', ERRCODE = '40001'; END $$");
  EXPECT_EQ(error.kind(), ErrorKind::transient);
  EXPECT_STREQ(error.what(), "no");
  EXPECT_THAT(error.detail(), testing::StartsWith("row 5; PL/pgSQL function"));
}

TEST_F(ConnectionTest, ControlCharactersOfTheServerAreEscaped) {
  run("SET client_min_messages = notice; DO $$ BEGIN RAISE NOTICE '%', E'\\x1b]0;title\\x07'; END $$");
  EXPECT_THAT(connection_.take_notices(), ElementsAre("\\x1b]0;title\\x07"));
  const auto error = error_of("DO $$ BEGIN RAISE EXCEPTION '%', E'\\x1b[2J' USING DETAIL = E'\\x08', ERRCODE = '42000'; END $$");
  EXPECT_STREQ(error.what(), "\\x1b[2J");
  EXPECT_THAT(error.detail(), testing::StartsWith("\\x08"));
}

TEST_F(ConnectionTest, Parameters) {
  const auto row = connection_.query(
      "SELECT $1::pg_catalog.text, $2::pg_catalog.text IS NULL, $3::pg_catalog.int8, $4::pg_catalog.text, "
      "$2::pg_catalog.text",
      {"it's \\ $1 \"x\" €\n", std::nullopt, "-9223372036854775808", ""}, soon());
  EXPECT_EQ(row.text(0, 0), "it's \\ $1 \"x\" €\n");
  EXPECT_TRUE(row.boolean(0, 1));
  EXPECT_EQ(row.int64(0, 2), std::numeric_limits<std::int64_t>::min());
  EXPECT_FALSE(row.is_null(0, 3));
  EXPECT_EQ(row.optional_text(0, 3), "");
  EXPECT_TRUE(row.is_null(0, 4));
  EXPECT_EQ(row.optional_text(0, 4), std::nullopt);
  EXPECT_EQ(row.text(0, 4), "");
}

TEST_F(ConnectionTest, AQueryWithParametersIsOneStatement) {
  EXPECT_EQ(error_from([&] { connection_.query("SELECT 1; SELECT 2", {}, soon()); }).sqlstate(), "42601");
}

TEST_F(ConnectionTest, SeveralStatementsGiveTheLastResult) {
  const auto row = run("SELECT 1; CREATE TEMP TABLE t (id int); INSERT INTO t VALUES (1), (2); SELECT 'last', 'one'");
  EXPECT_EQ(row.rows(), 1);
  EXPECT_EQ(row.columns(), 2);
  EXPECT_EQ(row.text(0, 0), "last");
  const auto insert = run("SELECT 1; INSERT INTO t VALUES (3), (4), (5)");
  EXPECT_EQ(insert.command(), "INSERT 0 3");
  EXPECT_EQ(insert.affected_rows(), 3);
}

TEST_F(ConnectionTest, TheFirstErrorOfSeveralStatementsEndsThem) {
  const auto error = error_of("CREATE TEMP TABLE t (); SELECT 1/0; SELECT no_such_function()");
  EXPECT_EQ(error.sqlstate(), "22012");
  EXPECT_EQ(run("SELECT pg_catalog.to_regclass('pg_temp.t') IS NULL").text(0, 0), "t");
}

TEST_F(ConnectionTest, Results) {
  run("CREATE TEMP TABLE t (a int, gone int, \"B\" varchar(7)); ALTER TABLE t DROP gone; "
      "INSERT INTO t VALUES (1, 'x')");
  const auto row = run("SELECT t.\"B\", t.a, 1.5::pg_catalog.float8, 't'::pg_catalog.bool, t.tableoid FROM t");
  EXPECT_EQ(row.origin_table(0), static_cast<std::uint32_t>(row.int64(0, 4)));
  EXPECT_EQ(row.origin_column(0), 3);
  EXPECT_EQ(row.type_oid(0), 1043U);
  EXPECT_EQ(row.type_modifier(0), 7 + 4);
  EXPECT_EQ(row.origin_column(1), 1);
  EXPECT_EQ(row.origin_table(2), 0U);
  EXPECT_EQ(row.number(0, 2), 1.5);
  EXPECT_TRUE(row.boolean(0, 3));
  EXPECT_EQ(row.command(), "SELECT 1");
}

TEST_F(ConnectionTest, BigResults) {
  const auto rows = run("SELECT i, pg_catalog.repeat('x', 1000) FROM pg_catalog.generate_series(1, 20000) i");
  EXPECT_EQ(rows.rows(), 20'000);
  EXPECT_EQ(rows.int64(19'999, 0), 20'000);
  EXPECT_EQ(rows.text(19'999, 1).size(), 1000U);
  const std::string big(20'000'000, 'y');
  EXPECT_EQ(connection_.query("SELECT $1", {big}, soon()).text(0, 0), big);
}

TEST_F(ConnectionTest, NoticesAreKeptAndBounded) {
  EXPECT_THAT(connection_.take_notices(), IsEmpty());
  run("DO $$ BEGIN FOR i IN 1..250 LOOP RAISE NOTICE 'notice %', i; END LOOP; END $$");
  const auto notices = connection_.take_notices();
  ASSERT_THAT(notices, SizeIs(100));
  EXPECT_EQ(notices.front(), "notice 1");
  EXPECT_EQ(notices.back(), "notice 100");
  EXPECT_THAT(connection_.take_notices(), IsEmpty());
  run("DO $$ BEGIN RAISE WARNING 'another'; END $$");
  EXPECT_THAT(connection_.take_notices(), ElementsAre("another"));
}

TEST_F(ConnectionTest, FactsOfTheSession) {
  const auto row = run("SELECT pg_catalog.pg_backend_pid(), pg_catalog.current_setting('server_version_num'), "
                       "pg_catalog.current_setting('server_encoding')");
  EXPECT_EQ(connection_.backend_pid(), row.int64(0, 0));
  EXPECT_EQ(connection_.server_version(), row.int64(0, 1));
  EXPECT_EQ(connection_.parameter("server_encoding"), row.text(0, 2));
  EXPECT_EQ(connection_.parameter("no_such_parameter"), "");
  EXPECT_EQ(connection_.side(), Side::target);
  EXPECT_EQ(connection_.label(), fmt::format("127.0.0.1:{}/postgres", test::source_server().port()));
}

TEST_F(ConnectionTest, InTransaction) {
  EXPECT_FALSE(connection_.in_transaction());
  run("BEGIN");
  EXPECT_TRUE(connection_.in_transaction());
  error_of("SELECT 1/0");
  EXPECT_TRUE(connection_.in_transaction());
  run("ROLLBACK");
  EXPECT_FALSE(connection_.in_transaction());
}

TEST_F(ConnectionTest, CanBeMoved) {
  Connection moved(std::move(connection_));
  moved.run("DO $$ BEGIN RAISE NOTICE 'here'; END $$", soon());
  EXPECT_THAT(moved.take_notices(), ElementsAre("here"));
  connection_ = std::move(moved);
  EXPECT_EQ(run("SELECT 1").int64(0, 0), 1);
}

TEST_F(ConnectionTest, TerminatedWhileItWorks) {
  std::thread killer([pid = connection_.backend_pid()] {
    std::this_thread::sleep_for(200ms);
    terminate(pid);
  });
  const auto error = error_of("SELECT pg_catalog.pg_sleep(60)");
  killer.join();
  EXPECT_EQ(error.kind(), ErrorKind::connection_lost);
  EXPECT_EQ(error.sqlstate(), "57P01");
  EXPECT_EQ(error.side(), Side::target);
  EXPECT_FALSE(connection_.usable());
  EXPECT_EQ(error_of("SELECT 1").kind(), ErrorKind::connection_lost);
}

TEST_F(ConnectionTest, TerminatedWhileIdle) {
  terminate(connection_.backend_pid());
  const auto error = error_of("SELECT 1");
  EXPECT_EQ(error.kind(), ErrorKind::connection_lost);
  EXPECT_EQ(error.sqlstate(), "57P01");
  EXPECT_FALSE(connection_.usable());
  EXPECT_EQ(error_from([&] { connection_.query("SELECT $1", {"1"}, soon()); }).kind(), ErrorKind::connection_lost);
}

TEST_F(ConnectionTest, IdleInTransactionTimeout) {
  run("SET idle_in_transaction_session_timeout = 100; BEGIN");
  std::this_thread::sleep_for(500ms);
  const auto error = error_of("SELECT 1");
  EXPECT_EQ(error.kind(), ErrorKind::connection_lost);
  EXPECT_EQ(error.sqlstate(), "25P03");
  EXPECT_FALSE(connection_.usable());
}

TEST_F(ConnectionTest, ServerThatCrashes) {
  std::thread killer([] {
    std::this_thread::sleep_for(200ms);
    test::source_server().stop(ThrowawayServer::StopMode::immediate);
  });
  const auto error = error_of("SELECT pg_catalog.pg_sleep(60)");
  killer.join();
  EXPECT_EQ(error.kind(), ErrorKind::connection_lost);
  EXPECT_FALSE(connection_.usable());
  test::source_server().start();
  connection_ = open();
  EXPECT_EQ(run("SELECT 1").int64(0, 0), 1);
}

TEST_F(ConnectionTest, Abandoned) {
  run("BEGIN");
  const int pid = connection_.backend_pid();
  connection_.abandon();
  EXPECT_FALSE(connection_.usable());
  EXPECT_FALSE(connection_.in_transaction());
  EXPECT_EQ(error_of("SELECT 1").kind(), ErrorKind::connection_lost);
  connection_.abandon();
  auto other = open();
  const auto gone = fmt::format("SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity WHERE pid = {})", pid);
  bool is_gone = false;
  for (int i = 0; i < 500 && !is_gone; ++i, std::this_thread::sleep_for(20ms)) {
    is_gone = other.run(gone, soon()).boolean(0, 0);
  }
  EXPECT_TRUE(is_gone);
}

}  // namespace
}  // namespace pghaul::pg
