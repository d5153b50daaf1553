// DatabaseSink keeps what every sink promises.
#include "base/failpoint.h"
#include "conformance/sink_suite.h"
#include "database/row_codec.h"
#include "ledger/range_ledger.h"
#include "library/memory_database.h"
#include "plan/id_range.h"
#include "sink/database_sink.h"

namespace pghaul::test {
namespace {

class DatabaseSinkWorld : public testing::Test {
 protected:
  DatabaseSinkWorld() {
    ledger_.open(copy_record("from", "to", 0));
    ledger_.start_generation(false);
    world_->before = [this](MemoryWorld::Call& call) {
      if (call.name == "save_rows" && lost_.exchange(false)) throw Error(ErrorKind::connection_lost, "the line was cut");
    };
  }
  ~DatabaseSinkWorld() override { configure_failpoints(""); }

 public:
  std::unique_ptr<Sink> make_sink() { return std::make_unique<DatabaseSink>(calls_, "to", ledger_, 7); }
  Ledger& ledger() { return ledger_; }
  Chunk add_chunk(std::int64_t lower, std::int64_t upper) {
    const IdRange range{static_cast<std::uint64_t>(lower), static_cast<std::uint64_t>(upper)};
    ledger_.start_round(range.upper, range);
    return ledger_.pending_chunks().back();
  }
  std::string state_of(const Chunk& chunk) {
    if (ledger_.progress().pending().contains(chunk.no)) return "pending";
    return ledger_.progress().children_of(chunk.no).empty() ? "done" : "split";
  }
  void take_over() { ledger_.start_generation(false); }
  std::string encode(const std::vector<std::int64_t>& keys) {
    std::string bytes;
    for (const auto key : keys) append_row(bytes, row_of(static_cast<std::uint64_t>(key)));
    return bytes;
  }
  std::vector<std::int64_t> visible_keys() {
    const std::lock_guard lock(world_->mutex);
    std::vector<std::int64_t> keys;
    for (const auto& [id, row] : world_->tables["to"]) keys.push_back(static_cast<std::int64_t>(id));
    return keys;
  }
  void lose_sessions() { lost_ = true; }
  void fail_once_after_durable() { configure_failpoints("chunk.after_commit=error"); }

 private:
  const std::shared_ptr<MemoryWorld> world_ = std::make_shared<MemoryWorld>();
  std::atomic<bool> lost_{false};
  const std::shared_ptr<DatabaseCalls> calls_ =
      std::make_shared<DatabaseCalls>(std::make_shared<MemoryPool>(world_), Duration(20'000), Deadline::never());
  RangeLedger ledger_{std::make_shared<MemoryProgress>(), Duration(20'000), Deadline::never()};
};

// A new generation has forgotten the chunk, which is nobody's then.
class DatabaseSinkSuiteWorld : public DatabaseSinkWorld {
 public:
  std::string state_of(const Chunk& chunk) {
    if (taken_over_) return "pending";
    return DatabaseSinkWorld::state_of(chunk);
  }
  void take_over() {
    taken_over_ = true;
    DatabaseSinkWorld::take_over();
  }

 private:
  bool taken_over_ = false;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Database, SinkSuite, DatabaseSinkSuiteWorld);

}  // namespace
}  // namespace pghaul::test
