"""What stands in tables and topics, read past the system: by SQL, and by the log's own format.

Which services there are is asked of the database: each has the consumer loop's tables."""

import collections
import json
import sqlite3
import subprocess

NO_DROP = "00000000-0000-0000-0000-000000000000"
READ_SECONDS = 120
# Topics that a system at rest adds nothing to; state topics are told again and again.
WORK = (".commands", ".events")

Record = collections.namedtuple(
    "Record", "partition offset type source id order value")
Order = collections.namedtuple("Order", "outcome reason partition offset")
Offer = collections.namedtuple("Offer", "supplied free allocated written_off")
Payment = collections.namedtuple("Payment", "state captured refunded")


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

    def states(self):
        """order -> its public state; None where no service keeps one."""
        if "ordering" not in self.services():
            return None
        return dict(map(tuple, self._table("orders", "order_id, state", "ordering")))

    def payments(self):
        """order -> its payment; None where no service takes money."""
        if "payments" not in self.services():
            return None
        return {row[0]: Payment(row[1], int(row[2]), int(row[3]))
                for row in self._table("payments", "order_id, state, captured, refunded",
                                       "payments")}

    def outbox(self):
        """Which rows: a service at work always has some, of its heartbeats if nothing else."""
        return {(service, int(row[0]), int(row[1])) for service in self.services()
                for row in self._table("outbox", "shard, seq", service)}

    def held(self):
        return sum(int(self._table("held", "count(*)", service)[0][0])
                   for service in self.services())

    def epochs(self):
        return {(service, int(row[0])): int(row[1]) for service in self.services()
                for row in self._table("shards", "shard, epoch", service)}

    def unread(self):
        """How many records of commands and events the services that read them have not applied."""
        ends = self._ends([name for name in self.topics() if name.endswith(WORK)])
        count = 0
        for service in self.services():
            for shard, positions in self._table("shards", "shard, positions", service):
                for topic, read_up_to in self._positions(positions):
                    count += max(0, ends.get((topic, int(shard)), 0) - read_up_to)
        return count

    @staticmethod
    def _positions(text):
        """libs/worker/src/shard.cpp: a line a topic, `name next fingerprint`."""
        for line in text.splitlines():
            topic, read_up_to, _ = line.split(" ")
            yield topic, int(read_up_to)

    def commands(self):
        """In log order within each partition."""
        return self._topic("orders.commands")

    def decisions(self):
        return self._topic("stock.events")

    def events(self):
        """Of every service; in log order within each partition of each topic."""
        return {name: self._topic(name) for name in self._filled(".events")}

    def dead(self):
        """Every record that was set aside: topic, partition, offset."""
        return [(name, *letter[:2]) for name in self._filled(".dead")
                for letter in self._topic(name)]

    def _filled(self, kind):
        """The topics of a kind that hold something; to read an empty one takes its time too."""
        ends = self._ends([name for name in self.topics() if name.endswith(kind)])
        return sorted({name for (name, _), end in ends.items() if end > 0})


class ServerFacts(Facts):
    """PostgreSQL through psql, Kafka through kcat."""

    def __init__(self, query, brokers, prefix):
        self._query = query
        self._brokers = brokers
        self._prefix = prefix

    def _table(self, name, columns, service="stock"):
        return self._query(f"SELECT {columns} FROM {service}.{name}")

    def change(self, name, setting, key, service):
        """By hand, in the row of the lowest key."""
        table = f"{service}.{name}"
        self._query(f"UPDATE {table} SET {setting} WHERE {key} = "
                    f"(SELECT {key} FROM {table} ORDER BY {key} LIMIT 1)")

    def services(self):
        return [row[0] for row in self._query(
            "SELECT table_schema FROM information_schema.tables WHERE table_name = 'shards' "
            "ORDER BY 1")]

    def _kcat(self, *words):
        done = subprocess.run(["kcat", "-b", self._brokers, *words], capture_output=True,
                              timeout=READ_SECONDS, check=False)
        if done.returncode != 0:
            raise OSError(done.stderr.decode(errors="replace").strip())
        return done.stdout

    def topics(self):
        return list(self._partitions())

    def _partitions(self):
        listed = json.loads(self._kcat("-L", "-J"))["topics"]
        return {each["topic"].removeprefix(self._prefix): len(each["partitions"])
                for each in listed if each["topic"].startswith(self._prefix)}

    def _ends(self, topics):
        words = ["-Q"]
        partitions = self._partitions()
        for name in topics:
            for number in range(partitions[name]):
                words += ["-t", f"{self._prefix}{name}:{number}:-1"]
        # "name [3] offset 17"
        said = (line.split() for line in self._kcat(*words).decode().splitlines())
        return {(name.removeprefix(self._prefix), int(number.strip("[]"))): int(offset)
                for name, number, _, offset in said}

    def _topic(self, name):
        found = []
        for line in self._kcat("-C", "-t", self._prefix + name, "-o", "beginning", "-e", "-q", "-J",
                               "-X", "check.crcs=true").splitlines():
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

    def _table(self, name, columns, service="stock"):
        return self._query(f"SELECT {columns} FROM {service}_{name}")

    def change(self, name, setting, key, service):
        """By hand, in the row of the lowest key."""
        table = f"{service}_{name}"
        connection = sqlite3.connect(self._file, timeout=30)
        with connection:
            connection.execute(f"UPDATE {table} SET {setting} WHERE {key} = "
                               f"(SELECT min({key}) FROM {table})")
        connection.close()

    def services(self):
        found = self._query("SELECT name FROM sqlite_master WHERE type = 'table' AND "
                            "name LIKE '%!_shards' ESCAPE '!' ORDER BY 1")
        return [name.removesuffix("_shards") for (name,) in found]

    def topics(self):
        return [name for (name,) in self._query("SELECT name FROM stream_topics ORDER BY 1")]

    def _ends(self, topics):
        return {(name, partition): self._query(
                    f'SELECT coalesce(max("offset") + 1, 0) FROM stream_log_{int(log)}')[0][0]
                for name, partition, log in self._query(
                    "SELECT t.name, l.partition, l.id FROM stream_logs l JOIN stream_topics t "
                    "ON t.id = l.topic_id")
                if name in topics}

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
