// What the ledger recorded of rows that were written: for whoever wants to know whether they are still there.
#pragma once

#include <string>
#include <vector>

#include "ledger/pg_ledger.h"

namespace pghaul {

// Privileges that the current role lacks to read what follows, as GRANT statements to type. Empty: none lacks.
std::vector<std::string> missing_ledger_grants(pg::Connection& connection, const LedgerNames& names,
                                               Deadline deadline);

// A table copy as it stands in its newest generation.
struct RecordedCopy {
  int table_copy = 0, generation = 0;
  std::string source_database, source_system;
  bool complete = false;
  bool merged = false;  // with --on-conflict
  std::string key;      // column of an integer key, or OrderedKey::identity(); empty: none
};

// All copies into the table of this condition and these columns, in the order of their ids.
std::vector<RecordedCopy> read_copies_into(pg::Connection& connection, const LedgerNames& names,
                                           const std::string& target_table, const std::string& where_sql,
                                           const std::string& columns, Deadline deadline);

struct FinishedChunk {
  Chunk chunk;
  BatchSummary summary;  // rows, bytes, checksum, record format
};

// Those whose rows count, in the order of their numbers.
std::vector<FinishedChunk> read_finished_chunks(pg::Connection& connection, const LedgerNames& names,
                                                const RecordedCopy& copy, Deadline deadline);

}  // namespace pghaul
