"""Finds the loss: a value that depends on the weights, and that most claims are gradients of.

If no cell contains it, it is inferred from the errors with which the gradients begin.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from itertools import chain, permutations, product
from operator import itemgetter

import numpy as np

from gradbook.audit.findings import Finding, finding_in
from gradbook.audit.formulas.points import ENOUGH_POINTS, POINTS, Numbers, constant_ratio
from gradbook.audit.heading_words import LOSS, calls
from gradbook.audit.step.tested_step import ClaimVerdict, StepUnderTest
from gradbook.audit.training.claims import Claim, first_claims
from gradbook.audit.training.sheet_training import SheetTraining
from gradbook.audit.training.training_steps import (
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
    steps_of,
)
from gradbook.audit.training.weight_columns import said_in
from gradbook.cells.book import show_value
from gradbook.cells.formula.address import Address, by_sheet, sheet_of
from gradbook.cells.formula.expression import Edit, EditKind, SignedTerm, inner, total
from gradbook.cells.formula.expression import terms as split_terms
from gradbook.cells.formula.formula_values import NotUnderstood, TooMuch
from gradbook.cells.formula.syntax import Expression, Infix, Number, Reference
from gradbook.graph.node import Array, Node, ancestors
from gradbook.language import mark
from gradbook.language.message import Message, WrittenNumber, enumerated

# Losses that no cell contains --------------------------------------------------------

MOST_ERRORS = 2_000  # errors in one step
MOST_KINDS = 4  # kinds of formulas with errors that are tried separately

PlacedError = tuple[Address, OutputError]


def assumed_losses(
    training: SheetTraining, claimed: Sequence[Sequence[Claim]]
) -> Iterator[StepLoss]:
    """Losses that may have the errors in some claims as slopes, the usual ones first: for all
    errors, and for those in formulas of one kind.

    An error is the difference of something that depends on the weights and something that doesn't.
    """
    places = _errors_behind(training, claimed)
    kinds: defaultdict[str, list[PlacedError]] = defaultdict(list)
    for place in places:
        kinds[place[1].pattern.shape].append(place)
    some = list(kinds.values())[:MOST_KINDS] if len(kinds) > 1 else []
    for group in [places, *some] if 0 < len(places) <= MOST_ERRORS else []:
        cells, errors = zip(*group, strict=True)
        yield from (StepLoss(cells, kind, errors) for kind in AssumedLoss)


def _errors_behind(
    training: SheetTraining, claimed: Sequence[Sequence[Claim]]
) -> list[PlacedError]:
    owners = dict.fromkeys(claim.owner for options in claimed for claim in options)
    behind = training.flow.behind(owners, training.weight_cells, training.plain).union(owners)
    return list(_errors_in(training, sorted(behind & training.varying)))


def _errors_in(training: SheetTraining, cells: Iterable[Address]) -> Iterator[PlacedError]:
    for cell in cells:
        expression = said_in(training.book, cell)
        for written_sum in _sums(expression) if expression else ():
            error = _error(training, cell, written_sum)
            if error is not None:
                yield cell, error


def is_error(training: SheetTraining, cell: Address) -> bool:
    """Whether a cell contains an output minus its target, which has no minimum to descend to."""
    plain = training.flow.plain(cell)
    said = said_in(training.book, plain)
    if not isinstance(said, Infix) or said.operator not in "+-":
        return False
    return _error(training, plain, next(_sums(said))) is not None


def _sums(expression: Expression) -> Iterator[list[SignedTerm]]:
    """Every sum in an expression as it is written: a part in parentheses is one term, and then a
    sum of its own."""
    waiting = [expression]
    while waiting:
        part, added = waiting.pop(), list[SignedTerm]()
        while isinstance(part, Infix) and part.operator in "+-":
            added.insert(0, (1 if part.operator == "+" else -1, part.right))
            part = part.left
        if added:
            yield [(1, part), *added]
        inside = [part, *(term for _, term in added)] if added else inner(part)
        waiting += reversed(inside)


def _error(
    training: SheetTraining, cell: Address, terms: Sequence[SignedTerm]
) -> OutputError | None:
    """A sum as an output minus a target, or the reverse; None if it isn't one."""
    sides: dict[bool, list[SignedTerm]] = {True: [], False: []}  # variable terms, and constant ones
    for sign, part in terms:
        is_sum = isinstance(part, Infix) and part.operator in "+-"
        own = split_terms(part) if is_sum else [(sign, part)]
        kinds = {training.varies(inside, cell) for _, inside in own}
        if len(kinds) == 1:
            sides[kinds.pop()].append((sign, part))
    output, target = sides[True], sides[False]
    signs = {*(sign for sign, _ in output), *(-sign for sign, _ in target)}
    if len(signs) != 1 or not output or all(isinstance(part, Number) for _, part in target):
        return None  # 1 − a isn't an error either
    mentioned = (at for _, part in output for at in training.cells_in(part, cell))
    if any(training.before(cell, at) for at in mentioned):
        return None
    both = (total([(1, part) for _, part in side]) for side in (output, target))
    return OutputError(training.book.patterns[cell], *both)


