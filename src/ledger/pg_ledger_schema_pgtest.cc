#include "ledger/pg_ledger_schema.h"

#include <optional>
#include <thread>
#include <vector>

#include <gmock/gmock.h>

#include "fakes/ledger_fixture.h"

namespace pghaul::test {
namespace {

using testing::HasSubstr;

class LedgerSchema : public LedgerTest {};

TEST_F(LedgerSchema, IsThereOnce) {
  auto connection = connect();
  EXPECT_TRUE(ledger_exists(connection, names_, soon()));
  create_ledger(connection, names_, soon());
  EXPECT_EQ(target_sql("SELECT version FROM pghaul.ledger_version"), std::to_string(ledger_version));
}

TEST_F(LedgerSchema, IsNotThere) {
  auto connection = connect();
  EXPECT_FALSE(ledger_exists(connection, LedgerNames("elsewhere"), soon()));
}

TEST_F(LedgerSchema, ManySessionsMakeItAtOnce) {
  for (int round = 0; round < 5; ++round) {
    const LedgerNames names("made_" + std::to_string(round));
    std::vector<pg::Connection> connections;
    for (int i = 0; i < 8; ++i) connections.push_back(connect("20s"));
    {
      std::vector<std::jthread> threads;
      for (auto& connection : connections) {
        threads.emplace_back([&] { EXPECT_NO_THROW(create_ledger(connection, names, soon())); });
      }
    }
    EXPECT_EQ(target_sql("SELECT version FROM " + names("ledger_version")), std::to_string(ledger_version));
  }
}

TEST_F(LedgerSchema, OfAnotherVersionIsRefused) {
  target_sql("UPDATE pghaul.ledger_version SET version = 99");
  auto connection = connect();
  const auto error = error_of([&] { create_ledger(connection, names_, soon()); });
  EXPECT_EQ(error.kind(), ErrorKind::refused);
  EXPECT_EQ(error.object(), "\"pghaul\"");
  EXPECT_THAT(error.what(), HasSubstr("version 99"));
  EXPECT_THAT(error.advice(), HasSubstr("--ledger-schema"));
}

TEST_F(LedgerSchema, ANameThatNeedsQuotes) {
  const LedgerNames names("we \"are\" Öd");
  auto connection = connect();
  create_ledger(connection, names, soon());
  EXPECT_TRUE(ledger_exists(connection, names, soon()));
  EXPECT_EQ(target_sql("SELECT version FROM \"we \"\"are\"\" Öd\".ledger_version"), std::to_string(ledger_version));
}

TEST_F(LedgerSchema, NothingIsLeftOfOneThatCouldNotBeMade) {
  const LedgerNames names("half");
  target_sql("CREATE SCHEMA half; CREATE VIEW half.unfinished_chunks AS SELECT 1");
  auto connection = connect();
  EXPECT_THROW(create_ledger(connection, names, soon()), Error);
  EXPECT_EQ(target_sql("SELECT count(*) FROM pg_class WHERE relnamespace = 'half'::regnamespace"), "1");
  EXPECT_FALSE(ledger_exists(connection, names, soon()));
}

// A person who may only read, with psql.
TEST_F(LedgerSchema, ViewsTellWhatIsDoneAndWhatIsLeft) {
  const auto session = open_session();
  const auto ledger = claim(*session);
  const auto chunks = begin(*ledger, key_chunks(3));
  auto writer = connect();
  EXPECT_EQ(mark(writer, ledger->mark_for(chunks[0])), MarkOutcome::written);
  ledger->note_failed_attempt(chunks[1], "first trouble");
  ledger->note_failed_attempt(chunks[1], "second trouble");
  target_sql(
      "DO $$ BEGIN CREATE ROLE looker; EXCEPTION WHEN duplicate_object THEN END $$; "
      "GRANT USAGE ON SCHEMA pghaul TO looker; GRANT SELECT ON ALL TABLES IN SCHEMA pghaul TO looker");
  const auto look = [&](const std::string& sql) { return target_sql("SET ROLE looker; " + sql); };

  EXPECT_EQ(look("SELECT source_database, source_table, target_table, state, running, owner_host, owner_pid, generation, "
                 "chunks_done, chunks_pending, rows_done, bytes_done, estimated_bytes_pending "
                 "FROM pghaul.table_copy_progress"),
            "prod|public.t|public.t|copying|t|alpha|4711|1|1|2|10|1000|2000");
  EXPECT_EQ(look("SELECT source_table, no, kind, lower_bound, upper_bound, failures, last_error "
                 "FROM pghaul.unfinished_chunks"),
            "public.t|2|key|100|200|2|second trouble\npublic.t|3|key|200||0|");
  EXPECT_EQ(look("SELECT source_table, no, lower_bound, upper_bound, rows, bytes, attempts, read_seconds, "
                 "record_format, snapshot, length(checksum) FROM pghaul.finished_chunks"),
            "public.t|1||100|10|1000|1|1.25|binary|10:20:11,12|32");
}

// ---- Two ledgers in one database -------------------------------------------------------------------

class TwoLedgers : public LedgerTest {
 protected:
  TwoLedgers() {
    auto connection = connect();
    create_ledger(connection, other_, soon());
  }
  std::unique_ptr<LedgerSession> session_of(const LedgerNames& names) const {
    return std::make_unique<LedgerSession>(endpoint(), session_options(), names, RetryPolicy(), Duration(20'000));
  }
  const LedgerNames other_{"other"};
};

TEST_F(TwoLedgers, HaveLocksOfTheirOwn) {
  EXPECT_NE(names_.owner_lock_class(), other_.owner_lock_class());
  EXPECT_NE(names_.fence_lock_class(), other_.fence_lock_class());
  EXPECT_NE(names_.target_lock_class(), other_.target_lock_class());
  EXPECT_NE(names_.owner_lock_class(), names_.fence_lock_class());
}

TEST_F(TwoLedgers, CanBothBeClaimed) {
  auto first = session_of(names_);
  const auto second = session_of(other_);
  const auto mine = claim(*first), yours = claim(*second);
  EXPECT_EQ(mine->table_copy(), yours->table_copy());
  const auto running = "SELECT running FROM pghaul.table_copy_progress UNION ALL "
                       "SELECT running FROM other.table_copy_progress";
  EXPECT_EQ(target_sql(running), "t\nt");
  first->release_locks();
  EXPECT_EQ(target_sql(running), "f\nt");
}

TEST_F(TwoLedgers, WhatOneMarksTheOtherDoesNotKnow) {
  const auto first = session_of(names_), second = session_of(other_);
  const auto mine = claim(*first), yours = claim(*second);
  const auto my_chunks = begin(*mine, key_chunks(2)), your_chunks = begin(*yours, key_chunks(2));
  auto writer = connect();
  EXPECT_EQ(mark(writer, mine->mark_for(my_chunks[0])), MarkOutcome::written);
  EXPECT_EQ(yours->pending_chunks().size(), 2u);
  // A chunk transaction of one does not hold up a new generation of the other.
  pg::Transaction chunk(writer, soon(), begin_fenced_sql(names_, mine->table_copy()));
  EXPECT_NO_THROW(yours->start_generation(generation_facts(), {}, soon()));
  EXPECT_NO_THROW(mine->check_ownership());
}

}  // namespace
}  // namespace pghaul::test
