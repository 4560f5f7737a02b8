"""What a page asks of us, held against the fields it may have, and what we answer."""

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
    """What can't be done for who asks: a status, why, and what else its page is told."""

    def __init__(self, status: int, why: str = "", **told: object) -> None:
        super().__init__(why)
        self.status, self.why, self.told = status, why, told


class Cut(Exception):
    """Who asked has gone away."""


class Content:
    """What comes with a request: so many bytes, of which none may have arrived yet."""

    def __init__(self, source: IO[bytes] | BufferedIOBase, length: int) -> None:
        self.source = source
        self.left = length

    def whole(self) -> bytes:
        """A small content."""
        return b"".join(self.pieces(LARGEST_RECORD))

    def pieces(self, most: int) -> Iterator[bytes]:
        """As it comes; more than `most` bytes are refused before any is read."""
        if self.left > most:
            raise RefusalError(413, f"that is larger than {most:,} bytes")
        while self.left:
            piece = self.source.read(min(self.left, CHUNK))
            if not piece:
                raise Cut
            self.left -= len(piece)
            yield piece


@dataclass(frozen=True)
class Request:
    """What is asked for: where within the page, with which words and how much content."""

    method: str
    path: str
    query: str
    content: Content
    is_wanted: Callable[[], bool]  # whether anybody still waits for an answer


@dataclass(frozen=True)
class Answer:
    """Content, which kind it is (as its file would end), and what it is saved as, if it is."""

    content: bytes | IO[bytes] = b""
    kind: str = ""
    name: str = ""
    status: int = 200


def json_answer(content: object, status: int = 200) -> Answer:
    """An answer for the page's own script."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False)
    return Answer(text.encode("utf-8", "backslashreplace"), ".json", status=status)


NOTHING = Answer(status=204)


# Fields: of their kinds, in their ranges, and nothing else --------------------

LARGEST = sys.float_info.max
MOST_OF_A_QUERY = 20  # options behind a question mark


@dataclass(frozen=True)
class Field:
    """A value of one kind; of words and lists, `low` and `high` are how long they are."""

    kind: type
    low: float = -inf
    high: float = inf
    usual: Any = None  # where nothing is given
    is_needed: bool = False

    def objection(self, name: str, value: object) -> str:
        """What is wrong with a value of that name; '' where nothing is."""
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
    str: mark("{name} is no text"),
    bool: mark("{name} is no yes or no"),
    int: mark("{name} is no whole number"),
    float: mark("{name} is no number"),
    list: mark("{name} is no list"),
}
RANGES = {  # whether there is a least, and a most
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
        raise RefusalError(400, "that is no JSON") from None
    return check_fields(values, fields)


def check_fields(values: object, fields: Fields) -> dict[str, Any]:
    if not isinstance(values, dict):
        raise RefusalError(400, "that is no JSON object")
    unknown = next((name for name in values if name not in fields), None)
    if unknown is not None:
        raise RefusalError(400, f"nothing is called '{unknown}' here")
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
    """What stands behind the question mark of an address: each word once, as these fields."""
    try:
        pairs = parse_qsl(query, True, True, max_num_fields=MOST_OF_A_QUERY)
    except ValueError:
        if query:
            raise RefusalError(400, "that is no query") from None
        pairs = []
    words = dict(pairs)
    if len(words) < len(pairs):
        raise RefusalError(400, "something is asked twice")
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
