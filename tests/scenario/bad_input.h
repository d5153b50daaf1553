// For scenarios in which a copy has to be refused.
#pragma once

#include "scenario/copy_test.h"

namespace pghaul::test {

class BadInput : public CopyTest {
 protected:
  // Everything on the target that a refused copy must not touch: schemas, relations, rows of public tables.
  std::string target_state() const {
    return target_sql(
        "SELECT string_agg(nspname, ',' ORDER BY nspname) FROM pg_namespace WHERE nspname !~ '^pg_';"
        "SELECT string_agg(oid || ':' || relname || ':' || relfilenode, ',' ORDER BY oid) FROM pg_class "
        "WHERE oid >= 16384;"
        "SELECT query_to_xml('SELECT * FROM ' || c.oid::regclass, true, false, '') FROM pg_class c "
        "WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace ORDER BY c.oid");
  }

  // The copy ends with `status`, its message has all of `words`, and nothing was written.
  void expect_error(int expected, const Arguments& arguments, const std::vector<std::string>& words) const {
    const auto before = target_state();
    const auto result = run_pghaul(arguments);
    EXPECT_EQ(result.status, expected) << result;
    for (const auto& word : words) EXPECT_THAT(result.err, HasSubstr(word)) << result;
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(target_state(), before) << result;
  }
  void expect_refused(const Arguments& more, const std::vector<std::string>& words) const {
    expect_error(3, command("copy", more), words);
  }
  void expect_usage(const Arguments& more, const std::vector<std::string>& words) const {
    expect_error(2, command("copy", more), words);
  }
  // With another source or target than the test's.
  void expect_refused_between(const std::string& source, const std::string& target,
                              const std::vector<std::string>& words) const {
    expect_error(3, {"copy", "--source", source, "--target", target, "--table", profiles}, words);
  }

  // A role that may log in and nothing else; the same name on both servers.
  std::string make_role(const std::string& suffix = "_role") const {
    const auto role = database().substr(0, 50) + suffix;
    for (const auto& conninfo : {source_conninfo(), target_conninfo()}) {
      run_psql(conninfo, fmt::format("DROP ROLE IF EXISTS {0}; CREATE ROLE {0} LOGIN", role));
    }
    return role;
  }
  std::string source_as(const std::string& role) const { return source_server().conninfo(database(), role); }
  std::string target_as(const std::string& role) const { return target_server().conninfo(database(), role); }
};

}  // namespace pghaul::test
