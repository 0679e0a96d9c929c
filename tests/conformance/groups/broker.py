"""The broker under test, the producer that feeds it (librdkafka's), and the watch over a group's offsets."""

import pathlib
import subprocess
import threading
import time

from administrator import Unanswered
from confluent_kafka import Producer

HARNESS = pathlib.Path(__file__).resolve().parents[2] / "harness" / "broker"


class Broker:
    """Starts, kills and restarts one broker."""

    def __init__(self, directory, port, settings):
        self.directory = directory
        self.port = port
        self.settings = settings
        self.bootstrap = f"127.0.0.1:{port}"

    def start(self):
        """Starts it and waits until it answers."""
        settings = [f"{name}={value}" for name, value in self.settings.items()]
        subprocess.run([HARNESS, "start", self.directory, str(self.port), *settings], check=True, stdout=subprocess.DEVNULL)

    def kill_and_restart(self):
        """SIGKILL, and at once a new process on the same data."""
        subprocess.run([HARNESS, "kill", self.directory], check=True)
        self.start()

    def stop(self):
        """SIGTERM; an error when it does not end in good order."""
        subprocess.run([HARNESS, "stop", self.directory], check=True)


class Feed:
    """Produces to every partition of a topic until told to stop; acknowledged by all, no record twice."""

    def __init__(self, bootstrap, topic, partitions, interval_seconds):
        self.topic = topic
        self.interval_seconds = interval_seconds
        self.ends = dict.fromkeys(range(partitions), 0)
        self.failures = []
        self.producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "enable.idempotence": True,
                "linger.ms": 2,
                "reconnect.backoff.max.ms": 200,
                "message.timeout.ms": 120_000,
                "log_level": 0,
            }
        )
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.stopping.wait(self.interval_seconds):
            for partition in self.ends:
                self.producer.produce(self.topic, value=b"record", partition=partition, on_delivery=self._delivered)
            self.producer.poll(0)
        self.producer.flush(120)

    def _delivered(self, error, message):
        partition = message.partition()
        if error is not None:
            self.failures.append(f"partition {partition}: not produced: {error}")
            return
        if message.offset() != self.ends[partition]:
            self.failures.append(f"partition {partition}: record {self.ends[partition]} was acknowledged at {message.offset()}")
        self.ends[partition] += 1

    def finish(self):
        """Ends it; {partition: end} of what was acknowledged."""
        self.stopping.set()
        self.thread.join()
        return self.ends


class Watch:
    """Asks for the offsets of a group again and again, into its history."""

    def __init__(self, administrator, group, history, interval_seconds):
        self.administrator = administrator
        self.group = group
        self.history = history
        self.interval_seconds = interval_seconds
        self.one_at_a_time = threading.Lock()
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.stopping.wait(self.interval_seconds):
            self.once()

    def once(self):
        """One question at a time, as their order counts; the offsets, or nothing while the broker is away."""
        with self.one_at_a_time:
            asked_ms = time.time() * 1000
            try:
                offsets = self.administrator.offsets(self.group)
            except Unanswered:
                return None
            self.history.sample(asked_ms, offsets)
            return offsets

    def finish(self):
        """Ends it."""
        self.stopping.set()
        self.thread.join()
