"""Classic groups: members that join, sync, beat and leave, as they should and otherwise; what administrators are told."""

import concurrent.futures

from case_topics import create
from wire import APIS, Connection

SESSION_MS = 300000
# Names of protocols with what their members say of themselves; the broker does not look into it.
ONE = [{"Name": "range", "Metadata": "01"}]
TWO = [{"Name": "range", "Metadata": "01"}, {"Name": "roundrobin", "Metadata": "02"}]


def fitting(api, version, body):
    """The body without the fields that the version does not have."""
    fields = {field.name: field for field in APIS[api].request.fields}
    return {name: value for name, value in body.items() if fields[name].versions[0] <= version <= fields[name].versions[1]}


def coordinator(ask, *groups):
    """Waits until the coordinators of the groups answer."""
    for group in groups:
        found = {"KeyType": 0, "CoordinatorKeys": [group]}
        ask.until(lambda answer: answer["Coordinators"][0]["ErrorCode"] == 0, "FindCoordinator", 6, found)
        fetch = {"Groups": [{"GroupId": group, "Topics": None}]}
        ask.until(lambda answer: answer["Groups"][0]["ErrorCode"] == 0, "OffsetFetch", 9, fetch)


def joining(group, member="", protocols=ONE, **more):
    """A good JoinGroup."""
    fixed = {"GroupId": group, "MemberId": member, "ProtocolType": "consumer", "Protocols": protocols}
    return {**fixed, "SessionTimeoutMs": SESSION_MS, "RebalanceTimeoutMs": 60000, **more}


def member_of(answer):
    """The member's id and its generation."""
    return answer["MemberId"], answer["GenerationId"]


def join(ask, group, **more):
    """A member that is alone in its group, with its generation."""
    asked = ask.quietly("JoinGroup", 9, joining(group, **more))
    member, generation = member_of(asked)
    if asked["ErrorCode"]:
        member, generation = member_of(ask.quietly("JoinGroup", 9, joining(group, member, **more)))
    return member, generation


def sync(ask, group, member, generation, *given):
    """The member, as leader, gives assignments."""
    body = {"GroupId": group, "MemberId": member, "GenerationId": generation, "ProtocolType": "consumer", "ProtocolName": "range"}
    ask.quietly("SyncGroup", 5, {**body, "Assignments": [{"MemberId": name, "Assignment": part} for name, part in given or [(member, "0a")]]})


def case_join_versions(ask):
    """The life of a member in every version."""
    for version in range(0, 10):
        group = f"classic.v{version}"
        coordinator(ask, group)
        send = lambda step, api, body, high, version=version: ask(f"{step} v{version}", api, min(version, high), fitting(api, min(version, high), body))
        answer = send("join", "JoinGroup", joining(group, protocols=TWO), 9)
        member, generation = member_of(answer)
        if answer["ErrorCode"]:
            member, generation = member_of(send("join with the id", "JoinGroup", joining(group, member, TWO), 9))
        own = {"GroupId": group, "MemberId": member, "GenerationId": generation}
        named = {**own, "ProtocolType": "consumer", "ProtocolName": "range"}
        send("heartbeat before", "Heartbeat", own, 4)
        send("sync of a stranger", "SyncGroup", {**named, "MemberId": "stranger"}, 5)
        send("sync of another generation", "SyncGroup", {**named, "GenerationId": generation + 1}, 5)
        send("sync of another type", "SyncGroup", {**named, "ProtocolType": "connect"}, 5) if version >= 5 else None
        send("sync of another protocol", "SyncGroup", {**named, "ProtocolName": "sticky"}, 5) if version >= 5 else None
        send("sync", "SyncGroup", {**named, "Assignments": [{"MemberId": member, "Assignment": "0a0b"}, {"MemberId": "stranger", "Assignment": "0c"}]}, 5)
        send("sync again", "SyncGroup", named, 5)
        send("heartbeat", "Heartbeat", own, 4)
        send("heartbeat of a stranger", "Heartbeat", {**own, "MemberId": "stranger"}, 4)
        send("heartbeat of an old generation", "Heartbeat", {**own, "GenerationId": generation - 1}, 4)
        send("heartbeat without a name", "Heartbeat", {**own, "MemberId": ""}, 4)
        send("heartbeat elsewhere", "Heartbeat", {**own, "GroupId": "classic.nowhere"}, 4)
        send("described", "DescribeGroups", {"Groups": [group]}, 6)
        send("leader joins again", "JoinGroup", joining(group, member, TWO), 9)
        send("delete with members", "DeleteGroups", {"GroupsNames": [group]}, 2)
        leave = {"GroupId": group, "MemberId": member} if version < 3 else {"GroupId": group, "Members": [{"MemberId": member}, {"MemberId": "stranger"}]}
        stranger = {"GroupId": group, "MemberId": "stranger"} if version < 3 else {"GroupId": group, "Members": []}
        send("stranger leaves", "LeaveGroup", stranger, 5)
        send("leave", "LeaveGroup", leave, 5)
        send("leave again", "LeaveGroup", leave, 5)
        send("described after", "DescribeGroups", {"Groups": [group]}, 6)
        send("delete", "DeleteGroups", {"GroupsNames": [group]}, 2)


