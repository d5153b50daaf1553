#include "command/run_policy.h"

#include "base/log.h"

namespace pghaul {

RetryPolicy retry_policy(const PgCopyOptions& options) {
  RetryPolicy policy;
  policy.max_retries = options.max_retries;
  policy.reconnect_timeout = options.reconnect_timeout;
  policy.losses = std::make_shared<LossWindows>();
  return policy;
}

int most_readers(const PgCopyOptions& options) { return most_workers(options.readers, options.max_workers); }
int most_writers(const PgCopyOptions& options) { return most_workers(options.writers, options.max_workers); }

PipelineOptions pipeline_options(const PgCopyOptions& options, const RetryPolicy& retry) {
  PipelineOptions pipeline;
  pipeline.readers = options.readers;
  pipeline.writers = options.writers;
  pipeline.max_workers = options.max_workers;
  pipeline.queue_length = static_cast<std::size_t>(pipeline.most_writers());
  pipeline.retry = retry;
  pipeline.sleep = options.sleep;
  return pipeline;
}

void tell_stop(Error& error, const StopSource& stop) {
  if (!stop.requested() || stop.reason() == StopReason::failed || error.kind() == ErrorKind::stopped) return;
  log_debug("while stopping: {}", error.headline());
  error = stopped_error(stop.reason());
}

}  // namespace pghaul
