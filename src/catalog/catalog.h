// Reads facts about tables from a server.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/table_shape.h"
#include "pg/connection.h"

namespace pghaul::catalog {

// The encoding that is none: bytes of text are what they are.
inline constexpr std::string_view sql_ascii = "SQL_ASCII";

// All functions: one or a few catalog queries on `connection`, each within `deadline`; nothing is written; no scan of
// user tables but index probes where it is said. Names are looked up exactly, without search_path.

struct ServerFacts {
  std::string system_identifier;
  std::string database;
  std::uint32_t database_oid = 0;
  std::string role;
  bool superuser = false;
  bool in_recovery = false;
  bool read_only = false;         // default_transaction_read_only, or in recovery
  std::string encoding;
  int version_num = 0;
  std::string address;            // inet_server_addr:port, or the socket
  std::int64_t timeline = 0;      // goes up when a standby is promoted; a standby learns of it with its next restart point
};
ServerFacts read_server_facts(pg::Connection& connection, Deadline deadline);

// With its partitions or children, or as if it had none.
enum class Descendants { read, ignore };

// Nothing if there is no such relation. Any relkind is returned: the caller decides.
std::optional<TableShape> read_table_shape(pg::Connection& connection, const TableName& name, Deadline deadline,
                                           Descendants descendants = Descendants::read);

// Adds the members of a table that has partitions or children to its shape; sizes and number of rows are then those of all
// of them. One query, however many there are. Done by read_table_shape().
void read_members(pg::Connection& connection, TableShape& shape, Deadline deadline);
// Names of the table's unique indexes that each member has, too: same columns, same order. Those of a partitioned table
// are in each partition as long as they are valid.
std::set<std::string> indexes_of_all_members(pg::Connection& connection, const TableShape& shape, Deadline deadline);

// Adds a table's ordered keys to its shape. Done by read_table_shape().
void read_ordered_keys(pg::Connection& connection, TableShape& shape, Deadline deadline);

// Histogram bounds of an integer column from pg_stats, ascending; empty if there are none. Most common values are
// not in it: a key has none.
struct KeyStatistics {
  std::vector<std::int64_t> histogram;
  double null_fraction = 0;
};
KeyStatistics read_key_statistics(pg::Connection& connection, const TableName& name, const std::string& column,
                                  Deadline deadline);

// The same of each member, in their order, in one query.
std::vector<KeyStatistics> read_member_statistics(pg::Connection& connection, const std::vector<Member>& members,
                                                  const std::string& column, Deadline deadline);

// What pg_stats knows of an ordered key's first column, in the order of the key's index, which need not be its own.
struct OrderedStatistics {
  struct Point {
    std::string value;
    double share = 0;  // of the table's rows, from this value to the next
  };
  std::vector<Point> points;
  std::optional<double> correlation;  // of that order and the table's; both empty: no statistics
};
OrderedStatistics read_ordered_statistics(pg::Connection& connection, const TableName& name,
                                          const OrderedColumn& column, Deadline deadline);

// Lowest and highest key by two index probes, of one table or of all members. Both empty for a table without rows (or only NULL keys).
struct KeyBounds {
  std::optional<std::int64_t> lowest, highest;
};
KeyBounds read_key_bounds(pg::Connection& connection, const TableName& name, const std::string& column,
                          Deadline deadline, Descendants descendants = Descendants::ignore);

// Privileges the current role lacks for the given use, as GRANT statements to type. Empty: none lacks.
std::vector<std::string> missing_source_grants(pg::Connection& connection, const TableShape& shape,
                                               const std::vector<std::string>& columns, Deadline deadline);
std::vector<std::string> missing_target_grants(
    pg::Connection& connection, const TableShape& shape, Deadline deadline,
    const std::vector<std::string>& privileges = {"SELECT", "INSERT", "DELETE", "TRUNCATE"});

// Enabled user triggers, rules, and foreign keys from and to the table, as display names.
struct Attachments {
  std::vector<std::string> triggers, rules, foreign_keys_out, foreign_keys_in;
};
Attachments read_attachments(pg::Connection& connection, std::uint32_t oid, Deadline deadline);

// True if the relation holds at least one row (stops at the first).
bool has_rows(pg::Connection& connection, const TableName& name, Deadline deadline);

// Which of these type names (as Column::type) the server does not know.
std::vector<std::string> unknown_types(pg::Connection& connection, const std::vector<std::string>& types,
                                       Deadline deadline);

}  // namespace pghaul::catalog
