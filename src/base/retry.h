// When to try again, and how the story is told in the end.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/duration.h"
#include "base/loss_window.h"
#include "base/stop.h"
#include "pghaul/deadline.h"
#include "pghaul/error.h"

namespace pghaul {

struct RetryPolicy {
  int max_retries = 3;                      // of one chunk; losing a server is not counted here
  Duration first_pause{200};                // doubles with each retry, ± 25 % jitter
  Duration longest_pause{10'000};
  Duration reconnect_timeout{60'000};       // how long a lost server is waited for
  // There is no server to be waited for: a lost session counts as one of max_retries, as whatever else may pass.
  bool losses_are_retries = false;
  int max_losses = 20;                      // of one chunk: a chunk that kills its session each time ends the job
  // Shared by all copies of the policy: reconnect_timeout counts from when the server was first lost to any of them.
  // May be null: each counts for itself. Sessions close the windows, see pg::SessionOptions.
  std::shared_ptr<LossWindows> losses;

  // For who has no session, but knows that the server is there.
  void note_connected(Side side) const {
    if (losses) losses->connected(side);
  }
};

// The retries of one unit of work. A value without a clock of its own: `now` comes from the caller.
// Threads: one.
class RetryState {
 public:
  explicit RetryState(const RetryPolicy& policy) : policy_(&policy) {}

  // What to do after `error`: the pause before the next try, or nothing: give up and throw final_error().
  // Connection losses count against reconnect_timeout since the first loss not followed by connected(), or since the
  // policy's window of that side was opened.
  std::optional<Duration> after(const Error& error, Deadline::Clock::time_point now);
  // A session was established again: the next loss starts a new reconnect_timeout.
  void connected() { lost_since_.reset(); }

  int retries() const { return retries_; }
  int losses() const { return losses_; }
  // The first cause, with "(3 retries; last: …)" when others followed. kind is failed unless the cause says otherwise.
  Error final_error() const;

 private:
  Deadline::Clock::time_point window_opened(const Error& error, Deadline::Clock::time_point now);

  const RetryPolicy* policy_;
  std::optional<Error> first_, last_;
  std::optional<Deadline::Clock::time_point> lost_since_;
  int retries_ = 0;
  int losses_ = 0;
  int pauses_ = 0;
};

// Runs `work` until it succeeds, with the pauses of the policy between its tries; each failure is logged. `work` says
// connected() once it has a session again. `stop` may be null.
// Errors: one that is not worth a second try, at once and as it is; the story of all tries; stopped.
void try_until_done(const RetryPolicy& policy, const StopSource* stop, const std::function<void(RetryState&)>& work);

}  // namespace pghaul
