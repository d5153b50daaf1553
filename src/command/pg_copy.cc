// The job behind `pghaul copy`: a copy on a thread of its own.
#include "pghaul/pg_copy.h"

#include <condition_variable>
#include <mutex>
#include <new>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "base/log.h"
#include "base/thread_error.h"
#include "command/callback.h"
#include "command/commands.h"

namespace pghaul {
namespace {

// Beyond what any wait, clean-up or cancel request takes after a stop.
constexpr auto longest_end = std::chrono::seconds(8);
constexpr auto look_interval = std::chrono::milliseconds(50);
constexpr auto finished_chunks = "every finished chunk is kept with its mark in the ledger";

class Watcher : public CopyObserver {
 public:
  explicit Watcher(const PgCopyWatch& watch) : watch_(watch) {}
  void findings(const std::vector<Finding>& found) override {
    if (watch_.findings) call_back("PgCopyWatch::findings", [&] { watch_.findings(found); });
  }
  void tick(const PgCopyProgress& progress) override {
    if (watch_.progress) call_back("PgCopyWatch::progress", [&] { watch_.progress(progress); });
  }

 private:
  const PgCopyWatch& watch_;
};

Error hanging(StopReason reason) {
  return Error(ErrorKind::stopped, fmt::format("{}, and something hangs", stopped_error(reason).what()))
      .safe(finished_chunks)
      .advise("run the same command again (without --full): it continues where it stopped");
}

}  // namespace

// Owned by the job's thread as well, which may outlive the job.
class PgCopyJob::State : public std::enable_shared_from_this<State> {
 public:
  State(PgCopyOptions options, PgCopyWatch watch)
      : options_(std::move(options)),
        watch_(std::move(watch)),
        log_(watch_.log ? std::make_shared<LogTarget>(watch_.log) : nullptr) {}

  void start();
  void stop(StopReason reason) noexcept { stop_.request(reason); }
  bool wait_until(Deadline deadline);
  CopyReport wait();
  CopyReport report() const;
  bool left_behind() const;
  void let_go();

 private:
  void run() noexcept;
  void copy_tables();
  bool hangs();

  const PgCopyOptions options_;
  const PgCopyWatch watch_;
  const std::shared_ptr<LogTarget> log_;
  StopSource stop_;
  std::thread thread_;  // not its own affair

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_:
  bool ended_ = false;
  bool left_behind_ = false;
  std::optional<Deadline> latest_end_;  // once a stop was seen
  CopyReport report_;
  std::optional<Error> error_;
};

void PgCopyJob::State::start() {
  check_options(options_);
  try {
    thread_ = std::thread([self = shared_from_this()] { self->run(); });
  } catch (const std::system_error& error) {
    throw no_thread_error(error);
  }
}

void PgCopyJob::State::copy_tables() {
  Watcher watcher(watch_);
  CopyReport partial;
  try {
    partial = copy(options_, stop_, watcher, &partial);
  } catch (...) {
    const std::lock_guard lock(mutex_);
    report_ = std::move(partial);
    throw;
  }
  const std::lock_guard lock(mutex_);
  report_ = std::move(partial);
}

void PgCopyJob::State::run() noexcept {
  const LogScope scope(log_);
  std::optional<Error> error;
  try {
    copy_tables();
  } catch (const Error& failure) {
    error = failure;
  } catch (const std::bad_alloc&) {
    error = Error(ErrorKind::failed, "out of memory").on(Side::local).safe(finished_chunks).advise("lower --readers or --batch-bytes");
  } catch (const std::exception& failure) {
    error = Error(ErrorKind::failed, fmt::format("internal error: {}", failure.what()))
                .on(Side::local)
                .safe(finished_chunks)
                .advise("run the same command again (without --full); if it comes back, report it");
  } catch (...) {
    error = Error(ErrorKind::failed, "what watches the job threw what is no std::exception").on(Side::local);
  }
  const std::lock_guard lock(mutex_);
  error_ = error;
  ended_ = true;
  changed_.notify_all();
}

// Called with the lock held. What hangs where no stop reaches it must not be waited for for ever.
bool PgCopyJob::State::hangs() {
  const auto reason = stop_.reason();
  if (ended_ || reason == StopReason::none || reason == StopReason::failed || reason == StopReason::paused) return false;
  if (!latest_end_) latest_end_ = Deadline::after(longest_end);
  return latest_end_->expired();
}

bool PgCopyJob::State::wait_until(Deadline deadline) {
  std::unique_lock lock(mutex_);
  while (!ended_ && !left_behind_) {
    left_behind_ = hangs();
    if (deadline.expired()) break;
    changed_.wait_for(lock, std::min<Deadline::Clock::duration>(deadline.remaining(), look_interval));
  }
  return ended_ || left_behind_;
}

CopyReport PgCopyJob::State::wait() {
  wait_until(Deadline::never());
  const std::lock_guard lock(mutex_);
  if (left_behind_) throw hanging(stop_.reason());
  if (error_) throw *error_;
  return report_;
}

CopyReport PgCopyJob::State::report() const {
  const std::lock_guard lock(mutex_);
  return report_;
}

bool PgCopyJob::State::left_behind() const {
  const std::lock_guard lock(mutex_);
  return left_behind_;
}

void PgCopyJob::State::let_go() {
  wait_until(Deadline::never());
  if (!thread_.joinable()) return;
  if (left_behind()) thread_.detach();
  else thread_.join();
}

PgCopyJob::PgCopyJob(PgCopyOptions options, PgCopyWatch watch)
    : state_(std::make_shared<State>(std::move(options), std::move(watch))) {
  state_->start();
}

PgCopyJob::~PgCopyJob() {
  stop();
  state_->let_go();
}

void PgCopyJob::stop() noexcept { state_->stop(StopReason::asked); }
void PgCopyJob::stop_for_signal() noexcept { state_->stop(StopReason::signal); }
bool PgCopyJob::wait_for(std::chrono::milliseconds span) { return state_->wait_until(Deadline::after(span)); }
CopyReport PgCopyJob::wait() { return state_->wait(); }
CopyReport PgCopyJob::report() const { return state_->report(); }
bool PgCopyJob::left_behind() const { return state_->left_behind(); }

}  // namespace pghaul
