#!/usr/bin/env python3
"""Proves, or refutes, the outcome of a sale: from the answers its shoppers got and a dump of the
topics alone, by a second implementation of the rules (prove_rules.py).

  prove.py JOURNAL --log-file dropline.db                          embedded
  prove.py JOURNAL --brokers HOST:PORT [--topics-prefix PREFIX]    distributed

Exit code: 0 proved, 1 refuted, 2 could not be read. --keep DIR writes the dump there as JSON lines.
"""

import argparse
import collections
import json
import pathlib
import sys
import time

from prove_claims import DEAD, TOPICS, Case, check_all
from prove_log import DumpFailed, KafkaLog, SqliteLog
from prove_rules import Drop

REST_SECONDS = 30
PAUSE_SECONDS = 0.5
SHOWN = 8


def arguments():
    parser = argparse.ArgumentParser(prog="prove.py", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("journal", type=pathlib.Path)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--log-file", type=pathlib.Path)
    where.add_argument("--brokers")
    parser.add_argument("--topics-prefix", default="")
    parser.add_argument("--rest-seconds", type=float, default=REST_SECONDS)
    parser.add_argument("--keep", type=pathlib.Path)
    return parser.parse_args()


def read_journal(path):
    """One `sale`; lists of `answer`, `final`, `wallet`, `charge`."""
    journal = collections.defaultdict(list)
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            entry = json.loads(line)
            journal[entry.pop("entry")].append(entry)
    if len(journal["sale"]) != 1:
        raise ValueError(f"{path} does not tell of one sale")
    journal["sale"] = journal["sale"][0]
    return journal


def replay(dump, drop):
    """The drop from its partition: the one that its records are in."""
    partitions = collections.defaultdict(list)
    for record in dump["orders.commands"]:
        if record.value and record.value.get("drop") == drop:
            partitions[record.partition].append(record)
    if len(partitions) > 1:
        raise ValueError(f"the drop's records are in partitions {sorted(partitions)}")
    return Drop(drop).replay(next(iter(partitions.values()), []))


def at_rest(case):
    """Whether services have said all they will: differences then are no lag."""
    stock = case.of_drop("stock.events")
    said = {(record.value["place"]["partition"], record.value["place"]["offset"])
            for record in stock}
    public = {record.value["order_id"] for record in case.of_drop("orders.events")
              if record.type not in ("OrderReserved", "OrderAwaitingPayment")}
    granted = {record.value["order_id"] for record in stock if record.type == "StockReserved"}
    closed = {record.value["order_id"] for record in stock if record.type == "UnitsReleased"}
    closed |= {order for record in stock if record.type == "UnitsSettled"
               for order in record.value["orders"]}
    return said >= set(case.placed) and public >= set(case.drop.orders) and closed >= granted


def dump_at_rest(log, journal, seconds):
    deadline = time.monotonic() + seconds
    while True:
        dump = log.dump(TOPICS)
        case = Case(journal, dump, replay(dump, journal["sale"]["drop"]))
        if at_rest(case) or time.monotonic() > deadline:
            dump.update(log.dump(DEAD))
            return case
        time.sleep(PAUSE_SECONDS)


def keep(dump, folder):
    folder.mkdir(parents=True, exist_ok=True)
    for topic, records in dump.items():
        with open(folder / f"{topic}.jsonl", "w", encoding="utf-8") as out:
            for record in records:
                out.write(json.dumps(record._asdict(), ensure_ascii=False) + "\n")


def report(findings, out=sys.stdout):
    width = max(len(what) for what, *_ in findings.rows)
    for what, count, words, bad in findings.rows:
        mark = "✓" if not bad else "✗"
        words = words if not bad else f"{bad:,} difference{'s' if bad > 1 else ''}"
        print(f"  {mark} {what:<{width}} {count:>7,}  {words}", file=out)
    if findings.differences:
        print("\n  The first differences:", file=out)
        for text in findings.differences[:SHOWN]:
            print(f"    {text}", file=out)
        if len(findings.differences) > SHOWN:
            print(f"    … and {len(findings.differences) - SHOWN:,} more", file=out)


def main():
    asked = arguments()
    try:
        journal = read_journal(asked.journal)
        log = (SqliteLog(asked.log_file) if asked.log_file else
               KafkaLog(asked.brokers, asked.topics_prefix))
        case = dump_at_rest(log, journal, asked.rest_seconds)
        if asked.keep:
            keep(case.dump, asked.keep)
        findings = check_all(case)
    except (OSError, ValueError, KeyError, DumpFailed) as error:
        print(f"prove.py: {error!r}", file=sys.stderr)
        return 2
    report(findings)
    print(f"\n  {'NOT PROVED' if findings.differences else 'PROVED'}", flush=True)
    return 1 if findings.differences else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
