"""Topics: create, describe, grow, delete."""


def create(ask, name, partitions=1, **more):
    """A topic that is there on return."""
    topic = {"Name": name, "NumPartitions": partitions, "ReplicationFactor": 1, **more}
    exists = 36
    ask.until(lambda answer: answer["Topics"][0]["ErrorCode"] in (0, exists), "CreateTopics", 7, {"Topics": [topic], "timeoutMs": 10000})
    named = {"Topics": [{"Name": name}], "AllowAutoTopicCreation": False}
    led = lambda partition: partition["ErrorCode"] == 0
    ask.until(lambda answer: answer["Topics"][0]["ErrorCode"] == 0 and all(map(led, answer["Topics"][0]["Partitions"])), "Metadata", 12, named)


def topic_id(ask, name):
    """Its id on the broker that is asked."""
    return ask.quietly("Metadata", 12, {"Topics": [{"Name": name}]})["Topics"][0]["TopicId"]


def gone(ask, *names):
    """Waits until there are no such topics."""
    ask.until(lambda answer: not {topic["Name"] for topic in answer["Topics"]} & set(names), "Metadata", 12, {"Topics": None})


def case_create_topics(ask):
    """Good ones in every version, and what is wrong with others."""
    for version in range(2, 8):
        topic = {"Name": f"create.v{version}", "NumPartitions": 2, "ReplicationFactor": 1}
        ask(f"v{version}", "CreateTopics", version, {"Topics": [topic], "timeoutMs": 10000})
        ask(f"again v{version}", "CreateTopics", version, {"Topics": [topic], "timeoutMs": 10000})
        ask(f"only validated v{version}", "CreateTopics", version, {"Topics": [{**topic, "Name": "create.never"}], "validateOnly": True})
    good = {"NumPartitions": 1, "ReplicationFactor": 1}
    assignment = lambda *partitions: {
        "NumPartitions": -1,
        "ReplicationFactor": -1,
        "Assignments": [{"PartitionIndex": index, "BrokerIds": brokers} for index, brokers in partitions],
    }
    bad = {
        "empty name": {"Name": "", **good},
        "dots": {"Name": "..", **good},
        "characters": {"Name": "a b", **good},
        "long name": {"Name": "a" * 250, **good},
        "collision": {"Name": "create_v2", **good},
        "no partitions": {"Name": "bad", **good, "NumPartitions": 0},
        "negative partitions": {"Name": "bad", **good, "NumPartitions": -2},
        "too many partitions": {"Name": "bad", **good, "NumPartitions": 20000},
        "no replicas": {"Name": "bad", **good, "ReplicationFactor": 0},
        "two replicas": {"Name": "bad", **good, "ReplicationFactor": 2},
        "unknown config": {"Name": "bad", **good, "Configs": [{"Name": "no.such", "Value": "1"}]},
        "bad config": {"Name": "bad", **good, "Configs": [{"Name": "retention.ms", "Value": "x"}]},
        "null config": {"Name": "bad", **good, "Configs": [{"Name": "retention.ms", "Value": None}]},
        "assignment to nobody": {"Name": "bad", **assignment((0, []))},
        "assignment to a stranger": {"Name": "bad", **assignment((0, [7]))},
        "assignment twice": {"Name": "bad", **assignment((0, [1, 1]))},
        "assignment with a gap": {"Name": "bad", **assignment((0, [1]), (2, [1]))},
        "assignment with a count": {"Name": "bad", **assignment((0, [1])), "NumPartitions": 1},
        "assignment with a factor": {"Name": "bad", **assignment((0, [1])), "ReplicationFactor": 1},
        "internal": {"Name": "__cluster_metadata", **good},
    }
    for step, topic in bad.items():
        ask(step, "CreateTopics", 7, {"Topics": [topic], "timeoutMs": 10000})
    twice = {"Name": "bad", **good}
    ask("named twice", "CreateTopics", 7, {"Topics": [twice, twice], "timeoutMs": 10000})
    ask("defaults", "CreateTopics", 7, {"Topics": [{"Name": "create.defaults", "NumPartitions": -1, "ReplicationFactor": -1}], "timeoutMs": 10000})
    ask("assigned", "CreateTopics", 7, {"Topics": [{"Name": "create.assigned", **assignment((1, [1]), (0, [1]))}], "timeoutMs": 10000})


def case_metadata(ask):
    """By name, by id, all; unknown ones."""
    create(ask, "metadata.t", 2)
    own = topic_id(ask, "metadata.t")
    for version in range(0, 14):
        may = {"AllowAutoTopicCreation": False} if version >= 4 else {}
        if version >= 4:
            ask(f"by name v{version}", "Metadata", version, {"Topics": [{"Name": "metadata.t"}, {"Name": "no.such"}, {"Name": "a b"}], **may})
            ask(f"twice v{version}", "Metadata", version, {"Topics": [{"Name": "metadata.t"}, {"Name": "metadata.t"}], **may})
        else:
            ask(f"by name v{version}", "Metadata", version, {"Topics": [{"Name": "metadata.t"}, {"Name": "a b"}]})
        ask(f"none v{version}", "Metadata", version, {"Topics": []}) if version > 0 else None
    for version in (10, 11, 12, 13):
        ask(f"by id v{version}", "Metadata", version, {"Topics": [{"TopicId": own, "Name": None}], "AllowAutoTopicCreation": False})
        ask(f"by unknown id v{version}", "Metadata", version, {"Topics": [{"TopicId": "12" * 16, "Name": None}], "AllowAutoTopicCreation": False})
    ask("no name", "Metadata", 12, {"Topics": [{"Name": None}], "AllowAutoTopicCreation": False})
    ask("operations", "Metadata", 9, {"Topics": [{"Name": "metadata.t"}], "IncludeClusterAuthorizedOperations": True, "IncludeTopicAuthorizedOperations": True})


