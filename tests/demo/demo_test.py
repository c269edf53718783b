# label: slow
"""The demo holds a sale and proves it; a planted fault is found; and so is every lie.

First the second implementation of the rules (scripts/lib/prove_rules.py) by table. Then a small
sale is held for real, and its journal and topics are told again with one lie each: the proof must
find it. Then the same with workers and an ingress killed on the way, in both modes.
"""

import copy
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "lib"))

import prove  # noqa: E402
from prove_claims import Case, check_all  # noqa: E402
from prove_log import Record, parse_headers  # noqa: E402
from prove_receipts import PublicKey, root_of  # noqa: E402
from prove_rules import Drop, body_hash, microseconds, order_id  # noqa: E402

BUILD = pathlib.Path(os.environ.get("DROPLINE_BUILD_DIR", ROOT / "build" / "release")).resolve()
DEMO = ROOT / "scripts" / "lib" / "demo.py"
DEMO_SECONDS = 280
STOP_SECONDS = 60
SHOWN_LINES = 40
DROP = "0190b2a0-0000-7000-8000-00000000d401"
PRODUCT = "0190b29f-1111-7000-8000-0000000000a1"
OTHER_PRODUCT = "0190b29f-1111-7000-8000-0000000000a2"


class Results:
    def __init__(self):
        self.passed = 0
        self.failed = 0

    def add(self, name, good, said=""):
        self.passed += bool(good)
        self.failed += not good
        print(f"{'ok  ' if good else 'FAIL'} {name}", flush=True)
        if not good:
            for line in str(said).rstrip().splitlines()[-SHOWN_LINES:]:
                print(f"   | {line}", flush=True)

    def equal(self, name, said, right):
        self.add(name, said == right, f"{said!r}\nbut expected\n{right!r}")


# The rules by table


def member(number):
    return str(uuid.UUID(int=number, version=4))


