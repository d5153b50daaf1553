// What preflight says of a source that says it is a standby. Real ones are in tests/fault/standby_*.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "command/preflight_checks.h"
#include "support/servers.h"

namespace pghaul {
namespace {

using testing::HasSubstr;

class CheckStandby : public test::ServersTest {
 protected:
  CheckStandby() {
    options_.source = source_conninfo();
    options_.target = target_conninfo();
  }
  // Texts of errors only, for a standby of that version.
  std::string errors(int version) {
    StopSource stop;
    Sessions sessions(options_, stop);
    ControlSessions control(sessions, options_);
    control.servers.source.in_recovery = true;
    control.servers.source.version_num = version;
    std::vector<Finding> findings;
    check_standby(control, options_, findings);
    std::string texts;
    for (const auto& finding : findings) {
      if (finding.severity == Finding::Severity::error) texts += finding.text + "; " + finding.advice + "\n";
    }
    return texts;
  }

  PgCopyOptions options_;
};

TEST_F(CheckStandby, SharedSnapshotsAreRefusedWhereTheyAreBroken) {
  options_.readers = 1;  // anchors import, too
  EXPECT_THAT(errors(150'019), HasSubstr("imports snapshots wrongly on a standby; use --snapshot chunk"));
  EXPECT_EQ(errors(150'020), "");
  options_.snapshot = SnapshotMode::chunk;
  EXPECT_EQ(errors(150'019), "");
}

}  // namespace
}  // namespace pghaul
