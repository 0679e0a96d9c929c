"""What aiokafka asks of a broker beyond plain producing and reading."""

import asyncio
import time

from adapter import BOOTSTRAP, Checks, equal
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, OffsetOutOfRangeError

# Timestamps of the ten records of each filled topic: not in order, so that the maximum is not the last.
TIMES = [1000, 2000, 3000, 9000, 4000, 5000, 6000, 6000, 7000, 8000]


async def eventually(function, seconds=20):
    """Repeats a coroutine function until it holds."""
    until = time.monotonic() + seconds
    while True:
        try:
            return await function()
        except (AssertionError, KafkaError):
            if time.monotonic() > until:
                raise
            await asyncio.sleep(0.05)


class Broker:
    """The admin client, and topics to check on."""

    def __init__(self):
        self.admin = AIOKafkaAdminClient(bootstrap_servers=BOOTSTRAP)

    async def create(self, topic, partitions=1, **config):
        """Asks for a topic; the error code."""
        configs = {key.replace("_", "."): value for key, value in config.items()}
        answer = await self.admin.create_topics([NewTopic(topic, partitions, 1, topic_configs=configs)])
        return answer.topic_errors[0][1]

    async def topic(self, name, partitions=1, **config):
        """Creates a topic and waits until it can be described; its name."""
        topic = f"aio.check.{name}"
        equal(await self.create(topic, partitions, **config), 0)

        async def known():
            equal(len(await self.partitions(topic)), partitions)

        await eventually(known)
        return topic

    async def partitions(self, topic):
        """The described partitions of one topic."""
        return (await self.admin.describe_topics([topic]))[0]["partitions"]

    async def config(self, topic, name):
        """One config value."""
        answers = await self.admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
        return {entry[0]: entry[1] for entry in answers[0].resources[0][4]}[name]

    async def filled(self, name, apart=True):
        """A topic of one partition with ten records, value = offset; each a batch of its own when `apart`."""
        topic = await self.topic(name)
        async with AIOKafkaProducer(bootstrap_servers=BOOTSTRAP, linger_ms=300) as producer:
            sent = []
            for index, timestamp in enumerate(TIMES):
                sent.append(await producer.send(topic, bytes([index]), partition=0, timestamp_ms=timestamp))
                if apart:
                    await producer.flush()
            await asyncio.gather(*sent)
        return TopicPartition(topic, 0)


class Reader:
    """A consumer of assigned partitions, as a context."""

    def __init__(self, places, offset=None, **settings):
        base = {"bootstrap_servers": BOOTSTRAP, "group_id": None, "enable_auto_commit": False, "auto_offset_reset": "none"}
        self.settings = {**base, **settings}
        self.places, self.offset = places, offset

    async def __aenter__(self):
        self.consumer = AIOKafkaConsumer(**self.settings)
        await self.consumer.start()
        self.consumer.assign(self.places)
        if self.offset is not None:
            for place in self.places:
                self.consumer.seek(place, self.offset)
        return self

    async def __aexit__(self, *_):
        await self.consumer.stop()

    async def take(self, count, seconds=30):
        """Up to `count` records, waiting at most so long."""
        found = []
        until = time.monotonic() + seconds
        while len(found) < count and time.monotonic() < until:
            for records in (await self.consumer.getmany(timeout_ms=100)).values():
                found += records
        return found


async def offsets_from(place, offset, count, **settings):
    """The offsets of `count` records read from one offset on."""
    async with Reader([place], offset, **settings) as reader:
        return [record.offset for record in await reader.take(count)]


async def admin_checks(check, broker):
    """Topics, configs, cluster."""
    admin = broker.admin

    async def created():
        topic = await broker.topic("created", 4)
        equal(sorted(p["partition"] for p in await broker.partitions(topic)), [0, 1, 2, 3])
        equal(topic in await admin.list_topics(), True)

    async def refusals():
        topic = await broker.topic("twice")
        equal(await broker.create(topic), 36)
        equal(await broker.create("no/slash"), 17)
        equal(await broker.create("aio.bad", 0), 37)
        equal(await broker.create("aio.bad", retention_ms="soon"), 40)

    async def grown():
        topic = await broker.topic("grown", 2)
        await admin.create_partitions({topic: NewPartitions(6)})

        async def six():
            equal(len(await broker.partitions(topic)), 6)

        await eventually(six)

    async def deleted():
        topic = await broker.topic("deleted")
        await admin.delete_topics([topic])

        async def gone():
            equal(topic in await admin.list_topics(), False)

        await eventually(gone)

    async def configs():
        topic = await broker.topic("configs", max_message_bytes="2000000")
        equal(await broker.config(topic, "max.message.bytes"), "2000000")
        equal(await broker.config(topic, "retention.ms"), "604800000")
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {"retention.ms": "777777"})])

        async def replaced():
            equal(await broker.config(topic, "retention.ms"), "777777")

        await eventually(replaced)

    async def cluster():
        described = await admin.describe_cluster()
        equal("{host}:{port}".format(**described["brokers"][0]), BOOTSTRAP)

    async def trimmed():
        place = await broker.filled("trimmed")
        await admin.delete_records({place: RecordsToDelete(4)})
        equal(await offsets_from(place, 1, 6, auto_offset_reset="earliest"), list(range(4, 10)))

    await check.run_async("create, list and describe topic", created)
    await check.run_async("bad topics are refused", refusals)
    await check.run_async("create partitions", grown)
    await check.run_async("delete topic", deleted)
    await check.run_async("describe and alter configs", configs)
    await check.run_async("describe cluster", cluster)
    await check.run_async("delete records", trimmed)


