"""The tables that are copied, alone or several in one case, and the question whether both sides hold the same."""
import dataclasses
import hashlib
import os
import subprocess

from servers import PINNED

DATABASE = "bench"
ID_SPAN = 1_000_000_000


@dataclasses.dataclass(frozen=True)
class Table:
    name: str
    columns: str
    rows: int
    fill: str  # with {rows}, {step} (of ids that span ID_SPAN) and {span}
    indexes: tuple  # two secondary ones


# Runs of 1,000 consecutive ids with wide gaps between them; together they span 10^9 whatever the number of rows.
PROFILES = Table("profiles", "id bigserial, data jsonb", 2_000_000, """
INSERT INTO profiles (id, data)
SELECT n / 1000 * {step} + n % 1000 + 1, jsonb_build_object(
  'name', 'user-' || to_hex(h & 4294967295), 'email', to_hex(h) || '@example.org', 'age', 18 + n % 70,
  'active', h & 32 = 0, 'balance', (h >> 8 & 1048575)::numeric / 100, 'joined', timestamp '2015-01-01' + n * interval '71 s',
  'address', jsonb_build_object('city', (ARRAY['Zürich', 'Lagos', '東京', 'Kraków'])[1 + (h & 3)], 'zip', h & 65535),
  'tags', jsonb_build_array(n % 13, 'tag' || n % 101, NULL, h & 1 = 0))
FROM (SELECT n, hashint8extended(n, 7) & 4611686018427387903 AS h FROM generate_series(0, {rows} - 1) n) numbered
""", ("((data->>'email'))", "((data->>'age'), id)"))

EVENTS = Table("events", "id bigserial, profile_id bigint NOT NULL, kind smallint NOT NULL, at timestamptz NOT NULL, "
               "amount integer", 4_000_000, """
INSERT INTO events (profile_id, kind, at, amount)
SELECT h % {span}, h % 17, timestamptz '2024-01-01 00:00 UTC' + n * interval '3 s', CASE WHEN n % 5 > 0 THEN h % 100000 END
FROM (SELECT n, hashint8extended(n, 9) & 4611686018427387903 AS h FROM generate_series(1, {rows}) n) numbered
""", ("(profile_id)", "(at, kind)"))

# 200 columns: 80 bigint, 40 double precision, 40 text, 40 timestamptz; every seventh value is missing.
WIDE_TYPES = ["bigint", "double precision", "text", "bigint", "timestamptz"] * 40
WIDE_VALUES = {"bigint": "h / {n}", "double precision": "h / {n}.5", "text": "to_hex(h + {n})",
               "timestamptz": "timestamptz '2020-01-01 00:00 UTC' + (h / {n} % 100000000) * interval '1 s'"}
WIDE = Table("wide", "id bigserial, " + ", ".join(f"c{n} {kind}" for n, kind in enumerate(WIDE_TYPES[:199], 1)), 150_000,
             "INSERT INTO wide SELECT n, " + ", ".join(
                 f"CASE WHEN (n + {n}) % 7 > 0 THEN {WIDE_VALUES[kind].format(n=n)} END"
                 for n, kind in enumerate(WIDE_TYPES[:199], 1))
             + " FROM (SELECT n, hashint8extended(n, 3) & 4611686018427387903 AS h FROM generate_series(1, {rows}) n) numbered",
             ("(c1)", "(c3, c5)"))

# 100 kB a row that do not compress: 2,272 hashes of 44 characters.
TOASTED = Table("toasted", "id bigserial, kind integer NOT NULL, body text NOT NULL", 5_000, """
INSERT INTO toasted (kind, body)
SELECT n % 97, (SELECT string_agg(encode(sha256(int8send(n * 2272::bigint + part)), 'base64'), '') FROM generate_series(1, 2272) part)
FROM generate_series(1, {rows}) n
""", ("(kind)", "(kind, id)"))

