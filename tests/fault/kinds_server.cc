// C*, E*: the servers.
#include <sstream>
#include <thread>

#include <signal.h>

#include "fault/fault_kinds.h"

namespace pghaul::test {
namespace {

using namespace std::chrono_literals;
using StopMode = pg::ThrowawayServer::StopMode;

std::string conninfo(const FaultRun& run, bool of_source) {
  return of_source ? run.source_conninfo() : run.target_conninfo();
}
const char* name(bool of_source) { return of_source ? "source" : "target"; }

// A copy that is in the middle.
FaultedProcess begin(FaultRun& run, Random& random, const Arguments& more = {}) {
  run.use(long_workload(run.random("data"), random.between(600, 3000), random.between(15, 40)));
  auto copy = run.start(more);
  if (!run.wait_for_chunks(random.between(1, 10))) run.problem("no chunk was done: {}", copy.err());
  return copy;
}

void crash(FaultRun& run, pg::ThrowawayServer& server, const char* side) {
  auto random = run.random("fault");
  auto copy = begin(run, random);
  const auto mode = random.chance(70) ? StopMode::immediate : StopMode::fast;
  const auto away = random.between(0, 2500);
  run.strike("{} {}, away for {} ms", side, mode == StopMode::immediate ? "crashes" : "shuts down", away);
  server.stop(mode);
  std::this_thread::sleep_for(std::chrono::milliseconds(away));
  server.start();
  copy.finish({0});
}

void source_crash(FaultRun& run) { crash(run, source_server(), "source"); }
void target_crash(FaultRun& run) { crash(run, target_server(), "target"); }

// Commits that the target has acknowledged but not written: they get lost with its memory.
void target_loses_commits(FaultRun& run) {
  auto random = run.random("fault");
  run_psql(target_server().conninfo(), "ALTER SYSTEM SET wal_writer_delay = '10s'; SELECT pg_reload_conf();");
  auto copy = begin(run, random);
  const auto before = run.chunks_done();
  target_server().stop(StopMode::immediate);
  target_server().start();
  run.strike("target crashes with {} chunks done; {} are left", before, run.chunks_done());
  copy.finish({0});
  run_psql(target_server().conninfo(), "ALTER SYSTEM RESET wal_writer_delay; SELECT pg_reload_conf();");
}

// Whoever has seen exit code 0 can rely on it.
void target_crash_after_success(FaultRun& run) {
  run_psql(target_server().conninfo(), "ALTER SYSTEM SET wal_writer_delay = '10s'; SELECT pg_reload_conf();");
  run.use(draw_workload(run.random("data")));
  run.once({0});
  target_server().stop(StopMode::immediate);
  target_server().start();
  run.strike("target crashes right after exit 0");
  const auto left = run.target_sql("SELECT count(*) FROM pghaul.table_copy WHERE state <> 'complete'");
  if (left != "0") run.problem("{} table copies are no longer complete", left);
  run_psql(target_server().conninfo(), "ALTER SYSTEM RESET wal_writer_delay; SELECT pg_reload_conf();");
}

std::vector<std::string> our_sessions(const std::string& conninfo) {
  std::istringstream lines(run_psql(conninfo,
                                    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
                                    "AND application_name LIKE 'pghaul%' ORDER BY application_name"));
  std::vector<std::string> pids;
  for (std::string pid; std::getline(lines, pid);) pids.push_back(pid);
  return pids;
}

// The server ends all its sessions when one backend dies like this.
void backend_killed(FaultRun& run) {
  auto random = run.random("fault");
  auto copy = begin(run, random);
  const bool of_source = random.chance(50);
  const auto pids = our_sessions(conninfo(run, of_source));
  if (pids.empty()) return run.note("no session to kill");
  ::kill(std::stoi(random.pick(pids)), SIGKILL);
  run.strike("SIGKILL of a backend of the {}", name(of_source));
  copy.finish({0});
}

void sessions_terminated(FaultRun& run) {
  auto random = run.random("fault");
  auto copy = begin(run, random, {"--sleep", "60ms"});
  for (auto i = random.between(1, 5); i > 0; --i) {
    const bool of_source = random.chance(50);
    const auto pids = our_sessions(conninfo(run, of_source));
    if (pids.empty()) break;
    const auto pid = random.pick(pids);
    const auto role =
        run_psql(conninfo(run, of_source), fmt::format("SELECT application_name, pg_terminate_backend(pid) "
                                                       "FROM pg_stat_activity WHERE pid = {}",
                                                       pid));
    run.strike("pg_terminate_backend on the {}: {}", name(of_source), role);
    std::this_thread::sleep_for(std::chrono::milliseconds(random.between(20, 200)));
  }
  copy.finish({0});
}

// A person who cancels our queries.
void queries_cancelled(FaultRun& run) {
  auto random = run.random("fault");
  auto copy = begin(run, random);
  for (int i = 0; i < 3; ++i) {
    const bool of_source = random.chance(50);
    run.strike("{} queries cancelled on the {}",
               run_psql(conninfo(run, of_source),
                        "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE datname "
                        "= current_database() AND application_name LIKE 'pghaul%'"),
               name(of_source));
    std::this_thread::sleep_for(std::chrono::milliseconds(random.between(50, 300)));
  }
  copy.finish({0});
}

// Fewer connections than we would like to have.
void few_connections(FaultRun& run) {
  auto random = run.random("fault");
  const bool of_source = random.chance(50);
  run.use(draw_workload(run.random("data")));
  const auto limit = random.between(3, 6);
  run.strike("{} gives us {} connections", name(of_source), limit);
  run_psql(conninfo(run, of_source), fmt::format("ALTER DATABASE {} CONNECTION LIMIT {}", run.database(), limit));
  run.once({0, 3, 5}, {"--readers", "4", "--writers", "4", "--reconnect-timeout", "3s"});
  run_psql(conninfo(run, of_source), fmt::format("ALTER DATABASE {} CONNECTION LIMIT -1", run.database()));
}

// The role may no longer log in, and its sessions are ended: nothing that waiting for would help.
void role_locked(FaultRun& run) {
  auto random = run.random("fault");
  const bool of_source = random.chance(50);
  const auto role = of_source ? "hauler" : "loader";
  auto copy = begin(run, random);
  run_psql(conninfo(run, of_source),
           fmt::format(
               "ALTER ROLE {0} NOLOGIN; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{0}'",
               role));
  run.strike("{}: role locked, sessions terminated", name(of_source));
  copy.finish({0, 5});
  run_psql(conninfo(run, of_source), fmt::format("ALTER ROLE {} LOGIN", role));
}

// Somebody holds the table for a while.
void lock_on_source(FaultRun& run) {
  auto random = run.random("fault");
  run.use(draw_workload(run.random("data")));
  auto copy = run.start({"--sleep", "5ms"});
  std::this_thread::sleep_for(std::chrono::milliseconds(random.between(0, 500)));
  const auto pause = random.between(200, 4000);
  run.strike("ACCESS EXCLUSIVE on the source for {} ms", pause);
  run.source_sql(fmt::format("BEGIN; LOCK TABLE public.profiles; SELECT pg_sleep({} / 1000.0); COMMIT", pause));
  copy.finish({0, 3});
}

// Errors that may pass, at every so many rows, from inside the target.
void passing_errors(FaultRun& run) {
  auto random = run.random("fault");
  const auto code = random.pick(std::vector<std::string>{"40P01", "40001", "55P03", "53200"});
  run.use(long_workload(run.random("data"), 1000, 20));
  run.target_sql(fmt::format(
      "CREATE TABLE public.profiles (id bigint, data jsonb); ALTER TABLE public.profiles OWNER TO loader;"
      "ALTER TABLE public.profiles ADD PRIMARY KEY (id); CREATE INDEX profiles_name ON public.profiles ((data ->> "
      "'name'));"
      "CREATE SEQUENCE public.met; GRANT ALL ON SEQUENCE public.met TO loader;"
      "CREATE FUNCTION public.fail() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN "
      "IF nextval('public.met') IN ({}) THEN RAISE EXCEPTION 'made up' USING ERRCODE = '{}'; END IF; RETURN NEW; "
      "END$$;"
      "CREATE TRIGGER fail BEFORE INSERT ON public.profiles FOR EACH ROW EXECUTE FUNCTION public.fail()",
      fmt::format("{}, {}, {}", random.between(1, 300), random.between(301, 600), random.between(601, 1000)), code));
  run.strike("{} three times on the target", code);
  run.once({0}, {"--allow", "triggers"});
  run.finish_with({"--allow", "triggers"});
}

}  // namespace

std::vector<FaultKind> server_faults() {
  return {{"C1_source_crash", source_crash, 6, {Verb::verify}},
          {"C2_target_crash", target_crash, 6, {Verb::verify}},
          {"C3_target_loses_commits", target_loses_commits, 4},
          {"C3_target_crash_after_success", target_crash_after_success, 4},
          {"C4_backend_killed", backend_killed, 5, {Verb::verify}},
          {"C6_sessions_terminated", sessions_terminated, 10, {Verb::verify}},
          {"C6_queries_cancelled", queries_cancelled, 5, {Verb::verify}},
          {"C14_few_connections", few_connections, 5, {Verb::verify}},
          {"C16_role_locked", role_locked, 4, {Verb::verify}},
          {"E2_lock_on_source", lock_on_source, 4, {Verb::verify}},
          {"E3_passing_errors", passing_errors, 5}};
}

}  // namespace pghaul::test
