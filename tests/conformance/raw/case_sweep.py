"""Every API that Corelog advertises, in every version: with an empty body of the right form, with a cut one, and beyond its versions."""

from case_classic import coordinator
from wire import APIS

# Requests whose defaults would not be answered, or would change what other cases need.
BODIES = {
    "Produce": {"Acks": 1},
    "DescribeCluster": {"EndpointType": 1},
    "DescribeConfigs": {"Resources": []},
    "DescribeAcls": {"ResourceTypeFilter": 1, "PatternTypeFilter": 1, "Operation": 1, "PermissionType": 1},
    "ApiVersions": {"ClientSoftwareName": "raw", "ClientSoftwareVersion": "1"},
    "UnregisterBroker": {"BrokerId": 4711},
}
# Kafka's later versions, which Corelog does not serve at all, are not asked.
NAMES = {api.key: api.name for api in APIS.values()}
# APIs that Corelog serves and Kafka 4.3.1 does too, in the versions of Kafka 4.3.1; what ApiVersions says is a case of its own.
SWEPT = [
    ("Produce", 3, 13), ("Fetch", 4, 18), ("ListOffsets", 1, 11), ("Metadata", 0, 13), ("FindCoordinator", 0, 6), ("ApiVersions", 0, 4),
    ("CreateTopics", 2, 7), ("DeleteTopics", 1, 6), ("DeleteRecords", 0, 2), ("InitProducerId", 0, 5), ("OffsetForLeaderEpoch", 2, 4),
    ("DescribeAcls", 1, 3), ("CreateAcls", 1, 3), ("DeleteAcls", 1, 3), ("DescribeConfigs", 1, 4), ("AlterConfigs", 0, 2),
    ("AlterReplicaLogDirs", 1, 2), ("DescribeLogDirs", 1, 5), ("CreatePartitions", 0, 3), ("ElectLeaders", 0, 2),
    ("IncrementalAlterConfigs", 0, 1), ("AlterPartitionReassignments", 0, 1), ("ListPartitionReassignments", 0, 0),
    ("DescribeClientQuotas", 0, 1), ("AlterClientQuotas", 0, 1), ("DescribeUserScramCredentials", 0, 0), ("AlterUserScramCredentials", 0, 0),
    ("DescribeQuorum", 0, 2), ("UpdateFeatures", 0, 2), ("DescribeCluster", 0, 2), ("DescribeProducers", 0, 0), ("UnregisterBroker", 0, 0),
    ("OffsetCommit", 2, 10), ("OffsetFetch", 1, 10), ("JoinGroup", 0, 9), ("Heartbeat", 0, 4), ("LeaveGroup", 0, 5), ("SyncGroup", 0, 5),
    ("DescribeGroups", 0, 6), ("ListGroups", 0, 5), ("DeleteGroups", 0, 2), ("OffsetDelete", 0, 0), ("ConsumerGroupHeartbeat", 0, 1),
    ("ConsumerGroupDescribe", 0, 1), ("DescribeTransactions", 0, 0), ("ListTransactions", 0, 2), ("ListConfigResources", 0, 1), ("DescribeTopicPartitions", 0, 0),
]  # fmt: skip


def body(name, version):
    """A body without anything in it."""
    fields = {field.name: field for field in APIS[name].request.fields}
    return {key: value for key, value in BODIES.get(name, {}).items() if fields[key].versions[0] <= version <= fields[key].versions[1]}


def case_versions(ask):
    """Which APIs, versions and features are advertised."""
    for version in range(0, 5):
        answer = ask.quietly("ApiVersions", version, body("ApiVersions", version))
        answer["ApiKeys"] = [{"Name": NAMES.get(key["ApiKey"], key["ApiKey"]), **key} for key in answer["ApiKeys"]]
        answer = {**answer, **{list_: {entry.pop("Name"): entry for entry in answer[list_]} for list_ in ("ApiKeys", "SupportedFeatures", "FinalizedFeatures") if list_ in answer}}
        ask.answers.append((f"v{version}", "ApiVersions", answer))


def case_empty(ask):
    """Every version of every API with nothing in it."""
    coordinator(ask, "", "other")
    for name, low, high in SWEPT:
        # What ApiVersions says is the case above; without a list of topics, all are told, and Kafka has some of its own.
        low = {"ApiVersions": high + 1, "Metadata": 1}.get(name, low)
        for version in range(low, high + 1):
            ask(f"{name} v{version}", name, version, body(name, version))


def case_cut(ask):
    """Bodies that end too early, and bytes behind a body."""
    for name, low, high in SWEPT:
        if name == "ApiVersions":
            continue
        whole = APIS[name].request.encode(body(name, high), high)
        ask(f"{name} nothing", name, high, b"")
        ask(f"{name} cut", name, high, whole[:-1])
        ask(f"{name} longer", name, high, whole + b"\0\0\0")
        if low > 0 and name != "Produce":
            ask(f"{name} before its versions", name, low - 1, whole)
        ask(f"{name} beyond its versions", name, high + 1, whole)
