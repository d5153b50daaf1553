// Copies that are interrupted at random, by whatever it may be, and taken up again: the target equals the source.
#include <filesystem>
#include <random>

#include "library/copy_table_test.h"
#include "library/folder.h"

namespace pghaul::test {
namespace {

namespace fs = std::filesystem;

class Resume : public CopyTable {
 protected:
  Resume() { options.progress = progress_in_file(folder_.path() / "progress"); }

  Folder folder_;
};

TEST_F(Resume, WhatIsDoneIsNotLoadedAgain) {
  fill(source(), 0, 1000);
  std::atomic<int> left{50};
  world->before = [&](MemoryWorld::Call& call) {
    if (call.name == "save_rows" && left-- <= 0) throw std::runtime_error("enough for now");
  };
  failure();
  const auto saved = target().size();
  EXPECT_GE(saved, 500u);
  world->before = [](MemoryWorld::Call&) {};
  const auto summary = copy();
  EXPECT_TRUE(summary.resumed);
  EXPECT_LE(summary.done.rows, 1000 - saved + 10 * static_cast<unsigned>(options.writers));
  expect_equal();
}

TEST_F(Resume, AnotherCopysFileIsRefused) {
  fill(source(), 1, 10);
  copy();
  for (const auto& [from, to, column] : {std::tuple{"from", "elsewhere", 0}, {"other", "to", 0}, {"from", "to", 1}}) {
    options.id_column = static_cast<std::size_t>(column);
    try {
      copy_table(pool, from, to, false, options);
      FAIL() << "the copy went through";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::refused);
      EXPECT_THAT(error.what(), testing::HasSubstr("this is the record of another copy"));
      EXPECT_THAT(error.object(), testing::EndsWith("/progress"));
    }
  }
}

TEST_F(Resume, ASecondCopyAtTheSameTimeIsRefused) {
  fill(source(), 1, 100);
  std::atomic<bool> tried{false};
  world->before = [&](MemoryWorld::Call& call) {
    if (call.name != "save_rows" || tried.exchange(true)) return;
    auto second = options;
    second.progress = progress_in_file(folder_.path() / "progress");
    try {
      copy_table(pool, "from", "to", false, second);
      ADD_FAILURE() << "two at once";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::refused);
      EXPECT_THAT(error.what(), testing::HasSubstr("another copy is using this file of progress"));
    }
  };
  copy();
  EXPECT_TRUE(tried);
  expect_equal();
}

TEST_F(Resume, WithoutAStoreProgressIsInTheWorkingFolder) {
  const auto before = fs::current_path();
  fs::current_path(folder_.path());
  options.progress = nullptr;
  fill(world->tables["a/b c"], 1, 100);
  copy_table(pool, "a/b c", "\xc3\xa9", false, options);
  EXPECT_TRUE(fs::exists("a%2Fb%20c-to-%C3%A9.pghaul-progress"));
  EXPECT_EQ(copy_table(pool, "a/b c", "\xc3\xa9", false, options).done.rows, 0u);
  fs::current_path(before);
}

// Tables with gaps, trouble of every kind at random places, an end without a word now and then.
class Trouble {
 public:
  Trouble(unsigned seed, MemoryWorld& world) : random_(seed) {
    const auto act = [this](MemoryWorld::Call& call) { strike(call); };
    world.before = act;
    world.after = act;
  }
  int roll(int from, int to) {
    const std::lock_guard lock(mutex_);
    return std::uniform_int_distribution(from, to)(random_);
  }
  void end() {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  int strikes() const { return strikes_; }

 private:
  void strike(MemoryWorld::Call&) {
    const std::lock_guard lock(mutex_);
    if (over_ || std::uniform_int_distribution(1, 25)(random_) != 1) return;
    ++strikes_;
    switch (std::uniform_int_distribution(1, 8)(random_)) {
      case 1: throw std::runtime_error("for good");
      case 2: throw 1;
      case 3:
      case 4:
      case 5: throw Error(ErrorKind::connection_lost, "lost");
      default: throw Error(ErrorKind::transient, "passing");
    }
  }

  mutable std::mutex mutex_;
  std::mt19937 random_;
  bool over_ = false;
  std::atomic<int> strikes_{0};
};

void fill_at_random(MemoryTable& table, Trouble& trouble, std::uint64_t from) {
  for (int parts = trouble.roll(0, 5); parts > 0; --parts) {
    from += std::uint64_t{1} << trouble.roll(0, 45);
    const auto count = static_cast<std::uint64_t>(trouble.roll(1, 120));
    const auto step = std::uint64_t{1} << trouble.roll(0, 12);
    fill(table, from, count, step);
    from += count * step;
  }
}

TEST_F(Resume, RandomTablesAndRandomTrouble) {
  int strikes = 0, interrupted = 0;
  for (unsigned seed = 1; seed <= 25; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    fs::remove(folder_.path() / "progress");
    world->tables.clear();
    Trouble trouble(seed, *world);
    fill_at_random(source(), trouble, 0);
    world->has_next_id = trouble.roll(0, 1) == 1;
    options.batch_size = static_cast<std::size_t>(trouble.roll(1, 40));
    options.readers = trouble.roll(1, 4);
    options.writers = trouble.roll(1, 4);
    options.queue_length = static_cast<std::size_t>(trouble.roll(1, 3));
    for (int attempt = 0;; ++attempt) {
      if (attempt == 200) trouble.end();
      try {
        copy(attempt == 0 && seed % 3 == 0);
        break;
      } catch (const Error& error) {
        ++interrupted;
        ASSERT_EQ(error.kind(), ErrorKind::failed) << error.story();
      }
      for (const auto& [id, row] : target()) ASSERT_TRUE(source().contains(id)) << id;
    }
    expect_equal();
    // What came since.
    const auto highest = source().empty() ? 0 : source().rbegin()->first;
    fill_at_random(source(), trouble, highest);
    trouble.end();
    copy();
    expect_equal();
    strikes += trouble.strikes();
  }
  EXPECT_GT(strikes, 200);
  EXPECT_GT(interrupted, 40);
}

}  // namespace
}  // namespace pghaul::test
