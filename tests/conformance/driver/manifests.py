"""What each client is asked to produce: one manifest per topic, the same on every run.

A manifest is a file of JSON lines. The first line describes the topic and how to produce; each further line is one record:
  p partition, k key and v value (base64 or null), h headers ([name, base64 or null] pairs), t timestamp in ms (null: the client's own),
  flush: wait until everything sent so far is acknowledged before going on (so a record between two flushes is a batch of its own).
"""

import base64
import hashlib
import json
import random

PARTITIONS = 3
# 2024-05-06T07:08:09.123Z: an arbitrary time that no clock of a test run shows.
EPOCH_MS = 1714979289123
BIG_MESSAGE_BYTES = 12_000_000
RECODE = {"none": "gzip", "gzip": "lz4", "snappy": "zstd", "lz4": "snappy", "zstd": "uncompressed"}


def encode(data):
    """Base64 of bytes, None for None."""
    return None if data is None else base64.b64encode(data).decode("ascii")


def record(partition, key, value, headers=(), timestamp=None, flush=False):
    """One line of a manifest."""
    return {
        "p": partition,
        "k": encode(key),
        "v": encode(value),
        "h": [[name, encode(content)] for name, content in headers],
        "t": timestamp,
        "flush": flush,
    }


class Generator:
    """Manifests of one client, within what the client can express (its client.json)."""

    def __init__(self, client, able):
        self.client = client
        self.able = able

    def manifests(self):
        """All manifests as (header, records)."""
        out = []
        for codec in self.able["codecs"]:
            out.append(self._topic(f"codec-{codec}", self._shapes, codec=codec))
        for acks in self.able["acks"]:
            # Unacknowledged records may be lost while their topic is still being created: the name puts them last.
            case = "unacknowledged" if acks == 0 else f"acks-{acks}"
            out.append(self._topic(case, self._small, codec=self.able["codecs"][-1], acks=acks))
        if self.able.get("idempotent"):
            out.append(self._topic("idempotent", self._bulk_only, codec=self.able["codecs"][0], idempotent=True))
        if self.able.get("configs", True):
            out += self._configured()
        out.append(self._topic("text", self._text, codec=self.able["codecs"][-1], partitions=1))
        return out

    def _configured(self):
        """Topics whose settings change what is stored."""
        out = []
        for codec in self.able["codecs"]:
            configs = {"compression.type": RECODE[codec]}
            out.append(self._topic(f"recode-{codec}-to-{RECODE[codec]}", self._small, codec=codec, configs=configs))
        configs = {"message.timestamp.type": "LogAppendTime"}
        out.append(self._topic("append-time", self._small, codec=self.able["codecs"][0], configs=configs))
        if self.able.get("big", True):
            configs = {"max.message.bytes": str(BIG_MESSAGE_BYTES)}
            out.append(self._topic("big", self._big, codec="none", configs=configs, partitions=1))
        return out

    def _topic(self, case, fill, codec, acks="all", idempotent=False, configs=None, partitions=None):
        partitions = partitions or self.able.get("partitions", PARTITIONS)
        topic = f"{self.client}.{case}"
        configs = configs or {}
        header = {
            "topic": topic,
            "case": case,
            "partitions": partitions,
            "codec": codec,
            "acks": acks,
            "idempotent": idempotent,
            "configs": configs,
            "timestamps": "append" if configs.get("message.timestamp.type") == "LogAppendTime" else "create",
            "text": case == "text",
        }
        rng = random.Random(hashlib.sha256(topic.encode()).digest())
        return header, [self._within_ability(line) for line in fill(rng, partitions)]

    def _within_ability(self, line):
        able = self.able
        if not able.get("timestamps", True):
            line["t"] = None
        if able.get("headers", "full") == "none":
            line["h"] = []
        elif able["headers"] == "values":
            # Every header has a value.
            line["h"] = [[name, content or ""] for name, content in line["h"]]
        elif able["headers"] == "grouped":
            # Headers are a map from name to values: no nulls, values of one name side by side.
            grouped = {}
            for name, content in line["h"]:
                grouped.setdefault(name, []).append(content or "")
            line["h"] = [[name, content] for name, contents in grouped.items() for content in contents]
        elif able["headers"] == "text":
            line["h"] = [[name, encode(b"plain")] for name, _ in line["h"] if name and name.isascii()]
        if not able.get("empty_keys", True) and line["k"] == "":
            line["k"] = None
        if not able.get("keyless_nulls", True) and line["k"] is None and not line["v"]:
            line["k"] = encode(b"key")
        return line

    def _shapes(self, rng, partitions):
        """Every shape of a record as a batch of its own, then batches as large as the client makes them."""
        long_key = rng.randbytes(300) if self.able.get("binary_keys", True) else b"long" * 75
        keys = [None, b"", b"k", "clé-ключ-鍵".encode(), long_key]
        values = [None, b"", b"v", b"\x00", rng.randbytes(100), b"repeat " * 3000, rng.randbytes(60_000), b"r" * 200_000]
        headers = [
            [],
            [("one", b"1")],
            [("same", b"a"), ("other", b"b"), ("same", b"c")],
            [("null", None), ("empty", b"")],
            [("имя", rng.randbytes(50)), ("", b"no name")],
            [(f"h{index}", bytes([index])) for index in range(40)],
        ]
        times = [EPOCH_MS, EPOCH_MS - 86_400_000, EPOCH_MS + 1, 0 if self.able.get("time_zero") else 2, 1]
        lines = []
        if self.able.get("binary", True):
            for index in range(max(len(keys) * len(values), 40)):
                value = values[index % len(values)]
                key = keys[(index + index // len(values)) % len(keys)]
                lines.append(
                    record(index % partitions, key, value, headers[index % len(headers)], times[index % len(times)], flush=True)
                )
        return lines + self._bulk(rng, partitions, 1000)

    def _bulk(self, rng, partitions, count):
        if self.able.get("binary", True) and self.able.get("binary_keys", True):
            return [
                record(
                    rng.randrange(partitions),
                    rng.randbytes(rng.randrange(1, 20)),
                    rng.randbytes(rng.randrange(200)) + b"tail" * rng.randrange(50),
                    [("n", str(index).encode())] if index % 3 == 0 else [],
                    EPOCH_MS + index // 2,
                )
                for index in range(count)
            ]
        return self._text(rng, partitions, count)

    def _bulk_only(self, rng, partitions):
        return self._bulk(rng, partitions, 2000)

    def _small(self, rng, partitions):
        return self._bulk(rng, partitions, 60)

    def _big(self, rng, partitions):
        sizes = [1, 1_000_000, 1_048_576, 5_000_000, 10_000_000, 2]
        return [record(0, b"big", rng.randbytes(size), [], EPOCH_MS + index, True) for index, size in enumerate(sizes)]

    def _text(self, rng, partitions, count=200):
        words = ["alpha", "bêta", "γάμμα", "дельта", "épsilon", "ゼータ", "eta"]
        lines = []
        for index in range(count):
            value = " ".join(rng.choice(words) for _ in range(rng.randrange(1, 12)))
            headers = [("n", str(index).encode()), ("word", rng.choice(words).encode())] if self.able.get("text_headers", True) else []
            lines.append(record(rng.randrange(partitions), f"key {index}".encode(), value.encode(), headers, EPOCH_MS + index))
        return lines


def write(folder, client, able):
    """Writes the manifests of one client into a folder; returns {topic: (header, records)}."""
    folder.mkdir(parents=True, exist_ok=True)
    made = {}
    for header, records in Generator(client, able).manifests():
        with open(folder / f"{header['topic']}.jsonl", "w", encoding="utf-8") as file:
            for line in [header, *records]:
                file.write(json.dumps(line, ensure_ascii=True) + "\n")
        made[header["topic"]] = (header, records)
    return made
