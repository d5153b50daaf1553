// What keeps rows of one table out of another.
#include <algorithm>

#include <fmt/format.h>

#include "catalog/names.h"
#include "catalog/target_ddl.h"
#include "catalog/type_fit.h"

namespace pghaul::catalog {

namespace {

std::string place_of(const TableShape& table, const std::string& column) {
  return table.name.display() + "." + display_name(column);
}

// Empty if the column fits.
std::string misfit_of(const TableShape& source, const TableShape& target, const std::string& name) {
  const Column* from = source.column(name);
  const Column* to = target.column(name);
  if (from == nullptr) return fmt::format("{}: there is no such column on the source", place_of(source, name));
  const std::string place = place_of(target, name);
  if (to == nullptr) return fmt::format("{}: the target has no such column for {} of the source", place, from->type);
  if (!to->generated.empty()) return fmt::format("{}: the target computes this column itself", place);
  if (type_fits(from->type, to->type)) return "";
  return fmt::format("{}: {} of the source does not fit into {} of the target", place, from->type, to->type);
}

bool stays_without_value(const Column& column) {
  return column.not_null && !column.has_default && column.identity == 0 && column.generated.empty();
}

}  // namespace

std::vector<std::string> misfits(const TableShape& source, const TableShape& target,
                                 const std::vector<std::string>& columns) {
  const std::vector<std::string> names = columns.empty() ? travelling_columns(source, &target, {}) : columns;
  std::vector<std::string> found;
  for (const std::string& name : names) {
    std::string misfit = misfit_of(source, target, name);
    if (!misfit.empty()) found.push_back(std::move(misfit));
  }
  for (const Column& column : target.columns) {
    const bool copied = std::find(names.begin(), names.end(), column.name) != names.end();
    if (!copied && stays_without_value(column)) {
      found.push_back(fmt::format("{}: NOT NULL and without a default on the target, but not copied",
                                  place_of(target, column.name)));
    }
  }
  return found;
}

}  // namespace pghaul::catalog
