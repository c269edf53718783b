"""Many seeds of the simulation, a hundred a process, resumable; scripts/soak --seeds is its
command line. What was run stands in build/soak/seeds.json; a seed that fails is printed with the
command that replays it, and the run goes on behind it."""

import argparse
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHUNK = 100
CASE = "--test-case=whatever befalls*"
REPLAY = re.compile(r"replay with: (.*DROPLINE_SEED=(\d+).*)")
FIGURES = re.compile(r"(\d+) commands, (\d+) orders, (\d+) granted, (\d+) paid")


class Run:
    """What was run so far, in a file."""

    def __init__(self, file):
        self.file = file
        self.state = {"next": 0, "failed": [], "seconds": 0.0, "commands": 0, "orders": 0,
                      "granted": 0, "paid": 0}
        if file.exists():
            self.state.update(json.loads(file.read_text()))

    def save(self):
        fresh = self.file.with_suffix(".new")
        fresh.write_text(json.dumps(self.state))
        fresh.replace(self.file)

    def chunk(self, program, last):
        first = self.state["next"]
        count = min(CHUNK, last - first)
        began = time.monotonic()
        done = subprocess.run([program, CASE], capture_output=True, text=True, errors="replace",
                              stdin=subprocess.DEVNULL, check=False,
                              env={**os.environ, "DROPLINE_FIRST": str(first),
                                   "DROPLINE_SEEDS": str(count)})
        self.state["seconds"] += time.monotonic() - began
        text = done.stdout + done.stderr
        if figures := FIGURES.search(text):
            for name, value in zip(("commands", "orders", "granted", "paid"), figures.groups()):
                self.state[name] += int(value)
        if done.returncode == 0:
            self.state["next"] = first + count
            return
        found = REPLAY.search(text)
        seed = int(found.group(2)) if found else first
        self.state["failed"].append({"seed": seed, "command": found.group(1) if found else None})
        self.state["next"] = seed + 1
        print(text[-4_000:], flush=True)


def main():
    parser = argparse.ArgumentParser(prog="scripts/soak --seeds")
    parser.add_argument("--seeds", type=int, required=True)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--folder", type=pathlib.Path, default=ROOT / "build" / "soak")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
    asked.folder.mkdir(parents=True, exist_ok=True)
    file = asked.folder / "seeds.json"
    if not asked.resume:
        file.unlink(missing_ok=True)
    run = Run(file)
    build = pathlib.Path(os.environ.get("DROPLINE_BUILD_DIR", ROOT / "build" / "release"))
    while run.state["next"] < asked.seeds:
        run.chunk(build / "tests" / "simulation_quick", asked.seeds)
        run.save()
        state = run.state
        print(f"{state['next']} seeds, {len(state['failed'])} failed, {state['seconds']:.0f} s, "
              f"{state['orders']} orders", flush=True)
    for failure in run.state["failed"]:
        print(f"seed {failure['seed']} failed; replay with: {failure['command']}")
    return 1 if run.state["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
