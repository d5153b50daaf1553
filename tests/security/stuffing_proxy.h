// Somebody on the way, who speaks before the line is encrypted.
#pragma once

#include <string>
#include <thread>

#include <poll.h>
#include <sys/socket.h>

#include "fault/hostile_server.h"
#include "fault/tcp.h"

namespace pghaul::test {

// Stands before an encrypting server, and lets a message of its own follow the server's yes to encryption.
class StuffingProxy {
 public:
  explicit StuffingProxy(int server_port)
      : listener_(listen_on_free_port()),
        port_(port_of(listener_)),
        worker_([this, server_port] { work(server_port); }) {}
  ~StuffingProxy() {
    ending_.set();
    worker_.join();
  }
  int port() const { return port_; }

 private:
  void work(int server_port) {
    if (!wait_for(listener_, POLLIN, ending_)) return;
    const auto client = accept_from(listener_), server = connect_to(server_port);
    forward(client, server, "");
    forward(server, client, authentication(0) + ready_for_query());
    std::thread back([&] {
      while (forward(server, client, "")) {
      }
    });
    while (forward(client, server, "")) {
    }
    ::shutdown(server.fd(), SHUT_RDWR);
    back.join();
  }
  // What is there to read, and `more`. False at the end.
  bool forward(const Socket& from, const Socket& to, const std::string& more) {
    std::string bytes;
    if (!wait_for(from, POLLIN, ending_) || receive(from, bytes) != Received::bytes) return false;
    bytes += more;
    while (!bytes.empty()) {
      const auto sent = send_some(to, bytes, ending_);
      if (sent.value_or(0) == 0) return false;
      bytes.erase(0, *sent);
    }
    return true;
  }

  Socket listener_;
  const int port_;
  Wake ending_;
  std::thread worker_;
};

}  // namespace pghaul::test
