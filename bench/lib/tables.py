"""The two tables that are copied, and the question whether both sides hold the same."""
import hashlib
import os
import subprocess

from servers import PINNED

DATABASE = "bench"
TABLES = ("profiles", "events")
COLUMNS = {
    "profiles": "id bigserial, data jsonb",
    "events": "id bigserial, profile_id bigint NOT NULL, kind smallint NOT NULL, at timestamptz NOT NULL, "
              "amount integer",
}
PROFILES, EVENTS, ID_SPAN = 2_000_000, 4_000_000, 1_000_000_000

# Runs of 1,000 consecutive ids with wide gaps between them; together they span 10^9 whatever the number of rows.
FILL_PROFILES = """
INSERT INTO profiles (id, data)
SELECT n / 1000 * {step} + n % 1000 + 1, jsonb_build_object(
  'name', 'user-' || to_hex(h & 4294967295), 'email', to_hex(h) || '@example.org', 'age', 18 + n % 70,
  'active', h & 32 = 0, 'balance', (h >> 8 & 1048575)::numeric / 100, 'joined', timestamp '2015-01-01' + n * interval '71 s',
  'address', jsonb_build_object('city', (ARRAY['Zürich', 'Lagos', '東京', 'Kraków'])[1 + (h & 3)], 'zip', h & 65535),
  'tags', jsonb_build_array(n % 13, 'tag' || n % 101, NULL, h & 1 = 0))
FROM (SELECT n, hashint8extended(n, 7) & 4611686018427387903 AS h FROM generate_series(0, {rows} - 1) n) numbered
"""
FILL_EVENTS = """
INSERT INTO events (profile_id, kind, at, amount)
SELECT h % {span}, h % 17, timestamptz '2024-01-01 00:00 UTC' + n * interval '3 s', CASE WHEN n % 5 > 0 THEN h % 100000 END
FROM (SELECT n, hashint8extended(n, 9) & 4611686018427387903 AS h FROM generate_series(1, {rows}) n) numbered
"""


def make(server, scale):
    profiles, events = max(1000, int(PROFILES * scale)), max(1000, int(EVENTS * scale))
    server.fresh_database(DATABASE)
    server.sql(DATABASE, *(f"CREATE TABLE {table} ({COLUMNS[table]}, PRIMARY KEY (id))" for table in TABLES),
               FILL_PROFILES.format(rows=profiles, step=ID_SPAN * 1000 // profiles),
               FILL_EVENTS.format(rows=events, span=ID_SPAN),
               "SELECT setval('profiles_id_seq', max(id)) FROM profiles")
    # Frozen and with its hint bits set: no run pays for what the first reader of a new table has to do.
    server.sql(DATABASE, "VACUUM (FREEZE, ANALYZE)", "CHECKPOINT")


def facts(server):
    """rows, bytes with TOAST and key, lowest and highest id of each table."""
    query = "SELECT count(*), pg_total_relation_size('{0}'), min(id), max(id) FROM {0}"
    return {table: dict(zip(("rows", "bytes", "lowest", "highest"),
                            map(int, server.sql(DATABASE, query.format(table)).split("|")))) for table in TABLES}


def counts(server):
    keys = "SELECT count(*) FROM pg_index WHERE indisprimary AND indisvalid AND indrelid IN ('{}'::regclass, '{}'::regclass)"
    return [server.sql(DATABASE, f"SELECT count(*) FROM {table}") for table in TABLES] + [
        server.sql(DATABASE, keys.format(*TABLES))]


def digests(server):
    return {table: digest(server, table) for table in TABLES}


def digest(server, table):
    argv = server.psql_argv(DATABASE, f"COPY (SELECT * FROM {table} ORDER BY id) TO STDOUT")
    with subprocess.Popen(argv, stdout=subprocess.PIPE, env=dict(os.environ, PGOPTIONS=PINNED)) as psql:
        value = hashlib.file_digest(psql.stdout, "sha256").hexdigest()
    if psql.returncode != 0:
        raise RuntimeError(f"cannot read {table} of the {server.name} server")
    return value
