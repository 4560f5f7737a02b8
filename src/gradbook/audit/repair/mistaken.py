"""An update that takes another weight's gradient, though its own is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gradbook.audit.findings.findings import Finding
from gradbook.audit.formula.address import Address, sheet_of, written
from gradbook.audit.formula.edits import Edit, EditKind
from gradbook.audit.formula.pattern import relaid
from gradbook.audit.formula.values import NotUnderstood
from gradbook.audit.judge.judge import Bench
from gradbook.audit.repair.faults import Fault, in_step
from gradbook.audit.repair.reason import label_of, named
from gradbook.audit.training.claims import Claim
from gradbook.audit.workbook.book import Book, quoted
from gradbook.graph.node import Node
from gradbook.targets.excel.language.grammar import Reference


def mistaken(bench: Bench, wrong: Mapping[int, Claim]) -> Iterator[Fault]:
    """The updates that should mention another cell than they do."""
    for lane, claim in list(wrong.items()):
        other = _whose(bench, lane, claim) if claim.via and claim.whole else None
        if other is None:
            continue
        astray = _where_ways_meet(bench, claim, other)
        home = claim.via[claim.via.index(astray) - 1] if astray in claim.via else claim.via[-1]
        right = _right_one(bench, lane, claim, astray)
        if right is not None and home != astray:
            yield _fault(bench, lane, other, (home, astray, right))


def _right_one(bench: Bench, lane: int, claim: Claim, astray: Address) -> Address | None:
    """What belongs in the place of a gradient, or of what remembers it."""
    for own in _worth(bench, claim, bench.true[lane]):
        right = own if astray == claim.owner else _remembering(bench, own, astray)
        if right is not None:
            return right
    return None


def _where_ways_meet(bench: Bench, claim: Claim, other: int) -> Address:
    """The first cell on the way to a claim that belongs to the other weight's update."""
    theirs = {cell for option in bench.step.claims[other] for cell in (*option.via, option.owner)}
    return next((cell for cell in claim.via[1:] if cell in theirs), claim.owner)


def _remembering(bench: Bench, own: Address, like: Address) -> Address | None:
    """The velocity, or the mean, that gathers a gradient as another cell does the other's."""
    patterns = bench.training.book.patterns
    return next(
        (
            user
            for user in bench.training.flow.users.get(own, ())
            if bench.line(user)[1] == bench.line(like)[1]
            and user in patterns
            and user not in bench.training.weight_cells
        ),
        None,
    )


def serve_others(bench: Bench, wrong: Mapping[int, Claim]) -> list[int]:
    """The weights of a last row, which no update follows, that seem to claim another's gradient."""
    return [
        lane
        for lane, claim in wrong.items()
        if not claim.via and claim.whole and _whose(bench, lane, claim) is not None
    ]


def _whose(bench: Bench, lane: int, claim: Claim) -> int | None:
    """The weight whose gradient a claim is."""
    if claim.owner not in bench.training.book.patterns:
        return None
    try:
        claimed = bench.claimed(claim)
    except NotUnderstood:
        return None
    for other, true in bench.true.items():
        if other != lane and not true.is_constant() and bench.same(claimed, true, bench.random):
            return other
    return None


def _worth(bench: Bench, claim: Claim, true: Node) -> Iterator[Address]:
    """The cells beside a claim that are the gradient wanted."""
    training, book = bench.training, bench.training.book
    line = bench.line(claim.owner)[1]
    beside = [
        cell for cell in book.patterns if bench.line(cell)[1] == line and cell in training.computed
    ]
    for cell in sorted(beside, key=lambda c: (sheet_of(c) != sheet_of(claim.owner), c)):
        try:
            node = bench.made.node(cell)
        except NotUnderstood:
            continue
        if bench.same(node if claim.sign > 0 else -node, true, bench.random):
            yield cell


def _fault(bench: Bench, lane: int, other: int, cells: tuple[Address, Address, Address]) -> Fault:
    """The cell to blame, the one that it mentions, and the one that belongs there."""
    home, astray, right = cells
    book, names = bench.training.book, bench.training.names
    said, taken = (_mention(book, cell, home) for cell in (right, astray))

    def follow(reference: str) -> str:
        return said if book.reader.cell(reference, home) == astray else reference

    text = relaid(book.patterns[home].text_at(home), follow)
    fixes = {}
    for step in bench.like:
        base, there = bench.step.weights[lane], step.weights[lane]
        if base is not None and there is not None and home + there - base in book.patterns:
            fixes[home + there - base] = in_step(bench, text, home, step)
    finding = Finding(
        kind="another weight's gradient",
        quantity=names[lane],
        weight=names[lane],
        cells="",
        formula=book.formula(home),
        expected=f"={text}",
        why=f"{written(astray)} is of {names[other]}; {names[lane]} needs "
        f"{label_of(bench, right) or said}, so {said}",
        sheet=book.sheets[sheet_of(home)].title,
        edits=named(bench, home, [Edit(EditKind.REFERENCE, (), Reference(taken), Reference(said))]),
    )
    return Fault(lane, tuple(fixes), finding, book.reader.typed(text, home), fixes)


def _mention(book: Book, cell: Address, home: Address) -> str:
    sheet = "" if sheet_of(cell) == sheet_of(home) else book.sheets[sheet_of(cell)].title
    return f"{quoted(sheet)}!{written(cell)}" if sheet else written(cell)
