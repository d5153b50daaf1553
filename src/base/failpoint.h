// Named places where a test can make the program die, fail, sleep or hang.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pghaul {

// PGHAUL_FAILPOINTS='name=action[(argument)][@nth];…' with action kill9, exit, error, sleep(ms), hang; nth counts hits
// of that name from 1 (default 1; `*` is every hit). `error` throws Error(transient). Names are the constants below, so
// that a test can go through all of them. Without PGHAUL_WITH_FAILPOINTS (cmake -DPGHAUL_FAILPOINTS=OFF) a no-op.
// Threads: any. Errors: usage, thrown by configure_failpoints() on an unknown name or action.
#ifdef PGHAUL_WITH_FAILPOINTS
void failpoint(std::string_view name);
void configure_failpoints(std::string_view specification);
#else
inline void failpoint(std::string_view) {}
inline void configure_failpoints(std::string_view) {}
#endif

// In the order in which a copy, or a comparison, meets them. All of these lists are empty without PGHAUL_WITH_FAILPOINTS.
const std::vector<std::string_view>& copy_failpoint_names();
const std::vector<std::string_view>& verify_failpoint_names();
// Each once.
const std::vector<std::string_view>& failpoint_names();

namespace fp {
inline constexpr std::string_view ledger_before_create = "ledger.before_create";
inline constexpr std::string_view ledger_created = "ledger.created";
inline constexpr std::string_view job_before_record = "job.before_record";
inline constexpr std::string_view job_recorded = "job.recorded";
inline constexpr std::string_view owner_before_claim = "owner.before_claim";
inline constexpr std::string_view owner_claimed = "owner.claimed";
inline constexpr std::string_view source_before_accept = "source.before_accept";
inline constexpr std::string_view source_accepted = "source.accepted";
inline constexpr std::string_view target_before_create = "target.before_create";
inline constexpr std::string_view target_created = "target.created";
inline constexpr std::string_view target_before_empty = "target.before_empty";
inline constexpr std::string_view target_emptied = "target.emptied";
inline constexpr std::string_view plan_before_save = "plan.before_save";
inline constexpr std::string_view tail_before_delete = "tail.before_delete";
inline constexpr std::string_view tail_deleted = "tail.deleted";
inline constexpr std::string_view plan_saved = "plan.saved";
inline constexpr std::string_view chunk_claimed = "chunk.claimed";
inline constexpr std::string_view chunk_before_split = "chunk.before_split";
inline constexpr std::string_view chunk_split = "chunk.split";
inline constexpr std::string_view batch_read = "batch.read";
inline constexpr std::string_view chunk_before_mark = "chunk.before_mark";
inline constexpr std::string_view chunk_marked = "chunk.marked";
inline constexpr std::string_view range_before_empty = "range.before_empty";
inline constexpr std::string_view range_emptied = "range.emptied";
inline constexpr std::string_view rows_before_merge = "rows.before_merge";
inline constexpr std::string_view rows_merged = "rows.merged";
inline constexpr std::string_view rows_sent = "rows.sent";
inline constexpr std::string_view chunk_before_commit = "chunk.before_commit";
inline constexpr std::string_view chunk_after_commit = "chunk.after_commit";
inline constexpr std::string_view failure_before_note = "failure.before_note";
inline constexpr std::string_view failure_noted = "failure.noted";
inline constexpr std::string_view index_before_build = "index.before_build";
inline constexpr std::string_view index_built = "index.built";
inline constexpr std::string_view constraint_before_make = "constraint.before_make";
inline constexpr std::string_view constraint_made = "constraint.made";
inline constexpr std::string_view before_vacuum = "target.before_vacuum";
inline constexpr std::string_view vacuumed = "target.vacuumed";
inline constexpr std::string_view before_finish = "job.before_finish";
inline constexpr std::string_view finished = "job.finished";
inline constexpr std::string_view stop_before_note = "stop.before_note";
inline constexpr std::string_view stop_noted = "stop.noted";
inline constexpr std::string_view owner_before_release = "owner.before_release";
inline constexpr std::string_view owner_released = "owner.released";
inline constexpr std::string_view record_before_open = "record.before_open";
inline constexpr std::string_view record_opened = "record.opened";
inline constexpr std::string_view rows_before_look = "rows.before_look";
inline constexpr std::string_view rows_looked_at = "rows.looked_at";
inline constexpr std::string_view record_before_remove = "record.before_remove";
inline constexpr std::string_view record_removed = "record.removed";
}  // namespace fp

}  // namespace pghaul
