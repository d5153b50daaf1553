// For scenarios in which tables are compared whose rows are in several.
#pragma once

#include "scenario/verify_test.h"

namespace pghaul::test {

inline const std::string by_month =
    "CREATE TABLE january PARTITION OF profiles FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');"
    "CREATE TABLE february PARTITION OF profiles FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');";
inline const std::string rest = "CREATE TABLE later PARTITION OF profiles DEFAULT;";
inline const std::string by_hash =
    "CREATE TABLE even PARTITION OF profiles FOR VALUES WITH (MODULUS 2, REMAINDER 0);"
    "CREATE TABLE odd PARTITION OF profiles FOR VALUES WITH (MODULUS 2, REMAINDER 1);";

class VerifyPartitions : public VerifyTest {
 protected:
  static constexpr auto keyed = "id bigint, at date, data text, PRIMARY KEY (id, at)";
  static constexpr auto keyless = "id bigint, at date, data text";

  // 100 days from the first of January on.
  static std::string table(const std::string& columns, const std::string& partitions,
                           const std::string& key = "RANGE (at)") {
    return fmt::format("CREATE TABLE profiles ({}) PARTITION BY {};{}", columns, key, partitions);
  }
  static std::string plain(const std::string& columns) {
    return fmt::format("CREATE TABLE profiles ({});", columns);
  }
  void fill() const {
    both_sql(
        "INSERT INTO profiles SELECT g, '2026-01-01'::date + g % 100, repeat('x', g % 50) "
        "FROM generate_series(1, 10000) g; ANALYZE profiles");
  }
  // Rows of all three months, on either side.
  void change() const {
    target_sql(
        "UPDATE profiles SET data = 'y' WHERE id = 10; DELETE FROM profiles WHERE id = 40;"
        "INSERT INTO profiles VALUES (20000, '2026-04-01', 'z')");
  }
  // Compares equal and then changed tables; the strategy.
  std::string compare(const std::string& source, const std::string& target, std::int64_t least_chunks) const {
    source_sql(source);
    target_sql(target);
    fill();
    const Arguments small{"--batch-bytes", "64kB"};
    const auto equal = expect_equal_rows(10'000, small);
    EXPECT_GE(equal["chunks"], least_chunks) << equal["strategy"];
    change();
    const auto found = verified(1, small);
    const bool has_key = !found["rows"][0].contains("hash");
    EXPECT_EQ(differences(found), has_key ? Rows({"at=2026-01-11 id=10 1:1 data", "at=2026-02-10 id=40 1:0",
                                                  "at=2026-04-01 id=20000 0:1"})
                                          : Rows({"row 1:0", "row 0:1"}))
        << found;
    EXPECT_EQ(found["differences"], has_key ? 3 : 4);
    // The other way round.
    const auto back =
        json_of(run_pghaul({"verify", "--source", target_conninfo(), "--target", source_conninfo(), "--table",
                            profiles, "--settle", "1ms", "--json"}));
    EXPECT_EQ(back["tables"][0]["differences"], found["differences"]);
    return equal["strategy"].get<std::string>();
  }
};

}  // namespace pghaul::test
