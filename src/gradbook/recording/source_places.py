"""Where in the source a call stands: its expression, and the parts of it.

Knows neither what a call computes nor why it matters.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from functools import lru_cache
from types import CodeType

from gradbook.recording.calls import CallFrame


@dataclass(frozen=True, slots=True)
class Position:
    """Lines from 1; columns in bytes of UTF-8, from 0, as Python counts them."""

    file: str
    line: int
    end_line: int
    column: int
    end_column: int


@lru_cache(maxsize=10_000)
def _positions(code: CodeType) -> list[tuple[int | None, int | None, int | None, int | None]]:
    return list(code.co_positions())


def position(frame: CallFrame) -> Position:
    code, instruction = frame
    places = _positions(code)
    line, end_line, column, end_column = places[instruction // 2]
    line = line or code.co_firstlineno
    return Position(
        code.co_filename, line, end_line or line, column or 0, end_column or (column or 0)
    )


@dataclass
class SourceText:
    """A file of the program, its lines and its tree."""

    file: str
    text: str
    tree: ast.Module = field(init=False)
    expressions: dict[tuple[int, int, int, int], ast.AST] = field(default_factory=dict)
    lines: list[bytes] = field(init=False)
    parents: dict[ast.AST, ast.AST] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tree = ast.parse(self.text, self.file)
        # as Python's own parser: a form feed or a line separator ends no line
        self.lines = [
            line.rstrip("\r").encode() for line in self.text.replace("\r\n", "\n").split("\n")
        ]
        for node in ast.walk(self.tree):
            for child in ast.iter_child_nodes(node):
                self.parents[child] = node
            line = getattr(node, "lineno", None)
            if line is not None and isinstance(node, (ast.expr, ast.stmt)):
                end = (node.end_lineno or line, node.end_col_offset or 0)
                key = (line, end[0], node.col_offset, end[1])
                if key not in self.expressions or isinstance(node, ast.expr):
                    self.expressions.setdefault(key, node)

    def node_at(self, place: Position) -> ast.AST | None:
        return self.expressions.get((place.line, place.end_line, place.column, place.end_column))

    def segment(self, place: Position) -> str:
        lines = self.lines[place.line - 1 : place.end_line]
        if not lines:
            return ""
        lines = list(lines)
        lines[-1] = lines[-1][: place.end_column]
        lines[0] = lines[0][place.column :]
        return b"\n".join(lines).decode(errors="replace")

    def text_of(self, node: ast.AST) -> str:
        return self.segment(place_of(self.file, node))

    def columns(self, place: Position) -> tuple[int, int]:
        """The columns in characters."""
        first = self.lines[place.line - 1][: place.column].decode(errors="replace")
        last = self.lines[place.end_line - 1][: place.end_column].decode(errors="replace")
        return len(first), len(last)

    def statement_around(self, node: ast.AST) -> ast.stmt | None:
        while node is not None and not isinstance(node, ast.stmt):
            node = self.parents.get(node)  # type: ignore[assignment]
        return node


def place_of(file: str, node: ast.AST) -> Position:
    line = node.lineno  # type: ignore[attr-defined]
    return Position(
        file,
        line,
        node.end_lineno or line,  # type: ignore[attr-defined]
        node.col_offset,  # type: ignore[attr-defined]
        node.end_col_offset or 0,  # type: ignore[attr-defined]
    )
