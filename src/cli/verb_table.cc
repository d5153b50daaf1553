#include "cli/verb_table.h"

namespace pghaul {
namespace {

constexpr VerbSpec kVerbs[] = {
    {Verb::copy, "copy", "--source URI --target URI --table NAME [OPTION...]", "copy tables, or continue a copy",
     "Copies tables. Run again, it continues where it was stopped. With --config FILE it takes the copies that the "
     "file "
     "names, or those whose NAMEs follow."},
    {Verb::plan, "plan", "--source URI --target URI --table NAME [OPTION...]",
     "what copy would do, why, and how long it would take; writes nothing",
     "Tells what copy would do with the same options. Writes nothing anywhere."},
    {Verb::verify, "verify", "--source URI --target URI --table NAME [OPTION...]",
     "whether source and target have the same rows, and which differ; writes nothing",
     "Compares tables, by hashes that the servers make, and names the rows that differ. Exit code 0: equal, 1: different. "
     "Rows that only differ for a moment, as somebody writes, are no differences. Writes nothing anywhere."},
    {Verb::status, "status", "--target URI [OPTION...]",
     "copies recorded on a target: done, to do, rate, whether resumable",
     "Tells the copies that the target's ledger knows."},
    {Verb::demo, "demo", "[OPTION...]", "two throwaway servers, a copy, a kill, a resume, a comparison",
     "Starts two throwaway servers, fills a table with gaps, copies it, kills the copy, resumes it, compares both "
     "sides, and cleans up."},
    {Verb::config, "config", "show [--config FILE] [OPTION...] [NAME...]",
     "what is in force for copy, and where each value comes from",
     "Tells the value of each option of copy, and whether it comes from the command line, the environment, the file "
     "or is the default. Passwords are not shown. Asks no server.",
     "show"},
};

constexpr Example kExamples[] = {
    {"One table; typed again, it continues:",
     "pghaul copy --source 'host=prod dbname=shop' --target 'host=stats dbname=bi' --table public.profiles"},
    {"Two tables, gently, for two hours at most:",
     "PGHAUL_SOURCE=service=prod PGHAUL_TARGET=service=stats pghaul copy --table profiles --table events "
     "--max-rate 20MB/s --timeout 2h"},
    {"Anew, in part, with a report for a program:",
     "pghaul copy --source service=prod --target service=stats --table profiles --full --columns id,data "
     "--where \"data ? 'email'\" --json"},
    {"The copies that stand in a file:", "pghaul copy --config nightly.toml"},
    {"Only one of them, with more readers than the file says:",
     "pghaul copy --config nightly.toml profiles --readers 4"},
    {"What is in force for it:", "pghaul config show --config nightly.toml profiles"},
    {"Whether both sides have the same rows, and which differ:",
     "pghaul verify --source service=prod --target service=stats --table profiles"},
    {"What a target knows of its copies:", "pghaul status --target service=stats"},
};

constexpr ExitCode kExitCodes[] = {
    {0, "done"},
    {1, "differences found"},
    {2, "bad usage or configuration"},
    {3, "refused, nothing was written"},
    {4, "stopped; the same command continues"},
    {5, "failed; the message says what is safe and what to do"},
};

constexpr VariableSpec kVariables[] = {
    {"PGHOST, PGUSER, PGPASSFILE, PGSERVICEFILE, PGSSLMODE, ...",
     "libpq's own, for whatever a connection string leaves open."},
    {"PGHAUL_PG_BINDIR", "Folder of the server's programs, for pghaul demo."},
    {"PGHAUL_ALLOW_CORE_DUMP", "If set, core dumps are allowed. They may hold passwords."},
    {"PGHAUL_FAILPOINTS", "Faults to be made, for tests; not in packages."},
};

}  // namespace

std::span<const VerbSpec> verb_table() {
  return kVerbs;
}
std::span<const Example> example_table() {
  return kExamples;
}
std::span<const ExitCode> exit_code_table() {
  return kExitCodes;
}
std::span<const VariableSpec> variable_table() {
  return kVariables;
}

}  // namespace pghaul
