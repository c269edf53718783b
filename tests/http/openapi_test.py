# label: quick
"""The running server and schemas/http/openapi.yaml say the same."""

import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request
import uuid

import jsonschema
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("DROPLINE_BUILD_DIR", ROOT / "build" / "dev"))
DOCUMENT = yaml.safe_load((ROOT / "schemas" / "http" / "openapi.yaml").read_text("utf-8"))
METHODS = ("get", "put", "post", "delete", "patch")
MEMBER = "0190a0b0-0000-7000-8000-000000000001"
LIMIT = 30


def resolve(node):
    while "$ref" in node and node["$ref"].startswith("#/"):
        target = DOCUMENT
        for part in node["$ref"][2:].split("/"):
            target = target[part]
        node = target
    return node


def operations():
    for path, item in DOCUMENT["paths"].items():
        for method in METHODS:
            if method in item:
                yield method, path, item[method]


def routes_of_the_program():
    """What is added to routers, from the one place where routes are named: libs/shop."""
    found = set()
    for file in sorted((ROOT / "libs" / "shop" / "src").glob("*.cpp")):
        text = file.read_text("utf-8")
        for method, path, name in re.findall(
                r'router\.add\(\s*http::Method::(\w+),\s*"([^"]+)",\s*"([^"]+)"', text):
            found.add((method, path, name))
        for path, name in re.findall(r'\bpost\("([^"]+)",\s*"([^"]+)"', text):
            found.add(("post", path, name))
    return found


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="dropline-openapi-")
        self.ports = {"public": free_port(), "admin": free_port()}
        self.log = open(pathlib.Path(self.folder.name) / "log", "wb")
        program = str(BUILD / "bin" / "dropline")
        self.process = subprocess.Popen(
            [program, "serve", "--dev", "--data-dir", self.folder.name,
             "--http-address", f"127.0.0.1:{self.ports['public']}",
             "--admin-address", f"127.0.0.1:{self.ports['admin']}"],
            stdout=self.log, stderr=subprocess.STDOUT)
        end = time.monotonic() + LIMIT
        while True:
            try:
                if self.call("public", "get", "/readyz")[0] == 200:
                    break
            except OSError:
                pass
            if time.monotonic() > end or self.process.poll() is not None:
                self.stop()
                raise RuntimeError("the server did not get ready")
            time.sleep(0.02)
        self.tokens = {
            role: subprocess.run(
                [program, "token", "--data-dir", self.folder.name, "--member", MEMBER]
                + (["--role", role] if role == "admin" else []),
                check=True, capture_output=True, text=True, timeout=LIMIT).stdout.strip()
            for role in ("admin", "member")}

    def call(self, listener, method, path, headers=None, body=None):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.ports[listener]}{path}", method=method.upper(),
            headers=headers or {}, data=body)
        try:
            with urllib.request.urlopen(request, timeout=LIMIT) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as answer:
            return answer.code, answer.headers, answer.read()

    def stop(self):
        self.process.terminate()
        code = self.process.wait(timeout=LIMIT)
        self.log.close()
        self.folder.cleanup()
        return code


class Document(unittest.TestCase):
    def test_it_has_every_route_and_no_other(self):
        documented = {(m, p, o["operationId"]) for m, p, o in operations()}
        self.assertEqual(documented, routes_of_the_program())

    def test_its_references_lead_somewhere_and_its_schemas_are_schemas(self):
        def walk(node):
            if isinstance(node, dict):
                if "$ref" in node:
                    resolve(node)
                for value in node.values():
                    walk(value)
            elif isinstance(node, list):
                for value in node:
                    walk(value)
        walk(DOCUMENT)
        for name, schema in DOCUMENT["components"]["schemas"].items():
            with self.subTest(name):
                jsonschema.Draft202012Validator.check_schema(schema)

    def test_its_path_parameters_are_those_in_the_path(self):
        for method, path, operation in operations():
            with self.subTest(f"{method} {path}"):
                named = {resolve(p)["name"] for p in operation.get("parameters", [])
                         if resolve(p)["in"] == "path"}
                self.assertEqual(named, set(re.findall(r"{(\w+)}", path)))


