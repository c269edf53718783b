"""What stands in tables and topics, read past the system: by SQL, and by the log's own format."""

import collections
import json
import sqlite3
import subprocess

NO_DROP = "00000000-0000-0000-0000-000000000000"
READ_SECONDS = 120

Record = collections.namedtuple(
    "Record", "partition offset type source id order value")
Order = collections.namedtuple("Order", "outcome reason partition offset")
Offer = collections.namedtuple("Offer", "supplied free allocated written_off")


def record(partition, offset, headers, value):
    return Record(int(partition), int(offset), headers.get("ce_type"), headers.get("ce_source"),
                  headers.get("ce_id"), headers.get("ce_correlationid"),
                  json.loads(value) if value else None)


class Facts:
    """Both modes: the same questions, `_table()` and `_topic()` differ."""

    def orders(self):
        rows = self._table("orders", "order_id, outcome, coalesce(reason, ''), place_partition, "
                                     "place_offset")
        return {row[0]: Order(row[1], row[2] or None, int(row[3]), int(row[4])) for row in rows}

    def offers(self):
        rows = self._table("offers", "drop_id, sku, supplied, free, allocated, written_off")
        return {(None if row[0] == NO_DROP else row[0], row[1]): Offer(*map(int, row[2:]))
                for row in rows}

    def outbox(self):
        return int(self._table("outbox", "count(*)")[0][0])

    def held(self):
        return int(self._table("held", "count(*)")[0][0])

    def epochs(self):
        return {int(row[0]): int(row[1]) for row in self._table("shards", "shard, epoch")}

    def commands(self):
        """In log order within each partition."""
        return self._topic("orders.commands")

    def events(self):
        return self._topic("stock.events")

    def dead(self):
        return self._topic("orders.commands.dead")


class ServerFacts(Facts):
    """PostgreSQL through psql, Kafka through kcat."""

    def __init__(self, query, brokers, prefix):
        self._query = query
        self._brokers = brokers
        self._prefix = prefix

    def _table(self, name, columns):
        return self._query(f"SELECT {columns} FROM stock.{name}")

    def _topic(self, name):
        done = subprocess.run(
            ["kcat", "-b", self._brokers, "-C", "-t", self._prefix + name, "-o", "beginning", "-e",
             "-q", "-J", "-X", "check.crcs=true"],
            capture_output=True, timeout=READ_SECONDS, check=False)
        if done.returncode != 0:
            raise OSError(done.stderr.decode(errors="replace").strip())
        found = []
        for line in done.stdout.splitlines():
            read = json.loads(line)
            names = read.get("headers") or []
            headers = dict(zip(names[::2], names[1::2]))
            found.append(record(read["partition"], read["offset"], headers, read["payload"]))
        found.sort(key=lambda entry: entry[:2])
        return found


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def parse_headers(data):
    """libs/stream/sqlite/FORMAT.md, "Headers"."""
    headers = {}
    if not data:
        return headers
    count, at = varint(data, 0)
    for _ in range(count):
        size, at = varint(data, at)
        name = data[at:at + size].decode()
        at += size
        size, at = varint(data, at)
        if size:
            headers[name] = data[at:at + size - 1].decode()
            at += size - 1
    return headers


class FileFacts(Facts):
    """One SQLite file, read-only, by libs/stream/sqlite/FORMAT.md."""

    def __init__(self, file):
        self._file = file

    def _query(self, sql, parameters=()):
        connection = sqlite3.connect(f"file:{self._file}?mode=ro", uri=True, timeout=30)
        try:
            return connection.execute(sql, parameters).fetchall()
        finally:
            connection.close()

    def _table(self, name, columns):
        return self._query(f"SELECT {columns} FROM stock_{name}")

    def _topic(self, name):
        logs = self._query("SELECT l.id, l.partition FROM stream_logs l JOIN stream_topics t "
                           "ON t.id = l.topic_id WHERE t.name = ? ORDER BY l.partition", (name,))
        return [record(partition, offset, parse_headers(headers), value)
                for log, partition in logs
                for offset, headers, value in self._query(
                    'SELECT "offset", headers, value '
                    f'FROM stream_log_{int(log)} ORDER BY "offset"')]

    def damage(self):
        """SQLite's own word on the file; None where it is whole."""
        said = self._query("PRAGMA integrity_check")[0][0]
        return None if said == "ok" else said
