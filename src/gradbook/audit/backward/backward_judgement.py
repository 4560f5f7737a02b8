"""Sheets with a backward pass: the report on each, and the wording of what is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import islice

from gradbook.audit.backward.backward_pass import BackwardPass, UnevenError, even_out, losses
from gradbook.audit.backward.cell_blocks import Block, area, blocks
from gradbook.audit.backward.cells_at_points import Cells
from gradbook.audit.backward.faults import accept_right_here, faults, is_called_derivative
from gradbook.audit.backward.output_pairs import output_pairs
from gradbook.audit.backward.remedies import Remedy, WrongBlock
from gradbook.audit.findings import (
    DEPARTING_ROW,
    RIGHT,
    UNFINISHED,
    WRONG,
    Finding,
    SheetReport,
    finding_in,
)
from gradbook.cells.book import Book
from gradbook.cells.budget import A_SHARE, within_budget
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import Address, name_of, pack, row_of
from gradbook.cells.formula.expression import EditKind, parts
from gradbook.cells.formula.syntax import Call, Expression, Infix, write
from gradbook.language.message import Message, WrittenNumber, joined

MOST_FORMULAS = 6000  # in a workbook that is searched for a backward pass
MOST_LOSSES = 16
FEW_LOSSES = 2  # to compare with a pass that is wrong from the start
FEW_WEIGHTS = 2  # with recognised gradients: enough to recognise a backward pass
FEW_GRADIENTS = 2  # blocks of gradients, or single ones
MORE_WEIGHTS = 3  # required if they are recognised only after a correction
MOST_SHOWN = 6  # unrecognised blocks
LONGEST = 60  # characters of a formula's part in a message
CURVES = "EXP", "TANH"  # functions that no income statement contains


def backward_reports(book: Book, flow: Flow) -> list[SheetReport]:
    """Return a report for each sheet with a backward pass."""
    if len(book.patterns) > MOST_FORMULAS:
        return []
    seen = (sheet for sheet, part in enumerate(book.sheets) if not part.is_hidden)
    on_sheets = (partial(_on_sheet, book, flow, sheet) for sheet in seen)
    found = [within_budget(on_sheet, A_SHARE) for on_sheet in on_sheets]
    return [report for report in found if report is not None]


def _on_sheet(book: Book, flow: Flow, sheet: int) -> SheetReport | None:
    pairs = output_pairs(book, flow, sheet)
    if not pairs:
        return None
    cells = Cells.at_random(book, flow, pairs)
    passes: list[BackwardPass] = []
    for loss in islice(losses(cells), MOST_LOSSES):
        back = BackwardPass.of(loss)
        even = even_out(loss) if back.wrong else loss  # with errors that are all measured alike
        passes.append(BackwardPass.of(even) if even.uneven else back)
    reports = (one.report(sheet) for one in _likely_readings(passes))
    return next(filter(None, reports), None)


# Readings ------------------------------------------------------------------------------


def _likely_readings(passes: Sequence[BackwardPass]) -> Iterator[BackwardReading]:
    """The likely readings of a pass: from a loss in a cell, unless only another one explains it."""
    held = [back for back in passes if back.loss.held_in]
    assumed = [back for back in passes if not back.loss.held_in]
    likelihood = {back: _likelihood(back) for back in passes}
    best = [max(some, key=likelihood.__getitem__) for some in (held, assumed) if some]
    likely = max(best, key=likelihood.__getitem__)
    if held and likely is not best[0]:
        yield from _once_put_right(best[:1])
    if len(likely.claimed_weights) >= FEW_WEIGHTS:
        back = accept_right_here(likely)
        yield BackwardReading(back, list(faults(back)))
    yield from _once_put_right([*held[:FEW_LOSSES], *assumed])


def _likelihood(back: BackwardPass) -> int:
    """How much of the pass the loss explains: the gradients, including those from which a path or
    slope is missing, minus the wrong cells."""
    loss, known = back.loss, back.claimed_weights
    bare = [cell for cell in filter(back.cells.is_leaf, loss.slopes) if cell not in known]
    incomplete = 0
    for block in blocks(back.cells.book, filter(loss.is_end, back.wrong)):
        meant = [loss.updates[block[0]]] if block[0] in loss.updates else bare
        incomplete += len(block) * any(back.left_out(block[0], of) for of in meant)
    return len(known) + 2 * incomplete - len(back.wrong)


def _once_put_right(passes: Iterable[BackwardPass]) -> Iterator[BackwardReading]:
    """Passes that are wrong from the start, so that few gradients are recognised before they are
    corrected: all faults must leave recognised gradients, and have remedies unless what they are
    computed from is a derivative of a loss in a cell."""
    for wrong in passes:
        if wrong.loss.updates or any(map(wrong.cells.naming.calls_gradient, wrong.loss.backward)):
            back, found = accept_right_here(wrong), list[WrongBlock]()
            for fault in faults(back, from_root=True):
                is_sure = bool(fault.remedy) or _goes_on_rightly(fault)
                if not is_sure or not fault.after.claimed_weights:
                    found.clear()
                    break
                found.append(fault)
            last = found[-1].after if found else back
            if found and len(last.claimed_weights) >= MORE_WEIGHTS and not last.wrong:
                yield BackwardReading(back, found)


def _goes_on_rightly(fault: WrongBlock) -> bool:
    """Whether some cell of a fault is computed from right derivatives only."""
    back, sources = fault.before, fault.before.cells.flow.sources
    behind = ([s for s in sources(c) if s in back.loss.backward] for c in fault.cells)
    return bool(back.loss.held_in) and any(
        some and all(map(back.is_right, some)) for some in behind
    )


@dataclass(frozen=True, eq=False)
class BackwardReading:
    """A backward pass, read as starting from one loss, with its faults in words."""

    back: BackwardPass
    faults: Sequence[WrongBlock] = ()

    @property
    def last(self) -> BackwardPass:
        """The pass after all known corrections."""
        return self.faults[-1].after if self.faults else self.back

    @property
    def book(self) -> Book:
        return self.back.cells.book

    # Gradients

    @cached_property
    def blocks(self) -> Sequence[tuple[Block, str]]:
        """The blocks of gradients and of updates, with the names of their weights."""
        every = ((b, self._weights(b)) for b in blocks(self.book, self.last.loss.backward))
        return [(block, self.back.cells.naming.quantity(of)) for block, of in every if of]

    def _weights(self, block: Block) -> list[Address]:
        """The weights whose gradients a block is, either exclusively or as the last such block."""
        last, found = self.last, list[Address]()
        for cell in block:
            weights = last.weights_of(cell)
            is_only_so = len(weights) == len(last.claims(cell)) or last.loss.is_end(cell)
            if not weights or not is_only_so:
                return []
            found.append(weights[0])
        return sorted(found)

    # Findings

    def finding(self, fault: WrongBlock) -> Finding:
        cells, known, naming = fault.cells, fault.remedy, self.back.cells.naming
        name = naming.quantity(sorted(fault.of))
        is_weight = self.back.cells.is_leaf(fault.of[0])
        left_out = () if known else fault.before.left_out(cells[0], fault.of[0])
        if known is not None:
            kind, why = known.edit.kind, self._because(known, cells[0])
        elif left_out:
            is_way = any(part.is_way for part in left_out)
            kind = EditKind.TERM if is_way else EditKind.FACTOR
            lacks: list[str] = []
            for part in left_out:
                of = naming.quantity(part.places)
                path = Message("it lacks the path through {name}", name=of)
                slope = Message("it lacks the slope of {name}", name=of)
                lacks.append(path if part.is_way else slope)
            why = joined("; ", lacks)
        else:
            kind, why = EditKind.FORMULA, Message("it isn't that derivative")
        found = finding_in(
            self.book,
            cells,
            kind.value,
            quantity=f"∂E/∂{name}",
            why=why,
            weight=name if is_weight else "",
        )
        fixes = (
            {name_of(cell): f"={text}" for cell, text in known.formulas.items()} if known else {}
        )
        whole = f"{{={known.whole}}}" if known and known.whole else ""
        spoilt: dict[str, None] = {}  # the weights whose gradients are wrong because of it
        for block, weight in () if is_weight else self.blocks:
            if all(map(fault.after.is_right, block)) and not all(map(fault.before.is_right, block)):
                spoilt[weight] = None
        return replace(
            found,
            cells=area(cells),
            fixes=fixes,
            expected=whole or next(iter(fixes.values()), ""),
            arrays={area(cells): known.whole} if known and known.whole else {},
            spoils=tuple(spoilt),
        )

    def uneven(self, error: UnevenError) -> Finding:
        """Return a finding for an output's error that is measured differently from the others'."""
        cell, like = name_of(error.cell), self.book.name_of(error.like, error.cell)
        return finding_in(
            self.book,
            [error.cell],
            DEPARTING_ROW,
            quantity=self.back.cells.naming.quantity([error.cell]),
            why=Message(
                "{cell} doesn't measure its output's error as {other} does", cell=cell, other=like
            ),
            right=error.right,
        )

    def _because(self, known: Remedy, home: Address) -> str:
        edit = known.edit
        if known.like is not None:
            return Message(
                "it should be the formula of {cell}, with its own cells",
                cell=self.book.name_of(known.like, home),
            )
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
        name = self.back.cells.naming.quantity([cell])
        return short if name in (short, name_of(cell)) else f"{short} ({name})"

    # The report

    def report(self, sheet: int) -> SheetReport | None:
        back, loss = self.back, self.back.loss
        weights = tuple(dict.fromkeys(name for _, name in self.blocks))
        if len(weights) < FEW_GRADIENTS or not _tells_of_a_network(back):
            return None
        findings = (*map(self.uneven, loss.uneven), *map(self.finding, self.faults))
        rows = set(map(row_of, [*loss.backward, *back.claimed_weights]))
        if not findings and not back.loss.updates and len(rows) == 1:
            return None  # a table of steps that ends after the first, reported as such
        by = back.common[True][1] if back.loss.updates else None
        left, here = unexplained_cells(self.last), pack(sheet, 0, 0)
        return SheetReport(
            sheet=self.book.sheets[sheet].title,
            verdict=WRONG if findings else UNFINISHED if left else RIGHT,
            loss=loss.assumption
            or "+".join(self.book.name_of(cell, here) for cell in loss.held_in),
            rate=self.book.name_of(by, here) if by is not None else "",
            weights=weights,
            findings=findings,
            notes=tuple(_notes(back, left, here)),
        )


def _tells_of_a_network(back: BackwardPass) -> bool:
    """Whether a sheet is about a network: business plans also compare numbers with typed ones, and
    divide by numbers that they depend on."""
    patterns = back.cells.book.patterns
    said = (patterns[cell].expression for cell in back.loss.forward if cell in patterns)
    functions = {p.function for e in set(said) if e for p in parts(e) if isinstance(p, Call)}
    return (
        not back.loss.assumption
        or bool(back.loss.updates)
        or any(map(back.cells.naming.calls_gradient, back.loss.backward))
        or not functions.isdisjoint(CURVES)
    )


def unexplained_cells(back: BackwardPass) -> Sequence[Address]:
    """The cells that a heading calls derivatives, in general or with respect to a value that the
    loss depends on (dx), but which aren't recognised as such."""
    return [cell for cell in sorted(back.wrong) if is_called_derivative(back, cell)]


