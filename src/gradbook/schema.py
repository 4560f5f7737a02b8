"""Declares the kinds and ranges of records that may be untrusted, and checks them completely.

    EPOCH = Schema(epoch=WholeNumber(1), loss=FiniteNumber(), seconds=Maybe(FiniteNumber(0)))
    EPOCH.read(found)     # the fields, unchanged; or a SchemaError with the wrong one and why

A record may have additional fields, which later versions may have added.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Protocol

from gradbook.errors import GradbookError

MOST_ENTRIES = 1_000_000  # of a list
LONGEST = 2**24  # characters of a text
SHOWN = 40  # characters of a wrong value in a message
WITHIN = ("its ", "entry ")  # how messages about a part begin


class SchemaError(GradbookError):
    """A record that doesn't fit its schema: the wrong part, and why."""


class Kind(Protocol):
    """The kind of a value."""

    def read(self, value: object) -> Any:
        """The value, plain; a SchemaError if it is of another kind."""


@dataclass(frozen=True)
class WholeNumber:
    """A whole number; true and false don't count."""

    least: int = 0
    most: int = 2**53

    def read(self, value: object) -> int:
        if type(value) is not int or not self.least <= value <= self.most:
            raise SchemaError(
                f"a whole number from {self.least:,} to {self.most:,}, not {_shown(value)}"
            )
        return value


@dataclass(frozen=True)
class FiniteNumber:
    """A finite number."""

    least: float = float("-inf")
    most: float = float("inf")

    def read(self, value: object) -> float:
        is_number = type(value) in (int, float)
        try:
            number = float(value) if is_number else float("nan")  # type: ignore[arg-type]
        except OverflowError:
            number = float("nan")
        if not isfinite(number) or not self.least <= number <= self.most:
            raise SchemaError(f"a number{self._range}, not {_shown(value)}")
        return number

    @property
    def _range(self) -> str:
        least = f" from {self.least:g}" if isfinite(self.least) else ""
        most = f" to {self.most:g}" if isfinite(self.most) else ""
        return least + most


class AnyNumber:
    """A number, including infinite ones and NaN, as measured in failed runs."""

    def read(self, value: object) -> float:
        if type(value) not in (int, float):
            raise SchemaError(f"a number, not {_shown(value)}")
        try:
            return float(value)  # type: ignore[arg-type]
        except OverflowError:
            raise SchemaError("a number, not a larger one") from None


@dataclass(frozen=True)
class PlainText:
    """A text that can be encoded: no halves of surrogate pairs."""

    most: int = LONGEST

    def read(self, value: object) -> str:
        if not isinstance(value, str) or len(value) > self.most or not _is_whole(value):
            raise SchemaError(f"a text of at most {self.most:,} characters, not {_shown(value)}")
        return value


class Choice:
    """One of a few words."""

    def __init__(self, *words: str) -> None:
        self.words = words

    def read(self, value: object) -> str:
        if not isinstance(value, str) or value not in self.words:
            raise SchemaError(f"one of {', '.join(self.words)}, not {_shown(value)}")
        return value


@dataclass(frozen=True)
class Maybe:
    """A value or null, which must be written."""

    kind: Kind

    def read(self, value: object) -> Any:
        return None if value is None else self.kind.read(value)


@dataclass(frozen=True)
class IfThere(Maybe):
    """A field of a record that may be missing altogether."""


@dataclass(frozen=True)
class Usually:
    """A field with a default, which may be missing or null."""

    kind: Kind
    value: Any

    def read(self, value: object) -> Any:
        return self.value if value is None else self.kind.read(value)


class TrueOrFalse:
    """True or false; numbers don't count."""

    def read(self, value: object) -> bool:
        if not isinstance(value, bool):
            raise SchemaError(f"true or false, not {_shown(value)}")
        return value


