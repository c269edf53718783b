"""Compares what was answered with what stands in tables and topics; knows nothing of how it came
there."""

import collections
import dataclasses
import time

from load import CONCLUSIVE, TRY_AGAIN

REST_SECONDS = 120
SHOWN = 8
# A row's outcome, as the decision that made it. Units of a released order came back later.
DECIDED = {"reserved": "reserved", "refused": "refused", "released": "reserved"}
# Public states that an order ends in without goods: its units must have come back.
ENDED = {"payment_failed", "cancelled", "expired", "coupon_refused"}
PAID = {"paid", "preparing", "shipped", "delivered", "completed"}
# What is said of an order once in its life, whoever dies on the way.
ONCE = {"UnitsReleased", "PaymentOpened", "PaymentCaptured", "PaymentDeclined", "PaymentClosed",
        "OrderReserved", "OrderAwaitingPayment", "OrderPaid", "OrderPaymentFailed",
        "OrderRejected", "OrderCancelled", "OrderExpired"}
DECISIONS = {"StockReserved": "reserved", "StockRefused": "refused"}


@dataclasses.dataclass
class Row:
    """The figures of one run."""

    mode: str
    faults: str
    seconds: int = 0
    requests: int = 0
    succeeded: int = 0
    acknowledged: int = 0  # orders
    orders: int = 0  # rows of stock
    reserved: int = 0
    released: int = 0  # of those
    copies: int = 0  # of orders in the log beyond the first
    decisions: int = 0
    event_copies: int = 0  # of events in the log beyond the first
    fenced: int = 0
    violations: int = 0

    TITLES = ("mode", "faults", "s", "requests", "answered", "orders acknowledged",
              "orders decided",
              "granted", "released", "copies in the log", "decisions", "event copies", "fenced",
              "violations")

    def text(self):
        return "| " + " | ".join(str(value) for value in dataclasses.astuple(self)) + " |"

    @classmethod
    def head(cls):
        return ("| " + " | ".join(cls.TITLES) + " |\n|---|---" +
                "|--:" * (len(cls.TITLES) - 2) + "|")


class Findings:
    """Violations, counted by kind, the first few of each told."""

    def __init__(self):
        self._told = collections.defaultdict(list)

    def __len__(self):
        return sum(map(len, self._told.values()))

    def add(self, kind, detail):
        self._told[kind].append(detail)

    def check(self, good, kind, detail):
        if not good:
            self.add(kind, detail)

    def text(self):
        return "\n".join(f"{kind} ({len(details)}): " + "; ".join(map(str, details[:SHOWN]))
                         for kind, details in self._told.items())


def acknowledged(journal):
    """order -> its conclusive answers."""
    answers = collections.defaultdict(list)
    for attempt in journal.attempts:
        if attempt.status in CONCLUSIVE and "order_id" in attempt.answer:
            answers[attempt.answer["order_id"]].append(attempt)
    return answers


def first_copies(commands):
    """order -> its first PlaceOrder record, by log order within the partition."""
    first = {}
    for command in commands:
        if command.type == "PlaceOrder":
            first.setdefault(command.order, command)
    return first


def rest(system, journal, limit):
    """Waits until the system has worked off what it took; what is left, or None."""
    look = Look(system.facts(), set(acknowledged(journal)))
    deadline = time.monotonic() + limit
    while True:
        left = look.left()
        if left is None or time.monotonic() > deadline:
            return left
        time.sleep(0.5)


class Look:
    """Looks again and again at what is left to do."""

    def __init__(self, facts, wanted):
        self._facts = facts
        self._wanted = wanted
        self._waiting = None  # rows that a look found in the outbox; they must go

    def left(self):
        facts = self._facts
        known = set(facts.orders())
        if not self._wanted <= known:
            return f"{len(self._wanted - known)} acknowledged orders have no row"
        if unread := facts.unread():
            self._waiting = None
            return f"{unread} records of commands and events are not applied"
        if self._waiting is None:
            self._waiting = facts.outbox()
        self._waiting &= facts.outbox()
        if self._waiting:
            return f"{len(self._waiting)} rows stay in the outbox"
        # What they said may have made new work.
        if unread := facts.unread():
            self._waiting = None
            return f"{unread} records of commands and events are not applied"
        ordered = set(first_copies(facts.commands()))
        if ordered - known:
            return f"{len(ordered - known)} orders in the log have no row"
        told = {event.order for event in facts.decisions() if event.type in DECISIONS}
        if ordered - told:
            return f"{len(ordered - told)} orders in the log have no decision on stock.events"
        return self._unfinished()

    def _unfinished(self):
        states = self._facts.states()
        if states is None:
            return None
        orders = self._facts.orders()
        if untold := set(orders) - set(states):
            return f"{len(untold)} orders have no public state"
        kept = [order for order, row in orders.items()
                if states[order] in ENDED and row.outcome == "reserved"]
        if kept:
            return f"{len(kept)} orders have ended and keep their units"
        return None


