"""Sends the same requests, good and bad, to a real Kafka and to Corelog, and compares the answers.

    main.py KAFKA_PORT CORELOG_PORT [CASE ...]      cases by their name, all without; with --show, prints every answer
"""

import concurrent.futures
import json
import sys
import threading
import time

import case_admin
import case_classic
import case_configs
import case_consumer
import case_offsets
import case_records
import case_sweep
import case_telemetry
import case_topics
from compare import Listed, comparable, differences
from wire import Closed, Connection

MODULES = [case_sweep, case_topics, case_records, case_configs, case_admin, case_telemetry, case_classic, case_offsets, case_consumer]
PATIENCE_S = 10
# Characters shown of an answer that differs.
SHOWN = 500


class Asker:
    """Asks one broker the steps of one case and keeps the answers."""

    def __init__(self, port, barrier):
        self.port, self.barrier, self.connection, self.answers = port, barrier, None, []

    def __call__(self, step, api, version, body=b"", client="raw"):
        """One step; gives the answer, `None` where the connection was closed."""
        self.answers.append((step, api, self._ask(api, version, body, client)))
        return self.answers[-1][2]

    def quietly(self, api, version, body=b"", client="raw"):
        """Asks what is no step of its own."""
        return self._ask(api, version, body, client)

    def until(self, good, api, version, body):
        """Asks quietly until the answer is good: what one broker does at once, another does a moment later."""
        for _ in range(PATIENCE_S * 50):
            answer = self._ask(api, version, body, "raw")
            if answer is not None and good(answer):
                return answer
            time.sleep(0.02)
        raise TimeoutError(f"{api}: {answer}")

    def together(self):
        """Waits until the other broker's case is as far."""
        self.barrier.wait(PATIENCE_S * 6)

    def _ask(self, api, version, body, client):
        self.connection = self.connection or Connection(self.port)
        try:
            return self.connection.ask(api, version, body, client)
        except Closed:
            self.close()
            return None

    def close(self):
        """Ends its connection."""
        if self.connection:
            self.connection.close()
        self.connection = None


def run_case(case, ports):
    """The answers of both brokers."""
    barrier = threading.Barrier(len(ports))

    def ask(port):
        asker = Asker(port, barrier)
        try:
            case(asker)
        finally:
            asker.close()
        return asker.answers

    with concurrent.futures.ThreadPoolExecutor(len(ports)) as pool:
        return list(pool.map(ask, ports))


def main(arguments):
    """Runs the cases; 1 if anything differs that is not listed."""
    show = "--show" in arguments
    kafka, corelog, *names = [argument for argument in arguments if argument != "--show"]
    cases = {name.removeprefix("case_"): case for module in MODULES for name, case in vars(module).items() if name.startswith("case_")}
    listed, steps, known, failed = Listed(), 0, 0, 0
    for name, case in cases.items():
        if names and name not in names:
            continue
        try:
            expected, found = run_case(case, (int(kafka), int(corelog)))
        except (TimeoutError, threading.BrokenBarrierError) as error:
            failed += 1
            print(f"{name}: {error}")
            continue
        if [row[:2] for row in expected] != [row[:2] for row in found]:
            raise RuntimeError(f"{name}: the steps differ")
        for (step, api, left), (_, _, right) in zip(expected, found):
            steps += 1
            if show:
                print(f"{name}/{step}\n    kafka   {json.dumps(left)}\n    corelog {json.dumps(right)}")
            for path, one, other in differences(comparable(api, left), comparable(api, right)):
                if listed.knows(f"{name}/{step}", path or "answer"):
                    known += 1
                    continue
                failed += 1
                print(f"{name}/{step} | {path or 'answer'}\n    kafka   {json.dumps(one)[:SHOWN]}\n    corelog {json.dumps(other)[:SHOWN]}")
    unused = [] if names else listed.unused()
    for line in unused:
        print(f"listed, but there is no such difference any more: {line}")
    print(f"raw: {steps} requests compared, {known} listed differences, {failed} others")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
