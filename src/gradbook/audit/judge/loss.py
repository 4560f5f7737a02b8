"""Finds the loss: what the weights lead to, and what most gradients are gradients of.

Where no cell contains it, the errors that the gradients start from say what it is.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial

import numpy as np

from gradbook.audit.findings import Finding, finding_in
from gradbook.audit.formula.address import Address, by_sheet, column_of, row_of, sheet_of
from gradbook.audit.formula.expression import Edit, EditKind, SignedTerm, inner, total
from gradbook.audit.formula.expression import terms as split_terms
from gradbook.audit.formula.meaning import NotUnderstood, TooMuch
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.step.points import agree
from gradbook.audit.step.under_test import ClaimVerdict, StepUnderTest
from gradbook.audit.training.claims import Claim, first_claims
from gradbook.audit.training.steps import (
    AssumedLoss,
    OutputError,
    SheetStep,
    StepLoss,
    called_a_loss,
    candidates,
    inside_of,
    is_cut,
    is_maximised,
    is_root,
    speaks_of_learning,
)
from gradbook.audit.training.training import SheetTraining
from gradbook.audit.workbook.book import show_value
from gradbook.audit.workbook.heading_words import LOSS, calls
from gradbook.graph.node import Node, ancestors
from gradbook.language import mark
from gradbook.language.message import Message, WrittenNumber, enumerated
from gradbook.targets.excel.language import Expression, Infix, Number, Reference

# Losses that no cell holds ------------------------------------------------------------

MOST_ERRORS = 2_000  # of one step
MOST_KINDS = 4  # of formulas with errors in them, tried alone


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


# Finding the loss ---------------------------------------------------------------------

MOST_TRIED = 8
MOST_TERMS = 4  # that a loss leaves out
MOST_BESIDE = 6  # cells tried as such a term
MOST_NAMED = 3  # errors of an assumed loss
LARGEST_COUNT = 100_000  # of samples that a mean is over
MOST_OF_THEM = 0.6  # of the gradients, to know a training by
ENOUGH = 0.8  # of the gradients: the others are wrong

HALF = 0.5
AT_A_ROOT = 0.1  # of what a value was at first: it comes to 0
ENOUGH_SCALED = 0.7  # of the gradients, to be those of so many times a loss
LIKE = 0.5  # how much of what the gradients count a loss counts that they should be of
LIKELIER = 0.1  # by how much more a loss must count what the gradients count, if it explains none

LossShare = tuple[float, StepLoss]  # the share of the gradients that are its gradients


def find_loss(training: SheetTraining) -> tuple[list[StepLoss | None], float]:
    """The loss of each step, and the share of the gradients that are its gradients; none of what
    doesn't learn by a loss. Where there may be one, but one that is too large to follow or isn't
    understood, that is raised."""
    unclear: list[NotUnderstood] = []
    claimed = first_claims(training)
    start = tuple(weight.start for weight in training.weights)
    tested = StepUnderTest.of(training, [SheetStep(0, start, StepLoss(()), ())])
    share_of = partial(_share, tested, claimed, unclear=unclear)
    tried = candidates(training)[:MOST_TRIED]
    found = _likeliest(training, tried, share_of)
    for _ in range(MOST_TERMS if found[1].cells and found[0] <= ENOUGH else 0):
        other = _with_another(training, tried, share_of, found)
        if other[0] <= found[0]:
            break
        found = other
    whole = _whole_loss(tested, claimed, tried, found) if 0 < found[0] < 1 else None
    if whole is not None:
        found = whole
    elif found[0] <= ENOUGH:
        found = _another_kind(tested, claimed, tried, found)
    share, loss = found
    taken = _taken_for_its_slope(tested, claimed) if share <= 0 and not loss.assumption else None
    if taken is not None and set(loss.cells) <= {taken.slope}:
        return ([], 0.0) if taken.has_root else (every_step(training, StepLoss((taken.cell,))), 0.0)
    if not loss.cells or (
        share <= 0 and not loss.assumption and not _is_plausible(tested.with_loss(loss))
    ):
        too_much = [error for error in unclear if isinstance(error, TooMuch)]
        if too_much or (unclear and speaks_of_learning(training)):
            raise (too_much or unclear)[0]
        return [], 0.0
    return every_step(training, loss), share


@dataclass(frozen=True)
class ValueForSlope:
    """A value that a weight is updated by, and the cell with its slope, which nobody uses."""

    cell: Address
    slope: Address
    has_root: bool  # whether it comes to 0: so roots are sought


def _taken_for_its_slope(
    tested: StepUnderTest, claimed: Sequence[Sequence[Claim]]
) -> ValueForSlope | None:
    training, row, values = tested.training, tested.positions.row, tested.training.book.values
    unused = sorted(training.computed_cells & training.book.patterns.keys())
    unused = [cell for cell in unused if not training.flow.users.get(cell)]
    for weight, options in enumerate(claimed):
        for owner in {claim.owner for claim in options if claim.whole}:
            near = [cell for cell in unused if row(cell) == row(owner)]
            last = owner + (training.steps - 1) * training.weights[weight].stride
            first, end = (values.get(cell) for cell in (owner, last))
            if not near or not isinstance(first, float) or not isinstance(end, float):
                continue
            descended = tested.with_loss(StepLoss((owner,)))
            with suppress(NotUnderstood):
                slope = descended.gradients[weight]
                for cell in near:
                    if descended.same(descended.graph.node(cell), slope):
                        return ValueForSlope(owner, cell, abs(end) < AT_A_ROOT * abs(first))
    return None


def descends_wholly(training: SheetTraining) -> bool:
    """Whether most gradients are those of a loss that a cell holds, and nothing else on its sheet
    is computed from the weights for its own sake. That is cheap to know."""
    try:
        loss, share = find_loss(training)
    except NotUnderstood:
        return False
    if share < MOST_OF_THEM or not loss or any(step is None or step.assumption for step in loss):
        return False
    cells = {cell for step in loss if step is not None for cell in step.cells}
    flow, patterns, line = training.flow, training.book.patterns, training.axis.line
    owners = {claim.owner for options in first_claims(training) for claim in options}
    known = {(line(cell), patterns[cell].shape) for cell in owners & patterns.keys()}
    serving = flow.behind(cells).union(cells, flow.below(cells, training.weight_cells))
    ends = (c for c in training.computed_cells - serving if c in patterns and not flow.users.get(c))
    here = (cell for cell in ends if sheet_of(cell) == training.sheet)
    return all((line(cell), patterns[cell].shape) in known for cell in here)


def _share(
    tested: StepUnderTest,
    claimed: Sequence[Sequence[Claim]],
    loss: StepLoss,
    unclear: list[NotUnderstood] | None = None,
) -> float:
    """What share of the claims a loss explains; why that is unclear is noted."""
    tested = tested.with_loss(loss)
    try:
        good = sum(
            _speaks_for_it(tested, j, options)
            for j, options in enumerate(claimed)
            if not tested.has_no_influence(j)
        )
    except NotUnderstood as error:
        if unclear is not None:
            unclear.append(error)
        return -0.5
    return good / _counting(tested)


def _speaks_for_it(tested: StepUnderTest, weight: int, options: Sequence[Claim]) -> bool:
    """Whether a claim is the gradient of the loss; not where both are only 0 in the sheet, as with
    an input that is 0."""
    verdict = tested.best(weight, options)[0]
    if verdict is ClaimVerdict.RIGHT_HERE:
        return bool(np.any(tested.constants.of(tested.gradients[weight]) != 0))
    return verdict is not ClaimVerdict.WRONG


def _counting(tested: StepUnderTest) -> int:
    """How many weights' gradients tell of the loss."""
    return sum(not weight.stray for weight in tested.training.weights)


