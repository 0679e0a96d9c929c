"""kcat under the conformance driver: `produce`, `read` and `checks`. Topics come into being by being produced to."""

import base64
import json
import pathlib
import subprocess
import sys
import tempfile

from adapter import BOOTSTRAP, Checks, ReadFiles, equal, eventually, manifests, topics_to_read

CLIENT = "kcat"
# Ends a printed record: its headers have no length of their own.
END = b"\x1e\x1f=record=\n"
FORMAT = r"%p %o %T %K %S\n%k%s%h\x1e\x1f=record=\n"


def kcat(*arguments, stdin=b""):
    """Runs kcat; what it printed."""
    done = subprocess.run(["kcat", "-b", BOOTSTRAP, *arguments], input=stdin, capture_output=True, timeout=120, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"kcat {' '.join(arguments)}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def produce(folder):
    """Produces the manifests: a lone record as a file of its own, the others as lines."""
    for manifest in manifests(folder, CLIENT):
        settings = [f"acks={manifest.acks}", f"enable.idempotence={str(manifest.idempotent).lower()}", "linger.ms=20"]
        if not manifest.idempotent:
            settings.append("max.in.flight=1")
        base = ["-P", "-t", manifest.topic, "-p", "0", "-z", manifest.codec]
        base += [part for setting in settings for part in ("-X", setting)]
        lines = []
        for record in manifest.records:
            if record.flush:
                produce_lone(base, record)
            else:
                lines.append(record.key + b"\t" + record.value + b"\n")
        kcat(*base, "-K", "\t", stdin=b"".join(lines))
        (pathlib.Path(folder) / "acks" / f"{manifest.topic}.jsonl").touch()


def produce_lone(base, record):
    """One record: its value from a file, or from a line when there is none, which -Z makes null (empty files are not sent at all)."""
    arguments = list(base)
    for name, content in record.headers:
        arguments += ["-H", f"{name}={content.decode()}"]
    if not record.value:
        null = ["-Z"] if record.value is None else []
        kcat(*arguments, *null, "-K", "\t", stdin=record.key + b"\t\n")
        return
    if record.key is not None:
        arguments += ["-k", record.key.decode()]
    with tempfile.NamedTemporaryFile() as file:
        file.write(record.value)
        file.flush()
        kcat(*arguments, file.name)


def read(folder):
    """Reads every listed topic from start to end."""
    for topic, partitions in topics_to_read(folder).items():
        printed = kcat("-C", "-t", topic, "-o", "beginning", "-e", "-q", "-f", FORMAT, "-X", "fetch.wait.max.ms=50")
        files = ReadFiles(folder, CLIENT, {(topic, partition): 0 for partition in range(partitions)})
        rows = sorted(parse(printed), key=lambda row: row[:2])
        for partition, offset, timestamp, key, value, headers in rows:
            files.row(topic, partition, offset, timestamp, key, value, "kcat:" + base64.b64encode(headers).decode())
        files.close()


def parse(printed):
    """The records in what kcat printed: lengths first, so that their content may be anything."""
    position = 0
    while position < len(printed):
        line_end = printed.index(b"\n", position)
        partition, offset, timestamp, key_bytes, value_bytes = map(int, printed[position:line_end].split())
        key_end = line_end + 1 + max(key_bytes, 0)
        value_end = key_end + max(value_bytes, 0)
        end = printed.index(END, value_end)
        key = None if key_bytes < 0 else printed[line_end + 1 : key_end]
        value = None if value_bytes < 0 else printed[key_end:value_end]
        yield partition, offset, timestamp, key, value, printed[value_end:end]
        position = end + len(END)


def checks(_):
    """What else kcat can ask of a broker. It sets no timestamps: the times are those of the records it finds."""
    check = Checks()
    topic = "kcat.check.ten"
    for index in range(10):
        kcat("-P", "-t", topic, "-p", "0", "-k", "k", stdin=f"{index}\n".encode())

    def consume(*arguments):
        return kcat("-C", "-t", topic, "-p", "0", "-q", *arguments).decode().split()

    def listed():
        metadata = json.loads(kcat("-L", "-J"))
        equal([broker["name"] for broker in metadata["brokers"]], [BOOTSTRAP])
        equal({found["topic"]: len(found["partitions"]) for found in metadata["topics"]}[topic], 1)

    def json_records():
        records = [json.loads(line) for line in kcat("-C", "-t", topic, "-o", "beginning", "-e", "-q", "-J").splitlines()]
        equal([(r["offset"], r["key"], r["payload"]) for r in records], [(index, "k", str(index)) for index in range(10)])

    def by_time():
        times = [int(time) for time in consume("-o", "beginning", "-e", "-f", "%T\n")]
        equal(times, sorted(times))
        wanted = next(index for index, time in enumerate(times) if time >= times[4])
        equal(kcat("-Q", "-t", f"{topic}:0:{times[4]}").decode().split()[-1], str(wanted))
        equal(consume("-o", f"s@{times[4]}", "-e")[0], str(wanted))

    def offsets_of_ends():
        equal(kcat("-Q", "-t", f"{topic}:0:-1").decode().split()[-1], "10")
        equal(kcat("-Q", "-t", f"{topic}:0:-2").decode().split()[-1], "0")

    def keyed():
        kcat("-P", "-t", "kcat.check.keyed", "-K", ":", stdin=b"a:1\nb:2\na:3\n")
        equal(kcat("-C", "-t", "kcat.check.keyed", "-e", "-q", "-K", ":", "-o", "beginning"), b"a:1\nb:2\na:3\n")

    def unknown():
        metadata = json.loads(kcat("-L", "-J", "-t", "kcat.check.unknown", "-X", "allow.auto.create.topics=false"))
        equal(metadata["topics"][0]["topic"], "kcat.check.unknown")
        eventually(lambda: equal("kcat.check.unknown" in {t["topic"] for t in json.loads(kcat("-L", "-J"))["topics"]}, False))

    check.run("list brokers and topics", listed)
    check.run("read as JSON", json_records)
    check.run("seek by offset", lambda: equal(consume("-o", "6", "-e"), ["6", "7", "8", "9"]))
    check.run("seek relative to the end", lambda: equal(consume("-o", "-3", "-e"), ["7", "8", "9"]))
    check.run("seek by time", by_time)
    check.run("offsets of start and end", offsets_of_ends)
    check.run("read a number of records", lambda: equal(consume("-o", "2", "-c", "3"), ["2", "3", "4"]))
    check.run("keys in lines", keyed)
    check.run("asking about an unknown topic does not create it", unknown)


if __name__ == "__main__":
    {"produce": produce, "read": read, "checks": checks}[sys.argv[1]](sys.argv[2])
