#include "fault/fault_run.h"

#include <algorithm>
#include <ostream>
#include <thread>

#include <signal.h>

#include "base/failpoint.h"
#include "fault/judge.h"
#include "support/message.h"

namespace pghaul::test {
namespace {

using namespace std::chrono_literals;

void make_role(pg::ThrowawayServer& server, const char* role) {
  run_psql(server.conninfo(), fmt::format("DO $$BEGIN CREATE ROLE {0} LOGIN; EXCEPTION WHEN duplicate_object THEN "
                                          "ALTER ROLE {0} LOGIN; END$$",
                                          role));
}

std::int64_t number_in(const std::string& text) { return text.empty() ? 0 : std::stoll(text); }

const Arguments default_options{"--progress",          "none", "--connect-timeout",   "5s",
                                "--statement-timeout", "20s",  "--reconnect-timeout", "30s"};

// Options with a value, but for tables, are given once: the later ones.
Arguments overridden(const Arguments& options, const Arguments& more) {
  Arguments kept;
  for (std::size_t i = 0; i + 1 < options.size(); i += 2) {
    const bool again = options[i] != "--table" && std::ranges::find(more, options[i]) != more.end();
    if (!again) kept.insert(kept.end(), {options[i], options[i + 1]});
  }
  kept.insert(kept.end(), more.begin(), more.end());
  return kept;
}

std::string index_names(const std::string& conninfo) {
  return run_psql(conninfo,
                  "SELECT string_agg(indexrelid::regclass::text, ',' ORDER BY indexrelid::regclass::text) "
                  "FROM pg_index WHERE indisvalid AND indrelid IN (SELECT oid FROM pg_class WHERE "
                  "relnamespace = 'public'::regnamespace)");
}

}  // namespace

std::ostream& operator<<(std::ostream& stream, const Verdict& verdict) {
  stream << fmt::format("{} (seed {}): {} starts, {} faults, {} rows, {} ms: {}", verdict.kind, verdict.seed,
                        verdict.starts, verdict.faults, verdict.rows, verdict.took.count(),
                        verdict.good() ? "survived" : "NOT SURVIVED");
  for (const auto& note : verdict.notes) stream << "\n  " << note;
  for (const auto& problem : verdict.problems) stream << "\n  PROBLEM: " << problem;
  if (!verdict.good()) stream << "\n  again: tests/fault/replay " << verdict.seed;
  return stream << "\n";
}

ProgramResult FaultedProcess::finish(const std::set<int>& allowed, std::chrono::milliseconds bound) {
  auto status = program_.process().wait(Deadline::after(bound));
  if (!status) {
    run_.problem("pghaul hangs: it still runs after {} ms\n{}", bound.count(), program_.err());
    signal(SIGKILL);
    signal(SIGCONT);
    program_.process().wait(Deadline::never());
    status = FaultRun::killed;
  }
  const ProgramResult result{*status, program_.out(), program_.err()};
  run_.judge(result, allowed);
  return result;
}

FaultRun::FaultRun(std::uint64_t seed) : database_(fmt::format("fault_{:016x}", seed)) {
  verdict_.seed = seed;
  make_databases(database_);
  make_role(source_server(), source_role);
  make_role(target_server(), target_role);
}

FaultRun::~FaultRun() { drop_databases(database_); }

void FaultRun::keep(const Workload& workload) {
  workload_ = workload;
  verdict_.rows = workload.rows;
}

// Exactly the rights that docs/security.md asks for; the superuser only judges.
void FaultRun::use(const Workload& workload) {
  keep(workload);
  source_sql(fmt::format("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {0};"
                         "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON SEQUENCES TO {0}",
                         source_role));
  source_sql(workload.create_sql);
  target_sql(fmt::format("GRANT CREATE, TEMPORARY ON DATABASE {0} TO {1};"
                         "GRANT USAGE, CREATE ON SCHEMA public TO {1}",
                         database_, target_role));
}

CuttingProxy& FaultRun::source_proxy() {
  if (!source_proxy_) source_proxy_ = std::make_unique<CuttingProxy>(source_server().port());
  return *source_proxy_;
}

CuttingProxy& FaultRun::target_proxy() {
  if (!target_proxy_) target_proxy_ = std::make_unique<CuttingProxy>(target_server().port());
  return *target_proxy_;
}

FaultedProcess FaultRun::start(const Arguments& more, const Environment& environment) {
  ++verdict_.starts;
  ++running_;
  const auto source = source_server().conninfo(database_, source_role);
  const auto target = target_server().conninfo(database_, target_role);
  auto arguments = command();
  arguments.insert(arguments.end(), {"--source", source_proxy_ ? source_proxy_->through(source) : source, "--target",
                                     target_proxy_ ? target_proxy_->through(target) : target});
  const auto options = overridden(overridden(default_options, workload_.options), more);
  arguments.insert(arguments.end(), options.begin(), options.end());
  return {*this, start_pghaul(arguments, environment)};
}

const std::vector<std::string_view>& FaultRun::failpoints() const { return copy_failpoint_names(); }

std::int64_t FaultRun::chunks_done() const {
  return number_in(try_psql(target_conninfo(), "SELECT count(*) FROM pghaul.chunk WHERE state = 'done'").out);
}

bool FaultRun::wait_for_chunks(std::int64_t least, std::chrono::milliseconds patience) const {
  const auto deadline = Deadline::after(patience);
  while (chunks_done() < least) {
    if (deadline.expired()) return false;
    std::this_thread::sleep_for(10ms);
  }
  return true;
}

void FaultRun::judge(const ProgramResult& result, const std::set<int>& allowed) {
  --running_;
  note("pghaul ended with {}", result.status);
  const bool is_through = result.status == through() && allowed.contains(0);
  if (!is_through && (result.status <= 1 || !allowed.contains(result.status))) {
    ++verdict_.unexplained_exits;
    problem("exit code {}\n{}{}", result.status, result.out, result.err);
  }
  if (const auto missing = missing_parts(result); !missing.empty()) problem("message: {}\n{}", missing, result.err);
  judge_work(result);
  // A line that a proxy keeps open is no fault of ours; who was killed could not clean up.
  const bool had_its_say = result.status <= 5 && !source_proxy_ && !target_proxy_;
  if (running_ == 0 && had_its_say) expect_nothing_left();
}

void FaultRun::expect_nothing_left() {
  for (const auto& [side, conninfo] : {std::pair{"source", source_conninfo()}, {"target", target_conninfo()}}) {
    if (const auto left = leftovers(conninfo); !left.empty()) problem("left on the {}: {}", side, left);
  }
}

// At any moment, also between two faults: never part of a chunk, never a chunk twice. What a later round replaces does not
// count any more, but is there until that is done.
void FaultRun::expect_rows_of_done_chunks() {
  for (const auto& table : workload_.tables) {
    const auto found = try_psql(
        target_conninfo(),
        fmt::format(
            "SELECT n FROM (SELECT (SELECT count(*) FROM public.{0}) - coalesce((SELECT sum(rows) FROM "
            "pghaul.finished_chunks WHERE source_table IN ('{0}', 'public.{0}')), 0) AS n) AS d WHERE n NOT BETWEEN 0 "
            "AND (SELECT coalesce(sum(c.rows), 0) FROM pghaul.chunk c JOIN pghaul.table_copy t ON t.id = c.table_copy "
            "AND t.generation = c.generation WHERE c.superseded AND t.source_table IN ('{0}', 'public.{0}') AND EXISTS "
            "(SELECT FROM pghaul.unfinished_chunks u WHERE u.table_copy = t.id))",
            table));
    if (found.status != 0 || found.out.empty()) continue;  // not created yet, or the server is away
    problem("public.{} on the target differs by {} rows from the chunks done", table, found.out);
  }
}

void FaultRun::expect_equal() {
  const auto difference = compare_rows(source_conninfo(), target_conninfo(), workload_.tables);
  verdict_.lost = difference.lost;
  verdict_.doubled = difference.doubled;
  if (difference.equal()) return;
  problem("{} rows lost, {} doubled: sha256 {} on the source, {} on the target", difference.lost, difference.doubled,
          difference.source_digest, difference.target_digest);
}

void FaultRun::expect_complete_ledger() {
  const auto left = target_sql(
      "SELECT count(*) FROM pghaul.table_copy WHERE state <> 'complete'; "
      "SELECT count(*) FROM pghaul.unfinished_chunks");
  if (left != "0\n0") problem("the ledger says table copies and chunks are unfinished: {}", left);
  const auto source = index_names(source_conninfo()), target = index_names(target_conninfo());
  if (source != target) problem("indexes: {} on the source, {} on the target", source, target);
}

void FaultRun::expect_recovery() {
  if (source_proxy_) source_proxy_->heal();
  if (target_proxy_) target_proxy_->heal();
  if (once({0}, final_options_).status != through()) return;
  judge_outcome();
  expect_nothing_left();
}

void FaultRun::judge_work(const ProgramResult&) { expect_rows_of_done_chunks(); }

void FaultRun::judge_outcome() {
  expect_equal();
  expect_complete_ledger();
}

}  // namespace pghaul::test
