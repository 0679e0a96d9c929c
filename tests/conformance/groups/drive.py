"""Runs the groups of several clients against one broker, some at a time, and prints what was wrong.

    drive.py WORKDIR PORT CLIENT...

Environment: GROUPS_AT_ONCE (cases that share the machine, default 3), GROUPS_LONG=1 for more assignors and static members.
"""

import concurrent.futures
import os
import pathlib
import sys
import time

from administrator import Administrator
from broker import Broker
from scenario import Case, Restart, Scenario

SETTINGS = {
    "group.initial.rebalance.delay.ms": 300,
    "group.min.session.timeout.ms": 1000,
    "group.consumer.min.session.timeout.ms": 1000,
    "group.consumer.session.timeout.ms": 4000,
    "group.consumer.min.heartbeat.interval.ms": 100,
    "group.consumer.heartbeat.interval.ms": 500,
    "offsets.topic.num.partitions": 8,
}
CASES = [
    Case("java", "consumer", "uniform"),
    Case("kafka-python", "classic", "cooperative-sticky"),
    Case("confluent-kafka", "classic", "cooperative-sticky"),
    Case("java", "classic", "cooperative-sticky"),
    Case("aiokafka", "classic", "roundrobin"),
    Case("franz-go", "consumer", "uniform"),
    Case("confluent-kafka", "consumer", "range"),
    Case("kafkajs", "classic", "roundrobin"),
    Case("franz-go", "classic", "cooperative-sticky"),
]
MORE_CASES = [
    Case("java", "classic", "range", static=True),
    Case("java", "consumer", "range", static=True),
    Case("kafka-python", "classic", "range"),
    Case("aiokafka", "classic", "sticky"),
    Case("confluent-kafka", "classic", "range", static=True),
    Case("confluent-kafka", "consumer", "uniform", static=True),
    Case("franz-go", "classic", "range"),
    Case("franz-go", "consumer", "range"),
]


def wave(cases, broker, administrator, workdir):
    """Some cases at the same time, with one death of the broker in the middle; {case name: what was wrong}."""
    began = time.monotonic()
    restart = Restart(len(cases))
    scenarios = [Scenario(case, broker, administrator, workdir) for case in cases]
    with concurrent.futures.ThreadPoolExecutor(max_workers=len(cases)) as pool:
        runs = [pool.submit(scenario.run, restart) for scenario in scenarios]
        restart.wait_for_all()
        try:
            broker.kill_and_restart()
        finally:
            restart.done.set()
        outcomes = [run.result() for run in runs]
    for scenario, troubles in zip(scenarios, outcomes):
        lines = len(scenario.history.lines)
        slowest = max(scenario.steps, key=lambda step: step[1], default=("never", 0))
        print(
            f"{'FAIL' if troubles else 'pass'} {scenario.case.name:44} {lines:6} lines, {len(scenario.history.samples):4} times asked,"
            f" slowest to settle: {slowest[1]:.1f} s {slowest[0]}",
            flush=True,
        )
        for trouble in troubles:
            print(f"     {trouble}", flush=True)
    print(f"     {time.monotonic() - began:.1f} s", flush=True)
    return {scenario.case.name: troubles for scenario, troubles in zip(scenarios, outcomes)}


def main():
    """Entry point."""
    workdir, port, clients = pathlib.Path(sys.argv[1]).resolve(), int(sys.argv[2]), sys.argv[3:]
    at_once = int(os.environ.get("GROUPS_AT_ONCE", "3"))
    cases = CASES + (MORE_CASES if os.environ.get("GROUPS_LONG") else [])
    cases = [case for case in cases if case.client in clients]
    broker = Broker(workdir / "broker", port, SETTINGS)
    os.environ["BOOTSTRAP"] = broker.bootstrap
    broker.start()
    outcomes = {}
    try:
        administrator = Administrator(port)
        for first in range(0, len(cases), at_once):
            outcomes |= wave(cases[first : first + at_once], broker, administrator, workdir)
    finally:
        broker.stop()
    failed = [name for name, troubles in outcomes.items() if troubles]
    print(f"groups: {len(outcomes) - len(failed)} passed, {len(failed)} failed")
    sys.exit(1 if failed or not outcomes else 0)


if __name__ == "__main__":
    main()
