"""The life of one group: it grows, loses members in both ways, outlives its broker, and shrinks again."""

import dataclasses
import itertools
import random
import threading
import time

from broker import Feed, Watch
from history import History
from process import Member

PARTITIONS = 12
SETTLE_SECONDS_MAX = 60
SESSION_MS = 4000
HEARTBEAT_MS = 500
WATCH_SECONDS = 0.4
FEED_SECONDS = 0.1


@dataclasses.dataclass
class Case:
    """What is run."""

    client: str
    protocol: str
    assignor: str
    static: bool = False

    @property
    def name(self):
        """Also the name of its topic and its group."""
        return f"{self.client}.{self.protocol}.{self.assignor}" + (".static" if self.static else "")


class Trouble(Exception):
    """The group did not do what it must."""


def once(function):
    """The function, which does nothing when called again."""
    calls = [function]
    return lambda: calls.pop()() if calls else None


class Restart:
    """Where all cases of a wave wait while the broker is killed and started again."""

    def __init__(self, cases):
        self.missing = threading.Semaphore(0)
        self.cases = cases
        self.done = threading.Event()

    def arrive(self):
        """A case is ready, or has failed."""
        self.missing.release()

    def wait_for_all(self):
        """Returns once every case has arrived."""
        for _ in range(self.cases):
            self.missing.acquire()


class Scenario:
    """One run of a case."""

    def __init__(self, case, broker, administrator, workdir):
        self.case = case
        self.administrator = administrator
        self.workdir = workdir
        self.random = random.Random(case.name)
        self.history = History(PARTITIONS)
        self.numbers = itertools.count()
        self.members = []
        self.troubles = []
        self.steps = []
        administrator.create(case.name, PARTITIONS)
        self.feed = Feed(broker.bootstrap, case.name, PARTITIONS, FEED_SECONDS)
        self.watch = Watch(administrator, case.name, self.history, WATCH_SECONDS)

    def run(self, restart):
        """The whole life; what was wrong."""
        arrive = once(restart.arrive)
        try:
            for count in (1, 2, 5):
                self._join(count)
            self._moves_on()
            arrive()
            restart.done.wait()
            self._settle("after the restart")
            self._moves_on()
            self._lose()
            self._moves_on()
            self._end()
        except Trouble as trouble:
            self.troubles.append(str(trouble))
        finally:
            arrive()
            self.watch.finish()
            self.feed.finish()
            self._leave(self.members)
        return self.troubles

    def _lose(self):
        """Two crash while one joins, then three leave."""
        for victim in self.random.sample(self.members, 2):
            self.members.remove(victim)
            victim.kill()
        self._join(1)
        self._leave(self.random.sample(self.members, 3))
        self._settle("after 3 left")

    def _end(self):
        """Everything that was produced is read and committed; then the group is left empty."""
        ends = self.feed.finish()
        began = time.monotonic()
        while (found := self.watch.once()) != ends:
            if time.monotonic() > began + SETTLE_SECONDS_MAX:
                raise Trouble(f"committed {found} of {ends} after {SETTLE_SECONDS_MAX} s")
            time.sleep(0.1)
        self._leave(self.members)
        # Static members go without a word, or for a moment only: the group has them until their sessions end.
        until = time.monotonic() + (SETTLE_SECONDS_MAX if self.case.static else 0)
        while (told := self.administrator.describe(self.case.name, self.case.protocol)) != ("Empty", 0) and time.monotonic() < until:
            time.sleep(0.1)
        if told != ("Empty", 0):
            self.troubles.append(f"after all have left the broker told {told}")
        self.watch.finish()
        self.watch.once()
        self.troubles += self.feed.failures + self.history.violations(ends)

    def _leave(self, leaving):
        self.members = [member for member in self.members if member not in leaving]
        for member in leaving:
            member.ask_to_leave()
        self.troubles += [trouble for member in leaving if (trouble := member.leave())]

    def _join(self, count):
        for _ in range(count):
            number = next(self.numbers)
            options = {
                "group": self.case.name,
                "topic": self.case.name,
                "protocol": self.case.protocol,
                "assignor": self.case.assignor,
                "instance": f"instance-{number}" if self.case.static else None,
                "session_ms": SESSION_MS,
                "heartbeat_ms": HEARTBEAT_MS,
            }
            log = self.workdir / f"{self.case.name}.{number}.log"
            self.members.append(Member(str(number), self.case.client, options, self.history, log))
        self._settle(f"after {count} joined")

    def _settle(self, when):
        """Waits until the members share all partitions evenly and the broker says so."""
        began = time.monotonic()
        wanted = ("Stable", len(self.members))
        told = None
        while time.monotonic() < began + SETTLE_SECONDS_MAX:
            gone = [member for member in self.members if member.is_gone()]
            if gone:
                raise Trouble(f"member {gone[0].name} ended {when}: {gone[0].last_words()}")
            if self._is_shared():
                told = self.administrator.describe(self.case.name, self.case.protocol)
                if told == wanted and self._is_shared():
                    self.steps.append((when, time.monotonic() - began))
                    return
            time.sleep(0.1)
        owned = {member.name: sorted(member.owned) for member in self.members}
        raise Trouble(f"not settled {when}, {SETTLE_SECONDS_MAX} s later: members own {owned}, the broker told {told}")

    def _is_shared(self):
        shares = [set(member.owned) for member in self.members]
        sizes = [len(share) for share in shares]
        whole = sorted(partition for share in shares for partition in share) == list(range(PARTITIONS))
        return whole and max(sizes) - min(sizes) <= 1

    def _moves_on(self):
        """Waits until something new was committed in every partition."""
        before, now = self.watch.once(), None
        if before is None:
            raise Trouble("the broker does not tell the group's offsets")
        began = time.monotonic()
        while time.monotonic() < began + SETTLE_SECONDS_MAX:
            now = self.watch.once() or {}
            if all(now.get(partition, 0) > before.get(partition, 0) for partition in range(PARTITIONS)):
                return
            time.sleep(0.1)
        raise Trouble(f"no progress within {SETTLE_SECONDS_MAX} s: {before} and {now}")
