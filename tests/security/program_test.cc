// What the built program is like: how it was hardened, and which functions of libraries it cannot call at
// all.
#include "support/program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>

#include <sstream>
#include <string>

#include "cli/run.h"

namespace pghaul::test {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string readelf(const std::string& what) {
  ProcessOptions options;
  options.argv = {"readelf", "-W", what, PGHAUL_BINARY};
  const auto result = run_program(options);
  EXPECT_EQ(result.status, 0) << result;
  return result.out;
}

// Names of the functions that come from shared libraries, each between blanks.
std::string imported_functions() {
  std::string names = " ";
  std::istringstream lines(readelf("--dyn-syms"));
  for (std::string line; std::getline(lines, line);) {
    const auto undefined = line.find(" UND ");
    if (undefined == std::string::npos) continue;
    names += line.substr(undefined + 5, line.find('@', undefined) - undefined - 5) + " ";
  }
  return names;
}

TEST(Program, S29_S55_CallsNoRiskyFunctionOfLibpq) {
  const auto names = imported_functions();
  ASSERT_THAT(names, HasSubstr(" PQconnectStartParams "))
      << "libpq is linked statically: this test sees nothing";
  for (const auto* banned : {" PQfn ", " lo_", " PQtrace ", " PQuntrace ", " PQsetTraceFlags ", " PQexec ",
                             " PQescape", " PQconnectdb ", " PQprint "}) {
    EXPECT_THAT(names, Not(HasSubstr(banned)));
  }
}

// The demo starts servers, without a shell; nobody hands text to one.
TEST(Program, S24_StartsNoShell) {
  const auto names = imported_functions();
  for (const auto* banned : {" system ", " popen ", " wordexp ", " execl ", " execlp "})
    EXPECT_THAT(names, Not(HasSubstr(banned)));
}

TEST(Program, S46_IsHardened) {
  EXPECT_THAT(readelf("--file-header"), HasSubstr("DYN (Position-Independent Executable"));
  const auto segments = readelf("--program-headers");
  EXPECT_THAT(segments, HasSubstr("GNU_RELRO"));
  const auto stack = segments.find("GNU_STACK");
  ASSERT_NE(stack, std::string::npos);
  EXPECT_THAT(segments.substr(stack, segments.find('\n', stack) - stack), Not(HasSubstr("RWE")));
  EXPECT_THAT(readelf("--dynamic"), testing::AnyOf(HasSubstr("BIND_NOW"), HasSubstr("NOW PIE")));
  EXPECT_THAT(readelf("--dynamic"), Not(testing::AnyOf(HasSubstr("(RPATH)"), HasSubstr("(RUNPATH)"))));
  EXPECT_THAT(imported_functions(), HasSubstr(" __stack_chk_fail "));
}

#if defined(_FORTIFY_SOURCE) && _FORTIFY_SOURCE > 0
TEST(Program, S46_IsFortified) {
  EXPECT_THAT(imported_functions(), testing::ContainsRegex("_chk "));
}
#endif

#ifndef __SANITIZE_ADDRESS__
// Last, as it stays so for this process.
TEST(Program, S13_LeavesNoCore) {
  ::prctl(PR_SET_DUMPABLE, 1);
  testing::internal::CaptureStderr();
  EXPECT_EQ(run({"status", "--target", "host=127.0.0.1 port=1"}), 3);
  testing::internal::GetCapturedStderr();
  EXPECT_EQ(::prctl(PR_GET_DUMPABLE), 0);
}
#endif

}  // namespace
}  // namespace pghaul::test
