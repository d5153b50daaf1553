// Every interleaving of the ledger protocol within bounds; and the bugs that appear when a part of it is
// taken out. A bug is printed as a shortest trace that leads to it.
#include "model/ledger_model.h"

#include <chrono>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "model/state_space.h"

namespace pghaul::model {
namespace {

Exploration explore(const Config& config) {
  const auto start = std::chrono::steady_clock::now();
  const LedgerModel model(config);
  Exploration result = Explorer<LedgerModel>(model).run();
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
  fmt::print("{} states, {} steps, {:.2f} s\n", result.states, result.steps, time.count());
  return result;
}

std::string story(const std::string& end, const std::vector<std::string>& trace) {
  std::string text;
  for (std::size_t i = 0; i < trace.size(); ++i) text += fmt::format("{:4}  {}\n", i + 1, trace[i]);
  return text + "   => " + end + "\n";
}

void expect_sound(const Exploration& found) {
  EXPECT_EQ(found.violation, "") << story(found.violation, found.trace);
  EXPECT_EQ(found.hopeless, 0u) << story("cannot finish from here", found.hopeless_trace);
  EXPECT_GT(found.states, 10'000u);
}

const Config everything{.with_chunk_b = false,
                        .bounds = {.crashes = 1, .cuts = 1, .takeovers = 1, .generations = 1}};

// ---- The protocol as it is ---------------------------------------------------------------------

TEST(LedgerModel, IsSoundAndReachesWhatItIsAbout) {
  const Exploration found = explore(everything);
  expect_sound(found);
  for (const auto& [what, times] : found.taken) fmt::print("{:10} x {}\n", times, what);
  for (const char* what :
       {"COMMITs, though its client is gone", "marks 0 rows, no longer pending",
        "finds its chunk already done", "finds its chunk split", "finds that it is fenced",
        "exits, being fenced", "empties the target", "finishes the copy and exits", "takes over",
        "takes over from an owner, or after the end"}) {
    EXPECT_TRUE(found.taken.contains(what)) << what;
  }
  EXPECT_FALSE(found.taken.contains("finds its chunk still pending")) << "0 rows have a fourth meaning";
  EXPECT_FALSE(found.taken.contains("fails to insert the children again"));
}

struct Scenario {
  const char* name;
  Config config;
};
class LedgerModelIn : public testing::TestWithParam<Scenario> {};

TEST_P(LedgerModelIn, IsSound) { expect_sound(explore(GetParam().config)); }

INSTANTIATE_TEST_SUITE_P(
    Scenarios, LedgerModelIn,
    testing::Values(
        Scenario{"TwoChunksFailures", {.bounds = {.crashes = 1, .cuts = 1, .takeovers = 1}}},
        Scenario{"TwoChunksNewGeneration", {.bounds = {.takeovers = 1, .generations = 1}}},
        Scenario{"TwoWritersFailures", {.writers = {2, 1}, .bounds = {.crashes = 1, .cuts = 2}}},
        Scenario{"TwoWritersTakeover", {.writers = {2, 1}, .bounds = {.cuts = 1, .takeovers = 1}}},
        Scenario{"TwoWritersNewGeneration", {.writers = {2, 1}, .bounds = {.generations = 1}}}),
    [](const auto& test) { return std::string(test.param.name); });

// ---- The protocol with a part taken out --------------------------------------------------------

constexpr const char* old_row = "a row of another generation is in the target";
constexpr const char* twice = "a row is in the target twice";
constexpr const char* missing = "the copy is finished and a row is missing";

struct Broken {
  const char* name;
  Mutation mutation;
  const char* violation;
};
class LedgerModelBroken : public testing::TestWithParam<Broken> {};

TEST_P(LedgerModelBroken, IsFoundOut) {
  Config config = everything;
  config.mutation = GetParam().mutation;
  config.target_only = true;
  const Exploration found = explore(config);
  fmt::print("{}", story(found.violation, found.trace));
  EXPECT_EQ(found.violation, GetParam().violation);
  EXPECT_FALSE(found.trace.empty());
}

INSTANTIATE_TEST_SUITE_P(
    Mutations, LedgerModelBroken,
    testing::Values(Broken{"MarkWithoutEpoch", Mutation::mark_without_epoch, old_row},
                    Broken{"WriterWithoutFence", Mutation::writer_without_fence, old_row},
                    Broken{"BlindPipelining", Mutation::blind_pipelining, twice},
                    Broken{"BlindRepeat", Mutation::blind_repeat, twice},
                    Broken{"SplitWithoutState", Mutation::split_without_state, twice},
                    Broken{"SelectThenUpdate", Mutation::select_then_update, twice},
                    Broken{"TakeoverWithoutFence", Mutation::takeover_without_fence, old_row},
                    Broken{"FenceInsideMark", Mutation::fence_inside_mark, old_row},
                    Broken{"ZeroRowsMeanDone", Mutation::zero_rows_mean_done, missing}),
    [](const auto& test) { return std::string(test.param.name); });

// Safe, but nobody could ever finish the job of a dead owner.
TEST(LedgerModel, FindsAJobThatCannotBeFinished) {
  Config config = everything;
  config.mutation = Mutation::owner_is_a_row;
  const Exploration found = explore(config);
  fmt::print("{}", story("cannot finish from here", found.hopeless_trace));
  EXPECT_EQ(found.violation, "");
  EXPECT_GT(found.hopeless, 0u);
}

}  // namespace
}  // namespace pghaul::model
