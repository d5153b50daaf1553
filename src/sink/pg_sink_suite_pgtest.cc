// PgSink keeps what every sink promises.
#include "base/failpoint.h"
#include "conformance/sink_suite.h"
#include "fakes/ledger_fixture.h"
#include "sink/pg_sink.h"

namespace pghaul::test {
namespace {

class PgSinkWorld : public LedgerTest {
 protected:
  // No key on purpose: nothing but the ledger keeps rows from being there twice.
  PgSinkWorld() : session_(open_session()), ledger_(claim(*session_)) {
    target_sql("CREATE TABLE public.t (id bigint, data text)");
    ledger_->start_generation(generation_facts(), {}, soon());
    TargetTable table;
    table.name = {"public", "t"};
    table.columns = {"id", "data"};
    table.key_column = "id";
    tables_.push_back(table);
  }
  ~PgSinkWorld() override { configure_failpoints(""); }

 public:
  std::unique_ptr<Sink> make_sink() {
    auto options = session_options("10s");
    options.application_name = "pghaul sink";
    return std::make_unique<PgSink>(endpoint(), options, tables_, names_, Duration(20'000));
  }
  Ledger& ledger() { return *ledger_; }
  Chunk add_chunk(std::int64_t lower, std::int64_t upper) {
    auto chunk = key_chunk(lower, upper);
    chunk.refined = true;
    return ledger_->save_plan(round_facts(++rounds_), {chunk}, soon()).back();
  }
  std::string state_of(const Chunk& chunk) { return LedgerTest::state_of(chunk); }
  void take_over() {
    other_ = open_session();
    claim(*other_, true, {"beta", 1});
  }
  std::string encode(const std::vector<std::int64_t>& keys) {
    std::string lines;
    for (const auto key : keys) lines += std::to_string(key) + "\tvalue \\t of " + std::to_string(key) + "\n";
    return lines;
  }
  std::vector<std::int64_t> visible_keys() {
    auto connection = connect();
    const auto rows = connection.run("SELECT id FROM public.t ORDER BY id", soon());
    std::vector<std::int64_t> keys;
    for (int row = 0; row < rows.rows(); ++row) keys.push_back(rows.int64(row, 0));
    return keys;
  }
  void lose_sessions() {
    target_sql("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'pghaul sink'");
  }
  void fail_once_after_durable() { configure_failpoints("chunk.after_commit=error"); }

 private:
  std::unique_ptr<LedgerSession> session_, other_;
  std::unique_ptr<PgLedger> ledger_;
  std::vector<TargetTable> tables_;
  int rounds_ = 0;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Pg, SinkSuite, PgSinkWorld);

}  // namespace
}  // namespace pghaul::test