def case_describe_topic_partitions(ask):
    """Pages, cursors and unknown topics."""
    create(ask, "page.a", 3)
    create(ask, "page.b", 2)
    topics = [{"Name": "page.b"}, {"Name": "page.a"}, {"Name": "page.none"}]
    for limit in (0, 1, 3, 4, 100, -1):
        ask(f"limit {limit}", "DescribeTopicPartitions", 0, {"Topics": topics, "ResponsePartitionLimit": limit})
    for name, index in (("page.a", 1), ("page.a", 9), ("page.b", 0), ("page.none", 0), ("zzz", 0), ("page.a", -1)):
        cursor = {"TopicName": name, "PartitionIndex": index}
        ask(f"from {name} {index}", "DescribeTopicPartitions", 0, {"Topics": topics, "ResponsePartitionLimit": 2, "Cursor": cursor})


def case_create_partitions(ask):
    """More, as many, fewer; assigned ones."""
    create(ask, "grow", 2)
    wanted = lambda count, *assignments: {"Name": "grow", "Count": count, "Assignments": [{"BrokerIds": one} for one in assignments] or None}
    for step, topic in {
        "fewer": wanted(1),
        "as many": wanted(2),
        "none": wanted(0),
        "negative": wanted(-1),
        "wrong count": wanted(4, [1]),
        "stranger": wanted(3, [7]),
        "empty": wanted(3, []),
        "two replicas": wanted(3, [1, 1]),
        "unknown topic": {"Name": "no.such", "Count": 3, "Assignments": None},
        "bad name": {"Name": "a b", "Count": 3, "Assignments": None},
    }.items():
        ask(step, "CreatePartitions", 3, {"Topics": [topic], "TimeoutMs": 10000})
    # Too many at once makes Kafka's controller stumble, so that is not asked.
    ask("named twice", "CreatePartitions", 3, {"Topics": [wanted(3), wanted(4)], "TimeoutMs": 10000})
    ask("only validated", "CreatePartitions", 3, {"Topics": [wanted(5)], "TimeoutMs": 10000, "ValidateOnly": True})
    for version in range(0, 4):
        ask(f"v{version}", "CreatePartitions", version, {"Topics": [wanted(version + 3)], "TimeoutMs": 10000})


def case_delete_topics(ask):
    """By name and by id; twice, unknown, contradicting."""
    for version in range(1, 6):
        create(ask, f"delete.v{version}")
        ask(f"v{version}", "DeleteTopics", version, {"TopicNames": [f"delete.v{version}"], "TimeoutMs": 10000})
        ask(f"unknown v{version}", "DeleteTopics", version, {"TopicNames": ["no.such"], "TimeoutMs": 10000})
        ask(f"unknown twice v{version}", "DeleteTopics", version, {"TopicNames": ["no.such", "no.such"], "TimeoutMs": 10000})
    for name in "abc":
        create(ask, f"delete.{name}")
    by_name = lambda name: {"Name": name, "TopicId": "00" * 16}
    by_id = lambda uuid: {"Name": None, "TopicId": uuid}
    own = topic_id(ask, "delete.b")
    steps = {
        "by name": [by_name("delete.a")],
        "named twice": [by_name("delete.b"), by_name("delete.b")],
        "id twice": [by_id(own), by_id(own)],
        "name and id of one": [by_name("delete.b"), by_id(own)],
        "name and id in one": [{"Name": "delete.b", "TopicId": own}],
        "neither": [by_id("00" * 16)],
        "unknown name": [by_name("no.such")],
        "unknown name twice": [by_name("no.such"), by_name("no.such"), by_name("no.such")],
        "unknown id": [by_id("12" * 16)],
        "unknown id twice": [by_id("12" * 16), by_id("12" * 16)],
        "by id": [by_id(own)],
        "some": [by_name("delete.c"), by_name("no.such")],
    }
    for step, topics in steps.items():
        ask(step, "DeleteTopics", 6, {"Topics": topics, "TimeoutMs": 10000})
    gone(ask, "delete.a", "delete.b", "delete.c")


def case_delete_records(ask):
    """Beyond the ends; unknown partitions."""
    create(ask, "records.delete")
    for step, partition, offset in (("empty", 0, 0), ("to the end", 0, -1), ("beyond", 0, 5), ("negative", 0, -2), ("unknown partition", 9, 0)):
        topics = [{"Name": "records.delete", "Partitions": [{"PartitionIndex": partition, "Offset": offset}]}]
        ask(step, "DeleteRecords", 2, {"Topics": topics, "TimeoutMs": 1000})
    ask("unknown topic", "DeleteRecords", 2, {"Topics": [{"Name": "no.such", "Partitions": [{"PartitionIndex": 0, "Offset": 0}]}], "TimeoutMs": 1000})
