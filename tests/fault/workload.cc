#include "fault/workload.h"

#include <algorithm>

#include <fmt/format.h>

namespace pghaul::test {
namespace {

// md5 of the seed and a counter, so that both the seed decides and PostgreSQL makes the rows.
std::string noise(std::int64_t seed, const std::string& counter = "g") {
  return fmt::format("md5('{}' || {})", seed, counter);
}

// Gaps of 1 to `step`, as deleted rows and rolled back transactions leave them.
std::string make_profiles(std::int64_t rows, std::int64_t step, std::int64_t seed) {
  return fmt::format(
      "CREATE TABLE public.profiles (id bigserial PRIMARY KEY, data jsonb) WITH (autovacuum_enabled = off);"
      "CREATE INDEX profiles_name ON public.profiles ((data ->> 'name'));"
      "INSERT INTO public.profiles SELECT g * {1} + (hashint8(g + {2}) & 2147483647) % {1}, "
      "jsonb_build_object('name', {3}, "
      "'about', repeat({3}, (hashint8(g) & 2147483647) % 20)) FROM generate_series(1, {0}) g;"
      "SELECT setval('public.profiles_id_seq', (SELECT max(id) FROM public.profiles));",
      rows, step, seed, noise(seed));
}

std::string make_pages(std::int64_t rows, std::int64_t seed) {
  return fmt::format(
      "CREATE TABLE public.pages (v text) WITH (autovacuum_enabled = off); CREATE INDEX pages_v ON public.pages (v);"
      "INSERT INTO public.pages SELECT repeat({}, 1 + g % 12) FROM generate_series(1, {}) g;",
      noise(seed, "(g / 3)"), rows);  // some rows are the same
}

// Keys at both ends of their type, NULL keys, and values of many types.
std::string make_shapes(std::int64_t rows, std::int64_t seed) {
  return fmt::format(
      "CREATE TABLE public.shapes (k bigint UNIQUE, t text, b bytea, n numeric, f float8, at timestamptz, a int[]);"
      "INSERT INTO public.shapes SELECT CASE WHEN g % 50 = 0 THEN NULL WHEN g % 3 = 0 THEN -9223372036854775807 + g "
      "WHEN g % 3 = 1 THEN 9223372036854775807 - g ELSE g END, E'tab\\t line\\n \\\\. ' || {0}, decode({0}, 'hex'), "
      "g / 7.0, CASE g % 4 WHEN 0 THEN 'NaN' WHEN 1 THEN '-0' ELSE g / 3.0 END::float8, "
      "timestamptz '2026-01-01 00:00+00' + g * interval '1 hour', ARRAY[g, NULL, -g]::int[] "
      "FROM generate_series(1, {1}) g; INSERT INTO public.shapes (t) VALUES (NULL), ('');",
      noise(seed), rows);
}

std::string make_small() {
  return "CREATE TABLE public.small (id int UNIQUE, v text); INSERT INTO public.small VALUES (NULL, 'x'), (-5, 'y');";
}

void add(Workload& workload, const std::string& table, const std::string& key, std::int64_t rows,
         const std::string& sql) {
  workload.tables.push_back(table);
  workload.keys.push_back(key);
  workload.options.insert(workload.options.end(), {"--table", "public." + table});
  workload.create_sql += sql;
  workload.rows += rows;
}

void set(Workload& workload, const std::string& option, const std::string& value) {
  workload.options.insert(workload.options.end(), {option, value});
}

}  // namespace

Workload draw_workload(Random random) {
  Workload workload;
  const auto seed = random.between(1, 1'000'000);
  const auto rows = random.between(200, 2500);
  const auto step = random.pick(std::vector<std::int64_t>{1, 3, 1000, 1'000'000'000'000});
  add(workload, "profiles", "id", rows, make_profiles(rows, step, seed));
  if (random.chance(40)) add(workload, "pages", "", rows / 2, make_pages(rows / 2, seed));
  if (random.chance(40)) add(workload, "shapes", "k", rows / 4 + 2, make_shapes(rows / 4, seed));
  if (random.chance(30)) add(workload, "small", "id", 2, make_small());
  if (random.chance(60)) workload.create_sql += "ANALYZE;";
  set(workload, "--batch-rows", std::to_string(random.between(20, 200)));
  set(workload, "--readers", std::to_string(random.between(1, 4)));
  set(workload, "--writers", std::to_string(random.between(1, 4)));
  set(workload, "--snapshot", random.pick(std::vector<std::string>{"shared", "chunk"}));
  return workload;
}

Workload long_workload(Random random, std::int64_t rows, std::int64_t chunks) {
  Workload workload;
  add(workload, "profiles", "id", rows, make_profiles(rows, random.between(1, 9), random.between(1, 1'000'000)));
  workload.create_sql += "ANALYZE;";
  set(workload, "--batch-rows", std::to_string(std::max<std::int64_t>(1, rows / chunks)));
  set(workload, "--readers", "2");
  set(workload, "--writers", "2");
  set(workload, "--snapshot", random.pick(std::vector<std::string>{"shared", "chunk"}));
  set(workload, "--sleep", "40ms");
  return workload;
}

Workload fixed_workload() {
  auto workload = long_workload(Random(1), 400, 8);
  add(workload, "pages", "", 300,
      "CREATE TABLE public.pages (v text); INSERT INTO public.pages SELECT 'v' || g FROM generate_series(1, 300) g; "
      "ANALYZE public.pages;");
  std::ranges::replace(workload.options, std::string("40ms"), std::string("1ms"));
  return workload;
}

}  // namespace pghaul::test
