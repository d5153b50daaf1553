// The table that the demonstration copies.
#pragma once

#include <cstdint>
#include <string>

#include "pg/connection.h"

namespace pghaul::demonstration {

inline constexpr auto kTable = "public.profiles";

struct FilledTable {
  std::int64_t rows = 0;
  std::string lowest_id, highest_id;
  std::int64_t heap_bytes = 0;
};

// Makes public.profiles(id bigserial, data jsonb) with `rows` rows, gaps in id, a second index, and fresh statistics.
// The same rows each time. Needs at least 1000. Errors: as of Connection.
FilledTable make_profiles(pg::Connection& connection, std::int64_t rows);

std::int64_t count_rows(pg::Connection& connection);

}  // namespace pghaul::demonstration
