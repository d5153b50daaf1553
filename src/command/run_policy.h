// What all jobs make of their options, and of a stop.
#pragma once

#include "command/copy_options.h"
#include "pipeline/pipeline.h"

namespace pghaul {

// As the options say; its windows of losses are new.
RetryPolicy retry_policy(const PgCopyOptions& options);
// Sessions that read and write at a time, at most.
int most_readers(const PgCopyOptions& options);
int most_writers(const PgCopyOptions& options);
// As the options say, without a rate and a number of chunks.
PipelineOptions pipeline_options(const PgCopyOptions& options, const RetryPolicy& retry);
// A cancelled query or a lost session is how a stop shows at its place: `error` becomes the stop that is its reason.
void tell_stop(Error& error, const StopSource& stop);

}  // namespace pghaul
