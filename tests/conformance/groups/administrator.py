"""What a broker says about a group, asked with a few requests of our own, so that no client's trouble stands between.

Owned by one thread at a time. Every question opens a connection of its own: the broker is killed now and then.
"""

import socket
import struct

CREATE_TOPICS, OFFSET_FETCH, DESCRIBE_GROUPS, CONSUMER_GROUP_DESCRIBE = 19, 9, 15, 69
ANSWER_SECONDS_MAX = 10


class Unanswered(Exception):
    """The broker is away, or not ready to tell."""


class Answer:
    """Reads the fields of an answer one after the other."""

    def __init__(self, data):
        self.data = data
        self.position = 0

    def number(self, form):
        """One number in network order."""
        (found,) = struct.unpack_from(">" + form, self.data, self.position)
        self.position += struct.calcsize(">" + form)
        return found

    def _text(self, length):
        if length < 0:
            return None
        self.position += length
        return self.data[self.position - length : self.position].decode()

    def text(self):
        """A string behind its length in 16 bits."""
        return self._text(self.number("h"))

    def compact_text(self):
        """A string behind its length and one more, as a variable number."""
        return self._text(self.varint() - 1)

    def varint(self):
        """An unsigned variable number."""
        value = shift = 0
        while True:
            byte = self.number("B")
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value


def _text(value):
    return struct.pack(">h", len(value)) + value.encode()


class Administrator:
    """Topics, groups and their offsets."""

    def __init__(self, port):
        self.port = port

    def _ask(self, key, version, body, flexible=False):
        header = struct.pack(">hhih", key, version, 1, -1) + (b"\0" if flexible else b"")
        frame = header + body
        try:
            with socket.create_connection(("127.0.0.1", self.port), ANSWER_SECONDS_MAX) as connection:
                connection.sendall(struct.pack(">i", len(frame)) + frame)
                with connection.makefile("rb") as file:
                    (length,) = struct.unpack(">i", file.read(4))
                    answer = Answer(file.read(length))
        except (OSError, struct.error) as error:
            raise Unanswered(repr(error)) from error
        answer.number("i")
        if flexible:
            answer.varint()
        return answer

    def create(self, topic, partitions):
        """Makes a topic with one replica."""
        wanted = struct.pack(">i", 1) + _text(topic) + struct.pack(">ihiiib", partitions, 1, 0, 0, 30_000, 0)
        answer = self._ask(CREATE_TOPICS, 2, wanted)
        answer.number("i"), answer.number("i"), answer.text()
        code = answer.number("h")
        if code != 0:
            raise RuntimeError(f"topic {topic}: error {code}: {answer.text()}")

    def offsets(self, group):
        """{partition: offset} of what is committed in the one topic of a group."""
        answer = self._ask(OFFSET_FETCH, 5, _text(group) + struct.pack(">i", -1))
        answer.number("i")
        found = {}
        for _ in range(answer.number("i")):
            answer.text()
            for _ in range(answer.number("i")):
                partition, offset = answer.number("i"), answer.number("q")
                answer.number("i"), answer.text()
                code = answer.number("h")
                if code != 0:
                    raise Unanswered(f"partition {partition}: error {code}")
                if offset >= 0:
                    found[partition] = offset
        code = answer.number("h")
        if code != 0:
            raise Unanswered(f"error {code}")
        return found

    def describe(self, group, protocol):
        """State and number of members; nothing while the broker is away or loads the group."""
        try:
            return self._describe_consumer(group) if protocol == "consumer" else self._describe_classic(group)
        except Unanswered:
            return None

    def _describe_classic(self, group):
        answer = self._ask(DESCRIBE_GROUPS, 0, struct.pack(">i", 1) + _text(group))
        answer.number("i")
        code, _, state, _, _ = answer.number("h"), answer.text(), answer.text(), answer.text(), answer.text()
        if code != 0:
            raise Unanswered(f"error {code}")
        return state, answer.number("i")

    def _describe_consumer(self, group):
        body = bytes([2, len(group) + 1]) + group.encode() + b"\0\0"
        answer = self._ask(CONSUMER_GROUP_DESCRIBE, 0, body, flexible=True)
        answer.number("i"), answer.varint()
        code, _, _, state = answer.number("h"), answer.compact_text(), answer.compact_text(), answer.compact_text()
        if code != 0:
            raise Unanswered(f"error {code}")
        answer.number("i"), answer.number("i"), answer.compact_text()
        return state, answer.varint() - 1
