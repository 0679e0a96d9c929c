"""Elections, reassignments, quotas, credentials, features, the quorum, access lists, transactions."""

from case_topics import create


def case_elect_leaders(ask):
    """Nobody needs one."""
    create(ask, "elect.t", 2)
    topics = [{"Topic": "elect.t", "Partitions": [0, 5, 0]}, {"Topic": "no.such", "Partitions": [0]}, {"Topic": "elect.t", "Partitions": [1]}]
    for version in range(0, 3):
        for kind in (0, 1, 2, -1) if version else (0,):
            of = {"ElectionType": kind} if version else {}
            ask(f"some, kind {kind} v{version}", "ElectLeaders", version, {**of, "TopicPartitions": topics})
            ask(f"none, kind {kind} v{version}", "ElectLeaders", version, {**of, "TopicPartitions": []})
    # Kafka names every topic, Corelog too, but other cases make topics meanwhile on neither.
    ask("all, no such kind", "ElectLeaders", 2, {"ElectionType": 9, "TopicPartitions": None})


def case_reassign(ask):
    """To this broker, to others, called off."""
    create(ask, "reassign.t", 2)

    def alter(step, *partitions, topic="reassign.t", version=1, resize=True):
        wanted = [{"PartitionIndex": index, "Replicas": replicas} for index, replicas in partitions]
        may = {"AllowReplicationFactorChange": resize} if version else {}
        ask(step, "AlterPartitionReassignments", version, {**may, "Topics": [{"Name": topic, "Partitions": wanted}]})

    for version in (0, 1):
        alter(f"to itself v{version}", (0, [1]), version=version)
        alter(f"to a stranger v{version}", (0, [2]), version=version)
    alter("more replicas", (0, [1, 2]))
    alter("twice", (0, [1, 1]))
    alter("to nobody", (0, []))
    alter("negative", (0, [-1]))
    alter("call off", (0, None))
    alter("unknown partition", (7, [1]))
    alter("call off unknown partition", (7, None))
    alter("unknown topic", (0, [1]), topic="no.such")
    alter("call off unknown topic", (0, None), topic="no.such")
    alter("several", (0, [1]), (1, [2]), (0, [1]), (1, None))
    alter("none")
    alter("same size", (0, [1]), resize=False)
    alter("another size", (0, [1, 2]), resize=False)
    alter("size of none", (0, []), resize=False)
    for step, topics in {
        "all": None,
        "none": [],
        "some": [{"Name": "reassign.t", "PartitionIndexes": [0, 1, 9]}, {"Name": "no.such", "PartitionIndexes": [0]}],
    }.items():
        ask(f"list {step}", "ListPartitionReassignments", 0, {"Topics": topics})


def alter_quotas(ask, step, *entries, version=1, **more):
    """Entries: (entity, changes); a change to `None` takes the quota back."""
    entry = lambda entity, changes: {
        "Entity": [{"EntityType": kind, "EntityName": name} for kind, name in entity],
        "Ops": [{"Key": key, "Value": value or 0.0, "Remove": value is None} for key, value in changes],
    }
    ask(step, "AlterClientQuotas", version, {"Entries": [entry(*one) for one in entries], **more})


