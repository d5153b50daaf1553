// Progress in a table of a real server.
#include "library/copy_table_test.h"
#include "support/servers.h"

namespace pghaul::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class TableProgress : public ServersTest {
 protected:
  std::shared_ptr<ProgressStore> store(const std::string& table = "progress") const {
    return progress_in_table(target_conninfo(), table);
  }
  static Deadline soon() { return Deadline::after(std::chrono::seconds(30)); }
  void end_sessions() const {
    target_sql("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'pghaul progress'");
  }
};

TEST_F(TableProgress, RecordsComeBackEachToItsCopy) {
  const auto first = store(), second = store();
  EXPECT_TRUE(first->open("a", soon()).empty());
  EXPECT_TRUE(second->open("b", soon()).empty());
  first->append("one", soon());
  second->append("zwei", soon());
  first->append("it's \\ \"two\"", soon());
  first->close();
  EXPECT_THAT(first->open("a", soon()), ElementsAre("one", "it's \\ \"two\""));
  const std::vector<std::string> shorter{"x"};
  first->replace(shorter, soon());
  first->append("y", soon());
  first->close();
  EXPECT_THAT(store()->open("a", soon()), ElementsAre("x", "y"));
}

TEST_F(TableProgress, ASecondProcessIsRefused) {
  const auto first = store();
  first->open("a", soon());
  try {
    store()->open("a", soon());
    FAIL() << "two at once";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::refused);
    EXPECT_THAT(error.object(), HasSubstr("public.progress"));
  }
}

TEST_F(TableProgress, ALostSessionIsOpenedAgain) {
  const auto first = store();
  first->open("a", soon());
  first->append("one", soon());
  end_sessions();
  first->append("two", soon());
  end_sessions();
  const std::vector<std::string> shorter{"x", "y"};
  first->replace(shorter, soon());
  first->close();
  EXPECT_THAT(store()->open("a", soon()), ElementsAre("x", "y"));
}

TEST_F(TableProgress, WhoeverWasAwayWhileAnotherWroteIsTold) {
  const auto first = store(), second = store();
  first->open("a", soon());
  first->append("one", soon());
  end_sessions();
  second->open("a", soon());
  second->append("two", soon());
  second->close();
  EXPECT_THROW(first->append("three", soon()), Error);
  first->close();
  EXPECT_THAT(store()->open("a", soon()), ElementsAre("one", "two"));
}

TEST_F(TableProgress, OddNames) {
  target_sql("CREATE SCHEMA \"s; --\"");
  EXPECT_TRUE(store("s; --.t\"'%s")->open("a", soon()).empty());
  EXPECT_EQ(target_sql("SELECT count(*) FROM pg_tables WHERE schemaname = 's; --' AND tablename = 't\"''%s'"), "1");
  EXPECT_THROW(store("nowhere.t")->open("a", soon()), Error);
  EXPECT_THROW(progress_in_table("host=/nowhere", "t")->open("a", Deadline::after(std::chrono::seconds(1))), Error);
  EXPECT_THROW(progress_in_table("no string", "t"), Error);
}

TEST_F(TableProgress, ACopyThatIsInterruptedGoesOn) {
  const auto world = std::make_shared<MemoryWorld>();
  fill(world->tables["from"], 1, 300);
  CopyOptions options;
  options.batch_size = 10;
  options.progress = store();
  std::atomic<int> left{8};
  world->before = [&](MemoryWorld::Call& call) {
    if (call.name == "save_rows" && left-- == 0) throw std::runtime_error("enough for now");
  };
  MemoryPool pool(world);
  EXPECT_THROW(copy_table(pool, "from", "to", false, options), Error);
  world->before = [](MemoryWorld::Call&) {};
  options.progress = store();
  const auto summary = copy_table(pool, "from", "to", false, options);
  EXPECT_TRUE(summary.resumed);
  EXPECT_LT(summary.done.rows, 300u);
  EXPECT_TRUE(world->tables["from"] == world->tables["to"]);
}

}  // namespace
}  // namespace pghaul::test
