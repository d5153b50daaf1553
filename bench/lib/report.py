"""The table, in Markdown: medians, and how far the runs lay apart."""
import statistics

NAMES = {"pghaul": "pghaul", "pghaul-rows": "pghaul, no VACUUM", "psql": "psql \\| psql", "halves": "two of them on key halves",
         "pg_dump": "pg_dump \\| pg_restore", "pgcopydb": "pgcopydb"}
HEADER = ("tool", "wall, s (min–max)", "of pg_dump \\| pg_restore", "tool's CPU, s", "servers' CPU, s", "servers' CPU / all cores",
          "tool's share of CPU", "peak RSS, MB: largest process", "all processes", "other CPU on the machine, s",
          "CPU given to other machines, s: most")


def median(runs, field):
    return statistics.median(run[field] for run in runs)


def row(name, runs, base, cores):
    walls = [run["wall"] for run in runs]
    efficiency = statistics.median(run["server_cpu"] / (run["wall"] * cores) for run in runs)
    return (NAMES[name], f"{median(runs, 'wall'):.2f} ({min(walls):.2f}–{max(walls):.2f})",
            f"{median(runs, 'wall') / base:.2f}" if base else "–", f"{median(runs, 'tool_cpu'):.2f}",
            f"{median(runs, 'server_cpu'):.2f}", f"{100 * efficiency:.0f} %", f"{100 * median(runs, 'share'):.1f} %",
            f"{median(runs, 'rss_largest_mb'):.0f}", f"{median(runs, 'rss_sum_mb'):.0f}",
            f"{median(runs, 'other_cpu'):.2f}", f"{max(run['stolen_cpu'] for run in runs):.2f}")


def print_row(cells):
    print("| " + " | ".join(cells) + " |")


def print_setting(result):
    machine = result["machine"]
    print(f"* Machine: {machine['cpu']}, {machine['cores']} cores, {machine['memory_gb']} GB, Linux {machine['kernel']}; "
          f"load before: {machine['load_before'][0]:.2f}. Everything runs on it: both servers and the tool.")
    print(f"* Two PostgreSQL {result['server']} servers, TCP on 127.0.0.1, same settings: "
          + ", ".join(f"{name}={value}" for name, value in result["settings"].items()) + ".")
    print("* Versions: " + "; ".join(f"{name}: {text}" for name, text in result["versions"].items()) + ".")
    print(f"* Medians of {result['rounds']}, rounds interleaved.\n")


def print_wanted(runs):
    """Wall time beside each peer's that does the same work, and the bounds that the project has set itself."""
    wall = median(runs["pghaul"], "wall")
    same, note = (median(runs["pghaul-rows"], "wall"), " (neither with VACUUM)") if "pghaul-rows" in runs else (wall, "")
    got = [(f"wall, of {NAMES['pgcopydb']}", 0.60, wall / median(runs["pgcopydb"], "wall"))] if "pgcopydb" in runs else []
    got += [(f"wall, of {NAMES['pg_dump']}{note}", 0.65, same / median(runs["pg_dump"], "wall"))] if "pg_dump" in runs else []
    pipes = [median(runs[peer], "wall") for peer in ("psql", "halves") if peer in runs]
    got += [(f"wall, of the better of the two with psql{note}", 1, same / min(pipes))] if pipes else []
    got += [("own share of all CPU", 0.08, median(runs["pghaul"], "share")),
            ("peak RSS, MB", 96, median(runs["pghaul"], "rss_largest_mb"))]
    print()
    print_row(("wanted of pghaul", "bound", "got", ""))
    print_row(("---",) * 4)
    for what, limit, value in got:
        print_row((what, f"≤ {limit}", f"{value:.2f}", "met" if value <= limit else "**missed**"))


def ratio(one, other, bound):
    value = one / other
    return f"{value:.2f}" if value <= bound else f"**{value:.2f}**"


def print_summary(result):
    """Every case in a row; what misses its bound is in bold. `least`: pghaul's wall time if both servers, with the work that
    they do for it, kept all cores busy all the time, in the same ratio: no tool that asks them the same could be below."""
    cores = result["machine"]["cores"]
    print_row(("case", "pghaul, s", "of pgcopydb (≤ 0.60)", "least", "without VACUUM, s", "of pg_dump \\| pg_restore (≤ 0.65)", "least",
               "of the better psql (≤ 1)", "servers' CPU / all cores", "pghaul's share of CPU"))
    print_row(("---",) * 10)
    for name, case in result["cases"].items():
        runs = case["runs"]
        wall, rows = median(runs["pghaul"], "wall"), median(runs["pghaul-rows"], "wall")
        pipes = min(median(runs[peer], "wall") for peer in ("psql", "halves"))
        copydb, dump = (median(runs[peer], "wall") for peer in ("pgcopydb", "pg_dump"))
        busy = statistics.median(run["server_cpu"] / (run["wall"] * cores) for run in runs["pghaul"])
        least = [median(runs[tool], "server_cpu") / cores / peer for tool, peer in (("pghaul", copydb), ("pghaul-rows", dump))]
        print_row((name, f"{wall:.2f}", ratio(wall, copydb, 0.60), f"{least[0]:.2f}", f"{rows:.2f}", ratio(rows, dump, 0.65),
                   f"{least[1]:.2f}", ratio(rows, pipes, 1), f"{100 * busy:.0f} %", f"{100 * median(runs['pghaul'], 'share'):.1f} %"))


def print_case(name, case, cores):
    runs = case["runs"]
    print(f"\n### {name}\n")
    for table, facts in case["tables"].items():
        print(f"* `{table}`: {facts['rows']:,} rows, {facts['bytes'] / 1e6:.0f} MB on disk, ids {facts['lowest']} to "
              f"{facts['highest']}")
    print()
    base = median(runs["pg_dump"], "wall") if "pg_dump" in runs else None
    print_row(HEADER)
    print_row(("---",) * len(HEADER))
    for tool, of_tool in runs.items():
        print_row(row(tool, of_tool, base, cores))
    if "pghaul" not in runs:
        return
    phases = {phase: statistics.median(run["phases"][phase] for run in runs["pghaul"]) for phase in ("rows", "keys", "vacuum")}
    print("\npghaul's time: " + ", ".join(f"{phase} {time:.2f} s" for phase, time in phases.items())
          + "; the rest is its start and its end.")
    print_wanted(runs)
    print_extra(case)


def print_extra(case):
    if "plan" in case:
        plan = case["plan"]
        print(f"\nPlanning `profiles`: {median(plan, 'wall'):.3f} s in all, of which {median(plan, 'sample'):.3f} s are the "
              f"sample of speed ({plan[0]['sample_bytes'] / 1e6:.0f} MB read); {plan[0]['chunks']} ranges: {plan[0]['reason']}.")
    if "resume" in case:
        resume = case["resume"]
        print(f"\nkill -9 after {resume['killed_after']:.2f} s and the same command again: {resume['wall']:.2f} s in all, "
              f"{resume['wall'] - resume['uninterrupted']:+.2f} s against the uninterrupted copy; both sides equal.")
