// Reads the rows of fake tables.
#pragma once

#include <charconv>
#include <deque>

#include "fakes/fake_table.h"
#include "source/source.h"

namespace pghaul::test {

// Places of its hook: source.connect, source.probe, source.read (before the first row), source.row (before each),
// source.end (after the last). Threads: one.
class FakeSource : public Source {
 public:
  FakeSource(std::deque<FakeTable>& tables, Hook hook) : tables_(tables), hook_(std::move(hook)) {}

  void connect() override { hook_("source.connect", {}); }

  std::vector<std::string> probe_cuts(std::size_t table, const Chunk& chunk, std::int64_t rows, int most) override {
    hook_("source.probe", chunk);
    std::vector<std::string> cuts;
    if (chunk.range.kind != ChunkKind::key) return cuts;
    const auto keys = tables_[table].keys_in(chunk.range);
    for (auto i = static_cast<std::size_t>(rows); i < keys.size(); i += static_cast<std::size_t>(rows)) {
      if (cuts.size() < static_cast<std::size_t>(most)) cuts.push_back(std::to_string(keys[i]));
    }
    return cuts;
  }

  BatchSummary read(std::size_t table, const Chunk& chunk, BatchReceiver& receiver) override {
    hook_("source.read", chunk);
    BatchSummary summary;
    for (const auto key : tables_[table].keys_in(chunk.range)) {
      hook_("source.row", chunk);
      const auto row = row_of(key, tables_[table].row_bytes(key));
      receiver.write(row);
      ++summary.rows;
      summary.bytes += static_cast<std::int64_t>(row.size());
    }
    hook_("source.end", chunk);
    return summary;
  }

  static std::string row_of(std::int64_t key, std::size_t bytes) {
    auto row = std::to_string(key) + "\t";
    row.resize(std::max(bytes, row.size() + 1), 'x');
    row.back() = '\n';
    return row;
  }

 private:
  std::deque<FakeTable>& tables_;
  const Hook hook_;
};

}  // namespace pghaul::test
