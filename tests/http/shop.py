"""A shop at home for tests: `dropline serve --dev`, the sandbox gateway, callers, and the
description that every answer is held to."""

import base64
import contextlib
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import socket
import subprocess
import tempfile
import time
import urllib.parse
import uuid

import jsonschema
import yaml

import ed25519

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("DROPLINE_BUILD_DIR", ROOT / "build" / "dev"))
DOCUMENT = yaml.safe_load((ROOT / "schemas" / "http" / "openapi.yaml").read_text("utf-8"))
METHODS = ("get", "put", "post", "delete", "patch")
LIMIT = 30
PAUSE = 0.02
STATES_IN_MOTION = ("received", "reserved")


def program(name):
    path = BUILD / "bin" / name
    if not path.exists():
        raise RuntimeError(f"{path} is not built: scripts/build PRESET {name}; "
                           "DROPLINE_BUILD_DIR names the build's folder")
    return str(path)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(what, condition, limit=LIMIT):
    """Waits for a condition, and returns what it returned."""
    end = time.monotonic() + limit
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"not within {limit} s: {what}")
        time.sleep(PAUSE)


def new_id():
    return str(uuid.uuid4())


def won(amount):
    return {"amount": amount, "currency": "KRW"}


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.body[:400]!r}"


class Shop:
    """Both listeners of an embedded server, and with `gateway` the sandbox beside it."""

    def __init__(self, *words, gateway=False, asks=False):
        """`asks`: the gateway is asked before its notices count; else they are believed."""
        self.stack = contextlib.ExitStack()
        folder = self.stack.enter_context(tempfile.TemporaryDirectory(prefix="dropline-http-"))
        self.folder = pathlib.Path(folder)
        self.ports = {"public": free_port(), "admin": free_port()}
        self.processes = []
        if asks:
            self.ports["gateway"] = free_port()
            words += ("--gateway-address", f"127.0.0.1:{self.ports['gateway']}")
        self.words = words
        self.start_shop()
        if gateway or asks:
            self.ports.setdefault("gateway", free_port())
            self.start_gateway()
        self.admin = self.token(new_id(), "admin")

    def start_shop(self):
        folder, words = str(self.folder), self.words
        self.start("dropline", "serve", "--dev", "--data-dir", folder,
                   "--http-address", f"127.0.0.1:{self.ports['public']}",
                   "--admin-address", f"127.0.0.1:{self.ports['admin']}", *words)
        self.wait_ready("public")

    def start_gateway(self, *words):
        self.start("dropline-sandbox", "--dev", "--data-dir", str(self.folder),
                   "--sandbox-address", f"127.0.0.1:{self.ports['gateway']}",
                   "--sandbox-notify", f"127.0.0.1:{self.ports['public']}",
                   "--sandbox-notify-retry", "200ms", *words)
        self.wait_ready("gateway")

    def start(self, name, *words):
        log = self.stack.enter_context(open(self.folder / f"{name}.log", "ab"))
        self.processes.append(subprocess.Popen([program(name), *words], stdin=subprocess.DEVNULL,
                                               stdout=log, stderr=subprocess.STDOUT))

    def kill(self, name):
        """kill -9 of the program of that name."""
        process = next(p for p in self.processes if p.args[0] == program(name))
        process.kill()
        process.wait(timeout=LIMIT)
        self.processes.remove(process)

    def wait_ready(self, listener):
        def ready():
            if self.processes[-1].poll() is not None:
                raise RuntimeError(f"it ended: {self.story()}")
            try:
                return self.call(listener, "GET", "/readyz").status == 200
            except OSError:
                return False
        until(f"{listener} is ready", ready)

    def story(self):
        return "\n".join(path.read_text("utf-8", "replace")[-2_000:]
                         for path in sorted(self.folder.glob("*.log")))

    def stop(self, whole=True):
        """Stops what was started; the exit codes. Whatever was asked of it, the shop is whole."""
        codes = []
        for process in reversed(self.processes):
            process.terminate()
            codes.append(process.wait(timeout=LIMIT))
        with self.stack:
            if whole:
                self.audit()
        return codes

    def audit(self):
        ended = subprocess.run([program("dropline"), "audit", "--data-dir", str(self.folder)],
                               capture_output=True, text=True, timeout=LIMIT, check=False)
        wrong = [line for line in ended.stdout.splitlines() if line.startswith("violation")]
        assert ended.returncode == 0, "\n".join(wrong) or ended.stderr

    def secret(self, name):
        text = (self.folder / "keys" / name).read_text("ascii").strip()
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

    def token(self, member, *roles):
        words = [word for role in roles for word in ("--role", role)]
        return subprocess.run(
            [program("dropline"), "token", "--data-dir", str(self.folder), "--member", member,
             *words], check=True, capture_output=True, text=True, timeout=LIMIT).stdout.strip()

    def call(self, listener, method, path, headers=(), body=None):
        """One exchange on its own connection. Headers: a dict, or pairs where a name repeats."""
        pairs = list(headers.items()) if isinstance(headers, dict) else list(headers)
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[listener], timeout=LIMIT)
        try:
            connection.putrequest(method.upper(), path, skip_accept_encoding=True)
            for name, value in pairs:
                connection.putheader(name, value)
            if body is not None and not any(name.lower() == "content-length" for name, _ in pairs):
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders()
            if body:
                try:
                    connection.send(body)
                except (BrokenPipeError, ConnectionResetError):
                    pass  # refused by its head: the answer is there to read
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def ask(self, method, path, token=None, body=None, listener="public", **headers):
        """A call as clients make it: JSON in, a bearer token, `Prefer=` and the like by keyword."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            sent["Authorization"] = "Bearer " + token
        if body is not None:
            sent["Content-Type"] = "application/json"
            body = json.dumps(body, ensure_ascii=False).encode()
        return self.call(listener, method, path, sent, body)

    def command(self, method, path, body):
        answer = self.ask(method, path, self.admin, body, listener="admin")
        assert answer.status == 202, answer
        return answer.json()

    # What tests begin with.

    def put_drop(self, units=1, limit=None, price=1000, sku=None):
        """A drop of one SKU that is open; its id and SKU."""
        drop, sku = new_id(), sku or "sku-" + uuid.uuid4().hex[:12]
        offer = {"sku": sku, "product": new_id(), "price": won(price), "units": units}
        if limit:
            offer["limit"] = limit
        self.command("POST", "/v1/admin/drops", {
            "drop": drop, "offers": [offer], "opens_at": "2020-01-01T00:00:00Z",
            "closes_at": "2099-01-01T00:00:00Z"})
        until("the drop is shown",
              lambda: self.ask("GET", f"/v1/drops/{drop}").status == 200)
        return drop, sku

    def put_offer(self, units=100, price=1000):
        """An ordinary offer that can be ordered; its SKU."""
        product, sku = new_id(), "sku-" + uuid.uuid4().hex[:12]
        self.command("PUT", f"/v1/admin/products/{product}", {
            "name": {"en": "a thing"}, "options": [{"sku": sku, "name": {"en": "one"}}]})
        self.command("POST", "/v1/admin/offers", {
            "product": product, "sku": sku, "units": units, "price": won(price)})
        until("the offer is shown", lambda: self.ask("GET", f"/v1/products/{product}").status == 200
              and "free" in self.product(product)["options"][0])
        return product, sku

    def product(self, product):
        return self.ask("GET", f"/v1/products/{product}").json()

    def drop(self, drop):
        return self.ask("GET", f"/v1/drops/{drop}").json()

    def notice(self, body, when=None, name=None, key=None, signature=None,
               path="/v1/payments/webhook"):
        """A gateway's or bank's notice, signed with its own key unless told otherwise."""
        if key is None:
            key = self.secret("bank.key" if path == "/v1/bank-deposits" else "gateway.key")
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        name = name or "msg-" + new_id()
        when = str(int(time.time()) if when is None else when)
        if signature is None:
            mac = hmac.new(key, f"{name}.{when}.".encode() + text, hashlib.sha256).digest()
            signature = "v1," + base64.b64encode(mac).decode()
        return self.call("public", "POST", path, {
            "Content-Type": "application/json", "webhook-id": name, "webhook-timestamp": when,
            "webhook-signature": signature}, text)


# Paid, and perhaps on its way already: nothing holds the two apart.
PAID = ("paid", "preparing")


class Member:
    """Somebody who shops."""

    def __init__(self, shop, money=0):
        self.shop = shop
        self.id = new_id()
        self.token = shop.token(self.id)
        if money:
            charge = self.charge(money).json()
            paid = shop.notice({"outcome": "captured", "reference": charge["reference"],
                                "payment": "pay-" + new_id(), "amount": won(money)})
            assert paid.status == 204, paid
            until("the wallet is filled", lambda: self.balance() == money)

    def ask(self, method, path, body=None, **headers):
        return self.shop.ask(method, path, self.token, body, **headers)

    def charge(self, money, key=None):
        return self.ask("POST", "/v1/wallet/charges", {"amount": won(money)},
                        Idempotency_Key=key or new_id())

    def order(self, sku, quantity=1, drop=None, key=None, wait=20, method="wallet", **more):
        body = {"lines": [{"sku": sku, "quantity": quantity}], "payment": {"method": method},
                **({"drop": drop} if drop else {}), **more}
        headers = {"Prefer": f"wait={wait}"} if wait else {}
        return self.ask("POST", "/v1/orders", body, Idempotency_Key=key or new_id(), **headers)

    def show(self, order):
        return self.ask("GET", f"/v1/orders/{order}")

    def wait_for(self, order, *states):
        """The order, once ordering shows it in one of these states."""
        def there():
            answer = self.show(order)
            shown = answer.json()
            return shown if answer.status == 200 and shown["state"] in states \
                and "timeline" in shown else None
        return until(f"{order} is {' or '.join(states)}", there)

    def orders(self):
        answer = self.ask("GET", "/v1/orders?state=all")
        assert answer.status == 200, answer
        return answer.json()["orders"]

    def wallet(self):
        answer = self.ask("GET", "/v1/wallet")
        assert answer.status == 200, answer
        return answer.json()

    def balance(self):
        return self.wallet()["balance"]["amount"]

    def follow(self, last=None):
        return Events(self.shop.ports["public"], self.token, last)


class Events:
    """An open GET /v1/events."""

    def __init__(self, port, token, last=None):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)
        headers = {"Authorization": "Bearer " + token, "Accept": "text/event-stream"}
        if last is not None:
            headers["Last-Event-ID"] = last
        self.connection.request("GET", "/v1/events", headers=headers)
        self.answer = self.connection.getresponse()
        self.status = self.answer.status

    def next(self):
        """The next event as (id, type, data); None where the server has ended the stream."""
        event, data = {}, []
        while True:
            line = self.answer.readline()
            if not line:
                return None
            line = line.decode().rstrip("\n")
            if not line:
                if data:
                    return event.get("id"), event.get("event"), json.loads("\n".join(data))
                continue
            field, _, value = line.partition(": ")
            if field == "data":
                data.append(value)
            elif field:
                event[field] = value

    def take(self, count):
        return [self.next() for _ in range(count)]

    def close(self):
        self.connection.sock and self.connection.sock.close()
        self.answer.close()
        self.connection.close()


def segment(value):
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def mint(key, header=None, **claims):
    """A token as the server's own, but for what is given; claims that are None are left out."""
    now = int(time.time())
    claims = {"iss": "dropline", "aud": "dropline", "sub": new_id(), "iat": now, "nbf": now,
              "exp": now + 600, "roles": [], **claims}
    claims = {name: value for name, value in claims.items() if value is not None}
    text = segment({"alg": "EdDSA", "typ": "JWT", "kid": "dev", **(header or {})}) + \
        "." + segment(claims)
    return text + "." + segment(ed25519.sign(key, text.encode()))


