"""What the tools are asked to do, in order; the same against both brokers.

A step is (name, tool, arguments), and may say more: `input` for its standard input, `until` for a pattern that its output must show
before it counts (it is asked again until then), `background` for a tool that goes on while the next steps run, `unordered` where the
lines of the output have no order, `files` for files that the arguments name in braces. `{bootstrap}` is the broker, `{middle}` a time
between the two halves of the records of topic `data`.
"""

import dataclasses
import json

TO_BROKER = ["--bootstrap-server", "{bootstrap}"]


@dataclasses.dataclass
class Step:
    """One run of one tool."""

    name: str
    tool: str
    arguments: list
    input: str = ""
    until: str = ""
    background: bool = False
    unordered: bool = False
    files: dict = dataclasses.field(default_factory=dict)


def step(name, tool, text, **more):
    """A step whose arguments have no blanks in them; `--bootstrap-server` is added."""
    return Step(name, tool, [*TO_BROKER, *text.split()], **more)


def topics():
    """kafka-topics."""
    return [
        step("create", "topics", "--create --topic plain --partitions 3"),
        step("create with settings", "topics", "--create --topic set --partitions 2 --config retention.ms=7200000 --config max.message.bytes=2000"),
        step("create twice", "topics", "--create --topic plain --partitions 3"),
        step("create if absent", "topics", "--create --topic plain --if-not-exists --partitions 3"),
        step("create badly named", "topics", "--create --topic a/b --partitions 3"),
        step("create with unknown setting", "topics", "--create --topic bad --partitions 1 --config no.such.setting=1"),
        step("create with bad value", "topics", "--create --topic bad --partitions 1 --config retention.ms=soon"),
        step("create with no partitions", "topics", "--create --topic bad --partitions 0"),
        step("create with 3 replicas", "topics", "--create --topic bad --partitions 1 --replication-factor 3"),
        step("create with assignment", "topics", "--create --topic placed --replica-assignment 1,1"),
        step("list", "topics", "--list", until="(?s)placed.*plain.*set"),
        step("list without internal", "topics", "--list --exclude-internal"),
        step("describe", "topics", "--describe", unordered=True),
        step("describe one", "topics", "--describe --topic set"),
        step("describe unknown", "topics", "--describe --topic nowhere"),
        step("describe with overrides", "topics", "--describe --topics-with-overrides"),
        step("describe unhealthy", "topics", "--describe --under-replicated-partitions"),
        step("grow", "topics", "--alter --topic plain --partitions 5"),
        step("grown", "topics", "--describe --topic plain", until="PartitionCount: 5"),
        step("shrink", "topics", "--alter --topic plain --partitions 2"),
        step("grow unknown", "topics", "--alter --topic nowhere --partitions 2"),
        step("delete", "topics", "--delete --topic placed"),
        step("delete unknown", "topics", "--delete --topic nowhere"),
        step("delete unknown if there", "topics", "--delete --topic nowhere --if-exists"),
    ]


