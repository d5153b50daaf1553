#include "catalog/catalog.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/servers.h"

namespace pghaul::catalog {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Catalog : public test::ServersTest {
 protected:
  static pg::Connection connect(const std::string& conninfo) {
    pg::SessionOptions options;
    options.settings = {{"search_path", ""}};
    return pg::Connection(pg::parse_endpoint(Side::source, conninfo), options);
  }
  static Deadline soon() { return Deadline::after(std::chrono::seconds(30)); }
  static TableName table(const char* name) { return {"public", name}; }

  pg::Connection source() { return connect(source_conninfo()); }
};

// A role without rights, dropped at the end.
class CatalogGrants : public Catalog {
 protected:
  CatalogGrants() {
    source_sql("DROP ROLE IF EXISTS \"Poor Role\"; CREATE ROLE \"Poor Role\" LOGIN; CREATE SCHEMA shut;"
               "CREATE TABLE shut.t (id int, \"B\" int, gone int); ALTER TABLE shut.t DROP gone");
  }
  ~CatalogGrants() override { source_sql("DROP OWNED BY \"Poor Role\"; DROP ROLE \"Poor Role\""); }

  pg::Connection poor() {
    const std::string port = std::to_string(test::source_server().port());
    return connect("host=127.0.0.1 port=" + port + " dbname=" + database() + " user='Poor Role'");
  }
  std::vector<std::string> source_grants(const std::vector<std::string>& columns) {
    auto connection = poor();
    return missing_source_grants(connection, *read_table_shape(connection, {"shut", "t"}, soon()), columns, soon());
  }
  std::vector<std::string> target_grants() {
    auto connection = poor();
    return missing_target_grants(connection, *read_table_shape(connection, {"shut", "t"}, soon()), soon());
  }
  void follow(const std::vector<std::string>& grants) {
    for (const std::string& grant : grants) source_sql(grant);
  }
};

TEST_F(Catalog, ServerFacts) {
  auto connection = source();
  const ServerFacts facts = read_server_facts(connection, soon());
  EXPECT_EQ(facts.system_identifier, source_sql("SELECT system_identifier FROM pg_control_system()"));
  EXPECT_EQ(facts.database, database());
  EXPECT_EQ(std::to_string(facts.database_oid),
            source_sql("SELECT oid FROM pg_database WHERE datname = current_database()"));
  EXPECT_EQ(facts.role, "postgres");
  EXPECT_TRUE(facts.superuser);
  EXPECT_FALSE(facts.in_recovery || facts.read_only);
  EXPECT_EQ(facts.encoding, "UTF8");
  EXPECT_EQ(facts.version_num, connection.server_version());
  EXPECT_EQ(facts.address, "127.0.0.1:" + std::to_string(test::source_server().port()));
}

TEST_F(Catalog, ServerFactsOverASocketOfAReadOnlyDatabase) {
  source_sql("ALTER DATABASE " + database() + " SET default_transaction_read_only = on");
  auto connection = connect(test::source_server().socket_conninfo(database()));
  const ServerFacts facts = read_server_facts(connection, soon());
  EXPECT_TRUE(facts.read_only);
  EXPECT_FALSE(facts.in_recovery);
  EXPECT_EQ(facts.address, connection.label());
}

TEST_F(Catalog, KeyBoundsUpToTheEndsOfBigint) {
  source_sql("CREATE TABLE k (\"I d\" bigint UNIQUE)");
  auto connection = source();
  const KeyBounds none = read_key_bounds(connection, table("k"), "I d", soon());
  EXPECT_FALSE(none.lowest || none.highest);
  source_sql("INSERT INTO k VALUES (NULL)");
  EXPECT_FALSE(read_key_bounds(connection, table("k"), "I d", soon()).highest);
  source_sql("INSERT INTO k VALUES (-9223372036854775808), (9), (10), (9223372036854775807)");
  const KeyBounds bounds = read_key_bounds(connection, table("k"), "I d", soon());
  EXPECT_EQ(bounds.lowest, INT64_MIN);
  EXPECT_EQ(bounds.highest, INT64_MAX);
}

TEST_F(Catalog, KeyBoundsAreOrderedAsNumbers) {
  source_sql("CREATE TABLE k (id smallint PRIMARY KEY); INSERT INTO k VALUES (9), (10), (-9), (-10)");
  auto connection = source();
  const KeyBounds bounds = read_key_bounds(connection, table("k"), "id", soon());
  EXPECT_EQ(bounds.lowest, -10);
  EXPECT_EQ(bounds.highest, 10);
}

TEST_F(Catalog, KeyStatistics) {
  source_sql("CREATE TABLE k (id bigint UNIQUE);"
             "INSERT INTO k SELECT i * 1000000000000000000 + j"
             " FROM generate_series(-9, 9) i, generate_series(1, 50) j;"
             "INSERT INTO k VALUES (-9223372036854775808), (9223372036854775807);"
             "INSERT INTO k SELECT NULL FROM generate_series(1, 952)");
  auto connection = source();
  EXPECT_THAT(read_key_statistics(connection, table("k"), "id", soon()).histogram, IsEmpty()) << "not analysed yet";
  source_sql("ANALYZE k");
  const KeyStatistics statistics = read_key_statistics(connection, table("k"), "id", soon());
  EXPECT_EQ(statistics.histogram.size(), 101U);
  EXPECT_EQ(statistics.histogram.front(), INT64_MIN);
  EXPECT_EQ(statistics.histogram.back(), INT64_MAX);
  EXPECT_TRUE(std::is_sorted(statistics.histogram.begin(), statistics.histogram.end()));
  EXPECT_DOUBLE_EQ(statistics.null_fraction, 0.5);
}

TEST_F(Catalog, KeyStatisticsOfAnotherType) {
  source_sql("CREATE TABLE k (name text); INSERT INTO k SELECT 'x' || i FROM generate_series(1, 500) i; ANALYZE k");
  auto connection = source();
  EXPECT_THAT(read_key_statistics(connection, table("k"), "name", soon()).histogram, IsEmpty());
}

TEST_F(Catalog, Attachments) {
  source_sql("CREATE TABLE above (id int PRIMARY KEY);"
             "CREATE TABLE \"T\" (id int PRIMARY KEY, up int CONSTRAINT \"to Up\" REFERENCES above);"
             "CREATE TABLE below (id int CONSTRAINT down REFERENCES \"T\");"
             "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
             "CREATE TRIGGER on_row BEFORE INSERT ON \"T\" FOR EACH ROW EXECUTE FUNCTION f();"
             "CREATE TRIGGER asleep BEFORE INSERT ON \"T\" FOR EACH ROW EXECUTE FUNCTION f();"
             "CREATE TRIGGER of_replicas BEFORE INSERT ON \"T\" FOR EACH ROW EXECUTE FUNCTION f();"
             "ALTER TABLE \"T\" DISABLE TRIGGER asleep; ALTER TABLE \"T\" ENABLE REPLICA TRIGGER of_replicas;"
             "CREATE RULE aside AS ON INSERT TO \"T\" DO ALSO NOTIFY news");
  auto connection = source();
  const auto oid = read_table_shape(connection, table("T"), soon())->oid;
  const Attachments found = read_attachments(connection, oid, soon());
  EXPECT_THAT(found.triggers, ElementsAre("on_row"));
  EXPECT_THAT(found.rules, ElementsAre("aside"));
  EXPECT_THAT(found.foreign_keys_out, ElementsAre("\"to Up\" to public.above"));
  EXPECT_THAT(found.foreign_keys_in, ElementsAre("down of public.below"));
  source_sql("CREATE TABLE lone (id int); CREATE VIEW v AS SELECT 1 AS one");
  const auto lone = read_attachments(connection, read_table_shape(connection, table("lone"), soon())->oid, soon());
  EXPECT_TRUE(lone.triggers.empty() && lone.rules.empty() && lone.foreign_keys_in.empty() &&
              lone.foreign_keys_out.empty());
  const auto view = read_attachments(connection, read_table_shape(connection, table("v"), soon())->oid, soon());
  EXPECT_THAT(view.rules, IsEmpty()) << "a view is not a rule to tell of";
}

TEST_F(Catalog, HasRows) {
  source_sql("CREATE TABLE \"Some \"\" t\" (id int)");
  auto connection = source();
  EXPECT_FALSE(has_rows(connection, table("Some \" t"), soon()));
  source_sql("INSERT INTO \"Some \"\" t\" VALUES (NULL)");
  EXPECT_TRUE(has_rows(connection, table("Some \" t"), soon()));
}

TEST_F(Catalog, UnknownTypes) {
  source_sql("CREATE TYPE mood AS ENUM ('good'); CREATE TYPE \"Mo od\" AS ENUM ('good')");
  auto connection = source();
  EXPECT_THAT(unknown_types(connection, {}, soon()), IsEmpty());
  EXPECT_THAT(unknown_types(connection,
                            {"bigint", "character varying(20)", "numeric(10,2)[]", "timestamp(3) with time zone",
                             "\"char\"", "interval day to second(3)", "public.mood", "public.\"Mo od\"[]", "mood",
                             "nowhere.mood", "public.moody", "public.moody"},
                            soon()),
              ElementsAre("mood", "nowhere.mood", "public.moody"));
}

TEST_F(CatalogGrants, OfTheSourceUntilNothingIsMissing) {
  const auto grants = source_grants({});
  EXPECT_THAT(grants, ElementsAre("GRANT USAGE ON SCHEMA shut TO \"Poor Role\"",
                                  "GRANT SELECT ON TABLE shut.t TO \"Poor Role\""));
  follow(grants);
  EXPECT_THAT(source_grants({}), IsEmpty());
  auto connection = poor();
  EXPECT_EQ(connection.run("SELECT count(*) FROM shut.t", soon()).int64(0, 0), 0);
}

TEST_F(CatalogGrants, OfSomeColumnsOfTheSource) {
  source_sql("GRANT USAGE ON SCHEMA shut TO \"Poor Role\"; GRANT SELECT (id) ON shut.t TO \"Poor Role\"");
  EXPECT_THAT(source_grants({"id"}), IsEmpty());
  const auto grants = source_grants({"id", "B"});
  EXPECT_THAT(grants, ElementsAre("GRANT SELECT (\"B\") ON TABLE shut.t TO \"Poor Role\""));
  EXPECT_THAT(source_grants({}), ElementsAre(HasSubstr("GRANT SELECT ON TABLE")));
  follow(grants);
  EXPECT_THAT(source_grants({}), IsEmpty()) << "every column is granted";
}

TEST_F(CatalogGrants, OfTheTarget) {
  source_sql("GRANT INSERT ON shut.t TO \"Poor Role\"");
  const auto grants = target_grants();
  EXPECT_THAT(grants, ElementsAre("GRANT USAGE ON SCHEMA shut TO \"Poor Role\"",
                                  "GRANT SELECT, DELETE, TRUNCATE ON TABLE shut.t TO \"Poor Role\""));
  follow(grants);
  EXPECT_THAT(target_grants(), IsEmpty());
}

TEST_F(CatalogGrants, ServerFactsNeedNone) {
  auto connection = poor();
  const ServerFacts facts = read_server_facts(connection, soon());
  EXPECT_FALSE(facts.superuser);
  EXPECT_EQ(facts.role, "Poor Role");
  EXPECT_FALSE(facts.system_identifier.empty());
}

}  // namespace
}  // namespace pghaul::catalog
