#include "base/retry.h"

#include <algorithm>
#include <random>
#include <thread>

#include <fmt/format.h>

#include "base/log.h"

namespace pghaul {
namespace {

// The shift is bounded so that no number of pauses overflows.
Duration growing_pause(const RetryPolicy& policy, int pauses) {
  const auto grown = policy.first_pause * (1LL << std::min(pauses, 20));
  static thread_local std::minstd_rand random{std::random_device{}()};
  const double jitter = std::uniform_real_distribution(0.75, 1.25)(random);
  return std::chrono::duration_cast<Duration>(std::min<Duration>(grown, policy.longest_pause) * jitter);
}

std::string counted(int count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

// Of an error that is a story itself only the beginning: the tries of somebody else are not told inside ours.
std::string message_with_code(const Error& error) {
  if (error.sqlstate().empty()) return error.cause();
  return fmt::format("{} [SQLSTATE {}]", error.cause(), error.sqlstate());
}

// A stop that came between two tries stays a stop.
ErrorKind final_kind(const Error& first, const Error& last) {
  if (!first.retryable()) return first.kind();
  return last.kind() == ErrorKind::stopped ? ErrorKind::stopped : ErrorKind::failed;
}

// `first` in other words.
Error told(const Error& first, const std::string& message, const Error& last) {
  Error error(final_kind(first, last), message);
  error.on(first.side()).about(first.object()).in_range(first.range());
  error.with_sqlstate(first.sqlstate()).with_errno(first.error_number()).with_detail(first.detail());
  error.caused_by(first.cause());
  // What ended the tries knows better what to do than what they began with.
  const bool ended = !last.retryable() && !last.advice().empty();
  return error.safe(first.what_is_safe()).advise(ended || first.advice().empty() ? last.advice() : first.advice());
}

}  // namespace

Deadline::Clock::time_point RetryState::window_opened(const Error& error, Deadline::Clock::time_point now) {
  // A reconnect that fails is part of the same loss.
  if (!lost_since_) {
    lost_since_ = now;
    ++losses_;
  }
  auto* const shared = policy_->losses ? policy_->losses->of(error.side()) : nullptr;
  return shared == nullptr ? *lost_since_ : std::min(*lost_since_, shared->lost(now));
}

std::optional<Duration> RetryState::after(const Error& error, Deadline::Clock::time_point now) {
  if (!first_) first_ = error;
  last_ = error;
  if (!error.retryable()) return std::nullopt;
  auto longest = Duration::max();
  if (error.kind() == ErrorKind::connection_lost && !policy_->losses_are_retries) {
    const auto left = policy_->reconnect_timeout - (now - window_opened(error, now));
    if (losses_ > policy_->max_losses || left <= left.zero()) return std::nullopt;
    longest = std::chrono::ceil<Duration>(left);  // the last try comes when the time is just over
  } else {
    if (retries_ == policy_->max_retries) return std::nullopt;
    ++retries_;
  }
  return std::min(growing_pause(*policy_, pauses_++), longest);
}

Error RetryState::final_error() const {
  if (!first_) return Error(ErrorKind::failed, "given up without a cause");
  if (pauses_ == 0) return told(*first_, first_->what(), *last_);
  std::string count;
  if (retries_ > 0) count = counted(retries_, "retry", "retries");
  if (losses_ > 0) count += (count.empty() ? "" : ", ") + counted(losses_, "lost connection", "lost connections");
  const auto last = message_with_code(*last_);
  const bool same = last == message_with_code(*first_);
  return told(*first_, fmt::format("{} ({}; last: {})", first_->what(), count, same ? "the same" : last), *last_);
}

void try_until_done(const RetryPolicy& policy, const StopSource* stop, const std::function<void(RetryState&)>& work) {
  RetryState retry(policy);
  for (;;) {
    try {
      return work(retry);
    } catch (const Error& error) {
      if (!error.retryable()) throw;
      const auto pause = retry.after(error, Deadline::Clock::now());
      if (!pause) throw retry.final_error();
      log_warning("{}; trying again", error.headline());
      if (stop == nullptr) std::this_thread::sleep_for(*pause);
      else if (!stop->sleep_for(*pause)) stop->throw_if_requested();
    }
  }
}

}  // namespace pghaul
