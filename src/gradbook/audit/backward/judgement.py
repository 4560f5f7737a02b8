"""Sheets with a backward pass: found, held against the chain rule, and told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from gradbook.amounts import counted
from gradbook.audit.backward.cells.blocks import blocks
from gradbook.audit.backward.cells.naming import Naming
from gradbook.audit.backward.cells.outputs import Cells, cells_of_sheet
from gradbook.audit.backward.chain.backward_pass import BackwardPass
from gradbook.audit.backward.chain.losses import StartingLoss, losses
from gradbook.audit.backward.chain.uneven import UnevenError, evened
from gradbook.audit.backward.faults.succession import BlockFault, faults, unexplained
from gradbook.audit.backward.wording import BackwardWording
from gradbook.audit.budget import Spent
from gradbook.audit.findings.findings import RIGHT, UNFINISHED, WRONG, Finding, SheetReport
from gradbook.audit.formula.address import Address, written
from gradbook.audit.workbook.book import Book
from gradbook.audit.workbook.flow import Flow

MOST_FORMULAS = 6000  # in a book that is looked through for a backward pass
MOST_LOSSES = 16
FEW_WEIGHTS = 2  # whose gradients are recognised: enough to know a backward pass by
FEW_GRADIENTS = 2  # blocks of them, or single ones
MORE_WEIGHTS = 3  # where they are recognised only once something was put right
MOST_KINDS = 2  # of mistakes in one that is recognised so


def backward_reports(book: Book, flow: Flow) -> list[SheetReport]:
    """A report for each sheet with a backward pass."""
    if len(book.patterns) > MOST_FORMULAS:
        return []
    try:
        found = [_on_sheet(book, flow, sheet) for sheet in range(len(book.sheets))]
    except Spent:
        return []
    return [report for report in found if report is not None]


def _on_sheet(book: Book, flow: Flow, sheet: int) -> SheetReport | None:
    cells = cells_of_sheet(book, flow, sheet)
    if cells is None:
        return None
    options = [
        _even(cells, loss) for loss, _ in zip(losses(cells), range(MOST_LOSSES), strict=False)
    ]
    return next(_likely_reports(book, sheet, options), None)


Option = tuple[BackwardPass, list[UnevenError]]


def _likely_reports(book: Book, sheet: int, options: Sequence[Option]) -> Iterator[SheetReport]:
    """What a pass is, held against a loss that a cell holds, unless only another explains it."""
    held = [option for option in options if not option[0].loss.assumed]
    assumed = [option for option in options if option[0].loss.assumed]
    best = [max(some, key=_recognised) for some in (held, assumed) if some]
    likely = max(best, key=_recognised)
    if held and likely is not best[0]:
        yield from _once_put_right(book, sheet, best[:1])
    if _recognised(likely) >= FEW_WEIGHTS:
        report = _report(book, sheet, *likely, faults(likely[0]))
        if report is not None:
            yield report
    yield from _once_put_right(book, sheet, options)


def _recognised(option: Option) -> int:
    return len(option[0].claimed_weights)


def _even(cells: Cells, loss: StartingLoss) -> Option:
    loss, uneven = evened(cells, loss)
    return BackwardPass.of(cells, loss), uneven


def _once_put_right(book: Book, sheet: int, options: Iterable[Option]) -> Iterator[SheetReport]:
    """Reports of passes that are wrong from the start, so that little of them is recognised."""
    for back, uneven in options:
        if not any(map(Naming(book).calls_gradient, back.backward)) and not back.updates:
            continue
        found = faults(back)
        kinds = {fault.remedy.kind if fault.remedy else "" for fault in found}
        if not found or len(kinds) > MOST_KINDS or "" in kinds:
            continue
        if len(found[-1].after.claimed_weights) >= MORE_WEIGHTS and not found[-1].after.wrong:
            report = _report(book, sheet, back, uneven, found)
            if report is not None:
                yield report


# Told --------------------------------------------------------------------------------


def _report(
    book: Book,
    sheet: int,
    back: BackwardPass,
    uneven: Sequence[UnevenError],
    found: Sequence[BlockFault],
) -> SheetReport | None:
    last = found[-1].after if found else back
    wording = BackwardWording(back, last)
    if len(wording.gradients) < FEW_GRADIENTS:
        return None
    findings = (
        *(wording.uneven(error) for error in uneven),
        *(wording.fault(fault) for fault in found),
    )
    return SheetReport(
        sheet=book.sheets[sheet].title,
        verdict=_verdict(last, wording, findings),
        loss=_called(book, back),
        rate=_rate(book, back),
        weights=tuple(wording.gradients),
        findings=findings,
        notes=tuple(_notes(book, back, last, wording)),
    )


def _verdict(last: BackwardPass, wording: BackwardWording, findings: Sequence[Finding]) -> str:
    if findings:
        return WRONG
    return UNFINISHED if unexplained(last, wording.naming) else RIGHT


def _called(book: Book, back: BackwardPass) -> str:
    if back.loss.assumed:
        return back.loss.assumed
    return "+".join(book.called(cell, cell) for cell in back.loss.cells)


def _rate(book: Book, back: BackwardPass) -> str:
    by = back.common[True][1] if back.updates else None
    return book.called(by, by) if by is not None else ""


def _notes(
    book: Book,
    back: BackwardPass,
    last: BackwardPass,
    wording: BackwardWording,
) -> Iterator[str]:
    right = sum(wording.gradients.values())
    if not back.updates:
        yield (
            "a backward pass without an update: "
            f"{right} of {counted(len(wording.gradients), 'gradient')} right"
        )
    if back.loss.assumed:
        yield (
            "no cell holds the loss of these gradients: the error that they start from is "
            f"that of {back.loss.assumed}"
        )
    factor = _common_factor(back)
    if factor != 1:
        yield (
            f"all gradients are {factor:g} times those of the loss: "
            "a factor that all share goes into the rate"
        )
    left = unexplained(last, wording.naming)
    if left:
        some = ", ".join(b.written for b in list(blocks(book, left))[:6])
        yield f"not recognised as any derivative: {some}"
    unknown = _not_understood(back)
    if unknown:
        cell, why = unknown
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


def _not_understood(back: BackwardPass) -> tuple[Address, str] | None:
    inside = {*back.forward, *back.cells.below_targets}
    known = back.cells.not_understood
    return next(((cell, why) for cell, why in known.items() if cell in inside), None)
