"""A Kafka broker and a PostgreSQL of our own for as long as the tests run."""

import concurrent.futures
import os
import pathlib
import re
import shutil
import tempfile

from .processes import ROOT, run, tail

# The first start of the broker also fetches its jars.
START_SECONDS = 10 * 60
STOP_SECONDS = 60
SHOWN_LINES = 30

STATUS = re.compile(r"^running (\S+) pid (\d+)", re.M)
KINDS = {"kafka": "DROPLINE_TEST_KAFKA", "postgres": "DROPLINE_TEST_POSTGRESQL"}


class ServerFailed(Exception):
    """A server did not start; the message ends with what it said."""


class Servers:
    """Starts the servers in the background; `environment()` waits until they answer."""

    def __init__(self, kinds=tuple(KINDS)):
        self._folder = pathlib.Path(tempfile.mkdtemp(prefix="dropline-servers-"))
        # PostgreSQL runs as another user when we are root, and must reach its folder.
        os.chmod(self._folder, 0o755)
        self._pool = concurrent.futures.ThreadPoolExecutor(max_workers=len(kinds))
        self._starting = {kind: self._pool.submit(self._start, kind) for kind in kinds}

    def environment(self):
        """Waits for every server; the variables that tell tests where they are."""
        return {KINDS[kind]: started.result() for kind, started in self._starting.items()}

    def stop(self):
        """Stops what was started, even where starting went wrong half-way."""
        for kind, started in self._starting.items():
            started.cancel()
            concurrent.futures.wait([started], timeout=START_SECONDS)
            folder = self._folder / kind
            if folder.exists():
                run([ROOT / "scripts" / kind, "stop", "--dir", folder],
                    self._folder / f"{kind}-stop.log", seconds=STOP_SECONDS)
        self._pool.shutdown(wait=False)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self, kind):
        script = ROOT / "scripts" / kind
        if not script.exists():
            raise ServerFailed(f"scripts/{kind} does not exist")
        folder = self._folder / kind
        started = run([script, "start", "--dir", folder], self._folder / f"{kind}.log",
                      seconds=START_SECONDS, leaves_server=True)
        if started.ended_badly:
            raise ServerFailed(self._story(kind, started))
        status = run([script, "status", "--dir", folder], self._folder / f"{kind}-status.log",
                     seconds=STOP_SECONDS)
        found = STATUS.search(status.text)
        if not found:
            raise ServerFailed(self._story(kind, status))
        return found.group(1)

    @staticmethod
    def _story(kind, outcome):
        said = "\n   | ".join(tail(outcome.text, SHOWN_LINES))
        return f"{kind} did not start ({outcome.how()}):\n   | {said}"
