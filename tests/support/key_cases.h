// Keys of every kind, with values that are nasty to compare or to write down.
#pragma once

#include <string>
#include <vector>

namespace pghaul::test {

struct KeyCase {
  std::string name;
  std::string setup;    // before the table
  std::string columns;  // of the key, and of its index
  std::string index;
  std::string values;   // of row g; different for each g
  std::string special;  // further rows, as VALUES; may be empty
};

inline std::vector<KeyCase> key_cases() {
  return {
      {"uuid_v4", "", "id uuid", "id", "md5(g::text)::uuid",
       "('00000000-0000-0000-0000-000000000000'), ('ffffffff-ffff-ffff-ffff-ffffffffffff')"},
      {"text", "", "id text", "id",
       "CASE g % 3 WHEN 0 THEN 'prefix/prefix/prefix/' WHEN 1 THEN 'Ä' ELSE '' END || g",
       R"((''), (' '), ('  '), ('\'), ('''; drop table x; --'), (E'tab\tnew\nline'), ('"["'), ('ß'), ('ss'), ('é'), (E'e\u0301'), ('[]'), ('\u0041'), (E'\x7f'), ('NULL'))"},
      {"text_c", "", "id text COLLATE \"C\"", "id", "CASE g % 2 WHEN 0 THEN 'a' ELSE 'B' END || g",
       "('_'), ('ä'), ('')"},
      {"text_icu", "", "id text COLLATE \"und-x-icu\"", "id",
       "CASE g % 4 WHEN 0 THEN 'a' WHEN 1 THEN 'A' WHEN 2 THEN 'ä' "
       "ELSE 'z-' END || g",
       "('a b'), ('ab'), ('a-b'), ('')"},
      {"text_index_collation", "", "id text COLLATE \"und-x-icu\"", "id COLLATE \"C\"",
       "CASE g % 2 WHEN 0 THEN 'a' ELSE 'B' END || g", "('_'), ('ä')"},
      {"text_any_case",
       "CREATE COLLATION public.any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
       "id text COLLATE public.any_case", "id", "CASE g % 2 WHEN 0 THEN 'Row' ELSE 'rOw' END || g",
       "(''), ('ROW')"},
      {"text_pattern", "", "id text", "id text_pattern_ops DESC", "'p' || g % 7 || '/' || g", ""},
      {"varchar", "", "id varchar(40)", "id", "'v' || g", "('')"},
      {"char_padded", "", "id char(12)", "id", "'c' || g", "(''), ('a b')"},
      {"name", "", "id name", "id", "'n' || g", ""},
      {"citext", "CREATE EXTENSION IF NOT EXISTS citext SCHEMA public", "id public.citext", "id",
       "CASE g % 2 WHEN 0 THEN 'User' ELSE 'uSER' END || g", "('Z'), ('a')"},
      {"bytea", "", "id bytea", "id", "decode(md5(g::text), 'hex')",
       R"(('\x'), ('\x00'), ('\x0000'), ('\xff'))"},
      {"numeric", "", "id numeric", "id", "(g - 900) * 1.10 / (g % 7 + 1) + g * 1e-9",
       "('NaN'), ('Infinity'), ('-Infinity'), (1e100), (-1e-100)"},
      {"float", "", "id float8", "id", "(g - 900.5) / 7",
       "('NaN'), ('Infinity'), ('-Infinity'), ('-0'), (5e-324)"},
      {"real", "", "id real", "id", "(g * 1.25)::real", "('NaN'), (1e-45)"},
      {"timestamptz", "", "id timestamptz", "id DESC",
       "timestamptz '2020-03-29 00:00+00' + g * interval '61.000001 seconds'",
       "('infinity'), ('-infinity'), ('4713-01-02 00:00 BC'), ('294276-12-31 23:59:59.999999')"},
      {"date", "", "id date", "id", "date '0001-01-01' - 700 + g",
       "('infinity'), ('-infinity'), ('5874897-12-31')"},
      {"interval", "", "id interval", "id", "g * interval '1 day 3 seconds'", "('-1 year 2 mons'), ('0')"},
      {"timetz", "", "id timetz", "id", "(time '00:00' + g * interval '40 seconds')::time::text::timetz",
       "('24:00+15:59')"},
      {"inet", "", "id inet", "id", "inet '10.0.0.0/8' + g",
       "('::1'), ('10.0.0.0/16'), ('10.0.0.0/8'), ('0.0.0.0/0')"},
      {"macaddr", "", "id macaddr", "id", "('08002b' || lpad(to_hex(g), 6, '0'))::macaddr", ""},
      {"enum", "CREATE TYPE public.color AS ENUM ('red', 'Zebra blue', 'a''b', 'last', 'äpfel')",
       "id public.color, n int", "id, n", "(enum_range(NULL::public.color))[1 + g % 5], g", ""},
      {"domain", "CREATE DOMAIN public.email AS text CHECK (VALUE <> 'x')", "id public.email", "id",
       "'m' || g", "('')"},
      {"int_array", "", "id int[]", "id", "ARRAY[g % 10, g]",
       "('{}'), ('[0:0]={7}'), ('{NULL}'), ('{{1,2},{3,4}}')"},
      {"text_array", "", "id text[]", "id", "ARRAY['a b', g::text]",
       R"(('{}'), ('{NULL,"NULL","\"","\\"}'))"},
      {"daterange", "", "id daterange", "id", "daterange(date '2000-01-01' + g, date '2001-01-01' + g)",
       "('empty'), ('(,)')"},
      {"jsonb", "", "id jsonb", "id", "jsonb_build_object('k', g)", "('null'), ('[]'), ('\"\\u00e4\\n\"')"},
      {"oid", "", "id oid", "id", "g", "(4294967295)"},
      {"varbit", "", "id varbit", "id", "g::bit(24)::varbit", "('0'), ('')"},
      {"bigint_desc_two", "", "a bigint, b bigint", "a, b", "g % 3 - 1, g * 1000000007::bigint",
       "(-9223372036854775808, 9223372036854775807), (9223372036854775807, -9223372036854775808)"},
      {"tenant_text", "", "tenant int, name text", "tenant, name",
       "CASE WHEN g < 900 THEN 7 ELSE g % 20 END, 'n' || g", ""},
      {"mixed_desc", "", "a int, b text, c timestamptz", "a DESC, b, c DESC NULLS LAST",
       "g % 5, 'b' || g % 4, timestamptz '2000-01-01 00:00+00' + g * interval '1 h'",
       "(-1, '', 'infinity'), (9, '', '-infinity')"},
      {"equal_numerics", "", "a numeric, b int", "a, b DESC",
       "CASE g % 4 WHEN 0 THEN 1.0 WHEN 1 THEN 1.00 WHEN 2 THEN 1.000 "
       "ELSE 2.0 END, g",
       ""},
      {"equal_citext", "CREATE EXTENSION IF NOT EXISTS citext SCHEMA public", "a public.citext, b int",
       "a, b", "CASE g % 3 WHEN 0 THEN 'Same' WHEN 1 THEN 'sAME' ELSE 'same' END, g", ""},
      {"four_columns", "", "a int, b int, c int, d int", "a, b DESC, c, d DESC",
       "g / 1000, g / 100 % 3, g / 10 % 4, g", ""},
      {"odd_names", "", "\"a \"\"b\" text, \"select\" uuid", "\"a \"\"b\" DESC, \"select\" DESC",
       "'x' || g % 3, md5(g::text)::uuid", ""},
  };
}

// For docs/compatibility.md: the columns, and the index where it is not just these.
inline std::string key_definition(const KeyCase& key) {
  return key.columns + (key.index == "id" ? "" : "; index (" + key.index + ")");
}

// A table with this key, as a unique index: a primary key could not have all of these.
inline std::string key_table_sql(const KeyCase& key, int rows, const std::string& table = "public.profiles") {
  std::string sql = key.setup + ";CREATE TABLE " + table + " (" + key.columns + ", data text);";
  sql += "INSERT INTO " + table + " SELECT " + key.values +
         ", repeat(md5(g::text), 3) FROM generate_series(1, " + std::to_string(rows) + ") g;";
  if (!key.special.empty()) sql += "INSERT INTO " + table + " VALUES " + key.special + ";";
  sql += "CREATE UNIQUE INDEX ON " + table + " (" + key.index + ");";
  sql += "DO $$ DECLARE c text; BEGIN FOR c IN SELECT attname FROM pg_attribute WHERE attrelid = '" + table +
         "'::regclass AND attnum > 0 AND attname <> 'data' LOOP EXECUTE format('ALTER TABLE " + table +
         " ALTER %I SET NOT NULL', c); END LOOP; END $$;";
  return sql;
}

}  // namespace pghaul::test
