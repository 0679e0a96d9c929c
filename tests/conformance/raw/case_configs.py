"""Configs of every kind of resource: described, changed, refused."""

from case_topics import create

TOPIC, BROKER, LOGGER, METRICS, GROUP = 2, 4, 8, 16, 32
SET, DELETE, APPEND, SUBTRACT = range(4)


def describe(ask, step, kind, name, keys=None, version=4, **more):
    """One resource."""
    ask(step, "DescribeConfigs", version, {"Resources": [{"ResourceType": kind, "ResourceName": name, "ConfigurationKeys": keys}], "IncludeSynonyms": True, **more})


def alter(ask, step, kind, name, *changes, version=1, **more):
    """Single configs of one resource."""
    configs = [{"Name": config, "ConfigOperation": operation, "Value": value} for config, operation, value in changes]
    ask(step, "IncrementalAlterConfigs", version, {"Resources": [{"ResourceType": kind, "ResourceName": name, "Configs": configs}], **more})


def replace(ask, step, kind, name, *configs, version=2, **more):
    """All configs of one resource."""
    configs = [{"Name": config, "Value": value} for config, value in configs]
    ask(step, "AlterConfigs", version, {"Resources": [{"ResourceType": kind, "ResourceName": name, "Configs": configs}], **more})


def settled(ask, kind, name, config, value):
    """Waits until a config is told to be so."""
    good = lambda answer: any(one["Name"] == config and one["Value"] == value for one in answer["Results"][0]["Configs"])
    ask.until(good, "DescribeConfigs", 4, {"Resources": [{"ResourceType": kind, "ResourceName": name, "ConfigurationKeys": [config]}]})


def case_topic_configs(ask):
    """Of a topic."""
    create(ask, "configs.t")
    name = "configs.t"
    for version in range(1, 5):
        describe(ask, f"all v{version}", TOPIC, name, version=version)
    describe(ask, "some", TOPIC, name, ["retention.ms", "no.such", "retention.ms"])
    describe(ask, "none", TOPIC, name, [])
    describe(ask, "unknown topic", TOPIC, "no.such")
    describe(ask, "bad name", TOPIC, "a b")
    describe(ask, "no name", TOPIC, "")
    alter(ask, "set", TOPIC, name, ("retention.ms", SET, "5"), ("cleanup.policy", APPEND, "compact"))
    settled(ask, TOPIC, name, "retention.ms", "5")
    describe(ask, "after set", TOPIC, name, ["retention.ms", "cleanup.policy"])
    alter(ask, "subtract", TOPIC, name, ("cleanup.policy", SUBTRACT, "delete"))
    alter(ask, "append again", TOPIC, name, ("cleanup.policy", APPEND, "compact"))
    alter(ask, "delete", TOPIC, name, ("retention.ms", DELETE, None))
    settled(ask, TOPIC, name, "retention.ms", "604800000")
    describe(ask, "after delete", TOPIC, name, ["retention.ms", "cleanup.policy"])
    alter(ask, "delete what is not set", TOPIC, name, ("retention.ms", DELETE, None))
    alter(ask, "unknown config", TOPIC, name, ("no.such", SET, "5"))
    alter(ask, "delete unknown config", TOPIC, name, ("no.such", DELETE, None))
    alter(ask, "bad value", TOPIC, name, ("retention.ms", SET, "x"))
    alter(ask, "out of range", TOPIC, name, ("retention.ms", SET, "-2"))
    alter(ask, "null", TOPIC, name, ("retention.ms", SET, None))
    alter(ask, "not a list", TOPIC, name, ("retention.ms", APPEND, "5"))
    alter(ask, "unknown operation", TOPIC, name, ("retention.ms", 9, "5"))
    alter(ask, "twice", TOPIC, name, ("retention.ms", SET, "5"), ("retention.ms", SET, "6"))
    alter(ask, "conflict", TOPIC, name, ("min.compaction.lag.ms", SET, "6"), ("max.compaction.lag.ms", SET, "5"))
    alter(ask, "only validated", TOPIC, name, ("retention.ms", SET, "9"), ValidateOnly=True)
    alter(ask, "nothing", TOPIC, name)
    alter(ask, "unknown topic", TOPIC, "no.such", ("retention.ms", SET, "5"))
    alter(ask, "no topic", TOPIC, "", ("retention.ms", SET, "5"))
    for version in range(0, 3):
        replace(ask, f"replace v{version}", TOPIC, name, ("retention.ms", "7"), version=version)
    replace(ask, "replace null", TOPIC, name, ("retention.ms", None))
    replace(ask, "replace unknown", TOPIC, name, ("no.such", "1"))
    resource = {"ResourceType": TOPIC, "ResourceName": name, "Configs": []}
    ask("resource twice", "IncrementalAlterConfigs", 1, {"Resources": [resource, resource]})
    ask("replace resource twice", "AlterConfigs", 2, {"Resources": [resource, resource]})


