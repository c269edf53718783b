# label: quick
"""What is wrong with a request is answered as the description promises, on every call, and nothing
is half done. What may be repeated is repeated here."""

import base64
import copy
import hashlib
import hmac
import http.client
import json
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import uuid

import jsonschema

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import shop as shops
from shop import DOCUMENT, Member, check, examples, listeners, media_of, mint, new_id, operation, \
    operations, path_of, resolve, until, validate, won

MAX_BODY = 64 * 1024
KEYED = [(m, p) for m, p, o in operations()
         if any(resolve(q)["name"] == "Idempotency-Key" for q in o.get("parameters", []))]
# Signed by whoever sends them.
NOTICES = ("/v1/payments/webhook", "/v1/bank-deposits")
WITH_BODY = [(m, p) for m, p, o in operations() if "requestBody" in o]
WITH_TOKEN = [(m, p) for m, p, o in operations() if o.get("security") is None]
# What stands where a value of another kind is asked for.
BEYOND_ANY = 10**400
WRONG = (None, True, 0, -1, 1.5, 2**31, 2**53, 2**63, 2**64, -2**63 - 1, BEYOND_ANY, "", "가", "0",
         "1' OR '1'='1", "x" * 5_000, [], [[]], {}, "\x7f", "-0", "٣", "🛒")


def places(value, at=()):
    """Every place in a body, the body itself first."""
    yield at
    inner = value.items() if isinstance(value, dict) else \
        enumerate(value) if isinstance(value, list) else ()
    for name, part in inner:
        yield from places(part, at + (name,))


def replaced(body, at, value):
    if not at:
        return value
    body = copy.deepcopy(body)
    part = body
    for name in at[:-1]:
        part = part[name]
    part[at[-1]] = value
    return body


def without(body, at):
    body = copy.deepcopy(body)
    part = body
    for name in at[:-1]:
        part = part[name]
    del part[at[-1]]
    return body


def wrong_bodies(example, schema):
    """The example with one thing wrong, for every thing that can be: the schema is the judge."""
    def wrong(body):
        try:
            validate(schema, body)
        except jsonschema.ValidationError:
            return True
        return False

    for at in places(example):
        for value in WRONG:
            body = replaced(example, at, value)
            # A field that may be absent may also be null.
            if value is None and at and not wrong(without(example, at)):
                continue
            if wrong(body):
                yield at, value, body
        if at and wrong(body := without(example, at)):
            yield at, "absent", body


