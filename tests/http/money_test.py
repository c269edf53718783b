#!/usr/bin/env python3
"""Money by card and bank through HTTP, against the sandbox gateway and its bank: what is believed,
what goes back, what waits, and that both sides' books agree, whoever is killed on the way.

  money_test.py                the tests; DROPLINE_TEST_GATEWAY_KILLS says how many kills (5)
  money_test.py --kills N      the kills alone, with what was measured
"""

import argparse
import json
import os
import pathlib
import random
import sqlite3
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from shop import Member, Shop, new_id, until, won  # noqa: E402

KILLS = int(os.environ.get("DROPLINE_TEST_GATEWAY_KILLS", "5"))
FAST = ("--gateway-timeout", "1s", "--gateway-retry", "100ms", "--gateway-retry-max", "1s",
        "--gateway-ask-after", "1s")
PAYER = {"bank": "Shinhan", "account": "110-222-333", "holder": "Kim"}
SETTLE_LIMIT = 90


def books(shop):
    return shop.ask("GET", "/v1/books", listener="gateway").json()


def ledger(shop):
    """Account -> what came in by its entries, and what went out."""
    return {account: (came, went) for account, came, went in rows(
        shop, "SELECT account, sum(max(amount, 0)), sum(max(-amount, 0)) FROM payments_entries "
              "GROUP BY account")}


def rows(shop, sql):
    with sqlite3.connect(f"file:{shop.folder / 'dropline.db'}?mode=ro", uri=True) as database:
        return database.execute(sql).fetchall()


def differences(shop):
    """What the shop's ledger and the sandbox's books say otherwise; nothing: they agree."""
    ours, theirs = ledger(shop), books(shop)
    found = []
    if over := sum(came - went for came, went in ours.values()):
        found.append(f"the ledger sums to {over}")
    # Each way by itself: money that is not known yet may be as much as what is on its way back.
    for account, taken, given in (("gateway", "captured", "refunded"),
                                  ("bank", "deposited", "paid_out")):
        came, went = ours.get(account, (0, 0))
        if (went, came) != (theirs[taken], theirs[given]):
            found.append(f"{account}: {went} and {came} back here, "
                         f"{theirs[taken]} and {theirs[given]} back there")
    return found


def settled(shop):
    return not differences(shop) and not books(shop)["notices_waiting"] and not rows(
        shop, "SELECT 1 FROM payments_calls WHERE due_at IS NOT NULL AND kind <> 'ask' LIMIT 1")


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shop = Shop(*FAST, asks=True)
        cls.product, cls.sku = cls.shop.put_offer(units=1_000, price=9_000)

    @classmethod
    def tearDownClass(cls):
        codes = cls.shop.stop()
        assert set(codes) == {0}, codes

    def setUp(self):
        self.member = Member(self.shop)

    def place(self, method):
        order = self.member.order(self.sku, method=method).json()
        self.assertEqual(order["state"], "awaiting_payment")
        return order["order_id"]

    def reference(self, order):
        return f"order.{self.member.id}.{order}"

    def pay(self, order, money=9_000, **more):
        answer = self.shop.ask("POST", "/v1/payments", listener="gateway", body={
            "reference": self.reference(order), "amount": won(money), **more})
        self.assertEqual(answer.status, 201, answer)
        return answer.json()

    def deposit(self, money, reference=None, **more):
        body = {"amount": won(money), **more}
        if reference:
            body["reference"] = reference
        answer = self.shop.ask("POST", "/v1/deposits", listener="gateway", body=body)
        self.assertEqual(answer.status, 201, answer)
        return answer.json()["transaction"]

    def cancel(self, order):
        answer = self.member.ask("POST", f"/v1/orders/{order}/cancellation",
                                 {"reason": "changed my mind"}, Idempotency_Key=new_id())
        self.assertEqual(answer.status, 202, answer)

    def admin(self, method, path, body=None):
        return self.shop.ask(method, path, self.shop.admin, body, listener="admin")

    def waiting(self, transaction):
        rows_shown = self.admin("GET", "/v1/admin/deposits?limit=200").json()["waiting"]
        return next((each for each in rows_shown if each["transaction"] == transaction), None)

    def agree(self):
        until("both sides' books agree", lambda: settled(self.shop), SETTLE_LIMIT)


