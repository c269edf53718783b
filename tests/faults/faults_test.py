# label: slow
"""The real system, under load, while its parts are killed, stopped, starved and cut off;
and what it says of a start that cannot succeed.

Mostly they wait, for sessions that end and servers that come back: so a few at a time, each in a
process of its own. With names (`Surviving.test_…`) only those, in this one."""

import concurrent.futures
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

from programs import binary, free_port, try_start, until
from proxy import WAYS
from systems import Distributed, Embedded, FarServers, Servers, System, make_folder
from trials import Trial
from verdict import Row

KILLS = 3
DISK_MEGABYTES = 24
READY_AGAIN_SECONDS = 60
# Of the broker's link the one that is least like a killed broker; scripts/soak has them all.
HARD_TO_REACH = ("hole",)
LANES = 4
SUMMARY = re.compile(r"^(\d+) passed, (\d+) failed$", re.M)
# What mounts; those who are not root do it in a namespace where they are.
AS_ROOT = ["unshare", "--map-root-user", "--mount"]
MOUNTS = "full_disk"

# Started once, stopped at the end of the run.
servers = {}


def shared_servers():
    """Those that the environment names, or our own where it names none."""
    if "shared" not in servers:
        servers["shared"] = Servers()
        servers["shared"].start()
    return servers["shared"]


def tearDownModule():
    while servers:
        servers.popitem()[1].stop()


class Surviving(unittest.TestCase):
    """Load goes on; afterwards answers, tables and topics agree."""

    def conclude(self, trial):
        verdict = trial.verdict()
        print(Row.head() + "\n" + verdict.row.text(), flush=True)
        if verdict.findings:
            self.fail(verdict.findings.text())
        return verdict.row

    def test_one_process_killed_again_and_again_loses_and_repeats_nothing(self):
        with Embedded() as system:
            trial = Trial(system, seed=11, scale=40)
            with trial.under_load():
                trial.kill(KILLS)
            self.conclude(trial)
            self.assertIsNone(system.facts().damage())
            self.assertEqual(system.main.stop(), 0)

    def test_workers_and_ingress_killed_lose_and_repeat_nothing(self):
        with Distributed(shared_servers()) as system:
            trial = Trial(system, seed=12, scale=60)
            with trial.under_load():
                trial.kill(KILLS)
            self.conclude(trial)
            self.assertEqual([program.stop() for program in system.programs], [0, 0, 0])

    def test_a_row_changed_by_hand_raises_an_alarm_in_seconds_and_kills_raise_none(self):
        for system in (Embedded(), Distributed(shared_servers())):
            with self.subTest(system.mode), system:
                trial = Trial(system, seed=18, scale=60)
                with trial.under_load():
                    trial.kill(1)
                    trial.flow()
                    self.assertEqual(trial.alarms(), [])
                    print(f"{system.mode}: alarm after {trial.change_by_hand():.1f} s", flush=True)

    def test_a_worker_stopped_past_its_session_writes_nothing_when_it_goes_on(self):
        with Distributed(shared_servers()) as system:
            trial = Trial(system, seed=13, scale=60)
            with trial.under_load():
                trial.stop_past_session()
            self.conclude(trial)

    def test_workers_that_come_and_go_in_bursts_lose_and_repeat_nothing(self):
        with Distributed(shared_servers()) as system:
            trial = Trial(system, seed=17, scale=60)
            with trial.under_load():
                trial.rebalance()
            self.conclude(trial)

    def test_a_broker_that_comes_late_is_killed_and_is_hard_to_reach_is_survived(self):
        own = servers["kafka"] = FarServers("kafka")
        own.start_database()
        system = Distributed(own)
        try:
            system.make_programs()
            for program in system.programs:
                program.start()
            for program in system.programs:
                self.expect_trouble(program, own.reached[0])
            own.start_broker()
            system.wait_ready()
            trial = Trial(system, seed=14, scale=60)
            with trial.under_load():
                trial.crash_broker()
                trial.spoil_links(len(HARD_TO_REACH), HARD_TO_REACH)
            trial.row.faults = f"broker kill -9 × 1, its link spoilt × {len(HARD_TO_REACH)}"
            self.conclude(trial)
        finally:
            system.__exit__()

    def test_a_database_stopped_at_once_and_hard_to_reach_is_survived(self):
        own = servers["postgres"] = FarServers("postgres")
        with Distributed(own.start()) as system:
            trial = Trial(system, seed=16, scale=60)
            with trial.under_load():
                trial.crash_database()
                trial.spoil_links(len(WAYS))
            trial.row.faults = f"PostgreSQL immediate stop × 1, its link spoilt × {len(WAYS)}"
            self.conclude(trial)

    def expect_trouble(self, program, address):
        """It stays up, and says what it waits for."""
        until(READY_AGAIN_SECONDS, f"{program.name} says that it waits for {address}",
              lambda: address in program.answer("/readyz?verbose")[1])
        self.assertEqual(program.answer("/readyz")[0], 503)
        self.assertEqual(program.answer("/livez")[0], 200)
        self.assertTrue(program.running())

    def test_a_full_disk_is_refused_with_503_and_all_goes_on_when_there_is_room(self):
        with SmallDisk() as disk, Embedded(disk.folder) as system:
            trial = Trial(system, seed=15, scale=40)
            with trial.under_load():
                disk.fill()
                until(READY_AGAIN_SECONDS, "orders are refused with 503",
                      lambda: any(attempt.status == 503 for attempt in trial.journal.attempts))
                self.assertTrue(system.main.running())
                disk.free()
                trial.flow()
                trial.row.faults = "disk full × 1"
            self.conclude(trial)
            self.assertEqual(system.main.stop(), 0)


