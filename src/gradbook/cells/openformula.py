"""OpenDocument's formulas in Excel's grammar: of:=SUM([.A1:.B3];[$Net.C2]) is SUM(A1:B3,Net!C2).

What has no equivalent in Excel stays unchanged: whoever reads the formula reports it as unknown.
"""

from __future__ import annotations

import re

from gradbook.cells.book import quote_title

_SYNTAX = re.compile(r"(?:([A-Za-z]+):)?=")  # the grammar's prefix: of, oooc, msoxl …
EXCELS_OWN = "msoxl"
_FILE = r"'(?:[^']|'')*'\#"  # another book, before the title of its sheet
_TITLE = rf"(?:{_FILE})?\$?(?:'(?:[^']|'')*'|[^\]\[.:'\#\"]+)"
_PLACE = r"(?:\#REF!|\$?[A-Za-z]{1,3}\$?[0-9]{1,7}|\$?[A-Za-z]{1,3}|\$?[0-9]{1,7})"
_REFERENCE = rf"""
    (?P<sheet>{_TITLE})? \. (?P<first>{_PLACE})
    (?: : (?P<other>{_TITLE})? \. (?P<last>{_PLACE}) )?
"""
REFERENCE = re.compile(_REFERENCE, re.VERBOSE)
_TOKENS = re.compile(
    rf"""
    (?P<text>"(?:[^"]|"")*")
  | \[(?P<reference>{_REFERENCE})\]
  | (?<![\w.])(?P<prefix>(?:LEGACY|COM\.MICROSOFT|ORG\.OPENOFFICE|ORG\.LIBREOFFICE)\.)(?=[\w.]+\()
  | (?P<name>\$\$)(?=\w)
  | (?P<opening>{{) | (?P<closing>}}) | (?P<next>;) | (?P<row>\|)
    """,
    re.VERBOSE,
)
_MORE = re.compile(r"""[\[;{"]|\$\$|LEGACY|COM\.|ORG\.""")  # needs translating
WHAT_IF = "MULTIPLE.OPERATIONS("  # Excel has what-if tables instead


def translate(formula: str) -> str:
    """A formula in Excel's grammar, without its =."""
    syntax = _SYNTAX.match(formula)
    text = formula[syntax.end() :] if syntax else formula
    if syntax and syntax[1] == EXCELS_OWN:
        return text
    if '"' not in text and text.count("[") == text.count("[."):  # most: all on one sheet
        text = text.replace("[.", "").replace(":.", ":").replace("]", "")
    if not _MORE.search(text):
        return text
    in_array = False

    def word(match: re.Match[str]) -> str:
        nonlocal in_array
        match match.lastgroup:
            case "reference":
                return _reference(match)
            case "prefix" | "name":
                return ""
            case "next":
                return ","
            case "row":
                return ";" if in_array else "|"
            case "opening" | "closing" as bracket:
                in_array = bracket == "opening"
        return match[0]

    return _TOKENS.sub(word, text)


def translate_place(address: str) -> str:
    """The meaning of a name: $Net.$A$1:.$B$3 is Net!$A$1:$B$3; '' if it isn't a reference."""
    reference = REFERENCE.fullmatch(address)
    return _reference(reference) if reference else ""


def _reference(match: re.Match[str]) -> str:
    first, last = _title(match["sheet"]), _title(match["other"])
    if "#REF!" in (match["first"], match["last"]):
        return "#REF!"
    cells = f"{match['first']}:{match['last']}" if match["last"] else match["first"]
    if last and last.lower() != first.lower():
        first = f"{first}:{last}"  # over several sheets
    return f"{quote_title(first)}!{cells}" if first else cells


def _title(words: str | None) -> str:
    title = (words or "").removeprefix("$")
    is_quoted = title.startswith("'") and title.endswith("'")
    return title[1:-1].replace("''", "'") if is_quoted else title
