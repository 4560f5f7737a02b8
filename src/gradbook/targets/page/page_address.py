"""A page's whole state as the letters of its address, packed and read as in web/view/address.js.

Every number is restored bit for bit. What comes from a page is checked before it is used.
"""

from __future__ import annotations

import json
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import copysign, isfinite
from typing import Any

from gradbook.errors import DataError
from gradbook.net import Sample

MOST_LETTERS = 300_000
MOST_BYTES = 1_000_000  # in an unpacked state
LATEST = 10**9  # epoch
ODD = {"-0": -0.0, "NaN": float("nan"), "Infinity": float("inf"), "-Infinity": -float("inf")}
BROKEN = "this text isn't the state of a page: copy all of it from the page's address"


@dataclass(frozen=True)
class PageState:
    """What a page shows and continues from; `values` are its state now, `start` that at epoch 1."""

    text: str
    rate: float
    epoch: int
    start: tuple[float, ...]
    values: tuple[float, ...]
    samples: tuple[Sample, ...]
    tests: tuple[Sample, ...] = ()
    batch: int = 0  # samples per update; 0 for all of them
    sample: int = 0  # the current one
    chosen: str = ""  # the value whose chain is shown
    look: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)


def pack(state: PageState) -> str:
    """The letters that a page reads after `#n=`, or gets from a notebook."""
    state_table = {
        "text": state.text,
        "rate": state.rate,
        "batch": state.batch,
        "epoch": state.epoch,
        "start": _as_json(state.start),
        "state": _as_json(state.values),
        "samples": [[_as_json(s.inputs), _as_json(s.targets)] for s in state.samples],
        "tests": [[_as_json(s.inputs), _as_json(s.targets)] for s in state.tests],
        "sample": state.sample,
        "chosen": state.chosen,
        "look": state.look,
        "fields": dict(state.fields),
    }
    text = json.dumps(state_table, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    deflating = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = deflating.compress(text.encode()) + deflating.flush()
    return urlsafe_b64encode(packed).decode().rstrip("=")


def unpack(letters: str) -> PageState:
    """The state in a page's letters.

    Raises:
        DataError: They are cut short, or contain something else.
    """
    try:
        return _state(json.loads(_inflated(letters)))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, zlib.error) as error:
        raise DataError(BROKEN) from error


def _inflated(letters: str) -> bytes:
    if len(letters) > MOST_LETTERS:
        raise ValueError
    inflating = zlib.decompressobj(-zlib.MAX_WBITS)
    packed = urlsafe_b64decode(letters + "=" * (-len(letters) % 4))
    content = inflating.decompress(packed, MOST_BYTES)
    if not inflating.eof:
        raise ValueError
    return content


def _state(table: dict[str, Any]) -> PageState:
    texts = [table["text"], table.get("chosen", ""), table.get("look", "")]
    fields = table.get("fields", {})
    if not all(isinstance(value, str) for value in [*texts, *fields.values()]):
        raise ValueError
    rate = _number(table["rate"])
    samples = _samples(table["samples"])
    epoch = 1 + _count(table["epoch"] - 1, LATEST)
    if not isfinite(rate):
        raise ValueError
    return PageState(
        text=texts[0],
        rate=rate,
        epoch=epoch,
        start=_numbers(table["start"]),
        values=_numbers(table["state"]),
        samples=samples,
        tests=_samples(table.get("tests", [])),
        batch=_count(table.get("batch", 0), LATEST),
        sample=_count(table["sample"], len(samples) - 1),
        chosen=texts[1],
        look=texts[2],
        fields=fields,
    )


def _count(number: int, most: int) -> int:
    if not isinstance(number, int) or not 0 <= number <= most:
        raise ValueError
    return number


def _samples(pairs: list[Any]) -> tuple[Sample, ...]:
    return tuple(Sample(_numbers(inputs), _numbers(targets)) for inputs, targets in pairs)


def _numbers(numbers: list[Any]) -> tuple[float, ...]:
    if not isinstance(numbers, list):
        raise ValueError
    return tuple(map(_number, numbers))


def _number(number: Any) -> float:
    if isinstance(number, str):
        return ODD[number]
    if isinstance(number, bool):
        raise ValueError
    return float(number)


def _as_json(numbers: tuple[float, ...]) -> list[float | str]:
    """The numbers, as text if JSON can't express them or JavaScript would write −0 as 0."""
    return [x if isfinite(x) and (x or copysign(1, x) > 0) else _odd(x) for x in numbers]


def _odd(number: float) -> str:
    if number == 0:
        return "-0"
    return "NaN" if number != number else "Infinity" if number > 0 else "-Infinity"  # noqa: PLR0124
