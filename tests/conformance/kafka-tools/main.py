"""Kafka's own command-line tools under the conformance driver: `produce`, `read` and `checks`."""

import base64
import json
import pathlib
import re
import subprocess
import sys
import tempfile

from adapter import BOOTSTRAP, Checks, ReadFiles, equal, eventually, manifests

CLIENT = "kafka-tools"
PEER = pathlib.Path(__file__).resolve().parents[2] / "peer" / "peer"
PRINT = [f"print.{what}=true" for what in ("timestamp", "partition", "offset", "headers", "key")] + ["null.literal=<null>"]


def tool(name, *arguments, stdin="", fails=False):
    """Runs a tool; what it printed, standard error included when it is meant to fail."""
    command = [PEER, "tool", name, "--bootstrap-server", BOOTSTRAP, *arguments]
    done = subprocess.run(command, input=stdin.encode(), capture_output=True, timeout=120, check=False)
    printed, errors = done.stdout.decode(), done.stderr.decode()
    if fails:
        return printed + errors
    if done.returncode != 0:
        raise RuntimeError(f"{name} {' '.join(arguments)}: exit {done.returncode}: {printed[-500:]} {errors[-500:]}")
    return printed


def options(flag, settings):
    """The same flag before each setting."""
    return [part for setting in settings for part in (flag, setting)]


def produce(folder):
    """Produces each manifest with one console producer."""
    for manifest in manifests(folder, CLIENT):
        lines = []
        for record in manifest.records:
            headers = ",".join(f"{name}:{content.decode()}" for name, content in record.headers)
            lines.append(f"{headers}\t{record.key.decode()}\t{record.value.decode()}\n")
        settings = [f"acks={manifest.acks}", f"enable.idempotence={str(manifest.idempotent).lower()}"]
        settings += [] if manifest.idempotent else ["max.in.flight.requests.per.connection=1"]
        arguments = ["--topic", manifest.topic, "--compression-codec", manifest.codec]
        arguments += options("--command-property", settings)
        arguments += options("--reader-property", ["parse.key=true", "parse.headers=true"])
        tool("console-producer", *arguments, stdin="".join(lines))
        (pathlib.Path(folder) / "acks" / f"{manifest.topic}.jsonl").touch()


def consume(topic, *arguments, partition=0, settings=()):
    """What a console consumer of one partition printed: (type, time, partition, offset, headers, key, value) rows."""
    flags = options("--formatter-property", PRINT) + options("--command-property", settings)
    printed = tool("console-consumer", "--topic", topic, "--partition", str(partition), *arguments, *flags)
    rows = []
    for line in printed.splitlines():
        stamp, where, offset, headers, key, value = line.split("\t")
        kind, time = stamp.split(":")
        rows.append((kind, int(time), int(where.split(":")[1]), int(offset.split(":")[1]), headers, key, value))
    return rows


def read(folder):
    """Reads the text topics (one partition each), each with one console consumer."""
    topics = [topic["topic"] for topic in json.loads((pathlib.Path(folder) / "topics.json").read_text()) if topic["text"]]
    ends = dict(re.findall(r"^(.+):0:(\d+)$", tool("get-offsets", "--topic", "|".join(map(re.escape, topics)), "--time", "-1"), re.MULTILINE))
    for topic in topics:
        files = ReadFiles(folder, CLIENT, {(topic, 0): int(ends[topic])})
        for _, time, partition, offset, headers, key, value in consume(topic, "--offset", "earliest", "--max-messages", ends[topic]):
            shown = "console:" + base64.b64encode(headers.encode()).decode()
            files.row(topic, partition, offset, time, key.encode(), value.encode(), shown)
        files.close()


