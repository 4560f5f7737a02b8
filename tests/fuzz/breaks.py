"""Ways to break what was valid: in its bytes, its words, its fields or its formulas."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from random import Random

from tests.audit.material.mangled import xml
from tests.audit.material.mangled.formulas import mangled_formula
from tests.audit.material.mangled.packages import spoilt as of_bytes
from tests.fuzz.forms import bundle, parts_of
from tests.hostile.records import put

Break = Callable[[bytes, Random], bytes]

WORD = re.compile(r"[^\W\d]+|\d+|\s+|.", re.DOTALL)
ODD = (
    *("0", "-1", "1e999", "9" * 400, "nan", "1_0", "٣", "1x0x1", "0.1..1", "{", "}", "{1..9}"),
    *(";", "#", "\n", "->", "\ud800", "\x9b2J", "\u202e", "repeat 100", "end", "again 9", "|"),
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
        found = json.loads(data)
    except (ValueError, RecursionError):
        return of_bytes(data, draw)
    return json.dumps(put(found, draw)).encode()


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
