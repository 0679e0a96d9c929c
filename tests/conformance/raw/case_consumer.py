"""The consumer protocol (KIP-848): members that join, beat and leave, as they should and otherwise; both protocols in one group."""

import time

from case_classic import SESSION_MS, coordinator
from case_offsets import committing, partition
from case_topics import topic_id
from case_topics import create as create_topic

TOPIC = "consumer.t"
# ConsumerProtocolSubscription 0 of the topic, without user data.
SUBSCRIPTION = (b"\0\0" + b"\0\0\0\1" + len(TOPIC).to_bytes(2, "big") + TOPIC.encode() + b"\xff\xff\xff\xff").hex()


def create(ask, name, partitions):
    """A topic that coordinators know of: one of a group that is gone afterwards."""
    create_topic(ask, name, partitions)
    coordinator(ask, "kip848.first")
    joins = lambda answer: answer["Assignment"] and answer["Assignment"]["TopicPartitions"]
    ask.until(joins, "ConsumerGroupHeartbeat", 1, first("kip848.first", "m", SubscribedTopicNames=[name]))
    leave(ask, "kip848.first", "m")
    ask.quietly("DeleteGroups", 2, {"GroupsNames": ["kip848.first"]})
    time.sleep(0.5)


def beat(group, member, epoch, **more):
    """A ConsumerGroupHeartbeat."""
    return {"GroupId": group, "MemberId": member, "MemberEpoch": epoch, **more}


def first(group, member, **more):
    """One that joins."""
    fixed = {"RebalanceTimeoutMs": 60000, "SubscribedTopicNames": [TOPIC], "TopicPartitions": []}
    return beat(group, member, 0, **{**fixed, **more})


def settle(ask, group, member, answer, owned, version=1):
    """Beats until the member owns that many partitions; its epoch."""
    held, epoch = told(answer) or [], answer["MemberEpoch"]
    for _ in range(1000):
        parts = [{"TopicId": uuid, "Partitions": indexes} for uuid, indexes in held]
        answer = ask.quietly("ConsumerGroupHeartbeat", version, beat(group, member, epoch, TopicPartitions=parts))
        epoch = answer["MemberEpoch"]
        changed = told(answer)
        if changed is not None:
            held = changed
        elif sum(len(indexes) for _, indexes in held) == owned:
            return epoch
        time.sleep(0.02)
    raise TimeoutError(f"{group}: {member} has {held}")


def told(answer):
    """The assignment in an answer, if there is one."""
    if answer["Assignment"] is None:
        return None
    return [(topic["TopicId"], topic["Partitions"]) for topic in answer["Assignment"]["TopicPartitions"]]


def leave(ask, group, *members):
    """Members leave for good."""
    for member in members:
        ask.quietly("ConsumerGroupHeartbeat", 1, beat(group, member, -1))


def case_heartbeat_refused(ask):
    """What no consumer group takes."""
    create(ask, TOPIC, 4)
    coordinator(ask, "kip848.bad")
    for version in (0, 1):
        for step, body in {
            "no group": first("", "m"),
            "blank group": first(" ", "m"),
            "no rebalance time-out": first("kip848.bad", "m", RebalanceTimeoutMs=-1),
            "rebalance time-out of 0": first("kip848.bad", "m", RebalanceTimeoutMs=0),
            "no subscription": first("kip848.bad", "m", SubscribedTopicNames=None),
            "no partitions": first("kip848.bad", "m", TopicPartitions=None),
            "some partitions": first("kip848.bad", "m", TopicPartitions=[{"TopicId": "12" * 16, "Partitions": [0]}]),
            "unknown assignor": first("kip848.bad", "m", ServerAssignor="best"),
            "empty assignor": first("kip848.bad", "m", ServerAssignor=""),
            "empty instance": first("kip848.bad", "m", InstanceId=""),
            "blank instance": first("kip848.bad", "m", InstanceId=" "),
            "empty rack": first("kip848.bad", "m", RackId=""),
            "unknown member": beat("kip848.bad", "m", 3),
            "unknown group": beat("kip848.nowhere", "m", 3),
            "member that leaves": beat("kip848.bad", "m", -1),
            "static member that goes": beat("kip848.bad", "m", -2, InstanceId="i"),
            "static member without a name": beat("kip848.bad", "m", -2),
            "strange epoch": beat("kip848.bad", "m", -3),
            "long member id": first("kip848.bad", "m" * 37),
            "largest member id": beat("kip848.bad", "m" * 36, 1),
        }.items():
            ask(f"{step} v{version}", "ConsumerGroupHeartbeat", version, body)
    ask("no member", "ConsumerGroupHeartbeat", 1, first("kip848.bad", ""))
    for step, pattern in (("open", "("), ("back reference", "(a)\\1"), ("look-ahead", "a(?=b)"), ("too many", "a{2000}")):
        more = {"SubscribedTopicNames": None, "SubscribedTopicRegex": pattern}
        ask(f"bad pattern: {step}", "ConsumerGroupHeartbeat", 1, first("kip848.bad", "m", **more))
    ask("described", "ConsumerGroupDescribe", 1, {"GroupIds": ["kip848.bad", "kip848.nowhere", ""]})


