"""The table, in Markdown: medians, and how far the runs lay apart."""
import statistics

NAMES = {"pghaul": "pghaul", "psql": "psql \\| psql", "pg_dump": "pg_dump \\| pg_restore", "pgcopydb": "pgcopydb"}
HEADER = ("tool", "wall, s (min–max)", "of pg_dump \\| pg_restore", "tool's CPU, s", "servers' CPU, s",
          "tool's share of CPU", "peak RSS, MB: largest process", "all processes", "other CPU on the machine, s")


def median(runs, field):
    return statistics.median(run[field] for run in runs)


def row(name, runs, base):
    walls = [run["wall"] for run in runs]
    return (NAMES[name], f"{median(runs, 'wall'):.2f} ({min(walls):.2f}–{max(walls):.2f})",
            f"{median(runs, 'wall') / base:.2f}" if base else "–", f"{median(runs, 'tool_cpu'):.2f}",
            f"{median(runs, 'server_cpu'):.2f}", f"{100 * median(runs, 'share'):.1f} %",
            f"{median(runs, 'rss_largest_mb'):.0f}", f"{median(runs, 'rss_sum_mb'):.0f}",
            f"{median(runs, 'other_cpu'):.2f}")


def print_row(cells):
    print("| " + " | ".join(cells) + " |")


def print_setting(result):
    machine = result["machine"]
    print(f"* Machine: {machine['cpu']}, {machine['cores']} cores, {machine['memory_gb']} GB, Linux {machine['kernel']}; "
          f"load before: {machine['load_before'][0]:.2f}. Everything runs on it: both servers and the tool.")
    print(f"* Two PostgreSQL {result['server']} servers, TCP on 127.0.0.1, same settings: "
          + ", ".join(f"{name}={value}" for name, value in result["settings"].items()) + ".")
    for table, facts in result["tables"].items():
        print(f"* `{table}`: {facts['rows']:,} rows, {facts['bytes'] / 1e6:.0f} MB on disk, ids {facts['lowest']:,} to "
              f"{facts['highest']:,}.")
    print("* Versions: " + "; ".join(f"{name}: {text}" for name, text in result["versions"].items()) + ".")
    print(f"* Medians of {result['rounds']}, rounds interleaved.\n")


def print_wanted(runs, base, plan):
    got = [("wall, of pg_dump | pg_restore", "≤ 0.70", median(runs, "wall") / base, 0.70)] if base else []
    got += [("own share of all CPU", "≤ 0.08", median(runs, "share"), 0.08),
            ("peak RSS, MB", "≤ 96", median(runs, "rss_largest_mb"), 96),
            ("planning, s", "≤ 1", median(plan, "wall"), 1)]
    print()
    print_row(("wanted of pghaul", "bound", "got", ""))
    print_row(("---",) * 4)
    for what, bound, value, limit in got:
        print_row((what.replace("|", "\\|"), bound, f"{value:.3g}", "met" if value <= limit else "**missed**"))


def print_report(result):
    print_setting(result)
    base = median(result["runs"]["pg_dump"], "wall") if "pg_dump" in result["runs"] else None
    print_row(HEADER)
    print_row(("---",) * len(HEADER))
    for name, runs in result["runs"].items():
        print_row(row(name, runs, base))
    if "plan" not in result:
        return
    plan = result["plan"]
    phases = {name: statistics.median(run["phases"][name] for run in result["runs"]["pghaul"])
              for name in ("rows", "keys", "vacuum")}
    print("\npghaul's time: " + ", ".join(f"{name} {time:.2f} s" for name, time in phases.items())
          + "; the rest is its start and its end.")
    print_wanted(result["runs"]["pghaul"], base, plan)
    print(f"\nPlanning `profiles`: {median(plan, 'wall'):.3f} s in all, of which {median(plan, 'sample'):.3f} s are the "
          f"sample of speed ({plan[0]['sample_bytes'] / 1e6:.0f} MB read); {plan[0]['chunks']} ranges: {plan[0]['reason']}.")
    if "resume" in result:
        resume = result["resume"]
        print(f"\nkill -9 after {resume['killed_after']:.2f} s and the same command again: {resume['wall']:.2f} s in all, "
              f"{resume['wall'] - resume['uninterrupted']:+.2f} s against the uninterrupted copy; both sides equal.")
