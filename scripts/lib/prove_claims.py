"""Compares what everybody said with what the rules give.

Said was: the answers to the shoppers (the journal), stock.events, payments.events, orders.events.
Each check counts what it looked at and notes every difference; none is forgiven.
"""

import collections

from prove_log import first_copies
from prove_receipts import Receipts, from_base64url
from prove_rules import Place, body_hash, microseconds, order_id

TOPICS = ("orders.commands", "stock.events", "payments.events", "orders.events")
DEAD = tuple(topic + ".dead" for topic in (
    "orders.commands", "stock.events", "payments.commands", "payments.events", "ordering.commands",
    "orders.events", "catalog.commands"))
# An ingress refuses a sold-out drop from a view that is at most so old.
VIEW_US = 2_000_000
# What stock says for each decision of the rules.
SAID = {"StockReserved": "reserved", "StockRefused": "refused", "OrderRepeated": "repeated",
        "IdempotencyConflict": "conflict"}
CHANGED = {"OpenDrop": "DropOpened", "PauseDrop": "DropPaused", "ResumeDrop": "DropResumed",
           "EndDrop": "DropEnded", "Restock": "StockRestocked", "CorrectStock": "StockCorrected",
           "PutOffer": "OfferPut"}
# Public states and the message that tells each; what a shopper may have been told on the way.
TELLS = {"OrderReserved": "reserved", "OrderAwaitingPayment": "awaiting_payment",
         "OrderPaid": "paid", "OrderPaymentFailed": "payment_failed", "OrderExpired": "expired",
         "OrderCancelled": "cancelled", "OrderRejected": "rejected"}
ON_THE_WAY = {"paid": {"received", "reserved", "awaiting_payment"},
              "payment_failed": {"received", "reserved", "awaiting_payment"},
              "cancelled": {"received", "reserved", "awaiting_payment", "paid"},
              "expired": {"received", "reserved", "awaiting_payment"},
              "rejected": {"received"}}
# What a paid order goes on to while the sale is looked at: its goods are got ready.
AFTER_PAID = {"preparing": "paid"}
# Answers that say that this request wrote nothing.
UNWRITTEN = (400, 401, 403, 404, 409, 413, 429, 503)


def won(amount):
    return f"{amount:,}"


def settled(body):
    """The state that an answer tells, as far as money goes."""
    return AFTER_PAID.get(body.get("state"), body.get("state"))


class Findings:
    """Rows of the report (what, how many, in words) and every difference."""

    def __init__(self):
        self.rows = []
        self.differences = []
        self._bad_before = 0

    def row(self, what, count, words):
        bad = len(self.differences) - self._bad_before
        self._bad_before = len(self.differences)
        self.rows.append((what, count, words, bad))

    def differ(self, text):
        self.differences.append(text)

    def equal(self, said, right, text):
        if said != right:
            self.differ(f"{text}: {said!r}, but by the rules {right!r}")


class Case:
    """The journal and the dump of one sale, and the drop replayed from it."""

    def __init__(self, journal, dump, drop):
        self.sale = journal["sale"]
        self.answers = journal["answer"]
        self.finals = journal["final"]
        self.wallets = journal["wallet"]
        self.charges = journal["charge"]
        self.dump = dump
        self.drop = drop
        self.firsts = {topic: first_copies(records) for topic, records in dump.items()}
        self.commands = [record for record in dump["orders.commands"]
                         if record.value and record.value.get("drop") == drop.id]
        self.placed = {Place(record.partition, record.offset): record
                       for record in self.commands if record.type == "PlaceOrder"}
        self.money = self._money()
        self.ends = {order.id: self._end(order) for order in drop.orders.values()}

    def of_drop(self, topic):
        """First copies that speak of this drop or its orders."""
        return [record for record in self.firsts[topic] if record.value and (
            record.value.get("drop") == self.drop.id or
            record.value.get("order_id") in self.drop.orders)]

    def _money(self):
        """order -> what payments said of it, by type, in order."""
        said = collections.defaultdict(list)
        for record in self.of_drop("payments.events"):
            said[record.value["order_id"]].append(record)
        return said

    def _end(self, order):
        """The public state that an order must rest in."""
        if order.outcome == "refused":
            return "rejected"
        types = {record.type: record.value for record in self.money[order.id]}
        if "PaymentClosed" in types:
            cause = types["PaymentClosed"]["cause"]
            return cause if cause in ("expired", "payment_failed") else "cancelled"
        if "PaymentDeclined" in types:
            return "payment_failed"
        return "paid" if "PaymentCaptured" in types else "reserved"


