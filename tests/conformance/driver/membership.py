"""What the Python group members share: their options, the lines that they print, and the signal that ends them.

A member is told by `run member OPTIONS` (JSON) what to join and prints one JSON line per event, `t` in milliseconds:
  {"e": "assigned" | "revoked" | "lost", "p": [partition, ...]}
  {"e": "records", "p": partition, "f": first offset, "l": last offset}   printed before these offsets are committed
  {"e": "committed", "o": {partition: offset}}                            printed after the broker acknowledged it
  {"e": "refused", "why": text}                                           a commit that the broker did not take
  {"e": "closed"}                                                         left the group in good order, after SIGTERM
"""

import json
import signal
import sys
import time


class Membership:
    """One member's options, and whether it shall go on."""

    def __init__(self):
        options = json.loads(sys.argv[2])
        self.group = options["group"]
        self.topic = options["topic"]
        self.protocol = options["protocol"]
        self.assignor = options.get("assignor")
        self.instance = options.get("instance")
        self.session_ms = options["session_ms"]
        self.heartbeat_ms = options["heartbeat_ms"]
        self.goes_on = True
        signal.signal(signal.SIGTERM, self._stop)

    def _stop(self, *_):
        self.goes_on = False

    def tell(self, event, **fields):
        """Prints one line."""
        print(json.dumps({"t": time.time() * 1000, "e": event, **fields}), flush=True)

    def telling(self, event):
        """A callback that prints which partitions come or go; who calls it is passed over."""
        return lambda _, places: self.tell(event, p=sorted(place.partition for place in places))

    def listener(self, kind):
        """A listener of the client's own kind that prints what comes and goes."""
        events = ("assigned", "revoked", "lost")
        return type("Listener", (kind,), {f"on_partitions_{event}": self.telling(event) for event in events})()

    def read(self, places):
        """Prints what one poll brought, as (partition, offset) pairs; returns what to commit, by partition."""
        runs = {}
        for partition, offset in places:
            of_partition = runs.setdefault(partition, [])
            if of_partition and of_partition[-1][1] + 1 == offset:
                of_partition[-1][1] = offset
            else:
                of_partition.append([offset, offset])
        for partition, of_partition in runs.items():
            for first, last in of_partition:
                self.tell("records", p=partition, f=first, l=last)
        return {partition: of_partition[-1][1] + 1 for partition, of_partition in runs.items()}
