// Copies a table between two databases that live in memory, and whose target fails on purpose: now and then in a way
// that may pass, and once for good. The second call goes on where the first one ended.
#include <atomic>
#include <cstdio>
#include <map>
#include <mutex>

#include <pghaul/copy_table.h>
#include <pghaul/error.h>

namespace {

struct Table {
  std::mutex mutex;
  std::map<std::uint64_t, pghaul::Row> rows;  // guarded by mutex
};

class MemoryDatabase : public pghaul::Database {
 public:
  MemoryDatabase(Table& table, std::atomic<int>& saves) : table_(table), saves_(saves) {}

  std::uint64_t max_id(const pghaul::Deadline&) override {
    const std::lock_guard lock(table_.mutex);
    return table_.rows.empty() ? 0 : table_.rows.rbegin()->first;
  }
  std::vector<pghaul::Row> load_rows(std::uint64_t min_id, std::uint64_t max_id, const pghaul::Deadline&) override {
    const std::lock_guard lock(table_.mutex);
    std::vector<pghaul::Row> rows;
    for (auto at = table_.rows.lower_bound(min_id); at != table_.rows.end() && at->first < max_id; ++at) {
      rows.push_back(at->second);
    }
    return rows;
  }
  void save_rows(std::span<const pghaul::Row> rows, const pghaul::Deadline&) override {
    const int save = ++saves_;
    if (save == 40) throw std::runtime_error("the disk is full");
    if (save < 40 && save % 10 == 0) throw pghaul::Error(pghaul::ErrorKind::transient, "somebody else was writing");
    const std::lock_guard lock(table_.mutex);
    for (const auto& row : rows) table_.rows[std::stoull(row[0].value())] = row;
  }

 private:
  Table& table_;
  std::atomic<int>& saves_;
};

class MemoryPool : public pghaul::ConnectionPool {
 public:
  std::unique_ptr<pghaul::Database> connect(std::string_view dbname, const pghaul::Deadline&) override {
    return std::make_unique<MemoryDatabase>(dbname == "prod" ? prod : stats, saves_);
  }
  Table prod, stats;

 private:
  std::atomic<int> saves_{0};
};

}  // namespace

int main() {
  MemoryPool pool;
  for (const std::uint64_t first : {1UL, 1'000'000'000'000UL}) {  // a gap of a trillion ids
    for (auto id = first; id < first + 50'000; ++id) pool.prod.rows[id] = {std::to_string(id), "profile"};
  }

  pghaul::CopyOptions options;
  options.progress = pghaul::progress_in_file("in_memory.progress");
  try {
    pghaul::copy_table(pool, "prod", "stats", true, options);  // full: from the beginning
  } catch (const pghaul::Error& error) {
    std::printf("%s\n", error.what());
  }
  const bool part = !pool.stats.rows.empty() && pool.stats.rows != pool.prod.rows;
  std::printf("a part of the rows is there: %s\n", part ? "yes" : "no");

  const auto summary = pghaul::copy_table(pool, "prod", "stats", false, options);
  std::printf("resumed: %s\n", summary.resumed ? "yes" : "no");
  std::printf("%zu rows there, equal: %s\n", pool.stats.rows.size(), pool.stats.rows == pool.prod.rows ? "yes" : "no");
}
