"""Ways to break what was valid: in its bytes, its words, its fields or its formulas."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from tests.audit.material.mangled import xml
from tests.audit.material.mangled.formulas import mangled_formula
from tests.audit.material.mangled.packages import spoilt as of_bytes
from tests.fuzz.forms import bundle, parts_of

Break = Callable[[bytes, Random], bytes]

WORD = re.compile(r"[^\W\d]+|\d+|\s+|.", re.DOTALL)
ODD = (
    *("0", "-1", "1e999", "9" * 400, "nan", "1_0", "٣", "1x0x1", "0.1..1", "{", "}", "{1..9}"),
    *(";", "#", "\n", "->", "\ud800", "\x9b2J", "\u202e", "repeat 100", "end", "again 9", "|"),
)
ODD_VALUES: tuple[object, ...] = (
    *(None, True, -1, 0, 1.5, 1e308, 10**30, 2**63, float("nan"), float("inf"), ""),
    *("x" * 5000, "\ud800", "\x9b2J", "\u202eabc", [], [[]], [None], {}, {"a": [1]}, [-1, -28, 28]),
    *([1] * 2000, "[" * 5000, "=1+1", "../../x", [1, 28, 28.5], [True, True, True]),
)


def one_of(*breaks: Break) -> Break:
    return lambda data, draw: draw.choice(breaks)(data, draw)


def of_words(known: Sequence[str]) -> Break:
    """A text's words and lines dropped, doubled, exchanged, or others in their place."""

    def broken(data: bytes, draw: Random) -> bytes:
        text = data.decode("utf-8", "surrogateescape")
        for _ in range(draw.choice([1, 1, 2, 5])):
            pieces = text.splitlines(True) if draw.random() < 0.3 else WORD.findall(text)
            text = "".join(_changed(pieces or [""], known, draw))
        return text.encode("utf-8", "surrogatepass")

    return broken


def _changed(pieces: list[str], known: Sequence[str], draw: Random) -> list[str]:
    a, b = (draw.randrange(len(pieces)) for _ in "ab")
    match draw.randrange(5):
        case 0:
            pieces[a], pieces[b] = pieces[b], pieces[a]
        case 1:
            del pieces[a]
        case 2:
            pieces[a:a] = [pieces[b]] * draw.choice([1, 1, 3, 100])
        case 3:
            pieces[a] = draw.choice(ODD)
        case _:
            pieces[a:a] = [f" {draw.choice(known)} " if known else draw.choice(ODD)]
    return pieces


def of_fields(data: bytes, draw: Random) -> bytes:
    """A record with something odd in one of its places."""
    try:
        record = json.loads(data)
    except (ValueError, RecursionError):
        return of_bytes(data, draw)
    return json.dumps(put(record, draw)).encode()


def spoilt(record: dict[str, Any], draw: Random) -> dict[str, Any]:
    """The record with one of its fields missing or odd."""
    name = draw.choice(list(record))
    if draw.random() < 0.1:
        return {key: value for key, value in record.items() if key != name}
    return {**record, name: put(record[name], draw)}


def put(record: Any, draw: Random) -> Any:
    """The record with something odd in one of its places."""
    if isinstance(record, dict) and record and draw.random() < 0.85:
        return spoilt(record, draw)
    if isinstance(record, list) and record and draw.random() < 0.6:
        place = draw.randrange(len(record))
        return [*record[:place], put(record[place], draw), *record[place + 1 :]]
    return draw.choice(ODD_VALUES)


def of_tensors(data: bytes, draw: Random) -> bytes:
    """The numbers, the header or a field of the record in it."""
    start = 8 + int.from_bytes(data[:8], "little")
    if draw.random() < 0.5:
        return of_bytes(data, draw)
    try:
        head = json.loads(data[8:start])
        record = head["__metadata__"]
        record["gradbook"] = of_fields(record["gradbook"].encode(), draw).decode("utf-8", "replace")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return of_bytes(data, draw)
    said = json.dumps(head if draw.random() < 0.6 else put(head, draw)).encode()
    return len(said).to_bytes(8, "little") + said + data[start:]


def of_formulas(data: bytes, draw: Random) -> bytes:
    """One of the lines, each a formula, mangled."""
    lines = data.decode("utf-8", "replace").split("\n")
    place = draw.randrange(len(lines))
    lines[place] = mangled_formula(lines[place] or "A1", draw)
    return "\n".join(lines).encode()


def of_xml(data: bytes, draw: Random) -> bytes:
    mangle = draw.choice([*xml.MANGLES, *xml.FORMULA_MANGLES])
    return mangle(data.decode("utf-8", "replace"), draw).encode("utf-8", "surrogatepass")


def of_parts(change: Break) -> Break:
    """One part of a bundle changed, left out, or in the place of another."""

    def broken(data: bytes, draw: Random) -> bytes:
        parts = parts_of(data)
        if not parts:
            return of_bytes(data, draw)
        a, b = draw.choice(list(parts)), draw.choice(list(parts))
        match draw.randrange(8):
            case 0:
                del parts[a]
            case 1:
                parts[a], parts[b] = parts[b], parts[a]
            case _:
                parts[a] = change(parts[a], draw)
        return bundle(parts)

    return broken
