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

// All names, in the order in which a copy meets them.
const std::vector<std::string_view>& failpoint_names();

namespace fp {
inline constexpr std::string_view target_created = "target.created";
inline constexpr std::string_view target_before_empty = "target.before_empty";
inline constexpr std::string_view target_emptied = "target.emptied";
inline constexpr std::string_view plan_before_save = "plan.before_save";
inline constexpr std::string_view plan_saved = "plan.saved";
inline constexpr std::string_view chunk_claimed = "chunk.claimed";
inline constexpr std::string_view chunk_before_split = "chunk.before_split";
inline constexpr std::string_view chunk_split = "chunk.split";
inline constexpr std::string_view batch_read = "batch.read";
inline constexpr std::string_view chunk_before_mark = "chunk.before_mark";
inline constexpr std::string_view chunk_marked = "chunk.marked";
inline constexpr std::string_view rows_sent = "rows.sent";
inline constexpr std::string_view chunk_before_commit = "chunk.before_commit";
inline constexpr std::string_view chunk_after_commit = "chunk.after_commit";
inline constexpr std::string_view index_before_build = "index.before_build";
inline constexpr std::string_view index_built = "index.built";
inline constexpr std::string_view vacuumed = "target.vacuumed";
inline constexpr std::string_view before_finish = "job.before_finish";
inline constexpr std::string_view finished = "job.finished";
}  // namespace fp

}  // namespace pghaul
