"""The system that a demo sells on: started in a folder of its own, in either mode, as scripts/run
starts it; killed and started again where the demo is told to; stopped in order at the end."""

import http.client
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
import urllib.parse
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
# Below the kernel's range for outgoing connections, so that none of those sits on it at a restart.
FIRST_PORT, LAST_PORT = 20_000, 32_000
PORT_TRIES = 200
READY_SECONDS = 90
SERVER_SECONDS = 10 * 60  # the first start of a broker also fetches its jars
STOP_SECONDS = 20         # a drain takes up to 15 s with the broker gone
ASK_SECONDS = 5
PAUSE_SECONDS = 0.05
SHOWN_LINES = 15
WORKERS = ("worker-1", "worker-2")
SHOPPERS_A_GATEWAY = 1000
MOST_GATEWAYS = 4
RUNNING = re.compile(r"^running (\S+) pid \d+", re.M)
PUBLIC_KEY = re.compile(r"public key (\S+)")


class Trouble(Exception):
    """What a demo cannot go on with; its text is for the reader."""


def free_ports(count, first=None):
    """Ports one after the other that nobody listens on."""
    for _ in range(PORT_TRIES):
        start = first or random.SystemRandom().randrange(FIRST_PORT, LAST_PORT)
        ports = list(range(start, start + count))
        if all(map(can_bind, ports)):
            return ports
        if first:
            raise Trouble(f"of the ports {ports[0]} to {ports[-1]} of {HOST} one is in use; take "
                          "others: --port N, or leave it out")
    raise Trouble("no ports are free")


