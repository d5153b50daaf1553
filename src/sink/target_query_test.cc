#include "sink/target_query.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pghaul {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

TargetTable table() {
  TargetTable table;
  table.name = {"public", "t"};
  table.columns = {"id", "a \"b\"", "c"};
  table.key_column = "id";
  table.primary_key = {"id"};
  return table;
}

TEST(TargetQuery, CopyNamesItsColumns) {
  auto of = table();
  EXPECT_EQ(copy_in_sql(of), R"(COPY "public"."t" ("id", "a ""b""", "c") FROM STDIN)");
  of.binary = true;
  EXPECT_EQ(copy_in_sql(of), R"(COPY "public"."t" ("id", "a ""b""", "c") FROM STDIN (FORMAT binary))");
}

TEST(TargetQuery, ABoundCannotBecomeSql) {
  const auto sql = delete_range_sql(table(), {ChunkKind::key, "1'; DROP TABLE x; --", {}, {}});
  EXPECT_THAT(sql, EndsWith(R"(t."id" >= '1''; DROP TABLE x; --'::pg_catalog.int8)"));
}

TEST(TargetQuery, UpdateLeavesThePrimaryKeyAlone) {
  auto of = table();
  of.on_conflict = OnConflict::update;
  of.primary_key = {"c", "id"};
  EXPECT_THAT(insert_staged_sql(of, true),
              EndsWith(R"(ON CONFLICT ("c", "id") DO UPDATE SET "a ""b""" = EXCLUDED."a ""b""")"));
}

TEST(TargetQuery, LateRowsMeetNoConflict) {
  EXPECT_THAT(insert_staged_sql(table(), false), Not(HasSubstr("CONFLICT")));
}

}  // namespace
}  // namespace pghaul
