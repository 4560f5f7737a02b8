"""The faults of a backward pass as findings, in the sheet's own words and cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from gradbook.audit.backward.backward_pass import BackwardPass
from gradbook.audit.backward.blocks import MatrixBlock, blocks
from gradbook.audit.backward.faults import BlockFault
from gradbook.audit.backward.remedies import Remedy
from gradbook.audit.backward.uneven import UnevenError
from gradbook.audit.findings.findings import DEPARTING_ROW, Finding, finding_in
from gradbook.audit.formula.address import Address, written
from gradbook.audit.formula.edits import EditKind
from gradbook.audit.judge.omissions import ChainOmission
from gradbook.targets.excel.language.grammar import Expression, Infix, write

LONGEST = 60  # characters of a part of a formula that is shown


class BackwardWording:
    """What there is to say of a pass as it stands and as it is once put right."""

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
                len(weights) < len(last.claims(cell)) and not last.passed.is_end(cell)
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
            why = "; ".join(map(self._lacks, left_out))
        found = finding_in(
            self.book,
            block.cells,
            kind.value,
            quantity=f"∂E/∂{name}",
            why=why,
            weight=name if is_weight else "",
            right=self.book.reader.typed(text, block.first) if text else None,
        )
        fixes = known.formulas if known else {}
        return replace(
            found,
            cells=block.written,
            fixes={written(cell): f"={text}" for cell, text in fixes.items()},
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
        """An output's error that isn't measured as those of the others."""
        cell, like = written(error.cell), written(error.like)
        return finding_in(
            self.book,
            [error.cell],
            DEPARTING_ROW,
            quantity=self.naming.quantity([error.cell]),
            why=f"{cell} doesn't measure its output's error as {like} does",
            right=self.book.reader.typed(error.text, error.cell),
        )

    # Reasons -------------------------------------------------------------------------

    def _why(self, block: MatrixBlock, known: Remedy | None) -> str:
        if known is not None and known.like is not None:
            return f"it should say of its own cells what {written(known.like)} says of others"
        if known is None or known.edit.kind is EditKind.FORMULA:
            return "it isn't that derivative"
        return self._because(known, block.first)

    def _lacks(self, part: ChainOmission[Address]) -> str:
        what = "way through" if part.is_way else "slope of"
        return f"it lacks the {what} {self.naming.quantity(part.places)}"

    def _because(self, known: Remedy, home: Address) -> str:
        edit = known.edit
        old, new = (self._called(part, home) for part in (edit.old, edit.new))
        match edit.kind, edit.new:
            case ((EditKind.FACTOR | EditKind.TERM), Infix(operator, left, right)):
                part = self._called(left if right == edit.old else right, home)
                if operator == "/":
                    return f"it is to be divided by {part}"
                what = "factor" if edit.kind is EditKind.FACTOR else "term"
                return f"the {what} {part} is missing"
            case EditKind.OMISSION, _:
                return f"{old} doesn't belong there"
            case EditKind.SIGN, _:
                return "its sign is wrong"
            case EditKind.EXCHANGE, _:
                return f"{old} and {new} stand in each other's places"
        return f"{old} should be {new}"

    def _called(self, part: Expression, home: Address) -> str:
        text = write(part)
        short = text if len(text) <= LONGEST else f"{text[:40]} … {text[-16:]}"
        cell = self.book.reader.cell(text, home)
        if cell is None:
            return short
        name = self.naming.quantity([cell])
        return short if name in (short, written(cell)) else f"{short} ({name})"
