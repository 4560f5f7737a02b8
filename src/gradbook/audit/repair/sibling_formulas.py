"""Proposes for a cell the formula of the cells beside it in its step, such as the other samples'.

Two cells of a line whose formulas have the same shape say what a third one should contain: each
reference moves on by the same distance from cell to cell, or stays. No derivative is needed to
propose it, and nothing is fitted, so a gradient that becomes right by it is strong evidence.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, islice
from math import gcd

from gradbook.audit.accounting import CellContent, StepPlace, Usual, content
from gradbook.audit.edits.formula_edits import edits_of
from gradbook.audit.repair.repaired_step import repair_step
from gradbook.audit.repair.symptoms import Symptoms
from gradbook.audit.search.hypotheses import Cause, Hypothesis
from gradbook.audit.step.tested_step import ClaimVerdict
from gradbook.cells.book import Book
from gradbook.cells.formula.address import Address, column_of, row_of, sheet_of
from gradbook.cells.formula.expression import Edit, EditKind, parts, terms
from gradbook.cells.formula.syntax import Call, Expression, Number, Reference

NEAREST = 3  # cells with formulas of one shape that are compared with one
MOST_TRIED = 48
MOST_EDITS = 2_000
SINGLE = "references", "ranges", "operators", "parentheses", "missing factors", "missing terms"
RIGHT_HERE = ClaimVerdict.RIGHT_HERE

Known = Mapping[Address, CellContent]


def sibling_formulas(symptoms: Symptoms) -> Iterator[Hypothesis]:
    """Cells behind wrong gradients, then on the way to the loss, with the formula beside them."""
    helpful = (one for one in islice(_proposals(symptoms), MOST_TRIED) if _helps(symptoms, one))
    yield from map(_in_short, helpful)


def _in_short(hypothesis: Hypothesis) -> Hypothesis:
    """With the one edit that makes the cell's formula the other one, if there is such an edit."""
    (whole,) = hypothesis.edits
    edit = _single_edit(whole.old, whole.new)
    return replace(hypothesis, edits=(edit,), like=()) if edit else hypothesis


def _helps(symptoms: Symptoms, hypothesis: Hypothesis) -> bool:
    """Whether a wrong gradient becomes right or, by a formula on the way to the loss, all of them:
    quick to see, and no circle comes of it."""
    tested = symptoms.under_test
    repaired = repair_step(tested, hypothesis)
    if not repaired.leads_on():
        return False
    enough = all if hypothesis.home in tested.forward else any
    return enough(
        repaired.best(weight, [claim])[0] <= min(tested.best(weight, [claim])[0] - 1, RIGHT_HERE)
        for weight, claim in symptoms.wrong.items()
    )


def _proposals(symptoms: Symptoms) -> Iterator[Hypothesis]:
    tested, book = symptoms.under_test, symptoms.under_test.training.book
    owners = {j: claim.owner for j, claim in symptoms.claims.items()}
    right = [owner for j, owner in owners.items() if j not in symptoms.wrong]
    wrong = [owner for j, owner in owners.items() if j in symptoms.wrong]
    behind = {*wrong, *tested.made_of(wrong)} - tested.forward
    suspects = [*sorted(behind.difference(right, tested.made_of(right))), *sorted(tested.forward)]
    lines: defaultdict[tuple[int, int, int], dict[Address, CellContent]] = defaultdict(dict)
    for cell in dict.fromkeys([*tested.step.cells, *wrong]):
        if cell in book.patterns and not tested.positions.is_of_other_steps(cell):
            for line in _lines(cell):
                lines[line][cell] = content(book, cell)
    for cell in suspects if len(suspects) > 1 else ():
        own = [lines[line] for line in _lines(cell) if cell in lines[line]]
        said = {text: pair for known in own for text, pair in _said_of(book, cell, known).items()}
        has = book.patterns[cell].text_at(cell) if own else ""
        old = book.read_typed(cell).expression if own else None
        for text, pair in said.items() if has not in said else ():
            new = book.reader.read_typed(text, cell).expression
            if old is not None and new is not None:
                edit = Edit(EditKind.FORMULA, ((),), old, new)
                yield Hypothesis(Cause.COLUMN, (cell,), (text,), (edit,), like=pair)


def _single_edit(old: Expression, new: Expression) -> Edit | None:
    """The edit that makes one formula the other, if a single one does: it says more."""
    pieces = list(parts(new))
    cells = [part for part in pieces if isinstance(part, Reference | Call)]
    numbers = [part for part in pieces if isinstance(part, Number)]
    every = edits_of(old, SINGLE, cells, numbers, [part for _, part in terms(new)])
    return next((edit for edit in islice(every, MOST_EDITS) if edit.apply_to(old) == new), None)


def _lines(cell: Address) -> Iterator[tuple[int, int, int]]:
    yield sheet_of(cell), 0, row_of(cell)
    yield sheet_of(cell), 1, column_of(cell)


def _said_of(book: Book, cell: Address, known: Known) -> dict[str, tuple[Address, ...]]:
    """What pairs of other cells in its line say that a cell should contain, if there are more of
    them than of its own kind."""
    alike: defaultdict[str, list[Address]] = defaultdict(list)
    for other in sorted(known.keys() - {cell}, key=lambda other: abs(other - cell)):
        alike[known[other].shape].append(other)
    said: dict[str, tuple[Address, ...]] = {}
    own = known[cell].shape
    for shape, cells in alike.items():
        if shape != own and len(cells) <= len(alike.get(own, ())) + 1:
            continue
        for pair in combinations(cells[:NEAREST], 2):
            text = _said_by(book, cell, sorted(pair), known)
            if text is not None:
                said.setdefault(text, tuple(sorted(pair)))
    return said


def _said_by(book: Book, cell: Address, pair: Sequence[Address], known: Known) -> str | None:
    """The formula that two others of its line would have in a cell; None if they disagree."""
    first, second = pair
    unit, begin = gcd(second - first, cell - first), min(first, cell)
    apart, back = (second - first) // unit, (first - begin) // unit
    both = list(zip(known[first].places, known[second].places, strict=False))
    if not both or any((b - a) % apart for a, b in both):
        return None
    pace = tuple([(b - a) // apart for a, b in both])
    start = tuple([a - back * by for (a, _), by in zip(both, pace, strict=True)])
    cells = tuple(range(begin, max(second, cell) + 1, unit))
    contents = tuple([known.get(one) or content(book, one) for one in cells])
    place = StepPlace(book, cells, Usual(known[first].shape, start, pace), contents)
    number = cells.index(cell)
    if any(at < 0 or book.is_blank(at) for at in place.usual.at(number).places):
        return None
    right = place.right(number)
    return None if right is None else right.text_at(cell)
