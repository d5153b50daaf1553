// For scenarios in which transactions are open while a copy runs.
#pragma once

#include "pg/connection.h"
#include "scenario/copy_test.h"

namespace pghaul::test {

// A session with psql's habits: what it began stays open until it says otherwise.
class OpenSession {
 public:
  explicit OpenSession(const std::string& conninfo)
      : connection_(pg::parse_endpoint(Side::source, conninfo), pg::SessionOptions{}) {}
  // The last statement's first value, or nothing.
  std::string run(const std::string& sql) {
    const auto result = connection_.run(sql, Deadline::after(30s));
    return result.rows() > 0 && result.columns() > 0 ? std::string(result.text(0, 0)) : std::string();
  }

 private:
  pg::Connection connection_;
};

class LateRows : public CopyTest {
 protected:
  static constexpr auto not_waiting = "0s";

  void make_empty_profiles() const {
    source_sql("CREATE TABLE public.profiles (id bigserial PRIMARY KEY, data jsonb)");
  }
  // Rows whose keys come from the sequence, each in a transaction of its own session.
  void insert_rows(int rows, const std::string& note) const {
    source_sql(fmt::format("INSERT INTO public.profiles (data) SELECT jsonb_build_object('note', '{}', 'n', g) "
                           "FROM generate_series(1, {}) g",
                           note, rows));
  }
  nlohmann::json table_of(const nlohmann::json& report) const { return report.at("tables").at(0); }
  // A copy that waits for nobody.
  nlohmann::json copied_at_once(Arguments more = {}) const {
    more.insert(more.end(), {"--late-wait", not_waiting});
    return table_of(copied(more));
  }
  bool target_has(const std::string& id) const {
    return target_sql(fmt::format("SELECT count(*) FROM public.profiles WHERE id = {}", id)) == "1";
  }
  // A copy in the background; returns when it has begun to wait for transactions on the source.
  RunningProgram start_waiting_copy(Arguments more = {}) const {
    more.insert(more.end(), {"--late-wait", "60s", "--progress", "json", "--json"});
    auto running = start_copy(more);
    EXPECT_TRUE(wait_until([&] { return running.err().find("waiting for late rows") != std::string::npos; }))
        << running.err();
    return running;
  }
  nlohmann::json finished(RunningProgram& running) const {
    const auto result = running.finish();
    EXPECT_EQ(result.status, 0) << result;
    return table_of(json_of(result));
  }
  // Both sides alike, and the ledger's number of rows is the table's.
  void expect_complete(const nlohmann::json& table) const {
    expect_equal();
    EXPECT_EQ(table["rows_total"], std::stoi(source_sql("SELECT count(*) FROM public.profiles"))) << table;
  }
};

}  // namespace pghaul::test
