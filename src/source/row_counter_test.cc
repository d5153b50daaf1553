#include "source/row_counter.h"

#include <string>

#include <gtest/gtest.h>

namespace pghaul {
namespace {

using namespace std::string_view_literals;

constexpr auto header = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0"sv;
constexpr auto row = "\0\1\0\0\0\2\0\7"sv;
constexpr auto trailer = "\377\377"sv;

std::string glued(std::string_view a, std::string_view b) { return std::string(a) + std::string(b); }

TEST(RowCounter, HeaderTravelsWithTheFirstRow) {
  RowCounter counter(true);
  const auto first = glued(header, row);
  EXPECT_EQ(counter.row_of(first), row);
  EXPECT_EQ(counter.row_of(row), row);
  EXPECT_EQ(counter.row_of(trailer), "");
}

TEST(RowCounter, EmptyTableIsOneFrameOf21Bytes) {
  RowCounter counter(true);
  const auto only = glued(header, trailer);
  ASSERT_EQ(only.size(), 21U);
  EXPECT_EQ(counter.row_of(only), "");
}

TEST(RowCounter, TextHasNeitherHeaderNorTrailer) {
  RowCounter counter(false);
  EXPECT_EQ(counter.row_of("1\tthe first row is not cut\n"), "1\tthe first row is not cut\n");
  EXPECT_EQ(counter.row_of(trailer), trailer) << "bytes that would end a binary stream are a row like any other";
  EXPECT_EQ(counter.row_of("\n"), "\n") << "a row without columns, or of one empty string";
}

TEST(RowCounter, BinaryRowsThatLookLikeTheEnds) {
  RowCounter counter(true);
  // A value of two bytes ff ff, a NULL (length ff ff ff ff), a row without columns, and a value that is a header.
  const auto first = glued(header, "\0\1\0\0\0\2\377\377"sv);
  EXPECT_EQ(counter.row_of(first), "\0\1\0\0\0\2\377\377"sv);
  EXPECT_EQ(counter.row_of("\0\1\377\377\377\377"sv), "\0\1\377\377\377\377"sv);
  EXPECT_EQ(counter.row_of("\0\0"sv), "\0\0"sv);
  const auto header_as_value = glued("\0\1\0\0\0\23"sv, header);
  EXPECT_EQ(counter.row_of(header_as_value), header_as_value);
  EXPECT_EQ(counter.row_of(trailer), "");
}

TEST(RowCounter, AHeaderAloneIsNoRow) {
  RowCounter counter(true);
  EXPECT_EQ(counter.row_of(header), "");
  EXPECT_EQ(counter.row_of(row), row);
}

TEST(RowCounter, ABrokenHeaderIsNoRow) {
  RowCounter counter(true);
  EXPECT_EQ(counter.row_of("PGCOPY"), "");
  EXPECT_EQ(counter.row_of(row), row);
}

}  // namespace
}  // namespace pghaul