def _likeliest(
    training: SheetTraining, tried: Sequence[Address], share_of: Callable[[StepLoss], float]
) -> LossShare:
    """The single cell that explains most claims; the parts of a loss are hardly one themselves."""
    best: LossShare = (-1.0, StepLoss(()))
    inside: set[Address] = set()
    for cell in tried:
        share = share_of(StepLoss((cell,)))
        if share > (2 * best[0] if best[0] > 0 and cell in inside else best[0]):
            best = share, StepLoss((cell,))
            inside = inside_of(training, cell)
        if share > ENOUGH:
            break
    return best


def _with_another(
    training: SheetTraining,
    tried: Sequence[Address],
    share_of: Callable[[StepLoss], float],
    found: LossShare,
) -> LossShare:
    """The loss with a term that it leaves out, where more gradients are true of both."""
    cells = found[1].cells
    inside = inside_of(training, cells[0]).union(cells)
    beside = [c for c in tried if c not in inside and cells[0] not in inside_of(training, c)]
    both = [StepLoss((*cells, cell)) for cell in beside[:MOST_BESIDE]]
    options = [(share_of(loss), loss) for loss in both]
    return max(options, default=found, key=lambda option: option[0])


def _whole_loss(
    tested: StepUnderTest,
    claimed: Sequence[Sequence[Claim]],
    tried: Sequence[Address],
    found: LossShare,
) -> LossShare | None:
    """What is called the loss, of which the likeliest is perhaps only a part, if more gradients
    are its own or leave out a part of the chain rule alone: where all forget one output's error,
    the other one seems to be the loss."""
    training, cells = tested.training, set(found[1].cells)
    for cell in tried:
        if called_a_loss(training, cell) and cells <= inside_of(training, cell):
            loss = StepLoss((cell,))
            right, explained = _explained_by(tested.with_loss(loss), claimed)
            if right > 0 and explained > found[0]:
                return right, loss
    return None


