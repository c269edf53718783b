# label: quick
"""What the faults' verdict must find: a small world in which all is well, and damage to it."""

import copy
import sys
import types
import unittest

from facts import Offer, Order, Payment, Record
from verdict import Row, Verdict

DROP = "0190b29f-0000-7000-8000-00000000d001"


def place(order, offset, sku, drop=DROP, partition=3):
    value = {"lines": [{"sku": sku, "quantity": 1}]}
    if drop:
        value["drop"] = drop
    return Record(partition, offset, "PlaceOrder", None, None, order, value)


def event(offset, kind, order, place_in_source, source="stock/3"):
    return Record(7, offset, kind, source, place_in_source, order, {"order_id": order})


class World:
    """One unit of HOODIE: `ended` has it and cannot pay, `late` finds none, it comes back, `won`
    has it and pays. `plain` buys outside of the drop."""

    def __init__(self):
        self.units = {(DROP, "HOODIE"): 1, (None, "MUG"): 5}
        release = Record(3, 2, "ReleaseUnits", "ordering/7", "4-0", None,
                         {"drop": DROP, "orders": [{"order_id": "ended"}]})
        self.commands = [place("ended", 0, "HOODIE"), place("late", 1, "HOODIE"), release,
                         place("won", 3, "HOODIE"), place("plain", 9, "MUG", None, 5)]
        self.orders = {"ended": Order("released", None, 3, 0),
                       "late": Order("refused", "all_held", 3, 1),
                       "won": Order("reserved", None, 3, 3),
                       "plain": Order("reserved", None, 5, 9)}
        self.offers = {(DROP, "HOODIE"): Offer(1, 0, 1, 0), (None, "MUG"): Offer(5, 4, 1, 0)}
        self.states = {"ended": "payment_failed", "late": "rejected", "won": "paid",
                       "plain": "paid"}
        self.payments = {"ended": Payment("closed", 0, 0), "won": Payment("captured", 9, 0),
                         "plain": Payment("captured", 9, 0)}
        self.events = {
            "stock.events": [event(0, "StockReserved", "ended", "1-0"),
                             event(1, "StockRefused", "late", "2-0"),
                             event(2, "UnitsReleased", "ended", "3-0"),
                             event(3, "StockReserved", "won", "4-0"),
                             event(4, "StockReserved", "plain", "1-0", "stock/5")],
            "orders.events": [event(0, "OrderPaid", "won", "1-0", "ordering/7"),
                              event(1, "OrderPaid", "plain", "2-0", "ordering/7")]}
        self.outbox = [set()]
        self.unread = self.held = 0
        self.dead = []
        self.attempts = [self.answer("ended", 0, "payment_failed"),
                         self.answer("late", 1, "rejected", "all_held"),
                         self.answer("won", 3, "paid"),
                         self.answer("plain", 9, "received", None, 5)]

    @staticmethod
    def answer(order, offset, state, reason=None, partition=3):
        body = {"order_id": order, "state": state,
                "receipt": {"partition": partition, "offset": offset}}
        if reason:
            body["reason"] = reason
        return types.SimpleNamespace(key=f"member/{order}", status=200, answer=body)

    def facts(self):
        """As facts.Facts answers; the outbox shows one of its looks after the other."""
        looks = iter(self.outbox)
        last = self.outbox[-1]
        return types.SimpleNamespace(
            orders=lambda: dict(self.orders), offers=lambda: self.offers,
            states=lambda: self.states, payments=lambda: self.payments,
            outbox=lambda: set(next(looks, last)), unread=lambda: self.unread,
            commands=lambda: self.commands, events=lambda: self.events,
            decisions=lambda: self.events["stock.events"], dead=lambda: self.dead,
            held=lambda: self.held)

    def findings(self):
        journal = types.SimpleNamespace(
            attempts=self.attempts,
            succeeded=lambda: sum(1 for each in self.attempts if each.status in (200, 202)))
        goods = types.SimpleNamespace(units=self.units, drop=DROP)
        return Verdict(self, goods, journal, Row("none", ""), limit=0).findings.text()


