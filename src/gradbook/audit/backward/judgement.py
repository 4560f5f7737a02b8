"""Sheets with a backward pass: what is said of each, and the words for what is wrong."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import islice

from gradbook.audit.backward.backward_pass import (
    BackwardPass,
    StartingLoss,
    UnevenError,
    even_out,
    losses,
)
from gradbook.audit.backward.blocks import MatrixBlock, blocks
from gradbook.audit.backward.faults import (
    BlockFault,
    accept_right_here,
    faults,
    is_called_derivative,
)
from gradbook.audit.backward.outputs import Cells, cells_of_sheet, compares_only, comparing_sheets
from gradbook.audit.backward.remedies import Remedy
from gradbook.audit.budget import A_SHARE, within_budget
from gradbook.audit.findings import (
    DEPARTING_ROW,
    RIGHT,
    UNFINISHED,
    WRONG,
    Finding,
    SheetReport,
    finding_in,
)
from gradbook.audit.formula.address import Address, name_of, row_of
from gradbook.audit.formula.expression import EditKind, parts
from gradbook.audit.step.omissions import ChainOmission
from gradbook.audit.workbook.book import Book
from gradbook.audit.workbook.flow import Flow
from gradbook.language.message import Message, WrittenNumber, joined
from gradbook.targets.excel.language import Call, Expression, Infix, write

# Wording ------------------------------------------------------------------------------

LONGEST = 60  # characters of a part of a formula that is shown


class BackwardWording:
    """The words for a pass as it stands, and for the pass once it is put right."""

    def __init__(self, back: BackwardPass, last: BackwardPass) -> None:
        self.back = back
        self.last = last
        self.book = back.cells.book
        self.naming = back.cells.naming

    @cached_property
    def blocks(self) -> Sequence[tuple[MatrixBlock, str]]:
        """The blocks of gradients and of updates, with what they are of."""
        known = ((block, self._weights(block)) for block in blocks(self.book, self.last.backward))
        return [(block, self.naming.quantity(of)) for block, of in known if of]

    def _weights(self, block: MatrixBlock) -> list[Address]:
        """The weights of which a block is the gradients: by itself, or as the last that says so."""
        last, found = self.last, []
        for cell in block.cells:
            weights = last.weights_of(cell)
            if not weights or (
                len(weights) < len(last.claims(cell)) and not last.scope.is_end(cell)
            ):
                return []
            found.append(weights[0])
        return sorted(found)

    @cached_property
    def gradients(self) -> Mapping[str, bool]:
        """Every weight, or block of weights, with whether its gradient is right."""
        found: dict[str, bool] = {}
        for block, name in self.blocks:
            right = all(map(self.back.is_right, block.cells))
            found[name] = found.get(name, True) and right
        return found

    def fault(self, fault: BlockFault) -> Finding:
        block, of, known = fault.wrong.block, fault.wrong.of, fault.remedy
        name = self.naming.quantity(sorted(of))
        is_weight = self.back.cells.is_leaf(of[0])
        text = next(iter(known.formulas.values())) if known else ""
        kind = known.edit.kind if known else EditKind.FORMULA
        why = self._why(block, known)
        left_out = () if known else fault.before.left_out(block.first, of[0])
        if left_out:
            is_way = any(part.is_way for part in left_out)
            kind = EditKind.TERM if is_way else EditKind.FACTOR
            why = joined("; ", map(self._lacks, left_out))
        found = finding_in(
            self.book,
            block.cells,
            kind.value,
            quantity=f"∂E/∂{name}",
            why=why,
            weight=name if is_weight else "",
            right=self.book.reader.read_typed(text, block.first) if text else None,
        )
        fixes = known.formulas if known else {}
        return replace(
            found,
            cells=block.text,
            fixes={name_of(cell): f"={text}" for cell, text in fixes.items()},
            expected=f"{{={known.whole}}}" if known and known.whole else found.expected,
            spoils=() if is_weight else self._spoilt(fault),
        )

    def _spoilt(self, fault: BlockFault) -> tuple[str, ...]:
        """The weights whose gradients are wrong by it."""
        found = (
            name
            for block, name in self.blocks
            if not all(map(fault.before.is_right, block.cells))
            and all(map(fault.after.is_right, block.cells))
        )
        return tuple(dict.fromkeys(found))

    def uneven(self, error: UnevenError) -> Finding:
        """Return a finding for an output's error that isn't measured as those of the others."""
        cell, like = name_of(error.cell), name_of(error.like)
        return finding_in(
            self.book,
            [error.cell],
            DEPARTING_ROW,
            quantity=self.naming.quantity([error.cell]),
            why=Message(
                "{cell} doesn't measure its output's error as {other} does", cell=cell, other=like
            ),
            right=error.right,
        )

    def _why(self, block: MatrixBlock, known: Remedy | None) -> str:
        if known is not None and known.like is not None:
            return Message(
                "it should say of its own cells what {cell} says of others",
                cell=name_of(known.like),
            )
        if known is None or known.edit.kind is EditKind.FORMULA:
            return Message("it isn't that derivative")
        return self._because(known, block.first)

    def _lacks(self, part: ChainOmission[Address]) -> str:
        name = self.naming.quantity(part.places)
        if part.is_way:
            return Message("it lacks the path through {name}", name=name)
        return Message("it lacks the slope of {name}", name=name)

    def _because(self, known: Remedy, home: Address) -> str:
        edit = known.edit
        old, new = (self._called(part, home) for part in (edit.old, edit.new))
        match edit.kind, edit.new:
            case ((EditKind.FACTOR | EditKind.TERM), Infix(operator, left, right)):
                part = self._called(left if right == edit.old else right, home)
                if operator == "/":
                    return Message("it must be divided by {part}", part=part)
                if edit.kind is EditKind.FACTOR:
                    return Message("the factor {factor} is missing", factor=part)
                return Message("the term {term} is missing", term=part)
            case EditKind.OMISSION, _:
                return Message("{part} doesn't belong there", part=old)
            case EditKind.SIGN, _:
                return Message("its sign is wrong")
            case EditKind.EXCHANGE, _:
                return Message("{old} and {new} are exchanged", old=old, new=new)
        return Message("{old} should be {new}", old=old, new=new)

    def _called(self, part: Expression, home: Address) -> str:
        text = write(part)
        short = text if len(text) <= LONGEST else f"{text[:40]} … {text[-16:]}"
        cell = self.book.reader.cell(text, home)
        if cell is None:
            return short
        name = self.naming.quantity([cell])
        return short if name in (short, name_of(cell)) else f"{short} ({name})"


# Readings and reports -----------------------------------------------------------------

MOST_FORMULAS = 6000  # in a book that is looked through for a backward pass
MOST_LOSSES = 16
FEW_LOSSES = 2  # that a pass is held against which is wrong from the start
FEW_WEIGHTS = 2  # whose gradients are recognised: enough to know a backward pass by
FEW_GRADIENTS = 2  # blocks of them, or single ones
MORE_WEIGHTS = 3  # where they are recognised only once something was put right
MOST_SHOWN = 6  # blocks that nobody recognises


def backward_reports(book: Book, flow: Flow, done: Collection[Address] = ()) -> list[SheetReport]:
    """Return a report for each sheet with a backward pass, unless every output of it is known to be
    trained rightly."""
    if len(book.patterns) > MOST_FORMULAS:
        return []
    every = comparing_sheets(book, flow)
    left = [sheet for sheet in every if not done or not compares_only(book, flow, sheet, done)]
    on_sheets = (partial(_on_sheet, book, flow, sheet) for sheet in left)
    found = [within_budget(on_sheet, A_SHARE) for on_sheet in on_sheets]
    return [report for report in found if report is not None]


@dataclass(frozen=True, eq=False)
class BackwardReading:
    """A sheet's backward pass read as starting from one loss, with what puts it right."""

    back: BackwardPass
    faults: Sequence[BlockFault] = ()
    uneven: Sequence[UnevenError] = ()

    @classmethod
    def of(cls, cells: Cells, loss: StartingLoss) -> BackwardReading:
        plain = BackwardPass.of(cells, loss)
        other, uneven = even_out(cells, loss) if plain.wrong else (loss, [])
        return cls(BackwardPass.of(cells, other) if uneven else plain, uneven=uneven)

    @property
    def last(self) -> BackwardPass:
        """The pass after everything known is put right."""
        return self.faults[-1].after if self.faults else self.back

    @property
    def gradients_known(self) -> int:
        return len(self.last.claimed_weights)

    @cached_property
    def likelihood(self) -> int:
        """How much of the pass the loss explains: gradients, also those of which it leaves a way or
        a slope out, less what is wrong."""
        back = self.back
        bare = [c for c in back.slopes if back.cells.is_leaf(c) and c not in back.claimed_weights]
        incomplete = sum(any(back.left_out(cell, of) for of in bare) for cell in back.wrong)
        return self.gradients_known + 2 * incomplete - len(back.wrong)


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
    best = [max(some, key=lambda one: one.likelihood) for some in (held, assumed) if some]
    likely = max(best, key=lambda one: one.likelihood)
    if held and likely is not best[0]:
        yield from _once_put_right(best[:1])
    if likely.gradients_known >= FEW_WEIGHTS:
        back = accept_right_here(likely.back)
        yield replace(likely, back=back, faults=list(faults(back)))
    yield from _once_put_right([*held[:FEW_LOSSES], *assumed])


