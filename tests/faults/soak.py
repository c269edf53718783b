"""Rounds of faults until so many were had; scripts/soak is its command line."""

import argparse
import collections
import json
import pathlib
import signal
import sys

from programs import ROOT, Trouble
from systems import Distributed, Embedded, FarServers, Servers
from trials import Trial
from verdict import Row

FOLDER = ROOT / "build" / "soak"
# So that orders go on selling out through a long round.
UNITS_A_FAULT = 60


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/soak")
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--others", type=int, default=30)
    parser.add_argument("--round", type=int, default=25)
    parser.add_argument("--mode", choices=["embedded", "distributed", "all"], default="all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--folder", type=pathlib.Path, default=FOLDER, help=argparse.SUPPRESS)
    return parser.parse_args()


def plan(asked):
    """(mode, fault, how many) of every round, always in the same order."""
    faults = {"embedded": [("kill", asked.kills)],
              "distributed": [("kill", asked.kills), ("stop_past_session", asked.others),
                              ("crash_broker", asked.others), ("crash_database", asked.others),
                              ("rebalance", asked.others), ("spoil_links", asked.others)]}
    for mode in faults if asked.mode == "all" else [asked.mode]:
        for fault, times in faults[mode]:
            for done in range(0, times, asked.round):
                yield mode, fault, min(asked.round, times - done)


class Soak:
    """Rounds, what was finished of them, and the servers of distributed ones."""

    def __init__(self, asked):
        self.asked = asked
        self.servers = {}
        asked.folder.mkdir(parents=True, exist_ok=True)
        self.rows_file = asked.folder / "rows.jsonl"
        if not asked.resume:
            self.rows_file.unlink(missing_ok=True)
        self.rows = []
        if self.rows_file.exists():
            self.rows = [json.loads(line) for line in self.rows_file.read_text().splitlines()]

    def system(self, mode, fault):
        if mode == "embedded":
            return Embedded()
        far = fault == "spoil_links"
        if far not in self.servers:
            kind = FarServers if far else Servers
            self.servers[far] = kind("kafka", "postgres")
            self.servers[far].start()
        return Distributed(self.servers[far])

    def run(self):
        rounds = list(plan(self.asked))
        print(Row.head(), flush=True)
        for number, (mode, fault, times) in enumerate(rounds):
            if number < len(self.rows):
                print(Row(**self.rows[number]).text(), flush=True)
                continue
            row = self.round(mode, fault, times, self.asked.seed + number)
            self.rows.append(vars(row))
            with open(self.rows_file, "a", encoding="utf-8") as rows:
                rows.write(json.dumps(vars(row)) + "\n")
        self.sum_up()
        return 1 if any(row["violations"] for row in self.rows) else 0

    def round(self, mode, fault, times, seed):
        with self.system(mode, fault) as system:
            trial = Trial(system, seed=seed, scale=UNITS_A_FAULT * times)
            with trial.under_load():
                getattr(trial, fault)(times)
            verdict = trial.verdict()
            print(verdict.row.text(), flush=True)
            if verdict.findings:
                kept = self.asked.folder / f"journal-seed-{seed}.jsonl"
                kept.write_bytes((system.folder / "journal.jsonl").read_bytes())
                print(f"seed {seed}, {kept}:\n{verdict.findings.text()}", flush=True)
            return verdict.row

    def sum_up(self):
        sums = collections.defaultdict(list)
        for row in self.rows:
            fault = row["faults"].rsplit(" × ", 1)[0]
            sums[(row["mode"], fault)].append(row)
        print("\nin sum:\n" + Row.head())
        for (mode, fault), rows in sums.items():
            times = sum(int(row["faults"].rsplit(" × ", 1)[1]) for row in rows)
            whole = Row(mode, f"{fault} × {times}")
            for name in vars(whole):
                if name not in ("mode", "faults"):
                    setattr(whole, name, sum(row[name] for row in rows))
            print(whole.text(), flush=True)

    def close(self):
        for servers in self.servers.values():
            servers.stop()


def interrupted(_number, _frame):
    raise KeyboardInterrupt


def main():
    signal.signal(signal.SIGTERM, interrupted)
    soak = Soak(arguments())
    try:
        return soak.run()
    except KeyboardInterrupt:
        print("interrupted; --resume goes on", flush=True)
        return 130
    except Trouble as trouble:
        print(f"soak: {trouble}", flush=True)
        return 1
    finally:
        soak.close()


if __name__ == "__main__":
    sys.exit(main())
