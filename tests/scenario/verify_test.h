// For scenarios in which two tables are compared.
#pragma once

#include <cstdlib>
#include <map>
#include <set>

#include "scenario/copy_test.h"

namespace pghaul::test {

// How often something is tried; tests/fault/verify_soak says more than the test itself.
inline int times_of(const char* variable, int by_default) {
  const char* const given = std::getenv(variable);
  return given != nullptr ? std::stoi(given) : by_default;
}

class VerifyTest : public CopyTest {
 protected:
  // The pause before rows are looked at again is short: nobody writes meanwhile, unless a test says
  // otherwise.
  ProgramResult verify(Arguments more = {}, const Environment& environment = {}) const {
    if (std::ranges::find(more, "--settle") == more.end()) more.insert(more.end(), {"--settle", "1ms"});
    return run_pghaul(command("verify", more), environment, 120s);
  }
  // The report of the comparison of one table, which ends with `status`.
  nlohmann::json verified(int status, Arguments more = {}) const {
    more.emplace_back("--json");
    const auto result = verify(more);
    EXPECT_EQ(result.status, status) << result;
    const auto document = json_of(result);
    return document.contains("tables") ? document["tables"][0] : nlohmann::json::object();
  }
  nlohmann::json expect_equal_rows(std::int64_t rows, const Arguments& more = {}) const {
    const auto table = verified(0, more);
    EXPECT_EQ(table.value("state", ""), "equal") << table;
    EXPECT_EQ(table.value("source_rows", -1), rows);
    EXPECT_EQ(table.value("target_rows", -1), rows);
    return table;
  }
  // What differs: "id=5 1:0" is a row that is on the source alone, "id=7 1:1 data,name" one that differs in
  // these columns.
  static std::set<std::string> differences(const nlohmann::json& table) {
    std::set<std::string> found;
    const auto rows = table.value("rows", nlohmann::json::array());
    for (const auto& row : rows) {
      std::string text;
      const auto key = row.value("key", nlohmann::json::object());
      for (const auto& [name, value] : key.items()) {
        text += fmt::format("{}{}={}", text.empty() ? "" : " ", name, value.get<std::string>());
      }
      if (row.contains("hash")) text = "row";
      text += fmt::format(" {}:{}", row["on_source"].get<int>(), row["on_target"].get<int>());
      std::string columns;
      for (const auto& column : row["columns"])
        columns += (columns.empty() ? " " : ",") + column.get<std::string>();
      found.insert(text + columns);
    }
    return found;
  }
  using Rows = std::set<std::string>;

  // On both servers.
  void both_sql(const std::string& sql) const {
    source_sql(sql);
    target_sql(sql);
  }
};

}  // namespace pghaul::test
