// What of a comparison is done, so that another process can go on with it.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "pghaul/progress_store.h"
#include "plan/chunk.h"

namespace pghaul {

// A chunk that was compared.
struct ComparedChunk {
  Chunk chunk;
  std::int64_t source_rows = 0, target_rows = 0;
  std::vector<int> unequal_buckets;
};

// Records, each a JSON array:
//   ["comparison", 1, IDENTITY]                           always the first
//   ["plan", TABLE, BUCKETS, [CHUNK…]]                    of a table, by its number
//   ["split", TABLE, PARENT, [CHUNK…]]                    stand in for their parent
//   ["done", TABLE, NO, ROWS, ROWS, [BUCKET…]]            on the source, on the target; buckets that differ
// with CHUNK as [NO, KIND, LOWER, UPPER, REFINED, BYTES, ROWS, MEMBER], bounds null where open, and MEMBER null or, of a
// partition of the source, [OID, NAME].
// Without a store nothing is recorded. Threads: safe. Errors: those of the store; refused, if its records are
// of another comparison or cannot be read.
class ComparisonRecord {
 public:
  struct Table {
    bool planned = false;
    int buckets = 0;
    std::map<std::int64_t, Chunk> pending;  // by number
    std::int64_t last_no = 0;
    std::vector<ComparedChunk> done;
  };

  // Reads what is there. `identity` is a text of all that the comparison is of.
  void open(std::shared_ptr<ProgressStore> store, const std::string& identity);
  // As of open().
  const Table& table(std::size_t number) { return tables_[number]; }

  void plan(std::size_t table, int buckets, const std::vector<Chunk>& chunks);
  void split(std::size_t table, std::int64_t parent, const std::vector<Chunk>& children);
  void done(std::size_t table, const ComparedChunk& chunk);
  void close();

 private:
  void apply(const std::string& record);
  void append(const std::string& record);

  std::mutex mutex_;
  std::shared_ptr<ProgressStore> store_;  // guarded by mutex_; may be null
  std::map<std::size_t, Table> tables_;
};

}  // namespace pghaul
