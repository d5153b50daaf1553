"""The tools that are compared. Each copies all tables of a case and builds their indexes, with two connections a side."""
import concurrent.futures
import os
import shutil
import signal
import subprocess
import time

from tables import DATABASE


class Tools:
    """Of one case."""

    def __init__(self, case, source, target, folder, pghaul):
        self.case, self.source, self.target, self.folder, self.pghaul_path = case, source, target, folder, pghaul
        self.all = {"pghaul": self.pghaul, "pghaul-rows": self.pghaul_rows, "psql": self.psql, "halves": self.halves,
                    "pg_dump": self.pg_dump, "pgcopydb": self.pgcopydb}

    def pghaul_argv(self, verb, *options):
        tables = [part for name in self.case.names() for part in ("--table", f"public.{name}")]
        return [self.pghaul_path, verb, "--source", self.source.conninfo(DATABASE), "--target",
                self.target.conninfo(DATABASE), *(tables if verb == "copy" else tables[:2]), "--json", *options]

    def pghaul(self, work):
        work.run(self.pghaul_argv("copy", "--progress", "none"))

    def pghaul_rows(self, work):
        """Without the VACUUM (ANALYZE) that psql and pg_restore leave out, too."""
        work.run(self.pghaul_argv("copy", "--progress", "none", "--after-copy", "none"))

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
        """What people write by hand: a pipe per table, two at a time, then its indexes. No snapshot, no safety net."""
        self.two_at_a_time(self.case.tables, lambda table: self.pipe_table(work, table, [f"COPY {table.name} TO STDOUT"]))

    def halves(self, work):
        """The same with two pipes for each table, at a key that somebody has found before."""
        for table in self.case.tables:
            middle = f"'{self.middles[table.name]}'"
            self.pipe_table(work, table, [f"COPY (SELECT * FROM {table.name} WHERE id {side} {middle}) TO STDOUT"
                                          for side in ("<", ">=")])

    def find_middles(self):
        self.middles = {table.name: self.case.middle(self.source, table) for table in self.case.tables}

    def pipe_table(self, work, table, queries):
        work.run(self.target.psql_argv(DATABASE, f"CREATE TABLE {table.name} ({table.columns})"))
        self.two_at_a_time(queries, lambda query: self.pipe(work, table, query))
        self.two_at_a_time(self.case.indexes_of(table), lambda statement: work.run(self.target.psql_argv(DATABASE, statement)))

    def pipe(self, work, table, query):
        out = work.start(self.source.psql_argv(DATABASE, query), stdout=subprocess.PIPE)
        into = work.start(self.target.psql_argv(DATABASE, f"COPY {table.name} FROM STDIN"), stdin=out.stdout)
        out.stdout.close()
        work.finish(out)
        work.finish(into)

    @staticmethod
    def two_at_a_time(things, job):
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for done in [pool.submit(job, thing) for thing in things]:
                done.result()

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
