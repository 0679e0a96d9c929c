"""aiokafka under the conformance driver: `produce`, `read`, `checks` and `member`."""

import asyncio
import sys

import checks
import member
from adapter import BOOTSTRAP, ReadFiles, equal, manifests, topics_to_read, write_acks
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

CLIENT = "aiokafka"


async def produce(folder):
    """Creates the topics and produces their records in order."""
    todo = manifests(folder, CLIENT)
    admin = AIOKafkaAdminClient(bootstrap_servers=BOOTSTRAP)
    await admin.start()
    answer = await admin.create_topics([NewTopic(m.topic, m.partitions, 1, topic_configs=m.configs) for m in todo])
    equal([error for error in answer.topic_errors if error[1] != 0], [])
    await admin.close()
    for manifest in todo:
        write_acks(folder, manifest.topic, await produce_one(manifest))


async def produce_one(manifest):
    """Produces one manifest; the places of its records."""
    producer = AIOKafkaProducer(
        bootstrap_servers=BOOTSTRAP,
        acks=manifest.acks,
        compression_type=None if manifest.codec == "none" else manifest.codec,
        enable_idempotence=manifest.idempotent,
        linger_ms=50,
        max_batch_size=131072,
        max_request_size=12_000_000,
    )
    await producer.start()
    sent = []
    for record in manifest.records:
        future = await producer.send(
            manifest.topic,
            value=record.value,
            key=record.key,
            partition=record.partition,
            timestamp_ms=record.timestamp,
            headers=record.headers,
        )
        sent.append(future)
        if record.flush:
            await producer.flush()
    await producer.flush()
    answers = [await future for future in sent]
    await producer.stop()
    # Without acknowledgements the client is told no place at all.
    return [(record.partition, -1) if answer is None else (answer.partition, answer.offset) for record, answer in zip(manifest.records, answers)]


async def read(folder):
    """Reads every listed topic from start to end by assignment."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=BOOTSTRAP, group_id=None, enable_auto_commit=False, auto_offset_reset="none", max_partition_fetch_bytes=4 << 20
    )
    await consumer.start()
    places = [TopicPartition(topic, p) for topic, count in topics_to_read(folder).items() for p in range(count)]
    consumer.assign(places)
    ends = await consumer.end_offsets(places)
    equal(set((await consumer.beginning_offsets(places)).values()), {0})
    for place in places:
        consumer.seek(place, 0)
    files = ReadFiles(folder, CLIENT, {(place.topic, place.partition): end for place, end in ends.items()})
    while files.unfinished():
        for records in (await consumer.getmany(timeout_ms=500, max_records=5000)).values():
            for record in records:
                files.row(record.topic, record.partition, record.offset, record.timestamp, record.key, record.value, record.headers)
    await consumer.stop()
    files.close()


async def run_checks(_):
    """The checks."""
    await checks.run()


async def run_member(_):
    """One group member."""
    await member.run()


if __name__ == "__main__":
    asyncio.run({"produce": produce, "read": read, "checks": run_checks, "member": run_member}[sys.argv[1]](sys.argv[2]))
