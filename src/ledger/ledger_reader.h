// Looks into the ledger that need no owner. Each is one query.
#pragma once

#include <optional>

#include "ledger/pg_ledger.h"

namespace pghaul {

std::optional<GenerationFacts> read_generation(pg::Connection& connection, const LedgerNames& names, int table_copy,
                                               int generation, Deadline deadline);
LedgerTotals read_totals(pg::Connection& connection, const LedgerNames& names, int table_copy, Deadline deadline);

}  // namespace pghaul
