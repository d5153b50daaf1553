// What `copy` and `plan` were asked to do: the library's own options.
#pragma once

#include "base/duration.h"
#include "pghaul/pg_copy_options.h"
#include "plan/planner.h"
#include "sink/target_query.h"

namespace pghaul {

// What the command line checks with its own words. Errors: usage.
void check_options(const PgCopyOptions& options);

}  // namespace pghaul
