// S27: what belongs to the server is neither read nor written as if it were a table of the users.
#include "scenario/bad_input.h"

namespace pghaul::test {
namespace {

class SystemSchemas : public BadInput {};

TEST_F(SystemSchemas, S27_CatalogsAreRefused) {
  for (const auto* table : {"pg_catalog.pg_class", "pg_catalog.pg_authid", "information_schema.sql_features",
                            "pg_toast.pg_toast_1255", "pg_catalog.pg_stats", "pg_temp.t"}) {
    SCOPED_TRACE(table);
    expect_refused({"--table", table}, {table, "its schema belongs to the server", "nothing was written"});
  }
}

// A superuser can make tables there.
TEST_F(SystemSchemas, S27_AlsoTablesThatSomebodyPutThere) {
  source_sql(
      "CREATE TABLE information_schema.t (id int PRIMARY KEY); INSERT INTO information_schema.t VALUES (1)");
  expect_refused({"--table", "information_schema.t"}, {"information_schema.t: ", "belongs to the server"});
  source_sql("SET allow_system_table_mods = on; CREATE TABLE pg_catalog.pghaul_t (id int PRIMARY KEY)");
  expect_refused({"--table", "pg_catalog.pghaul_t"}, {"pg_catalog.pghaul_t: ", "belongs to the server"});
}

// The ledger's own tables would be copied into themselves while they are written.
TEST_F(SystemSchemas, S27_TheLedgerIsNoTable) {
  source_sql("CREATE SCHEMA pghaul; CREATE TABLE pghaul.chunk (id int PRIMARY KEY)");
  expect_refused({"--table", "pghaul.chunk"}, {"pghaul.chunk: ", "ledger"});
  source_sql("CREATE SCHEMA other; CREATE TABLE other.t (id int PRIMARY KEY)");
  expect_refused({"--table", "other.t", "--ledger-schema", "other"}, {"other.t: ", "ledger"});
}

TEST_F(SystemSchemas, S27_NorDoesTheLedgerLiveThere) {
  make_profiles(1);
  for (const auto* schema : {"pg_catalog", "information_schema", "pg_temp", "pg_anything"}) {
    const auto before = target_state();
    const auto result = copy({"--ledger-schema", schema});
    EXPECT_TRUE(result.status == 2 || result.status == 3) << schema << result;
    EXPECT_THAT(result.err, HasSubstr(schema)) << result;
    EXPECT_EQ(target_state(), before);
  }
}

}  // namespace
}  // namespace pghaul::test