class BadInput(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # So many calls are nobody's habit.
        cls.shop = shops.Shop("--http-member-rate", "0")
        cls.drop, cls.sku = cls.shop.put_drop(units=50)
        cls.product, cls.ordinary = cls.shop.put_offer()
        cls.member, cls.other = Member(cls.shop, money=100_000), Member(cls.shop, money=100_000)
        cls.paid = cls.member.order(cls.sku, drop=cls.drop).json()["order_id"]
        cls.member.wait_for(cls.paid, *shops.PAID)
        cls.charge = cls.member.charge(5_000).json()
        until("the charge is known", lambda: cls.member.ask(
            "GET", f"/v1/wallet/charges/{cls.charge['charge']}").status == 200)

    @classmethod
    def tearDownClass(cls):
        codes = cls.shop.stop()
        assert codes == [0], f"the server ended with {codes}"

    def state(self):
        """All that a call could have changed."""
        # An order that went through: what was sent before it has been seen to.
        seen = Member(self.shop).order(self.ordinary, wait=20).json()
        self.assertEqual(seen["state"], "payment_failed", seen)
        drop = self.shop.drop(self.drop)
        offers = [{k: v for k, v in offer.items() if k != "as_of"} for offer in drop["offers"]]
        products = [p["product"] for p in self.shop.ask("GET", "/v1/products?limit=100")
                    .json()["products"]]
        people = [(each.orders(), each.wallet()) for each in (self.member, self.other)]
        return json.dumps([drop["state"], offers, products, people], sort_keys=True)

    def run(self, result=None):
        # Each test says at its end whether anything may have changed.
        self.may_change = False
        return super().run(result)

    def setUp(self):
        self.before = self.state()

    def tearDown(self):
        if not self.may_change:
            self.assertEqual(self.state(), self.before)

    def where(self, path, described):
        if path.startswith("/v1/orders/"):
            return path_of(path, described, id=self.paid)
        if path.startswith("/v1/wallet/charges/"):
            return path_of(path, described, id=self.charge["charge"])
        if path.startswith("/v1/drops/"):
            return path_of(path, described, id=self.drop)
        if path.startswith("/v1/products/"):
            return path_of(path, described, id=self.product)
        return path_of(path, described)

    def headers_of(self, method, path, **more):
        described = operation(method, path)
        token = self.shop.admin if path.startswith("/v1/admin") else self.member.token
        headers = {"Authorization": "Bearer " + token}
        if "requestBody" in described:
            headers["Content-Type"] = "application/json"
        if (method, path) in KEYED:
            headers["Idempotency-Key"] = new_id()
        return {**headers, **more}

    def call(self, method, path, headers=None, body=None, where=None):
        """The call of the description, with something wrong about it."""
        described = operation(method, path)
        if path in NOTICES and headers is None:
            return self.shop.notice(body, path=path)
        return self.shop.call(listeners(described)[0], method,
                              where or self.where(path, described),
                              self.headers_of(method, path) if headers is None else headers, body)

    def refused(self, method, path, answer, status, code=None):
        """The answer is a problem of the description, with a text for people."""
        self.assertEqual(answer.status, status, f"{method} {path}: {answer}")
        problem = check(self, operation(method, path), answer)
        self.assertEqual(answer.headers.get_content_type(), "application/problem+json")
        if status in (400, 403, 422) and problem["code"] != "idempotency_conflict":
            self.assertTrue(problem.get("detail"), f"no cause and cure: {answer}")
        if code:
            self.assertIn(problem["code"], (code,) if isinstance(code, str) else code, answer)
        return problem

    # Bodies.

    def test_each_field_is_checked_on_every_call(self):
        for method, path in WITH_BODY:
            described = operation(method, path)
            schema = media_of(described["requestBody"])["schema"]
            for example in examples(described):
                for at, value, body in wrong_bodies(example, schema):
                    with self.subTest(f"{method} {path} {at} {value!r:.40}"):
                        answer = self.call(method, path, body=json.dumps(body).encode())
                        # A number that no program could hold ends the reading of the body.
                        status = 400 if value == BEYOND_ANY else 422
                        problem = self.refused(method, path, answer, status)
                        self.assertTrue(problem.get("detail"), problem)
                        if value in ({}, BEYOND_ANY):
                            continue
                        # It names the field, or the object that the field is missing from.
                        names = [str(part) for part in at] or ["the message"]
                        self.assertTrue(any(name in problem["detail"] for name in names),
                                        f"{at}: {problem['detail']}")

    def test_a_body_that_is_no_json_object_is_refused_on_every_call(self):
        cases = [
            (b"{", 400, "bad_json"), (b"nonsense", 400, "bad_json"), (b"{}{}", 400, "bad_json"),
            (b'{"a":NaN}', 400, "bad_json"), (b"{'a':1}", 400, "bad_json"),
            (b'{"a":1,}', 400, "bad_json"), (b'{"a":01}', 400, "bad_json"),
            (b'"\xff"', 400, "bad_json"), (b'{"a":"\xed\xa0\x80"}', 400, "bad_json"),
            (b'{"a":"\xc0\xaf"}', 400, "bad_json"), (b'{"a":"\\ud800"}', 400, "bad_json"),
            (b'{"a":"\\u0000"}', 400, "bad_json"), (b'{"a":"\x00"}', 400, "bad_json"),
            (b"\xff\xfe{\x00}\x00", 400, "bad_json"),
            (b"[]", 422, "wrong_type"), (b"null", 422, "wrong_type"), (b"7", 422, "wrong_type"),
            (b"[" * 500 + b"]" * 500, 422, "too_deep"),
            (b'{"a":' * 40 + b"1" + b"}" * 40, 422, "too_deep"),
            (b'{"x":1,"x":1}', 422, "duplicate_field"),
            (b'{"x":{"y":1,"y":2}}', 422, "duplicate_field"),
        ]
        for method, path in WITH_BODY:
            for body, status, code in cases:
                with self.subTest(f"{method} {path} {body[:20]!r}"):
                    problem = self.refused(method, path, self.call(method, path, body=body), status,
                                           code)
                    self.assertTrue(problem.get("detail"), problem)

    def test_a_body_may_be_absent_only_where_none_is_needed(self):
        for method, path in WITH_BODY:
            if not resolve(operation(method, path)["requestBody"]).get("required"):
                continue
            with self.subTest(f"{method} {path}"):
                self.refused(method, path, self.call(method, path, body=b""), 400, "bad_json")

    def test_a_body_that_is_too_large_is_refused_on_every_call(self):
        large = b'{"x":"' + b"x" * (MAX_BODY + 1) + b'"}'
        for method, path in WITH_BODY:
            with self.subTest(f"{method} {path}"):
                self.refused(method, path, self.call(method, path, body=large), 413)
                headers = self.headers_of(method, path)
                announced = {**headers, "Content-Length": str(10**15)}
                self.refused(method, path, self.call(method, path, announced), 413)
                chunked = {**headers, "Transfer-Encoding": "chunked"}
                described = operation(method, path)
                answer = self.chunked(listeners(described)[0], method,
                                      self.where(path, described), chunked, large)
                self.refused(method, path, answer, 413)

    def chunked(self, listener, method, path, headers, body):
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        frame = f"{method.upper()} {path} HTTP/1.1\r\nHost: shop\r\n{head}\r\n".encode()
        frame += f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
        return self.raw(listener, frame)

    def raw(self, listener, frame):
        with socket.create_connection(("127.0.0.1", self.shop.ports[listener]), 30) as wire:
            wire.sendall(frame)
            answer = http.client.HTTPResponse(wire)
            answer.begin()
            return shops.Answer(answer.status, answer.headers, answer.read())

    def test_a_body_of_another_type_is_refused_on_every_call(self):
        for method, path in WITH_BODY:
            example = json.dumps(examples(operation(method, path))[0]).encode()
            if path in NOTICES:
                continue  # its headers are signed for: see the tests of notices
            headers = self.headers_of(method, path)
            del headers["Content-Type"]
            for kinds in ([], ["text/plain"], ["application/x-www-form-urlencoded"], [""],
                          ["application/json-patch+json"], ["application/jsonx"],
                          ["application/json", "text/plain"]):
                with self.subTest(f"{method} {path} {kinds}"):
                    pairs = list(headers.items()) + [("Content-Type", kind) for kind in kinds]
                    self.refused(method, path, self.call(method, path, pairs, example), 415)

    def test_fields_that_fit_only_together_are_checked_together(self):
        line = {"sku": self.sku, "quantity": 1}
        order = {"drop": self.drop, "lines": [line], "payment": {"method": "wallet"}}
        offer = {"sku": "a", "product": new_id(), "price": won(1), "units": 1}
        drop = {"offers": [offer], "opens_at": "2020-01-01T00:00:00Z",
                "closes_at": "2021-01-01T00:00:00Z"}
        titled = {**drop, "title": {"en": "t"}}
        thing = {"name": {"en": "n"}, "options": [{"sku": "a", "name": {"en": "o"}}]}
        admin = "/v1/admin/"
        cases = [
            ("post", "/v1/orders", {**order, "lines": [line, line]}),
            ("post", "/v1/orders", {**order, "lines": [line] * 51}),
            ("post", "/v1/orders/{id}/refunds", {"lines": [line, line]}),
            ("post", "/v1/orders/{id}/cancellation", {"lines": [line]}),
            ("post", admin + "drops", {**drop, "drop": new_id(), "offers": [offer, offer]}),
            ("put", admin + "drops/{id}", {**titled, "closes_at": drop["opens_at"]}),
            ("put", admin + "drops/{id}", {**titled, "opens_at": "2022-01-01T00:00:00Z"}),
            ("put", admin + "drops/{id}", {**titled, "opens_at": "yesterday"}),
            ("put", admin + "drops/{id}", {**titled, "opens_at": "2020-13-01T00:00:00Z"}),
            ("put", admin + "drops/{id}", {**titled, "opens_at": "2020-02-30T00:00:00Z"}),
            ("put", admin + "drops/{id}", {**titled, "opens_at": 1577836800}),
            ("put", admin + "drops/{id}", {**titled, "title": {}}),
            ("put", admin + "drops/{id}", {**titled, "offers": [
                offer, {**offer, "sku": "b", "price": {"amount": 1, "currency": "USD"}}]}),
            ("put", admin + "drops/{id}", {**titled, "product_limits": [
                {"product": new_id(), "limit": 1}]}),
            ("put", admin + "products/{id}", {**thing, "options": thing["options"] * 2}),
            ("put", admin + "products/{id}", {**thing, "options": [
                {"sku": "a", "name": {"en": "o"}, "price": won(1)},
                {"sku": "b", "name": {"en": "o"}, "price": {"amount": 1, "currency": "USD"}}]}),
            ("post", admin + "offers/{sku}/correction",
             {"product": new_id(), "units": 0, "reason": "r"}),
            ("post", admin + "offers/{sku}/restock",
             {"product": new_id(), "units": 0, "reason": "r"}),
            ("post", admin + "offers/{sku}/restock",
             {"product": new_id(), "units": -1, "reason": "r"}),
            ("post", "/v1/wallet/charges", {"amount": won(0)}),
        ]
        for method, path, body in cases:
            with self.subTest(f"{method} {path} {body}"):
                problem = self.refused(method, path,
                                       self.call(method, path, body=json.dumps(body).encode()), 422)
                self.assertTrue(problem.get("detail"), problem)

    def test_korean_and_other_texts_go_through_whole(self):
        self.may_change = True
        for text in ("홍길동 🛒 «ñ» 𝒟", "‮abc", "<script>alert(1)</script>", '"; DROP TABLE x; --'):
            with self.subTest(text):
                product = new_id()
                self.shop.command("PUT", f"/v1/admin/products/{product}", {
                    "name": {"ko": text}, "description": text,
                    "options": [{"sku": "t" + uuid.uuid4().hex, "name": {"ko": text}}]})
                until("it is shown",
                      lambda: self.shop.ask("GET", f"/v1/products/{product}").status == 200)
                shown = self.shop.product(product)
                self.assertEqual((shown["name"]["ko"], shown["description"]), (text, text))
        delivery = {"name": "비밀의사람", "phone": "010-0000-0000", "address": "서울특별시 중구"}
        placed = self.member.order(self.ordinary, delivery=delivery).json()
        self.assertEqual(placed["state"], "paid", placed)
        shown = self.member.wait_for(placed["order_id"], *shops.PAID)
        self.assertNotIn("비밀의사람", json.dumps(shown, ensure_ascii=False))
        self.assertNotIn("비밀의사람".encode(), b"".join(
            file.read_bytes() for file in self.shop.folder.glob("dropline.db*")))

    # Callers.

    def test_no_call_is_taken_with_a_token_that_is_not_good(self):
        key, now = self.shop.secret("tokens.key"), int(time.time())
        good = mint(key)
        head, claims, signature = good.split(".")
        claims_of_admin = shops.segment({**json.loads(base64.urlsafe_b64decode(claims + "===")),
                                         "roles": ["admin"]})
        public = hashlib.sha256(key).digest()
        shared = shops.segment({"alg": "HS256", "typ": "JWT", "kid": "dev"}) + "." + claims
        mac = hmac.new(public, shared.encode(), hashlib.sha256).digest()
        self.assertEqual(self.shop.ask("GET", "/v1/wallet", good).status, 200)
        tokens = {
            "expired": mint(key, iat=now - 7_200, nbf=now - 7_200, exp=now - 3_600),
            "not yet": mint(key, iat=now + 3_600, nbf=now + 3_600, exp=now + 7_200),
            "endless": mint(key, exp=now + 10**9),
            "without end": mint(key, exp=None),
            "end that is a text": mint(key, exp="tomorrow"),
            "another audience": mint(key, aud="another"),
            "no audience": mint(key, aud=None),
            "another issuer": mint(key, iss="another"),
            "no subject": mint(key, sub=None),
            "a subject that is no member": mint(key, sub="root"),
            "nobody": mint(key, sub="00000000-0000-0000-0000-000000000000"),
            "another key": mint(bytes(32), roles=["admin"]),
            "a key that is not known": mint(key, {"kid": "another"}),
            "none": shops.segment({"alg": "none", "kid": "dev"}) + "." + claims + ".",
            "none, signed": mint(key, {"alg": "none"}),
            "None": mint(key, {"alg": "None"}),
            "HS256": shared + "." + shops.segment(mac),
            "critical": mint(key, {"crit": ["b64"], "b64": False}),
            "raised": head + "." + claims_of_admin + "." + signature,
            "cut": good[:-2],
            "unsigned": head + "." + claims + ".",
            "two parts": head + "." + claims,
            "four parts": good + ".x",
            "letters": "x.y.z",
            "empty": "",
            "long": "x" * 8_000,
        }
        headers = {name: {"Authorization": "Bearer " + token} for name, token in tokens.items()}
        headers["basic"] = {"Authorization": "Basic " + good}
        headers["bare"] = {"Authorization": good}
        headers["nothing"] = {}
        headers["two"] = [("Authorization", "Bearer " + good)] * 2
        headers["claimed"] = {"X-Claim-UserId": self.member.id}
        headers["claimed beside a token"] = {"X-Claim-UserId": self.member.id,
                                             "Authorization": "Bearer " + good}
        for method, path in WITH_TOKEN:
            described = operation(method, path)
            example = examples(described)[0]
            body = None if example is None else json.dumps(example).encode()
            rest = {k: v for k, v in self.headers_of(method, path).items() if k != "Authorization"}
            for name, given in headers.items():
                with self.subTest(f"{method} {path} {name}"):
                    pairs = list(rest.items()) + (given if isinstance(given, list)
                                                  else list(given.items()))
                    answer = self.call(method, path, pairs, body)
                    self.refused(method, path, answer, 401, "unauthorized")
                    self.assertTrue(answer.headers["WWW-Authenticate"].startswith("Bearer"))

    def test_operators_calls_are_for_operators(self):
        key = self.shop.secret("tokens.key")
        for method, path in WITH_TOKEN:
            if not path.startswith("/v1/admin"):
                continue
            body = json.dumps(examples(operation(method, path))[0]).encode()
            for roles in ([], ["member"], ["Admin"], ["administrator"], ["admin "]):
                with self.subTest(f"{method} {path} {roles}"):
                    token = mint(key, roles=roles)
                    headers = self.headers_of(method, path, Authorization="Bearer " + token)
                    self.refused(method, path, self.call(method, path, headers, body), 403,
                                 "forbidden")

    def test_other_peoples_things_are_not_there(self):
        for method, path, thing in (
                ("get", "/v1/orders/{id}", self.paid),
                ("post", "/v1/orders/{id}/cancellation", self.paid),
                ("post", "/v1/orders/{id}/refunds", self.paid),
                ("get", "/v1/wallet/charges/{id}", self.charge["charge"])):
            described = operation(method, path)
            headers = self.headers_of(method, path, Authorization="Bearer " + self.other.token)
            for id in (thing, new_id()):
                with self.subTest(f"{method} {path} {id}"):
                    answer = self.call(method, path, headers, None,
                                       path_of(path, described, id=id))
                    self.refused(method, path, answer, 404, "not_found")
        self.assertEqual(self.other.orders(), [])

    # Targets.

    def test_an_id_that_is_none_names_nothing(self):
        for method, path, described in operations():
            if "{id}" not in path:
                continue
            body = b'{"reason":"r"}' if "requestBody" in described else None
            for id in ("none", "0", "-1", "홍길동", "%00", "..", self.paid + "0", self.paid[:-1],
                       "00000000-0000-0000-0000-00000000000g", "x" * 200, "'", "*"):
                with self.subTest(f"{method} {path} {id}"):
                    where = path_of(path, described, id=id)
                    if "%25" in where:
                        where = path.replace("{id}", id)
                    answer = self.call(method, path, self.headers_of(method, path), body, where)
                    self.assertIn(answer.status, (400, 404), answer)
                    self.refused(method, path, answer, answer.status)

    def test_an_sku_that_is_none_names_nothing(self):
        for path in ("/v1/admin/offers/{sku}/restock", "/v1/admin/offers/{sku}/correction"):
            described = operation("post", path)
            body = json.dumps(examples(described)[0]).encode()
            for sku in ("x" * 65, "a b", "머그", "a/b", "~"):
                with self.subTest(f"{path} {sku}"):
                    answer = self.call("post", path, None, body, path_of(path, described, sku=sku))
                    self.refused("post", path, answer, 400 if "/" in sku else 404)

    def test_a_cursor_that_no_page_gave_is_refused(self):
        for path in ("/v1/orders", "/v1/wallet", "/v1/drops", "/v1/products"):
            for query in ("after=", "after=x", "after=-1", "after=0", "after=1-2",
                          "after=%ED%99%8D",
                          "after=99999999999999999999", "after=99999999999999999999-" + new_id(),
                          "after=-1-" + new_id(), "after=" + "9" * 300, "limit=0", "limit=-1",
                          "limit=", "limit=x", "limit=101", "limit=1.5",
                          "limit=99999999999999999999", "limit=%2B5"):
                with self.subTest(f"{path}?{query}"):
                    answer = self.member.ask("GET", f"{path}?{query}")
                    problem = self.refused("get", path, answer, 400, "bad_request")
                    self.assertIn(query.split("=")[0], problem["detail"])
        for query in ("state=", "state=ALL", "state=paid"):
            answer = self.member.ask("GET", f"/v1/orders?{query}")
            self.assertIn("state", self.refused("get", "/v1/orders", answer, 400)["detail"])

    def test_pages_hold_each_thing_once(self):
        member = Member(self.shop)
        placed = [member.order(self.ordinary).json()["order_id"] for _ in range(5)]
        for order in placed:
            member.wait_for(order, "payment_failed")
        self.may_change = True
        for path, field, name in (("/v1/orders?state=all&", "orders", "order_id"),
                                  ("/v1/products?", "products", "product"),
                                  ("/v1/drops?", "drops", "drop")):
            seen, after = [], ""
            while after is not None:
                page = member.ask("GET", f"{path}limit=2{after}").json()
                seen += [each[name] for each in page[field]]
                after = "&after=" + page["next"] if "next" in page else None
            self.assertEqual(len(seen), len(set(seen)))
            if field == "orders":
                self.assertEqual(seen, placed[::-1])

    def test_methods_that_a_resource_does_not_have(self):
        by_path = {}
        for method, path, described in operations():
            by_path.setdefault((listeners(described)[0], path), set()).add(method.upper())
        for (listener, path), methods in by_path.items():
            described = operation(min(methods).lower(), path)
            where = self.where(path, described)
            allowed = methods | ({"HEAD"} if "GET" in methods else set()) | {"OPTIONS"}
            for method in ("GET", "HEAD", "PUT", "POST", "PATCH", "DELETE"):
                if method in allowed:
                    continue
                with self.subTest(f"{method} {path}"):
                    answer = self.shop.call(listener, method, where)
                    self.assertEqual(answer.status, 405, answer)
                    self.assertEqual(set(answer.headers["Allow"].split(", ")), allowed)
                    check(self, described, answer, head=method == "HEAD")
            with self.subTest(f"OPTIONS {path}"):
                answer = self.shop.call(listener, "OPTIONS", where)
                self.assertEqual((answer.status, answer.body), (204, b""))
                self.assertEqual(set(answer.headers["Allow"].split(", ")), allowed)
            for method in ("BREW", "get", "TRACE", "CONNECT"):
                with self.subTest(f"{method} {path}"):
                    answer = self.raw(listener, f"{method} {where} HTTP/1.1\r\n"
                                      "Host: shop\r\nConnection: close\r\n\r\n".encode())
                    self.assertIn(answer.status, (400, 405, 501), answer)
                    self.assertEqual(answer.headers.get_content_type(), "application/problem+json")

    def test_head_is_get_without_the_body(self):
        for method, path, described in operations():
            if method != "get":
                continue
            with self.subTest(path):
                headers = self.headers_of("get", path)
                where = self.where(path, described)
                if "/exports/" in path:
                    where += "?from=2026-01-01T00:00:00Z&until=2099-01-01T00:00:00Z"
                # Of these there is none here.
                nothing = path in ("/v1/coupons/{id}", "/v1/admin/coupon-campaigns/{id}",
                                   "/v1/admin/orders/{id}", "/v1/admin/shipments/{id}")
                answer = self.shop.call(listeners(described)[0], "HEAD", where, headers)
                self.assertEqual(answer.status, 404 if nothing else 200, answer)
                check(self, described, answer, head=True)

    # Idempotency keys.

    def test_the_idempotency_key_is_needed_and_checked(self):
        ahead = "ffffffff-ffff-7fff-bfff-ffffffffffff"
        for method, path in KEYED:
            example = json.dumps(examples(operation(method, path))[0]).encode()
            for keys, code in (
                    ([], "idempotency_key_missing"), ([""], "idempotency_key_missing"),
                    (['""'], "idempotency_key_missing"), (["a b"], "idempotency_key_invalid"),
                    (["x" * 129], "idempotency_key_invalid"), (['a"b'], "idempotency_key_invalid"),
                    (["\\"], "idempotency_key_invalid"),
                    ([b"\xed\x99\x8d"], "idempotency_key_invalid"),
                    (["a", "a"], "idempotency_key_invalid"),
                    (["a", "b"], "idempotency_key_invalid"), (["", "b"], "idempotency_key_invalid"),
                    ([ahead], "idempotency_key_ahead"), ([f'"{ahead}"'], "idempotency_key_ahead")):
                with self.subTest(f"{method} {path} {keys}"):
                    headers = self.headers_of(method, path)
                    del headers["Idempotency-Key"]
                    pairs = list(headers.items()) + [("Idempotency-Key", key) for key in keys]
                    self.refused(method, path, self.call(method, path, pairs, example), 400, code)

    def test_the_same_key_is_the_same_order_and_another_body_is_refused(self):
        self.may_change = True
        member, key = Member(self.shop, money=5_000), new_id()
        first = member.order(self.sku, drop=self.drop, key=key).json()
        self.assertEqual(first["state"], "paid")
        for wait in (20, 0):
            again = member.order(self.sku, drop=self.drop, key=key, wait=wait)
            self.assertIn(again.status, (200, 202))
            self.assertEqual(again.json()["order_id"], first["order_id"])
            for change in ({"quantity": 2}, {"method": "card"}, {"expected_total": won(1_000)}):
                answer = member.order(self.sku, drop=self.drop, key=key, wait=wait, **change)
                problem = self.refused("post", "/v1/orders", answer, 422, "idempotency_conflict")
                self.assertEqual(problem["order_id"], first["order_id"])
        quoted = member.order(self.sku, drop=self.drop, key=f'"{key}"').json()
        self.assertEqual(quoted["order_id"], first["order_id"])
        # Another drop, or another member: another attempt.
        self.assertNotEqual(member.order(self.ordinary, key=key).json()["order_id"],
                            first["order_id"])
        self.assertNotEqual(self.other.order(self.ordinary, key=key).json()["order_id"],
                            first["order_id"])
        member.wait_for(first["order_id"], *shops.PAID)
        self.assertEqual(len(member.orders()), 2)
        self.assertEqual(member.balance(), 3_000)

    def test_the_same_key_is_the_same_charge_and_another_amount_is_refused(self):
        self.may_change = True
        member, key = Member(self.shop), new_id()
        first = member.charge(2_000, key).json()
        until("the charge is known", lambda: member.ask(
            "GET", f"/v1/wallet/charges/{first['charge']}").status == 200)
        self.assertEqual(member.charge(2_000, key).json()["charge"], first["charge"])
        self.refused("post", "/v1/wallet/charges", member.charge(3_000, key), 422,
                     "idempotency_conflict")
        shown = member.ask("GET", f"/v1/wallet/charges/{first['charge']}").json()
        self.assertEqual(shown["amount"], won(2_000))

    def test_the_same_key_undoes_each_order_by_itself(self):
        self.may_change = True
        member, key = Member(self.shop, money=5_000), new_id()
        orders = [member.order(self.ordinary).json()["order_id"] for _ in range(2)]
        asked = set()
        for order in orders:
            member.wait_for(order, *shops.PAID)
            for _ in range(2):
                asked.add(member.ask("POST", f"/v1/orders/{order}/cancellation",
                                     Idempotency_Key=key).json()["change"])
        self.assertEqual(len(asked), 2)
        for order in orders:
            member.wait_for(order, "cancelled")
        self.assertEqual(member.balance(), 5_000)

    def test_the_same_key_is_the_same_refund_and_other_lines_are_refused(self):
        self.may_change = True
        member, key = Member(self.shop, money=5_000), new_id()
        order = member.order(self.ordinary, quantity=3).json()["order_id"]
        member.wait_for(order, "preparing")
        parcel = f"/v1/admin/shipments/{order}"
        self.shop.command("POST", f"{parcel}/shipping",
                          {"carrier": "cj", "waybill": "689012345678"})
        self.shop.command("POST", f"{parcel}/delivery", {})
        member.wait_for(order, "delivered")
        refunds = f"/v1/orders/{order}/refunds"
        two = {"lines": [{"sku": self.ordinary, "quantity": 2}]}
        first = member.ask("POST", refunds, two, Idempotency_Key=key)
        self.assertEqual(first.status, 202)
        until("the refund is known", lambda: member.ask(
            "GET", f"/v1/orders/{order}").json().get("refunds"))
        self.assertEqual(member.ask("POST", refunds, two, Idempotency_Key=key).json(),
                         first.json())
        self.refused("post", "/v1/orders/{id}/refunds", member.ask(
            "POST", refunds, {"lines": [{"sku": self.ordinary, "quantity": 1}]},
            Idempotency_Key=key), 422, "idempotency_conflict")
        until("it is given back once", lambda: member.ask(
            "GET", f"/v1/orders/{order}").json().get("refunded"))
        self.assertEqual(len(member.ask("GET", f"/v1/orders/{order}").json()["refunds"]), 1)

    # Sold out.

    def test_who_won_is_told_so_after_the_sell_out_and_others_are_refused_without_a_write(self):
        self.may_change = True
        drop, sku = self.shop.put_drop(units=1)
        winner, key = Member(self.shop, money=1_000), new_id()
        won_it = winner.order(sku, drop=drop, key=key).json()
        self.assertEqual(won_it["state"], "paid")
        until("it is shown as sold out", lambda: self.shop.drop(drop)["sold_out"])
        loser = Member(self.shop, money=1_000)
        for wait in (20, 0):
            problem = self.refused("post", "/v1/orders",
                                   loser.order(sku, drop=drop, wait=wait), 409, "sold_out")
            self.assertEqual(problem["sku"], sku)
            self.assertIn("placed nothing", problem["detail"])
            again = winner.order(sku, drop=drop, key=key, wait=wait)
            self.assertIn(again.status, (200, 202), again)
            self.assertEqual(again.json()["order_id"], won_it["order_id"])
        self.assertIn(winner.order(sku, drop=drop, key=key).json()["state"], shops.PAID)
        self.refused("post", "/v1/orders",
                     winner.order(sku, drop=drop, key=key, quantity=2), 422,
                     "idempotency_conflict")
        self.refused("post", "/v1/orders", winner.order(sku, drop=drop), 409, "sold_out")
        self.assertEqual((loser.orders(), loser.balance()), ([], 1_000))
        self.assertEqual(len(winner.orders()), 1)

    def test_orders_that_stock_refuses_take_no_money_and_no_units(self):
        member = Member(self.shop, money=10_000)
        price = won(999)
        for reason, ask in (
                ("unknown_product", {"sku": "never-heard-of", "drop": self.drop}),
                ("unknown_product", {"sku": self.ordinary, "drop": self.drop}),
                ("unknown_product", {"sku": self.sku}),
                ("not_open", {"sku": self.sku, "drop": new_id()}),
                ("price_changed", {"sku": self.sku, "drop": self.drop, "expected_total": price})):
            with self.subTest(reason):
                answer = member.order(**ask)
                placed = check(self, operation("post", "/v1/orders"), answer)
                self.assertEqual((placed["state"], placed.get("reason")), ("rejected", reason))
        self.assertEqual(member.balance(), 10_000)

    # Notices of the gateway.

    def notice(self, charge, amount=5_000, outcome="captured"):
        return {"outcome": outcome, "reference": charge["reference"], "payment": "pay-" + new_id(),
                "amount": won(amount)}

    def test_notices_that_are_not_the_gateways_change_nothing(self):
        body, now = self.notice(self.charge), int(time.time())
        text = json.dumps(body).encode()
        path = "/v1/payments/webhook"

        def refused(answer, status, code):
            self.assertTrue(self.refused("post", path, answer, status, code)["title"])

        headers = {"Content-Type": "application/json", "webhook-id": "m",
                   "webhook-timestamp": str(now), "webhook-signature": "v1,x"}
        refused(self.shop.call("public", "POST", path, headers, text), 401, "webhook_forged")
        for missing in ("webhook-id", "webhook-timestamp", "webhook-signature"):
            given = {k: v for k, v in headers.items() if k != missing}
            refused(self.shop.call("public", "POST", path, given, text), 400, "bad_request")
            refused(self.shop.call("public", "POST", path, {**given, missing: ""}, text), 400,
                    "bad_request")
        refused(self.shop.notice(body, key=b"another key"), 401, "webhook_forged")
        refused(self.shop.notice(body, key=b""), 401, "webhook_forged")
        refused(self.shop.notice(body, signature="v1," + "A" * 43 + "="), 401, "webhook_forged")
        for signature in ("v2," + "A" * 43 + "=", "v1", ",", "v1," * 50):
            refused(self.shop.notice(body, signature=signature), 401, "webhook_forged")
        for when in (now - 301, now - 10**6, now + 400, 0):
            refused(self.shop.notice(body, when=when), 400, "webhook_stale")
        for when in ("soon", "-", "1e9", str(10**30), f"{now}.0", ""):
            refused(self.shop.notice(body, when=when), 400, "bad_request")
        refused(self.shop.notice(body, name="m" * 129), 400, "bad_request")
        # What is signed is every byte.
        good = hmac.new(self.shop.secret("gateway.key"), f"m.{now}.".encode() + text,
                        hashlib.sha256).digest()
        good = {**headers, "webhook-signature": "v1," + base64.b64encode(good).decode()}
        refused(self.shop.call("public", "POST", path, good, text + b" "), 401, "webhook_forged")
        refused(self.shop.call("public", "POST", path, good,
                               text.replace(b"5000", b"9000")), 401, "webhook_forged")
        refused(self.shop.call("public", "POST", path, {**good, "webhook-id": "n"}, text), 401,
                "webhook_forged")
        refused(self.shop.call("public", "POST", path,
                               {**good, "webhook-timestamp": str(now - 1)}, text), 401,
                "webhook_forged")
        refused(self.shop.call("public", "POST", path, {**good, "Content-Type": "text/plain"},
                               text), 415, "unsupported_media_type")

    def test_notices_about_nothing_of_this_shop_are_refused(self):
        for reference in ("", "x", "charge", "charge..", "coupon." + self.charge["reference"][7:],
                          self.charge["reference"] + "0", self.charge["reference"][:-1],
                          self.charge["reference"].replace(".", "-"), "charge." + "x" * 73):
            with self.subTest(reference):
                answer = self.shop.notice({**self.notice(self.charge), "reference": reference})
                self.refused("post", "/v1/payments/webhook", answer, 422,
                             ("unprocessable", "out_of_range"))

    def test_a_notice_that_is_sent_again_fills_the_wallet_once(self):
        self.may_change = True
        member = Member(self.shop)
        charge = member.charge(5_000).json()
        body, name = self.notice(charge), "msg-" + new_id()
        for _ in range(3):
            self.assertEqual(self.shop.notice(body, name=name).status, 204)
            self.assertEqual(self.shop.notice(body).status, 204)
        until("the wallet is filled", lambda: member.balance() == 5_000)
        declined = self.notice(charge, outcome="declined")
        self.assertEqual(self.shop.notice(declined).status, 204)
        self.state()
        self.assertEqual([e["kind"] for e in member.wallet()["entries"]], ["charge"])
        self.assertEqual(member.balance(), 5_000)

    def test_a_notice_with_another_amount_or_currency_credits_nothing(self):
        self.may_change = True
        for amount in (won(4_999), won(5_001), won(0), {"amount": 5_000, "currency": "USD"}):
            with self.subTest(amount):
                member = Member(self.shop)
                charge = member.charge(5_000).json()
                self.assertEqual(self.shop.notice(
                    {**self.notice(charge), "amount": amount}).status, 204)
                shown = until("it is decided", lambda: (lambda a: a.status == 200 and (
                    lambda c: c["state"] != "requested" and c)(a.json()))(
                        member.ask("GET", f"/v1/wallet/charges/{charge['charge']}")))
                self.assertEqual((shown["state"], shown["reason"]), ("declined", "wrong_amount"))
                self.assertEqual(self.shop.notice(self.notice(charge)).status, 204)
                self.state()
                self.assertEqual((member.balance(), member.wallet()["entries"]), (0, []))

    def test_a_notice_for_another_member_leaves_this_ones_charge_alone(self):
        self.may_change = True
        member, thief = Member(self.shop), Member(self.shop)
        charge = member.charge(5_000).json()
        swapped = charge["reference"].replace(member.id, thief.id)
        self.shop.notice({**self.notice(charge), "reference": swapped})
        self.state()
        self.assertEqual(member.balance(), 0)
        shown = member.ask("GET", f"/v1/wallet/charges/{charge['charge']}").json()
        self.assertEqual(shown["state"], "requested")

    # Events.

    def test_events_come_in_order_and_go_on_after_a_break_without_loss_or_doubles(self):
        self.may_change = True
        member = Member(self.shop)
        stream = member.follow()
        self.assertEqual(stream.next()[1], "snapshot")
        placed = [member.order(self.ordinary).json()["order_id"] for _ in range(2)]
        seen = [stream.next() for _ in range(2)]
        stream.close()
        # While nobody listens …
        placed += [member.order(self.ordinary).json()["order_id"] for _ in range(3)]
        until("all are decided", lambda: len(member.orders()) == 5)
        stream = member.follow(last=seen[-1][0])
        seen += [stream.next() for _ in range(3)]
        placed.append(member.order(self.ordinary).json()["order_id"])
        seen.append(stream.next())
        stream.close()
        self.assertEqual([data["order_id"] for _, _, data in seen], placed)
        offsets = [int(name.split("-")[1]) for name, _, _ in seen]
        self.assertEqual(offsets, sorted(set(offsets)))
        self.assertEqual(len({name.split("-")[0] for name, _, _ in seen}), 1)
        # From the first one again: the rest, once each.
        stream = member.follow(last=seen[0][0])
        self.assertEqual(stream.take(5), seen[1:])
        stream.close()

    def test_who_comes_with_an_id_that_says_nothing_gets_a_snapshot(self):
        self.may_change = True
        member = Member(self.shop)
        placed = [member.order(self.ordinary).json()["order_id"] for _ in range(3)]
        for order in placed:
            member.wait_for(order, "payment_failed")
        stream = member.follow()
        stream.next()
        extra = member.order(self.ordinary).json()["order_id"]
        place = stream.next()[0]
        stream.close()
        placed.append(extra)
        partition, offset = map(int, place.split("-"))
        for last in (None, "", "x", "-", "1", "1-", "-1-5", f"{partition}-{offset}x", "999-0",
                     "99999999999-0", f"{partition}-{2**63 - 1}", f"{partition}-{2**64}",
                     f"{partition}-{offset + 1_000}", f"{(partition + 1) % 16}-0",
                     f"{(partition + 1) % 16}-{offset}", f"{(partition + 1) % 16}-{10**6}"):
            with self.subTest(last):
                stream = member.follow(last)
                name, kind, data = stream.next()
                stream.close()
                self.assertEqual((name, kind), (None, "snapshot"))
                self.assertEqual([o["order_id"] for o in data["orders"]], placed[::-1])

    def test_a_member_hears_of_nobody_elses_orders(self):
        self.may_change = True
        members = [Member(self.shop) for _ in range(3)]
        streams = [member.follow() for member in members]
        for stream in streams:
            self.assertEqual(stream.next()[2]["orders"], [])
        mine = [[member.order(self.ordinary).json()["order_id"] for _ in range(2)]
                for member in members]
        for stream, orders in zip(streams, mine):
            self.assertEqual([data["order_id"] for _, _, data in stream.take(2)], orders)
            stream.close()

    def test_a_member_may_follow_on_so_many_connections_and_no_more(self):
        member = Member(self.shop)
        streams = []
        try:
            for _ in range(8):
                streams.append(member.follow())
                self.assertEqual(streams[-1].status, 200)
                streams[-1].next()
            answer = member.ask("GET", "/v1/events")
            problem = self.refused("get", "/v1/events", answer, 429, "too_many_requests")
            self.assertIn("connections", problem["detail"])
        finally:
            for stream in streams:
                stream.close()

        def again():
            stream = member.follow()
            stream.close()
            return stream.status == 200
        until("its places are free again", again)

    # Wishes that cannot be granted are not errors.

    def test_a_preference_that_is_none_is_not_heeded(self):
        self.may_change = True
        member = Member(self.shop)
        for prefer in ("wait=x", "wait=-1", "wait", "wait=0", "nonsense",
                       "wait=99999999999999999999",
                       "respond-async", ""):
            with self.subTest(prefer):
                answer = member.ask("POST", "/v1/orders", {
                    "lines": [{"sku": self.ordinary, "quantity": 1}],
                    "payment": {"method": "wallet"}}, Idempotency_Key=new_id(), Prefer=prefer)
                check(self, operation("post", "/v1/orders"), answer)
                self.assertEqual(answer.status, 202, answer)
                self.assertNotIn("Preference-Applied", answer.headers)


class Border(unittest.TestCase):
    """Rate limits and pages of other origins."""

    ORIGIN = "https://shop.example"

    @classmethod
    def setUpClass(cls):
        cls.shop = shops.Shop("--http-member-rate", "1", "--http-member-rate-burst", "5",
                              "--http-address-rate", "50", "--http-address-rate-burst", "200",
                              "--http-cors-origins", cls.ORIGIN)

    @classmethod
    def tearDownClass(cls):
        codes = cls.shop.stop()
        assert codes == [0], f"the server ended with {codes}"

    def test_a_member_over_the_limit_is_told_when_to_come_again(self):
        described = operation("get", "/v1/wallet")
        member, other = Member(self.shop), Member(self.shop)
        left = []
        for _ in range(20):
            answer = member.ask("GET", "/v1/wallet")
            check(self, described, answer)
            self.assertIn("RateLimit-Policy", answer.headers)
            left.append(int(re.search("r=([0-9]+)", answer.headers["RateLimit"])[1]))
            if answer.status == 429:
                break
        self.assertEqual(answer.status, 429)
        self.assertEqual(left[0], 4)
        self.assertEqual(left, sorted(left, reverse=True))
        self.assertTrue(answer.headers["RateLimit"].startswith('"member";r=0'))
        self.assertEqual(answer.json()["code"], "too_many_requests")
        self.assertEqual(other.ask("GET", "/v1/wallet").status, 200)
        until("it may call again", lambda: member.ask("GET", "/v1/wallet").status == 200)

    def test_an_order_over_the_limit_is_not_placed(self):
        self.shop.admin = self.shop.token(new_id(), "admin")
        _, sku = self.shop.put_offer()
        member = Member(self.shop)
        until("it is over the limit", lambda: member.ask("GET", "/v1/wallet").status == 429)
        answer = member.order(sku)
        check(self, operation("post", "/v1/orders"), answer)
        self.assertEqual(answer.status, 429)
        shown = until("it may call again", lambda: (
            lambda a: a.status == 200 and a)(member.ask("GET", "/v1/orders?state=all")))
        self.assertEqual(shown.json()["orders"], [])

    def test_operations_are_not_limited_by_address(self):
        described = operation("get", "/v1/drops")
        for _ in range(1_000):
            answer = self.shop.ask("GET", "/v1/drops")
            check(self, described, answer)
            if answer.status == 429:
                break
        self.assertEqual(answer.status, 429)
        self.assertTrue(answer.headers["RateLimit"].startswith('"address";r=0'))
        for path in ("/livez", "/readyz", "/metrics"):
            self.assertEqual(self.shop.ask("GET", path).status, 200)

    def test_a_page_of_a_known_origin_may_call(self):
        until("the address may call", lambda: self.shop.ask("GET", "/v1/drops").status == 200)
        for path, method in (("/v1/orders", "POST"), ("/v1/orders/x/cancellation", "POST"),
                             ("/v1/wallet", "GET"), ("/v1/drops", "GET")):
            with self.subTest(path):
                answer = self.shop.call("public", "OPTIONS", path, {
                    "Origin": self.ORIGIN, "Access-Control-Request-Method": method,
                    "Access-Control-Request-Headers": "authorization, idempotency-key, prefer"})
                self.assertEqual((answer.status, answer.body), (204, b""))
                self.assertEqual(answer.headers["Access-Control-Allow-Origin"], self.ORIGIN)
                self.assertIn(method, answer.headers["Access-Control-Allow-Methods"].split(", "))
                allowed = answer.headers["Access-Control-Allow-Headers"].lower().split(", ")
                for name in ("authorization", "content-type", "idempotency-key", "prefer",
                             "last-event-id", "if-none-match"):
                    self.assertIn(name, allowed)
                self.assertIn("Origin", answer.headers["Vary"])
        for path in ("/v1/drops", "/v1/wallet"):
            answer = self.shop.call("public", "GET", path, {"Origin": self.ORIGIN})
            self.assertEqual(answer.headers["Access-Control-Allow-Origin"], self.ORIGIN)
            for name in ("ETag", "Location", "RateLimit", "Retry-After"):
                self.assertIn(name, answer.headers["Access-Control-Expose-Headers"].split(", "))

    def test_a_page_of_another_origin_may_not(self):
        until("the address may call", lambda: self.shop.ask("GET", "/v1/drops").status == 200)
        for origin in ("https://shop.example.evil", "http://shop.example", "null",
                       "https://shop.example:8443", ""):
            with self.subTest(origin):
                answer = self.shop.call("public", "OPTIONS", "/v1/orders", {
                    "Origin": origin, "Access-Control-Request-Method": "POST"})
                self.assertNotIn("Access-Control-Allow-Origin", answer.headers)
                answer = self.shop.call("public", "GET", "/v1/drops", {"Origin": origin})
                self.assertNotIn("Access-Control-Allow-Origin", answer.headers)
                self.assertIn("Origin", answer.headers["Vary"])


class Beginning(unittest.TestCase):
    def test_development_is_for_this_machine_alone(self):
        everywhere = f"0.0.0.0:{shops.free_port()}"
        for name, option, words in [
                ("dropline", "http-address", ["serve"]),
                ("dropline", "admin-address", ["serve"]),
                ("dropline-sandbox", "sandbox-address", [])]:
            with self.subTest(program=name, option=option), \
                    tempfile.TemporaryDirectory() as folder:
                data = pathlib.Path(folder) / "data"
                ended = subprocess.run(
                    [shops.program(name), *words, "--dev", "--data-dir", str(data),
                     f"--{option}", everywhere],
                    capture_output=True, text=True, timeout=shops.LIMIT, check=False)
                self.assertEqual(ended.returncode, 2, ended.stderr)
                self.assertIn(f"{option.replace('-', '.')} must be loopback", ended.stderr)
                self.assertFalse(data.exists(), "something was made before it was refused")


class Ending(unittest.TestCase):
    def test_open_streams_end_when_the_server_does(self):
        shop = shops.Shop()
        stream = Member(shop).follow()
        self.assertEqual(stream.next()[1], "snapshot")
        began = time.monotonic()
        self.assertEqual(shop.stop(), [0])
        self.assertIsNone(stream.next())
        stream.close()
        self.assertLess(time.monotonic() - began, 10)


if __name__ == "__main__":
    result = unittest.TextTestRunner(verbosity=1).run(
        unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"]))
    failed = len(result.failures) + len(result.errors)
    print(f"{max(result.testsRun - failed, 0)} passed, {failed} failed")
    sys.exit(1 if failed else 0)