# Gaps of 10^6 to 10^12 between ids.
SPARSE = Table("sparse", "id bigserial, state smallint NOT NULL, note text", 2_000_000, """
INSERT INTO sparse
SELECT sum((10 ^ (6 + h % 7))::bigint) OVER (ORDER BY n), h % 5, CASE WHEN h & 8 > 0 THEN 'note ' || to_hex(h) END
FROM (SELECT n, hashint8extended(n, 5) & 4611686018427387903 AS h FROM generate_series(1, {rows}) n) numbered
""", ("(state)", "(note)"))

UUID = Table("uuids", "id uuid, at timestamptz NOT NULL, amount numeric(12, 2), note text", 2_000_000, """
INSERT INTO uuids
SELECT md5(n::text)::uuid, timestamptz '2024-01-01 00:00 UTC' + n * interval '3 s', (h % 100000000) / 100.0, 'note ' || to_hex(h)
FROM (SELECT n, hashint8extended(n, 11) & 4611686018427387903 AS h FROM generate_series(1, {rows}) n) numbered
""", ("(at)", "(note)"))

ALL = (PROFILES, EVENTS, WIDE, TOASTED, SPARSE, UUID)
# Of several tables, or with secondary indexes, or one alone.
CASES = {"pair": (PROFILES, EVENTS), **{table.name: (table,) for table in ALL}, "all": ALL}


class Case:
    def __init__(self, name, scale):
        self.name, self.tables, self.scale = name, CASES[name], scale
        self.with_indexes = name == "all"

    def names(self):
        return [table.name for table in self.tables]

    def indexes_of(self, table):
        """Statements that the target needs after the rows."""
        keys = [f"ALTER TABLE {table.name} ADD PRIMARY KEY (id)"]
        return keys + ([f"CREATE INDEX ON {table.name} {index}" for index in table.indexes] if self.with_indexes else [])

    def make(self, server):
        server.fresh_database(DATABASE)
        for table in self.tables:
            rows = max(1000, int(table.rows * self.scale))
            server.sql(DATABASE, f"CREATE TABLE {table.name} ({table.columns})",
                       table.fill.format(rows=rows, span=ID_SPAN, step=ID_SPAN * 1000 // rows), *self.indexes_of(table))
            if "bigserial" in table.columns:
                server.sql(DATABASE, f"SELECT setval('{table.name}_id_seq', max(id)) FROM {table.name}")
        # Frozen and with its hint bits set: no run pays for what the first reader of a new table has to do.
        server.sql(DATABASE, "VACUUM (FREEZE, ANALYZE)", "CHECKPOINT")

    def facts(self, server):
        """rows, bytes with TOAST and indexes, lowest and highest id of each table."""
        query = ("SELECT count(*), pg_total_relation_size('{0}'), (SELECT id FROM {0} ORDER BY id LIMIT 1), "
                 "(SELECT id FROM {0} ORDER BY id DESC LIMIT 1) FROM {0}")
        facts = {}
        for name in self.names():
            rows, size, lowest, highest = server.sql(DATABASE, query.format(name)).split("|")
            facts[name] = {"rows": int(rows), "bytes": int(size), "lowest": lowest, "highest": highest}
        return facts

    def counts(self, server):
        """Rows of each table, valid indexes of all."""
        return [server.sql(DATABASE, f"SELECT count(*) FROM {name}") for name in self.names()] + [
            server.sql(DATABASE, "SELECT count(*) FROM pg_index WHERE indisvalid AND indrelid::regclass::text "
                                 "= ANY ('{%s}')" % ",".join(self.names()))]

    def digests(self, server):
        return {name: digest(server, name) for name in self.names()}

    def middle(self, server, table):
        """A key with about as many rows below as above."""
        return server.sql(DATABASE, f"SELECT id FROM {table.name} ORDER BY id LIMIT 1 OFFSET (SELECT count(*) / 2 FROM {table.name})")


def digest(server, table):
    argv = server.psql_argv(DATABASE, f"COPY (SELECT * FROM {table} ORDER BY id) TO STDOUT")
    with subprocess.Popen(argv, stdout=subprocess.PIPE, env=dict(os.environ, PGOPTIONS=PINNED)) as psql:
        value = hashlib.file_digest(psql.stdout, "sha256").hexdigest()
    if psql.returncode != 0:
        raise RuntimeError(f"cannot read {table} of the {server.name} server")
    return value