# Finding the loss ---------------------------------------------------------------------

MOST_TRIED = 8
MOST_TERMS = 4  # terms that a loss omits
MOST_BESIDE = 6  # cells that are tried as such a term
MOST_OF_THEM = 0.6  # the share of right gradients that suffices to recognise a training
SHARE_OF_GRADIENTS = 0.8  # the share of right gradients with which the others are certainly wrong

BUT_FOR_DECAY = 0.99  # of a claim
HALF = 0.5
FEW_SCALED = 2  # claims with the same setting as a factor
AT_A_ROOT = 0.1  # relative to the initial value: a smaller last one is about 0
ENOUGH_SCALED = 0.7  # the share of right gradients that a scaled loss needs
LIKE = 0.5  # the share of numbers that gradients and loss have in common, if it explains none
LIKELIER = 0.1  # how much another loss must exceed that share

LossShare = tuple[float, StepLoss]  # the share of the claims that are its gradients


def find_loss(training: SheetTraining) -> tuple[list[StepLoss | None], float]:
    """The loss of each step, and the share of the claims that are its gradients; no losses if
    nothing is minimised. If there may be a loss, but one that is too large or isn't understood,
    that error is raised."""
    start = tuple(weight.start for weight in training.weights)
    tested = StepUnderTest.of(training, [SheetStep(0, start, StepLoss(()), ())])
    search = LossSearch(tested, first_claims(training))
    share, loss = search.likeliest()
    if share <= 0 and not loss.assumption:
        for value, slope in search.values_for_slopes():
            if set(loss.cells) <= {slope}:
                last = value + (training.steps - 1) * training.weights[0].stride
                match training.book.values.get(value), training.book.values.get(last):
                    case float(first), float(end) if abs(end) < AT_A_ROOT * abs(first):
                        return [], 0.0  # its root is sought
                return every_step(training, StepLoss((value,))), 0.0
        if not loss.cells or not _is_plausible(tested.with_loss(loss)):
            too_much = [error for error in search.unclear if isinstance(error, TooMuch)]
            if too_much or (search.unclear and speaks_of_learning(training)):
                raise (too_much or search.unclear)[0]
            return [], 0.0
    return every_step(training, search.as_descended(loss)), share


def as_descended(training: SheetTraining, loss: StepLoss) -> list[StepLoss | None]:
    """A known loss of each step, with the other sign if it is to be maximised."""
    start = tuple(weight.start for weight in training.weights)
    tested = StepUnderTest.of(training, [SheetStep(0, start, loss, ())])
    search = LossSearch(tested, first_claims(training))
    return every_step(training, search.as_descended(replace(loss, scale=abs(loss.scale))))


