#include "base/duration.h"

#include <gtest/gtest.h>

#include "pghaul/error.h"

namespace pghaul {
namespace {

using namespace std::chrono_literals;

TEST(ParseDuration, KnowsItsUnits) {
  EXPECT_EQ(parse_duration("0"), 0ms);
  EXPECT_EQ(parse_duration("100ms"), 100ms);
  EXPECT_EQ(parse_duration("60s"), 60s);
  EXPECT_EQ(parse_duration("10min"), 10min);
  EXPECT_EQ(parse_duration("2h"), 2h);
  EXPECT_EQ(parse_duration("1.5h"), 90min);
  EXPECT_EQ(parse_duration("0.25s"), 250ms);
}

TEST(ParseDuration, RefusesWhatIsNotATime) {
  for (const char* text : {"", "5", "00", "-5s", "5m", "5sec", "5 s", "5S", "5hours", "s", "1h30min", "1e3s",
                           "99999999999999999h"}) {
    try {
      parse_duration(text);
      ADD_FAILURE() << "taken as a time: '" << text << "'";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage) << text;
    }
  }
}

TEST(ParseDuration, AdvisesTheUnits) {
  try {
    parse_duration("5m");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.story(),
              "'5m' is not a time\n  next:   write a number and directly behind it one of ms, s, min, h");
  }
}

TEST(FormatDuration, AsPeopleSayIt) {
  EXPECT_EQ(format_duration(0ms), "0.00 s");
  EXPECT_EQ(format_duration(250ms), "0.25 s");
  EXPECT_EQ(format_duration(12'340ms), "12.3 s");
  EXPECT_EQ(format_duration(4min + 10s), "4 min 10 s");
  EXPECT_EQ(format_duration(2h + 5min), "2 h 5 min");
  EXPECT_EQ(format_duration(49h), "49 h 0 min");
  EXPECT_EQ(format_duration(-250ms), "-0.25 s");
}

TEST(FormatDuration, RoundingCarries) {
  EXPECT_EQ(format_duration(9'994ms), "9.99 s");
  EXPECT_EQ(format_duration(9'996ms), "10.0 s");
  EXPECT_EQ(format_duration(59'940ms), "59.9 s");
  EXPECT_EQ(format_duration(59'960ms), "1 min 0 s");
  EXPECT_EQ(format_duration(1h - 1ms), "1 h 0 min");
}

TEST(FormatDuration, TheLongest) {
  EXPECT_EQ(format_duration(Duration::max()), "2562047788015 h 13 min");
  EXPECT_EQ(format_duration(Duration::min()), "-2562047788015 h 13 min");
}

}  // namespace
}  // namespace pghaul
