#include "pg/row_values.h"

#include <gtest/gtest.h>

namespace pghaul::pg {
namespace {

TEST(S44_RowValues, WhatADataExceptionQuotesIsLeftOut) {
  EXPECT_EQ(without_row_values("22P02", R"(invalid input syntax for type integer: "canary")"),
            "invalid input syntax for type integer: …");
  EXPECT_EQ(without_row_values("22003", R"(value "99999999999" is out of range for type integer)"),
            "value … is out of range for type integer");
  EXPECT_EQ(without_row_values("22P02", R"(invalid input value for enum mood: "canary")"),
            "invalid input value for enum mood: …");
  EXPECT_EQ(without_row_values("22001", "value too long for type character varying(3)"),
            "value too long for type character varying(3)");
  EXPECT_EQ(without_row_values("22012", "division by zero"), "division by zero");
}

TEST(S44_RowValues, AValueWithQuotationMarksGoesAsAWhole) {
  EXPECT_EQ(without_row_values("22P02", R"(invalid input syntax for type integer: "a" canary "b")"),
            "invalid input syntax for type integer: …");
  EXPECT_EQ(without_row_values("22003", R"(value "a" canary "b" is out of range)"),
            "value … is out of range");
  EXPECT_EQ(without_row_values("22P02", R"(bad: "canary)"), "bad: …") << "cut off by the server";
}

TEST(S44_RowValues, InEveryLanguage) {
  EXPECT_EQ(without_row_values("22P02", "ungültige Eingabesyntax für Typ integer: „canary“"),
            "ungültige Eingabesyntax für Typ integer: …");
  EXPECT_EQ(without_row_values("22P02", "syntaxe en entrée invalide pour le type integer : « canary »"),
            "syntaxe en entrée invalide pour le type integer : …");
  EXPECT_EQ(without_row_values("22P02", "неверный синтаксис для типа integer: \"canary\""),
            "неверный синтаксис для типа integer: …");
}

TEST(S44_RowValues, EncodingsAreNames) {
  const auto* const text =
      R"(character with byte sequence 0xe2 0x82 0xac in encoding "UTF8" has no equivalent in encoding "LATIN1")";
  EXPECT_EQ(without_row_values("22P05", text), text);
}

TEST(S44_RowValues, WhatUsersRaiseMaySayAnything) {
  EXPECT_EQ(without_row_values("P0001", "row (1, canary) is bad"),
            "code of the database raised an error (--verbose shows its text)");
}

TEST(S44_RowValues, NamesOfObjectsStay) {
  const auto* const text = R"(duplicate key value violates unique constraint "t_pkey")";
  EXPECT_EQ(without_row_values("23505", text), text);
  EXPECT_EQ(without_row_values("42P01", R"(relation "t" does not exist)"), R"(relation "t" does not exist)");
}

}  // namespace
}  // namespace pghaul::pg
