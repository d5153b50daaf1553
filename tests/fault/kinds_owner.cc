// J*: two processes for one copy.
#include <thread>

#include <signal.h>

#include "fault/fault_kinds.h"

namespace pghaul::test {
namespace {

using namespace std::chrono_literals;

// Exactly one works; the other is refused, unless it comes when all is done.
void two_starts(FaultRun& run) {
  auto random = run.random("fault");
  run.use(draw_workload(run.random("data")));
  run.strike("two starts at once");
  auto one = run.start({"--sleep", "20ms"});
  std::this_thread::sleep_for(std::chrono::milliseconds(random.chance(50) ? 0 : random.between(0, 200)));
  auto other = run.start({"--sleep", "20ms"});
  const auto first = one.finish({0, 3}), second = other.finish({0, 3});
  if (first.status != 0 && second.status != 0) run.problem("nobody worked\n{}{}", first.err, second.err);
}

// One sleeps while another takes over, and wakes while that one works, or after it.
void split_brain(FaultRun& run) {
  auto random = run.random("fault");
  run.use(long_workload(run.random("data"), random.between(600, 2500), 30));
  auto sleeper = run.start();
  std::this_thread::sleep_for(std::chrono::milliseconds(random.between(50, 900)));
  sleeper.signal(SIGSTOP);
  auto heir = run.start({"--take-over"});
  const auto pause = random.between(0, 2500);
  std::this_thread::sleep_for(std::chrono::milliseconds(pause));
  run.strike("one sleeps, another takes over, the first wakes after {} ms", pause);
  sleeper.signal(SIGCONT);
  // Asleep before it began it finds the heir, or takes nothing; 5: it was shut out.
  sleeper.finish({0, 3, 5});
  heir.finish({0});
}

// Each takes it from the one before.
void take_over_again_and_again(FaultRun& run) {
  auto random = run.random("fault");
  run.use(long_workload(run.random("data"), random.between(600, 2500), 30));
  std::vector<std::unique_ptr<FaultedProcess>> copies;
  for (int i = 0; i < 4; ++i) {
    copies.push_back(std::make_unique<FaultedProcess>(run.start({"--take-over"})));
    std::this_thread::sleep_for(std::chrono::milliseconds(random.between(0, 400)));
  }
  run.strike("four owners, one after the other");
  int through = 0;
  for (auto& copy : copies) through += copy->finish({0, 3, 5}).status == 0 ? 1 : 0;
  if (through == 0) run.problem("nobody finished");
}

}  // namespace

std::vector<FaultKind> owner_faults() {
  return {{"J1_two_starts", two_starts, 8},
          {"J2_split_brain", split_brain, 8},
          {"J2_take_over_again_and_again", take_over_again_and_again, 4}};
}

}  // namespace pghaul::test
