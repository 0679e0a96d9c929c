"""What kafka-python asks of a broker beyond plain producing and reading."""

import time

from adapter import BOOTSTRAP, Checks, equal, eventually, refused
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import AlterConfigOp, ConfigResource, ConfigResourceType, OffsetSpec

# Timestamps of the ten records of each filled topic: not in order, so that the maximum is not the last.
TIMES = [1000, 2000, 3000, 9000, 4000, 5000, 6000, 6000, 7000, 8000]


class Broker:
    """The admin client, and topics to check on."""

    def __init__(self):
        self.admin = KafkaAdminClient(bootstrap_servers=BOOTSTRAP)

    def topic(self, name, partitions=1, **config):
        """Creates a topic and waits until it is known; its name."""
        topic = f"kpy.check.{name}"
        configs = {key.replace("_", "."): value for key, value in config.items()}
        self.admin.create_topics({topic: {"num_partitions": partitions, "configs": configs}}, wait_for_metadata=True)
        return topic

    def describe(self, topic):
        """The description of one topic."""
        return self.admin.describe_topics([topic])[0]

    def config(self, topic, name):
        """The value of one config of a topic."""
        resource = ConfigResource(ConfigResourceType.TOPIC, topic)
        found = self.admin.describe_configs([resource], config_filter="all")
        return next(iter(found.values()))[topic][name]

    def alter(self, topic, name, operation, value):
        """One incremental change; the client answers errors instead of raising them."""
        return str(self.admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {name: (operation, value)})], incremental=True))

    def offset(self, place, spec):
        """One listed offset and its timestamp."""
        found = self.admin.list_partition_offsets({place: spec})[place]
        return found.offset, found.timestamp

    def filled(self, name, apart=True):
        """A topic of one partition with ten records, value = offset; each a batch of its own when `apart`."""
        topic = self.topic(name)
        producer = KafkaProducer(bootstrap_servers=BOOTSTRAP, linger_ms=500, enable_idempotence=False, max_in_flight_requests_per_connection=1)
        for index, timestamp in enumerate(TIMES):
            producer.send(topic, bytes([index]), partition=0, timestamp_ms=timestamp)
            if apart:
                producer.flush(30)
        producer.flush(30)
        producer.close()
        return TopicPartition(topic, 0)


def consumer(place, offset=None, **settings):
    """A consumer of one partition."""
    base = {"bootstrap_servers": BOOTSTRAP, "group_id": None, "enable_auto_commit": False, "auto_offset_reset": "none"}
    source = KafkaConsumer(**{**base, **settings})
    source.assign([place])
    if offset is not None:
        source.seek(place, offset)
    return source


def take(source, count, seconds=30):
    """Up to `count` records, waiting at most so long."""
    found = []
    until = time.monotonic() + seconds
    while len(found) < count and time.monotonic() < until:
        for records in source.poll(100).values():
            found += records
    return found


def offsets_from(place, offset, count, **settings):
    """The offsets of `count` records read from one offset on."""
    source = consumer(place, offset, **settings)
    found = [record.offset for record in take(source, count)]
    source.close()
    return found


def send(topic, value=b"v", **settings):
    """Produces one record; where it went."""
    timestamp = settings.pop("timestamp", None)
    producer = KafkaProducer(bootstrap_servers=BOOTSTRAP, **settings)
    try:
        return producer.send(topic, value, timestamp_ms=timestamp).get(60)
    finally:
        producer.close()


