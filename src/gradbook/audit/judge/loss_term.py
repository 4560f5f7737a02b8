"""A loss that leaves out a term, though the gradients count it."""

from __future__ import annotations

from collections.abc import Sequence

from gradbook.audit.findings.findings import Finding
from gradbook.audit.formula.address import Address, ranges, sheet_of, written
from gradbook.audit.training.headings import label
from gradbook.audit.training.loss_candidates import LOSS_WORDS
from gradbook.audit.training.training import Training


def loss_findings(training: Training, loss: Sequence[Sequence[Address]]) -> list[Finding]:
    """A loss that leaves out a term, though the gradients count it."""
    if len(loss[0]) < 2:
        return []
    book, cells = training.book, loss[0]
    place = next((k for k, c in enumerate(cells) if _named_total(training, c) is not None), 0)
    cell, left_out = cells[place], [c for c in cells if c != cells[place]]
    total = _named_total(training, cell)
    if total is None and len({book.patterns[c].shape for c in cells}) == 1:
        return []  # the errors stand side by side, and nobody added them
    cell, shift = (cell, 0) if total is None else (total, total - cell)
    where = [cells[place] + shift for cells in loss if cells]
    down = training.lanes[0].down
    terms = [book.called(term, cell) for term in left_out]
    right = "+".join([book.patterns[cell].text_at(cell), *terms])
    pattern = book.reader.typed(right, cell)
    words = [label(book, term, down) or written(term) for term in left_out]
    return [
        Finding(
            kind="loss without a term",
            quantity=label(book, cell, down) or written(cell),
            weight="",
            cells=ranges(where),
            formula=book.formula(cell),
            expected=f"={right}",
            why=f"the loss leaves out {' and '.join(words)}, "
            "which the gradients are right to count",
            sheet=book.sheets[sheet_of(cell)].title,
            fixes={written(at): f"={pattern.text_at(at)}" for at in where},
        )
    ]


def _named_total(training: Training, cell: Address) -> Address | None:
    """A cell of the first step that only repeats this one, to be the loss: by its name, or because
    nothing else uses it."""
    down, users = training.lanes[0].down, training.flow.users
    repeating = [
        user
        for user in users.get(cell, ())
        if user in training.moving and training.flow.plain(user, training.stop) == cell
    ]
    named = [
        user
        for user in repeating
        if any(word in label(training.book, user, down).lower() for word in LOSS_WORDS)
    ]
    unused = [user for user in repeating if not users.get(user)]
    return next(iter([*named, *unused]), None)
