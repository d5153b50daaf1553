// What the tests of the proxy share: a proxy before a real server, and clients through it.
#pragma once

#include <string>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "fault/cutting_proxy.h"
#include "support/servers.h"

namespace pghaul::test {

inline Deadline soon() { return Deadline::after(std::chrono::seconds(20)); }

class CuttingProxyTest : public ServersTest {
 protected:
  CuttingProxyTest() : proxy_(source_server().port()) { source_sql("CREATE TABLE t(i int, s text)"); }

  // `name` becomes the application_name.
  std::string conninfo(const std::string& name = "client") const {
    return proxy_.through(source_conninfo()) + fmt::format(" application_name='{}'", name);
  }
  ProgramResult psql(const std::string& sql, const std::string& name = "client") const {
    return try_psql(conninfo(name), sql);
  }
  RunningProgram start_psql(const std::string& sql) const {
    auto options = psql_options(conninfo());
    options.argv.insert(options.argv.end(), {"-c", sql});
    return RunningProgram(options, "psql");
  }
  // Backends of the test's database, the asking one not counted.
  std::string backends() const {
    return source_sql("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                      "AND backend_type = 'client backend' AND pid <> pg_backend_pid()");
  }
  bool wait_for_backends(const std::string& number) const {
    const auto deadline = soon();
    while (backends() != number && !deadline.expired()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return backends() == number;
  }
  std::string rows() const {
    EXPECT_TRUE(wait_for_backends("0"));
    return source_sql("SELECT count(*) FROM t");
  }

  CuttingProxy proxy_;
};

inline CutRule cut_at(Direction direction, char type, Cut how = Cut::fin) {
  CutRule rule;
  rule.direction = direction;
  rule.type = type;
  rule.how = how;
  return rule;
}

inline CutRule cut_to_client(char type, Cut how = Cut::fin) { return cut_at(Direction::to_client, type, how); }
inline CutRule cut_to_server(char type, Cut how = Cut::fin) { return cut_at(Direction::to_server, type, how); }

}  // namespace pghaul::test