def check_all(case):
    findings = Findings()
    for check in (check_arrivals, check_decisions, check_units, check_money, check_wallets,
                  check_lives, check_answers, check_receipts, check_rest):
        check(case, findings)
    return findings


def check_arrivals(case, findings):
    """Only what shoppers sent is in the log; what they were promised is there."""
    sent = collections.defaultdict(collections.Counter)
    promised = set()
    for answer in case.answers:
        order = order_id(answer["member"], case.drop.id, answer["key"])
        if answer["status"] not in UNWRITTEN:
            sent[order][body_hash(answer["body"])] += 1
        if answer["status"] in (200, 202):
            promised.add(order)
    found = collections.defaultdict(collections.Counter)
    for record in case.placed.values():
        found[record.value["order_id"]][body_hash(record.value)] += 1
    for order, hashes in found.items():
        for digest, count in hashes.items():
            if count > sent[order][digest]:
                findings.differ(f"order {order} stands {count} times in the log, and was sent "
                                f"{sent[order][digest]} times")
    for order in promised - found.keys():
        findings.differ(f"order {order} was acknowledged, and is not in the log")
    findings.row("orders in the drop's log", len(case.placed),
                 "all were sent; none that was acknowledged is missing")


def check_decisions(case, findings):
    """stock.events says of each record what the rules give, once, in the log's order."""
    said = collections.defaultdict(list)
    for record in case.of_drop("stock.events"):
        if record.type in SAID:
            said[Place(**record.value["place"])].append(record)
    for right in case.drop.decisions:
        where = f"offset {right.place.offset}, order {right.order}"
        records = said.pop(right.place, [])
        if len(records) != (right.kind != "dead"):
            findings.differ(f"{where}: {len(records)} decisions, but by the rules "
                            f"{right.kind}, once")
        if records:
            compare_decision(findings, where, records[0], right, case.drop.orders[right.order])
    for place in said:
        findings.differ(f"offset {place.offset}: a decision of what is no order of the drop")
    compare_changes(case, findings)
    compare_order(case, findings)
    kinds = collections.Counter(right.kind for right in case.drop.decisions)
    findings.row("decisions", len(case.drop.decisions),
                 f"{kinds['reserved']:,} granted, {kinds['refused']:,} refused, "
                 f"{kinds['repeated'] + kinds['conflict']:,} repeats: as the rules give")


def compare_decision(findings, where, record, right, order):
    value = record.value
    kind = SAID[record.type]
    if kind != right.kind:
        findings.differ(f"{where}: {kind} ({value.get('reason', 'units granted')}), but by the "
                        f"rules {right.kind} ({right.reason or 'units granted'})")
        return
    findings.equal(value["order_id"], right.order, f"{where}, order")
    findings.equal(value["member"], right.member, f"{where}, member")
    findings.equal(value["body_hash"], right.hash, f"{where}, body hash")
    if kind in ("refused", "repeated"):
        findings.equal(value.get("reason"), right.reason, f"{where}, reason")
    if kind in ("repeated", "conflict"):
        findings.equal(Place(**value["first"]), right.first, f"{where}, first place")
    if kind in ("reserved", "refused"):
        findings.equal(microseconds(value["placed_at"]), right.time, f"{where}, time")
        findings.equal(value.get("total"), right.total, f"{where}, total")
    if kind == "refused":
        findings.equal(value.get("sku"), right.sku, f"{where}, sku")
    if kind == "reserved":
        lines = [(line["sku"], line["quantity"], line["unit_price"], line["amount"]["amount"])
                 for line in value["lines"]]
        findings.equal({sku: quantity for sku, quantity, *_ in lines}, right.units,
                       f"{where}, units")
        if order.lines:
            findings.equal(lines, [(line.sku, line.quantity, line.price, line.amount)
                                   for line in order.lines], f"{where}, prices")


