// docs/compatibility.md has exactly the cases that the tests of types and keys have. `tools/compatibility` makes it anew.
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/key_cases.h"
#include "support/type_cases.h"

namespace pghaul::test {
namespace {

// Name and definition of each row of the table under this title.
std::vector<std::string> rows_under(const std::string& title) {
  std::ifstream page(PGHAUL_SOURCE_DIR "/docs/compatibility.md");
  std::vector<std::string> rows;
  bool here = false;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("## ")) here = line == "## " + title;
    if (!here || !line.starts_with("| `")) continue;
    EXPECT_EQ(line.find("DIFFERENT"), std::string::npos) << line;
    rows.push_back(line.substr(0, line.find("` | ", line.find("` | ") + 4) + 1));
  }
  return rows;
}

std::string row_of(const std::string& name, std::string definition) {
  for (std::size_t at = 0; (at = definition.find('|', at)) != std::string::npos; at += 2) definition.insert(at, "\\");
  return "| `" + name + "` | `" + definition + "`";
}

TEST(Compatibility, PageHasEveryType) {
  std::vector<std::string> expected;
  for (const auto& of : type_cases()) expected.push_back(row_of(of.name, of.type));
  EXPECT_EQ(rows_under("Types"), expected) << "run tools/compatibility";
}

TEST(Compatibility, PageHasEveryKey) {
  std::vector<std::string> expected;
  for (const auto& of : key_cases()) expected.push_back(row_of(of.name, key_definition(of)));
  EXPECT_EQ(rows_under("Keys"), expected) << "run tools/compatibility";
}

}  // namespace
}  // namespace pghaul::test
