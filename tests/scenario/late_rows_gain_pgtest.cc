// What the source gains from run to run: above the high-water mark, below it by hand, with writers running beside.
#include "scenario/late_rows.h"

namespace pghaul::test {
namespace {

class Gain : public LateRows {
 protected:
  // A first copy whose snapshot holds 100 rows above the mark.
  void copy_with_rows_above() const {
    make_empty_profiles();
    insert_rows(300, "before");
    OpenSession holder(source_conninfo());
    holder.run("BEGIN; SELECT nextval('public.profiles_id_seq')");
    auto running = start_waiting_copy();
    insert_rows(100, "above");
    holder.run("ROLLBACK");
    const auto table = finished(running);
    EXPECT_EQ(table["high_water"], 301);
    EXPECT_EQ(target_sql("SELECT count(*) FROM public.profiles WHERE id > 301"), "100");
    expect_complete(table);
  }
};

TEST_F(Gain, RowsAboveTheMarkAreReplaced) {
  copy_with_rows_above();
  source_sql("DELETE FROM public.profiles WHERE id BETWEEN 310 AND 330;"
             "UPDATE public.profiles SET data = '{\"updated\": true}' WHERE id BETWEEN 325 AND 350;"
             "UPDATE public.profiles SET id = id + 1000 WHERE id > 390");
  insert_rows(40, "new");
  const auto second = table_of(copied());
  EXPECT_TRUE(second["settled"]);
  expect_complete(second);
}

// A second unique index must not get in the way of replacing these rows chunk by chunk.
TEST_F(Gain, UniqueValuesMoveBetweenRowsAboveTheMark) {
  make_empty_profiles();
  source_sql("CREATE UNIQUE INDEX number ON public.profiles ((data->>'n'))");
  const std::string insert =
      "INSERT INTO public.profiles (data) "
      "SELECT jsonb_build_object('n', g, 'p', repeat(md5(g::text), 5)) FROM generate_series(";
  source_sql(insert + "1, 300) g");
  OpenSession holder(source_conninfo());
  holder.run("BEGIN; SELECT nextval('public.profiles_id_seq')");
  auto running = start_waiting_copy();
  source_sql(insert + "301, 3000) g");
  holder.run("ROLLBACK");
  finished(running);
  source_sql("UPDATE public.profiles SET data = data || jsonb_build_object('n', -((data->>'n')::int)) WHERE id > 301;"
             "UPDATE public.profiles SET data = data || jsonb_build_object('n', 3301 + (data->>'n')::int)"
             " WHERE id > 301; SELECT setval('public.profiles_id_seq', 4000); ANALYZE public.profiles");
  expect_complete(table_of(copied({"--batch-bytes", "64kB", "--readers", "4", "--writers", "4"})));
}

TEST_F(Gain, AllRowsAboveTheMarkAreGone) {
  copy_with_rows_above();
  source_sql("DELETE FROM public.profiles WHERE id > 301");
  expect_complete(table_of(copied()));
  insert_rows(10, "new");
  expect_complete(table_of(copied()));
}

// Merged rows are found again by their keys, so nothing above the mark needs to be replaced twice.
TEST_F(Gain, RowsAboveTheMarkWithSmallBatches) {
  copy_with_rows_above();
  source_sql("UPDATE public.profiles SET data = data || '{\"x\": 1}' WHERE id > 301");
  source_sql("INSERT INTO public.profiles (data) SELECT jsonb_build_object('long', repeat(md5(g::text), 20)) "
             "FROM generate_series(1, 2000) g");
  const auto second = table_of(copied({"--batch-bytes", "64kB", "--readers", "4", "--writers", "4"}));
  EXPECT_GT(second["chunks"], 5);
  expect_complete(second);
}

TEST_F(Gain, FullCopiesAnew) {
  copy_with_rows_above();
  source_sql("DELETE FROM public.profiles WHERE id < 50; UPDATE public.profiles SET data = '{}' WHERE id < 100");
  copied();
  // Updates and deletes below the mark are not followed ...
  EXPECT_EQ(target_sql("SELECT count(*) FROM public.profiles WHERE id < 50"), "49");
  // ... and a new generation starts from nothing.
  const auto anew = table_of(copied({"--full"}));
  EXPECT_EQ(anew["generation"], 2);
  EXPECT_EQ(anew["rows"], anew["rows_total"]);
  expect_complete(anew);
}

TEST_F(Gain, ScanFindsARowGivenByHandBelowTheMark) {
  make_profiles(1000);  // ids 3, 6, 9, …
  copied();
  source_sql("INSERT INTO public.profiles VALUES (100, '{\"by\": \"hand\"}'), (2, '{\"by\": \"hand\"}')");
  const auto scanned = table_of(copied({"--late-rows", "scan"}));
  EXPECT_EQ(scanned["late_rows"], 2);
  expect_complete(scanned);
  source_sql("INSERT INTO public.profiles VALUES (1, '{\"by\": \"hand\"}');"
             "UPDATE public.profiles SET data = '{\"updated\": true}' WHERE id IN (3, 6)");
  const auto again = table_of(copied({"--late-rows", "scan"}));
  EXPECT_EQ(again["late_rows"], 1);  // the updated ones are no new rows
  expect_complete(again);
}

TEST_F(Gain, LoadedByHandWithASequenceNeverUsed) {
  make_empty_profiles();
  const auto load = [&](int first, int last) {
    source_sql(fmt::format("INSERT INTO public.profiles SELECT g * 7, '{{}}' FROM generate_series({}, {}) g", first,
                           last));
  };
  load(1, 1000);
  const auto first = table_of(copied());
  EXPECT_EQ(first["high_water"], 7000);
  EXPECT_EQ(first["rows"], 1000);
  expect_complete(first);
  load(1001, 1100);
  const auto second = table_of(copied());
  EXPECT_EQ(second["rows"], 100);
  expect_complete(second);
  // The same when a transaction with a lower key is open.
  OpenSession late(source_conninfo());
  late.run("BEGIN; INSERT INTO public.profiles VALUES (7777, '{}')");
  load(1200, 1300);
  EXPECT_FALSE(copied_at_once()["settled"]);
  late.run("COMMIT");
  const auto last = table_of(copied());
  EXPECT_EQ(last["late_rows"], 1);
  expect_complete(last);
}

TEST_F(Gain, ATableThatBeginsEmpty) {
  make_empty_profiles();
  EXPECT_EQ(table_of(copied())["rows"], 0);
  OpenSession late(source_conninfo());
  late.run("BEGIN; INSERT INTO public.profiles (data) VALUES ('{}')");
  EXPECT_FALSE(copied_at_once()["settled"]);
  late.run("COMMIT");
  expect_complete(table_of(copied()));
}

// Writers draw numbers, pause, write, pause, and commit or give up, while copies run one after the other.
TEST_F(Gain, F2_WithWritersRunningBeside) {
  make_empty_profiles();
  insert_rows(2000, "before");
  std::vector<RunningProgram> writers;
  for (int n = 0; n < 4; ++n) {
    auto options = psql_options(source_conninfo());
    options.argv.insert(options.argv.end(), {"-c", R"(DO $$ DECLARE drawn bigint; BEGIN
      FOR i IN 1..250 LOOP
        drawn := nextval('public.profiles_id_seq');
        PERFORM pg_sleep(random() * 0.02);
        INSERT INTO public.profiles VALUES (drawn, jsonb_build_object('i', i));
        PERFORM pg_sleep(random() * 0.01);
        IF random() < 0.15 THEN ROLLBACK; ELSE COMMIT; END IF;
      END LOOP; END $$)"});
    writers.emplace_back(options, "a writer");
  }
  const auto one_still_writes = [&] {
    return source_sql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'DO $$%' AND state = 'active' AND "
                      "datname = current_database()") != "0";
  };
  int runs = 0;
  do {
    const auto table = table_of(copied({"--batch-bytes", "64kB"}));
    EXPECT_TRUE(table["settled"]) << table;
    // Up to the mark nothing is missing, although the writers go on.
    const auto settled = fmt::format("SELECT * FROM public.profiles WHERE id <= {} ORDER BY id",
                                     table["high_water"].dump());
    EXPECT_EQ(table_digest(source_conninfo(), settled), table_digest(target_conninfo(), settled)) << table;
    ++runs;
  } while (one_still_writes());
  for (auto& writer : writers) EXPECT_EQ(writer.finish().status, 0);
  EXPECT_GE(runs, 4);
  expect_complete(table_of(copied()));
}

}  // namespace
}  // namespace pghaul::test
