#include <nlohmann/json.hpp>

#include "cli/show_report.h"
#include "cli/show_stages.h"
#include "cli/text.h"
#include "cli/verify_json.h"

namespace pghaul {
namespace {

using Json = nlohmann::ordered_json;

double seconds(std::chrono::milliseconds time) { return static_cast<double>(time.count()) / 1000; }
Json seconds_or_null(const std::optional<std::chrono::milliseconds>& time) {
  return time ? Json(seconds(*time)) : Json();
}
Json or_null(const std::optional<std::int64_t>& number) { return number ? Json(*number) : Json(); }
Json text_or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

// Servers may send bytes that are not UTF-8; they are replaced.
std::string dump(const Json& document, int indent) {
  return printable_json(document.dump(indent, ' ', false, Json::error_handler_t::replace)) + "\n";
}

Json to_document(const Finding& finding);
Json to_document(const TableReport& table);
Json to_document(const PlannedTable::Range& range);
Json to_document(const PlannedTable& table);
Json to_document(const TableStatus::Member& member);
Json to_document(const TableStatus& table);

template <typename Item>
Json list(const std::vector<Item>& items) {
  Json array = Json::array();
  for (const auto& item : items) array.push_back(to_document(item));
  return array;
}

Json to_document(const Finding& finding) {
  return {{"severity", finding.severity == Finding::Severity::error ? "error" : "warning"},
          {"table", text_or_null(finding.table)},
          {"text", finding.text},
          {"advice", text_or_null(finding.advice)}};
}

Json to_document(const TableReport& table) {
  return {{"source_table", table.source_table},
          {"target_table", table.target_table},
          {"state", table.state},
          {"generation", table.generation},
          {"resumed", table.resumed},
          {"rows", table.rows},
          {"bytes", table.bytes},
          {"chunks", table.chunks},
          {"rows_total", table.rows_total},
          {"bytes_total", table.bytes_total},
          {"chunks_total", table.chunks_total},
          {"chunks_left", table.chunks_left},
          {"retries", table.retries},
          {"late_rows", table.late_rows},
          {"high_water", or_null(table.high_water)},
          {"settled", table.settled},
          {"created", table.created},
          {"remarks", table.remarks}};
}

Json to_document(const CopyReport& report) {
  Json document{{"complete", is_complete(report)},
                {"tables", list(report.tables)},
                {"findings", list(report.findings)},
                {"time_seconds", seconds(report.time)},
                {"snapshots", report.snapshots},
                {"snapshot_text", report.snapshot_text}};
  add_stages(document, report.stages, report.limit);
  return document;
}

Json to_document(const PlannedTable::Range& range) {
  return {{"text", range.text},
          {"estimated_bytes", range.estimated_bytes},
          {"coarse", range.coarse},
          {"tail", range.tail},
          {"member", text_or_null(range.member)}};
}

Json to_document(const PlannedTable& table) {
  return {{"source_table", table.source_table},
          {"target_table", table.target_table},
          {"action", table.action},
          {"reason", table.reason},
          {"record_format", table.record_format},
          {"why_text", text_or_null(table.why_text)},
          {"key_column", text_or_null(table.key_column)},
          {"estimated_rows", table.estimated_rows < 0 ? Json() : Json(table.estimated_rows)},
          {"estimated_bytes", table.estimated_bytes},
          {"rows_per_batch", table.rows_per_batch},
          {"high_water", or_null(table.high_water)},
          {"chunks", list(table.chunks)},
          {"indexes", table.indexes}};
}

Json to_document(const PlanReport& report) {
  return {{"tables", list(report.tables)},
          {"findings", list(report.findings)},
          {"source_connections", report.source_connections},
          {"primary_connections", report.primary_connections},
          {"target_connections", report.target_connections},
          {"sample_bytes", report.sample_bytes},
          {"sample_time_seconds", seconds(report.sample_time)},
          {"eta_seconds", seconds_or_null(report.eta)}};
}

Json to_document(const TableStatus::Member& member) {
  return {{"name", member.name},
          {"chunks_done", member.chunks_done},
          {"chunks_pending", member.chunks_pending},
          {"rows_done", member.rows_done}};
}

Json to_document(const TableStatus& table) {
  return {{"id", table.id},
          {"source_database", table.source_database},
          {"source_table", table.source_table},
          {"target_table", table.target_table},
          {"where_sql", text_or_null(table.where_sql)},
          {"columns", text_or_null(table.columns)},
          {"state", table.state},
          {"owner", text_or_null(table.owner)},
          {"last_stop", text_or_null(table.last_stop)},
          {"generation", table.generation},
          {"started_at", text_or_null(table.started_at)},
          {"finished_at", text_or_null(table.finished_at)},
          {"chunks_done", table.chunks_done},
          {"chunks_pending", table.chunks_pending},
          {"rows_done", table.rows_done},
          {"bytes_done", table.bytes_done},
          {"bytes_pending", table.bytes_pending},
          {"bytes_per_second", table.bytes_per_second},
          {"eta_seconds", seconds_or_null(table.eta)},
          {"resumable", table.resumable},
          {"resume_text", table.resume_text},
          {"failures", table.failures},
          {"members", list(table.members)}};
}

Json to_document(const StatusReport& report) {
  return {{"ledger", report.ledger}, {"ledger_schema", report.ledger_schema}, {"tables", list(report.tables)}};
}

const char* kind_name(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::usage: return "usage";
    case ErrorKind::refused: return "refused";
    case ErrorKind::stopped: return "stopped";
    case ErrorKind::failed: return "failed";
    case ErrorKind::transient: return "transient";
    case ErrorKind::connection_lost: break;
  }
  return "connection_lost";
}

// Without the server's detail, which may hold row values.
Json to_document(const Error& error) {
  return {{"kind", kind_name(error.kind())},
          {"side", text_or_null(std::string(to_string(error.side())))},
          {"object", text_or_null(error.object())},
          {"range", text_or_null(error.range())},
          {"sqlstate", text_or_null(error.sqlstate())},
          {"errno", error.error_number() == 0 ? Json() : Json(error.error_number())},
          {"message", error.what()},
          {"safe", text_or_null(error.what_is_safe())},
          {"next", text_or_null(error.advice())}};
}

Json with_findings(const VerifyReport& report) {
  auto document = to_document(report);
  document["findings"] = list(report.findings);
  return document;
}
template <typename Report>
Json with_findings(const Report& report) {
  return to_document(report);
}

template <typename Report>
std::string document(const Report* report, const Error* error, int code) {
  Json result = report == nullptr ? Json::object() : with_findings(*report);
  if (error != nullptr) result["error"] = to_document(*error);
  result["exit_code"] = code;
  return dump(result, 2);
}

}  // namespace

std::string copy_json(const CopyReport* report, const Error* error, int code) { return document(report, error, code); }
std::string plan_json(const PlanReport* report, const Error* error, int code) { return document(report, error, code); }
std::string verify_json(const VerifyReport* report, const Error* error, int code) {
  return document(report, error, code);
}
std::string status_json(const StatusReport* report, const Error* error, int code) {
  return document(report, error, code);
}
std::string copies_json(const std::vector<NamedDocument>& copies, int code) {
  Json list = Json::array();
  for (const auto& copy : copies) {
    Json named{{"name", copy.name}};
    named.update(Json::parse(copy.text));
    list.push_back(std::move(named));
  }
  return dump(Json{{"copies", std::move(list)}, {"exit_code", code}}, 2);
}
std::string findings_json(const std::vector<Finding>& findings) { return dump(Json{{"findings", list(findings)}}, -1); }

}  // namespace pghaul