def admin_checks(check, broker):
    """Topics, configs, cluster."""
    admin = broker.admin

    def created():
        topic = broker.topic("created", 4)
        eventually(lambda: equal(sorted(p["partition_index"] for p in broker.describe(topic)["partitions"]), [0, 1, 2, 3]))
        equal(topic in admin.list_topics(), True)

    def twice():
        topic = broker.topic("twice")
        refused(lambda: admin.create_topics({topic: {"num_partitions": 1}}), containing="TopicAlreadyExists")

    def bad(topic, options, containing):
        return lambda: refused(lambda: admin.create_topics({topic: options}), containing=containing)

    def grown():
        topic = broker.topic("grown", 2)
        admin.create_partitions({topic: 6})
        eventually(lambda: equal(len(broker.describe(topic)["partitions"]), 6))

    def shrunk():
        topic = broker.topic("shrunk", 3)
        refused(lambda: admin.create_partitions({topic: 2}), containing="InvalidPartitions")

    def deleted():
        topic = broker.topic("deleted")
        admin.delete_topics([topic])
        eventually(lambda: equal(topic in admin.list_topics(), False))
        refused(lambda: admin.delete_topics([topic]), containing="UnknownTopicOrPartition")

    def configs():
        topic = broker.topic("configs", max_message_bytes="2000000")
        equal(broker.config(topic, "max.message.bytes")["value"], "2000000")
        equal(broker.config(topic, "retention.ms")["value"], "604800000")

    def incremental():
        topic = broker.topic("incremental")
        broker.alter(topic, "retention.ms", AlterConfigOp.SET, "777777")
        eventually(lambda: equal(broker.config(topic, "retention.ms")["value"], "777777"))
        broker.alter(topic, "cleanup.policy", AlterConfigOp.APPEND, "compact")
        eventually(lambda: equal(set(broker.config(topic, "cleanup.policy")["value"].split(",")), {"delete", "compact"}))
        broker.alter(topic, "retention.ms", AlterConfigOp.DELETE, None)
        eventually(lambda: equal(broker.config(topic, "retention.ms")["value"], "604800000"))
        equal("InvalidConfig" in broker.alter(topic, "retention.ms", AlterConfigOp.SET, "soon"), True)
        equal(broker.config(topic, "retention.ms")["value"], "604800000")

    def cluster():
        described = admin.describe_cluster()
        equal(len(described["brokers"]), 1)
        equal("{host}:{port}".format(**described["brokers"][0]), BOOTSTRAP)

    def paged():
        topic = broker.topic("paged", 5)
        first = admin.describe_topic_partitions([topic], response_partition_limit=3)
        equal(len(first["topics"][0]["partitions"]), 3)
        second = admin.describe_topic_partitions([topic], cursor=first["next_cursor"])
        equal([p["partition_index"] for p in second["topics"][0]["partitions"]], [3, 4])
        equal(second["next_cursor"], None)

    def directories():
        topic = broker.topic("on-disk", 2)
        eventually(lambda: equal(topic in str(admin.describe_log_dirs()), True))

    check.run("create, list and describe topic", created)
    check.run("create existing topic is refused", twice)
    check.run("create topic with a bad name is refused", bad("no/slash", {"num_partitions": 1}, "InvalidTopic"))
    check.run("create topic without partitions is refused", bad("kpy.bad", {"num_partitions": 0}, "InvalidPartitions"))
    check.run("create topic with a bad config is refused", bad("kpy.bad", {"configs": {"no.such": "1"}}, "InvalidConfig"))
    check.run("create partitions", grown)
    check.run("create fewer partitions is refused", shrunk)
    check.run("delete topic", deleted)
    check.run("describe configs", configs)
    check.run("incremental alter configs", incremental)
    check.run("describe cluster", cluster)
    check.run("describe topic partitions in pages", paged)
    check.run("describe log directories", directories)


