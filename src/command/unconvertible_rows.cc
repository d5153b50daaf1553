#include "command/unconvertible_rows.h"

#include <optional>
#include <span>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/log.h"
#include "catalog/names.h"
#include "ledger/ledger_reader.h"
#include "pg/copy.h"
#include "plan/key_bound.h"
#include "source/table_query.h"

namespace pghaul {
namespace {

constexpr std::size_t most_named = 3;
constexpr auto longest_search = std::chrono::seconds(20);
// Rows that are asked for together, unless one alone is larger.
constexpr std::size_t together_bytes = 256'000;

using Fields = std::vector<std::string_view>;

// Of a row in COPY's text form.
Fields fields_of(std::string_view row) {
  if (row.ends_with('\n')) row.remove_suffix(1);
  Fields fields;
  for (std::size_t tab = 0; (tab = row.find('\t')) != std::string_view::npos; row.remove_prefix(tab + 1)) {
    fields.push_back(row.substr(0, tab));
  }
  fields.push_back(row);
  return fields;
}

pg::SessionOptions not_stopped(pg::SessionOptions session) {
  session.stop = nullptr;
  return session;
}

class Finder {
 public:
  Finder(const Sessions& sessions, const PgCopyOptions& options, const TableJob& job)
      : options_(options),
        job_(job),
        deadline_(Deadline::after(longest_search)),
        source_(sessions.source(), not_stopped(sessions.source_session("re-reader"))),
        target_(sessions.target(), not_stopped(sessions.target_session("encoding check"))) {
    if (job.ordered_key) {
      for (const auto& column : job.ordered_key->columns) keys_.push_back(column.name);
    } else {
      keys_.push_back(job.key ? job.key->column : "ctid");
    }
  }

  // Of the chunk that is described so; nothing if it is not pending any more.
  std::optional<ChunkRange> range_of(const std::string& description, const LedgerNames& names) {
    for (const auto& chunk : read_pending_chunks(target_, names, job_.ledger->table_copy(), job_.ledger->generation(),
                                                 std::nullopt, deadline_)) {
      if (describe(chunk.range, job_.key_name()) == description) return chunk.range;
    }
    return std::nullopt;
  }

  // Sentences, at most `most_named`.
  std::vector<std::string> find(const ChunkRange& range) {
    auto table = job_.source_table(options_.where_sql);
    table.binary = false;
    table.columns.insert(table.columns.begin(), keys_.begin(), keys_.end());
    pg::CopyOut rows(source_, copy_out_sql(table, range), deadline_);
    std::vector<std::string> together;
    std::size_t bytes = 0;
    for (std::string_view row; found_.size() < most_named && rows.next(row); bytes += row.size()) {
      if (bytes >= together_bytes) {
        look_into(together);
        together.clear();
        bytes = 0;
      }
      together.emplace_back(row);
    }
    look_into(together);
    return found_;
  }

 private:
  // What the target says of this text: empty, if it takes it.
  std::string complaint(std::string_view text) {
    try {
      target_.query("SELECT $1::pg_catalog.text IS NULL", {std::string(text)}, deadline_);
    } catch (const Error& error) {
      if (!is_encoding_error(error)) throw;
      return error.what();
    }
    return "";
  }

  // By halves.
  void look_into(std::span<const std::string> rows) {
    if (rows.empty() || found_.size() >= most_named) return;
    std::string all;
    for (const auto& row : rows) all += row;
    if (complaint(all).empty()) return;
    if (rows.size() == 1) return look_into_row(rows.front());
    look_into(rows.first(rows.size() / 2));
    look_into(rows.subspan(rows.size() / 2));
  }

  void look_into_row(std::string_view row) {
    const auto fields = fields_of(row);
    for (std::size_t i = 0; i < job_.columns.size() && found_.size() < most_named; ++i) {
      const auto said = complaint(fields.at(keys_.size() + i));
      if (said.empty()) continue;
      found_.push_back(fmt::format("column {} where {}: {}", catalog::display_name(job_.columns[i]), key_of(fields), said));
    }
  }

  // "id = 7", "(tenant, name) = (7, "a b")".
  std::string key_of(const Fields& fields) const {
    KeyBound key;
    for (std::size_t i = 0; i < keys_.size(); ++i) key.emplace_back(fields[i]);
    const auto name = job_.key_name().empty() ? keys_.front() : job_.key_name();
    return fmt::format("{} = {}", name, show_bound(encode_bound(key)));
  }

  const PgCopyOptions& options_;
  const TableJob& job_;
  const Deadline deadline_;
  std::vector<std::string> keys_;  // columns that tell a row; its place, where there is no key
  pg::Connection source_, target_;
  std::vector<std::string> found_;
};

Error retold(const Error& error, const std::string& message) {
  Error told(error.kind(), message);
  told.on(error.side()).about(error.object()).in_range(error.range()).with_sqlstate(error.sqlstate());
  return told.safe(error.what_is_safe())
      .advise("change these values on the source, or copy into a database of another encoding; then run the same command "
              "again (without --full)");
}

}  // namespace

bool is_encoding_error(const Error& error) { return error.sqlstate() == "22021" || error.sqlstate() == "22P05"; }

Error with_unconvertible_rows(const Error& error, const Sessions& sessions, const PgCopyOptions& options,
                              const LedgerNames& names, const TableJob& job) noexcept {
  try {
    Finder finder(sessions, options, job);
    const auto range = finder.range_of(error.range(), names);
    const auto found = range ? finder.find(*range) : std::vector<std::string>();
    if (found.empty()) return error;
    const auto* const more = found.size() < most_named ? "" : "; there may be more";
    return retold(error, fmt::format("the target's encoding cannot take what is in {}{}", fmt::join(found, "; "), more));
  } catch (const std::exception& failure) {
    log_debug("which values cannot be converted was not found out: {}", failure.what());
    return error;
  }
}

}  // namespace pghaul
