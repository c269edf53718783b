# label: slow
"""A shop that is asked for more than it can give, and by people who mean it no good. Others must
not feel much of it, refusals must be quick, memory bounded, and all well again soon.

With `--whole` (scripts/soak --overload) at full size and in both modes; without it a short form of
the embedded mode. With names only those."""

import argparse
import asyncio
import json
import logging
import multiprocessing
import os
import pathlib
import resource
import signal
import statistics
import subprocess
import sys
import time
import uuid

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "faults"))

from load import Goods  # noqa: E402
from programs import Trouble, until  # noqa: E402
from systems import Distributed, Embedded, Servers  # noqa: E402

# What must hold, whatever is done to it.
REFUSED_MS = 50  # median of 429 and 503
RECOVERY_SECONDS = 30
SLOWER = 2.0  # others' p99 beside that of a quiet shop …
SLACK_MS = 100  # … with this much for a machine that runs shop and abusers on the same cores
NEVER_MS = 30_000  # what a look that was not answered counts as
QUIET_SECONDS = 2
RSS_MEGABYTES = {"dropline": 600, "ingress": 500}

PROBE_PAUSE = 0.05
OVERLOADED = (429, 503)


class Size:
    """How much is done: the short form, and the whole."""

    def __init__(self, whole):
        self.whole = whole
        self.seconds = 20 if whole else 4
        self.connections = 10_000 if whole else 1_500
        self.clients = 400 if whole else 100
        self.elements = 10_000_000 if whole else 1_000_000
        self.blackout = 20 if whole else 8


def p(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


async def ask(port, method, path, headers=(), body=b"", *, limit=30):
    """One exchange on a connection of its own: status and milliseconds. Status 0: hung up."""
    began = time.monotonic()
    status = 0
    try:
        async with asyncio.timeout(limit):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                lines = [f"{method} {path} HTTP/1.1", "Host: shop", "Connection: close",
                         f"Content-Length: {len(body)}", *headers]
                writer.write(("\r\n".join(lines) + "\r\n\r\n").encode() + body)
                await writer.drain()
                line = await reader.readline()
                status = int(line.split()[1]) if line else 0
                await reader.read()
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError, IndexError):
        pass
    return status, (time.monotonic() - began) * 1_000


class Shop:
    """The system under abuse, with one well-behaved shopper who measures how it feels."""

    def __init__(self, system, size):
        self.system = system
        self.size = size
        self.port = system.http_port
        self.goods = Goods(1_000_000)
        self.goods.put_on_sale(system)
        self.member = str(uuid.uuid4())
        self.bearer = "Authorization: Bearer " + system.token(self.member)

    def order(self, bearer=None):
        drop = self.goods.drop
        body = json.dumps({"drop": drop, "lines": [{"sku": "HOODIE-M", "quantity": 1}],
                           "payment": {"method": "wallet"}}).encode()
        return ask(self.port, "POST", "/v1/orders",
                   (bearer or self.bearer, "Content-Type: application/json",
                    f"Idempotency-Key: {uuid.uuid4()}"), body)

    def probe(self):
        return Probe(self.port, f"/v1/drops/{self.goods.drop}", self.bearer)

    async def quiet(self):
        probe = self.probe()
        await asyncio.sleep(QUIET_SECONDS)
        return p(probe.felt(), 0.99)

    def memory(self):
        """The most that each program has had, in megabytes."""
        most = {}
        for program in self.system.programs:
            status = pathlib.Path(f"/proc/{program.process.pid}/status").read_text()
            line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
            most[program.name] = int(line.split()[1]) // 1024
        return most


class Probe:
    """Another shopper, in a process of its own so that what our clients take is not counted:
    looks at the drop again and again until asked what that felt like, in milliseconds."""

    def __init__(self, port, path, bearer):
        self._ours, theirs = multiprocessing.Pipe()
        self._process = multiprocessing.Process(target=self._run, daemon=True,
                                                args=(theirs, port, path, bearer))
        self._process.start()

    def felt(self):
        self._ours.send(None)
        felt = self._ours.recv()
        self._process.join()
        return felt

    @staticmethod
    def _run(pipe, port, path, bearer):
        async def look():
            felt = []
            while not pipe.poll():
                status, took = await ask(port, "GET", path, (bearer,))
                felt.append(took if status in (200, 304) else NEVER_MS)
                await asyncio.sleep(PROBE_PAUSE)
            return felt
        pipe.send(asyncio.run(look()))


