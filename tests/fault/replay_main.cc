// Plays a seed again, as often as it is said, and tells all of it.
#include <charconv>
#include <cstdio>
#include <cstring>
#include <iostream>

#include <gtest/gtest.h>

#include "fault/fault_kinds.h"

int main(int argc, char** argv) {
  testing::InitGoogleTest();  // the support library's expectations
  std::uint64_t seed = 0;
  int times = 1;
  const auto read = [](const char* text, auto& number) {
    return std::from_chars(text, text + std::strlen(text), number).ec == std::errc();
  };
  if (argc < 2 || !read(argv[1], seed) || (argc > 2 && !read(argv[2], times)) ||
      pghaul::test::kind_of(seed) == nullptr) {
    std::fputs("usage: tests/fault/replay SEED [TIMES]\n", stderr);
    return 2;
  }
  bool good = true;
  for (int i = 0; i < times; ++i) {
    const auto verdict = pghaul::test::play(seed);
    std::cout << verdict << std::flush;
    good = good && verdict.good();
  }
  return good ? 0 : 1;
}