@dataclass(frozen=True)
class LossSearch:
    """Compares losses with the gradients that the first step claims."""

    tested: StepUnderTest
    claimed: Sequence[Sequence[Claim]]
    unclear: list[NotUnderstood] = field(default_factory=list)  # why losses can't be judged

    @property
    def training(self) -> SheetTraining:
        return self.tested.training

    @cached_property
    def tried(self) -> list[Address]:
        """The cells that may be the loss, the likeliest first."""
        return candidates(self.training)[:MOST_TRIED]

    def counting(self, tested: StepUnderTest) -> int:
        """The number of weights whose gradients give information about a loss: not those that this
        step rightly leaves as they are."""
        return sum(
            not weight.stray
            and not (tested.has_no_influence(j) and tested.best(j, said)[0] is ClaimVerdict.RIGHT)
            for j, (weight, said) in enumerate(
                zip(self.training.weights, self.claimed, strict=True)
            )
        )

    def likeliest(self) -> LossShare:
        """The loss that most claims are gradients of."""
        found = self._single()
        for _ in range(MOST_TERMS if found[1].cells and not self._suffices(found[0]) else 0):
            other = self._with_another(found)
            if other[0] <= found[0]:
                break
            found = other
        is_part = 0 < found[0] < 1 or self._is_output(found)
        whole = self._complete_loss(found) if is_part else None
        if whole is not None or found[0] > SHARE_OF_GRADIENTS:
            return whole or found
        return self._of_another_kind(found)

    def share(self, loss: StepLoss) -> float:
        """The share of the claims that a loss explains; reasons why that is unknown are
        collected."""
        tested = self.tested.with_loss(loss)
        try:
            good = sum(
                self._explained(tested, j, options)
                for j, options in enumerate(self.claimed)
                if not tested.has_no_influence(j)
            )
        except NotUnderstood as error:
            if not loss.assumption:
                self.unclear.append(error)
            return -0.5
        return good / max(self.counting(tested), 1)

    def _explained(self, tested: StepUnderTest, weight: int, options: Sequence[Claim]) -> float:
        """1 for an explained claim; less if what it leaves may be the slope of a penalty."""
        whole = [claim for claim in options if not claim.leaves_decay]
        if _is_explained(tested, weight, whole):
            return 1
        return BUT_FOR_DECAY * _is_explained(tested, weight, options)

    def _suffices(self, share: float) -> bool:
        """Whether no better loss is to be expected, unless a claim may have the slope of a penalty
        beside it."""
        claims = (claim for options in self.claimed for claim in options)
        is_clear = share == 1 or not any(claim.leaves_decay for claim in claims)
        return share > SHARE_OF_GRADIENTS and is_clear

    def _single(self) -> LossShare:
        """The single cell that explains most claims; parts of a loss are unlikely candidates."""
        best: LossShare = (-1.0, StepLoss(()))
        inside: set[Address] = set()
        for cell in self.tried:
            share = self.share(StepLoss((cell,)))
            if share > (2 * best[0] if best[0] > 0 and cell in inside else best[0]):
                best = share, StepLoss((cell,))
                inside = inside_of(self.training, cell)
            if self._suffices(share):
                break
        return best

    def _with_another(self, found: LossShare) -> LossShare:
        """The loss with a missing term added, if that explains more claims."""
        cells, training = found[1].cells, self.training
        inside = inside_of(training, cells[0]).union(cells)
        beside = (c for c in self.tried if c not in inside)
        beside = (c for c in beside if cells[0] not in inside_of(training, c))
        both = [StepLoss((*cells, cell)) for cell in beside][:MOST_BESIDE]
        alike = self._alike(cells[0])  # rows below each other may have separate losses
        both += [StepLoss(tuple(alike))] if len(alike) > 1 else []
        return _most((self.share(loss), loss) for loss in both)

    def _alike(self, cell: Address) -> list[Address]:
        """The cells of its step with formulas like this one that no formula uses."""
        flow, weights = self.training.flow, self.training.weights
        patterns = self.training.book.patterns
        formulas = flow.below([weight.start for weight in weights], self.training.weight_cells)
        alike = (c for c in formulas if patterns[c].shape == patterns[cell].shape)
        return sorted(c for c in alike if not flow.users.get(c))

    def _complete_loss(self, found: LossShare) -> LossShare | None:
        """The cell labelled as the loss, if the likeliest is only a part of it and more claims are
        its gradients or differ only by an omission from the chain rule: if all gradients omit one
        output's error, the other error seems to be the loss."""
        cells, is_output = set(found[1].cells), self._is_output(found)
        node = self.tested.graph.node(*cells) if is_output else None
        # such as a sigmoid, whatever the weights are
        is_bounded = node is not None and bool(np.all(np.abs(self.tested.random.of(node)) <= 1))
        for cell in self.tried:
            is_likely = is_bounded or called_a_loss(self.training, cell)
            if not is_likely or not cells <= inside_of(self.training, cell):
                continue
            right, lacking, tested = 0, 0, self.tested.with_loss(StepLoss((cell,)))
            with suppress(NotUnderstood):
                for j, options in enumerate(self.claimed):
                    if options and not tested.has_no_influence(j):
                        verdict = tested.best(j, options)[0]
                        right += verdict <= ClaimVerdict.RIGHT_HERE
                        lacking += verdict is ClaimVerdict.WRONG and any(
                            tested.left_out(option, j) for option in options
                        )
                if is_output and lacking == self.counting(tested):
                    return found[0], tested.step.loss
                counting = max(self.counting(tested), 1)
                if right > 0 and (right + lacking) / counting > found[0]:
                    return right / counting, tested.step.loss
        return None

    def _is_output(self, found: LossShare) -> bool:
        """Whether a value that seems to be the loss is one that another cell compares with its
        target: then all gradients omit the error."""
        training, (cell, *others) = self.training, found[1].cells or (None,)
        errors = _errors_in(training, training.flow.users.get(cell, ()) if cell else ())
        return not others and any(cell == training.cell_of(e.output, at) for at, e in errors)

    def values_for_slopes(self) -> Iterator[tuple[Address, Address]]:
        """The values by which weights are updated, with unused cells that contain the slopes of
        those values."""
        training, row = self.training, self.tested.positions.row
        formulas = sorted(training.computed_cells & training.book.patterns.keys())
        unused = [cell for cell in formulas if not training.flow.users.get(cell)]
        for j, options in enumerate(self.claimed):
            for owner in {claim.owner for claim in options if claim.whole}:
                descended = self.tested.with_loss(StepLoss((owner,)))
                with suppress(NotUnderstood):
                    for cell in (cell for cell in unused if row(cell) == row(owner)):
                        if descended.same(descended.graph.node(cell), descended.gradients[j]):
                            yield owner, cell

    # Losses of another kind ------------------------------------------------------------------

    def _of_another_kind(self, found: LossShare) -> LossShare:
        """A loss that differs from the claims by one factor, or one that no cell contains, if
        either explains more claims; if nothing explains any, the loss that depends on the same
        numbers as the claims."""
        training = self.training
        cells = [StepLoss((cell,)) for cell in self.tried]
        best = _most(map(self._scaled, cells))
        if best[0] > found[0] and (best[0] >= ENOUGH_SCALED or _differs_in_scale(best)):
            return best
        known = found[0] > 0 and all(
            called_a_loss(training, cell) and not is_error(training, cell)
            for cell in found[1].cells
        )
        if known or not speaks_of_learning(training):
            return found if found[0] > 0 else (found[0], self._scaled(found[1])[1])
        called = [cell for cell in self.tried if called_a_loss(training, cell)]
        parts = set().union(*(inside_of(training, cell) - {cell} for cell in called))
        named = [StepLoss((cell,)) for cell in called if cell not in parts]
        descended = [
            loss  # neither a figure for information, nor an error, which has no minimum
            for loss in named or [found[1]]
            if not any(is_root(training, c) or is_error(training, c) for c in loss.cells)
        ]
        likeliest = _most((self._likeness(loss), loss) for loss in descended)
        if found[0] <= 0 and likeliest[0] >= LIKE and likeliest[1] in named:
            return 0.0, self._scaled(likeliest[1])[1]
        every = assumed_losses(training, self.claimed)
        assumed = [loss for loss in every if not _is_controller(training, loss)]
        best = _most([*((self.share(loss), loss) for loss in assumed), *map(self._scaled, assumed)])
        if best[0] >= ENOUGH_SCALED or found[0] > 0 or _differs_in_scale(best):
            return _most([found, best])
        other = _most((self._likeness(loss), loss) for loss in assumed)
        if other[0] > likeliest[0] + LIKELIER and not _targets_its_inputs(training, other[1]):
            return 0.0, other[1]
        return (0.0, self._scaled(likeliest[1])[1]) if descended else found

    # Losses that are climbed -----------------------------------------------------------------

    def as_descended(self, loss: StepLoss) -> StepLoss:
        """The loss with the other sign if it is to be maximised. Its heading alone doesn't decide:
        a negative likelihood is descended, and a sum of logarithms without a loss's name is
        climbed if it has a highest value and no fewer weights go up than down."""
        tested, called = self.tested.with_loss(loss), [*map(self.training.label, loss.cells)]
        is_named = is_maximised(self.training, loss.cells)
        if loss.assumption or (not is_named and any(calls(LOSS, said) for said in called)):
            return loss
        ways = [tested.best(j, options) for j, options in enumerate(self.claimed)]
        up = [claim for verdict, claim in ways if verdict is ClaimVerdict.OPPOSITE]
        down = [claim for verdict, claim in ways if verdict <= ClaimVerdict.RIGHT_HERE]
        is_peak, goes_up = has_peak(tested), len(up) >= len(down)
        if is_named:
            is_climbed = is_peak or goes_up
        else:
            adding = sum(claim is not None and claim.sign < 0 for claim in up)
            is_climbed = is_peak and goes_up and 2 * adding > len(up)
        return replace(loss, scale=-loss.scale) if is_climbed else loss

    def _scaled(self, loss: StepLoss) -> LossShare:
        """The loss with the factor between it and most of the claims, and the share of those that
        have its sign, too."""
        if not loss.cells:
            return -1.0, loss
        tested = self.tested.with_loss(loss)
        sizes: Counter[Scale] = Counter()
        positive: Counter[Scale] = Counter()
        try:
            for j, options in enumerate(self.claimed):
                if not tested.has_no_influence(j):
                    ratios = _ratios(tested, j, options)
                    unsigned = dict.fromkeys((abs(r), at, divides) for r, at, divides in ratios)
                    sizes.update(unsigned.keys())
                    positive.update(ratio for ratio in ratios if ratio[0] > 0)
        except NotUnderstood:
            return -1.0, loss
        often = (positive, sizes)
        known = [x for x in sizes if x[1] is None or sizes[x] >= FEW_SCALED]
        best = max(known, key=lambda x: [some[x] for some in often], default=(1.0, None, False))
        factor, setting, divides = best
        is_clear = positive[best] or 2 * sizes[best] > max(self.counting(tested), FEW_SCALED)
        other = replace(loss, scale=factor, setting=setting, divides=divides)
        return positive[best] / max(self.counting(tested), 1), other if is_clear else loss

    def _likeness(self, loss: StepLoss) -> float:
        """The degree to which claims and gradients of the loss use the same numbers."""
        tested, leaves = self.tested.with_loss(loss), self.tested.graph.leaf_cells

        def counted(node: Node) -> set[Address]:
            return {leaves[part] for part in ancestors([node]) if part in leaves}

        found = []
        try:
            for j, options in enumerate(self.claimed if loss.cells else ()):
                true = counted(tested.gradients[j])
                both = [(counted(tested.claim_node(claim)), true) for claim in options]
                found.append(max((len(a & b) / len(a | b) for a, b in both if a | b), default=0.0))
        except NotUnderstood:
            return -1.0
        return sum(found) / len(found) if found else -1.0


