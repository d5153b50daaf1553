"""Throwaway PostgreSQL servers: made, measured and removed by the benchmark itself."""
import glob
import os
import pathlib
import socket
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")
# The same on both sides. Nothing here favours one tool: what a run leaves dirty is written before the next one starts.
SETTINGS = {
    "fsync": "off",
    "shared_buffers": "1GB",
    "min_wal_size": "4GB",  # files of the log are used again, so no run pays for making them
    "max_wal_size": "16GB",
    "checkpoint_timeout": "1h",
    "maintenance_work_mem": "256MB",
    "autovacuum": "off",
}
# So that the text of a value does not depend on who asks.
PINNED = "-c client_min_messages=warning -c timezone=UTC -c datestyle=ISO -c extra_float_digits=1 -c bytea_output=hex"


def bindir():
    """The newest installed server, Debian's folders first, then pg_config."""
    folders = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda f: int(f.split("/")[4]), reverse=True)
    if not folders:
        folders = [subprocess.check_output(["pg_config", "--bindir"], text=True).strip()]
    return next(pathlib.Path(f) for f in folders if (pathlib.Path(f) / "initdb").exists())


def server_user():
    """PostgreSQL refuses to run as root."""
    return {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    def __init__(self, folder, name):
        self.name, self.port, self.folder = name, free_port(), folder / name
        self.data, self.log = self.folder / "data", self.folder / "log"
        self.process = None

    def start(self):
        programs, user = bindir(), server_user()
        self.folder.mkdir()
        if user:
            subprocess.check_call(["chown", "postgres:postgres", self.folder])
        with open(self.folder.parent / f"{self.name}.log", "wb") as log:
            subprocess.run([programs / "initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
                            "--locale=C.UTF-8", "--no-sync"], check=True, stdout=log, stderr=log, cwd="/", **user)
            options = [f"-c{name}={value}" for name, value in SETTINGS.items()]
            options += ["-clisten_addresses=127.0.0.1", f"-cport={self.port}", f"-cunix_socket_directories={self.folder}"]
            self.process = subprocess.Popen([programs / "postgres", "-D", self.data, *options], stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, cwd="/", **user)
        while subprocess.call([programs / "pg_isready", "-q", *self.where("postgres")]) != 0:
            if self.process.poll() is not None:
                raise RuntimeError(f"the {self.name} server did not start; see {log.name}")
            time.sleep(0.1)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(3)  # SIGQUIT: at once, the data are thrown away
            self.process.wait()

    def where(self, database):
        return ["-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-d", database]

    def conninfo(self, database):
        return f"host=127.0.0.1 port={self.port} user=postgres dbname={database}"

    def uri(self, database):
        return f"postgres://postgres@127.0.0.1:{self.port}/{database}"

    def psql_argv(self, database, *commands):
        argv = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *self.where(database)]
        return argv + [part for command in commands for part in ("-c", command)]

    def sql(self, database, *commands):
        return subprocess.run(self.psql_argv(database, *commands), check=True, stdout=subprocess.PIPE, text=True,
                              env=dict(os.environ, PGOPTIONS=PINNED)).stdout.strip()

    def fresh_database(self, database):
        self.sql("postgres", f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
        self.sql("postgres", f"CREATE DATABASE {database} TEMPLATE template0", "CHECKPOINT")

    def wait_quiet(self):
        """Until the sessions of the last client have ended: only then is their CPU time all told."""
        query = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        until = time.monotonic() + 30
        while self.sql("postgres", query) != "0":
            if time.monotonic() > until:
                raise RuntimeError(f"sessions are left on the {self.name} server")
            time.sleep(0.05)

    def cpu(self):
        """Seconds of the postmaster, of the children it has waited for, and of those that still run."""
        main = self.process.pid
        children = pathlib.Path(f"/proc/{main}/task/{main}/children").read_text().split()
        return sum(cpu_of(pid) for pid in [main, *children])


def cpu_of(pid):
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0.0  # ended just now; its time moves to the postmaster's
    return sum(int(field) for field in stat.rpartition(")")[2].split()[11:15]) / TICKS
