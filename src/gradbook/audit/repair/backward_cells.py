"""Holds each cell of a backward pass against the slope of the loss that belongs there.

What a cell should be follows from what is made of it, not from its own formula. If every gradient
changes with a cell as it would change with ∂loss/∂h, the cell is meant to be ∂loss/∂h: both are
worked out at random points, for all gradients at once. A wrong cell that is computed from right
ones is the mistake, so nothing needs to be searched for its place.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from gradbook.audit.formulas.points import ENOUGH_POINTS, POINTS, agree, constant_ratio
from gradbook.audit.repair.repaired_step import could_be_named
from gradbook.audit.repair.symptoms import Symptoms
from gradbook.audit.repair.wrong_formula import (
    WrongFormula,
    few_differences,
    one_edit,
    restore,
    two_edits,
    written_anew,
)
from gradbook.audit.search.hypotheses import Cause, Hypothesis
from gradbook.audit.step.omissions import Chain, Omissions
from gradbook.audit.step.tested_step import StepUnderTest
from gradbook.cells.budget import spend
from gradbook.cells.formula.address import Address
from gradbook.cells.formula.expression import EditKind, parts
from gradbook.cells.formula.formula_values import NotUnderstood
from gradbook.cells.formula.pattern import RangeReference
from gradbook.cells.formula.syntax import Infix, write
from gradbook.graph.chain import gradients
from gradbook.graph.node import Array, Node, ancestors

MOST_CELLS = 400  # of a backward pass
PARALLEL = 1e-11  # how far the cosine of proportional values may be from 1
MOST_ROOTS = 24
MOST_UNITS = 3  # wrong cells: more isn't a mistake of theirs
EXACT = 1e-9  # how near a factor is to a whole number if it is one
ADDED = EditKind.FACTOR, EditKind.TERM, EditKind.FORMULA


class PlaceKind(Enum):
    WHOLE = "the slope of the loss by the value"
    SHARE = "the part of it through one of several users"
    LOCAL = "the slope of a user by the value"


@dataclass(frozen=True)
class SlopePlace:
    """A value on the way to the loss, or one of its users: what a backward cell may be about."""

    of: Node  # the value
    users: tuple[Node, ...]  # through which the slope goes
    kind: PlaceKind
    effect: Array  # what a change of the value is for a change of each weight: (weights, points)
    slope: Array

    @property
    def is_share(self) -> bool:
        return self.kind is PlaceKind.SHARE


Purpose = tuple[SlopePlace, float]  # a cell should be this multiple of the slope
Options = Mapping[Address, Sequence[Purpose]]


@dataclass(frozen=True)
class MeantCell:
    """A backward cell, and what it should be."""

    cell: Address
    place: SlopePlace
    factor: float  # it is this multiple of the slope
    weights: frozenset[int]  # whose gradients are made of it
    is_right: bool


class RightCells(NamedTuple):
    """A hypothesis for the same cell of all samples."""

    hypothesis: Hypothesis
    is_of_one_weight: bool
    stays_like_others: bool


def cells_by_their_slopes(symptoms: Symptoms) -> Iterator[Hypothesis]:
    """The wrong cells that are computed from right ones, with their right formulas. Not if a cell
    would no longer look like those beside it, or if only one gradient is made of it: then the loss
    may be at fault; nor if it may be the slope of an activation that was meant."""
    tested = symptoms.under_test
    for found, is_of_one, stays_like in _right_cells(symptoms):
        mentioned = tested.forward.intersection(tested.training.flow.sources(found.home))
        if any(could_be_named(tested, cell) for cell in mentioned):
            continue
        is_sure = len(found.cells) > 1 or _is_of_other_ends(tested, found)
        is_sure = is_sure or any(part.is_link for part in found.missing)
        if stays_like and (is_sure or not is_of_one):
            yield found


def _is_of_other_ends(tested: StepUnderTest, found: Hypothesis) -> bool:
    """Whether a range only begins or ends elsewhere."""
    (edit, *_), training = found.edits, tested.training
    if edit.kind is not EditKind.RANGE:
        return False
    read = training.book.reader.read_typed
    both = (read(write(part), found.home).places for part in (edit.old, edit.new))
    old, new = (set(training.flow.mentioned_cells(places, found.home)) for places in both)
    return not old.isdisjoint(new)


def cells_unlike_others(symptoms: Symptoms) -> Iterator[Hypothesis]:
    """The same, however the cells look, and cells that one gradient is made of."""
    owners = {claim.owner for claim in symptoms.claims.values()}
    for found, is_of_one, _ in _right_cells(symptoms):
        if not is_of_one or owners.isdisjoint(found.cells):
            yield found


def _right_cells(symptoms: Symptoms) -> Sequence[RightCells]:
    backward = backward_pass(symptoms)
    return () if backward is None else backward.right_cells


_PASSES: WeakKeyDictionary[Symptoms, BackwardCells | None] = WeakKeyDictionary()


def backward_pass(symptoms: Symptoms) -> BackwardCells | None:
    """The backward pass of a step; None if it is too large or its loss too winding."""
    if symptoms not in _PASSES:
        _PASSES[symptoms] = BackwardCells.of(symptoms)
    return _PASSES[symptoms]


@dataclass(frozen=True, eq=False)
class BackwardCells:
    """The cells that gradients are computed from, each with what it should be."""

    under_test: StepUnderTest  # with a node of its own for each of these cells
    chain: Chain[Node]
    tops: Mapping[int, Node]  # the claimed gradients
    wrong: frozenset[int]  # the weights for which they are wrong
    nodes: Mapping[Address, Node]

    @classmethod
    def of(cls, symptoms: Symptoms) -> BackwardCells | None:
        """Return the backward pass; None if it is too large or its loss too winding."""
        tested, training = symptoms.under_test, symptoms.under_test.training
        tested = replace(tested, takes_own_samples=symptoms.needs_own_samples)
        owners = [claim.owner for claim in symptoms.claims.values()]
        behind = tested.made_of(owners).union(owners) & training.computed_cells
        within = sorted(behind - tested.forward)
        own = (cell for cell in within if not tested.positions.is_of_other_steps(cell))
        formulas = {cell: tested.formula(cell) for cell in own}
        known = {cell: said for cell, said in formulas.items() if said is not None}
        if not known or len(known) > MOST_CELLS:
            return None
        apart = tested.with_formulas(known)
        try:
            tops = {j: apart.claim_node(claim) for j, claim in symptoms.claims.items()}
            nodes = {cell: apart.graph.node(cell) for cell in known}
            chain = apart.chain
        except NotUnderstood:
            return None
        return None if chain is None else cls(apart, chain, tops, frozenset(symptoms.wrong), nodes)

    # How gradients change with cells, and the loss with values ----------------------------

    @cached_property
    def weights(self) -> list[int]:
        return sorted(self.tops)

    @cached_property
    def effects(self) -> dict[Node, Array]:
        """For each backward cell's node, the derivatives of the claimed gradients by it:
        (weights, points)."""
        places = set(self.nodes.values())
        numbers = self.under_test.random
        found: dict[Node, Array] = {}
        shape = len(self.weights), POINTS
        for k, j in enumerate(self.weights):
            found.setdefault(self.tops[j], np.zeros(shape))[k] += 1
        every = places.union(self.tops.values())
        spend(POINTS * len(self.weights), len(every))
        with np.errstate(all="ignore"):
            for node in sorted(every, key=lambda node: -node.index):
                if node not in found:
                    continue
                within = ancestors([node], places - {node})
                sources = [s for s in within if s in places and s is not node]
                slopes = gradients(node, sources, places - {node}) if sources else {}
                for source in sources:
                    share = found[node] * numbers.of(slopes[source])
                    found[source] = found[source] + share if source in found else share
        return found

    @cached_property
    def places(self) -> list[SlopePlace]:
        """The values between the weights and the loss, and their users."""
        chain, step, graph = self.chain, self.under_test.step, self.under_test.graph
        ends = {graph.node(c): k for k, j in enumerate(self.weights) if (c := step.weights[j])}
        derivatives = chain.derivatives([()])
        shape = len(self.weights), POINTS
        effects: dict[Node, Array] = {}
        users: defaultdict[Node, list[Node]] = defaultdict(list)
        spend(POINTS * len(self.weights), len(chain.order))
        with np.errstate(all="ignore"):
            for value in reversed(chain.order):
                effect = np.zeros(shape)
                if value in ends:
                    effect[ends[value]] = 1
                for source, slope in chain.partials.get(value, {}).items():
                    users[source].append(value)
                    effect = effect + effects[source] * slope
                effects[value] = effect
            found: list[SlopePlace] = []
            locals_: list[SlopePlace] = []
            for value in chain.order:
                if value not in derivatives or not np.any(effects[value]):
                    continue
                slope = np.broadcast_to(derivatives[value][0], POINTS)
                around = tuple(users[value])
                found.append(SlopePlace(value, around, PlaceKind.WHOLE, effects[value], slope))
                for user in around:
                    if user not in derivatives:
                        continue
                    by_user, local = derivatives[user][0], chain.partials[user][value]
                    one, near = (user,), np.broadcast_to(local, POINTS)
                    share, beyond = by_user * near, effects[value] * by_user
                    if len(around) > 1:
                        found.append(SlopePlace(value, one, PlaceKind.SHARE, effects[value], share))
                    if np.ptp(near) and np.any(beyond):
                        locals_.append(SlopePlace(value, one, PlaceKind.LOCAL, beyond, near))
        return [*found, *locals_]

    @cached_property
    def owners(self) -> dict[Address, Purpose]:
        """The cells that are gradients as a whole, or their opposites."""
        step, graph = self.under_test.step, self.under_test.graph
        wholes = {p.of: p for p in self.places if p.kind is PlaceKind.WHOLE}
        places = {
            top: wholes.get(graph.node(weight))
            for j, top in self.tops.items()
            if (weight := step.weights[j]) is not None
        }
        signed = ((c, top, sign) for c, n in self.nodes.items() for top, sign in ((n, 1), (-n, -1)))
        return {cell: (place, sign) for cell, top, sign in signed if (place := places.get(top))}

    # What each cell should be ---------------------------------------------------------------

    @cached_property
    def meant(self) -> dict[Address, MeantCell]:
        """The cells whose purpose is known."""
        if not self.places:
            return {}
        table = np.stack([place.effect for place in self.places])
        finite = np.isfinite(table).all(axis=(0, 1))
        if np.count_nonzero(finite) < ENOUGH_POINTS:
            return {}
        table = table[:, :, finite].reshape(len(table), -1)
        table = table / np.sqrt(np.sum(table * table, axis=1, keepdims=True))
        options: dict[Address, list[Purpose]] = {}
        for cell, node in self.nodes.items():
            effect = self.effects.get(node)
            if effect is None or not np.all(np.isfinite(effect[:, finite])) or not np.any(effect):
                continue
            flat = effect[:, finite].ravel()
            size = np.sqrt(np.sum(flat * flat))
            near = np.flatnonzero(np.abs(table @ flat) > size * (1 - PARALLEL))
            purposes: list[Purpose] = []
            for place in (self.places[int(k)] for k in near):
                rows = np.flatnonzero(np.any(place.effect != 0, axis=1))
                factor = _ratio(place.effect[rows], effect[rows])  # how much larger it is
                purposes += [(place, factor)] if factor else []
            options[cell] = purposes
        return dict(self._meant(options))

    def _meant(
        self, options: Mapping[Address, Sequence[Purpose]]
    ) -> Iterator[tuple[Address, MeantCell]]:
        right = self._right(options)
        lone = {c: self._whole_for_lone_share(c, at[0], options) for c, at in right.items()}
        right = {cell: purpose for cell, purpose in right.items() if lone[cell] is None}
        uses = {cell: place.of for cell, (place, _) in right.items()}
        for cell in sorted(self.nodes, key=lambda cell: self.nodes[cell].index):
            known = right.get(cell) or lone.get(cell)
            known = known or self._purpose(cell, options, right, uses)
            if known is None:
                continue
            uses[cell] = known[0].of
            yield cell, MeantCell(cell, *known, self._affected(cell), cell in right)

    def _affected(self, cell: Address) -> frozenset[int]:
        """The weights whose claimed gradients depend on a cell."""
        effect = self.effects.get(self.nodes[cell])
        rows = () if effect is None else np.flatnonzero(np.any(effect != 0, axis=1))
        return frozenset(self.weights[int(k)] for k in rows)

    def _right(self, options: Options) -> dict[Address, Purpose]:
        """The cells that are what they should be, or that are the slope by something, whatever is
        made of them. A gradient isn't right if it is only a share."""
        wholes = [place for place in self.places if place.kind is PlaceKind.WHOLE]
        right: dict[Address, Purpose] = {}
        for cell, node in self.nodes.items():
            has = self.under_test.random.of(node)
            some = [self.owners[cell]] if cell in self.owners else options.get(cell)
            some = some or [(place, _ratio(has, place.slope)) for place in wholes]
            right |= self._fitting(cell, some)
        factors = Counter(factor for cell, (_, factor) in right.items() if cell not in self.owners)
        usual = max(factors, key=lambda factor: factors[factor], default=1)
        for cell in self.nodes.keys() - right.keys() - self.owners.keys():
            if len(self._users(cell)) < 2:  # its user is wrong, which takes it another way
                right |= self._fitting(cell, [(one[0], usual) for one in options.get(cell, ())])
        return right

    def _whole_for_lone_share(
        self, cell: Address, place: SlopePlace, options: Options
    ) -> Purpose | None:
        """The slope by a value, if a cell is only the part of it through one of its users, and no
        other cell is the rest."""
        is_wrong = self._affected(cell) <= self.wrong
        rest = (at for other in options.keys() - {cell} for at, _ in options[other] if at.is_share)
        patterns = self.under_test.training.book.patterns
        users = [patterns[user].expression for user in self._users(cell)]
        inside = [part for said in users if said is not None for part in parts(said)]
        adds = any(isinstance(p, Infix) and p.operator in "+-" for p in inside)  # perhaps the rest
        if not place.is_share or not is_wrong or adds:
            return None
        if any(at.of is place.of and at.users != place.users for at in rest):
            return None
        return next((it for it in options.get(cell, ()) if it[0].kind is PlaceKind.WHOLE), None)

    def _fitting(self, cell: Address, some: Iterable[Purpose]) -> dict[Address, Purpose]:
        has = self.under_test.random.of(self.nodes[cell])
        for place, factor in some:
            if factor and np.ptp(place.slope) and agree(has, factor * place.slope):
                return {cell: (place, factor)}
        return {}

    def _users(self, cell: Address) -> set[Address]:
        return self.nodes.keys() & set(self.under_test.training.flow.users.get(cell, ()))

    def _purpose(
        self,
        cell: Address,
        options: Options,
        right: Mapping[Address, Purpose],
        uses: Mapping[Address, Node],
    ) -> Purpose | None:
        """What a wrong cell should be: the slope by a value, or the part of it through the users
        whose slopes it is computed from, or the part that other cells leave."""
        some = options.get(cell, ())
        if cell in self.owners:
            return self.owners[cell]
        behind = self.under_test.made_of([cell])
        ways = {uses[other] for other in behind & uses.keys()}
        own = [
            one
            for one in some
            if len(one[0].users) == 1
            and one[0].users[0] in ways
            and one[0].kind is not PlaceKind.LOCAL
        ]
        if len(own) == 1:
            return own[0]
        whole = next((one for one in some if not one[0].is_share), None)
        if whole is None or whole[0].kind is PlaceKind.LOCAL:
            return whole
        beside = [
            other
            for other, others in options.items()
            if other not in behind
            and other != cell
            and any(place.of is whole[0].of for place, _ in others)
            and cell not in self.under_test.made_of([other])
        ]
        if not beside or any(not right[c][0].is_share for c in beside if c in right):
            return whole
        taken = {right[other][0].users for other in beside if other in right}
        left = [one for one in some if one[0].is_share and one[0].users not in taken]
        return left[0] if len(left) == 1 else None

    @cached_property
    def roots(self) -> list[MeantCell]:
        """The wrong cells that are computed from none."""
        wrong = {cell: one for cell, one in self.meant.items() if not one.is_right}
        return [
            one
            for cell, one in sorted(wrong.items())
            if wrong.keys().isdisjoint(self.under_test.made_of([cell]) - {cell})
        ]

    @cached_property
    def right_cells(self) -> list[RightCells]:
        """The roots with their right formulas, if they are few."""
        patterns, found = self.under_test.training.book.patterns, []
        units: defaultdict[object, list[MeantCell]] = defaultdict(list)
        for meant in self.roots[:MOST_ROOTS]:
            alone = meant.cell in self.owners and len(meant.weights) == 1
            has_range = any(isinstance(p, RangeReference) for p in patterns[meant.cell].places)
            if has_range or not alone:
                units[meant.weights, patterns[meant.cell].shape].append(meant)
        for first, *others in units.values() if len(units) <= MOST_UNITS else ():
            each = [one for meant in (first, *others) if (one := self.repair(meant)) is not None]
            if each:
                whole = replace(
                    each[0],
                    cause=Cause.COLUMN,
                    cells=tuple(one.home for one in each),
                    formulas=tuple(one.formulas[0] for one in each),
                    explains=first.weights,
                )
                like = self.stays_like_others(first, each[0])
                found.append(RightCells(whole, len(first.weights) == 1, like))
        return found

    # Its right formula ----------------------------------------------------------------------

    def repair(self, meant: MeantCell) -> Hypothesis | None:
        """A cell with its right formula: the smallest change, or what it omits from the chain
        rule."""
        tested, place = self.under_test, meant.place
        target = self._target(meant)
        wrong = WrongFormula.at(tested, meant.cell, target)
        if wrong is None:
            return None
        slight = one_edit(wrong)
        if slight is not None and slight.edits[0].kind not in ADDED:
            return slight
        claimed = np.atleast_1d(tested.random.of(self.nodes[meant.cell])) / meant.factor
        by_way_of = place.users if place.is_share else None
        omissions: Omissions[Node] = ()
        if place.kind is not PlaceKind.LOCAL:
            omissions = self.chain.left_out(place.of, claimed, by_way_of)
        if omissions:
            per = target.graph.constant(1 / meant.factor)
            added = restore(wrong, place.of, omissions, Cause.COLUMN, per)
            if added is not None and (
                slight is None or len(added.formulas[0]) <= len(slight.formulas[0])
            ):
                return added
        return slight or few_differences(wrong) or two_edits(wrong) or written_anew(wrong)

    def stays_like_others(self, meant: MeantCell, found: Hypothesis) -> bool:
        """Whether a cell looks no less like the right ones of its layer, and still depends on the
        weights."""
        book, depths = self.under_test.training.book, self.chain.depths
        inner = self.chain.partials  # the values between, which aren't weights
        after = found.patterns(book)[meant.cell]
        sources = set(self.under_test.training.flow.mentioned_cells(after.places, meant.cell))
        training, forward = self.under_test.training, self.under_test.forward
        gone = set(training.flow.sources(meant.cell)).difference(sources)
        typed = set(map(training.plain, gone)) - forward
        numbers = {c for c in typed if c not in book.patterns and not book.is_blank(c)}
        if training.varying.isdisjoint(sources) or numbers:
            return False  # perhaps the loss should use that number
        beside = [
            book.patterns[cell]
            for cell, other in self.meant.items()
            if other.is_right
            and other.place.kind is meant.place.kind
            and depths[other.place.of] == depths[meant.place.of]
            and (other.place.of in inner) == (meant.place.of in inner)
        ]
        is_usual = any(one.shape == book.patterns[meant.cell].shape for one in beside)
        stays = any(one.makeup == after.makeup for one in beside)
        return (stays or not is_usual) and (stays or found.edits[0].kind is not EditKind.FORMULA)

    def _target(self, meant: MeantCell) -> Node:
        loss, place = self.under_test.loss, meant.place
        found = gradients(loss, [place.of])[place.of]
        if place.kind is not PlaceKind.WHOLE:
            (user,) = place.users
            found = gradients(user, [place.of], self.chain.order)[place.of]
            if place.is_share:
                found = gradients(loss, [user])[user] * found
        return found if meant.factor == 1 else found * meant.factor


def _ratio(a: Array, b: Array) -> float:
    """The constant ratio of two values, as a whole number if it is one; 0 if there isn't any."""
    factor = constant_ratio(a, b, ENOUGH_POINTS)
    return round(factor) if abs(factor - round(factor)) < EXACT else factor
