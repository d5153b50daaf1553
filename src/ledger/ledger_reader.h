// Looks into the ledger that need no owner. Each is one query.
#pragma once

#include <optional>

#include "ledger/pg_ledger.h"

namespace pghaul {

std::optional<GenerationFacts> read_generation(pg::Connection& connection, const LedgerNames& names, int table_copy,
                                               int generation, Deadline deadline);
// The newest round of the generation that has been planned.
std::optional<RoundFacts> read_last_round(pg::Connection& connection, const LedgerNames& names, int table_copy,
                                          int generation, Deadline deadline);
std::vector<LedgerMember> read_members(pg::Connection& connection, const LedgerNames& names, int table_copy, int generation,
                                       Deadline deadline);
// In the order of their numbers; of one parent if it is given.
std::vector<Chunk> read_pending_chunks(pg::Connection& connection, const LedgerNames& names, int table_copy,
                                       int generation, std::optional<std::int64_t> parent, Deadline deadline);
LedgerTotals read_totals(pg::Connection& connection, const LedgerNames& names, int table_copy, Deadline deadline);

}  // namespace pghaul
