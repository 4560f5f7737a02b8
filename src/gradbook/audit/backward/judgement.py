"""Sheets with a backward pass: what is wrong there, one thing after the other, and its report.

Each fault is put right before the next is looked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import islice

from gradbook.audit.backward.backward_pass import (
    EXACT,
    BackwardPass,
    StartingLoss,
    UnevenError,
    again,
    even_out,
    losses,
)
from gradbook.audit.backward.blocks import MatrixBlock, blocks
from gradbook.audit.backward.outputs import Cells, cells_of_sheet, compares_only, comparing_sheets
from gradbook.audit.backward.remedies import Remedy, WrongBlock, remedy
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
from gradbook.audit.formula.address import ROW, Address, name_of, row_of, sheet_of
from gradbook.audit.formula.expression import EditKind
from gradbook.audit.step.omissions import ChainOmission
from gradbook.audit.workbook.book import Book
from gradbook.audit.workbook.flow import Flow
from gradbook.language.message import Message, WrittenNumber, joined
from gradbook.targets.excel.language import Expression, Infix, write

# Faults -------------------------------------------------------------------------------

MOST_FAULTS = 12
MOST_ROOTS = 4  # explanations that explain equally much, of which the first with a remedy is taken
MOST_WEIGHTS = 10  # weights of which a cell may be meant to be the gradient
MOST_TRIED = 400  # meanings of a block
FEW_WAYS = 3  # in which gradients stand beside their weights
FEW_SCALES = 3
FEW_USERS = 6  # of a block's cells, that are looked at first
FEW_CELLS = 4  # of a block that may belong to any cells
MANY = 2  # blocks that come right, where a right cell is blamed for them
SLIPS = (EditKind.REFERENCE, EditKind.EXCHANGE)


@dataclass(frozen=True, eq=False)
class BlockFault:
    """Wrong cells, what puts them right, and the pass before that and after."""

    wrong: WrongBlock
    remedy: Remedy | None
    before: BackwardPass
    after: BackwardPass

    @property
    def is_slip(self) -> bool:
        return self.remedy is not None and self.remedy.edit.kind in SLIPS


def faults(back: BackwardPass, from_root: bool = False) -> Iterator[BlockFault]:
    """All faults; where a cell is right for the sheet's own numbers, only plain slips.

    With `from_root`, nothing is sought unless the first fault makes other cells wrong.
    """
    accepted = _right_here(back)
    last = back.accept(accepted)
    if from_root and not _first_wrong(last):
        return
    for fault in _one_after_the_other(last):
        yield fault
        last = fault.after
    if accepted:
        yield from (f for f in _one_after_the_other(last.accept(())) if f.is_slip)


def _right_here(back: BackwardPass) -> set[Address]:
    """The wrong cells that are right at any weights as long as the sheet's zeros and ones, such as
    a bias's input or a one-hot target, stay what they are."""
    if not back.wrong:
        return set()
    weights = {*back.claimed_weights, *back.updates.values()}
    sheet = sheet_of(back.cells.pairs[0].output)
    cells = cells_of_sheet(back.cells.book, back.cells.flow, sheet, weights)
    if cells is None:
        return set()
    here = BackwardPass.of(cells, again(cells, back.loss))
    inside = set(here.backward)
    return {cell for cell in back.wrong if cell in inside and _is_exact(back, here, cell)}


def _is_exact(back: BackwardPass, here: BackwardPass, cell: Address) -> bool:
    """Whether a cell is exactly a derivative, or a weight's with the factor that all have."""
    scale, by = back.common[cell in back.updates]
    times = float(here.values.number(by)[0]) if by is not None else 1.0
    return any(
        abs(claim.scale - (scale * times if here.cells.is_leaf(claim.of) else 1.0)) < EXACT
        for claim in here.claims(cell)
        if claim.by is None
    )


