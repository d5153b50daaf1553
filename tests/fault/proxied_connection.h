// One connection through a CuttingProxy. Private to it.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "fault/cut_rules.h"
#include "fault/tcp.h"

namespace pghaul::test {

// Two threads, each of which forwards one direction. Ends by itself when both sides have ended, or were cut;
// the destructor cuts it off with RST. Threads: any may call what is public.
class ProxiedConnection {
 public:
  ProxiedConnection(int number, Socket client, Socket server, RuleBook& rules, std::atomic<int>& cuts);
  ~ProxiedConnection();
  ProxiedConnection(const ProxiedConnection&) = delete;
  ProxiedConnection& operator=(const ProxiedConnection&) = delete;

  bool finished() const { return running_pumps_ == 0; }
  void cut(Cut how);
  // Silence ends; what was held back flows on.
  void heal();

 private:
  enum class State { open, silent, ending, reset };
  class Pump;

  void run(Direction direction);
  void set_state(State state);
  // Blocks during a silence. False if the connection is cut for good.
  bool wait_until_open() const;

  RuleBook& rules_;
  std::atomic<int>& cuts_;
  Socket client_, server_;
  Wake wake_;  // set: pumps have to look at the state
  std::mutex state_mutex_;
  std::atomic<State> state_{State::open};
  std::atomic<bool> answer_expected_{false};  // to a request for encryption
  std::atomic<bool> encrypted_{false};
  std::atomic<int> running_pumps_{2};
  SessionNotes notes_;
  std::thread to_server_, to_client_;
};

// Forwards one direction, and cuts where the rules say so. Used by one thread.
class ProxiedConnection::Pump {
 public:
  Pump(ProxiedConnection& connection, Direction direction);
  void run();

 private:
  bool receive_more();
  void forward();
  // Shows the rules the messages that have begun to arrive.
  void look_at_messages(const Traffic& traffic);
  bool look_at_message();
  std::optional<FrameHeader> next_header();
  void note_encryption(const FrameHeader& header, char first_byte);
  bool deliver(std::size_t bytes, const Traffic& traffic);
  std::size_t packet_bytes(std::size_t wanted, const Traffic& traffic) const;
  void discard_the_rest();

  ProxiedConnection& connection_;
  RuleBook& rules_;
  const Direction direction_;
  const Socket& from_;
  const Socket& to_;
  std::string pending_;      // received, not forwarded
  std::size_t seen_ = 0;     // how far in it the messages go that the rules have seen; may lie beyond its end
  std::optional<std::size_t> cut_at_;  // as well
  Cut how_ = Cut::fin;
  bool typed_;               // messages have a type byte
  bool opaque_ = false;      // encrypted, or no messages at all
};

}  // namespace pghaul::test