def configs():
    """kafka-configs, of every kind of entity."""

    def entity(kind, name):
        return f"--entity-type {kind} --entity-name {name}"

    scram = "--alter --entity-type users --entity-name alice --add-config SCRAM-SHA-256=[iterations=8192,password=secret]"
    return [
        step("topic before", "configs", f"--describe {entity('topics', 'plain')}"),
        step("topic set", "configs", f"--alter {entity('topics', 'plain')} --add-config retention.ms=1000000,cleanup.policy=[compact,delete]"),
        step("topic after", "configs", f"--describe {entity('topics', 'plain')}", until="retention.ms=1000000", unordered=True),
        step("topic in full", "configs", f"--describe {entity('topics', 'plain')} --all", unordered=True),
        step("topic unset", "configs", f"--alter {entity('topics', 'plain')} --delete-config retention.ms,cleanup.policy"),
        step("topic unset again", "configs", f"--alter {entity('topics', 'plain')} --delete-config retention.ms"),
        step("topic unknown setting", "configs", f"--alter {entity('topics', 'plain')} --add-config no.such=1"),
        step("topic bad value", "configs", f"--alter {entity('topics', 'plain')} --add-config retention.ms=soon"),
        step("topic unknown", "configs", f"--describe {entity('topics', 'nowhere')}"),
        step("broker before", "configs", f"--describe {entity('brokers', '1')}"),
        step("broker set", "configs", f"--alter {entity('brokers', '1')} --add-config log.retention.ms=5000000"),
        step("broker after", "configs", f"--describe {entity('brokers', '1')}", until="log.retention.ms=5000000 "),
        step("broker unset", "configs", f"--alter {entity('brokers', '1')} --delete-config log.retention.ms"),
        step("broker read-only", "configs", f"--alter {entity('brokers', '1')} --add-config node.id=7"),
        step("broker unknown", "configs", f"--describe {entity('brokers', '77')}"),
        step("brokers default set", "configs", "--alter --entity-type brokers --entity-default --add-config message.max.bytes=900000"),
        step("brokers default", "configs", "--describe --entity-type brokers --entity-default", until="900000"),
        step("brokers default unset", "configs", "--alter --entity-type brokers --entity-default --delete-config message.max.bytes"),
        step("group set", "configs", f"--alter {entity('groups', 'conf')} --add-config consumer.session.timeout.ms=46000"),
        step("group after", "configs", f"--describe {entity('groups', 'conf')}", until="46000"),
        step("group bad value", "configs", f"--alter {entity('groups', 'conf')} --add-config consumer.session.timeout.ms=1"),
        step("group unset", "configs", f"--alter {entity('groups', 'conf')} --delete-config consumer.session.timeout.ms"),
        step("user quota set", "configs", "--alter --entity-type users --entity-name alice --add-config producer_byte_rate=1000,consumer_byte_rate=2000"),
        step("client quota set", "configs", "--alter --entity-type clients --entity-default --add-config request_percentage=50"),
        step("pair quota set", "configs", "--alter --entity-type users --entity-name alice --entity-type clients --entity-name app --add-config producer_byte_rate=7"),
        step("ip quota set", "configs", "--alter --entity-type ips --entity-name 127.0.0.9 --add-config connection_creation_rate=5"),
        step("user quota", "configs", "--describe --entity-type users --entity-name alice", until="1000"),
        step("client quota", "configs", "--describe --entity-type clients", until="50"),
        step("pair quota", "configs", "--describe --entity-type users --entity-type clients", unordered=True, until="app"),
        step("ip quota", "configs", "--describe --entity-type ips", until="5"),
        step("quota unknown", "configs", "--alter --entity-type users --entity-name alice --add-config no_such_rate=1"),
        step("user quota unset", "configs", "--alter --entity-type users --entity-name alice --delete-config producer_byte_rate,consumer_byte_rate"),
        step("password set", "configs", scram),
        step("password", "configs", "--describe --entity-type users --entity-name alice", until="SCRAM"),
        step("password unset", "configs", "--alter --entity-type users --entity-name alice --delete-config SCRAM-SHA-256"),
        step("password unset again", "configs", "--alter --entity-type users --entity-name alice --delete-config SCRAM-SHA-512"),
        step("client metrics", "client-metrics", "--alter --name watch --metrics org.apache.kafka.producer. --interval 30000 --match client_id=app"),
        step("client metrics described", "client-metrics", "--describe --name watch", until="30000", unordered=True),
        step("client metrics listed", "client-metrics", "--list"),
        step("client metrics as configs", "configs", "--describe --entity-type client-metrics --entity-name watch", unordered=True),
        step("client metrics bad", "client-metrics", "--alter --name watch --interval -5"),
        step("client metrics deleted", "client-metrics", "--delete --name watch"),
        step("client metrics gone", "client-metrics", "--list", until="^$"),
    ]