def case_heartbeat(ask):
    """One member's life; its commits; what it is told when it is wrong."""
    create(ask, TOPIC, 4)
    own = topic_id(ask, TOPIC)
    coordinator(ask, "kip848")
    answer = ask("join", "ConsumerGroupHeartbeat", 1, first("kip848", "m-1", RackId="r"))
    epoch = settle(ask, "kip848", "m-1", answer, 4)
    holding = [{"TopicId": own, "Partitions": [0, 1, 2, 3]}]
    ask("beat", "ConsumerGroupHeartbeat", 1, beat("kip848", "m-1", epoch))
    ask("full beat", "ConsumerGroupHeartbeat", 1, first("kip848", "m-1", TopicPartitions=holding) | {"MemberEpoch": epoch})
    ask("joins again", "ConsumerGroupHeartbeat", 1, first("kip848", "m-1"))
    ask("later epoch", "ConsumerGroupHeartbeat", 1, beat("kip848", "m-1", epoch + 1))
    ask("old epoch", "ConsumerGroupHeartbeat", 1, beat("kip848", "m-1", epoch - 2, TopicPartitions=[]))
    ask("stranger", "ConsumerGroupHeartbeat", 1, beat("kip848", "stranger", epoch))
    ask("unknown assignor", "ConsumerGroupHeartbeat", 1, beat("kip848", "m-1", epoch, ServerAssignor="best"))
    ask("unknown instance", "ConsumerGroupHeartbeat", 1, beat("kip848", "m-1", epoch, InstanceId="i"))
    ask("described", "ConsumerGroupDescribe", 1, {"GroupIds": ["kip848"]})
    ask("described v0", "ConsumerGroupDescribe", 0, {"GroupIds": ["kip848"], "IncludeAuthorizedOperations": True})
    ask("described as classic", "DescribeGroups", 6, {"Groups": ["kip848"]})
    ask("listed", "ListGroups", 5, {"TypesFilter": ["consumer"]})
    ask("listed by state", "ListGroups", 5, {"StatesFilter": ["Stable"], "TypesFilter": ["Consumer"]})
    for version in (5, 9):
        for step, who in {
            "good": {"MemberId": "m-1", "GenerationIdOrMemberEpoch": epoch},
            "later": {"MemberId": "m-1", "GenerationIdOrMemberEpoch": epoch + 1},
            "older": {"MemberId": "m-1", "GenerationIdOrMemberEpoch": epoch - 1},
            "stranger": {"MemberId": "stranger", "GenerationIdOrMemberEpoch": epoch},
            "nobody": {},
            "administrator": {"GenerationIdOrMemberEpoch": -1, "MemberId": "m-1"},
        }.items():
            ask(f"commit {step} v{version}", "OffsetCommit", version, committing("kip848", [partition()], TOPIC, **who))
    for step, member, claimed in (("good", "m-1", epoch), ("later", "m-1", epoch + 1), ("older", "m-1", epoch - 1), ("stranger", "stranger", epoch), ("nobody", None, -1), ("unnamed", "", epoch)):
        body = {"Groups": [{"GroupId": "kip848", "MemberId": member, "MemberEpoch": claimed, "Topics": None}]}
        ask(f"fetch {step}", "OffsetFetch", 9, body)
    ask("offsets deleted", "OffsetDelete", 0, {"GroupId": "kip848", "Topics": [{"Name": TOPIC, "Partitions": [{"PartitionIndex": 0}]}]})
    ask("group deleted", "DeleteGroups", 2, {"GroupsNames": ["kip848"]})
    ask("classic heartbeat", "Heartbeat", 4, {"GroupId": "kip848", "MemberId": "m-1", "GenerationId": epoch})
    ask("classic sync", "SyncGroup", 5, {"GroupId": "kip848", "MemberId": "m-1", "GenerationId": epoch})
    ask("classic leave of a stranger", "LeaveGroup", 5, {"GroupId": "kip848", "Members": [{"MemberId": "stranger"}]})
    ask("leaves", "ConsumerGroupHeartbeat", 1, beat("kip848", "m-1", -1))
    ask("leaves again", "ConsumerGroupHeartbeat", 1, beat("kip848", "m-1", -1))
    ask("empty", "ConsumerGroupDescribe", 1, {"GroupIds": ["kip848"]})
    ask("group deleted then", "DeleteGroups", 2, {"GroupsNames": ["kip848"]})
    ask("gone", "ConsumerGroupDescribe", 1, {"GroupIds": ["kip848"]})


