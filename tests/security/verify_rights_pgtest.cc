// S37, H11: the role of docs/security.md that compares, made out of its text, is enough, and each right of it
// is needed: without it nothing is compared, and the message has the GRANT to type.
#include "security/rights.h"

namespace pghaul::test {
namespace {

constexpr auto on_either_side = "verify, on either side", from_ledger = "target, verify --from-ledger";

class VerifyRights : public RightsTest {
 protected:
  VerifyRights() {
    grant("source");
    grant("target");
    grant("target, to create the table");
    expect_runs({"copy", "--source", source_as("hauler"), "--target", target_as("loader"), "--table",
                 profiles, "--progress", "none", "--batch-bytes", "64kB"});
  }
  void grant_to_auditor() const {
    grant_on(source_conninfo(), on_either_side);
    grant_on(target_conninfo(), on_either_side);
  }
  Arguments as_auditor(const Arguments& more = {}) const {
    Arguments arguments{"verify",  "--source", source_as("auditor"), "--target", target_as("auditor"),
                        "--table", profiles,   "--progress",         "none",     "--settle",
                        "1ms"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  Arguments from_the_ledger() const {
    return {"verify",  "--from-ledger", "--target",   target_as("auditor"),
            "--table", profiles,        "--progress", "none"};
  }
  // Takes the right away, and gives it back.
  void expect_needed(const std::string& conninfo, const std::string& right, const Arguments& arguments,
                     const std::string& message) const {
    run_psql(conninfo, "REVOKE " + right + " FROM auditor");
    expect_error(3, arguments, {"[SQLSTATE 42501]", message});
    run_psql(conninfo, "GRANT " + right + " TO auditor");
  }
  void expect_each_needed(const std::string& side, const std::string& conninfo,
                          const Arguments& arguments) const {
    const auto next = [&](const std::string& grant) {
      return fmt::format("next:   on the {}: {}", side, grant);
    };
    expect_needed(conninfo, "CONNECT ON DATABASE " + database(), arguments,
                  next(fmt::format("GRANT CONNECT ON DATABASE \"{}\" TO \"auditor\"", database())));
    expect_needed(conninfo, "USAGE ON SCHEMA public", arguments,
                  next("GRANT USAGE ON SCHEMA public TO auditor"));
    expect_needed(conninfo, "SELECT ON public.profiles", arguments,
                  next("GRANT SELECT ON TABLE public.profiles TO auditor"));
  }
};

TEST_F(VerifyRights, S37_AreEnough) {
  grant_to_auditor();
  expect_runs(as_auditor());
  expect_runs(as_auditor({"--counts"}));
  expect_runs(as_auditor({"--seq-scan"}));
  expect_runs(as_auditor({"--sample", "50%"}));
  target_sql(
      "UPDATE public.profiles SET data = '{}' WHERE id = 300; DELETE FROM public.profiles WHERE id = 600");
  expect_runs(as_auditor({"--batch-bytes", "64kB"}), 1);
  expect_runs(as_auditor({"--seq-scan", "--show-values"}), 1);
  EXPECT_EQ(sessions_left(), 0);
}

TEST_F(VerifyRights, S37_AreEnoughForTheLedger) {
  grant_on(target_conninfo(), on_either_side);
  grant(from_ledger);
  expect_runs(from_the_ledger());
  target_sql("UPDATE public.profiles SET data = '{}' WHERE id = 300");
  expect_runs(from_the_ledger(), 1);
}

// What a copy may do is enough, too.
TEST_F(VerifyRights, S37_ThoseOfACopy) {
  expect_runs({"verify", "--source", source_as("hauler"), "--target", target_as("loader"), "--table",
               profiles, "--progress", "none"});
}

TEST_F(VerifyRights, S37_SomeColumns) {
  grant_to_auditor();
  for (const auto& conninfo : {source_conninfo(), target_conninfo()}) {
    run_psql(
        conninfo,
        "REVOKE SELECT ON public.profiles FROM auditor; GRANT SELECT (id) ON public.profiles TO auditor");
  }
  expect_runs(as_auditor({"--columns", "id"}));
  expect_error(3, as_auditor(), {"[SQLSTATE 42501]", "GRANT SELECT ON TABLE public.profiles TO auditor"});
  expect_error(3, as_auditor({"--columns", "id,data"}),
               {"[SQLSTATE 42501]", "GRANT SELECT (data) ON TABLE public.profiles TO auditor"});
}

// The right on the table that is named is the one that counts.
TEST_F(VerifyRights, S37_PartitionsAndChildren) {
  grant_to_auditor();
  for (const auto& conninfo : {source_conninfo(), target_conninfo()}) {
    run_psql(
        conninfo,
        "CREATE TABLE parts (id bigint PRIMARY KEY, n int) PARTITION BY RANGE (id);"
        "CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (500);"
        "CREATE TABLE parts_2 PARTITION OF parts DEFAULT;"
        "INSERT INTO parts SELECT g, g FROM generate_series(1, 1000) g;"
        "CREATE TABLE parents (id bigint PRIMARY KEY, n int); CREATE TABLE children () INHERITS (parents);"
        "INSERT INTO parents SELECT g, g FROM generate_series(1, 10) g;"
        "INSERT INTO children SELECT g, g FROM generate_series(11, 20) g;"
        "GRANT SELECT ON parts, parents TO auditor");
  }
  expect_runs(as_auditor({"--table", "parts", "--table", "parents"}));
  target_sql("DELETE FROM parts WHERE id = 700; UPDATE children SET n = 0 WHERE id = 15");
  expect_runs(as_auditor({"--table", "parts", "--table", "parents"}), 1);
}

TEST_F(VerifyRights, H11_EachMissingRight) {
  grant_to_auditor();
  expect_each_needed("source", source_conninfo(), as_auditor());
  expect_each_needed("target", target_conninfo(), as_auditor());
  expect_runs(as_auditor());
}

TEST_F(VerifyRights, H11_EachMissingRightForTheLedger) {
  grant_on(target_conninfo(), on_either_side);
  grant(from_ledger);
  expect_each_needed("target", target_conninfo(), from_the_ledger());
  expect_needed(target_conninfo(), "USAGE ON SCHEMA pghaul", from_the_ledger(),
                "next:   on the target: GRANT USAGE ON SCHEMA pghaul TO auditor");
  for (const std::string table : {"ledger_version", "table_copy", "generation", "chunk"}) {
    expect_needed(target_conninfo(), "SELECT ON pghaul." + table, from_the_ledger(),
                  "next:   on the target: GRANT SELECT ON TABLE pghaul." + table + " TO auditor");
  }
  expect_runs(from_the_ledger());
}

}  // namespace
}  // namespace pghaul::test
