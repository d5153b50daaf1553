// Rows that a query gave.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "pghaul/error.h"

struct pg_result;

namespace pghaul::pg {

// Owns a libpq result in text format. Threads: one at a time. Views live as long as the Result.
// Errors: failed, when a row or column is asked for that the server did not send.
class Result {
 public:
  Result() = default;
  explicit Result(pg_result* result, Side side = Side::none);

  int rows() const;
  int columns() const;
  bool is_null(int row, int column) const;
  // NULL is "".
  std::string_view text(int row, int column) const;
  std::optional<std::string> optional_text(int row, int column) const;
  std::int64_t int64(int row, int column) const;   // NULL is 0
  double number(int row, int column) const;        // NULL is 0
  bool boolean(int row, int column) const;         // NULL is false
  // Of INSERT, UPDATE, DELETE, COPY; 0 for other statements.
  std::int64_t affected_rows() const;
  // Where a column comes from: table OID and attribute number, 0 for expressions; its type's OID and modifier. As the
  // server's caches have them, that is: current, also inside an old snapshot.
  std::uint32_t origin_table(int column) const;
  int origin_column(int column) const;
  std::uint32_t type_oid(int column) const;
  int type_modifier(int column) const;
  // Command tag, as "COMMIT" or "UPDATE 1".
  std::string_view command() const;

 private:
  void require_field(int row, int column) const;

  struct Free { void operator()(pg_result*) const; };
  Side side_ = Side::none;
  std::unique_ptr<pg_result, Free> result_;
};

}  // namespace pghaul::pg
