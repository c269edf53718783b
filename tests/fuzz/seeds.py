#!/usr/bin/env python3
"""Makes the corpus: small inputs of every form that a parser knows, from what the project already
has (samples of messages, examples) and a few by hand. Run it again when formats change."""

import json
import pathlib
import struct

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
UUID = "0190a0b0-0000-7000-8000-000000000001"


def http():
    def say(text, piece=255):
        return bytes([piece]) + text.replace("\n", "\r\n").encode()
    get = "GET /v1/drops/%s?limit=2 HTTP/1.1\nHost: a:8080\n" % UUID
    yield say(get + "\n")
    yield say(get + "Accept-Language: ko, en;q=0.5\nIf-None-Match: \"x\"\n\n", 3)
    yield say("POST /v1/orders HTTP/1.1\nHost: [::1]:80\nContent-Length: 5\n\n{\"a\":", 1)
    yield say("POST /v1/orders HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n3;x=y\nabc\n0\n"
              "T: v\n\n", 7)
    yield say("OPTIONS * HTTP/1.0\nHost: a\nConnection: close\n\n")
    yield say("GET http://a.b/%E2%82%AC/../ HTTP/1.1\nHost: a.b\nExpect: 100-continue\n\n")


def target():
    for text in ("/", "/v1/orders?cursor=a%20b&limit=3", "http://h:1/p?q", "*", "/a%2Fb", "/%ff"):
        yield text.encode()


def json_():
    for name in ("PlaceOrder", "OpenDrop", "StockReserved", "OrderPaid", "ProductState",
                 "GatewayAnswered"):
        for file in sorted((ROOT / "schemas" / "topics" / "samples" / name).glob("*.json")):
            yield (name + "\n").encode() + file.read_bytes()
    yield b"\n" + b"[" * 40
    yield b"PlaceOrder\n{\"order_id\":null,\"lines\":[{}],\"x\":1e400,\"y\":\"\\ud800\"}"


def token():
    yield b"eyJhbGciOiJFZERTQSIsImtpZCI6ImRldiJ9.eyJzdWIiOiJ4In0.AAAA"
    yield b"eyJhbGciOiJub25lIn0.e30."
    yield json.dumps({"alg": "EdDSA", "kid": "dev", "typ": "JWT", "crit": ["x"]}).encode()
    yield json.dumps({"iss": "dropline", "sub": UUID, "aud": ["dropline"], "roles": ["admin"],
                      "exp": 2e9, "nbf": 1.0, "iat": -1, "jti": "\u00e9"}).encode()


def webhook():
    yield b"msg-1\n1700000000\nv1,aGVsbG8= v1,\n{\"outcome\":\"captured\"}"
    yield b"\n-1\nv1a,x\n"
    yield b"id\n99999999999999999999\nv1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\nx"


def config():
    yield b"data_dir = \"var\"\n[http]\naddress = \"127.0.0.1:8080\"\nthreads = 2\n"
    yield b"[kafka]\nbrokers = [\"a:1\", 'b:2']\n[kafka.properties]\n\"a.b\" = true\n"
    yield (b"a = 1979-05-27T07:32:00Z\nb = 0x1F\nc = inf\nd = \"\"\"\n\\u00e9\"\"\"\n"
           b"[[e]]\nf = [1, [2]]\n")


def record():
    for file in sorted((ROOT / "schemas" / "topics" / "samples").glob("PlaceOrder*/*.json")) or \
            sorted((ROOT / "schemas" / "topics" / "samples").glob("**/PlaceOrder*.json")):
        yield ("ce_specversion: 1.0\nce_id: 12-3\nce_source: stock/3\nce_type: PlaceOrder\n"
               "ce_time: 2026-11-21T00:00:00Z\ncontent-type: application/json\n"
               "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\n"
               f"ce_correlationid: {UUID}\n\n").encode() + file.read_bytes()
    yield ("content-type: application/cloudevents+json\n\n" + json.dumps(
        {"specversion": "1.0", "id": "1", "source": "x/1", "type": "PlaceOrder",
         "datacontenttype": "application/json", "data": {"lines": []}})).encode()
    yield b"ce_type: Dance\n\n{}"


def frames():
    def text(size, value):
        return struct.pack(size, len(value)) + value
    frame = (struct.pack("<I", 0) + text("<H", b"stock.events") + text("<I", b"key") +
             struct.pack("<I", 3) + b"{}" + struct.pack("<H", 1) + text("<H", b"ce_type") +
             struct.pack("<I", 2) + b"x")
    yield b"DLO1"
    yield b"DLO1" + frame
    yield b"DLO1" + frame + struct.pack("<I", 4) + text("<H", b"t") + text("<I", b"") + \
        struct.pack("<I", 0) + struct.pack("<H", 0)
    yield bytes([2, 1]) + b"a" + bytes([2]) + b"v" + bytes([1]) + b"b" + bytes([0])


def shard():
    yield b"orders.commands 12 9f86d081884c7d65\nstock.events 0 0"
    yield b"stock.events stock/3 123-4\nstock.events stock/4 9223372036854775807-2147483647"


def receipt():
    whole = {"order_id": UUID, "drop": UUID, "partition": 3, "offset": 17,
             "command_hash": "0" * 64, "time": "2026-11-21T00:00:00Z", "leaf": 1, "leaves": 3,
             "path": ["0" * 64, "f" * 64], "root": "0" * 64, "key_id": "1", "signature": "A" * 86}
    yield json.dumps(whole).encode()
    yield json.dumps({**whole, "drop": None, "leaf": 9007199254740991, "path": []}).encode()
    yield b"{}"


def main():
    for make in (http, target, json_, token, webhook, config, record, frames, shard, receipt):
        folder = HERE / "corpus" / make.__name__.rstrip("_")
        folder.mkdir(parents=True, exist_ok=True)
        for number, data in enumerate(make()):
            (folder / f"seed-{number:03}").write_bytes(data)


if __name__ == "__main__":
    main()