class Cards(Case):
    def test_a_captured_card_pays_the_order(self):
        order = self.place("card")
        self.pay(order)
        self.member.wait_for(order, "paid", "preparing")
        self.agree()

    def test_a_notice_that_the_gateway_does_not_bear_out_is_not_believed(self):
        order = self.place("card")
        charge = self.member.charge(5_000).json()
        for reference, money in ((self.reference(order), 9_000), (charge["reference"], 5_000)):
            told = self.shop.notice({"outcome": "captured", "reference": reference,
                                     "payment": "pay-" + new_id(), "amount": won(money)})
            self.assertEqual(told.status, 204, told)
        # A true one, told later, has been through: the false ones have been asked for.
        other = Member(self.shop)
        true = other.charge(7_000).json()
        self.shop.ask("POST", "/v1/payments", listener="gateway",
                      body={"reference": true["reference"], "amount": won(7_000)})
        until("the true one is credited", lambda: other.balance() == 7_000)
        self.assertEqual(self.member.balance(), 0)
        self.assertEqual(self.member.show(order).json()["state"], "awaiting_payment")
        self.agree()

    def test_another_amount_is_declined_and_goes_back(self):
        for told in (None, won(9_000)):
            order = self.place("card")
            notices = [{"amount": told}] if told else [{}]
            self.pay(order, captured=won(8_000), notices=notices)
            self.member.wait_for(order, "payment_failed")
            self.agree()

    def test_a_declined_card_ends_the_order(self):
        order = self.place("card")
        self.pay(order, outcome="declined")
        self.member.wait_for(order, "payment_failed")
        self.agree()

    def test_notices_late_twice_and_in_the_wrong_order_pay_once(self):
        order = self.place("card")
        self.pay(order, notices=[{"outcome": "declined"}, {"copies": 3}, {"delay_ms": 700},
                                 {"delay_ms": 300, "amount": won(1)}])
        self.member.wait_for(order, "paid", "preparing")
        self.agree()
        self.assertEqual(rows(self.shop, "SELECT count(*) FROM payments_entries WHERE "
                              f"member = '{order}' AND account = 'held'"), [(1,)])

    def test_a_lost_notice_does_not_lose_the_payment(self):
        order = self.place("card")
        self.pay(order, notices=[])
        self.member.wait_for(order, "paid", "preparing")
        self.agree()

    def test_a_cancelled_card_is_closed_at_the_gateway_first(self):
        order = self.place("card")
        self.cancel(order)
        self.member.wait_for(order, "cancelled")
        late = self.shop.ask("POST", "/v1/payments", listener="gateway", body={
            "reference": self.reference(order), "amount": won(9_000)})
        self.assertEqual(late.status, 409, late)
        self.agree()

    def test_a_paid_card_that_is_cancelled_goes_back(self):
        order = self.place("card")
        self.pay(order)
        self.member.wait_for(order, "paid", "preparing")
        self.cancel(order)
        self.member.wait_for(order, "cancelled")
        self.agree()
        row = rows(self.shop, f"SELECT captured, refunded FROM payments_payments WHERE "
                   f"order_id = '{order}'")
        self.assertEqual(row, [(9_000, 9_000)])

    def test_calls_that_fail_or_are_answered_late_have_one_effect(self):
        for kind in ("before", "after", "slow"):
            with self.subTest(kind=kind):
                order = self.place("card")
                self.pay(order)
                self.member.wait_for(order, "paid", "preparing")
                self.shop.ask("POST", "/v1/faults", listener="gateway",
                              body={"calls": 3, "kind": kind, "delay_ms": 1_500})
                self.cancel(order)
                self.member.wait_for(order, "cancelled")
                self.shop.ask("POST", "/v1/faults", listener="gateway",
                              body={"calls": 0, "kind": "before"})
                self.agree()


