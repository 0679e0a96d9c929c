"""Committed offsets: of consumers without a group, of members, of many groups at once; deleted ones."""

from case_classic import coordinator, fitting, join, sync
from case_topics import create, topic_id


def partition(index=0, offset=5, **more):
    """One partition of an OffsetCommit."""
    return {"PartitionIndex": index, "CommittedOffset": offset, **more}


def committing(group, partitions, topic="offsets.c", **more):
    """An OffsetCommit of one topic."""
    return {"GroupId": group, "Topics": [{"Name": topic, "Partitions": partitions}], **more}


def fetching(*groups, **more):
    """An OffsetFetch of several groups: (id, topics)."""
    named = lambda topics: topics and [{"Name": name, "PartitionIndexes": indexes} for name, indexes in topics]
    return {"Groups": [{"GroupId": group, "Topics": named(topics)} for group, topics in groups], **more}


def case_commit(ask):
    """Good and bad commits in every version, without members."""
    create(ask, "offsets.c", 3)
    own = topic_id(ask, "offsets.c")
    coordinator(ask, "commit")
    for version in range(2, 10):
        send = lambda step, body, version=version: ask(f"{step} v{version}", "OffsetCommit", version, fitting("OffsetCommit", version, body))
        epoch = {"CommittedLeaderEpoch": 3} if version >= 6 else {}
        send("good", committing("commit", [partition(0, 7, CommittedMetadata="here", **epoch), partition(1, 0, CommittedMetadata=None)]))
        send("twice", committing("commit", [partition(0, 7), partition(0, 8)]))
        send("negative offset", committing("commit", [partition(0, -1)]))
        send("largest offset", committing("commit", [partition(2, 2**63 - 1)]))
        send("unknown partition", committing("commit", [partition(9), partition(0, 9)]))
        send("negative partition", committing("commit", [partition(-1)]))
        send("unknown topic", committing("commit", [partition()], "no.such"))
        send("topic without a name", committing("commit", [partition()], ""))
        send("largest metadata", committing("commit", [partition(0, 9, CommittedMetadata="x" * 4096)]))
        send("too large metadata", committing("commit", [partition(0, 10, CommittedMetadata="x" * 4097), partition(1, 10)]))
        send("no topics", {"GroupId": "commit", "Topics": []})
        send("no partitions", committing("commit", []))
        send("no group", committing("", [partition()]))
        send("a generation", committing("commit", [partition()], GenerationIdOrMemberEpoch=1))
        send("a member", committing("commit", [partition()], MemberId="stranger"))
        send("a member and generation", committing("commit", [partition()], MemberId="stranger", GenerationIdOrMemberEpoch=1))
        send("new group with a member", committing("commit.new", [partition()], MemberId="stranger", GenerationIdOrMemberEpoch=1))
        send("retained", committing("commit", [partition(0, 11)], RetentionTimeMs=1000)) if version <= 4 else None
        send("an instance", committing("commit", [partition()], GroupInstanceId="i")) if version >= 7 else None
    by_id = lambda uuid, *partitions: {"GroupId": "commit", "Topics": [{"TopicId": uuid, "Partitions": list(partitions)}]}
    ask("by id", "OffsetCommit", 10, by_id(own, partition(0, 12), partition(9)))
    ask("by unknown id", "OffsetCommit", 10, by_id("12" * 16, partition()))
    ask("by no id", "OffsetCommit", 10, by_id("00" * 16, partition()))
    for version in range(1, 11):
        fetch_all(ask, version, "commit", own)


