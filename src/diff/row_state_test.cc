#include "diff/row_state.h"

#include <gtest/gtest.h>

namespace pghaul {
namespace {

const RowHash a{1, 1}, b{2, 2}, c{3, 3};

TEST(RowStates, ByKey) {
  const auto states = row_states({{{"1"}, a}, {{"2"}, b}}, {{{"2"}, c}, {{"3"}, a}});
  EXPECT_EQ(states.at({"1"}), (RowState{{a}, {}}));
  EXPECT_EQ(states.at({"2"}), (RowState{{b}, {c}}));
  EXPECT_EQ(states.at({"3"}), (RowState{{}, {a}}));
}

TEST(RowStates, WithoutAKeyByHash) {
  const auto states = row_states({{{}, a}, {{}, a}, {{}, b}}, {{{}, a}, {{}, b}});
  ASSERT_EQ(states.size(), 2);
  EXPECT_EQ(states.at({"1", "1"}), (RowState{{a, a}, {a}}));
  EXPECT_TRUE(states.at({"2", "2"}).equal());
}

TEST(RowStates, TheOrderOfRowsOfOneKeyDoesNotMatter) {
  EXPECT_TRUE(row_states({{{"1"}, a}, {{"1"}, b}}, {{{"1"}, b}, {{"1"}, a}}).at({"1"}).equal());
}

TEST(Settling, WhatStaysIsDifferent) {
  Settling settling;
  const auto found = row_states({{{"1"}, a}, {{"2"}, b}}, {{{"2"}, b}});
  settling.add(found);
  EXPECT_EQ(settling.open().size(), 1);
  settling.look_again(found);
  EXPECT_TRUE(settling.open().empty());
  EXPECT_EQ(settling.different().size(), 1);
}

TEST(Settling, WhatArrivesIsNoDifference) {
  Settling settling;
  settling.add(row_states({{{"1"}, a}}, {}));
  settling.look_again(row_states({{{"1"}, a}}, {{{"1"}, a}}));
  EXPECT_TRUE(settling.open().empty());
  EXPECT_TRUE(settling.different().empty());
}

TEST(Settling, WhatIsGoneFromBothSidesIsNoDifference) {
  Settling settling;
  settling.add(row_states({{{"1"}, a}}, {}));
  settling.look_again({});
  EXPECT_TRUE(settling.open().empty());
  EXPECT_TRUE(settling.different().empty());
}

// A change of either side starts anew.
TEST(Settling, WhatChangesIsLookedAtOnceMore) {
  Settling settling;
  settling.add(row_states({{{"1"}, a}}, {{{"1"}, b}}));
  settling.look_again(row_states({{{"1"}, a}}, {{{"1"}, c}}));
  settling.look_again(row_states({{{"1"}, b}}, {{{"1"}, c}}));
  EXPECT_EQ(settling.open().size(), 1);
  EXPECT_TRUE(settling.different().empty());
  settling.look_again(row_states({{{"1"}, b}}, {{{"1"}, c}}));
  EXPECT_EQ(settling.different().size(), 1);
}

TEST(Settling, WhatNeverRestsIsGivenUp) {
  Settling settling;
  settling.add(row_states({{{"1"}, a}}, {{{"1"}, b}}));
  settling.look_again(row_states({{{"1"}, b}}, {{{"1"}, c}}));
  EXPECT_EQ(settling.take_open().size(), 1);
  EXPECT_TRUE(settling.open().empty());
}

}  // namespace
}  // namespace pghaul
