"""What a run costs: wall time, CPU of the tool and of the servers, memory of the tool."""
import os
import pathlib
import subprocess
import threading
import time

from servers import TICKS

SAMPLE_SECONDS = 0.1


class ToolFailed(Exception):
    pass


class Work:
    """The processes of one run of a tool. CPU comes from wait4() and includes their children; memory is sampled."""

    def __init__(self, folder):
        self.folder, self.lock = folder, threading.Lock()
        self.cpu, self.peak_largest, self.peak_sum = 0.0, 0, 0
        self.roots, self.count = set(), 0
        self.done = threading.Event()

    def start(self, argv, **options):
        with self.lock:
            self.count += 1
            log = self.folder / f"{self.count}.log"
        with open(log, "wb") as errors:
            options.setdefault("stdout", subprocess.DEVNULL)
            process = subprocess.Popen(argv, stderr=errors, stdin=options.pop("stdin", subprocess.DEVNULL), **options)
        process.log = log
        with self.lock:
            self.roots.add(process.pid)
        return process

    def finish(self, process, expected=0):
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        with self.lock:
            self.roots.discard(process.pid)
            self.cpu += usage.ru_utime + usage.ru_stime
        if process.returncode != expected:
            raise ToolFailed(f"{process.args[0]} ended with {process.returncode}:\n{process.log.read_text()[-2000:]}")

    def run(self, argv, **options):
        self.finish(self.start(argv, **options))

    def sample(self):
        while not self.done.wait(SAMPLE_SECONDS):
            with self.lock:
                pids = list(self.roots)
            sizes = [memory for pid in family(pids) if (memory := memory_of(pid))]
            self.peak_largest = max([self.peak_largest, *(peak for peak, _ in sizes)])
            self.peak_sum = max(self.peak_sum, sum(now for _, now in sizes))


def family(pids):
    """The processes and all that they have started, as of now."""
    everybody = []
    while pids:
        everybody += pids
        pids = [int(child) for pid in pids for child in children_of(pid)]
    return everybody


def children_of(pid):
    try:
        return [child for task in pathlib.Path(f"/proc/{pid}/task").iterdir()
                for child in (task / "children").read_text().split()]
    except OSError:
        return []


def memory_of(pid):
    """Highest resident size so far (kept by the kernel, exact) and the present one, in kB."""
    try:
        status = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
        return tuple(int(status[field].split()[0]) for field in ("VmHWM", "VmRSS"))
    except (OSError, KeyError):
        return None


def machine_cpu():
    """CPU seconds of the whole machine: all but idle and waiting for disks."""
    fields = pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    return sum(int(fields[i]) for i in (0, 1, 2, 5, 6, 7)) / TICKS


def stolen_cpu():
    """Seconds in which the processors of a virtual machine were given to others."""
    return int(pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[8]) / TICKS


def wait_for_idle(limit):
    """Until the machine has been idle for two seconds, at most `limit` seconds."""
    until, calm = time.monotonic() + limit, 0
    while calm < 4 and time.monotonic() < until:
        before = machine_cpu()
        time.sleep(0.5)
        calm = calm + 1 if machine_cpu() - before < 0.1 else 0


def measure(servers, folder, job):
    """Runs job(work); returns figures of it."""
    for server in servers:
        server.wait_quiet()
    work = Work(folder)
    sampler = threading.Thread(target=work.sample)
    before, machine, stolen = sum(s.cpu() for s in servers), machine_cpu(), stolen_cpu()
    started = time.monotonic()
    sampler.start()
    try:
        job(work)
        wall, stolen = time.monotonic() - started, stolen_cpu() - stolen
    finally:
        work.done.set()
        sampler.join()
    for server in servers:
        server.wait_quiet()
    served = sum(s.cpu() for s in servers) - before
    return {"wall": wall, "tool_cpu": work.cpu, "server_cpu": served, "share": work.cpu / max(work.cpu + served, 0.01),
            "other_cpu": max(0.0, machine_cpu() - machine - work.cpu - served),
            "stolen_cpu": stolen, "rss_largest_mb": work.peak_largest / 1024, "rss_sum_mb": work.peak_sum / 1024}
