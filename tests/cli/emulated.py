"""A small terminal: what stands on it after what was written, and nothing but known codes."""

from __future__ import annotations

import re

CODES = re.compile(
    r"\033\[(?P<argument>\??[0-9;]*)(?P<letter>[A-Za-z])|(?P<plain>[^\033])", re.DOTALL
)


class Terminal:
    """So many columns and rows; whatever scrolls off the top is kept in `lines` all the same."""

    def __init__(self, columns: int = 80, rows: int = 24) -> None:
        self.columns, self.rows = columns, rows
        self.lines: list[list[str]] = [[]]
        self.row = self.column = 0
        self.hidden = False
        self.colours: set[str] = set()

    @property
    def text(self) -> str:
        lines = ["".join(line).rstrip() for line in self.lines]
        return "\n".join(lines).rstrip() + "\n"

    def feed(self, written: str) -> Terminal:
        end = 0
        for match in CODES.finditer(written):
            assert match.start() == end, f"an unknown code: {written[end : end + 20]!r}"
            end = match.end()
            if match["plain"]:
                self._put(match["plain"])
            else:
                self._obey(match["argument"], match["letter"])
        assert end == len(written)
        return self

    def _put(self, character: str) -> None:
        match character:
            case "\r":
                self.column = 0
            case "\n":
                self.column = 0  # as the terminal's driver has it
                self._down()
            case _:
                assert character.isprintable(), f"a stray {character!r}"
                if self.column == self.columns:
                    self.column = 0
                    self._down()
                line = self.lines[self.row]
                line += [" "] * (self.column + 1 - len(line))
                line[self.column] = character
                self.column += 1

    def _down(self) -> None:
        self.row += 1
        if self.row == len(self.lines):
            self.lines.append([])

    def _obey(self, argument: str, letter: str) -> None:
        match letter, argument:
            case "A", count:
                self.row -= int(count)
                top = max(len(self.lines) - self.rows, 0)
                assert self.row >= top, "above the screen"
            case "K", "":
                del self.lines[self.row][self.column :]
            case "J", "":
                del self.lines[self.row][self.column :]
                del self.lines[self.row + 1 :]
            case "m", colour:
                self.colours.add(colour)
            case (("h" | "l"), "?25"):
                self.hidden = letter == "l"
            case _:
                raise AssertionError(f"an unexpected code: {argument}{letter}")