def _most(found: Iterable[LossShare]) -> LossShare:
    return max(found, default=(-1.0, StepLoss(())), key=itemgetter(0))


def _is_explained(tested: StepUnderTest, weight: int, options: Sequence[Claim]) -> bool:
    """Whether a claim is the gradient of the loss; not if both are 0 in the sheet only, as with an
    input of 0."""
    verdict = tested.best(weight, options)[0]
    if verdict is ClaimVerdict.RIGHT_HERE:
        return bool(np.any(tested.constants.of(tested.gradients[weight]) != 0))
    return verdict is not ClaimVerdict.WRONG


Scale = tuple[float, Address | None, bool]  # a number, and a setting that multiplies or divides it


def _ratios(tested: StepUnderTest, weight: int, options: Sequence[Claim]) -> list[Scale]:
    """The constant ratios of a weight's claims to its gradient, that of the likeliest claim first;
    a ratio may contain a setting that all steps share, such as a temperature."""
    found: dict[Scale, None] = {}
    slope, leaf = tested.gradients[weight], tested.random.leaf
    for claim in options:
        with suppress(NotUnderstood):
            claimed, true = (tested.random.of(x) for x in (tested.claim_node(claim), slope))
            plain: tuple[Address | None, bool] = None, False
            ratios = {plain: constant_ratio(claimed, true)}
            for cell in _settings(tested, slope) if not any(ratios.values()) else ():
                ratios[cell, False] = constant_ratio(claimed, true * leaf(cell), ENOUGH_POINTS)
                ratios[cell, True] = constant_ratio(claimed * leaf(cell), true, ENOUGH_POINTS)
            for setting, ratio in ratios.items():
                if ratio:
                    size = float(_fraction(abs(ratio)) or f"{abs(ratio):.11g}")
                    found[size if ratio > 0 else -size, *setting] = None
    return list(found)


