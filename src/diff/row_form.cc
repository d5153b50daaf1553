#include "diff/row_form.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "catalog/names.h"
#include "pg/quote.h"

namespace pghaul {
namespace {

std::string list(const std::vector<std::string>& columns) {
  std::string sql;
  for (const auto& name : columns)
    sql += fmt::format("{}t.{}", sql.empty() ? "" : ", ", pg::quote_identifier(name));
  return sql;
}

// By record_out, which calls the types' own output functions; a cast of a column could call what users wrote.
std::string printed(const std::vector<std::string>& columns) {
  return fmt::format("ROW({})::pg_catalog.text", list(columns));
}

std::string sent(const std::string& fields) {
  return fmt::format("pg_catalog.record_send(ROW({}))", fields);
}

std::string names(const std::vector<std::string>& columns) {
  std::vector<std::string> shown;
  for (const auto& name : columns) shown.push_back(catalog::display_name(name));
  return fmt::format("{}", fmt::join(shown, ", "));
}

}  // namespace

std::string RowForm::sql() const {
  auto fields = list(binary);
  if (!text.empty()) fields += (fields.empty() ? "" : ", ") + printed(text);
  return sent(fields);
}

std::string RowForm::column_sql(const std::string& column) const {
  const bool as_text = std::ranges::find(text, column) != text.end();
  return sent(as_text ? printed({column}) : list({column}));
}

std::string RowForm::meaning() const {
  std::string how;
  if (!binary.empty()) how = fmt::format("the same binary form ({})", names(binary));
  if (!text.empty()) how += fmt::format("{}the same text ({})", how.empty() ? "" : " and ", names(text));
  return how.empty() ? "no columns: only rows are counted" : how;
}

RowForm row_form(const catalog::TableShape& source, const catalog::TableShape& target,
                 const std::vector<std::string>& columns, bool same_major_version) {
  RowForm form;
  for (const auto& name : columns) {
    const auto *from = source.column(name), *to = target.column(name);
    const bool alike = from->type_oid == to->type_oid && from->binary_safe && to->binary_safe;
    (same_major_version && alike ? form.binary : form.text).push_back(name);
  }
  return form;
}

}  // namespace pghaul
