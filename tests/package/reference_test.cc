// Every public symbol is documented: Doxygen, which warns of those that are not, has nothing to say.
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "library/folder.h"
#include "support/program.h"

namespace pghaul::test {
namespace {

ProgramResult reference_into(const std::filesystem::path& folder, const std::filesystem::path& headers) {
  std::ifstream file(PGHAUL_SOURCE_DIR "/docs/Doxyfile");
  std::string settings((std::istreambuf_iterator<char>(file)), {});
  settings += "\nOUTPUT_DIRECTORY = \"" + folder.string() + "\"\nINPUT = \"" + headers.string() + "\"\n";
  std::ofstream(folder / "Doxyfile") << settings;
  ProcessOptions options;
  options.argv = {"env", "-C", PGHAUL_SOURCE_DIR, "doxygen", folder / "Doxyfile"};
  return run_program(options);
}

TEST(Reference, WithoutWarnings) {
  const Folder folder;
  const auto result = reference_into(folder.path(), PGHAUL_SOURCE_DIR "/include/pghaul");
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_EQ(result.err, "");
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "index.html"));
}

TEST(Reference, WhatIsNotDocumentedIsAnError) {
  const Folder folder;
  std::ofstream(folder.path() / "x.h") << "/// @file\n/// A header.\nnamespace pghaul { int no_word_about_it(); }\n";
  const auto result = reference_into(folder.path(), folder.path() / "x.h");
  EXPECT_NE(result.status, 0);
}

}  // namespace
}  // namespace pghaul::test
