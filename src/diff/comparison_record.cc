#include "diff/comparison_record.h"

#include <nlohmann/json.hpp>

#include "base/failpoint.h"
#include "pghaul/error.h"

namespace pghaul {
namespace {

using Json = nlohmann::json;

constexpr auto patience = std::chrono::seconds(60);  // of a write
constexpr int version = 1;

Json to_json(const std::optional<std::string>& bound) {
  return bound ? Json(*bound) : Json();
}
std::optional<std::string> bound_of(const Json& json) {
  return json.is_null() ? std::nullopt : std::optional(json.get<std::string>());
}

Json to_json(const std::optional<ChunkMember>& member) {
  return member ? Json({member->oid, member->name}) : Json();
}
std::optional<ChunkMember> member_of(const Json& json) {
  return json.is_null() ? std::nullopt : std::optional(ChunkMember{json.at(0), json.at(1)});
}

Json to_json(const std::vector<Chunk>& chunks) {
  Json list = Json::array();
  for (const auto& chunk : chunks) {
    list.push_back({chunk.no, std::string(to_string(chunk.range.kind)), to_json(chunk.range.lower),
                    to_json(chunk.range.upper), chunk.refined, chunk.estimated_bytes, chunk.estimated_rows,
                    to_json(chunk.range.member)});
  }
  return list;
}

Chunk chunk_of(const Json& json) {
  Chunk chunk;
  chunk.no = json.at(0);
  chunk.range.kind = parse_chunk_kind(json.at(1).get<std::string>());
  chunk.range.lower = bound_of(json.at(2));
  chunk.range.upper = bound_of(json.at(3));
  chunk.refined = json.at(4);
  chunk.estimated_bytes = json.at(5);
  chunk.estimated_rows = json.at(6);
  chunk.range.member = member_of(json.at(7));
  return chunk;
}

void add_chunks(ComparisonRecord::Table& table, const Json& chunks) {
  for (const auto& each : chunks) {
    const auto chunk = chunk_of(each);
    table.last_no = std::max(table.last_no, chunk.no);
    table.pending.emplace(chunk.no, chunk);
  }
}

void mark_done(ComparisonRecord::Table& table, const Json& record) {
  const auto found = table.pending.find(record.at(2));
  if (found == table.pending.end()) return;
  table.done.push_back({found->second, record.at(3), record.at(4), record.at(5)});
  table.pending.erase(found);
}

Error refused(const ProgressStore& store, const std::string& what) {
  return Error(ErrorKind::refused, what)
      .on(Side::local)
      .about(store.name())
      .safe("nothing was written")
      .advise("give this comparison a --state file of its own, or remove this one to begin anew");
}

std::string identity_record(const std::string& identity) {
  return Json({"comparison", version, identity}).dump(-1, ' ', true, Json::error_handler_t::replace);
}

}  // namespace

void ComparisonRecord::apply(const std::string& text) {
  const auto record = Json::parse(text);
  const auto kind = record.at(0).get<std::string>();
  auto& table = tables_[record.at(1).get<std::size_t>()];
  if (kind == "plan") {
    table.planned = true;
    table.buckets = record.at(2);
    add_chunks(table, record.at(3));
  } else if (kind == "split") {
    table.pending.erase(record.at(2).get<std::int64_t>());
    add_chunks(table, record.at(3));
  } else if (kind == "done") {
    mark_done(table, record);
  }
}

void ComparisonRecord::open(std::shared_ptr<ProgressStore> store, const std::string& identity) {
  const std::lock_guard lock(mutex_);
  store_ = std::move(store);
  failpoint(fp::record_before_open);
  const auto records = store_->open("verify", Deadline::after(patience));
  if (records.empty()) return store_->append(identity_record(identity), Deadline::after(patience));
  if (records.front() != identity_record(identity)) {
    throw refused(*store_, "this file is of another comparison: other servers, tables, columns or options");
  }
  try {
    for (std::size_t i = 1; i < records.size(); ++i) apply(records[i]);
  } catch (const Json::exception&) {
    throw refused(*store_, "this file has records that cannot be read");
  }
}

void ComparisonRecord::append(const std::string& record) {
  const std::lock_guard lock(mutex_);
  if (store_) store_->append(record, Deadline::after(patience));
}

void ComparisonRecord::plan(std::size_t table, int buckets, const std::vector<Chunk>& chunks) {
  failpoint(fp::plan_before_save);
  append(Json({"plan", table, buckets, to_json(chunks)}).dump(-1, ' ', true));
  failpoint(fp::plan_saved);
}

void ComparisonRecord::split(std::size_t table, std::int64_t parent, const std::vector<Chunk>& children) {
  failpoint(fp::chunk_before_split);
  append(Json({"split", table, parent, to_json(children)}).dump(-1, ' ', true));
  failpoint(fp::chunk_split);
}

void ComparisonRecord::done(std::size_t table, const ComparedChunk& chunk) {
  failpoint(fp::chunk_before_commit);
  append(Json({"done", table, chunk.chunk.no, chunk.source_rows, chunk.target_rows, chunk.unequal_buckets})
             .dump());
  failpoint(fp::chunk_after_commit);
}

void ComparisonRecord::close() {
  const std::lock_guard lock(mutex_);
  if (store_) store_->close();
}

}  // namespace pghaul
