"""Dumps of topics, past the shop: SQLite by libs/stream/sqlite/FORMAT.md, Kafka by kcat."""

import collections
import concurrent.futures
import json
import pathlib
import sqlite3
import subprocess

READ_SECONDS = 120
MOST_READERS = 4

# `time` is the log's own, in ms; `value` is what its bytes say as JSON.
Record = collections.namedtuple("Record", "topic partition offset time key headers value")
Record.type = property(lambda self: self.headers.get("ce_type"))
Record.id = property(lambda self: (self.headers.get("ce_source"), self.headers.get("ce_id")))


class DumpFailed(Exception):
    pass


def parsed(value):
    try:
        return json.loads(value) if value else None
    except ValueError:
        return None


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
    headers = {}
    if not data:
        return headers
    count, at = varint(data, 0)
    for _ in range(count):
        size, at = varint(data, at)
        name = data[at:at + size].decode()
        size, at = varint(data, at + size)
        if size:
            headers[name] = data[at:at + size - 1].decode()
            at += size - 1
    return headers


class SqliteLog:
    """One file, read-only, as of one moment."""

    def __init__(self, file):
        self._file = pathlib.Path(file)

    def dump(self, topics):
        """topic -> its records by partition and offset."""
        try:
            database = sqlite3.connect(f"{self._file.absolute().as_uri()}?mode=ro", uri=True,
                                       timeout=30, isolation_level=None)
            database.execute("BEGIN")
            try:
                return {topic: self._topic(database, topic) for topic in topics}
            finally:
                database.close()
        except sqlite3.Error as error:
            raise DumpFailed(f"{self._file}: {error}") from error

    @staticmethod
    def _topic(database, topic):
        logs = database.execute(
            "SELECT l.partition, l.id FROM stream_logs l JOIN stream_topics t ON t.id = l.topic_id "
            "WHERE t.name = ? ORDER BY l.partition", (topic,)).fetchall()
        return [Record(topic, partition, offset, time, bytes(key).decode(), parse_headers(headers),
                       parsed(value))
                for partition, log in logs
                for offset, time, key, headers, value in database.execute(
                    'SELECT "offset", append_time, key, headers, value '
                    f'FROM stream_log_{int(log)} ORDER BY "offset"')]


class KafkaLog:
    def __init__(self, brokers, prefix=""):
        self._brokers = brokers
        self._prefix = prefix

    def dump(self, topics):
        # Each call waits for the broker more than it works.
        with concurrent.futures.ThreadPoolExecutor(MOST_READERS) as pool:
            return dict(zip(topics, pool.map(self._topic, topics)))

    def _topic(self, topic):
        try:
            done = subprocess.run(
                ["kcat", "-b", self._brokers, "-C", "-t", self._prefix + topic, "-o", "beginning",
                 "-e", "-q", "-J", "-X", "check.crcs=true"],
                capture_output=True, timeout=READ_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise DumpFailed(f"kcat: {error}") from error
        if done.returncode:
            raise DumpFailed(f"kcat, {topic}: {done.stderr.decode(errors='replace').strip()}")
        found = []
        for line in done.stdout.splitlines():
            read = json.loads(line)
            names = read.get("headers") or []
            found.append(Record(topic, read["partition"], read["offset"], read["ts"], read["key"],
                                dict(zip(names[::2], names[1::2])), parsed(read["payload"])))
        found.sort(key=lambda record: (record.partition, record.offset))
        return found


def first_copies(records):
    """Without what the log holds a second time; a copy has the source and id of the first."""
    seen = set()
    return [record for record in records if not (record.id in seen or seen.add(record.id))]