def records():
    """Producers, console-consumer, get-offsets and delete-records."""
    lines = "".join(f"k{number}:v{number}\n" for number in range(30))
    plan = {"version": 1, "partitions": [{"topic": "data", "partition": 0, "offset": 5}, {"topic": "data", "partition": 1, "offset": -1}]}
    wrong = {"version": 1, "partitions": [{"topic": "data", "partition": 2, "offset": 1000000}]}
    keyed = "--reader-property parse.key=true --reader-property key.separator=:"
    return [
        step("data created", "topics", "--create --topic data --partitions 3"),
        step("first half", "console-producer", f"--topic data {keyed}", input=lines),
        Step("middle", "", []),
        step("second half", "console-producer", f"--topic data {keyed}", input=lines),
        step("single created", "topics", "--create --topic single --partitions 1"),
        # So many a second that no two records have the same time.
        step("verifiable producer", "verifiable-producer", "--topic single --max-messages 4 --throughput 2 --acks -1 --value-prefix 7"),
        step("latest", "get-offsets", "--topic data --time -1"),
        step("earliest", "get-offsets", "--topic data --time -2"),
        step("of highest time", "get-offsets", "--topic-partitions single:0 --time -3"),
        step("local", "get-offsets", "--topic data --time -4"),
        step("tiered", "get-offsets", "--topic data --time -5"),
        step("by time", "get-offsets", "--topic data --time {middle_ms}"),
        step("by late time", "get-offsets", "--topic data --time 99999999999999"),
        step("of unknown topic", "get-offsets", "--topic nowhere --time -1"),
        step("of all", "get-offsets", "--exclude-internal-topics", unordered=True),
        step("delete records", "delete-records", "--offset-json-file {plan}", files={"plan": json.dumps(plan)}, unordered=True),
        step("delete records wrongly", "delete-records", "--offset-json-file {wrong}", files={"wrong": json.dumps(wrong)}, unordered=True),
        step("earliest after", "get-offsets", "--topic data --time earliest"),
    ]


def groups(protocol):
    """consumer-groups with a group of the protocol: while it has a member, and every way to move its offsets."""
    group = f"{protocol}-readers"
    to = f"--reset-offsets --group {group}"
    member = f"--topic data --group {group} --from-beginning --timeout-ms 5000 --command-property group.protocol={protocol}"
    member += " --command-property client.id=reader"
    saved = "data,0,7\ndata,2,3\n"
    steps = [
        step("member", "console-consumer", member, background=True),
        step("state", "consumer-groups", f"--describe --group {group} --state", until="Stable +1"),
        step("members", "consumer-groups", f"--describe --group {group} --members"),
        step("members verbose", "consumer-groups", f"--describe --group {group} --members --verbose"),
        step("offsets", "consumer-groups", f"--describe --group {group} --offsets", unordered=True),
        step("reset in use", "consumer-groups", f"{to} --topic data --to-earliest --execute"),
        step("delete in use", "consumer-groups", f"--delete --group {group}"),
        step("groups", "groups", "--list", unordered=True),
        step("consumer groups by type", "consumer-groups", f"--list --type {protocol}", unordered=True),
        Step("member left", "wait", [], unordered=True),
        step("left state", "consumer-groups", f"--describe --group {group} --state", until="Empty"),
        step("left members", "consumer-groups", f"--describe --group {group} --members"),
        step("left offsets", "consumer-groups", f"--describe --group {group}", unordered=True),
        step("list by state", "consumer-groups", "--list --state empty", unordered=True),
        step("list", "consumer-groups", "--list", unordered=True),
        step("list states", "consumer-groups", "--list --state", unordered=True),
        step("shift back", "consumer-groups", f"{to} --topic data --shift-by -2 --dry-run", unordered=True),
        step("shift too far", "consumer-groups", f"{to} --all-topics --shift-by -2000 --dry-run", unordered=True),
        step("to offset", "consumer-groups", f"{to} --topic data:2 --to-offset 4 --execute"),
        step("to offset out of range", "consumer-groups", f"{to} --topic data:2 --to-offset 100000"),
        step("to earliest", "consumer-groups", f"{to} --topic data:0,1 --to-earliest --execute", unordered=True),
        step("to latest of another topic", "consumer-groups", f"{to} --topic single --to-latest --execute", unordered=True),
        step("to current", "consumer-groups", f"{to} --all-topics --to-current --dry-run", unordered=True),
        step("by duration", "consumer-groups", f"{to} --topic data --by-duration PT1H --execute", unordered=True),
        step("to datetime", "consumer-groups", f"{to} --topic data --to-datetime {{middle}} --execute", unordered=True),
        step("from file", "consumer-groups", f"{to} --from-file {{saved}} --execute", files={"saved": saved}, unordered=True),
        step("export", "consumer-groups", f"{to} --topic data --to-current --export", unordered=True),
        step("unknown topic", "consumer-groups", f"{to} --topic nowhere --to-earliest"),
        step("unknown partition", "consumer-groups", f"{to} --topic data:9 --to-earliest"),
        step("no mode", "consumer-groups", f"{to} --topic data"),
        step("moved", "consumer-groups", f"--describe --group {group}", unordered=True),
        step("read on", "console-consumer", f"--topic data --group {group} --max-messages 5 --command-property group.protocol={protocol}", unordered=True),
        step("delete offsets", "consumer-groups", f"--delete-offsets --group {group} --topic single", unordered=True),
        step("delete offsets of unknown", "consumer-groups", f"--delete-offsets --group {group} --topic nowhere"),
        step("after", "consumer-groups", f"--describe --group {group}", until="data", unordered=True),
        step("delete", "consumer-groups", f"--delete --group {group}"),
        step("delete again", "consumer-groups", f"--delete --group {group}"),
        step("describe unknown", "consumer-groups", f"--describe --group {group}"),
        step("describe state of unknown", "consumer-groups", f"--describe --group {group} --state"),
        step("reset of new group", "consumer-groups", f"--reset-offsets --group {group}-new --topic data --to-earliest --execute", unordered=True),
        step(
            "verifiable consumer",
            "verifiable-consumer",
            f"--topic single --group-id {group}-verified --group-protocol {protocol} --max-messages 4 --reset-policy earliest"
            + ("" if protocol == "consumer" else " --session-timeout 6000"),
        ),
    ]
    for each in steps:
        each.name = f"{protocol}: {each.name}"
    return steps


