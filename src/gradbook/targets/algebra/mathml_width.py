"""How wide a piece of MathML will be, about."""

from __future__ import annotations

from functools import lru_cache
from xml.etree import ElementTree

EM = 100  # widths are counted in hundredths of it
SCRIPT = 0.71  # of what it belongs to
CHARACTER, WIDE_CHARACTER = 56, 75
SIGN, DOT = 125, 75  # with the room around them


@lru_cache(maxsize=4096)
def width(fragment: str) -> int:
    return round(_of(ElementTree.fromstring(f"<mrow>{fragment}</mrow>")))


def _of(element: ElementTree.Element) -> float:
    parts = [_of(child) for child in element]
    match element.tag:
        case "mfrac" | "mtable":
            return max(parts) + 0.2 * EM
        case "msub" | "msup" | "msubsup":
            return parts[0] + SCRIPT * max(parts[1:])
        case "munder":
            return max(parts[0], SCRIPT * parts[1])
        case _:
            return sum(parts) + sum(map(_of_character, (element.text or "").strip()))


def _of_character(character: str) -> int:
    if character in "+−=≈←×>":
        return SIGN
    if character in "·,":
        return DOT
    return WIDE_CHARACTER if character in "mwW∑" else CHARACTER
