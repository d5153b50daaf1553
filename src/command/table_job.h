// One table of a job, from its name to its report.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "catalog/table_shape.h"
#include "command/report.h"
#include "ledger/pg_ledger.h"
#include "plan/planner.h"
#include "source/settle.h"
#include "source/table_query.h"

namespace pghaul {

// What a run does with a table.
enum class TableAction {
  first_copy,      // no table copy yet
  new_generation,  // --full, or pages whose snapshot is lost
  resume,          // chunks are left
  gain,            // complete: take what the source has gained
  nothing,         // complete, and without a key there is no telling what is new
};

// Filled step by step by the phases of a job; a value owned by it.
struct TableJob {
  catalog::TableName name;
  catalog::TableShape source;
  std::optional<catalog::TableShape> target;  // nothing: to be created
  std::optional<catalog::IntegerKey> key;     // that the plan may use: its column travels
  std::optional<catalog::OrderedKey> ordered_key;  // of any type; the plan's if there is no integer key
  std::vector<std::string> columns;           // that travel
  bool binary = false;
  std::string why_text;                       // empty if binary
  std::string record_format;

  std::optional<LedgerEntry> entry;           // what the ledger knew at the start
  TableAction action = TableAction::first_copy;
  std::string action_reason;  // for a new generation that nobody asked for
  std::unique_ptr<PgLedger> ledger;
  Observation observation;
  bool settled = true;
  std::string unsettled;  // why not, as a whole sentence
  TableFacts facts;                           // of all members, if the table has any
  std::vector<MemberFacts> members;           // in the order of the shape's
  std::vector<std::string> steps;             // of the ledger, that this process has seen done
  TableReport report;

  std::string key_column() const { return key ? key->column : std::string(); }
  // For messages.
  std::string key_name() const { return ordered_key ? ordered_key->display() : key_column(); }
  // Bounds in the ledger mean the same as long as this stays the same.
  std::string key_identity() const { return ordered_key ? ordered_key->identity() : key_column(); }
  SourceTable source_table(const std::string& where_sql) const {
    return {source, columns, key_column(), where_sql, binary, record_format, ordered_key};
  }
};

}  // namespace pghaul