class Report:
    """Figures of one abuse, and what falls short."""

    def __init__(self, mode, name):
        self.figures = {"mode": mode, "abuse": name}
        self.short = []

    def hold(self, good, what):
        if not good:
            self.short.append(what)

    def refusals(self, answers):
        refused = [took for status, took in answers if status in OVERLOADED]
        self.figures["refused"] = len(refused)
        if refused:
            median = statistics.median(refused)
            self.figures["refusal median ms"] = round(median, 1)
            self.hold(median <= REFUSED_MS, f"refusals took {median:.0f} ms at the median")

    def others(self, quiet, felt):
        worst = p(felt, 0.99)
        self.figures["others' p99 ms (quiet)"] = f"{worst:.0f} ({quiet:.0f})"
        bound = max(SLOWER * quiet, quiet + SLACK_MS)
        self.hold(worst <= bound, f"others waited {worst:.0f} ms, in a quiet shop {quiet:.0f}")

    def memory(self, shop):
        most = shop.memory()
        self.figures["MB"] = max(most.values())
        for name, megabytes in most.items():
            bound = RSS_MEGABYTES.get(name, RSS_MEGABYTES["ingress"])
            self.hold(megabytes <= bound, f"{name} took {megabytes} MB, its bound is {bound}")

    async def recovery(self, shop):
        """Until an order goes through again."""
        began = time.monotonic()
        while time.monotonic() - began < RECOVERY_SECONDS:
            status, _ = await shop.order(
                "Authorization: Bearer " + shop.system.token(str(uuid.uuid4())))
            if status in (200, 202):
                break
        took = time.monotonic() - began
        self.figures["recovery s"] = round(took, 1)
        self.hold(took < RECOVERY_SECONDS, f"it did not recover within {RECOVERY_SECONDS} s")


async def abused(shop, report, abuse):
    """Runs an abuse beside another shopper, and reports what the shopper felt."""
    quiet = await shop.quiet()
    probe = shop.probe()
    try:
        answers = await abuse()
    finally:
        felt = probe.felt()
    report.others(quiet, felt)
    report.refusals(answers)
    await report.recovery(shop)
    report.memory(shop)


async def one_member_storms(shop, report):
    """One member asks as quickly as can be: refused by rate, the others go on."""
    villain = "Authorization: Bearer " + shop.system.token(str(uuid.uuid4()))

    async def abuse():
        began = time.monotonic()
        refused = 0

        async def client():
            nonlocal refused
            answers = []
            # A slow machine needs longer than a burst's worth to be over the rate.
            while (took := time.monotonic() - began) < shop.size.seconds or (
                    not refused and took < 5 * shop.size.seconds):
                answers.append(await ask(shop.port, "GET", "/v1/orders", (villain,)))
                refused += answers[-1][0] == 429
            return answers
        got = await asyncio.gather(*(client() for _ in range(16)))
        answers = [one for each in got for one in each]
        report.figures["requests"] = len(answers)
        report.hold(any(status == 429 for status, _ in answers), "nobody was refused with 429")
        return answers
    await abused(shop, report, abuse)


async def refresh_storm(shop, report):
    """Many clients reload the page of drops, with and without its ETag."""
    async def abuse():
        until_then = time.monotonic() + shop.size.seconds

        async def client():
            answers = []
            while time.monotonic() < until_then:
                answers.append(await ask(shop.port, "GET", "/v1/drops"))
            return answers
        got = await asyncio.gather(*(client() for _ in range(16)))
        answers = [one for each in got for one in each]
        report.figures["requests"] = len(answers)
        report.hold(all(status in (200, 304, *OVERLOADED) for status, _ in answers),
                    "a reload was not answered")
        return answers
    await abused(shop, report, abuse)


async def idle_and_slow(shop, report):
    """Connections that say nothing, and some that say a byte now and then."""
    async def abuse():
        open_ones = []
        for number in range(shop.size.connections):
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", shop.port)
            except OSError:
                break
            if number % 2:
                writer.write(b"GET / HTTP/1.1\r\nHost: ")
            open_ones.append((reader, writer))
        report.figures["connections"] = len(open_ones)
        report.hold(len(open_ones) >= 0.9 * shop.size.connections,
                    f"only {len(open_ones)} connections could be opened")
        for _ in range(shop.size.seconds):
            for _, writer in open_ones[1:400:2]:
                if not writer.is_closing() and not writer.transport.is_closing():
                    writer.write(b"a")
            await asyncio.sleep(1)
        for _, writer in open_ones:
            writer.close()
        return []
    await abused(shop, report, abuse)