def _explained_by(tested: StepUnderTest, claimed: Sequence[Sequence[Claim]]) -> tuple[float, float]:
    """What share of the claims is right, and what share is or would be with what it leaves out."""
    right = lacking = 0
    try:
        for j, options in enumerate(claimed):
            if not options or tested.has_no_influence(j):
                continue
            verdict = tested.best(j, options)[0]
            right += verdict <= ClaimVerdict.RIGHT_HERE
            lacking += verdict is ClaimVerdict.WRONG and any(
                tested.left_out(option, j) for option in options
            )
    except NotUnderstood:
        return 0.0, 0.0
    return right / _counting(tested), (right + lacking) / _counting(tested)


# Losses of another kind ------------------------------------------------------------------


def _another_kind(
    tested: StepUnderTest,
    claimed: Sequence[Sequence[Claim]],
    tried: Sequence[Address],
    found: LossShare,
) -> LossShare:
    """A loss that the gradients are a common multiple of, or one that no cell holds, where either
    explains more; where nothing explains any, the loss that counts what the gradients count."""
    training = tested.training
    cells = [StepLoss((cell,)) for cell in tried]
    best = _most(_scaled(tested, claimed, loss) for loss in cells)
    if best[0] > found[0] and (best[0] >= ENOUGH_SCALED or _differs_in_scale(best)):
        return best
    known = found[0] > 0 and all(
        called_a_loss(training, cell) and not is_error(training, cell) for cell in found[1].cells
    )
    if known or not speaks_of_learning(training):
        return found
    like = partial(_likeness, tested, claimed)
    named = [loss for loss in cells if called_a_loss(training, *loss.cells)]
    descended = [loss for loss in named or [found[1]] if _may_descend(training, loss)]
    likeliest = _most((like(loss), loss) for loss in descended)
    if found[0] <= 0 and likeliest[0] >= LIKE and likeliest[1] in named:
        return 0.0, likeliest[1]
    every = assumed_losses(training, claimed)
    assumed = [loss for loss in every if not _holds_a_level(training, loss)]
    best = _most((_share(tested, claimed, loss), loss) for loss in assumed)
    best = _most([best, *(_scaled(tested, claimed, loss) for loss in assumed)])
    if best[0] >= ENOUGH_SCALED or found[0] > 0 or _differs_in_scale(best):
        return max(best, found, key=lambda one: one[0])
    other = _most((like(loss), loss) for loss in assumed)
    if other[0] > likeliest[0] + LIKELIER and not _seeks_its_inputs(training, other[1]):
        return 0.0, other[1]
    return (0.0, likeliest[1]) if descended else found