def offset_checks(check, broker):
    """Offsets, times, deletion of records, producers' state."""

    def specials(apart):
        def run():
            place = broker.filled(f"offsets-{apart}", apart)
            equal(broker.offset(place, OffsetSpec.EARLIEST)[0], 0)
            equal(broker.offset(place, OffsetSpec.LATEST)[0], 10)
            equal(broker.offset(place, OffsetSpec.EARLIEST_LOCAL)[0], 0)
            equal(broker.offset(place, OffsetSpec.LATEST_TIERED)[0], -1)
            equal(broker.offset(place, OffsetSpec.MAX_TIMESTAMP), (3, 9000))
            for asked, wanted in ((0, 0), (1001, 1), (3500, 3), (9000, 3), (9001, -1)):
                equal(broker.offset(place, asked)[0], wanted)

        return run

    def times():
        place = broker.filled("times")
        source = consumer(place)
        equal(source.offsets_for_times({place: 3500})[place].offset, 3)
        equal(source.offsets_for_times({place: 99999})[place], None)
        source.seek(place, 3)
        equal([record.offset for record in take(source, 7)], list(range(3, 10)))
        source.close()

    def trimmed():
        place = broker.filled("trimmed")
        broker.admin.delete_records({place: 4})
        equal(broker.offset(place, OffsetSpec.EARLIEST)[0], 4)
        equal(offsets_from(place, 1, 6, auto_offset_reset="earliest"), list(range(4, 10)))

    def producers():
        topic = broker.topic("producers")
        send(topic, enable_idempotence=True)
        place = TopicPartition(topic, 0)
        equal(len(broker.admin.describe_producers([place])[place].active_producers), 1)

    check.run("list offsets, ten batches", specials(True))
    check.run("list offsets, one batch", specials(False))
    check.run("seek by time", times)
    check.run("delete records", trimmed)
    check.run("describe producers", producers)


def record_checks(check, broker):
    """What producers and consumers see."""

    def auto_created():
        equal(send("kpy.check.auto-created").offset, 0)

    def too_large():
        topic = broker.topic("too-large", max_message_bytes="1000")
        refused(lambda: send(topic, b"x" * 2000), containing="MessageSizeTooLarge")
        equal(send(topic).offset, 0)

    def future():
        topic = broker.topic("future", message_timestamp_after_max_ms="1000")
        refused(lambda: send(topic, timestamp=int(time.time() * 1000) + 3_600_000), containing="InvalidTimestamp")

    def by_offset(apart):
        def run():
            place = broker.filled(f"seek-{apart}", apart)
            for first in (0, 4, 9):
                equal(offsets_from(place, first, 10 - first), list(range(first, 10)))

        return run

    def ends():
        place = broker.filled("ends")
        source = consumer(place)
        source.seek_to_end(place)
        equal(source.position(place), 10)
        source.seek_to_beginning(place)
        equal([record.offset for record in take(source, 10)], list(range(10)))
        source.close()

    def tiny():
        place = broker.filled("tiny", False)
        equal(offsets_from(place, 0, 10, max_partition_fetch_bytes=1, fetch_max_bytes=1), list(range(10)))

    def woken():
        place = TopicPartition(broker.topic("woken"), 0)
        source = consumer(place, 0, fetch_max_wait_ms=5000)
        equal(take(source, 1, seconds=1), [])
        send(place.topic)
        start = time.monotonic()
        equal(len(take(source, 1)), 1)
        equal(time.monotonic() - start < 2.5, True)
        source.close()

    def many_partitions():
        topic = broker.topic("many", 200)
        producer = KafkaProducer(bootstrap_servers=BOOTSTRAP, linger_ms=100)
        for value in range(3):
            for partition in range(200):
                producer.send(topic, bytes([value]), partition=partition)
        producer.flush(60)
        producer.close()
        source = KafkaConsumer(bootstrap_servers=BOOTSTRAP, group_id=None, auto_offset_reset="earliest", enable_auto_commit=False)
        source.assign([TopicPartition(topic, partition) for partition in range(200)])
        found = take(source, 600)
        equal({record.value[0] == record.offset for record in found}, {True})
        equal(len({(record.partition, record.offset) for record in found}), 600)
        source.close()

    check.run("producing to an unknown topic creates it", auto_created)
    check.run("record over max.message.bytes is refused", too_large)
    check.run("timestamp too far ahead is refused", future)
    check.run("seek by offset, ten batches", by_offset(True))
    check.run("seek by offset, one batch", by_offset(False))
    check.run("seek to beginning and end", ends)
    check.run("tiny fetch limits still make progress", tiny)
    check.run("a waiting consumer is woken by the append", woken)
    check.run("two hundred partitions in one consumer", many_partitions)


def run():
    """All checks."""
    check = Checks()
    broker = Broker()
    for group in (admin_checks, offset_checks, record_checks):
        group(check, broker)