def case_join_refused(ask):
    """What no group takes, and what one with a member does not."""
    coordinator(ask, "refused", "refused.not")
    bad = {
        "no group": joining(""),
        "short session": joining("refused.not", SessionTimeoutMs=10),
        "long session": joining("refused.not", SessionTimeoutMs=1800001),
        "negative session": joining("refused.not", SessionTimeoutMs=-1),
        "unknown member": joining("refused.not", "stranger"),
        "no protocols": joining("refused.not", protocols=[]),
        "no protocol type": joining("refused.not", ProtocolType=""),
        "protocol without a name": joining("refused.not", protocols=[{"Name": "", "Metadata": ""}]),
        "empty instance": joining("refused.not", GroupInstanceId=""),
    }
    for step, body in bad.items():
        for version in (3, 5, 9):
            if "GroupInstanceId" in body and version < 5:
                continue
            answer = ask(f"{step} v{version}", "JoinGroup", version, fitting("JoinGroup", version, body))
            if answer and answer["ErrorCode"] == 0:
                ask.quietly("LeaveGroup", 5, {"GroupId": body["GroupId"], "Members": [{"MemberId": answer["MemberId"]}]})
    member, generation = join(ask, "refused")
    sync(ask, "refused", member, generation)
    for step, body in {
        "another type": joining("refused", ProtocolType="connect"),
        "no common protocol": joining("refused", protocols=[{"Name": "sticky", "Metadata": ""}]),
        "no protocols then": joining("refused", protocols=[]),
        "unknown member then": joining("refused", "stranger"),
        "unknown instance": joining("refused", "stranger", GroupInstanceId="i"),
    }.items():
        ask(step, "JoinGroup", 9, body)
    ask("no group to sync", "SyncGroup", 5, {"GroupId": "", "MemberId": member, "GenerationId": generation})
    ask("no group to beat in", "Heartbeat", 4, {"GroupId": "", "MemberId": member, "GenerationId": generation})
    ask("no group to leave", "LeaveGroup", 5, {"GroupId": "", "Members": [{"MemberId": member}]})
    ask("half of a protocol", "SyncGroup", 5, {"GroupId": "refused", "MemberId": member, "GenerationId": generation, "ProtocolType": "consumer"})
    ask("still there", "Heartbeat", 4, {"GroupId": "refused", "MemberId": member, "GenerationId": generation})
    ask.quietly("LeaveGroup", 5, {"GroupId": "refused", "Members": [{"MemberId": member}]})


def case_join_static(ask):
    """Members with an instance id: come back, fenced, leaving by name."""
    coordinator(ask, "static")
    instance = {"GroupInstanceId": "one"}
    answer = ask("join", "JoinGroup", 9, joining("static", **instance))
    first, generation = member_of(answer)
    sync(ask, "static", first, generation)
    body = {"GroupId": "static", "GenerationId": generation}
    ask("heartbeat", "Heartbeat", 4, {**body, "MemberId": first, **instance})
    ask("heartbeat without the name", "Heartbeat", 4, {**body, "MemberId": first})
    ask("heartbeat by another name", "Heartbeat", 4, {**body, "MemberId": first, "GroupInstanceId": "two"})
    ask("described", "DescribeGroups", 6, {"Groups": ["static"]})
    answer = ask("back", "JoinGroup", 9, joining("static", **instance))
    second, generation = member_of(answer)
    ask("first one's heartbeat", "Heartbeat", 4, {**body, "MemberId": first, **instance})
    ask("first one's sync", "SyncGroup", 5, {**body, "MemberId": first, "ProtocolType": "consumer", "ProtocolName": "range", **instance})
    ask("first one joins", "JoinGroup", 9, joining("static", first, **instance))
    ask("first one commits", "OffsetCommit", 9, commit("static", first, generation, **instance))
    ask("first one leaves", "LeaveGroup", 5, {"GroupId": "static", "Members": [{"MemberId": first, **instance}]})
    ask("second one's sync", "SyncGroup", 5, {"GroupId": "static", "GenerationId": generation, "MemberId": second, "ProtocolType": "consumer", "ProtocolName": "range", **instance})
    ask("unknown instance leaves", "LeaveGroup", 5, {"GroupId": "static", "Members": [{"MemberId": "", "GroupInstanceId": "two"}]})
    ask("leaves by name", "LeaveGroup", 5, {"GroupId": "static", "Members": [{"MemberId": "", **instance}]})
    ask("left", "DescribeGroups", 6, {"Groups": ["static"]})


def commit(group, member="", generation=-1, topic="groups.t", **more):
    """A good OffsetCommit."""
    partitions = [{"PartitionIndex": 0, "CommittedOffset": 5, "CommittedLeaderEpoch": 0, "CommittedMetadata": "m"}]
    topics = [{"Name": topic, "Partitions": partitions}]
    return {"GroupId": group, "MemberId": member, "GenerationIdOrMemberEpoch": generation, "Topics": topics, **more}


