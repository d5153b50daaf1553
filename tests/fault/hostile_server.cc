#include "fault/hostile_server.h"

#include <algorithm>

#include <fmt/format.h>
#include <poll.h>

namespace pghaul::test {
namespace {

// Of a simple query the whole body; of Parse what follows the statement's name.
std::string sql_of(const std::string& request) {
  auto body = request.substr(typed_header_bytes);
  if (request.front() == 'P') body.erase(0, body.find('\0') + 1);
  return body.substr(0, body.find('\0'));
}

}  // namespace

void Client::receive_at_least(std::size_t bytes) {
  while (received_.size() < bytes) {
    if (!wait_for(socket_, POLLIN, ending_) || receive(socket_, received_) != Received::bytes) throw ClientGone();
  }
}

std::string Client::take(std::size_t bytes) {
  receive_at_least(bytes);
  auto taken = received_.substr(0, bytes);
  received_.erase(0, bytes);
  return taken;
}

std::string Client::expect_startup() {
  while (true) {
    receive_at_least(untyped_header_bytes);
    const auto header = read_untyped_header(received_);
    auto packet = take(header->bytes);
    if (header->type == startup_message) return packet;
    if (header->type != encryption_request) throw ClientGone();
    send("N");
  }
}

std::string Client::expect(char type) {
  while (true) {
    receive_at_least(typed_header_bytes);
    auto received = take(read_typed_header(received_)->bytes);
    if (received.front() == 'X') throw ClientGone();
    if (type == 0 || received.front() == type) return received;
  }
}

std::string Client::expect_query() {
  while (true) {
    const auto request = expect();
    if (request.front() != 'Q' && request.front() != 'P') continue;
    extended_ = request.front() == 'P';
    if (extended_) expect('S');
    return sql_of(request);
  }
}

void Client::log_in(const std::string& version) {
  expect_startup();
  send(authentication(0) + parameter_status("server_version", version) + parameter_status("server_encoding", "UTF8") +
       parameter_status("client_encoding", "UTF8") + parameter_status("standard_conforming_strings", "on") +
       message('K', uint32_bytes(server_process_id) + uint32_bytes(4712)) + ready_for_query());
}

void Client::answer(const Answer& answer, const std::string& tag) {
  std::string bytes = extended_ ? message('1', "") + message('2', "") : "";
  if (answer.columns > 0) bytes += row_description(answer.columns);
  else if (extended_) bytes += message('n', "");
  for (const auto& row : answer.rows) bytes += data_row(row);
  send(answer.instead.empty() ? bytes + command_complete(tag) + ready_for_query() : answer.instead);
}

void Client::answer_until(const std::string& text, const std::vector<Answer>& answers) {
  while (true) {
    const auto query = expect_query();
    if (query.find(text) != std::string::npos) return;
    const auto fits = [&](const Answer& each) { return query.find(each.text) != std::string::npos; };
    const auto found = std::ranges::find_if(answers, fits);
    answer(found == answers.end() ? Answer{} : *found);
  }
}

void Client::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = send_some(socket_, bytes, ending_);
    if (sent.value_or(0) == 0) throw ClientGone();
    bytes.remove_prefix(*sent);
  }
}

void Client::send_endlessly(const std::string& bytes, Deadline::Clock::duration pause) {
  while (true) {
    send(bytes);
    if (pause.count() > 0) sleep(pause);
  }
}

void Client::sleep(Deadline::Clock::duration span) {
  if (ending_.wait(Deadline::after(span))) throw ClientGone();
}

void Client::keep_silent() {
  while (true) {
    received_.clear();
    receive_at_least(1);
  }
}

void Client::close() { throw ClientGone(); }

void Client::reset() {
  socket_.wait_until_sent(Deadline::after(std::chrono::seconds(1)));
  socket_.reset_on_close();
  throw ClientGone();
}

HostileServer::HostileServer(Script script)
    : script_(std::move(script)), listener_(listen_on_free_port()), port_(port_of(listener_)) {
  acceptor_ = std::thread([this] { accept_clients(); });
}

HostileServer::~HostileServer() {
  ending_.set();
  acceptor_.join();
  for (auto& player : players_) player.join();
}

std::string HostileServer::conninfo() const {
  return fmt::format("host=127.0.0.1 port={} dbname=d user=u", port_);
}

void HostileServer::accept_clients() {
  while (wait_for(listener_, POLLIN, ending_)) {
    auto socket = accept_from(listener_);
    if (!socket.valid()) continue;
    const int number = ++connections_;
    players_.emplace_back([this, number, moved = std::move(socket)]() mutable { play(std::move(moved), number); });
  }
}

void HostileServer::play(Socket socket, int number) const {
  Client client(std::move(socket), ending_, number);
  try {
    script_(client);
  } catch (const ClientGone&) {
  }
}

}  // namespace pghaul::test
