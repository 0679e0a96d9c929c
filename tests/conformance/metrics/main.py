"""The metrics port of a loaded broker, read by Prometheus' own parser: main.py BOOTSTRAP METRICS."""

import concurrent.futures
import socket
import sys
import time
import urllib.error
import urllib.request

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic
from prometheus_client.parser import text_string_to_metric_families

RECORDS = 2_000
VALUE = b"x" * 200
TOPIC = "loaded"


class Page:
    """One scrape: every series by its name and labels."""

    def __init__(self, text):
        self.families = {family.name: family for family in text_string_to_metric_families(text)}
        self.samples = {}
        for family in self.families.values():
            for sample in family.samples:
                key = (sample.name, tuple(sorted(sample.labels.items())))
                assert key not in self.samples, f"{key} is there twice"
                self.samples[key] = sample.value

    def value(self, name, **labels):
        return self.samples.get((name, tuple(sorted(labels.items()))), 0.0)

    def total(self, name, **labels):
        return sum(value for (own, pairs), value in self.samples.items() if own == name and labels.items() <= dict(pairs).items())


def get(address, path):
    try:
        with urllib.request.urlopen(f"http://{address}{path}", timeout=20) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Content-Type"], error.read().decode()


def scrape(address):
    status, kind, text = get(address, "/metrics")
    assert status == 200, text
    assert kind == "text/plain; version=0.0.4; charset=utf-8", kind
    return Page(text)


def check_form(page):
    """Names, help, types and histograms are what `promtool check metrics` asks for."""
    for family in page.families.values():
        assert family.documentation, f"{family.name} has no help"
        assert family.type in ("counter", "gauge", "histogram"), f"{family.name} is {family.type}"
        for sample in family.samples:
            assert not family.type == "counter" or sample.name.endswith("_total"), sample.name
            assert not family.type == "counter" or sample.value >= 0, sample
    histograms = [family for family in page.families.values() if family.type == "histogram"]
    assert histograms
    for family in histograms:
        by_labels = {}
        for sample in family.samples:
            labels = dict(sample.labels)
            bound = labels.pop("le", None)
            series = by_labels.setdefault(tuple(sorted(labels.items())), {"buckets": []})
            if bound is None:
                series[sample.name.removeprefix(family.name)] = sample.value
            else:
                series["buckets"].append((float(bound), sample.value))
        for labels, series in by_labels.items():
            bounds, counts = zip(*series["buckets"])
            assert list(bounds) == sorted(bounds) and bounds[-1] == float("inf"), (family.name, labels)
            assert list(counts) == sorted(counts), (family.name, labels)
            assert counts[-1] == series["_count"], (family.name, labels)


