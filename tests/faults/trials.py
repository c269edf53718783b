"""A trial: the system under load while faults happen, then rest, then the verdict."""

import contextlib
import random
import signal
import time

from load import Crowd, Goods
from programs import Trouble, until
from proxy import WAYS
from verdict import Row, Verdict

# What must be answered between two faults, so that every one of them meets a system at work.
FLOWING = 20
FLOW_SECONDS = 90
# Up to this long after that, the next fault comes.
LULL_SECONDS = {"embedded": 1.5, "distributed": 4.0}
SESSION_SECONDS = 6  # session.timeout.ms of our consumers
# Workers that come and go in one burst, and how long each stays.
BURST = 4
STAY_SECONDS = 2.5
# An error line of the audit that watches the system at work, and how soon it must come.
ALARM = "an invariant is broken"
ALARM_SECONDS = {"embedded": 10, "distributed": 30}
# How long a link stays spoilt: with some luck past a session.
SPOILT_SECONDS = 9


class Trial:
    """Load on a system; what its faults are is up to the caller."""

    def __init__(self, system, *, seed=0, scale=300, **crowd):
        self.system = system
        self.chance = random.Random(seed)
        self.goods = Goods(scale)
        self.goods.put_on_sale(system)
        self.crowd = Crowd(system, self.goods, seed=seed, **crowd)
        self.journal = self.crowd.journal
        self.row = Row(system.mode, "")
        self._fenced = {}
        self.expected_alarms = 0

    @contextlib.contextmanager
    def under_load(self):
        began = time.monotonic()
        with self.crowd:
            self.flow()
            yield self
            self.note_fenced()
            self.flow()
        self.row.seconds = round(time.monotonic() - began)
        if self.crowd.broken():
            raise Trouble(f"shoppers broke: {self.crowd.broken()}")

    def flow(self, count=FLOWING):
        """Waits until that many more requests have succeeded."""
        goal = self.journal.succeeded() + count
        until(FLOW_SECONDS, f"{count} more answers; {self.stories()}",
              lambda: self.journal.succeeded() >= goal)

    def stories(self):
        return "\n".join(f"{program.name}: {program.answer('/readyz?verbose')[1]}\n"
                         f"{program.story()}" for program in self.system.programs)

    def lull(self):
        self.wait(LULL_SECONDS[self.system.mode])

    def wait(self, longest):
        """A random time."""
        until(60, "the time is over", Deadline(self.chance.uniform(0, longest)))

    def kill_and_restart(self):
        """kill -9 of one or two of ours at a random moment."""
        self.flow()
        self.lull()
        self.note_fenced()
        name, victims = self.chance.choice(self.system.victims())
        for victim in victims:
            victim.kill()
        for victim in victims:
            victim.start()
        if any(victim.http_port for victim in victims):
            for victim in victims:
                victim.wait_ready()
        return name

    def kill(self, times, tell=lambda done: None):
        for done in range(times):
            self.kill_and_restart()
            tell(done + 1)
        self.row.faults = f"kill -9 × {times}"

    def stop_past_session(self, times=1):
        """SIGSTOP of a worker until another owns its shards, then SIGCONT."""
        for _ in range(times):
            victim, other = self.chance.sample(self.system.workers, 2)
            until(60, "both workers have shards", self.system.shared)
            self.flow()
            before = self.system.facts().epochs()
            victim.signal(signal.SIGSTOP)
            try:
                until(SESSION_SECONDS * 8, "the other worker runs every shard",
                      lambda: self.system.runs_all(other))
                self.flow()
                taken = self.system.facts().epochs()
            finally:
                victim.signal(signal.SIGCONT)
            assert all(taken[shard] >= before[shard] for shard in before), (before, taken)
            assert any(taken[shard] > before[shard] for shard in before), (before, taken)
            until(60, "both workers share again", self.system.shared)
            self.flow()
        self.row.faults = f"SIGSTOP × {times}"

    def crash_broker(self, times=1):
        """kill -9 of the broker, which comes back on the same port."""
        self._crash(self.system.servers.kafka, times)
        self.row.faults = f"broker kill -9 × {times}"

    def crash_database(self, times=1):
        """Immediate stop of PostgreSQL, which recovers and comes back on the same port."""
        self._crash(self.system.servers.postgres, times)
        self.row.faults = f"PostgreSQL immediate stop × {times}"

    def _crash(self, server, times):
        for _ in range(times):
            self.flow()
            self.lull()
            before = [program.process.pid for program in self.system.programs]
            server.crash()
            server.start()
            self.system.wait_ready()
            # Survived without a restart of ours.
            assert before == [program.process.pid for program in self.system.programs]

    def rebalance(self, times=1):
        """Bursts of workers that join and leave, in order or by kill -9, one upon the other."""
        for _ in range(times):
            self.flow()
            spares = [self.system.make_worker(f"spare-{number}") for number in range(BURST)]
            try:
                for number, spare in enumerate(spares):
                    spare.start()
                    self.wait(STAY_SECONDS)
                    if number:
                        self.send_away(spares[number - 1])
                self.send_away(spares[-1])
            finally:
                for spare in spares:
                    spare.kill()
                    self.system.programs.remove(spare)
            until(60, "both workers share again", self.system.shared)
        self.row.faults = f"bursts of {BURST} joins × {times}"

    def send_away(self, spare):
        if self.chance.random() < 0.5:
            spare.kill()
        elif code := spare.stop():
            raise Trouble(f"{spare.name} ended with {code}:\n{spare.story()}")

    def spoil_links(self, times=1, ways=WAYS):
        """The way to the broker or to the database delays, slices, blocks, cuts or resets."""
        links = list(self.system.servers.links.values())
        for number in range(times):
            self.flow()
            link = links[number % len(links)]
            link.take(ways[number % len(ways)])
            try:
                self.wait(SPOILT_SECONDS)
            finally:
                link.take("pass")
            self.system.wait_ready()
        self.row.faults = f"spoilt links × {times}"

    def note_fenced(self):
        """Counters die with their process: they are summed up before it does."""
        for worker in self.system.workers:
            count = worker.metric("dropline_worker_fenced_total")
            if count is not None:
                self._fenced[(worker.name, worker.starts)] = int(count)
        self.row.fenced = sum(self._fenced.values())

    def alarms(self):
        """What the auditors that watch the system at work have said."""
        return [line for program in self.system.programs if program.log.exists()
                for line in program.log.read_text(errors="replace").splitlines() if ALARM in line]

    def change_by_hand(self):
        """A total of an order changed in the table, under load; seconds until the alarm."""
        before = len(self.alarms())
        self.system.facts().change("orders", "total = total + 1", "order_id", "stock")
        began = time.monotonic()
        until(ALARM_SECONDS[self.system.mode], "the auditor raises an alarm",
              lambda: len(self.alarms()) > before)
        took = time.monotonic() - began
        self.system.facts().change("orders", "total = total - 1", "order_id", "stock")
        return took

    def verdict(self):
        verdict = Verdict(self.system, self.goods, self.journal, self.row)
        for line in self.alarms()[self.expected_alarms:]:
            verdict.findings.add("a false alarm of the auditor", line)
            self.row.violations += 1
        return verdict


class Deadline:
    """True once so many seconds are over."""

    def __init__(self, seconds):
        self._at = time.monotonic() + seconds

    def __call__(self):
        return time.monotonic() >= self._at