# The description.

def resolve(node):
    while isinstance(node, dict) and "$ref" in node:
        if not node["$ref"].startswith("#/"):
            raise KeyError(node["$ref"])
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


def operation(method, path):
    return DOCUMENT["paths"][path][method.lower()]


def validate(schema, value):
    document = {"$ref": "#/at", "at": schema, "components": DOCUMENT["components"]}
    jsonschema.Draft202012Validator(
        document, format_checker=jsonschema.FormatChecker()).validate(value)


def media_of(node, kind="application/json"):
    return resolve(node).get("content", {}).get(kind, {})


def check_header(test, header, name, value):
    """A documented header's text is of its schema."""
    schema = header["schema"]
    if schema["type"] == "integer":
        test.assertRegex(value, r"^-?[0-9]+$", name)
        value = int(value)
    validate(schema, value)


def check(test, described, answer, head=False):
    """The answer is one that the description promises: status, media type, headers, body."""
    promised = described["responses"].get(str(answer.status))
    codes = DOCUMENT["x-every-call"].get(str(answer.status), [])
    if promised is None and codes:
        promised = {"x-codes": codes, "content": {"application/problem+json": {
            "schema": {"$ref": "#/components/schemas/Problem"}}}}
    test.assertIsNotNone(promised, f"{answer} is not in the description")
    promised = resolve(promised)
    for name, header in promised.get("headers", {}).items():
        header = resolve(header)
        if header.get("required"):
            test.assertIn(name, answer.headers, answer)
        if name in answer.headers:
            check_header(test, header, name, answer.headers[name])
    for name, header in (("RateLimit", "RateLimit"), ("RateLimit-Policy", "RateLimitPolicy")):
        if name in answer.headers:
            check_header(test, DOCUMENT["components"]["headers"][header], name,
                         answer.headers[name])
    if "content" not in promised:
        test.assertEqual(answer.body, b"")
        return None
    kind = answer.headers.get_content_type()
    test.assertIn(kind, promised["content"])
    if head:
        test.assertEqual(answer.body, b"")
        return None
    if not kind.endswith("json"):
        return answer.body
    value = answer.json()
    validate(promised["content"][kind]["schema"], value)
    if kind == "application/problem+json":
        test.assertEqual(value["status"], answer.status)
        test.assertIn(value["code"], promised["x-codes"] + codes)
        test.assertEqual(value["type"], "urn:dropline:problem:" + value["code"])
    return value


def path_of(path, described, **given):
    """The path with its parameters filled in: as given, from the examples, or anybody's id."""
    for parameter in map(resolve, described.get("parameters", [])):
        if parameter["in"] == "path":
            value = given.get(parameter["name"], parameter.get("example", new_id()))
            path = path.replace("{%s}" % parameter["name"], urllib.parse.quote(value, safe=""))
    return path


def listeners(described):
    where = described["x-listener"]
    return ("public", "admin") if where == "both" else (where,)


def examples(described):
    """The bodies that the description shows for a call; [None] where it has none."""
    if "requestBody" not in described:
        return [None]
    return [e["value"] for e in media_of(described["requestBody"])["examples"].values()]
