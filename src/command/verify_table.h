// One table of a comparison, from its name to its report.
#pragma once

#include <optional>
#include <string>

#include "command/preflight.h"
#include "command/table_job.h"
#include "command/verify_options.h"
#include "command/verify_report.h"
#include "diff/chunk_list.h"
#include "diff/digest_query.h"
#include "diff/leaf_pairs.h"
#include "diff/row_state.h"
#include "pg/statement_deadline.h"

namespace pghaul {

// The two control sessions of a comparison and what was found out over them.
struct ComparedServers {
  pg::Connection& source;
  pg::Connection& target;
  const Servers& facts;
  bool portable_hash = false;           // the servers' own hashes differ
  std::optional<bool> sort_text_alike;  // by their default collation, once somebody has asked
  Duration statement_timeout;
  Deadline deadline() const { return pg::statement_deadline(statement_timeout); }
};

// Filled step by step; owned by its job.
struct VerifyTable {
  VerifyTable(ComparisonRecord& record, std::size_t number) : list(record, number) {}

  TableJob job;  // name, shapes, columns, keys, facts
  ComparedTable source, target;
  bool by_ranges = false;
  LeafPairs pairs;                         // none: the table is read by its name
  std::string source_index, target_index;  // of the key; empty: none is known
  std::vector<ChunkRange> index_ranges;    // of an integer key, to count an index by
  std::vector<Chunk> chunks;
  ChunkList list;
  VerifiedTable report;
};

// Reads both shapes and decides how they are compared. Findings of severity error are reasons to refuse.
// Errors: those of the servers.
void inspect_for_verify(ComparedServers& servers, const VerifyOptions& options, VerifyTable& table,
                        std::vector<Finding>& findings);
// Of the facts that were read of it, plans it anew, or goes on with what is known of it.
void plan_for_verify(const VerifyOptions& options, VerifyTable& table, const ComparisonRecord::Table& known);

// Which partitions are alike on both sides, by now. Errors: those of the servers.
LeafPairs read_leaf_pairs(pg::Connection& source, pg::Connection& target, const TableJob& job, Deadline deadline);

// What has to be the same for a comparison to go on.
std::string identity_of(const VerifyTable& table);

}  // namespace pghaul
