#include "fault/tcp.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pghaul/error.h"

namespace pghaul::test {
namespace {

[[noreturn]] void throw_errno(const char* what) {
  throw Error(ErrorKind::failed, what).on(Side::local).with_errno(errno);
}

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

bool bind_to(const Socket& socket, int port) {
  const int on = 1;
  ::setsockopt(socket.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const auto address = loopback(port);
  return ::bind(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

Socket new_socket() {
  Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) throw_errno("cannot make a socket");
  return socket;
}

// Without it the kernel would put back together what was split on purpose.
void send_at_once(const Socket& socket) {
  const int on = 1;
  ::setsockopt(socket.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

int poll_timeout(Deadline deadline) {
  if (deadline.is_never()) return -1;
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(deadline.remaining()).count());
}

}  // namespace

Socket::~Socket() { close(); }
Socket::Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

Socket& Socket::operator=(Socket&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

void Socket::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

void Socket::reset_on_close() const {
  const linger at_once{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

void Socket::wait_until_sent(Deadline deadline) const {
  int unsent = 0;
  while (::ioctl(fd_, SIOCOUTQNSD, &unsent) == 0 && unsent > 0 && !deadline.expired()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

Socket listen_on_free_port() {
  for (int tries = 0; tries < 20; ++tries) {
    int port = 0;
    {
      const auto probe = new_socket();
      if (!bind_to(probe, 0)) throw_errno("cannot bind to 127.0.0.1");
      port = port_of(probe);
    }
    // The kernel lets go of a port that it chose itself when listening is paused; one that was asked for stays.
    auto listener = new_socket();
    if (bind_to(listener, port) && ::listen(listener.fd(), 64) == 0) return listener;
  }
  throw_errno("cannot find a free port");
}

int port_of(const Socket& socket) {
  sockaddr_in address{};
  socklen_t length = sizeof address;
  if (::getsockname(socket.fd(), reinterpret_cast<sockaddr*>(&address), &length) != 0) throw_errno("no address");
  return ntohs(address.sin_port);
}

Socket connect_to(int port) {
  auto socket = new_socket();
  const auto address = loopback(port);
  if (::connect(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return Socket();
  send_at_once(socket);
  return socket;
}

Socket accept_from(const Socket& listener) {
  Socket socket(::accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC));
  if (socket.valid()) send_at_once(socket);
  return socket;
}

void pause_listening(const Socket& listener) { ::shutdown(listener.fd(), SHUT_RD); }

void resume_listening(const Socket& listener) {
  if (::listen(listener.fd(), 64) != 0) throw_errno("cannot listen again");
}

Wake::Wake() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (fd_ < 0) throw_errno("cannot make an event");
}
Wake::~Wake() { ::close(fd_); }
void Wake::set() const { ::eventfd_write(fd_, 1); }

void Wake::clear() const {
  eventfd_t count = 0;
  ::eventfd_read(fd_, &count);
}

bool Wake::wait(Deadline deadline) const {
  pollfd event{fd_, POLLIN, 0};
  return ::poll(&event, 1, poll_timeout(deadline)) > 0;
}

bool wait_for(const Socket& socket, short events, const Wake& wake, Deadline deadline) {
  std::array<pollfd, 2> fds{{{wake.fd(), POLLIN, 0}, {socket.fd(), events, 0}}};
  while (::poll(fds.data(), fds.size(), poll_timeout(deadline)) < 0 && errno == EINTR) {
  }
  return fds[0].revents == 0 && fds[1].revents != 0;
}

Received receive(const Socket& socket, std::string& buffer) {
  std::array<char, 65536> bytes;
  const auto got = ::recv(socket.fd(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return Received::bytes;
  if (got < 0) return Received::reset;
  if (got == 0) return Received::end;
  buffer.append(bytes.data(), static_cast<std::size_t>(got));
  return Received::bytes;
}

std::optional<std::size_t> send_some(const Socket& socket, std::string_view bytes, const Wake& wake) {
  while (wait_for(socket, POLLOUT, wake)) {
    const auto sent = ::send(socket.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) return static_cast<std::size_t>(sent);
    if (errno != EAGAIN && errno != EINTR) return std::nullopt;
  }
  return 0;
}

}  // namespace pghaul::test
