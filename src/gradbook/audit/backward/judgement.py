"""Sheets with a backward pass: found, held against the chain rule, reported."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import islice

from gradbook.audit.backward.backward_pass import BackwardPass
from gradbook.audit.backward.blocks import blocks
from gradbook.audit.backward.faults import BlockFault, faults, unexplained
from gradbook.audit.backward.losses import StartingLoss, losses
from gradbook.audit.backward.outputs import (
    Cells,
    cells_of_sheet,
    compares_only,
    comparing_sheets,
)
from gradbook.audit.backward.uneven import UnevenError, evened
from gradbook.audit.backward.wording import BackwardWording
from gradbook.audit.budget import A_SHARE, sought
from gradbook.audit.findings.findings import RIGHT, UNFINISHED, WRONG, Finding, SheetReport
from gradbook.audit.formula.address import Address, row_of, written
from gradbook.audit.workbook.book import Book
from gradbook.audit.workbook.flow import Flow

MOST_FORMULAS = 6000  # in a book that is looked through for a backward pass
MOST_LOSSES = 16
FEW_LOSSES = 2  # that a pass is held against which is wrong from the start
FEW_WEIGHTS = 2  # whose gradients are recognised: enough to know a backward pass by
FEW_GRADIENTS = 2  # blocks of them, or single ones
MORE_WEIGHTS = 3  # where they are recognised only once something was put right
MOST_KINDS = 2  # of mistakes in one that is recognised so
MOST_SHOWN = 6  # blocks that nobody recognises


def backward_reports(book: Book, flow: Flow, done: Collection[Address] = ()) -> list[SheetReport]:
    """A report for each sheet with a backward pass, but for those of which every output is known
    to be trained rightly."""
    if len(book.patterns) > MOST_FORMULAS:
        return []
    every = comparing_sheets(book, flow)
    left = [sheet for sheet in every if not done or not compares_only(book, flow, sheet, done)]
    on_sheets = (partial(_on_sheet, book, flow, sheet) for sheet in left)
    found = [sought(on_sheet, A_SHARE) for on_sheet in on_sheets]
    return [report for report in found if report is not None]


@dataclass(frozen=True, eq=False)
class BackwardReading:
    """A sheet's backward pass as that of one loss, and what puts it right."""

    back: BackwardPass
    uneven: Sequence[UnevenError] = ()
    faults: Sequence[BlockFault] = ()

    @classmethod
    def of(cls, cells: Cells, loss: StartingLoss) -> BackwardReading:
        plain = BackwardPass.of(cells, loss)
        other, uneven = evened(cells, loss) if plain.wrong else (loss, [])
        return cls(BackwardPass.of(cells, other), uneven) if uneven else cls(plain)

    @property
    def last(self) -> BackwardPass:
        """The pass after everything known is put right."""
        return self.faults[-1].after if self.faults else self.back

    @property
    def recognised(self) -> int:
        return len(self.last.claimed_weights)

    @cached_property
    def incomplete(self) -> set[Address]:
        """The wrong cells that are the gradient of a weight without any, but for a way or a slope
        that they leave out."""
        back = self.back
        bare = [c for c in back.slopes if back.cells.is_leaf(c) and c not in back.claimed_weights]
        return {cell for cell in back.wrong if any(back.left_out(cell, of) for of in bare)}

    def judged(self) -> BackwardReading:
        return BackwardReading(self.back, self.uneven, list(faults(self.back)))


def _on_sheet(book: Book, flow: Flow, sheet: int) -> SheetReport | None:
    cells = cells_of_sheet(book, flow, sheet)
    if cells is None:
        return None
    readings = [BackwardReading.of(cells, loss) for loss in islice(losses(cells), MOST_LOSSES)]
    reports = (_report(book, sheet, reading) for reading in _likely(readings))
    return next(filter(None, reports), None)


def _likely(readings: Sequence[BackwardReading]) -> Iterator[BackwardReading]:
    """What a pass is, held against a loss that a cell holds, unless only another explains it."""
    held = [reading for reading in readings if not reading.back.loss.assumption]
    assumed = [reading for reading in readings if reading.back.loss.assumption]
    best = [max(some, key=_likelihood) for some in (held, assumed) if some]
    likely = max(best, key=_likelihood)
    if held and likely is not best[0]:
        yield from _once_put_right(best[:1])
    if likely.recognised >= FEW_WEIGHTS:
        yield likely.judged()
    yield from _once_put_right([*held[:FEW_LOSSES], *assumed])