def _settings(tested: StepUnderTest, slope: Node) -> list[Address]:
    """The typed numbers in a slope that the formulas of every step use."""
    training, leaves = tested.training, tested.graph.leaf_cells
    cells = (leaves[node] for node in ancestors([slope]) if node in leaves)
    users, fixed = training.flow.users, training.book.values.keys() - training.book.patterns.keys()
    return [c for c in cells if c in fixed - training.varying and len(users[c]) >= training.steps]


def _differs_in_scale(found: LossShare) -> bool:
    """Whether half of the claims are gradients of a loss with a factor by which losses usually
    differ: 2, or 1 divided by a count."""
    share, scale = found[0], found[1].scale
    return share >= HALF and (scale == 2 or (scale < 1 and (1 / scale).is_integer()))


def _targets_its_inputs(training: SheetTraining, loss: StepLoss) -> bool:
    """Whether the outputs of an assumed loss are computed from their own targets, as in Oja's rule,
    which subtracts from an input its part in the output."""
    outputs, targets = set[Address](), set[Address]()
    for cell, error in zip(loss.cells, loss.errors, strict=True):
        outputs.update(training.cells_in(error.output, cell, error.pattern))
        targets.update(training.cells_in(error.target, cell, error.pattern))
    return not targets.isdisjoint(training.flow.behind(outputs, training.weight_cells))


