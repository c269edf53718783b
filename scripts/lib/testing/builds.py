"""Configuring and building a preset, and asking it which tests it has."""

import json
import subprocess
import time

from .processes import ROOT, run, tail

BUILD_SECONDS = 45 * 60
ASK_SECONDS = 60
SHOWN_LINES_OF_A_FAILED_BUILD = 60


class BuildFailed(Exception):
    """The build did not get far enough to run anything."""


class Build:
    """One preset's build folder: build/<preset>."""

    def __init__(self, preset, logs, say):
        self.preset = preset
        self.folder = ROOT / "build" / preset
        self._logs = logs
        self._say = say

    def configure(self):
        """Brings the list of tests up to date with the tree, compiling nothing."""
        outcome = run([ROOT / "scripts" / "build", self.preset, "build.ninja"],
                      self._logs / "configure.log", seconds=BUILD_SECONDS)
        if outcome.ended_badly:
            self._show(outcome)
            raise BuildFailed(f"{self.preset}: configuring failed ({outcome.how()})")

    def build(self, targets):
        """Builds as much as it can; answers the set of targets that are not up to date after."""
        started = time.monotonic()
        command = [ROOT / "scripts" / "build", self.preset, *targets]
        outcome = run(command, self._logs / "build.log", seconds=BUILD_SECONDS)
        if outcome.ended_badly:
            # Once more without stopping at the first error, so that what can be tested is.
            outcome = run([*command, "--", "-k", "0"], self._logs / "build.log",
                          seconds=BUILD_SECONDS)
        self._say(f"   built {self.preset} in {time.monotonic() - started:.0f} s")
        if not outcome.ended_badly:
            return set()
        self._show(outcome)
        return {target for target in targets if not self._builds(target)}

    def tests(self):
        """The tests of this preset: a list of (name, set of labels)."""
        answer = subprocess.run(
            ["ctest", "--test-dir", self.folder, "--show-only=json-v1"], cwd=ROOT, check=True,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=ASK_SECONDS)
        found = []
        for test in json.loads(answer.stdout)["tests"]:
            properties = {entry["name"]: entry["value"] for entry in test.get("properties", [])}
            found.append((test["name"], set(properties.get("LABELS", []))))
        return found

    def executable(self, name):
        return self.folder / "tests" / name

    def _builds(self, target):
        # A dry run would not do: where sources are globbed it always finds something to do.
        return not run([ROOT / "scripts" / "build", self.preset, target],
                       self._logs / "target.log", seconds=BUILD_SECONDS).ended_badly

    def _show(self, outcome):
        for line in tail(outcome.text, SHOWN_LINES_OF_A_FAILED_BUILD):
            self._say(f"   | {line}")
