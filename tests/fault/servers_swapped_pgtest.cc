// C7: another server answers on the same port.
#include "fault/servers_faults.h"

namespace pghaul::test {
namespace {

using StopMode = pg::ThrowawayServer::StopMode;

// Servers with the same port and databases of the same name, one at a time.
class Swapped : public ServerFaults {
 protected:
  Swapped() {
    first_.start();
    pg::ThrowawayOptions options;
    options.settings = {fmt::format("port={}", first_.port())};
    second_ = std::make_unique<pg::ThrowawayServer>(options);
    create();
    swap();
    create();
    swap_back();
  }
  void create() { run_psql(first_.conninfo(), fmt::format("CREATE DATABASE {}", database())); }
  void swap() {
    first_.stop(StopMode::fast);
    second_->start();
  }
  void swap_back() {
    second_->stop(StopMode::fast);
    first_.start();
  }

  pg::ThrowawayServer first_;
  std::unique_ptr<pg::ThrowawayServer> second_;
};

TEST_F(Swapped, C7_TheSourceIsAnotherServer) {
  admin_.source = copier_.source = first_.conninfo(database());
  make_rows(9000);
  swap();
  make_rows(9000, 1, "foreign");
  swap_back();
  auto running = begin({"--reconnect-timeout", "60s"});
  swap();
  expect_failure(running.finish(), failed, {"another server or database answers"});
  EXPECT_EQ(admin_target("SELECT count(*) FROM public.profiles WHERE data ->> 'name' LIKE 'foreign%'"), "0");
  swap_back();
  expect_completion();
}

TEST_F(Swapped, C7_TheTargetIsAnotherServer) {
  make_rows(9000);
  admin_.target = copier_.target = first_.conninfo(database());
  auto running = begin({"--reconnect-timeout", "60s"});
  swap();
  const auto tables = "SELECT count(*) FROM pg_class WHERE oid >= 16384";
  EXPECT_EQ(admin_target(tables), "0");
  const auto result = running.finish();
  expect_failure(result, failed, {"another server or database answers"});
  EXPECT_EQ(admin_target(tables), "0") << "something was written to the wrong server";
  swap_back();
  expect_completion();
}

}  // namespace
}  // namespace pghaul::test
