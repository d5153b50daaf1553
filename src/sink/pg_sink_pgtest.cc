#include "sink/pg_sink.h"

#include <gmock/gmock.h>

#include "base/failpoint.h"
#include "fakes/commit_cutter.h"
#include "fakes/ledger_fixture.h"
#include "fakes/scripted_batch.h"
#include "pg/copy.h"

namespace pghaul::test {
namespace {

using testing::HasSubstr;

class PgSinks : public LedgerTest {
 protected:
  PgSinks() : session_(open_session()), ledger_(claim(*session_)) {
    ledger_->start_generation(generation_facts(), {}, soon());
    table().name = {"public", "t"};
    table().columns = {"id", "data"};
    table().key_column = "id";
  }
  ~PgSinks() override { configure_failpoints(""); }

  TargetTable& table() { return tables_.front(); }
  PgSink make_sink(const std::string& detour = "", const std::string& lock_timeout = "500ms") const {
    auto options = session_options(lock_timeout);
    options.application_name = "pghaul sink";
    return PgSink(endpoint(detour), options, tables_, names_, Duration(20'000));
  }
  Chunk add(Chunk chunk) { return ledger_->save_plan(round_facts(++rounds_), {chunk}, soon()).back(); }
  Chunk add() { return add(key_chunk({}, {})); }

  // Rows `id<TAB>data` for ids in [from, to).
  static ScriptedBatch lines(int from, int to, const std::string& data = "new") {
    std::string text;
    for (int id = from; id < to; ++id) text += std::to_string(id) + "\t" + data + "\n";
    return ScriptedBatch(text, to - from);
  }
  WriteResult write(PgSink& sink, const Chunk& chunk, Batch&& batch) {
    return sink.write(0, chunk, ledger_->mark_for(chunk), batch);
  }
  WriteResult write(const Chunk& chunk, Batch&& batch) {
    auto sink = make_sink();
    return write(sink, chunk, std::move(batch));
  }
  void expect_written(const Chunk& chunk, Batch&& batch) {
    EXPECT_EQ(write(chunk, std::move(batch)).outcome, MarkOutcome::written);
    EXPECT_EQ(state_of(chunk), "done");
  }

  std::unique_ptr<LedgerSession> session_;
  std::unique_ptr<PgLedger> ledger_;
  std::vector<TargetTable> tables_{1};
  int rounds_ = 0;
};

// ---- Formats and columns -----------------------------------------------------------------------------

TEST_F(PgSinks, Binary) {
  target_sql("CREATE TABLE public.t (id bigint, data jsonb); CREATE TABLE public.original AS SELECT g::bigint AS id, "
             "jsonb_build_object('k', repeat('v', g)) AS data FROM generate_series(1, 2000) g UNION ALL SELECT NULL, NULL");
  auto connection = connect();
  std::string bytes;
  {
    pg::CopyOut copy(connection, "COPY public.original TO STDOUT (FORMAT binary)", soon());
    for (std::string_view frame; copy.next(frame);) bytes += frame;
  }
  table().binary = true;
  expect_written(add(), ScriptedBatch(bytes, 2001, 10'000));
  EXPECT_EQ(target_sql("SELECT count(*) FROM (TABLE public.t EXCEPT ALL TABLE public.original) x"), "0");
  EXPECT_EQ(target_sql("SELECT count(*) FROM public.t"), "2001");
}

TEST_F(PgSinks, TextWithEverythingThatIsEscaped) {
  target_sql("CREATE TABLE public.t (id bigint, data text)");
  expect_written(add(), ScriptedBatch("1\ta\\tb\\nc\\\\d\n2\t\\N\n3\t\n", 3));
  EXPECT_EQ(target_sql("SELECT string_agg(coalesce(replace(replace(data, E'\\t', '<tab>'), E'\\n', '<nl>'), '<null>'), "
                       "',' ORDER BY id) FROM public.t"),
            "a<tab>b<nl>c\\d,<null>,");
}

TEST_F(PgSinks, NamesThatNeedQuotes) {
  target_sql(R"(CREATE SCHEMA "S p"; CREATE TABLE "S p"."T""q" ("select" bigint, "Da ta" text, untold int DEFAULT 7))");
  table().name = {"S p", "T\"q"};
  table().columns = {"Da ta", "select"};
  table().key_column = "select";
  auto chunk = key_chunk({}, 5);
  chunk.replace = true;
  for (int i = 0; i < 2; ++i) expect_written(add(chunk), ScriptedBatch("text\t1\n", 1));
  auto late = chunk;
  late.range.kind = ChunkKind::late;
  expect_written(add(late), ScriptedBatch("newer\t1\n", 1));
  EXPECT_EQ(target_sql(R"(SELECT "select", "Da ta", untold FROM "S p"."T""q")"), "1|newer|7");
}

TEST_F(PgSinks, IdentityIsOverriddenAndGeneratedColumnsAreComputed) {
  target_sql("CREATE TABLE public.t (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, data text, "
             "length int GENERATED ALWAYS AS (length(data)) STORED)");
  table().primary_key = {"id"};
  const auto expected = "41|four|4\n42|x|1";
  expect_written(add(), ScriptedBatch("41\tfour\n42\tx\n", 2));
  EXPECT_EQ(target_sql("SELECT * FROM public.t ORDER BY id"), expected);
  for (const auto on_conflict : {OnConflict::skip, OnConflict::update}) {
    target_sql("TRUNCATE public.t");
    table().on_conflict = on_conflict;
    expect_written(add(), ScriptedBatch("41\tfour\n42\tx\n", 2));
    EXPECT_EQ(target_sql("SELECT * FROM public.t ORDER BY id"), expected);
  }
  table().on_conflict = OnConflict::error;
  auto late = key_chunk({}, {});
  late.range.kind = ChunkKind::late;
  EXPECT_EQ(write(add(late), ScriptedBatch("42\tyy\n43\tz\n", 2)).late_rows, 1);
  EXPECT_EQ(target_sql("SELECT * FROM public.t ORDER BY id"), "41|four|4\n42|yy|2\n43|z|1");
}

// ---- Replaced ranges -----------------------------------------------------------------------------------

class Replace : public PgSinks {
 protected:
  Replace() {
    target_sql("CREATE TABLE public.t (id bigint, data text); INSERT INTO public.t SELECT g, 'old' FROM "
               "generate_series(0, 99) g; INSERT INTO public.t VALUES (NULL, 'old'), (NULL, 'old')");
  }
  // What is left of the old rows, and how many there are in all.
  std::string left() const {
    return target_sql("SELECT count(*) FILTER (WHERE data = 'old' AND id IS NOT NULL), min(id) FILTER (WHERE data = 'old'), "
                      "max(id) FILTER (WHERE data = 'old'), count(*) FILTER (WHERE id IS NULL AND data = 'old'), count(*) "
                      "FROM public.t");
  }
  void replace(ChunkRange range, int from, int to) {
    Chunk chunk;
    chunk.range = std::move(range);
    chunk.replace = true;
    expect_written(add(chunk), lines(from, to));
  }
};

TEST_F(Replace, ARange) {
  replace({ChunkKind::key, "90", "95", {}}, 90, 93);
  EXPECT_EQ(left(), "95|0|99|2|100");
}
TEST_F(Replace, ARangeOpenAbove) {
  replace({ChunkKind::key, "90", {}, {}}, 90, 120);
  EXPECT_EQ(left(), "90|0|89|2|122");
}
TEST_F(Replace, ARangeOpenBelow) {
  replace({ChunkKind::key, {}, "10", {}}, -5, 10);
  EXPECT_EQ(left(), "90|10|99|2|107");
}
TEST_F(Replace, EveryKeyButNotNull) {
  replace({ChunkKind::key, {}, {}, {}}, 0, 1);
  EXPECT_EQ(left(), "0|||2|3");
}
TEST_F(Replace, RowsWithoutAKey) {
  Chunk chunk;
  chunk.range.kind = ChunkKind::null;
  chunk.replace = true;
  expect_written(add(chunk), ScriptedBatch("\\N\tnew\n", 1));
  EXPECT_EQ(left(), "100|0|99|0|101");
}
TEST_F(Replace, TheWholeTable) {
  replace({ChunkKind::whole, {}, {}, {}}, 0, 3);
  EXPECT_EQ(left(), "0|||0|3");
}
TEST_F(Replace, BoundsAtTheEndsOfBigint) {
  replace({ChunkKind::key, "-9223372036854775808", "9223372036854775807", {}}, 0, 1);
  EXPECT_EQ(left(), "0|||2|3");
}
TEST_F(Replace, WhatFailsAfterwardsLeavesTheOldRows) {
  auto chunk = key_chunk(0, 50);
  chunk.replace = true;
  EXPECT_THROW(write(add(chunk), ScriptedBatch("1\tnew\nnonsense\n", 2)), Error);
  EXPECT_EQ(left(), "100|0|99|2|102");
}
// Doing it twice gives the same.
TEST_F(Replace, ASecondTime) {
  for (int i = 0; i < 2; ++i) replace({ChunkKind::key, "90", {}, {}}, 90, 105);
  EXPECT_EQ(left(), "90|0|89|2|107");
}

// ---- Merging -------------------------------------------------------------------------------------------

class Merge : public PgSinks {
 protected:
  Merge() {
    target_sql("CREATE TABLE public.t (id bigint PRIMARY KEY, data text, mine text); "
               "INSERT INTO public.t SELECT g, 'old', 'mine' FROM generate_series(0, 9) g");
    table().primary_key = {"id"};
  }
  std::string rows_with(const std::string& data) const {
    return target_sql("SELECT count(*), min(id), max(id) FROM public.t WHERE data = '" + data + "'");
  }
};

TEST_F(Merge, LateRowsReplaceTheirKeysAndAreCounted) {
  Chunk late;
  late.range.kind = ChunkKind::late;
  const auto chunk = add(late);
  const auto result = write(chunk, lines(7, 15));
  EXPECT_EQ(result.outcome, MarkOutcome::written);
  EXPECT_EQ(result.late_rows, 5);
  EXPECT_EQ(rows_with("old"), "7|0|6");
  EXPECT_EQ(rows_with("new"), "8|7|14");
  EXPECT_EQ(state_of(chunk), "done");
}

TEST_F(Merge, NoLateRows) {
  Chunk late;
  late.range.kind = ChunkKind::late;
  EXPECT_EQ(write(add(late), ScriptedBatch("", 0)).late_rows, 0);
  EXPECT_EQ(rows_with("old"), "10|0|9");
}

TEST_F(Merge, Skip) {
  table().on_conflict = OnConflict::skip;
  expect_written(add(), lines(7, 15));
  EXPECT_EQ(rows_with("old"), "10|0|9");
  EXPECT_EQ(rows_with("new"), "5|10|14");
}

TEST_F(Merge, UpdateChangesTheColumnsThatTravel) {
  table().on_conflict = OnConflict::update;
  expect_written(add(), lines(7, 15));
  EXPECT_EQ(rows_with("old"), "7|0|6");
  EXPECT_EQ(rows_with("new"), "8|7|14");
  EXPECT_EQ(target_sql("SELECT count(*) FROM public.t WHERE mine = 'mine'"), "10");
}

TEST_F(Merge, UpdateWhereOnlyTheKeyTravels) {
  table().on_conflict = OnConflict::update;
  table().columns = {"id"};
  expect_written(add(), ScriptedBatch("8\n20\n", 2));
  EXPECT_EQ(target_sql("SELECT count(*) FROM public.t"), "11");
}

// With --on-conflict rows of others may be in the range.
TEST_F(Merge, AReplacedRangeIsNotEmptied) {
  table().on_conflict = OnConflict::update;
  auto chunk = key_chunk(5, {});
  chunk.replace = true;
  expect_written(add(chunk), lines(8, 12));
  EXPECT_EQ(target_sql("SELECT count(*) FROM public.t"), "12");
}

TEST_F(Merge, ManyChunksThroughOneSession) {
  table().on_conflict = OnConflict::skip;
  auto sink = make_sink();
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(write(sink, add(), lines(100 * i, 100 * i + 10)).outcome, MarkOutcome::written);
  }
  EXPECT_EQ(target_sql("SELECT count(*) FROM public.t"), "200");
}

// ---- Errors --------------------------------------------------------------------------------------------

TEST_F(PgSinks, AUniqueViolationNamesItsConstraintAndLeavesNothing) {
  target_sql("CREATE TABLE public.t (id bigint CONSTRAINT only_once PRIMARY KEY, data text); "
             "INSERT INTO public.t VALUES (5, 'there before')");
  const auto chunk = add();
  const auto error = error_of([&] { write(chunk, lines(0, 10)); });
  EXPECT_EQ(error.kind(), ErrorKind::failed);
  EXPECT_EQ(error.sqlstate(), "23505");
  EXPECT_EQ(error.side(), Side::target);
  EXPECT_THAT(error.what(), HasSubstr("only_once"));
  EXPECT_EQ(target_sql("SELECT * FROM public.t"), "5|there before");
  EXPECT_EQ(state_of(chunk), "pending");
}

// A trigger that swallows a row: the server's count tells.
TEST_F(PgSinks, RowsThatTheTargetDoesNotTake) {
  target_sql("CREATE TABLE public.t (id bigint, data text); CREATE FUNCTION public.swallow() RETURNS trigger LANGUAGE "
             "plpgsql AS 'BEGIN IF NEW.id = 3 THEN RETURN NULL; END IF; RETURN NEW; END'; CREATE TRIGGER swallow BEFORE "
             "INSERT ON public.t FOR EACH ROW EXECUTE FUNCTION public.swallow()");
  const auto chunk = add();
  EXPECT_THAT(error_of([&] { write(chunk, lines(0, 10)); }).what(), HasSubstr("took 9 rows of 10"));
  EXPECT_EQ(target_sql("SELECT count(*) FROM public.t"), "0");
  EXPECT_EQ(state_of(chunk), "pending");
}

TEST_F(PgSinks, ADeferredConstraintFailsAtCommit) {
  target_sql("CREATE TABLE public.t (id bigint UNIQUE DEFERRABLE INITIALLY DEFERRED, data text); "
             "INSERT INTO public.t VALUES (5, 'x')");
  const auto chunk = add();
  EXPECT_EQ(error_of([&] { write(chunk, lines(0, 10)); }).sqlstate(), "23505");
  EXPECT_EQ(target_sql("SELECT count(*) FROM public.t"), "1");
  EXPECT_EQ(state_of(chunk), "pending");
}

TEST_F(PgSinks, ALockedTargetIsWorthAnotherTry) {
  target_sql("CREATE TABLE public.t (id bigint, data text)");
  const auto chunk = add();
  auto sink = make_sink(), other = make_sink();
  auto blocker = connect();
  blocker.run("BEGIN; LOCK TABLE public.t", soon());
  const auto error = error_of([&] { write(sink, chunk, lines(0, 10)); });
  EXPECT_EQ(error.sqlstate(), "55P03");
  EXPECT_EQ(error.kind(), ErrorKind::transient);
  blocker.run("COMMIT", soon());  // it was not ended
  EXPECT_EQ(write(sink, chunk, lines(0, 10)).outcome, MarkOutcome::written);
}

TEST_F(PgSinks, AGhostOfAnEarlierTryIsEnded) {
  target_sql("CREATE TABLE public.t (id bigint, data text)");
  const auto chunk = add();
  auto ghost = connect();
  ghost.run(begin_fenced_sql(names_, ledger_->table_copy()), soon());
  const auto facts = summary();
  ASSERT_EQ(mark_done(ghost, names_, ledger_->mark_for(chunk), &facts, soon()), MarkOutcome::written);
  ghost.run("INSERT INTO public.t VALUES (1, 'of the ghost')", soon());
  auto sink = make_sink();
  EXPECT_EQ(error_of([&] { write(sink, chunk, lines(0, 10)); }).kind(), ErrorKind::transient);
  EXPECT_EQ(write(sink, chunk, lines(0, 10)).outcome, MarkOutcome::written);
  EXPECT_THROW(ghost.run("COMMIT", soon()), Error);
  EXPECT_EQ(target_sql("SELECT count(*), count(*) FILTER (WHERE data = 'of the ghost') FROM public.t"), "10|0");
}

TEST_F(PgSinks, FailuresAtEachPlace) {
  target_sql("CREATE TABLE public.t (id bigint, data text)");
  auto sink = make_sink();
  int from = 0;
  for (const std::string place : {"chunk.before_mark", "chunk.marked", "rows.sent", "chunk.before_commit"}) {
    SCOPED_TRACE(place);
    const auto chunk = add();
    configure_failpoints(place + "=error");
    EXPECT_EQ(error_of([&] { write(sink, chunk, lines(from, from + 10)); }).kind(), ErrorKind::transient);
    EXPECT_EQ(target_sql("SELECT count(*) FROM public.t"), std::to_string(from));
    EXPECT_EQ(state_of(chunk), "pending");
    EXPECT_EQ(write(sink, chunk, lines(from, from + 10)).outcome, MarkOutcome::written);
    from += 10;
  }
  EXPECT_EQ(target_sql("SELECT count(DISTINCT id), count(*) FROM public.t"), "40|40");
}

// ---- Unknown outcomes ----------------------------------------------------------------------------------

// Thirty COMMITs without an answer; every second one was carried out. All rows are there once.
TEST_F(PgSinks, LostAnswersToCommit) {
  target_sql("CREATE TABLE public.t (id bigint, data text)");
  CommitCutter proxy(target_server().port());
  auto sink = make_sink(proxy.detour());
  for (int i = 0; i < 30; ++i) {
    SCOPED_TRACE(i);
    const auto chunk = add();
    const bool carried_out = i % 2 == 0;
    proxy.arm(carried_out ? CommitCutter::Cut::after : CommitCutter::Cut::before);
    EXPECT_EQ(error_of([&] { write(sink, chunk, lines(10 * i, 10 * i + 10)); }).kind(), ErrorKind::connection_lost);
    EXPECT_EQ(write(sink, chunk, lines(10 * i, 10 * i + 10)).outcome,
              carried_out ? MarkOutcome::already_done : MarkOutcome::written);
  }
  EXPECT_EQ(proxy.cuts(), 30);
  EXPECT_EQ(target_sql("SELECT count(*), count(DISTINCT id) FROM public.t"), "300|300");
  EXPECT_EQ(target_sql("SELECT sum(rows) FROM pghaul.finished_chunks"), "300");
}

TEST_F(PgSinks, LostAnswersOfAReplacedRange) {
  target_sql("CREATE TABLE public.t (id bigint, data text); INSERT INTO public.t VALUES (3, 'old'), (300, 'old')");
  CommitCutter proxy(target_server().port());
  auto sink = make_sink(proxy.detour());
  auto chunk = key_chunk({}, 100);
  chunk.replace = true;
  chunk = add(chunk);
  for (const auto cut : {CommitCutter::Cut::before, CommitCutter::Cut::before, CommitCutter::Cut::after}) {
    proxy.arm(cut);
    EXPECT_THROW(write(sink, chunk, lines(0, 10)), Error);
  }
  EXPECT_EQ(write(sink, chunk, lines(0, 10)).outcome, MarkOutcome::already_done);
  EXPECT_EQ(target_sql("SELECT count(*), count(*) FILTER (WHERE data = 'old') FROM public.t"), "11|1");
}

}  // namespace
}  // namespace pghaul::test
