// Facts about a table that its plan is made from.
#pragma once

#include "command/copy_options.h"
#include "command/table_job.h"
#include "pg/connection.h"

namespace pghaul {

// A few catalog queries and two index probes; no scan. However many members there are, they are read by one query, or by
// one each where the key is no integer and the member larger than a batch. Sets `facts` and `members` of the job.
void read_table_facts(pg::Connection& connection, const PgCopyOptions& options, TableJob& job, Deadline deadline);

// Whether the ledger has this partition or child in the plan of the generation at hand.
bool is_known_member(const TableJob& job, std::uint32_t oid);

// The round's plan: everything for the first round of a generation (`last` is nothing), else what was gained since,
// with a chunk that looks for late rows where the last round was not settled.
Plan plan_round(const TableJob& job, const PgCopyOptions& options, const std::optional<RoundFacts>& last);

// What has to be done on the target in the transaction that stores the round's plan. Chunk by chunk, a row that took over
// the unique value of another row above the mark would clash with the one that is not replaced yet. So where there is
// another unique index, all rows above the mark go first.
std::vector<std::string> statements_before_gain(const TableJob& job, const PgCopyOptions& options,
                                                const std::optional<RoundFacts>& last);

// Why a later run has nothing to do.
std::string nothing_newer(const TableJob& job);

// What the ledger keeps of the round.
RoundFacts round_facts(const TableJob& job, const Plan& plan, const std::optional<RoundFacts>& last);

}  // namespace pghaul
