"""Runs the benchmarks; scripts/bench is its command line and says what the flags mean."""

import argparse
import json
import pathlib
import shutil
import statistics
import sys
import tempfile

import bench_pipeline
from demo_system import Trouble
from testing.processes import ROOT, run, tail
from testing.servers import ServerFailed, Servers

PRESET = "release"
BUILD_SECONDS = 45 * 60
BENCH_SECONDS = 15 * 60
SHOWN_LINES = 30

# What is measured by an executable of its own, and the servers that needs.
BENCHES = {
    "stream": [("bench_stream_kafka", ("kafka",)), ("bench_stream_sqlite", ())],
    "store": [("bench_store", ("postgres",))],
}
# What is measured on whole shops.
SHOPS = {"embedded": ["embedded"], "distributed": ["distributed"],
         "pipeline": ["embedded", "distributed"]}
PROGRAMS = ["dropline", "dropline-ingress", "dropline-worker", "dropline-sandbox", "dropline-load"]
SUBJECTS = [*BENCHES, *SHOPS, "peers"]


def at_least(limit):
    return f"≥ {limit:,}", lambda value, figures: value >= limit


def within_an_fsync(spare_ms):
    return (f"< {spare_ms} + fsync",
            lambda value, figures: value < spare_ms + figures["fsync_ms_p50"])


def at_most(limit):
    return f"≤ {limit:,}", lambda value, figures: value <= limit


# A figure by its name, or by the end of its name, and what it must reach.
TARGETS = {
    "stream_kafka": {"ratio": at_least(0.8)},
    "stream_sqlite": {"append_per_s": at_least(100_000), "deliver_per_s": at_least(200_000),
                      "lone_ms_p50": within_an_fsync(3)},
    "store": {"ratio": at_least(0.8)},
    "pipeline_embedded": {
        "hot.paid_per_s": at_least(3_500), "steady.p99_ms": at_most(40),
        "lone.p50_ms": at_most(20), "lag_ms": at_most(1_000), "peak_mb.dropline": at_most(300),
        "refusals.answered_per_s": at_least(12_000), "restart_s": at_most(2)},
    "pipeline_distributed": {
        "hot.paid_per_s": at_least(3_000), "steady.p99_ms": at_most(150),
        "lone.p50_ms": at_most(40), "lag_ms": at_most(1_000),
        "refusals.answered_per_s": at_least(12_000)},
    "beside_one_transaction": {"hot_times": at_least(6), "spread_times": at_least(3)},
}


def target_of(bench, figure):
    for end, target in TARGETS.get(bench, {}).items():
        if figure == end or figure.endswith((f".{end}", f"_{end}")):
            return target
    return None


def flat(value, prefix=""):
    """{"produce": {"ratio": 1}} -> {"produce.ratio": 1}; numbers only."""
    found = {}
    for name, inner in value.items():
        if isinstance(inner, dict):
            found.update(flat(inner, f"{prefix}{name}."))
        elif isinstance(inner, (int, float)) and not isinstance(inner, bool):
            found[prefix + name] = inner
    return found


def title_of(line):
    """The bench's name, and what tells its lines apart (a dialect, a batch size)."""
    texts = [str(value) for name, value in line.items()
             if name != "bench" and isinstance(value, str)]
    return " ".join([line.get("bench", "?"), *texts])


