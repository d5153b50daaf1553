// Databases that throw, hang, lie: each is a clear error, and nothing is lost.
#include <condition_variable>

#include "library/copy_table_test.h"

namespace pghaul::test {
namespace {

using testing::HasSubstr;

class Contract : public CopyTable {
 protected:
  Contract() { fill(source(), 1, 200); }

  // Changes what one load_rows() gives.
  void spoil(std::function<void(MemoryWorld::Call&)> change) {
    world->after = [change, left = std::make_shared<std::atomic<int>>(3)](MemoryWorld::Call& call) {
      if (call.name == "load_rows" && call.loaded->size() > 3 && --*left == 0) change(call);
    };
  }
  // The copy fails because of it, and not by a retry; and goes on once it is over.
  void expect_broken(const std::string& message) {
    const auto error = failure();
    EXPECT_EQ(error.kind(), ErrorKind::failed);
    EXPECT_EQ(error.side(), Side::source);
    EXPECT_THAT(error.what(), HasSubstr(message));
    EXPECT_THAT(error.range(), HasSubstr("id in ["));
    EXPECT_THAT(error.story(), testing::Not(HasSubstr("text of"))) << "values stay out of messages";
    expect_recovery();
  }
  void expect_recovery() {
    for (const auto& [id, row] : target()) EXPECT_EQ(row, source().at(id));
    world->before = [](MemoryWorld::Call&) {};
    world->after = [](MemoryWorld::Call&) {};
    copy();
    expect_equal();
  }
  void fail_at(const std::string& name, std::function<void()> fail, int times = 1000) {
    world->before = [name, fail, left = std::make_shared<std::atomic<int>>(times)](MemoryWorld::Call& call) {
      if (call.name == name && (*left)-- > 0) fail();
    };
  }
};

TEST_F(Contract, ARowBelowTheRange) {
  spoil([](MemoryWorld::Call& call) { call.loaded->front()[0] = std::to_string(call.min - 1); });
  expect_broken("row 1 of its answer lies outside the range");
}

TEST_F(Contract, ARowAtTheEndOfTheRange) {
  spoil([](MemoryWorld::Call& call) { call.loaded->back()[0] = std::to_string(call.max); });
  expect_broken("lies outside the range");
}

TEST_F(Contract, RowsOutOfOrder) {
  spoil([](MemoryWorld::Call& call) { std::swap((*call.loaded)[1], (*call.loaded)[2]); });
  expect_broken("row 3 of its answer comes after one with a higher id");
}

TEST_F(Contract, ARowTwice) {
  spoil([](MemoryWorld::Call& call) { call.loaded->push_back(call.loaded->back()); });
  expect_broken("has the same id as the one before it");
}

TEST_F(Contract, ARowThatIsTooWide) {
  spoil([](MemoryWorld::Call& call) { (*call.loaded)[1].emplace_back("more"); });
  expect_broken("row 2 of its answer has 4 columns, and the first row of the table had 3");
}

TEST_F(Contract, ARowThatIsTooNarrow) {
  spoil([](MemoryWorld::Call& call) { (*call.loaded)[0].pop_back(); });
  expect_broken("row 1 of its answer has 2 columns");
}

TEST_F(Contract, RowsWithoutColumns) {
  spoil([](MemoryWorld::Call& call) { (*call.loaded)[0].clear(); });
  expect_broken("has 0 columns");
}

TEST_F(Contract, IdsThatAreNoNumbers) {
  for (const auto& value : std::vector<Value>{std::nullopt, "", "x", "5x", " 5", "-5", "1e3", "5.0",
                                              "18446744073709551616", std::string("5\0", 2)}) {
    SCOPED_TRACE(value.value_or("NULL"));
    target().clear();
    progress->records.clear();
    spoil([&](MemoryWorld::Call& call) { (*call.loaded)[0][0] = value; });
    expect_broken("in column 1, where its id should be");
  }
}

TEST_F(Contract, AnIdColumnThatThereIsNot) {
  options.id_column = 3;
  EXPECT_THAT(failure().what(), HasSubstr("has 3 columns, and the id is said to be in column 4"));
}

TEST_F(Contract, MaxIdThatGoesDown) {
  copy();
  source().erase(150);
  copy();
  source().erase(200);
  const auto error = failure();
  EXPECT_EQ(error.kind(), ErrorKind::refused);
  EXPECT_THAT(error.what(), HasSubstr("max_id() is 199 now, and ids up to 200 were copied"));
  copy(true);
  expect_equal();
}

// Of Databases whose next_id() is a test's.
class NextIdPool : public ConnectionPool {
 public:
  using NextId = std::function<std::optional<std::uint64_t>(std::uint64_t)>;
  NextIdPool(std::shared_ptr<MemoryWorld> world, NextId next_id) : world_(std::move(world)), next_id_(std::move(next_id)) {}
  std::unique_ptr<Database> connect(std::string_view dbname, const Deadline&) override {
    return std::make_unique<Session>(world_, std::string(dbname), next_id_);
  }

