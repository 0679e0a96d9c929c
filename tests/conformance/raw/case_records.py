"""Records and offsets: requests without a good batch, long polls that end at once, positions."""

from case_topics import create, topic_id


def case_produce(ask):
    """What is refused."""
    create(ask, "produce.t")
    own = topic_id(ask, "produce.t")
    for version in (3, 9, 12, 13):
        named = {"TopicId": own} if version >= 13 else {"Name": "produce.t"}
        unknown = {"TopicId": "12" * 16} if version >= 13 else {"Name": "no.such"}
        partition = lambda index, records: [{"Index": index, "Records": records}]
        send = lambda step, topic, data, acks=1, version=version: ask(
            f"{step} v{version}", "Produce", version, {"Acks": acks, "TimeoutMs": 1000, "TopicData": [{**topic, "PartitionData": data}]}
        )
        # Kafka never answers it.
        send("no records", named, partition(0, None)) if version == 13 else None
        send("empty records", named, partition(0, ""))
        send("short", named, partition(0, "00" * 20))
        send("zeroes", named, partition(0, "00" * 61))
        send("old magic", named, partition(0, "00" * 11 + "31" + "00000000" + "01" + "00" * 44))
        send("unknown partition", named, partition(7, "00" * 61))
        send("unknown topic", unknown, partition(0, "00" * 61))
        send("acks of 2", named, partition(0, "00" * 61), 2)


def case_fetch(ask):
    """Positions and partitions that are not there, sessions that are not known."""
    create(ask, "fetch.t")
    own = topic_id(ask, "fetch.t")
    ready = {"MaxBytes": 10000, "Topics": [{"Topic": "fetch.t", "Partitions": [{"Partition": 0, "FetchOffset": 0, "PartitionMaxBytes": 1000}]}]}
    ask.until(lambda answer: answer["Responses"][0]["Partitions"][0]["ErrorCode"] == 0, "Fetch", 12, ready)
    for version in (4, 7, 12, 13, 17, 18):
        named = {"TopicId": own} if version >= 13 else {"Topic": "fetch.t"}
        unknown = {"TopicId": "12" * 16} if version >= 13 else {"Topic": "no.such"}
        partition = lambda index=0, offset=0, **more: [{"Partition": index, "FetchOffset": offset, "PartitionMaxBytes": 1000, **more}]
        send = lambda step, topic, partitions, version=version, **more: ask(
            f"{step} v{version}", "Fetch", version, {"MaxBytes": 10000, "Topics": [{**topic, "Partitions": partitions}], **more}
        )
        send("empty", named, partition())
        send("beyond", named, partition(offset=5))
        send("negative", named, partition(offset=-1))
        send("unknown partition", named, partition(7))
        send("unknown topic", unknown, partition())
        if version >= 9:
            send("newer epoch", named, partition(CurrentLeaderEpoch=1000))
        if version >= 7:
            send("unknown session", named, partition(), SessionId=12345, SessionEpoch=1)
            send("bad epoch", named, partition(), SessionId=0, SessionEpoch=5)


def case_list_offsets(ask):
    """Special times, unknown partitions."""
    create(ask, "offsets.t")
    for version in range(1, 12):
        for time in (-1, -2, -3, -4, -5, -6, -7, 0, 10):
            topics = [{"Name": "offsets.t", "Partitions": [{"PartitionIndex": 0, "Timestamp": time}]}]
            ask(f"time {time} v{version}", "ListOffsets", version, {"ReplicaId": -1, "Topics": topics})
        topics = [{"Name": "offsets.t", "Partitions": [{"PartitionIndex": 0, "Timestamp": -1}, {"PartitionIndex": 0, "Timestamp": -2}, {"PartitionIndex": 9, "Timestamp": -1}]}]
        ask(f"repeated v{version}", "ListOffsets", version, {"ReplicaId": -1, "Topics": topics})
        topics = [{"Name": "no.such", "Partitions": [{"PartitionIndex": 0, "Timestamp": -1}]}]
        ask(f"unknown topic v{version}", "ListOffsets", version, {"ReplicaId": -1, "Topics": topics})


def case_leader_epochs(ask):
    """Known, newer and unknown epochs."""
    create(ask, "epochs.t")
    for version in (2, 3, 4):
        for step, topic, index, current, wanted in (
            ("first", "epochs.t", 0, -1, 0),
            ("newer", "epochs.t", 0, -1, 7),
            ("negative", "epochs.t", 0, -1, -1),
            ("current too new", "epochs.t", 0, 1000, 0),
            ("unknown partition", "epochs.t", 9, -1, 0),
            ("unknown topic", "no.such", 0, -1, 0),
        ):
            partitions = [{"Partition": index, "CurrentLeaderEpoch": current, "LeaderEpoch": wanted}]
            replica = {"ReplicaId": -1} if version >= 3 else {}
            ask(f"{step} v{version}", "OffsetForLeaderEpoch", version, {**replica, "Topics": [{"Topic": topic, "Partitions": partitions}]})


def case_producers(ask):
    """Producer ids, and who produces."""
    create(ask, "producers.t")
    # Kafka's first ids take a moment to come.
    fresh = {"TransactionalId": None, "TransactionTimeoutMs": 1000, "ProducerId": -1, "ProducerEpoch": -1}
    ask.until(lambda answer: answer["ErrorCode"] == 0, "InitProducerId", 5, fresh)
    for version in range(0, 6):
        own = {"ProducerId": -1, "ProducerEpoch": -1} if version >= 3 else {}
        ask(f"id v{version}", "InitProducerId", version, {"TransactionalId": None, "TransactionTimeoutMs": 1000, **own})
    ask("known id", "InitProducerId", 5, {"TransactionalId": None, "TransactionTimeoutMs": 1000, "ProducerId": 5, "ProducerEpoch": 1})
    ask("empty transactional id", "InitProducerId", 5, {"TransactionalId": "", "TransactionTimeoutMs": 1000, "ProducerId": -1, "ProducerEpoch": -1})
    for topic, index in (("producers.t", 0), ("producers.t", 9), ("no.such", 0)):
        ask(f"of {topic} {index}", "DescribeProducers", 0, {"Topics": [{"Name": topic, "PartitionIndexes": [index]}]})


def case_coordinators(ask):
    """Kinds of coordinators."""
    for version in (0, 1, 3):
        for kind in (0, 2, 7) if version else (0,):
            ask(f"kind {kind} v{version}", "FindCoordinator", version, {"Key": "g", **({"KeyType": kind} if version else {})})
    for version in (4, 5, 6):
        for kind in (0, 2, 7):
            ask(f"kind {kind} v{version}", "FindCoordinator", version, {"KeyType": kind, "CoordinatorKeys": ["g", "h", "g"]})
