// Cuts are where they should be, to the byte.
#include <utility>

#include <poll.h>

#include "fault/hostile_server.h"
#include "fault/proxy_test.h"

namespace pghaul::test {
namespace {

// A client of bytes: what arrives can be compared with where the cut should be.
class CutPlaces : public CuttingProxyTest {
 protected:
  static std::string startup(const std::string& database) {
    const auto body = uint32_bytes(3 << 16) + std::string("user\0postgres\0database\0", 23) + database +
                      std::string(2, '\0');
    return uint32_bytes(static_cast<std::uint32_t>(body.size()) + 4) + body;
  }
  std::string receive_all(const Socket& socket) {
    const Wake never;
    std::string bytes;
    end_ = Received::bytes;
    while (end_ == Received::bytes && wait_for(socket, POLLIN, never, soon())) end_ = receive(socket, bytes);
    return bytes;
  }
  // All that the server says to three rows being asked for.
  std::string stream() {
    const auto socket = connect_to(proxy_.port());
    const Wake never;
    const std::string query("VALUES ('a'), ('b'), ('c')\0", 27);
    const auto bytes = startup(database()) + message('Q', query) + message('X', "");
    EXPECT_EQ(send_some(socket, bytes, never), bytes.size());
    return receive_all(socket);
  }
  // Where the nth message of this type begins and ends.
  static std::pair<std::size_t, std::size_t> place(const std::string& stream, char type, int nth) {
    std::size_t begin = 0;
    while (const auto header = read_typed_header(std::string_view(stream).substr(begin))) {
      if (header->type == type && --nth == 0) return {begin, begin + header->bytes};
      begin += header->bytes;
    }
    return {};
  }

  Received end_ = Received::bytes;
};

TEST_F(CutPlaces, AreExact) {
  const auto whole = stream();
  const auto [begin, end] = place(whole, 'D', 2);
  ASSERT_LT(begin, end);
  ASSERT_LT(end, whole.size());
  for (const auto how : {Cut::fin, Cut::reset}) {
    for (const int offset : {-5, -1, 0, 1, 4, 20}) {
      auto rule = cut_to_client('D', how);
      rule.nth = 2;
      rule.offset = offset;
      proxy_.cut(rule);
      EXPECT_EQ(stream().size(), end + static_cast<std::size_t>(offset)) << offset;
      EXPECT_EQ(end_, how == Cut::fin ? Received::end : Received::reset) << offset;
      if (offset < 0) continue;
      rule.before = true;
      proxy_.cut(rule);
      EXPECT_EQ(stream().size(), begin + static_cast<std::size_t>(offset)) << offset;
    }
  }
  EXPECT_EQ(stream().size(), whole.size());
}

TEST_F(CutPlaces, TheFirstMessageAndNone) {
  proxy_.cut(cut_to_client('R'));
  EXPECT_EQ(stream().size(), 9U);
  auto rule = cut_to_server(startup_message);
  rule.offset = -1;
  proxy_.cut(rule);
  EXPECT_EQ(stream(), "");
  EXPECT_TRUE(proxy_.wait_for_cuts(2, soon()));
}

// What is encrypted passes as it is, whatever it looks like.
TEST(CuttingProxyAlone, EncryptedBytesPass) {
  const auto listener = listen_on_free_port();
  CuttingProxy proxy(port_of(listener));
  proxy.cut(cut_to_client('D'));
  const auto client = connect_to(proxy.port());
  const auto server = accept_from(listener);
  const Wake never;
  const auto pass = [&](const Socket& from, const Socket& to, const std::string& bytes) {
    std::string got;
    EXPECT_EQ(send_some(from, bytes, never), bytes.size());
    while (got.size() < bytes.size() && wait_for(to, POLLIN, never, soon())) receive(to, got);
    EXPECT_EQ(got, bytes);
  };
  pass(client, server, uint32_bytes(8) + uint32_bytes(80877103));
  pass(server, client, "S");
  pass(client, server, "\x16\x03\x01");
  pass(server, client, "D" + uint32_bytes(4) + "D");
  pass(client, server, "Q");
  EXPECT_EQ(proxy.cuts(), 0);
}

}  // namespace
}  // namespace pghaul::test
