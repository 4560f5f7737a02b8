"""A page's requests, checked against the fields they may have, and our answers."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from io import BufferedIOBase
from math import inf
from typing import IO, Any
from urllib.parse import parse_qsl

from gradbook.language import mark
from gradbook.language.message import Message, WrittenNumber

LARGEST_RECORD = 4 * 2**20  # bytes of JSON
CHUNK = 2**16


class RefusalError(Exception):
    """A request that is refused: a status, the reason, and other facts for the page."""

    def __init__(self, status: int, why: str = "", **facts: object) -> None:
        super().__init__(why)
        self.status, self.why, self.facts = status, why, facts


class Cut(Exception):
    """The client has gone away."""


class Content:
    """A request's content: this many bytes, which may still be on their way."""

    def __init__(self, source: IO[bytes] | BufferedIOBase, length: int) -> None:
        self.source = source
        self.left = length

    def whole(self) -> bytes:
        """All of it, if it is small."""
        return b"".join(self.pieces(LARGEST_RECORD))

    def pieces(self, most: int) -> Iterator[bytes]:
        """The content as it arrives; more than `most` bytes are refused before any is read."""
        if self.left > most:
            raise RefusalError(413, f"the request is larger than {most:,} bytes")
        while self.left:
            piece = self.source.read(min(self.left, CHUNK))
            if not piece:
                raise Cut
            self.left -= len(piece)
            yield piece


@dataclass(frozen=True)
class Request:
    """A request: its path within the page, its query and its content."""

    method: str
    path: str
    query: str
    content: Content
    is_wanted: Callable[[], bool]  # whether the client still waits for an answer


@dataclass(frozen=True)
class Answer:
    """Content, its kind (as the ending of a file), and the name to save it under, if any."""

    content: bytes | IO[bytes] = b""
    kind: str = ""
    name: str = ""
    status: int = 200


def json_answer(content: object, status: int = 200) -> Answer:
    """An answer for the page's own script."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False)
    return Answer(text.encode("utf-8", "backslashreplace"), ".json", status=status)


NOTHING = Answer(status=204)


# Fields, which have a kind and a range -------------------------------------------

LARGEST = sys.float_info.max
MOST_OF_A_QUERY = 20  # fields of a query


@dataclass(frozen=True)
class Field:
    """A value of one kind; for text and lists, `low` and `high` limit the length."""

    kind: type
    low: float = -inf
    high: float = inf
    usual: Any = None  # the default
    is_needed: bool = False

    def objection(self, name: str, value: object) -> str:
        """What is wrong with a value of that name; '' if nothing is."""
        kinds = (int, float) if self.kind is float else (self.kind,)
        if type(value) not in kinds:
            return Message(OF_A_KIND[self.kind], name=name)
        if isinstance(value, str) and "\0" in value:
            return Message("{name} contains a null character: leave it out", name=name)
        size = value if isinstance(value, int | float) else len(value)  # type: ignore[arg-type]
        if not self.low <= size <= self.high or not -LARGEST <= size <= LARGEST:
            low, high = (WrittenNumber(f"{bound:,}") for bound in (self.low, self.high))
            return Message(RANGES[self.low > -inf, self.high < inf], name=name, low=low, high=high)
        return ""


OF_A_KIND = {
    str: mark("{name} must be text"),
    bool: mark("{name} must be true or false"),
    int: mark("{name} must be a whole number"),
    float: mark("{name} must be a number"),
    list: mark("{name} must be a list"),
}
RANGES = {  # by the presence of a minimum and of a maximum
    (True, True): mark("{name} is out of range: at least {low} and at most {high}"),
    (True, False): mark("{name} is out of range: at least {low}"),
    (False, True): mark("{name} is out of range: at most {high}"),
    (False, False): mark("{name} is out of range: a finite number"),
}
Fields = Mapping[str, Field]


def record(body: bytes, fields: Fields) -> dict[str, Any]:
    """A JSON object with these fields and no others."""
    try:
        values = json.loads(body)
    except (ValueError, RecursionError):
        raise RefusalError(400, "the request isn't JSON") from None
    return check_fields(values, fields)


def check_fields(values: object, fields: Fields) -> dict[str, Any]:
    if not isinstance(values, dict):
        raise RefusalError(400, "the request isn't a JSON object")
    unknown = next((name for name in values if name not in fields), None)
    if unknown is not None:
        raise RefusalError(400, f"there is no field '{unknown}' here")
    return {name: _checked(name, values.get(name), asked) for name, asked in fields.items()}


def _checked(name: str, value: object, asked: Field) -> Any:
    if value is None:
        if asked.is_needed:
            raise RefusalError(400, Message("{name} is missing", name=name))
        return asked.usual
    if objection := asked.objection(name, value):
        raise RefusalError(422, objection)
    return value


def options(query: str, fields: Fields) -> dict[str, Any]:
    """The query of an address as these fields, each at most once."""
    try:
        pairs = parse_qsl(query, True, True, max_num_fields=MOST_OF_A_QUERY)
    except ValueError:
        if query:
            raise RefusalError(400, "the address has a query that can't be read") from None
        pairs = []
    words = dict(pairs)
    if len(words) < len(pairs):
        raise RefusalError(400, "the query has a field twice")
    read = {
        name: _value(name, word, fields[name].kind)
        for name, word in words.items()
        if name in fields
    }
    return check_fields({**words, **read}, fields)


def _value(name: str, word: str, kind: type) -> Any:
    try:
        return word == "1" if kind is bool else kind(word)
    except ValueError:
        raise RefusalError(422, Message(OF_A_KIND[kind], name=name)) from None
