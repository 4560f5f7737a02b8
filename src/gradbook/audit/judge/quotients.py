"""Slopes that are measured: how much the loss changes with a small step, divided by that step.

They are near the derivative and never equal to it, which is no mistake.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gradbook.amounts import rough_percent
from gradbook.audit.findings.findings import Finding
from gradbook.audit.formula.address import Address, cells_of
from gradbook.audit.formula.edits import EditKind
from gradbook.audit.formula.expression import factors, terms
from gradbook.audit.training.training import SheetTraining
from gradbook.targets.excel.language.grammar import Expression, Number

NEAR = 0.01  # how far off such a slope may be
SMALL = 0.1  # at most, such a step


def measured(training: SheetTraining, findings: Sequence[Finding]) -> list[Finding]:
    """The findings of gradients that are measured slopes, near enough to the true ones."""
    return [finding for finding in findings if _is_measured(training, finding)]


def measured_notes(found: Sequence[Finding]) -> Iterator[str]:
    for finding in found:
        off = rough_percent(finding.relative_error or 0.0)
        yield f"{finding.cells} is a slope that is measured by a small step: off by {off}"


def _is_measured(training: SheetTraining, finding: Finding) -> bool:
    error = finding.relative_error
    if finding.kind != EditKind.FORMULA.value or error is None or error > NEAR:
        return False
    return _is_quotient(training, next(cells_of(finding.cells, training.sheet)))


def _is_quotient(training: SheetTraining, cell: Address) -> bool:
    """Whether a formula divides the difference of two cells by what no weight changes."""
    pattern = training.book.patterns.get(cell)
    if pattern is None or pattern.expression is None:
        return False
    parts = factors(pattern.expression).parts
    above = [factor.part for factor in parts if factor.above]
    below = [factor.part for factor in parts if not factor.above]
    if len(above) != 1 or not below or any(training.varies(part, cell) for part in below):
        return False
    is_difference = sorted(sign for sign, _ in terms(above[0])) == [-1, 1]
    return is_difference and any(_is_small(training, part, cell) for part in below)


def _is_small(training: SheetTraining, part: Expression, home: Address) -> bool:
    at = training.cell_of(part, home)
    value = part.value if isinstance(part, Number) else training.book.values.get(at or -1)
    return isinstance(value, float) and 0 < value <= SMALL
