"""Line coverage by room, from what a run of the coverage preset left behind."""

import collections
import gzip
import json
import pathlib
import subprocess
import tempfile

from .processes import ROOT

GCOV_SECONDS = 600
FILES_A_CALL = 64


def forget(build_folder):
    """Counts add up from run to run; this begins anew."""
    for counts in build_folder.rglob("*.gcda"):
        counts.unlink()


def lines_hit(build_folder):
    """For each file of ours: line number -> whether any test ran it."""
    # A unit that no test linked has notes and no counts: none of its lines ran.
    notes = sorted(build_folder.rglob("*.gcno"))
    hit = collections.defaultdict(dict)
    for start in range(0, len(notes), FILES_A_CALL):
        with tempfile.TemporaryDirectory(prefix="dropline-gcov-") as folder:
            subprocess.run(["gcov", "--json-format", "--preserve-paths", "--hash-filenames",
                            *notes[start:start + FILES_A_CALL]], cwd=folder, check=True,
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, timeout=GCOV_SECONDS)
            for answer in pathlib.Path(folder).glob("*.gcov.json.gz"):
                add(hit, json.loads(gzip.decompress(answer.read_bytes())), build_folder)
    return hit


def add(hit, answer, build_folder):
    for entry in answer["files"]:
        path = pathlib.Path(answer["current_working_directory"], entry["file"]).resolve()
        if not path.is_relative_to(ROOT) or path.is_relative_to(build_folder):
            continue
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith(("libs/", "apps/")):
            continue
        for line in entry["lines"]:
            number = line["line_number"]
            hit[name][number] = hit[name].get(number, False) or line["count"] > 0


def room_of(name):
    parts = name.split("/")
    if parts[1] in ("stream", "services") and parts[2] not in ("include", "src"):
        return "/".join(parts[:3])
    return "/".join(parts[:2])


def table(build_folder):
    """A row for each room: lines, lines run, per cent."""
    rooms = collections.defaultdict(lambda: [0, 0])
    for name, lines in lines_hit(build_folder).items():
        rooms[room_of(name)][0] += len(lines)
        rooms[room_of(name)][1] += sum(lines.values())
    rows = ["", "== line coverage"]
    for room, (lines, run_lines) in sorted(rooms.items()):
        rows.append(f"  {room:<28} {run_lines:>6} of {lines:>6}  {100 * run_lines / lines:5.1f} %")
    every = sum(lines for lines, _ in rooms.values())
    if every:
        run_lines = sum(count for _, count in rooms.values())
        rows.append(f"  {'all':<28} {run_lines:>6} of {every:>6}  {100 * run_lines / every:5.1f} %")
    return "\n".join(rows)