class Transfers(Case):
    def test_an_exact_transfer_pays_the_order(self):
        order = self.place("bank")
        self.deposit(9_000, self.reference(order), payer=PAYER)
        self.member.wait_for(order, "paid", "preparing")
        self.agree()

    def test_parts_accumulate_and_the_surplus_goes_back(self):
        order = self.place("bank")
        self.deposit(4_000, "for " + self.reference(order).upper(), payer=PAYER)
        self.deposit(6_000, self.reference(order), payer=PAYER)
        self.member.wait_for(order, "paid", "preparing")
        self.agree()
        self.assertEqual(rows(self.shop, "SELECT sum(amount) FROM payments_returns WHERE "
                              f"order_id = '{order}' AND cause = 'surplus'"), [(1_000,)])

    def test_one_transaction_counts_once_however_often_it_is_told(self):
        order = self.place("bank")
        transaction = "tx-" + new_id()
        for _ in range(3):
            self.deposit(4_500, self.reference(order), payer=PAYER, transaction=transaction,
                         notices=[{"copies": 2}])
        self.agree()
        self.assertEqual(self.member.show(order).json()["state"], "awaiting_payment")

    def test_what_comes_late_goes_back(self):
        order = self.place("bank")
        self.deposit(4_000, self.reference(order), payer=PAYER)
        until("the part is in", lambda: rows(
            self.shop, f"SELECT received FROM payments_payments WHERE order_id = '{order}'")
            == [(4_000,)])
        self.cancel(order)
        self.member.wait_for(order, "cancelled")
        self.deposit(5_000, self.reference(order), payer=PAYER)
        until("both are on their way back", lambda: rows(
            self.shop, f"SELECT sum(amount) FROM payments_returns WHERE order_id = '{order}'")
            == [(9_000,)])
        self.agree()

    def test_a_wrong_name_waits_for_an_operator_who_assigns_it(self):
        order = self.place("bank")
        transaction = self.deposit(9_000, "for the shirt")
        row = until("it waits", lambda: self.waiting(transaction))
        path = f"/v1/admin/deposits/{row['deposit']}"
        stranger = self.admin("POST", path + "/assignment", {"order_id": new_id(), "reason": "x"})
        self.assertEqual((stranger.status, stranger.json()["type"][-13:]), (422, "unknown_order"))
        done = self.admin("POST", path + "/assignment", {"order_id": order, "reason": "she called"})
        self.assertEqual(done.status, 202, done)
        self.member.wait_for(order, "paid", "preparing")
        again = until("it does not wait", lambda: self.admin(
            "POST", path + "/assignment", {"order_id": order, "reason": "again"}).status == 409)
        self.assertTrue(again)
        self.agree()

    def test_a_wrong_name_is_returned_where_an_account_is_given(self):
        transaction = self.deposit(3_000, "no idea")
        row = until("it waits", lambda: self.waiting(transaction))
        path = f"/v1/admin/deposits/{row['deposit']}/return"
        unknown = self.admin("POST", path, {"reason": "nobody's"})
        self.assertEqual(unknown.status, 422, unknown)
        closed = {**PAYER, "account": "closed-1"}
        self.assertEqual(self.admin("POST", path, {"reason": "nobody's", "account": closed}).status,
                         202)
        stuck = until("the bank has refused it", lambda: next(
            (each for each in self.admin("GET", "/v1/admin/returns?limit=200").json()["waiting"]
             if each["amount"] == won(3_000)), None))
        self.assertEqual(stuck["account"], closed)
        done = self.admin("POST", f"/v1/admin/returns/{stuck['return']}/account",
                          {"account": PAYER, "reason": "the other account"})
        self.assertEqual(done.status, 202, done)
        self.agree()

    def test_only_operators_see_the_queue(self):
        for path in ("/v1/admin/deposits", "/v1/admin/returns"):
            answer = self.shop.ask("GET", path, self.member.token, listener="admin")
            self.assertEqual(answer.status, 403, answer)

    def test_only_the_bank_tells_of_deposits(self):
        body = json.dumps({"transaction": "t", "amount": won(1)}).encode()
        for headers, status in (({}, 400), ({"webhook-id": "m", "webhook-timestamp":
                                             str(int(time.time())),
                                             "webhook-signature": "v1,AAAA"}, 401)):
            answer = self.shop.call("public", "POST", "/v1/bank-deposits",
                                    {"Content-Type": "application/json", **headers}, body)
            self.assertEqual(answer.status, status, answer)


