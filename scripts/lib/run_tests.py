"""Runs the tests; scripts/test is its command line and says what the flags mean."""

import argparse
import concurrent.futures
import os
import shutil
import signal
import sys
import time

from testing import coverage
from testing.builds import Build, BuildFailed
from testing.processes import ROOT, kill_everything, run
from testing.results import PLAIN_SUMMARY, SUMMARY, Report, count
from testing.servers import ServerFailed, Servers

# How long one executable may take, by its label, before it is stopped and counts as failed.
LIMIT_SECONDS = {"quick": 120, "servers": 600, "slow": 900, "deep": 1800}
# Sanitizers slow a test down; --deep makes the slow ones longer.
SLOWER = {"asan": 4, "tsan": 8, "coverage": 3}
DEEP_FACTOR = 6
# What all of it may take on two cores, builds included (the plan, not a limit).
BUDGET_SECONDS = 30 * 60

LOGS_KEPT = 10

SUPPRESSIONS = ROOT / "tests" / "support" / "suppressions"
SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "LSAN_OPTIONS": f"suppressions={SUPPRESSIONS / 'lsan.supp'}:print_suppressions=0",
    "TSAN_OPTIONS": f"suppressions={SUPPRESSIONS / 'tsan.supp'}:halt_on_error=1:"
                    "second_deadlock_stack=1",
}


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/test")
    depth = parser.add_mutually_exclusive_group()
    depth.add_argument("--quick", action="store_true")
    depth.add_argument("--deep", action="store_true")
    parser.add_argument("-k", dest="pattern", default="")
    parser.add_argument("--preset", choices=["dev", "release", "asan", "tsan", "coverage"])
    parser.add_argument("--no-servers", action="store_true")
    parser.add_argument("--no-sanitizers", action="store_true")
    parser.add_argument("--no-scripts", action="store_true")
    parser.add_argument("--list", action="store_true")
    return parser.parse_args()


def first_of(labels):
    """The label that decides when and how long a test runs: the most demanding one."""
    for label in ("deep", "slow", "servers", "quick"):
        if label in labels:
            return label
    return "slow"


class Script:
    """A test that is a program: tests/**/*_test.py. It ends with `N passed, N failed`.

    A line `# label: quick` (or servers, slow, deep) near its top says when it runs; slow without
    one.
    """

    def __init__(self, path):
        self.path = path
        self.name = str(path.relative_to(ROOT))
        head = path.read_text().splitlines()[:10]
        marks = [line.split(":", 1)[1].strip() for line in head if line.startswith("# label:")]
        self.label = marks[0] if marks else "slow"

    @staticmethod
    def all():
        return [Script(path) for path in sorted(ROOT.glob("tests/**/*_test.py"))]