def case_alter_quotas(ask):
    """Good ones, bad ones."""
    user, client, address = ("user", "u"), ("client-id", "c"), ("ip", "127.0.0.1")
    rate = lambda value: [("producer_byte_rate", value)]
    for version in (0, 1):
        alter_quotas(ask, f"set v{version}", ([user], rate(100.0)), version=version)
    alter_quotas(ask, "entity twice", ([user], rate(100.0)), ([user], [("consumer_byte_rate", 1.0)]))
    alter_quotas(ask, "key twice", ([user], rate(100.0) + rate(101.0)))
    for value in (100.5, 0.0, -1.0, float("nan"), float("inf"), float("-inf"), 1e19, 9.223372036854775807e18, 1e-9, 1.0000000001):
        alter_quotas(ask, f"value {value}", ([("user", "values")], rate(value)), ValidateOnly=True)
    for key in ("request_percentage", "controller_mutation_rate", "consumer_byte_rate", "connection_creation_rate", "bogus"):
        alter_quotas(ask, f"key {key}", ([user], [(key, 7.0)]))
        alter_quotas(ask, f"key {key} back", ([user], [(key, None)]))
        alter_quotas(ask, f"fraction of {key}", ([user], [(key, 7.5)]), ValidateOnly=True)
        alter_quotas(ask, f"key {key} of an address", ([address], [(key, 7.0)]))
    alter_quotas(ask, "too many connections", ([address], [("connection_creation_rate", 3e9)]))
    for name in ("no such host!", "::1", "localhost", None, "300.1.1.1"):
        alter_quotas(ask, f"address {name}", ([("ip", name)], [("connection_creation_rate", 1.0)]))
    for step, entity in {
        "nobody": [],
        "bogus": [("bogus", "x")],
        "empty name": [("user", "")],
        "twice": [user, user],
        "two names": [user, ("user", "v")],
        "user and client": [user, client],
        "client and user": [client, user],
        "client": [client],
        "default user": [("user", None)],
        "defaults": [("user", None), ("client-id", None)],
        "address and user": [address, user],
    }.items():
        alter_quotas(ask, f"for {step}", (entity, rate(11.0)))
    alter_quotas(ask, "nothing", ([user], []))
    alter_quotas(ask, "one good, one bad", ([("user", "x")], rate(5.0)), ([("user", "y")], rate(5.5)))
    alter_quotas(ask, "only validated", ([("user", "w")], rate(5.0)), ValidateOnly=True)
    alter_quotas(ask, "take back", ([("user", "x")], rate(None)), ([("user", "never")], rate(None)))


def case_describe_quotas(ask):
    """Every way to match."""
    prefix = "described."
    user, client = ("user", prefix + "u"), ("client-id", prefix + "c")
    for index, entity in enumerate(([user], [client], [user, client], [("user", prefix + "v"), ("client-id", None)])):
        alter_quotas(ask, f"set {index}", (entity, [("producer_byte_rate", 1.0 + index), ("request_percentage", 0.5)]))
    exact, default, any_ = range(3)

    def describe(step, *parts, strict=False, version=1):
        components = [{"EntityType": kind, "MatchType": match, "Match": text} for kind, match, text in parts]
        ask(step, "DescribeClientQuotas", version, {"Components": components, "Strict": strict})

    body = {"Components": [{"EntityType": "user", "MatchType": exact, "Match": prefix + "v"}], "Strict": False}
    ask.until(lambda answer: len(answer["Entries"]) == 1, "DescribeClientQuotas", 1, body)
    for strict in (False, True):
        describe(f"user, strict {strict}", ("user", exact, prefix + "u"), strict=strict)
        describe(f"client, strict {strict}", ("client-id", exact, prefix + "c"), strict=strict)
        describe(f"both, strict {strict}", ("client-id", exact, prefix + "c"), ("user", any_, None), strict=strict)
        describe(f"default client, strict {strict}", ("client-id", default, None), ("user", exact, prefix + "v"), strict=strict)
        describe(f"nobody, strict {strict}", ("user", exact, "nobody"), strict=strict, version=0)
    describe("exact without text", ("user", exact, None))
    describe("default with text", ("user", default, "x"))
    describe("any with text", ("user", any_, "x"))
    describe("no such match", ("user", 3, None))
    describe("no type", ("", exact, "x"))
    describe("no such type", ("bogus", exact, "x"))
    describe("type twice", ("user", exact, "u"), ("user", any_, None))
    describe("address and user", ("ip", any_, None), ("user", any_, None))


