"""The rules of a drop, written a second time.

What a drop comes to is a function of one partition of `orders.commands`. This is that function, by
libs/contracts/README.md and libs/services/stock/README.md, sharing no code with the shop: records
in, in the order of their offsets; out, what must have been decided of each.
"""

import collections
import dataclasses
import datetime
import hashlib
import uuid

MAX_EXACT = 2**53 - 1
MAX_UNITS = 1_000_000_000
MAX_OFFERS = 200

Place = collections.namedtuple("Place", "partition offset")
# One line of an order, with its price.
Line = collections.namedtuple("Line", "sku product quantity price amount")
# What was decided of the record at a place: reserved, refused, repeated, conflict or dead.
Decision = collections.namedtuple(
    "Decision", "place kind order member reason sku total units hash first time")
# What became of a change of the drop; `refused` is its reason, or None.
Change = collections.namedtuple("Change", "place type change refused")


def microseconds(text):
    """Of an RFC 3339 time, since 1970."""
    at = datetime.datetime.fromisoformat(text)
    return round((at - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)) /
                 datetime.timedelta(microseconds=1))


def order_id(member, drop, key):
    """The id that follows from who orders, in which drop, under which Idempotency-Key."""
    digest = hashlib.sha256(b"dropline order 1\0" + uuid.UUID(member).bytes + optional_id(drop) +
                            key.encode()).digest()
    head = b""
    if len(key) == 36:
        try:
            own = uuid.UUID(key)
        except ValueError:
            own = None
        if own and own.version == 7 and str(own) == key.lower():
            head = own.bytes[:6]
    made = bytearray((head + digest)[:16])
    made[6] = made[6] & 0x0F | 0x80
    made[8] = made[8] & 0x3F | 0x80
    return str(uuid.UUID(bytes=bytes(made)))


def optional_id(text):
    return b"\0" if text is None else b"\1" + uuid.UUID(text).bytes


def short_text(text):
    data = text.encode()
    return bytes([len(data)]) + data


def body_hash(command):
    """What tells a retry from another order: `command` has the fields of PlaceOrder."""
    out = [b"dropline body 1\0", uuid.UUID(command["member"]).bytes,
           optional_id(command.get("drop")), len(command["lines"]).to_bytes(4, "big")]
    for line in sorted(command["lines"], key=lambda line: line["sku"].encode()):
        out += [short_text(line["sku"]), line["quantity"].to_bytes(4, "big")]
    out += [short_text(command["payment"]["method"]), optional_id(command.get("coupon"))]
    total = command.get("expected_total")
    out.append(b"\1" + total["currency"].encode() + total["amount"].to_bytes(8, "big", signed=True)
               if total else b"\0")
    delivery = command.get("delivery")
    out.append(b"\1" + bytes.fromhex(delivery["digest"]) if delivery else b"\0")
    return hashlib.sha256(b"".join(out)).hexdigest()


@dataclasses.dataclass
class Offer:
    product: str
    price: dict
    limit: int | None = None
    supplied: int = 0
    allocated: int = 0
    settled: int = 0
    written_off: int = 0
    withdrawn: bool = False

    @property
    def free(self):
        return self.supplied - self.allocated - self.written_off

    @property
    def in_reach(self):
        """Free, or held by somebody who has not paid yet."""
        return self.free + self.allocated - self.settled


@dataclasses.dataclass
class Order:
    id: str
    member: str
    hash: str
    place: Place
    time: int
    outcome: str
    reason: str | None
    total: dict | None
    lines: list
    settled: bool = False


class Refused(Exception):
    def __init__(self, reason, sku=None, total=None):
        super().__init__(reason)
        self.reason, self.sku, self.total = reason, sku, total


