"""The real system, in a folder of its own, in either mode."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import urllib.parse
import uuid

from facts import FileFacts, ServerFacts
from proxy import Proxy
from programs import ROOT, Program, Trouble, binary, call, free_port, try_start, until

SERVER_SECONDS = 10 * 60  # the first start of a broker also fetches its jars
ADMIN = "0190a0b0-0000-7000-8000-00000000ad01"
RUNNING = re.compile(r"^running (\S+) pid (\d+)", re.M)


class Server:
    """A broker or a PostgreSQL of our own, by its script."""

    def __init__(self, kind, folder, port=None, *settings):
        self.kind = kind
        self.folder = folder
        self.port = port
        self.settings = settings
        self.address = None

    def start(self):
        words = [ROOT / "scripts" / self.kind, "start", "--dir", self.folder]
        if self.port:
            words += ["--port", self.port]
        for setting in self.settings:
            words += ["--set", setting]
        # Its output goes to a file: a server that lives on would keep a pipe open.
        said = pathlib.Path(f"{self.folder}.out")
        with open(said, "wb") as output:
            done = subprocess.run([str(word) for word in words], stdin=subprocess.DEVNULL,
                                  stdout=output, stderr=subprocess.STDOUT, timeout=SERVER_SECONDS,
                                  check=False)
        found = RUNNING.search(said.read_text(errors="replace"))
        if done.returncode != 0 or not found:
            raise Trouble(f"{self.kind} did not start:\n{said.read_text(errors='replace')}")
        self.address = found.group(1)
        return self

    def stop(self, *flags):
        subprocess.run([ROOT / "scripts" / self.kind, "stop", *flags, "--dir", self.folder],
                       stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=False)

    def crash(self):
        """kill -9 of a broker, an immediate stop of PostgreSQL."""
        self.stop("--now")


def make_folder():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="dropline-faults-"))
    # PostgreSQL runs as another user when we are root, and must reach its folder.
    os.chmod(folder, 0o755)
    return folder


class System:
    """What both modes have in common: a folder, programs, tokens, an operator."""

    def __init__(self, folder=None):
        self.folder = make_folder()
        self.data = folder or self.folder / "data"
        self.data.mkdir(exist_ok=True)
        self.http_port = free_port()
        self.admin_port = free_port()
        self.programs = []
        self._tokens = {}

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise

    def __exit__(self, *_):
        for program in reversed(self.programs):
            program.kill()
        self.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def close(self):
        pass

    def program(self, name, words, **ports):
        made = Program(name, words, self.folder / f"{name}.log", **ports)
        self.programs.append(made)
        return made

    def wait_ready(self):
        for program in self.programs:
            program.wait_ready()
        return self

    def token(self, member, *flags):
        if member not in self._tokens:
            code, text = try_start([binary("dropline"), "token", "--member", member, "--lifetime",
                                    "24h", "--data-dir", self.data, *flags])
            if code != 0:
                raise Trouble(f"no token: {text}")
            self._tokens[member] = text.strip()
        return self._tokens[member]

    def ask_operator(self, path, body):
        """An operator's call, which must be taken."""
        headers = {"Authorization": "Bearer " + self.token(ADMIN, "--role", "admin"),
                   "Content-Type": "application/json"}
        status, text = call("POST", self.admin_port, path, json.dumps(body), headers)
        if status != 202:
            raise Trouble(f"POST {path} was answered {status}: {text}")


class Embedded(System):
    """One process on one file."""

    mode = "embedded"

    def start(self):
        self.main = self.program("dropline", self.words(), http_port=self.http_port,
                                 admin_port=self.admin_port)
        self.main.start()
        return self.wait_ready()

    def words(self, *more):
        return [binary("dropline"), "serve", "--dev", "--data-dir", self.data, "--http-address",
                f"127.0.0.1:{self.http_port}", "--admin-address", f"127.0.0.1:{self.admin_port}",
                *more]

    @property
    def workers(self):
        return [self.main]

    def victims(self):
        """What a killer chooses from: programs that go together."""
        return [("dropline", [self.main])]

    def facts(self):
        return FileFacts(self.data / "dropline.db")


class Servers:
    """A broker and a PostgreSQL: those that the environment names, or our own where it names none
    or we mean to do something to them."""

    def __init__(self, *own):
        """`own`: kinds (`kafka`, `postgres`) that must be ours."""
        self.brokers = os.environ.get("DROPLINE_TEST_KAFKA")
        self.url = os.environ.get("DROPLINE_TEST_POSTGRESQL")
        self.folder = None
        self.kafka = self.postgres = None
        if "kafka" in own or not self.brokers:
            self.kafka = self._own("kafka")
            self.brokers = f"127.0.0.1:{self.kafka.port}"
        if "postgres" in own or not self.url:
            self.postgres = self._own("postgres")

    def _own(self, kind, *settings):
        self.folder = self.folder or make_folder()
        return Server(kind, self.folder / kind, free_port(), *settings)

    def start(self):
        self.start_database()
        self.start_broker()
        return self

    def start_database(self):
        if self.postgres:
            self.url = self.postgres.start().address

    def start_broker(self):
        if self.kafka:
            self.kafka.start()

    @property
    def reached(self):
        """Broker and database as programs reach them."""
        return self.brokers, self.url

    def stop(self):
        for server in (self.kafka, self.postgres):
            if server:
                server.stop("--now")
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)