def case_credentials(ask):
    """Set, described, deleted; refused."""
    salt, password = "aabb", "11" * 32
    prefix = "scram."

    def alter(step, deletions=(), upsertions=()):
        body = {
            "Deletions": [{"Name": name, "Mechanism": mechanism} for name, mechanism in deletions],
            "Upsertions": [
                {"Name": name, "Mechanism": mechanism, "Iterations": iterations, "Salt": salt, "SaltedPassword": secret}
                for name, mechanism, iterations, salt, secret in upsertions
            ],
        }
        ask(step, "AlterUserScramCredentials", 0, body)

    def describe(step, *users):
        ask(step, "DescribeUserScramCredentials", 0, {"Users": [{"Name": user} for user in users]})

    a, b = prefix + "a", prefix + "b"
    describe("not there", a)
    for mechanism in (0, 1, 2, 3, -1):
        alter(f"mechanism {mechanism}", upsertions=[(a, mechanism, 4096, salt, password)])
        alter(f"delete mechanism {mechanism}", [(b, mechanism)])
    for iterations in (-1, 0, 4095, 4096, 16384, 16385):
        alter(f"{iterations} iterations", upsertions=[(a, 1, iterations, salt, password)])
    alter("no user", upsertions=[("", 1, 4096, salt, password)])
    alter("delete no user", [("", 1)])
    alter("no salt", upsertions=[(b, 1, 4096, "", password)])
    alter("no password", upsertions=[(b, 2, 4096, salt, "")])
    alter("twice", upsertions=[(b, 1, 4096, salt, password), (b, 2, 4096, salt, password)])
    alter("deleted and set", [(a, 1)], [(a, 2, 4096, salt, password)])
    alter("deleted twice", [(a, 1), (a, 2)])
    alter("some", [(a, 1), (prefix + "none", 1)], [(prefix + "c", 1, 4096, salt, password), (prefix + "d", 1, 1, salt, password)])
    ask.until(lambda answer: answer["Results"][0]["ErrorCode"] == 0, "DescribeUserScramCredentials", 0, {"Users": [{"Name": prefix + "c"}]})
    describe("some described", a, b, prefix + "c", prefix + "none")
    describe("described twice", a, a)
    ask("all described", "DescribeUserScramCredentials", 0, {"Users": None})
    alter("delete", [(a, 2), (b, 1), (prefix + "c", 1)])
    alter("delete again", [(a, 2)])


def case_features(ask):
    """Levels that cannot be, and kinds of change that are not."""

    def update(step, feature, level, kind=1, version=1):
        change = {"Feature": feature, "MaxVersionLevel": level, **({"UpgradeType": kind} if version else {"AllowDowngrade": kind != 1})}
        more = {"ValidateOnly": True} if version else {}
        ask(step, "UpdateFeatures", version, {"FeatureUpdates": [change], **more})

    for kind in (0, 1, 2, 3, 4):
        for level in (-1, 0, 6, 7, 29, 30, 31):
            update(f"metadata {level} kind {kind}", "metadata.version", level, kind)
    for version in (1, 2):
        update(f"unknown v{version}", "bogus", 1, version=version)
        update(f"same v{version}", "metadata.version", 30, version=version)
    update("unknown off", "bogus", 0)
    update("no name", "", 1)
    same = {"Feature": "metadata.version", "MaxVersionLevel": 30}
    for step, updates in {"twice": [same, same], "one bad": [same, {"Feature": "bogus", "MaxVersionLevel": 1}]}.items():
        ask(step, "UpdateFeatures", 1, {"FeatureUpdates": updates, "ValidateOnly": True})
    update("first version", "metadata.version", 29, 1, 0)
    update("first version down", "metadata.version", 29, 2, 0)


def case_quorum(ask):
    """The metadata log's partition and others."""
    topic = lambda name, *partitions: {"TopicName": name, "Partitions": [{"PartitionIndex": index} for index in partitions]}
    own = "__cluster_metadata"
    for version in range(0, 3):
        ask(f"own v{version}", "DescribeQuorum", version, {"Topics": [topic(own, 0)]})
        ask(f"other topic v{version}", "DescribeQuorum", version, {"Topics": [topic("other", 0)]})
    ask("other partition", "DescribeQuorum", 2, {"Topics": [topic(own, 1)]})
    ask("no partition", "DescribeQuorum", 2, {"Topics": [topic(own)]})
    ask("partition twice", "DescribeQuorum", 2, {"Topics": [topic(own, 0, 0)]})
    ask("two topics", "DescribeQuorum", 2, {"Topics": [topic(own, 0), topic("other", 0)]})


def case_cluster(ask):
    """The brokers, one of them gone."""
    for version in range(0, 3):
        ask(f"cluster v{version}", "DescribeCluster", version, {"IncludeClusterAuthorizedOperations": True})
    for kind in (2, 3):
        ask(f"endpoints of kind {kind}", "DescribeCluster", 2, {"EndpointType": kind})
    for broker in (99, -1):
        ask(f"unregister {broker}", "UnregisterBroker", 0, {"BrokerId": broker})