class Drop:
    """One drop's partition, replayed."""

    def __init__(self, drop):
        self.id = drop
        self.revision = None
        self.standing = "active"
        self.opens_at = self.closes_at = 0
        self.limit = None
        self.product_limits = {}
        self.skus = []
        self.offers = {}
        self.orders = {}
        self.held = collections.defaultdict(collections.Counter)  # member -> sku -> units
        self.changes_seen = set()
        # What came of it.
        self.decisions = []
        self.changes = []
        self.released = []  # (place, order, cause)
        self.settled = []   # (place, orders)
        self.reach = collections.defaultdict(list)  # sku -> (time, units in reach from then on)

    def replay(self, records):
        """Of one partition, by offset; what is of other drops is passed over."""
        for record in records:
            if record.value is not None and record.value.get("drop") == self.id:
                self.take(record)
        return self

    def take(self, record):
        step = self.STEPS.get(record.type)
        if step is None:
            return
        place, time = Place(record.partition, record.offset), record.time * 1000
        step(self, record.value, place, time)
        for sku, offer in self.offers.items():
            known = self.reach[sku]
            if not known or known[-1][1] != offer.in_reach:
                known.append((time, offer.in_reach))

    def winners(self):
        """Orders that were granted units when judged, in the order of their places."""
        return [each for each in self.decisions if each.kind == "reserved"]

    # Orders

    def place_order(self, command, place, time):
        def decided(kind, *, reason=None, sku=None, total=None, units=None, first=None):
            self.decisions.append(Decision(place, kind, command["order_id"], command["member"],
                                           reason, sku, total, units or {}, digest, first, time))

        digest = body_hash(command)
        if (order_id(command["member"], self.id, command["idempotency_key"]) != command["order_id"]
                or command.get("body_hash", digest) != digest):
            decided("dead")
            return
        known = self.orders.get(command["order_id"])
        if known:
            if known.hash == digest:
                decided("repeated", reason=known.reason, first=known.place)
            else:
                decided("conflict", first=known.place)
            return
        order = Order(command["order_id"], command["member"], digest, place, time, "refused", None,
                      None, [])
        self.orders[order.id] = order
        try:
            self.check_time(time)
            order.lines, order.total = self.priced(command)
            self.check_limits(order)
            self.check_units(order.lines)
        except Refused as refused:
            order.reason, order.lines, order.total = refused.reason, [], refused.total
            decided("refused", reason=refused.reason, sku=refused.sku, total=refused.total)
            return
        order.outcome = "reserved"
        for line in order.lines:
            self.offers[line.sku].allocated += line.quantity
            self.held[order.member][line.sku] += line.quantity
        decided("reserved", total=order.total,
                units={line.sku: line.quantity for line in order.lines})

    def check_time(self, time):
        if self.revision is None:
            raise Refused("not_open")
        if self.standing == "ended":
            raise Refused("drop_closed")
        if time < self.opens_at:
            raise Refused("not_open")
        if time >= self.closes_at:
            raise Refused("drop_closed")
        if self.standing == "paused":
            raise Refused("paused")

    def priced(self, command):
        lines = []
        for asked in command["lines"]:
            sku, quantity = asked["sku"], asked["quantity"]
            offer = self.offers.get(sku)
            if offer is None or sku not in self.skus or offer.withdrawn:
                raise Refused("unknown_product", sku)
            amount = offer.price["amount"] * quantity
            lines.append(Line(sku, offer.product, quantity, offer.price, amount))
            sum_so_far = sum(line.amount for line in lines)
            if sum_so_far > MAX_EXACT or offer.price["currency"] != lines[0].price["currency"]:
                raise Refused("price_changed", sku)
        total = {"amount": sum_so_far, "currency": lines[0].price["currency"]}
        expected = command.get("expected_total")
        if expected is not None and expected != total:
            raise Refused("price_changed", total=total)
        return lines, total

    def check_limits(self, order):
        held = self.held[order.member]
        of_drop = sum(held.values())
        of_product = collections.Counter()
        for sku, units in held.items():
            of_product[self.offers[sku].product] += units
        for line in order.lines:
            of_drop += line.quantity
            of_product[line.product] += line.quantity
            limits = ((self.offers[line.sku].limit, held[line.sku] + line.quantity),
                      (self.product_limits.get(line.product), of_product[line.product]),
                      (self.limit, of_drop))
            if any(limit is not None and units > limit for limit, units in limits):
                raise Refused("limit_exceeded", line.sku)

    def check_units(self, lines):
        """All or none. What is paid is gone; what is only held may come back."""
        missing = [line for line in lines if self.offers[line.sku].free < line.quantity]
        for line in missing:
            if self.offers[line.sku].in_reach < line.quantity:
                raise Refused("sold_out", line.sku)
        if missing:
            raise Refused("all_held", missing[0].sku)

    def granted(self, named):
        """The order that a release or settlement names, where it holds units."""
        order = self.orders.get(named["order_id"])
        good = order and order.outcome == "reserved" and order.member == named["member"]
        return order if good else None

    def release_units(self, command, place, _time):
        for named in command["orders"]:
            order = self.granted(named)
            if not order:
                continue
            order.outcome = "released"
            for line in order.lines:
                offer = self.offers[line.sku]
                offer.allocated -= line.quantity
                offer.settled -= line.quantity if order.settled else 0
                self.held[order.member][line.sku] -= line.quantity
            self.released.append((place, order.id, named["cause"]))

    def settle_units(self, command, place, _time):
        paid = []
        for named in command["orders"]:
            order = self.granted(named)
            if not order or order.settled:
                continue
            order.settled = True
            paid.append(order.id)
            for line in order.lines:
                self.offers[line.sku].settled += line.quantity
        if paid:
            self.settled.append((place, paid))

    # Changes of the drop: each is judged once

    def changed(self, type_, command, place, refused=None):
        """Notes what became of a change; whether it is to be made now."""
        self.changes.append(Change(place, type_, command["change"], refused))
        return refused is None

    def first_time(self, command):
        fresh = command["change"] not in self.changes_seen
        self.changes_seen.add(command["change"])
        return fresh

    def fixed(self, time):
        return self.standing == "ended" or time >= self.opens_at

    def open_drop(self, command, place, time):
        if not self.first_time(command):
            return
        refused = None
        if self.revision is not None:
            if self.standing == "ended":
                refused = "already_ended"
            elif command["revision"] <= self.revision:
                refused = "old_revision"
            elif self.fixed(time) or any(each.allocated for each in self.offers.values()):
                refused = "terms_fixed"
        if not self.changed("OpenDrop", command, place, refused):
            return
        self.revision = command["revision"]
        self.opens_at = microseconds(command["opens_at"])
        self.closes_at = microseconds(command["closes_at"])
        self.limit = command.get("limit_per_member")
        self.product_limits = {each["product"]: each["limit"]
                               for each in command.get("product_limits") or []}
        self.skus = [each["sku"] for each in command["offers"]]
        for sku in list(self.offers):
            self.offers[sku].supplied = self.offers[sku].written_off = 0
        for each in command["offers"]:
            self.offers[each["sku"]] = Offer(each["product"], each["price"], each.get("limit"),
                                             each["units"])

    def switch(self, type_, command, place, standing):
        if not self.first_time(command):
            return
        refused = ("unknown_drop" if self.revision is None else
                   "already_ended" if self.standing == "ended" else
                   "already_paused" if type_ == "PauseDrop" and self.standing == "paused" else
                   "not_paused" if type_ == "ResumeDrop" and self.standing != "paused" else None)
        if self.changed(type_, command, place, refused):
            self.standing = standing

    def wrong_offer(self, command):
        if self.revision is None:
            return "unknown_drop"
        if self.standing == "ended":
            return "already_ended"
        if command["sku"] not in self.skus:
            return "unknown_offer"
        if self.offers[command["sku"]].product != command["product"]:
            return "wrong_product"
        return None

    def correct(self, type_, command, place, delta):
        if not self.first_time(command):
            return
        refused = self.wrong_offer(command)
        offer = self.offers.get(command["sku"])
        if not refused and delta < 0 and offer.free < -delta:
            refused = "below_allocated"
        if not refused and delta > 0 and offer.supplied > MAX_UNITS - delta:
            refused = "too_many_units"
        if self.changed(type_, command, place, refused):
            if delta < 0:
                offer.written_off -= delta
            else:
                offer.supplied += delta

    def put_offer(self, command, place, time):
        if not self.first_time(command):
            return
        sku = command["sku"]
        known = self.offers.get(sku) if sku in self.skus else None
        refused = ("unknown_drop" if self.revision is None else
                   "terms_fixed" if self.fixed(time) else
                   "wrong_product" if known and known.product != command["product"] else
                   "too_many_units" if not known and len(self.skus) >= MAX_OFFERS else None)
        if not self.changed("PutOffer", command, place, refused):
            return
        if not known:
            self.skus.append(sku)
            known = self.offers[sku] = Offer(command["product"], command["price"],
                                             supplied=command.get("units") or 0)
        known.price = command["price"]
        known.limit = command.get("limit")
        known.withdrawn = bool(command.get("withdrawn"))

    STEPS = {
        "PlaceOrder": place_order,
        "ReleaseUnits": release_units,
        "SettleUnits": settle_units,
        "OpenDrop": open_drop,
        "PutOffer": put_offer,
        "PauseDrop": lambda self, c, place, _: self.switch("PauseDrop", c, place, "paused"),
        "ResumeDrop": lambda self, c, place, _: self.switch("ResumeDrop", c, place, "active"),
        "EndDrop": lambda self, c, place, _: self.switch("EndDrop", c, place, "ended"),
        "Restock": lambda self, c, place, _: self.correct("Restock", c, place, c["units"]),
        "CorrectStock": lambda self, c, place, _: self.correct("CorrectStock", c, place,
                                                               c["delta"]),
    }
