"""Cells to look at one by one: a mistake made them say what others say, or forget their weights."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from gradbook.audit.formula.address import Address
from gradbook.audit.judge.judge import Bench
from gradbook.audit.repair.evidence import idle, made_of
from gradbook.audit.repair.repair import forward
from gradbook.audit.training.claims import Claim
from gradbook.graph.node import Node


def with_suspects(bench: Bench, wrong: Mapping[int, Claim]) -> Bench:
    """The step with cells apart that say the same, with those formulas behind wrong gradients that
    depend on no weight and, where a weight leads nowhere, with those on the way to the loss."""
    training, book = bench.training, bench.training.book
    suspects = [c for cells in _by_node(bench).values() if len(cells) > 1 for c in cells]
    suspects += still_behind(bench, wrong)
    if idle(bench):
        suspects += [*_still(bench, forward(bench)), *repeating(bench)]
    if not suspects:
        return bench
    by_itself = {
        cell: book.reader.typed(book.patterns[cell].text_at(cell), cell) for cell in suspects
    }
    return Bench(training, bench.step, {**by_itself, **bench.made.instead}, bench.like)


def still_behind(bench: Bench, wrong: Mapping[int, Claim]) -> list[Address]:
    """The formulas behind wrong gradients that depend on no weight."""
    owners = [claim.owner for claim in wrong.values()]
    return _still(bench, [*owners, *made_of(bench, owners)])


def _still(bench: Bench, cells: Iterable[Address]) -> list[Address]:
    """The formulas behind some cells that depend on no weight, and don't only repeat a number."""
    training, patterns = bench.training, bench.training.book.patterns
    found: dict[Address, None] = {}
    waiting = [cell for cell in cells if cell not in training.weight_cells]
    while waiting:
        for source in training.flow.sources(waiting.pop()):
            still = source in patterns and source not in training.varying
            if still and source not in found and training.plain(source) == source:
                found[source] = None
                waiting.append(source)
    return list(found)


def repeating(bench: Bench) -> list[Address]:
    """The formulas of the step on the way to the loss that only repeat a number: they may be what
    is left of a product."""
    training = bench.training
    inside = (c for c in forward(bench) if c not in training.weight_cells)
    mentioned = {source for cell in inside for source in training.flow.sources(cell)}
    return sorted(
        c
        for c in mentioned & training.book.patterns.keys()
        if training.plain(c) != c and bench.line(c) in bench.movers
    )


def _by_node(bench: Bench) -> dict[Node, list[Address]]:
    """The cells of formulas by what they say: a mistake may make two say the same."""
    found: defaultdict[Node, list[Address]] = defaultdict(list)
    for cell, value in bench.made.known.items():
        training = bench.training
        formula = cell in training.book.patterns and cell not in training.weight_cells
        if isinstance(value, Node) and formula and cell in training.varying:
            found[value].append(cell)
    return found
