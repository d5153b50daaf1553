// TCP on 127.0.0.1, as the servers and proxies of the fault tests need it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "pghaul/deadline.h"

namespace pghaul::test {

// Owns a descriptor. Threads: one at a time, but for what says otherwise.
class Socket {
 public:
  explicit Socket(int fd = -1) : fd_(fd) {}
  ~Socket();
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&& other) noexcept;

  int fd() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  // From now on close() and the destructor send RST instead of FIN.
  void reset_on_close() const;
  // Returns when everything has left for the other side, which on one host means that it is there, or at the deadline.
  void wait_until_sent(Deadline deadline) const;
  void close();

 private:
  int fd_;
};

// Errors: failed, with errno. The port is fixed, so that the listener can be paused and resumed.
Socket listen_on_free_port();
int port_of(const Socket& socket);
// Not valid if nobody listens.
Socket connect_to(int port);
// Not valid if the listener is paused.
Socket accept_from(const Socket& listener);
// While it is paused the kernel refuses connections, but nobody else can take the port.
void pause_listening(const Socket& listener);
void resume_listening(const Socket& listener);

// An event that, once set, wakes every poll() that watches it. Threads: any.
class Wake {
 public:
  Wake();
  ~Wake();
  Wake(const Wake&) = delete;
  Wake& operator=(const Wake&) = delete;

  void set() const;
  void clear() const;
  int fd() const { return fd_; }
  // True if it was set before the deadline.
  bool wait(Deadline deadline) const;

 private:
  int fd_;
};

// False if `wake` was set, or at the deadline.
bool wait_for(const Socket& socket, short events, const Wake& wake, Deadline deadline = Deadline::never());

enum class Received { bytes, end, reset };
// Appends what is there, 64 kB at most; call it when the socket is readable.
Received receive(const Socket& socket, std::string& buffer);
// Waits until the kernel takes some; how many. 0 when `wake` was set, nothing if the other side is gone.
std::optional<std::size_t> send_some(const Socket& socket, std::string_view bytes, const Wake& wake);

}  // namespace pghaul::test
