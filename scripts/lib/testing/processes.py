"""Starting programs so that nothing of them is left behind."""

import os
import pathlib
import re
import signal
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[3]
KILL_WAIT_SECONDS = 10
LAST_WORDS_SECONDS = 5

_running = set()

TELLS_OF_AN_ERROR = re.compile(r"\b(ERROR|FAIL|Traceback|SUMMARY)|runtime error")


class Outcome:
    """How a program ended: its exit code, or None when it was stopped at its time limit."""

    def __init__(self, code, text):
        self.code = code
        self.text = text

    @property
    def ended_badly(self):
        return self.code != 0

    def how(self):
        if self.code is None:
            return "stopped at its time limit"
        if self.code < 0:
            return f"killed by {signal.Signals(-self.code).name}"
        return f"exit code {self.code}"


def kill_group(process):
    """Ends the program and everything it started that stayed in its process group."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    try:
        process.wait(KILL_WAIT_SECONDS)
    except subprocess.TimeoutExpired:
        pass


def ask_where_it_is(process):
    """Ends a program politely: doctest then names the case it was in."""
    process.terminate()
    try:
        process.wait(LAST_WORDS_SECONDS)
    except subprocess.TimeoutExpired:
        pass


def run(command, log, *, seconds, environment=None, directory=ROOT, leaves_server=False):
    """Runs a program in its own process group with its output in the file `log`.

    What it started ends with it, unless it is a script that starts a server and succeeded.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "wb") as output:
        process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=output,
            stderr=subprocess.STDOUT, cwd=directory, start_new_session=True,
            env={**os.environ, **(environment or {})})
        _running.add(process)
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            code = None
            ask_where_it_is(process)
        finally:
            if not (leaves_server and process.poll() == 0):
                kill_group(process)
            _running.discard(process)
    return Outcome(code, log.read_text(errors="replace"))


def kill_everything():
    """Ends what other threads are waiting for; they see it killed."""
    for process in list(_running):
        kill_group(process)


def tail(text, lines):
    """The last lines of a text, saying how many were left out."""
    every = text.rstrip().splitlines()
    left_out = len(every) - lines
    if left_out <= 0:
        return every
    return [f"… {left_out} lines before"] + every[-lines:]


def telling(text, lines, around=6):
    """What a failed test's output tells: the passages about errors wherever they stand, then the
    last lines, both within `lines`."""
    every = text.rstrip().splitlines()
    if len(every) <= lines:
        return every
    last = lines // 3
    wanted = set()
    for number, line in enumerate(every[:-last]):
        if TELLS_OF_AN_ERROR.search(line):
            wanted.update(range(max(0, number - around), min(len(every) - last, number + around)))
    told, before = [], -1
    for number in sorted(wanted)[:lines - last]:
        if number != before + 1:
            told.append("…")
        told.append(every[number])
        before = number
    return told + tail(text, last)
