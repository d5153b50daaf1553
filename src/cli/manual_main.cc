// Writes what is installed beside the program to standard output: pghaul_manual man|bash|zsh
#include <cstdio>
#include <string>
#include <string_view>

#include "cli/manual.h"

int main(int argc, char** argv) {
  const std::string_view what = argc == 2 ? argv[1] : "";
  std::string text;
  if (what == "man") text = pghaul::manual_page();
  if (what == "bash") text = pghaul::bash_completion();
  if (what == "zsh") text = pghaul::zsh_completion();
  if (text.empty()) return std::fputs("usage: pghaul_manual man|bash|zsh\n", stderr), 2;
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  return written ? 0 : 1;
}
