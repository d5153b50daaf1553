// B1 to B3 with system: an undisturbed copy shows which messages there are, and the line is cut at each of their
// kinds.
#include <algorithm>
#include <map>
#include <tuple>

#include "fault/fault_kinds.h"

namespace pghaul::test {
namespace {

// Always the same tables, so that places mean something: two with a key, one read by pages.
Workload cut_workload() {
  auto workload = long_workload(Random(1), 400, 8);
  workload.create_sql +=
      "CREATE TABLE public.pages (v text); INSERT INTO public.pages SELECT 'v' || g FROM "
      "generate_series(1, 300) g; ANALYZE public.pages;";
  workload.tables.emplace_back("pages");
  workload.options.insert(workload.options.end(), {"--table", "public.pages"});
  workload.rows += 300;
  std::ranges::replace(workload.options, std::string("40ms"), std::string("1ms"));
  return workload;
}

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

std::vector<CutRule> find_places(bool of_source) {
  FaultRun run(seed_of(*find_kind(of_source ? "B2_cut_at_place_of_source" : "B3_cut_at_place_of_target"),
                       UINT64_MAX));  // not one of a place
  run.use(cut_workload());
  auto& proxy = of_source ? run.source_proxy() : run.target_proxy();
  run.copy({0});
  return places(proxy.seen());
}

// How it is cut goes round with the number: one byte short, exactly, one byte late; FIN and RST.
CutRule rule_of(std::uint64_t number, const std::vector<CutRule>& places) {
  auto rule = places.at(number % places.size());
  rule.offset = static_cast<std::int64_t>(number / places.size() + number) % 3 - 1;
  rule.how = (number / places.size() + number / 2) % 2 == 0 ? Cut::reset : Cut::fin;
  return rule;
}

void cut_at_place(FaultRun& run, bool of_source, const std::vector<CutRule>& places) {
  const auto rule = rule_of(number_of(run.seed()), places);
  run.use(cut_workload());
  auto& proxy = of_source ? run.source_proxy() : run.target_proxy();
  proxy.cut(rule);
  // The first connections are made once; what fails there is refused with nothing written.
  run.copy({0, 3});
  if (proxy.cuts() == 0) return run.note("not met: message {} of type '{}'", rule.nth, rule.type);
  run.strike("{} at message {} of type '{}' to the {}, {:+} bytes", rule.how == Cut::fin ? "FIN" : "RST", rule.nth,
             rule.type, rule.direction == Direction::to_client ? "client" : "server", rule.offset);
}

void source_cut_at_place(FaultRun& run) {
  static const auto places = find_places(true);
  cut_at_place(run, true, places);
}
void target_cut_at_place(FaultRun& run) {
  static const auto places = find_places(false);
  cut_at_place(run, false, places);
}

}  // namespace

std::vector<FaultKind> cut_faults() {
  return {{"B2_cut_at_place_of_source", source_cut_at_place, 15},
          {"B3_cut_at_place_of_target", target_cut_at_place, 15}};
}

}  // namespace pghaul::test
