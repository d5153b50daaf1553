// Reading chunks of a real table, and what happens when the table changes under us.
#include "source/pg_source.h"

#include <functional>

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

class Collector : public BatchReceiver {
 public:
  void write(std::string_view bytes) override {
    if (before_write) before_write();
    text += bytes;
  }
  std::string text;
  std::function<void()> before_write;
};

Chunk chunk(ChunkKind kind, std::optional<std::string> lower = {}, std::optional<std::string> upper = {}) {
  Chunk made;
  made.range = {kind, std::move(lower), std::move(upper), {}};
  return made;
}

class PgSourceTest : public test::ServersTest {
 protected:
  PgSourceTest() : watcher_(open(plain_session())) {
    run("CREATE TABLE public.t (id bigint PRIMARY KEY, data text); "
        "INSERT INTO public.t SELECT i, 'row ' || i FROM pg_catalog.generate_series(1, 1000) i");
    plan();
  }

  static pg::SessionOptions plain_session() {
    pg::SessionOptions options;
    options.settings = {{"search_path", ""}, {"lock_timeout", "300"}};
    return options;
  }
  pg::Endpoint endpoint(const std::string& user = "postgres") const {
    return pg::parse_endpoint(Side::source, test::source_server().conninfo(database(), user));
  }
  pg::Connection open(const pg::SessionOptions& options) const { return pg::Connection(endpoint(), options); }
  static Deadline soon() { return Deadline::after(30s); }
  pg::Result run(const std::string& sql) { return watcher_.run(sql, soon()); }

  // What preflight finds out; from here on the table may change.
  void plan(std::vector<std::string> columns = {"id", "data"}) {
    SourceTable table;
    table.shape = *catalog::read_table_shape(watcher_, {"public", "t"}, soon());
    table.columns = std::move(columns);
    table.key_column = "id";
    table.record_format = "text";
    tables_ = {table};
  }
  PgSource source(SnapshotKeeper* keeper = nullptr, const std::string& user = "postgres") const {
    return PgSource(endpoint(user), plain_session(), tables_, keeper, 20s);
  }
  std::unique_ptr<SnapshotKeeper> keeper() const {
    auto made = std::make_unique<SnapshotKeeper>(endpoint(), plain_session(), SnapshotKeeper::Options{}, 20s);
    made->open(tables_);
    return made;
  }

  pg::Connection watcher_;
  std::vector<SourceTable> tables_;
  Collector collector_;
};

std::string row_text(int first, int last) {
  std::string text;
  for (int id = first; id <= last; ++id) text += fmt::format("{}\trow {}\n", id, id);
  return text;
}

Error error_of(PgSource& source, const Chunk& what, BatchReceiver& receiver) {
  try {
    const auto summary = source.read(0, what, receiver);
    ADD_FAILURE() << "read " << summary.rows << " rows";
  } catch (const Error& error) {
    return error;
  }
  return Error(ErrorKind::usage, "");
}

TEST_F(PgSourceTest, SummaryOfAChunk) {
  auto reader = source();
  const auto summary = reader.read(0, chunk(ChunkKind::key, "5", "8"), collector_);
  EXPECT_EQ(collector_.text, row_text(5, 7));
  EXPECT_EQ(summary.rows, 3);
  EXPECT_EQ(summary.bytes, static_cast<std::int64_t>(collector_.text.size()));
  EXPECT_EQ(summary.record_format, "text");
  EXPECT_EQ(summary.snapshot, run("SELECT pg_catalog.pg_current_snapshot()").text(0, 0));
}

TEST_F(PgSourceTest, EmptyChunks) {
  for (const bool binary : {false, true}) {
    tables_[0].binary = binary;
    auto reader = source();
    Collector collector;
    const auto summary = reader.read(0, chunk(ChunkKind::key, "5000", {}), collector);
    EXPECT_EQ(summary.rows, 0);
    EXPECT_EQ(summary.bytes, 0);
    EXPECT_EQ(summary.checksum, RowChecksum{});
    EXPECT_EQ(collector.text.size(), binary ? 21U : 0U);
  }
}

TEST_F(PgSourceTest, BinaryBytesCountWithoutHeaderAndTrailer) {
  tables_[0].binary = true;
  auto reader = source();
  const auto summary = reader.read(0, chunk(ChunkKind::key, "5", "8"), collector_);
  EXPECT_EQ(summary.rows, 3);
  EXPECT_EQ(summary.bytes, 3 * (2 + 4 + 8 + 4 + 5));
  EXPECT_EQ(collector_.text.size(), static_cast<std::size_t>(summary.bytes) + 21);
}