def case_broker_configs(ask):
    """Of the broker, and of all."""
    keys = ["log.retention.ms", "message.max.bytes", "max.connections", "num.partitions", "log.retention.hours", "ssl.keystore.password"]
    describe(ask, "own", BROKER, "1", keys)
    describe(ask, "all brokers", BROKER, "", keys)
    describe(ask, "stranger", BROKER, "7")
    describe(ask, "not a number", BROKER, "x")
    alter(ask, "cluster-wide", BROKER, "", ("message.max.bytes", SET, "2000000"))
    alter(ask, "own wins", BROKER, "1", ("message.max.bytes", SET, "3000000"))
    settled(ask, BROKER, "1", "message.max.bytes", "3000000")
    describe(ask, "after both", BROKER, "1", ["message.max.bytes"])
    describe(ask, "after both, all brokers", BROKER, "")
    alter(ask, "own back", BROKER, "1", ("message.max.bytes", DELETE, None))
    settled(ask, BROKER, "1", "message.max.bytes", "2000000")
    alter(ask, "all back", BROKER, "", ("message.max.bytes", DELETE, None))
    settled(ask, BROKER, "1", "message.max.bytes", "1048588")
    alter(ask, "fixed at start", BROKER, "1", ("num.partitions", SET, "3"))
    alter(ask, "bad value", BROKER, "1", ("message.max.bytes", SET, "x"))
    alter(ask, "negative", BROKER, "1", ("message.max.bytes", SET, "-1"))
    alter(ask, "per broker for all", BROKER, "", ("ssl.client.auth", SET, "none"))
    alter(ask, "stranger changes", BROKER, "7", ("message.max.bytes", SET, "5"))
    alter(ask, "not a number changes", BROKER, "x", ("message.max.bytes", SET, "5"))
    alter(ask, "null", BROKER, "1", ("message.max.bytes", SET, None))
    alter(ask, "only validated", BROKER, "1", ("message.max.bytes", SET, "5"), ValidateOnly=True)
    replace(ask, "replace", BROKER, "1", ("log.retention.ms", "123456789"))
    settled(ask, BROKER, "1", "log.retention.ms", "123456789")
    replace(ask, "replace by nothing", BROKER, "1")
    settled(ask, BROKER, "1", "log.retention.ms", None)


def case_metrics_configs(ask):
    """Of client-metrics subscriptions."""
    name = "metrics.s"
    alter(ask, "set", METRICS, name, ("metrics", SET, "a.b,c"), ("interval.ms", SET, "100"), ("match", SET, "client_id=a.*,client_software_name=x"))
    settled(ask, METRICS, name, "interval.ms", "100")
    describe(ask, "described", METRICS, name)
    describe(ask, "not there", METRICS, "metrics.none")
    describe(ask, "no name", METRICS, "")
    for version in (0, 1):
        ask(f"listed v{version}", "ListConfigResources", version, {"ResourceTypes": [METRICS]} if version else {})
    for value in ("99", "3600001", "x", "3600000"):
        alter(ask, f"interval {value}", METRICS, name, ("interval.ms", SET, value))
    for value in ("client_id", "bogus=1", "client_id=(", "client_id=[a", "client_id=*", "client_id=a=b", "client_id=", "=a", "", "client_id=a,client_id=b", " client_id = a "):
        alter(ask, f"match '{value}'", METRICS, name, ("match", SET, value))
    alter(ask, "all metrics", METRICS, name, ("metrics", SET, "*"))
    alter(ask, "metrics twice", METRICS, name, ("metrics", SET, "a,a"))
    alter(ask, "unknown config", METRICS, name, ("bogus", SET, "1"))
    alter(ask, "append", METRICS, name, ("metrics", APPEND, "d"))
    alter(ask, "subtract", METRICS, name, ("metrics", SUBTRACT, "d"))
    alter(ask, "no subscription", METRICS, "", ("interval.ms", SET, "1000"))
    replace(ask, "replace", METRICS, name, ("interval.ms", "200"))
    replace(ask, "remove", METRICS, name)
    gone = lambda answer: not answer["ConfigResources"]
    ask.until(gone, "ListConfigResources", 1, {"ResourceTypes": [METRICS]})


