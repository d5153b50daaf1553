// Writes into fake tables as PgSink writes into real ones; the conformance suite holds it to that.
#pragma once

#include <charconv>
#include <deque>

#include "fakes/fake_table.h"
#include "sink/sink.h"

namespace pghaul::test {

// Places of its hook: sink.connect, sink.begin, sink.marked, sink.block (before each), sink.commit (before it is
// durable), sink.committed (after). Threads: one.
class FakeSink : public Sink {
 public:
  FakeSink(std::deque<FakeTable>& tables, Hook hook) : tables_(tables), hook_(std::move(hook)) {}

  void connect() override { hook_("sink.connect", {}); }

  WriteResult write(std::size_t table_index, const Chunk& chunk, const Mark& mark, Batch& batch) override {
    auto& table = tables_[table_index];
    hook_("sink.begin", chunk);
    const auto outcome = table.begin(mark);
    if (outcome != MarkOutcome::written) return {outcome, 0};
    try {
      hook_("sink.marked", chunk);
      const auto keys = take_rows(batch, chunk);
      if (static_cast<std::int64_t>(keys.size()) != batch.summary()->rows) throw permanent_error(Side::target);
      hook_("sink.commit", chunk);
      table.commit(mark, keys);
    } catch (...) {
      table.roll_back(mark);
      throw;
    }
    hook_("sink.committed", chunk);
    return {};
  }

 private:
  std::vector<std::int64_t> take_rows(Batch& batch, const Chunk& chunk) {
    std::vector<std::int64_t> keys;
    std::string rest;  // of a row that goes on in the next block
    std::string_view bytes;
    while (batch.next(bytes)) {
      hook_("sink.block", chunk);
      rest.append(bytes);
      std::size_t begin = 0;
      for (auto end = rest.find('\n'); end != std::string::npos; end = rest.find('\n', begin)) {
        std::int64_t key = 0;
        std::from_chars(rest.data() + begin, rest.data() + end, key);
        keys.push_back(key);
        begin = end + 1;
      }
      rest.erase(0, begin);
    }
    return keys;
  }

  std::deque<FakeTable>& tables_;
  const Hook hook_;
};

}  // namespace pghaul::test
