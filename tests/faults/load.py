"""Shoppers who order over HTTP, never give an order up, and write down every answer."""

import http.client
import json
import random
import threading
import time
import uuid

ANSWER_SECONDS = 15
# An attempt that failed is made again after this.
RETRY_SECONDS = (0.1, 0.4)
REPEATS = 0.05  # of orders that were answered are sent once more
WAITING = 0.4  # of requests carry `Prefer: wait`
IN_DROP = 0.4  # of orders are for the drop

CONCLUSIVE = (200, 202)
TRY_AGAIN = (429, 502, 503, 504)

PRODUCT = "0190b29f-1111-7000-8000-0000000000a1"
PRICE = {"amount": 15_000, "currency": "KRW"}


class Goods:
    """What is for sale: ordinary offers and one drop. Some sell out, some do not."""

    def __init__(self, scale):
        self.drop = str(uuid.uuid4())
        self.units = {(None, "MUG"): 1_000_000, (None, "CAP"): scale, (None, "BAG"): scale // 2,
                      (self.drop, "HOODIE-M"): scale, (self.drop, "HOODIE-L"): 2 * scale}

    def put_on_sale(self, system):
        for (drop, sku), units in self.units.items():
            if drop is None:
                system.ask_operator("/v1/admin/offers", {"product": PRODUCT, "sku": sku,
                                                         "price": PRICE, "units": units})
        offers = [{"sku": sku, "product": PRODUCT, "price": PRICE, "units": units}
                  for (drop, sku), units in self.units.items() if drop]
        system.ask_operator("/v1/admin/drops", {
            "drop": self.drop, "offers": offers, "opens_at": "2020-01-01T00:00:00Z",
            "closes_at": "2100-01-01T00:00:00Z"})

    def basket(self, chance):
        """The body of a random order."""
        drop = self.drop if chance.random() < IN_DROP else None
        skus = [sku for where, sku in self.units if where == drop]
        lines = [{"sku": sku, "quantity": chance.choice((1, 1, 1, 2))}
                 for sku in chance.sample(skus, chance.choice((1, 1, 2)))]
        body = {"lines": lines, "payment": {"method": "wallet"}}
        if drop:
            body["drop"] = drop
        return body


class Attempt:
    """One request and what came back: a status with its body, or an error instead."""

    __slots__ = ("key", "status", "answer", "error", "at", "took")

    def __init__(self, key):
        self.key = key
        self.status = None
        self.answer = None
        self.error = None
        self.at = time.time()
        self.took = 0.0


class Journal:
    """Every attempt of every shopper, in memory and, a line each, in a file."""

    def __init__(self, file):
        self.attempts = []
        self._file = open(file, "w", encoding="utf-8")
        self._lock = threading.Lock()

    def add(self, attempt):
        line = json.dumps({name: getattr(attempt, name) for name in Attempt.__slots__})
        with self._lock:
            self.attempts.append(attempt)
            self._file.write(line + "\n")

    def close(self):
        self._file.close()

    def succeeded(self):
        with self._lock:
            return sum(1 for attempt in self.attempts if attempt.status in CONCLUSIVE)


class Shopper(threading.Thread):
    """Orders at a steady pace under many members' names until told to stop."""

    def __init__(self, system, goods, journal, members, pace, seed):
        super().__init__(daemon=True)
        self._system = system
        self._goods = goods
        self._journal = journal
        self._members = members
        self._pace = pace
        self._chance = random.Random(seed)
        self._stopping = threading.Event()
        self._connection = None
        self.broken = None

    def stop(self):
        self._stopping.set()

    def run(self):
        try:
            while not self._stopping.wait(self._pace * self._chance.uniform(0.5, 1.5)):
                self._order()
        except BaseException as error:  # a shopper that dies must not pass for one with no orders
            self.broken = error
            raise
        finally:
            self._hang_up()

    def _order(self):
        member = self._chance.choice(self._members)
        key = str(uuid.UUID(int=self._chance.getrandbits(128), version=4))
        body = json.dumps(self._goods.basket(self._chance))
        while not self._stopping.is_set():
            attempt = self._attempt(member, key, body)
            if attempt.status is not None and attempt.status not in TRY_AGAIN:
                break
            self._stopping.wait(self._chance.uniform(*RETRY_SECONDS))
        if self._chance.random() < REPEATS:
            self._attempt(member, key, body)

    def _attempt(self, member, key, body):
        attempt = Attempt(f"{member}/{key}")
        headers = {"Authorization": "Bearer " + self._system.token(member),
                   "Content-Type": "application/json", "Idempotency-Key": key}
        if self._chance.random() < WAITING:
            headers["Prefer"] = "wait=5"
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection(
                    "127.0.0.1", self._system.http_port, timeout=ANSWER_SECONDS)
            self._connection.request("POST", "/v1/orders", body=body, headers=headers)
            answer = self._connection.getresponse()
            text = answer.read()
            attempt.answer = json.loads(text)
            attempt.status = answer.status
            if answer.will_close:
                self._hang_up()
        except (OSError, http.client.HTTPException, ValueError) as error:
            attempt.error = repr(error)
            self._hang_up()
        attempt.took = time.time() - attempt.at
        self._journal.add(attempt)
        return attempt

    def _hang_up(self):
        if self._connection is not None:
            self._connection.close()
        self._connection = None


class Crowd:
    """Shoppers at work for as long as the `with` lasts."""

    def __init__(self, system, goods, *, shoppers=6, members=24, pace=0.05, seed=0):
        chance = random.Random(seed)
        names = [str(uuid.UUID(int=chance.getrandbits(128), version=4)) for _ in range(members)]
        for name in names:
            system.token(name)
        self.journal = Journal(system.folder / "journal.jsonl")
        self._shoppers = [Shopper(system, goods, self.journal, names, pace, chance.random())
                          for _ in range(shoppers)]

    def __enter__(self):
        for shopper in self._shoppers:
            shopper.start()
        return self

    def __exit__(self, *_):
        for shopper in self._shoppers:
            shopper.stop()
        for shopper in self._shoppers:
            shopper.join(2 * ANSWER_SECONDS)
        self.journal.close()

    def broken(self):
        return [shopper.broken for shopper in self._shoppers if shopper.broken]
