// All faults that are played from seeds. A seed says which one, and everything that is random about it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fault/fault_run.h"

namespace pghaul::test {

// What pghaul does meanwhile: `verify` compares two servers, `ledger_check` is verify --from-ledger.
enum class Verb { copy, verify, ledger_check };

struct FaultKind {
  // Begins with an id of docs/reliability.md, as "A2_killed_at_random".
  std::string name;
  // Draws a workload, starts pghaul, disturbs it, and leaves servers running. What comes after it is
  // FaultRun::expect_recovery(). Errors: any; they count as problems.
  void (*play)(FaultRun& run);
  int weight = 10;  // in the soak; 0: not there, as it takes long
  // What else it is played with: one more kind each, as "verify_A2_killed_at_random".
  std::vector<Verb> also = {};
  Verb verb = Verb::copy;
};

// By what they break; in kinds_*.cc.
std::vector<FaultKind> process_faults();
std::vector<FaultKind> network_faults();
std::vector<FaultKind> cut_faults();
std::vector<FaultKind> server_faults();
std::vector<FaultKind> source_faults();
std::vector<FaultKind> owner_faults();

const std::vector<FaultKind>& fault_kinds();
const FaultKind* find_kind(std::string_view name);

// The upper 16 bits stand for the kind, by its name, so that they stay when kinds are added.
std::uint64_t seed_of(const FaultKind& kind, std::uint64_t number);
// Number of which the seed was made.
std::uint64_t number_of(std::uint64_t seed);
// Null: no kind has this seed.
const FaultKind* kind_of(std::uint64_t seed);

// What the kind is played with.
std::unique_ptr<FaultRun> make_run(const FaultKind& kind, std::uint64_t seed);
// From beginning to end. Errors: usage, for a seed of no kind.
Verdict play(std::uint64_t seed);

}  // namespace pghaul::test
