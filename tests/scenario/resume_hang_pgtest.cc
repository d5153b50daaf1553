// A part of the program that hangs where no stop reaches it: --timeout ends it all the same, and the next run completes.
#include <list>

#include "scenario/resume.h"
#include "support/message.h"

namespace pghaul::test {
namespace {

class Hung : public Resume {
 protected:
  // Each hangs in a copy of its own, side by side, as they wait most of the time.
  struct Copy {
    std::string failpoint, table;
    RunningProgram running;
  };
  Arguments arguments(const std::string& table) const {
    return {"--table", "public." + table, "--readers", "1", "--writers", "1", "--timeout", "4s"};
  }
  void start(const std::string& failpoint) {
    const auto table = fmt::format("t{}", copies_.size());
    source_sql(fmt::format("CREATE TABLE {0} (id int PRIMARY KEY); INSERT INTO {0} SELECT generate_series(1, 100)", table));
    copies_.push_back({failpoint, table, start_copy(arguments(table), failing(failpoint, "hang"))});
  }
  std::list<Copy> copies_;
};

TEST_F(Hung, A8_TimeoutEndsIt) {
  for (const auto* name : {"job.recorded", "owner.claimed", "target.emptied", "plan.before_save", "chunk.claimed",
                           "chunk.marked", "index.before_build", "target.before_vacuum", "job.before_finish",
                           "owner.before_release"}) {
    start(name);
  }
  for (auto& copy : copies_) {
    SCOPED_TRACE(copy.failpoint);
    const auto result = copy.running.finish();
    EXPECT_EQ(result.status, 4) << result;
    EXPECT_EQ(missing_parts(result), "") << result;
  }
  for (auto& each : copies_) {
    SCOPED_TRACE(each.failpoint);
    copied({"--table", "public." + each.table});
    expect_equal("public." + each.table);
  }
}

}  // namespace
}  // namespace pghaul::test