TEST_F(PgSourceTest, SeveralTablesAndColumnsInTheirOrder) {
  run("CREATE TABLE public.second (id bigint PRIMARY KEY); INSERT INTO public.second VALUES (77)");
  auto second = tables_[0];
  second.shape = *catalog::read_table_shape(watcher_, {"public", "second"}, soon());
  second.columns = {"id"};
  tables_[0].columns = {"data", "id"};
  tables_.push_back(second);
  for (const auto& snapshot : {std::unique_ptr<SnapshotKeeper>(), keeper()}) {
    auto reader = source(snapshot.get());
    Collector a, b;
    reader.read(1, chunk(ChunkKind::whole), b);
    reader.read(0, chunk(ChunkKind::key, "9", "10"), a);
    EXPECT_EQ(a.text, "row 9\t9\n");
    EXPECT_EQ(b.text, "77\n");
  }
}

TEST_F(PgSourceTest, SharedSnapshotIsOnePointInTime) {
  const auto shared = keeper();
  auto a = source(shared.get()), b = source(shared.get()), fresh = source();
  const auto first = a.read(0, chunk(ChunkKind::key, {}, "500"), collector_);
  run("UPDATE public.t SET data = 'new'; DELETE FROM public.t WHERE id > 990; INSERT INTO public.t VALUES (2000)");
  const auto second = b.read(0, chunk(ChunkKind::key, "500", {}), collector_);
  EXPECT_EQ(first.snapshot, second.snapshot);
  EXPECT_EQ(first.rows + second.rows, 1000);
  EXPECT_EQ(collector_.text.find("new"), std::string::npos);
  Collector now;
  EXPECT_EQ(fresh.read(0, chunk(ChunkKind::whole), now).rows, 991) << "without a keeper each chunk has its own";
}

TEST_F(PgSourceTest, ChecksumsKnowNoOrder) {
  auto reader = source();
  Collector whole, low, high, reversed;
  const auto all = reader.read(0, chunk(ChunkKind::whole), whole);
  auto parts = reader.read(0, chunk(ChunkKind::key, {}, "300"), low).checksum;
  parts.add(reader.read(0, chunk(ChunkKind::key, "300", {}), high).checksum);
  EXPECT_EQ(all.checksum, parts);
  run("CREATE TABLE public.copy AS SELECT t.* FROM public.t ORDER BY t.id DESC; DROP TABLE public.t; "
      "ALTER TABLE public.copy RENAME TO t");
  plan();
  EXPECT_EQ(reader.read(0, chunk(ChunkKind::whole), reversed).checksum, all.checksum);
  EXPECT_NE(reversed.text, whole.text);
}

TEST_F(PgSourceTest, ChecksumsShowEveryChange) {
  auto reader = source();
  const auto checksum = [&] {
    Collector collector;
    return reader.read(0, chunk(ChunkKind::whole), collector).checksum;
  };
  const auto before = checksum();
  for (const char* change : {"UPDATE public.t SET data = 'row 8' WHERE id = 7", "DELETE FROM public.t WHERE id = 7",
                             "UPDATE public.t SET data = NULL WHERE id = 7", "INSERT INTO public.t VALUES (7000, '')",
                             "UPDATE public.t SET data = 'row ' || (15 - id) WHERE id IN (7, 8)"}) {
    run(std::string("CREATE TABLE public.saved AS SELECT t.* FROM public.t; ") + change);
    EXPECT_NE(checksum(), before) << change;
    run("DELETE FROM public.t; INSERT INTO public.t SELECT s.* FROM public.saved s; DROP TABLE public.saved");
    EXPECT_EQ(checksum(), before);
  }
}

TEST_F(PgSourceTest, EqualRowsDoNotCancelEachOther) {
  run("ALTER TABLE public.t DROP CONSTRAINT t_pkey; DELETE FROM public.t");
  plan();
  auto reader = source();
  std::vector<RowChecksum> sums;
  for (int copies = 0; copies < 5; ++copies, run("INSERT INTO public.t VALUES (1, 'the same')")) {
    Collector collector;
    sums.push_back(reader.read(0, chunk(ChunkKind::whole), collector).checksum);
    for (std::size_t i = 0; i + 1 < sums.size(); ++i) EXPECT_NE(sums[i], sums.back());
  }
}

TEST_F(PgSourceTest, Probes) {
  const auto shared = keeper();
  for (auto* snapshot : {static_cast<SnapshotKeeper*>(nullptr), shared.get()}) {
    auto reader = source(snapshot);
    EXPECT_THAT(reader.probe_cuts(0, chunk(ChunkKind::key), 400, 9), ElementsAre("401", "801"));
    EXPECT_THAT(reader.probe_cuts(0, chunk(ChunkKind::ctid), 1, 9), testing::IsEmpty());
    EXPECT_EQ(reader.read(0, chunk(ChunkKind::key, "1", "3"), collector_).rows, 2);
  }
}