def case_heartbeat_pair(ask):
    """Two members share; the first gives up what the second gets."""
    create(ask, TOPIC, 4)
    own = topic_id(ask, TOPIC)
    coordinator(ask, "kip848.pair")
    answer = ask("first", "ConsumerGroupHeartbeat", 1, first("kip848.pair", "m-1", ServerAssignor="range"))
    epoch = settle(ask, "kip848.pair", "m-1", answer, 4)
    second = ask("second", "ConsumerGroupHeartbeat", 1, first("kip848.pair", "m-2", ServerAssignor="range"))
    shrunk = lambda answer: answer["Assignment"] is not None
    ask.until(shrunk, "ConsumerGroupHeartbeat", 1, beat("kip848.pair", "m-1", epoch, TopicPartitions=[{"TopicId": own, "Partitions": [0, 1, 2, 3]}]))
    ask("described while one revokes", "ConsumerGroupDescribe", 1, {"GroupIds": ["kip848.pair"]})
    ask("first has revoked", "ConsumerGroupHeartbeat", 1, beat("kip848.pair", "m-1", epoch, TopicPartitions=[{"TopicId": own, "Partitions": [0, 1]}]))
    epoch_second = settle(ask, "kip848.pair", "m-2", second, 2)
    ask("described", "ConsumerGroupDescribe", 1, {"GroupIds": ["kip848.pair"]})
    stale = {"MemberId": "m-1", "GenerationIdOrMemberEpoch": epoch}
    ask("commit of an older epoch", "OffsetCommit", 9, committing("kip848.pair", [partition(0), partition(1), partition(2)], TOPIC, **stale))
    by_id = {"GroupId": "kip848.pair", "Topics": [{"TopicId": own, "Partitions": [partition(0), partition(1)]}], **stale}
    ask("commit of an older epoch by id", "OffsetCommit", 10, by_id)
    by_id["Topics"][0]["Partitions"].append(partition(2))
    ask("commit of an older epoch by id, with another's", "OffsetCommit", 10, by_id)
    ask("commit of an epoch before that", "OffsetCommit", 10, by_id | {"GenerationIdOrMemberEpoch": epoch - 1})
    ask("commit of the second", "OffsetCommit", 9, committing("kip848.pair", [partition(2)], TOPIC, MemberId="m-2", GenerationIdOrMemberEpoch=epoch_second))
    leave(ask, "kip848.pair", "m-1", "m-2")
    ask("left", "ConsumerGroupDescribe", 1, {"GroupIds": ["kip848.pair"]})


def case_heartbeat_static(ask):
    """A static member goes, another takes its place."""
    create(ask, TOPIC, 4)
    coordinator(ask, "kip848.static")
    named = {"InstanceId": "i"}
    answer = ask("join", "ConsumerGroupHeartbeat", 1, first("kip848.static", "m-1", **named))
    epoch = settle(ask, "kip848.static", "m-1", answer, 4)
    ask("another while it is there", "ConsumerGroupHeartbeat", 1, first("kip848.static", "m-2", **named))
    ask("goes", "ConsumerGroupHeartbeat", 1, beat("kip848.static", "m-1", -2, **named))
    ask("described", "ConsumerGroupDescribe", 1, {"GroupIds": ["kip848.static"]})
    ask("back", "ConsumerGroupHeartbeat", 1, first("kip848.static", "m-2", **named))
    ask("first one's beat", "ConsumerGroupHeartbeat", 1, beat("kip848.static", "m-1", epoch, **named))
    ask("described then", "ConsumerGroupDescribe", 1, {"GroupIds": ["kip848.static"]})
    ask("stranger's instance leaves", "ConsumerGroupHeartbeat", 1, beat("kip848.static", "m-1", -1, **named))
    ask("leaves", "ConsumerGroupHeartbeat", 1, beat("kip848.static", "m-2", -1, **named))


