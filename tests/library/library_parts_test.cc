// The parts of copy_table() on their own: calls that hang, rows as bytes, widths of ranges, records of progress.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <set>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/call_thread.h"
#include "base/log.h"
#include "database/row_codec.h"
#include "ledger/range_progress.h"
#include "library/folder.h"
#include "pghaul/error.h"
#include "pghaul/progress_store.h"
#include "source/range_width.h"

namespace pghaul::test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(CallThread, CallsAreMadeOneAfterTheOtherOnOneThread) {
  CallThread thread;
  std::set<std::thread::id> ids;
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(thread.run([&] { ids.insert(std::this_thread::get_id()); }, Deadline::never()));
  }
  EXPECT_EQ(ids.size(), 1u);
  EXPECT_FALSE(ids.contains(std::this_thread::get_id()));
}

TEST(CallThread, WhatIsThrownPassesThrough) {
  CallThread thread;
  EXPECT_THROW((void)thread.run([] { throw 42; }, Deadline::never()), int);
  EXPECT_TRUE(thread.run([] {}, Deadline::never()));
}

TEST(CallThread, WhatHangsIsLeftBehindWithWhatItOwns) {
  const auto owned = std::make_shared<std::atomic<bool>>(false);
  const std::weak_ptr<std::atomic<bool>> watched = owned;
  {
    CallThread thread;
    EXPECT_FALSE(thread.run(
        [go = owned] {
          while (!*go) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        },
        Deadline::after(std::chrono::milliseconds(20))));
  }
  *owned = true;
  for (int i = 0; i < 5000 && watched.use_count() > 1; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(watched.use_count(), 1);
}

TEST(CallThread, LogsWhereItsOwnerDoes) {
  std::vector<std::string> lines;
  const LogScope scope(std::make_shared<LogTarget>([&](LogLevel, const std::string& text) { lines.push_back(text); }));
  testing::internal::CaptureStderr();
  {
    CallThread thread;
    EXPECT_TRUE(thread.run([] { log_warning("from the thread\x1b"); }, Deadline::never()));
    const LogScope silence(nullptr);
    log_warning("nobody hears");
  }
  log_warning("from here");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  EXPECT_THAT(lines, ElementsAre("from the thread\\x1b", "from here"));
}

TEST(RowCodec, BytesMayBeCutAnywhere) {
  const std::vector<Row> rows{{"1", std::nullopt, ""}, {}, {std::string("a\0b\n\xff", 5)}, {std::string(100'000, 'x'), "2"}};
  std::string bytes;
  for (const auto& row : rows) append_row(bytes, row);
  for (const std::size_t step : {1UL, 7UL, 8UL, 100UL, bytes.size()}) {
    if (step == 1 || step == 7 || step == 8) {  // quadratic for a long row in short pieces
      bytes.clear();
      append_row(bytes, rows[0]);
      append_row(bytes, rows[2]);
    } else {
      bytes.clear();
      for (const auto& row : rows) append_row(bytes, row);
    }
    RowDecoder decoder;
    std::vector<Row> decoded;
    for (std::size_t at = 0; at < bytes.size(); at += step) decoder.feed(std::string_view(bytes).substr(at, step), decoded);
    decoder.finish();
    EXPECT_EQ(decoded, step < 10 ? (std::vector{rows[0], rows[2]}) : rows);
  }
}

TEST(RowCodec, AnIncompleteRowIsNoticed) {
  std::string bytes;
  append_row(bytes, {"1", "two"});
  for (std::size_t length = 1; length < bytes.size(); ++length) {
    RowDecoder decoder;
    std::vector<Row> rows;
    decoder.feed(std::string_view(bytes).substr(0, length), rows);
    EXPECT_TRUE(rows.empty());
    EXPECT_THROW(decoder.finish(), Error);
  }
}

TEST(RangeWidth, DenseSparseAndEmpty) {
  RangeWidth width(100, UINT64_MAX);
  EXPECT_EQ(width.next().ids, 100u);
  width.loaded(100, 100, 100);
  EXPECT_EQ(width.next().ids, 100u);
  EXPECT_FALSE(width.next().searching);
  width.loaded(100, 0, 0);
  width.loaded(100, 0, 0);
  EXPECT_EQ(width.next().ids, 200u) << "two empty ranges of one width: it grows once";
  EXPECT_TRUE(width.next().searching);
  for (int i = 0; i < 70; ++i) width.loaded(width.next().ids, 0, 0);
  EXPECT_EQ(width.next().ids, UINT64_MAX);
  width.loaded(UINT64_MAX, 3, 3);
  EXPECT_EQ(width.next().ids, 100u) << "three rows close together at its end";
  width.loaded(100, 10, 100);
  EXPECT_EQ(width.next().ids, 200u);
  width.loaded(200, 200, 200);
  EXPECT_EQ(width.next().ids, 100u);
}

TEST(RangeWidth, NeverAboveTheWidest) {
  RangeWidth width(100, 30);
  EXPECT_EQ(width.next().ids, 30u);
  width.loaded(30, 0, 0);
  width.loaded(30, 1, 30);
  EXPECT_EQ(width.next().ids, 30u);
}

RangeProgress replayed(const std::vector<std::string>& records) {
  RangeProgress progress;
  for (const auto& record : records) progress.apply(record);
  return progress;
}

void expect_same(const RangeProgress& a, const RangeProgress& b) {
  EXPECT_EQ(a.copy(), b.copy());
  EXPECT_EQ(a.generation(), b.generation());
  EXPECT_EQ(a.clear_first(), b.clear_first());
  EXPECT_EQ(a.up_to(), b.up_to());
  EXPECT_EQ(a.next_no(), b.next_no());
  ASSERT_EQ(a.pending().size(), b.pending().size());
  for (auto x = a.pending().begin(), y = b.pending().begin(); x != a.pending().end(); ++x, ++y) {
    EXPECT_EQ(x->first, y->first);
    EXPECT_EQ(x->second.range, y->second.range);
    EXPECT_EQ(x->second.refined, y->second.refined);
  }
}

std::vector<Chunk> cut(const Chunk& parent, const std::vector<std::uint64_t>& cuts, bool rest_is_coarse) {
  std::vector<Chunk> children;
  auto range = id_range(parent);
  for (const auto at : cuts) {
    children.push_back(id_chunk({range.lower, at}));
    children.back().refined = true;
    range.lower = at;
  }
  children.push_back(id_chunk(range));
  children.back().refined = !rest_is_coarse;
  return children;
}

// The ranges that are left always make up, with those that were done, all that was planned; and a shortened list, or one
// with records twice in a row, says the same as the whole.
TEST(RangeProgress, RandomHistories) {
  std::mt19937 random(7);
  for (int history = 0; history < 200; ++history) {
    std::vector<std::string> records{copy_record("a", "b", 0), generation_record(1, false),
                                     round_record(1001, 1, {0, 1001})};
    auto progress = replayed(records);
    std::uint64_t done = 0;
    for (int step = 0; step < 60 && !progress.pending().empty(); ++step) {
      auto at = progress.pending().begin();
      std::advance(at, static_cast<long>(random() % progress.pending().size()));
      const auto range = id_range(at->second);
      if (range.upper - range.lower > 2 && random() % 2 == 0) {
        const auto middle = range.lower + 1 + random() % (range.upper - range.lower - 1);
        records.push_back(split_record(at->first, progress.next_no(), cut(at->second, {middle}, random() % 2 == 0)));
      } else {
        records.push_back(done_record(at->first));
        done += range.upper - range.lower;
      }
      progress.apply(records.back());
      if (random() % 10 == 0) progress.apply(records.back());
      std::uint64_t left = 0;
      for (const auto& [no, chunk] : progress.pending()) left += id_range(chunk).upper - id_range(chunk).lower;
      ASSERT_EQ(left + done, 1001u);
    }
    expect_same(progress, replayed(records));
    expect_same(progress, replayed(progress.shortened()));
  }
}

TEST(RangeProgress, ANewGenerationForgets) {
  auto progress = replayed({copy_record("a", "b", 0), generation_record(1, false), round_record(10, 1, {0, 10}),
                            done_record(1), generation_record(2, true)});
  EXPECT_EQ(progress.generation(), 2);
  EXPECT_TRUE(progress.clear_first());
  EXPECT_EQ(progress.up_to(), 0u);
  expect_same(progress, replayed(progress.shortened()));
  progress.apply(cleared_record());
  progress.apply(round_record(10, progress.next_no(), {0, 10}));
  progress.apply(done_record(1));
  EXPECT_EQ(progress.pending().size(), 1u) << "a range of the generation before";
}

TEST(RangeProgress, RecordsThatAreNone) {
  for (const auto* record : {"", "x", "done", "done x", "split 1 2", "split 1 2 0 5", "split 1 2 0 5 x", "round 1 2", "generation 1"}) {
    EXPECT_THROW(replayed({record}), Error) << record;
  }
}

TEST(RangeProgress, NamesAreOneWordAndSafeInAFileName) {
  EXPECT_EQ(encode_name("prod_1.shop"), "prod_1.shop");
  EXPECT_EQ(encode_name("a b/../c\n"), "a%20b%2F..%2Fc%0A");
  EXPECT_EQ(encode_name(".."), "%2E.");
  EXPECT_EQ(encode_name(""), "%");
  EXPECT_NE(copy_record("a b", "c", 0), copy_record("a", "b c", 0));
}

class FileStore : public testing::Test {
 protected:
  fs::path file() const { return folder_ / "progress"; }
  std::shared_ptr<ProgressStore> store() const { return progress_in_file(file()); }
  std::vector<std::string> open() const { return store()->open("copy", Deadline::never()); }
  std::string content() const {
    std::ifstream in(file(), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void write(const std::string& text) const { std::ofstream(file(), std::ios::binary) << text; }
  // The file after three records.
  std::string three_records() const {
    const auto made = store();
    made->open("copy", Deadline::never());
    for (const auto* record : {"one", "two 2", "three"}) made->append(record, Deadline::never());
    return content();
  }
  Error refusal() const {
    try {
      open();
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << "it was taken";
    return Error(ErrorKind::usage, "");
  }

  const Folder made_;
  const fs::path folder_ = made_.path();
};

TEST_F(FileStore, RecordsComeBack) {
  three_records();
  EXPECT_THAT(open(), ElementsAre("one", "two 2", "three"));
  EXPECT_EQ(fs::status(file()).permissions(), fs::perms(0600));
}

TEST_F(FileStore, ALastLineThatIsTornIsDroppedWhereverItIsTorn) {
  const auto whole = three_records();
  const auto third = whole.rfind('\n', whole.size() - 2) + 1;
  for (auto length = third; length < whole.size(); ++length) {
    write(whole.substr(0, length));
    EXPECT_THAT(open(), ElementsAre("one", "two 2"));
    const auto again = store();
    again->open("copy", Deadline::never());
    again->append("three", Deadline::never());
    EXPECT_EQ(content(), whole);
  }
  write(whole.substr(0, third) + std::string(50, '\0'));
  EXPECT_THAT(open(), ElementsAre("one", "two 2"));
}

TEST_F(FileStore, TornWhileItWasMade) {
  const auto whole = three_records();
  const auto first = whole.find('\n');
  for (std::size_t length = 0; length <= first; ++length) {
    write(whole.substr(0, length));
    EXPECT_THAT(open(), ElementsAre());
  }
}

TEST_F(FileStore, ADamagedFileIsRefusedByName) {
  const auto whole = three_records();
  const auto last = whole.rfind('\n', whole.size() - 2) + 1;
  for (std::size_t at = 0; at + 1 < last; ++at) {  // without that line's end it would be part of a torn one
    auto damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    write(damaged);
    const auto error = refusal();
    EXPECT_EQ(error.kind(), ErrorKind::refused);
    EXPECT_EQ(error.object(), file().string());
    EXPECT_EQ(content(), damaged) << "it was changed";
  }
}

TEST_F(FileStore, AnotherFileIsLeftAlone) {
  for (const std::string text : {"a letter", "a letter\nof two lines\n", "\n"}) {
    write(text);
    EXPECT_THAT(refusal().what(), HasSubstr("this is no file of progress of pghaul"));
    EXPECT_EQ(content(), text);
  }
}

TEST_F(FileStore, ItIsLockedUntilItIsClosed) {
  const auto first = store();
  first->open("copy", Deadline::never());
  EXPECT_THAT(refusal().what(), HasSubstr("another copy is using this file of progress"));
  const std::vector<std::string> records{"short"};
  first->replace(records, Deadline::never());
  EXPECT_THAT(refusal().what(), HasSubstr("another copy is using this file of progress"));
  first->close();
  EXPECT_THAT(open(), ElementsAre("short"));
}

TEST_F(FileStore, RecordsAreReplacedAsAWhole) {
  three_records();
  {
    const auto again = store();
    again->open("copy", Deadline::never());
    const std::vector<std::string> records{"a", "b"};
    again->replace(records, Deadline::never());
    again->append("c", Deadline::never());
  }
  EXPECT_THAT(open(), ElementsAre("a", "b", "c"));
  write("");  // what a crash left of the next one
  std::ofstream(file().string() + ".new") << "half a li";
  EXPECT_THAT(open(), ElementsAre());
}

TEST_F(FileStore, NoFolderAndNoRight) {
  try {
    progress_in_file(folder_ / "missing/progress")->open("copy", Deadline::never());
    FAIL() << "opened";
  } catch (const Error& error) {
    EXPECT_EQ(error.error_number(), ENOENT);
    EXPECT_EQ(error.kind(), ErrorKind::failed);
  }
  fs::create_symlink("/etc/passwd", file());
  EXPECT_EQ(refusal().error_number(), ELOOP);
}

}  // namespace
}  // namespace pghaul::test
