// A server that speaks PostgreSQL's protocol 3 as its script says, right or wrong.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "fault/framing.h"
#include "fault/tcp.h"

namespace pghaul::test {

// Messages of the server. They are well formed; to be broken afterwards.
std::string message(char type, std::string_view body);
std::string announced(char type, std::uint32_t length, std::string_view body = {});  // with any length
std::string authentication(std::uint32_t kind, std::string_view rest = {});
std::string parameter_status(const std::string& name, const std::string& value);
std::string ready_for_query(char status = 'I');
std::string row_description(int columns);
std::string data_row(const std::vector<std::optional<std::string>>& fields);
std::string command_complete(const std::string& tag);
// Fields by their letters, as {'S', "ERROR"}; a notice has type 'N'.
std::string error_response(const std::vector<std::pair<char, std::string>>& fields, char type = 'E');

// As log_in() tells it.
constexpr std::uint32_t server_process_id = 4711;

// What a query that contains `text` is answered with; without columns: only the tag.
struct Answer {
  std::string text;
  int columns = 0;
  std::vector<std::vector<std::optional<std::string>>> rows;
  std::string instead;  // these bytes instead, if not empty
};

// Thrown out of a script when its client has gone, or the server ends.
struct ClientGone {};

// The client, as a script sees it. Used by the script's thread. Whatever waits ends with ClientGone.
class Client {
 public:
  Client(Socket socket, const Wake& ending, int number)
      : socket_(std::move(socket)), ending_(ending), number_(number) {}

  // Counted from 1; cancel requests count as well.
  int number() const { return number_; }
  // Startup packet, to whose request for encryption the answer is no.
  std::string expect_startup();
  // The next message; the first of this type, if one is given. With its header.
  std::string expect(char type = 0);
  // The SQL of the next statement; what belongs to it is read up to the point at which the server has to answer.
  std::string expect_query();
  // The way to the first ReadyForQuery, nobody being asked for a password.
  void log_in(const std::string& version = "15.20");
  // Answers everything from the list, or with no rows, until a query contains `text`: that one is not answered.
  void answer_until(const std::string& text, const std::vector<Answer>& answers);
  void answer(const Answer& answer, const std::string& tag = "SELECT 1");

  void send(std::string_view bytes);
  [[noreturn]] void send_endlessly(const std::string& bytes, Deadline::Clock::duration pause = {});
  void sleep(Deadline::Clock::duration span);
  // Reads and says nothing.
  [[noreturn]] void keep_silent();
  [[noreturn]] void close();
  [[noreturn]] void reset();

 private:
  void receive_at_least(std::size_t bytes);
  std::string take(std::size_t bytes);

  Socket socket_;
  const Wake& ending_;
  const int number_;
  std::string received_;
  bool extended_ = false;  // the query came by Parse, and is answered so
};

using Script = std::function<void(Client&)>;

// Listens on a free port of 127.0.0.1 as long as it lives; each connection plays the script on a thread of its own,
// and is closed at its end. Threads: any.
class HostileServer {
 public:
  explicit HostileServer(Script script);
  ~HostileServer();
  HostileServer(const HostileServer&) = delete;
  HostileServer& operator=(const HostileServer&) = delete;

  int port() const { return port_; }
  std::string conninfo() const;
  int connections() const { return connections_; }

 private:
  void accept_clients();
  void play(Socket socket, int number) const;

  const Script script_;
  Socket listener_;
  const int port_;
  std::atomic<int> connections_{0};
  Wake ending_;
  std::list<std::thread> players_;  // of the acceptor's thread
  std::thread acceptor_;
};

}  // namespace pghaul::test
