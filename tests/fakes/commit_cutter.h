// A proxy before a PostgreSQL server that makes the answer to a COMMIT get lost, in both real outcomes.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "pghaul/error.h"

namespace pghaul::test {

// Passes bytes on in both directions. Only plain text can be looked into: sslmode=disable. Threads: safe.
class CommitCutter {
 public:
  enum class Cut {
    none,
    before,  // the COMMIT never arrives: rolled back
    after,   // it is carried out, and its answer never arrives
  };

  explicit CommitCutter(int server_port) : server_port_(server_port), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    auto address = local(0);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 16) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      throw Error(ErrorKind::failed, "cannot listen").with_errno(errno);
    }
    port_ = ntohs(address.sin_port);
    acceptor_ = std::jthread([this](const std::stop_token& over) { accept_clients(over); });
  }
  ~CommitCutter() {
    acceptor_.request_stop();
    acceptor_.join();
    clients_.clear();
    ::close(listener_);
  }
  CommitCutter(const CommitCutter&) = delete;
  CommitCutter& operator=(const CommitCutter&) = delete;

  // What follows `conninfo` to go through here.
  std::string detour() const { return " port=" + std::to_string(port_) + " sslmode=disable"; }
  // What happens at the next COMMIT, once.
  void arm(Cut cut) { cut_ = cut; }
  int cuts() const { return cuts_; }
  // From now on nothing passes on the connections that are open, and neither side is told.
  void go_dead() { ++deaths_; }

 private:
  static sockaddr_in local(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }

  void accept_clients(const std::stop_token& over) {
    while (!over.stop_requested()) {
      pollfd waiting{listener_, POLLIN, 0};
      if (::poll(&waiting, 1, 20) <= 0) continue;
      const int client = ::accept(listener_, nullptr, nullptr);
      clients_.emplace_back([this, client](const std::stop_token& done) { serve(client, done); });
    }
  }

  void serve(int client, const std::stop_token& over) {
    const int server = ::socket(AF_INET, SOCK_STREAM, 0);
    const auto address = local(server_port_);
    const int deaths = deaths_;
    bool open = ::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    while (open && !over.stop_requested()) {
      if (deaths_ > deaths) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        continue;
      }
      pollfd sides[2] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
      if (::poll(sides, 2, 20) <= 0) continue;
      if (sides[0].revents != 0) open = from_client(client, server);
      if (open && sides[1].revents != 0) open = pass(server, client);
    }
    ::close(server);
    ::close(client);
  }

  static std::string receive(int from) {
    std::string bytes(64 * 1024, '\0');
    const auto length = ::recv(from, bytes.data(), bytes.size(), 0);
    bytes.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
    return bytes;
  }
  static bool send_all(int to, std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  static bool pass(int from, int to) {
    const auto bytes = receive(from);
    return !bytes.empty() && send_all(to, bytes);
  }

  // False: the connection is to be closed. The client waits for each answer, so COMMIT is the last thing it said.
  bool from_client(int client, int server) {
    static constexpr std::string_view commit("Q\0\0\0\x0b" "COMMIT\0", 12);
    static constexpr std::string_view ready("Z\0\0\0\x05I", 6);
    const auto bytes = receive(client);
    if (bytes.empty()) return false;
    const auto cut = bytes.ends_with(commit) ? cut_.exchange(Cut::none) : Cut::none;
    if (cut == Cut::none) return send_all(server, bytes);
    ++cuts_;
    if (cut == Cut::before || !send_all(server, bytes)) return false;
    for (std::string answer; !answer.ends_with(ready);) {
      const auto more = receive(server);
      if (more.empty()) break;
      answer += more;
    }
    return false;
  }

  const int server_port_;
  const int listener_;
  int port_ = 0;
  std::atomic<Cut> cut_{Cut::none};
  std::atomic<int> cuts_{0}, deaths_{0};
  std::vector<std::jthread> clients_;  // of the acceptor's thread, until it is joined
  std::jthread acceptor_;
};

}  // namespace pghaul::test
