#include "base/bytes.h"

#include <limits>

#include <gtest/gtest.h>

#include "pghaul/error.h"

namespace pghaul {
namespace {

TEST(ParseBytes, KnowsDecimalAndBinaryUnits) {
  EXPECT_EQ(parse_bytes("0"), 0);
  EXPECT_EQ(parse_bytes("17"), 17);
  EXPECT_EQ(parse_bytes("17B"), 17);
  EXPECT_EQ(parse_bytes("8kB"), 8'000);
  EXPECT_EQ(parse_bytes("8MB"), 8'000'000);
  EXPECT_EQ(parse_bytes("8GB"), 8'000'000'000);
  EXPECT_EQ(parse_bytes("8TB"), 8'000'000'000'000);
  EXPECT_EQ(parse_bytes("8KiB"), 8'192);
  EXPECT_EQ(parse_bytes("8MiB"), 8'388'608);
  EXPECT_EQ(parse_bytes("8GiB"), 8'589'934'592);
  EXPECT_EQ(parse_bytes("8TiB"), 8'796'093'022'208);
}

TEST(ParseBytes, FractionsAreExactAndRoundedDown) {
  EXPECT_EQ(parse_bytes("1.5GB"), 1'500'000'000);
  EXPECT_EQ(parse_bytes("0.1kB"), 100);
  EXPECT_EQ(parse_bytes("1.25KiB"), 1'280);
  EXPECT_EQ(parse_bytes("1.9999B"), 1);
  EXPECT_EQ(parse_bytes("1.00000000000000000000000000001MB"), 1'000'000);
}

TEST(ParseBytes, RefusesWhatIsNotASize) {
  for (const char* text : {"", "MB", "-1MB", "+1MB", "8mb", "8Mb", "8M", "8KB", "8kb", "8kiB", "8 MB", " 8MB", "8MB ",
                           "1.MB", ".5MB", "1.2.3MB", "1e3", "0x10", "8MB/s", "8,5MB"}) {
    try {
      parse_bytes(text);
      ADD_FAILURE() << "taken as a size: '" << text << "'";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage) << text;
      EXPECT_EQ(error.what(), "'" + std::string(text) + "' is not a size");
      EXPECT_NE(error.advice().find("MiB"), std::string::npos);
    }
  }
}

TEST(ParseBytes, RefusesOverflow) {
  EXPECT_EQ(parse_bytes("9223372036854775807"), std::numeric_limits<std::int64_t>::max());
  for (const char* text : {"9223372036854775808", "9223373TB", "8388608TiB", "99999999999999999999999999TB"}) {
    EXPECT_THROW(parse_bytes(text), Error) << text;
  }
  EXPECT_EQ(parse_bytes("8388607TiB"), 8388607LL << 40);
}

TEST(ParseRate, NeedsPerSecond) {
  EXPECT_EQ(parse_rate("50MB/s"), 50'000'000);
  EXPECT_THROW(parse_rate("50MB"), Error);
  EXPECT_THROW(parse_rate("50MB/min"), Error);
  EXPECT_THROW(parse_rate("/s"), Error);
}

TEST(FormatBytes, ThreeDigitsAndAUnit) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(12), "12 B");
  EXPECT_EQ(format_bytes(999), "999 B");
  EXPECT_EQ(format_bytes(1000), "1.00 kB");
  EXPECT_EQ(format_bytes(8'388'608), "8.39 MB");
  EXPECT_EQ(format_bytes(83'886'080), "83.9 MB");
  EXPECT_EQ(format_bytes(700e6), "700 MB");
  EXPECT_EQ(format_bytes(1.5e12), "1.50 TB");
  EXPECT_EQ(format_bytes(-2000), "-2.00 kB");
}

TEST(FormatBytes, RoundingCarriesIntoTheNextUnit) {
  EXPECT_EQ(format_bytes(999'499), "999 kB");
  EXPECT_EQ(format_bytes(999'500), "1.00 MB");
  EXPECT_EQ(format_bytes(9'994), "9.99 kB");
  EXPECT_EQ(format_bytes(9'996), "10.0 kB");
  EXPECT_EQ(format_bytes(99'960), "100 kB");
}

}  // namespace
}  // namespace pghaul