def case_rebalance(ask):
    """A second member comes; the first is told, both join, the leader assigns; the leader goes."""
    create(ask, "groups.t", 3)
    coordinator(ask, "pair")
    first, generation = join(ask, "pair", protocols=TWO)
    sync(ask, "pair", first, generation)
    beat = lambda step, member, generation: ask(step, "Heartbeat", 4, {"GroupId": "pair", "MemberId": member, "GenerationId": generation})
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        other = Connection(ask.port)
        second = other.ask("JoinGroup", 9, joining("pair", protocols=TWO))["MemberId"]
        beat("before", first, generation)
        late = pool.submit(other.ask, "JoinGroup", 9, joining("pair", second, protocols=list(reversed(TWO))))
        ask.until(lambda answer: answer["ErrorCode"] == 27, "Heartbeat", 4, {"GroupId": "pair", "MemberId": first, "GenerationId": generation})
        ask("sync while they join", "SyncGroup", 5, {"GroupId": "pair", "MemberId": first, "GenerationId": generation, "ProtocolType": "consumer", "ProtocolName": "range"})
        ask("commit while they join", "OffsetCommit", 9, commit("pair", first, generation))
        ask("described while they join", "DescribeGroups", 6, {"Groups": ["pair"]})
        answer = ask("leader joins", "JoinGroup", 9, joining("pair", first, protocols=TWO))
        generation = answer["GenerationId"]
        ask.answers.append(("other's answer", "JoinGroup", late.result(30)))
        ask("described while they sync", "DescribeGroups", 6, {"Groups": ["pair"]})
        ask("commit while they sync", "OffsetCommit", 9, commit("pair", first, generation))
        ask("commit of the old generation", "OffsetCommit", 9, commit("pair", first, generation - 1))
        body = {"GroupId": "pair", "GenerationId": generation, "ProtocolType": "consumer", "ProtocolName": "range"}
        late = pool.submit(other.ask, "SyncGroup", 5, {**body, "MemberId": second})
        assignments = [{"MemberId": first, "Assignment": "0a"}, {"MemberId": second, "Assignment": "0b"}]
        ask("leader syncs", "SyncGroup", 5, {**body, "MemberId": first, "Assignments": assignments})
        ask.answers.append(("other's assignment", "SyncGroup", late.result(30)))
        ask("described", "DescribeGroups", 6, {"Groups": ["pair"], "IncludeAuthorizedOperations": True})
        beat("leader", first, generation)
        beat("other", second, generation)
        ask("listed", "ListGroups", 5, {"StatesFilter": ["Stable"]})
        ask("both leave", "LeaveGroup", 5, {"GroupId": "pair", "Members": [{"MemberId": first}, {"MemberId": second}, {"MemberId": first}]})
        ask("empty", "DescribeGroups", 6, {"Groups": ["pair"]})
        other.close()


def case_administrators(ask):
    """Listing, describing and deleting what is there and what is not."""
    create(ask, "groups.t", 3)
    coordinator(ask, "admin.empty", "admin.simple", "admin.nowhere")
    member, generation = join(ask, "admin.empty")
    sync(ask, "admin.empty", member, generation)
    ask.quietly("LeaveGroup", 5, {"GroupId": "admin.empty", "Members": [{"MemberId": member}]})
    ask.quietly("OffsetCommit", 9, commit("admin.simple"))
    for version in range(0, 6):
        ask(f"list v{version}", "ListGroups", version, {})
    for states in (["Empty"], ["eMPTY"], ["Stable"], ["nonsense"], ["", "Empty"], ["Dead"], ["Assigning"]):
        ask(f"list {states}", "ListGroups", 4, {"StatesFilter": states})
    for types in (["classic"], ["CLASSIC"], ["consumer"], ["share"], ["nonsense"], ["unknown"], [""]):
        ask(f"list of {types}", "ListGroups", 5, {"TypesFilter": types})
    ask("list of classic and empty", "ListGroups", 5, {"TypesFilter": ["classic"], "StatesFilter": ["Empty"]})
    for version in range(0, 7):
        names = ["admin.simple", "admin.nowhere", "admin.simple", ""]
        ask(f"describe v{version}", "DescribeGroups", version, {"Groups": names})
        if version >= 3:
            ask(f"operations v{version}", "DescribeGroups", version, {"Groups": names, "IncludeAuthorizedOperations": True})
    ask("delete some", "DeleteGroups", 2, {"GroupsNames": ["admin.nowhere", "", "admin.empty"]})
    ask("delete twice", "DeleteGroups", 2, {"GroupsNames": ["admin.simple", "admin.simple"]})
    ask("delete none", "DeleteGroups", 2, {"GroupsNames": []})
    ask("gone", "DescribeGroups", 6, {"Groups": ["admin.simple", "admin.empty"]})
