"""What librdkafka asks of a broker beyond plain producing and reading."""

import time
from concurrent.futures import wait

from adapter import BOOTSTRAP, Checks, equal, eventually, refused
from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaError, KafkaException, Producer, TopicCollection, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ConfigSource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

# Timestamps of the ten records of each filled topic: not in order, so that the maximum is not the last.
TIMES = [1000, 2000, 3000, 9000, 4000, 5000, 6000, 6000, 7000, 8000]


class Broker:
    """The admin client, and topics to check on."""

    def __init__(self):
        self.admin = AdminClient({"bootstrap.servers": BOOTSTRAP})

    def topic(self, name, partitions=1, **config):
        """Creates a topic and waits until it can be described; its name."""
        topic = f"confluent.check.{name}"
        settings = {key.replace("_", "."): value for key, value in config.items()}
        self.admin.create_topics([NewTopic(topic, partitions, config=settings)])[topic].result()
        eventually(lambda: equal(len(self.describe(topic).partitions), partitions))
        return topic

    def describe(self, topic):
        """The description of one topic."""
        return self.admin.describe_topics(TopicCollection([topic]))[topic].result()

    def configs(self, topic):
        """The configs of one topic by name."""
        resource = ConfigResource(ResourceType.TOPIC, topic)
        return self.admin.describe_configs([resource])[resource].result()

    def offset(self, place, spec):
        """One listed offset."""
        return next(iter(self.admin.list_offsets({place: spec}).values())).result()

    def filled(self, name, apart=True):
        """A topic of one partition with ten records, value = offset; each a batch of its own when `apart`."""
        topic = self.topic(name)
        producer = Producer({"bootstrap.servers": BOOTSTRAP, "linger.ms": 500, "max.in.flight": 1})
        for index, timestamp in enumerate(TIMES):
            producer.produce(topic, value=bytes([index]), partition=0, timestamp=timestamp)
            if apart:
                producer.flush(30)
        equal(producer.flush(30), 0)
        return TopicPartition(topic, 0)


def consumer(**settings):
    """A consumer that only ever assigns."""
    base = {"bootstrap.servers": BOOTSTRAP, "group.id": "unused", "enable.auto.commit": False, "auto.offset.reset": "error"}
    return Consumer({**base, **{key.replace("_", "."): value for key, value in settings.items()}})


def take(source, count, seconds=30):
    """Up to `count` messages, waiting at most so long."""
    found = []
    until = time.monotonic() + seconds
    while len(found) < count and time.monotonic() < until:
        for message in source.consume(count - len(found), 0.1):
            if message.error():
                raise KafkaException(message.error())
            found.append(message)
    return found


def offsets_from(place, offset, count, **settings):
    """The offsets of `count` messages read from one offset on."""
    source = consumer(**settings)
    source.assign([TopicPartition(place.topic, place.partition, offset)])
    found = [message.offset() for message in take(source, count)]
    source.close()
    return found


def send(topic, value=b"v", partition=-1, timestamp=0, **settings):
    """Produces one record and returns its message, or raises the broker's error."""
    producer = Producer({"bootstrap.servers": BOOTSTRAP, **{key.replace("_", "."): value for key, value in settings.items()}})
    outcome = []
    producer.produce(topic, value=value, partition=partition, timestamp=timestamp, on_delivery=lambda *report: outcome.append(report))
    producer.flush(60)
    error, message = outcome[0]
    if error is not None:
        raise KafkaException(error)
    return message


def topic_checks(check, broker):
    """Topics and partitions."""
    admin = broker.admin

    def created():
        description = broker.describe(broker.topic("created", 4))
        equal([p.id for p in description.partitions], [0, 1, 2, 3])
        equal({(p.leader.id, len(p.replicas), len(p.isr)) for p in description.partitions}, {(description.partitions[0].leader.id, 1, 1)})

    def twice():
        topic = broker.topic("twice")
        refused(lambda: admin.create_topics([NewTopic(topic, 1)])[topic].result(), containing="TOPIC_ALREADY_EXISTS")

    def bad(topic, partitions, replicas, config, containing):
        request = NewTopic(topic, partitions, replication_factor=replicas, config=config)
        return lambda: refused(lambda: admin.create_topics([request])[topic].result(), containing=containing)

    def listed():
        topic = broker.topic("listed", 3)
        equal(len(admin.list_topics(timeout=10).topics[topic].partitions), 3)

    def grown():
        topic = broker.topic("grown", 2)
        admin.create_partitions([NewPartitions(topic, 6)])[topic].result()
        eventually(lambda: equal(len(broker.describe(topic).partitions), 6))

    def shrunk():
        topic = broker.topic("shrunk", 3)
        refused(lambda: admin.create_partitions([NewPartitions(topic, 2)])[topic].result(), containing="INVALID_PARTITIONS")

    def deleted():
        topic = broker.topic("deleted", 2)
        admin.delete_topics([topic])[topic].result()
        eventually(lambda: refused(lambda: broker.describe(topic), containing="UNKNOWN_TOPIC_OR_PART"))

    def delete_unknown():
        refused(lambda: admin.delete_topics(["confluent.check.unknown"])["confluent.check.unknown"].result(), containing="UNKNOWN_TOPIC_OR_PART")

    check.run("create and describe topic", created)
    check.run("create existing topic is refused", twice)
    check.run("create topic with a bad name is refused", bad("no/slash", 1, 1, {}, "TOPIC_EXCEPTION"))
    check.run("create topic with too many replicas is refused", bad("confluent.bad", 1, 5, {}, "INVALID_REPLICATION_FACTOR"))
    check.run("create topic with a bad config is refused", bad("confluent.bad", 1, 1, {"retention.ms": "x"}, "INVALID_CONFIG"))
    check.run("list topics", listed)
    check.run("create partitions", grown)
    check.run("create fewer partitions is refused", shrunk)
    check.run("delete topic", deleted)
    check.run("delete unknown topic is refused", delete_unknown)


