// Comparisons while somebody writes: nothing that is only on its way counts as a difference.
#include <atomic>

#include "fault/cutting_proxy.h"
#include "pg/quote.h"
#include "scenario/verify_test.h"

namespace pghaul::test {
namespace {

pg::ThrowawayOptions publishing() {
  pg::ThrowawayOptions options;
  options.settings = {"wal_level=logical"};
  return options;
}

// Changes rows all the time, one of them in each transaction, until its session is ended.
constexpr auto table_sql =
    "CREATE TABLE profiles (id bigserial PRIMARY KEY, data jsonb, n numeric); "
    "CREATE PROCEDURE work() LANGUAGE plpgsql AS $$ BEGIN LOOP "
    "  UPDATE profiles SET n = n + 0.01 WHERE id = 1; "
    "  UPDATE profiles SET data = jsonb_build_object('at', clock_timestamp()) WHERE id = 1 + (random() * "
    "20000)::int; "
    "  INSERT INTO profiles (data, n) VALUES ('{}', random()); "
    "  DELETE FROM profiles WHERE id = 1000 + (random() * 20000)::int; "
    "  COMMIT; PERFORM pg_sleep(0.002); "
    "END LOOP; END $$";

// Holds back what flows through a proxy, again and again for a while.
class Delay {
 public:
  explicit Delay(CuttingProxy& proxy) : proxy_(proxy), thread_([this] { hold_back(); }) {}
  ~Delay() {
    ended_ = true;
    thread_.join();
  }

 private:
  void hold_back() {
    while (!ended_) {
      proxy_.cut_all(Cut::silence);
      std::this_thread::sleep_for(150ms);
      proxy_.heal();
      std::this_thread::sleep_for(40ms);
    }
  }

  CuttingProxy& proxy_;
  std::atomic<bool> ended_{false};
  std::thread thread_;
};

// The target follows the source by the servers' own logical replication, always behind.
class VerifyLive : public testing::Test {
 protected:
  void SetUp() override {
    source_.start();
    target_.start();
    line_.emplace(source_.port());
    run_psql(source_.conninfo(), table_sql);
    run_psql(source_.conninfo(),
             "INSERT INTO profiles (data, n) SELECT jsonb_build_object('g', g), g FROM generate_series(1, "
             "20000) g; "
             "ANALYZE profiles; CREATE PUBLICATION everything FOR ALL TABLES");
    run_psql(target_.conninfo(), table_sql);
    run_psql(target_.conninfo(),
             fmt::format("CREATE SUBSCRIPTION behind CONNECTION {} PUBLICATION everything",
                         pg::quote_literal(line_->through(source_.conninfo()))));
    ASSERT_TRUE(wait_until([&] { return is_followed(); }));
  }
  bool is_followed() const {
    const auto tables =
        run_psql(target_.conninfo(), "SELECT count(*) FROM pg_subscription_rel WHERE srsubstate <> 'r'");
    const auto senders = run_psql(source_.conninfo(),
                                  "SELECT count(*) FROM pg_stat_replication "
                                  "WHERE replay_lsn >= pg_current_wal_lsn()");
    return tables == "0" && senders == "1";
  }
  RunningProgram start_writer() const {
    auto options = psql_options(source_.conninfo());
    options.argv.insert(options.argv.end(), {"-c", "CALL work()"});
    return {options, "psql"};
  }
  void end_writer() const {
    run_psql(source_.conninfo(),
             "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE query = 'CALL work()'");
  }
  // By how many milliseconds the target is behind, as the source knows it.
  int delay() const {
    const auto lag = run_psql(source_.conninfo(),
                              "SELECT (extract(epoch FROM coalesce(max(replay_lag), '0')) * 1000)::int "
                              "FROM pg_stat_replication");
    return std::stoi(lag);
  }
  ProgramResult verify(const Arguments& more) const {
    Arguments arguments{"verify",  "--source", source_.conninfo(), "--target", target_.conninfo(),
                        "--table", "profiles", "--progress",       "none",     "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_pghaul(arguments, {}, 120s);
  }

  pg::ThrowawayServer source_{publishing()};
  pg::ThrowawayServer target_;
  std::optional<CuttingProxy> line_;  // from the target to the source
};

TEST_F(VerifyLive, NoFalseAlarm) {
  auto writer = start_writer();
  int moving = 0, most_behind = 0;
  const int comparisons = times_of("PGHAUL_TEST_COMPARISONS", 20);
  {
    const Delay delayed(*line_);
    for (int run = 0; run < comparisons; ++run) {
      const auto result = verify({"--batch-bytes", "64kB", "--settle", "1s", "--rounds", "3"});
      ASSERT_EQ(result.status, 0) << "behind by " << delay() << " ms: " << result;
      moving += json_of(result)["tables"][0]["rows_in_motion"].get<int>();
      most_behind = std::max(most_behind, delay());
    }
  }
  std::cout << comparisons << " comparisons, " << moving << " rows in motion, up to " << most_behind
            << " ms behind\n";
  EXPECT_GT(most_behind, 50) << "the target kept up with the source";
  // What is no delay is found all the same.
  run_psql(target_.conninfo(),
           "UPDATE profiles SET n = -1 WHERE id = 500; INSERT INTO profiles VALUES (-7, '{}', 1)");
  const auto found = verify({"--settle", "1s", "--rounds", "3"});
  EXPECT_EQ(found.status, 1) << found;
  const auto rows = json_of(found)["tables"][0]["rows"];
  EXPECT_EQ(rows.size(), 2) << rows;
  end_writer();
  writer.finish();
  run_psql(target_.conninfo(),
           "UPDATE profiles SET n = 500 WHERE id = 500; DELETE FROM profiles WHERE id = -7");
  ASSERT_TRUE(wait_until([&] { return is_followed(); }));
  EXPECT_EQ(verify({"--settle", "1ms"}).status, 0);
}

}  // namespace
}  // namespace pghaul::test
