"""Counting what passed and failed, and saying it while it happens."""

import re
import threading

from .processes import telling

SHOWN_LINES_OF_A_FAILURE = 80
SLOWEST_SHOWN = 10
WORTH_SHOWING_SECONDS = 0.5

SUMMARY = re.compile(
    r"^\[doctest\] test cases:\s*(\d+)\s*\|\s*(\d+) passed\s*\|\s*(\d+) failed\s*\|"
    r"\s*(\d+) skipped", re.M)
PLAIN_SUMMARY = re.compile(r"^(\d+) passed, (\d+) failed$", re.M)
DURATION = re.compile(r"^(\d+\.\d+) s: (.+)$", re.M)


class Counts:
    """Cases passed, failed and left to a deeper run, of one executable."""

    def __init__(self, passed, failed, skipped=0, remark=""):
        self.passed = passed
        self.failed = failed
        self.skipped = skipped
        self.remark = remark


def count(outcome, pattern, *, zero_is_fine):
    """What an executable's output says, distrusting it where its exit code says otherwise."""
    found = pattern.findall(outcome.text)
    numbers = [int(number) for number in found[-1]] if found else None
    if numbers is None:
        return Counts(0, 1, remark=f"no summary; {outcome.how()}")
    passed, failed, skipped = numbers[-3:] if len(numbers) == 4 else (*numbers, 0)
    if outcome.code is None:
        return Counts(passed, max(failed, 1), skipped, outcome.how())
    if outcome.ended_badly and failed == 0:
        return Counts(passed, 1, skipped, f"no case failed, but {outcome.how()}")
    if passed + failed == 0 and not zero_is_fine:
        return Counts(0, 1, skipped, "ran no case")
    return Counts(passed, failed, skipped)


class Report:
    """The running total. May be told results from several threads."""

    def __init__(self):
        self.passed = 0
        self.failed = 0
        self._failures = []
        self._durations = []
        self._lock = threading.Lock()

    def say(self, line=""):
        with self._lock:
            print(line, flush=True)

    def add(self, name, counts, seconds, outcome=None, where=""):
        label = f"{where}{name}"
        verdict = "ok  " if counts.failed == 0 else "FAIL"
        left = f", {counts.skipped} left to --deep" if counts.skipped else ""
        remark = f"  ({counts.remark})" if counts.remark else ""
        failed = f", {counts.failed} failed" if counts.failed else ""
        lines = [f"  {verdict}  {label:<44} {counts.passed:>5} passed{failed}{left}"
                 f"  {seconds:7.1f} s{remark}"]
        if counts.failed and outcome is not None:
            lines += [f"   | {line}" for line in telling(outcome.text, SHOWN_LINES_OF_A_FAILURE)]
        with self._lock:
            self.passed += counts.passed
            self.failed += counts.failed
            if counts.failed:
                self._failures.append(f"{label}: {counts.remark or f'{counts.failed} failed'}")
            if outcome is not None:
                self._durations += [(float(took), f"{label}: {case}")
                                    for took, case in DURATION.findall(outcome.text)]
            print("\n".join(lines), flush=True)

    def fail(self, what, outcome=None):
        """Something other than a test went wrong; it counts as one failure."""
        self.add(what, Counts(0, 1), 0.0, outcome)

    def close(self):
        """Prints the slowest cases, the failures again and the last line; answers the exit code."""
        slowest = sorted(self._durations, reverse=True)[:SLOWEST_SHOWN]
        slowest = [entry for entry in slowest if entry[0] >= WORTH_SHOWING_SECONDS]
        if slowest:
            print("\nslowest cases:")
            for seconds, case in slowest:
                print(f"  {seconds:7.1f} s  {case}")
        if self._failures:
            print("\nfailed:")
            for failure in self._failures:
                print(f"  {failure}")
        print(f"\n{self.passed} passed, {self.failed} failed", flush=True)
        return 1 if self.failed or not self.passed else 0
