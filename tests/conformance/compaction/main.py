"""Writes the same records to a real Kafka and to Corelog, waits until both have cleaned, and compares what is left.

    main.py KAFKA_PORT CORELOG_PORT [SEED]

Environment: COMPACTION_KEYS (200); a million take some ten minutes and 8 GiB.
"""

import concurrent.futures
import os
import random
import sys
import threading
import time

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

TOPIC = "compacted"
CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
KEYS = int(os.environ.get("COMPACTION_KEYS", "200"))
ROUNDS = 4
# Over all codecs and rounds eight records a key, or what some minutes allow.
RECORDS_PER_CODEC = min(2 * KEYS, KEYS // 5 + 100_000)
SEGMENT_MS = 500
TOMBSTONE_MS = 1_500
PATIENCE_S = 40 + KEYS // 1000
CONFIG = {
    "cleanup.policy": "compact",
    "min.cleanable.dirty.ratio": "0",
    "segment.ms": str(SEGMENT_MS),
    "segment.bytes": "1048576",
    "delete.retention.ms": str(TOMBSTONE_MS),
}
FILLER = b"filler"


def workload(seed):
    """[(codec, [(key, value or nothing)])]: what is sent, in order."""
    chance = random.Random(seed)
    steps = []
    for _ in range(ROUNDS):
        codecs = CODECS[:]
        chance.shuffle(codecs)
        for codec in codecs:
            records = []
            for _ in range(RECORDS_PER_CODEC):
                key = b"key %d" % chance.randrange(KEYS)
                value = None if chance.random() < 0.12 else bytes(chance.randbytes(chance.randrange(1, 60)) * chance.randrange(1, 9))
                records.append((key, value))
            steps.append((codec, records))
    return steps


class Reader(threading.Thread):
    """Reads from the beginning, whenever it starts, while the topic is cleaned: never goes back, and sees the newest record of every key."""

    def __init__(self, name, bootstrap):
        super().__init__(daemon=True)
        self.name, self.bootstrap, self.newest, self.next, self.error = name, bootstrap, {}, 0, None
        self.end = None

    def run(self):
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": "reader", "enable.auto.commit": False, "fetch.wait.max.ms": 20})
        consumer.assign([TopicPartition(TOPIC, 0, 0)])
        deadline = time.monotonic() + PATIENCE_S * 2
        while self.end is None or self.next < self.end:
            if time.monotonic() > deadline:
                self.error = f"the reader stands at {self.next} of {self.end}"
                break
            for message in consumer.consume(1000, 0.1):
                if message.error():
                    continue
                if message.offset() < self.next:
                    self.error = f"offset {message.offset()} after {self.next}"
                    consumer.close()
                    return
                self.next = message.offset() + 1
                self.newest[message.key()] = message.offset()
        consumer.close()


class Side:
    """One broker."""

    def __init__(self, name, port):
        self.name, self.bootstrap, self.fillers = name, f"127.0.0.1:{port}", 0

    def send(self, codec, records):
        """Sends records, all acknowledged; gives their errors."""
        errors = []
        # Batches that fit into small segments.
        settings = {"enable.idempotence": True, "compression.type": codec, "linger.ms": 5, "batch.size": 262144}
        producer = Producer({"bootstrap.servers": self.bootstrap, **settings})
        for key, value in records:
            while True:
                try:
                    producer.produce(TOPIC, key=key, value=value, partition=0, on_delivery=lambda error, _: error and errors.append(error.name()))
                    break
                except BufferError:
                    producer.poll(0.05)
            producer.poll(0)
        producer.flush(PATIENCE_S)
        return errors

    def fill(self):
        """One record of a key of its own, after which the one before it may be cleaned."""
        time.sleep(SEGMENT_MS / 1000 + 0.1)
        self.fillers += 1
        assert not self.send("none", [(FILLER + b" %d" % self.fillers, b"x")])

    def end(self):
        """Where the partition ends."""
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": "ends"})
        low, high = consumer.get_watermark_offsets(TopicPartition(TOPIC, 0), timeout=PATIENCE_S)
        consumer.close()
        assert low == 0, f"{self.name} starts at {low}"
        return high

    def left(self):
        """{offset: (key, value)} of everything but fillers."""
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": "left", "enable.partition.eof": True, "enable.auto.commit": False})
        consumer.assign([TopicPartition(TOPIC, 0, 0)])
        found, deadline = {}, time.monotonic() + PATIENCE_S
        is_at_end = False
        while not is_at_end and time.monotonic() < deadline:
            for message in consumer.consume(1000, 1):
                is_at_end = is_at_end or bool(message.error())
                if not message.error() and not message.key().startswith(FILLER):
                    found[message.offset()] = (message.key(), message.value())
        consumer.close()
        return found

    def until(self, good):
        """What is left, once it is good."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            self.fill()
            found = self.left()
            if good(found):
                return found
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name}: {len(found)} records are left")

    def work(self, steps):
        """The whole load; gives what is left with tombstones and without."""
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        admin.create_topics([NewTopic(TOPIC, 1, 1, config=CONFIG)])[TOPIC].result(PATIENCE_S)
        readers = []
        newest, offset = {}, 0
        for number, (codec, records) in enumerate(steps):
            if number % len(CODECS) == 0:
                readers.append(Reader(self.name, self.bootstrap))
                readers[-1].start()
            assert not self.send(codec, records), self.name
            for key, value in records:
                newest[key] = (offset, value)
                offset += 1
            if number % len(CODECS) == len(CODECS) - 1:
                # Offsets of fillers are the same on both sides: they come at the same places.
                self.fill()
                offset += 1
        refused = self.send("none", [(None, b"no key")])
        cleaned = self.until(lambda found: len(found) == len({key for key, _ in found.values()}))
        for key, (offset, value) in newest.items():
            assert value is None or cleaned.get(offset) == (key, value), f"{self.name}: {key} at {offset} is lost: {cleaned.get(offset)}"
        time.sleep(TOMBSTONE_MS / 1000)
        values = self.until(lambda found: all(value is not None for _, value in found.values()))
        end = self.end()
        for number, reader in enumerate(readers, 1):
            reader.end = end
            reader.join()
            assert reader.error is None, f"{self.name}, reader {number}: {reader.error}"
            missed = [key for key, (offset, value) in newest.items() if value is not None and reader.newest.get(key) != offset]
            assert not missed, f"{self.name}: reader {number} missed the newest of {len(missed)} keys: {missed[:10]}"
        return refused, newest, values


def main():
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(1 << 32)
    print(f"seed {seed}")
    steps = workload(seed)
    sides = [Side("Kafka", sys.argv[1]), Side("Corelog", sys.argv[2])]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        (refused, newest, kafka), (own_refused, _, corelog) = pool.map(lambda side: side.work(steps), sides)
    expected = {offset: (key, value) for key, (offset, value) in newest.items() if value is not None}
    sent = sum(len(records) for _, records in steps)
    differences = [
        f"{what}: {left} and {right}"
        for what, left, right in [
            ("a record without a key", refused, own_refused),
            ("Kafka and what was sent last", sorted(kafka.items() ^ expected.items()), []),
            ("Corelog and what was sent last", sorted(corelog.items() ^ expected.items()), []),
        ]
        if left != right
    ]
    for difference in differences:
        print(difference)
    print(f"{sent} records of {len(newest)} keys sent, {len(expected)} left in both, refused without a key: {refused}")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
