"""Excel's formulas in OpenDocument's grammar: SUM(A1:B3,Net!C2) is of:=SUM([.A1:.B3];[$Net.C2]).

Functions have the same names in both, of those that our workbooks use.
"""

from __future__ import annotations

import re
from functools import lru_cache

_PLACE = r"\$?[A-Z]{1,3}\$?[0-9]{1,7}"
_TITLE = r"'(?:[^']|'')*'|[^\W\d]\w*"
_TOKENS = re.compile(
    rf"""
    (?P<text>"(?:[^"]|"")*")
  | (?<![\w.$'])(?:(?P<sheet>{_TITLE})!)?(?P<first>{_PLACE})(?::(?P<last>{_PLACE}))?(?![\w(.])
  | (?P<next>,)
    """,
    re.VERBOSE,
)


def open_formula(formula: str) -> str:
    """A formula as a cell's attribute has it."""
    return f"of:={open_expression(formula)}"


def open_expression(formula: str) -> str:
    """What is computed, without the sign that it is."""
    return _TOKENS.sub(_token, formula.removeprefix("="))


def _token(found: re.Match[str]) -> str:
    match found.lastgroup:
        case "text":
            return found[0]
        case "next":
            return ";"
    last = f":.{found['last']}" if found["last"] else ""
    return f"[{_sheet(found['sheet'])}.{found['first']}{last}]"


@lru_cache(maxsize=64)
def _sheet(title: str | None) -> str:
    """A sheet before a place: ours are quoted where they have to be."""
    return f"${title}" if title else ""


def open_range(cells: str, sheet: str = "") -> str:
    """Cells outside of formulas: ='Learning rates'!$A$1:$B$2 is $'Learning rates'.$A$1:.$B$2."""
    found = _TOKENS.fullmatch(cells.removeprefix("="))
    if found is None or not found["first"]:
        raise ValueError(f"{cells} are no cells")
    title = _sheet(found["sheet"] or quote_sheet(sheet))
    last = f":{title}.{found['last']}" if found["last"] else ""
    return f"{title}.{found['first']}{last}"


def quote_sheet(title: str) -> str:
    return "'" + title.replace("'", "''") + "'"
