// Connection strings, looked at without connecting.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace pghaul::pg {

struct ConninfoWord {
  std::string keyword, value;
  bool secret = false;  // a password
};

// What the string itself gives, a URI's parts under their keywords; nothing if it is not valid.
std::optional<std::vector<ConninfoWord>> conninfo_words(const std::string& conninfo);

}  // namespace pghaul::pg