class AnyOf:
    """A value of one of a few kinds."""

    def __init__(self, *kinds: Kind) -> None:
        self.kinds = kinds

    def read(self, value: object) -> Any:
        reasons = []
        for kind in self.kinds:
            try:
                return kind.read(value)
            except SchemaError as error:
                reasons.append(error.message)
        end = f", not {_shown(value)}"
        within = [why for why in reasons if why.startswith(WITHIN)]  # right kind, but a wrong part
        raise SchemaError(
            within[0] if within else " or ".join(why.removesuffix(end) for why in reasons) + end
        )


@dataclass(frozen=True)
class ListOf:
    """Values of one kind, one after the other."""

    kind: Kind
    least: int = 0
    most: int = MOST_ENTRIES

    def read(self, value: object) -> list[Any]:
        if not isinstance(value, list) or not self.least <= len(value) <= self.most:
            count = (
                f"{self.least:,}" if self.least == self.most else f"{self.least:,} to {self.most:,}"
            )
            raise SchemaError(f"a list of {count}, not {_shown(value)}")
        return [_within(f"entry {k}", self.kind, entry) for k, entry in enumerate(value, 1)]


@dataclass(frozen=True)
class OneOrMore:
    """A single value or several in a list; returned as a list."""

    kind: Kind
    most: int

    def read(self, value: object) -> list[Any]:
        values = AnyOf(self.kind, ListOf(self.kind, 1, self.most)).read(value)
        return values if isinstance(values, list) else [values]


@dataclass(frozen=True)
class InTurn:
    """A fixed number of values, each with its own kind."""

    kinds: tuple[Kind, ...]

    def read(self, value: object) -> list[Any]:
        if not isinstance(value, list) or len(value) != len(self.kinds):
            raise SchemaError(f"a list of {len(self.kinds)}, not {_shown(value)}")
        pairs = enumerate(zip(self.kinds, value, strict=True), 1)
        return [_within(f"entry {k}", kind, entry) for k, (kind, entry) in pairs]


@dataclass(frozen=True)
class Only:
    """The only value that is supported: any other would have another meaning."""

    value: object

    def read(self, value: object) -> object:
        if value != self.value:
            raise SchemaError(f"{_shown(self.value)} and nothing else, not {_shown(value)}")
        return value


class Anything:
    """Any value: its user checks it."""

    def read(self, value: object) -> Any:
        return value


class AnyRecord:
    """A record with any fields."""

    def read(self, value: object) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise SchemaError(f"a record, not {_shown(value)}")
        return value


class Schema:
    """A record: the kind of each of its fields."""

    def __init__(self, **kinds: Kind) -> None:
        self.kinds = kinds

    def read(self, value: object) -> dict[str, Any]:
        """The record with these fields checked; others stay unchanged."""
        if not isinstance(value, Mapping):
            raise SchemaError(f"a record, not {_shown(value)}")
        record = dict(value)
        for name, kind in self.kinds.items():
            if name in value:
                record[name] = _within(f"its {name}", kind, value[name])
            elif isinstance(kind, Usually):
                record[name] = kind.value
            elif not isinstance(kind, IfThere):
                raise SchemaError(f"its {name} is missing")
        return record

    def read_whole(self, value: object) -> dict[str, Any]:
        """The same for a record that may have no other fields, so that none is ignored."""
        for name in value if isinstance(value, Mapping) else ():
            if name not in self.kinds:
                raise SchemaError(f"its {name} can't be read: leave it out")
        return self.read(value)


def read_json(text: str | bytes, kind: Kind) -> Any:
    """The value of a JSON text, if it is of this kind."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise SchemaError("no JSON") from None
    return kind.read(content)


def _within(place: str, kind: Kind, value: object) -> Any:
    try:
        return kind.read(value)
    except SchemaError as error:
        joined = ", " if error.message.startswith(WITHIN) else " is "
        raise SchemaError(f"{place}{joined}{error.message}") from None


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(value: object) -> str:
    if isinstance(value, list | dict):
        return f"a list of {len(value):,}" if isinstance(value, list) else "a record"
    if isinstance(value, int) and value.bit_length() > SHOWN:
        return "a larger one"
    return repr(value[:SHOWN]) if isinstance(value, str) else repr(value)[: 2 * SHOWN]
