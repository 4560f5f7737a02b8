"""A derivation as a document, before it is written in any format."""

from __future__ import annotations

from dataclasses import dataclass

from gradbook.targets.algebra.notation.forms import Form, Numeral


@dataclass(frozen=True)
class EquationNumber:
    """The number of an equation, as '(7)'."""

    number: int


@dataclass(frozen=True)
class Code:
    """Something to type: a command."""

    text: str


Inline = str | Form | EquationNumber | Code


@dataclass(frozen=True)
class Heading:
    """Level 1 is a part of the document, level 2 a piece of it."""

    text: tuple[Inline, ...]
    level: int = 1


@dataclass(frozen=True)
class Paragraph:
    """Sentences. An aside says why: it may be skipped."""

    text: tuple[Inline, ...]
    aside: bool = False


@dataclass(frozen=True)
class EquationLine:
    """One line of an equation; without a left side it goes on from the line before."""

    left: Form | None
    sign: str
    right: Form


@dataclass(frozen=True)
class Equation:
    """Lines aligned at their signs, under one number."""

    lines: tuple[EquationLine, ...]
    number: int | None = None


Cell = tuple[Inline, ...]


@dataclass(frozen=True)
class TableBlock:
    """Cells in columns, each with a head; numbers stand right, words left."""

    head: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]

    @property
    def columns(self) -> list[tuple[Cell, ...]]:
        return list(zip(*self.rows, strict=True))

    @property
    def numeric(self) -> list[bool]:
        """Of each column whether it holds numbers alone."""
        return [
            all(len(cell) == 1 and isinstance(cell[0], Numeral) for cell in column)
            for column in self.columns
        ]


Block = Heading | Paragraph | Equation | TableBlock


@dataclass(frozen=True)
class Document:
    title: str
    blocks: tuple[Block, ...]
