"""What hypotheses about gradients come to: faults in the cells of all steps that are alike."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

from gradbook.audit.budget import budget, spend
from gradbook.audit.findings import (
    DEPARTING_ROW,
    OTHER_GRADIENT,
    TO_FILL_IN,
    Finding,
    typed_in,
)
from gradbook.audit.formula.address import (
    Address,
    name_of,
    sheet_of,
)
from gradbook.audit.formula.expression import EditKind
from gradbook.audit.formula.meaning import NotUnderstood
from gradbook.audit.formula.pattern import copy_formula, rename_cells_in
from gradbook.audit.search.hypotheses import Cause, Hypothesis
from gradbook.audit.search.wording import Fault, Surroundings, Wording
from gradbook.audit.step.under_test import StepUnderTest
from gradbook.audit.training.claims import Claim
from gradbook.audit.training.steps import SheetStep
from gradbook.audit.workbook.book import show_value
from gradbook.language.message import Message
from gradbook.targets.excel.language import write

# Faults -------------------------------------------------------------------------------

CHARACTER = 250  # numbers that could be computed while a formula is led to another step
NOT_SOUGHT = Message("it isn't the gradient; the search for a small repair was stopped")


def faults_of(tested: StepUnderTest, hypothesis: Hypothesis) -> Iterator[Fault]:
    """Yield the faults that a hypothesis about rows, an update or a column stands for."""
    match hypothesis.cause:
        case Cause.ROW:
            for cell, text in zip(hypothesis.cells, hypothesis.formulas, strict=True):
                yield _row_fault(tested, replace(hypothesis, cells=(cell,), formulas=(text,)))
        case Cause.UPDATE:
            yield _update_fault(tested, hypothesis)
        case _:
            yield _column_fault(tested, hypothesis)


def _row_fault(tested: StepUnderTest, hypothesis: Hypothesis) -> Fault:
    book, home = tested.training.book, hypothesis.home
    claims = ((j, c.owner) for j, options in enumerate(tested.step.claims) for c in options)
    weight = next((j for j, owner in claims if owner == home), -1)
    name = tested.training.names[weight] if weight >= 0 else ""
    what = show_value(book.values.get(home)) or "nothing"
    quantity = f"∂E/∂{name}" if name else _called(tested, home)
    kind: str = DEPARTING_ROW
    why: str = Message("{cell} differs from the rest of its column", cell=name_of(home))
    if home not in book.patterns:
        kind, why = typed_in(book, home, quantity)
    found = _finding(tested, home, kind=kind, quantity=quantity, weight=name, why=why)
    return _fault(tested, weight, hypothesis, replace(found, formula=found.formula or what))


def _update_fault(tested: StepUnderTest, hypothesis: Hypothesis) -> Fault:
    """An update that takes another weight's gradient."""
    names, wording = tested.training.names, _wording(tested, hypothesis.home)
    (weight,), (edit,) = hypothesis.explains, hypothesis.edits
    name, said = names[weight], write(edit.new)
    right = tested.training.book.reader.cell(said, hypothesis.home)
    taken = write(edit.old).rpartition("!")[2]
    kind = EditKind.REFERENCE.value
    parts = {"taken": taken, "name": name, "needed": wording.label(right) or said, "cell": said}
    why = Message("{taken} is the loss itself; {name} needs {needed}, so {cell}", **parts)
    if hypothesis.whose >= 0:
        kind, other = OTHER_GRADIENT, names[hypothesis.whose]
        why = Message(
            "{taken} is of {other}; {name} needs {needed}, so {cell}", other=other, **parts
        )
    found = _finding(
        tested,
        hypothesis.home,
        kind=kind,
        quantity=name,
        weight=name,
        why=why,
        edits=wording.in_names(hypothesis.edits),
    )
    return _fault(tested, weight, hypothesis, found)


def _column_fault(tested: StepUnderTest, hypothesis: Hypothesis) -> Fault:
    """What is wrong with a column that gradients come from."""
    home, wording = hypothesis.home, _wording(tested, hypothesis.home)
    names = tuple(tested.training.names[weight] for weight in sorted(hypothesis.explains))
    edits = hypothesis.edits if home in tested.training.book.patterns else ()
    kind, why = (
        wording.kind_and_reason(hypothesis)
        if edits
        else typed_in(tested.training.book, home, _called(tested, home))
    )
    found = _finding(
        tested,
        home,
        kind=kind,
        quantity=_called(tested, home),
        weight=names[0] if len(names) == 1 else "",
        why=why,
        spoils=names,
        edits=wording.in_names(edits),
    )
    return _fault(tested, -1, hypothesis, found)


