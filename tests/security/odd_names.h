// Names that were once somebody's bug, and SQL's quotation of them, which is not pghaul's own.
#pragma once

#include <string>
#include <vector>

namespace pghaul::test {

inline std::string quoted(const std::string& name) {
  std::string text = "\"";
  for (const char c : name) text += c == '"' ? std::string("\"\"") : std::string(1, c);
  return text + "\"";
}

// G16, and what else was once somebody's bug.
inline const std::vector<std::string>& odd_names() {
  static const std::vector<std::string> names{"a\"\"b",
                                              "\"",
                                              "line\nend",
                                              "';-- DROP",
                                              "$1",
                                              "$$",
                                              std::string(63, 'x'),
                                              "😀 ünï",
                                              "../x",
                                              "/etc/passwd",
                                              "CON",
                                              " leading",
                                              "trailing ",
                                              "%s%n%d",
                                              "{} {0}",
                                              "T",
                                              "t",
                                              "back\\slash",
                                              "\\",
                                              "tab\there",
                                              "SELECT",
                                              "a.b",
                                              "a,b",
                                              "a=b c'd",
                                              "host=evil port=1",
                                              "postgresql://evil/x",
                                              "*",
                                              "\x01\x1b[2J\x7f"};
  return names;
}

}  // namespace pghaul::test
