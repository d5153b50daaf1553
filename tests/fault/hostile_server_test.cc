// Whatever a server does to us, pghaul ends in time, with a documented exit code, a message that cannot drive a
// terminal, without the password, and without having eaten the memory.
#include "fault/hostile_server.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fault/hostile_cases.h"
#include "fault/watched_program.h"

namespace pghaul::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

// Sanitizers keep notes of all memory beside it.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::int64_t memory_limit = 2'000'000'000;
#else
constexpr std::int64_t memory_limit = 300'000'000;
#endif
constexpr auto password = "canary/49+x";
constexpr auto password_in_uri = "canary%2F49%2Bx";
constexpr auto password_in_base64 = "Y2FuYXJ5LzQ5K3g=";
// More would only wait for the same two processors.
constexpr std::size_t threads = 12;

const HostileCases& all_cases() {
  static const auto cases = [] {
    HostileCases all;
    for (auto* const part :
         {start_up_cases, authentication_cases, answer_cases, content_cases, flood_cases, copy_cases}) {
      std::ranges::move(part(), std::back_inserter(all));
    }
    return all;
  }();
  return cases;
}

Arguments arguments_of(Meeting meeting, const HostileServer& hostile, const HostileServer& polite) {
  const auto bad = hostile.conninfo() + fmt::format(" password='{}'", password), good = polite.conninfo();
  const Arguments target{"--target", bad}, connect{"--connect-timeout", "2s"};
  Arguments arguments;
  switch (meeting) {
    case Meeting::status: return {"status", "--target", bad, "--connect-timeout", "2s"};
    case Meeting::plan_source: arguments = {"plan", "--source", bad, "--target", good}; break;
    case Meeting::verify_source: arguments = {"verify", "--source", bad, "--target", good}; break;
    case Meeting::verify_target: arguments = {"verify", "--source", good, "--target", bad}; break;
    case Meeting::copy_source: arguments = {"copy", "--source", bad, "--target", good}; break;
    case Meeting::copy_target: arguments = {"copy", "--source", good, "--target", bad}; break;
  }
  arguments.insert(arguments.end(), {"--table", "public.t", "--connect-timeout", "2s", "--statement-timeout", "2s",
                                     "--reconnect-timeout", "2s"});
  return arguments;
}

WatchedRun run_case(const HostileCase& hostile_case) {
  const HostileServer hostile(hostile_case.script);
  const HostileServer polite(polite_server("2"));
  return watch_pghaul(arguments_of(hostile_case.meeting, hostile, polite), 30s, {{"PGPASSFILE", "/no/such/file"}});
}

// Numbers of the cases that were not filtered out.
std::vector<std::size_t> wanted_cases() {
  std::vector<std::size_t> wanted;
  const auto& suite = *testing::UnitTest::GetInstance()->current_test_suite();
  for (int i = 0; i < suite.total_test_count(); ++i) {
    const auto& test = *suite.GetTestInfo(i);
    if (test.should_run()) wanted.push_back(std::strtoul(test.value_param(), nullptr, 10));
  }
  return wanted;
}

// All of them, at once, when the first is asked for: most of their time is waiting.
const std::vector<WatchedRun>& all_runs() {
  static const auto runs = [] {
    std::vector<WatchedRun> results(all_cases().size());
    const auto wanted = wanted_cases();
    std::atomic<std::size_t> next{0};
    std::vector<std::thread> workers;
    while (workers.size() < threads) {
      workers.emplace_back([&] {
        for (auto i = next++; i < wanted.size(); i = next++) results[wanted[i]] = run_case(all_cases()[wanted[i]]);
      });
    }
    for (auto& worker : workers) worker.join();
    return results;
  }();
  return runs;
}

// What drives a terminal: control characters but line ends and tabs, also those of 8 bits.
std::string control_characters(const std::string& text) {
  std::string found;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool c1 = byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if ((byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f || c1) found += fmt::format("{:02x} ", byte);
  }
  return found;
}

std::string shortened(WatchedRun run) {
  for (auto* const text : {&run.out, &run.err}) text->resize(std::min<std::size_t>(text->size(), 3000));
  return testing::PrintToString(run);
}

bool says_that_nothing_was_written(const std::string& said) {
  return said.find("nothing was written") != std::string::npos ||
         said.find("copy would be refused") != std::string::npos;
}

class HostileServers : public testing::TestWithParam<std::size_t> {};

TEST_P(HostileServers, AreSurvived) {
  const auto& given = all_cases()[GetParam()];
  const auto& run = all_runs()[GetParam()];
  SCOPED_TRACE(shortened(run));
  EXPECT_THAT(given.codes, testing::Contains(run.status));
  EXPECT_LT(run.took, given.limit);
  EXPECT_LT(run.peak_memory_bytes, memory_limit);
  const auto said = run.out + run.err;
  EXPECT_TRUE(run.status == 0 || said.find("error: ") != std::string::npos ||
              ("\n" + run.err).find("\npghaul: ") != std::string::npos);
  EXPECT_TRUE(run.status != 3 || given.meeting == Meeting::status || says_that_nothing_was_written(said));
  EXPECT_THAT(said, HasSubstr(given.says));
  EXPECT_EQ(control_characters(said), "");
  EXPECT_LT(said.size(), 100'000U);
  for (const auto* const secret : {password, password_in_uri, password_in_base64}) {
    EXPECT_THAT(said, Not(HasSubstr(secret)));
  }
}

std::string name_of(const testing::TestParamInfo<std::size_t>& info) {
  auto name = all_cases()[info.param].name;
  std::ranges::replace_if(name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return fmt::format("{}_{}", info.param, name);
}

INSTANTIATE_TEST_SUITE_P(Scripts, HostileServers, testing::Range(std::size_t{0}, all_cases().size()), name_of);

}  // namespace
}  // namespace pghaul::test
