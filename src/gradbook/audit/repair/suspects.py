"""Cells to look at one by one: a mistake made them say what others say, or forget their weights."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from gradbook.audit.formula.address import Address
from gradbook.audit.judge.step_under_test import StepUnderTest
from gradbook.audit.repair.evidence import made_of
from gradbook.audit.training.claims import Claim
from gradbook.graph.node import Node


def with_suspects(tested: StepUnderTest, wrong: Mapping[int, Claim]) -> StepUnderTest:
    """The step with cells apart that say the same, with those formulas behind wrong gradients that
    depend on no weight and, where a weight leads nowhere, with those on the way to the loss."""
    book = tested.training.book
    suspects = [c for cells in _by_node(tested).values() if len(cells) > 1 for c in cells]
    suspects += still_behind(tested, wrong)
    if tested.without_influence:
        suspects += [*_still(tested, tested.forward), *repeating(tested)]
    if not suspects:
        return tested
    by_itself = {
        cell: book.reader.typed(book.patterns[cell].text_at(cell), cell)
        for cell in suspects
        if cell not in tested.graph.instead
    }
    return tested.with_formulas(by_itself)


def still_behind(tested: StepUnderTest, wrong: Mapping[int, Claim]) -> list[Address]:
    """The formulas behind wrong gradients that depend on no weight."""
    owners = [claim.owner for claim in wrong.values()]
    return _still(tested, [*owners, *made_of(tested, owners)])


def _still(tested: StepUnderTest, cells: Iterable[Address]) -> list[Address]:
    """The formulas behind some cells that depend on no weight, and don't only repeat a number."""
    training, patterns = tested.training, tested.training.book.patterns
    found: dict[Address, None] = {}
    waiting = [cell for cell in cells if cell not in training.weight_cells]
    while waiting:
        for source in training.flow.sources(waiting.pop()):
            still = source in patterns and source not in training.varying
            if still and source not in found and training.plain(source) == source:
                found[source] = None
                waiting.append(source)
    return list(found)


def repeating(tested: StepUnderTest) -> list[Address]:
    """The formulas of the step on the way to the loss that only repeat a number: they may be what
    is left of a product."""
    training = tested.training
    inside = (c for c in tested.forward if c not in training.weight_cells)
    mentioned = {source for cell in inside for source in training.flow.sources(cell)}
    return sorted(
        c
        for c in mentioned & training.book.patterns.keys()
        if training.plain(c) != c and tested.positions.row(c) in tested.positions.rows
    )


def _by_node(tested: StepUnderTest) -> dict[Node, list[Address]]:
    """The cells of formulas by what they say: a mistake may make two say the same."""
    found: defaultdict[Node, list[Address]] = defaultdict(list)
    for cell, value in tested.graph.known.items():
        training = tested.training
        formula = cell in training.book.patterns and cell not in training.weight_cells
        if isinstance(value, Node) and formula and cell in training.varying:
            found[value].append(cell)
    return found