def load(bootstrap):
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics([NewTopic(TOPIC, 4, 1), NewTopic("many", 20, 1)])
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=5)
    sent = [producer.send(TOPIC, VALUE, partition=number % 4) for number in range(RECORDS)]
    for future in sent:
        future.get(30)
    producer.close()
    consumer = KafkaConsumer(
        TOPIC, bootstrap_servers=bootstrap, group_id="readers", auto_offset_reset="earliest", enable_auto_commit=False
    )
    read = 0
    deadline = time.monotonic() + 60
    while read < RECORDS and time.monotonic() < deadline:
        read += sum(len(records) for records in consumer.poll(timeout_ms=500).values())
    assert read == RECORDS, read
    consumer.commit()
    behind = {TopicPartition(TOPIC, 0): RECORDS // 4 - 7}
    for group in ("behind", "late"):
        other = KafkaConsumer(bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False)
        other.assign(list(behind))
        for partition, offset in behind.items():
            other.seek(partition, offset)
        other.commit()
        other.close(autocommit=False)
    consumer.close(autocommit=False)
    admin.close()


def check_counts(before, page):
    def more(name, **labels):
        return page.total(name, **labels) - before.total(name, **labels)

    assert more("corelog_produced_records_total") == RECORDS
    assert more("corelog_produced_bytes_total") > RECORDS * len(VALUE)
    assert more("corelog_fetched_records_total") == RECORDS
    # What is produced without compression is fetched as it is.
    assert more("corelog_fetched_bytes_total") == more("corelog_produced_bytes_total")
    assert more("corelog_log_records_total") > RECORDS
    produced = more("corelog_requests_total", api="Produce")
    assert 0 < produced <= RECORDS
    assert more("corelog_request_duration_seconds_count", api="Produce") == produced
    assert more("corelog_request_bytes_total", api="Produce") > RECORDS * len(VALUE)
    assert more("corelog_response_bytes_total", api="Fetch") > more("corelog_fetched_bytes_total")
    assert more("corelog_requests_total", api="OffsetCommit") >= 3
    commits = more("corelog_commit_size_bytes_count")
    assert 0 < commits and more("corelog_commit_size_bytes_sum") > RECORDS * len(VALUE)
    assert more("corelog_stage_duration_seconds_count", stage="write") == commits
    partitions = [more("corelog_partition_produced_records_total", topic=TOPIC, partition=str(index)) for index in range(4)]
    assert partitions == [RECORDS / 4] * 4, partitions
    assert page.value("corelog_partition_high_watermark_offset", topic=TOPIC, partition="3") == RECORDS / 4
    told = {dict(labels)["partition"] for (name, labels) in page.samples if name == "corelog_partition_size_bytes"}
    series = [labels for (name, labels) in page.samples if name == "corelog_partition_size_bytes"]
    assert len(series) == 9 and "" in told, series
    lag = {dict(labels)["group"]: value for (name, labels), value in page.samples.items() if name == "corelog_group_lag_records"}
    assert lag == {"behind": 7, "late": 7, "(other)": 0}, lag
    assert page.total("corelog_groups") == 3
    assert page.total("corelog_connections_opened_total") >= page.total("corelog_connections")
    assert page.value("process_resident_memory_bytes") > 1 << 20
    assert abs(page.value("process_start_time_seconds") - time.time()) < 600


def check_never_back(before, page):
    counters = [family for family in before.families.values() if family.type == "counter"]
    for family in counters:
        for sample in family.samples:
            now = page.value(sample.name, **sample.labels)
            assert now >= sample.value, (sample, now)


def raw(address, request, wait=10):
    """What comes back for these bytes; nothing where the port closes the connection without a word."""
    host, port = address.split(":")
    with socket.create_connection((host, int(port)), timeout=wait) as connection:
        answer = b""
        try:
            connection.sendall(request)
            while piece := connection.recv(65536):
                answer += piece
        except ConnectionError:
            pass
        return answer


def attack(address):
    for request, status in (
        (b"POST /metrics HTTP/1.1\r\nContent-Length: 4\r\n\r\nabcd", b"405"),
        (b"GET /metrics HTTP/1.1\r\nContent-Length: 999999999\r\n\r\n", b"413"),
        (b"GET /metrics HTTP/9.9\r\n\r\n", b"400"),
        (b"GET /nothing HTTP/1.1\r\n\r\n", b"404"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"400"),
        (b"\x00\x00\x00\x0b\x00\x12\x00\x00\x00\x00\x00\x01\x00\x01h", b"400"),
        (b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 50_000, b"431"),
    ):
        answer = raw(address, request)
        # What is still on its way when the port has said no may cost the answer.
        assert answer.startswith(b"HTTP/1.1 " + status) or (not answer and len(request) > 8192), (request[:40], answer[:80])
    host, port = address.split(":")
    silent = [socket.create_connection((host, int(port))) for _ in range(100)]
    for connection in silent[::3]:
        connection.send(b"GET /metr")
    for connection in silent:
        connection.close()


def settled(address, path):
    deadline = time.monotonic() + 15
    while True:
        try:
            status, _, text = get(address, path)
            assert status == 200, text
            return text
        except (OSError, urllib.error.URLError):
            assert time.monotonic() < deadline, f"{path} does not come back"
            time.sleep(0.1)


def main():
    bootstrap, address = sys.argv[1:]
    assert get(address, "/ready")[0] == 200
    before = scrape(address)
    check_form(before)
    load(bootstrap)
    page = scrape(address)
    check_form(page)
    check_counts(before, page)
    check_never_back(before, page)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for one in pool.map(lambda _: scrape(address), range(40)):
            check_never_back(page, one)
    attack(address)
    assert settled(address, "/health") == "every shard answers\n"
    check_never_back(page, scrape(address))
    load_again = KafkaProducer(bootstrap_servers=bootstrap, acks="all")
    load_again.send(TOPIC, b"still here", partition=0).get(30)
    load_again.close()
    print(f"metrics: {len(page.families)} metrics, {len(page.samples)} series: agree with what the clients did")


if __name__ == "__main__":
    main()
