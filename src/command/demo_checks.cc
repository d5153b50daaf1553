#include "command/demo_checks.h"

#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <vector>

#include <unistd.h>

#include <fmt/format.h>

#include "base/bytes.h"
#include "pg/throwaway_server.h"
#include "pghaul/error.h"

namespace pghaul::demonstration {
namespace {

namespace fs = std::filesystem;

constexpr auto kInstall = "apt-get install postgresql, or name the folder of its programs in PGHAUL_PG_BINDIR";

Error not_installed(const std::string& what) {
  return Error(ErrorKind::refused, what).on(Side::local).advise(kInstall);
}

Error unusable(const std::string& what, const fs::path& folder) {
  return Error(ErrorKind::refused, what)
      .on(Side::local)
      .about(folder.string())
      .advise("name another folder in TMPDIR, or give fewer --rows");
}

std::string server_bindir() {
  try {
    return pg::find_postgres_bindir();
  } catch (const Error& error) {
    throw not_installed(error.what()).about(error.object());
  }
}

}  // namespace

void check_rows(std::int64_t rows) {
  if (rows >= 10'000) return;
  throw Error(ErrorKind::usage, fmt::format("--rows {} is too few to be killed in the middle", rows))
      .advise("give at least 10000");
}

void check_space(std::int64_t rows) {
  const auto needed = 200e6 + 2000 * static_cast<double>(rows);  // table, indexes and WAL, twice
  std::error_code error;
  const auto folder = fs::temp_directory_path(error);
  if (error) throw unusable("TMPDIR names no folder", folder);
  const auto space = fs::space(folder, error);
  if (error) throw unusable("cannot tell the free space: " + error.message(), folder);
  const auto available = static_cast<double>(space.available);
  if (available >= needed) return;
  const auto what = fmt::format("about {} are needed, {} are free", format_bytes(needed), format_bytes(available));
  throw unusable(what, folder);
}

std::string required_bindir() {
  auto bindir = server_bindir();
  if (!fs::exists(bindir + "/psql")) throw not_installed("psql is not installed").about(bindir);
  return bindir;
}

void forget_environment() {
  std::vector<std::string> names;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const auto name = std::string_view(*entry).substr(0, std::string_view(*entry).find('='));
    const bool ours = name == "PGHAUL_PG_BINDIR" || name == "PGHAUL_FAILPOINTS";
    if (name.starts_with("PG") && !ours) names.emplace_back(name);
  }
  for (const auto& name : names) ::unsetenv(name.c_str());
}

}  // namespace pghaul::demonstration