def claim_fault(
    tested: StepUnderTest,
    weight: int,
    claim: Claim,
    hypothesis: Hypothesis | None,
    spoilt: Collection[int] = (),
) -> Fault:
    """What is wrong with one claim, by itself, and which others are wrong by it."""
    book, name, home = tested.training.book, tested.training.names[weight], claim.owner
    kind: str = EditKind.FORMULA.value
    why: str = ""
    wording, edits = _wording(tested, home), hypothesis.edits if hypothesis else ()
    if book.is_blank(home):
        kind = TO_FILL_IN
        why = Message("the gradient of {weight} is still to be filled in", weight=name)
    elif home not in book.patterns:
        kind, why = typed_in(book, home, f"∂E/∂{name}")
    elif hypothesis is not None and edits:
        kind, why = wording.kind_and_reason(hypothesis, name)
    elif tested.has_no_influence(weight):
        loss = ", ".join(_called(tested, cell) for cell in sorted(tested.loss_cells))
        why = Message("the loss ({loss}) doesn't depend on {weight}", loss=loss, weight=name)
    else:
        why = Message("no formula was found for it")
    if kind == EditKind.FORMULA.value and budget().seeking.is_empty:
        why = NOT_SOUGHT
    try:
        error = tested.relative_error(tested.claim_node(claim), tested.gradients[weight])
    except NotUnderstood:
        error = None
    found = _finding(
        tested,
        home,
        kind=kind,
        quantity=f"∂E/∂{name}",
        weight=name,
        why=why,
        relative_error=error,
        spoils=tuple(tested.training.names[j] for j in sorted({weight, *spoilt}) if spoilt),
        edits=wording.in_names(edits) if home in book.patterns else (),
    )
    if hypothesis is not None:
        return _fault(tested, weight, hypothesis, found)
    owners = tuple(tested.positions.there(home, step) for step in tested.alike)
    said = book.patterns.get(home) if why == NOT_SOUGHT else None
    return Fault(weight, found, owners, first_step=_first_step(tested), wrong=said)


def _first_step(tested: StepUnderTest) -> int:
    return min(step.number for step in tested.alike)


def _wording(tested: StepUnderTest, home: Address) -> Wording:
    training, own = tested.training, tested.step.weights
    around = training.book, training.flow, training.axis, training.weight_cells
    return Wording(Surroundings(*around, own, training.computed_cells), home)


def _called(tested: StepUnderTest, cell: Address) -> str:
    return _wording(tested, cell).label(cell) or name_of(cell)


def _finding(tested: StepUnderTest, home: Address, **said: Any) -> Finding:
    """A finding of one cell; what it should be and where it goes on comes later."""
    book = tested.training.book
    sheet = book.sheets[sheet_of(home)].title
    return Finding(cells="", formula=book.content(home), expected="", sheet=sheet, **said)


def _fault(tested: StepUnderTest, weight: int, hypothesis: Hypothesis, finding: Finding) -> Fault:
    """A finding with the fixes of all steps that are alike."""
    patterns = tested.training.book.patterns
    fixes: dict[Address, str] = {}
    for step in tested.alike:
        for cell, text in zip(hypothesis.cells, hypothesis.formulas, strict=True):
            there = tested.positions.there(cell, step)
            follows = hypothesis.cause is not Cause.UPDATE or there in patterns
            if follows and there not in fixes:  # as a cell that serves every step is
                fixes[there] = _in_step(tested, text, cell, step)
    expected = tested.training.book.reader.read_typed(hypothesis.formulas[0], hypothesis.home)
    finding = replace(finding, expected=f"={expected.text}")
    return Fault(weight, finding, tuple(fixes), expected, _first_step(tested), fixes)


def _in_step(tested: StepUnderTest, text: str, owner: Address, step: SheetStep) -> str:
    """A formula of this step as the same cell of another has it: filled down where that means the
    right cell or a copy of it, and else led there, for samples and epochs may be differently far
    apart."""
    spend(CHARACTER * len(text))
    positions, book = tested.positions, tested.training.book
    plain, reader = tested.training.plain, book.reader
    away = positions.there(owner, step)
    update = owner in tested.training.weight_cells and not positions.owns(owner)

    def follow(reference: str) -> str:
        cell, filled = reader.cell(reference, owner), copy_formula(reference, owner, away)
        if cell is None or goes_along(cell):
            return filled
        other, meant = positions.there(cell, step), reader.cell(filled, away)
        stays = other == cell and not positions.owns(cell) and sheet_of(cell) == sheet_of(owner)
        same = meant is not None and plain(meant) == plain(other)
        if stays or same:
            return filled
        if sheet_of(other) != sheet_of(cell):
            return book.name_of(other, away)
        return copy_formula(reference, cell, other)

    def goes_along(cell: Address) -> bool:
        """Whether a cell stands beside an update and is not the step's own, as a velocity does."""
        beside = positions.row(cell) == positions.row(owner)
        return update and beside and not positions.owns(cell)

    return rename_cells_in(text, cache(follow))  # a long formula mentions the same few cells
