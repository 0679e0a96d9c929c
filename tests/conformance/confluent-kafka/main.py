"""librdkafka, through confluent-kafka, under the conformance driver: `produce`, `read`, `checks` and `member`."""

import sys

import checks
import member
from adapter import BOOTSTRAP, ReadFiles, manifests, topics_to_read, write_acks
from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

CLIENT = "confluent-kafka"
# librdkafka wants a group's name even where nothing joins one: partitions are assigned, nothing is committed.
UNUSED_GROUP = "unused"


def produce(folder):
    """Creates the topics and produces their records in order."""
    todo = manifests(folder, CLIENT)
    admin = AdminClient({"bootstrap.servers": BOOTSTRAP})
    for future in admin.create_topics([NewTopic(m.topic, m.partitions, config=m.configs) for m in todo]).values():
        future.result()
    for manifest in todo:
        write_acks(folder, manifest.topic, produce_one(manifest))


def produce_one(manifest):
    """Produces one manifest; the places of its records."""
    producer = Producer(
        {
            "bootstrap.servers": BOOTSTRAP,
            "acks": manifest.acks,
            "compression.type": manifest.codec,
            "enable.idempotence": manifest.idempotent,
            "linger.ms": 50,
            "message.max.bytes": 12_000_000,
            # Without idempotence, order is only promised with one request at a time.
            "max.in.flight": 5 if manifest.idempotent else 1,
        }
    )
    places = [None] * len(manifest.records)
    errors = []

    def delivered(index):
        def report(error, message):
            if error is not None:
                errors.append(f"record {index}: {error}")
            else:
                places[index] = (message.partition(), -1 if message.offset() is None else message.offset())

        return report

    for index, record in enumerate(manifest.records):
        producer.produce(
            manifest.topic,
            value=record.value,
            key=record.key,
            partition=record.partition,
            timestamp=record.timestamp,
            headers=record.headers,
            on_delivery=delivered(index),
        )
        if record.flush:
            producer.flush(60)
    producer.flush(60)
    if errors or None in places:
        raise RuntimeError(f"{manifest.topic}: {errors[:3]}, {places.count(None)} without an answer")
    return places


def read(folder):
    """Reads every listed topic from start to end by assignment."""
    consumer = Consumer(
        {
            "bootstrap.servers": BOOTSTRAP,
            "group.id": UNUSED_GROUP,
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            "fetch.max.bytes": 32 << 20,
            "receive.message.max.bytes": 64 << 20,
        }
    )
    places = [TopicPartition(topic, p, OFFSET_BEGINNING) for topic, count in topics_to_read(folder).items() for p in range(count)]
    ends = {}
    for place in places:
        low, high = consumer.get_watermark_offsets(place, timeout=30)
        checks.equal(low, 0)
        ends[place.topic, place.partition] = high
    files = ReadFiles(folder, CLIENT, ends)
    consumer.assign(places)
    while files.unfinished():
        for message in consumer.consume(5000, 0.2):
            if message.error():
                raise RuntimeError(message.error())
            timestamp = message.timestamp()[1]
            headers = message.headers() or []
            files.row(message.topic(), message.partition(), message.offset(), timestamp, message.key(), message.value(), headers)
    consumer.close()
    files.close()


if __name__ == "__main__":
    {"produce": produce, "read": read, "checks": lambda _: checks.run(), "member": lambda _: member.run()}[sys.argv[1]](sys.argv[2])
