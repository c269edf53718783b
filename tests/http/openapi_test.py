# label: quick
"""The running server and schemas/http/openapi.yaml say the same."""

import json
import pathlib
import re
import sys
import unittest
import uuid

import jsonschema

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import shop as shops
from shop import DOCUMENT, ROOT, check, examples, listeners, new_id, operation, operations, \
    path_of, resolve, until, validate, won

MEMBER = "0190a0b0-0000-7000-8000-000000000001"


def routes_of_the_program():
    """What is added to routers, from the one place where routes are named: libs/shop."""
    found = set()
    for file in sorted((ROOT / "libs" / "shop" / "src").glob("*.cpp")):
        text = file.read_text("utf-8")
        for method, path, name in re.findall(
                r'router\.add\(\s*http::Method::(\w+),\s*"([^"]+)",\s*"([^"]+)"', text):
            found.add((method, path, name))
        for method, path, name in re.findall(
                r'\badd\((?:http::)?Method::(\w+),\s*"([^"]+)",\s*"([^"]+)"', text):
            found.add((method, path, name))
        for method, path, name in re.findall(r'\b(post|put)\("([^"]+)",\s*"([^"]+)"', text):
            found.add((method, path, name))
    return found


def walk(node):
    yield node
    inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for value in inner:
        yield from walk(value)


class Document(unittest.TestCase):
    def test_it_has_every_route_and_no_other(self):
        documented = {(m, p, o["operationId"]) for m, p, o in operations()}
        self.assertEqual(documented, routes_of_the_program())

    def test_its_references_lead_somewhere_and_its_schemas_are_schemas(self):
        for node in walk(DOCUMENT):
            if isinstance(node, dict) and "$ref" in node:
                resolve(node)
            if isinstance(node, dict) and isinstance(node.get("schema"), dict):
                jsonschema.Draft202012Validator.check_schema(node["schema"])
        for name, schema in DOCUMENT["components"]["schemas"].items():
            with self.subTest(name):
                jsonschema.Draft202012Validator.check_schema(schema)

    def test_nothing_in_it_is_left_unused(self):
        used = {node["$ref"] for node in walk(DOCUMENT)
                if isinstance(node, dict) and "$ref" in node}
        for kind, members in DOCUMENT["components"].items():
            if kind == "securitySchemes":
                continue
            for name in members:
                if (kind, name) in (("headers", "RateLimit"), ("headers", "RateLimitPolicy")):
                    continue
                self.assertIn(f"#/components/{kind}/{name}", used)

    def test_its_path_parameters_are_those_in_the_path(self):
        for method, path, described in operations():
            with self.subTest(f"{method} {path}"):
                named = {resolve(p)["name"] for p in described.get("parameters", [])
                         if resolve(p)["in"] == "path"}
                self.assertEqual(named, set(re.findall(r"{(\w+)}", path)))

    def test_each_call_shows_a_request_and_an_answer_that_are_of_their_schemas(self):
        for method, path, described in operations():
            bodies = [described["requestBody"]] if "requestBody" in described else []
            bodies += [answer for status, answer in described["responses"].items()
                       if status.startswith("2")]
            for body in map(resolve, bodies):
                for kind, media in body.get("content", {}).items():
                    if not kind.endswith("json"):
                        continue
                    with self.subTest(f"{method} {path} {body.get('description', 'request')}"):
                        self.assertTrue(media.get("examples"))
                        for example in media["examples"].values():
                            validate(media["schema"], resolve(example)["value"])

    def test_each_error_has_its_codes_and_each_call_its_errors(self):
        for method, path, described in operations():
            answers = described["responses"]
            with self.subTest(f"{method} {path}"):
                for status, answer in answers.items():
                    answer = resolve(answer)
                    if "application/problem+json" in answer.get("content", {}):
                        self.assertTrue(answer["x-codes"])
                        self.assertGreaterEqual(int(status), 400)
                if described.get("security") is None:
                    self.assertIn("401", answers)
                if described["x-listener"] != "both":
                    self.assertIn("429", answers)
                if path.startswith("/v1/admin"):
                    self.assertIn("403", answers)
                if "requestBody" in described:
                    self.assertLessEqual({"400", "413", "415", "422", "503", "504"}, set(answers))
                if "{" in path:
                    self.assertIn("404", answers)