async def huge_json(shop, report):
    """Arrays of millions of elements, by Content-Length and in depth: refused, not held."""
    async def abuse():
        body = b"[" + b"0," * shop.size.elements + b"0]"
        headers = (shop.bearer, "Content-Type: application/json",
                   f"Idempotency-Key: {uuid.uuid4()}")
        answers = [await ask(shop.port, "POST", "/v1/orders", headers, body) for _ in range(5)]
        # Who is refused by the length alone may hang up on what is still being sent.
        report.hold(all(status in (0, 413) for status, _ in answers),
                    f"a body of millions was answered {[status for status, _ in answers]}")
        wide = json.dumps({"lines": [0] * 20_000}).encode()
        deep = b"[" * 60_000
        for body in (wide, deep):
            status, _ = await ask(shop.port, "POST", "/v1/orders", headers, body)
            report.hold(400 <= status < 500, f"JSON that is no order was answered {status}")
        return answers
    await abused(shop, report, abuse)


async def ten_times_the_load(shop, report):
    """Many members order at once, as quickly as answers come, far beyond what is decided."""
    bearers = ["Authorization: Bearer " + shop.system.token(str(uuid.uuid4())) for _ in range(40)]

    async def abuse():
        until_then = time.monotonic() + shop.size.seconds

        async def client(number):
            answers = []
            while time.monotonic() < until_then:
                answers.append(await shop.order(bearers[number % len(bearers)]))
            return answers
        got = await asyncio.gather(*(client(number) for number in range(shop.size.clients)))
        answers = [one for each in got for one in each]
        report.figures["requests"] = len(answers)
        report.figures["taken"] = sum(status in (200, 202) for status, _ in answers)
        report.hold(all(status in (200, 202, 409, *OVERLOADED, 504) for status, _ in answers),
                    f"answers were {sorted({status for status, _ in answers})}")
        return answers
    # As many connections share one client's processor here, others' times are told, not held.
    quiet = await shop.quiet()
    report.refusals(await abuse())
    report.figures["others' p99 ms (quiet)"] = f"- ({quiet:.0f})"
    await report.recovery(shop)
    report.memory(shop)


async def broker_gone(shop, report):
    """The broker stops answering without hanging up; pages go on, orders are refused."""
    broker = shop.system.servers.kafka
    pid = int(broker_pid(broker))

    async def abuse():
        os.kill(pid, signal.SIGSTOP)
        try:
            deadline = time.monotonic() + shop.size.blackout
            answers = []
            while time.monotonic() < deadline:
                answers += await asyncio.gather(*(shop.order() for _ in range(4)))
            report.hold(all(status in (*OVERLOADED, 504) for status, _ in answers),
                        f"answers were {sorted({status for status, _ in answers})}")
            return answers
        finally:
            os.kill(pid, signal.SIGCONT)
    await abused(shop, report, abuse)


def broker_pid(server):
    said = subprocess.run([HERE.parents[1] / "scripts" / "kafka", "status", "--dir",
                           server.folder], capture_output=True, text=True, check=True).stdout
    return said.split()[-1]


EMBEDDED = (one_member_storms, refresh_storm, idle_and_slow, huge_json, ten_times_the_load)
DISTRIBUTED = (*EMBEDDED, broker_gone)


def run(system, abuses, size):
    reports = []
    with system:
        for abuse in abuses:
            shop = Shop(system, size)
            report = Report(system.mode, abuse.__name__)
            try:
                asyncio.run(abuse(shop, report))
            except Trouble as trouble:
                report.hold(False, str(trouble))
            for program in system.programs:
                report.hold(program.running(), f"{program.name} has ended")
            print(json.dumps(report.figures), "; ".join(report.short) or "holds", flush=True)
            reports.append(report)
    return reports


def main():
    parser = argparse.ArgumentParser(prog="overload_test.py")
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("names", nargs="*")
    asked = parser.parse_args()
    logging.getLogger("asyncio").setLevel(logging.ERROR)  # of who was hung up on
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    size = Size(asked.whole)

    def chosen(abuses):
        return [one for one in abuses if not asked.names or one.__name__ in asked.names]
    reports = run(Embedded(), chosen(EMBEDDED), size) if chosen(EMBEDDED) else []
    if asked.whole or "broker_gone" in asked.names:
        servers = Servers("kafka")
        servers.start()
        try:
            reports += run(Distributed(servers), chosen(DISTRIBUTED), size)
        finally:
            servers.stop()
    failed = sum(bool(report.short) for report in reports)
    print(f"{len(reports) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
