"""What is wrong with an update, as a finding."""

from __future__ import annotations

from collections.abc import Sequence

from gradbook.audit.findings.findings import Finding
from gradbook.audit.formula.address import Address, ranges, sheet_of, written
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.training.training import Training


def update_finding(
    training: Training, j: int, cells: Sequence[Address], expected: Pattern, kind: str, why: str
) -> Finding:
    """A finding of some cells of one weight, the right formula of each among it."""
    book, name = training.book, training.names[j]
    return Finding(
        kind=kind,
        quantity=name,
        weight=name,
        cells=ranges(cells),
        formula=book.formula(cells[0]) or _shown(book.values.get(cells[0])),
        expected=f"={expected.text_at(cells[0])}",
        why=why,
        sheet=book.sheets[sheet_of(cells[0])].title,
        fixes={written(cell): f"={expected.text_at(cell)}" for cell in cells},
    )


def _shown(value: object) -> str:
    return "" if value is None else f"{value:.15g}" if isinstance(value, float) else str(value)