class Finding(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.assertEqual(World().findings(), "")

    def expect(self, kind):
        self.assertIn(kind, self.world.findings())

    def say(self, topic, kind, order, place_in_source, source="stock/3"):
        events = self.world.events[topic]
        events.append(event(len(events), kind, order, place_in_source, source))

    def test_an_outbox_that_moves_is_fine_and_one_that_does_not_is_found(self):
        self.world.outbox = [{("stock", 3, 1)}, {("stock", 3, 2)}]
        self.assertEqual(self.world.findings(), "")
        self.world.outbox = [{("stock", 3, 1)}, {("stock", 3, 1), ("stock", 3, 2)}]
        self.expect("rows stay in the outbox")

    def test_an_acknowledged_order_without_a_row(self):
        del self.world.orders["plain"]
        self.expect("acknowledged and lost")

    def test_a_row_without_its_order_in_the_log(self):
        self.world.commands.pop()
        self.expect("a row without its order in the log")

    def test_records_that_nobody_applied(self):
        self.world.unread = 2
        self.expect("2 records of commands and events are not applied")

    def test_an_effect_repeated(self):
        self.say("stock.events", "StockReserved", "won", "5-0")
        self.expect("not exactly one decision")

    def test_a_public_fact_repeated(self):
        self.say("orders.events", "OrderPaid", "won", "3-0", "ordering/7")
        self.expect("said twice")

    def test_a_copy_is_fine_and_another_event_under_its_id_is_not(self):
        self.say("stock.events", "StockReserved", "won", "4-0")
        self.assertEqual(self.world.findings(), "")
        self.say("stock.events", "StockRefused", "won", "4-0")
        self.expect("one id, two events")

    def test_a_first_copy_out_of_order(self):
        self.world.events["stock.events"].insert(0, event(0, "OfferPut", None, "3-5"))
        self.expect("a first copy out of order")

    def test_a_decision_without_a_row(self):
        self.say("stock.events", "StockReserved", "ghost", "6-0")
        self.expect("decided, but no row")

    def test_units_oversold_or_not_given_back(self):
        self.world.offers[(None, "MUG")] = Offer(5, 3, 2, 0)
        self.expect("allocated is not what was granted")
        self.world.offers[(None, "MUG")] = Offer(5, 5, 1, 0)
        self.expect("units do not add up")
        self.world.orders["ended"] = Order("reserved", None, 3, 0)
        self.expect("have ended and keep their units")

    def test_another_winner_than_the_log_gives(self):
        self.world.commands[2] = self.world.commands[2]._replace(value={"drop": DROP, "orders": []})
        self.expect("another winner than the log gives")

    def test_an_answer_that_does_not_hold(self):
        self.world.attempts[2] = World.answer("won", 3, "rejected", "all_held")
        self.expect("answered otherwise than decided")
        self.world.attempts[2] = World.answer("won", 3, "payment_failed")
        self.expect("ended otherwise than answered")

    def test_a_receipt_for_another_place(self):
        self.world.attempts[2] = World.answer("won", 0, "paid")
        self.expect("a receipt for another place")

    def test_one_key_that_made_two_orders(self):
        self.world.attempts[2].key = self.world.attempts[3].key
        self.expect("one key, two orders")

    def test_goods_money_and_state_that_differ(self):
        self.world.payments["ended"] = Payment("captured", 9, 0)
        self.expect("paid for nothing")
        self.world.payments["won"] = Payment("captured", 9, 9)
        self.expect("state and money differ")
        self.world.states["late"] = "paid"
        self.expect("state and goods differ")

    def test_what_was_set_aside_or_held(self):
        self.world.dead = [("orders.commands.dead", 3, 0)]
        self.expect("dead letters")
        self.world.held = 1
        self.expect("records held")

    def test_a_run_in_which_most_requests_failed(self):
        failed = copy.copy(self.world.attempts[0])
        failed.status, failed.answer = 503, {}
        self.world.attempts += [failed] * 5
        self.expect("does not count")

    def test_an_answer_that_nobody_should_get(self):
        self.world.attempts[0].status = 500
        self.expect("unexpected answer")


def main():
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__])
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite)
    failed = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
