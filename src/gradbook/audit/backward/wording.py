"""The faults of a backward pass as findings, in the sheet's own words and cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from gradbook.audit.backward.cells.blocks import MatrixBlock, blocks
from gradbook.audit.backward.cells.naming import Naming
from gradbook.audit.backward.chain.backward_pass import BackwardPass
from gradbook.audit.backward.chain.uneven import UnevenError
from gradbook.audit.backward.faults.remedies import LIKE_ANOTHER, TURNED, Remedy
from gradbook.audit.backward.faults.succession import BlockFault
from gradbook.audit.findings.findings import Finding, finding_in
from gradbook.audit.formula.address import Address, written
from gradbook.audit.formula.edits import EditKind
from gradbook.targets.excel.language.grammar import Infix, write

WRONG_FORMULA = "wrong formula"
LONGEST = 60  # characters of a part of a formula that is shown


class BackwardWording:
    """What there is to say of a pass as it stands and as it is once put right."""

    def __init__(self, back: BackwardPass, last: BackwardPass) -> None:
        self.back = back
        self.last = last
        self.book = back.cells.book
        self.naming = Naming(self.book)

    # Gradients -----------------------------------------------------------------------

    @cached_property
    def blocks(self) -> Sequence[tuple[MatrixBlock, str]]:
        """The blocks of gradients and of updates, with what they are of."""
        found = []
        for block in blocks(self.book, self.last.backward):
            of = self._weights(block)
            if of:
                found.append((block, self.naming.quantity(of)))
        return found

    def _weights(self, block: MatrixBlock) -> list[Address]:
        """The weights of which a block is the gradients: by itself, or as the last that says so."""
        last, found = self.last, []
        for cell in block.cells:
            said = [claim.of for claim in last.claims(cell)] if last.is_right(cell) else []
            leaves = [of for of in said if last.cells.is_leaf(of)]
            if not leaves or (len(leaves) < len(said) and not last.is_end(cell)):
                return []
            found.append(leaves[0])
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
        block, of = fault.wrong.block, fault.wrong.of
        name = self.naming.quantity(sorted(of))
        is_weight = self.back.cells.is_leaf(of[0])
        spoils = tuple(
            said
            for other, said in self.blocks
            if not all(map(fault.before.is_right, other.cells))
            and all(map(fault.after.is_right, other.cells))
        )
        known = fault.remedy
        right = self.book.reader.typed(_first(known), block.first) if known else None
        found = finding_in(
            self.book,
            block.cells,
            _kind(known),
            quantity=f"∂E/∂{name}",
            why=self._why(block, name, known),
            weight=name if is_weight else "",
            right=right,
        )
        return self._completed(found, block, known, () if is_weight else spoils)

    def _completed(
        self, found: Finding, block: MatrixBlock, known: Remedy | None, spoils: tuple[str, ...]
    ) -> Finding:
        array = block.first in self.book.arrays
        fixes = {} if array or not known else known.formulas
        expected = f"{{={known.whole}}}" if known and known.whole else found.expected
        said = {written(cell): f"={text}" for cell, text in fixes.items()}
        changed = {"cells": block.written, "fixes": said, "expected": expected, "spoils": spoils}
        return Finding(**{**found.__dict__, **changed})

    def _why(self, block: MatrixBlock, name: str, known: Remedy | None) -> str:
        what = f"{block.written} should be ∂E/∂{name}"
        if known is None:
            return f"{what}, and isn't"
        return f"{what}: {self._because(known, block.first)}"

    def _because(self, known: Remedy, home: Address) -> str:
        edit = known.edits[0]
        if known.kind == LIKE_ANOTHER:
            return "the formula of its likes, said of its own cells, is"
        if known.kind == TURNED:
            return f"{write(edit.old)} should be {write(edit.new)}"
        match edit.kind:
            case EditKind.FACTOR | EditKind.TERM if isinstance(edit.new, Infix):
                what = "factor" if edit.kind is EditKind.FACTOR else "term"
                part = edit.new.left if edit.new.right == edit.old else edit.new.right
                if edit.new.operator == "/":
                    return f"it is to be divided by {self._called(write(part), home)}"
                return f"the {what} {self._called(write(part), home)} is missing"
            case EditKind.OMISSION:
                return f"{self._called(write(edit.old), home)} doesn't belong there"
            case EditKind.SIGN:
                return "its sign is turned round"
            case EditKind.EXCHANGE:
                return f"{write(edit.old)} and {write(edit.new)} stand in each other's places"
        old, new = self._called(write(edit.old), home), self._called(write(edit.new), home)
        return f"{old} should be {new}"

    def _called(self, text: str, home: Address) -> str:
        short = text if len(text) <= LONGEST else f"{text[:40]} … {text[-16:]}"
        cell = self.book.reader.cell(text, home)
        if cell is None:
            return short
        name = self.naming.quantity([cell])
        return short if name in (short, written(cell)) else f"{short} ({name})"

    def uneven(self, error: UnevenError) -> Finding:
        """An output's error that isn't measured as those of the others."""
        cell, like = written(error.cell), written(error.like)
        return finding_in(
            self.book,
            [error.cell],
            "departing row",
            quantity=self.naming.quantity([error.cell]),
            why=f"{cell} doesn't measure its output's error as {like} does",
            right=self.book.reader.typed(error.text, error.cell),
        )


def _first(known: Remedy) -> str:
    return next(iter(known.formulas.values()))


def _kind(known: Remedy | None) -> str:
    return WRONG_FORMULA if known is None or known.kind == LIKE_ANOTHER else known.kind
