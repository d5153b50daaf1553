// Databases in memory, which do what a test wants at named places.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "pghaul/copy_table.h"
#include "pghaul/error.h"

namespace pghaul::test {

using MemoryTable = std::map<std::uint64_t, Row>;

// What a test wants to happen at a place; may be changed while calls that hang are still in it. Threads: safe.
template <typename Argument>
class Hook {
 public:
  template <typename Function>
  Hook& operator=(const Function& function) {
    auto shared = std::make_shared<const std::function<void(Argument)>>(function);
    const std::lock_guard lock(mutex_);
    function_ = std::move(shared);
    return *this;
  }
  void operator()(Argument argument) const {
    std::unique_lock lock(mutex_);
    const auto function = function_;
    lock.unlock();
    if (function) (*function)(argument);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const std::function<void(Argument)>> function_;  // guarded by mutex_
};

// What all sessions on all databases share. Threads: safe.
struct MemoryWorld {
  // Called before and after each call: "connect", "max_id", "next_id", "load_rows", "save_rows", "clear". `rows` are those
  // loaded, to be changed; or those to save.
  struct Call {
    std::string name, dbname;
    std::uint64_t min = 0, max = 0;
    std::vector<Row>* loaded = nullptr;
    Deadline deadline = Deadline::never();
  };
  Hook<Call&> before, after;
  bool has_next_id = false;

  std::map<std::string, MemoryTable> tables;
  std::map<std::string, int> calls;
  int open = 0, most_open = 0;
  std::uint64_t widest = 0;        // range of a load_rows
  std::size_t largest_load = 0, largest_save = 0;
  bool shared_session = false;     // a session was used by two threads
  mutable std::mutex mutex;        // of all that stands from `tables` on
};

inline Row row_of(std::uint64_t id) {
  return {std::to_string(id), "text of " + std::to_string(id), id % 3 == 0 ? Value() : Value(std::string("a\0b", 3))};
}

inline void fill(MemoryTable& table, std::uint64_t from, std::uint64_t count, std::uint64_t step = 1) {
  for (std::uint64_t i = 0; i < count; ++i) table[from + i * step] = row_of(from + i * step);
}

class MemoryDatabase : public Database {
 public:
  MemoryDatabase(std::shared_ptr<MemoryWorld> world, std::string dbname)
      : world_(std::move(world)), dbname_(std::move(dbname)), thread_(std::this_thread::get_id()) {
    const std::lock_guard lock(world_->mutex);
    world_->most_open = std::max(world_->most_open, ++world_->open);
  }
  ~MemoryDatabase() override {
    look_at_thread();
    const std::lock_guard lock(world_->mutex);
    --world_->open;
  }

  std::uint64_t max_id(const Deadline& deadline) override {
    std::uint64_t highest = 0;
    call({"max_id", dbname_, 0, 0, nullptr, deadline}, [&](MemoryTable& table) {
      highest = table.empty() ? 0 : table.rbegin()->first;
    });
    return highest;
  }
  std::vector<Row> load_rows(std::uint64_t min, std::uint64_t max, const Deadline& deadline) override {
    std::vector<Row> rows;
    call({"load_rows", dbname_, min, max, &rows, deadline}, [&](MemoryTable& table) {
      for (auto at = table.lower_bound(min); at != table.end() && at->first < max; ++at) rows.push_back(at->second);
      world_->widest = std::max(world_->widest, max - min);
      world_->largest_load = std::max(world_->largest_load, rows.size());
    });
    return rows;
  }
  void save_rows(std::span<const Row> rows, const Deadline& deadline) override {
    call({"save_rows", dbname_, 0, 0, nullptr, deadline}, [&](MemoryTable& table) {
      for (const auto& row : rows) table[std::stoull(row.at(0).value())] = row;
      world_->largest_save = std::max(world_->largest_save, rows.size());
    });
  }
  void clear(const Deadline& deadline) override {
    call({"clear", dbname_, 0, 0, nullptr, deadline}, [&](MemoryTable& table) { table.clear(); });
  }
  std::optional<std::uint64_t> next_id(std::uint64_t from, const Deadline& deadline) override {
    if (!world_->has_next_id) return Database::next_id(from, deadline);
    std::optional<std::uint64_t> next;
    call({"next_id", dbname_, from, 0, nullptr, deadline}, [&](MemoryTable& table) {
      const auto at = table.lower_bound(from);
      if (at != table.end()) next = at->first;
    });
    return next;
  }

 private:
  void look_at_thread() {
    const std::lock_guard lock(world_->mutex);
    if (std::this_thread::get_id() != thread_) world_->shared_session = true;
  }
  void call(MemoryWorld::Call call, const std::function<void(MemoryTable&)>& work) {
    look_at_thread();
    world_->before(call);
    {
      const std::lock_guard lock(world_->mutex);
      ++world_->calls[call.name];
      work(world_->tables[dbname_]);
    }
    world_->after(call);
  }

  const std::shared_ptr<MemoryWorld> world_;
  const std::string dbname_;
  const std::thread::id thread_;
};

class MemoryPool : public ConnectionPool {
 public:
  explicit MemoryPool(std::shared_ptr<MemoryWorld> world) : world_(std::move(world)) {}
  std::unique_ptr<Database> connect(std::string_view dbname, const Deadline& deadline) override {
    MemoryWorld::Call call{"connect", std::string(dbname), 0, 0, nullptr, deadline};
    world_->before(call);
    return std::make_unique<MemoryDatabase>(world_, std::string(dbname));
  }

 private:
  const std::shared_ptr<MemoryWorld> world_;
};

// Progress that lives as long as the test, and can be made to fail.
class MemoryProgress : public ProgressStore {
 public:
  std::string name() const override { return "memory"; }
  std::vector<std::string> open(const std::string&, const Deadline&) override { return records; }
  void append(const std::string& record, const Deadline&) override {
    before_append(record);
    records.push_back(record);
  }
  void replace(std::span<const std::string> all, const Deadline&) override { records.assign(all.begin(), all.end()); }
  void close() noexcept override {}

  std::vector<std::string> records;
  Hook<const std::string&> before_append;
};

}  // namespace pghaul::test
