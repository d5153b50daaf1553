#include "diff/row_form.h"

#include <gmock/gmock.h>

namespace pghaul {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

catalog::Column column(const std::string& name, std::uint32_t type, bool binary_safe) {
  catalog::Column made;
  made.name = name;
  made.type_oid = type;
  made.binary_safe = binary_safe;
  return made;
}

catalog::TableShape table(std::uint32_t type_of_b) {
  catalog::TableShape shape;
  shape.columns = {column("a", 20, true), column("b", type_of_b, type_of_b < 10'000),
                   column("c d", 99'999, false)};
  return shape;
}

const std::vector<std::string> all{"a", "b", "c d"};

TEST(RowForm, TypesThatServersShareGoAsTheyAreSent) {
  const auto form = row_form(table(23), table(23), all, true);
  EXPECT_THAT(form.binary, ElementsAre("a", "b"));
  EXPECT_THAT(form.text, ElementsAre("c d"));
  EXPECT_EQ(form.sql(), R"(pg_catalog.record_send(ROW(t."a", t."b", ROW(t."c d")::pg_catalog.text)))");
}

TEST(RowForm, OtherTypesGoAsText) {
  const auto form = row_form(table(23), table(20), all, true);
  EXPECT_THAT(form.binary, ElementsAre("a"));
  EXPECT_THAT(form.text, ElementsAre("b", "c d"));
}

TEST(RowForm, BetweenVersionsAllIsText) {
  const auto form = row_form(table(23), table(23), all, false);
  EXPECT_THAT(form.binary, IsEmpty());
  EXPECT_EQ(form.sql(), R"(pg_catalog.record_send(ROW(ROW(t."a", t."b", t."c d")::pg_catalog.text)))");
}

TEST(RowForm, OfOneColumnIsMadeAlike) {
  const auto form = row_form(table(23), table(23), all, true);
  EXPECT_EQ(form.column_sql("a"), R"(pg_catalog.record_send(ROW(t."a")))");
  EXPECT_EQ(form.column_sql("c d"), R"(pg_catalog.record_send(ROW(ROW(t."c d")::pg_catalog.text)))");
}

TEST(RowForm, OfNoColumns) {
  EXPECT_EQ(RowForm{}.sql(), "pg_catalog.record_send(ROW())");
}

TEST(RowForm, SaysWhatEqualIs) {
  EXPECT_EQ(row_form(table(23), table(23), all, true).meaning(),
            "the same binary form (a, b) and the same text (\"c d\")");
}

}  // namespace
}  // namespace pghaul
