"""Losses that no cell holds: the errors that the gradients start from say what they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain

from gradbook.audit.formula.address import Address
from gradbook.audit.formula.expression import SignedTerm, inner, total
from gradbook.audit.formula.expression import terms as split_terms
from gradbook.audit.formula.meaning import NotUnderstood, as_block, number
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.judge.numbers import Numbers, agree
from gradbook.audit.training.claims import Claim
from gradbook.audit.training.steps import AssumedLoss, OutputError, StepGraph, StepLoss
from gradbook.audit.training.training import SheetTraining
from gradbook.graph.node import Node
from gradbook.targets.excel.language.grammar import Expression, Infix, Number

MOST_ERRORS = 2_000  # of one step
MOST_KINDS = 4  # of formulas with errors in them, tried alone

Pair = tuple[Node, Node]  # an output and its target


def assumed_losses(
    training: SheetTraining, claimed: Sequence[Sequence[Claim]]
) -> Iterator[StepLoss]:
    """The losses that the errors behind some claims may be the slopes of, the usual ones first: of
    all errors, and of those in formulas of one kind."""
    places = list(_errors(training, claimed))
    kinds: defaultdict[str, list[tuple[Address, OutputError]]] = defaultdict(list)
    for place in places:
        kinds[place[1].pattern.shape].append(place)
    some = list(kinds.values())[:MOST_KINDS] if len(kinds) > 1 else []
    for group in [places, *some] if 0 < len(places) <= MOST_ERRORS else []:
        cells, errors = zip(*group, strict=True)
        yield from (StepLoss(cells, kind, errors) for kind in AssumedLoss)


def _errors(
    training: SheetTraining, claimed: Sequence[Sequence[Claim]]
) -> Iterator[tuple[Address, OutputError]]:
    """The differences of something that depends on the weights and something that doesn't, in the
    formulas that the claims are computed from."""
    owners = dict.fromkeys(claim.owner for options in claimed for claim in options)
    behind = training.flow.behind(owners, training.weight_cells, training.plain).union(owners)
    for cell in sorted(behind & training.varying):
        yield from ((cell, error) for error in _errors_in(training, cell))


def with_own_errors(training: SheetTraining, loss: StepLoss) -> StepLoss:
    """An assumed loss with the errors that the formulas of its own step speak of."""
    places = [(c, error) for c in dict.fromkeys(loss.cells) for error in _errors_in(training, c)]
    cells, errors = zip(*places, strict=True) if places else ((), ())
    return replace(loss, cells=cells, errors=errors)


def _errors_in(training: SheetTraining, cell: Address) -> Iterator[OutputError]:
    pattern = training.book.patterns.get(cell)
    if pattern is not None and pattern.expression is not None:
        for written_sum in _sums(pattern.expression):
            error = _error(training, cell, pattern, written_sum)
            if error is not None:
                yield error


def is_error(training: SheetTraining, cell: Address) -> bool:
    """Whether a cell holds an output less its target: that has no least value to descend to."""
    pattern = training.book.patterns.get(training.flow.plain(cell))
    top = pattern.expression if pattern else None
    if pattern is None or not isinstance(top, Infix) or top.operator not in "+-":
        return False
    return _error(training, training.flow.plain(cell), pattern, next(_sums(top))) is not None


def _sums(expression: Expression) -> Iterator[list[SignedTerm]]:
    """Every sum in an expression, as it is written: what stands in parentheses is one term, and a
    sum of its own."""
    waiting = [expression]
    while waiting:
        part = waiting.pop()
        chain: list[SignedTerm] = []
        while isinstance(part, Infix) and part.operator in "+-":
            chain.append((1 if part.operator == "+" else -1, part.right))
            part = part.left
        if chain:
            yield [(1, part), *reversed(chain)]
            waiting += [term for _, term in chain]
            waiting.append(part)
        else:
            waiting += inner(part)


def _error(
    training: SheetTraining, cell: Address, pattern: Pattern, terms: Sequence[SignedTerm]
) -> OutputError | None:
    """What a sum says as an output less a target, or the other way round."""
    kinds = [(sign, part, _kind(training, cell, part)) for sign, part in terms]
    output = [(sign, part) for sign, part, kind in kinds if kind == {True}]
    target = [(sign, part) for sign, part, kind in kinds if kind == {False}]
    signs = {sign for sign, _ in output}
    if len(signs) != 1 or {sign for sign, _ in target} != {-sign for sign in signs}:
        return None
    mentioned = (at for _, part in output for at in training.cells_in(part, cell))
    if all(isinstance(part, Number) for _, part in target):  # 1 − a is no error
        return None
    if any(training.before(cell, at) for at in mentioned):
        return None
    sides = (total([(1, part) for _, part in side]) for side in (output, target))
    return OutputError(pattern, *sides)


def _kind(training: SheetTraining, cell: Address, part: Expression) -> set[bool]:
    """Whether a term depends on the weights, or which of its own terms do if it is a sum."""
    if isinstance(part, Infix) and part.operator in "+-":
        return {training.varies(inside, cell) for _, inside in split_terms(part)}
    return {training.varies(part, cell)}


# As a graph ---------------------------------------------------------------------------


def loss_node(graph: StepGraph, loss: StepLoss, numbers: Numbers) -> Node:
    """The assumed loss: every output counts once, however often its error is mentioned."""
    pairs = _different(numbers, list(_pairs(graph, loss)))
    terms = [_term(loss.assumption, output, target) for output, target in pairs]
    if not terms:
        raise NotUnderstood("errors of which none is a number")
    return sum(terms[1:], terms[0])


def error_cells(training: SheetTraining, loss: StepLoss) -> set[Address]:
    """The cells that the errors mention: outputs and targets."""
    mentioned = (
        training.cells_in(part, cell, error.pattern)
        for cell, error in zip(loss.cells, loss.errors, strict=True)
        for part in (error.output, error.target)
    )
    return set(chain.from_iterable(mentioned))


def _term(kind: AssumedLoss | None, output: Node, target: Node) -> Node:
    make = output.graph.make
    if kind is AssumedLoss.SQUARED:
        return make("half_square", output, target)
    term = -target * make("log", output)
    if kind is AssumedLoss.BINARY:
        term = term - (1 - target) * make("log", 1 - output)
    return term


def _pairs(graph: StepGraph, loss: StepLoss) -> Iterator[Pair]:
    for cell, error in zip(loss.cells, loss.errors, strict=True):
        output, target = (
            as_block(graph.meaning(part, cell, error.pattern))
            for part in (error.output, error.target)
        )
        (height, width), (h, w) = output.shape, target.shape
        for row in range(max(height, h)):
            for column in range(max(width, w)):
                one, other = output.at(row, column), target.at(row, column)
                yield number(graph.graph, one), number(graph.graph, other)


def _different(numbers: Numbers, pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs without those whose error is another one's, whatever the numbers."""
    kept: list[Pair] = []
    for output, target in pairs:
        error = numbers.of(output - target)
        if not any(agree(error, numbers.of(o - t)) for o, t in kept):
            kept.append((output, target))
    return kept
