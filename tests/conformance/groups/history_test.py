"""A history that is right passes; each way of being wrong is told."""

import unittest

from history import History

GOOD = [
    ("a", {"e": "assigned", "p": [0, 1]}),
    ("a", {"e": "records", "p": 0, "f": 0, "l": 9}),
    ("a", {"e": "committed", "o": {"0": 10}}),
    ("a", {"e": "records", "p": 1, "f": 0, "l": 4}),
    ("a", {"e": "committed", "o": {"1": 5}}),
    ("a", {"e": "revoked", "p": [0, 1]}),
    ("a", {"e": "assigned", "p": [0]}),
    ("b", {"e": "assigned", "p": [1]}),
    ("b", {"e": "records", "p": 1, "f": 5, "l": 7}),
    ("b", {"e": "ended"}),  # killed before it could commit
    ("a", {"e": "assigned", "p": [1]}),
    ("a", {"e": "records", "p": 1, "f": 5, "l": 9}),
    ("a", {"e": "committed", "o": {"1": 10}}),
    ("a", {"e": "closed"}),
]
ENDS = {0: 10, 1: 10}
LAST_SAMPLE = (1000, {0: 10, 1: 10})


def violations(lines, samples=(LAST_SAMPLE,), ends=None):
    history = History(2)
    for time, (member, line) in enumerate(lines):
        history.add(member, {"t": time * 10, **line})
    for asked_ms, offsets in samples:
        history.sample(asked_ms, offsets)
    return history.violations(ENDS if ends is None else ends)


def changed(index, **fields):
    """The good lines with one of them different."""
    lines = list(GOOD)
    lines[index] = (lines[index][0], {**lines[index][1], **fields})
    return lines


class HistoryTest(unittest.TestCase):
    """Named by what is wrong with the history."""

    def refused(self, lines, text, **more):
        found = violations(lines, **more)
        self.assertTrue(any(text in line for line in found), found)

    def test_nothing_wrong(self):
        self.assertEqual(violations(GOOD, [(5, {}), (25, {0: 10}), (66, {0: 10, 1: 5}), LAST_SAMPLE]), [])

    def test_hole_within_a_reading(self):
        self.refused([*GOOD[:2], ("a", {"e": "records", "p": 0, "f": 11, "l": 12}), *GOOD[2:]], "read 11 after 9")

    def test_going_back_within_a_reading(self):
        self.refused([*GOOD[:2], ("a", {"e": "records", "p": 0, "f": 4, "l": 9}), *GOOD[2:]], "read 4 after 9")

    def test_record_skipped_between_owners(self):
        self.refused(changed(11, f=9), "8 to 8 were skipped")

    def test_commit_lost_between_owners(self):
        self.refused(changed(8, f=3), "began at 3, but 5 was committed before")

    def test_reading_what_is_not_owned(self):
        self.refused([line for index, line in enumerate(GOOD) if index != 10], "without owning it")

    def test_reading_on_after_revocation(self):
        self.refused([*GOOD[:6], ("a", {"e": "records", "p": 0, "f": 10, "l": 11}), *GOOD[6:]], "without owning it")

    def test_commit_going_back(self):
        self.refused([*GOOD, ("b", {"e": "committed", "o": {"0": 7}})], "commit of 7 accepted after 10")

    def test_not_everything_read(self):
        self.refused(GOOD, "read up to 10 of 11", ends={0: 11, 1: 10})

    def test_not_everything_committed(self):
        self.refused(GOOD, "committed up to 9 of 10", samples=[(30, {0: 9})])

    def test_broker_goes_back(self):
        self.refused(GOOD, "told offset 4 after 10", samples=[(25, {0: 10}), (30, {0: 4}), LAST_SAMPLE])

    def test_broker_forgets_a_partition(self):
        self.refused(GOOD, "told offset 0 after 10", samples=[(25, {0: 10}), (30, {}), LAST_SAMPLE])

    def test_broker_tells_less_than_was_acknowledged(self):
        self.refused(GOOD, "told offset 3, but 10 was acknowledged", samples=[(25, {0: 3}), LAST_SAMPLE])

    def test_member_that_only_watches_reads_nothing(self):
        self.refused([], "read up to 0 of 10")


if __name__ == "__main__":
    unittest.main()
