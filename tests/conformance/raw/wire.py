"""Kafka's wire format, from the facts in protocol/schema: bodies as dictionaries, one connection that sends them.

A field that a dictionary leaves out has its default. Names are those of the schema. Bytes are written and shown in hex.
"""

import pathlib
import re
import socket
import struct

SCHEMA = pathlib.Path(__file__).resolve().parents[3] / "protocol" / "schema"
TIMEOUT_S = 30
NUMBERS = {"bool": ">?", "int8": ">b", "int16": ">h", "uint16": ">H", "int32": ">i", "int64": ">q", "float64": ">d"}
LAST = 1 << 15


class Field:
    """One field of a structure."""

    def __init__(self, words, outer):
        self.name, kind, *rest = words
        base, _, nullable = kind.partition("?")
        self.is_array, self.kind = base.startswith("[]"), base.removeprefix("[]")
        self.versions, self.tag, self.rigid, self.default = outer, None, False, None
        if rest and re.fullmatch(r"\d+(\+|-\d+)?", rest[0]):
            self.versions = versions(rest.pop(0), outer[1])
        while rest:
            word = rest.pop(0)
            if word == "tag":
                self.tag = int(rest.pop(0))
            elif word == "=":
                self.default = rest.pop(0)
            self.rigid |= word == "rigid"
        nullable = versions(nullable, self.versions[1]) if nullable else (self.versions if "?" in kind else None)
        self.nullable, self.fields = nullable, []

    def is_nullable(self, version):
        """Whether null may stand for it."""
        return self.nullable is not None and self.nullable[0] <= version <= self.nullable[1]

    def default_value(self, structs):
        """What it is where nobody says."""
        if self.default == "null" or (self.kind == "records" and self.nullable):
            return None
        if self.is_array:
            return []
        if self.kind in structs:
            return {}
        if self.kind in ("string", "bytes", "records"):
            return self.default or ""
        if self.kind == "uuid":
            return "00" * 16
        if self.kind == "bool":
            return self.default == "true"
        return float(self.default or 0) if self.kind == "float64" else int(self.default or 0)


def versions(text, last):
    """`3`, `3-5` or `3+`."""
    if text.endswith("+"):
        return int(text[:-1]), last
    low, _, high = text.partition("-")
    return int(low), int(high or low)


class Message:
    """A request or a response."""

    def __init__(self, head, lines):
        self.versions = versions(head[1], LAST)
        self.flexible = int(head[3][:-1]) if len(head) > 2 and head[2] == "flexible" else LAST
        self.structs, self.fields = {}, []
        open_fields = {0: (self.fields, self.versions)}
        for depth, words in lines:
            owner, outer = open_fields[depth - 1]
            if words[0] == "struct":
                own = versions(words[2], outer[1]) if len(words) > 2 else outer
                self.structs[words[1]] = []
                open_fields[depth] = (self.structs[words[1]], own)
                continue
            field = Field(words, outer)
            owner.append(field)
            below = []
            open_fields[depth] = (below, field.versions)
            if field.kind not in NUMBERS and field.kind not in ("string", "bytes", "records", "uuid"):
                self.structs.setdefault(field.kind, below)
                open_fields[depth] = (self.structs[field.kind], field.versions)

    def encode(self, body, version):
        """The bytes of a body."""
        return self._struct(self.fields, body, version, version >= self.flexible)

    def _struct(self, fields, body, version, compact):
        unknown = set(body) - {field.name for field in fields}
        if unknown:
            raise KeyError(f"no such fields: {unknown}")
        out, tagged = b"", []
        for field in fields:
            if not field.versions[0] <= version <= field.versions[1]:
                continue
            value = body.get(field.name, field.default_value(self.structs))
            if field.tag is None:
                out += self._value(field, value, version, compact)
            elif field.name in body:
                tagged.append((field.tag, self._value(field, value, version, compact)))
        if compact:
            out += varint(len(tagged)) + b"".join(varint(tag) + varint(len(data)) + data for tag, data in sorted(tagged))
        return out

    def _value(self, field, value, version, compact):
        if not field.is_array:
            return self._single(field, value, version, compact)
        if value is None:
            return varint(0) if compact else struct.pack(">i", -1)
        head = varint(len(value) + 1) if compact else struct.pack(">i", len(value))
        return head + b"".join(self._single(field, one, version, compact) for one in value)

    def _single(self, field, value, version, compact):
        if field.kind in NUMBERS:
            return struct.pack(NUMBERS[field.kind], value)
        if field.kind == "uuid":
            return bytes.fromhex(value)
        if field.kind in self.structs:
            mark = b"" if field.is_array or not field.is_nullable(version) else b"\xff" if value is None else b"\1"
            return mark if value is None else mark + self._struct(self.structs[field.kind], value, version, compact)
        compact, is_text = compact and not field.rigid, field.kind == "string"
        if value is None:
            return varint(0) if compact else struct.pack(">h" if is_text else ">i", -1)
        data = value.encode() if is_text else bytes.fromhex(value)
        return (varint(len(data) + 1) if compact else struct.pack(">h" if is_text else ">i", len(data))) + data

    def decode(self, data, version):
        """The body of bytes, and how many are left over."""
        reader = Reader(data)
        return self._read_struct(reader, self.fields, version, version >= self.flexible), len(data) - reader.position

    def _read_struct(self, reader, fields, version, compact):
        out, tagged = {}, {}
        for field in fields:
            if not field.versions[0] <= version <= field.versions[1]:
                continue
            if field.tag is None:
                out[field.name] = self._read(reader, field, version, compact)
            else:
                tagged[field.tag] = field
        for _ in range(reader.varint() if compact else 0):
            tag, length = reader.varint(), reader.varint()
            within = Reader(reader.take(length))
            field = tagged.get(tag)
            out[field.name if field else f"tag {tag}"] = self._read(within, field, version, compact) if field else within.data.hex()
        return out

    def _read(self, reader, field, version, compact):
        if not field.is_array:
            return self._read_single(reader, field, version, compact)
        count = reader.varint() - 1 if compact else reader.number(">i")
        return None if count < 0 else [self._read_single(reader, field, version, compact) for _ in range(count)]

    def _read_single(self, reader, field, version, compact):
        if field.kind in NUMBERS:
            return reader.number(NUMBERS[field.kind])
        if field.kind == "uuid":
            return reader.take(16).hex()
        if field.kind in self.structs:
            if field.is_nullable(version) and not field.is_array and reader.number(">b") < 0:
                return None
            return self._read_struct(reader, self.structs[field.kind], version, compact)
        compact, is_text = compact and not field.rigid, field.kind == "string"
        length = reader.varint() - 1 if compact else reader.number(">h" if is_text else ">i")
        if length < 0:
            return None
        data = reader.take(length)
        return data.decode() if is_text else data.hex()


