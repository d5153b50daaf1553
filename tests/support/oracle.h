// The judge of "the same rows on both sides": PostgreSQL's own psql and coreutils' sha256sum, nothing of ours.
#pragma once

#include <string>

namespace pghaul::test {

// SHA-256, in hexadecimal, of what COPY (select_sql) TO STDOUT prints in a session whose settings are pinned:
// search_path is empty, so say public.t; order by something unique. Errors: failed.
std::string table_digest(const std::string& conninfo, const std::string& select_sql);

}  // namespace pghaul::test
