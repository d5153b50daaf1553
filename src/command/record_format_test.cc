#include "command/record_format.h"

#include <gmock/gmock.h>

namespace pghaul {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(RecordFormat, ShowAndParse) {
  const std::vector<std::string> known{"a", "b", "a, b", "b, c", "(x)"};
  for (const auto* const text :
       {"binary (a, b)", "text in LATIN1 (a)", "text ()", "binary in EUC_JP ((x), a)"}) {
    const auto format = parse_record_format(text, known);
    ASSERT_TRUE(format) << text;
    EXPECT_EQ(show_record_format(*format), text);
  }
  EXPECT_EQ(parse_record_format("text (a)", known)->encoding, "UTF8");
}

TEST(RecordFormat, NamesWithWhatSeparatesThem) {
  EXPECT_THAT(parse_record_format("text (a, b, c)", {"a", "b, c"})->columns, ElementsAre("a", "b, c"));
  EXPECT_THAT(parse_record_format("text (a, b, c)", {"a", "b", "a, b", "c"})->columns,
              ElementsAre("a", "b", "c"));
}

TEST(RecordFormat, WhatIsNone) {
  for (const auto* const text : {"", "binary", "other (a)", "text (a", "text (a, d)", "text (a, )"}) {
    EXPECT_FALSE(parse_record_format(text, {"a", "b"})) << text;
  }
}

}  // namespace
}  // namespace pghaul
