#include "cli/scrub.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pghaul {
namespace {

using testing::ElementsAreArray;
using Words = std::vector<std::string>;

// What `ps` would show afterwards.
Words scrubbed(const Words& words) {
  Words memory{"pghaul"};
  memory.insert(memory.end(), words.begin(), words.end());
  const Words before = memory;
  std::vector<char*> argv;
  for (auto& word : memory) argv.push_back(word.data());
  EXPECT_THAT(take_arguments(argv), ElementsAreArray(before));
  memory.erase(memory.begin());
  return memory;
}

TEST(Scrub, ConnectionStringsAreOverwrittenInTheirLength) {
  EXPECT_THAT(scrubbed({"copy", "--source", "dbname=a", "--target=host=b", "--table", "t"}),
              ElementsAreArray({"copy", "--source", "xxxxxxxx", "--target=xxxxxx", "--table", "t"}));
}

TEST(Scrub, SoIsThePrimarys) {
  EXPECT_THAT(scrubbed({"--primary", "dbname=a", "--primary=dbname=a"}),
              ElementsAreArray({"--primary", "xxxxxxxx", "--primary=xxxxxxxx"}));
}

TEST(Scrub, AlsoBehindAMistypedOption) {
  EXPECT_THAT(scrubbed({"--sorce", "postgres://u:p@h/d"}), ElementsAreArray({"--sorce", std::string(18, 'x').c_str()}));
  EXPECT_THAT(scrubbed({"--sorce=password=p"}), ElementsAreArray({"--sorce=xxxxxxxxxx"}));
  EXPECT_THAT(scrubbed({"host=h password=p"}), ElementsAreArray({std::string(17, 'x').c_str()}));
}

TEST(Scrub, NothingElseIsTouched) {
  const Words words{"copy", "--table", "source", "--where", "a = 'b'", "--columns=a,b", "--full", ""};
  EXPECT_THAT(scrubbed(words), ElementsAreArray(words));
  EXPECT_THAT(scrubbed({"copy", "--source"}), ElementsAreArray({"copy", "--source"})) << "the value is missing";
}

}  // namespace
}  // namespace pghaul