def _once_put_right(readings: Iterable[BackwardReading]) -> Iterator[BackwardReading]:
    """Passes that are wrong from the start, so that little of them is recognised before."""
    for reading in readings:
        back = reading.back
        if back.updates or any(map(back.cells.naming.calls_gradient, back.backward)):
            back = accept_right_here(back)
            found = _with_remedies(faults(back, from_root=True))
            other = replace(reading, back=back, faults=found)
            is_known = other.gradients_known >= MORE_WEIGHTS and not other.last.wrong
            if other.faults and is_known:
                yield other


def _with_remedies(found: Iterable[BlockFault]) -> list[BlockFault]:
    """The faults, if they have remedies and leave recognised gradients; none as soon as that isn't
    so, without looking for more."""
    known: list[BlockFault] = []
    for fault in found:
        if not fault.remedy or not fault.after.claimed_weights:
            return []
        known.append(fault)
    return known


# Reports ------------------------------------------------------------------------------


def _report(book: Book, sheet: int, reading: BackwardReading) -> SheetReport | None:
    back = reading.back
    wording = BackwardWording(back, reading.last)
    if len(wording.gradients) < FEW_GRADIENTS or not _tells_of_a_network(back):
        return None
    findings = (*map(wording.uneven, reading.uneven), *map(wording.fault, reading.faults))
    rows = set(map(row_of, [*back.backward, *back.claimed_weights]))
    if not findings and not back.updates and len(rows) == 1:
        return None  # a table of steps that ends after the first, reported as such
    by = back.common[True][1] if back.updates else None
    held = "+".join(book.name_of(cell, cell) for cell in back.loss.cells)
    left = unexplained_cells(reading.last)
    return SheetReport(
        sheet=book.sheets[sheet].title,
        verdict=WRONG if findings else UNFINISHED if left else RIGHT,
        loss=back.loss.assumption or held,
        rate=book.name_of(by, by) if by is not None else "",
        weights=tuple(wording.gradients),
        findings=findings,
        notes=tuple(_notes(book, back, left)),
    )