def _differs_in_scale(found: LossShare) -> bool:
    """Whether half of the gradients are those of a loss but for a factor by which losses usually
    differ: 2, or one over a count."""
    share, scale = found[0], found[1].scale
    return share >= HALF and (scale == 2 or (scale < 1 and (1 / scale).is_integer()))


def _seeks_its_inputs(training: SheetTraining, loss: StepLoss) -> bool:
    """Whether the outputs of an assumed loss are computed from their own targets, as Oja's rule
    takes off from an input what the output has of it."""
    flow, stop = training.flow, training.weight_cells
    places = list(zip(loss.cells, loss.errors, strict=True))

    def mentioned(side: Callable[[OutputError], Expression]) -> set[Address]:
        return {at for cell, e in places for at in training.cells_in(side(e), cell, e.pattern)}

    outputs, targets = mentioned(lambda e: e.output), mentioned(lambda e: e.target)
    return not targets.isdisjoint(flow.behind(outputs, stop))


def _holds_a_level(training: SheetTraining, loss: StepLoss) -> bool:
    """Whether the outputs of an assumed loss are weights themselves, and nothing says that they
    learn: a controller holds what it measures at a level, and calls it an error, too."""
    places = zip(loss.cells, loss.errors, strict=True)
    outputs = (training.cell_of(error.output, cell) for cell, error in places)
    return all(cell in training.weight_cells for cell in outputs) and not speaks_of_learning(
        training, by_errors=False
    )


def _may_descend(training: SheetTraining, loss: StepLoss) -> bool:
    """Whether a loss isn't a figure to look at, nor an error that has no least value."""
    return not any(is_root(training, cell) or is_error(training, cell) for cell in loss.cells)


def _most(found: Iterable[LossShare]) -> LossShare:
    """The first of those that explain most."""
    return max(found, default=(-1.0, StepLoss(())), key=lambda one: one[0])


def _scaled(tested: StepUnderTest, claimed: Sequence[Sequence[Claim]], loss: StepLoss) -> LossShare:
    """The loss with the factor that most of its gradients are multiplied by, and their share."""
    tested = tested.with_loss(loss)
    ratios: Counter[float] = Counter()
    try:
        for j, options in enumerate(claimed):
            if not tested.has_no_influence(j):
                ratios.update(_ratios(tested, j, options))
    except NotUnderstood:
        return -1.0, loss
    factor, count = next(iter(ratios.most_common(1)), (1.0, 0))
    return count / _counting(tested), replace(loss, scale=factor)


def _ratios(tested: StepUnderTest, weight: int, options: Sequence[Claim]) -> list[float]:
    """The numbers that a weight's claims are times its gradient, whatever its other numbers; the
    likeliest claim's first."""
    found = []
    for claim in options:
        try:
            claimed, true = tested.claim_node(claim), tested.gradients[weight]
        except NotUnderstood:
            continue
        with np.errstate(all="ignore"):
            ratio = np.atleast_1d(tested.random.of(claimed) / tested.random.of(true))
        ratio = ratio[np.isfinite(ratio)]
        if ratio.size and ratio[0] > 0 and agree(ratio, np.full_like(ratio, ratio[0])):
            found.append(float(_fraction(float(ratio[0])) or f"{ratio[0]:.9g}"))
    return list(dict.fromkeys(found))


def _likeness(tested: StepUnderTest, claimed: Sequence[Sequence[Claim]], loss: StepLoss) -> float:
    """Return how much the claims and the loss's gradients are computed from the same numbers."""
    if not loss.cells:
        return -1.0
    tested = tested.with_loss(loss)
    found = []
    try:
        for j, options in enumerate(claimed):
            true = _counted(tested, tested.gradients[j])
            both = [(_counted(tested, tested.claim_node(claim)), true) for claim in options]
            found.append(max((len(a & b) / len(a | b) for a, b in both if a | b), default=0.0))
    except NotUnderstood:
        return -1.0
    return sum(found) / len(found)