def config_checks(check, broker):
    """Configs and the cluster."""
    admin = broker.admin

    def alter(topic, name, value, operation):
        entry = ConfigEntry(name, value, incremental_operation=operation)
        resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
        admin.incremental_alter_configs([resource])[resource].result()

    def described():
        configs = broker.configs(broker.topic("configs", max_message_bytes="2000000"))
        equal((configs["max.message.bytes"].value, configs["max.message.bytes"].source), ("2000000", ConfigSource.DYNAMIC_TOPIC_CONFIG.value))
        equal((configs["retention.ms"].value, configs["retention.ms"].source), ("604800000", ConfigSource.DEFAULT_CONFIG.value))

    def incremental():
        topic = broker.topic("incremental")
        alter(topic, "retention.ms", "777777", AlterConfigOpType.SET)
        eventually(lambda: equal(broker.configs(topic)["retention.ms"].value, "777777"))
        alter(topic, "cleanup.policy", "compact", AlterConfigOpType.APPEND)
        eventually(lambda: equal(set(broker.configs(topic)["cleanup.policy"].value.split(",")), {"delete", "compact"}))
        alter(topic, "retention.ms", None, AlterConfigOpType.DELETE)
        eventually(lambda: equal(broker.configs(topic)["retention.ms"].value, "604800000"))

    def replaced():
        topic = broker.topic("replaced", retention_ms="1111111")
        resource = ConfigResource(ResourceType.TOPIC, topic, set_config={"retention.bytes": "5000000"})
        admin.alter_configs([resource])[resource].result()
        eventually(lambda: equal(broker.configs(topic)["retention.bytes"].value, "5000000"))
        equal(broker.configs(topic)["retention.ms"].value, "604800000")

    def bad_value():
        topic = broker.topic("bad-value")
        refused(lambda: alter(topic, "retention.ms", "soon", AlterConfigOpType.SET), containing="INVALID_CONFIG")

    def broker_configs():
        node = next(iter(admin.list_topics(timeout=10).brokers))
        resource = ConfigResource(ResourceType.BROKER, str(node))
        equal(admin.describe_configs([resource])[resource].result()["num.partitions"].value, "1")

    def cluster():
        description = admin.describe_cluster().result()
        equal(len(description.nodes), 1)
        equal(f"{description.nodes[0].host}:{description.nodes[0].port}", BOOTSTRAP)
        equal(bool(description.cluster_id) and description.controller.id, description.nodes[0].id)

    check.run("describe configs", described)
    check.run("incremental alter configs", incremental)
    check.run("alter configs replaces all", replaced)
    check.run("alter configs with a bad value is refused", bad_value)
    check.run("describe broker configs", broker_configs)
    check.run("describe cluster", cluster)


def offset_checks(check, broker):
    """Offsets, times, deletion of records."""

    def specials(apart):
        def run():
            place = broker.filled(f"offsets-{apart}", apart)
            equal(broker.offset(place, OffsetSpec.earliest()).offset, 0)
            equal(broker.offset(place, OffsetSpec.latest()).offset, 10)
            top = broker.offset(place, OffsetSpec.max_timestamp())
            equal((top.offset, top.timestamp), (3, 9000))
            for asked, wanted in ((0, 0), (1001, 1), (3500, 3), (9000, 3), (9001, -1)):
                equal(broker.offset(place, OffsetSpec.for_timestamp(asked)).offset, wanted)

        return run

    def times():
        place = broker.filled("times")
        source = consumer()
        found = source.offsets_for_times([TopicPartition(place.topic, 0, 3500)], timeout=30)[0].offset
        equal(found, 3)
        beyond = source.offsets_for_times([TopicPartition(place.topic, 0, 99999)], timeout=30)[0].offset
        equal(beyond, OFFSET_END)
        source.close()
        equal(offsets_from(place, found, 7), list(range(3, 10)))

    def deleted():
        place = broker.filled("trimmed")
        result = broker.admin.delete_records([TopicPartition(place.topic, 0, 4)])
        equal(next(iter(result.values())).result().low_watermark, 4)
        equal(broker.offset(place, OffsetSpec.earliest()).offset, 4)
        equal(offsets_from(place, OFFSET_BEGINNING, 6), list(range(4, 10)))

    check.run("list offsets, ten batches", specials(True))
    check.run("list offsets, one batch", specials(False))
    check.run("seek by time", times)
    check.run("delete records", deleted)


