"""The whole shop under load, as scripts/run starts it, and what it is measured beside."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

from demo_system import Distributed, Embedded
from testing.processes import ROOT
from testing.servers import Servers

BINARIES = ROOT / "build" / "release" / "bin"
PEERS = ROOT / "apps" / "load" / "peers"
POSTGRES_BINARIES = pathlib.Path("/usr/lib/postgresql/15/bin")
MEMBERS = 10_000
CONNECTIONS = 1_000
SPREAD_SKUS, SPREAD_DROPS = 1_000, 40
STEADY_RATE, LONE_RATE = 1_000, 5
PEER_CLIENTS = 32
LOAD_SECONDS = 15 * 60
GATEWAYS = 2
SHOWN_LINES = 15
REDIS_REQUESTS_A_SECOND = 60_000
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
KILOBYTE = 1024


class BenchFailed(Exception):
    """What ends a measurement; its text is for the reader."""


def run_tool(words, seconds=LOAD_SECONDS, **options):
    done = subprocess.run([str(word) for word in words], stdin=options.pop("stdin", None),
                          capture_output=True, text=True, timeout=seconds, check=False, **options)
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).splitlines()[-SHOWN_LINES:])
        raise BenchFailed(f"{words[0]}: exit code {done.returncode}\n{said}")
    return done.stdout


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


def peak_megabytes(pid):
    found = re.search(r"VmHWM:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text())
    return int(found.group(1)) / KILOBYTE


def bytes_in(folder):
    return sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())


class Shop:
    """One system of either mode, and load on it."""

    def __init__(self, mode, folder):
        made = {"embedded": Embedded, "distributed": Distributed}[mode]
        self.mode = mode
        self.folder = folder
        self.system = made(folder, BINARIES, gateways=GATEWAYS)

    def __enter__(self):
        self.system.start()
        return self

    def __exit__(self, *_):
        self.system.stop()

    def ours(self):
        return [each for each in self.system.programs if not each.name.startswith("gateway")]

    def load(self, name, seconds, *words):
        """Runs dropline-load; its figures and what they cost, under that name."""
        report = self.folder / f"{name}.json"
        addresses = []
        for port in self.system.http_ports:
            addresses += ["--ingress", f"127.0.0.1:{port}"]
        for port in self.system.gateway_ports:
            addresses += ["--gateway", f"127.0.0.1:{port}"]
        run_tool([BINARIES / "dropline-load", *self.system.shop_arguments(), *addresses,
                  "--operator", f"127.0.0.1:{self.system.operator_port}", "--length",
                  f"{seconds}s", "--report", report, *words])
        return json.loads(report.read_text())

    def costed(self, name, seconds, *words):
        """The same, with CPU of ours an order from the start of the sale to its end."""
        before = {each.name: cpu_seconds(each.pid) for each in self.ours()}
        figures = self.load(name, seconds, *words)
        figures["cpu_us_an_order"] = {
            each.name: 1e6 * (cpu_seconds(each.pid) - before[each.name]) / max(1, figures["sent"])
            for each in self.ours()}
        return figures

    def audit(self):
        """The invariants after a run; raises with what was found."""
        begun = time.monotonic()
        run_tool([BINARIES / "dropline", "audit", *self.system.shop_arguments(), "--patience",
                  "60s"])
        return time.monotonic() - begun

    def restart_seconds(self):
        """Of the embedded shop: from its start to its first ready answer."""
        shop = self.system.programs[0]
        shop.ask_to_stop()
        shop.wait_stopped(time.monotonic() + LOAD_SECONDS)
        begun = time.monotonic()
        shop.start()
        shop.wait_ready()
        return time.monotonic() - begun


def told(figures, paid=True):
    kept = {"p50_ms": figures["p50_us"] / 1000, "p99_ms": figures["p99_us"] / 1000,
            "p999_ms": figures["p999_us"] / 1000, "lost": figures["lost"]}
    if paid:
        kept |= {"paid_per_s": figures["paid_per_s"], "lag_ms": figures["lag_ms"]}
    else:
        kept["answered_per_s"] = figures["answered_per_s"]
    return kept


def measure_shop(mode, seconds):
    """One run of everything on a fresh system; a line of figures."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="dropline-bench-"))
    crowd = ["--connections", CONNECTIONS, "--members", MEMBERS]
    try:
        with Shop(mode, folder / "shop") as shop:
            line = {"bench": f"pipeline_{mode}"}
            hot = shop.costed("hot", seconds, *crowd)
            line["hot"] = told(hot) | {"cpu_us_an_order": hot["cpu_us_an_order"]}
            line["peak_mb"] = {each.name: peak_megabytes(each.pid) for each in shop.ours()}
            line["disk_bytes_an_order"] = bytes_in(shop.folder) / max(1, hot["sent"])
            line["spread"] = told(shop.load("spread", seconds, *crowd, "--skus", SPREAD_SKUS,
                                            "--drops", SPREAD_DROPS))
            line["steady"] = told(shop.load("steady", seconds, *crowd, "--rate", STEADY_RATE))
            line["lone"] = told(shop.load("lone", min(seconds, 20), "--connections", 1,
                                          "--members", 1, "--rate", LONE_RATE))
            line["refusals"] = told(shop.load("refusals", min(seconds, 20), *crowd, "--scenario",
                                              "refusals"), paid=False)
            line["audit_s"] = shop.audit()
            if mode == "embedded":
                line["restart_s"] = shop.restart_seconds()
            return line
    finally:
        shutil.rmtree(folder, ignore_errors=True)