def _likelihood(reading: BackwardReading) -> int:
    return reading.recognised + 2 * len(reading.incomplete) - len(reading.back.wrong)


def _once_put_right(readings: Iterable[BackwardReading]) -> Iterator[BackwardReading]:
    """Passes that are wrong from the start, so that little of them is recognised before."""
    for reading in readings:
        back = reading.back
        if not back.updates and not any(map(back.cells.naming.calls_gradient, back.backward)):
            continue
        found = _few_kinds(faults(back, from_root=True))
        other = BackwardReading(back, reading.uneven, found)
        if found and other.recognised >= MORE_WEIGHTS and not other.last.wrong:
            yield other


def _few_kinds(found: Iterable[BlockFault]) -> list[BlockFault]:
    """The faults, if they are of a few kinds, have remedies and leave recognised gradients; none as
    soon as that isn't so, without looking for more."""
    known: list[BlockFault] = []
    for fault in found:
        known.append(fault)
        kinds = {f.remedy.edit.kind for f in known if f.remedy}
        if not fault.remedy or len(kinds) > MOST_KINDS or not fault.after.claimed_weights:
            return []
    return known


# Told --------------------------------------------------------------------------------


def _report(book: Book, sheet: int, reading: BackwardReading) -> SheetReport | None:
    back = reading.back
    wording = BackwardWording(back, reading.last)
    if len(wording.gradients) < FEW_GRADIENTS:
        return None
    findings = (
        *(wording.uneven(error) for error in reading.uneven),
        *(wording.fault(fault) for fault in reading.faults),
    )
    if not findings and _is_first_step(back):
        return None  # it is reported as a pass without an update
    return SheetReport(
        sheet=book.sheets[sheet].title,
        verdict=_verdict(reading.last, findings),
        loss=_called(book, back),
        rate=_rate(book, back),
        weights=tuple(wording.gradients),
        findings=findings,
        notes=tuple(_notes(book, reading)),
    )


def _verdict(last: BackwardPass, findings: Sequence[Finding]) -> str:
    if findings:
        return WRONG
    return UNFINISHED if unexplained(last) else RIGHT


def _is_first_step(back: BackwardPass) -> bool:
    """Whether everything is in one row: a table of steps that ends after the first."""
    cells = [*back.backward, *back.claimed_weights]
    return not back.updates and len(set(map(row_of, cells))) == 1


def _called(book: Book, back: BackwardPass) -> str:
    if back.loss.assumption:
        return back.loss.assumption
    return "+".join(book.called(cell, cell) for cell in back.loss.cells)


def _rate(book: Book, back: BackwardPass) -> str:
    by = back.common[True][1] if back.updates else None
    return book.called(by, by) if by is not None else ""


def _notes(book: Book, reading: BackwardReading) -> Iterator[str]:
    back = reading.back
    if not back.updates:
        yield "a backward pass without an update: its gradients are held against the chain rule"
    if back.loss.assumption:
        yield (
            "no cell holds the loss of these gradients: the error that they start from is "
            f"that of {back.loss.assumption}"
        )
    factor = _common_factor(back)
    if factor != 1:
        yield (
            f"all gradients are {factor:g} times those of the loss: "
            "a factor that all share goes into the rate"
        )
    left = unexplained(reading.last)
    if left:
        some = ", ".join(b.written for b in islice(blocks(book, left), MOST_SHOWN))
        yield f"not recognised as any derivative: {some}"
    for cell, why in islice(_not_understood(back), 1):
        yield f"{written(cell)} isn't understood, {why}: what depends on it is left out"


def _common_factor(back: BackwardPass) -> float:
    """By what all gradients outside of updates are more than the loss's."""
    scale, by = back.common[False]
    is_claimed = any(
        back.cells.is_leaf(claim.of) and claim.by == by and claim.scale == scale
        for cell in back.backward
        if cell not in back.updates
        for claim in back.claims(cell)
    )
    return scale if by is None and is_claimed else 1.0


def _not_understood(back: BackwardPass) -> Iterator[tuple[Address, str]]:
    inside = {*back.passed.forward, *back.cells.below_targets}
    known = back.cells.not_understood
    return ((cell, why) for cell, why in known.items() if cell in inside)
