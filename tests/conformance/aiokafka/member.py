"""One group member of aiokafka; see driver/membership.py."""

from adapter import BOOTSTRAP
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.errors import KafkaError
from membership import Membership

ASSIGNORS = {"range": RangePartitionAssignor, "roundrobin": RoundRobinPartitionAssignor, "sticky": StickyPartitionAssignor}


async def run():
    """Consumes until told to stop."""
    membership = Membership()
    consumer = AIOKafkaConsumer(
        bootstrap_servers=BOOTSTRAP,
        group_id=membership.group,
        group_instance_id=membership.instance,
        partition_assignment_strategy=[ASSIGNORS[membership.assignor]],
        session_timeout_ms=membership.session_ms,
        heartbeat_interval_ms=membership.heartbeat_ms,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    consumer.subscribe([membership.topic], listener=membership.listener(ConsumerRebalanceListener))
    await consumer.start()
    while membership.goes_on:
        found = await consumer.getmany(timeout_ms=100)
        places = [(record.partition, record.offset) for records in found.values() for record in records]
        offsets = membership.read(places)
        if not offsets:
            continue
        try:
            await consumer.commit({TopicPartition(membership.topic, p): o for p, o in offsets.items()})
            membership.tell("committed", o=offsets)
        except KafkaError as error:
            membership.tell("refused", why=repr(error))
    await consumer.stop()
    membership.tell("closed")
