#!/usr/bin/env python3
"""A drop, seen: starts dropline, lets shoppers rush it over HTTP, and has a separate process prove
the outcome. `scripts/run --demo` calls it; by itself it takes more options.

Exit code: 0 proved, 1 not proved, 2 the demo could not be held, 130 interrupted.
"""

import argparse
import asyncio
import datetime
import itertools
import json
import math
import os
import pathlib
import resource
import signal
import subprocess
import sys
import time
import uuid

from demo_http import Connection, Lost
from demo_shoppers import Crowd, Figures, Journal, make_shoppers, won
from demo_system import ROOT, Trouble, open_system

SIZES = ("S", "M", "L", "XL")
PRICES = (89_000, 89_000, 92_000, 95_000)
PLAIN_SHARES = {"poor": 5}
MISCHIEF_SHARES = {"poor": 10, "retry": 5, "cheat": 5, "body": 5, "early": 1}
LANES = 500
OPERATOR = "0190a0b0-0000-7000-8000-00000000ad01"
OPENS_AFTER_SECONDS = 2
SETTING_SECONDS = 60   # until every ingress shows the drop
LIVE_SECONDS = 0.1     # between two looks at the figures, on a terminal
PLAIN_SECONDS = 1.0    # elsewhere
KILL_SHARES = (0.2, 0.5, 0.75)  # of the units granted
REST_SECONDS = 30
OPEN_FILES = 8192


