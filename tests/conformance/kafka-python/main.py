"""kafka-python under the conformance driver: `produce`, `read`, `checks` and `member`."""

import sys

import checks
import member
from adapter import BOOTSTRAP, ReadFiles, manifests, topics_to_read, write_acks
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

CLIENT = "kafka-python"


def produce(folder):
    """Creates the topics and produces their records in order."""
    todo = manifests(folder, CLIENT)
    admin = KafkaAdminClient(bootstrap_servers=BOOTSTRAP)
    admin.create_topics({m.topic: {"num_partitions": m.partitions, "configs": m.configs} for m in todo}, wait_for_metadata=True)
    admin.close()
    for manifest in todo:
        write_acks(folder, manifest.topic, produce_one(manifest))


def produce_one(manifest):
    """Produces one manifest; the places of its records."""
    producer = KafkaProducer(
        bootstrap_servers=BOOTSTRAP,
        acks=manifest.acks,
        compression_type=None if manifest.codec == "none" else manifest.codec,
        enable_idempotence=manifest.idempotent,
        linger_ms=50,
        batch_size=131072,
        max_request_size=12_000_000,
        max_in_flight_requests_per_connection=5 if manifest.idempotent else 1,
    )
    sent = []
    for record in manifest.records:
        future = producer.send(
            manifest.topic,
            value=record.value,
            key=record.key,
            headers=record.headers,
            partition=record.partition,
            timestamp_ms=record.timestamp,
        )
        sent.append(future)
        if record.flush:
            producer.flush(60)
    producer.flush(60)
    answers = [future.get(60) for future in sent]
    producer.close()
    return [(answer.partition, answer.offset) for answer in answers]


def read(folder):
    """Reads every listed topic from start to end by assignment."""
    consumer = KafkaConsumer(
        bootstrap_servers=BOOTSTRAP,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="none",
        max_poll_records=5000,
        max_partition_fetch_bytes=4 << 20,
    )
    places = [TopicPartition(topic, p) for topic, count in topics_to_read(folder).items() for p in range(count)]
    consumer.assign(places)
    ends = consumer.end_offsets(places)
    checks.equal(set(consumer.beginning_offsets(places).values()), {0})
    for place in places:
        consumer.seek(place, 0)
    files = ReadFiles(folder, CLIENT, {(place.topic, place.partition): end for place, end in ends.items()})
    while files.unfinished():
        for records in consumer.poll(500).values():
            for record in records:
                files.row(record.topic, record.partition, record.offset, record.timestamp, record.key, record.value, record.headers)
    consumer.close()
    files.close()


if __name__ == "__main__":
    {"produce": produce, "read": read, "checks": lambda _: checks.run(), "member": lambda _: member.run()}[sys.argv[1]](sys.argv[2])
