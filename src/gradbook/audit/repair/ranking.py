"""Which of the edits that help is the likeliest to be what somebody meant."""

from __future__ import annotations

from gradbook.audit.formula.edits import Edit, EditKind
from gradbook.audit.repair.columns import Columns
from gradbook.audit.repair.remedy import Remedy, likeness
from gradbook.targets.excel.language.grammar import Number


def ranked(columns: Columns, more: bool) -> list[Remedy]:
    """The edits that help, the likeliest first: what puts most right, and makes a formula that
    looks like more of the others than it does. First something is another than it should be; with
    `more` it is missing."""
    columns.more = more

    def merit(remedy: Remedy) -> tuple[int, int, int, int]:
        change = remedy.repair.changes[0]
        likely = -likeness(columns.tested, remedy)
        return -len(remedy.lanes), likely, change.kind.rank, _rarity(change)

    return sorted(columns.remedies(), key=merit)


def _rarity(change: Edit) -> int:
    """How unusual a number is that an edit brings in: halves stand before squares."""
    if change.kind is not EditKind.NUMBER or not isinstance(change.new, Number):
        return 0
    return COMMON.index(change.new.value) if change.new.value in COMMON else len(COMMON)


COMMON = (0.5, 1.0, 2.0)
