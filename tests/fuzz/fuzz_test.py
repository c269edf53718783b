# label: slow
"""Every parser of what comes from outside, under libFuzzer with ASan and UBSan: its corpus, then
new inputs for 10 s each. With `--minutes N` that long in all (scripts/soak --fuzz).

What crashes is kept in build/fuzz-crashes/TARGET and replayed by
`DROPLINE_FUZZ=TARGET build/fuzz/tests/fuzz_parsers FILE`; the input belongs into the corpus then.
"""

import argparse
import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = pathlib.Path(os.environ.get("DROPLINE_FUZZ_DIR", ROOT / "build" / "fuzz"))
CORPUS = HERE / "corpus"
CRASHES = ROOT / "build" / "fuzz-crashes"
QUICK_SECONDS = 10
MAX_BYTES = 16_384
MEMORY_MEGABYTES = 1_024
SHOWN_LINES = 40


def build():
    """A build of its own: the compiler is clang. Quick when nothing changed."""
    for words in (["cmake", "--preset", "fuzz", "-B", BUILD],
                  ["ninja", "-C", BUILD, "fuzz_parsers"]):
        done = subprocess.run([str(word) for word in words], cwd=ROOT, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            print(done.stdout[-4_000:], done.stderr[-2_000:])
            return False
    return True


def fuzz(name, seconds):
    """Whether nothing was found; what libFuzzer said."""
    crashes = CRASHES / name
    crashes.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="dropline-fuzz-") as found:
        done = subprocess.run(
            [BUILD / "tests" / "fuzz_parsers", f"-max_total_time={seconds}",
             f"-max_len={MAX_BYTES}", f"-rss_limit_mb={MEMORY_MEGABYTES}", "-timeout=5",
             "-print_final_stats=1", f"-artifact_prefix={crashes}/", found, CORPUS / name],
            env={**os.environ, "DROPLINE_FUZZ": name}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
            check=False)
    if done.returncode == 0:
        shutil.rmtree(crashes, ignore_errors=True)
    return done.returncode == 0, done.stdout


def runs_of(text):
    for line in text.splitlines():
        if line.startswith("stat::number_of_executed_units"):
            return int(line.split()[-1])
    return 0


def main():
    parser = argparse.ArgumentParser(prog="fuzz_test.py")
    parser.add_argument("--minutes", type=float)
    asked = parser.parse_args()
    if not build():
        print("0 passed, 1 failed")
        return 1
    names = sorted(folder.name for folder in CORPUS.iterdir() if folder.is_dir())
    lanes = os.cpu_count() or 1
    seconds = QUICK_SECONDS
    if asked.minutes:
        seconds = max(1, round(asked.minutes * 60 * lanes / len(names)))
    passed = 0
    with concurrent.futures.ThreadPoolExecutor(lanes) as pool:
        for name, (good, text) in zip(names, pool.map(lambda one: fuzz(one, seconds), names)):
            passed += good
            print(f"{name:10} {runs_of(text):9} inputs in {seconds} s"
                  f"{'' if good else ': FAILED'}", flush=True)
            if not good:
                print("\n".join("   | " + line for line in text.splitlines()[-SHOWN_LINES:]))
    print(f"{passed} passed, {len(names) - passed} failed")
    return 0 if passed == len(names) else 1


if __name__ == "__main__":
    sys.exit(main())