def _notes(back: BackwardPass, left: Sequence[Address], here: Address) -> Iterator[str]:
    cells, loss, book = back.cells, back.loss, back.cells.book
    if not loss.updates:
        yield Message(
            "a backward pass without an update: its gradients are compared with the chain rule"
        )
    if loss.assumption:
        yield Message(
            "no cell contains the loss of these gradients: the error that they start from is "
            "that of {loss}",
            loss=loss.assumption,
        )
    scale, by = back.common[False]
    gradients = (back.claims(cell) for cell in loss.backward if cell not in loss.updates)
    of_weights = (claim for some in gradients for claim in some if cells.is_leaf(claim.of))
    if by is None and scale != 1 and any((c.scale, c.by) == (scale, by) for c in of_weights):
        yield Message(
            "all gradients are {factor} times those of the loss: "
            "a factor that all share only changes the learning rate",
            factor=WrittenNumber(f"{scale:g}"),
        )
    if left:
        shown = islice(blocks(book, left), MOST_SHOWN)
        some = ", ".join(book.sheet_before(block[0], here) + area(block) for block in shown)
        yield Message("not recognised as any derivative: {cells}", cells=some)
    inside = {*loss.forward, *cells.below_targets}
    unknown = ((c, why) for c, why in cells.not_understood.items() if c in inside)
    for cell, why in islice(unknown, 1):
        yield Message(
            "{cell} isn't understood, {problem}: everything that depends on it is left out",
            cell=book.name_of(cell, here),
            problem=why,
        )
