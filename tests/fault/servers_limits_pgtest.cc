// A9, A10: this process may have little memory, few files, few threads.
#include "fault/servers_faults.h"

namespace pghaul::test {
namespace {

class Limits : public ServerFaults {
 protected:
  // pghaul under a limit of prlimit(1).
  ProgramResult run_limited(const std::string& limit, const Arguments& more = {}) const {
    ProcessOptions options;
    options.argv = {"prlimit", limit, "--", PGHAUL_BINARY};
    const auto all = arguments(more);
    options.argv.insert(options.argv.end(), all.begin(), all.end());
    return run_program(options, 120s);
  }
  // However low the limit: done, or an error that says so, and nothing but whole chunks.
  void expect_honesty(const std::string& limit, const Arguments& more = {}) const {
    SCOPED_TRACE(limit);
    const auto result = run_limited(limit, more);
    if (result.status == 0) return expect_success(result);
    EXPECT_THAT(result.status, testing::AnyOf(refused, failed)) << result;
    EXPECT_EQ(missing_parts(result), "") << result;
    expect_clean();
    const auto known = try_psql(admin_.target, "SELECT coalesce(sum(rows), 0) FROM pghaul.finished_chunks");
    if (known.status == 0 && try_psql(admin_.target, "SELECT FROM public.profiles LIMIT 1").status == 0) {
      EXPECT_EQ(admin_target("SELECT count(*) FROM public.profiles") + "\n", known.out);
    }
  }
};

TEST_F(Limits, A9_LittleAddressSpace) {
  make_rows(3000);
  // A row that is a good deal larger than all others.
  admin_source(
      "INSERT INTO public.profiles SELECT 1, jsonb_build_object('big', string_agg(md5(g::text), '')) "
      "FROM generate_series(1, 2000000) g");
  for (const int megabytes : {150, 200, 250, 300, 400, 600}) {
    expect_honesty(fmt::format("--as={}", megabytes * 1'000'000LL), {"--readers", "1", "--writers", "1"});
  }
  expect_completion();
}

TEST_F(Limits, A10_FewFiles) {
  make_rows(3000);
  // Fewer than 6 do not do for the loader of the program.
  for (const int files : {6, 8, 9, 10, 11, 12, 13, 14, 16, 20}) {
    expect_honesty(fmt::format("--nofile={}", files), {"--reconnect-timeout", "1s", "--batch-bytes", "64kB"});
  }
  expect_completion();
}

// Root is not counted.
TEST_F(Limits, A10_FewThreads) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root may become somebody who owns no other process";
  make_rows(3000);
  for (const int threads : {1, 2, 4, 6, 8, 10, 14}) {
    SCOPED_TRACE(threads);
    ProcessOptions options;
    options.argv = {"prlimit",
                    fmt::format("--nproc={}", threads),
                    "--",
                    "setpriv",
                    "--reuid=47110",
                    "--regid=47110",
                    "--clear-groups",
                    PGHAUL_BINARY};
    const auto all = arguments({"--reconnect-timeout", "1s"});
    options.argv.insert(options.argv.end(), all.begin(), all.end());
    const auto result = run_program(options, 120s);
    if (result.status == 0) {
      expect_success(result);
    } else {
      EXPECT_THAT(result.status, testing::AnyOf(refused, failed)) << result;
      EXPECT_EQ(missing_parts(result), "") << result;
      expect_clean();
    }
  }
  expect_completion();
}

}  // namespace
}  // namespace pghaul::test
