"""What somebody sent, held against what was asked for: its kinds, its ranges, and nothing else."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Any
from urllib.parse import parse_qsl

from gradbook.serve.requests import Refused

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

    def objection(self, value: object) -> str:
        """What is wrong with a value; '' where nothing is."""
        kinds = (int, float) if self.kind is float else (self.kind,)
        if type(value) not in kinds:
            return f"is no {NAMES[self.kind]}"
        size = value if isinstance(value, int | float) else len(value)  # type: ignore[arg-type]
        if not self.low <= size <= self.high or not -LARGEST <= size <= LARGEST:
            return f"is out of range: {_range(self.low, self.high)}"
        return ""


NAMES = {str: "text", bool: "yes or no", int: "whole number", float: "number", list: "list"}
Fields = Mapping[str, Field]


def _range(low: float, high: float) -> str:
    least = f"at least {low:,}" if low > -inf else ""
    most = f"at most {high:,}" if high < inf else ""
    return " and ".join(filter(None, [least, most])) or "a finite number"


def record(body: bytes, fields: Fields) -> dict[str, Any]:
    """A JSON object with these fields and no others."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(400, "that is no JSON") from None
    return checked(found, fields)


def checked(found: object, fields: Fields) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise Refused(400, "that is no JSON object")
    unknown = next((name for name in found if name not in fields), None)
    if unknown is not None:
        raise Refused(400, f"nothing is called '{unknown}' here")
    return {name: _checked(name, found.get(name), asked) for name, asked in fields.items()}


def _checked(name: str, value: object, asked: Field) -> Any:
    if value is None:
        if asked.is_needed:
            raise Refused(400, f"{name} is missing")
        return asked.usual
    if objection := asked.objection(value):
        raise Refused(422, f"{name} {objection}")
    return value


def options(query: str, fields: Fields) -> dict[str, Any]:
    """What stands behind the question mark of an address: each word once, as these fields."""
    try:
        pairs = parse_qsl(query, True, True, max_num_fields=MOST_OF_A_QUERY)
    except ValueError:
        if query:
            raise Refused(400, "that is no query") from None
        pairs = []
    words = dict(pairs)
    if len(words) < len(pairs):
        raise Refused(400, "something is asked twice")
    read = {
        name: _value(name, word, fields[name].kind)
        for name, word in words.items()
        if name in fields
    }
    return checked({**words, **read}, fields)


def _value(name: str, word: str, kind: type) -> Any:
    try:
        return word == "1" if kind is bool else kind(word)
    except ValueError:
        raise Refused(422, f"{name} is no {NAMES[kind]}") from None
