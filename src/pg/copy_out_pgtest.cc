// COPY … TO STDOUT: frames, errors in the middle, and streams that nobody reads to their end.
#include <fstream>
#include <sstream>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "pg/copy.h"
#include "support/servers.h"

namespace pghaul::pg {
namespace {

using namespace std::chrono_literals;
using namespace std::string_view_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Clock = Deadline::Clock;

// In the select list the series is not stored before it is sent.
constexpr const char* endless =
    "COPY (SELECT pg_catalog.generate_series(1, 1000000000), pg_catalog.repeat('x', 500)) TO STDOUT";
// Sends for a while, so that the client gets something, and then is busy.
constexpr const char* hesitating =
    "COPY (SELECT pg_catalog.repeat('x', 1000), CASE WHEN i = 2000 THEN pg_catalog.pg_sleep(60) END "
    "FROM pg_catalog.generate_series(1, 3000) i) TO STDOUT";

class CopyOutTest : public testing::Test {
 protected:
  CopyOutTest() : watcher_(open(nullptr)), connection_(open(&stop_)) {}

  static Connection open(const StopSource* stop) {
    SessionOptions options;
    options.stop = stop;
    return Connection(parse_endpoint(Side::source, test::source_server().conninfo()), options);
  }
  static Deadline soon() { return Deadline::after(60s); }

  static std::vector<std::string> read_all(CopyOut& copy) {
    std::vector<std::string> frames;
    for (std::string_view frame; copy.next(frame);) frames.emplace_back(frame);
    return frames;
  }
  // Reads until something goes wrong.
  template <typename BeforeFrame>
  Error read_until_error(const std::string& sql, Deadline deadline, BeforeFrame before_frame) {
    const auto begin = Clock::now();
    try {
      CopyOut copy(connection_, sql, deadline);
      frames_ = 0;
      for (std::string_view frame; copy.next(frame); ++frames_) before_frame();
      ADD_FAILURE() << "no error";
    } catch (const Error& error) {
      took_ = Clock::now() - begin;
      return error;
    }
    return Error(ErrorKind::usage, "");
  }
  Error read_until_error(const std::string& sql, Deadline deadline) {
    return read_until_error(sql, deadline, [] {});
  }
  bool is_active_after(Clock::duration span) {
    const auto deadline = Deadline::after(span);
    const auto pid = std::to_string(connection_.backend_pid());
    for (;;) {
      const auto state = watcher_.query("SELECT FROM pg_catalog.pg_stat_activity WHERE pid = $1 AND state = 'active'",
                                        {pid}, soon());
      if (state.rows() == 0 || deadline.expired()) return state.rows() != 0;
      std::this_thread::sleep_for(10ms);
    }
  }
  void expect_usable() {
    ASSERT_TRUE(connection_.usable());
    connection_.ignore_stop();
    EXPECT_EQ(connection_.run("SELECT 42", soon()).int64(0, 0), 42);
  }