def _counted(tested: StepUnderTest, node: Node) -> set[Address]:
    leaves = tested.graph.leaf_cells
    return {leaves[part] for part in ancestors([node]) if part in leaves}


OF_ALL_RIGHT = mark(
    "every gradient is {factor} times the slope of {loss}: one factor in all of them is a choice "
    "of the learning rate, and no mistake"
)
COMPARED = mark(
    "the gradients were compared with {factor} times the slope of {loss}: one factor in all of "
    "them is a choice of the learning rate, and no mistake"
)


def loss_notes(training: SheetTraining, loss: StepLoss, all_right: bool) -> Iterator[str]:
    """What is to be said of the loss that the gradients were compared with."""
    called = name_of_loss(training, loss)
    if loss.assumption:
        yield Message(
            "no cell contains the loss; the gradients were compared with {loss}", loss=called
        )
    elif any(is_maximised(training, cell) for cell in loss.cells):
        yield Message("the updates climb: {loss} is what they maximise", loss=called)
    elif loss.scale != 1:
        yield Message(
            OF_ALL_RIGHT if all_right else COMPARED, factor=_shown(loss.scale), loss=called
        )


def name_of_loss(training: SheetTraining, loss: StepLoss) -> str:
    """The loss in the sheet's own cells."""
    book, start = training.book, training.weights[0].start
    if not loss.assumption:
        return "+".join(book.name_of(cell, start) for cell in loss.cells)
    squared = loss.assumption is AssumedLoss.SQUARED
    errors = dict.fromkeys(error.square if squared else str(error) for error in loss.errors)
    more = " + …" if len(errors) > MOST_NAMED else ""
    terms: str = " + ".join(list(errors)[:MOST_NAMED]) + more
    if not squared:
        terms = Message("the {loss} of {terms}", loss=loss.assumption.value, terms=terms)
    factor = loss.scale / 2 if squared else loss.scale
    if factor == 1:
        return terms
    return Message(
        "{factor} * ({terms})" if len(errors) > 1 else "{factor} * {terms}",
        factor=_shown(factor),
        terms=terms,
    )


def _shown(factor: float) -> str:
    """A factor as people write it: 1/30 rather than 0.0333."""
    share = _fraction(factor)
    return WrittenNumber(show_value(factor)) if share is None else str(share)


def _fraction(factor: float) -> Fraction | None:
    """The fraction that a factor is, if it is one of whole numbers that people count with."""
    share = Fraction(factor).limit_denominator(LARGEST_COUNT)
    return share if abs(share - factor) < 1e-9 * factor else None


def _is_plausible(tested: StepUnderTest) -> bool:
    """Whether a loss that no gradient fits may be one: it is called so, and isn't straight unless
    a blank makes it so; not an output that nobody calls so and that is straight in the weights."""
    training, loss = tested.training, tested.step.loss.cells
    is_named = any(called_a_loss(training, cell) for cell in loss)
    if training.rate is None and not is_named:
        return False
    if any(is_cut(training, cell) for cell in loss):
        return True
    numbers = tested.random if is_named else tested.constants  # of which only the weights vary
    try:
        slopes = [numbers.of(node) for node in tested.gradients.values()]
    except NotUnderstood:
        return False
    finite = [slope[np.isfinite(slope)] for slope in slopes]
    return any(np.ptp(slope) > 0 for slope in finite if slope.size > 1)


def every_step(training: SheetTraining, loss: StepLoss) -> list[StepLoss | None]:
    """The loss of each step: as far apart as the weights', or as their formulas say."""
    strides = [_stride(training, cell) for cell in loss.cells]
    computed = training.book.patterns.keys()
    found: list[StepLoss | None] = [loss]
    for k in range(1, training.steps + 1):
        cells = tuple(c + k * stride for c, stride in zip(loss.cells, strides, strict=True))
        there = loss.at(cells) if computed >= set(cells) else None
        found.append(with_own_errors(training, there) if there and there.assumption else there)
    return found