def compare_changes(case, findings):
    """Changes of the drop, releases and settlements."""
    answers, released, settled = {}, collections.Counter(), collections.Counter()
    for record in case.of_drop("stock.events"):
        value = record.value
        place = Place(**value["place"])
        if record.type == "UnitsReleased":
            released[(place, value["order_id"], value["cause"])] += 1
        elif record.type == "UnitsSettled":
            settled[(place, tuple(sorted(value["orders"])))] += 1
        elif "change" in value:
            answers[(place, value["change"])] = (record.type, value.get("reason") if
                                                 record.type == "DropChangeRefused" else None)
    for change in case.drop.changes:
        right = ("DropChangeRefused", change.refused) if change.refused else (
            CHANGED[change.type], None)
        findings.equal(answers.pop((change.place, change.change), None), right,
                       f"offset {change.place.offset}, {change.type}")
    for place, _ in answers:
        findings.differ(f"offset {place.offset}: an answer to no change of the drop")
    compare_counts(findings, released, collections.Counter(case.drop.released), "released")
    compare_counts(findings, settled, collections.Counter(
        (place, tuple(sorted(orders))) for place, orders in case.drop.settled), "settled")


def compare_counts(findings, said, right, what):
    for (place, orders, *_), count in sorted((said - right).items()):
        findings.differ(f"offset {place.offset}: units of {shown(orders)} {what} {count} times too "
                        "often")
    for (place, orders, *_), _ in sorted((right - said).items()):
        findings.differ(f"offset {place.offset}: units of {shown(orders)} not {what}")


def shown(orders):
    return orders if isinstance(orders, str) else f"{len(orders)} orders"


def compare_order(case, findings):
    """Of each source, a topic's partition holds first copies in the order they were made."""
    for topic in ("stock.events", "payments.events", "orders.events"):
        last = {}
        for record in case.firsts[topic]:
            source, number = record.id
            if number is None or "/" not in (source or "") or source.startswith("ingress/"):
                continue
            at = tuple(int(part) for part in number.split("-"))
            key = (record.partition, source)
            if at <= last.get(key, (-1,)):
                findings.differ(f"{topic}, partition {record.partition}, offset {record.offset}: "
                                f"{source}#{number} comes after a later one")
            last[key] = at


def check_units(case, findings):
    """Winners, as the shop and as the rules have it; never more than there was."""
    rules = [(right.place.offset, right.order) for right in case.drop.winners()]
    shop = sorted((record.value["place"]["offset"], record.value["order_id"])
                  for record in case.of_drop("stock.events") if record.type == "StockReserved")
    only_shop, only_rules = set(shop) - set(rules), set(rules) - set(shop)
    for offset, order in sorted(only_shop):
        findings.differ(f"offset {offset}: order {order} won in the shop, not by the rules")
    for offset, order in sorted(only_rules):
        findings.differ(f"offset {offset}: order {order} wins by the rules, not in the shop")
    granted = collections.Counter()
    for record in case.of_drop("stock.events"):
        if record.type == "StockReserved":
            for line in record.value["lines"]:
                granted[line["sku"]] += line["quantity"]
    for _, order, _ in case.drop.released:
        for line in case.drop.orders[order].lines or ():
            granted[line.sku] -= line.quantity
    words = []
    for sku, offer in case.drop.offers.items():
        findings.equal(case.sale["supply"].get(sku), offer.supplied, f"{sku}, supply")
        if granted[sku] > offer.supplied - offer.written_off:
            findings.differ(f"{sku}: {granted[sku]} units given away, there were "
                            f"{offer.supplied - offer.written_off}")
        words.append(f"{granted[sku]} of {offer.supplied}")
    for member, held in case.drop.held.items():
        if case.drop.limit is not None and sum(held.values()) > case.drop.limit:
            findings.differ(f"member {member} holds more than the limit")
    findings.row("winners", len(rules), f"the same, order by order; units: {', '.join(words)}")


def check_money(case, findings):
    """Each winner's money is taken once, exactly what the order costs, or declined."""
    taken = 0
    for order, records in case.money.items():
        if case.drop.orders[order].outcome == "refused":
            findings.differ(f"order {order}: {records[0].type}, and it was granted nothing")
    for right in case.drop.winners():
        order = case.drop.orders[right.order]
        types = collections.Counter(record.type for record in case.money[right.order])
        captured = [record.value["amount"] for record in case.money[right.order]
                    if record.type == "PaymentCaptured"]
        first_word = types["PaymentCaptured"] + types["PaymentDeclined"]
        if first_word != 1 and "PaymentClosed" not in types:
            findings.differ(f"order {right.order}: money captured {types['PaymentCaptured']} "
                            f"times, declined {types['PaymentDeclined']} times")
        for amount in captured:
            findings.equal(amount, right.total, f"order {right.order}, money captured")
        if case.ends[right.order] == "paid":
            taken += sum(amount["amount"] for amount in captured)
        if order.settled and not captured:
            findings.differ(f"order {right.order}: settled, and never paid")
    for _, order, _ in case.drop.released:
        if not any(record.type in ("PaymentDeclined", "PaymentClosed")
                   for record in case.money[order]):
            findings.differ(f"order {order}: released before its money was closed")
    paid = [right for right in case.drop.winners() if case.ends[right.order] == "paid"]
    cost = sum(right.total["amount"] for right in paid)
    findings.equal(taken, cost, "money captured in all")
    declined = len(case.drop.winners()) - len(paid)
    findings.row("paid orders", len(paid), f"{won(taken)} taken, {won(cost)} owed; none twice" +
                 (f"; {declined} more could not pay" if declined else ""))