def arguments():
    parser = argparse.ArgumentParser(prog="demo.py", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binaries", type=pathlib.Path, default=ROOT / "build/release/bin")
    parser.add_argument("--dir", default=str(ROOT / "var/demo"), help="emptied first")
    parser.add_argument("--port", type=int, help="and the next ones; default: free ones")
    parser.add_argument("--distributed", action="store_true")
    parser.add_argument("--brokers", help="distributed: a broker that runs already")
    parser.add_argument("--database-url", help="distributed: and a PostgreSQL")
    parser.add_argument("--shoppers", type=int, default=1000)
    parser.add_argument("--units", type=int, default=100)
    parser.add_argument("--options", type=int, default=1, choices=range(1, len(SIZES) + 1))
    parser.add_argument("--limit", type=int, default=1, help="units a member")
    parser.add_argument("--mischief", action="store_true",
                        help="10%% poor, 5%% retry, 5%% cheat, 5%% reuse a key, 1%% come early")
    parser.add_argument("--kill", action="store_true",
                        help="kill -9 every worker and an ingress (embedded: dropline, thrice)")
    parser.add_argument("--break", dest="fault", choices=["oversell"],
                        help="plant a fault during the sale: the proof must fail")
    parser.add_argument("--lanes", type=int, default=LANES, help="shoppers at the same time")
    parser.add_argument("--seed", type=int, help="who does what; default: another each time")
    parser.add_argument("--figures", type=pathlib.Path, help="write what was measured, as JSON")
    asked = parser.parse_args()
    if bool(asked.brokers) != bool(asked.database_url):
        parser.error("--brokers and --database-url go together")
    if asked.shoppers < 1 or asked.units < asked.options:
        parser.error("there must be a shopper, and a unit of each option")
    asked.distributed = asked.distributed or bool(asked.brokers)
    asked.binaries = asked.binaries.resolve()
    if not (asked.binaries / "dropline-sandbox").exists():
        parser.error(f"{asked.binaries} has no dropline-sandbox: scripts/build release")
    return asked


class Screen:
    """One live line on a terminal; plain lines elsewhere."""

    def __init__(self):
        self._live = sys.stdout.isatty()
        self._began = time.monotonic()
        self._open = False

    @property
    def pause(self):
        return LIVE_SECONDS if self._live else PLAIN_SECONDS

    def say(self, text=""):
        self.end()
        print(text, flush=True)

    def begin(self):
        self._began = time.monotonic()

    def show(self, text):
        passed = time.monotonic() - self._began
        line = f"  {passed:5.1f} s  {text}"
        if self._live:
            print(f"\r\033[K{line}", end="", flush=True)
            self._open = True
        else:
            print(line, flush=True)

    def end(self):
        if self._open:
            print(flush=True)
        self._open = False


def words_of(figures):
    return (f"in {figures.sent:,} · granted {figures.granted:,} of {figures.units:,} · "
            f"paid {figures.paid:,} · refused {figures.refused:,} · decided in "
            f"p50 {figures.percentile(0.5):,.0f} ms, p99 {figures.percentile(0.99):,.0f} ms")


class Demo:
    def __init__(self, asked, screen):
        self.asked = asked
        self.screen = screen
        self.system = open_system(asked, screen.say)
        self.seed = asked.seed if asked.seed is not None else int.from_bytes(os.urandom(4), "big")
        self.skus = [f"HOODIE-{SIZES[index]}" for index in range(asked.options)]
        self.prices = dict(zip(self.skus, PRICES))
        share, rest = divmod(asked.units, asked.options)
        self.supply = {sku: share + (index < rest) for index, sku in enumerate(self.skus)}
        self.figures = Figures(asked.units)
        self.drop = str(uuid.uuid4())
        self.measured = {}

    # What happens

    async def hold(self):
        """Up to the sale's end; the journal is complete then."""
        asked, system = self.asked, self.system
        journal = Journal(system.folder / "journal.jsonl")
        shoppers = make_shoppers(asked.shoppers, self.skus,
                                 MISCHIEF_SHARES if asked.mischief else PLAIN_SHARES, self.seed)
        tokens = system.tokens([shopper.member for shopper in shoppers], "--lifetime", "24h")
        for shopper in shoppers:
            shopper.token = tokens[shopper.member]
        crowd = Crowd(system.http_ports, system.gateway_ports, journal, self.figures, shoppers,
                      lanes=asked.lanes)
        crowd.drop, crowd.prices = self.drop, self.prices
        try:
            journal.note("sale", drop=self.drop, mode=system.mode, supply=self.supply,
                         limit=asked.limit, receipt_key=system.receipt_key(), seed=self.seed)
            self.screen.say(f"{asked.shoppers:,} shoppers fill their wallets …")
            began = time.monotonic()
            await crowd.each(crowd.fund)
            await crowd.each(crowd.wait_for_money)
            self.measured["funding_seconds"] = round(time.monotonic() - began, 1)
            await self.open_doors(crowd)
            await self.sell(crowd)
            await crowd.each(crowd.look_back)
        finally:
            crowd.close()
            journal.close()

    async def open_doors(self, crowd):
        """The operator puts the product and schedules the drop; those who cannot wait order."""
        operator = {"Authorization": "Bearer " + self.system.tokens([OPERATOR], "--role",
                                                                    "admin")[OPERATOR]}
        desk = Connection(self.system.operator_port)
        product = str(uuid.uuid4())
        await self.put(desk, operator, f"/v1/admin/products/{product}", {
            "name": {"en": "Hoodie", "ko": "후드"},
            "options": [{"sku": sku, "name": {"en": sku.rsplit("-", 1)[1]}} for sku in self.skus]})
        # A drop is scheduled of products that are known.
        await self.wait_for(f"/v1/products/{product}", lambda said: True)
        opens = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(
            seconds=OPENS_AFTER_SECONDS)
        terms = {"title": {"en": "Winter drop", "ko": "겨울 드롭"},
                 "offers": [{"sku": sku, "product": product, "price": won(self.prices[sku]),
                             "units": self.supply[sku]} for sku in self.skus],
                 "limit_per_member": self.asked.limit,
                 "opens_at": opens.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                 "closes_at": (opens + datetime.timedelta(hours=1)).isoformat(
                     timespec="milliseconds").replace("+00:00", "Z")}
        await self.put(desk, operator, f"/v1/admin/drops/{self.drop}", terms)
        desk.close()
        await self.wait_for(f"/v1/drops/{self.drop}",
                            lambda said: said["offers"] and said["state"] in ("scheduled", "open"))
        await crowd.each(crowd.come_early, [each for each in crowd.shoppers
                                            if each.kind == "early"])
        await self.wait_for(f"/v1/drops/{self.drop}", lambda said: said["state"] == "open")

    async def put(self, desk, operator, path, body):
        deadline = time.monotonic() + SETTING_SECONDS
        while True:
            try:
                status, said = await desk.ask("PUT", path, operator, body)
            except Lost as lost:
                status, said = 0, str(lost)
            if status == 202:
                return
            if time.monotonic() > deadline or status not in (0, 503, 504):
                raise Trouble(f"PUT {path} was answered {status}: {said}")
            await asyncio.sleep(LIVE_SECONDS)

    async def wait_for(self, path, good):
        """Until every ingress shows it so."""
        deadline = time.monotonic() + SETTING_SECONDS
        for port in self.system.http_ports:
            connection = Connection(port)
            while True:
                try:
                    status, said = await connection.ask("GET", path)
                except Lost as lost:
                    status, said = 0, str(lost)
                if status == 200 and good(said):
                    break
                if time.monotonic() > deadline:
                    raise Trouble(f"after {SETTING_SECONDS} s GET {path} is still answered "
                                  f"{status}: {said}")
                await asyncio.sleep(LIVE_SECONDS)
            connection.close()

    async def sell(self, crowd):
        asked = self.asked
        self.screen.say(f"The doors are open: {asked.units:,} units"
                        + (f" of {asked.options} options" if asked.options > 1 else "")
                        + f", limit {asked.limit}.")
        self.screen.begin()
        began = time.monotonic()
        watch = asyncio.create_task(self.watch())
        killing = asyncio.create_task(self.kill_some()) if asked.kill else None
        try:
            if asked.fault:
                await self.sell_broken(crowd)
            else:
                await crowd.each(crowd.shop)
            if killing:
                await killing
        finally:
            watch.cancel()
            if killing:
                killing.cancel()
        self.screen.show(words_of(self.figures))
        self.screen.end()
        self.measured |= {"sale_seconds": round(time.monotonic() - began, 1),
                          "requests": self.figures.sent, "lost": self.figures.lost,
                          "paid": self.figures.paid, "unpaid": self.figures.unpaid,
                          "refused": self.figures.refused,
                          "p50_ms": round(self.figures.percentile(0.5)),
                          "p99_ms": round(self.figures.percentile(0.99)),
                          "kills": sum(each.kills for each in self.system.programs),
                          "seed": self.seed}

    async def sell_broken(self, crowd):
        """Half the units are sold honestly; then a hand reaches into the table."""
        half = max(1, self.asked.units // 2)
        await crowd.each(crowd.shop, crowd.shoppers[:half])
        extra = max(1, math.ceil(self.asked.units / 10))
        changed = await asyncio.to_thread(self.system.plant_units, self.drop, extra)
        if changed != len(self.skus):
            raise Trouble(f"the fault was not planted: {changed} offers changed")
        self.screen.say(f"  ✗ --break oversell: {extra} units of each option that nobody has are "
                        "written into stock's table, behind its back: the proof must fail")
        await crowd.each(crowd.shop, crowd.shoppers[half:])

    async def watch(self):
        last = None
        while True:
            await asyncio.sleep(self.screen.pause)
            words = words_of(self.figures)
            if words != last:
                self.screen.show(words)
            last = words

    async def kill_some(self):
        victims = itertools.cycle(self.system.victims())
        for share in KILL_SHARES:
            while (self.figures.granted < share * self.asked.units
                   and self.figures.done < share * self.asked.shoppers):
                await asyncio.sleep(0.002)
            program = next(victims)
            self.screen.say(f"  ✗ kill -9 {program.name}, and start it again")
            await asyncio.to_thread(program.kill)
            program.start()
            await asyncio.to_thread(program.wait_ready)

    # What it came to

    def prove(self):
        """In a process of its own; its exit code."""
        folder = self.system.folder
        words = [sys.executable, str(pathlib.Path(__file__).with_name("prove.py")),
                 str(folder / "journal.jsonl"), *map(str, self.system.log_arguments()),
                 "--rest-seconds", str(REST_SECONDS), "--keep", str(folder / "topics")]
        self.screen.say("\nThe proof, by a process of its own, from these answers and the topics "
                        "alone:\n")
        began = time.monotonic()
        with subprocess.Popen(words) as process:
            try:
                code = process.wait()
            except BaseException:
                process.terminate()
                raise
        self.measured["proof_seconds"] = round(time.monotonic() - began, 1)
        self.measured["proved"] = code == 0
        return code

    def conclude(self, code):
        asked = self.asked
        if asked.figures:
            asked.figures.write_text(json.dumps(self.measured, indent=1) + "\n")
        if asked.fault and code == 1:
            self.screen.say("  That is right: a fault was planted, the proof found it, and the "
                            "exit code is 1.")
        elif asked.fault and code == 0:
            self.screen.say("  That is wrong: a fault was planted, and the proof did not find it.")
            code = 2
        shown = os.path.relpath(self.system.folder)
        self.screen.say(f"  Answers: {shown}/journal.jsonl; topics: {shown}/topics; seed "
                        f"{self.seed}")
        return code


def run(demo):
    """Holds the demo; SIGTERM and SIGHUP end it the way Ctrl-C does."""
    async def held():
        task = asyncio.current_task()
        for number in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        await demo.hold()

    try:
        asyncio.run(held())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    except BaseExceptionGroup as several:
        raise first_of(several) from None


def first_of(error):
    """One of the errors that tasks ended with together."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def interrupt(_number, _frame):
    raise KeyboardInterrupt


def quiet_from_now_on():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def main():
    asked = arguments()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(OPEN_FILES, hard), hard))
    screen = Screen()
    demo = Demo(asked, screen)
    code = 2
    try:
        screen.say(f"Starting dropline ({demo.system.mode}) …")
        demo.system.start()
        run(demo)
        code = demo.conclude(demo.prove())
    except Trouble as trouble:
        screen.say(f"demo: {trouble}")
    except KeyboardInterrupt:
        code = 130
        screen.say("interrupted; stopping …")
    finally:
        quiet_from_now_on()
        demo.system.stop()
    return code


if __name__ == "__main__":
    sys.exit(main())