CURVES = "EXP", "TANH"  # that no income statement has


def _tells_of_a_network(back: BackwardPass) -> bool:
    """Whether a sheet shows that it is about one: in a business plan, too, numbers are compared
    with typed ones, and quotients taken of what they are computed from."""
    patterns = back.cells.book.patterns
    said = (patterns[cell].expression for cell in back.scope.forward if cell in patterns)
    functions = {p.function for e in set(said) if e for p in parts(e) if isinstance(p, Call)}
    return (
        not back.loss.assumption
        or bool(back.updates)
        or any(map(back.cells.naming.calls_gradient, back.backward))
        or not functions.isdisjoint(CURVES)
    )


def unexplained_cells(back: BackwardPass) -> Sequence[Address]:
    """The cells that a heading calls derivatives, in general or by something that the loss depends
    on (dx), though they aren't recognised as any."""
    return [cell for cell in sorted(back.wrong) if is_called_derivative(back, cell)]


def _notes(book: Book, back: BackwardPass, left: Sequence[Address]) -> Iterator[str]:
    if not back.updates:
        yield Message(
            "a backward pass without an update: its gradients are compared with the chain rule"
        )
    if back.loss.assumption:
        yield Message(
            "no cell contains the loss of these gradients: the error that they start from is "
            "that of {loss}",
            loss=back.loss.assumption,
        )
    factor = _common_factor(back)
    if factor != 1:
        yield Message(
            "all gradients are {factor} times those of the loss: "
            "a factor that all share only changes the learning rate",
            factor=WrittenNumber(f"{factor:g}"),
        )
    if left:
        some = ", ".join(b.text for b in islice(blocks(book, left), MOST_SHOWN))
        yield Message("not recognised as any derivative: {cells}", cells=some)
    inside = {*back.scope.forward, *back.cells.below_targets}
    unknown = ((c, why) for c, why in back.cells.not_understood.items() if c in inside)
    for cell, why in islice(unknown, 1):
        yield Message(
            "{cell} isn't understood, {problem}: what depends on it is left out",
            cell=name_of(cell),
            problem=why,
        )


def _common_factor(back: BackwardPass) -> float:
    """By what all gradients outside of updates are more than the loss's."""
    scale, by = back.common[False]
    others = (cell for cell in back.backward if cell not in back.updates)
    is_claimed = any(
        back.cells.is_leaf(claim.of) and claim.by == by and claim.scale == scale
        for cell in others
        for claim in back.claims(cell)
    )
    return scale if by is None and is_claimed else 1.0
