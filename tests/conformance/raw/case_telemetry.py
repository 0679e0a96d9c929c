"""What clients push of their own metrics (KIP-714). Kafka serves it even where it does not advertise it."""

import time

from case_configs import METRICS, SET, alter, settled

CLIENT = "11" * 16
INTERVAL_S = 0.6


def case_telemetry(ask):
    """Subscriptions, pushes, and those that come too early or too big."""

    def get(step, client=CLIENT, **more):
        return ask(step, "GetTelemetrySubscriptions", 0, {"ClientInstanceId": client}, **more)

    def push(step, subscription, metrics="00", kind=0, terminating=False, client=CLIENT, **more):
        body = {"ClientInstanceId": client, "SubscriptionId": subscription, "Terminating": terminating, "CompressionType": kind, "Metrics": metrics}
        return ask(step, "PushTelemetry", 0, body, **more)

    get("without an id", "00" * 16)
    push("push without an id", 0, client="00" * 16)
    push("push with the reserved id", 0, client="00" * 15 + "01")
    get("no subscription", "22" * 16)
    get("no subscription, too early", "22" * 16)
    changes = [("metrics", SET, "org.apache.kafka.producer.,org.apache.kafka.consumer."), ("interval.ms", SET, str(int(INTERVAL_S * 1000))), ("match", SET, "client_id=told.*")]
    alter(ask, "subscribe", METRICS, "telemetry.s", *changes)
    settled(ask, METRICS, "telemetry.s", "interval.ms", str(int(INTERVAL_S * 1000)))
    time.sleep(0.3)
    ask("not matched", "GetTelemetrySubscriptions", 0, {"ClientInstanceId": "33" * 16}, "other")
    answer = ask("matched", "GetTelemetrySubscriptions", 0, {"ClientInstanceId": CLIENT}, "told.1")
    ask("too early", "GetTelemetrySubscriptions", 0, {"ClientInstanceId": CLIENT}, "told.1")
    subscription = answer["SubscriptionId"]
    push("push", subscription)
    push("push too early", subscription)
    time.sleep(INTERVAL_S)
    push("unknown subscription", subscription + 1)
    time.sleep(INTERVAL_S)
    for kind in (0, 1, 2, 3, 4):
        push(f"compression {kind}", subscription, kind=kind)
        time.sleep(INTERVAL_S)
    push("unknown compression", subscription, kind=9)
    time.sleep(INTERVAL_S)
    push("negative compression", subscription, kind=-1)
    time.sleep(INTERVAL_S)
    push("too large", subscription, metrics="00" * 1048577)
    time.sleep(INTERVAL_S)
    push("as large as may be", subscription, metrics="00" * 1048576)
    time.sleep(INTERVAL_S)
    push("empty", subscription, metrics="")
    push("last", subscription, terminating=True)
    push("after the last", subscription)
    push("after the last, last again", subscription, terminating=True)
    push("unknown client", 5, client="44" * 16)
    alter(ask, "unsubscribe", METRICS, "telemetry.s", *[(name, 1, None) for name, _, _ in changes])
