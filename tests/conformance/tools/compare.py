"""Makes what a tool printed against one broker comparable with what it printed against another, and finds the differences."""

import difflib
import fnmatch
import pathlib
import re

LISTED = pathlib.Path(__file__).with_name("differences.txt")

# What no two runs have in common; the order matters.
INDIVIDUAL = [
    (re.compile(r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+\]"), "[<time>]"),
    (re.compile(r"127\.0\.0\.1:\d+|localhost:\d+"), "<broker>"),
    (re.compile(r"\bclientId=adminclient-\d+"), "clientId=<admin>"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "<uuid>"),
    (re.compile(r"(TopicId: |Cluster ID: |ClusterId: +|DirectoryId: ?|directory ?id: ?)[\w-]{22}"), r"\1<id>"),
    (re.compile(r"(?<![\w-])(?=[\w-]*[A-Z0-9])[A-Za-z0-9_-]{22}(?![\w-])"), "<id>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?"), "<time>"),
    (re.compile(r'("(?:timestamp|size|time_ms|target_throughput)":)\s*"?[\d.]+"?'), r"\1<n>"),
    (re.compile(r'("(?:avg_throughput)":)[\d.Ee+-]+'), r"\1<n>"),
    (re.compile(r'("logDir":)"[^"]*"'), r'\1"<dir>"'),
    (re.compile(r"(?<=[\s:/])/\S*/(plan|wrong|saved|moved|all|bad|elected)\b"), r"<dir>/\1"),
    (re.compile(r"\b1[6-9]\d{11}\b"), "<ms>"),
    (re.compile(r'("log_dirs":)\["/[^"]*"\]'), r'\1["<dir>"]'),
    (re.compile(r"(<id>)\s+\d+\s+\d+\s+<ms>"), r"\1 <n> <n> <ms>"),
    (re.compile(r"/127\.0\.0\.1\b"), "<host>"),
    (re.compile(r"(High Watermark|HighWatermark|MaxFollowerLagTimeMs|LeaderEpoch|Leader Epoch|finalized version level|Epoch):\s+\d+"), r"\1: <n>"),
]
# Options that a tool lists in the order of a hash table.
OPTIONS = re.compile(r"\[(\[[a-z-]+\](?:, \[[a-z-]+\])+)\]")
# Where in the tool an error was thrown.
STACK = ("at ", "... ", "WARNING: ")
# A consumer may be told several times that it owns nothing yet.
NOTHING_ASSIGNED = '"name":"partitions_assigned","partitions":[]}'
BLANKS = re.compile(r"[ \t]+")


def comparable(text, unordered):
    """The lines of an output without what no two runs share, and without the widths of columns."""
    for pattern, name in INDIVIDUAL:
        text = pattern.sub(name, text)
    text = OPTIONS.sub(lambda match: f"[{', '.join(sorted(match[1].split(', ')))}]", text)
    lines = [BLANKS.sub(" ", line).strip() for line in text.splitlines()]
    lines = [line for line in lines if line]
    lines = [line for line in lines if not line.startswith(STACK) and not line.endswith(NOTHING_ASSIGNED)]
    return sorted(lines) if unordered else lines


class Listed:
    """The differences that are known, each with its reason: STEP | +/- LINE | REASON, with `*` for anything."""

    def __init__(self):
        self.entries = []
        for number, line in enumerate(LISTED.read_text(encoding="utf-8").splitlines(), 1):
            if not line or line.startswith("#"):
                continue
            parts = line.split(" | ")
            if len(parts) != 3 or parts[1][:2] not in ("+ ", "- ") or not parts[2].strip():
                raise SystemExit(f"{LISTED.name}, line {number}: expected STEP | + LINE | REASON or STEP | - LINE | REASON")
            self.entries.append((parts[0], parts[1]))
        self.used = set()

    def covers(self, step, change):
        """Whether a changed line of a step is listed."""
        for entry in self.entries:
            if fnmatch.fnmatchcase(step, _plain(entry[0])) and fnmatch.fnmatchcase(change, _plain(entry[1])):
                self.used.add(entry)
                return True
        return False

    def stale(self):
        """What is listed and did not happen."""
        return [f"{step} | {change}" for step, change in self.entries if (step, change) not in self.used]


def _plain(pattern):
    """Only `*` is special."""
    return pattern.replace("[", "[[]").replace("?", "[?]")


def differences(step, wanted, found):
    """Lines that only the first broker printed with `-`, those of the second with `+`; the exit status counts as a line."""
    left, right = ([f"exit status {result['status']}", *comparable(result["out"], step.unordered)] for result in (wanted, found))
    left += [f"error: {line}" for line in comparable(wanted["err"], step.unordered)]
    right += [f"error: {line}" for line in comparable(found["err"], step.unordered)]
    return [line for line in difflib.ndiff(left, right) if line[:2] in ("- ", "+ ")]