def _one_after_the_other(back: BackwardPass) -> Iterator[BlockFault]:
    for _ in range(MOST_FAULTS):
        ways = (_own, _of_others, _of_neighbours)
        fault = _root(back) or next((f for way in ways for f in way(back)), None)
        if fault is None:
            return
        yield fault
        back = fault.after


def _fault(back: BackwardPass, wrong: WrongBlock, known: Remedy | None) -> BlockFault:
    """A block's fault; where only some of its cells are wrong, theirs."""
    some = dict(zip(wrong.block.cells, wrong.of, strict=True))
    odd = {cell: of for cell, of in some.items() if cell in back.wrong or cell in back.accepted}
    if odd and len(odd) < len(some) and known is not None and not known.whole:
        wrong = replace(wrong, block=MatrixBlock(tuple(odd)), of=tuple(odd.values()))
        kept = {cell: text for cell, text in known.formulas.items() if cell in odd}
        known = replace(known, formulas=kept)
    return BlockFault(wrong, known, back, wrong.put_right(back))


def unexplained_cells(back: BackwardPass) -> Sequence[Address]:
    """The cells that a heading calls derivatives, in general or by something that the loss depends
    on (dx), though they aren't recognised as any."""
    return [cell for cell in sorted(back.wrong) if _is_called_one(back, cell)]


def _is_called_one(back: BackwardPass, cell: Address) -> bool:
    """Whether a heading calls a cell a derivative, in general or by something (dx)."""
    naming = back.cells.naming
    by = {f"d{word}" for other in back.slopes for word in naming.words(other)}
    return naming.calls_gradient(cell) or not by.isdisjoint(naming.words(cell))


# Cells from which others are wrong -------------------------------------------------------


def _root(back: BackwardPass) -> BlockFault | None:
    """The first wrong block: where explanations tie, one with a remedy."""
    found = _first_wrong(back)
    for wrong in found[:MOST_ROOTS]:
        known = remedy(back, wrong)
        if known is not None:
            return _fault(back, wrong, known)
    return _fault(back, found[0], None) if found else None


def _first_wrong(back: BackwardPass) -> list[WrongBlock]:
    """The blocks that, once right, put most others right; several where they tie."""
    every = list(blocks(back.cells.book, back.backward))
    found: list[tuple[int, WrongBlock]] = []
    for wrong in islice(_hypotheses(back, every), MOST_TRIED):
        gain = _gain(back, wrong, every)
        if gain >= (1 if _is_wrong(back, wrong) or _is_double(back, wrong) else MANY):
            found.append((gain, wrong))
    best = max((gain for gain, _ in found), default=0)
    likely = [wrong for gain, wrong in found if gain == best]
    known = {claim.of for c in back.backward if back.is_right(c) for claim in back.claims(c)}
    unclaimed = [wrong for wrong in likely if known.isdisjoint(wrong.of)] or likely

    def likelihood(wrong: WrongBlock) -> tuple[bool, bool]:
        is_called_so = back.cells.naming.mentions(wrong.block.first, wrong.of[0])
        return not _is_wrong(back, wrong), not is_called_so

    return sorted(unclaimed, key=likelihood)


def _is_wrong(back: BackwardPass, found: WrongBlock) -> bool:
    return not back.wrong.isdisjoint(found.block.cells)


def _is_double(back: BackwardPass, found: WrongBlock) -> bool:
    """Whether other cells are the same derivatives, and none is what these may be meant to be."""
    others = Counter(claim.of for cell in back.backward for claim in back.claims(cell))
    mine = [claim.of for cell in found.block.cells for claim in back.claims(cell)]
    return bool(mine) and all(others[of] > 1 for of in mine) and not any(map(others.get, found.of))


