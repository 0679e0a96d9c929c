"""Compares, record by record, what a client read with what another one was asked to produce."""

import base64
import hashlib
import json

# Values above this are given as `sha256:<hex>:<bytes>`.
LARGE_BYTES = 65536


def digest(data):
    """How readers write a value: base64, or a digest when it is large; None for null."""
    if data is None:
        return None
    if len(data) > LARGE_BYTES:
        return f"sha256:{hashlib.sha256(data).hexdigest()}:{len(data)}"
    return base64.b64encode(data).decode("ascii")


def _decoded(text):
    return None if text is None else base64.b64decode(text)


def rendered_headers(headers):
    """Headers as kcat prints them: binary-unsafe, cut at a zero byte."""
    parts = []
    for name, content in headers:
        content = _decoded(content)
        text = b"NULL" if content is None else content.split(b"\0")[0]
        parts.append(name.encode() + b"=" + text)
    return base64.b64encode(b",".join(parts)).decode("ascii")


def console_headers(headers):
    """Headers as Kafka's console consumer prints them."""
    parts = [name.encode() + b":" + (b"null" if content is None else _decoded(content)) for name, content in headers]
    return base64.b64encode(b",".join(parts) or b"NO_HEADERS").decode("ascii")


class Expected:
    """What a topic must hold."""

    def __init__(self, header, records):
        self.header = header
        self.partitions = [[] for _ in range(header["partitions"])]
        self.places = []
        for line in records:
            rows = self.partitions[line["p"]]
            self.places.append((line["p"], len(rows)))
            value = line["v"]
            rows.append({**line, "v": digest(_decoded(value)) if value is not None and len(value) > LARGE_BYTES else value})

    def check_read(self, path, window_ms):
        """Differences between the file a reader wrote and this; empty when it read exactly what was produced."""
        found = [[] for _ in self.partitions]
        with open(path, encoding="utf-8") as file:
            for line in file:
                row = json.loads(line)
                if not 0 <= row["p"] < len(found):
                    return [f"a record of partition {row['p']}, which was not created"]
                found[row["p"]].append(row)
        differences = []
        for partition, (wanted, rows) in enumerate(zip(self.partitions, found)):
            if len(wanted) != len(rows):
                differences.append(f"partition {partition}: {len(rows)} records, {len(wanted)} were produced")
            for offset, (want, row) in enumerate(zip(wanted, rows)):
                differences += [f"partition {partition} offset {offset}: {what}" for what in self._row(want, row, offset, window_ms)]
            if self.header["timestamps"] == "append":
                times = [row["t"] for row in rows]
                if times != sorted(times):
                    differences.append(f"partition {partition}: append times go backwards")
        return differences

    def _row(self, want, row, offset, window_ms):
        if row["o"] != offset:
            yield f"offset {row['o']}"
        for field in ("k", "v"):
            if row[field] != want[field]:
                yield f"{field} is {str(row[field])[:60]!r}, not {str(want[field])[:60]!r}"
        headers = row["h"]
        if isinstance(headers, str):
            style, _, text = headers.partition(":")
            render = {"kcat": rendered_headers, "console": console_headers}[style]
            if text != render(want["h"]):
                yield f"headers printed {_decoded(text)!r}, not {_decoded(render(want['h']))!r}"
        elif headers != want["h"]:
            yield f"headers {headers!r:.100}, not {want['h']!r:.100}"
        if want["t"] is None or self.header["timestamps"] == "append":
            if not window_ms[0] <= row["t"] <= window_ms[1]:
                yield f"timestamp {row['t']} outside the run"
        elif row["t"] != want["t"]:
            yield f"timestamp {row['t']}, not {want['t']}"

    def check_acks(self, path):
        """Differences between the offsets that a producer was told and the ones its records have; some clients are told none."""
        differences = []
        count = 0
        with open(path, encoding="utf-8") as file:
            for line in file:
                ack = json.loads(line)
                count += 1
                partition, offset = self.places[ack["i"]]
                unknown = self.header["acks"] == 0 and ack["o"] < 0
                if ack["p"] != partition or (ack["o"] != offset and not unknown):
                    differences.append(f"record {ack['i']} acknowledged at {ack['p']}/{ack['o']}, it is at {partition}/{offset}")
        if count not in (0, len(self.places)):
            differences.append(f"{count} of {len(self.places)} records acknowledged")
        return differences
