// The roles of docs/security.md, made out of its text.
#pragma once

#include <fstream>
#include <sstream>

#include "scenario/bad_input.h"

namespace pghaul::test {

inline std::string documentation() {
  std::ostringstream text;
  text << std::ifstream(PGHAUL_SOURCE_DIR "/docs/security.md").rdbuf();
  return text.str();
}

// Lines of the SQL block that begins with "-- name".
inline std::vector<std::string> statements(const std::string& name) {
  const auto text = documentation();
  const auto begin = "```sql\n-- " + name + "\n";
  const auto block = text.find(begin);
  if (block == std::string::npos) throw std::runtime_error("docs/security.md has no block " + name);
  const auto first = block + begin.size();
  std::istringstream lines(text.substr(first, text.find("```", first) - first));
  std::vector<std::string> found;
  for (std::string line; std::getline(lines, line);) found.push_back(line);
  return found;
}

inline std::string replaced(std::string text, const std::string& word, const std::string& by) {
  for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + by.size())) {
    text.replace(at, word.size(), by);
  }
  return text;
}

class RightsTest : public BadInput {
 protected:
  // Nobody may do anything but what the document grants.
  RightsTest() {
    for (const auto& conninfo : {source_conninfo(), target_conninfo()}) {
      run_psql(
          conninfo,
          fmt::format("DROP ROLE IF EXISTS hauler; DROP ROLE IF EXISTS loader; DROP ROLE IF EXISTS auditor;"
                      "REVOKE ALL ON DATABASE {} FROM PUBLIC; REVOKE ALL ON SCHEMA public FROM PUBLIC",
                      database()));
    }
    make_profiles(3000);
  }
  // What a block of the document says, but for statements that have this word.
  void grant_on(const std::string& conninfo, const std::string& block, const std::string& but = "") const {
    for (const auto& statement : statements(block)) {
      if (!but.empty() && statement.find(but) != std::string::npos) continue;
      run_psql(conninfo, replaced(replaced(statement, "DATABASE shop", "DATABASE " + database()),
                                  "DATABASE bi", "DATABASE " + database()));
    }
  }
  void grant(const std::string& block, const std::string& but = "") const {
    grant_on(block.starts_with("source") ? source_conninfo() : target_conninfo(), block, but);
  }
  void expect_runs(const Arguments& arguments, int status = 0) const {
    const auto result = run_pghaul(arguments, {}, 120s);
    EXPECT_EQ(result.status, status) << testing::PrintToString(arguments) << result;
    EXPECT_THAT(result.err, Not(HasSubstr("42501"))) << result;
    EXPECT_THAT(result.err, Not(HasSubstr("warning"))) << result;
  }
};

}  // namespace pghaul::test
