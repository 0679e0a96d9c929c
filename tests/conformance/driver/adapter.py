"""What the Python adapters share: reading manifests, writing what was acknowledged and read, running named checks."""

import base64
import json
import os
import pathlib
import sys
import time
import traceback

import compare

BOOTSTRAP = os.environ["BOOTSTRAP"]
# A reader gives up when nothing has come for this long.
QUIET_SECONDS_MAX = 60


class Record:
    """One record of a manifest, decoded."""

    __slots__ = ("flush", "headers", "key", "partition", "timestamp", "value")

    def __init__(self, line):
        self.partition = line["p"]
        self.key = decode(line["k"])
        self.value = decode(line["v"])
        self.headers = [(name, decode(content)) for name, content in line["h"]]
        self.timestamp = line["t"]
        self.flush = line["flush"]


class Manifest:
    """One topic and the records to produce to it."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            header = json.loads(file.readline())
            self.records = [Record(json.loads(line)) for line in file]
        self.topic = header["topic"]
        self.partitions = header["partitions"]
        self.codec = header["codec"]
        self.acks = header["acks"]
        self.idempotent = header["idempotent"]
        self.configs = header["configs"]


def decode(text):
    """Bytes of base64, None for None."""
    return None if text is None else base64.b64decode(text)


def manifests(folder, client):
    """The manifests of a client, in the order in which they are to be produced."""
    return [Manifest(path) for path in sorted((pathlib.Path(folder) / "produce" / client).glob("*.jsonl"))]


def write_acks(folder, topic, places):
    """Writes the (partition, offset) of each record, in the order of the manifest."""
    with open(pathlib.Path(folder) / "acks" / f"{topic}.jsonl", "w", encoding="utf-8") as file:
        for index, (partition, offset) in enumerate(places):
            file.write(json.dumps({"i": index, "p": partition, "o": offset}) + "\n")


def topics_to_read(folder):
    """{topic: number of partitions} of everything that was produced."""
    listed = json.loads((pathlib.Path(folder) / "topics.json").read_text())
    return {topic["topic"]: topic["partitions"] for topic in listed}


class ReadFiles:
    """Writes what was read, one file per topic, and knows which partitions still have something to come."""

    def __init__(self, folder, client, ends):
        """`ends` maps (topic, partition) to the offset after the last record."""
        self.files = {}
        for topic in {topic for topic, _ in ends}:
            path = pathlib.Path(folder) / "read" / client / f"{topic}.jsonl"
            self.files[topic] = open(path, "w", encoding="utf-8")  # noqa: SIM115
        self.missing = {place: end for place, end in ends.items() if end > 0}
        self.last = time.monotonic()

    def row(self, topic, partition, offset, timestamp, key, value, headers):
        """Writes one record; `headers` are (name, bytes) pairs, or text that the client printed."""
        self.last = time.monotonic()
        shown = headers if isinstance(headers, str) else [[name, compare.digest(content)] for name, content in headers]
        line = {"p": partition, "o": offset, "t": timestamp, "k": compare.digest(key), "v": compare.digest(value), "h": shown}
        self.files[topic].write(json.dumps(line) + "\n")
        if offset + 1 >= self.missing.get((topic, partition), sys.maxsize):
            del self.missing[topic, partition]

    def unfinished(self):
        """True while records are missing; raises when none has come for too long."""
        if self.missing and time.monotonic() - self.last > QUIET_SECONDS_MAX:
            raise TimeoutError(f"no record for {QUIET_SECONDS_MAX} s, missing {self.missing}")
        return bool(self.missing)

    def close(self):
        """Closes every file."""
        for file in self.files.values():
            file.close()


class Checks:
    """Runs checks by name and prints what came of them."""

    def outcome(self, name, error=None):
        """Prints one line for the driver."""
        if error is None:
            print(f"pass {name}", flush=True)
        else:
            text = f"{type(error).__name__}: {error}".replace("\n", " ")
            print(f"fail {name}: {text}", flush=True)
            traceback.print_exception(error, file=sys.stderr)

    def run(self, name, function):
        """One check that is a plain function."""
        try:
            function()
            self.outcome(name)
        except Exception as error:  # noqa: BLE001
            self.outcome(name, error)

    async def run_async(self, name, function):
        """One check that is a coroutine function."""
        try:
            await function()
            self.outcome(name)
        except Exception as error:  # noqa: BLE001
            self.outcome(name, error)


def equal(found, wanted):
    """Fails a check unless both are equal."""
    if found != wanted:
        raise AssertionError(f"found {found!r:.300}, wanted {wanted!r:.300}")


def eventually(function, seconds=20):
    """Repeats a check until it holds: Kafka answers admin requests before all of it knows."""
    until = time.monotonic() + seconds
    while True:
        try:
            return function()
        except Exception:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def refused(function, *, containing):
    """The function must raise, and the error must name what is wanted."""
    try:
        result = function()
    except Exception as error:  # noqa: BLE001
        text = f"{type(error).__name__} {error!r} {error}"
        if containing not in text:
            raise AssertionError(f"refused with {text:.300}, wanted {containing}") from error
        return
    raise AssertionError(f"accepted ({result!r:.200}), wanted {containing}")
