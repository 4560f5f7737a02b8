"""A document as it is told: equations numbered as they come, and what was said remembered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from gradbook.graph.node import Node
from gradbook.net.derivation import Local
from gradbook.targets.algebra.notation.document import (
    Block,
    Cell,
    Document,
    Equation,
    EquationLine,
    EquationNumber,
    Heading,
    Inline,
    Paragraph,
    TableBlock,
)
from gradbook.targets.algebra.notation.forms import Form


@dataclass
class Story:
    """The blocks so far, and under which number each thing was said."""

    title: str
    blocks: list[Block] = field(default_factory=list)
    numbers: dict[Local | Node, int] = field(default_factory=dict)
    explained: set[Sequence[Inline]] = field(default_factory=set)
    count: int = 0

    def document(self) -> Document:
        return Document(self.title, tuple(self.blocks))

    def heading(self, *text: Inline, level: int = 1) -> None:
        self.blocks.append(Heading(text, level))

    def say(self, *text: Inline) -> None:
        self.blocks.append(Paragraph(text))

    def explain(self, *text: Inline) -> None:
        """An aside, given once."""
        if text and text not in self.explained:
            self.explained.add(text)
            self.blocks.append(Paragraph(text, aside=True))

    def equation(
        self, left: Form, *rights: tuple[str, Form], of: Local | Node | None = None
    ) -> None:
        """left = this = that, under a number."""
        lines = [
            EquationLine(None if k else left, sign, right)
            for k, (sign, right) in enumerate(rights)
            if not k or right != rights[k - 1][1]  # not the same thing twice running
        ]
        self.count += 1
        self.blocks.append(Equation(tuple(lines), self.count))
        if of is not None:
            self.numbers[of] = self.count

    def lines(self, lines: Sequence[EquationLine]) -> None:
        """Equations below each other, under no number."""
        self.blocks.append(Equation(tuple(lines)))

    def table(self, head: Sequence[Cell], rows: Iterable[Sequence[Cell]]) -> None:
        self.blocks.append(TableBlock(tuple(head), tuple(tuple(row) for row in rows)))

    def reference(self, said: Local | Node) -> EquationNumber:
        return EquationNumber(self.numbers[said])


def listed(things: Sequence[Form], most: int = 4) -> tuple[Inline, ...]:
    """a, b and c; of many only the first and the last: a … z."""
    if len(things) > most:
        return (things[0], " … ", things[-1])
    text: list[Inline] = []
    for k, thing in enumerate(things):
        text += [" and " if k == len(things) - 1 else ", "] * bool(k) + [thing]
    return tuple(text)