def log_folder():
    """A folder for this run, as build/test-logs/latest; older runs are kept, a few of them."""
    every = ROOT / "build" / "test-logs"
    folder = every / f"{time.strftime('%H%M%S')}-{os.getpid()}"
    folder.mkdir(parents=True)
    latest = every / f".latest-{os.getpid()}"
    latest.symlink_to(folder.name)
    latest.replace(every / "latest")
    runs = sorted((path for path in every.iterdir() if path.is_dir() and not path.is_symlink()),
                  key=lambda path: path.stat().st_mtime)
    for old in runs[:-LOGS_KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    return folder


class Session:
    """One call of scripts/test: what was asked for, the report, and the servers."""

    def __init__(self, asked):
        self.asked = asked
        self.report = Report()
        self.logs = log_folder()
        self.servers = None
        self.failed_servers = None

    def run(self):
        asked = self.asked
        main_preset = asked.preset or ("dev" if asked.quick else "release")
        labels = {"quick"} if asked.quick or asked.no_servers else {"quick", "servers", "slow"}
        if asked.deep:
            labels.add("deep")
        self.run_preset(main_preset, labels)
        if not asked.no_scripts:
            self.run_scripts(labels, main_preset)
        if not asked.quick and not asked.preset and not asked.no_sanitizers:
            self.run_preset("asan", {"quick"})
            if asked.deep:
                self.run_preset("tsan", {"quick"})
                coverage.forget(ROOT / "build" / "coverage")
                self.run_preset("coverage", labels)
                self.report.say(coverage.table(ROOT / "build" / "coverage"))

    def run_preset(self, preset, labels):
        self.report.say(f"\n== {preset}")
        build = Build(preset, self.logs / preset, self.report.say)
        try:
            build.configure()
            chosen = self.choose(build.tests(), labels)
            if not chosen:
                return
            if any(first_of(marks) != "quick" for _, marks in chosen):
                self.start_servers()
            # The release build is the one that everything must compile in.
            everything = ["all"] if preset == "release" and not self.asked.pattern else []
            broken = build.build([name for name, _ in chosen] + everything)
        except BuildFailed as failure:
            self.report.fail(str(failure))
            return
        if "all" in broken:
            self.report.fail(f"{preset}: not everything builds")
        for name, _ in chosen:
            if name in broken:
                self.report.fail(f"{preset}/{name} does not build")
        self.run_executables(build, [entry for entry in chosen if entry[0] not in broken])

    def choose(self, tests, labels):
        chosen = [(name, marks) for name, marks in tests if first_of(marks) in labels]
        named = [entry for entry in chosen if self.asked.pattern in entry[0]]
        if self.asked.list:
            for name, marks in named or chosen:
                self.report.say(f"  {name}  [{', '.join(sorted(marks))}]")
            return []
        return named or chosen

    def run_executables(self, build, chosen):
        """Quick ones side by side; those that share servers or measure time one by one."""
        by_label = {label: [name for name, marks in chosen if first_of(marks) == label]
                    for label in LIMIT_SECONDS}
        pool = concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count() or 1)
        try:
            for done in [pool.submit(self.run_executable, build, name, "quick")
                         for name in by_label["quick"]]:
                done.result()
        finally:
            pool.shutdown(cancel_futures=True)
        for label in ("servers", "slow"):
            for name in by_label[label]:
                self.run_executable(build, name, label)

    def run_executable(self, build, name, label):
        command = [build.executable(name), "--duration=true", "--no-colors=true"]
        by_case = self.asked.pattern and self.asked.pattern not in name
        if by_case:
            command.append(f"--test-case=*{self.asked.pattern}*")
        if self.asked.deep:
            command.append("--no-skip=true")
        environment = self.environment(label)
        if environment is None:
            self.report.fail(f"{build.preset}/{name}: its servers are not there")
            return
        limit = LIMIT_SECONDS[label] * SLOWER.get(build.preset, 1)
        limit *= DEEP_FACTOR if self.asked.deep else 1
        started = time.monotonic()
        outcome = run(command, self.logs / build.preset / f"{name}.log", seconds=limit,
                      environment={**SANITIZER_OPTIONS, **environment})
        counts = count(outcome, SUMMARY, zero_is_fine=bool(by_case))
        if by_case:
            counts.skipped = 0
        if by_case and counts.passed + counts.failed == 0:
            return
        self.report.add(name, counts, time.monotonic() - started, outcome, f"{build.preset}/")

    def run_scripts(self, labels, preset):
        chosen = [script for script in Script.all() if script.label in labels]
        if self.asked.pattern:
            chosen = [script for script in chosen if self.asked.pattern in script.name]
        if self.asked.list:
            for script in chosen:
                self.report.say(f"  {script.name}  [{script.label}]")
            return
        if chosen:
            self.report.say("\n== scripts")
        for script in chosen:
            self.run_script(script, preset)

    def run_script(self, script, preset):
        environment = self.environment(script.label)
        if environment is None:
            self.report.fail(f"{script.name}: its servers are not there")
            return
        started = time.monotonic()
        log = self.logs / "scripts" / (script.path.stem + ".log")
        outcome = run([sys.executable, script.path], log, seconds=LIMIT_SECONDS[script.label],
                      environment={**environment,
                                   "DROPLINE_BUILD_DIR": str(ROOT / "build" / preset)})
        counts = count(outcome, PLAIN_SUMMARY, zero_is_fine=False)
        self.report.add(script.name, counts, time.monotonic() - started, outcome)

    def start_servers(self):
        if self.servers is None and not self.asked.list:
            self.servers = Servers()

    def environment(self, label):
        """What a test of this label finds in its environment; None where servers failed."""
        deep = {"DROPLINE_TEST_DEEP": "1"} if self.asked.deep else {}
        if label == "quick":
            return deep
        self.start_servers()
        if self.failed_servers is None:
            try:
                return {**deep, **self.servers.environment()}
            except ServerFailed as failure:
                self.failed_servers = str(failure)
                self.report.say(self.failed_servers)
        return None

    def close(self):
        if self.servers is not None:
            self.servers.stop()


def stop_on_signals():
    """SIGTERM and SIGHUP end the run the way Ctrl-C does: what was started is stopped."""
    def interrupt(_number, _frame):
        no_more_interruptions()
        kill_everything()
        raise KeyboardInterrupt
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)


def no_more_interruptions():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def main():
    asked = arguments()
    stop_on_signals()
    started = time.monotonic()
    session = Session(asked)
    try:
        session.run()
    except KeyboardInterrupt:
        session.report.fail("interrupted")
    finally:
        no_more_interruptions()
        session.close()
    if asked.list:
        return 0
    took = time.monotonic() - started
    session.report.say(f"\ntook {took // 60:.0f} min {took % 60:.0f} s; "
                       "logs are in build/test-logs/latest")
    if took > BUDGET_SECONDS and not asked.deep:
        session.report.say(f"this is over the budget of {BUDGET_SECONDS // 60} min")
    return session.report.close()


if __name__ == "__main__":
    sys.exit(main())
