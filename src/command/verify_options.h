// What `verify` was asked to do.
#pragma once

#include "command/copy_options.h"

namespace pghaul {

struct VerifyOptions {
  PgCopyOptions copy;                        // what to compare, connections and bounds: as of a copy
  Duration settle{std::chrono::seconds(5)};  // before rows that differ are looked at again
  int rounds = 3;                            // of looking again
  std::int64_t limit = 100;                  // rows to name, of each table
  bool show_values = false;
  bool seq_scan = false;         // trust no index
  bool counts = false;           // compare numbers of rows only
  bool from_ledger = false;      // compare with what the copy recorded, without the source
  std::string state;             // file of what is done, to go on with; empty: none
  std::optional<double> sample;  // compare so many of a hundred chunks
};

}  // namespace pghaul