class Script:
    """A partition written by hand."""

    def __init__(self, *offers, opens="2026-03-01T11:00:00Z", **terms):
        self.records = []
        self.now = ms("2026-03-01T11:00:01Z")
        self.change("OpenDrop", at=self.now - 3600_000, revision=1, opens_at=opens,
                    closes_at="2026-03-01T12:00:00Z", offers=list(offers), **terms)

    def add(self, type_, value, at=None):
        self.records.append(Record("orders.commands", 4, len(self.records), at or self.now, DROP,
                                   {"ce_type": type_, "ce_source": "x", "ce_id": str(
                                       len(self.records))}, {"drop": DROP, **value}))
        return self

    def change(self, type_, at=None, **value):
        return self.add(type_, {"change": str(uuid.uuid4()), **value}, at)

    def order(self, who, *lines, key="k", at=None, **more):
        return self.add("PlaceOrder", {
            "order_id": order_id(member(who), DROP, key), "member": member(who),
            "idempotency_key": key, "payment": {"method": "wallet"}, **more,
            "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines]}, at)

    def end(self, type_, who, key="k", **more):
        return self.add(type_, {"orders": [{"order_id": order_id(member(who), DROP, key),
                                            "member": member(who), **more}]})

    def release(self, who, key="k"):
        return self.end("ReleaseUnits", who, key, cause="payment_failed")

    def settle(self, who, key="k"):
        return self.end("SettleUnits", who, key)

    def said(self):
        """In words: what came of each order."""
        drop = Drop(DROP).replay(self.records)
        return [each.reason if each.kind == "refused" else each.kind for each in drop.decisions]


def ms(text):
    return microseconds(text) // 1000


def offer(sku, units, product=PRODUCT, amount=100, limit=None):
    made = {"sku": sku, "product": product, "units": units,
            "price": {"amount": amount, "currency": "KRW"}}
    return made if limit is None else {**made, "limit": limit}


def units_and_releases():
    m = offer("M", 1)
    return {
        "first come, first served": (Script(m).order(1, ("M", 1)).order(2, ("M", 1)),
                                     ["reserved", "all_held"]),
        "what is paid does not come back": (
            Script(m).order(1, ("M", 1)).settle(1).order(2, ("M", 1)), ["reserved", "sold_out"]),
        "a release serves later offsets only": (
            Script(m).order(1, ("M", 1)).order(2, ("M", 1)).release(1).order(3, ("M", 1)),
            ["reserved", "all_held", "reserved"]),
        "an order is released once": (
            Script(offer("M", 2)).order(1, ("M", 1)).order(2, ("M", 1)).release(1).release(1)
            .order(3, ("M", 1)).order(4, ("M", 1)),
            ["reserved", "reserved", "reserved", "all_held"]),
        "more than there is at all is sold out": (Script(m).order(1, ("M", 2)), ["sold_out"]),
        "all lines or none": (
            Script(m, offer("L", 1)).order(1, ("M", 1)).order(2, ("L", 1), ("M", 1))
            .order(3, ("L", 1)), ["reserved", "all_held", "reserved"]),
    }


def limits_of_a_member():
    m = offer("M", 1)
    big = offer("M", 9)
    return {
        "the limit of a drop counts all options": (
            Script(big, offer("L", 9), limit_per_member=2).order(1, ("M", 1), ("L", 1))
            .order(1, ("L", 1), key="k2"), ["reserved", "limit_exceeded"]),
        "the limit of a product": (
            Script(big, offer("L", 9, OTHER_PRODUCT),
                   product_limits=[{"product": PRODUCT, "limit": 1}])
            .order(1, ("M", 1)).order(1, ("M", 1), key="k2").order(1, ("L", 3), key="k3"),
            ["reserved", "limit_exceeded", "reserved"]),
        "the limit of an option": (
            Script(offer("M", 9, limit=1)).order(1, ("M", 2)).order(1, ("M", 1), key="k2"),
            ["limit_exceeded", "reserved"]),
        "a limit is free again after a release": (
            Script(big, limit_per_member=1).order(1, ("M", 1)).release(1)
            .order(1, ("M", 1), key="k2"), ["reserved", "reserved"]),
        "limits come before units": (
            Script(m, limit_per_member=1).order(1, ("M", 1)).order(1, ("M", 1), key="k2"),
            ["reserved", "limit_exceeded"]),
    }


def same_order_again():
    m = offer("M", 1)
    big = offer("M", 9)
    total = {"amount": 100, "currency": "KRW"}
    return {
        "the same key is the same order": (
            Script(m).order(1, ("M", 1)).order(1, ("M", 1)), ["reserved", "repeated"]),
        "lines in another order are the same order": (
            Script(big, offer("L", 9)).order(1, ("M", 1), ("L", 1)).order(1, ("L", 1), ("M", 1)),
            ["reserved", "repeated"]),
        "another body under the same key": (
            Script(big).order(1, ("M", 1)).order(1, ("M", 2)), ["reserved", "conflict"]),
        "a refused order stays refused": (
            Script(m).order(1, ("M", 1)).order(2, ("M", 1)).release(1).order(2, ("M", 1)),
            ["reserved", "all_held", "repeated"]),
        "another price than expected": (
            Script(m).order(1, ("M", 1), expected_total={**total, "amount": 99})
            .order(2, ("M", 1), expected_total=total), ["price_changed", "reserved"]),
    }


def times_and_terms():
    m = offer("M", 1)
    big = offer("M", 9)
    return {
        "before, and after": (
            Script(big).order(1, ("M", 1), at=ms("2026-03-01T10:59:59.999Z"))
            .order(2, ("M", 1), at=ms("2026-03-01T11:00:00Z"))
            .order(3, ("M", 1), at=ms("2026-03-01T12:00:00Z")),
            ["not_open", "reserved", "drop_closed"]),
        "a pause": (
            Script(big).change("PauseDrop").order(1, ("M", 1)).change("ResumeDrop")
            .order(2, ("M", 1)).change("EndDrop").order(3, ("M", 1)),
            ["paused", "reserved", "drop_closed"]),
        "restocked and written off": (
            Script(m).change("Restock", sku="M", product=PRODUCT, units=1)
            .order(1, ("M", 2)).release(1)
            .change("CorrectStock", sku="M", product=PRODUCT, delta=-1).order(2, ("M", 2)),
            ["reserved", "sold_out"]),
        "terms are fixed once open": (
            Script(m).change("OpenDrop", revision=2, opens_at="2026-03-01T11:00:00Z",
                             closes_at="2026-03-01T12:00:00Z", offers=[big]).order(1, ("M", 2)),
            ["sold_out"]),
        "what is not of the drop": (Script(m).order(1, ("X", 1)), ["unknown_product"]),
        "a forged id": (
            Script(m).add("PlaceOrder", {"order_id": order_id(member(2), DROP, "k"),
                                         "member": member(1), "idempotency_key": "k",
                                         "payment": {"method": "wallet"},
                                         "lines": [{"sku": "M", "quantity": 1}]}), ["dead"]),
    }


def test_rules(results):
    table = {**units_and_releases(), **limits_of_a_member(),
             **same_order_again(), **times_and_terms()}
    for name, (script, right) in table.items():
        results.equal(f"rules: {name}", script.said(), right)


def test_formats(results):
    """Against the golden samples of the contracts, and the RFC's own example."""
    for sample in ("full", "least"):
        value = json.loads((ROOT / f"schemas/topics/samples/PlaceOrder/{sample}.json").read_text())[
            "value"]
        results.equal(f"order id of the sample '{sample}'",
                      order_id(value["member"], value.get("drop"), value["idempotency_key"]),
                      value["order_id"])
        if "body_hash" in value:
            results.equal(f"body hash of the sample '{sample}'", body_hash(value),
                          value["body_hash"])
    results.equal("headers of a record", parse_headers(b"\x02\x01a\x03xy\x01b\x00"), {"a": "xy"})
    # RFC 8032, 7.1, test 2.
    key = PublicKey(bytes.fromhex(
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"))
    signature = bytes.fromhex(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")
    results.add("a signature that is good", key.verify(b"\x72", signature))
    results.add("a signature of another text", not key.verify(b"\x73", signature))
    results.add("a changed signature",
                not key.verify(b"\x72", signature[:-1] + b"\x01"))
    results.equal("a path that is too long", root_of(b"", 0, 1, [b"x"]), None)


# Demos held for real


def demo_words(folder, *words):
    return [sys.executable, str(DEMO), "--dir", str(folder), "--binaries", str(BUILD / "bin"),
            *words]


def hold(folder, *words):
    """Exit code and output."""
    try:
        done = subprocess.run(demo_words(folder, *words), stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=folder.parent,
                              timeout=DEMO_SECONDS, check=False)
        return done.returncode, done.stdout
    except subprocess.TimeoutExpired as late:
        return None, f"{late.stdout}\nnot done after {DEMO_SECONDS} s"


class Told:
    """The journal and the topics of a sale, to be told again."""

    def __init__(self, folder):
        self.journal = prove.read_journal(folder / "journal.jsonl")
        self.dump = {path.name.removesuffix(".jsonl"): [
            Record(**json.loads(line)) for line in path.read_text().splitlines()]
            for path in (folder / "topics").glob("*.jsonl")}

    def differences(self):
        case = Case(self.journal, self.dump, prove.replay(self.dump, self.journal["sale"]["drop"]))
        return check_all(case).differences

    def find(self, topic, type_, **fields):
        """The first record of a type."""
        for index, record in enumerate(self.dump[topic]):
            if record.type == type_ and all(record.value.get(name) == value
                                            for name, value in fields.items()):
                return index
        raise AssertionError(f"the sale has no {type_} {fields}")

    def record(self, topic, type_, **fields):
        return self.dump[topic][self.find(topic, type_, **fields)]

    def answer(self, status, state=None):
        return next(answer for answer in self.journal["answer"] if answer["status"] == status and (
            state is None or answer["answer"].get("state") == state))

    def again(self, topic, type_, copy_of_it=False):
        """The record once more; as a copy, or as another message."""
        record = copy.deepcopy(self.record(topic, type_))
        last = max(each.offset for each in self.dump[topic] if each.partition == record.partition)
        headers = record.headers if copy_of_it else {**record.headers, "ce_id": "999999-0"}
        self.dump[topic].append(record._replace(offset=last + 1, headers=headers))
        self.dump[topic].sort(key=lambda each: (each.partition, each.offset))

    def exchange(self, topic, one, other):
        """Two records take each other's place."""
        a, b = self.dump[topic][one], self.dump[topic][other]
        self.dump[topic][one] = b._replace(offset=a.offset, time=a.time)
        self.dump[topic][other] = a._replace(offset=b.offset, time=b.time)


def lie_of_a_winner(told):
    won = told.record("stock.events", "StockReserved").value
    lost = told.record("stock.events", "StockRefused").value
    for name in ("order_id", "member", "body_hash", "place", "placed_at"):
        won[name], lost[name] = lost[name], won[name]


def lie_of_an_answer(told):
    told.answer(200, "paid")["answer"].update(state="rejected", reason="sold_out")


def lie_of_a_loss(told):
    told.answer(200, "rejected")["answer"].update(state="paid")


def lie_of_a_capture(told):
    told.again("payments.events", "PaymentCaptured")


def lie_of_a_lost_order(told):
    del told.dump["orders.commands"][told.find("orders.commands", "PlaceOrder")]


def lie_of_the_order(told):
    """A loser takes the place in line of the last winner of that option."""
    drop = prove.replay(told.dump, told.journal["sale"]["drop"])
    refused = next(each for each in drop.decisions
                   if each.reason in ("sold_out", "all_held") and each.sku)
    winner = next(each for each in drop.winners() if refused.sku in each.units)
    told.exchange("orders.commands",
                  told.find("orders.commands", "PlaceOrder", order_id=winner.order),
                  told.find("orders.commands", "PlaceOrder", order_id=refused.order))


def lie_of_events_order(told):
    records = told.dump["orders.events"]
    pairs = ((at, at + 1) for at in range(len(records) - 1)
             if records[at].partition == records[at + 1].partition)
    told.exchange("orders.events", *next(pairs))


def lie_of_a_stranger(told):
    record = copy.deepcopy(told.record("orders.commands", "PlaceOrder"))
    last = max(each.offset for each in told.dump["orders.commands"]
               if each.partition == record.partition)
    record.value.update(member=member(7))
    record.value.update(order_id=order_id(member(7), record.value["drop"],
                                          record.value["idempotency_key"]),
                        body_hash=body_hash(record.value))
    told.dump["orders.commands"].append(record._replace(offset=last + 1))


def lie_of_sold_out(told):
    answer = told.answer(409)
    answer.update(sent=1, answered=2)


def lie_of_a_receipt(told):
    receipt = told.answer(200, "paid")["answer"]["receipt"]
    receipt["offset"] += 1


def lie_of_a_signature(told):
    receipt = told.answer(200, "paid")["answer"]["receipt"]
    receipt["signature"] = receipt["signature"][:-10] + "AAAAAAAAAA"


def lie_of_a_release(told):
    del told.dump["payments.events"][told.find("payments.events", "PaymentDeclined")]


def lie_of_a_dead_letter(told):
    told.dump["orders.commands.dead"] = [told.record("orders.commands", "PlaceOrder")]


def change(topic, type_, **fields):
    return lambda told: told.record(topic, type_).value.update(fields)


ONE_WON = {"amount": 1, "currency": "KRW"}
LIES = {
    "another winner": lie_of_a_winner,
    "a winner told that he lost": lie_of_an_answer,
    "a loser told that he won": lie_of_a_loss,
    "money captured twice": lie_of_a_capture,
    "an order missing in the log": lie_of_a_lost_order,
    "another order of arrival": lie_of_the_order,
    "events out of order": lie_of_events_order,
    "an order that nobody sent": lie_of_a_stranger,
    "sold out before it was": lie_of_sold_out,
    "a receipt for another place": lie_of_a_receipt,
    "a signature that is not the shop's": lie_of_a_signature,
    "units released with the money open": lie_of_a_release,
    "a dead letter": lie_of_a_dead_letter,
    "less captured than owed": change("payments.events", "PaymentCaptured", amount=ONE_WON),
    "a charge that nobody paid": change("payments.events", "WalletCharged", amount=ONE_WON),
    "another reason in stock": change("stock.events", "StockRefused", reason="blocked"),
    "another reason in public": change("orders.events", "OrderRejected", reason="blocked"),
    "another price in public": change("orders.events", "OrderPaid", paid=ONE_WON),
    "a place that is another's": change("stock.events", "StockReserved",
                                        place={"partition": 1, "offset": 999_999}),
    "a supply that was less": lambda told: told.journal["sale"]["supply"].update(
        {sku: units - 1 for sku, units in told.journal["sale"]["supply"].items()}),
    "a wallet shown wrong": lambda told: told.journal["wallet"][0].update(balance=1),
    "an order shown wrong": lambda told: told.journal["final"][0]["body"].update(state="expired"),
    "an order never made public": lambda told: told.dump["orders.events"].pop(
        told.find("orders.events", "OrderPaid")),
    "a decision missing": lambda told: told.dump["stock.events"].pop(
        told.find("stock.events", "StockReserved")),
    "a decision twice": lambda told: told.again("stock.events", "StockReserved"),
    "a settlement missing": lambda told: told.dump["stock.events"].pop(
        told.find("stock.events", "UnitsSettled")),
    "a release missing": lambda told: told.dump["stock.events"].pop(
        told.find("stock.events", "UnitsReleased")),
}


def test_lies(folder, results):
    honest = Told(folder)
    results.equal("the sale as it was has no differences", honest.differences(), [])
    twice = Told(folder)
    twice.again("stock.events", "StockReserved", copy_of_it=True)
    results.equal("a copy in the log is no lie", twice.differences(), [])
    for name, lie in LIES.items():
        told = copy.deepcopy(honest)
        lie(told)
        results.add(f"found: {name}", told.differences(), "no difference was found")


def test_small(folder, results):
    """A sale, proved; then what is told of it is bent."""
    target = folder / "small"
    code, said = hold(target, "--shoppers", "260", "--units", "40", "--options", "2", "--mischief",
                      "--seed", "4")
    good = code == 0 and "  PROVED" in said
    results.add("a demo is held and proved", good, said)
    if good:
        test_lies(target, results)


def test_break(folder, results, *words, mode):
    code, said = hold(folder / "broken", "--shoppers", "150", "--units", "30",
                      "--break", "oversell", *words)
    good = code == 1 and "NOT PROVED" in said and "That is right" in said
    results.add(f"{mode}: oversold units are found, and the exit code is 1", good, said)


def test_kills(folder, results, *words, mode, kills):
    figures = folder / "figures.json"
    code, said = hold(folder / "killed", "--shoppers", "1500", "--units", "75", "--options", "3",
                      "--limit", "1", "--mischief", "--kill", "--figures", str(figures), *words)
    results.add(f"{mode}: 1,500 shoppers, each worker and an ingress killed, and proved",
                code == 0 and "  PROVED" in said, said)
    if code == 0:
        results.equal(f"{mode}: what was killed", json.loads(figures.read_text())["kills"], kills)
        print(f"     {figures.read_text().replace(chr(10), '')}", flush=True)


def still_running(folder):
    """Processes whose command line names the folder."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(folder).encode() in path.read_bytes():
                found.append(path.parent.name)
        except OSError:
            continue
    return found


def test_interrupt(folder, results):
    """Ctrl-C in the middle leaves nothing running."""
    target = folder / "interrupted"
    demo = subprocess.Popen(demo_words(target, "--shoppers", "300"), stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            cwd=folder)
    said = ""
    for line in demo.stdout:
        said += line
        if "wallets" in line:
            break
    demo.send_signal(signal.SIGINT)
    try:
        said += demo.communicate(timeout=STOP_SECONDS)[0]
    except subprocess.TimeoutExpired:
        demo.kill()
        said += demo.communicate()[0] + f"\nnot stopped within {STOP_SECONDS} s"
    results.equal("Ctrl-C ends a demo with 130", demo.returncode, 130)
    results.add("Ctrl-C ends it in few words", "Traceback" not in said, said)
    results.equal("and nothing is left running", still_running(target), [])


def servers():
    """The options for a broker and a PostgreSQL that run already; none: the demo starts its own."""
    brokers, url = (os.environ.get(f"DROPLINE_TEST_{name}") for name in ("KAFKA", "POSTGRESQL"))
    return ["--brokers", brokers, "--database-url", url] if brokers and url else ["--distributed"]


def main():
    results = Results()
    began = time.monotonic()

    def timed(test, *arguments, **named):
        since = time.monotonic()
        test(*arguments, results, *named.pop("words", ()), **named)
        print(f"     {time.monotonic() - since:.0f} s", flush=True)

    timed(test_rules)
    timed(test_formats)
    if not (BUILD / "bin" / "dropline-sandbox").exists():
        results.add("the programs are built", False, f"build them: {BUILD}/bin is not complete; "
                    "DROPLINE_BUILD_DIR names the build's folder")
    else:
        with tempfile.TemporaryDirectory(prefix="dropline-demo-") as name:
            folder = pathlib.Path(name)
            folder.chmod(0o755)  # PostgreSQL runs as another user when we are root
            timed(test_small, folder)
            timed(test_interrupt, folder)
            timed(test_break, folder, mode="embedded")
            timed(test_kills, folder, mode="embedded", kills=3)
            timed(test_break, folder, mode="distributed", words=servers())
            timed(test_kills, folder, mode="distributed", kills=3, words=servers())
    print(f"took {time.monotonic() - began:.0f} s")
    print(f"{results.passed} passed, {results.failed} failed")
    return 1 if results.failed else 0


if __name__ == "__main__":
    sys.exit(main())
