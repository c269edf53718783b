# label: quick
"""The scripts that judge cannot be talked into a pass, and say what is wrong with what they get."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "lib"))

import bench  # noqa: E402
from testing import processes, results  # noqa: E402

SECONDS = 30
DOCTEST = "[doctest] test cases: {} | {} passed | {} failed | {} skipped\n"


def counted(code, text, pattern=results.SUMMARY, zero_is_fine=False):
    counts = results.count(processes.Outcome(code, text), pattern, zero_is_fine=zero_is_fine)
    return counts.passed, counts.failed, counts.skipped


class Counting(unittest.TestCase):
    def test_a_clean_run_counts_what_it_says(self):
        self.assertEqual(counted(0, DOCTEST.format(5, 5, 0, 2)), (5, 0, 2))

    def test_failures_count_as_they_are(self):
        self.assertEqual(counted(1, DOCTEST.format(5, 3, 2, 0)), (3, 2, 0))

    def test_a_run_without_cases_is_a_failure(self):
        self.assertEqual(counted(0, DOCTEST.format(0, 0, 0, 4)), (0, 1, 4))
        self.assertEqual(counted(0, DOCTEST.format(0, 0, 0, 4), zero_is_fine=True), (0, 0, 4))

    def test_a_crash_without_a_summary_is_a_failure(self):
        self.assertEqual(counted(-signal.SIGSEGV, "…"), (0, 1, 0))
        self.assertEqual(counted(0, ""), (0, 1, 0))

    def test_a_bad_exit_after_good_cases_is_a_failure(self):
        self.assertEqual(counted(23, DOCTEST.format(5, 5, 0, 0) + "LeakSanitizer"), (5, 1, 0))

    def test_a_time_limit_is_a_failure(self):
        self.assertEqual(counted(None, DOCTEST.format(5, 5, 0, 0)), (5, 1, 0))
        self.assertEqual(counted(None, "…"), (0, 1, 0))

    def test_the_last_summary_counts(self):
        text = DOCTEST.format(9, 9, 0, 0) + DOCTEST.format(5, 4, 1, 0)
        self.assertEqual(counted(1, text), (4, 1, 0))

    def test_what_failed_is_shown_however_far_from_the_end_it_stands(self):
        text = "\n".join(["fine"] * 500 + ["x_test.cpp:1: ERROR: CHECK( a == b )"] + ["fine"] * 500)
        shown = processes.telling(text, 60)
        self.assertIn("x_test.cpp:1: ERROR: CHECK( a == b )", shown)
        self.assertLessEqual(len(shown), 64)

    def test_a_script_is_counted_by_its_plain_line(self):
        self.assertEqual(counted(0, "7 passed, 0 failed\n", results.PLAIN_SUMMARY), (7, 0, 0))
        self.assertEqual(counted(1, "7 passed, 0 failed\n", results.PLAIN_SUMMARY), (7, 1, 0))
        self.assertEqual(counted(0, "x 7 passed, 0 failed", results.PLAIN_SUMMARY), (0, 1, 0))


class Running(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="dropline-scripts-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def test_what_a_test_leaves_running_is_ended(self):
        outcome = processes.run(["bash", "-c", "sleep 600 & echo $!"], self.folder / "log",
                                seconds=SECONDS)
        self.assertEqual(outcome.code, 0)
        self.assertTrue(ended(int(outcome.text)))

    def test_a_test_that_hangs_is_stopped(self):
        outcome = processes.run(["bash", "-c", "echo here; exec sleep 600"], self.folder / "log",
                                seconds=0.2)
        self.assertIsNone(outcome.code)
        self.assertEqual(outcome.text, "here\n")

    def test_input_is_empty(self):
        outcome = processes.run(["cat"], self.folder / "log", seconds=SECONDS)
        self.assertEqual((outcome.code, outcome.text), (0, ""))


def ended(pid):
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
            state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except (ProcessLookupError, FileNotFoundError):
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False


class WholeRun(unittest.TestCase):
    """.ci/run over scripts that say what we want them to say."""

    def run_with(self, test, check):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="dropline-ci-"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        programs = {"scripts/test": test, "scripts/check": check, "bin/apt-get": "true",
                    "bin/sudo": '"$@"', ".ci/run": None}
        for name, script in programs.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text((ROOT / name).read_text() if script is None
                            else f"#!/usr/bin/env bash\n{script}\n")
            path.chmod(0o755)
        answer = subprocess.run(
            [folder / ".ci" / "run"], capture_output=True, text=True, timeout=SECONDS, check=False,
            stdin=subprocess.DEVNULL, cwd="/",
            env={**os.environ, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"})
        return answer.returncode, answer.stdout.splitlines()[-1]

    def test_both_parts_are_added_up(self):
        self.assertEqual(self.run_with("echo 5 passed, 0 failed", "echo 7 passed, 0 failed"),
                         (0, "12 passed, 0 failed"))

    def test_a_failure_of_either_part_fails(self):
        good, bad = "echo 5 passed, 0 failed", "echo 4 passed, 1 failed; exit 1"
        self.assertEqual(self.run_with(bad, good), (1, "9 passed, 1 failed"))
        self.assertEqual(self.run_with(good, bad), (1, "9 passed, 1 failed"))

    def test_a_part_that_says_nothing_fails(self):
        good = "echo 5 passed, 0 failed"
        self.assertEqual(self.run_with("true", good), (1, "5 passed, 1 failed"))
        self.assertEqual(self.run_with(good, "exit 3"), (1, "5 passed, 1 failed"))

    def test_a_part_that_ends_badly_after_a_good_summary_fails(self):
        good = "echo 5 passed, 0 failed"
        self.assertEqual(self.run_with(f"{good}; exit 9", good), (1, "10 passed, 1 failed"))

    def test_a_part_that_counts_failures_and_exits_well_fails(self):
        good = "echo 5 passed, 0 failed"
        self.assertEqual(self.run_with("echo 1 passed, 2 failed", good), (1, "6 passed, 2 failed"))


class Commands(unittest.TestCase):
    def call(self, *words):
        return subprocess.run([ROOT / words[0], *words[1:]], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=SECONDS, check=False)

    def test_every_script_teaches(self):
        for script in sorted((ROOT / "scripts").iterdir()):
            if script.is_file() and os.access(script, os.X_OK):
                answer = self.call(f"scripts/{script.name}", "--help")
                self.assertEqual(answer.returncode, 0, script.name)
                self.assertIn(f"scripts/{script.name}", answer.stdout)

    def test_what_is_not_understood_is_named(self):
        for words in (["scripts/run", "--fast"], ["scripts/install", "fast"],
                      ["scripts/build", "fast"], ["scripts/bench", "fast"],
                      ["scripts/run", "--port", "http"], ["scripts/run", "--port", "65536"],
                      ["scripts/run", "--port", "65534"]):
            answer = self.call(*words)
            self.assertNotEqual(answer.returncode, 0, words)
            self.assertIn(words[-1], answer.stderr)

    def test_a_port_in_use_is_refused_before_anything_is_built(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            answer = self.call("scripts/run", "--port", str(port))
        self.assertEqual(answer.returncode, 1)
        self.assertIn(f"port {port} of 127.0.0.1 is in use", answer.stderr)


class Benchmarks(unittest.TestCase):
    def test_a_figure_finds_its_target(self):
        _, reached = bench.target_of("stream_kafka", "produce.ratio")
        self.assertTrue(reached(0.8, {}))
        self.assertFalse(reached(0.79, {}))
        self.assertIsNone(bench.target_of("stream_kafka", "produce.port"))

    def test_a_lone_record_is_judged_beside_an_fsync(self):
        _, reached = bench.target_of("stream_sqlite", "lone_ms_p50")
        self.assertTrue(reached(7.9, {"fsync_ms_p50": 5}))
        self.assertFalse(reached(8.1, {"fsync_ms_p50": 5}))


def main():
    outcome = unittest.main(exit=False, verbosity=0).result
    failed = len(outcome.failures) + len(outcome.errors)
    print(f"{outcome.testsRun - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