def _is_controller(training: SheetTraining, loss: StepLoss) -> bool:
    """Whether the outputs of an assumed loss are weights themselves, without any sign of learning:
    a controller also has an error by which it keeps a measured value at a level, and a single step
    is a mean of two numbers."""
    places = zip(loss.cells, loss.errors, strict=True)
    outputs = (training.cell_of(error.output, cell) for cell, error in places)
    learns = training.steps > 1 and speaks_of_learning(training, by_errors=False)
    return all(cell in training.weight_cells for cell in outputs) and not learns


def _is_plausible(tested: StepUnderTest) -> bool:
    """Whether a loss that explains no claim is plausible: with a loss's label it must not be
    linear, without one not linear in the weights; a blank on its path excuses both."""
    training, loss = tested.training, tested.step.loss.cells
    is_named = any(called_a_loss(training, cell) for cell in loss)
    if training.rate is None and not is_named:
        return False
    if any(is_cut(training, cell) for cell in loss):
        return True
    numbers = tested.random if is_named else tested.constants  # in these only the weights vary
    try:
        slopes = [numbers.of(node) for node in tested.gradients.values()]
    except NotUnderstood:
        return False
    finite = [slope[np.isfinite(slope)] for slope in slopes]
    return any(np.ptp(slope) > 0 for slope in finite if slope.size > 1)


def has_peak(tested: StepUnderTest) -> bool:
    """Whether a loss has a highest value rather than a lowest one, with the sheet's own samples: it
    is never above 0, or it is concave in the weights, and not the reverse."""
    known, weights = tested.constants, tested.training.weight_cells

    def halfway(cell: Address) -> Array:
        here = known.leaf(cell)
        return (here + np.roll(here, 1)) / 2 if cell in weights else here

    try:
        values = np.broadcast_to(known.of(tested.loss), POINTS)
        between = Numbers(halfway, tested.graph.leaf_cells).of(tested.loss)
    except NotUnderstood:
        return False
    above = between - (values + np.roll(values, 1)) / 2
    values, above = values[np.isfinite(values)], above[np.isfinite(above)]
    is_peak, is_valley = (
        bool(values.size) and bool(np.all(sign * values <= 0) or np.all(sign * above >= 0))
        for sign in (1, -1)
    )
    return is_peak and not is_valley


def every_step(training: SheetTraining, loss: StepLoss) -> list[StepLoss | None]:
    """The loss of each step: at the stride of the weights, or of its own formulas."""
    strides = [_stride(training, cell) for cell in loss.cells]
    computed = training.book.patterns.keys()
    each: list[StepLoss | None] = [loss]
    for k in range(1, training.steps + 1):
        cells = tuple(c + k * stride for c, stride in zip(loss.cells, strides, strict=True))
        there = loss.at(cells) if computed >= set(cells) else None
        if there and there.assumption:  # with the errors in the formulas of its own step
            places = list(_errors_in(training, dict.fromkeys(there.cells)))
            cells, errors = zip(*places, strict=True) if places else ((), ())
            there = replace(there, cells=cells, errors=errors)
        each.append(there)
    return each


def _stride(training: SheetTraining, cell: Address) -> int:
    usual = training.weights[0].stride
    if sheet_of(cell) == training.sheet:
        return usual
    shape = training.book.patterns[cell].shape
    second = [weight.cells[1] for weight in training.weights]
    same = [
        other
        for other, pattern in training.book.patterns.items()
        if other > cell and sheet_of(other) == sheet_of(cell) and pattern.shape == shape
    ]
    below = training.flow.below(second, training.weight_cells)
    return min((other - cell for other in same if other in below), default=usual)