class Behaviour(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shop = shops.Shop(gateway=True)
        cls.tokens = {"member": cls.shop.token(MEMBER), "admin": cls.shop.token(MEMBER, "admin")}

    @classmethod
    def tearDownClass(cls):
        # The description's example makes a product of an SKU that a drop without products sells.
        codes = cls.shop.stop(whole=False)
        assert codes == [0, 0], f"the programs ended with {codes}"

    def headers_of(self, described, role="admin", **more):
        headers = {"Authorization": "Bearer " + self.tokens[role]}
        if "requestBody" in described:
            headers["Content-Type"] = "application/json"
        for parameter in map(resolve, described.get("parameters", [])):
            if parameter["in"] == "header" and parameter.get("required"):
                headers[parameter["name"]] = str(uuid.uuid4())
        return {**headers, **more}

    @staticmethod
    def query_of(described):
        """Every query parameter that has an example."""
        parameters = map(resolve, described.get("parameters", []))
        given = [f"{p['name']}={p['example']}" for p in parameters
                 if p["in"] == "query" and "example" in p]
        return "?" + "&".join(given) if given else ""

    def paid_order(self, sku):
        """Of the caller of the examples, and known to deliveries."""
        rich = shops.Member(self.shop)
        rich.id, rich.token = MEMBER, self.tokens["member"]
        charge = rich.charge(100_000).json()
        self.shop.notice({"outcome": "captured", "reference": charge["reference"],
                          "payment": "pay-" + new_id(), "amount": shops.won(100_000)})
        until("the wallet is filled", lambda: rich.balance() >= 100_000)
        order = rich.order(sku).json()["order_id"]
        rich.wait_for(order, *shops.PAID)
        until("the goods are made ready",
              lambda: rich.ask("GET", f"/v1/orders/{order}/delivery").status == 200)
        return order

    def campaign(self):
        id = new_id()
        put = operation("put", "/v1/admin/coupon-campaigns/{id}")
        self.shop.command("PUT", f"/v1/admin/coupon-campaigns/{id}", examples(put)[0])
        where = f"/v1/admin/coupon-campaigns/{id}"
        until("the campaign is there", lambda: self.shop.ask(
            "GET", where, self.tokens["admin"], listener="admin").status == 200)
        return id

    def coupon(self, member, campaign):
        coupon = member.ask("POST", f"/v1/coupon-campaigns/{campaign}/coupons").json()["coupon"]
        until("the coupon is there",
              lambda: member.ask("GET", f"/v1/coupons/{coupon}").status == 200)
        return coupon

    def known_ids(self):
        """Of things that are there, by path: what the examples are asked of."""
        product, sku = self.shop.put_offer()
        member = shops.Member(self.shop)
        member.id, member.token = MEMBER, self.tokens["member"]
        order = member.order(sku, method="card").json()["order_id"]
        member.wait_for(order, "awaiting_payment")
        charge = member.charge(5000).json()["charge"]
        until("the charge is known",
              lambda: member.ask("GET", f"/v1/wallet/charges/{charge}").status == 200)
        paid = self.paid_order(sku)
        campaign = self.campaign()
        return {"/v1/coupon-campaigns/{id}": campaign, "/v1/admin/coupon-campaigns/{id}": campaign,
                "/v1/coupons/{id}": self.coupon(member, self.campaign()),
                "/v1/admin/orders/{id}": order,
                "/v1/orders/{id}/delivery": paid, "/v1/admin/shipments/{id}": paid,
                "/v1/orders/{id}": order, "/v1/wallet/charges/{id}": charge,
                "/v1/products/{id}": product, "/v1/drops/{id}": self.shop.put_drop()[0]}

    def waiting(self, what):
        return self.shop.ask("GET", f"/v1/admin/{what}?limit=200", self.tokens["admin"],
                             listener="admin").json()["waiting"]

    def waiting_deposit(self):
        transaction = "tx-" + new_id()
        self.shop.notice({"transaction": transaction, "amount": shops.won(1_000)},
                         path="/v1/bank-deposits")
        return until("the deposit waits", lambda: next(
            (each["deposit"] for each in self.waiting("deposits")
             if each["transaction"] == transaction), None))

    def waiting_return(self):
        """Of a transfer whose payer nobody knows, for an order that was cancelled."""
        member = shops.Member(self.shop)
        _, sku = self.shop.put_offer()
        order = member.order(sku, method="bank").json()["order_id"]
        self.shop.notice({"transaction": "tx-" + new_id(), "amount": shops.won(1_000),
                          "reference": f"order.{member.id}.{order}"}, path="/v1/bank-deposits")
        member.wait_for(order, "paid", "preparing")
        member.ask("POST", f"/v1/orders/{order}/cancellation", {"reason": "no"},
                   Idempotency_Key=new_id())
        return until("the money waits", lambda: next(
            (each["return"] for each in self.waiting("returns")
             if each.get("order_id") == order), None))

    def send_example(self, method, path, described, listener, example, ids):
        if path in ("/v1/payments/webhook", "/v1/bank-deposits"):
            return self.shop.notice(example, path=path)
        if path.startswith("/v1/admin/deposits/"):
            ids = {**ids, "/v1/admin/deposits/{id}": self.waiting_deposit()}
            if "order_id" in example:
                example = {**example, "order_id": ids["/v1/orders/{id}"]}
        if path.startswith("/v1/admin/returns/"):
            ids = {**ids, "/v1/admin/returns/{id}": self.waiting_return()}
        if path == "/v1/admin/courier-reports":
            parcel = f"/v1/admin/shipments/{ids['/v1/admin/shipments/{id}']}"
            shown = lambda: self.shop.ask("GET", parcel, self.tokens["admin"], listener="admin")
            until("it was delivered", lambda: shown().json()["state"] == "delivered")
        place = next((known for known in ids if path.startswith(known)), None)
        given = {"id": ids[place]} if place else {}
        role = "admin" if path.startswith("/v1/admin") else "member"
        return self.shop.call(
            listener, method, path_of(path, described, **given) + self.query_of(described),
            self.headers_of(described, role),
            None if example is None else json.dumps(example).encode())

    def test_each_example_is_taken_and_answered_as_promised(self):
        ids = self.known_ids()
        for method, path, described in operations():
            if path == "/v1/events":
                continue  # does not end: its own test
            for example in examples(described):
                for listener in listeners(described):
                    with self.subTest(f"{listener} {method} {path}"):
                        answer = self.send_example(method, path, described, listener, example, ids)
                        check(self, described, answer)
                        self.assertIn(answer.status, (200, 202, 204), answer)

    def test_what_the_examples_of_operators_do_is_shown(self):
        # Under names of its own: another test has retired the product of the examples.
        product, sku = new_id(), "sku-" + uuid.uuid4().hex[:12]
        for path, id in (("/v1/products/{id}", product), ("/v1/drops/{id}", new_id())):
            put = operation("put", path.replace("/v1/", "/v1/admin/"))
            known = resolve(operation("put", "/v1/admin/products/{id}")["parameters"][0])["example"]
            for example in examples(put):
                example = json.loads(json.dumps(example).replace(known, product)
                                     .replace("hoodie", sku))
                where = path_of(path, put, id=id)
                self.shop.command("PUT", where.replace("/v1/", "/v1/admin/"), example)
                until("it is shown", lambda: self.shop.ask("GET", where).status == 200)
                shown = check(self, operation("get", path), self.shop.ask("GET", where))
                for field in ("name", "title", "limit_per_member"):
                    self.assertEqual(shown.get(field), example.get(field))

    def test_an_operator_who_waits_is_told_what_became_of_the_change(self):
        drop, sku = self.shop.put_drop()

        def ask(method, path, body, **ids):
            described = operation(method, path)
            return check(self, described, self.shop.ask(
                method, path_of(path, described, **ids), self.tokens["admin"], body,
                listener="admin", Prefer="wait=20"))

        pause, reason = "/v1/admin/drops/{id}/pause", {"reason": "r"}
        self.assertEqual(ask("post", pause, reason, id=drop)["outcome"], "done")
        self.assertEqual(ask("post", pause, reason, id=drop)["code"], "already_paused")
        self.assertEqual(ask("post", pause, reason, id=new_id())["code"], "unknown_drop")
        retire = "/v1/admin/products/{id}/retirement"
        self.assertEqual(ask("post", retire, reason, id=new_id())["code"], "unknown_product")
        product = {"name": {"en": "n"}, "options": [{"sku": sku, "name": {"en": "o"}}]}
        self.assertEqual(ask("put", "/v1/admin/products/{id}", product, id=new_id())["outcome"],
                         "done")
        self.assertEqual(ask("put", "/v1/admin/products/{id}", product, id=new_id())["code"],
                         "sku_taken")

    def test_events_are_those_of_the_description(self):
        described = operation("get", "/v1/events")["responses"]["200"]
        drop, sku = self.shop.put_drop(units=5, limit=2)
        member = shops.Member(self.shop, money=1000)
        stream = member.follow()
        self.assertEqual(stream.answer.getheader("Content-Type").split(";")[0],
                         "text/event-stream")
        events = [stream.next()]
        paid = member.order(sku, drop=drop).json()
        self.assertEqual(paid["state"], "paid", paid)
        member.order(sku, drop=drop)                      # payment_failed
        member.order(sku, drop=drop, quantity=3)          # rejected
        member.ask("POST", f"/v1/orders/{paid['order_id']}/cancellation",
                   Idempotency_Key=new_id())
        while events[-1][1] != "OrderCancelled":
            events.append(stream.next())
        member.ask("POST", f"/v1/orders/{paid['order_id']}/refunds", Idempotency_Key=new_id())
        events.append(stream.next())
        stream.close()
        for name, kind, data in events:
            with self.subTest(kind):
                self.assertIn(kind, described["x-events"])
                validate(described["x-events"][kind]["data"], data)
                if kind != "snapshot":
                    self.assertRegex(name, "^[0-9]+-[0-9]+$")
                    topic = json.loads((ROOT / "schemas" / "topics" / f"{kind}.schema.json")
                                       .read_text("utf-8"))
                    self.assertEqual(topic["title"] if "title" in topic else kind, kind)
        kinds = [kind for _, kind, _ in events]
        self.assertEqual(kinds[0], "snapshot")
        for kind in ("OrderPaid", "OrderPaymentFailed", "OrderRejected", "OrderCancelled",
                     "OrderChangeRefused"):
            self.assertIn(kind, kinds)

    def test_an_order_is_placed_waited_for_shown_repeated_and_contested(self):
        place, show = operation("post", "/v1/orders"), operation("get", "/v1/orders/{id}")
        _, sku = self.shop.put_offer(price=5)
        member = shops.Member(self.shop, money=1000)
        body = {"lines": [{"sku": sku, "quantity": 2}], "payment": {"method": "wallet"}}
        key = new_id()

        def post(**changes):
            return check(self, place, member.ask(
                "POST", "/v1/orders", {**body, **changes}, Idempotency_Key=key, Prefer="wait=20"))

        placed = post()
        self.assertEqual(placed["state"], "paid", placed)
        self.assertEqual(placed["total"], won(10))
        self.assertIn("receipt", placed)
        shown = check(self, show, member.show(placed["order_id"]))
        self.assertIn(shown["state"], shops.PAID)
        again = post()
        self.assertEqual(again["order_id"], placed["order_id"])
        self.assertIn(again["state"], shops.PAID)
        self.assertEqual(post(coupon=str(uuid.uuid4()))["code"], "idempotency_conflict")

    def test_what_the_gateway_took_is_in_the_wallet(self):
        member = shops.Member(self.shop)
        charge = check(self, operation("post", "/v1/wallet/charges"), member.charge(30_000))
        paid = self.shop.ask("POST", "/v1/payments", listener="gateway", body={
            "reference": charge["reference"], "amount": won(30_000)})
        self.assertEqual(paid.status, 201)
        until("the wallet is filled", lambda: member.balance() == 30_000)
        shown = member.ask("GET", f"/v1/wallet/charges/{charge['charge']}")
        self.assertEqual(check(self, operation("get", "/v1/wallet/charges/{id}"), shown)["state"],
                         "captured")
        check(self, operation("get", "/v1/wallet"), member.ask("GET", "/v1/wallet"))

    def test_what_has_a_tag_is_not_sent_twice(self):
        ids = self.known_ids()
        for path in ("/v1/drops", "/v1/drops/{id}", "/v1/products", "/v1/products/{id}"):
            described = operation("get", path)
            with self.subTest(path):
                where = path_of(path, described, id=ids.get(path, ""))
                first = self.shop.ask("GET", where)
                check(self, described, first)
                tag = first.headers["ETag"]
                for given, status in ((tag, 304), ("W/" + tag, 304), (f'"x", {tag}', 304),
                                      ("*", 304), ('"x"', 200)):
                    answer = self.shop.ask("GET", where, If_None_Match=given)
                    check(self, described, answer)
                    self.assertEqual((given, answer.status), (given, status))
                head = self.shop.ask("HEAD", where)
                check(self, described, head, head=True)
                self.assertEqual(head.headers["ETag"], tag)

    def test_operators_routes_are_on_their_listener_only(self):
        for method, path, described in operations():
            if described["x-listener"] == "both":
                continue
            other = "admin" if described["x-listener"] == "public" else "public"
            with self.subTest(f"{method} {path}"):
                answer = self.shop.call(
                    other, method, path_of(path, described), self.headers_of(described),
                    b"{}" if "requestBody" in described else None)
                self.assertIn(answer.status, (404, 405))

    def test_problems_speak_the_callers_language(self):
        titles = {language: self.shop.ask("GET", "/nowhere", Accept_Language=language)
                  .json()["title"] for language in ("en", "ko")}
        self.assertNotEqual(titles["en"], titles["ko"])

    def test_the_server_hands_out_this_description(self):
        served = self.shop.ask("GET", "/v1/openapi.yaml").body
        self.assertEqual(served, (ROOT / "schemas" / "http" / "openapi.yaml").read_bytes())


if __name__ == "__main__":
    result = unittest.TextTestRunner(verbosity=1).run(
        unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"]))
    failed = len(result.failures) + len(result.errors)
    print(f"{max(result.testsRun - failed, 0)} passed, {failed} failed")
    sys.exit(1 if failed else 0)
