// docs/reliability.md says which tests show what happens at a fault. They exist.
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include <gmock/gmock.h>

#include "fault/fault_kinds.h"

namespace pghaul::test {
namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& path) {
  std::stringstream content;
  content << std::ifstream(path).rdbuf();
  return content.str();
}

// `Suite.Case` of every TEST, TEST_F and TEST_P of the tree.
std::set<std::string> tests_of_the_tree() {
  static const std::regex test(R"(TEST(?:_F|_P)?\((\w+),\s*(\w+)\))");
  std::set<std::string> names;
  for (const auto* folder : {"/tests", "/src"}) {
    for (const auto& file : fs::recursive_directory_iterator(std::string(PGHAUL_SOURCE_DIR) + folder)) {
      if (file.path().extension() != ".cc") continue;
      const auto content = read(file.path());
      for (std::sregex_iterator match(content.begin(), content.end(), test), end; match != end; ++match) {
        names.insert((*match)[1].str() + "." + (*match)[2].str());
      }
    }
  }
  return names;
}

// What stands between backquotes in the last column of the table of faults.
std::vector<std::string> tests_of_row(const std::string& row) {
  static const std::regex quoted("`([^`]+)`");
  const auto column = row.substr(row.rfind("| ", row.size() - 3));
  std::vector<std::string> names;
  for (std::sregex_iterator match(column.begin(), column.end(), quoted), end; match != end; ++match) {
    names.push_back((*match)[1].str());
  }
  return names;
}

TEST(Catalogue, EveryFaultHasATestThatExists) {
  const auto known = tests_of_the_tree();
  std::istringstream lines(read(std::string(PGHAUL_SOURCE_DIR) + "/docs/reliability.md"));
  bool in_table = false;
  int faults = 0;
  std::set<std::string> kinds;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("## ")) in_table = line == "## Faults";
    if (!in_table || !std::regex_search(line, std::regex(R"(^\| [A-Z]\d)"))) continue;
    ++faults;
    const auto names = tests_of_row(line);
    EXPECT_FALSE(names.empty()) << line;
    for (const auto& name : names) {
      const bool is_kind = find_kind(name) != nullptr;
      if (is_kind) kinds.insert(name);
      EXPECT_TRUE(is_kind || known.contains(name)) << name << " is not there: " << line;
    }
  }
  EXPECT_GT(faults, 40);
  for (const auto& kind : fault_kinds()) EXPECT_TRUE(kinds.contains(std::string(kind.name))) << kind.name << " is not listed";
}

}  // namespace
}  // namespace pghaul::test