def fetch_all(ask, version, group, uuid):
    """What is committed, as the version asks for it."""
    indexes = [2, 0, 1, 9, 0]
    if version < 8:
        topics = [{"Name": "offsets.c", "PartitionIndexes": indexes}, {"Name": "no.such", "PartitionIndexes": [0]}]
        ask(f"fetch v{version}", "OffsetFetch", version, {"GroupId": group, "Topics": topics})
        ask(f"fetch of no group v{version}", "OffsetFetch", version, {"GroupId": "", "Topics": topics})
        ask(f"fetch of unknown group v{version}", "OffsetFetch", version, {"GroupId": "no.such", "Topics": topics})
        ask(f"fetch nothing v{version}", "OffsetFetch", version, {"GroupId": group, "Topics": []})
        ask(f"fetch all v{version}", "OffsetFetch", version, {"GroupId": group, "Topics": None}) if version >= 2 else None
        return
    name = {"Name": "offsets.c"} if version < 10 else {"TopicId": uuid}
    other = {"Name": "no.such"} if version < 10 else {"TopicId": "12" * 16}
    topics = [{**name, "PartitionIndexes": indexes}, {**other, "PartitionIndexes": [0]}]
    some = [{"GroupId": group, "Topics": topics}, {"GroupId": "no.such", "Topics": topics}, {"GroupId": "", "Topics": topics}, {"GroupId": group, "Topics": []}]
    ask(f"fetch v{version}", "OffsetFetch", version, {"Groups": some})
    every = [{"GroupId": group, "Topics": None}, {"GroupId": "no.such", "Topics": None}]
    ask(f"fetch all v{version}", "OffsetFetch", version, {"Groups": every})
    ask(f"fetch all stable v{version}", "OffsetFetch", version, {"Groups": every, "RequireStable": True})
    ask(f"fetch of no groups v{version}", "OffsetFetch", version, {"Groups": []})
    if version >= 9:
        claimed = {"GroupId": group, "MemberId": "stranger", "MemberEpoch": 3, "Topics": topics}
        ask(f"fetch by a member v{version}", "OffsetFetch", version, {"Groups": [claimed]})


def case_commit_of_members(ask):
    """A classic group with a member takes offsets of that member only."""
    create(ask, "offsets.c", 3)
    coordinator(ask, "members")
    member, generation = join(ask, "members")
    good = {"MemberId": member, "GenerationIdOrMemberEpoch": generation}
    for version in (2, 5, 7, 9):
        send = lambda step, version=version, **who: ask(f"{step} v{version}", "OffsetCommit", version, fitting("OffsetCommit", version, committing("members", [partition()], **who)))
        if version == 2:
            send("before its assignment", **good)
            sync(ask, "members", member, generation)
        send("good", **good)
        send("old generation", MemberId=member, GenerationIdOrMemberEpoch=generation - 1)
        send("later generation", MemberId=member, GenerationIdOrMemberEpoch=generation + 1)
        send("no generation", MemberId=member)
        send("stranger", MemberId="stranger", GenerationIdOrMemberEpoch=generation)
        send("nobody")
        send("unknown instance", **good, GroupInstanceId="i") if version >= 7 else None
    ask("delete of a subscribed topic", "OffsetDelete", 0, deleting("members"))
    ask.quietly("LeaveGroup", 5, {"GroupId": "members", "Members": [{"MemberId": member}]})
    ask("nobody afterwards", "OffsetCommit", 9, committing("members", [partition(1, 3)]))
    ask("the member afterwards", "OffsetCommit", 9, committing("members", [partition(1, 3)], **good))
    ask("kept", "OffsetFetch", 9, fetching(("members", None)))


def deleting(group, topic="offsets.c", *indexes):
    """An OffsetDelete."""
    return {"GroupId": group, "Topics": [{"Name": topic, "Partitions": [{"PartitionIndex": index} for index in indexes or (0, 1)]}]}


def case_offset_delete(ask):
    """Offsets that are there, are not, and belong to nobody."""
    create(ask, "offsets.c", 3)
    coordinator(ask, "delete", "delete.nowhere")
    ask.quietly("OffsetCommit", 9, committing("delete", [partition(0), partition(1), partition(2)]))
    ask("one", "OffsetDelete", 0, deleting("delete", "offsets.c", 0))
    ask("again", "OffsetDelete", 0, deleting("delete", "offsets.c", 0))
    ask("twice", "OffsetDelete", 0, deleting("delete", "offsets.c", 1, 1))
    ask("unknown partition", "OffsetDelete", 0, deleting("delete", "offsets.c", 9, -1))
    ask("unknown topic", "OffsetDelete", 0, deleting("delete", "no.such"))
    ask("nothing", "OffsetDelete", 0, {"GroupId": "delete", "Topics": []})
    ask("unknown group", "OffsetDelete", 0, deleting("delete.nowhere"))
    ask("no group", "OffsetDelete", 0, deleting(""))
    ask("left", "OffsetFetch", 9, fetching(("delete", None)))
    ask("the last", "OffsetDelete", 0, deleting("delete", "offsets.c", 2))
    ask("described", "DescribeGroups", 6, {"Groups": ["delete"]})
    ask("then deleted", "DeleteGroups", 2, {"GroupsNames": ["delete"]})
