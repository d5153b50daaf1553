#include "cli/verify_json.h"

#include "cli/show_stages.h"

namespace pghaul {
namespace {

using Json = nlohmann::ordered_json;

Json to_document(const RowDifference& row, const VerifiedTable& table, bool values) {
  Json document;
  if (!row.by_key) {
    document["hash"] = row.key;
  } else {
    for (std::size_t i = 0; i < row.key.size(); ++i) document["key"][table.key_columns[i]] = row.key[i];
  }
  document["on_source"] = row.on_source;
  document["on_target"] = row.on_target;
  document["columns"] = Json::array();
  for (const auto& each : row.columns) {
    if (!values) {
      document["columns"].push_back(each.column);
      continue;
    }
    document["columns"].push_back({{"column", each.column},
                                   {"source", each.source ? Json(*each.source) : Json()},
                                   {"target", each.target ? Json(*each.target) : Json()}});
  }
  return document;
}

Json rows_document(const std::vector<RowDifference>& rows, const VerifiedTable& table, bool values) {
  Json list = Json::array();
  for (const auto& row : rows) list.push_back(to_document(row, table, values));
  return list;
}

}  // namespace

nlohmann::ordered_json to_document(const VerifyReport& report) {
  Json tables = Json::array();
  for (const auto& table : report.tables) {
    Json ranges = Json::array();
    for (const auto& each : table.ranges) {
      ranges.push_back({{"range", each.range}, {"on_source", each.on_source}, {"on_target", each.on_target}});
    }
    Json indexes = Json::array();
    for (const auto& each : table.suspected_indexes) {
      indexes.push_back({{"side", std::string(to_string(each.side))},
                         {"index", each.index},
                         {"range", each.range},
                         {"by_index", each.by_index},
                         {"in_table", each.in_table}});
    }
    tables.push_back({{"source_table", table.source_table},
                      {"target_table", table.target_table},
                      {"state", table.state},
                      {"strategy", table.strategy},
                      {"equality", table.equality},
                      {"chunks", table.chunks},
                      {"chunks_before", table.chunks_before},
                      {"chunks_passed_over", table.chunks_passed_over},
                      {"source_rows", table.source_rows},
                      {"target_rows", table.target_rows},
                      {"bytes", table.bytes},
                      {"retries", table.retries},
                      {"differences", table.differences},
                      {"ranges", ranges},
                      {"suspected_indexes", indexes},
                      {"rows", rows_document(table.rows, table, report.show_values)},
                      {"rows_in_motion", table.rows_in_motion},
                      {"in_motion", rows_document(table.in_motion, table, report.show_values)},
                      {"chunks_left", table.chunks_left}});
  }
  Json document{{"from_ledger", report.from_ledger},
                {"tables", tables},
                {"time_seconds", static_cast<double>(report.time.count()) / 1000}};
  add_stages(document, report.stages, report.limit);
  return document;
}

}  // namespace pghaul
