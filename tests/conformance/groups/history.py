"""What the members of one group did, line by line, and whether a group may do so. Pure: the driver feeds it, tests too.

The rules, for each partition:
- A member reads only what was assigned to it, without holes and without going back, from assignment to revocation.
- A reader begins no earlier than what was acknowledged as committed before, and no later than what was read before: so nothing is
  skipped, and no acknowledged commit is lost.
- Acknowledged commits and the offsets that the broker tells never go back, and what was acknowledged is told from then on.
- In the end all that was produced was read, and committed.
"""

# Clocks of one machine, read by different programs: some cut to whole milliseconds.
CLOCK_SLACK_MS = 3
VIOLATIONS_SHOWN = 8


class Reading:
    """One member reads one partition, from assignment to revocation."""

    def __init__(self, floor):
        self.floor = floor  # acknowledged as committed when it began
        self.next = None


class History:
    """The lines of all members of a group, and what the broker told about its offsets."""

    def __init__(self, partitions):
        self.partitions = partitions
        self.lines = []  # (member, line), each member's own in order
        self.samples = []  # (milliseconds at which the broker was asked, {partition: offset})

    def add(self, member, line):
        """One line of a member; `ended` is what the driver adds when a member is gone, however it went."""
        self.lines.append((member, line))

    def sample(self, asked_ms, offsets):
        """What the broker told as the offsets of the group, by partition; partitions without a commit are left out."""
        self.samples.append((asked_ms, offsets))

    def violations(self, ends):
        """What is against the rules, in words; `ends` are the offsets after the last record, by partition."""
        found = [*Replay(self).run(ends), *self._of_samples(ends)]
        more = len(found) - VIOLATIONS_SHOWN
        return found[:VIOLATIONS_SHOWN] + ([f"and {more} more"] if more > 0 else [])

    def _of_samples(self, ends):
        acknowledged = sorted(
            (line["t"], int(partition), offset)
            for _, line in self.lines
            if line["e"] == "committed"
            for partition, offset in line["o"].items()
        )
        seen = dict.fromkeys(range(self.partitions), 0)
        least = dict(seen)
        position = 0
        for asked_ms, offsets in self.samples:
            while position < len(acknowledged) and acknowledged[position][0] + CLOCK_SLACK_MS < asked_ms:
                _, partition, offset = acknowledged[position]
                least[partition] = max(least[partition], offset)
                position += 1
            for partition in range(self.partitions):
                told = offsets.get(partition, 0)
                if told < seen[partition]:
                    yield f"partition {partition}: the broker told offset {told} after {seen[partition]}"
                elif told < least[partition]:
                    yield f"partition {partition}: the broker told offset {told}, but {least[partition]} was acknowledged before"
                seen[partition] = max(seen[partition], told)
        for partition, end in ends.items():
            if seen[partition] != end:
                yield f"partition {partition}: committed up to {seen[partition]} of {end}"


class Replay:
    """Goes through the lines in the order of their times."""

    def __init__(self, history):
        self.history = history
        self.readings = {}  # (member, partition) -> Reading
        self.read_to = dict.fromkeys(range(history.partitions), 0)
        self.committed = dict.fromkeys(range(history.partitions), 0)

    def run(self, ends):
        """All violations."""
        for member, line in sorted(self.history.lines, key=lambda entry: entry[1]["t"]):
            yield from getattr(self, f"_{line['e']}")(member, line)
        for partition, end in ends.items():
            if self.read_to[partition] != end:
                yield f"partition {partition}: read up to {self.read_to[partition]} of {end}"

    def _assigned(self, member, line):
        for partition in line["p"]:
            self.readings[member, partition] = Reading(self.committed[partition])
        return ()

    def _revoked(self, member, line):
        for partition in line["p"]:
            self.readings.pop((member, partition), None)
        return ()

    _lost = _revoked

    def _ended(self, member, _):
        for key in [key for key in self.readings if key[0] == member]:
            del self.readings[key]
        return ()

    def _closed(self, *_):
        return ()

    def _refused(self, *_):
        return ()

    def _records(self, member, line):
        partition, first, last = line["p"], line["f"], line["l"]
        name = f"partition {partition}, member {member}"
        reading = self.readings.get((member, partition))
        if reading is None:
            yield f"{name}: read {first} to {last} without owning it"
            return
        if reading.next is None:
            if first < reading.floor:
                yield f"{name}: began at {first}, but {reading.floor} was committed before"
        elif first != reading.next:
            yield f"{name}: read {first} after {reading.next - 1}"
        if first > self.read_to[partition]:
            yield f"{name}: began at {first}, so {self.read_to[partition]} to {first - 1} were skipped"
        reading.next = last + 1
        self.read_to[partition] = max(self.read_to[partition], last + 1)

    def _committed(self, member, line):
        for partition, offset in line["o"].items():
            partition = int(partition)
            if offset < self.committed[partition]:
                yield f"partition {partition}, member {member}: commit of {offset} accepted after {self.committed[partition]}"
            self.committed[partition] = max(self.committed[partition], offset)
