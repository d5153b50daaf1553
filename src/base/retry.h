// When to try again, and how the story is told in the end.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/duration.h"
#include "pghaul/deadline.h"
#include "pghaul/error.h"

namespace pghaul {

struct RetryPolicy {
  int max_retries = 3;                      // of one chunk; losing a server is not counted here
  Duration first_pause{200};                // doubles with each retry, ± 25 % jitter
  Duration longest_pause{10'000};
  Duration reconnect_timeout{60'000};       // how long a lost server is waited for
  int max_losses = 20;                      // of one chunk: a chunk that kills its session each time ends the job
};

// The retries of one unit of work. A value without a clock of its own: `now` comes from the caller.
// Threads: one.
class RetryState {
 public:
  explicit RetryState(const RetryPolicy& policy) : policy_(&policy) {}

  // What to do after `error`: the pause before the next try, or nothing: give up and throw final_error().
  // Connection losses count against reconnect_timeout since the first loss not followed by connected().
  std::optional<Duration> after(const Error& error, Deadline::Clock::time_point now);
  // A session was established again: the next loss starts a new reconnect_timeout.
  void connected() { lost_since_.reset(); }

  int retries() const { return retries_; }
  int losses() const { return losses_; }
  // The first cause, with "(3 retries; last: …)" when others followed. kind is failed unless the cause says otherwise.
  Error final_error() const;

 private:
  const RetryPolicy* policy_;
  std::optional<Error> first_, last_;
  std::optional<Deadline::Clock::time_point> lost_since_;
  int retries_ = 0;
  int losses_ = 0;
  int pauses_ = 0;
};

}  // namespace pghaul
