// The proxy does to a connection what it was told, and else nothing.
#include <gmock/gmock.h>
#include <signal.h>

#include "fault/proxy_test.h"
#include "support/oracle.h"

namespace pghaul::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using Clock = Deadline::Clock;

constexpr auto insert_and_select =
    "BEGIN ISOLATION LEVEL READ COMMITTED; INSERT INTO t VALUES (1); COMMIT;\nSELECT 1;\n";

TEST_F(CuttingProxyTest, IsTransparent) {
  source_sql("INSERT INTO t SELECT i, repeat(md5(i::text), 32) FROM generate_series(1, 20000) i; "
             "CREATE TABLE loaded(LIKE t)");
  const auto rows = psql("COPY t TO STDOUT").out;
  EXPECT_GT(rows.size(), 20'000'000U);
  const auto loaded = psql("COPY loaded FROM STDIN;\n" + rows + "\\.\n");
  EXPECT_EQ(loaded.status, 0) << loaded.err;
  const auto digest = table_digest(source_conninfo(), "SELECT * FROM public.t ORDER BY i");
  EXPECT_EQ(table_digest(source_conninfo(), "SELECT * FROM public.loaded ORDER BY i"), digest);
  EXPECT_EQ(table_digest(conninfo(), "SELECT * FROM public.loaded ORDER BY i"), digest);
  EXPECT_EQ(proxy_.connections(), 3);
  EXPECT_EQ(proxy_.cuts(), 0);
}

TEST_F(CuttingProxyTest, ListsTheMessages) {
  EXPECT_EQ(psql("SELECT generate_series(1, 3)").out, "1\n2\n3\n");
  std::string seen;
  for (const auto& each : proxy_.seen()) {
    EXPECT_EQ(each.connection, 1);
    if (each.type == 'S') continue;  // as many as the server's version has
    const char* const way = each.direction == Direction::to_server ? ">" : "<";
    seen += fmt::format("{}{}{} {}", way, each.type, each.count, each.text.empty() ? "" : each.text + " ");
  }
  EXPECT_EQ(seen, ">!1 <?1 >^1 <R1 <K1 <Z1 >Q1 SELECT generate_series(1, 3)  <T1 <D3 <C1 SELECT 3  <Z1 >X1 ");
}

TEST_F(CuttingProxyTest, FinAndReset) {
  for (const auto how : {Cut::fin, Cut::reset}) {
    proxy_.cut(cut_to_client('D', how));
    const auto result = psql("SELECT 1");
    EXPECT_EQ(result.status, 2);
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, HasSubstr("server closed the connection unexpectedly"));
  }
  EXPECT_TRUE(proxy_.wait_for_cuts(2, soon()));
  EXPECT_EQ(psql("SELECT 1").status, 0) << "rules cut once";
  EXPECT_TRUE(wait_for_backends("0"));
}

TEST_F(CuttingProxyTest, SilenceUntilHealed) {
  proxy_.cut(cut_to_client('T', Cut::silence));
  auto client = start_psql("SELECT 42");
  ASSERT_TRUE(proxy_.wait_for_cuts(1, soon()));
  EXPECT_FALSE(client.process().wait(Deadline::after(300ms)).has_value());
  EXPECT_EQ(client.out() + client.err(), "");
  EXPECT_EQ(backends(), "1");
  proxy_.heal();
  const auto result = client.finish();
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_EQ(result.out, "42\n");
}

TEST_F(CuttingProxyTest, SilenceHidesTheEndOfTheClient) {
  proxy_.cut(cut_to_client('D', Cut::silence));
  auto client = start_psql("SELECT 1");
  ASSERT_TRUE(proxy_.wait_for_cuts(1, soon()));
  client.process().signal(SIGKILL);
  EXPECT_EQ(client.finish().status, 128 + SIGKILL);
  std::this_thread::sleep_for(200ms);
  EXPECT_EQ(backends(), "1") << "a ghost";
  proxy_.cut_all(Cut::reset);
  EXPECT_TRUE(wait_for_backends("0"));
}

