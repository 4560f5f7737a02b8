"""An update that takes another weight's gradient, though its own is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gradbook.audit.findings.findings import Finding
from gradbook.audit.formula.address import Address, sheet_of, written
from gradbook.audit.formula.edits import Edit, EditKind
from gradbook.audit.formula.pattern import relaid
from gradbook.audit.formula.values import NotUnderstood
from gradbook.audit.judge.step_under_test import StepUnderTest
from gradbook.audit.repair.faults import Fault, in_step
from gradbook.audit.repair.reason import label_of, named
from gradbook.audit.training.claims import Claim
from gradbook.audit.workbook.book import Book, quoted
from gradbook.graph.node import Node
from gradbook.targets.excel.language.grammar import Reference


def mistaken(tested: StepUnderTest, wrong: Mapping[int, Claim]) -> Iterator[Fault]:
    """The updates that should mention another cell than they do."""
    for lane, claim in list(wrong.items()):
        other = _whose(tested, lane, claim) if claim.via and claim.whole else None
        if other is None:
            continue
        astray = _where_ways_meet(tested, claim, other)
        home = claim.via[claim.via.index(astray) - 1] if astray in claim.via else claim.via[-1]
        right = _right_one(tested, lane, claim, astray)
        if right is not None and home != astray:
            yield _fault(tested, lane, other, (home, astray, right))


def _right_one(tested: StepUnderTest, lane: int, claim: Claim, astray: Address) -> Address | None:
    """What belongs in the place of a gradient, or of what remembers it."""
    for own in _worth(tested, claim, tested.gradients[lane]):
        right = own if astray == claim.owner else _remembering(tested, own, astray)
        if right is not None:
            return right
    return None


def _where_ways_meet(tested: StepUnderTest, claim: Claim, other: int) -> Address:
    """The first cell on the way to a claim that belongs to the other weight's update."""
    theirs = {cell for option in tested.step.claims[other] for cell in (*option.via, option.owner)}
    return next((cell for cell in claim.via[1:] if cell in theirs), claim.owner)


def _remembering(tested: StepUnderTest, own: Address, like: Address) -> Address | None:
    """The velocity, or the mean, that gathers a gradient as another cell does the other's."""
    patterns = tested.training.book.patterns
    return next(
        (
            user
            for user in tested.training.flow.users.get(own, ())
            if tested.positions.row(user)[1] == tested.positions.row(like)[1]
            and user in patterns
            and user not in tested.training.weight_cells
        ),
        None,
    )


def serve_others(tested: StepUnderTest, wrong: Mapping[int, Claim]) -> list[int]:
    """The weights of a last row, which no update follows, that seem to claim another's gradient."""
    return [
        lane
        for lane, claim in wrong.items()
        if not claim.via and claim.whole and _whose(tested, lane, claim) is not None
    ]


def _whose(tested: StepUnderTest, lane: int, claim: Claim) -> int | None:
    """The weight whose gradient a claim is."""
    if claim.owner not in tested.training.book.patterns:
        return None
    try:
        claimed = tested.claimed(claim)
    except NotUnderstood:
        return None
    for other, true in tested.gradients.items():
        if other != lane and not true.is_constant() and tested.same(claimed, true):
            return other
    return None


def _worth(tested: StepUnderTest, claim: Claim, true: Node) -> Iterator[Address]:
    """The cells beside a claim that are the gradient wanted."""
    training, book = tested.training, tested.training.book
    line = tested.positions.row(claim.owner)[1]
    beside = [
        cell
        for cell in book.patterns
        if tested.positions.row(cell)[1] == line and cell in training.computed
    ]
    for cell in sorted(beside, key=lambda c: (sheet_of(c) != sheet_of(claim.owner), c)):
        try:
            node = tested.graph.node(cell)
        except NotUnderstood:
            continue
        if tested.same(node if claim.sign > 0 else -node, true):
            yield cell


def _fault(
    tested: StepUnderTest, lane: int, other: int, cells: tuple[Address, Address, Address]
) -> Fault:
    """The cell to blame, the one that it mentions, and the one that belongs there."""
    home, astray, right = cells
    book, names = tested.training.book, tested.training.names
    said, taken = (_mention(book, cell, home) for cell in (right, astray))

    def follow(reference: str) -> str:
        return said if book.reader.cell(reference, home) == astray else reference

    text = relaid(book.patterns[home].text_at(home), follow)
    fixes = {}
    for step in tested.alike:
        base, there = tested.step.weights[lane], step.weights[lane]
        if base is not None and there is not None and home + there - base in book.patterns:
            fixes[home + there - base] = in_step(tested, text, home, step)
    finding = Finding(
        kind="another weight's gradient",
        quantity=names[lane],
        weight=names[lane],
        cells="",
        formula=book.formula(home),
        expected=f"={text}",
        why=f"{written(astray)} is of {names[other]}; {names[lane]} needs "
        f"{label_of(tested, right) or said}, so {said}",
        sheet=book.sheets[sheet_of(home)].title,
        edits=named(
            tested, home, [Edit(EditKind.REFERENCE, (), Reference(taken), Reference(said))]
        ),
    )
    return Fault(lane, tuple(fixes), finding, book.reader.typed(text, home), fixes)


def _mention(book: Book, cell: Address, home: Address) -> str:
    sheet = "" if sheet_of(cell) == sheet_of(home) else book.sheets[sheet_of(cell)].title
    return f"{quoted(sheet)}!{written(cell)}" if sheet else written(cell)
