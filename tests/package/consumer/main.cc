// Uses all of the library that is not a header: consumer SOURCE TARGET TABLE
#include <cstdio>
#include <map>

#include <pghaul/copy_table.h>
#include <pghaul/pg_copy.h>

namespace {

std::map<std::uint64_t, pghaul::Row> tables[2];

class MyDatabase : public pghaul::Database {
 public:
  explicit MyDatabase(std::map<std::uint64_t, pghaul::Row>& table) : table_(table) {}
  std::uint64_t max_id(const pghaul::Deadline&) override { return table_.empty() ? 0 : table_.rbegin()->first; }
  std::vector<pghaul::Row> load_rows(std::uint64_t min, std::uint64_t max, const pghaul::Deadline&) override {
    std::vector<pghaul::Row> rows;
    for (auto at = table_.lower_bound(min); at != table_.end() && at->first < max; ++at) rows.push_back(at->second);
    return rows;
  }
  void save_rows(std::span<const pghaul::Row> rows, const pghaul::Deadline&) override {
    for (const auto& row : rows) table_[std::stoull(*row[0])] = row;
  }

 private:
  std::map<std::uint64_t, pghaul::Row>& table_;
};

class MyPool : public pghaul::ConnectionPool {
  std::unique_ptr<pghaul::Database> connect(std::string_view dbname, const pghaul::Deadline&) override {
    if (dbname != "a" && dbname != "b") throw pghaul::Error(pghaul::ErrorKind::failed, "no such database");
    return std::make_unique<MyDatabase>(tables[dbname == "a" ? 0 : 1]);
  }
};

bool copies_own_databases(const std::string& target) {
  for (std::uint64_t id = 1; id <= 5000; ++id) tables[0][id] = {std::to_string(id), std::nullopt};
  MyPool pool;
  pghaul::CopyOptions options;
  options.writers = 1;
  options.progress = pghaul::progress_in_table(target, "progress");
  pghaul::copy_table(pool, "a", "b", false, options);
  try {
    pghaul::copy_table(pool, "a", "c", true, {});
  } catch (const pghaul::Error& error) {  // an exception comes out of the library as what it is
    return tables[0] == tables[1] && std::string(error.what()) == "no such database";
  }
  return false;
}

}  // namespace

int main(int, char** arguments) {
  try {
    if (!copies_own_databases(arguments[2])) return 1;
    pghaul::PgCopyOptions options;
    options.source = arguments[1];
    options.target = arguments[2];
    options.tables = {arguments[3]};
    std::printf("%lld\n", static_cast<long long>(pghaul::PgCopyJob(options).wait().tables.at(0).rows));
  } catch (const pghaul::Error& error) {
    std::fprintf(stderr, "%s\n", error.story().c_str());
    return pghaul::exit_code(error.kind());
  }
}
