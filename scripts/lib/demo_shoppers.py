"""Shoppers as they are: most order once; some have too little money, some press twice, some try
with another key, some send another order under the same one. Whoever gets no answer asks again
with the same key. Every answer goes into the journal, those that never came too."""

import asyncio
import itertools
import json
import random
import time
import uuid

from demo_http import Connection, Lost
from demo_system import Trouble

PATIENCE_SECONDS = 90   # how long a shopper goes on asking
WAIT_SECONDS = 5        # `Prefer: wait`
PAUSE_SECONDS = (0.05, 0.3)
HELD_PAUSE_SECONDS = (0.3, 0.8)
HELD_TRIES = 5          # orders that a shopper places while units are only held
CHEATER_KEYS = 3
CURRENCY = "KRW"
FINAL = {"paid", "preparing", "rejected", "payment_failed", "cancelled", "expired"}


def now_us():
    return time.time_ns() // 1000


def won(amount):
    return {"amount": amount, "currency": CURRENCY}


class Journal:
    """What the shoppers were told, one JSON object a line."""

    def __init__(self, path):
        self._out = open(path, "w", encoding="utf-8")

    def note(self, entry, **fields):
        self._out.write(json.dumps({"entry": entry, **fields}) + "\n")

    def close(self):
        self._out.close()


class Figures:
    """What the progress line shows."""

    def __init__(self, units):
        self.units = units
        self.sent = self.paid = self.unpaid = self.refused = self.lost = 0
        self.done = 0
        self.waits = []  # ms from sending an order to its decision

    @property
    def granted(self):
        return self.paid + self.unpaid

    def percentile(self, share):
        waits = sorted(self.waits)
        return waits[min(len(waits) - 1, int(share * len(waits)))] if waits else 0.0


class Shopper:
    def __init__(self, number, kind, sku, rng):
        self.number = number
        self.kind = kind
        self.sku = sku
        self.rng = random.Random(rng.random())
        self.member = str(uuid.UUID(int=rng.getrandbits(128), version=4))
        self.token = None
        self.orders = []  # that were acknowledged
        self._keys = itertools.count(1)

    def new_key(self):
        return f"press-{next(self._keys)}"


