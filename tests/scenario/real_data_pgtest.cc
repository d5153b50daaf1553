// Debian's own package index as profiles(id, data jsonb), killed on the way and resumed.
#include <algorithm>
#include <csignal>

#include "scenario/copy_test.h"
#include "scenario/package_index.h"

namespace pghaul::test {
namespace {

using Documents = std::vector<nlohmann::json>;

class RealData : public CopyTest {
 protected:
  // Irregular, and a big one after every thousand.
  static std::int64_t id_of(std::size_t record) {
    const auto n = static_cast<std::int64_t>(record);
    return 5 + n * 3 + n % 7 / 6 + n / 1000 * 1'000'000'007;
  }

  void load(const Documents& records) const {
    std::string script = "CREATE TABLE public.profiles (id bigserial PRIMARY KEY, data jsonb);\n"
                         "COPY public.profiles FROM STDIN;\n";
    for (std::size_t n = 0; n < records.size(); ++n) {
      script += std::to_string(id_of(n)) + '\t';
      for (const char c : records[n].dump()) script.append(c == '\\' ? 2 : 1, c);
      script += '\n';
    }
    script += fmt::format("\\.\nSELECT setval('public.profiles_id_seq', {});\nANALYZE public.profiles;\n",
                          id_of(records.size() - 1));
    source_sql(script);
    ASSERT_EQ(source_sql("SELECT count(*) FROM public.profiles"), std::to_string(records.size()));
  }

  // The first record of which it is true arrived as it was.
  template <typename Condition>
  void expect_arrived(const Documents& records, const std::string& what, const Condition& is_wanted) const {
    const auto found = std::find_if(records.begin(), records.end(), is_wanted);
    ASSERT_NE(found, records.end()) << what;
    const auto id = id_of(static_cast<std::size_t>(found - records.begin()));
    const auto text = target_sql(fmt::format("SELECT data FROM public.profiles WHERE id = {}", id));
    EXPECT_EQ(nlohmann::json::parse(text), *found) << what;
  }

  void copy_and_kill() const {
    auto running = start_copy({"--batch-bytes", "2MB", "--sleep", "100ms"});
    ASSERT_TRUE(wait_until([&] { return some_chunks_done(5); })) << running.err();
    running.process().signal(SIGKILL);
    ASSERT_EQ(running.finish().status, 128 + SIGKILL);
    ASSERT_NE(target_sql("SELECT count(*) FROM pghaul.unfinished_chunks"), "0");
  }
};

TEST_F(RealData, PackageIndexKilledAndResumed) {
  const auto records = package_index();
  ASSERT_GE(records.size(), 1000U)
      << "apt-cache dumpavail gives too few records: run apt-get update (scripts/setup does)";
  load(records);
  copy_and_kill();
  const auto table = copied({"--batch-bytes", "2MB"})["tables"][0];
  EXPECT_TRUE(table["resumed"]);
  EXPECT_EQ(table["rows_total"], records.size());
  EXPECT_GT(table["rows"], 0);
  EXPECT_LT(table["rows"], records.size());
  expect_equal();
  EXPECT_EQ(target_indexes(), "profiles_pkey");

  expect_arrived(records, "first", [](const auto&) { return true; });
  expect_arrived(records, "alternatives with versions", [](const auto& data) {
    const auto depends = data.value("Depends", nlohmann::json::array());
    return std::any_of(depends.begin(), depends.end(),
                       [](const auto& one_of) { return one_of.size() > 1 && one_of[0].contains("version"); });
  });
  expect_arrived(records, "several lines", [](const auto& data) {
    return data.value("Tag", "").find('\n') != std::string::npos;
  });
  expect_arrived(records, "Unicode", [](const auto& data) {
    const auto text = data.dump();
    return std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
  });
  expect_arrived(records, "quotes or backslashes", [](const auto& data) {
    return data.value("Description", "").find_first_of("\"\\") != std::string::npos;
  });
}

}  // namespace
}  // namespace pghaul::test