def case_access_lists(ask):
    """Nobody is authorized, so nobody needs to be."""
    filter_ = {"ResourceTypeFilter": 2, "ResourceNameFilter": "x", "PatternTypeFilter": 3, "Operation": 1, "PermissionType": 1}
    acl = {"ResourceType": 2, "ResourceName": "x", "ResourcePatternType": 3, "Principal": "User:a", "Host": "*", "Operation": 3, "PermissionType": 3}
    for version in (1, 2, 3):
        ask(f"describe v{version}", "DescribeAcls", version, filter_)
        ask(f"create v{version}", "CreateAcls", version, {"Creations": [acl, acl]})
        ask(f"delete v{version}", "DeleteAcls", version, {"Filters": [filter_, filter_]})
    for number in (0, 99, -1):
        ask(f"create of type {number}", "CreateAcls", 3, {"Creations": [{**acl, "ResourceType": number}]})
        ask(f"delete of type {number}", "DeleteAcls", 3, {"Filters": [{**filter_, "ResourceTypeFilter": number}]})
        ask(f"describe of type {number}", "DescribeAcls", 3, {**filter_, "ResourceTypeFilter": number})
        ask(f"describe operation {number}", "DescribeAcls", 3, {**filter_, "Operation": number})


def case_log_dirs(ask):
    """Sizes, and directories that there are not."""
    create(ask, "dirs.t", 2)
    there = {"Topics": [{"Topic": "dirs.t", "Partitions": [0, 1]}]}
    both = lambda topic: len(topic["Partitions"]) == 2 and all(partition["OffsetLag"] == 0 for partition in topic["Partitions"])
    ask.until(lambda answer: any(map(both, answer["Results"][0]["Topics"])), "DescribeLogDirs", 4, there)
    path = ask.quietly("DescribeLogDirs", 4, {"Topics": []})["Results"][0]["LogDir"]
    for version in range(1, 6):
        ask(f"some v{version}", "DescribeLogDirs", version, {"Topics": [{"Topic": "dirs.t", "Partitions": [0, 9]}, {"Topic": "no.such", "Partitions": [0]}]})
        ask(f"none v{version}", "DescribeLogDirs", version, {"Topics": []})

    def alter(step, path, *topics, version=2):
        named = [{"Name": name, "Partitions": partitions} for name, partitions in topics]
        ask(step, "AlterReplicaLogDirs", version, {"Dirs": [{"Path": path, "Topics": named}]})

    for version in (1, 2):
        alter(f"stay v{version}", path, ("dirs.t", [0, 1]), version=version)
    alter("other", "/no/such/dir", ("dirs.t", [0]))
    alter("no path", "", ("dirs.t", [0]))
    alter("unknown partition", path, ("dirs.t", [9]), ("no.such", [0]))
    alter("long name", path, ("a" * 220, [0]))
    alter("longer name", path, ("a" * 210, [0]))
    alter("none", path)


def case_transactions(ask):
    """None, whatever the filter."""
    for version in range(0, 3):
        ask(f"list v{version}", "ListTransactions", version, {})
    ask("states", "ListTransactions", 2, {"StateFilters": ["Empty", "Ongoing", "PrepareCommit", "PrepareAbort", "CompleteCommit", "CompleteAbort", "Dead", "PrepareEpochFence"]})
    ask("unknown states", "ListTransactions", 2, {"StateFilters": ["Bogus", "empty", "Bogus", ""]})
    for pattern in ("", "a.*", "(", "[", "a{1001}", "(?=a)", "\\pL", "*"):
        ask(f"pattern {pattern}", "ListTransactions", 2, {"TransactionalIdPattern": pattern})
    ask("producers", "ListTransactions", 2, {"ProducerIdFilters": [-1, 5], "DurationFilter": -5})
    # Kafka's coordinator exists once somebody has asked for it.
    ask.until(lambda answer: answer["Coordinators"][0]["ErrorCode"] == 0, "FindCoordinator", 6, {"KeyType": 1, "CoordinatorKeys": ["t"]})
    known = lambda answer: answer["TransactionStates"][0]["ErrorCode"] not in (14, 15, 16)
    ask.until(known, "DescribeTransactions", 0, {"TransactionalIds": ["t"]})
    ask("describe", "DescribeTransactions", 0, {"TransactionalIds": ["t", "", "t"]})
    ask("describe none", "DescribeTransactions", 0, {"TransactionalIds": []})
