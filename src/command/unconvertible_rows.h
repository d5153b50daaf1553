// Finding the values that the target's encoding cannot take.
#pragma once

#include "command/copy_options.h"
#include "command/sessions.h"
#include "command/table_job.h"
#include "ledger/pg_ledger_schema.h"

namespace pghaul {

// True if a server could not convert text from one encoding to another: it says which bytes, and not of what.
bool is_encoding_error(const Error& error);

// The same error, telling keys, columns and bytes of the first such values: the chunk that failed, known by the range in
// the error, is read from the source again, and the target is asked by parameters of a query which of its rows it cannot
// take. As it was, if none is found (the row is gone, say), or not within 20 s, or a server fails. The job's stop, which was
// requested because of the error, does not end it. Never throws.
Error with_unconvertible_rows(const Error& error, const Sessions& sessions, const PgCopyOptions& options,
                              const LedgerNames& names, const TableJob& job) noexcept;

}  // namespace pghaul
