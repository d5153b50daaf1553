// Unfinished means rolled back, and a COMMIT that did not commit is an error.
#include "pg/transaction.h"

#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "support/servers.h"

namespace pghaul::pg {
namespace {

using namespace std::chrono_literals;

class TransactionTest : public testing::Test {
 protected:
  TransactionTest() : watcher_(open(nullptr)), connection_(open(&stop_)) {
    watcher_.run("DROP TABLE IF EXISTS t; CREATE TABLE t (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED)", soon());
  }

  static Connection open(const StopSource* stop) {
    SessionOptions options;
    options.stop = stop;
    return Connection(parse_endpoint(Side::target, test::source_server().conninfo()), options);
  }
  static Deadline soon() { return Deadline::after(30s); }

  void insert(int id) { connection_.run(fmt::format("INSERT INTO t VALUES ({})", id), soon()); }
  std::int64_t rows_there() { return watcher_.run("SELECT count(*) FROM t", soon()).int64(0, 0); }
  // How many other sessions have an open transaction.
  std::int64_t open_transactions() {
    return watcher_.run("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'", soon())
        .int64(0, 0);
  }
  template <typename Work>
  static Error error_of(Work work) {
    try {
      work();
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << "no error";
    return Error(ErrorKind::usage, "");
  }

  StopSource stop_;
  Connection watcher_, connection_;
};

TEST_F(TransactionTest, Commit) {
  Transaction transaction(connection_, soon());
  insert(1);
  EXPECT_EQ(rows_there(), 0);
  transaction.commit(soon());
  EXPECT_EQ(rows_there(), 1);
  EXPECT_FALSE(connection_.in_transaction());
}

TEST_F(TransactionTest, Rollback) {
  Transaction transaction(connection_, soon());
  insert(1);
  transaction.rollback(soon());
  EXPECT_EQ(rows_there(), 0);
  EXPECT_FALSE(connection_.in_transaction());
}

TEST_F(TransactionTest, DestructionRollsBack) {
  {
    Transaction transaction(connection_, soon());
    insert(1);
  }
  EXPECT_TRUE(connection_.usable());
  EXPECT_FALSE(connection_.in_transaction());
  EXPECT_EQ(rows_there(), 0);
  insert(2);
  EXPECT_EQ(rows_there(), 1);
}

TEST_F(TransactionTest, DestructionAfterAnErrorRollsBack) {
  {
    Transaction transaction(connection_, soon());
    insert(1);
    error_of([&] { connection_.run("SELECT 1/0", soon()); });
  }
  EXPECT_FALSE(connection_.in_transaction());
  EXPECT_EQ(rows_there(), 0);
}

TEST_F(TransactionTest, IsolationIsReadCommittedWhateverTheRolesDefault) {
  connection_.run("SET default_transaction_isolation = 'serializable'", soon());
  Transaction transaction(connection_, soon());
  EXPECT_EQ(connection_.run("SHOW transaction_isolation", soon()).text(0, 0), "read committed");
}

TEST_F(TransactionTest, CommitOfAnAbortedTransactionIsAnError) {
  Transaction transaction(connection_, soon());
  insert(1);
  error_of([&] { connection_.run("SELECT 1/0", soon()); });
  const auto error = error_of([&] { transaction.commit(soon()); });
  EXPECT_EQ(error.kind(), ErrorKind::failed);
  EXPECT_EQ(error.side(), Side::target);
  EXPECT_FALSE(connection_.in_transaction());
  EXPECT_EQ(rows_there(), 0);
}

TEST_F(TransactionTest, ErrorOfTheCommitItself) {
  Transaction transaction(connection_, soon());
  insert(1);
  insert(1);
  EXPECT_EQ(error_of([&] { transaction.commit(soon()); }).sqlstate(), "23505");
  EXPECT_FALSE(connection_.in_transaction());
  EXPECT_EQ(rows_there(), 0);
}

TEST_F(TransactionTest, BeginOfSeveralStatementsThatFailsLeavesNothingOpen) {
  const auto error = error_of([&] { Transaction(connection_, soon(), "BEGIN; INSERT INTO t VALUES (1); SELECT 1/0"); });
  EXPECT_EQ(error.sqlstate(), "22012");
  EXPECT_TRUE(connection_.usable());
  EXPECT_FALSE(connection_.in_transaction());
  EXPECT_EQ(open_transactions(), 0);
  EXPECT_EQ(rows_there(), 0);
}

TEST_F(TransactionTest, AfterAStopNothingStaysOpen) {
  {
    Transaction transaction(connection_, soon());
    insert(1);
    stop_.request(StopReason::signal);
    EXPECT_EQ(error_of([&] { insert(2); }).kind(), ErrorKind::stopped);
  }
  for (int i = 0; i < 1000 && open_transactions() > 0; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(open_transactions(), 0) << "while our object still exists";
  EXPECT_EQ(rows_there(), 0);
}

TEST_F(TransactionTest, LostSession) {
  {
    Transaction transaction(connection_, soon());
    insert(1);
    watcher_.run(fmt::format("SELECT pg_terminate_backend({}, 5000)", connection_.backend_pid()), soon());
    EXPECT_EQ(error_of([&] { transaction.commit(soon()); }).kind(), ErrorKind::connection_lost);
  }
  EXPECT_FALSE(connection_.usable());
  EXPECT_EQ(rows_there(), 0);
}

}  // namespace
}  // namespace pghaul::pg
