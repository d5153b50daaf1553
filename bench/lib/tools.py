"""The tools that are compared. Each copies both tables and builds their primary keys, with two connections a side."""
import os
import shutil
import signal
import subprocess
import threading
import time

from measure import ToolFailed
from tables import COLUMNS, DATABASE, TABLES


class Tools:
    def __init__(self, source, target, folder, pghaul):
        self.source, self.target, self.folder, self.pghaul_path = source, target, folder, pghaul
        self.all = {"pghaul": self.pghaul, "psql": self.psql, "pg_dump": self.pg_dump, "pgcopydb": self.pgcopydb}

    def pghaul_argv(self, verb, *options):
        tables = [part for table in TABLES for part in ("--table", f"public.{table}")]
        return [self.pghaul_path, verb, "--source", self.source.conninfo(DATABASE), "--target",
                self.target.conninfo(DATABASE), *(tables if verb == "copy" else tables[:2]), "--json", *options]

    def pghaul(self, work):
        work.run(self.pghaul_argv("copy", "--progress", "none"))

    def pghaul_killed(self, work, after):
        """Killed in mid-copy, and started again at once."""
        first = work.start(self.pghaul_argv("copy", "--progress", "none"))
        time.sleep(after)
        first.send_signal(signal.SIGKILL)
        work.finish(first, -signal.SIGKILL)
        self.pghaul(work)

    def pghaul_phases(self):
        """Seconds from the first chunk to the last, of building keys, of VACUUM (ANALYZE), as the ledger tells them."""
        times = self.target.sql(DATABASE, "SELECT extract(epoch FROM max(done_at) - min(done_at)), "
                                "extract(epoch FROM {key} - max(done_at)), extract(epoch FROM {end} - {key}) "
                                "FROM pghaul.chunk WHERE state = 'done'".format(
                                    key="(SELECT max(done_at) FROM pghaul.step WHERE step LIKE 'constraint %')",
                                    end="(SELECT max(done_at) FROM pghaul.step WHERE step = 'vacuum')"))
        return dict(zip(("rows", "keys", "vacuum"), map(float, times.split("|"))))

    def psql(self, work):
        """What people write by hand: a pipe per table, both at a time, then its key. No snapshot, no safety net."""
        errors = []

        def table_pipe(table):
            try:
                work.run(self.target.psql_argv(DATABASE, f"CREATE TABLE {table} ({COLUMNS[table]})"))
                out = work.start(self.source.psql_argv(DATABASE, f"COPY {table} TO STDOUT"), stdout=subprocess.PIPE)
                into = work.start(self.target.psql_argv(DATABASE, f"COPY {table} FROM STDIN"), stdin=out.stdout)
                out.stdout.close()
                work.finish(out)
                work.finish(into)
                work.run(self.target.psql_argv(DATABASE, f"ALTER TABLE {table} ADD PRIMARY KEY (id)"))
            except ToolFailed as error:
                errors.append(error)

        threads = [threading.Thread(target=table_pipe, args=(table,)) for table in TABLES]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]

    def pg_dump(self, work):
        dump = self.folder / "dump"
        shutil.rmtree(dump, ignore_errors=True)
        work.run(["pg_dump", "-j2", "-Fd", "-Z0", "-f", dump, *self.source.where(DATABASE)])
        work.run(["pg_restore", "-j2", *self.target.where(DATABASE), dump])

    def pgcopydb(self, work):
        state = self.folder / "pgcopydb"
        shutil.rmtree(state, ignore_errors=True)
        work.run(["pgcopydb", "clone", "--source", self.source.uri(DATABASE), "--target", self.target.uri(DATABASE),
                  "--table-jobs", "2", "--index-jobs", "2", "--dir", state],
                 env=dict(os.environ, PGCOPYDB_DEBUG="", XDG_DATA_HOME=str(self.folder)))

    def clean(self):
        """What a run leaves on disk is thrown away outside the measured time."""
        for name in ("dump", "pgcopydb"):
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def versions(self):
        commands = {"pghaul": [self.pghaul_path, "--version"], "psql": ["psql", "--version"],
                    "pg_dump": ["pg_dump", "--version"], "pgcopydb": ["pgcopydb", "--version"]}
        return {name: first_line(argv) for name, argv in commands.items() if shutil.which(argv[0])}


def first_line(argv):
    return subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout.split("\n")[0]