TPS = re.compile(r"^tps = ([0-9.]+)", re.M)


def measure_transactions(url, seconds):
    """One transaction an order, hot and spread, on a PostgreSQL of its own."""
    line = {"bench": "one_transaction"}
    for name, skus in (("hot", 1), ("spread", SPREAD_SKUS)):
        run_tool(["psql", url, "-Xq", "-v", "ON_ERROR_STOP=1", "-v", f"skus={skus}", "-v",
                  f"members={MEMBERS}", "-f", PEERS / "order_schema.sql"])
        said = run_tool([POSTGRES_BINARIES / "pgbench", url, "-n", "-M", "prepared", "-c",
                         PEER_CLIENTS, "-j", "2", "-T", seconds, "-D", f"skus={skus}", "-D",
                         f"members={MEMBERS}", "-f", PEERS / "order.sql"])
        line[name] = {"orders_per_s": float(TPS.search(said).group(1))}
    return line


class Redis:
    def __init__(self, folder, fsync, port):
        folder.mkdir()
        self._cli = ["redis-cli", "-p", str(port)]
        self._port = port
        self._server = subprocess.Popen(
            ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder),
             "--save", "", "--appendonly", "yes", "--appendfsync", fsync],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        for _ in range(100):
            if subprocess.run([*self._cli, "ping"], capture_output=True, check=False).stdout:
                return
            time.sleep(0.1)
        raise BenchFailed("redis-server did not start")

    def reservations_per_second(self, seconds):
        sha = run_tool([*self._cli, "-x", "SCRIPT", "LOAD"],
                       stdin=open(PEERS / "count_down.lua", encoding="utf-8")).strip()
        run_tool([*self._cli, "SET", "units", "1000000000"])
        said = run_tool(["redis-benchmark", "-p", self._port, "-c", PEER_CLIENTS, "-n",
                         seconds * REDIS_REQUESTS_A_SECOND // 2, "-r", MEMBERS, "--csv", "EVALSHA",
                         sha, 2, "units", "orders", "member:__rand_int__"])
        return float(said.strip().splitlines()[-1].split('","')[1])

    def stop(self):
        self._server.terminate()
        self._server.wait()


def measure_redis(seconds, port=17379):
    line = {"bench": "redis_script"}
    folder = pathlib.Path(tempfile.mkdtemp(prefix="dropline-bench-"))
    try:
        for fsync in ("everysec", "always"):
            server = Redis(folder / fsync, fsync, port)
            try:
                line[fsync] = {"reservations_per_s": server.reservations_per_second(seconds)}
            finally:
                server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return line


def measure_peers(seconds):
    servers = Servers(("postgres",))
    try:
        url = servers.environment()["DROPLINE_TEST_POSTGRESQL"]
        return [measure_transactions(url, seconds), measure_redis(min(seconds, 10))]
    finally:
        servers.stop()


def ratios(lines):
    """Of each run, the shop beside one transaction an order in the same run."""
    peers = [line for line in lines if line["bench"] == "one_transaction"]
    shops = [line for line in lines if line["bench"] == "pipeline_distributed"]
    return [{"bench": "beside_one_transaction",
             "hot_times": shop["hot"]["paid_per_s"] / peer["hot"]["orders_per_s"],
             "spread_times": shop["spread"]["paid_per_s"] / peer["spread"]["orders_per_s"]}
            for shop, peer in zip(shops, peers)]