 private:
  class Session : public MemoryDatabase {
   public:
    Session(std::shared_ptr<MemoryWorld> world, std::string dbname, NextId next_id)
        : MemoryDatabase(std::move(world), std::move(dbname)), next_id_(std::move(next_id)) {}
    std::optional<std::uint64_t> next_id(std::uint64_t from, const Deadline&) override { return next_id_(from); }

   private:
    const NextId next_id_;
  };

  const std::shared_ptr<MemoryWorld> world_;
  const NextId next_id_;
};

TEST_F(Contract, NextIdThatGoesBack) {
  NextIdPool backwards(world, [](std::uint64_t from) { return from == 0 ? 0 : from - 1; });
  try {
    copy_table(backwards, "from", "to", false, options);
    FAIL() << "the copy went through";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("broke its contract: it went back to"));
    EXPECT_EQ(error.side(), Side::source);
  }
  expect_recovery();
}

TEST_F(Contract, NextIdThatSaysThereIsNothingIsNotBelieved) {
  for (const auto& nothing : {std::optional<std::uint64_t>(), std::optional<std::uint64_t>(UINT64_MAX)}) {
    progress->records.clear();
    target().clear();
    NextIdPool never(world, [nothing](std::uint64_t) { return nothing; });
    copy_table(never, "from", "to", false, options);
    expect_equal();
  }
}

TEST_F(Contract, ItThrowsAtEveryCall) {
  for (const auto* name : {"connect", "max_id", "load_rows", "save_rows"}) {
    SCOPED_TRACE(name);
    target().clear();
    progress->records.clear();
    fail_at(name, [] { throw std::runtime_error("the disk is on fire"); });
    const auto error = failure();
    EXPECT_EQ(error.kind(), ErrorKind::failed);
    EXPECT_STREQ(error.what(), (std::string(name) + "(): the disk is on fire").c_str());
    EXPECT_EQ(error.side(), name == std::string("save_rows") ? Side::target : Side::source);
    EXPECT_EQ(error.object(), name == std::string("save_rows") ? "to" : "from");
    expect_recovery();
  }
}

TEST_F(Contract, ItThrowsWhatIsNoException) {
  for (const auto* name : {"connect", "max_id", "load_rows", "save_rows"}) {
    SCOPED_TRACE(name);
    target().clear();
    progress->records.clear();
    fail_at(name, [] { throw 42; });
    EXPECT_EQ(std::string(failure().what()), std::string(name) + "() threw what is no std::exception");
    expect_recovery();
  }
}

TEST_F(Contract, ClearThrows) {
  fail_at("clear", [] { throw std::runtime_error("not my table"); });
  EXPECT_THAT(failure(true).what(), HasSubstr("clear(): not my table"));
  target()[7777] = row_of(7777);
  world->before = [](MemoryWorld::Call&) {};
  copy();  // the full copy was begun, so its clear() is done before it goes on
  expect_equal();
}

TEST_F(Contract, OtherKindsOfItsErrorsAreFinal) {
  for (const auto kind : {ErrorKind::usage, ErrorKind::refused, ErrorKind::stopped, ErrorKind::failed}) {
    fail_at("load_rows", [kind] { throw Error(kind, "no"); });
    const auto error = failure();
    EXPECT_EQ(error.kind(), ErrorKind::failed);
    EXPECT_STREQ(error.what(), "no");
  }
  expect_recovery();
}

TEST_F(Contract, ThreeRetriesAndNoMore) {
  for (const auto kind : {ErrorKind::transient, ErrorKind::connection_lost}) {
    for (const auto* name : {"connect", "max_id", "load_rows", "save_rows"}) {
      SCOPED_TRACE(testing::Message() << name << ", " << (kind == ErrorKind::transient ? "transient" : "lost"));
      options.readers = options.writers = 1;
      target().clear();
      progress->records.clear();
      std::atomic<int> tries{0};
      fail_at(name, [&] {
        ++tries;
        throw Error(kind, "a passing trouble");
      }, 3);
      copy();
      expect_equal();
      EXPECT_EQ(tries, 3);

      target().clear();
      progress->records.clear();
      tries = 0;
      fail_at(name, [&] {
        ++tries;
        throw Error(kind, "a passing trouble");
      });
      EXPECT_STREQ(failure().what(), "a passing trouble (3 retries; last: the same)");
      EXPECT_EQ(tries, 4);
      expect_recovery();
    }
  }
}

TEST_F(Contract, AfterALossThereIsANewDatabase) {
  std::atomic<int> connects{0};
  std::atomic<bool> lost{false};
  world->before = [&](MemoryWorld::Call& call) {
    if (call.name == "connect") ++connects;
    if (call.name != "save_rows" || lost.exchange(true)) return;
    // Workers that begin when all is done do not connect.
    for (int ms = 0; connects < 5 && ms < 10'000; ++ms) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    throw Error(ErrorKind::connection_lost, "cut");
  };
  copy();
  expect_equal();
  EXPECT_EQ(connects, 6);  // one asks for max_id(), two readers, two writers, one of them twice
}

TEST_F(Contract, SavedThoughItSaidThatItWasNot) {
  std::atomic<int> left{3};
  world->after = [&](MemoryWorld::Call& call) {
    if (call.name == "save_rows" && left-- > 0) throw Error(ErrorKind::connection_lost, "no answer to the commit");
  };
  copy();
  expect_equal();
}

TEST_F(Contract, ThePoolGivesNothing) {
  class NoPool : public ConnectionPool {
    std::unique_ptr<Database> connect(std::string_view, const Deadline&) override { return nullptr; }
  } none;
  try {
    copy_table(none, "from", "to", false, options);
    FAIL() << "the copy went through";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("connect() returned no Database"));
  }
}

// A place where calls wait until the test lets them go.
class Gate {
 public:
  ~Gate() { open(); }
  void wait() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
    --waiting_;
    changed_.notify_all();
  }
  void open() {
    std::unique_lock lock(mutex_);
    open_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return waiting_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0;
  bool open_ = false;
};

TEST_F(Contract, ACallThatHangsIsNamed) {
  options.call_timeout = std::chrono::milliseconds(100);
  for (const auto* name : {"connect", "max_id", "load_rows", "save_rows"}) {
    SCOPED_TRACE(name);
    target().clear();
    progress->records.clear();
    const auto gate = std::make_shared<Gate>();
    fail_at(name, [gate] { gate->wait(); }, 1);
    const auto error = failure();
    EXPECT_EQ(error.kind(), ErrorKind::failed);
    EXPECT_EQ(std::string(error.what()), std::string(name) + "() has not come back after its deadline");
    EXPECT_EQ(error.side(), name == std::string("save_rows") ? Side::target : Side::source);
    expect_recovery();
    gate->open();  // comes back into what was left behind, which must still be there
  }
  const auto open = [this] {
    const std::lock_guard lock(world->mutex);
    return world->open;
  };
  for (int i = 0; i < 2000 && open() > 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(open(), 0) << "left behind, and never closed";
}

TEST_F(Contract, TheTimeOfTheWholeEndsAndTellsWhatHangs) {
  options.timeout = std::chrono::seconds(1);  // to get to load_rows() in any case
  const auto gate = std::make_shared<Gate>();
  fail_at("load_rows", [gate] { gate->wait(); }, 1);
  const auto error = failure();
  EXPECT_EQ(error.kind(), ErrorKind::stopped);
  EXPECT_THAT(error.what(), HasSubstr("the time given for the whole copy is over: load_rows() has not come back"));
  EXPECT_EQ(error.side(), Side::source);
  gate->open();
  options.timeout = std::chrono::minutes(10);
  expect_recovery();
}

TEST_F(Contract, TheTimeOfTheWholeEndsACopyThatIsSlow) {
  options.timeout = std::chrono::milliseconds(200);
  world->before = [](MemoryWorld::Call& call) {
    if (call.name == "load_rows") std::this_thread::sleep_for(std::chrono::milliseconds(50));
  };
  const auto error = failure();
  EXPECT_EQ(error.kind(), ErrorKind::stopped);
  EXPECT_STREQ(error.what(), "the time given for the whole copy is over");
  options.timeout = std::chrono::minutes(10);
  expect_recovery();
}

TEST_F(Contract, CallsAreGivenTheSoonerDeadline) {
  options.call_timeout = std::chrono::seconds(30);
  options.timeout = std::chrono::seconds(20);
  std::atomic<bool> right{true};
  world->before = [&](MemoryWorld::Call& call) {
    if (call.deadline.is_never() || call.deadline.remaining() > std::chrono::seconds(20)) right = false;
  };
  copy();
  EXPECT_TRUE(right);
}

TEST_F(Contract, StoppedAsAsked) {
  std::stop_source stop;
  options.stop = stop.get_token();
  world->after = [&](MemoryWorld::Call& call) {
    if (call.name == "save_rows") stop.request_stop();
  };
  const auto error = failure();
  EXPECT_EQ(error.kind(), ErrorKind::stopped);
  EXPECT_STREQ(error.what(), "stopped as was asked");
  options.stop = {};
  expect_recovery();
}

TEST_F(Contract, TheStoreOfProgressFails) {
  progress->before_append = [](const std::string& record) {
    if (record.starts_with("done")) throw std::runtime_error("no space");
  };
  const auto error = failure();
  EXPECT_EQ(error.side(), Side::local);
  EXPECT_EQ(error.object(), "memory");
  EXPECT_STREQ(error.what(), "no space");
  progress->before_append = [](const std::string&) {};
  expect_recovery();
}

TEST_F(Contract, TheStoreOfProgressHangs) {
  options.call_timeout = std::chrono::milliseconds(100);
  const auto gate = std::make_shared<Gate>();
  progress->before_append = [gate](const std::string& record) {
    if (!record.starts_with("split")) return;
    gate->wait();
    throw std::runtime_error("too late");
  };
  EXPECT_THAT(failure().what(), HasSubstr("the store of progress has not come back after its deadline"));
  progress->before_append = [](const std::string&) {};
  gate->open();
  expect_recovery();
}

TEST_F(Contract, WhatTellsOfProgressThrows) {
  options.on_progress = [](const TableProgressNow&) { throw std::runtime_error("enough"); };
  EXPECT_THAT(failure().what(), HasSubstr("CopyOptions::on_progress: enough"));
  options.on_progress = [](const TableProgressNow&) { throw 42; };
  EXPECT_THAT(failure().what(), HasSubstr("CopyOptions::on_progress threw what is no std::exception"));
  options.on_progress = nullptr;
  expect_recovery();
}

}  // namespace
}  // namespace pghaul::test
