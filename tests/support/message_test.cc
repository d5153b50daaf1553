#include "support/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pghaul::test {
namespace {

using testing::HasSubstr;

constexpr auto whole =
    "12:00:00 warning: target: h:1/d: gone; trying again\n"
    "pghaul: target: h:1/d: the connection was lost [SQLSTATE 57P01]\n"
    "  safe:   what was done\n"
    "  next:   run it again\n";

TEST(MissingParts, NothingIsMissing) {
  EXPECT_EQ(missing_parts({5, "", whole}), "");
  EXPECT_EQ(missing_parts({3, "", "pghaul: source: public.t: is a view\n  safe:   all\n  next:   name a table\n"}), "");
  EXPECT_EQ(missing_parts({4, "", "pghaul: stopped by a signal\n  safe:   all\n  next:   again\n"}), "");
  EXPECT_EQ(missing_parts({2, "", "pghaul: unknown option --x\n  next:   pghaul --help\n"}), "");
  EXPECT_EQ(missing_parts({5, "", "pghaul: local: out of memory\n  safe:   all\n  next:   less\n"}), "");
}

TEST(MissingParts, OtherCodesAreNotJudged) {
  EXPECT_EQ(missing_parts({0, "", ""}), "");
  EXPECT_EQ(missing_parts({137, "", ""}), "");
}

TEST(MissingParts, EachPartIsMissed) {
  EXPECT_EQ(missing_parts({5, "", ""}), "no message");
  EXPECT_EQ(missing_parts({5, "", "pghaul: public.t: broken\n  safe:   a\n  next:   b\n"}), "no side; no object");
  EXPECT_EQ(missing_parts({5, "", "pghaul: target: cannot connect: x\n  safe:   a\n  next:   b\n"}), "no object");
  EXPECT_EQ(missing_parts({5, "", "pghaul: target: a.b: broken\n  next:   b\n"}), "no safe:");
  EXPECT_EQ(missing_parts({4, "", "pghaul: stopped\n  safe:   a\n"}), "no next:");
  EXPECT_EQ(missing_parts({2, "", "pghaul: unknown option\n"}), "no next:");
}

TEST(MissingParts, WhatDoesNotBelongThere) {
  EXPECT_THAT(missing_parts({5, "", "pghaul: target: a.b: one\ntwo\n  safe:   a\n  next:   b\n"}), HasSubstr("two"));
  EXPECT_THAT(missing_parts({5, "", std::string(whole) + whole}), HasSubstr("2 messages"));
  EXPECT_THAT(missing_parts({5, "", "pghaul: target: a.b: \x1b[0m\n  safe:   a\n  next:   b\n"}), HasSubstr("control"));
  EXPECT_THAT(missing_parts({5, "", "pghaul: target: a.b: x (1 retry; last: y (2 retries; last: z))\n"
                                    "  safe:   a\n  next:   b\n"}),
              HasSubstr("one story inside another"));
  EXPECT_THAT(missing_parts({5, "", "pghaul: target: a.b: x [SQLSTATE 57P]\n  safe:   a\n  next:   b\n"}),
              HasSubstr("SQLSTATE"));
  EXPECT_THAT(missing_parts({3, "", "error: the target table is not empty\n"
                                    "pghaul: target: a.b: the target table is not empty\n  safe:   a\n  next:   b\n"}),
              HasSubstr("told twice"));
}

TEST(MissingParts, TheDocumentIsJudgedToo) {
  EXPECT_EQ(missing_parts({5, R"({"error": {"side": "target", "object": "h:1/d", "message": "m", "safe": "s",
                               "next": "n", "sqlstate": "57P01"}, "exit_code": 5})", whole}), "");
  EXPECT_EQ(missing_parts({5, R"({"error": {"side": null, "object": null, "message": "m", "safe": "s", "next": "n",
                               "sqlstate": "40001"}, "exit_code": 3})", whole}),
            "JSON: another exit_code; JSON: no side; JSON: no object; the SQLSTATE of the JSON is not in the text");
  EXPECT_EQ(missing_parts({5, "{}", whole}), "JSON: another exit_code; JSON: no error");
}

}  // namespace
}  // namespace pghaul::test