def _stride(training: SheetTraining, cell: Address) -> int:
    usual = training.weights[0].stride
    if sheet_of(cell) == training.sheet:
        return usual
    patterns = training.book.patterns
    second = [weight.cells[1] for weight in training.weights]
    same = [
        c
        for c in training.flow.below(second, training.weight_cells)
        if c > cell
        and sheet_of(c) == sheet_of(cell)
        and c in patterns
        and patterns[c].shape == patterns[cell].shape
    ]
    along = [c for c in same if row_of(c) == row_of(cell) or column_of(c) == column_of(cell)]
    return min((c - cell for c in along or same), default=usual)


# A loss that leaves out a term -----------------------------------------------------------


def loss_findings(training: SheetTraining, loss: Sequence[StepLoss | None]) -> list[Finding]:
    """A loss that leaves out a term, though the gradients count it."""
    first_loss = loss[0]
    if first_loss is None or first_loss.assumption or len(first_loss.cells) < 2:
        return []
    own = first_loss.cells
    book = training.book
    lacking = next(_lacking(training, own), None)
    if lacking is not None:
        right = book.reader.read_typed(
            "+".join(book.name_of(term, lacking) for term in own), lacking
        )
        left_out = [term for term in own if term not in training.flow.sources(lacking)]
        return _without(training, loss, 0, lacking, right, left_out)
    totals = [_total(training, cell) for cell in own]
    place = next((k for k, total in enumerate(totals) if total is not None), 0)
    first, total = own[place], totals[place]
    if total is None and len({book.patterns[c].shape for c in own}) == 1:
        return []  # the errors stand side by side, and nobody added them
    cell = first if total is None else total
    left_out = [term for term in own if term != first]
    terms = (book.name_of(term, cell) for term in left_out)
    right = book.reader.read_typed("+".join([book.patterns[cell].text_at(cell), *terms]), cell)
    return _without(training, loss, place, cell, right, left_out)


def _without(
    training: SheetTraining,
    loss: Sequence[StepLoss | None],
    place: int,
    total: Address,
    right: Pattern,
    left_out: Sequence[Address],
) -> list[Finding]:
    """Report that the loss which the first step has in `total`, beside one of its cells, lacks some
    terms."""
    book = training.book
    names = list(map(training.name_of, left_out))
    quantity = training.name_of(total)
    first = next(step.cells[place] for step in loss if step)
    wrong = (step.cells[place] + total - first for step in loss if step)
    return [
        finding_in(
            book,
            cells,
            "loss without a term",
            quantity=quantity,
            why=Message(
                "the loss leaves out {terms}, which the gradients are right to count",
                terms=enumerated(names),
            ),
            right=right,
            edits=[Edit(EditKind.TERM, (), Reference(quantity), Reference(name)) for name in names],
        )
        for cells in by_sheet(wrong)
    ]


def _lacking(training: SheetTraining, own: Sequence[Address]) -> Iterator[Address]:
    """Cells that are called the loss, and are made of some of its terms alone."""
    sources, users = training.flow.sources, training.flow.users
    for user in dict.fromkeys(user for term in own for user in users.get(term, ())):
        made_of = set(sources(user))
        is_sum = len(sources(user)) > 1 or len(training.book.patterns[user].places) > 1
        if is_sum and made_of < set(own) and called_a_loss(training, user):
            yield user


def _total(training: SheetTraining, cell: Address) -> Address | None:
    """A cell of the first step that only repeats this one, to be the loss: by its name, or because
    nothing else uses it."""
    users, plain = training.flow.users, training.flow.plain
    repeating = [
        user
        for user in users.get(cell, ())
        if user in training.varying and plain(user, training.weight_cells) == cell
    ]
    named = [user for user in repeating if calls(LOSS, training.label(user))]
    unused = [user for user in repeating if not users.get(user)]
    return next(iter([*named, *unused]), None)