# Notes on the loss ---------------------------------------------------------------------

MOST_NAMED = 3  # errors of an assumed loss
LARGEST_COUNT = 100_000  # samples in a mean
USUAL_COUNT = 1_000  # the numerator of such a factor

OF_ALL_RIGHT = mark(
    "every gradient is {factor} times the slope of {loss}: a factor that all share only changes "
    "the learning rate, and is no mistake"
)
COMPARED = mark(
    "the gradients were compared with {factor} times the slope of {loss}: a factor that all share "
    "only changes the learning rate, and is no mistake"
)


def loss_notes(training: SheetTraining, loss: StepLoss, all_right: bool) -> Iterator[str]:
    """Notes on the loss with which the gradients were compared."""
    called = name_of_loss(training, loss)
    if loss.assumption:
        yield Message(
            "no cell contains the loss; the gradients were compared with {loss}", loss=called
        )
    elif loss.is_climbed:
        yield Message("the updates add the gradients, so they maximise {loss}", loss=called)
    elif loss.scale != 1 or loss.setting is not None:
        factor = loss.scale * _setting_of(training, loss)
        yield Message(OF_ALL_RIGHT if all_right else COMPARED, factor=_shown(factor), loss=called)


def name_of_loss(training: SheetTraining, loss: StepLoss) -> str:
    """The loss in terms of the sheet's cells."""
    book, start = training.book, training.weights[0].start
    if not loss.assumption:
        shown = loss.cells[: 1 + MOST_TERMS]
        more = "+…" if len(loss.cells) > len(shown) else ""
        return "+".join(book.name_of(cell, start) for cell in shown) + more
    squared = loss.assumption is AssumedLoss.SQUARED
    errors = dict.fromkeys(error.square if squared else str(error) for error in loss.errors)
    more = " + …" if len(errors) > MOST_NAMED else ""
    terms: str = " + ".join(list(errors)[:MOST_NAMED]) + more
    if not squared:
        terms = Message("the {loss} of {terms}", loss=loss.assumption.value, terms=terms)
    factor = loss.scale * _setting_of(training, loss) / (2 if squared else 1)
    if factor == 1:
        return terms
    return Message(
        "{factor} * ({terms})" if len(errors) > 1 else "{factor} * {terms}",
        factor=_shown(factor),
        terms=terms,
    )


def _setting_of(training: SheetTraining, loss: StepLoss) -> float:
    """The number by which a setting multiplies a loss."""
    value = training.book.values.get(loss.setting) if loss.setting is not None else 1.0
    number = value if isinstance(value, float) and value else 1.0
    return 1 / number if loss.divides else number


def _shown(factor: float) -> str:
    """A factor as people write it: 1/30 rather than 0.0333."""
    share = _fraction(factor)
    return WrittenNumber(show_value(factor)) if share is None else str(share)


def _fraction(factor: float) -> Fraction | None:
    """A factor as a fraction of whole numbers with a realistic denominator, or None."""
    share = Fraction(factor).limit_denominator(LARGEST_COUNT)
    is_usual = min(share.numerator, share.denominator) <= USUAL_COUNT
    return share if is_usual and abs(share - factor) < 1e-9 * factor else None


# A loss without one of its terms -------------------------------------------------------


def loss_findings(training: SheetTraining, loss: Sequence[StepLoss | None]) -> list[Finding]:
    """Findings for a loss that omits a term, although the gradients include it."""
    first = loss[0]
    if first is None or first.assumption or len(first.cells) < 2:
        return []
    own, book = first.cells, training.book
    lacking = _lacking(training, own)
    if lacking is not None:
        base = own[0]
        left_out = [term for term in own if term not in training.flow.sources(lacking)]
        words = [book.name_of(term, lacking) for term in own]
    else:
        totals = [(cell, _total(training, cell)) for cell in own]
        base, total = next((both for both in totals if both[1] is not None), (own[0], None))
        if total is None and len({book.patterns[c].shape for c in own}) == 1:
            return []  # the errors are side by side, and nothing adds them up
        lacking = base if total is None else total
        left_out = [term for term in own if term != base]
        words = [book.patterns[lacking].text_at(lacking)]
        words += [book.name_of(term, lacking) for term in left_out]
    place, quantity = own.index(base), training.name_of(lacking)
    names = list(map(training.name_of, left_out))
    why = Message(
        "the loss omits {terms}, which the gradients rightly include", terms=enumerated(names)
    )
    right = book.reader.read_typed("+".join(words), lacking)
    edits = [Edit(EditKind.TERM, (), Reference(quantity), Reference(name)) for name in names]
    wrong = [step.cells[place] + lacking - base for step in loss if step]
    return [
        finding_in(book, cells, "loss without a term", quantity, why, right=right, edits=edits)
        for cells in by_sheet(wrong)
    ]