// A right on the columns that travel is what preflight asks for.
TEST_F(PgSourceTest, ARightOnTheColumnsIsEnough) {
  run("CREATE ROLE column_reader LOGIN; GRANT SELECT (id) ON public.t TO column_reader");
  plan({"id"});
  {
    const auto shared = keeper();
    for (auto* snapshot : {shared.get(), static_cast<SnapshotKeeper*>(nullptr)}) {
      auto reader = source(snapshot, "column_reader");
      Collector collector;
      EXPECT_EQ(reader.read(0, chunk(ChunkKind::key, "5", "8"), collector).rows, 3);
      EXPECT_EQ(collector.text, "5\n6\n7\n");
    }
  }
  run("DROP OWNED BY column_reader; DROP ROLE column_reader");
}

TEST_F(PgSourceTest, ErrorsOfTheStatementLeaveASourceThatWorks) {
  tables_[0].where_sql = "1 / (id - 500) IS NOT NULL";
  auto reader = source();
  EXPECT_EQ(error_of(reader, chunk(ChunkKind::whole), collector_).sqlstate(), "22012");
  EXPECT_EQ(reader.read(0, chunk(ChunkKind::key, "1", "5"), collector_).rows, 4);
}

TEST_F(PgSourceTest, WhateverTheReceiverThrowsLeavesASourceThatWorks) {
  auto reader = source();
  Collector picky;
  picky.before_write = [] { throw Error(ErrorKind::stopped, "enough"); };
  EXPECT_THROW(reader.read(0, chunk(ChunkKind::whole), picky), Error);
  EXPECT_EQ(reader.read(0, chunk(ChunkKind::whole), collector_).rows, 1000);
  picky.before_write = [] { throw std::bad_alloc(); };
  EXPECT_THROW(reader.read(0, chunk(ChunkKind::whole), picky), std::bad_alloc);
  run("INSERT INTO public.t VALUES (7000)");
  EXPECT_EQ(reader.read(0, chunk(ChunkKind::whole), collector_).rows, 1001) << "not in the snapshot of before";
}