class FarServers(Servers):
    """Those that are our own are reached through `links`, which can be spoilt. We look at them
    directly; only what the broker calls itself is its link, or clients would go round it."""

    def __init__(self, *own):
        self.links = {}
        self._ports = {}
        super().__init__(*own)

    def _own(self, kind, *settings):
        self._ports[kind] = free_port()
        if kind == "kafka":
            settings = (f"advertised.listeners=PLAINTEXT://{self._link_of(kind)}",)
        return super()._own(kind, *settings)

    def _link_of(self, kind):
        return f"127.0.0.1:{self._ports[kind]}"

    def _lay(self, kind, server):
        if kind in self._ports:
            self.links[kind] = Proxy(self._ports[kind], "127.0.0.1", server.port)

    def start_database(self):
        super().start_database()
        self._lay("postgres", self.postgres)

    def start_broker(self):
        self._lay("kafka", self.kafka)
        super().start_broker()

    @property
    def reached(self):
        brokers, url = super().reached
        if "kafka" in self._ports:
            brokers = self._link_of("kafka")
        if "postgres" in self._ports:
            parts = urllib.parse.urlsplit(url)
            login, _, _ = parts.netloc.rpartition("@")
            url = parts._replace(netloc=f"{login}@{self._link_of('postgres')}").geturl()
        return brokers, url

    def stop(self):
        for link in self.links.values():
            link.stop()
        super().stop()


def psql(url, sql):
    """Rows of texts."""
    done = subprocess.run(["psql", url, "-XAtq", "-v", "ON_ERROR_STOP=1", "-F", "\x1f",
                           "-R", "\x1e", "-c", sql],
                          capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        raise OSError(done.stderr.strip())
    text = done.stdout.removesuffix("\n")
    return [row.split("\x1f") for row in text.split("\x1e")] if text else []


class Distributed(System):
    """An ingress and two workers of all services, with topics and a database of their own."""

    mode = "distributed"

    def __init__(self, servers, partitions=16):
        super().__init__()
        self.servers = servers
        name = "f" + uuid.uuid4().hex[:12]
        self.prefix = name + "."
        self.partitions = partitions
        self.url = urllib.parse.urlsplit(servers.url)._replace(path="/" + name).geturl()
        psql(servers.url, f"CREATE DATABASE {name}")
        self.database = name

    def start(self):
        self.make_programs()
        for program in self.programs:
            program.start()
        self.wait_ready()
        until(60, "both workers have shards", self.shared)
        return self

    def make_worker(self, name):
        admin = free_port()
        return self.program(name, self.words("dropline-worker", "all", "--admin-address",
                                             f"127.0.0.1:{admin}"), admin_port=admin)

    def make_programs(self):
        for name in ("worker-1", "worker-2"):
            self.make_worker(name)
        self.ingress = self.program(
            "ingress",
            self.words("dropline-ingress", "--http-address", f"127.0.0.1:{self.http_port}",
                       "--admin-address", f"127.0.0.1:{self.admin_port}"),
            http_port=self.http_port, admin_port=self.admin_port)

    def words(self, name, *more):
        brokers, url = self.servers.reached
        url = urllib.parse.urlsplit(url)._replace(path="/" + self.database).geturl()
        return [binary(name), *more, "--dev", "--data-dir", self.data, "--kafka-brokers", brokers,
                "--database-url", url, "--topics-prefix", self.prefix,
                "--topics-partitions", self.partitions]

    @property
    def workers(self):
        return self.programs[:2]

    def shared(self):
        """Whether the workers run all shards of every service between them, each some."""
        held = [worker.by_service("dropline_worker_shards") for worker in self.workers]
        services = set().union(*held)
        return bool(services) and all(
            all(each.get(service) for each in held) and
            sum(each[service] for each in held) == self.partitions for service in services)

    def runs_all(self, worker):
        """Whether one worker runs every shard of every service."""
        held = worker.by_service("dropline_worker_shards")
        return bool(held) and all(count == self.partitions for count in held.values())

    def victims(self):
        one, two = self.workers
        return [("worker", [one]), ("worker", [two]), ("both workers", [one, two]),
                ("ingress", [self.ingress])]

    def facts(self):
        return ServerFacts(lambda sql: psql(self.url, sql), self.servers.brokers, self.prefix)

    def close(self):
        try:
            psql(self.servers.url, f"DROP DATABASE IF EXISTS {self.database} WITH (FORCE)")
        except OSError:
            pass  # its server is gone, and the database with it
