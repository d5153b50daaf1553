#include "base/log.h"

#include <gtest/gtest.h>

namespace pghaul {
namespace {

TEST(Log, ALineHasTimeAndLevelAndNoColourInAFile) {
  testing::internal::CaptureStderr();
  log_warning("{} of {}", 1, 2);
  const auto text = testing::internal::GetCapturedStderr();
  ASSERT_GT(text.size(), 9U);
  EXPECT_EQ(text.substr(8), " warning: 1 of 2\n");
  EXPECT_TRUE(text[2] == ':' && text[5] == ':') << text;
}

TEST(Log, LowerLevelsAreLeftOut) {
  testing::internal::CaptureStderr();
  log_debug("a");
  set_log_level(LogLevel::error);
  log_warning("b");
  set_log_level(LogLevel::debug);
  log_debug("c");
  set_log_level(LogLevel::info);
  const auto text = testing::internal::GetCapturedStderr();
  EXPECT_EQ(text.substr(8), " debug: c\n");
}

int before_calls = 0, after_calls = 0;

TEST(Log, HooksStandAroundWrittenLinesOnly) {
  set_log_hooks([] { before_calls += 1; }, [] { after_calls += before_calls; });
  testing::internal::CaptureStderr();
  log_debug("not written");
  EXPECT_EQ(before_calls, 0);
  log_info("written");
  set_log_hooks(nullptr, nullptr);
  testing::internal::GetCapturedStderr();
  EXPECT_EQ(before_calls, 1);
  EXPECT_EQ(after_calls, 1);
}

TEST(Log, BracesInATextAreJustText) {
  testing::internal::CaptureStderr();
  log_line(LogLevel::error, "{} {0} %v");
  EXPECT_EQ(testing::internal::GetCapturedStderr().substr(8), " error: {} {0} %v\n");
}

TEST(Log, S31_NobodyForgesALine) {
  testing::internal::CaptureStderr();
  log_line(LogLevel::error, "a\n12:00:00 error: b\x1b[2J\r");
  EXPECT_EQ(testing::internal::GetCapturedStderr().substr(8), " error: a\n    12:00:00 error: b\\x1b[2J\\x0d\n");
}

TEST(Printable, ControlCharactersAreSpeltOut) {
  EXPECT_EQ(printable("a\tb\nc"), "a\tb\nc");
  EXPECT_EQ(printable("\x1b[2J\r\x7f"), "\\x1b[2J\\x0d\\x7f");
  EXPECT_EQ(printable(std::string_view("\0x", 2)), "\\x00x");
  EXPECT_EQ(printable("\xc2\x9b" "31m"), "\\xc2\\x9b31m") << "U+009B begins an escape sequence, too";
  EXPECT_EQ(printable("K\xc3\xb6ln \xc3\x80 \xc2\xa7"), "K\xc3\xb6ln \xc3\x80 \xc2\xa7");
}

}  // namespace
}  // namespace pghaul
