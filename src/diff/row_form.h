// The form in which the rows of both sides are compared.
#pragma once

#include <string>
#include <vector>

#include "catalog/table_shape.h"

namespace pghaul {

// Two rows are equal if their forms are the same bytes. A value.
//
// Servers hash the form and not the row: hash_record_extended() folds a bigint or timestamp to 32 bits before
// it hashes it (1 and 4294967296 clash under every seed), says that 1.0 equals 1.00 and -0 equals 0, and is
// linear in the columns, so that two values which change places between rows leave the sum as it was.
struct RowForm {
  std::vector<std::string> binary;  // as their send functions write them
  std::vector<std::string> text;    // as their output functions print them, with pinned settings

  // SQL on alias t, of type bytea.
  std::string sql() const;
  // The same of one of its columns.
  std::string column_sql(const std::string& column) const;
  // What makes two rows equal, in a sentence.
  std::string meaning() const;
};

// Columns whose type is the same on both sides and has one binary form on all servers of a major version go
// as that, if both servers are of one; all others as text.
RowForm row_form(const catalog::TableShape& source, const catalog::TableShape& target,
                 const std::vector<std::string>& columns, bool same_major_version);

}  // namespace pghaul
