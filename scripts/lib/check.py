"""Runs the checks; scripts/check is its command line and says what the flags mean."""

import argparse
import re
import subprocess
import sys
import time

import house_rules
from house import compiled
from house.tree import Tree
from testing.processes import ROOT, tail

FORMAT = "clang-format-14"
PRESET = "release"
STEP_SECONDS = 600
SHOWN_LINES = 40
NEWEST_SOURCES = 20  # clang-tidy takes some ten seconds for each
FORMAT_ERROR = re.compile(r"^(.*?):(\d+):\d+: error", re.M)
PLAIN_SUMMARY = re.compile(r"^(\d+) passed, (\d+) failed$", re.M)


class Report:
    def __init__(self):
        self.passed = 0
        self.failed = 0
        self._started = time.monotonic()

    def add(self, what, problems, passed=1):
        """One check, or several that one program counted."""
        seconds = time.monotonic() - self._started
        print(f"  {'FAIL' if problems else 'ok  '}  {what:<64} {seconds:7.1f} s", flush=True)
        for line in problems:
            print(f"   | {line}", flush=True)
        self.passed += 0 if problems else passed
        self.failed += 1 if problems else 0
        self._started = time.monotonic()


def formatted(tree, fix):
    files = tree.cpp()
    if fix:
        subprocess.run([FORMAT, "-i", *files], cwd=ROOT, check=True, timeout=STEP_SECONDS)
    answer = subprocess.run([FORMAT, "--dry-run", "-Werror", *files], cwd=ROOT, text=True,
                            stdin=subprocess.DEVNULL, capture_output=True,
                            timeout=STEP_SECONDS, check=False)
    places = FORMAT_ERROR.findall(answer.stderr)
    files = sorted({path for path, _ in places})
    problems = [f"{path}: {sum(1 for other, _ in places if other == path)} places"
                for path in files]
    if not problems and answer.returncode != 0:
        problems = tail(answer.stderr, SHOWN_LINES)
    return problems + (["scripts/check --fix formats them"] if problems else [])


def rules(report):
    for rule, violations in house_rules.broken_rules(ROOT).items():
        shown = [str(violation) for violation in violations[:house_rules.SHOWN_A_RULE]]
        if len(violations) > len(shown):
            shown.append(f"… and {len(violations) - len(shown)} more")
        report.add(rule.__doc__, shown)


def schemas(report):
    """A change that a reader of what is already in a log could not follow fails."""
    script = ROOT / "scripts" / "lib" / "check_schemas.py"
    if not script.exists():
        return
    answer = subprocess.run([sys.executable, script], cwd=ROOT, text=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, timeout=STEP_SECONDS, check=False)
    counted = PLAIN_SUMMARY.findall(answer.stdout)
    passed = int(counted[-1][0]) if counted else 1
    problems = [] if answer.returncode == 0 else tail(answer.stdout, SHOWN_LINES)
    report.add("Schemas are sound and compatible with what was published.", problems, passed)


def compiled_checks(tree, report, remember, tidy):
    answer = subprocess.run([ROOT / "scripts" / "build", PRESET, "embedded_texts"], text=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, timeout=STEP_SECONDS, check=False)
    if answer.returncode != 0:
        report.add("The build can be configured.", tail(answer.stdout, SHOWN_LINES))
        return
    commands = compiled.Commands(tree, ROOT / "build" / PRESET)
    memory = compiled.Memory(remember)
    report.add("Each header compiles on its own.", shown(compiled.headers(commands, memory)))
    sources = commands.sources()
    if tidy:
        report.add("clang-tidy finds nothing.", shown(compiled.tidy(sources, commands, memory)))
        return
    newest = [name for name in tree.newest_first() if name in set(sources)][:NEWEST_SOURCES]
    report.add(f"clang-tidy finds nothing in the {len(newest)} sources changed last.",
               shown(compiled.tidy(newest, commands, memory)))


def shown(found):
    return [line for name, text in found for line in [f"{name}:", *tail(text, SHOWN_LINES)]]


def main():
    parser = argparse.ArgumentParser(prog="scripts/check")
    depth = parser.add_mutually_exclusive_group()
    depth.add_argument("--quick", action="store_true")
    depth.add_argument("--tidy", action="store_true")
    depth.add_argument("--deep", action="store_true")
    parser.add_argument("--fix", action="store_true")
    asked = parser.parse_args()
    tree = Tree(ROOT)
    report = Report()
    report.add("Every C++ file is formatted.", formatted(tree, asked.fix))
    rules(report)
    schemas(report)
    if not asked.quick:
        compiled_checks(tree, report, remember=not asked.deep, tidy=asked.tidy or asked.deep)
    print(f"{report.passed} passed, {report.failed} failed", flush=True)
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