class Verdict:
    """`findings` is empty where every promise was kept."""

    def __init__(self, system, goods, journal, row, limit=REST_SECONDS):
        self.findings = Findings()
        self.row = row
        self._goods = goods
        left = rest(system, journal, limit)
        self.findings.check(left is None, "did not come to rest", left)
        facts = system.facts()
        self._orders = facts.orders()
        self._states = facts.states()
        self._commands = facts.commands()
        self._first = first_copies(self._commands)
        self._answers = acknowledged(journal)
        self._judge_attempts(journal)
        self._judge_orders()
        self._judge_offers(facts.offers())
        self._judge_drop()
        self._judge_lives(facts.payments())
        for topic, events in facts.events().items():
            firsts = self._judge_copies(topic, events)
            self._judge_once(firsts)
            if topic == "stock.events":
                self._judge_decisions(firsts)
        dead = facts.dead()
        self.findings.check(not dead, "dead letters", dead[:SHOWN])
        self.findings.check(not facts.held(), "records held", facts.held())
        self._count(journal)

    def _judge_attempts(self, journal):
        for attempt in journal.attempts:
            if attempt.status is not None and attempt.status not in CONCLUSIVE + TRY_AGAIN:
                self.findings.add("unexpected answer", f"{attempt.status} {attempt.answer}")
        keys = collections.defaultdict(set)
        for order, answers in self._answers.items():
            for attempt in answers:
                keys[attempt.key].add(order)
        for key, orders in keys.items():
            self.findings.check(len(orders) == 1, "one key, two orders", key)

    def _judge_orders(self):
        at = {(command.partition, command.offset): command for command in self._commands}
        for order, answers in self._answers.items():
            row = self._orders.get(order)
            self.findings.check(row is not None, "acknowledged and lost", order)
            for attempt in answers:
                self._judge_receipt(order, attempt, at)
                state = attempt.answer.get("state")
                if row is None or state == "received":
                    continue
                if state in ENDED and self._states is not None:
                    self.findings.check(self._states.get(order) == state,
                                        "ended otherwise than answered",
                                        f"{order}: {state}, then {self._states.get(order)}")
                # Whatever else became of it: it was granted, or refused for that reason.
                refused = state == "rejected"
                agrees = (DECIDED.get(row.outcome) == ("refused" if refused else "reserved") and
                          (not refused or attempt.answer.get("reason") == row.reason))
                self.findings.check(agrees, "answered otherwise than decided",
                                    f"{order}: {attempt.answer} but {row}")
        for order, row in self._orders.items():
            first = self._first.get(order)
            self.findings.check(first is not None and
                                (first.partition, first.offset) == (row.partition, row.offset),
                                "a row without its order in the log", f"{order}: {row}, {first}")

    def _judge_lives(self, payments):
        """Goods, money and the public state say the same of every order."""
        for order, row in self._orders.items():
            state = self._states.get(order) if self._states is not None else None
            if state is not None:
                goods = ("refused" if state == "rejected" else
                         "released" if state in ENDED else "reserved")
                self.findings.check(row.outcome == goods, "state and goods differ",
                                    f"{order}: {state}, {row}")
            if payments is None:
                continue
            payment = payments.get(order)
            kept = payment is not None and payment.captured > payment.refunded
            self.findings.check(not kept or row.outcome == "reserved", "paid for nothing",
                                f"{order}: {payment}, {row}")
            self.findings.check(state is None or kept == (state in PAID),
                                "state and money differ", f"{order}: {state}, {payment}")

    def _judge_once(self, events):
        said = collections.Counter((event.type, event.order) for event in events
                                   if event.type in ONCE)
        for (kind, order), times in said.items():
            self.findings.check(times == 1, "said twice", f"{order}: {kind} × {times}")

    def _judge_receipt(self, order, attempt, at):
        receipt = attempt.answer.get("receipt")
        if receipt is None:
            # Decided before the log's acknowledgement came: the place is not known yet.
            self.findings.check(attempt.status == 200, "202 without a receipt", order)
            return
        if "offset" not in receipt:
            return
        found = at.get((receipt["partition"], receipt["offset"]))
        self.findings.check(found is not None and found.order == order and
                            found.type == "PlaceOrder",
                            "a receipt for another place",
                            f"{order} at {receipt['partition']}/{receipt['offset']}: {found}")

    def _judge_offers(self, offers):
        granted = collections.Counter()
        for order, row in self._orders.items():
            if row.outcome == "reserved" and order in self._first:
                value = self._first[order].value
                for line in value["lines"]:
                    granted[(value.get("drop"), line["sku"])] += line["quantity"]
        for key, units in self._goods.units.items():
            offer = offers.get(key)
            if offer is None:
                self.findings.add("an offer is gone", key)
                continue
            self.findings.check(offer.supplied == units, "supply changed", f"{key}: {offer}")
            self.findings.check(offer.free + offer.allocated + offer.written_off == offer.supplied
                                and offer.free >= 0, "units do not add up", f"{key}: {offer}")
            self.findings.check(offer.allocated == granted[key],
                                "allocated is not what was granted",
                                f"{key}: {offer}, granted {granted[key]}")

    def _judge_drop(self):
        """The drop's winners follow from its partition alone."""
        free = {sku: units for (drop, sku), units in self._goods.units.items() if drop}
        places, holding = set(), {}
        for command in self._commands:
            if command.value.get("drop") != self._goods.drop:
                continue
            places.add(command.partition)
            if command.type == "ReleaseUnits":
                for ended in command.value["orders"]:
                    for sku, units in holding.pop(ended["order_id"], {}).items():
                        free[sku] += units
            elif self._first.get(command.order) is command:
                self._judge_place(command, free, holding)
        self.findings.check(len(places) <= 1, "a drop in two partitions", places)
        for order, row in self._orders.items():
            first = self._first.get(order)
            if first is not None and first.value.get("drop") == self._goods.drop:
                self.findings.check((row.outcome == "reserved") == (order in holding),
                                    "holds otherwise than the log gives", f"{order}: {row}")

    def _judge_place(self, command, free, holding):
        wanted = {line["sku"]: line["quantity"] for line in command.value["lines"]}
        granted = all(free[sku] >= units for sku, units in wanted.items())
        if granted:
            holding[command.order] = wanted
            for sku, units in wanted.items():
                free[sku] -= units
        row = self._orders.get(command.order)
        if row is not None:
            self.findings.check((DECIDED.get(row.outcome) == "reserved") == granted,
                                "another winner than the log gives", f"{command.order}: {row}")

    def _judge_copies(self, topic, events):
        """The first copies of a topic's events, which must come in order."""
        said, last, firsts = {}, {}, []
        for event in events:
            name = (event.source, event.id)
            if name in said:
                self.row.event_copies += 1
                self.findings.check(said[name] == (event.type, event.value), "one id, two events",
                                    (topic, *name))
                continue
            said[name] = (event.type, event.value)
            place = tuple(map(int, event.id.split("-")))
            where = (event.partition, event.source)
            self.findings.check(last.get(where, (-1, -1)) < place, "a first copy out of order",
                                f"{topic}: {name} after {last.get(where)}")
            last[where] = max(place, last.get(where, place))
            firsts.append(event)
        return firsts

    def _judge_decisions(self, events):
        decided = collections.defaultdict(list)
        for event in events:
            if event.type in DECISIONS:
                decided[event.order].append(DECISIONS[event.type])
        for order, row in self._orders.items():
            outcomes = decided.pop(order, [])
            self.row.decisions += len(outcomes)
            self.findings.check(outcomes == [DECIDED.get(row.outcome)], "not exactly one decision",
                                f"{order}: {outcomes}, the row says {row.outcome}")
        self.findings.check(not decided, "decided, but no row", list(decided)[:SHOWN])

    def _count(self, journal):
        row = self.row
        row.requests = len(journal.attempts)
        row.succeeded = journal.succeeded()
        row.acknowledged = len(self._answers)
        row.orders = len(self._orders)
        row.reserved = sum(1 for order in self._orders.values()
                           if DECIDED.get(order.outcome) == "reserved")
        row.released = sum(1 for order in self._orders.values() if order.outcome == "released")
        row.copies = sum(1 for command in self._commands
                         if command.type == "PlaceOrder") - len(self._first)
        self.findings.check(row.requests > 0 and 2 * row.succeeded >= row.requests,
                            "does not count: fewer than half of the requests succeeded",
                            f"{row.succeeded} of {row.requests}")
        row.violations = len(self.findings)