def check_wallets(case, findings):
    """Each wallet, kept again from what payments said: what came in, what went, what is left."""
    charged = {charge["charge"]: (charge["member"], charge["amount"]) for charge in case.charges}
    balances = collections.Counter()
    credited = set()
    for record in case.firsts["payments.events"]:
        value = record.value or {}
        member = value.get("member")
        if record.type == "WalletCharged":
            right = charged.get(value["charge"])
            if right != (member, value["amount"]["amount"]) or value["charge"] in credited:
                findings.differ(f"charge {value['charge']}: credited, but nobody paid it so")
            credited.add(value["charge"])
            balances[member] += value["amount"]["amount"]
            findings.equal(value["balance"]["amount"], balances[member], f"wallet of {member}")
        elif record.type == "PaymentCaptured":
            balances[member] -= value["amount"]["amount"]
        elif record.type == "PaymentClosed":
            balances[member] += value["refunded"]["amount"]
        elif record.type == "PaymentDeclined" and value.get("reason") == "insufficient_funds":
            if balances[member] >= value["amount"]["amount"]:
                findings.differ(f"order {value['order_id']}: declined, with enough in the wallet")
        if balances[member] < 0:
            findings.differ(f"wallet of {member}: {balances[member]}, below nothing")
    for charge in charged.keys() - credited:
        findings.differ(f"charge {charge}: paid, and never credited")
    for wallet in case.wallets:
        findings.equal(wallet["balance"], balances[wallet["member"]],
                       f"wallet of {wallet['member']}, as shown")
    findings.row("wallets", len(case.wallets),
                 f"{won(sum(amount for _, amount in charged.values()))} paid in; each balance is "
                 "what its movements give")


def check_lives(case, findings):
    """orders.events tells one life of each order, to the end its facts give."""
    told = collections.defaultdict(list)
    for record in case.of_drop("orders.events"):
        if record.type in TELLS:
            told[record.value["order_id"]].append(record)
    for order in case.drop.orders.values():
        steps = told.pop(order.id, [])
        states = [TELLS[record.type] for record in steps]
        versions = [record.value["version"] for record in steps]
        end = case.ends[order.id]
        if not states or states[-1] != end:
            findings.differ(f"order {order.id}: made public as {states or 'nothing'}, but it is "
                            f"{end}")
            continue
        if versions != sorted(set(versions)) or not set(states[:-1]) <= ON_THE_WAY.get(end, set()):
            findings.differ(f"order {order.id}: its steps are {list(zip(versions, states))}")
        last = steps[-1].value
        findings.equal(last["body_hash"], order.hash, f"order {order.id}, public hash")
        if end == "rejected":
            findings.equal(last["reason"], order.reason, f"order {order.id}, public reason")
        if end == "paid":
            findings.equal(last["paid"], order.total, f"order {order.id}, public price")
    for order in told:
        findings.differ(f"order {order}: made public, and not in the partition")
    findings.row("orders made public", len(case.drop.orders), "one life each, to its right end")


def check_answers(case, findings):
    """What each shopper was told, at once and at the end, is true."""
    told = collections.Counter()
    for answer in case.answers:
        told[answer["status"]] += 1
        check_answer(case, findings, answer)
    for final in case.finals:
        order = case.drop.orders.get(final["order"])
        if not order:
            findings.differ(f"order {final['order']}: shown, and not in the partition")
            continue
        body = final["body"]
        findings.equal(settled(body), case.ends[order.id], f"order {order.id}, as shown")
        findings.equal(body.get("place") and Place(**body["place"]), order.place,
                       f"order {order.id}, its place as shown")
        if case.ends[order.id] == "paid":
            findings.equal(body.get("paid"), order.total, f"order {order.id}, paid as shown")
    shown = {final["order"] for final in case.finals}
    for order in case.drop.orders.values():
        if order.outcome != "refused" and order.id not in shown:
            findings.differ(f"order {order.id}: granted, and its shopper never asked or was told")
    findings.row("answers", len(case.answers), ", ".join(
        f"{count:,} {'lost' if status == 0 else status}" for status, count in sorted(told.items())))


