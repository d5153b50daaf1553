// The tables that are copied under faults, and how: drawn from a seed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fault/random.h"
#include "support/program.h"

namespace pghaul::test {

struct Workload {
  std::vector<std::string> tables;  // without schema; all in public
  std::vector<std::string> keys;    // of the tables; empty: it has none
  std::string create_sql;           // on the source
  Arguments options;                // of copy: tables, batches, threads, snapshots
  std::int64_t rows = 0;            // of all tables
};

// One to three tables of different shapes, some hundred to some thousand rows: copied within a second or two.
Workload draw_workload(Random random);

// public.profiles with `rows` rows and gaps in id, cut into about `chunks` chunks, each followed by a pause: for
// faults that need some time to strike.
Workload long_workload(Random random, std::int64_t rows, std::int64_t chunks);

// Always the same tables, so that places among their messages mean something: one with a key, one without.
Workload fixed_workload();

}  // namespace pghaul::test
