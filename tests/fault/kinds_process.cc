// A*: our process dies, sleeps, or fails inside.
#include <thread>

#include <signal.h>

#include "base/failpoint.h"
#include "fault/fault_kinds.h"

namespace pghaul::test {
namespace {

using namespace std::chrono_literals;

Environment failing(std::string_view name, const std::string& action) {
  return {{"PGHAUL_FAILPOINTS", fmt::format("{}={}", name, action)}};
}

// The seed's number goes through all names, so that as many numbers as there are names meet each once.
std::string_view failpoint_of(const FaultRun& run) {
  return run.failpoints().at(number_of(run.seed()) % run.failpoints().size());
}

// Whatever the workload is like.
bool is_met_once(std::string_view name) {
  return name.starts_with("record.") || name == fp::rows_before_look || name == fp::rows_looked_at;
}

void killed_at_failpoint(FaultRun& run) {
  run.use(draw_workload(run.random("data")));
  auto random = run.random("fault");
  const auto name = failpoint_of(run);
  const auto hit = random.between(1, is_met_once(name) || random.chance(50) ? 1 : 12);
  run.strike("{}=kill9@{}", name, hit);
  // A step that this workload does not have, or not so often, does not kill.
  run.once({0, FaultRun::killed}, {}, failing(name, fmt::format("kill9@{}", hit)));
}

void error_at_failpoint(FaultRun& run) {
  run.use(draw_workload(run.random("data")));
  const auto name = failpoint_of(run);
  const auto hit = run.random("fault").between(1, 5);
  run.strike("{}=error@{}", name, hit);
  run.once({0}, {}, failing(name, fmt::format("error@{}", hit)));
}

void hung_at_failpoint(FaultRun& run) {
  run.use(draw_workload(run.random("data")));
  const auto name = failpoint_of(run);
  run.strike("{}=hang, then SIGKILL", name);
  auto copy = run.start({}, failing(name, "hang"));
  std::this_thread::sleep_for(std::chrono::milliseconds(run.random("fault").between(200, 1500)));
  copy.signal(SIGKILL);
  copy.finish({0, FaultRun::killed});
}

// Dead after a random time, again and again, unless the copy is through before.
void kill_at_random(FaultRun& run, int times) {
  run.use(draw_workload(run.random("data")));
  auto random = run.random("fault");
  std::int64_t done = 0;
  for (int i = 0; i < times; ++i) {
    auto copy = run.start({"--sleep", "3ms"});
    const auto after = random.between(20, random.chance(30) ? 1500 : 500);
    std::this_thread::sleep_for(std::chrono::milliseconds(after));
    run.strike("SIGKILL after {} ms", after);
    copy.signal(SIGKILL);
    if (copy.finish({0, FaultRun::killed}).status == run.through()) return;
    const auto now = run.chunks_done();
    if (now < done) run.problem("progress went back from {} to {} chunks", done, now);
    done = now;
  }
}

void killed_at_random(FaultRun& run) { kill_at_random(run, 1); }
void killed_again_during_resume(FaultRun& run) { kill_at_random(run, 10); }

void stopped_by_signal(FaultRun& run) {
  run.use(draw_workload(run.random("data")));
  auto random = run.random("fault");
  const auto number = random.pick(std::vector<int>{SIGTERM, SIGINT, SIGHUP});
  auto copy = run.start({"--sleep", "5ms"});
  std::this_thread::sleep_for(std::chrono::milliseconds(random.between(5, 800)));
  run.strike("signal {}", number);
  copy.signal(number);
  const bool twice = random.chance(20);
  if (twice) copy.signal(number);
  // Before main() has set up its handlers a signal kills; the second one quits at once.
  copy.finish({0, 4, 128 + number}, 12s);
}

void stopped_by_deadline(FaultRun& run) {
  run.use(draw_workload(run.random("data")));
  const auto time = run.random("fault").between(5, 900);
  run.strike("--timeout {}ms", time);
  run.start({"--sleep", "5ms", "--timeout", fmt::format("{}ms", time)}).finish({0, 4}, 12s);
}

void asleep_for_a_while(FaultRun& run) {
  run.use(draw_workload(run.random("data")));
  auto random = run.random("fault");
  auto copy = run.start({"--sleep", "5ms"});
  std::this_thread::sleep_for(std::chrono::milliseconds(random.between(20, 500)));
  const auto pause = random.between(100, 1500);
  run.strike("SIGSTOP for {} ms", pause);
  copy.signal(SIGSTOP);
  std::this_thread::sleep_for(std::chrono::milliseconds(pause));
  copy.signal(SIGCONT);
  copy.finish({0});
}

}  // namespace

std::vector<FaultKind> process_faults() {
  return {{"A1_killed_at_failpoint", killed_at_failpoint, 30, {Verb::verify}},
          {"A2_killed_at_random", killed_at_random, 20, {Verb::verify, Verb::ledger_check}},
          {"A3_killed_again_during_resume", killed_again_during_resume, 5, {Verb::verify}},
          {"A6_stopped_by_signal", stopped_by_signal, 10, {Verb::verify, Verb::ledger_check}},
          {"A6_stopped_by_deadline", stopped_by_deadline, 10, {Verb::verify, Verb::ledger_check}},
          {"A7_asleep_for_a_while", asleep_for_a_while, 5, {Verb::verify}},
          {"A8_error_at_failpoint", error_at_failpoint, 15},
          {"A8_hung_at_failpoint", hung_at_failpoint, 5, {Verb::verify}}};
}

}  // namespace pghaul::test