class Reader:
    """Bytes that are being read."""

    def __init__(self, data):
        self.data, self.position = data, 0

    def take(self, length):
        """The next bytes."""
        end = self.position + length
        if length < 0 or end > len(self.data):
            raise ValueError("the answer ends within a field")
        taken, self.position = self.data[self.position : end], end
        return taken

    def number(self, form):
        """The next number."""
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def varint(self):
        """The next variable-length number."""
        value, shift = 0, 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7


def varint(value):
    """A variable-length number."""
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


class Api:
    """An API: its number and its two messages."""

    def __init__(self, path):
        lines = [line.rstrip() for line in path.read_text().splitlines() if line.strip() and not line.startswith("#")]
        _, self.name, key, *_ = lines[0].split()
        self.key, parts = int(key), []
        for line in lines[1:]:
            depth = (len(line) - len(line.lstrip())) // 2
            if depth == 0:
                parts.append((line.split(), []))
            else:
                parts[-1][1].append((depth, line.split()))
        self.request, self.response = (Message(head, fields) for head, fields in parts)


APIS = {api.name: api for api in map(Api, sorted(path for path in SCHEMA.glob("*.schema") if path.read_text().startswith("api ")))}


class Closed(Exception):
    """The broker closed the connection instead of answering."""


class Connection:
    """One connection to a broker."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), TIMEOUT_S)
        self.correlation = 0

    def ask(self, name, version, body=b"", client="raw"):
        """Sends a request and gives the answer's body; `body` is a dictionary, or bytes to send as they are."""
        api = APIS[name]
        self.correlation += 1
        flexible = version >= api.request.flexible
        head = struct.pack(">hhih", api.key, version, self.correlation, len(client)) + client.encode() + (b"\0" if flexible else b"")
        data = head + (body if isinstance(body, bytes) else api.request.encode(body, version))
        try:
            self.socket.sendall(struct.pack(">i", len(data)) + data)
            answer = self._take(struct.unpack(">i", self._take(4))[0])
        except (ConnectionError, TimeoutError) as error:
            raise Closed from error
        correlation = struct.unpack(">i", answer[:4])[0]
        if correlation != self.correlation:
            raise ValueError(f"answer to {correlation}, asked {self.correlation}")
        # A version of ApiVersions that the broker does not know is answered in version 0.
        version = version if version <= api.response.versions[1] else 0
        skipped = 5 if version >= api.response.flexible and name != "ApiVersions" else 4
        decoded, left = api.response.decode(answer[skipped:], version)
        if left:
            raise ValueError(f"{left} bytes behind the answer")
        return decoded

    def _take(self, length):
        data = b""
        while len(data) < length:
            more = self.socket.recv(length - len(data))
            if not more:
                raise Closed
            data += more
        return data

    def close(self):
        """Ends it."""
        self.socket.close()
