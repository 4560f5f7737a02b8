"""Rows of cells as programs usually write them, read by one expression, quicker than any XML is.

Nothing is guessed: a row that has anything else in it is left to the parser.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from gradbook.audit.formula.address import column_number

ATTRIBUTES = r'((?:[ ][A-Za-z0-9:]++="[^"<&]*+")*+)'
_ROW = re.compile(rf"<row{ATTRIBUTES}[ ]?(/?)>")
_CELL = re.compile(
    rf"""
    (<c[ ]r="([A-Z]{{1,3}})([1-9][0-9]{{0,6}})"{ATTRIBUTES}[ ]?(?: /> | >
        (?: (<f){ATTRIBUTES}[ ]?(?: /> | >([^<]*+)</f> ))?
        (?: (<v>)([^<]*+)</v> | (<is>)<t(?:[ ]xml:space="preserve")?>([^<]*+)</t></is> )?
    </c> ))
    """,
    re.VERBOSE,
)
_ATTRIBUTE = re.compile(r' ([A-Za-z0-9:]+)="([^"]*)"')
_ENTITY = re.compile("&(amp|lt|gt|quot|apos);")
_CHARACTERS = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_END = "</row>"

Attributes = Mapping[str, str]
Cell = tuple[int, int, str, Attributes | None, str, str | None]
"""Row, column, kind, the attributes of its formula if it has one, the formula, the value."""


class Row(NamedTuple):
    attributes: Attributes
    cells: list[Cell]
    end: int  # where it ends in the text


def usual_row(text: str, start: int) -> Row | None:
    """The row that begins there; None where it isn't written as usual."""
    opening = _ROW.match(text, start)
    attributes = None if opening is None else _attributes(opening[1])
    if opening is None or attributes is None:
        return None
    if opening[2]:
        return Row(attributes, [], opening.end())
    end = text.find(_END, opening.end())
    found = _CELL.findall(text, opening.end(), end)
    if sum([len(cell[0]) for cell in found]) != end - opening.end():
        return None
    cells = [_cell(parts) for parts in found]
    if None in cells:
        return None
    return Row(attributes, cells, end + len(_END))  # type: ignore[arg-type]


def _cell(parts: Sequence[str]) -> Cell | None:
    whole, letters, number, attributes, *formula_parts, is_value, value, is_text, text = parts
    is_formula, form, formula = formula_parts
    kinds, forms = _known(attributes), _known(form)
    if kinds is None or forms is None or "r" in kinds:
        return None
    if "&" in whole:
        plain = [_plain(piece) for piece in (formula, value, text)]
        if None in plain:
            return None
        formula, value, text = plain  # type: ignore[assignment]
    return (
        int(number) - 1,
        column_number(letters),
        kinds.get("t", "n"),
        forms if is_formula else None,
        formula,
        value if is_value else text if is_text else None,
    )


def _attributes(text: str) -> Attributes | None:
    """None where a name comes twice, which no XML may have."""
    found = _ATTRIBUTE.findall(text)
    names = dict(found)
    return names if len(names) == len(found) else None


_known = lru_cache(maxsize=1024)(_attributes)


def _plain(text: str) -> str | None:
    """A text with its entities replaced; None where there are others than the usual five."""
    plain, count = _ENTITY.subn(lambda found: _CHARACTERS[found[1]], text)
    return plain if count == text.count("&") else None