def make_shoppers(count, skus, shares, seed):
    """`shares`: kind -> percent; the rest are plain."""
    rng = random.Random(seed)
    kinds = [kind for kind, percent in shares.items() for _ in range(count * percent // 100)]
    kinds += ["plain"] * (count - len(kinds))
    rng.shuffle(kinds)
    return [Shopper(number, kind, rng.choice(skus), rng) for number, kind in enumerate(kinds)]


class Lane:
    """One shopper at a time, on connections of its own: several to each ingress, for those who
    press twice at once."""

    def __init__(self, ports, number):
        self._ports = ports
        self._number = number
        self._connections = {}

    def connection(self, hand, attempt):
        """Each attempt goes to the next ingress."""
        port = self._ports[(self._number + attempt) % len(self._ports)]
        if (hand, port) not in self._connections:
            self._connections[hand, port] = Connection(port)
        return self._connections[hand, port]

    def close(self):
        for connection in self._connections.values():
            connection.close()


class Crowd:
    """All shoppers of a sale, and what they do."""

    def __init__(self, ports, gateway_ports, journal, figures, shoppers, *, lanes):
        self._gateway_ports = gateway_ports
        self._journal = journal
        self._figures = figures
        self.shoppers = shoppers
        self._lanes = [Lane(ports, number) for number in range(min(lanes, len(shoppers)))]
        self._counted = set()  # orders
        self.drop = None
        self.prices = {}

    def close(self):
        for lane in self._lanes:
            lane.close()

    async def each(self, work, shoppers=None):
        """Does something with every shopper, as many at once as there are lanes."""
        waiting = iter(self.shoppers if shoppers is None else list(shoppers))

        async def run(lane):
            for shopper in waiting:
                await work(lane, shopper)

        async with asyncio.TaskGroup() as group:
            for lane in self._lanes:
                group.create_task(run(lane))

    # Before the sale

    async def fund(self, lane, shopper):
        """Charges the wallet through the gateway; who is poor gets half the price."""
        price = self.prices[shopper.sku]
        amount = price // 2 if shopper.kind == "poor" else price * 2
        body = await self._insist(lane, shopper, "POST", "/v1/wallet/charges",
                                  {"amount": won(amount)}, {"Idempotency-Key": "charge"},
                                  good=(200, 201, 202))
        gateway = Connection(self._gateway_ports[shopper.number % len(self._gateway_ports)])
        status, said = await gateway.ask("POST", "/v1/payments", body={
            "reference": body["reference"], "amount": won(amount)})
        gateway.close()
        if status != 201:
            raise Trouble(f"the gateway did not take a payment: {status} {said}")
        self._journal.note("charge", charge=body["charge"], member=shopper.member, amount=amount)

    async def wait_for_money(self, lane, shopper):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (await self._wallet(lane, shopper))["balance"]["amount"]:
            if time.monotonic() > deadline:
                raise Trouble(f"a charge was not credited within {PATIENCE_SECONDS} s")
            await asyncio.sleep(0.2)

    # The sale

    async def shop(self, lane, shopper):
        await getattr(self, "_shop_" + shopper.kind)(lane, shopper)
        self._figures.done += 1

    async def come_early(self, lane, shopper):
        await self._place(lane, shopper, "too-early")

    async def _shop_plain(self, lane, shopper):
        """Who is told that units are only held may try again: some come back."""
        for _ in range(HELD_TRIES):
            said = await self._place(lane, shopper, shopper.new_key())
            if not said or said.get("reason") != "all_held":
                return
            await asyncio.sleep(shopper.rng.uniform(*HELD_PAUSE_SECONDS))

    _shop_poor = _shop_plain
    _shop_early = _shop_plain

    async def _shop_retry(self, lane, shopper):
        """The same order under the same key: after the answer, beside it, or after hanging up."""
        key = shopper.new_key()
        way = shopper.rng.choice(("after", "beside", "hang up"))
        if way == "beside":
            await asyncio.gather(self._place(lane, shopper, key),
                                 self._place(lane, shopper, key, hand=1))
            return
        if way == "hang up":
            await self._ask(lane, shopper, key, self._body(shopper), 0, 0, hangs_up=True)
        await self._place(lane, shopper, key)
        await self._place(lane, shopper, key, first_attempt=1)

    async def _shop_cheat(self, lane, shopper):
        """One order should do; here are more."""
        await asyncio.gather(*(self._place(lane, shopper, shopper.new_key(), hand=hand)
                               for hand in range(CHEATER_KEYS)))

    async def _shop_body(self, lane, shopper):
        """Another order under the same key, after the first or beside it."""
        key = shopper.new_key()
        other = self._body(shopper)
        other["lines"] = [{"sku": shopper.sku, "quantity": 2}]
        other.pop("expected_total", None)
        if shopper.rng.random() < 0.5:
            await asyncio.gather(self._place(lane, shopper, key),
                                 self._place(lane, shopper, key, hand=1, body=other))
        else:
            await self._place(lane, shopper, key)
            await self._place(lane, shopper, key, body=other, first_attempt=1)

    def _body(self, shopper):
        body = {"member": shopper.member, "drop": self.drop,
                "lines": [{"sku": shopper.sku, "quantity": 1}], "payment": {"method": "wallet"}}
        if shopper.number % 2:
            body["expected_total"] = won(self.prices[shopper.sku])
        return body

    async def _place(self, lane, shopper, key, *, hand=0, body=None, first_attempt=0):
        """Orders, asks until it is answered; what was decided, None where nothing was placed."""
        body = body or self._body(shopper)
        began = time.monotonic()
        for attempt in itertools.count(first_attempt):
            status, said = await self._ask(lane, shopper, key, body, hand, attempt)
            if status == 202:
                said = await self._decision(lane, shopper, said["order_id"], hand)
            if status in (200, 202):
                self._count(said, began)
                return said
            if status in (409, 422):
                self._figures.refused += 1
                self._figures.waits.append(1000 * (time.monotonic() - began))
                return None
            if time.monotonic() - began > PATIENCE_SECONDS:
                raise Trouble(f"an order got no answer within {PATIENCE_SECONDS} s: {status} "
                              f"{said}")
            await asyncio.sleep(random.uniform(*PAUSE_SECONDS))

    def _count(self, said, began):
        figures, state = self._figures, said["state"]
        figures.waits.append(1000 * (time.monotonic() - began))
        if said["order_id"] in self._counted:
            return  # told again
        self._counted.add(said["order_id"])
        if state == "rejected":
            figures.refused += 1
        elif state == "payment_failed":
            figures.unpaid += 1
        else:
            figures.paid += 1

    async def _ask(self, lane, shopper, key, body, hand, attempt, hangs_up=False):
        """One POST; its answer is noted. Status 0: none came."""
        sent = now_us()
        self._figures.sent += 1
        try:
            status, said = await lane.connection(hand, attempt).ask(
                "POST", "/v1/orders",
                {"Authorization": f"Bearer {shopper.token}", "Idempotency-Key": key,
                 "Prefer": f"wait={WAIT_SECONDS}"},
                {name: value for name, value in body.items() if name != "member"},
                **({"limit": 0.003} if hangs_up else {}))
        except Lost:
            status, said = 0, None
            self._figures.lost += 1
        self._journal.note("answer", member=shopper.member, key=key, body=body, sent=sent,
                           answered=now_us(), status=status, answer=said)
        if status in (200, 202) and said["order_id"] not in shopper.orders:
            shopper.orders.append(said["order_id"])
        return status, said

    async def _decision(self, lane, shopper, order, hand=0):
        """Of an order that is acknowledged and was not decided in time."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            said = await self._insist(lane, shopper, "GET", f"/v1/orders/{order}", hand=hand)
            if said["state"] in FINAL:
                # Where ordering has told it, the reason is in the timeline; before, stock's row
                # is shown.
                last = (said.get("timeline") or [{}])[-1]
                said["reason"] = said.get("reason") or last.get("reason")
                return said
            if time.monotonic() > deadline:
                raise Trouble(f"order {order} is still {said['state']} after "
                              f"{PATIENCE_SECONDS} s")
            await asyncio.sleep(0.1)

    # After the sale

    async def look_back(self, lane, shopper):
        """Each asks once more what became of their orders, and of their money."""
        for order in shopper.orders:
            await self._decision(lane, shopper, order)
            said = await self._insist(lane, shopper, "GET", f"/v1/orders/{order}")
            self._journal.note("final", order=order, body=said)
        wallet = await self._wallet(lane, shopper)
        self._journal.note("wallet", member=shopper.member, balance=wallet["balance"]["amount"])

    async def _wallet(self, lane, shopper):
        return await self._insist(lane, shopper, "GET", "/v1/wallet")

    async def _insist(self, lane, shopper, method, path, body=None, headers=None, good=(200,),
                      hand=0):
        """A call that is repeated until it succeeds."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        for attempt in itertools.count():
            try:
                status, said = await lane.connection(hand, attempt).ask(
                    method, path, {"Authorization": f"Bearer {shopper.token}", **(headers or {})},
                    body)
            except Lost as lost:
                status, said = 0, str(lost)
            if status in good:
                return said
            if time.monotonic() > deadline or status not in (0, 404, 429, 503, 504):
                raise Trouble(f"{method} {path} was answered {status}: {said}")
            await asyncio.sleep(random.uniform(*PAUSE_SECONDS))