class SmallDisk:
    """A file system of a few megabytes, full on demand."""

    def __enter__(self):
        if os.geteuid() != 0:
            raise AssertionError("only root can mount a small tmpfs: run this as root, or with `" +
                                 " ".join(AS_ROOT) + "`")
        self.folder = pathlib.Path(make_folder())
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MEGABYTES}m", "tmpfs",
                        self.folder], check=True)
        return self

    def __exit__(self, *_):
        # Lazily: where a program was killed a moment ago, the kernel may still hold its files.
        subprocess.run(["umount", "--lazy", self.folder], check=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def fill(self):
        with open(self.folder / "filler", "wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(bytes(65_536))
            except OSError:
                pass

    def free(self):
        (self.folder / "filler").unlink()


class Refusing(unittest.TestCase):
    """A start that cannot succeed ends at once, with an exit code and a reason that helps."""

    def refused(self, words, *expected, code=1):
        got, text = try_start(words)
        self.assertEqual(got, code, text)
        for part in expected:
            self.assertIn(str(part), text)

    def test_a_port_in_use_is_named(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            with Idle() as system:
                self.refused([binary("dropline"), "serve", "--dev", "--data-dir", system.data,
                              "--http-address", f"127.0.0.1:{port}"], f"127.0.0.1:{port}", "in use")

    def test_a_second_process_on_the_same_file_is_refused_and_harms_nothing(self):
        with Embedded() as system:
            second = [binary("dropline"), "serve", "--dev", "--data-dir", system.data,
                      "--http-address", f"127.0.0.1:{free_port()}"]
            self.refused(second, "dropline.db", system.main.process.pid)
            self.assertTrue(system.main.ready())

    def test_a_damaged_database_is_refused(self):
        with Idle() as system:
            (system.data / "dropline.db").write_bytes(b"this is no database\n" * 4_096)
            self.refused([binary("dropline"), "serve", "--dev", "--data-dir", system.data,
                          "--http-address", f"127.0.0.1:{free_port()}"],
                         "dropline.db", "not a database")

    def test_an_unknown_flag_is_refused_with_the_nearest_name(self):
        for name, words in (("dropline", ["serve"]), ("dropline-ingress", []),
                            ("dropline-worker", ["stock"])):
            with self.subTest(name):
                self.refused([binary(name), *words, "--http-adress=127.0.0.1:1"],
                             "--http-adress", "--http-address", code=2)

    def test_an_unknown_key_of_the_file_is_refused_with_the_nearest_name(self):
        with Idle() as system:
            file = system.folder / "dropline.toml"
            file.write_text('[http]\nadress = "127.0.0.1:8080"\n')
            self.refused([binary("dropline"), "serve", "--config", file], "http.adress",
                         "address", file, code=2)

    def test_topics_with_another_number_of_partitions_are_refused_with_both_numbers(self):
        with Distributed(shared_servers(), partitions=4) as system:
            first = system.programs[0]
            first.kill()
            system.partitions = 16
            self.refused(system.words("dropline-worker", "stock"), "has 4 partitions", "16")
            self.refused(system.words("dropline-ingress", "--http-address",
                                      f"127.0.0.1:{free_port()}"), "has 4 partitions", "16")


class Idle(System):
    """A folder without a program."""

    mode = "none"

    def start(self):
        return self


def interrupted(_number, _frame):
    raise KeyboardInterrupt  # so that what was started is stopped


def run_here(names):
    module = sys.modules[__name__]
    loader = unittest.defaultTestLoader
    suite = (loader.loadTestsFromNames(names, module) if names else
             loader.loadTestsFromModule(module))
    try:
        result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite)
    finally:
        tearDownModule()  # which unittest leaves out when it is interrupted
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    print(f"{result.testsRun - failed} passed, {failed} failed")
    return 1 if failed else 0


class Lanes:
    """Runs tests side by side and tells of each when it has ended."""

    def __init__(self):
        self._running = set()
        self._stopped = False
        self.passed = self.failed = 0

    def run(self, names):
        with concurrent.futures.ThreadPoolExecutor(LANES) as pool:
            try:
                for done in concurrent.futures.as_completed(pool.submit(self._run_one, name)
                                                            for name in names):
                    self._tell(*done.result())
            except BaseException:
                self._stop()
                raise

    def _run_one(self, name):
        words = [sys.executable, __file__, name]
        if MOUNTS in name and os.geteuid() != 0:
            words = AS_ROOT + words
        with tempfile.TemporaryFile("w+", errors="replace") as output:
            if self._stopped:
                return name, "not run"
            process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=output,
                                       stderr=subprocess.STDOUT)
            self._running.add(process)
            process.wait()
            self._running.discard(process)
            output.seek(0)
            return name, output.read()

    def _tell(self, name, text):
        counts = SUMMARY.findall(text)
        passed, failed = map(int, counts[-1]) if counts else (0, 1)
        self.passed += passed
        self.failed += failed
        print(f"== {name}\n{SUMMARY.sub('', text).strip()}\n", flush=True)

    def _stop(self):
        self._stopped = True
        for process in list(self._running):
            process.terminate()


def run_all():
    loader = unittest.defaultTestLoader
    names = [f"Surviving.{name}" for name in loader.getTestCaseNames(Surviving)] + ["Refusing"]
    given = Servers()
    given.start()
    lanes = Lanes()
    try:
        os.environ.update(DROPLINE_TEST_KAFKA=given.brokers, DROPLINE_TEST_POSTGRESQL=given.url)
        lanes.run(names)
    finally:
        given.stop()
    print(f"{lanes.passed} passed, {lanes.failed} failed")
    return 1 if lanes.failed else 0


def main():
    signal.signal(signal.SIGTERM, interrupted)
    return run_here(sys.argv[1:]) if sys.argv[1:] else run_all()


if __name__ == "__main__":
    sys.exit(main())
