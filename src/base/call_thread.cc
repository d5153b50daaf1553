#include "base/call_thread.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "base/log.h"
#include "base/thread_error.h"
#include "pghaul/error.h"

namespace pghaul {
namespace {

// Time points near the end of the clock overflow inside the standard library.
constexpr auto longest_wait = std::chrono::hours(1);

}  // namespace

// Shared by the thread and its owner; whoever comes last frees it.
struct CallThread::State {
  std::thread thread;  // the owner's alone
  bool left_behind = false;

  std::mutex mutex;
  std::condition_variable changed;
  // Guarded by mutex:
  std::function<void()> call;
  std::exception_ptr thrown;
  bool running = false;
  bool over = false;
};

CallThread::CallThread() : state_(std::make_shared<State>()) {
  try {
    state_->thread = std::thread([state = state_, log = LogScope::of_this_thread()] {
      const LogScope scope(log);
      work(state);
    });
  } catch (const std::system_error& error) {
    throw no_thread_error(error);
  }
}

CallThread::~CallThread() {
  if (state_->left_behind) return;
  {
    const std::lock_guard lock(state_->mutex);
    state_->over = true;
    state_->changed.notify_all();
  }
  state_->thread.join();
}

void CallThread::work(const std::shared_ptr<State>& state) {
  std::unique_lock lock(state->mutex);
  for (;;) {
    state->changed.wait(lock, [&] { return state->running || state->over; });
    if (!state->running) return;
    auto call = std::exchange(state->call, nullptr);
    lock.unlock();
    std::exception_ptr thrown;
    try {
      call();
    } catch (...) {
      thrown = std::current_exception();
    }
    call = nullptr;  // what it owns goes on this thread
    lock.lock();
    state->thrown = std::move(thrown);
    state->running = false;
    state->changed.notify_all();
  }
}

bool CallThread::run(std::function<void()> call, Deadline deadline) {
  std::unique_lock lock(state_->mutex);
  state_->call = std::move(call);
  state_->running = true;
  state_->changed.notify_all();
  while (state_->running) {
    if (deadline.expired()) {
      state_->left_behind = true;
      state_->over = true;  // for when it comes back after all
      state_->thread.detach();
      return false;
    }
    state_->changed.wait_for(lock, std::min<Deadline::Clock::duration>(deadline.remaining(), longest_wait));
  }
  if (state_->thrown) std::rethrow_exception(std::exchange(state_->thrown, nullptr));
  return true;
}

}  // namespace pghaul
