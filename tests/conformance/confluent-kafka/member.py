"""One group member of librdkafka through confluent-kafka, in either protocol; see driver/membership.py."""

from adapter import BOOTSTRAP
from confluent_kafka import Consumer, KafkaException, TopicPartition
from membership import Membership

# What one poll takes at most.
RECORDS_MAX = 500


def settings(membership):
    """The consumer's settings: the broker decides over time-outs and assignment in the newer protocol."""
    common = {
        "bootstrap.servers": BOOTSTRAP,
        "group.id": membership.group,
        "group.protocol": membership.protocol,
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
        "reconnect.backoff.max.ms": 500,
    }
    if membership.instance:
        common["group.instance.id"] = membership.instance
    if membership.protocol == "consumer":
        return common | ({"group.remote.assignor": membership.assignor} if membership.assignor else {})
    return common | {
        "partition.assignment.strategy": membership.assignor,
        "session.timeout.ms": membership.session_ms,
        "heartbeat.interval.ms": membership.heartbeat_ms,
    }


def run():
    """Consumes until told to stop."""
    membership = Membership()
    consumer = Consumer(settings(membership))
    tell = membership.telling
    consumer.subscribe([membership.topic], on_assign=tell("assigned"), on_revoke=tell("revoked"), on_lost=tell("lost"))
    while membership.goes_on:
        found = [message for message in consumer.consume(RECORDS_MAX, 0.1) if message.error() is None]
        offsets = membership.read([(message.partition(), message.offset()) for message in found])
        if not offsets:
            continue
        try:
            places = [TopicPartition(membership.topic, p, o) for p, o in offsets.items()]
            done = consumer.commit(offsets=places, asynchronous=False)
            refused = [place.error for place in done if place.error]
            if refused:
                membership.tell("refused", why=str(refused[0]))
            else:
                membership.tell("committed", o=offsets)
        except KafkaException as error:
            membership.tell("refused", why=str(error))
    consumer.close()
    membership.tell("closed")
