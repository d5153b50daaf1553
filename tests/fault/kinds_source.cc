// F*: the source changes while it is read.
#include <thread>

#include "fault/fault_kinds.h"

namespace pghaul::test {
namespace {

using namespace std::chrono_literals;

FaultedProcess begin(FaultRun& run, Random& random, const Arguments& more = {}) {
  run.use(long_workload(run.random("data"), random.between(600, 2000), random.between(15, 40)));
  auto copy = run.start(more);
  if (!run.wait_for_chunks(random.between(1, 8))) run.problem("no chunk was done: {}", copy.err());
  return copy;
}

// psql that runs a script beside the copy, until its end or stop().
class Writer {
 public:
  Writer(const FaultRun& run, const std::string& sql) : input_(sql), psql_(options(run), "psql") {}
  void join(FaultRun& run) {
    const auto result = psql_.finish(30s);
    if (result.status != 0) run.problem("writer: {}", result.err);
  }

 private:
  ProcessOptions options(const FaultRun& run) const {
    auto options = psql_options(run.source_conninfo());
    options.stdin_file = input_.path();
    return options;
  }
  MemoryFile input_;
  RunningProgram psql_;
};

std::string repeated(int times, const std::string& statements) {
  return fmt::format("DO $$BEGIN FOR i IN 1..{} LOOP {} COMMIT; PERFORM pg_sleep(0.005); END LOOP; END$$;", times,
                     statements);
}

// A user of the application: new rows, changed rows, deleted rows. Rows that nobody touched are on the target once,
// whatever happens; what was touched is taken by a copy anew.
void writer_changes_rows(FaultRun& run) {
  auto random = run.random("fault");
  auto copy = begin(run, random);
  Writer writer(
      run, repeated(static_cast<int>(random.between(50, 300)),
                    "INSERT INTO public.profiles (data) VALUES ('{\"new\": true}');"
                    "UPDATE public.profiles SET data = '{\"changed\": true}' WHERE id % 5 = 0 AND random() < 0.02;"
                    "DELETE FROM public.profiles WHERE id % 7 = 0 AND random() < 0.02;"));
  run.strike("a writer inserts, updates and deletes");
  copy.finish({0});
  writer.join(run);
  const auto untouched =
      "SELECT count(*), sum(id), count(DISTINCT id) FROM public.profiles WHERE id % 5 <> 0 AND id % 7 <> 0 "
      "AND NOT data ? 'new'";
  const auto source = run.source_sql(untouched), target = run.target_sql(untouched);
  if (source != target) run.problem("rows that nobody touched: {} on the source, {} on the target", source, target);
  const auto twice = run.target_sql("SELECT count(*) - count(DISTINCT id) FROM public.profiles");
  if (twice != "0") run.problem("{} keys are on the target twice", twice);
  run.finish_with({"--full"});
}

// Keys that are drawn early and committed late. The next run finds them all, without --full.
void late_commits(FaultRun& run) {
  auto random = run.random("fault");
  run.use(long_workload(run.random("data"), random.between(300, 1000), 10));
  const auto rows = [&](int writer) {
    return fmt::format(
        "DO $$BEGIN FOR i IN 1..{} LOOP INSERT INTO public.profiles (data) SELECT '{{\"late\": {}}}' FROM "
        "generate_series(1, 1 + i % 3); PERFORM pg_sleep(random() * {}); "
        "IF i % 7 = 0 THEN ROLLBACK; ELSE COMMIT; END IF; END LOOP; END$$;",
        random.between(10, 40), writer, random.pick(std::vector<std::string>{"0.01", "0.05", "0.2"}));
  };
  Writer one(run, rows(1)), two(run, rows(2)), three(run, rows(3));
  run.strike("three writers that commit late");
  for (int i = 0; i < 3; ++i) run.once({0}, {"--sleep", "10ms"});
  one.join(run);
  two.join(run);
  three.join(run);
}

void snapshots_lost(FaultRun& run) {
  auto random = run.random("fault");
  run.use(long_workload(run.random("data"), random.between(600, 2000), 25));
  auto copy = run.start({"--snapshot", "shared"});
  if (!run.wait_for_chunks(random.between(1, 8))) run.problem("no chunk was done: {}", copy.err());
  const auto of_keeper =
      "FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'pghaul% snapshot%'";
  const bool all = random.chance(50);
  for (int i = 0; i < (all ? 1 : 3); ++i) {
    run.strike("{} of the sessions that hold the snapshot terminated",
               run.source_sql(fmt::format("SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid {} {}) AS p",
                                          of_keeper, all ? "" : "LIMIT 1")));
    std::this_thread::sleep_for(std::chrono::milliseconds(random.between(50, 250)));
  }
  copy.finish({0});
}

struct Change {
  const char* sql;
  Arguments last_run;
  const char* on_target = "";  // before the last run
};

// In mid-copy; the lock it needs comes between two chunks. Either the copy was through, or it says what changed;
// never are columns shifted or rows of two tables mixed.
void change_table(FaultRun& run, const Change& change) {
  auto random = run.random("fault");
  auto copy = begin(run, random);
  run.strike("{}", change.sql);
  run.source_sql(change.sql);
  copy.finish({0, 3, 5});
  if (*change.on_target != '\0') run.target_sql(change.on_target);
  run.finish_with(change.last_run);
}

constexpr auto drop_target = "DROP TABLE public.profiles";

void altered(FaultRun& run) {
  change_table(run,
               run.random("change").pick(std::vector<Change>{
                   {"ALTER TABLE public.profiles ADD COLUMN extra int DEFAULT 7", {"--full"}, drop_target},
                   {"ALTER TABLE public.profiles ADD COLUMN first int; ALTER TABLE public.profiles DROP COLUMN first",
                    {"--full"},
                    drop_target},
                   {"ALTER TABLE public.profiles RENAME COLUMN data TO content", {"--full"}, drop_target},
                   {"DROP INDEX public.profiles_name; ALTER TABLE public.profiles ALTER COLUMN data TYPE text USING "
                    "data::text",
                    {"--full"},
                    drop_target},
                   {"DROP INDEX public.profiles_name; ALTER TABLE public.profiles DROP COLUMN data",
                    {"--full"},
                    drop_target}}));
}

void truncated(FaultRun& run) {
  change_table(run, run.random("change").pick(std::vector<Change>{
                        {"TRUNCATE public.profiles", {"--full"}},
                        {"TRUNCATE public.profiles; INSERT INTO public.profiles SELECT g, '{\"again\": true}' FROM "
                         "generate_series(1, 500) g",
                         {"--full"}},
                        {"BEGIN; TRUNCATE public.profiles; SELECT pg_sleep(0.3); ROLLBACK", {}}}));
}

constexpr auto recreate =
    "CREATE TABLE public.profiles (id bigserial PRIMARY KEY, data jsonb);"
    "CREATE INDEX profiles_name ON public.profiles ((data ->> 'name'));"
    "INSERT INTO public.profiles SELECT g, '{\"other\": true}' FROM generate_series(1, 400) g;";

void replaced(FaultRun& run) {
  static const auto anew = std::string("BEGIN; DROP TABLE public.profiles;") + recreate + "COMMIT";
  static const auto renamed =
      std::string(
          "BEGIN; ALTER TABLE public.profiles RENAME TO former; ALTER INDEX profiles_pkey RENAME "
          "TO former_pkey; ALTER INDEX profiles_name RENAME TO former_name; ALTER SEQUENCE "
          "profiles_id_seq RENAME TO former_seq;") +
      recreate + "COMMIT; DROP TABLE public.former";
  change_table(
      run, run.random("change").pick(std::vector<Change>{{anew.c_str(), {"--full"}}, {renamed.c_str(), {"--full"}}}));
}

// Gone, or hidden behind a view of the same name; and back.
void away_for_a_while(FaultRun& run) {
  auto random = run.random("fault");
  auto copy = begin(run, random);
  const bool view = random.chance(50);
  run.strike("{}", view ? "a view takes the table's name" : "the table is renamed");
  run.source_sql("ALTER TABLE public.profiles RENAME TO hidden");
  if (view) run.source_sql("CREATE VIEW public.profiles AS SELECT id, data FROM public.hidden WHERE id % 2 = 0");
  copy.finish({0, 3, 5});
  // Also while it is away nothing else may be copied in its place.
  run.once({3, 5});
  if (view) run.source_sql("DROP VIEW public.profiles");
  run.source_sql("ALTER TABLE public.hidden RENAME TO profiles");
}

void rewritten(FaultRun& run) {
  change_table(run, run.random("change").pick(
                        std::vector<Change>{{"VACUUM FULL public.profiles", {"--allow", "rewritten"}},
                                            {"CLUSTER public.profiles USING profiles_pkey", {"--allow", "rewritten"}},
                                            {"VACUUM public.profiles", {}}}));
}

}  // namespace

std::vector<FaultKind> source_faults() {
  return {{"F1_snapshots_lost", snapshots_lost, 8},
          {"F2_writer_changes_rows", writer_changes_rows, 8},
          {"F2_late_commits", late_commits, 6},
          {"F3_altered", altered, 5},
          {"F4_truncated", truncated, 4},
          {"F4_replaced", replaced, 4},
          {"F5_away_for_a_while", away_for_a_while, 4},
          {"F7_rewritten", rewritten, 4}};
}

}  // namespace pghaul::test