def _lacking(training: SheetTraining, own: Sequence[Address]) -> Address | None:
    """A cell labelled as the loss that adds up only some of its terms."""
    sources, users = training.flow.sources, training.flow.users
    for user in dict.fromkeys(user for term in own for user in users.get(term, ())):
        is_part = len(sources(user)) > 1 and set(sources(user)) < set(own)
        if is_part and called_a_loss(training, user):
            return user
    return None


def _total(training: SheetTraining, cell: Address) -> Address | None:
    """A cell of the first step that repeats this one and is the loss, by its label or because
    nothing else uses it."""
    users, weight_cells = training.flow.users, training.weight_cells
    using = users.get(cell, ())
    repeating = [user for user in using if training.flow.plain(user, weight_cells) == cell]
    named = [user for user in repeating if calls(LOSS, training.label(user))]
    unused = [user for user in repeating if not users.get(user)]
    return next(iter([*named, *unused]), None)


# A term unlike the others ----------------------------------------------------------------


def wrong_terms(training: SheetTraining, loss: Sequence[StepLoss | None]) -> list[Finding]:
    """Findings for a term of a loss that doesn't compare its output with its target as another term
    does: with that one's formula every gradient is right."""
    steps, book, sources = steps_of(training, loss), training.book, training.flow.sources
    if not steps or steps[0].loss.assumption:
        return []
    tested = StepUnderTest.of(training, steps[:1])
    if is_right(tested, ClaimVerdict.RIGHT):
        return []
    terms = [
        cell
        for cell in dict.fromkeys(chain(steps[0].loss.cells, *map(sources, steps[0].loss.cells)))
        if cell in book.patterns and sheet_of(cell) == training.sheet
    ]
    places = _errors_behind(training, steps[0].claims)
    sides = ((training.cell_of(e.output, at), training.cell_of(e.target, at)) for at, e in places)
    pairs = {(output, target) for output, target in sides if output and target}
    counted = {cell: pairs & set(product(sources(cell), repeat=2)) for cell in terms}
    for cell, other in permutations(terms if len(pairs) <= MOST_TERMS else (), 2):
        lacking = pairs.difference(*(counted[term] for term in terms if term != cell))
        if len(counted[other]) != 1 or len(lacking) != 1 or counted[cell] == lacking:
            continue
        (theirs,), (own,) = counted[other], lacking
        right = book.renamed(other, cell, dict(zip(theirs, own, strict=True)))
        if right is None or not is_right(tested.with_formulas({cell: right}), ClaimVerdict.RIGHT):
            continue
        there = (step.loss.cells[0] + cell - steps[0].loss.cells[0] for step in steps)
        cells = [at for at in there if book.patterns.get(at) is book.patterns[cell]]
        why = Message(
            "the gradients are right, but they aren't the slopes of {term}: it should compare "
            "{output} with {target}, as {other} does with its own",
            term=training.name_of(cell),
            output=training.name_of(own[0]),
            target=training.name_of(own[1]),
            other=training.name_of(other),
        )
        is_alike = right.shape == book.patterns[cell].shape
        kind = EditKind.REFERENCE if is_alike else EditKind.FORMULA
        return [
            finding_in(book, some, kind.value, training.name_of(cell), why, right=right)
            for some in by_sheet(cells)
        ]
    return []


def is_right(tested: StepUnderTest, verdict: ClaimVerdict = ClaimVerdict.RIGHT_HERE) -> bool:
    """Whether every claim is the gradient, at least for the sheet's own inputs and targets unless
    `verdict` is stricter."""
    claims = [(weight, options) for weight, options in enumerate(tested.step.claims) if options]
    with suppress(NotUnderstood):
        verdicts = [tested.best(weight, options)[0] for weight, options in claims]
        return bool(verdicts) and max(verdicts) <= verdict
    return False
