// The fake sink keeps the promises of a real one: else the pipeline's tests prove nothing.
#include "fakes/fake_sink.h"

#include <atomic>

#include "conformance/sink_suite.h"
#include "fakes/fake_source.h"
#include "fakes/pipeline_run.h"

namespace pghaul::test {
namespace {

class FakeSinkWorld : public testing::Test {
 protected:
  FakeSinkWorld() { tables_.emplace_back(std::vector<std::int64_t>(), std::vector<Chunk>()); }

 public:
  std::unique_ptr<Sink> make_sink() {
    return std::make_unique<FakeSink>(tables_, [this](std::string_view place, const Chunk&) {
      if (place == "sink.block" || place == "sink.commit") {
        if (lost_.exchange(false)) throw lost_error(Side::target);
      }
      if (place == "sink.committed" && fail_after_.exchange(false)) throw lost_error(Side::target);
    });
  }
  FakeTable& ledger() { return tables_.front(); }
  Chunk add_chunk(std::int64_t lower, std::int64_t upper) { return ledger().add(key_chunk(lower, upper)); }
  std::string state_of(const Chunk& chunk) { return ledger().state_of(chunk.no); }
  void take_over() { ledger().take_over(); }
  std::string encode(const std::vector<std::int64_t>& keys) {
    std::string bytes;
    for (const auto key : keys) bytes += FakeSource::row_of(key, 20);
    return bytes;
  }
  std::vector<std::int64_t> visible_keys() { return ledger().target_keys(); }
  void lose_sessions() { lost_ = true; }
  void fail_once_after_durable() { fail_after_ = true; }

 private:
  std::deque<FakeTable> tables_;
  std::atomic<bool> lost_{false}, fail_after_{false};
};

INSTANTIATE_TYPED_TEST_SUITE_P(Fake, SinkSuite, FakeSinkWorld);

}  // namespace
}  // namespace pghaul::test
