"""Findings in the cells of array formulas, as one finding with the right array formula.

A gradient is judged cell by cell, but nobody can change a single cell of an array.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, product

from gradbook.audit.findings import SEVERAL, Finding, SheetReport
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import ROW, Address, column_of, name_of, row_of
from gradbook.cells.formula.changes import change_between, flat
from gradbook.cells.formula.pattern import copy_formula
from gradbook.cells.formula.syntax import FormulaError, read, write, written_tokens
from gradbook.language.message import Message

MOST_TRIED = 64  # array formulas for one block


@dataclass(frozen=True)
class ArrayBlock:
    """The cells that one array formula fills, in order, with its rows and columns."""

    first: Address
    rows: int
    columns: int

    @property
    def cells(self) -> list[Address]:
        return [self.first + r * ROW + c for r in range(self.rows) for c in range(self.columns)]

    @property
    def area(self) -> str:
        last = self.first + (self.rows - 1) * ROW + self.columns - 1
        return f"{name_of(self.first)}:{name_of(last)}"


def with_whole_arrays(flow: Flow, report: SheetReport) -> SheetReport:
    """The report with one finding for all cells of array formulas with the same mistake, where an
    array formula is right in all of them."""
    blocks = {
        cell: ArrayBlock(first, *shape)
        for first, shape in flow.book.spills.items()
        if first in flow.book.arrays and shape != (1, 1)
        for cell in ArrayBlock(first, *shape).cells
    }
    alike: defaultdict[tuple[str, str, frozenset[ArrayBlock]], list[Finding]] = defaultdict(list)
    for finding in report.findings if blocks else ():
        cells = finding.cells_in(flow.book)
        if not finding.arrays and finding.fixes and cells and all(c in blocks for c in cells):
            own = frozenset(blocks[cell] for cell in cells)
            alike[finding.kind, finding.sheet, own].append(finding)
    instead: dict[int, Finding | None] = {}
    for (_, _, own), same in alike.items():
        whole = _as_one(flow, sorted(own, key=lambda block: block.first), same)
        if whole is not None:
            instead |= {id(finding): None for finding in same} | {id(same[0]): whole}
    found = (instead.get(id(finding), finding) for finding in report.findings)
    return replace(report, findings=tuple(one for one in found if one is not None))


def _as_one(flow: Flow, blocks: Sequence[ArrayBlock], same: Sequence[Finding]) -> Finding | None:
    """One finding for all blocks; None if one of them has no right array formula."""
    fixes = {name: text for finding in same for name, text in finding.fixes.items()}
    arrays: dict[str, str] = {}
    for block in blocks:
        text = _right_array(flow, block, fixes)
        if text is None:
            return None
        arrays[block.area] = text
    first = same[0]
    names = list(dict.fromkeys(finding.weight for finding in same))
    called = {name: name.partition("[")[0] or name for name in names if name}
    quantity = _together([finding.quantity for finding in same])
    spoilt = [*(names if first.is_own else ()), *(n for f in same for n in f.spoils)]
    old = flow.book.arrays[blocks[0].first]
    now = arrays[blocks[0].area]
    shown = called | _elements_shown(flow, blocks[0], old) | _elements_shown(flow, blocks[0], now)
    why = first.why
    if isinstance(why, Message):
        why = why.with_parts(lambda part: shown.get(part, part))
    return replace(
        first,
        quantity=quantity,
        weight=first.weight if len(names) == 1 else "",
        cells=",".join(block.area for block in blocks),
        expected=f"{{={now}}}",
        fixes=_elements(flow, blocks, arrays),
        spoils=first.spoils if len(names) == 1 else tuple(dict.fromkeys(spoilt)),
        arrays=arrays,
        why=why,
    )


def _together(quantities: Sequence[str]) -> str:
    """The name of all of them: of ∂E/∂W2[D9] and ∂E/∂W2[D10], ∂E/∂W2."""
    every = list(dict.fromkeys(quantities))
    stems = list(dict.fromkeys(name.partition("[")[0] for name in every if "[" in name))
    if len(every) == 1 or len(stems) == 1:
        return every[0] if len(every) == 1 else stems[0]
    return f"{every[0]}{SEVERAL}{every[-1]}"


def _elements_shown(flow: Flow, block: ArrayBlock, text: str) -> dict[str, str]:
    """Each cell and range in the formula of the first element, with that of the array formula."""
    first, whole = _element(flow, block, text, block.first), written_tokens(flat(read(text)))
    own = written_tokens(flat(read(first)))
    pairs = zip(own, whole, strict=True) if len(own) == len(whole) else ()
    return {a: b for a, b in pairs if a != b}


def _elements(
    flow: Flow, blocks: Collection[ArrayBlock], arrays: Mapping[str, str]
) -> dict[str, str]:
    return {
        name_of(cell): f"={_element(flow, block, arrays[block.area], cell)}"
        for block in blocks
        for cell in block.cells
    }


def _element(flow: Flow, block: ArrayBlock, text: str, cell: Address) -> str:
    down, right = row_of(cell) - row_of(block.first), column_of(cell) - column_of(block.first)
    return flow.book.reader.element(text, block.first, down, right)


def _right_array(flow: Flow, block: ArrayBlock, fixes: Mapping[str, str]) -> str | None:
    """An array formula whose elements are the right formulas, and in other cells the old ones."""
    old = flow.book.arrays[block.first]
    wanted = {
        cell: fixes.get(name_of(cell), "=" + _element(flow, block, old, cell))
        for cell in block.cells
    }
    try:
        right = {cell: flat(read(text)) for cell, text in wanted.items()}
        for text in islice(_candidates(flow, block, old, fixes), MOST_TRIED):
            elements = {c: flat(read(_element(flow, block, text, c))) for c in block.cells}
            if elements == right:
                return text
    except FormulaError:
        return None
    return None


def _candidates(flow: Flow, block: ArrayBlock, old: str, fixes: Mapping[str, str]) -> Iterator[str]:
    """Array formulas with the change of one cell's formula in the same place."""
    cell = next(cell for cell in block.cells if name_of(cell) in fixes)
    change = change_between(f"={_element(flow, block, old, cell)}", fixes[name_of(cell)])
    forms = (written_tokens(form) for form in (read(old), flat(read(old))))
    whole = next((form for form in forms if change and len(form) == len(change.tokens)), None)
    if change is None or whole is None:
        return
    choices: list[list[str]] = []
    for one in change.replacements:
        for k, token in enumerate(one.new):
            at = one.start + k
            was = (change.tokens[at], whole[at]) if at < one.end else None
            beside = [w for t, w in zip(change.tokens, whole, strict=True) if t == token]
            choices.append(list(dict.fromkeys(_in_array(flow, block, cell, token, was, beside))))
    for chosen in product(*choices):
        tokens, rest = list(whole), list(chosen)
        for one in reversed(change.replacements):
            rest, new = rest[: len(rest) - len(one.new)], rest[len(rest) - len(one.new) :]
            tokens[one.start : one.end] = new
        yield write(read("".join(tokens)))


def _in_array(
    flow: Flow,
    block: ArrayBlock,
    cell: Address,
    token: str,
    was: tuple[str, str] | None,
    beside: Sequence[str],
) -> Iterator[str]:
    """What a cell or sign of one element's formula may be in the array formula: as elsewhere in it,
    the range that the old one is from, moved as far, the same, or the cells of the whole block."""
    reader, home = flow.book.reader, cell
    yield from beside
    there = reader.cell(token.partition(":")[0], home)
    if there is None or "(" in token:
        yield token
        return
    if was is not None:
        before = reader.cell(was[0].partition(":")[0], home)
        if before is not None and ":" in was[1]:
            yield copy_formula(was[1], before, there)
    yield token
    first = there - cell + block.first
    last = name_of(first + (block.rows - 1) * ROW + block.columns - 1)
    yield f"{name_of(first)}:{last}"
