"""Programs of ours as an operator sees them: started, asked, killed, started again."""

import http.client
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
READY_SECONDS = 90
# A drain takes up to 10 s, 15 s with the broker gone.
STOP_SECONDS = 20
ASK_SECONDS = 5
SHOWN_LINES = 20
SERVICE = re.compile(r'[{,]service="([^"]*)"')
# Below the kernel's range for outgoing connections, so that none of those sits on it at a restart.
FIRST_PORT, LAST_PORT = 20_000, 32_000


class Trouble(Exception):
    """The system did something that a run cannot go on with."""


def until(limit, what, condition, pause=0.05):
    """Waits for a condition and returns what it returned; Trouble where it does not come true."""
    deadline = time.monotonic() + limit
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise Trouble(f"not within {limit} s: {what}")
        time.sleep(pause)


_reserved = []


def free_port():
    """A port for a server that reuses addresses, as ours all do. It stays bound for as long as we
    live, which keeps off others who look for one, and not listened on, which lets the server in."""
    for _ in range(200):
        port = random.SystemRandom().randrange(FIRST_PORT, LAST_PORT)
        holder = socket.socket()
        try:
            holder.bind(("127.0.0.1", port))
        except OSError:
            holder.close()
            continue
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _reserved.append(holder)
        return port
    raise Trouble(f"no free port between {FIRST_PORT} and {LAST_PORT}")


def binary(name):
    """Where the build under test has put a program."""
    folder = pathlib.Path(os.environ.get("DROPLINE_BUILD_DIR", ROOT / "build" / "release"))
    path = folder / "bin" / name
    if not path.exists():
        raise Trouble(f"{path} is not built: scripts/build PRESET {name}; "
                      "DROPLINE_BUILD_DIR names the build's folder")
    return str(path)


def call(method, port, path, body=None, headers=None, seconds=ASK_SECONDS):
    """One HTTP exchange on a connection of its own: status and text. OSError without one."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except http.client.HTTPException as error:
        raise OSError(repr(error)) from error
    finally:
        connection.close()


class Program:
    """One process of ours, its log, and its two listeners (either may be None)."""

    def __init__(self, name, words, log, *, http_port=None, admin_port=None):
        self.name = name
        self.words = [str(word) for word in words]
        self.log = log
        self.http_port = http_port
        self.admin_port = admin_port
        self.process = None
        self.starts = 0

    def start(self):
        assert not self.running(), f"{self.name} runs already"
        with open(self.log, "ab") as output:
            self.process = subprocess.Popen(self.words, stdin=subprocess.DEVNULL, stdout=output,
                                            stderr=subprocess.STDOUT)
        self.starts += 1
        return self

    def running(self):
        return self.process is not None and self.process.poll() is None

    def ready(self):
        """Whether it says so; Trouble where it has ended by itself."""
        if not self.running():
            raise Trouble(f"{self.name} ended with {self.process.returncode}:\n{self.story()}")
        return self.answer("/readyz")[0] == 200

    def answer(self, path):
        """Status and text of a GET on its own listener; 0 where nobody answers."""
        try:
            return call("GET", self.admin_port or self.http_port, path)
        except OSError:
            return 0, ""

    def metric(self, name):
        """A metric summed over its labels; None where it does not answer or does not know it."""
        found = self.by_service(name)
        return sum(found.values()) if found else None

    def by_service(self, name):
        """A metric for each value of its label `service` (None without one)."""
        found = {}
        for line in self.answer("/metrics")[1].splitlines():
            if line.startswith((name + "{", name + " ")):
                service = SERVICE.search(line)
                key = service and service.group(1)
                found[key] = found.get(key, 0) + float(line.rsplit(" ", 1)[1])
        return found

    def wait_ready(self, limit=READY_SECONDS):
        until(limit, f"{self.name} is ready; it says {self.answer('/readyz?verbose')[1]!r}",
              self.ready)
        return self

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        """kill -9, gone when this returns."""
        if self.running():
            self.process.kill()
        if self.process is not None:
            self.process.wait(STOP_SECONDS)

    def stop(self):
        """SIGTERM; returns the exit code. One that does not end in its time is Trouble."""
        if self.process is None:
            return 0
        if self.running():
            self.signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Trouble(
                f"{self.name} did not stop in {STOP_SECONDS} s:\n{self.story()}") from None

    def story(self):
        """The end of its log."""
        try:
            lines = self.log.read_text(errors="replace").splitlines()
        except OSError:
            return "(no log)"
        return "\n".join("   | " + line for line in lines[-SHOWN_LINES:])


def try_start(words, seconds=30):
    """Runs a program that is expected to refuse: its exit code and what it printed."""
    done = subprocess.run([str(word) for word in words], stdin=subprocess.DEVNULL, timeout=seconds,
                          capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr
