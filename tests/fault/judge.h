// Judges of a run under faults. They ask psql and sha256sum, nothing of pghaul.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace pghaul::test {

// Rows of these tables (all of schema public, all columns, as text in a session with pinned settings), compared as
// multisets: no key is needed.
struct RowDifference {
  std::string source_digest, target_digest;  // SHA-256
  std::int64_t lost = 0;                     // rows that the source has more often
  std::int64_t doubled = 0;                  // rows that the target has more often
  bool equal() const { return source_digest == target_digest && lost == 0 && doubled == 0; }
};
// Errors: failed.
RowDifference compare_rows(const std::string& source_conninfo, const std::string& target_conninfo,
                           const std::vector<std::string>& tables);

// What a run has left on a server, in this database: sessions of pghaul, advisory locks, temporary tables, prepared
// transactions, and, of the whole server, exported snapshots; "" if nothing. A server needs a moment to see that a
// client is gone: asks for ten seconds.
std::string leftovers(const std::string& conninfo);

}  // namespace pghaul::test
