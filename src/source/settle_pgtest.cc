// Who is seen as a possible writer below the high-water mark, until when, and what the mark is.
#include "source/settle.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "catalog/catalog.h"
#include "support/servers.h"

namespace pghaul {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class Settle : public test::ServersTest {
 protected:
  Settle() : connection_(open()), writer_(open()) {
    run("CREATE TABLE public.t (id bigserial PRIMARY KEY, data text)");
  }

  pg::Connection open() const {
    pg::SessionOptions options;
    options.settings = {{"search_path", ""}};
    return pg::Connection(pg::parse_endpoint(Side::source, source_conninfo()), options);
  }
  static Deadline soon() { return Deadline::after(30s); }
  pg::Result run(const std::string& sql) { return connection_.run(sql, soon()); }
  pg::Result write(const std::string& sql) { return writer_.run(sql, soon()); }

  Observation observe(const std::string& table = "t", bool in_recovery = false) {
    shape_ = *catalog::read_table_shape(connection_, {"public", table}, soon());
    return observe_writers(connection_, shape_, shape_.key, in_recovery, soon());
  }
  std::vector<std::string> left(const Observation& observation) {
    return writers_left(connection_, shape_, observation, soon());
  }

  pg::Connection connection_, writer_;
  catalog::TableShape shape_;
};

TEST_F(Settle, NobodyWrites) {
  run("INSERT INTO public.t (data) VALUES ('a'), ('b')");
  const auto observation = observe();
  EXPECT_EQ(observation.high_water, 2);
  EXPECT_THAT(observation.writers, IsEmpty());
  EXPECT_THAT(left(observation), IsEmpty());
  EXPECT_THAT(observation.cautions, IsEmpty());
  EXPECT_TRUE(observation.decidable);
}

// It has written nothing and has mostly no xid, but will insert id 100.
TEST_F(Settle, WhoHasOnlyDrawnANumberIsAWriter) {
  run("INSERT INTO public.t SELECT pg_catalog.nextval('public.t_id_seq') FROM pg_catalog.generate_series(1, 99)");
  write("BEGIN; SELECT pg_catalog.nextval('public.t_id_seq')");
  run("INSERT INTO public.t SELECT pg_catalog.nextval('public.t_id_seq') FROM pg_catalog.generate_series(1, 100)");
  const auto observation = observe();
  EXPECT_EQ(observation.high_water, 200);
  EXPECT_THAT(observation.writers, SizeIs(1));
  EXPECT_EQ(left(observation), observation.writers);
  write("INSERT INTO public.t VALUES (100)");
  EXPECT_EQ(left(observation), observation.writers);
  write("COMMIT");
  EXPECT_THAT(left(observation), IsEmpty());
  EXPECT_EQ(run("SELECT pg_catalog.count(*) FROM public.t").int64(0, 0), 200) << "settled: the row is there";
}

TEST_F(Settle, RollbackToASavepointFreesNothing) {
  write("BEGIN; SAVEPOINT s; SELECT pg_catalog.nextval('public.t_id_seq'); ROLLBACK TO s");
  const auto observation = observe();
  EXPECT_THAT(observation.writers, SizeIs(1));
  EXPECT_THAT(left(observation), SizeIs(1));
  write("ROLLBACK");
  EXPECT_THAT(left(observation), IsEmpty());
}

TEST_F(Settle, InsertUpdateDeleteAreWriters) {
  run("INSERT INTO public.t VALUES (1), (2)");
  for (const char* sql : {"INSERT INTO public.t VALUES (7)", "UPDATE public.t SET data = 'x' WHERE id = 1",
                          "DELETE FROM public.t WHERE id = 2", "LOCK TABLE public.t IN EXCLUSIVE MODE"}) {
    write(fmt::format("BEGIN; {}", sql));
    EXPECT_THAT(observe().writers, SizeIs(1)) << sql;
    write("ROLLBACK");
    EXPECT_THAT(observe().writers, IsEmpty()) << sql;
  }
}

TEST_F(Settle, ReadersAreNone) {
  write("BEGIN; SELECT t.* FROM public.t; SELECT t.* FROM public.t FOR UPDATE; SELECT last_value FROM public.t_id_seq");
  EXPECT_THAT(observe().writers, IsEmpty());
}

TEST_F(Settle, WritersOfOtherTablesAreNone) {
  run("CREATE TABLE public.other (LIKE public.t)");
  write("BEGIN; INSERT INTO public.other VALUES (1)");
  EXPECT_THAT(observe().writers, IsEmpty());
}

TEST_F(Settle, OnlyTheObservedOnesAreWaitedFor) {
  write("BEGIN; INSERT INTO public.t (data) VALUES ('first')");
  const auto observation = observe();
  auto second = open();
  second.run("BEGIN; INSERT INTO public.t (data) VALUES ('second')", soon());
  EXPECT_EQ(left(observation), observation.writers);
  write("COMMIT");
  EXPECT_THAT(left(observation), IsEmpty());
  write("BEGIN; INSERT INTO public.t (data) VALUES ('the same session again')");
  EXPECT_THAT(left(observation), IsEmpty());
}

TEST_F(Settle, SharedSequencesAndChildrenCount) {
  run("CREATE SEQUENCE public.shared; CREATE TABLE public.a (id bigint PRIMARY KEY DEFAULT pg_catalog.nextval("
      "'public.shared')); CREATE TABLE public.b (PRIMARY KEY (id)) INHERITS (public.a)");
  write("BEGIN; SELECT pg_catalog.nextval('public.shared')");
  const auto drawn = observe("a");
  EXPECT_EQ(drawn.high_water, 1);
  EXPECT_THAT(drawn.writers, SizeIs(1));
  write("ROLLBACK; BEGIN; INSERT INTO public.b VALUES (5)");
  EXPECT_THAT(observe("a").writers, SizeIs(1));
  EXPECT_THAT(drawn.cautions, IsEmpty());
}

// Numbers of another sequence than the mark's.
TEST_F(Settle, ALeafWithASequenceOfItsOwn) {
  run("CREATE TABLE public.a (id bigserial PRIMARY KEY) PARTITION BY RANGE (id);"
      "CREATE TABLE public.b (id bigserial PRIMARY KEY); ALTER TABLE public.a ATTACH PARTITION public.b DEFAULT");
  const auto observation = observe("a");
  ASSERT_THAT(observation.cautions, SizeIs(1));
  EXPECT_THAT(observation.cautions[0], HasSubstr("feed the key of partitions or children (public.b_id_seq)"));
  write("BEGIN; INSERT INTO public.b DEFAULT VALUES");
  EXPECT_THAT(observe("a").writers, SizeIs(1)) << "straight into the leaf";
}

TEST_F(Settle, IdentityColumns) {
  run("CREATE TABLE public.i (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, data text)");
  write("BEGIN; INSERT INTO public.i (data) VALUES ('x')");
  const auto observation = observe("i");
  EXPECT_EQ(observation.high_water, 1);
  EXPECT_THAT(observation.writers, SizeIs(1));
  EXPECT_THAT(observation.cautions, IsEmpty());
}

TEST_F(Settle, ThePrimaryMarkIsTheSequencesNotTheHighestKey) {
  run("INSERT INTO public.t (data) VALUES ('a'), ('b'), ('c'); DELETE FROM public.t WHERE id > 1");
  EXPECT_EQ(observe().high_water, 3) << "ahead of the keys";
  run("INSERT INTO public.t VALUES (1000, 'by hand')");
  EXPECT_EQ(observe().high_water, 3) << "what lies above is the tail's";
  EXPECT_EQ(observe("t", true).high_water, 1000) << "a standby's sequence runs ahead of what was replayed";
}

TEST_F(Settle, ASequenceNeverUsedSaysNothing) {
  EXPECT_EQ(observe().high_water, std::nullopt);
  run("INSERT INTO public.t VALUES (50), (60)");
  EXPECT_EQ(observe().high_water, 60);
  EXPECT_THAT(observe().cautions, ElementsAre(HasSubstr("sequence public.t_id_seq was never used")));
  run("SELECT pg_catalog.setval('public.t_id_seq', 70, false)");
  EXPECT_EQ(observe().high_water, 60);
  run("SELECT pg_catalog.setval('public.t_id_seq', 70, true)");
  EXPECT_EQ(observe().high_water, 70);
}

TEST_F(Settle, WithoutAKeyThereIsNoMark) {
  run("CREATE TABLE public.keyless (data text)");
  write("BEGIN; INSERT INTO public.keyless VALUES ('x')");
  const auto observation = observe("keyless");
  EXPECT_EQ(observation.high_water, std::nullopt);
  EXPECT_THAT(observation.writers, SizeIs(1));
}

TEST_F(Settle, StandbysCannotTell) { EXPECT_FALSE(observe("t", true).decidable); }

TEST_F(Settle, Cautions) {
  run("ALTER SEQUENCE public.t_id_seq CACHE 20");
  EXPECT_THAT(observe().cautions, ElementsAre(HasSubstr("sequence public.t_id_seq has CACHE 20")));
  run("ALTER SEQUENCE public.t_id_seq CACHE 1");
  EXPECT_THAT(observe().cautions, IsEmpty());
  run("ALTER SEQUENCE public.t_id_seq CYCLE");
  EXPECT_THAT(observe().cautions, ElementsAre(HasSubstr("not fed by an ascending sequence")));
  run("ALTER SEQUENCE public.t_id_seq NO CYCLE INCREMENT -1 NO MINVALUE");
  EXPECT_THAT(observe().cautions, ElementsAre(HasSubstr("not fed by an ascending sequence")));
  run("CREATE TABLE public.by_hand (id bigint PRIMARY KEY); INSERT INTO public.by_hand VALUES (7)");
  const auto by_hand = observe("by_hand");
  EXPECT_THAT(by_hand.cautions, ElementsAre(HasSubstr("the key id is not fed by an ascending sequence")));
  EXPECT_EQ(by_hand.high_water, 7);
}

// SELECT on the table does not include SELECT on its sequence.
TEST_F(Settle, WithoutARightOnTheSequenceTheHighestKeyIsTheMark) {
  run("INSERT INTO public.t (data) VALUES ('a'), ('b'); DELETE FROM public.t WHERE id = 2; "
      "CREATE ROLE settle_reader LOGIN; GRANT SELECT ON public.t TO settle_reader");
  pg::SessionOptions options;
  options.settings = {{"search_path", ""}};
  connection_ = pg::Connection(
      pg::parse_endpoint(Side::source, test::source_server().conninfo(database(), "settle_reader")), options);
  write("BEGIN; SELECT pg_catalog.nextval('public.t_id_seq')");
  const auto observation = observe();
  EXPECT_EQ(observation.high_water, 1);
  EXPECT_THAT(observation.writers, SizeIs(1));
  write("ROLLBACK; DROP OWNED BY settle_reader; DROP ROLE settle_reader");
}

TEST_F(Settle, OldestXidIsOfTheOldestTransactionThatRuns) {
  const auto xid = std::string(write("BEGIN; SELECT pg_catalog.pg_current_xact_id()").text(0, 0));
  run("SELECT pg_catalog.pg_current_xact_id(); SELECT pg_catalog.pg_current_xact_id()");
  EXPECT_EQ(observe().oldest_xid, xid);
  write("COMMIT");
  EXPECT_GT(std::stoll(observe().oldest_xid), std::stoll(xid));
}

class SettlePrepared : public Settle {
 protected:
  // The server starts again with room for prepared transactions.
  SettlePrepared() {
    test::run_psql(test::source_server().conninfo(), "ALTER SYSTEM SET max_prepared_transactions = 5");
    restart();
  }
  void restart() {
    test::source_server().restart();
    connection_ = open();
    writer_ = open();
  }
};

TEST_F(SettlePrepared, APreparedTransactionIsAWriterUntilItIsDecided) {
  write("BEGIN; INSERT INTO public.t (data) VALUES ('x'); PREPARE TRANSACTION 'p'");
  writer_ = open();
  const auto observation = observe();
  EXPECT_EQ(observation.high_water, 1);
  EXPECT_THAT(observation.writers, SizeIs(1));
  EXPECT_THAT(left(observation), SizeIs(1));
  restart();
  EXPECT_THAT(left(observation), SizeIs(1)) << "under another name now";
  EXPECT_THAT(observe().writers, ElementsAre(testing::StartsWith("-1/")));
  write("COMMIT PREPARED 'p'");
  EXPECT_THAT(left(observation), IsEmpty());
}

TEST_F(SettlePrepared, NextvalAloneCanBePreparedToo) {
  write("BEGIN; SELECT pg_catalog.nextval('public.t_id_seq'); PREPARE TRANSACTION 'n'");
  const auto observation = observe();
  EXPECT_THAT(left(observation), SizeIs(1));
  write("ROLLBACK PREPARED 'n'");
  EXPECT_THAT(left(observation), IsEmpty());
}

}  // namespace
}  // namespace pghaul
