"""Weighs the findings of all judges once: one mistake is one finding, at its cause.

The steps are first read as one program, with the formula that prevails in each place. If another
judge finds that formula wrong, the cells that departed from it are judged by what is right there:
perhaps they alone were right.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from gradbook.audit.findings import Finding, new_findings
from gradbook.audit.one_program import Worlds
from gradbook.audit.training.sheet_training import SheetTraining
from gradbook.cells.formula.address import Address, name_of, ranges


def weigh(
    training: SheetTraining,
    departing: Sequence[Finding],
    others: Sequence[Finding],
    further: Sequence[Finding] = (),
) -> tuple[Finding, ...]:
    """The findings, each cell in one of them only; the training is as typed. Those `further` ones
    count that remain when all others are mended."""
    every = [*_of_two_judges(training, departing, others)]
    for finding in further:
        every += new_findings([finding], every)
    left: list[Finding] = []
    for one in every:
        here = ((cell, training.book.content(cell)) for cell in one.cells_in(training.book))
        right = {cell for cell, has in here if one.fixes.get(name_of(cell), "") == has != ""}
        left += _without(training, one, right)
    return tuple(left)


def _of_two_judges(
    training: SheetTraining, departing: Sequence[Finding], others: Sequence[Finding]
) -> tuple[Finding, ...]:
    book = training.book
    departed = {cell for one in departing for cell in one.cells_in(book)}
    judged = {cell for one in others for cell in one.cells_in(book)} & departed
    if not judged:
        return (*departing, *others)
    worlds = Worlds(training)
    kept = [part for one in departing for part in _without(training, one, judged)]
    for one in others:
        right = {c for c in judged & {*one.cells_in(book)} if _is_right(worlds, one, c)}
        kept += _without(training, one, right)
    return tuple(kept)


def _is_right(worlds: Worlds, finding: Finding, cell: Address) -> bool:
    """Whether a cell already has what a finding about its line says."""
    right = finding.fixes.get(name_of(cell))
    if right is None:
        return False
    pattern = worlds.own.book.reader.read_typed(right.strip("{}").removeprefix("="), cell)
    return not worlds.differ(cell, pattern)


def _without(
    training: SheetTraining, finding: Finding, cells: Collection[Address]
) -> Iterator[Finding]:
    """A finding without some of its cells; nothing if none is left."""
    own = finding.cells_in(training.book)
    left = [cell for cell in own if cell not in cells]
    if len(left) == len(own):
        yield finding
    elif left:
        fixes = {c: fix for c, fix in finding.fixes.items() if c in map(name_of, left)}
        first = name_of(left[0])
        yield replace(
            finding,
            cells=ranges(left),
            fixes=fixes,
            formula=training.book.content(left[0]),
            expected=fixes.get(first, finding.expected),
        )