  StopSource stop_;
  Connection watcher_, connection_;
  Clock::duration took_{};
  std::int64_t frames_ = 0;
};

// Bytes that the kernel holds for the socket with this port of 127.0.0.1.
std::int64_t bytes_waiting(std::int64_t port) {
  std::ifstream sockets("/proc/net/tcp");
  const auto local = fmt::format("0100007F:{:04X}", port);
  for (std::string line; std::getline(sockets, line);) {
    std::istringstream fields(line);
    std::string number, address, remote, state, queues;
    fields >> number >> address >> remote >> state >> queues;
    if (address == local) return std::stoll(queues.substr(queues.find(':') + 1), nullptr, 16);
  }
  return -1;
}

// Of a COPY that nobody reads, once there is no more to come.
std::int64_t taken_in_ahead(Connection& watcher, int receive_buffer) {
  SessionOptions options;
  options.receive_buffer = receive_buffer;
  Connection reader(parse_endpoint(Side::source, test::source_server().conninfo()), options);
  const auto port = watcher.run(fmt::format("SELECT a.client_port FROM pg_catalog.pg_stat_activity AS a WHERE a.pid = {}",
                                            reader.backend_pid()),
                                Deadline::after(60s));
  CopyOut copy(reader, endless, Deadline::after(60s));
  for (std::int64_t before = -1;;) {
    std::this_thread::sleep_for(300ms);
    const auto now = bytes_waiting(port.int64(0, 0));
    if (now > 0 && now == before) return now;
    before = now;
  }
}

TEST_F(CopyOutTest, TheServerCannotSendFarAhead) {
  EXPECT_LE(taken_in_ahead(watcher_, 16'000), 40'000);
  EXPECT_GT(taken_in_ahead(watcher_, 0), 40'000);
}

TEST_F(CopyOutTest, TextRows) {
  CopyOut copy(connection_, "COPY (VALUES (1, 'a'), (2, E't\\t\\\\'), (NULL, '')) TO STDOUT", soon());
  EXPECT_THAT(read_all(copy), ElementsAre("1\ta\n", "2\tt\\t\\\\\n", "\\N\t\n"));
  EXPECT_EQ(copy.row_count(), 3);
  expect_usable();
}

TEST_F(CopyOutTest, BinaryRows) {
  CopyOut copy(connection_, "COPY (VALUES (1::int2), (-1::int2)) TO STDOUT (FORMAT binary)", soon());
  const auto header = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0"sv;
  const auto first = "\0\1\0\0\0\2\0\1"sv, second = "\0\1\0\0\0\2\377\377"sv;
  EXPECT_THAT(read_all(copy), ElementsAre(std::string(header) + std::string(first), second, "\377\377"));
  EXPECT_EQ(copy.row_count(), 2);
}

TEST_F(CopyOutTest, NoRows) {
  {
    CopyOut text(connection_, "COPY (SELECT 1 WHERE false) TO STDOUT", soon());
    EXPECT_THAT(read_all(text), IsEmpty());
    EXPECT_EQ(text.row_count(), 0);
  }
  CopyOut binary(connection_, "COPY (SELECT 1 WHERE false) TO STDOUT (FORMAT binary)", soon());
  const auto frames = read_all(binary);
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_EQ(frames[0].size(), 21U);
  EXPECT_EQ(binary.row_count(), 0);
}

TEST_F(CopyOutTest, ManyAndBigRows) {
  std::int64_t rows = 0, bytes = 0;
  CopyOut copy(connection_,
               "COPY (SELECT pg_catalog.repeat('x', CASE WHEN i % 10000 = 0 THEN 5000000 ELSE 10 END) "
               "FROM pg_catalog.generate_series(1, 30000) i) TO STDOUT",
               soon());
  for (std::string_view frame; copy.next(frame); ++rows) bytes += static_cast<std::int64_t>(frame.size());
  EXPECT_EQ(rows, 30'000);
  EXPECT_EQ(copy.row_count(), 30'000);
  EXPECT_EQ(bytes, 3 * 5'000'001 + 29'997 * 11);
}

TEST_F(CopyOutTest, ErrorAtTheStart) {
  const auto error = read_until_error("COPY no_such_table TO STDOUT", soon());
  EXPECT_EQ(error.sqlstate(), "42P01");
  EXPECT_EQ(error.side(), Side::source);
  expect_usable();
}

TEST_F(CopyOutTest, AnotherStatementIsAnError) {
  EXPECT_THAT(read_until_error("SELECT 1", soon()).what(), HasSubstr("did not start the COPY"));
  expect_usable();
}

TEST_F(CopyOutTest, ErrorInTheMiddle) {
  const auto error =
      read_until_error("COPY (SELECT 1 / (1000 - i) FROM pg_catalog.generate_series(1, 2000) i) TO STDOUT", soon());
  EXPECT_EQ(error.kind(), ErrorKind::failed);
  EXPECT_EQ(error.sqlstate(), "22012");
  EXPECT_EQ(error.side(), Side::source);
  EXPECT_EQ(frames_, 999);
  expect_usable();
}

TEST_F(CopyOutTest, DestroyedInTheMiddle) {
  {
    CopyOut copy(connection_, endless, soon());
    std::string_view frame;
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(copy.next(frame));
    took_ = -Clock::now().time_since_epoch();
  }
  took_ += Clock::now().time_since_epoch();
  EXPECT_LT(took_, 2s);
  EXPECT_FALSE(is_active_after(5s));
  expect_usable();
}

TEST_F(CopyOutTest, DestroyedWhileTheServerIsBusy) {
  {
    CopyOut copy(connection_, hesitating, soon());
    std::string_view frame;
    ASSERT_TRUE(copy.next(frame));
  }
  EXPECT_FALSE(is_active_after(5s));
  expect_usable();
}

// Nobody passes the cancel request on, and the server sends for ever.
TEST_F(CopyOutTest, DestroyedWhenItCannotBeCancelled) {
  const auto postmaster = test::source_server().postmaster_pid();
  {
    CopyOut copy(connection_, endless, soon());
    std::string_view frame;
    ASSERT_TRUE(copy.next(frame));
    ::kill(postmaster, SIGSTOP);
    took_ = -Clock::now().time_since_epoch();
  }
  took_ += Clock::now().time_since_epoch();
  ::kill(postmaster, SIGCONT);
  EXPECT_LT(took_, 3s);
  EXPECT_FALSE(connection_.usable());
}

TEST_F(CopyOutTest, StopInTheMiddle) {
  std::thread stopper([&] {
    std::this_thread::sleep_for(200ms);
    stop_.request(StopReason::signal);
  });
  EXPECT_EQ(read_until_error(endless, soon()).kind(), ErrorKind::stopped);
  stopper.join();
  EXPECT_LT(took_, 2s);
  EXPECT_FALSE(is_active_after(5s));
  expect_usable();
}

TEST_F(CopyOutTest, StopWhileTheServerIsBusy) {
  std::thread stopper([&] {
    std::this_thread::sleep_for(300ms);
    stop_.request(StopReason::signal);
  });
  EXPECT_EQ(read_until_error(hesitating, soon()).kind(), ErrorKind::stopped);
  stopper.join();
  EXPECT_LT(took_, 2s);
  EXPECT_FALSE(is_active_after(5s));
}

TEST_F(CopyOutTest, DeadlineHoldsAlsoWhenDataFlows) {
  // A reader slower than the server: there always is something to read.
  const auto dawdle = [] { std::this_thread::sleep_for(std::chrono::microseconds(200)); };
  const auto error = read_until_error(endless, Deadline::after(500ms), dawdle);
  EXPECT_EQ(error.kind(), ErrorKind::connection_lost);
  EXPECT_GE(took_, 500ms);
  EXPECT_LT(took_, 2s);
  EXPECT_FALSE(connection_.usable());
  EXPECT_FALSE(is_active_after(5s));
}

TEST_F(CopyOutTest, DeadlineCancelsWhatTheServerIsBusyWith) {
  EXPECT_EQ(read_until_error(hesitating, Deadline::after(500ms)).kind(), ErrorKind::connection_lost);
  EXPECT_LT(took_, 2s);
  EXPECT_GT(frames_, 0);
  EXPECT_FALSE(is_active_after(5s));
}

TEST_F(CopyOutTest, ServersStatementTimeout) {
  connection_.run("SET statement_timeout = 300", soon());
  const auto error = read_until_error(hesitating, soon());
  EXPECT_EQ(error.kind(), ErrorKind::transient);
  EXPECT_EQ(error.sqlstate(), "57014");
  expect_usable();
}

TEST_F(CopyOutTest, BackendTerminatedInTheMiddle) {
  const auto error = read_until_error(hesitating, soon(), [&] {
    if (frames_ != 1000) return;
    watcher_.run(fmt::format("SELECT pg_catalog.pg_terminate_backend({}, 5000)", connection_.backend_pid()), soon());
  });
  EXPECT_EQ(error.kind(), ErrorKind::connection_lost);
  EXPECT_EQ(error.sqlstate(), "57P01");
  EXPECT_FALSE(connection_.usable());
}

// The server can say nothing more when its socket is full.
TEST_F(CopyOutTest, BackendTerminatedWhileItSends) {
  const auto error = read_until_error(endless, soon(), [&] {
    if (frames_ != 1000) return;
    watcher_.run(fmt::format("SELECT pg_catalog.pg_terminate_backend({}, 5000)", connection_.backend_pid()), soon());
  });
  EXPECT_EQ(error.kind(), ErrorKind::connection_lost);
  EXPECT_FALSE(connection_.usable());
}

}  // namespace
}  // namespace pghaul::pg
