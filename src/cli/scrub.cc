#include "cli/scrub.h"

#include <algorithm>
#include <string_view>

namespace pghaul {
namespace {

bool names_server(std::string_view option) {
  return option == "--source" || option == "--target" || option == "--primary";
}

// Behind a mistyped option, say.
bool may_hold_password(std::string_view text) {
  return text.find("password") != std::string_view::npos || text.find("://") != std::string_view::npos;
}

// Bytes at the front of `argument` that stay.
std::size_t harmless_bytes(std::string_view argument, bool after_option) {
  if (after_option) return 0;
  const auto equals = argument.find('=');
  const bool option = argument.starts_with("--") && equals != std::string_view::npos;
  if (option && (names_server(argument.substr(0, equals)) || may_hold_password(argument))) return equals + 1;
  return may_hold_password(argument) ? 0 : argument.size();
}

}  // namespace

std::vector<std::string> take_arguments(std::span<char*> argv) {
  std::vector<std::string> copies(argv.begin(), argv.end());
  for (std::size_t i = 1; i < argv.size(); ++i) {
    const std::string_view argument = copies[i];
    const auto keep = harmless_bytes(argument, names_server(copies[i - 1]));
    std::fill(argv[i] + keep, argv[i] + argument.size(), 'x');
  }
  return copies;
}

}  // namespace pghaul
