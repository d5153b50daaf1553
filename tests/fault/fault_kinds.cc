#include "fault/fault_kinds.h"

#include <algorithm>

#include "fault/verify_run.h"
#include "pghaul/error.h"

namespace pghaul::test {
namespace {

constexpr int number_bits = 48;

std::uint64_t kind_bits(std::string_view name) { return Random::hash(name) >> number_bits; }

std::string name_with(Verb verb, const std::string& name) {
  return (verb == Verb::verify ? "verify_" : "ledger_") + name;
}

std::vector<FaultKind> with_all_verbs(std::vector<FaultKind> kinds) {
  const auto copies = kinds.size();
  for (std::size_t i = 0; i < copies; ++i) {
    const auto kind = kinds[i];
    for (const auto verb : kind.also) {
      kinds.push_back({name_with(verb, kind.name), kind.play, kind.weight, {}, verb});
    }
  }
  return kinds;
}

std::vector<FaultKind> all_kinds() {
  std::vector<FaultKind> all;
  for (const auto& kinds :
       {process_faults(), network_faults(), cut_faults(), server_faults(), source_faults(), owner_faults()}) {
    all.insert(all.end(), kinds.begin(), kinds.end());
  }
  return all;
}

}  // namespace

const std::vector<FaultKind>& fault_kinds() {
  static const auto kinds = with_all_verbs(all_kinds());
  return kinds;
}

const FaultKind* find_kind(std::string_view name) {
  const auto found = std::ranges::find(fault_kinds(), name, &FaultKind::name);
  return found == fault_kinds().end() ? nullptr : &*found;
}

std::uint64_t seed_of(const FaultKind& kind, std::uint64_t number) {
  return kind_bits(kind.name) << number_bits | number_of(number);
}

std::uint64_t number_of(std::uint64_t seed) { return seed & ((std::uint64_t{1} << number_bits) - 1); }

const FaultKind* kind_of(std::uint64_t seed) {
  for (const auto& kind : fault_kinds()) {
    if (kind_bits(kind.name) == seed >> number_bits) return &kind;
  }
  return nullptr;
}

std::unique_ptr<FaultRun> make_run(const FaultKind& kind, std::uint64_t seed) {
  std::unique_ptr<FaultRun> run;
  switch (kind.verb) {
    case Verb::copy: run = std::make_unique<FaultRun>(seed); break;
    case Verb::verify: run = std::make_unique<VerifyRun>(seed); break;
    case Verb::ledger_check: run = std::make_unique<LedgerCheckRun>(seed); break;
  }
  run->verdict().kind = kind.name;
  return run;
}

Verdict play(std::uint64_t seed) {
  const auto* const kind = kind_of(seed);
  if (kind == nullptr) throw Error(ErrorKind::usage, fmt::format("{} is the seed of no fault", seed));
  const auto begin = Deadline::Clock::now();
  const auto run = make_run(*kind, seed);
  try {
    kind->play(*run);
    run->expect_recovery();
  } catch (const std::exception& error) {
    run->problem("{}", error.what());
  }
  run->verdict().took = std::chrono::duration_cast<std::chrono::milliseconds>(Deadline::Clock::now() - begin);
  return run->verdict();
}

}  // namespace pghaul::test