def case_heartbeat_pattern(ask):
    """A pattern in place of names."""
    create(ask, "pattern.a", 2)
    create(ask, "pattern.b", 1)
    coordinator(ask, "kip848.pattern")
    pattern = {"SubscribedTopicNames": None, "SubscribedTopicRegex": "pattern\\..*"}
    answer = ask("join", "ConsumerGroupHeartbeat", 1, first("kip848.pattern", "m-1", **pattern))
    epoch = settle(ask, "kip848.pattern", "m-1", answer, 3)
    ask("described", "ConsumerGroupDescribe", 1, {"GroupIds": ["kip848.pattern"]})
    ask("bad one then", "ConsumerGroupHeartbeat", 1, beat("kip848.pattern", "m-1", epoch, SubscribedTopicRegex="["))
    ask("still there", "ConsumerGroupHeartbeat", 1, beat("kip848.pattern", "m-1", epoch))
    leave(ask, "kip848.pattern", "m-1")


def classic(group, member="", **more):
    """A JoinGroup of the classic protocol that consumer groups understand."""
    fixed = {"SessionTimeoutMs": SESSION_MS, "RebalanceTimeoutMs": 60000, "ProtocolType": "consumer"}
    return {"GroupId": group, "MemberId": member, "Protocols": [{"Name": "range", "Metadata": SUBSCRIPTION}], **fixed, **more}


def case_migration(ask):
    """Classic members in a consumer group and the other way round."""
    create(ask, TOPIC, 4)
    coordinator(ask, "both", "both.back")
    answer = ask("consumer first", "ConsumerGroupHeartbeat", 1, first("both", "m-1"))
    settle(ask, "both", "m-1", answer, 4)
    ask("strange metadata", "JoinGroup", 9, classic("both", Protocols=[{"Name": "range", "Metadata": "01"}]))
    ask("another type", "JoinGroup", 9, classic("both", ProtocolType="connect"))
    named = ask("classic then", "JoinGroup", 9, classic("both"))["MemberId"]
    ask("classic with its id", "JoinGroup", 9, classic("both", named))
    ask("mixed", "ConsumerGroupDescribe", 1, {"GroupIds": ["both"]})
    ask("mixed as classic", "DescribeGroups", 6, {"Groups": ["both"]})
    ask("classic leaves", "LeaveGroup", 5, {"GroupId": "both", "Members": [{"MemberId": named}]})
    leave(ask, "both", "m-1")
    ask("classic in the empty one", "JoinGroup", 9, classic("both", GroupInstanceId="c"))
    ask("is classic", "DescribeGroups", 6, {"Groups": ["both"]})
    ask("is no consumer group", "ConsumerGroupDescribe", 1, {"GroupIds": ["both"]})
    # By range, static members come first: which half is whose does not go by ids that are drawn.
    ask("consumer joins", "ConsumerGroupHeartbeat", 1, first("both", "m-2", ServerAssignor="range"))
    ask("is a consumer group", "ListGroups", 5, {"TypesFilter": ["consumer"]})
    ask("consumer leaves", "ConsumerGroupHeartbeat", 1, beat("both", "m-2", -1))
    ask("is classic again", "ListGroups", 5, {"TypesFilter": ["classic"], "StatesFilter": ["PreparingRebalance", "CompletingRebalance", "Stable"]})
    ask("classic leaves by name", "LeaveGroup", 5, {"GroupId": "both", "Members": [{"MemberId": "", "GroupInstanceId": "c"}]})
    strange = ask.quietly("JoinGroup", 9, classic("both.back", GroupInstanceId="c", ProtocolType="connect"))
    ask("consumer in a group of another type", "ConsumerGroupHeartbeat", 1, first("both.back", "m-1"))
    ask.quietly("LeaveGroup", 5, {"GroupId": "both.back", "Members": [{"MemberId": strange["MemberId"], "GroupInstanceId": "c"}]})