def _hypotheses(back: BackwardPass, every: Sequence[MatrixBlock]) -> Iterator[WrongBlock]:
    """The wrong blocks that take nothing wrong, and the blocks that those take, each with what it
    may be meant to be."""
    flow, wrong = back.cells.flow, back.wrong
    first = wrong - flow.below(wrong)
    taken = {source for cell in first for source in flow.sources(cell)}
    for block in every:
        if not (first | taken).isdisjoint(block.cells):
            scales = list(dict.fromkeys([1.0, *_usual_scales(back, block)]))[:FEW_SCALES]
            for of in _meant(back, block):
                yield from (WrongBlock(block, of, scale) for scale in scales)


def _meant(back: BackwardPass, block: MatrixBlock) -> Iterator[tuple[Address, ...]]:
    """The computed cells, as a block or across, of which a block may be the derivatives."""
    computed = [cell for cell in back.slopes if not back.cells.is_leaf(cell)]
    inside = set(computed)
    if len(block.cells) > FEW_CELLS:
        corners = {b.first for b in blocks(back.cells.book, computed)}
        computed = [cell for cell in computed if cell in corners]
    for anchor in computed:
        yield from (of for of in block.likes(anchor) if inside.issuperset(of))


def _usual_scales(back: BackwardPass, block: MatrixBlock) -> list[float]:
    """By which factors cells are the loss's derivatives: those that a block takes, then most."""

    def scales(cell: Address) -> list[float]:
        return [claim.scale for claim in back.claims(cell)[:1] if claim.by is None]

    every = Counter(scale for cell in back.backward for scale in scales(cell))
    sources = dict.fromkeys(back.cells.flow.sources(block.first))
    taken = [scale for s in sources if s in back.scope.inside for scale in scales(s)]
    return [*taken, *(scale for scale, _ in every.most_common(2))]


def _gain(back: BackwardPass, wrong: WrongBlock, every: Sequence[MatrixBlock]) -> int:
    """How many blocks become right, less those that become wrong; 0 if no neighbour is mended."""
    users = (user for cell in wrong.block.cells for user in back.cells.flow.users.get(cell, ()))
    near = list(islice((user for user in users if user in back.scope.inside), FEW_USERS))
    tried = wrong.put_right(back, near)
    if not any(_is_settled(tried, [c]) and not _is_settled(back, [c]) for c in near):
        return 0
    after = wrong.put_right(back)
    below = back.cells.flow.below(wrong.block.cells)
    gain = 0
    for block in every:
        touched = [cell for cell in block.cells if cell in below]
        if touched and block is not wrong.block:
            gain += _is_settled(after, touched) - _is_settled(back, touched)
    return gain


def _is_settled(back: BackwardPass, cells: Sequence[Address]) -> bool:
    """Whether cells are right derivatives: by weights, or ones that others use."""
    return all(
        back.is_right(cell) and bool(back.weights_of(cell) or not back.scope.is_end(cell))
        for cell in cells
    )


# Gradients that are wrong by themselves --------------------------------------------------


def _own(back: BackwardPass) -> Iterator[BlockFault]:
    """The wrong blocks that take nothing wrong, as gradients of likely weights."""
    behind = back.cells.flow.below(back.wrong)
    for block in blocks(back.cells.book, back.wrong):
        if not behind.isdisjoint(block.cells):
            continue
        is_update = block.first in back.updates
        likely = list(islice(_likely_weights(back, block), MOST_WEIGHTS))
        for of in likely:
            known = remedy(back, WrongBlock(block, of), thorough=is_update)
            if known is not None:
                yield _fault(back, WrongBlock(block, of), known)
                break
        else:
            incomplete = [of for of in likely if _is_incomplete(back, block, of)]
            is_sure = is_update or len(incomplete or likely) == 1
            if likely and is_sure and _is_called_one(back, block.first):
                yield _fault(back, WrongBlock(block, [*incomplete, *likely][0]), None)


def _is_incomplete(back: BackwardPass, block: MatrixBlock, of: Sequence[Address]) -> bool:
    """Whether a block is the gradients of weights that have none, but for what it leaves out."""
    claimed = back.claimed_weights
    each = zip(block.cells, of, strict=True)
    return all(weight not in claimed and back.left_out(cell, weight) for cell, weight in each)


