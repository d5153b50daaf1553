#include "source/ordered_ranges.h"

#include <fmt/format.h>

#include "pg/quote.h"
#include "pghaul/error.h"
#include "plan/key_bound.h"
#include "source/table_query.h"

namespace pghaul {
namespace {

using catalog::OrderedColumn;
using catalog::OrderedKey;

std::string column_of(const OrderedColumn& column) {
  return "t." + pg::quote_identifier(column.name);
}

// A bound as SQL, one expression for each of its columns; none: open.
using SqlBound = std::vector<std::string>;

SqlBound literals(const OrderedKey& key, const std::optional<std::string>& encoded) {
  if (!encoded) return {};
  SqlBound bound;
  for (const auto& value : decode_bound(*encoded)) {
    if (bound.size() == key.columns.size()) {
      throw Error(ErrorKind::failed, fmt::format("\"{}\" is not a bound of {}", *encoded, key.display()));
    }
    bound.push_back(pg::quote_literal(value) + "::" + key.columns[bound.size()].type);
  }
  return bound;
}

// Cuts [lower, upper) into conditions. Each step looks at one column; `so_far` says that those before it are
// equal to those of the bounds that are still looked at.
class RangeCutter {
 public:
  RangeCutter(const OrderedKey& key, SqlBound lower, SqlBound upper)
      : key_(key), lower_(std::move(lower)), upper_(std::move(upper)) {}

  std::vector<std::string> conditions() {
    if (lower_.empty() && upper_.empty()) return {"true"};
    if (upper_.empty())
      above("", 0);
    else if (lower_.empty())
      below("", 0);
    else
      between("", 0);
    return std::move(conditions_);
  }

 private:
  std::string term(std::size_t i, const std::string& op, const std::string& value) const {
    const auto& column = key_.columns[i];
    return fmt::format("{}{} {} {}", column_of(column), column.collation, op, value);
  }
  std::string with(const std::string& so_far, const std::string& more) const {
    return so_far.empty() ? more : so_far + " AND " + more;
  }
  std::string equal(std::size_t i, const SqlBound& bound) const {
    return term(i, key_.columns[i].equal, bound[i]);
  }
  std::string after(std::size_t i) const { return term(i, key_.columns[i].after, lower_[i]); }
  std::string before(std::size_t i) const { return term(i, key_.columns[i].before, upper_[i]); }
  std::string at_or_after(std::size_t i) const { return term(i, key_.columns[i].at_or_after, lower_[i]); }

  // From the lower bound on.
  void above(const std::string& so_far, std::size_t i) {
    if (i + 1 == lower_.size()) return conditions_.push_back(with(so_far, at_or_after(i)));
    above(with(so_far, equal(i, lower_)), i + 1);
    conditions_.push_back(with(so_far, after(i)));
  }
  // Up to the upper bound.
  void below(const std::string& so_far, std::size_t i) {
    conditions_.push_back(with(so_far, before(i)));
    if (i + 1 < upper_.size()) below(with(so_far, equal(i, upper_)), i + 1);
  }
  void between(const std::string& so_far, std::size_t i) {
    const bool lower_ends = i + 1 == lower_.size(), upper_ends = i + 1 == upper_.size();
    const auto on_lower = with(so_far, equal(i, lower_)), on_upper = with(so_far, equal(i, upper_));
    // The same text is the same value. Other text may be the same value, too (1.0 and 1.00).
    if (lower_[i] == upper_[i] && !upper_ends) {
      if (lower_ends) return below(on_upper, i + 1);
      return between(on_lower, i + 1);
    }
    if (!lower_ends) above(with(on_lower, before(i)), i + 1);
    if (!lower_ends && !upper_ends) between(with(on_lower, equal(i, upper_)), i + 1);
    conditions_.push_back(with(with(so_far, lower_ends ? at_or_after(i) : after(i)), before(i)));
    if (!upper_ends) below(with(on_upper, lower_ends ? at_or_after(i) : after(i)), i + 1);
  }

