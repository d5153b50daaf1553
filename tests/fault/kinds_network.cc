// B*: the line between us and a server.
#include <thread>

#include <signal.h>

#include "fault/fault_kinds.h"

namespace pghaul::test {
namespace {

using namespace std::chrono_literals;

struct Side {
  const char* name;
  CuttingProxy& proxy;
};

Side draw_side(FaultRun& run, Random& random) {
  if (random.chance(50)) return {"source", run.source_proxy()};
  return {"target", run.target_proxy()};
}

Cut draw_cut(Random& random) { return random.chance(50) ? Cut::fin : Cut::reset; }

std::string describe(const CutRule& rule) {
  static constexpr const char* ways[] = {"FIN", "RST", "silence"};
  return fmt::format("{} at message {} '{}' to the {}{}{}, {:+} bytes", ways[static_cast<int>(rule.how)], rule.nth,
                     rule.type, rule.direction == Direction::to_client ? "client" : "server",
                     rule.session.empty() ? "" : " of " + rule.session, rule.before ? ", before it" : "",
                     rule.offset);
}

// Arms the rule, copies, and notes whether it struck. The run must get over it by itself.
void copy_through(FaultRun& run, const Side& side, const CutRule& rule, const std::set<int>& allowed = {0}) {
  side.proxy.cut(rule);
  run.once(allowed);
  if (side.proxy.cuts() == 0) return run.note("{} was not met: {}", side.name, describe(rule));
  run.strike("{}: {}", side.name, describe(rule));
}

// The first connections of a run are made once: what fails there is said at once, and nothing was written.
void cut_in_startup(FaultRun& run) {
  run.use(draw_workload(run.random("data")));
  auto random = run.random("fault");
  const auto side = draw_side(run, random);
  CutRule rule;
  rule.type = random.pick(std::vector<char>{startup_message, 'R', 'S', 'K', 'Z'});
  rule.direction = rule.type == startup_message ? Direction::to_server : Direction::to_client;
  rule.nth = static_cast<int>(random.between(1, rule.type == 'S' ? 60 : 8));
  rule.offset = random.between(-1, 1);
  rule.how = draw_cut(random);
  copy_through(run, side, rule, {0, 3});
}

// Any message of a session that has begun. A message of `types` in a random place.
CutRule draw_rule(Random& random, Direction direction, const std::vector<char>& types,
                  const std::vector<std::string>& sessions) {
  CutRule rule;
  rule.direction = direction;
  rule.type = random.pick(types);
  rule.session = random.pick(sessions);
  rule.nth = static_cast<int>(random.between(1, random.chance(50) ? 4 : 40));
  rule.before = random.chance(30);
  rule.offset = rule.before ? random.between(0, 1) : random.between(-1, 1);
  rule.how = draw_cut(random);
  return rule;
}

void source_cut(FaultRun& run) {
  run.use(draw_workload(run.random("data")));
  auto random = run.random("fault");
  const auto rule =
      random.chance(70)
          ? draw_rule(random, Direction::to_client, {'H', 'd', 'd', 'd', 'c', 'C', 'Z', 'T', 'D'}, {"reader"})
          : draw_rule(random, Direction::to_server, {'Q', 'P', 'B', 'S', 'X'}, {"reader", "reader 1"});
  copy_through(run, {"source", run.source_proxy()}, rule);
}

void target_cut(FaultRun& run) {
  run.use(draw_workload(run.random("data")));
  auto random = run.random("fault");
  const std::vector<std::string> sessions{"writer", "writer", "ledger"};
  const auto rule = random.chance(60)
                        ? draw_rule(random, Direction::to_server, {'d', 'd', 'c', 'Q', 'P', 'B', 'S', 'X'}, sessions)
                        : draw_rule(random, Direction::to_client, {'G', 'C', 'Z', 'T', 'D', '2'}, sessions);
  copy_through(run, {"target", run.target_proxy()}, rule);
}

// Sessions that are needed from the first statement on: before anything is written a cut may be refused.
void control_session_cut(FaultRun& run) {
  run.use(draw_workload(run.random("data")));
  auto random = run.random("fault");
  const auto side = draw_side(run, random);
  const auto rule = draw_rule(random, random.chance(50) ? Direction::to_client : Direction::to_server,
                              {0, 'Q', 'C', 'Z', 'D'}, {"control", "snapshot", "preflight", "ledger", ""});
  copy_through(run, side, rule, {0, 3});
}

void commit_unknown(FaultRun& run) {
  run.use(draw_workload(run.random("data")));
  auto random = run.random("fault");
  const bool carried_out = random.chance(50);
  const int times = random.chance(70) ? 1 : 3;
  for (int i = 0; i < times; ++i) {
    auto rule = carried_out ? lose_commit_answer(draw_cut(random)) : lose_commit(draw_cut(random));
    rule.nth = static_cast<int>(random.between(1, 12));
    run.target_proxy().cut(rule);
  }
  run.once({0});
  if (run.target_proxy().cuts() == 0) return run.note("there were not so many COMMITs");
  run.strike("{} COMMITs that {} got no answer", run.target_proxy().cuts(),
             carried_out ? "were carried out" : "never arrived");
}

void connections_die_at_random(FaultRun& run) {
  run.use(draw_workload(run.random("data")));
  auto random = run.random("fault");
  const auto side = draw_side(run, random);
  auto copy = run.start({"--sleep", "10ms"});
  if (!run.wait_for_chunks(1)) return run.problem("no chunk was done: {}", copy.err());
  for (auto i = random.between(2, 8); i > 0 && !copy.ended(); --i) {
    side.proxy.cut_all(draw_cut(random));
    run.strike("all connections to the {} cut", side.name);
    std::this_thread::sleep_for(std::chrono::milliseconds(random.between(20, 700)));
  }
  copy.finish({0});
}

// Bytes flow, but slowly: that is no fault of anybody's, and nothing may time out.
void slow_peer(FaultRun& run) {
  auto workload = draw_workload(run.random("data"));
  run.use(workload);
  auto random = run.random("fault");
  const auto side = draw_side(run, random);
  Traffic traffic;
  const auto way = random.between(1, 3);
  if (way == 1) traffic.bytes_per_second = random.between(100'000, 400'000);
  if (way == 2) traffic.single_bytes = true;
  if (way == 3) traffic.frame_delay = std::chrono::microseconds(random.between(100, 1000));
  side.proxy.set_traffic(traffic);
  run.strike("{} is slow: {}", side.name,
             way == 1   ? fmt::format("{} bytes/s", traffic.bytes_per_second)
             : way == 2 ? "single bytes"
                        : "a pause before each message");
  run.once({0});
}

// The peer vanishes without a word; a new connection works.
void silence(FaultRun& run) {
  run.use(long_workload(run.random("data"), 800, 20));
  auto random = run.random("fault");
  const auto side = draw_side(run, random);
  auto copy = run.start();
  if (!run.wait_for_chunks(random.between(1, 6))) return run.problem("no chunk was done: {}", copy.err());
  const auto begin = Deadline::Clock::now();
  side.proxy.cut_all(Cut::silence);
  run.strike("all connections to the {} silent", side.name);
  copy.finish({0}, 60s);
  run.note("over it after {} s", (Deadline::Clock::now() - begin) / 1s);
}

// A server that is stopped accepts connections (the kernel does) and never answers.
void postmaster_stopped(FaultRun& run) {
  run.use(draw_workload(run.random("data")));
  auto random = run.random("fault");
  const auto side = draw_side(run, random);
  auto& server = side.name == std::string("source") ? source_server() : target_server();
  auto copy = run.start({"--sleep", "10ms"});
  std::this_thread::sleep_for(std::chrono::milliseconds(random.between(0, 600)));
  const auto postmaster = server.postmaster_pid();
  ::kill(postmaster, SIGSTOP);
  side.proxy.cut_all(draw_cut(random));
  const auto pause = random.between(500, 7000);
  run.strike("postmaster of the {} stopped for {} ms, its sessions cut", side.name, pause);
  std::this_thread::sleep_for(std::chrono::milliseconds(pause));
  ::kill(postmaster, SIGCONT);
  copy.finish({0, 3});
}

void refused_for_a_while(FaultRun& run) {
  run.use(draw_workload(run.random("data")));
  auto random = run.random("fault");
  const auto side = draw_side(run, random);
  auto copy = run.start({"--sleep", "10ms"});
  if (!run.wait_for_chunks(1)) return run.problem("no chunk was done: {}", copy.err());
  side.proxy.refuse_connections();
  side.proxy.cut_all(draw_cut(random));
  const auto pause = random.between(100, 4000);
  run.strike("{} refuses connections for {} ms", side.name, pause);
  std::this_thread::sleep_for(std::chrono::milliseconds(pause));
  side.proxy.heal();
  copy.finish({0});
}

void cancel_lost(FaultRun& run) {
  run.use(draw_workload(run.random("data")));
  auto random = run.random("fault");
  CutRule rule;
  rule.direction = Direction::to_server;
  rule.type = cancel_request;
  rule.before = true;
  rule.times = 0;
  for (auto* proxy : {&run.source_proxy(), &run.target_proxy()}) proxy->cut(rule);
  auto copy = run.start({"--sleep", "5ms"});
  std::this_thread::sleep_for(std::chrono::milliseconds(random.between(50, 600)));
  run.strike("SIGTERM, and cancel requests get lost");
  copy.signal(SIGTERM);
  copy.finish({0, 4}, 15s);
}

}  // namespace

std::vector<FaultKind> network_faults() {
  return {{"B1_cut_in_startup", cut_in_startup, 10, {Verb::verify, Verb::ledger_check}},
          {"B2_source_cut", source_cut, 20},
          {"B3_target_cut", target_cut, 20},
          {"B4_commit_unknown", commit_unknown, 20},
          {"B6_silence", silence, 1, {Verb::verify}},
          {"B9_slow_peer", slow_peer, 3, {Verb::verify}},
          {"B11_postmaster_stopped", postmaster_stopped, 3, {Verb::verify}},
          {"B12_connections_die_at_random", connections_die_at_random, 10, {Verb::verify}},
          {"B12_refused_for_a_while", refused_for_a_while, 5, {Verb::verify}},
          {"B15_control_session_cut", control_session_cut, 10},
          {"B18_cancel_lost", cancel_lost, 3, {Verb::verify}}};
}

}  // namespace pghaul::test
