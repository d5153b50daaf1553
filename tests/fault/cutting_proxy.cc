#include "fault/cutting_proxy.h"

#include <fmt/format.h>
#include <poll.h>

#include "fault/proxied_connection.h"

namespace pghaul::test {

using namespace std::chrono_literals;

CuttingProxy::CuttingProxy(int server_port)
    : server_port_(server_port), listener_(listen_on_free_port()), port_(port_of(listener_)) {
  acceptor_ = std::thread([this] { accept_connections(); });
}

CuttingProxy::~CuttingProxy() {
  ending_ = true;
  wake_.set();
  acceptor_.join();
}

// The last of several equal keywords counts.
std::string CuttingProxy::through(const std::string& conninfo) const {
  return fmt::format("{} host=127.0.0.1 port={}", conninfo, port_);
}

void CuttingProxy::accept_connections() {
  while (!ending_) {
    if (refusing_) {
      wake_.wait(Deadline::never());
      wake_.clear();
    } else if (wait_for(listener_, POLLIN, wake_)) {
      add_connection(accept_from(listener_));
    } else {
      wake_.clear();
    }
  }
}

void CuttingProxy::add_connection(Socket client) {
  if (!client.valid()) return;
  auto server = connect_to(server_port_);
  const int number = ++accepted_;
  if (!server.valid()) return client.reset_on_close();
  const std::lock_guard lock(mutex_);
  connections_.remove_if([](const auto& connection) { return connection.finished(); });
  connections_.emplace_back(number, std::move(client), std::move(server), rules_, cuts_);
}

void CuttingProxy::refuse_connections() {
  refusing_ = true;
  pause_listening(listener_);
  wake_.set();
}

void CuttingProxy::cut_all(Cut how) {
  const std::lock_guard lock(mutex_);
  for (auto& connection : connections_) connection.cut(how);
}

void CuttingProxy::heal() {
  rules_.clear();
  if (refusing_.exchange(false)) resume_listening(listener_);
  wake_.set();
  const std::lock_guard lock(mutex_);
  for (auto& connection : connections_) connection.heal();
}

bool CuttingProxy::wait_for_cuts(int number, Deadline deadline) const {
  while (cuts_ < number && !deadline.expired()) std::this_thread::sleep_for(2ms);
  return cuts_ >= number;
}

int CuttingProxy::open_connections() {
  const std::lock_guard lock(mutex_);
  connections_.remove_if([](const auto& connection) { return connection.finished(); });
  return static_cast<int>(connections_.size());
}

}  // namespace pghaul::test
