#include "support/type_cases.h"

#include <fmt/format.h>

#include "support/servers.h"

namespace pghaul::test {
namespace {

using Cases = std::vector<TypeCase>;

Cases numbers() {
  return {
      {"smallint", "smallint", {"-32768", "0", "32767"}, true, "", ""},
      {"integer", "integer", {"-2147483648", "-1", "2147483647"}, true, "", ""},
      {"bigint", "bigint", {"'-9223372036854775808'", "9223372036854775807"}, true, "", ""},
      {"numeric", "numeric",
       {"'NaN'", "'Infinity'", "'-Infinity'", "'-0'", "'0.000'", "'1.10'", "'1e-1000'", "'1e1000'", "repeat('9', 131072)",
        "'-0.' || repeat('1', 16383)"},
       true, "", ""},
      {"numeric_10_2", "numeric(10,2)", {"'1'", "'-99999999.99'", "'NaN'", "'0.005'"}, true, "", ""},
      {"numeric_3_minus_2", "numeric(3,-2)", {"'12345'", "'-99900'"}, true, "", ""},
      {"real", "real", {"'NaN'", "'Infinity'", "'-Infinity'", "'-0'", "'0.1'", "'1e-45'", "'3.4028235e38'"}, true, "", ""},
      {"double", "double precision",
       {"'NaN'", "'Infinity'", "'-Infinity'", "'-0'", "'0.1'::float8 + '0.2'", "'5e-324'", "'1.7976931348623157e308'"},
       true, "", ""},
      {"money", "money", {"'0'", "'-92233720368547758.08'", "'92233720368547758.07'"}, false, "", ""},
      {"boolean", "boolean", {"true", "false"}, true, "", ""},
      {"oid", "oid", {"0", "'4294967295'"}, false, "", ""},
      {"oidvector", "oidvector", {"''", "'1 4294967295'"}, false, "", ""},
      {"int2vector", "int2vector", {"''", "'1 -2 3'"}, false, "", ""},
      {"bit", "bit(5)", {"B'00000'", "B'10101'"}, true, "", ""},
      {"varbit", "bit varying", {"B''", "B'1'", "repeat('10', 5000)"}, true, "", ""},
  };
}

Cases texts() {
  const std::vector<std::string> texts{
      "''", "' '", R"('\N')", R"('\.')", R"('\')", R"('\\')", R"(E'\\.\n\\.\r\n\\N')", R"(E'tab\there')",
      R"(E'line\nfeed')", R"(E'carriage\rreturn')", R"(E'\r\n')", "'NULL'", "'null'", R"('"quoted"')", "'it''s'", "','",
      R"(E'\x01\x02\b\f\v\x1b\x7f')", "'ünï 😀 e' || U&'\\0301'", "U&'\\+10FFFF\\FFFE\\FEFF'", "'{a,b}'", "'%s%n{}$1'",
      "' x '", "repeat('a\\tb', 300000)"};
  return {
      {"text", "text", texts, true, "", ""},
      {"varchar", "varchar", texts, true, "", ""},
      {"varchar_5", "varchar(5)", {"''", "'ab   '", "'äöüß😀'"}, true, "", ""},
      {"char_5", "char(5)", {"''", "'a'", "'a b'", "' ab'", "'äö'", R"('\.')"}, true, "", ""},
      {"bpchar", "bpchar", {"''", "'a  '"}, true, "", ""},
      {"one_char", "\"char\"", {"''", "'a'", R"('\')", "' '", R"(E'\n')"}, true, "", ""},
      {"name", "name", {"''", "'a b'", "repeat('n', 63)", R"('\N')"}, true, "", ""},
      {"bytea", "bytea",
       {R"('\x')", R"('\x00')", R"('\x5c4e')", R"('\x5c2e')",
        "(SELECT pg_catalog.string_agg(pg_catalog.set_byte('\\x00', 0, g), '' ORDER BY g) FROM generate_series(0, 255) g)",
        "decode(repeat('00ff', 500000), 'hex')"},
       true, "", ""},
      {"json", "json",
       {"' {\"a\":  1, \"a\": 2} '", R"('"\u0000"')", R"('"\ud83d\ude00 \\ \n"')", "'null'", "'1.000e2'", "'[]'",
        "E'[1,\\n\\t2]'"},
       true, "", ""},
      {"jsonb", "jsonb",
       {"'{\"b\": 1, \"a\": {\"\": [null, true, -0.0, 1.000, 1e-100]}}'", R"('"\ud83d\ude00 \\ \n \u0001"')", "'null'",
        "'\"\"'", "'[]'", "'{}'", "(SELECT jsonb_object_agg('key ' || g, repeat('v', g % 50)) FROM generate_series(1, 20000) g)",
        "repeat('[', 500) || repeat(']', 500)"},
       true, "", ""},
      {"jsonpath", "jsonpath", {"'$'", R"('strict $."x \"y"[*] ? (@ > 1 && @ like_regex "^a\\d" flag "i")')"}, false, "", ""},
      {"xml", "xml",
       {"''", "'<a b=\"c\">&lt;ü&#228;</a>'", "'text <b/> and <c/>'", "'<?xml version=\"1.0\" standalone=\"yes\"?><a/>'",
        "'<?xml version=\"1.0\" encoding=\"UTF-8\"?><a>ä</a>'", "'<!DOCTYPE a><a/>'", "E'<a>\\n\\t\\\\.\\n</a>'"},
       true, "", ""},
      {"tsvector", "tsvector", {"''", "'''it''''s'':1A,2B,16383 ''b\\\\'' c:3'", "'a b c'"}, false, "", ""},
      {"tsquery", "tsquery", {"''", "'(''fat'' | ''it''''s'':*AB) & !rat <16384> cat'"}, false, "", ""},
      {"refcursor", "refcursor", {"''", "'a \"b'"}, false, "", ""},
      {"uuid", "uuid", {"'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"}, true, "", ""},
  };
}

Cases times() {
  return {
      {"date", "date", {"'4713-11-24 BC'", "'0001-01-01 BC'", "'5874897-12-31'", "'infinity'", "'-infinity'"}, true, "", ""},
      {"time", "time", {"'00:00'", "'24:00:00'", "'23:59:59.999999'"}, true, "", ""},
      {"time_3", "time(3)", {"'12:00:00.0005'"}, true, "", ""},
      {"timetz", "timetz", {"'24:00:00+15:59:59'", "'00:00:00.000001-15:59:59'"}, true, "", ""},
      {"timestamp", "timestamp",
       {"'4713-11-24 00:00:00 BC'", "'0001-12-31 23:59:59.5 BC'", "'294276-12-31 23:59:59.999999'", "'infinity'",
        "'-infinity'"},
       true, "", ""},
      {"timestamptz", "timestamptz",
       {"'4713-11-24 00:00:00+00 BC'", "'1890-01-01 00:00+01'", "'2026-03-29 02:30:00 Europe/Berlin'",
        "'294276-12-31 23:59:59.999999+00'", "'infinity'", "'-infinity'"},
       true, "", ""},
      {"interval", "interval",
       {"'0'", "'-1 year +2 days -03:04:05.000001'", "'+1 mon -1 day'", "'-178000000 years'", "'178000000 years'",
        "'2147483647 days'", "'-0.000001 s'", "'1 year -1 mon -04:00'"},
       true, "", ""},
      {"interval_months", "interval year to month", {"'-1-2'"}, true, "", ""},
  };
}

Cases networks_and_shapes() {
  return {
      {"inet", "inet", {"'10.1.2.3/8'", "'0.0.0.0/0'", "'::ffff:1.2.3.4'", "'::1/127'"}, true, "", ""},
      {"cidr", "cidr", {"'10.0.0.0/8'", "'0.0.0.0/0'", "'2001:db8::/32'"}, true, "", ""},
      {"macaddr", "macaddr", {"'08:00:2b:01:02:03'"}, true, "", ""},
      {"macaddr8", "macaddr8", {"'08:00:2b:01:02:03:04:05'"}, true, "", ""},
      {"point", "point", {"'(NaN,-0)'", "'(Infinity,-Infinity)'", "'(0.1,1e-300)'"}, true, "", ""},
      {"line", "line", {"'{1,-0.1,3}'"}, true, "", ""},
      {"lseg", "lseg", {"'[(0,0),(1e300,-1e-300)]'"}, true, "", ""},
      {"box", "box", {"'(3,4),(1,2)'", "'(Infinity,0),(-Infinity,0)'"}, true, "", ""},
      {"path", "path", {"'[(0,0),(1,1)]'", "'((0,0),(1,1),(2,0))'"}, true, "", ""},
      {"polygon", "polygon", {"'((0,0),(0.1,1),(2,0))'"}, true, "", ""},
      {"circle", "circle", {"'<(0,0),0>'", "'<(1,2),Infinity>'"}, true, "", ""},
  };
}

Cases ranges() {
  const auto of = [](const std::string& name, const std::string& low, const std::string& high) {
    const auto range = fmt::format("'[{},{})'", low, high), open = fmt::format("'({},)'", low);
    const auto multirange = fmt::format("'{{(,{0}],[{1},)}}'", low, high);
    const auto multi = name.substr(0, name.size() - 5) + "multirange";
    return Cases{{name, name, {"'empty'", "'(,)'", range, open, fmt::format("'(,{}]'", high)}, true, "", ""},
                 {multi, multi, {"'{}'", "'{(,)}'", multirange, fmt::format("'{{{}}}'", range.substr(1, range.size() - 2))},
                  true, "", ""}};
  };
  Cases all;
  for (const auto& made :
       {of("int4range", "-2147483648", "7"), of("int8range", "-9223372036854775808", "7"), of("numrange", "-1.10", "NaN"),
        of("tsrange", "\"2000-01-01 00:00:00\"", "infinity"), of("tstzrange", "-infinity", "\"2000-01-01 00:00:00+00\""),
        of("daterange", "2000-01-01", "infinity")}) {
    all.insert(all.end(), made.begin(), made.end());
  }
  return all;
}

// What belongs to one server: names travel, and have to be there.
Cases of_a_server() {
  return {
      {"regproc", "regproc", {"'now'", "0", "999999"}, false, "", ""},
      {"regprocedure", "regprocedure", {"'sum(integer)'", "0", "'public.\"f \"\" ()\"(integer)'"}, false,
       "CREATE FUNCTION public.\"f \"\" ()\"(int) RETURNS int LANGUAGE sql AS 'SELECT 1'", ""},
      {"regoper", "regoper", {"'||/'", "0"}, false, "", ""},
      {"regoperator", "regoperator", {"'+(integer,integer)'", "'-(NONE,integer)'"}, false, "", ""},
      {"regclass", "regclass", {"'pg_class'", "'public.\"a \"\"b.c\"'", "999999"}, false,
       "CREATE VIEW public.\"a \"\"b.c\" AS SELECT 1 AS n", ""},
      {"regtype", "regtype", {"'integer[]'", "'timestamp with time zone'", "'public.\"t, y\"[]'"}, false,
       "CREATE TYPE public.\"t, y\" AS ENUM ('a')", ""},
      {"regrole", "regrole", {"'postgres'", "0"}, false, "", ""},
      {"regnamespace", "regnamespace", {"'pg_catalog'", "'\"odd \"\"schema\"'"}, false, "CREATE SCHEMA \"odd \"\"schema\"", ""},
      {"regconfig", "regconfig", {"'english'"}, false, "", ""},
      {"regdictionary", "regdictionary", {"'simple'"}, false, "", ""},
      {"regcollation", "regcollation", {"'\"C\"'", "'public.\"c d\"'"}, false,
       "CREATE COLLATION public.\"c d\" (locale = 'C')", ""},
      {"aclitem", "aclitem", {"'postgres=r*w/postgres'", "'=X/postgres'"}, false, "", ""},
      {"xid", "xid", {"'0'", "'4294967295'"}, false, "", ""},
      {"xid8", "xid8", {"'0'", "'18446744073709551615'"}, false, "", ""},
      {"cid", "cid", {"'4294967295'"}, false, "", ""},
      {"tid", "tid", {"'(0,0)'", "'(4294967295,65535)'"}, false, "", ""},
      {"pg_lsn", "pg_lsn", {"'0/0'", "'FFFFFFFF/FFFFFFFF'"}, false, "", ""},
      {"pg_snapshot", "pg_snapshot", {"'10:20:10,14,15'", "'1:1:'"}, false, "", ""},
      {"txid_snapshot", "txid_snapshot", {"'10:20:10,14,15'"}, false, "", ""},
  };
}

Cases made_by_users() {
  const std::string mood = "CREATE TYPE public.\"mood's\" AS ENUM ('', 'a b', 'it''s \"so\"', ',', '{}', '\\N', 'NULL', '😀')";
  const std::string inner = "CREATE TYPE public.inner_row AS (a int, \"b c\" text, gone int, d numeric[]);"
                            "ALTER TYPE public.inner_row DROP ATTRIBUTE gone";
  const std::string inner_value = R"(ROW(1, E'(\t"\\,'')\n', '{1.10,NULL}')::public.inner_row)";
  return {
      {"enum", "public.\"mood's\"", {"''", "'a b'", "'it''s \"so\"'", "','", "'{}'", R"('\N')", "'NULL'", "'😀'"}, false,
       mood, ""},
      {"domain", "public.small", {"0", "99"}, false, "CREATE DOMAIN public.small AS int CHECK (VALUE < 100)", ""},
      {"domain_of_domain", "public.smaller", {"0", "9"}, false,
       "CREATE DOMAIN public.small_too AS int CHECK (VALUE < 100);"
       "CREATE DOMAIN public.smaller AS public.small_too CHECK (VALUE < 10)", ""},
      {"domain_of_array", "public.list", {"'{}'", "'[0:1]={NULL,\"a \\\"b\"}'"}, false,
       "CREATE DOMAIN public.list AS text[] CHECK (array_ndims(VALUE) IS NULL OR array_ndims(VALUE) = 1)", ""},
      {"composite", "public.inner_row", {inner_value, "ROW(NULL, NULL, NULL)", "ROW(0, '', '{}')"}, false, inner, ""},
      {"composite_nested", "public.outer_row",
       {R"(ROW(ROW(2, 'x"', '[2:2]={7}')::public.middle_row, ARRAY[ROW(3, NULL, NULL)::public.middle_row, NULL], '[1,5)'))"},
       false, "CREATE TYPE public.middle_row AS (a int, b text, c numeric[]);"
       "CREATE TYPE public.outer_row AS (\"m M\" public.middle_row, ms public.middle_row[], r int4range)", ""},
      {"composite_empty", "public.nothing_row", {"ROW()::public.nothing_row"}, false, "CREATE TYPE public.nothing_row AS ()", ""},
      {"domain_of_composite", "public.checked_row", {"ROW(1, 'x')", "ROW(1, NULL)"}, false,
       "CREATE TYPE public.plain_row AS (a int, b text);"
       "CREATE DOMAIN public.checked_row AS public.plain_row CHECK ((VALUE).a > 0)", ""},
      {"row_of_a_table", "public.some_table", {"ROW(1, '2026-01-01')"}, false,
       "CREATE TABLE public.some_table (a int, d date)", ""},
      {"own_range", "public.textrange", {"'empty'", "'[\"a, b\",\"c\\\"\")'", "'(,)'"}, false,
       "CREATE TYPE public.textrange AS RANGE (subtype = text, collation = \"C\", multirange_type_name = textranges)", ""},
      {"own_multirange", "public.textranges2", {"'{}'", "'{[\"a b\",c),(d,)}'"}, false,
       "CREATE TYPE public.textrange2 AS RANGE (subtype = text, collation = \"C\", multirange_type_name = textranges2)", ""},
  };
}

Cases arrays() {
  return {
      {"array_of_integer", "int[]", {"'{}'", "'[0:1]={1,NULL}'", "'[-2:-1][3:4]={{1,2},{3,NULL}}'", "'{{{{{{1}}}}}}'"}, true,
       "", ""},
      {"array_of_text", "text[]", {R"('{NULL,"NULL","null","","\"","\\","a,b","{}"," x ","\\N"}')", R"(ARRAY[E'\t\n\r\\.'])"},
       true, "", ""},
      {"array_of_numeric_10_2", "numeric(10,2)[]", {"'{1.1,NaN,NULL}'"}, true, "", ""},
      {"array_of_char_3", "char(3)[]", {"'{a,\"\",NULL}'"}, true, "", ""},
      {"array_of_timestamptz", "timestamptz(3)[]", {"'{infinity,\"2026-01-01 00:00:00.0005+00\"}'"}, true, "", ""},
  };
}

Cases of_extensions() {
  const auto of = [](const std::string& extension, const std::string& type, std::vector<std::string> values) {
    return TypeCase{type, "public." + type, std::move(values), false,
                    fmt::format("CREATE EXTENSION IF NOT EXISTS {} SCHEMA public", extension), extension};
  };
  return {
      of("hstore", "hstore", {"''", R"('a=>NULL, "b \""=>"\"x\\", ""=>""')"}),
      of("citext", "citext", {"''", "'MiXed'", R"('\.')"}),
      of("ltree", "ltree", {"''", "'Top.Science_2.a'"}),
      of("ltree", "lquery", {"'*.a@|b*.!c{1,}'"}),
      of("ltree", "ltxtquery", {"'a & b* | !c@'"}),
      of("cube", "cube", {"'(0),(1)'", "'(0,1e-300),(1,2)'"}),
      of("seg", "seg", {"'1.0'", "'~5 .. >7'"}),
      of("intarray", "query_int", {"'1&(2|!3)'"}),
      of("isn", "ean13", {"'9780393040029'"}),
      of("lo", "lo", {"'0'", "'4294967295'"}),
      of("postgis", "geometry", {"'POINT EMPTY'", "'SRID=4326;POINT(1.1 -0)'", "'GEOMETRYCOLLECTION(POINT Z (1 2 3))'"}),
      of("postgis", "geography", {"'SRID=4326;LINESTRING(0 0,1.1 89.9)'"}),
      of("postgis", "box2d", {"'BOX(0 0,1 1)'"}),
  };
}

}  // namespace

std::vector<TypeCase> type_cases() {
  Cases all;
  for (const auto& cases : {numbers(), texts(), times(), networks_and_shapes(), ranges(), of_a_server(), made_by_users(),
                            arrays(), of_extensions()}) {
    all.insert(all.end(), cases.begin(), cases.end());
  }
  return all;
}

bool has_extension(const std::string& conninfo, const std::string& name) {
  return run_psql(conninfo, fmt::format("SELECT count(*) FROM pg_available_extensions WHERE name = '{}'", name)) == "1";
}

}  // namespace pghaul::test
