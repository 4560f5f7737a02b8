"""A network of two inputs, two hidden units and one output, worked once in two lists."""

from __future__ import annotations

from collections.abc import Mapping

from gradbook.audit.backward.backward_pass import BackwardPass, losses
from gradbook.audit.backward.cells_at_points import Cells
from gradbook.audit.backward.output_pairs import output_pairs
from tests.audit.material.made import Content
from tests.audit.material.small import small

NUMBERS = {"x1": 0.5, "x2": 0.1, "w1": 0.15, "w2": 0.2, "w3": 0.25, "w4": 0.3, "w5": 0.4, "w6": 0.5}
FORWARD = {
    "h1": "=B1*B3+B2*B4",
    "h2": "=B1*B5+B2*B6",
    "a_h1": "=1/(1+EXP(-B9))",
    "a_h2": "=1/(1+EXP(-B10))",
    "o": "=B11*B7+B12*B8",
    "target": 1.0,
    "E": "=0.5*(B13-B14)^2",
}
BACK = {
    "delta o": "=B13-B14",
    "delta h1": "=E1*B7*B11*(1-B11)",
    "delta h2": "=E1*B8*B12*(1-B12)",
    "dE/dw5": "=E1*B11",
    "dE/dw6": "=E1*B12",
    "dE/dw1": "=E2*B1",
    "dE/dw2": "=E2*B2",
    "dE/dw3": "=E3*B1",
    "dE/dw4": "=E3*B2",
}


def listed(**other: Content) -> dict[str, Content]:
    """Names in A and D, what they are in B and E; some cells other than they should be."""
    cells: dict[str, Content] = {}
    for column, beside, entries in (("A", "B", {**NUMBERS, **FORWARD}), ("D", "E", BACK)):
        for row, (name, content) in enumerate(entries.items(), 1):
            cells |= {f"{column}{row}": name, f"{beside}{row}": content}
    found = cells | other
    return {cell: content for cell, content in found.items() if content != ""}


def listed_cells(**other: Content) -> Cells:
    return cells_of(listed(**other))


def cells_of(cells: Mapping[str, Content]) -> Cells:
    """The cells of one sheet, as it compares outputs with targets."""
    book, flow = small(cells)
    return Cells.at_random(book, flow, output_pairs(book, flow, 0))


def listed_pass(**other: Content) -> BackwardPass:
    """The backward pass of its likeliest loss."""
    return BackwardPass.of(next(losses(listed_cells(**other))))