def shop_on(shop, sku, seed, stopping, done):
    """One shopper after another places an order, pays for it in some way, and may cancel it."""
    own = random.Random(seed)
    while not stopping.is_set():
        try:
            member = Member(shop)
            method = own.choice(("card", "card", "bank"))
            order = member.order(sku, method=method, wait=5).json()["order_id"]
            paid = {"reference": f"order.{member.id}.{order}",
                    "amount": won(own.choice((9_000, 9_000, 9_000, 8_000)))}
            if method == "bank":
                shop.ask("POST", "/v1/deposits", listener="gateway", body={
                    **paid, "payer": PAYER, "transaction": "tx-" + new_id()})
            elif own.random() < 0.8:
                shop.ask("POST", "/v1/payments", listener="gateway", body={
                    **paid, "notices": own.choice(([{}], [{"copies": 2}], [],
                                                   [{"delay_ms": 400}]))})
            if own.random() < 0.6:
                time.sleep(own.random() * 0.3)
                member.ask("POST", f"/v1/orders/{order}/cancellation", {"reason": "no"},
                           Idempotency_Key=new_id())
            done.append(order)
        except (OSError, ValueError, KeyError, AssertionError):
            time.sleep(0.05)  # Somebody has just been killed.


def storm(kills, seed, say=lambda text: None):
    """Shoppers pay and cancel while the gateway, and now and then the shop, is killed; then all
    come to rest. What disagrees, and figures."""
    dice = random.Random(seed)
    shop = Shop(*FAST, asks=True)
    try:
        _, sku = shop.put_offer(units=1_000_000, price=9_000)
        stopping = threading.Event()
        done = []
        threads = [threading.Thread(
            target=shop_on, args=(shop, sku, seed * 1_000 + n, stopping, done)) for n in range(4)]
        for thread in threads:
            thread.start()
        began = time.monotonic()
        shop_kills = 0
        for number in range(kills):
            time.sleep(0.2 + dice.random() * 0.6)
            if number % 10 == 9:
                shop.kill("dropline")
                shop.start_shop()
                shop_kills += 1
            shop.kill("dropline-sandbox")
            shop.start_gateway()
            say(f"kill {number + 1} of {kills}")
        stopping.set()
        for thread in threads:
            thread.join()
        rest = time.monotonic()
        until("both sides' books agree", lambda: settled(shop), 180)
        figures = {
            "gateway kills": kills, "shop kills": shop_kills, "orders": len(done),
            "calls": rows(shop, "SELECT count(*) FROM payments_calls")[0][0],
            "made again": rows(shop, "SELECT coalesce(sum(max(attempts - 1, 0)), 0) FROM "
                               "payments_calls WHERE kind <> 'ask'")[0][0],
            "returns": rows(shop, "SELECT count(*) FROM payments_returns")[0][0],
            "seconds": round(rest - began, 1), "to rest": round(time.monotonic() - rest, 1),
            **books(shop)}
        return differences(shop), figures
    except AssertionError:
        return differences(shop) or ["not at rest"], {"story": shop.story()[-3_000:]}
    finally:
        shop.stop()


class Kills(unittest.TestCase):
    def test_the_gateway_is_killed_in_the_middle_of_calls_and_both_books_agree(self):
        seed = int(os.environ.get("DROPLINE_TEST_SEED", random.randrange(1 << 30)))
        print(f"seed {seed}", flush=True)
        found, figures = storm(KILLS, seed)
        self.assertEqual(found, [], figures)
        self.assertGreater(figures["orders"], KILLS)
        self.assertGreater(figures["refunded"], 0)


def main():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--kills", type=int)
    parser.add_argument("--seed", type=int, default=1)
    asked, words = parser.parse_known_args()
    if asked.kills is None:
        ran = unittest.main(argv=sys.argv[:1] + words, exit=False).result
        wrong = len(ran.failures) + len(ran.errors)
        print(f"{ran.testsRun - wrong} passed, {wrong} failed", flush=True)
        sys.exit(1 if wrong or not ran.testsRun else 0)
    found, figures = storm(asked.kills, asked.seed, print)
    print(json.dumps(figures, indent=1))
    print("\n".join(found) if found else "both books agree")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
