#include "source/standby.h"

#include <gtest/gtest.h>

namespace pghaul {
namespace {

struct Minors {
  int last_broken, first_fixed;
};

TEST(StandbySnapshots, WorkFromTheMinorVersionsOfNovember2026) {
  for (const auto& [last_broken, first_fixed] :
       {Minors{140'024, 140'025}, Minors{150'019, 150'020}, Minors{160'015, 160'016},
        Minors{170'011, 170'012}, Minors{180'006, 180'007}}) {
    EXPECT_FALSE(standby_snapshots_work(last_broken)) << last_broken;
    EXPECT_TRUE(standby_snapshots_work(first_fixed)) << first_fixed;
    EXPECT_FALSE(standby_snapshots_work(first_fixed / 10'000 * 10'000)) << first_fixed;
    EXPECT_TRUE(standby_snapshots_work(first_fixed + 70)) << first_fixed;
  }
}

// Majors that got no more fixes, and those that begin with it.
TEST(StandbySnapshots, OtherMajorVersions) {
  for (const int version : {0, 90'624, 120'022, 130'023, 139'999}) {
    EXPECT_FALSE(standby_snapshots_work(version)) << version;
  }
  for (const int version : {190'000, 190'001, 200'000})
    EXPECT_TRUE(standby_snapshots_work(version)) << version;
}

}  // namespace
}  // namespace pghaul