class Behaviour(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()

    @classmethod
    def tearDownClass(cls):
        code = cls.server.stop()
        assert code == 0, f"the server ended with {code}"

    def validate(self, schema, value):
        document = {"$ref": "#/at", "at": schema, "components": DOCUMENT["components"]}
        jsonschema.Draft202012Validator(
            document, format_checker=jsonschema.FormatChecker()).validate(value)

    def check(self, operation, answer):
        """The answer is one that the document promises."""
        status, headers, body = answer
        promised = operation["responses"].get(str(status))
        self.assertIsNotNone(promised, f"{status} {body!r} is not in the document")
        promised = resolve(promised)
        kind = headers.get_content_type()
        self.assertIn(kind, promised["content"])
        for name, header in promised.get("headers", {}).items():
            header = resolve(header)
            if header.get("required"):
                self.assertIn(name, headers)
            if name in headers and header["schema"].get("enum"):
                self.assertIn(headers[name], header["schema"]["enum"])
        if kind.endswith("json"):
            value = json.loads(body)
            self.validate(promised["content"][kind]["schema"], value)
            if kind == "application/problem+json":
                self.assertEqual(value["status"], status)
                self.assertIn(value["code"], promised["x-codes"])
                self.assertEqual(value["type"], "urn:dropline:problem:" + value["code"])
            return value
        return body

    @staticmethod
    def listeners(operation):
        where = operation["x-listener"]
        return ("public", "admin") if where == "both" else (where,)

    @staticmethod
    def path_of(path, operation, **given):
        for parameter in map(resolve, operation.get("parameters", [])):
            if parameter["in"] == "path":
                value = given.get(parameter["name"], parameter.get("example", str(uuid.uuid4())))
                path = path.replace("{%s}" % parameter["name"], value)
        return path

    def headers_of(self, operation, role="admin", **more):
        headers = {"Authorization": "Bearer " + self.server.tokens[role]}
        if "requestBody" in operation:
            headers["Content-Type"] = "application/json"
        for parameter in map(resolve, operation.get("parameters", [])):
            if parameter["in"] == "header" and parameter.get("required"):
                headers[parameter["name"]] = str(uuid.uuid4())
        return {**headers, **more}

    @staticmethod
    def examples(operation):
        if "requestBody" not in operation:
            return [None]
        media = resolve(operation["requestBody"])["content"]["application/json"]
        return [e["value"] for e in media["examples"].values()]

    def test_each_example_is_taken_and_answered_as_promised(self):
        for method, path, operation in operations():
            for example in self.examples(operation):
                for listener in self.listeners(operation):
                    with self.subTest(f"{listener} {method} {path}"):
                        if example is not None:
                            schema = resolve(operation["requestBody"])["content"][
                                "application/json"]["schema"]
                            self.validate(schema, example)
                        answer = self.server.call(
                            listener, method, self.path_of(path, operation),
                            self.headers_of(operation),
                            None if example is None else json.dumps(example).encode())
                        self.check(operation, answer)
                        self.assertIn(answer[0], (404,) if path == "/v1/orders/{id}" else
                                      (200, 202))

    def test_an_order_is_placed_waited_for_shown_repeated_and_contested(self):
        place = DOCUMENT["paths"]["/v1/orders"]["post"]
        show = DOCUMENT["paths"]["/v1/orders/{id}"]["get"]
        offer = DOCUMENT["paths"]["/v1/admin/offers"]["post"]
        sku = "s" + uuid.uuid4().hex
        self.check(offer, self.server.call(
            "admin", "post", "/v1/admin/offers", self.headers_of(offer),
            json.dumps({"product": str(uuid.uuid4()), "sku": sku, "units": 1000,
                        "price": {"amount": 5, "currency": "KRW"}}).encode()))
        body = {"lines": [{"sku": sku, "quantity": 2}], "payment": {"method": "wallet"}}
        headers = self.headers_of(place, role="member", Prefer="wait=20")

        def post(headers, **changes):
            return self.check(place, self.server.call(
                "public", "post", "/v1/orders", headers, json.dumps({**body, **changes}).encode()))

        # The offer is of another partition than the order, so it may come a moment later.
        end = time.monotonic() + LIMIT
        while (placed := post(headers))["state"] == "rejected" and time.monotonic() < end:
            headers["Idempotency-Key"] = str(uuid.uuid4())
        self.assertEqual(placed["state"], "reserved", placed)
        self.assertEqual(placed["total"], {"amount": 10, "currency": "KRW"})
        self.assertIn("receipt", placed)
        shown = self.check(show, self.server.call(
            "public", "get", "/v1/orders/" + placed["order_id"], self.headers_of(show)))
        self.assertEqual(shown["state"], "reserved")
        self.assertEqual(post(headers)["order_id"], placed["order_id"])
        self.assertEqual(post(headers, coupon=str(uuid.uuid4()))["code"], "idempotency_conflict")

    def test_what_is_wrong_is_answered_as_promised(self):
        deep = "[" * 500 + "]" * 500
        for method, path, operation in operations():
            if operation.get("security") == []:
                continue
            listener = self.listeners(operation)[0]
            where = self.path_of(path, operation)
            good = self.headers_of(operation)

            def call(headers, body=None, where=where):
                return self.server.call(listener, method, where, headers, body)

            with self.subTest(f"{method} {path}"):
                nobody = {k: v for k, v in good.items() if k != "Authorization"}
                body = None if "requestBody" not in operation else b"{}"
                for headers in (nobody, {**good, "Authorization": "Bearer x.y.z"},
                                {**nobody, "X-Claim-UserId": MEMBER}):
                    self.check(operation, answer := call(headers, body))
                    self.assertEqual(answer[0], 401)
                if path.startswith("/v1/admin"):
                    self.check(operation, answer := call(
                        self.headers_of(operation, role="member"), body))
                    self.assertEqual(answer[0], 403)
                if "{id}" in path:
                    self.check(operation, answer := call(
                        good, body and b'{"reason":"r"}', path.replace("{id}", "none")))
                    self.assertEqual(answer[0], 404)
                if "requestBody" not in operation:
                    continue
                for body, status in ((b"", 400), (b"{", 400), (b'"\xff"', 400), (b"[]", 422),
                                     (b"{}", 422), (deep.encode(), 422), (b" " * 200_000, 413)):
                    with self.subTest(f"{method} {path} {body[:10]!r}"):
                        self.check(operation, answer := call(good, body))
                        self.assertEqual(answer[0], status)
                self.check(operation, answer := call({**good, "Content-Type": "text/plain"},
                                                     b"{}"))
                self.assertEqual(answer[0], 415)

    def test_the_idempotency_key_is_needed_and_checked(self):
        place = DOCUMENT["paths"]["/v1/orders"]["post"]
        body = json.dumps(self.examples(place)[0]).encode()
        for key, code in ((None, "idempotency_key_missing"), ("a b", "idempotency_key_invalid"),
                          ("ffffffff-ffff-7fff-bfff-ffffffffffff", "idempotency_key_ahead")):
            headers = self.headers_of(place)
            del headers["Idempotency-Key"]
            if key:
                headers["Idempotency-Key"] = key
            problem = self.check(place, self.server.call("public", "post", "/v1/orders", headers,
                                                         body))
            self.assertEqual(problem["code"], code)

    def test_operators_routes_are_on_their_listener_only(self):
        for method, path, operation in operations():
            if operation["x-listener"] == "both":
                continue
            other = "admin" if operation["x-listener"] == "public" else "public"
            with self.subTest(f"{method} {path}"):
                status, _, _ = self.server.call(
                    other, method, self.path_of(path, operation), self.headers_of(operation),
                    b"{}" if "requestBody" in operation else None)
                self.assertEqual(status, 404)

    def test_problems_speak_the_callers_language(self):
        titles = {language: json.loads(self.server.call(
            "public", "get", "/nowhere", {"Accept-Language": language})[2])["title"]
            for language in ("en", "ko")}
        self.assertNotEqual(titles["en"], titles["ko"])


if __name__ == "__main__":
    result = unittest.TextTestRunner(verbosity=1).run(
        unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"]))
    failed = len(result.failures) + len(result.errors)
    print(f"{max(result.testsRun - failed, 0)} passed, {failed} failed")
    sys.exit(1 if failed else 0)