def _likely_weights(back: BackwardPass, block: MatrixBlock) -> Iterator[tuple[Address, ...]]:
    """The weights of which a block may be meant to be the gradients, the likeliest first."""
    if block.first in back.updates:
        yield tuple(back.updates[cell] for cell in block.cells)
        return
    claimed, naming = back.claimed_weights, back.cells.naming
    leaves = {cell for cell in back.slopes if back.cells.is_leaf(cell)}

    def likelihood(cell: Address) -> tuple[object, ...]:
        return cell in claimed, not naming.mentions(block.first, cell), abs(cell - block.first)

    for anchor in sorted(leaves, key=likelihood):
        yield from (of for of in block.likes(anchor) if leaves.issuperset(of))


def _of_others(back: BackwardPass) -> Iterator[BlockFault]:
    """Cells that repeat another derivative where a weight has no gradient: of another weight, if a
    text or the place says which one is meant, or of a sum, if a text does."""
    lacking = sorted(c for c in back.slopes.keys() - back.claimed_weights if back.cells.is_leaf(c))
    naming, usual = back.cells.naming, _usual_ways(back)
    for cell in _ends_of_others(back):
        is_sum = not any(back.cells.is_leaf(claim.of) for claim in back.claims(cell))
        for of in lacking:
            is_said = naming.mentions(cell, of) and naming.calls_gradient(cell)
            if is_said or (not is_sum and of - cell in usual):
                wrong = WrongBlock(MatrixBlock((cell,)), (of,))
                fault = _fault(back, wrong, remedy(back, wrong, thorough=False))
                if fault.is_slip or (is_said and fault.remedy is not None):
                    yield fault


def _usual_ways(back: BackwardPass) -> set[int]:
    """The usual distances from a gradient to its weight."""
    away = Counter(of - cell for of, cells in back.claimed_weights.items() for cell in cells)
    return {distance for distance, count in away.most_common(FEW_WAYS) if count > 1}


def _ends_of_others(back: BackwardPass) -> list[Address]:
    """The cells that nothing uses and whose derivative another cell is, too."""
    said = Counter(claim.of for cell in back.backward for claim in back.claims(cell)[:1])
    return [
        cell
        for cell in back.backward
        if cell not in back.updates and back.scope.is_end(cell) and back.is_right(cell)
        if any(said[claim.of] > 1 for claim in back.claims(cell)[:1])
    ]


def _of_neighbours(back: BackwardPass) -> Iterator[BlockFault]:
    """Cells that are the same derivative as the one beside them, by a slip of a reference, where
    the value beside that one has none."""
    known = {claim.of for cell in back.backward for claim in back.claims(cell)}
    first = {cell: back.claims(cell)[0] for cell in back.backward if back.claims(cell)}
    for cell, claim in first.items():
        for side in (1, -1):
            beside = [near for near in (cell - side, cell - side * ROW) if first.get(near) == claim]
            lacking = [of for of in (claim.of + side, claim.of + side * ROW) if of in back.slopes]
            for of in lacking if beside and cell not in back.updates else ():
                if of not in known and back.cells.is_leaf(of) == back.cells.is_leaf(claim.of):
                    wrong = WrongBlock(MatrixBlock((cell,)), (of,), claim.scale)
                    fault = _fault(back, wrong, remedy(back, wrong, thorough=False))
                    if fault.is_slip and fault.after.wrong <= back.wrong:
                        yield fault


# Wording ------------------------------------------------------------------------------

LONGEST = 60  # characters of a part of a formula that is shown