def producer_checks(check, broker):
    """What is refused, created, kept in order."""

    def auto_created():
        equal(send("confluent.check.auto-created").offset(), 0)

    def too_large():
        topic = broker.topic("too-large", max_message_bytes="1000")
        refused(lambda: send(topic, b"x" * 2000), containing="MSG_SIZE_TOO_LARGE")
        equal(send(topic).offset(), 0)

    def in_flight():
        topic = broker.topic("in-flight", 2)
        settings = {"enable.idempotence": True, "linger.ms": 0, "batch.num.messages": 3}
        producer = Producer({"bootstrap.servers": BOOTSTRAP, **settings})
        places = []
        for index in range(3000):
            producer.produce(topic, value=b"x" * 40, partition=index % 2, on_delivery=lambda error, message: places.append((error, message)))
            producer.poll(0)
        producer.flush(60)
        equal([error for error, _ in places if error], [])
        for partition in (0, 1):
            equal([m.offset() for _, m in places if m.partition() == partition], list(range(1500)))

    def future():
        topic = broker.topic("future", message_timestamp_after_max_ms="1000")
        refused(lambda: send(topic, timestamp=int(time.time() * 1000) + 3_600_000), containing="INVALID_TIMESTAMP")

    def unknown_partition():
        topic = broker.topic("two", 2)
        refused(lambda: send(topic, partition=7, message_timeout_ms=5000), containing="UNKNOWN_PARTITION")

    check.run("producing to an unknown topic creates it", auto_created)
    check.run("record over max.message.bytes is refused", too_large)
    check.run("idempotent producer with requests in flight", in_flight)
    check.run("timestamp too far ahead is refused", future)
    check.run("unknown partition is refused", unknown_partition)


def consumer_checks(check, broker):
    """Seeking and waiting."""

    def by_offset(apart):
        def run():
            place = broker.filled(f"seek-{apart}", apart)
            for first in (0, 4, 9):
                equal(offsets_from(place, first, 10 - first), list(range(first, 10)))
            source = consumer()
            source.assign([TopicPartition(place.topic, 0, 0)])
            equal(take(source, 1)[0].offset(), 0)
            source.seek(TopicPartition(place.topic, 0, 8))
            equal([message.offset() for message in take(source, 2)], [8, 9])
            source.close()

        return run

    def out_of_range():
        place = broker.filled("out-of-range")
        refused(lambda: offsets_from(place, 99, 1), containing=str(KafkaError._AUTO_OFFSET_RESET))  # noqa: SLF001
        equal(offsets_from(place, 99, 10, auto_offset_reset="earliest"), list(range(10)))

    def tiny():
        equal(offsets_from(broker.filled("tiny", False), 0, 10, fetch_max_bytes=1000, message_max_bytes=1000, max_partition_fetch_bytes=1), list(range(10)))

    def end_of_partition():
        place = broker.filled("eof")
        source = consumer(enable_partition_eof=True)
        source.assign([TopicPartition(place.topic, 0, OFFSET_END)])
        message = source.poll(20)
        equal((message.error().code(), message.offset()), (KafkaError._PARTITION_EOF, 10))  # noqa: SLF001
        source.close()

    def woken():
        place = TopicPartition(broker.topic("woken"), 0, 0)
        source = consumer(fetch_wait_max_ms=5000)
        source.assign([place])
        equal(take(source, 1, seconds=1), [])
        send(place.topic)
        start = time.monotonic()
        equal(len(take(source, 1)), 1)
        source.close()
        equal(time.monotonic() - start < 2.5, True)

    def thousand():
        topic = broker.topic("thousand", 1000)
        producer = Producer({"bootstrap.servers": BOOTSTRAP, "enable.idempotence": True, "linger.ms": 100})
        errors = []
        for value in range(3):
            for partition in range(1000):
                producer.produce(topic, value=bytes([value]), partition=partition, on_delivery=lambda error, _: errors.append(error))
        producer.flush(120)
        equal([error for error in errors if error], [])
        source = consumer()
        source.assign([TopicPartition(topic, partition, 0) for partition in range(1000)])
        found = take(source, 3000, 60)
        equal({message.value()[0] == message.offset() for message in found}, {True})
        equal(len({(message.partition(), message.offset()) for message in found}), 3000)
        source.close()
        wait(broker.admin.delete_topics([topic]).values())

    check.run("seek by offset, ten batches", by_offset(True))
    check.run("seek by offset, one batch", by_offset(False))
    check.run("offset out of range is refused or reset", out_of_range)
    check.run("tiny fetch limits still make progress", tiny)
    check.run("end of partition is told", end_of_partition)
    check.run("a waiting consumer is woken by the append", woken)
    check.run("a thousand partitions in one consumer", thousand)


def run():
    """All checks."""
    check = Checks()
    broker = Broker()
    for group in (topic_checks, config_checks, offset_checks, producer_checks, consumer_checks):
        group(check, broker)