def topic_checks(check):
    """Topics and their settings."""
    topic = "tools.check.topic"

    def created():
        tool("topics", "--create", "--topic", topic, "--partitions", "3", "--config", "retention.ms=7777777")
        described = eventually(lambda: tool("topics", "--describe", "--topic", topic))
        equal("PartitionCount: 3" in described and "retention.ms=7777777" in described, True)
        equal(len(re.findall(r"Partition: \d\s+Leader: \d+\s+Replicas: \d+\s+Isr: \d+", described)), 3)

    def twice():
        equal("TopicExistsException" in tool("topics", "--create", "--topic", topic, fails=True), True)
        tool("topics", "--create", "--if-not-exists", "--topic", topic)

    def grown():
        tool("topics", "--alter", "--topic", topic, "--partitions", "5")
        eventually(lambda: equal("PartitionCount: 5" in tool("topics", "--describe", "--topic", topic), True))

    def healthy():
        # Of this topic: asked about all, the tool describes what it listed before, and fails where others delete topics meanwhile.
        equal(tool("topics", "--describe", "--unavailable-partitions", "--topic", topic).strip(), "")

    def configured():
        entity = ["--entity-type", "topics", "--entity-name", topic]
        tool("configs", "--alter", *entity, "--add-config", "max.message.bytes=2000000,cleanup.policy=[compact,delete]")
        described = tool("configs", "--describe", *entity)
        equal("max.message.bytes=2000000" in described and "cleanup.policy=compact,delete" in described, True)
        tool("configs", "--alter", *entity, "--delete-config", "max.message.bytes")
        described = tool("configs", "--describe", *entity, "--all")
        equal("max.message.bytes=1048588" in described and "retention.ms=7777777" in described, True)

    def deleted():
        tool("topics", "--delete", "--topic", topic)
        eventually(lambda: equal(topic in tool("topics", "--list").split(), False))

    check.run("create and describe topic", created)
    check.run("create existing topic is refused", twice)
    check.run("create partitions", grown)
    check.run("no partition is unavailable", healthy)
    check.run("describe and alter configs", configured)
    check.run("delete topic", deleted)


def record_checks(check):
    """Offsets, deletion of records, null values, and the tools that measure."""
    topic = "tools.check.records"
    tool("topics", "--create", "--topic", topic, "--partitions", "1")
    lines = "".join(f"{'' if index else 'h:1'}\tk{index}\t{'gone' if index == 4 else index}\n" for index in range(10))
    flags = options("--reader-property", ["parse.key=true", "parse.headers=true", "null.marker=gone"])
    tool("console-producer", "--topic", topic, *flags, stdin=lines.replace("\n\t", "\ngone\t"))

    def offset(time):
        return tool("get-offsets", "--topic", topic, "--time", str(time)).strip()

    def nulls():
        rows = consume(topic, "--offset", "earliest", "--max-messages", "10")
        equal([row[6] for row in rows], [str(index) if index != 4 else "<null>" for index in range(10)])
        equal([row[4] for row in rows], ["h:1"] + ["NO_HEADERS"] * 9)

    def by_offset():
        equal([row[3] for row in consume(topic, "--offset", "7", "--max-messages", "3")], [7, 8, 9])

    def deleted():
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump({"version": 1, "partitions": [{"topic": topic, "partition": 0, "offset": 6}]}, file)
            file.flush()
            equal("low_watermark: 6" in tool("delete-records", "--offset-json-file", file.name), True)
        equal(offset("earliest"), f"{topic}:0:6")
        settings = ["isolation.level=read_committed"]
        equal([row[3] for row in consume(topic, "--offset", "earliest", "--max-messages", "4", settings=settings)], [6, 7, 8, 9])

    def measured():
        arguments = ["--topic", topic, "--num-records", "2000", "--record-size", "100", "--throughput", "-1"]
        equal("2000 records sent" in tool("producer-perf-test", *arguments), True)
        equal(offset("latest"), f"{topic}:0:2010")

    def verifiable():
        printed = tool("verifiable-producer", "--topic", topic, "--max-messages", "50", "--acks", "-1")
        equal('"sent":50,"acked":50' in printed, True)

    check.run("null values and headers", nulls)
    check.run("seek by offset", by_offset)
    check.run("offsets: latest", lambda: equal(offset(-1), f"{topic}:0:10"))
    check.run("offsets: by time", lambda: equal(offset(1000), f"{topic}:0:0"))
    check.run("delete records", deleted)
    check.run("producer performance", measured)
    check.run("verifiable producer", verifiable)


def cluster_checks(check):
    """The broker itself."""

    def versions():
        printed = tool("broker-api-versions")
        equal(printed.startswith(BOOTSTRAP) and "Produce(0): 0 to 13" in printed and "Fetch(1): 4 to 18" in printed, True)

    def directories():
        printed = tool("log-dirs", "--describe", "--topic-list", "tools.check.records")
        described = json.loads(printed[printed.index("{") :])
        equal([p["partition"] for d in described["brokers"][0]["logDirs"] for p in d["partitions"]], ["tools.check.records-0"])

    check.run("api versions", versions)
    check.run("log directories", directories)


def checks(_):
    """All checks."""
    check = Checks()
    topic_checks(check)
    record_checks(check)
    cluster_checks(check)


if __name__ == "__main__":
    {"produce": produce, "read": read, "checks": checks}[sys.argv[1]](sys.argv[2])
