# label: slow
"""README.md's code blocks work when they are pasted, in both modes.

A comment on the line before a fenced ```sh block says what it is:

  <!-- test: run -->                 ends by itself and needs no server
  <!-- test: start embedded -->      starts dropline and goes on running (or: distributed)
  <!-- test: with server -->         runs while dropline runs: once in each mode
  <!-- test: with server, distributed -->   in that mode only (or: embedded)
  <!-- test: not here, REASON -->    cannot be run by a test

  <!-- expect: TEXT -->              after the block: its output contains TEXT

The blocks of a mode share one shell, as in a terminal, and a fresh copy of the clone, so that ./var
is empty and nobody's data is touched; build/ is the clone's own. Where port 8080 is taken, another
one takes its place in every block, and the output says so.
"""

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PORT = 8080  # and the next ones, for operators and for the payment gateway
PORTS = 3
PORT_TRIES = 20
BLOCK_SECONDS = 180
READY_SECONDS = 240
STOP_SECONDS = 60
SHOWN_LINES = 40
MODES = ("embedded", "distributed")

BLOCK = re.compile(r"(?:^<!-- test: (?P<mark>[^>]*?) -->\n)?^```sh\n(?P<code>.*?)^```$"
                   r"(?P<expect>(?:\n+<!-- expect: .*? -->$)*)", re.M | re.S)
EXPECT = re.compile(r"<!-- expect: (.*?) -->")
MARK = re.compile(r"^(run|with server(, (embedded|distributed))?|start (embedded|distributed)|"
                  r"not here, .+)$")


class Block:
    def __init__(self, found, text):
        self.mark = found.group("mark") or ""
        self.code = found.group("code")
        self.expected = EXPECT.findall(found.group("expect"))
        self.line = text.count("\n", 0, found.start("code"))

    def name(self):
        return f"line {self.line}: {self.code.strip().splitlines()[0][:60]}"


def blocks_of(path):
    text = path.read_text()
    return [Block(found, text) for found in BLOCK.finditer(text)]


def copy_of_clone(folder):
    """The files of the clone, with its build folder."""
    names = subprocess.run(["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others",
                            "--exclude-standard"], check=True, capture_output=True,
                           text=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
    (ROOT / "build").mkdir(exist_ok=True)
    (folder / "build").symlink_to(ROOT / "build")


def can_bind(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            return probe.getsockname()[1]
        except OSError:
            return None


def free_port():
    """8080, or another one where that or one of those behind it is taken."""
    for candidate in (PORT, *[0] * PORT_TRIES):
        port = can_bind(candidate)
        if port and all(can_bind(port + next) for next in range(1, PORTS)):
            return port
    raise OSError("no port is free")


class Terminal:
    """One interactive shell: variables of a block are there for the next one."""

    def __init__(self, folder):
        self._folder = folder
        self._shell = subprocess.Popen(
            ["bash", "--noprofile", "--norc"], cwd=folder, stdin=subprocess.PIPE, text=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        self._count = 0

    def paste(self, code):
        """Runs the block; answers (whether every command succeeded, what was printed)."""
        self._count += 1
        block, output, done = (self._folder / f".block-{self._count}{end}"
                               for end in ("", ".out", ".done"))
        block.write_text(code)
        self._shell.stdin.write(
            f"set -o pipefail; failed=; set -E; trap 'failed=$?' ERR; "
            f"source {block} >{output} 2>&1 </dev/null; trap - ERR; "
            f"echo \"${{failed:-0}}\" >{done}.new; mv {done}.new {done}\n")
        self._shell.stdin.flush()
        deadline = time.monotonic() + BLOCK_SECONDS
        while not done.exists():
            if time.monotonic() > deadline:
                return False, output.read_text() + f"\nnot done after {BLOCK_SECONDS} s"
            if self._shell.poll() is not None:
                return False, output.read_text() + "\nthe block ended the shell"
            time.sleep(0.02)
        return done.read_text().strip() == "0", output.read_text()

    def close(self):
        try:
            os.killpg(self._shell.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._shell.wait()


class Server:
    """What a start block started."""

    def __init__(self, code, folder):
        self._lines = []
        self._ready = threading.Event()
        self._process = subprocess.Popen(
            ["bash", "-c", f"exec {code.strip()}"], cwd=folder, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_until_ready(self):
        deadline = time.monotonic() + READY_SECONDS
        while not self._ready.wait(0.1):
            if self._process.poll() is not None or time.monotonic() > deadline:
                return False
        return True

    def output(self):
        return "".join(self._lines)

    def stop(self):
        """Answers whether it ended in order when it was asked to."""
        self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return False
        self._reader.join(STOP_SECONDS)
        return code == 0

    def _read(self):
        for line in self._process.stdout:
            self._lines.append(line)
            if "dropline is ready" in line:
                self._ready.set()


class Results:
    def __init__(self):
        self.passed = 0
        self.failed = 0

    def add(self, name, good, said=""):
        self.passed += good
        self.failed += not good
        print(f"{'ok  ' if good else 'FAIL'} {name}", flush=True)
        if not good:
            for line in said.rstrip().splitlines()[-SHOWN_LINES:]:
                print(f"   | {line}", flush=True)


def run_mode(mode, blocks, results):
    port = free_port()
    if port != PORT:
        print(f"port {PORT} is taken; {port} takes its place", flush=True)
    with_server = ("with server", f"with server, {mode}")
    with tempfile.TemporaryDirectory(prefix="dropline-readme-") as folder:
        folder = pathlib.Path(folder)
        # PostgreSQL runs as another user when we are root, and must reach its folder.
        folder.chmod(0o755)
        copy_of_clone(folder)
        terminal, server, ready = Terminal(folder), None, False
        try:
            for block in blocks:
                code = with_port(block, port)
                if block.mark == f"start {mode}":
                    server = Server(code, folder)
                    ready = server.wait_until_ready()
                    results.add(f"{mode}, {block.name()}", ready, server.output())
                elif block.mark in with_server and not ready:
                    results.add(f"{mode}, {block.name()}", False, "no server is ready")
                elif block.mark in with_server or (block.mark == "run" and mode == MODES[0]):
                    run_block(mode, block, code, terminal, results)
        finally:
            terminal.close()
            if server:
                results.add(f"{mode}, stopping", server.stop(), server.output())


def with_port(block, port):
    if port == PORT:
        return block.code
    if block.mark.startswith("start"):
        return f"{block.code.strip()} --port {port}\n"
    code = block.code
    for behind in range(PORTS):
        code = code.replace(f":{PORT + behind}", f":@{behind}@")
    for behind in range(PORTS):
        code = code.replace(f":@{behind}@", f":{port + behind}")
    return code


def run_block(mode, block, code, terminal, results):
    succeeded, said = terminal.paste(code)
    missing = [text for text in block.expected if text not in said]
    if missing:
        said += f"\nexpected, and not printed: {missing}"
    results.add(f"{mode}, {block.name()}", succeeded and not missing, said)


def main():
    results = Results()
    blocks = blocks_of(ROOT / "README.md")
    unmarked = [block.name() for block in blocks if not MARK.match(block.mark)]
    results.add("every block of README.md says how it is tested", not unmarked,
                "\n".join(unmarked))
    korean = blocks_of(ROOT / "README.ko.md")
    same = [block.code for block in blocks] == [block.code for block in korean]
    results.add("README.ko.md has the same blocks", same, "the blocks differ")
    for mode in MODES:
        run_mode(mode, blocks, results)
    print(f"{results.passed} passed, {results.failed} failed")
    return 1 if results.failed else 0


if __name__ == "__main__":
    sys.exit(main())