async def record_checks(check, broker):
    """What producers and consumers see."""

    async def auto_created():
        async with AIOKafkaProducer(bootstrap_servers=BOOTSTRAP) as producer:
            equal((await producer.send_and_wait("aio.check.auto-created", b"v")).offset, 0)

    async def too_large():
        topic = await broker.topic("too-large", max_message_bytes="1000")
        async with AIOKafkaProducer(bootstrap_servers=BOOTSTRAP) as producer:
            try:
                await producer.send_and_wait(topic, b"x" * 2000)
            except MessageSizeTooLargeError:
                equal((await producer.send_and_wait(topic, b"x")).offset, 0)
                return
        raise AssertionError("accepted")

    async def by_offset(apart):
        place = await broker.filled(f"seek-{apart}", apart)
        for first in (0, 4, 9):
            equal(await offsets_from(place, first, 10 - first), list(range(first, 10)))

    async def by_time():
        place = await broker.filled("times")
        async with Reader([place]) as reader:
            for asked, wanted in ((0, 0), (1001, 1), (3500, 3), (9000, 3)):
                equal((await reader.consumer.offsets_for_times({place: asked}))[place].offset, wanted)
            equal((await reader.consumer.offsets_for_times({place: 9001}))[place], None)
            reader.consumer.seek(place, 3)
            equal([record.offset for record in await reader.take(7)], list(range(3, 10)))

    async def ends():
        place = await broker.filled("ends")
        async with Reader([place]) as reader:
            await reader.consumer.seek_to_end(place)
            equal(await reader.consumer.position(place), 10)
            await reader.consumer.seek_to_beginning(place)
            equal([record.offset for record in await reader.take(10)], list(range(10)))

    async def out_of_range():
        place = await broker.filled("out-of-range")
        try:
            await offsets_from(place, 99, 1)
        except OffsetOutOfRangeError:
            return
        raise AssertionError("read beyond the end")

    async def woken():
        place = TopicPartition(await broker.topic("woken"), 0)
        async with Reader([place], 0, fetch_max_wait_ms=5000) as reader, AIOKafkaProducer(bootstrap_servers=BOOTSTRAP) as producer:
            equal(await reader.take(1, seconds=1), [])
            await producer.send_and_wait(place.topic, b"v")
            start = time.monotonic()
            equal(len(await reader.take(1)), 1)
            equal(time.monotonic() - start < 2.5, True)

    async def many_partitions():
        topic = await broker.topic("many", 200)
        async with AIOKafkaProducer(bootstrap_servers=BOOTSTRAP, enable_idempotence=True, linger_ms=100) as producer:
            sent = [await producer.send(topic, bytes([value]), partition=partition) for value in range(3) for partition in range(200)]
            await asyncio.gather(*sent)
        async with Reader([TopicPartition(topic, partition) for partition in range(200)], 0) as reader:
            found = await reader.take(600)
        equal({record.value[0] == record.offset for record in found}, {True})
        equal(len({(record.partition, record.offset) for record in found}), 600)

    await check.run_async("producing to an unknown topic creates it", auto_created)
    await check.run_async("record over max.message.bytes is refused", too_large)
    await check.run_async("seek by offset, ten batches", lambda: by_offset(True))
    await check.run_async("seek by offset, one batch", lambda: by_offset(False))
    await check.run_async("seek by time", by_time)
    await check.run_async("seek to beginning and end", ends)
    await check.run_async("offset out of range is refused", out_of_range)
    await check.run_async("a waiting consumer is woken by the append", woken)
    await check.run_async("two hundred partitions in one consumer", many_partitions)


async def run():
    """All checks."""
    check = Checks()
    broker = Broker()
    await broker.admin.start()
    await admin_checks(check, broker)
    await record_checks(check, broker)
    await broker.admin.close()
