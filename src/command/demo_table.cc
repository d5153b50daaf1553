#include "command/demo_table.h"

#include <fmt/format.h>

namespace pghaul::demonstration {
namespace {

Deadline long_enough() { return Deadline::after(std::chrono::hours(2)); }

// Bursts of consecutive ids with small gaps between them, as transactions that roll back leave; a thousand middling
// gaps, twelve of a million, and one of 10^12. The texts hold whatever COPY has to escape, and letters of several
// alphabets.
constexpr auto kFill = R"sql(
INSERT INTO public.profiles (id, data)
SELECT n + n / 23 * 2 + n / ($1::bigint / 1000) * 500 + n / ($1::bigint / 12) * 1000000
         + CASE WHEN n > $1::bigint * 3 / 5 THEN 1000000000000 ELSE 0 END,
  CASE WHEN n % 997 > 0 THEN pg_catalog.jsonb_build_object(
    'handle', 'user-' || pg_catalog.to_hex(h & 268435455),
    'city', (ARRAY['Zürich', 'São Paulo', '東京', 'Kraków', 'Nairobi', 'Montréal', 'Αθήνα', 'Reykjavík'])[1 + (h & 7)],
    'languages', (ARRAY['["de", "fr"]', '["pt"]', '["ja", "en"]', '["pl", "uk", "en"]', '[]'])[1 + n % 5]::jsonb,
    'joined', timestamp '2012-01-01 00:00' + (h & 134217727) * interval '3 seconds',
    'balance', pg_catalog.round((h >> 8 & 1048575)::numeric / 100, 2),
    'active', h & 32 = 0,
    'referrer', CASE WHEN n % 3 = 0 THEN pg_catalog.to_hex(h) END,
    'settings', pg_catalog.jsonb_build_object(
      'theme', CASE WHEN h & 64 = 0 THEN 'dark' ELSE 'light' END,
      'limits', pg_catalog.jsonb_build_array(n % 100, h >> 12 & 255, NULL)),
    'about', pg_catalog.repeat(
      (ARRAY[E'"quoted" and back\\slashed. ', E'two\tcolumns,\nthree lines\r\n ', 'naïve café ☕ ',
             'plain words, nothing else '])[1 + (h >> 40 & 3)],
      (h >> 42 & 3)::integer)) END
FROM (SELECT n, pg_catalog.hashint8extended(n, 42) & 4611686018427387903 AS h
      FROM pg_catalog.generate_series(1, $1::bigint) n) numbered
)sql";

constexpr auto kFinish = R"sql(
SELECT pg_catalog.setval('public.profiles_id_seq', (SELECT pg_catalog.max(id) FROM public.profiles));
CREATE INDEX profiles_handle ON public.profiles ((data ->> 'handle'));
ANALYZE public.profiles
)sql";

constexpr auto kFacts =
    "SELECT pg_catalog.count(*), pg_catalog.min(id), pg_catalog.max(id), "
    "pg_catalog.pg_relation_size('public.profiles') FROM public.profiles";

}  // namespace

FilledTable make_profiles(pg::Connection& connection, std::int64_t rows) {
  connection.run("CREATE TABLE public.profiles (id bigserial PRIMARY KEY, data jsonb)", long_enough());
  connection.query(kFill, {std::to_string(rows)}, long_enough());
  connection.run(kFinish, long_enough());
  const auto facts = connection.run(kFacts, long_enough());
  return {facts.int64(0, 0), std::string(facts.text(0, 1)), std::string(facts.text(0, 2)), facts.int64(0, 3)};
}

std::int64_t count_rows(pg::Connection& connection) {
  return connection.run("SELECT pg_catalog.count(*) FROM public.profiles", long_enough()).int64(0, 0);
}

}  // namespace pghaul::demonstration
