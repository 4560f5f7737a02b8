"""What a part of a formula is worth: a node, a text, or a `Block` of those (a range, an array).

A blank cell is None within a block and 0 where a single value is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gradbook.graph.node import Graph, Node
from gradbook.targets.excel.language.grammar import (
    Reference,
)


class NotUnderstood(Exception):
    """Something in a formula that has no meaning here; the message names it."""


class LeadsBack(NotUnderstood):
    """A formula that is computed from itself."""

    def __init__(self, message: str, cell: int) -> None:
        super().__init__(message)
        self.cell = cell


@dataclass(frozen=True)
class Block:
    """Values side by side and one below the other."""

    rows: tuple[tuple[Node | str | None, ...], ...]

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.rows), len(self.rows[0]) if self.rows else 0

    def numbers(self) -> Iterator[Node]:
        """The numbers among them: texts and blanks don't count."""
        yield from (value for row in self.rows for value in row if isinstance(value, Node))


Value = Node | str | None | Block
Look = Callable[[Reference], Value]


def number(graph: Graph, value: Value) -> Node:
    """A single value as a number: a blank is 0, and so Excel reads digits in a text."""
    if isinstance(value, Node):
        return value
    if value is None:
        return graph.constant(0)
    if isinstance(value, Block):
        if value.shape == (1, 1):
            return number(graph, value.rows[0][0])
        raise NotUnderstood("a range where one value belongs")
    try:
        return graph.constant(float(value))
    except ValueError as error:
        raise NotUnderstood(f"the text {value[:30]!r} where a number belongs") from error


def each(one: Callable[[Value], Node], value: Value) -> Value:
    if isinstance(value, Block):
        return Block(tuple(tuple(one(x) for x in row) for row in value.rows))
    return one(value)


def pairs(one: Callable[[Value, Value], Value], a: Value, b: Value) -> Value:
    """Element by element; a single value, row or column goes with every one of the others."""
    if not isinstance(a, Block) and not isinstance(b, Block):
        return one(a, b)
    left, right = as_block(a), as_block(b)
    height = _common(left.shape[0], right.shape[0])
    width = _common(left.shape[1], right.shape[1])
    return Block(
        tuple(
            tuple(_single(one(_element(left, r, c), _element(right, r, c))) for c in range(width))
            for r in range(height)
        )
    )


def _single(value: Value) -> Node | str | None:
    assert not isinstance(value, Block)
    return value


def as_block(value: Value) -> Block:
    return value if isinstance(value, Block) else Block(((value,),))


def _element(block: Block, row: int, column: int) -> Node | str | None:
    height, width = block.shape
    return block.rows[row if height > 1 else 0][column if width > 1 else 0]


def _common(a: int, b: int) -> int:
    if a == b or 1 in (a, b):
        return max(a, b)
    raise NotUnderstood("ranges of different sizes side by side")