class BackwardWording:
    """The words for a pass as it stands, and for the pass once it is put right."""

    def __init__(self, back: BackwardPass, last: BackwardPass) -> None:
        self.back = back
        self.last = last
        self.book = back.cells.book
        self.naming = back.cells.naming

    # Gradients -----------------------------------------------------------------------

    @cached_property
    def blocks(self) -> Sequence[tuple[MatrixBlock, str]]:
        """The blocks of gradients and of updates, with what they are of."""
        every = blocks(self.book, self.last.backward)
        known = ((block, self._weights(block)) for block in every)
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

    # Findings ------------------------------------------------------------------------

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
            right=self.book.reader.read_typed(error.text, error.cell),
        )

    # Reasons -------------------------------------------------------------------------

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
MOST_KINDS = 2  # of mistakes in one that is recognised so
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
    uneven: Sequence[UnevenError] = ()
    faults: Sequence[BlockFault] = ()

    @classmethod
    def of(cls, cells: Cells, loss: StartingLoss) -> BackwardReading:
        plain = BackwardPass.of(cells, loss)
        other, uneven = even_out(cells, loss) if plain.wrong else (loss, [])
        return cls(BackwardPass.of(cells, other), uneven) if uneven else cls(plain)

    @property
    def last(self) -> BackwardPass:
        """The pass after everything known is put right."""
        return self.faults[-1].after if self.faults else self.back

    @property
    def gradients_known(self) -> int:
        return len(self.last.claimed_weights)

    @cached_property
    def incomplete(self) -> set[Address]:
        """The wrong cells that are the gradient of a weight without any, but for a way or a slope
        that they leave out."""
        back = self.back
        bare = [c for c in back.slopes if back.cells.is_leaf(c) and c not in back.claimed_weights]
        return {cell for cell in back.wrong if any(back.left_out(cell, of) for of in bare)}

    def with_faults(self) -> BackwardReading:
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
    if likely.gradients_known >= FEW_WEIGHTS:
        yield likely.with_faults()
    yield from _once_put_right([*held[:FEW_LOSSES], *assumed])


def _likelihood(reading: BackwardReading) -> int:
    return reading.gradients_known + 2 * len(reading.incomplete) - len(reading.back.wrong)


def _once_put_right(readings: Iterable[BackwardReading]) -> Iterator[BackwardReading]:
    """Passes that are wrong from the start, so that little of them is recognised before."""
    for reading in readings:
        back = reading.back
        if not back.updates and not any(map(back.cells.naming.calls_gradient, back.backward)):
            continue
        found = _few_kinds(faults(back, from_root=True))
        other = BackwardReading(back, reading.uneven, found)
        if found and other.gradients_known >= MORE_WEIGHTS and not other.last.wrong:
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


# Reports --------------------------------------------------------------------------------


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
    return UNFINISHED if unexplained_cells(last) else RIGHT


def _is_first_step(back: BackwardPass) -> bool:
    """Whether everything is in one row: a table of steps that ends after the first."""
    cells = [*back.backward, *back.claimed_weights]
    return not back.updates and len(set(map(row_of, cells))) == 1


def _called(book: Book, back: BackwardPass) -> str:
    if back.loss.assumption:
        return back.loss.assumption
    return "+".join(book.name_of(cell, cell) for cell in back.loss.cells)


def _rate(book: Book, back: BackwardPass) -> str:
    by = back.common[True][1] if back.updates else None
    return book.name_of(by, by) if by is not None else ""


def _notes(book: Book, reading: BackwardReading) -> Iterator[str]:
    back = reading.back
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
    left = unexplained_cells(reading.last)
    if left:
        some = ", ".join(b.text for b in islice(blocks(book, left), MOST_SHOWN))
        yield Message("not recognised as any derivative: {cells}", cells=some)
    for cell, why in islice(_not_understood(back), 1):
        yield Message(
            "{cell} isn't understood, {problem}: what depends on it is left out",
            cell=name_of(cell),
            problem=why,
        )


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
    inside = {*back.scope.forward, *back.cells.below_targets}
    known = back.cells.not_understood
    return ((cell, why) for cell, why in known.items() if cell in inside)
