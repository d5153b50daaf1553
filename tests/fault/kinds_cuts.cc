// B1 to B3 with system: an undisturbed copy shows which messages there are, and the line is cut at each of their
// kinds, and at bytes between them.
#include <algorithm>
#include <map>
#include <tuple>

#include "fault/fault_kinds.h"

namespace pghaul::test {
namespace {

// First, middle and last message of each type in each direction; one after the other of each type, so that any
// number of them covers as many types as it can.
std::vector<CutRule> places(const std::vector<SeenMessages>& seen) {
  std::map<std::pair<Direction, char>, std::int64_t> counts;
  for (const auto& messages : seen) counts[{messages.direction, messages.type}] += messages.count;
  std::vector<CutRule> rules;
  for (const int part : {2, 0, 4, 1, 3}) {  // quarters of the way
    for (const auto& [message, count] : counts) {
      if (count <= part && part > 2) continue;
      CutRule rule;
      std::tie(rule.direction, rule.type) = message;
      rule.nth = static_cast<int>(std::clamp<std::int64_t>(count * part / 4, 1, count));
      rules.push_back(rule);
    }
  }
  return rules;
}

// What goes through the proxy when nobody disturbs.
std::vector<SeenMessages> undisturbed(const FaultKind& kind, bool of_source) {
  const auto run = make_run(kind, seed_of(kind, UINT64_MAX));  // not one of a place
  run->use(fixed_workload());
  auto& proxy = of_source ? run->source_proxy() : run->target_proxy();
  run->once({0});
  return proxy.seen();
}

const std::vector<SeenMessages>& messages_of(const FaultRun& run, bool of_source) {
  static std::map<std::string, std::vector<SeenMessages>> known;
  const auto& kind = *kind_of(run.seed());
  const auto found = known.find(kind.name);
  return found != known.end() ? found->second : known.emplace(kind.name, undisturbed(kind, of_source)).first->second;
}

// How it is cut goes round with the number: one byte short, exactly, one byte late; FIN and RST.
CutRule rule_of(std::uint64_t number, const std::vector<CutRule>& places) {
  auto rule = places.at(number % places.size());
  rule.offset = static_cast<std::int64_t>(number / places.size() + number) % 3 - 1;
  rule.how = (number / places.size() + number / 2) % 2 == 0 ? Cut::reset : Cut::fin;
  return rule;
}

// Of all that goes over one of the connections in one direction. What is drawn is a part of it, as the same play may
// have some bytes more or less.
CutRule rule_at_byte(Random random, const std::vector<SeenMessages>& seen) {
  CutRule rule;
  rule.connection = static_cast<int>(random.between(1, std::ranges::max(seen, {}, &SeenMessages::connection).connection));
  rule.direction = random.chance(50) ? Direction::to_client : Direction::to_server;
  rule.how = random.chance(50) ? Cut::fin : Cut::reset;
  std::uint64_t bytes = 0;
  for (const auto& messages : seen) {
    if (messages.connection == rule.connection && messages.direction == rule.direction) bytes += messages.bytes;
  }
  rule.before = true;
  rule.offset = static_cast<std::int64_t>(bytes) * random.between(0, 100'000) / 100'000;
  return rule;
}

void cut_through(FaultRun& run, bool of_source, const CutRule& rule, const std::string& place) {
  run.use(fixed_workload());
  auto& proxy = of_source ? run.source_proxy() : run.target_proxy();
  proxy.cut(rule);
  // The first connections are made once; what fails there is refused with nothing written.
  run.once({0, 3});
  if (proxy.cuts() == 0) return run.note("not met: {}", place);
  run.strike("{} at {} to the {}, {:+} bytes", rule.how == Cut::fin ? "FIN" : "RST", place,
             rule.direction == Direction::to_client ? "client" : "server", rule.offset);
}

void cut_at_place(FaultRun& run, bool of_source) {
  const auto rule = rule_of(number_of(run.seed()), places(messages_of(run, of_source)));
  cut_through(run, of_source, rule, fmt::format("message {} of type '{}'", rule.nth, rule.type));
}

void cut_at_byte(FaultRun& run, bool of_source) {
  const auto rule = rule_at_byte(run.random("fault"), messages_of(run, of_source));
  cut_through(run, of_source, rule, fmt::format("connection {}", rule.connection));
}

void source_cut_at_place(FaultRun& run) { cut_at_place(run, true); }
void target_cut_at_place(FaultRun& run) { cut_at_place(run, false); }
void source_cut_at_byte(FaultRun& run) { cut_at_byte(run, true); }
void target_cut_at_byte(FaultRun& run) { cut_at_byte(run, false); }

}  // namespace

std::vector<FaultKind> cut_faults() {
  return {{"B2_cut_at_place_of_source", source_cut_at_place, 15, {Verb::verify}},
          {"B2_cut_at_byte_of_source", source_cut_at_byte, 15, {Verb::verify}},
          {"B3_cut_at_place_of_target", target_cut_at_place, 15, {Verb::verify, Verb::ledger_check}},
          {"B3_cut_at_byte_of_target", target_cut_at_byte, 15, {Verb::verify, Verb::ledger_check}}};
}

}  // namespace pghaul::test