def measure(name, environment):
    """One run of one executable: its JSON lines."""
    executable = next(iter(sorted((ROOT / "build" / PRESET).rglob(name))), None)
    if executable is None:
        raise RuntimeError(f"{name} was not built")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="dropline-bench-"))
    try:
        outcome = run([executable], folder / "output.log", seconds=BENCH_SECONDS,
                      environment=environment, directory=folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    lines = [json.loads(line) for line in outcome.text.splitlines() if line.startswith("{")]
    if outcome.ended_badly or not lines:
        said = "\n   | ".join(tail(outcome.text, SHOWN_LINES))
        raise RuntimeError(f"{name}: {outcome.how()}\n   | {said}")
    return lines


def table(lines):
    """Prints the figures of all runs; answers how many medians missed their target."""
    missed = 0
    for title in dict.fromkeys(title_of(line) for line in lines):
        runs = [line for line in lines if title_of(line) == title]
        medians = {figure: statistics.median([flat(line)[figure] for line in runs
                                              if figure in flat(line)])
                   for figure in flat(runs[0])}
        print(f"\n{title}  ({len(runs)} runs)")
        print(f"  {'figure':<34} {'median':>14} {'least':>14} {'most':>14}  target")
        for figure, median in medians.items():
            every = [flat(line)[figure] for line in runs if figure in flat(line)]
            target = target_of(runs[0].get("bench", ""), figure)
            verdict = ""
            if target:
                reached = target[1](median, medians)
                missed += not reached
                verdict = f"{target[0]}  {'reached' if reached else 'MISSED'}"
            print(f"  {figure:<34} {shown(median):>14} {shown(min(every)):>14}"
                  f" {shown(max(every)):>14}  {verdict}".rstrip())
    return missed


def shown(value):
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:,.3f}"


def measure_executables(benches, repeat):
    """All runs in turns, so that a machine that slows down slows every bench."""
    kinds = tuple(dict.fromkeys(kind for _, needed in benches for kind in needed))
    servers = Servers(kinds) if kinds else None
    try:
        environment = servers.environment() if servers else {}
        lines = []
        for turn in range(1, repeat + 1):
            for name, _ in benches:
                say(f"{name}, run {turn} of {repeat} …")
                lines += measure(name, environment)
        return lines
    finally:
        if servers:
            servers.stop()


def measure_shops(modes, peers, asked):
    lines = []
    for turn in range(1, asked.repeat + 1):
        for mode in modes:
            say(f"the shop, {mode}, run {turn} of {asked.repeat} …")
            lines.append(bench_pipeline.measure_shop(mode, asked.seconds))
        if peers:
            say(f"peers, run {turn} of {asked.repeat} …")
            lines += bench_pipeline.measure_peers(asked.seconds)
    return lines + bench_pipeline.ratios(lines)


def say(text):
    print(text, file=sys.stderr, flush=True)


def read_arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench")
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT",
                        help="any of " + ", ".join(SUBJECTS))
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--json", type=pathlib.Path)
    asked = parser.parse_args()
    unknown = [each for each in asked.subjects if each not in SUBJECTS]
    if unknown:
        parser.error(f"'{unknown[0]}' is none of {', '.join(SUBJECTS)}")
    return asked


def measure_all(asked):
    subjects = asked.subjects or [*BENCHES, "pipeline", "peers"]
    executables = [bench for each in subjects for bench in BENCHES.get(each, [])]
    modes = list(dict.fromkeys(mode for each in subjects for mode in SHOPS.get(each, [])))
    targets = [name for name, _ in executables] + (PROGRAMS if modes else [])
    if targets:
        built = run([ROOT / "scripts" / "build", PRESET, *targets],
                    ROOT / "build" / "bench-build.log", seconds=BUILD_SECONDS)
        if built.ended_badly:
            raise RuntimeError("\n".join(tail(built.text, SHOWN_LINES)))
    lines = measure_executables(executables, asked.repeat) if executables else []
    if modes or "peers" in subjects:
        lines += measure_shops(modes, "peers" in subjects, asked)
    return lines


def main():
    asked = read_arguments()
    try:
        lines = measure_all(asked)
    except (RuntimeError, ServerFailed, Trouble, bench_pipeline.BenchFailed) as failure:
        print(failure, file=sys.stderr)
        return 1
    missed = table(lines)
    if asked.json:
        asked.json.write_text(json.dumps(lines, indent=1) + "\n")
    print(f"\n{missed} targets missed" if missed else "\nall targets reached")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