def cluster():
    """What speaks of the broker itself."""
    everything = {"version": 1, "partitions": [{"topic": "plain", "partition": number, "replicas": [1]} for number in range(2)]}
    elsewhere = {"version": 1, "partitions": [{"topic": "plain", "partition": 0, "replicas": [9]}]}
    moved = {"topics": [{"topic": "data"}], "version": 1}
    elected = {"partitions": [{"topic": "plain", "partition": 1}]}
    return [
        step("api versions", "broker-api-versions", ""),
        step("log dirs", "log-dirs", "--describe --topic-list data,plain"),
        step("log dirs of unknown broker", "log-dirs", "--describe --broker-list 9"),
        step("elect", "leader-election", "--election-type preferred --topic plain --partition 0"),
        step("elect all", "leader-election", "--election-type preferred --all-topic-partitions"),
        step("elect unclean", "leader-election", "--election-type unclean --path-to-json-file {elected}", files={"elected": json.dumps(elected)}),
        step("elect unknown", "leader-election", "--election-type preferred --topic nowhere --partition 0"),
        step("reassign: propose", "reassign-partitions", "--generate --topics-to-move-json-file {moved} --broker-list 1", files={"moved": json.dumps(moved)}),
        step("reassign", "reassign-partitions", "--execute --reassignment-json-file {all}", files={"all": json.dumps(everything)}),
        step("reassign: verify", "reassign-partitions", "--verify --reassignment-json-file {all}", files={"all": json.dumps(everything)}),
        step("reassign: list", "reassign-partitions", "--list"),
        step("reassign: cancel", "reassign-partitions", "--cancel --reassignment-json-file {all}", files={"all": json.dumps(everything)}),
        step("reassign to unknown", "reassign-partitions", "--execute --reassignment-json-file {bad}", files={"bad": json.dumps(elsewhere)}),
        step("features", "features", "describe", unordered=True),
        step("feature up", "features", "upgrade --feature group.version=9"),
        step("feature unknown", "features", "upgrade --feature no.such.version=1"),
        step("quorum status", "metadata-quorum", "describe --status"),
        step("quorum replication", "metadata-quorum", "describe --replication"),
        step("cluster id", "cluster", "cluster-id"),
        step("endpoints", "cluster", "list-endpoints"),
        step("unregister unknown", "cluster", "unregister --id 99"),
        step("groups of all", "consumer-groups", "--describe --all-groups --state", unordered=True),
        step("groups by type", "groups", "--list --group-type consumer", unordered=True),
        step("acls", "acls", "--list"),
    ]


def everything():
    """All steps in order."""
    return topics() + configs() + records() + groups("classic") + groups("consumer") + cluster()
