// The unit of work, of retry, of resume.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pghaul {

enum class ChunkKind {
  key,    // lower <= key < upper
  null,   // key IS NULL
  ctid,   // pages lower <= block < upper, valid inside one snapshot
  whole,  // every row
  late,   // rows in the bounds whose inserting or updating transaction is not older than `since`; merged by key
};
std::string_view to_string(ChunkKind kind);
ChunkKind parse_chunk_kind(std::string_view text);

// A partition, or a table of an inheritance tree, that is read alone. Known by its oid; the name is for messages.
struct ChunkMember {
  std::uint32_t oid = 0;
  std::string name;
  bool operator==(const ChunkMember&) const = default;
};

// A piece of one table. Bounds are text, as PostgreSQL prints an integer key (page numbers for ctid), or as key_bound.h
// writes down any other; nothing means open.
struct ChunkRange {
  ChunkKind kind = ChunkKind::whole;
  std::optional<std::string> lower, upper;
  std::optional<std::string> since;  // late only: xid without epoch, as text; nothing: whatever transaction it was
  // The only one that is read. Nothing: the table, with all its partitions or children that are copied.
  std::optional<ChunkMember> member = {};
  bool operator==(const ChunkRange&) const = default;
};

// Whether the range can be cut into smaller ones. What cannot is bounded by the time of the whole job only.
inline bool can_be_cut(const ChunkRange& range) { return range.kind == ChunkKind::key || range.kind == ChunkKind::ctid; }

// "id in [1, 5000)", "id < 7", "pages [0, 128)", "id is null", "all rows"; for messages. Of a member: "… of public.t_1".
std::string describe(const ChunkRange& range, const std::string& key_column);

struct Chunk {
  std::int64_t no = 0;                // within its generation; 0 before it is stored
  std::int64_t parent = 0;            // chunk it was split from, or 0
  int round = 1;                      // run of the generation that planned it
  ChunkRange range;
  bool tail = false;                  // above the high-water mark
  bool replace = false;               // the range is emptied on the target in the same transaction
  bool refined = false;               // near the batch size; no probe needed
  std::int64_t estimated_bytes = 0;
  std::int64_t estimated_rows = 0;
  int failed_attempts = 0;            // recorded so far
};

}  // namespace pghaul
