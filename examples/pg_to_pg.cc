// Copies one table from one PostgreSQL server to another: pg_to_pg SOURCE TARGET TABLE
#include <cstdio>

#include <pghaul/pg_copy.h>

int main(int count, char** arguments) {
  if (count != 4) {
    std::fprintf(stderr, "usage: pg_to_pg SOURCE TARGET TABLE\n");
    return 2;
  }
  try {
    pghaul::PgCopyOptions options;
    options.source = arguments[1];
    options.target = arguments[2];
    options.tables = {arguments[3]};

    pghaul::PgCopyWatch watch;
    watch.findings = [](const auto& findings) {
      for (const auto& each : findings) std::fprintf(stderr, "note: %s\n", each.text.c_str());
    };
    pghaul::PgCopyJob job(options, watch);
    for (const auto& table : job.wait().tables) {
      std::printf("%s: %s, %lld rows\n", table.source_table.c_str(), table.state.c_str(),
                  static_cast<long long>(table.rows_total));
    }
  } catch (const pghaul::Error& error) {
    std::fprintf(stderr, "%s\n", error.story().c_str());
    return pghaul::exit_code(error.kind());
  }
}