def case_group_configs(ask):
    """Of groups."""
    name = "configs.g"
    alter(ask, "set", GROUP, name, ("consumer.session.timeout.ms", SET, "50000"))
    settled(ask, GROUP, name, "consumer.session.timeout.ms", "50000")
    describe(ask, "described", GROUP, name)
    describe(ask, "not there", GROUP, "configs.none", ["consumer.session.timeout.ms"])
    describe(ask, "no name", GROUP, "")
    ask("listed", "ListConfigResources", 1, {"ResourceTypes": [GROUP]})
    for config, value in (
        ("consumer.session.timeout.ms", "1"),
        ("consumer.session.timeout.ms", "60001"),
        ("consumer.heartbeat.interval.ms", "50001"),
        ("share.auto.offset.reset", "bogus"),
        ("share.isolation.level", "bogus"),
        ("streams.num.standby.replicas", "3"),
        ("bogus", "1"),
    ):
        alter(ask, f"{config} {value}", GROUP, name, (config, SET, value))
    alter(ask, "no group", GROUP, "", ("consumer.session.timeout.ms", SET, "50000"))
    replace(ask, "remove", GROUP, name)
    ask.until(lambda answer: not answer["ConfigResources"], "ListConfigResources", 1, {"ResourceTypes": [GROUP]})


def case_logger_configs(ask):
    """Of the broker's loggers, whose names no two brokers share, but for the root."""
    describe(ask, "root", LOGGER, "1", ["root"])
    for name in ("", "7", "x"):
        describe(ask, f"broker '{name}'", LOGGER, name)
        alter(ask, f"change of broker '{name}'", LOGGER, name, ("root", SET, "INFO"))
    alter(ask, "set", LOGGER, "1", ("root", SET, "WARN"))
    settled(ask, LOGGER, "1", "root", "WARN")
    describe(ask, "after set", LOGGER, "1", ["root"])
    alter(ask, "back", LOGGER, "1", ("root", SET, "INFO"))
    alter(ask, "no such level", LOGGER, "1", ("root", SET, "BOGUS"))
    alter(ask, "lower case", LOGGER, "1", ("root", SET, "debug"))
    alter(ask, "null", LOGGER, "1", ("root", SET, None))
    alter(ask, "no such logger", LOGGER, "1", ("no.such.logger", SET, "INFO"))
    alter(ask, "delete no such logger", LOGGER, "1", ("no.such.logger", DELETE, None))
    alter(ask, "delete root", LOGGER, "1", ("root", DELETE, None))
    alter(ask, "append", LOGGER, "1", ("root", APPEND, "INFO"))
    alter(ask, "subtract", LOGGER, "1", ("root", SUBTRACT, "INFO"))
    alter(ask, "unknown operation", LOGGER, "1", ("root", 9, "INFO"))
    alter(ask, "only validated", LOGGER, "1", ("root", SET, "ERROR"), ValidateOnly=True)
    describe(ask, "after all", LOGGER, "1", ["root"])
    replace(ask, "replace", LOGGER, "1", ("root", "INFO"))


def case_other_configs(ask):
    """Kinds of resources that there are not."""
    for kind in (0, 1, 3, 64, 99, -1):
        describe(ask, f"describe {kind}", kind, "x")
        alter(ask, f"alter {kind}", kind, "x", ("a", SET, "b"))
        replace(ask, f"replace {kind}", kind, "x", ("a", "b"))
        ask(f"list {kind}", "ListConfigResources", 1, {"ResourceTypes": [kind]})
    ask("list brokers twice", "ListConfigResources", 1, {"ResourceTypes": [4, 4, 8]})
