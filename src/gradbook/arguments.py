"""Converts callers' arguments into plain whole numbers, floats, tuples and words."""

from __future__ import annotations

from collections.abc import Iterable
from operator import index
from typing import Any, SupportsFloat

from gradbook.errors import UsageError, did_you_mean

NOT_FROM = "{what} is a whole number from {least} up, not {value!r}"
KNOWN = ": one of {known}"


def settle(record: object, **fields: object) -> None:
    """Give a frozen record's fields their canonical form, so that equal records compare equal."""
    for name, value in fields.items():
        object.__setattr__(record, name, value)


def whole(what: str, value: object, least: int) -> int:
    """A whole number from `least` up."""
    try:
        plain = None if isinstance(value, bool) else index(value)  # type: ignore[arg-type]
    except TypeError:
        plain = None
    if plain is None or plain < least:
        raise UsageError(NOT_FROM.format(what=what, least=least, value=value))
    return plain


def sizes(what: str, value: object) -> tuple[int, ...]:
    """One size, or several."""
    several = value if isinstance(value, Iterable) and not isinstance(value, str) else (value,)
    return tuple(whole(what, size, 1) for size in several)


def number(what: str, value: object) -> float:
    """A number; the caller checks whether it is finite."""
    if isinstance(value, int | float | SupportsFloat):  # the last takes long
        try:
            return float(value)
        except (TypeError, ValueError, OverflowError):
            pass
    raise UsageError(f"{what} is a number such as 0.15, not {value!r}")


def numbers(what: str, values: object) -> tuple[float, ...]:
    return tuple(
        value if type(value) is float else number(f"{what} {place}", value)
        for place, value in enumerate(as_list(what, values), 1)
    )


def as_list(what: str, values: object) -> tuple[Any, ...]:
    """The items of any iterable."""
    if isinstance(values, Iterable) and not isinstance(values, str | bytes):
        return tuple(values)
    raise UsageError(f"{what}: expected a list, not {values!r}")


def one_of(what: str, value: object, known: Iterable[str]) -> str:
    """A known word; for an unknown one, the error names the closest word or all of them."""
    names = [str(name) for name in known]
    if value in names:
        return str(value)
    raise UsageError(f"unknown {what} {value!r}{hint(value, names)}")


def hint(word: object, known: Iterable[str]) -> str:
    return did_you_mean(str(word), known) or KNOWN.format(known=", ".join(known))


def words(what: str, value: object) -> str:
    """A phrase with single spaces."""
    if isinstance(value, str):
        return " ".join(value.split())
    raise UsageError(f"{what} is a text, not {value!r}")
