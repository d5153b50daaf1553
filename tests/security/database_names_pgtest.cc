// S16, S22, G16: databases and roles of odd names.
#include "scenario/copy_test.h"
#include "security/odd_names.h"

namespace pghaul::test {
namespace {

class DatabaseNames : public CopyTest {};

// S16: not even a database called like a connection string leads elsewhere. Every other name is the target's,
// as making databases takes its time.
TEST_F(DatabaseNames, G16_OfDatabasesAndRoles) {
  bool on_source = true;
  for (const auto& name : odd_names()) {
    SCOPED_TRACE(name);
    on_source = !on_source;
    const auto role = fmt::format("CREATE ROLE {} LOGIN SUPERUSER;", quoted(name));
    const auto clean_up = std::string(
        "SET client_min_messages = error; DROP TABLE IF EXISTS public.t; DROP SCHEMA IF EXISTS "
        "pghaul CASCADE;");
    run_psql((on_source ? source_server() : target_server()).conninfo(),
             role + "CREATE DATABASE " + quoted(name));
    run_psql((on_source ? target_server() : source_server()).conninfo(database()), role + clean_up);
    const auto source = source_server().conninfo(on_source ? name : database(), name);
    const auto target = target_server().conninfo(on_source ? database() : name, name);
    run_psql(source, "CREATE TABLE public.t (id int PRIMARY KEY); INSERT INTO public.t VALUES (1), (2)");
    const auto result =
        run_pghaul({"copy", "--source", source, "--target", target, "--table", "t", "--progress", "none"});
    EXPECT_EQ(result.status, 0) << result;
    EXPECT_EQ(run_psql(target, "SELECT pg_catalog.count(*) FROM public.t"), "2");
  }
}

}  // namespace
}  // namespace pghaul::test
