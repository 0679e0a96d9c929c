"""What two brokers answered, made comparable, and where it differs."""

import fnmatch
import json
import pathlib
import re

LIST = pathlib.Path(__file__).with_name("differences.txt")
# What no two brokers can have in common.
SOME = "<some>"
INDIVIDUAL = {
    "TopicId", "ClusterId", "Port", "LogDir", "ProducerId", "ClientInstanceId", "LeaderId", "SubscriptionId", "HighWatermark",
    "LogEndOffset", "LastFetchTimestamp", "LastCaughtUpTimestamp", "FinalizedFeaturesEpoch", "TotalBytes", "UsableBytes", "PartitionSize",
    "LeaderEpoch", "EligibleLeaderReplicas", "LastKnownElr", "CurrentLeaderEpoch", "SessionId", "Documentation",
}  # fmt: skip
# Within a text: ids that brokers draw.
DRAWN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|^[\w-]{22}$")
# Answers that Kafka gives in the order of a hash map, or sorted by what differs.
UNORDERED = {
    "AlterClientQuotas": {"Entries", "Entity"},
    "AlterConfigs": {"Responses"},
    "AlterPartitionReassignments": set(),
    "AlterReplicaLogDirs": {"Results", "Partitions"},
    "AlterUserScramCredentials": {"Results"},
    "ApiVersions": {"ApiKeys", "SupportedFeatures", "FinalizedFeatures"},
    "ConsumerGroupDescribe": {"Groups", "Members", "TopicPartitions"},
    "CreatePartitions": {"Results"},
    "CreateTopics": {"Topics", "Configs"},
    "DeleteGroups": {"Results"},
    "DeleteRecords": {"Topics", "Partitions"},
    "DeleteTopics": {"Responses"},
    "DescribeClientQuotas": {"Entries", "Entity", "Values"},
    "DescribeConfigs": {"Results", "Configs"},
    "DescribeGroups": {"Groups", "Members"},
    "DescribeLogDirs": {"Topics", "Partitions"},
    "DescribeUserScramCredentials": {"Results", "CredentialInfos"},
    "ElectLeaders": {"ReplicaElectionResults"},
    "GetTelemetrySubscriptions": {"RequestedMetrics"},
    "IncrementalAlterConfigs": {"Responses"},
    "JoinGroup": {"Members"},
    "ListConfigResources": {"ConfigResources"},
    "ListGroups": {"Groups"},
    "ListOffsets": {"Topics", "Partitions"},
    "ListTransactions": {"UnknownStateFilters"},
    "Metadata": {"Topics", "Partitions"},
    "OffsetFetch": {"Topics", "Partitions"},
    "OffsetForLeaderEpoch": {"Topics", "Partitions"},
}


def comparable(api, value, name=""):
    """An answer without what is individual, its unordered lists sorted."""
    if isinstance(value, dict):
        return {key: comparable(api, inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        items = [comparable(api, inner, name) for inner in value]
        if name not in UNORDERED.get(api, ()):
            return items
        names = [item.get("Name") for item in items if isinstance(item, dict)]
        if items and len(set(names)) == len(items) and None not in names:
            return {item["Name"]: item for item in items}
        return sorted(items, key=lambda item: json.dumps(item, sort_keys=True))
    if name in ("ErrorMessage", "BatchIndexErrorMessage") and value:
        return "<text>"
    if name in ("MemberId", "Leader") and value:
        return DRAWN.sub(SOME, value)
    if name in INDIVIDUAL and value not in (0, -1, None, "", "00" * 16):
        return SOME
    return value


def differences(left, right, path=""):
    """Where two comparable values differ: (path, left, right)."""
    if isinstance(left, dict) and isinstance(right, dict):
        for key in left.keys() | right.keys():
            yield from differences(left.get(key, "<none>"), right.get(key, "<none>"), f"{path}.{key}" if path else key)
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for index, (one, other) in enumerate(zip(left, right)):
            yield from differences(one, other, f"{path}[{index}]")
    elif left != right:
        yield path, left, right


class Listed:
    """The differences that are known, each with its reason: `CASE/STEP | PATH | REASON`, where `*` stands for anything."""

    def __init__(self):
        lines = [line for line in LIST.read_text().splitlines() if line.strip() and not line.startswith("#")]
        self.entries = [[part.strip() for part in line.split(" | ", 2)] for line in lines]
        if any(len(entry) != 3 or not entry[2] for entry in self.entries):
            raise ValueError(f"{LIST}: every line is CASE/STEP | PATH | REASON")
        self.used = set()

    def knows(self, where, path):
        """Whether a difference is listed."""
        for index, (step, pattern, _) in enumerate(self.entries):
            if matches(where, step) and matches(path, pattern):
                self.used.add(index)
                return True
        return False

    def unused(self):
        """Lines that no difference needs any more."""
        return [" | ".join(entry) for index, entry in enumerate(self.entries) if index not in self.used]


def matches(text, pattern):
    """`*` matches anything; `[123]` one of these characters, but the index of a list is itself."""
    escape = lambda part: re.sub(r"\[(\d)\](?=\.|$)", r"(\1)", part)
    return fnmatch.fnmatchcase(escape(text), escape(pattern))
