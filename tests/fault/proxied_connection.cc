#include "fault/proxied_connection.h"

#include <algorithm>
#include <chrono>

#include <poll.h>
#include <sys/socket.h>

namespace pghaul::test {
namespace {

using namespace std::chrono_literals;

// Bytes that may be in the kernel still when a connection is reset would be lost with it.
constexpr auto patience = 2s;

Deadline::Clock::duration time_for(std::size_t bytes, const Traffic& traffic) {
  const std::chrono::duration<double> span(static_cast<double>(bytes) / static_cast<double>(traffic.bytes_per_second));
  return std::chrono::duration_cast<Deadline::Clock::duration>(span);
}

}  // namespace

ProxiedConnection::ProxiedConnection(int number, Socket client, Socket server, RuleBook& rules,
                                     std::atomic<int>& cuts)
    : rules_(rules), cuts_(cuts), client_(std::move(client)), server_(std::move(server)) {
  notes_.connection = number;
  to_server_ = std::thread([this] { run(Direction::to_server); });
  to_client_ = std::thread([this] { run(Direction::to_client); });
}

ProxiedConnection::~ProxiedConnection() {
  set_state(State::reset);
  to_server_.join();
  to_client_.join();
}

void ProxiedConnection::run(Direction direction) {
  Pump(*this, direction).run();
  if (--running_pumps_ > 0) return;
  const std::lock_guard lock(state_mutex_);
  for (auto* socket : {&client_, &server_}) {
    if (state_ == State::reset) socket->reset_on_close();
    socket->close();
  }
}

// A state is followed only by a later one, but that a silence may end.
void ProxiedConnection::set_state(State state) {
  const std::lock_guard lock(state_mutex_);
  if (state <= state_) return;
  state_ = state;
  wake_.set();
  if (state != State::ending || finished()) return;
  ::shutdown(client_.fd(), SHUT_WR);
  ::shutdown(server_.fd(), SHUT_WR);
}

void ProxiedConnection::cut(Cut how) {
  set_state(how == Cut::silence ? State::silent : how == Cut::reset ? State::reset : State::ending);
}

void ProxiedConnection::heal() {
  const std::lock_guard lock(state_mutex_);
  if (state_ != State::silent) return;
  wake_.clear();
  state_ = State::open;
}

bool ProxiedConnection::wait_until_open() const {
  while (state_ == State::silent) std::this_thread::sleep_for(5ms);
  return state_ == State::open;
}

ProxiedConnection::Pump::Pump(ProxiedConnection& connection, Direction direction)
    : connection_(connection),
      rules_(connection.rules_),
      direction_(direction),
      from_(direction == Direction::to_server ? connection.client_ : connection.server_),
      to_(direction == Direction::to_server ? connection.server_ : connection.client_),
      typed_(direction == Direction::to_client) {}

void ProxiedConnection::Pump::run() {
  while (connection_.wait_until_open()) {
    forward();  // what a silence held back comes first
    if (connection_.state_ == State::open && !receive_more()) break;
  }
  if (connection_.state_ == State::ending) discard_the_rest();
}

// False at the end of the stream.
bool ProxiedConnection::Pump::receive_more() {
  if (!wait_for(from_, POLLIN, connection_.wake_)) return true;
  const auto received = receive(from_, pending_);
  if (received == Received::bytes) return true;
  deliver(pending_.size(), {});
  if (received == Received::reset) {
    to_.wait_until_sent(Deadline::after(patience));
    connection_.set_state(State::reset);
  } else if (connection_.state_ == State::open) {
    ::shutdown(to_.fd(), SHUT_WR);
  }
  return false;
}

void ProxiedConnection::Pump::forward() {
  const auto traffic = rules_.traffic();
  look_at_messages(traffic);
  if (!deliver(std::min(pending_.size(), cut_at_.value_or(seen_)), traffic) || cut_at_ != 0) return;
  to_.wait_until_sent(Deadline::after(patience));
  connection_.cut(how_);
  cut_at_.reset();
  ++connection_.cuts_;
}

void ProxiedConnection::Pump::look_at_messages(const Traffic& traffic) {
  while (!cut_at_ && seen_ < pending_.size()) {
    if (traffic.frame_delay > Deadline::Clock::duration::zero()) {
      deliver(seen_, traffic);
      connection_.wake_.wait(Deadline::after(traffic.frame_delay));
    }
    if (!look_at_message()) return;
  }
}

// False if more of it has to arrive first.
bool ProxiedConnection::Pump::look_at_message() {
  const auto header = next_header();
  if (!header) return false;
  const auto message = std::string_view(pending_).substr(seen_);
  if (opaque_) {
    seen_ = pending_.size();
    return true;
  }
  const auto header_bytes = header->type == encryption_answer ? 0
                            : typed_                          ? typed_header_bytes
                                                              : untyped_header_bytes;
  if (message.size() < std::min(header->bytes, header_bytes + RuleBook::text_bytes)) return false;
  note_encryption(*header, message.front());
  const auto body = message.substr(header_bytes, std::min(header->bytes - header_bytes, RuleBook::text_bytes));
  if (const auto cut = rules_.see(connection_.notes_, direction_, *header, body)) {
    cut_at_ = seen_ + cut->offset;
    how_ = cut->how;
    opaque_ = cut->offset > header->bytes;  // what comes after a silence would begin in the middle of a message
  }
  seen_ += header->bytes;
  return true;
}

std::optional<FrameHeader> ProxiedConnection::Pump::next_header() {
  const auto bytes = std::string_view(pending_).substr(seen_);
  opaque_ = opaque_ || connection_.encrypted_;
  if (opaque_) return FrameHeader{};
  // Servers from before SSL answer with an error.
  const bool answer = direction_ == Direction::to_client && connection_.answer_expected_ && bytes.front() != 'E';
  const auto header = answer   ? FrameHeader{encryption_answer, 1}
                      : typed_ ? read_typed_header(bytes)
                               : read_untyped_header(bytes);
  opaque_ = header && header->bytes == 0;
  return header;
}

void ProxiedConnection::Pump::note_encryption(const FrameHeader& header, char first_byte) {
  if (direction_ == Direction::to_server) {
    if (header.type == encryption_request) connection_.answer_expected_ = true;
    if (header.type == startup_message) typed_ = true;
  } else if (connection_.answer_expected_) {
    connection_.answer_expected_ = false;
    connection_.encrypted_ = header.type == encryption_answer && first_byte != 'N';
  }
}

// False if the connection was cut before all was sent.
bool ProxiedConnection::Pump::deliver(std::size_t bytes, const Traffic& traffic) {
  while (bytes > 0) {
    if (!connection_.wait_until_open()) return false;
    const auto packet = packet_bytes(bytes, traffic);
    const auto sent = send_some(to_, std::string_view(pending_).substr(0, packet), connection_.wake_);
    if (!sent) {
      connection_.set_state(State::reset);
      return false;
    }
    pending_.erase(0, *sent);
    seen_ -= std::min(seen_, *sent);
    if (cut_at_) *cut_at_ -= *sent;
    bytes -= *sent;
    if (traffic.bytes_per_second > 0) connection_.wake_.wait(Deadline::after(time_for(*sent, traffic)));
  }
  return true;
}

std::size_t ProxiedConnection::Pump::packet_bytes(std::size_t wanted, const Traffic& traffic) const {
  if (traffic.single_bytes) return 1;
  if (traffic.bytes_per_second == 0) return wanted;
  // Twenty packets a second.
  return std::min(wanted, static_cast<std::size_t>(std::max<std::int64_t>(1, traffic.bytes_per_second / 20)));
}

// Closing a socket that has unread bytes would turn the orderly end into RST.
void ProxiedConnection::Pump::discard_the_rest() {
  const auto deadline = Deadline::after(patience);
  const Wake never;
  std::string rest;
  while (connection_.state_ == State::ending && wait_for(from_, POLLIN, never, deadline)) {
    rest.clear();
    if (receive(from_, rest) != Received::bytes) return;
  }
}

}  // namespace pghaul::test
