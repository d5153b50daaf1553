// D2, A11: what we write on this machine cannot be written, or nobody reads it.
#include "fault/disks_small.h"
#include "fault/servers_faults.h"

namespace pghaul::test {
namespace {

class LocalDisk : public ServerFaults {
 protected:
  // pghaul in a shell that sends its streams elsewhere; the status is pghaul's.
  ProgramResult run_in_shell(const std::string& streams, const Arguments& more) const {
    ProcessOptions options;
    options.argv = {"bash", "-c", R"("$@" )" + streams + R"(; exit ${PIPESTATUS[0]})", "bash", PGHAUL_BINARY};
    const auto all = arguments(more);
    options.argv.insert(options.argv.end(), all.begin(), all.end());
    return run_program(options, 120s);
  }
  // The copy itself is not harmed: the rows are there, and the ledger says so.
  void expect_copied() const {
    EXPECT_TRUE(compare_rows(admin_.source, admin_.target, {"profiles"}).equal());
    EXPECT_EQ(admin_target("SELECT state FROM pghaul.table_copy"), "complete");
    expect_clean();
  }
  void expect_unwritten_report(const std::string& streams, const Arguments& more) const {
    make_rows(3000);
    const auto result = run_in_shell(streams, more);
    EXPECT_EQ(result.status, failed) << result;
    EXPECT_EQ(missing_parts(result), "") << result;
    EXPECT_THAT(result.err, HasSubstr("cannot write to standard output")) << result;
    EXPECT_THAT(result.err, HasSubstr("errno 28")) << result;
    expect_copied();
    expect_completion();
  }
  void expect_no_harm(const std::string& streams, const Arguments& more) const {
    make_rows(3000);
    const auto result = run_in_shell(streams, more);
    EXPECT_EQ(result.status, 0) << result;
    expect_copied();
  }
};

TEST_F(LocalDisk, D2_NoRoomForTheReport) {
  expect_unwritten_report(">/dev/full", {});
}
TEST_F(LocalDisk, D2_NoRoomForTheReportAsJson) {
  expect_unwritten_report(">/dev/full", {"--json"});
}

TEST_F(LocalDisk, D2_RoomForABeginningOfTheReport) {
  if (!SmallDisk::possible()) GTEST_SKIP() << "a tmpfs may not be mounted here";
  const SmallDisk disk("4k", "/tmp");
  std::ofstream(disk.folder() + "/report") << std::string(4000, ' ');
  expect_unwritten_report(">>" + disk.folder() + "/report", {"--json"});
}

// Nobody can be told that warnings were not written; the report was.
TEST_F(LocalDisk, D2_NoRoomForMessages) {
  expect_no_harm("2>/dev/full", {"--progress", "json", "--verbose"});
}

TEST_F(LocalDisk, D2_NoRoomForProgressInMidCopy) {
  if (!SmallDisk::possible()) GTEST_SKIP() << "a tmpfs may not be mounted here";
  const SmallDisk disk("4k", "/tmp");
  expect_no_harm("2>>" + disk.folder() + "/log",
                 {"--progress", "json", "--verbose", "--batch-rows", "100", "--sleep", "20ms"});
}

TEST_F(LocalDisk, A11_NobodyReadsTheReport) {
  expect_no_harm("| true", {"--json"});
}
TEST_F(LocalDisk, A11_NobodyReadsMoreThanOneLine) {
  expect_no_harm("2>&1 | head -n 1", {"--progress", "json", "--batch-rows", "100", "--sleep", "20ms"});
}
TEST_F(LocalDisk, A11_NobodyReadsMessages) {
  expect_no_harm("2> >(exit)", {"--progress", "json", "--verbose"});
}
TEST_F(LocalDisk, A11_StreamsAreClosed) {
  expect_no_harm("<&- >&- 2>&-", {"--progress", "json"});
}

}  // namespace
}  // namespace pghaul::test
