"""How much there is in an ONNX file, counted before an object is made of each of its parts.

Protobuf writes a message as fields: a key, which is the field's number and how it is written, and
a value. A message within it is so many bytes, so that a file of two bytes for each becomes hundreds
of times as large once it is parsed.
"""

from __future__ import annotations

from typing import Any

from gradbook import limits
from gradbook.errors import DataError

Descriptor = Any  # of protobuf, which has no types of its own
VARIED, EIGHT, LONG, FOUR = 0, 1, 2, 5  # how a value is written
MOST_BITS = 70  # of a number
CUT = "it is cut short or no ONNX file at all"


class Within:
    """What stands in the fields of a message that are written as so many bytes."""

    def __init__(self) -> None:
        self.messages: dict[int, Within] = {}
        self.numbers: set[int] = set()  # fields of whole numbers side by side, a byte or more each


def require_modest(content: bytes, kind: Descriptor) -> None:
    """Refuse what would take much more memory than its bytes once it is parsed as this message."""
    fields, numbers, at = 0, 0, 0
    open_ones = [(len(content), fields_of(kind, {}))]
    while open_ones:
        end, within = open_ones[-1]
        if at == end:
            open_ones.pop()
            continue
        key, at = _number(content, at, end)
        fields += 1
        if fields > limits.FIELDS.most:
            raise DataError(f"more than {limits.FIELDS} fields, which are the most that are read")
        number, how = key >> 3, key & 7
        if how == LONG:
            size, at = _number(content, at, end)
            if at + size > end:
                raise DataError(CUT)
            inner = within.messages.get(number)
            if inner is not None:
                open_ones.append((at + size, inner))
                _require_shallow(len(open_ones))
                continue
            numbers += size if number in within.numbers else 0
            if numbers > limits.VALUES.most:
                raise DataError(f"more than {limits.VALUES}, which are the most that are read")
            at += size
        elif how == VARIED:
            _, at = _number(content, at, end)
        elif how in (EIGHT, FOUR):
            at += 8 if how == EIGHT else 4
        else:
            raise DataError(CUT)
        if at > end:
            raise DataError(CUT)


def _require_shallow(depth: int) -> None:
    if depth > limits.DEPTH.most:
        raise DataError(f"more than {limits.DEPTH} messages within each other")


def _number(content: bytes, at: int, end: int) -> tuple[int, int]:
    """A number of seven bits a byte, and where it ends."""
    found = shift = 0
    while at < end and shift < MOST_BITS:
        byte = content[at]
        at += 1
        found |= (byte & 127) << shift
        if byte < 128:
            return found, at
        shift += 7
    raise DataError(CUT)


def fields_of(kind: Descriptor, known: dict[str, Within]) -> Within:
    """By the numbers of the fields; messages stand within themselves, so each is asked once."""
    if kind.full_name in known:
        return known[kind.full_name]
    found = known[kind.full_name] = Within()
    for field in kind.fields:
        if field.message_type is not None:
            found.messages[field.number] = fields_of(field.message_type, known)
        elif field.cpp_type in (field.CPPTYPE_INT32, field.CPPTYPE_INT64, field.CPPTYPE_UINT64):
            found.numbers.add(field.number)
    return found
