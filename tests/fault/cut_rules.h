// Where a CuttingProxy cuts, and the book that counts messages until then.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fault/framing.h"
#include "pghaul/deadline.h"

namespace pghaul::test {

enum class Cut {
  fin,      // both sides see an orderly end
  reset,    // both sides get RST
  silence,  // nothing is read or forwarded any more; both sides stay connected
};

// "Cut after the nth message of this type". What lies before the place of the cut is delivered, the rest is not.
struct CutRule {
  Direction direction = Direction::to_client;
  char type = 0;        // of the message, as 'D', or a name of framing.h; 0: any
  std::string text;     // only messages that have this in their first kilobyte, as text of a query
  bool text_first = false;  // no: that begin with it
  std::string session;  // only connections that have this in their startup packet or first query
  int connection = 0;   // only this one, counted from 1 as they were accepted; 0: all
  int nth = 1;
  bool count_per_connection = false;  // else over all connections of the proxy
  bool before = false;  // the message
  // Bytes by which the cut lies later, or earlier: not before the message itself. Beyond the end of the message it
  // waits for the next ones.
  std::int64_t offset = 0;
  Cut how = Cut::fin;
  int times = 1;  // cuts until the rule is used up; 0: no end
};

// The COMMIT reaches the server, which carries it out; the client never learns.
CutRule lose_commit_answer(Cut how, const std::string& session = {});
// The COMMIT does not reach the server. For the client this looks the same.
CutRule lose_commit(Cut how, const std::string& session = {});

// How bytes flow, in each direction and on each connection.
struct Traffic {
  Deadline::Clock::duration frame_delay{};  // before each message
  std::int64_t bytes_per_second = 0;        // 0: as fast as they come
  bool single_bytes = false;                // a packet each
};

// Consecutive messages of a type, connection and direction.
struct SeenMessages {
  int connection = 0;  // counted from 1
  Direction direction = Direction::to_server;
  char type = 0;
  std::string text;        // beginning of a query, command tag or error; such messages are listed one by one
  std::int64_t count = 0;
  std::uint64_t bytes = 0;
};

// What rules need to know of a connection. Owned by it; both its pumps use it, under the book's lock.
struct SessionNotes {
  int connection = 0;
  std::string text;  // startup packet and first query
  bool has_query = false;
  std::vector<std::pair<std::uint64_t, int>> counts;  // by rule, for those that count per connection
};

// Threads: any.
class RuleBook {
 public:
  struct PlannedCut {
    std::size_t offset = 0;  // from the beginning of the message
    Cut how = Cut::fin;
  };

  void add(CutRule rule);
  void set_traffic(const Traffic& traffic);
  Traffic traffic() const;
  void clear();  // rules and traffic, not what was seen

  // Of a message's body the first kilobyte is looked at.
  static constexpr std::size_t text_bytes = 1024;
  // Notes the message, and tells where to cut, if that is to be at it.
  std::optional<PlannedCut> see(SessionNotes& session, Direction direction, const FrameHeader& header,
                                std::string_view body);
  std::vector<SeenMessages> seen() const;

 private:
  struct CountedRule {
    CutRule rule;
    std::uint64_t id = 0;
    int count = 0;
  };

  void note(const SessionNotes& session, Direction direction, const FrameHeader& header, std::string_view body);
  static bool applies(const CutRule& rule, const SessionNotes& session, Direction direction, char type,
                      std::string_view body);
  static bool is_due(CountedRule& counted, SessionNotes& session);

  mutable std::mutex mutex_;
  std::vector<CountedRule> rules_;
  std::uint64_t last_id_ = 0;
  Traffic traffic_;
  std::vector<SeenMessages> seen_;
};

}  // namespace pghaul::test