TEST_F(PgSourceTest, ConnectsAgainAfterALoss) {
  auto reader = source();
  Collector cut;
  cut.before_write = [&] {
    run("SELECT pg_catalog.pg_terminate_backend(a.pid, 5000) FROM pg_catalog.pg_stat_activity a "
        "WHERE a.datname = pg_catalog.current_database() AND a.pid <> pg_catalog.pg_backend_pid()");
  };
  run("INSERT INTO public.t SELECT i, pg_catalog.repeat('x', 1000) FROM pg_catalog.generate_series(1001, 20000) i");
  EXPECT_EQ(error_of(reader, chunk(ChunkKind::whole), cut).kind(), ErrorKind::connection_lost);
  EXPECT_EQ(reader.read(0, chunk(ChunkKind::whole), collector_).rows, 20'000);
}

TEST_F(PgSourceTest, NothingStaysOpenOnTheServer) {
  auto reader = source();
  reader.read(0, chunk(ChunkKind::whole), collector_);
  reader.probe_cuts(0, chunk(ChunkKind::key), 10, 2);
  EXPECT_EQ(run("SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity a WHERE a.state <> 'idle' "
                "AND a.datname = pg_catalog.current_database() AND a.pid <> pg_catalog.pg_backend_pid()")
                .int64(0, 0),
            0);
}

// The parameter: whether all chunks share a snapshot.
class ChangedSource : public PgSourceTest, public testing::WithParamInterface<bool> {
 protected:
  ChangedSource() : shared_(GetParam() ? keeper() : nullptr), reader_(source(shared_.get())) {
    EXPECT_EQ(reader_.read(0, chunk(ChunkKind::key, "1", "11"), collector_).rows, 10) << "before the change";
  }
  void expect_failure(const std::string& ddl, const std::string& message) {
    run(ddl);
    for (const auto& rest : {chunk(ChunkKind::key, "11", {}), chunk(ChunkKind::whole), chunk(ChunkKind::ctid, "0", {})}) {
      const auto error = error_of(reader_, rest, collector_);
      EXPECT_EQ(error.kind(), ErrorKind::failed) << ddl << ": " << error.story(true);
      EXPECT_EQ(error.side(), Side::source);
      EXPECT_THAT(error.what(), HasSubstr(message)) << ddl;
    }
  }

  std::unique_ptr<SnapshotKeeper> shared_;
  PgSource reader_;
};

TEST_P(ChangedSource, Truncate) { expect_failure("TRUNCATE public.t", "truncated, rewritten or dropped in mid-copy"); }

TEST_P(ChangedSource, VacuumFull) {
  run("DELETE FROM public.t WHERE id BETWEEN 100 AND 200");
  expect_failure("VACUUM FULL public.t", "truncated, rewritten or dropped in mid-copy");
}

TEST_P(ChangedSource, RewriteToAnotherType) {
  expect_failure("ALTER TABLE public.t ALTER data TYPE bytea USING data::bytea", "truncated, rewritten or dropped");
}

TEST_P(ChangedSource, RewriteWithAnotherColumn) {
  expect_failure("ALTER TABLE public.t ADD late float8 DEFAULT pg_catalog.random()", "truncated, rewritten or dropped");
}

TEST_P(ChangedSource, TypeChangeWithoutRewrite) {
  expect_failure("ALTER TABLE public.t ALTER data TYPE varchar", "column data was altered in mid-copy");
}

TEST_P(ChangedSource, ColumnOfTheSameNameButAnother) {
  expect_failure("ALTER TABLE public.t DROP data; ALTER TABLE public.t ADD data text",
                 "column data was altered in mid-copy");
}

TEST_P(ChangedSource, ColumnsThatSwapNames) {
  run("ALTER TABLE public.t ADD other text");
  expect_failure("ALTER TABLE public.t RENAME data TO x; ALTER TABLE public.t RENAME other TO data",
                 "column data was altered in mid-copy");
}

TEST_P(ChangedSource, Drop) { expect_failure("DROP TABLE public.t", "relation \"public.t\" does not exist"); }

TEST_P(ChangedSource, Rename) {
  expect_failure("ALTER TABLE public.t RENAME TO was_t", "relation \"public.t\" does not exist");
}

TEST_P(ChangedSource, DropAndCreate) {
  expect_failure("DROP TABLE public.t; CREATE TABLE public.t (id bigint PRIMARY KEY, data text)",
                 "truncated, rewritten or dropped in mid-copy");
}

TEST_P(ChangedSource, AnotherTableUnderItsName) {
  expect_failure("ALTER TABLE public.t RENAME TO was_t; CREATE TABLE public.t (id bigint PRIMARY KEY, data text)",
                 "replaced by another one of the same name in mid-copy");
}

TEST_P(ChangedSource, DroppedColumn) { expect_failure("ALTER TABLE public.t DROP data", "column t.data does not exist"); }

TEST_P(ChangedSource, WhatDoesNotMatter) {
  run("ALTER TABLE public.t ADD late int DEFAULT 5; CREATE INDEX ON public.t (data); ANALYZE public.t; "
      "ALTER TABLE public.t ALTER data SET NOT NULL");
  run("VACUUM public.t");
  Collector collector;
  EXPECT_EQ(reader_.read(0, chunk(ChunkKind::key, "11", {}), collector).rows, 990);
  EXPECT_EQ(collector.text, row_text(11, 1000));
}

TEST_P(ChangedSource, TruncateWaitsForTheChunkThatIsBeingRead) {
  auto rival = open(plain_session());  // with a lock_timeout of 300 ms
  Collector slow;
  bool tried = false;
  slow.before_write = [&] {
    if (std::exchange(tried, true)) return;
    try {
      rival.run("TRUNCATE public.t", soon());
      ADD_FAILURE() << "truncated under the COPY";
    } catch (const Error& error) {
      EXPECT_EQ(error.sqlstate(), "55P03");
    }
  };
  EXPECT_EQ(reader_.read(0, chunk(ChunkKind::key, "11", {}), slow).rows, 990);
  EXPECT_TRUE(tried);
}

TEST_P(ChangedSource, LockedTableIsTransientAndBounded) {
  auto rival = open(plain_session());
  rival.run("BEGIN; LOCK TABLE public.t IN ACCESS EXCLUSIVE MODE", soon());
  const auto begin = Deadline::Clock::now();
  const auto error = error_of(reader_, chunk(ChunkKind::whole), collector_);
  EXPECT_LT(Deadline::Clock::now() - begin, 2s);
  EXPECT_EQ(error.kind(), ErrorKind::transient);
  EXPECT_EQ(error.sqlstate(), "55P03");
  rival.run("ROLLBACK", soon());
  EXPECT_EQ(reader_.read(0, chunk(ChunkKind::whole), collector_).rows, 1000);
}

TEST_P(ChangedSource, LockedRowsAreReadAllTheSame) {
  auto rival = open(plain_session());
  rival.run("BEGIN; UPDATE public.t SET data = 'not committed'", soon());
  Collector collector;
  EXPECT_EQ(reader_.read(0, chunk(ChunkKind::key, "11", {}), collector).rows, 990);
  EXPECT_EQ(collector.text, row_text(11, 1000));
}

INSTANTIATE_TEST_SUITE_P(Snapshots, ChangedSource, testing::Bool(),
                         [](const auto& which) { return which.param ? "Shared" : "PerChunk"; });

}  // namespace
}  // namespace pghaul