TEST_F(CuttingProxyTest, DuringACopyIn) {
  for (const auto how : {Cut::fin, Cut::reset}) {
    auto rule = cut_to_server('d', how);
    rule.nth = 20;
    proxy_.cut(rule);
    auto line = std::string("1\t") + std::string(1000, 'x') + "\n", copy = std::string("COPY t FROM STDIN;\n");
    for (int i = 0; i < 20'000; ++i) copy += line;
    const auto result = psql(copy + "\\.\n");
    EXPECT_EQ(result.status, 2) << result.err.substr(0, 1000);
  }
  EXPECT_TRUE(proxy_.wait_for_cuts(2, soon()));
  EXPECT_EQ(rows(), "0");
}

TEST_F(CuttingProxyTest, LostAnswerToCommit) {
  for (const auto how : {Cut::fin, Cut::reset}) {
    proxy_.cut(lose_commit_answer(how));
    const auto result = psql(insert_and_select);
    EXPECT_EQ(result.status, 2) << result;
    EXPECT_EQ(result.out, "");
  }
  EXPECT_EQ(rows(), "2");
}

TEST_F(CuttingProxyTest, LostCommit) {
  for (const auto how : {Cut::fin, Cut::reset}) {
    proxy_.cut(lose_commit(how));
    const auto result = psql(insert_and_select);
    EXPECT_EQ(result.status, 2) << result;
  }
  EXPECT_TRUE(proxy_.wait_for_cuts(2, soon()));
  EXPECT_EQ(rows(), "0");
}

TEST_F(CuttingProxyTest, OneByteShortOfAMessageIsNoMessage) {
  auto rule = cut_to_server('Q');
  rule.text = "INSERT";
  rule.offset = -1;
  proxy_.cut(rule);
  EXPECT_EQ(psql("INSERT INTO t VALUES (1)").status, 2);
  EXPECT_EQ(rows(), "0");
  rule.offset = 0;
  proxy_.cut(rule);
  psql("INSERT INTO t VALUES (1)");  // its answer may be back before the cut
  EXPECT_EQ(rows(), "1");
}

TEST_F(CuttingProxyTest, ChosenSessions) {
  auto rule = cut_to_client('D');
  rule.session = "pghaul 7 writer 1";
  rule.times = 0;
  proxy_.cut(rule);
  EXPECT_EQ(psql("SELECT 1", "pghaul 7 writer 2").status, 0);
  EXPECT_EQ(psql("SELECT 1", "pghaul 7 writer 1").status, 2);
  EXPECT_EQ(psql("SELECT 'pghaul 7 writer 1'", "by its first query").status, 2);
  EXPECT_EQ(psql("SELECT 1;\nSELECT 'pghaul 7 writer 1'", "a later query").status, 0);
  rule.session = "";
  rule.connection = 6;
  proxy_.cut(rule);
  EXPECT_EQ(psql("SELECT 1").status, 0);
  EXPECT_EQ(psql("SELECT 1").status, 2);
}

TEST_F(CuttingProxyTest, CountsOverAllConnectionsOrEach) {
  auto rule = cut_to_client('D');
  rule.nth = 2;
  proxy_.cut(rule);
  EXPECT_EQ(psql("SELECT 1").status, 0);
  EXPECT_EQ(psql("SELECT 1").status, 2);
  rule.count_per_connection = true;
  rule.times = 2;
  proxy_.cut(rule);
  EXPECT_EQ(psql("SELECT 1").status, 0);
  EXPECT_EQ(psql("SELECT 1;\nSELECT 2").status, 2);
  EXPECT_EQ(psql("SELECT 1;\nSELECT 2").status, 2);
  EXPECT_EQ(psql("SELECT 1;\nSELECT 2").status, 0);
}

TEST_F(CuttingProxyTest, SingleBytes) {
  Traffic traffic;
  traffic.single_bytes = true;
  proxy_.set_traffic(traffic);
  EXPECT_EQ(psql("SELECT i, repeat('x', 100) FROM generate_series(1, 100) i").out,
            source_sql("SELECT i, repeat('x', 100) FROM generate_series(1, 100) i") + "\n");
}

TEST_F(CuttingProxyTest, SlowLine) {
  Traffic traffic;
  traffic.bytes_per_second = 50'000;
  proxy_.set_traffic(traffic);
  auto begin = Clock::now();
  EXPECT_EQ(psql("SELECT repeat('x', 50000)").out.size(), 50'001U);
  EXPECT_GE(Clock::now() - begin, 900ms);

  traffic = {};
  traffic.frame_delay = 20ms;
  proxy_.set_traffic(traffic);
  begin = Clock::now();
  EXPECT_EQ(psql("SELECT generate_series(1, 50)").status, 0);
  EXPECT_GE(Clock::now() - begin, 1s);

  // As the delays would take a second, one that is faster proves that there are none; a busy machine may need several.
  proxy_.heal();
  bool fast = false;
  for (int tries = 0; tries < 20 && !fast; ++tries) {
    begin = Clock::now();
    EXPECT_EQ(psql("SELECT generate_series(1, 50)").status, 0);
    fast = Clock::now() - begin < 900ms;
  }
  EXPECT_TRUE(fast);
}

TEST_F(CuttingProxyTest, RefusesAndHeals) {
  for (int round = 0; round < 3; ++round) {
    proxy_.refuse_connections();
    const auto refused = psql("SELECT 1");
    EXPECT_EQ(refused.status, 2);
    EXPECT_THAT(refused.err, HasSubstr("Connection refused"));
    proxy_.heal();
    EXPECT_EQ(psql("SELECT 1").status, 0);
  }
}

TEST_F(CuttingProxyTest, HealForgetsTheRules) {
  proxy_.cut(cut_to_client('D'));
  proxy_.heal();
  EXPECT_EQ(psql("SELECT 1").status, 0);
  EXPECT_EQ(proxy_.cuts(), 0);
}

TEST_F(CuttingProxyTest, CancelRequestsPass) {
  auto client = start_psql("SELECT pg_sleep(100)");
  while (source_sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") != "1") {
    std::this_thread::sleep_for(5ms);
  }
  client.process().signal(SIGINT);
  const auto result = client.finish(10s);
  EXPECT_THAT(result.err, HasSubstr("canceling statement due to user request"));
  EXPECT_THAT(proxy_.seen(), testing::Contains(testing::Field(&SeenMessages::type, cancel_request)));
}

TEST_F(CuttingProxyTest, ServerThatIsGone) {
  CuttingProxy to_nobody(1);
  const auto result = try_psql(to_nobody.through(source_conninfo()), "SELECT 1");
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, testing::AnyOf(HasSubstr("Connection reset by peer"), HasSubstr("closed the connection")));
}

}  // namespace
}  // namespace pghaul::test