def check_answer(case, findings, answer):
    status, said = answer["status"], answer["answer"]
    order_of = order_id(answer["member"], case.drop.id, answer["key"])
    where = f"answer {status} to {order_of}"
    order = case.drop.orders.get(order_of)
    digest = body_hash(answer["body"])
    if status in (200, 202):
        findings.equal(said.get("order_id"), order_of, f"{where}, order_id")
        if not order:
            return  # told by check_arrivals
        if status == 202 and said.get("state") == "received" and digest != order.hash:
            return  # taken, and not judged yet: its record is the conflict; check_receipts finds it
        findings.equal(digest, order.hash, f"{where}, whose body")
        end = case.ends[order_of]
        state = settled(said)
        if state != end and state not in ON_THE_WAY.get(end, ()):
            findings.differ(f"{where}: told {state!r}, but it is {end!r}")
        if state == "rejected":
            findings.equal(said.get("reason"), order.reason, f"{where}, reason")
        if said.get("total") is not None:
            findings.equal(said["total"], order.total, f"{where}, total")
    elif status == 422:
        if said.get("code") != "idempotency_conflict" or not order or order.hash == digest:
            findings.differ(f"{where}: {said.get('code')!r}, and no other body came first")
    elif status == 409:
        check_sold_out(case, findings, answer, where)
    elif status not in (0, 429, 503, 504):
        findings.differ(f"{where}: unexpected, {said}")


def check_sold_out(case, findings, answer, where):
    """A refusal without a write must have been true when its view was made."""
    sku = answer["answer"].get("sku")
    wanted = {line["sku"]: line["quantity"] for line in answer["body"]["lines"]}
    if answer["answer"].get("code") != "sold_out" or sku not in wanted:
        findings.differ(f"{where}: {answer['answer']}")
        return
    earliest, latest = answer["sent"] - VIEW_US, answer["answered"]
    steps = case.drop.reach[sku]
    for index, (since, units) in enumerate(steps):
        until = steps[index + 1][0] if index + 1 < len(steps) else latest
        if units < wanted[sku] and since <= latest and until >= earliest:
            return
    findings.differ(f"{where}: sold_out, while {sku} was not")


def check_receipts(case, findings):
    """Each receipt names a place where its order stands, and is proved by a signature."""
    receipts = Receipts(from_base64url(case.sale["receipt_key"]))
    count = 0
    for answer in case.answers:
        receipt = (answer["answer"] or {}).get("receipt")
        if answer["status"] not in (200, 202):
            continue
        order = order_id(answer["member"], case.drop.id, answer["key"])
        where = f"the receipt of {order}"
        if not receipt:
            findings.differ(f"{where}: missing")
            continue
        count += 1
        wrong = receipts.wrong(receipt)
        if wrong:
            findings.differ(f"{where}: {wrong}")
            continue
        findings.equal((receipt["order_id"], receipt.get("drop")), (order, case.drop.id), where)
        findings.equal(receipt["command_hash"], body_hash(answer["body"]), f"{where}, hash")
        if "offset" not in receipt:
            continue  # the log took it, and its answer did not say where
        record = case.placed.get(Place(receipt["partition"], receipt["offset"]))
        if not record or record.value["order_id"] != order or (
                body_hash(record.value) != receipt["command_hash"]):
            findings.differ(f"{where}: it does not stand at offset {receipt['offset']}")
    findings.row("receipts", count, f"each place holds its order; {receipts.roots:,} signed Merkle "
                 "roots good")


def check_rest(case, findings):
    """Everything has come to rest: no order is under way, nothing was set aside."""
    for order in case.drop.orders.values():
        if order.outcome == "reserved" and not order.settled:
            findings.differ(f"order {order.id}: its units are neither settled nor released")
    for topic in DEAD:
        for record in case.dump.get(topic, ()):
            findings.differ(f"{topic}, partition {record.partition}, offset {record.offset}: "
                            f"a dead letter, {record.headers.get('dropline-reason', '')}")
