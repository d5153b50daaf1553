#include "pg/result.h"

#include <charconv>
#include <cstdlib>

#include <libpq-fe.h>

namespace pghaul::pg {

Result::Result(pg_result* result, Side side) : side_(side), result_(result) {}
void Result::Free::operator()(pg_result* result) const { PQclear(result); }

// Only a server that is none of ours answers a question of ours with fewer rows or columns.
void Result::require_field(int row, int column) const {
  if (row >= 0 && row < rows() && column >= 0 && column < columns()) return;
  throw Error(ErrorKind::failed, "the server's answer has another form than was asked for")
      .on(side_)
      .advise("see whether that is a PostgreSQL server, and what stands between it and pghaul");
}

int Result::rows() const { return PQntuples(result_.get()); }
int Result::columns() const { return PQnfields(result_.get()); }

bool Result::is_null(int row, int column) const {
  require_field(row, column);
  return PQgetisnull(result_.get(), row, column) != 0;
}

std::string_view Result::text(int row, int column) const {
  require_field(row, column);
  return {PQgetvalue(result_.get(), row, column), static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
}

std::optional<std::string> Result::optional_text(int row, int column) const {
  if (is_null(row, column)) return std::nullopt;
  return std::string(text(row, column));
}

std::int64_t Result::int64(int row, int column) const {
  std::int64_t value = 0;
  const auto digits = text(row, column);
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

double Result::number(int row, int column) const { return std::strtod(std::string(text(row, column)).c_str(), nullptr); }
bool Result::boolean(int row, int column) const { return text(row, column) == "t"; }
std::int64_t Result::affected_rows() const { return std::strtoll(PQcmdTuples(result_.get()), nullptr, 10); }
std::uint32_t Result::origin_table(int column) const { return PQftable(result_.get(), column); }
int Result::origin_column(int column) const { return PQftablecol(result_.get(), column); }
std::uint32_t Result::type_oid(int column) const { return PQftype(result_.get(), column); }
int Result::type_modifier(int column) const { return PQfmod(result_.get(), column); }
std::string_view Result::command() const { return PQcmdStatus(result_.get()); }

}  // namespace pghaul::pg