def can_bind(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            return True
        except OSError:
            return False


def answers_ready(port):
    connection = http.client.HTTPConnection(HOST, port, timeout=ASK_SECONDS)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


class Program:
    """One process of ours and its log."""

    def __init__(self, name, words, log, port):
        self.name = name
        self.kills = 0
        self._words = [str(word) for word in words]
        self._log = log
        self._port = port
        self._process = None

    @property
    def pid(self):
        return self._process.pid

    def start(self):
        with open(self._log, "ab") as output:
            # Its own session: Ctrl-C reaches the demo only, which stops things in order.
            self._process = subprocess.Popen(self._words, stdin=subprocess.DEVNULL, stdout=output,
                                             stderr=subprocess.STDOUT, start_new_session=True)

    def wait_ready(self):
        deadline = time.monotonic() + READY_SECONDS
        while not answers_ready(self._port):
            if self._process.poll() is not None:
                raise Trouble(f"{self.name} ended with {self._process.returncode}:\n{self.story()}")
            if time.monotonic() > deadline:
                raise Trouble(f"{self.name} is not ready after {READY_SECONDS} s:\n{self.story()}")
            time.sleep(PAUSE_SECONDS)

    def kill(self):
        self._process.kill()
        self._process.wait()
        self.kills += 1

    def ask_to_stop(self):
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def wait_stopped(self, deadline):
        if not self._process:
            return
        try:
            self._process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def story(self):
        try:
            lines = self._log.read_text(errors="replace").splitlines()[-SHOWN_LINES:]
        except OSError:
            lines = ["(no log)"]
        return "\n".join("  | " + line for line in lines)


class System:
    """What both modes have in common."""

    def __init__(self, folder, binaries, port=None, spare_ingress=False, gateways=1):
        self.folder = folder
        self.data = folder / "data"
        self._logs = folder / "log"
        self._binaries = binaries
        self._port = port
        self._spare = spare_ingress
        self.programs = []
        self.http_ports = []
        self.operator_port = None
        # A gateway tells of one payment at a time: many shoppers pay at several.
        self.gateway_ports = [None] * gateways

    def start(self):
        self._clear()
        self._logs.mkdir(parents=True)
        self.data.mkdir()
        self._make()
        for program in self.programs:
            program.start()
        for program in self.programs:
            program.wait_ready()
        return self

    def stop(self):
        for program in reversed(self.programs):
            program.ask_to_stop()
        deadline = time.monotonic() + STOP_SECONDS
        for program in reversed(self.programs):
            program.wait_stopped(deadline)

    def _clear(self):
        """A demo begins with nothing."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _make(self):
        raise NotImplementedError

    def _add(self, name, binary, *words, port):
        program = Program(name, [self._binaries / binary, *words], self._logs / f"{name}.log", port)
        self.programs.append(program)
        return program

    def _add_gateways(self):
        for number, port in enumerate(self.gateway_ports, 1):
            shop = self.http_ports[number % len(self.http_ports)]
            self._add(f"gateway-{number}", "dropline-sandbox", "--dev", "--data-dir", self.data,
                      "--sandbox-address", f"{HOST}:{port}", "--sandbox-notify", f"{HOST}:{shop}",
                      port=port)

    def victims(self):
        """What is killed once each, in this order."""
        raise NotImplementedError

    def command(self, *words, text=None):
        """One of the operator's commands; what it printed."""
        done = subprocess.run([str(self._binaries / "dropline"), *words, "--data-dir",
                               str(self.data)], input=text, text=True, capture_output=True,
                              check=False)
        if done.returncode:
            raise Trouble(f"dropline {words[0]}: {done.stderr.strip()}")
        return done.stdout

    def tokens(self, members, *flags):
        minted = self.command("token", "--member", "-", *flags, text="\n".join(members) + "\n")
        return dict(zip(members, minted.split()))

    def receipt_key(self):
        return PUBLIC_KEY.search(self.command("keys")).group(1)


class Embedded(System):
    mode = "embedded"

    def _make(self):
        http_port, self.operator_port, *self.gateway_ports = free_ports(
            2 + len(self.gateway_ports), self._port)
        self.http_ports = [http_port]
        self._file = self.data / "dropline.db"
        self._add("dropline", "dropline", "serve", "--dev", "--data-dir", self.data,
                  "--http-address", f"{HOST}:{http_port}",
                  "--admin-address", f"{HOST}:{self.operator_port}", port=http_port)
        self._add_gateways()

    def victims(self):
        return [self.programs[0]]

    def log_arguments(self):
        """Where prove.py finds the log."""
        return ["--log-file", self._file]

    def shop_arguments(self):
        """What leads our own programs to this shop."""
        return ["--data-dir", self.data]

    def plant_units(self, drop, units):
        """Raises what every offer has, behind the system's back."""
        database = sqlite3.connect(self._file, timeout=30)
        with database:
            changed = database.execute(
                "UPDATE stock_offers SET supplied = supplied + ?1, free = free + ?1 "
                "WHERE drop_id = ?2", (units, drop)).rowcount
        database.close()
        return changed


class Server:
    """A broker or a PostgreSQL, by its script."""

    def __init__(self, kind, folder):
        self._kind = kind
        self._folder = folder / kind

    def start(self):
        # Its output goes to a file: a server that lives on would keep a pipe open.
        said = pathlib.Path(f"{self._folder}.out")
        said.parent.mkdir(parents=True, exist_ok=True)
        with open(said, "wb") as output:
            done = subprocess.run([ROOT / "scripts" / self._kind, "start", "--dir", self._folder],
                                  stdin=subprocess.DEVNULL, stdout=output, check=False,
                                  stderr=subprocess.STDOUT, timeout=SERVER_SECONDS)
        text = said.read_text(errors="replace")
        found = RUNNING.search(text)
        if done.returncode or not found:
            raise Trouble(f"{self._kind} did not start:\n{text}")
        return found.group(1)

    def stop(self):
        if self._folder.exists():
            subprocess.run([ROOT / "scripts" / self._kind, "stop", "--dir", self._folder],
                           stdin=subprocess.DEVNULL, capture_output=True, check=False)


class Distributed(System):
    """Two workers of all services and an ingress (two where one is to be killed), on a broker and
    a PostgreSQL of its own, or on those that run already, with topics and a database of its own."""

    mode = "distributed"

    def __init__(self, *arguments, brokers=None, database_url=None, say=print, **options):
        super().__init__(*arguments, **options)
        self._brokers = brokers
        self._server_url = database_url
        self._say = say
        self._own = [] if brokers else [Server("kafka", self.folder),
                                        Server("postgres", self.folder)]
        self._url = None
        self._prefix = ""
        self._database = None

    def _clear(self):
        for server in self._own:
            server.stop()
        super()._clear()

    def _start_servers(self):
        if self._own:
            self._say("starting Kafka and PostgreSQL …")
            self.folder.chmod(0o755)  # PostgreSQL runs as another user when we are root
            self._brokers, self._url = (server.start() for server in self._own)
            return
        self._database = "demo" + uuid.uuid4().hex[:12]
        self._prefix = self._database + "."
        parts = urllib.parse.urlsplit(self._server_url)
        self._url = parts._replace(path="/" + self._database).geturl()
        self._psql(self._server_url, f"CREATE DATABASE {self._database}")

    def _make(self):
        self._start_servers()
        ingresses = 2 if self._spare else 1
        gateways = len(self.gateway_ports)
        ports = free_ports(2 * ingresses + gateways + len(WORKERS), self._port)
        self.http_ports = [ports.pop(0)]
        self.operator_port = ports.pop(0)
        self.gateway_ports = [ports.pop(0) for _ in range(gateways)]
        shared = ["--dev", *self.shop_arguments()]
        for name in WORKERS:
            admin = ports.pop(0)
            self._add(name, "dropline-worker", "all", *shared, "--admin-address",
                      f"{HOST}:{admin}", port=admin)
        self._add_ingress("ingress-1", shared, self.http_ports[0], self.operator_port)
        if ingresses > 1:
            self.http_ports.append(ports.pop(0))
            self._add_ingress("ingress-2", shared, self.http_ports[1], ports.pop(0))
        self._add_gateways()

    def _add_ingress(self, name, shared, port, admin):
        self._add(name, "dropline-ingress", *shared, "--http-name", name, "--http-address",
                  f"{HOST}:{port}", "--admin-address", f"{HOST}:{admin}", port=port)

    def victims(self):
        named = {program.name: program for program in self.programs}
        return [named[name] for name in ("worker-1", "ingress-2", "worker-2") if name in named]

    def log_arguments(self):
        return ["--brokers", self._brokers, "--topics-prefix", self._prefix]

    def shop_arguments(self):
        return ["--data-dir", self.data, "--kafka-brokers", self._brokers,
                "--database-url", self._url, "--topics-prefix", self._prefix]

    def plant_units(self, drop, units):
        said = self._psql(self._url, "UPDATE stock.offers SET supplied = supplied + "
                          f"{int(units)}, free = free + {int(units)} "
                          f"WHERE drop_id = '{uuid.UUID(drop)}' RETURNING 1")
        return len(said.split())

    @staticmethod
    def _psql(url, sql):
        done = subprocess.run(["psql", url, "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql],
                              capture_output=True, text=True, check=False)
        if done.returncode:
            raise Trouble(f"psql: {done.stderr.strip()}")
        return done.stdout

    def stop(self):
        super().stop()
        for server in self._own:
            server.stop()
        if self._database:
            self._psql(self._server_url, f"DROP DATABASE IF EXISTS {self._database} WITH (FORCE)")


def open_system(asked, say):
    folder = pathlib.Path(os.path.abspath(asked.dir))
    gateways = min(MOST_GATEWAYS, 1 + asked.shoppers // SHOPPERS_A_GATEWAY)
    if asked.distributed:
        return Distributed(folder, asked.binaries, brokers=asked.brokers,
                           database_url=asked.database_url, say=say, port=asked.port,
                           spare_ingress=asked.kill, gateways=gateways)
    return Embedded(folder, asked.binaries, port=asked.port, gateways=gateways)
