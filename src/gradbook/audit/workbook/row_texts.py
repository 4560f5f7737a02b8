"""Rows recognised by their text, so that copies of rows further up needn't be read cell by cell.

Compared is a row's XML without its values and without the numbers that change in a copy: the
row's own, and those of references without a $.
"""

from __future__ import annotations

import re
from functools import cached_property

from gradbook.audit.formula.address import MARKS, MOST_ROWS

LONGEST = 2048  # rows that are remembered
_VALUE = re.compile(r"<v>[^<]*</v>")
_NUMBER = re.compile(r'<row r="([1-9][0-9]{0,6})"')
_NUMBERED = re.compile(r'(?P<own>(?<=<row r=")[0-9]+|(?<=<c r=")[A-Z]+[0-9]+)|<f[^>]*>(?P<f>[^<]*)')
_DIGITS = re.compile(r"[0-9]+$")


def row_number(text: str, start: int) -> int | None:
    """The number that a row says it has, counted from 0."""
    found = _NUMBER.match(text, start)
    return int(found[1]) - 1 if found else None


class RowForm:
    """A row's text with gaps for the numbers that change in a copy."""

    def __init__(self, text: str, row: int) -> None:
        self.text = _VALUE.sub("<v/>", text)
        self.row = row

    def at(self, row: int) -> str:
        """The text of a copy in another row, but for its values; '' where there can't be one."""
        form, offsets = self._form
        if not form or row + min(offsets) < 1 or row + max(offsets) > MOST_ROWS:
            return ""
        return form % tuple([row + offset for offset in offsets])

    @cached_property
    def _form(self) -> tuple[str, list[int]]:
        if "&quot;" in self.text:  # what stands in a text is no reference
            return "", []
        pieces: list[str] = []
        offsets: list[int] = []
        done = 0
        for start, end in self._numbers():
            pieces += [self.text[done:start].replace("%", "%%"), "%d"]
            offsets.append(int(self.text[start:end]) - self.row)
            done = end
        return "".join([*pieces, self.text[done:].replace("%", "%%")]), offsets

    def _numbers(self) -> list[tuple[int, int]]:
        """Where the numbers stand that a copy changes."""
        found: list[tuple[int, int]] = []
        for part in _NUMBERED.finditer(self.text):
            if part["own"]:
                digits = _DIGITS.search(self.text, part.start(), part.end())
                found += [digits.span()] if digits else []
            else:
                marks = MARKS.finditer(self.text, *part.span("f"))
                found += [m.span("row") for m in marks if m["column"] and not m["fix_row"]]
        return found


class RowTexts:
    """The last rows of a sheet by their texts."""

    def __init__(self) -> None:
        self._forms: dict[int, RowForm] = {}

    def remember(self, row: int, text: str) -> None:
        self._forms[row] = RowForm(text, row)
        if len(self._forms) > 2 * LONGEST:
            self._forms = {r: form for r, form in self._forms.items() if r > row - LONGEST}

    def is_copy(self, row: int, text: str, period: int) -> bool:
        """Whether a row is a copy of the one a period above; if it is, that form is kept for it."""
        form = self._forms.get(row - period)
        if form is None or form.at(row) != _VALUE.sub("<v/>", text):
            return False
        self._forms[row] = form
        return True
