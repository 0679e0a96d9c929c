"""One group member of kafka-python; see driver/membership.py."""

from adapter import BOOTSTRAP
from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.errors import KafkaConnectionError, KafkaError
from kafka.structs import OffsetAndMetadata
from membership import Membership

ASSIGNORS = {"range": RangePartitionAssignor, "cooperative-sticky": CooperativeStickyAssignor}


def run():
    """Consumes until told to stop."""
    membership = Membership()
    consumer = KafkaConsumer(
        bootstrap_servers=BOOTSTRAP,
        group_id=membership.group,
        group_instance_id=membership.instance,
        partition_assignment_strategy=[ASSIGNORS[membership.assignor]],
        session_timeout_ms=membership.session_ms,
        heartbeat_interval_ms=membership.heartbeat_ms,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        reconnect_backoff_max_ms=500,
    )
    consumer.subscribe([membership.topic], listener=membership.listener(ConsumerRebalanceListener))
    while membership.goes_on:
        try:
            found = consumer.poll(100)
        except KafkaConnectionError as error:
            # This client lets its caller try again while the broker is away.
            membership.tell("refused", why=repr(error))
            continue
        places = [(record.partition, record.offset) for records in found.values() for record in records]
        offsets = membership.read(places)
        if not offsets:
            continue
        try:
            consumer.commit({TopicPartition(membership.topic, p): OffsetAndMetadata(o, "", -1) for p, o in offsets.items()})
            membership.tell("committed", o=offsets)
        except KafkaError as error:
            membership.tell("refused", why=repr(error))
    consumer.close()
    membership.tell("closed")
