#include "pg/quote.h"

#include <gtest/gtest.h>

#include "pghaul/error.h"

namespace pghaul::pg {
namespace {

// Undoes what a quoting function has to do: takes the ends off and halves each pair of `twins`. Anything else that
// would end the name or literal too early is a failure.
std::string undoubled(std::string_view quoted, char quote, std::string_view twins) {
  EXPECT_GE(quoted.size(), 2U);
  EXPECT_EQ(quoted.front(), quote);
  EXPECT_EQ(quoted.back(), quote);
  std::string text;
  const auto inner = quoted.substr(1, quoted.size() - 2);
  for (std::size_t i = 0; i < inner.size(); ++i) {
    text += inner[i];
    if (twins.find(inner[i]) == std::string_view::npos) continue;
    EXPECT_TRUE(i + 1 < inner.size() && inner[i + 1] == inner[i]) << "a lone " << inner[i] << " in " << quoted;
    ++i;
  }
  return text;
}

std::string undo_literal(std::string_view literal) {
  if (literal.starts_with(" E'")) return undoubled(literal.substr(2), '\'', "'\\");
  EXPECT_EQ(literal.find('\\'), std::string_view::npos) << "a backslash outside E'': " << literal;
  return undoubled(literal, '\'', "'");
}

// Every byte but NUL, alone and between others.
std::vector<std::string> every_byte() {
  std::vector<std::string> texts;
  std::string all;
  for (int byte = 1; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    texts.insert(texts.end(), {std::string(1, c), std::string(3, c)});
    texts.push_back(std::string("a") + c + "'" + c + "\\" + c + "\"" + c);
    all += c;
  }
  texts.push_back(all);
  return texts;
}

TEST(Quote, IdentifiersOfEveryByte) {
  for (const auto& name : every_byte()) EXPECT_EQ(undoubled(quote_identifier(name), '"', "\""), name);
}

TEST(Quote, LiteralsOfEveryByte) {
  for (const auto& text : every_byte()) EXPECT_EQ(undo_literal(quote_literal(text)), text);
}

TEST(Quote, IdentifiersAreAlwaysQuoted) {
  EXPECT_EQ(quote_identifier("id"), "\"id\"");
  EXPECT_EQ(quote_identifier("select"), "\"select\"");
  EXPECT_EQ(quote_identifier("Über maß"), "\"Über maß\"");
  EXPECT_EQ(quote_identifier("a\"; DROP TABLE t; --"), "\"a\"\"; DROP TABLE t; --\"");
  EXPECT_EQ(quote_identifier("back\\slash"), "\"back\\slash\"");
  EXPECT_EQ(quote_qualified("a.b", "c\"d"), "\"a.b\".\"c\"\"d\"");
}

TEST(Quote, LiteralsWithBackslashesSaySo) {
  EXPECT_EQ(quote_literal(""), "''");
  EXPECT_EQ(quote_literal("it's"), "'it''s'");
  EXPECT_EQ(quote_literal("\\'; DROP TABLE t; --"), " E'\\\\''; DROP TABLE t; --'");
  EXPECT_EQ(quote_literal("\\"), " E'\\\\'");
}

TEST(Quote, NulIsRefused) {
  const std::string_view texts[] = {{"\0", 1}, {"a\0b", 3}, {"ab\0", 3}, {"\0'", 2}};
  for (const auto text : texts) {
    EXPECT_THROW(quote_identifier(text), Error);
    EXPECT_THROW(quote_literal(text), Error);
    EXPECT_THROW(quote_qualified("s", text), Error);
    EXPECT_THROW(quote_qualified(text, "t"), Error);
  }
}

TEST(Quote, EmptyNamesAreRefused) {
  EXPECT_THROW(quote_identifier(""), Error);
  EXPECT_THROW(quote_qualified("", "t"), Error);
  EXPECT_THROW(quote_qualified("s", ""), Error);
}

}  // namespace
}  // namespace pghaul::pg