  const OrderedKey& key_;
  const SqlBound lower_, upper_;
  std::vector<std::string> conditions_;
};

// Whether one place is not behind another; both are equal in the columns before `i`.
std::string not_behind(const OrderedKey& key, const SqlBound& one, const SqlBound& other, std::size_t i) {
  const auto& column = key.columns[i];
  const auto term = [&](const std::string& op) { return fmt::format("{}{} {} {}", one[i], column.collation, op, other[i]); };
  if (i + 1 == one.size()) return term(column.at_or_before);
  // The other is the place before all that begins like it.
  if (i + 1 == other.size()) return term(column.before);
  return fmt::format("({} OR {} AND {})", term(column.before), term(column.equal), not_behind(key, one, other, i + 1));
}

// Lists over the columns of a key, as SQL.
struct KeyLists {
  std::string names;   // k1, k2
  std::string values;  // t."a"::type, t."b"::type
  std::string order;   // as the index goes
  std::string of_cut;  // cut.k1, cut.k2
};

KeyLists lists_of(const OrderedKey& key) {
  KeyLists lists;
  for (std::size_t i = 0; i < key.columns.size(); ++i) {
    const auto& column = key.columns[i];
    const auto* const comma = i == 0 ? "" : ", ";
    lists.names += fmt::format("{}k{}", comma, i);
    lists.values += fmt::format("{}{}::{}", comma, column_of(column), column.type);
    lists.order += fmt::format("{}{}{} USING {} NULLS {}", comma, column_of(column), column.collation,
                               column.before, column.nulls_first ? "FIRST" : "LAST");
    lists.of_cut += fmt::format("{}cut.k{}", comma, i);
  }
  return lists;
}

// The key that stands `rows` rows behind the beginning of a range. The scans run one after the other, each in
// the order of the index. Were they mixed, the cut would lie elsewhere, and still inside the range.
std::string nth_key(const Relation& relation, const KeyLists& lists,
                    const std::vector<std::string>& conditions, std::int64_t rows) {
  std::string scans;
  for (const auto& condition : conditions) {
    scans +=
        fmt::format("{}(SELECT {} FROM {} AS t WHERE {}{}{} ORDER BY {})", scans.empty() ? "" : " UNION ALL ",
                    lists.values, relation.from, condition, relation.condition.empty() ? "" : " AND ",
                    relation.condition, lists.order);
  }
  return fmt::format("SELECT {0} FROM ({1}) AS s ({0}) OFFSET {2} LIMIT 1", lists.names, scans, rows);
}

}  // namespace

std::vector<std::string> range_conditions(const OrderedKey& key, const ChunkRange& range) {
  return RangeCutter(key, literals(key, range.lower), literals(key, range.upper)).conditions();
}

std::string ascending_sql(const OrderedKey& key, const std::vector<std::string>& bounds) {
  std::string all;
  for (std::size_t i = 1; i < bounds.size(); ++i) {
    all += fmt::format("{}{}", all.empty() ? "" : " AND ",
                       not_behind(key, literals(key, bounds[i - 1]), literals(key, bounds[i]), 0));
  }
  return "SELECT " + (all.empty() ? "true" : all);
}

std::string ordered_probe_sql(const Relation& relation, const OrderedKey& key, const ChunkRange& range,
                              std::int64_t rows, int most) {
  const auto lists = lists_of(key);
  SqlBound cut;
  for (std::size_t i = 0; i < key.columns.size(); ++i) cut.push_back(fmt::format("cut.k{}", i));
  const auto behind_cut = RangeCutter(key, cut, literals(key, range.upper)).conditions();
  return fmt::format(
      "WITH RECURSIVE cut({0}, n) AS ("
      "SELECT {0}, 1 FROM ({1}) AS f UNION ALL "
      "SELECT f.*, cut.n + 1 FROM cut CROSS JOIN LATERAL ({2}) AS f WHERE cut.n < {3}) "
      "SELECT {4} FROM cut ORDER BY cut.n",
      lists.names, nth_key(relation, lists, range_conditions(key, range), rows),
      nth_key(relation, lists, behind_cut, rows), most, lists.of_cut);
}

}  // namespace pghaul
