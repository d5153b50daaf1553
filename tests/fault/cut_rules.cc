#include "fault/cut_rules.h"

#include <algorithm>

namespace pghaul::test {
namespace {

constexpr std::size_t shown_text_bytes = 60;

// Bodies that tell something, and are few.
bool is_telling(Direction direction, char type) {
  return direction == Direction::to_server ? type == 'Q' || type == 'P' : type == 'C' || type == 'E';
}

bool contains(std::string_view text, const std::string& part) { return text.find(part) != std::string_view::npos; }

// NULs end the strings inside a message.
std::string shown(std::string_view body) {
  std::string text(body.substr(0, shown_text_bytes));
  std::ranges::replace_if(text, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return text;
}

}  // namespace

CutRule lose_commit_answer(Cut how, const std::string& session) {
  CutRule rule;
  rule.direction = Direction::to_client;
  rule.type = 'C';
  rule.text = "COMMIT";
  rule.text_first = true;  // or BEGIN ISOLATION LEVEL READ COMMITTED would do
  rule.session = session;
  rule.before = true;
  rule.how = how;
  return rule;
}

CutRule lose_commit(Cut how, const std::string& session) {
  auto rule = lose_commit_answer(how, session);
  rule.direction = Direction::to_server;
  rule.type = 'Q';
  return rule;
}

void RuleBook::add(CutRule rule) {
  const std::lock_guard lock(mutex_);
  rules_.push_back({std::move(rule), ++last_id_, 0});
}

void RuleBook::set_traffic(const Traffic& traffic) {
  const std::lock_guard lock(mutex_);
  traffic_ = traffic;
}

Traffic RuleBook::traffic() const {
  const std::lock_guard lock(mutex_);
  return traffic_;
}

void RuleBook::clear() {
  const std::lock_guard lock(mutex_);
  rules_.clear();
  traffic_ = {};
}

std::vector<SeenMessages> RuleBook::seen() const {
  const std::lock_guard lock(mutex_);
  return seen_;
}

std::optional<RuleBook::PlannedCut> RuleBook::see(SessionNotes& session, Direction direction,
                                                  const FrameHeader& header, std::string_view body) {
  const std::lock_guard lock(mutex_);
  const bool query = direction == Direction::to_server && (header.type == 'Q' || header.type == 'P');
  if (header.type == startup_message || (query && !session.has_query)) session.text.append(body).append("\n");
  session.has_query = session.has_query || query;
  note(session, direction, header, body);
  for (auto& counted : rules_) {
    auto& rule = counted.rule;
    if (!applies(rule, session, direction, header.type, body) || !is_due(counted, session)) continue;
    const auto place = (rule.before ? 0 : static_cast<std::int64_t>(header.bytes)) + rule.offset;
    const PlannedCut cut{static_cast<std::size_t>(std::max<std::int64_t>(place, 0)), rule.how};
    if (rule.times > 0 && --rule.times == 0) rules_.erase(rules_.begin() + (&counted - rules_.data()));
    return cut;
  }
  return std::nullopt;
}

bool RuleBook::applies(const CutRule& rule, const SessionNotes& session, Direction direction, char type,
                       std::string_view body) {
  const bool text_fits = rule.text_first ? body.starts_with(rule.text) : contains(body, rule.text);
  return text_fits && rule.direction == direction && (rule.type == 0 || rule.type == type) &&
         (rule.connection == 0 || rule.connection == session.connection) && contains(session.text, rule.session);
}

// A rule that may cut several times does so at the nth message and every later one that it applies to.
bool RuleBook::is_due(CountedRule& counted, SessionNotes& session) {
  if (!counted.rule.count_per_connection) return ++counted.count >= counted.rule.nth;
  auto found = std::ranges::find(session.counts, counted.id, &std::pair<std::uint64_t, int>::first);
  if (found == session.counts.end()) found = session.counts.insert(found, {counted.id, 0});
  return ++found->second >= counted.rule.nth;
}

void RuleBook::note(const SessionNotes& session, Direction direction, const FrameHeader& header,
                    std::string_view body) {
  const bool telling = is_telling(direction, header.type);
  if (!telling && !seen_.empty()) {
    auto& last = seen_.back();
    if (last.connection == session.connection && last.direction == direction && last.type == header.type) {
      ++last.count;
      last.bytes += header.bytes;
      return;
    }
  }
  seen_.push_back({session.connection, direction, header.type, telling ? shown(body) : "", 1, header.bytes});
}

}  // namespace pghaul::test
