"""Why a column of an exercise isn't what it should be: the likeliest slip that explains it.

The right formula is known, so the search starts there: one sign, one factor, another weight's
gradient, the chain rule without a path or a slope. Then small edits of the student's formula are
tried, as in the books of strangers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cached_property
from itertools import chain as chain_of
from itertools import product as each_of
from math import copysign, isclose, sqrt
from typing import TYPE_CHECKING

import numpy as np

from gradbook.audit.edits.formula_edits import (
    USUAL_TEMPLATES,
    Substitute,
    Substitutes,
    constants,
    edits_by_kind,
    edits_that_give,
    fill_templates,
    other_references,
    pairs,
)
from gradbook.audit.exercise.cell_verdicts import ALL, NAN, OwnFormulas, StepNumbers
from gradbook.audit.exercise.places import Place, Places
from gradbook.audit.findings import (
    DRIFTING_RATE,
    NO_RATE,
    NO_WEIGHT,
    OTHER_GRADIENT,
    OTHER_SLOPE,
    PASTED,
    RATE_LEFT_OUT,
    TIED,
    WRONG_RATE,
    only_the_change,
    tied,
)
from gradbook.audit.formulas.points import agree
from gradbook.audit.formulas.sampled_formulas import (
    USUAL_KINDS,
    EvaluatedFormula,
    kind_with,
    slope_of,
)
from gradbook.audit.search.wording import Surroundings, Wording, other_slope
from gradbook.audit.step.omissions import Chain, ChainOmission, Omissions
from gradbook.cells.budget import within_budget
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import DOWN, Address, sheet_of
from gradbook.cells.formula.elementwise import ELEMENTWISE
from gradbook.cells.formula.expression import (
    Edit,
    EditKind,
    Factor,
    factors,
    parts,
    product,
    with_sign,
)
from gradbook.cells.formula.formula_values import NotUnderstood
from gradbook.cells.formula.function_table import FUNCTIONS, plain_name
from gradbook.cells.formula.pattern import (
    CellReference,
    Pattern,
    UnknownReference,
    copy_formula,
    rename_cells_in,
)
from gradbook.cells.formula.syntax import (
    Call,
    Expression,
    Infix,
    Number,
    Prefix,
    Reference,
    read,
    write,
)
from gradbook.graph.chain import gradients
from gradbook.graph.node import Array, Node, ancestors, named_inputs
from gradbook.language.message import Message, WrittenNumber, enumerated, joined, message_count
from gradbook.targets.excel.spellings import NAMES, Speller

if TYPE_CHECKING:
    from gradbook.targets.excel.plan.workbook_plan import WorkbookContents

# The chain rule, also without a path or a slope -------------------------------

Spot = tuple[Node, int]  # a value and its sample; 0 if it belongs to none


class WaysBack:
    """The chain rule from the loss back to the values, in one epoch."""

    def __init__(self, numbers: StepNumbers, epoch: int) -> None:
        self.numbers, self.step, self.epoch = numbers, numbers.step, epoch
        self.forward = numbers.solution.forward
        self.every = {node.name: node for node in (*self.step.weights, *self.forward)}
        self.sources = {made: list(dict.fromkeys(named_inputs(made))) for made in self.forward}
        self.partials = {
            made: gradients(made, sources, set(sources)) for made, sources in self.sources.items()
        }
        self._chains: dict[Node, Chain[Spot] | None] = {}

    def of(self, wanted: Node) -> Node | None:
        """The variable of the derivative that a value is, or is one sample's share of."""
        name = wanted.name
        return self.every.get(name.of) if name is not None and name.stem in ("∂", "g") else None

    def left_out(self, wanted: Place, claimed: Array) -> Omissions[Spot]:
        """The paths or slopes that are missing in a claimed derivative."""
        of, sample, name = self.of(wanted.node), wanted.sample, wanted.node.name
        chain = self.chain(of)
        if of is None or chain is None:
            return ()
        users = [(made, sample) for made in self.forward if of in self.sources[made]]
        by_way_of = users if name is not None and name.stem == "g" else None
        spot = of, sample if of.each else 0
        omissions = chain.left_out(spot, claimed, by_way_of)
        activations = self.numbers.solution.activations
        if not all(one.is_way or one.first[0] in activations for one in omissions):
            return ()
        if omissions and omissions[0].sources:
            by_user = {spot[0]: (spot,) for one in omissions for spot in one.places}
            return tuple(ChainOmission(spots, is_way=True) for spots in by_user.values())
        return tuple(self._at_its_sum(one, of) for one in omissions)

    def _at_its_sum(self, omission: ChainOmission[Spot], of: Node) -> ChainOmission[Spot]:
        """A path through an activation, named by its sum, which is nearer to the weights."""
        sources = self.sources[omission.first[0]]
        is_activation = omission.first[0] in self.numbers.solution.activations
        if not omission.is_way or not is_activation or len(sources) > 1 or sources == [of]:
            return omission
        places = tuple((sources[0], sample) for _, sample in omission.places)
        return ChainOmission(places, True)

    def with_slopes(self, wanted: Place) -> Iterator[tuple[str, list[Node], Array]]:
        """The derivative with slopes of another common activation in some places."""
        of = self.of(wanted.node)
        chain, activations = self.chain(of), self.numbers.solution.activations
        if of is None or chain is None:
            return
        bent = [one for one in chain.slopes if one.first[0] in activations]
        layers: defaultdict[int, Omissions[Spot]] = defaultdict(tuple)
        for one in bent:
            layers[chain.depths[one.first]] += (one,)
        every = [*layers.values(), *((one,) for one in bent), tuple(bent)]
        for kind, some in each_of(USUAL_KINDS, dict.fromkeys(every) if bent else ()):
            spots = [spot for one in some for spot in one.places]
            slopes: dict[Spot, dict[Spot, Array]] = {}
            for spot in spots:
                (source,) = chain.partials[spot]
                slope = slope_of(kind, self._numbers(*source), self._numbers(*spot))
                slopes[spot] = {source: slope}
            other = replace(chain, partials={**chain.partials, **slopes})
            found = other.derivatives([()])[of, wanted.sample if of.each else 0][0]
            yield kind, sorted((one.first[0] for one in some), key=lambda node: node.index), found

    def chain(self, of: Node | None) -> Chain[Spot] | None:
        """The chain from the loss to one value, in every sample; None if there is none."""
        if of is not None and of not in self._chains:
            way = {of}
            for made in self.forward:
                way |= set() if way.isdisjoint(self.sources[made]) else {made}
            inner = [s for made in reversed(self.forward) if made in way for s in self._spots(made)]
            later = [spot for spot in inner if spot[0] is not of]
            partials = {spot: self._partials(spot, way) for spot in later}
            units = {spot: spot[0] for spot in later}
            seeds = {(self.step.loss, 0): np.ones(1)}
            is_any = self.step.loss in way - {of}
            self._chains[of] = Chain(inner, partials, seeds, units) if is_any else None
        return None if of is None else self._chains[of]

    def _partials(self, spot: Spot, way: Collection[Node]) -> dict[Spot, Array]:
        made, sample = spot
        return {
            source: self._numbers(self.partials[made][node], sample if made.each else source[1])
            for node in self.sources[made]
            if node in way
            for source in ([(node, sample)] if made.each and node.each else self._spots(node))
        }

    def _spots(self, node: Node) -> list[Spot]:
        return [(node, sample) for sample in range(self.step.samples if node.each else 1)]

    def _numbers(self, node: Node, sample: int) -> Array:
        return self.numbers.of(Place(node, self.epoch, sample))

    # In words -----------------------------------------------------------------------

    def slope_in_names(self, activation: Node) -> str:
        """a_h1*(1-a_h1)"""
        (source,) = self.sources[activation]
        return write(NAMES.mention(self.partials[activation][source]))

    def kind_of(self, activation: Node) -> str:
        """The name of the activation if it is a common one; else the name of its value."""
        (source,) = self.sources[activation]
        slope = self.partials[activation][source]
        x, value, slope_there = (self._numbers(node, 0) for node in (source, activation, slope))
        return USUAL_KINDS.get(kind_with(x, value, slope_there), str(activation.name))

    def share_through(self, wanted: Node, ways: Collection[Node]) -> Node | None:
        """The part of a gradient from some paths alone, as a value; None if it is over samples."""
        of = self.of(wanted)
        if of is None or of.each or self.step.samples > 1:
            return None
        total = None
        for way in ways:
            onto = gradients(self.step.loss, [way], {way})[way]
            share = gradients(way, [of])[of]
            share = share if onto.is_constant(1) else onto * share
            total = share if total is None else total + share
        return total if total is not None and len(ancestors([total])) > 1 else None


# Slips ------------------------------------------------------------------------

ENOUGH_POINTS = 3  # points needed to recognise a factor
MOST_ROOT = 100  # the largest root that may be left out
MOST_PAIRED = 40  # cells among which two may be mistaken for others
LONGEST_SHARE = 200  # characters of a part to add


@dataclass(frozen=True)
class SlipCause:
    """A mistake in a formula, and how to correct it."""

    kind: str
    why: str
    right_expression: Expression | None = None  # the student's own formula after a small correction
    edits: tuple[str, ...] = ()  # the same in every book that has the mistake
    other_column: Node | None = None  # the value that the column really contains


class Respelling:
    """Writes the exercise's values as references to the book's own cells."""

    def __init__(
        self,
        flow: Flow,
        places: Places,
        unmentioned: frozenset[Node],
        solution: WorkbookContents,
    ) -> None:
        self.flow, self.book, self.places, self.unmentioned = flow, flow.book, places, unmentioned
        self.made = {made: leaf for leaf, made in solution.memory.items()}
        self.starts = solution.step.next.keys()  # what goes on from epoch to epoch
        self.rate = {place.node: cell for cell, place in places.given_cells.items()}

    def circular(self, home: Address) -> set[Address]:
        """The cells that a formula in a cell can't use, since they are computed from it."""
        return self.flow.below([home], self._starts) | {home}

    @cached_property
    def _starts(self) -> frozenset[Address]:
        return frozenset(cell for leaf in self.starts for cell in self.places.over(leaf))

    def speller(self, home: Address, place: Place) -> Speller:
        """Writes values for a formula in a cell, from its epoch and sample."""
        circular = self.circular(home)

        def refer(node: Node) -> Reference | None:
            if node in self.made:  # a step's new memory is in the next step's row
                cell = self.places.at(Place(self.made[node], place.epoch + 1, place.sample))
                return None if cell is None else Reference(self.book.name_of(cell, home))
            if node.name is None or node in self.unmentioned:
                return None
            cell = self.places.at(Place(node, place.epoch, place.sample))
            if cell in circular and node.op.name != "leaf":
                return None
            if cell is not None:
                return Reference(self.book.name_of(cell, home))
            if node not in self.rate:
                return None
            return Reference("eta" if "eta" in self.book.names else self._fixed(node, home))

        def block(node: Node) -> Reference:
            cells = self.places.over(node)
            cells = [c for c in cells if self.places.cells[c].epoch == place.epoch]
            last = self.book.name_of(cells[-1], home).rpartition("!")[2]
            return Reference(f"{self.book.name_of(cells[0], home)}:{last}")

        return Speller(refer, block)

    def _fixed(self, node: Node, home: Address) -> str:
        sheet, sign, name = self.book.name_of(self.rate[node], home).rpartition("!")
        letters = name.rstrip("0123456789")
        return f"{sheet}{sign}${letters}${name[len(letters) :]}"


@dataclass(frozen=True, eq=False)
class Slip:
    """A wrong formula of a student, in one cell."""

    own: OwnFormulas
    spelling: Respelling
    ways: Callable[[int], WaysBack]  # back from the loss, in each epoch
    home: Address

    @cached_property
    def place(self) -> Place:
        return self.own.place(self.home)

    @cached_property
    def pattern(self) -> Pattern:
        return self.own.book.read_typed(self.home)

    @cached_property
    def value(self) -> Array:
        """Its value if the student's other cells were right."""
        try:
            return self.own.value(self.home)
        except NotUnderstood:  # it computes with a text
            return NAN

    @property
    def numbers(self) -> StepNumbers:
        return self.own.numbers

    @cached_property
    def right_value(self) -> Array:
        return self.numbers.target(self.place)

    @property
    def weight(self) -> str:
        """The weight of the gradient that it should be; empty if it should be none."""
        name = self.place.node.name
        weights = {weight.name for weight in self.numbers.step.weights}
        return str(name.of) if name and name.of in weights else ""

    def cause(self) -> SlipCause:
        """The best explanation; if there is no better one, the whole formula."""
        why = Message("this computes something else: the formula below is right")
        return next(self._causes(), SlipCause(EditKind.FORMULA.value, why))

    def _causes(self) -> Iterator[SlipCause]:
        """The explanations, the likeliest first."""
        yield from self.of_a_name()
        behind = self.own.behind(self.home)
        yield from self._given_away(behind & self.own.telling)
        if behind.isdisjoint(self.own.known):
            yield SlipCause(PASTED, Message("numbers are typed where a formula belongs"))
            return
        yield from self._tied()
        if not self._varies:
            constant = Message("this is the same whatever the network's values are")
            yield SlipCause(EditKind.FORMULA.value, constant, edits=("a constant",))
            return
        yield from self._odd_update()
        times = common_factor(self.value, self.right_value)
        if times is not None:
            is_turned = turns_a_difference(self.own, self.home)
            kind, why = of_factor(times, str(self.place.node.name), is_turned=is_turned)
            yield SlipCause(kind, why, None if is_turned else self._without_factor(times))
        yield from self._another_gradient()
        for way in (lambda: next(self._omissions(), None), self._edited):
            found = within_budget(way)
            if found:
                yield found

    def of_a_name(self) -> Iterator[SlipCause]:
        """A formula that would be right with a cell in the place of a name that isn't known, or
        with a function that is nearly called so."""
        expression, names = self.pattern.expression, self.pattern.mentions
        if expression is None:
            return
        evaluated = EvaluatedFormula(expression, self._value_of)
        unknown = {name for name, it in names.items() if isinstance(it, UnknownReference)}
        if unknown:
            every = other_references(evaluated, self._substitutes)
            named = (some for some in every if write(some.old) in unknown)
            for edit in edits_that_give(named, self.right_value):
                yield self._of_edits([edit], evaluated.changed([edit]))
        known = [*ELEMENTWISE, *FUNCTIONS]
        for path, part in evaluated.parts.items():
            if isinstance(part, Call) and plain_name(part.function) not in known:
                for name in get_close_matches(part.function, known):
                    meant = replace(part, function=name)
                    right = evaluated.changed([Edit(EditKind.FUNCTION, (path,), part, meant)])
                    if agree(self._value_of(right), self.right_value):
                        both = {"function": part.function, "name": name}
                        meant_so = Message("{function} isn't a function: {name} is meant", **both)
                        yield SlipCause(EditKind.FUNCTION.value, meant_so, right)

    @property
    def _varies(self) -> bool:
        """Whether it depends on the network's values: what doesn't is no derivation, nor a slip in
        one. It may still mention them, as 0*T5."""
        return not agree(self.value, np.full(ALL, self.value[0])) or agree(
            self.right_value, np.full(ALL, self.right_value[0])
        )

    def _without_factor(self, times: float) -> Expression | None:
        """The student's formula without a factor that is plain to see; None if there is none."""
        said = self.own.book.patterns[self.home].expression
        if said is None:
            return None
        split = factors(said)
        odd = [k for k, one in enumerate(split.parts) if one == Factor(Number(abs(times)), True)]
        if (abs(times) != 1 and not odd) or len(split.parts) < 2:
            return None
        kept = [one for k, one in enumerate(split.parts) if k not in odd[:1]]
        right = with_sign(split.sign if times > 0 else -split.sign, product(kept))
        return right if agree(self._value_of(right), self.right_value) else None

    # From the right formula--------------------------------------------------------

    def _given_away(self, telling: set[Address]) -> Iterator[SlipCause]:
        """A value that is taken from a sheet that only measures or shows."""
        if telling:
            why = Message(
                "this uses {sheet}, which only checks: compute {name} from the network's own "
                "values",
                sheet=self.own.book.sheets[sheet_of(min(telling))].title,
                name=str(self.place.node.name),
            )
            yield SlipCause(EditKind.FORMULA.value, why, edits=("checks",))

    def _tied(self) -> Iterator[SlipCause]:
        """A right formula with a $ before its row number, so that its copies stay at one row."""
        book, places = self.own.book, self.own.places
        like = book.patterns[self.home]
        column = places.over(self.place.node)
        first = next((cell for cell in column if book.patterns.get(cell) is like), self.home)
        ties: list[Address] = []

        def free(said: str) -> str:
            cell = book.reader.cell(said, first)
            head, fixed, row = said.rpartition("$")
            is_here = cell in places.cells and places.cells[cell].epoch == self.place.epoch
            if cell not in places.cells or is_here or not fixed or not row.isdigit():
                return said
            ties.append(cell)
            return head + row

        said = copy_formula(rename_cells_in(like.text_at(first), free), first, self.home)
        expression = book.reader.read_typed(said, self.home).expression if ties else None
        if expression is not None and agree(self._value_of(expression), self.right_value):
            yield SlipCause(TIED, tied(first, ties[0], DOWN), expression, ("$",))

    def _odd_update(self) -> Iterator[SlipCause]:
        """An update that adds what it should subtract, or lacks the rate or the old weight."""
        place, step = self.place, self.numbers.step
        if place.node not in step.gradients or not place.epoch:
            return
        before, name = self.numbers.of(Place(place.node, place.epoch - 1)), str(place.node.name)
        change = self.right_value - before
        without_rate = change / self.numbers.of(Place(step.rate))
        climbs = Message(
            "this adds η·∂E/∂{weight} to {weight}, so the loss grows: subtract it", weight=name
        )
        only_gradient = Message(
            "this is only the gradient: subtract η times it from the old {weight}, "
            "in the row above",
            weight=name,
        )
        for value, wanted, kind, why in (
            (self.value - before, -change, "adds the gradient", climbs),
            (self.value, change, NO_WEIGHT, only_the_change(name)),
            (self.value, -change, NO_WEIGHT, only_the_change(name)),
            (self.value - before, without_rate, NO_RATE, RATE_LEFT_OUT),
            (self.value - before, -without_rate, NO_RATE, _turned(RATE_LEFT_OUT, True)),
            (self.value, without_rate, NO_WEIGHT, only_gradient),
            (self.value, -without_rate, NO_WEIGHT, only_gradient),
        ):
            if agree(value, wanted):
                yield SlipCause(kind, why)

    def _another_gradient(self) -> Iterator[SlipCause]:
        for weight, gradient in self.numbers.step.gradients.items():
            other = replace(self.place, node=gradient)
            if other != self.place and agree(self.value, self.numbers.of(other)):
                why = Message(
                    "this is ∂E/∂{weight}, the gradient of another weight", weight=str(weight.name)
                )
                edited = within_budget(self._edited)
                is_small = edited is not None and edited.kind == EditKind.REFERENCE.value
                cause = edited if edited and is_small else SlipCause(OTHER_GRADIENT, why)
                yield replace(cause, other_column=gradient)

    def _omissions(self) -> Iterator[SlipCause]:
        back = self.ways(self.place.epoch)
        signs = ((self.value, False), (-self.value, True))
        for value, turned in signs:
            if omissions := back.left_out(self.place, value):
                yield self._left_out(back, omissions, turned)
        for kind, places, other in back.with_slopes(self.place):
            for value, turned in signs:
                if agree(value, other) and not agree(other, self.right_value):
                    yield self._of_slope(back, kind, places, turned)

    def _of_slope(self, back: WaysBack, kind: str, places: list[Node], turned: bool) -> SlipCause:
        """The slope of another activation in some places."""
        names = [str(one.name) for one in places]
        slopes = enumerated(map(back.slope_in_names, places))
        why = other_slope(USUAL_KINDS[kind], enumerated(names), back.kind_of(places[0]), slopes)
        edits = (f"{kind}'s slope at {', '.join(names)}",)
        return SlipCause(OTHER_SLOPE, _turned(why, turned), edits=edits)

    def _left_out(self, back: WaysBack, omissions: Omissions[Spot], turned: bool) -> SlipCause:
        some = sorted(omissions, key=lambda one: one.first[0].index)
        ways = [one.first[0] for one in some if one.is_way]
        slopes = [one.first[0] for one in some if not one.is_way]
        whys: list[str] = []
        if slopes:
            lacks = message_count(
                "lacks the slope {slopes} of the activation",
                "lacks the slopes {slopes} of the activations",
                len(slopes),
                slopes=enumerated(map(back.slope_in_names, slopes)),
            )
            whys.append(lacks)
        if ways:
            lacks = message_count(
                "lacks the path through {names}",
                "lacks the paths through {names}",
                len(ways),
                names=enumerated(str(way.name) for way in ways),
            )
            whys.append(lacks)
        why = _turned(joined("; ", whys), turned)
        share = back.share_through(self.place.node, ways) if not slopes else None
        part = "" if share is None else self._mention(share)
        if 0 < len(part) <= LONGEST_SHARE:
            why = Message(
                "{mistake}: {remedy}", mistake=why, remedy=Message("add {part}", part=part)
            )
        kind = EditKind.TERM if ways else EditKind.FACTOR
        names = ", ".join(str(one.first[0].name) for one in some)
        return SlipCause(kind.value, why, edits=(f"left out {names}",))

    def _mention(self, node: Node) -> str:
        return write(self.spelling.speller(self.home, self.place).mention(node))

    # From the student's formula---------------------------------------------------------

    def _edited(self) -> SlipCause | None:
        expression = self.pattern.expression
        if expression is None:
            return None
        evaluated = EvaluatedFormula(expression, self._value_of)
        known = self._substitutes
        some = [*known.references[:MOST_PAIRED], *constants((ALL,))[:3]]
        single = edits_by_kind(evaluated, known, self.right_value, 1)
        edits = next(chain_of(single, pairs(evaluated, some, self.right_value)), None)
        return None if edits is None else self._of_edits(edits, evaluated.changed(edits))

    def _of_edits(self, edits: Sequence[Edit], expression: Expression) -> SlipCause:
        step = self.numbers.step
        wording = Wording(self._surroundings, self.home)
        kind, old = wording.kind(edits), edits[0].old
        if kind == EditKind.ACTIVATION.value and () in edits[0].paths:
            kind = EditKind.REFERENCE.value  # of the whole formula nothing was right
        if write(edits[0].new) == self._rate:
            return self._of_rate(old, expression)
        taken = self.own.places.of(self.own.book.reader.cell(write(old), self.home))
        is_gradient = taken is not None and taken.node in step.gradients.values()
        kind = OTHER_GRADIENT if is_gradient and self.place.node in step.next else kind
        return SlipCause(kind, wording.why(edits, self.weight), expression, wording.in_names(edits))

    @property
    def _rate(self) -> str:
        """How an update refers to the learning rate; empty in other formulas."""
        is_update = self.place.node in self.numbers.step.next and self.place.epoch
        return self._mention(self.numbers.step.rate) if is_update else ""

    def _of_rate(self, old: Expression, right: Expression) -> SlipCause:
        """Something else in the place of the learning rate."""
        taken = self.pattern.mentions.get(old.text) if isinstance(old, Reference) else None
        both = {"taken": write(old), "right": self._rate}
        if isinstance(taken, CellReference) and taken.moves:
            why = Message(
                "the learning rate isn't anchored: copied down, its reference moves to {taken} and "
                "on; {right} stays",
                **both,
            )
            return SlipCause(DRIFTING_RATE, why, right, ("η stays",))
        why = Message("{taken} is used as the learning rate: it must be {right}", **both)
        return SlipCause(WRONG_RATE, why, right, ("η",))

    @property
    def _surroundings(self) -> Surroundings:
        own, cells = self.own, self.own.places.cells
        every = {cell for cell, place in cells.items() if place.node in self.numbers.step.start}
        here = frozenset(cell for cell in every if cells[cell].epoch == self.place.epoch)
        return Surroundings(own.book, own.flow, DOWN, every, here, cells.keys() - every)

    def _value_of(self, part: Expression) -> Array:
        pattern = self.own.book.reader.read_typed(write(part), self.home)
        try:
            return self.own.expression(pattern.expression or part, self.home, pattern)
        except NotUnderstood:
            return np.full(1, np.nan)

    @cached_property
    def _substitutes(self) -> Substitutes:
        """The values of this epoch and sample, and common numbers."""
        place, places, step = self.place, self.own.places, self.numbers.step
        epoch = place.epoch - (place.node in step.next)
        found: list[Substitute] = []
        called: dict[str, str] = {}  # by the names of values
        circular = self.spelling.circular(self.home)
        for node in places.columns:
            there = replace(place, node=node, epoch=epoch)
            cell = places.at(there)
            is_later = epoch == place.epoch and place.node in ancestors([node])
            if cell is not None and cell not in circular and not is_later:
                called[str(node.name)] = self.own.book.name_of(cell, self.home)
                reference = Reference(called[str(node.name)])
                found.append(Substitute(reference, self.numbers.of(there)))
        if self._rate:
            found.append(Substitute(Reference(self._rate), self.numbers.of(Place(step.rate))))
        every = [*found, *constants((ALL,))]
        active = {
            said: called[f"a_{name}"] for name, said in called.items() if f"a_{name}" in called
        }
        filled = [read(said) for said in USUAL_TEMPLATES]

        def factors() -> Sequence[Substitute]:
            return [*every, *fill_templates(filled, found)]

        return Substitutes(every, every, factors, lambda: every, active)


def _turned(why: str, turned: bool) -> str:
    return Message("{mistake}, and has the wrong sign", mistake=why) if turned else why


# One factor -------------------------------------------------------------------


def common_factor(value: Array, wanted: Array) -> float | None:
    """The factor between two values if it is the same at every point, and not 1; else None."""
    with np.errstate(all="ignore"):
        ratio = value / wanted
    ratio = ratio[np.isfinite(ratio)]
    near = _usual_factors(float(np.median(ratio))) if ratio.size >= ENOUGH_POINTS else ()
    times = next((times for times in near if agree(value, times * wanted)), 0.0)
    return times if times not in (0.0, 1.0) else None


def _usual_factors(ratio: float) -> Iterator[float]:
    """Numbers near a ratio: the root of a whole number, or 1 over such a root, which occurs in
    attention; then a number of nine digits."""
    size = abs(ratio)
    if 1 <= size < MOST_ROOT:
        yield copysign(sqrt(round(size * size)), ratio)
    elif 1 / MOST_ROOT < size < 1:
        yield copysign(1 / sqrt(round(1 / size / size)), ratio)
    yield float(f"{ratio:.9g}")


def _root_of(number: float) -> int:
    """The whole number of which this is the root, if the root isn't whole itself; else 0."""
    square = round(number * number) if number < MOST_ROOT else 0
    return square if number != round(number) and isclose(number, sqrt(square), rel_tol=1e-12) else 0


def turns_a_difference(own: OwnFormulas, cell: Address) -> bool:
    """Whether a formula contains t − a, and no sign before a term."""
    expression = own.book.read_typed(cell).expression
    every = [] if expression is None else list(parts(expression))

    def node(part: Expression) -> Node | None:
        known = isinstance(part, Reference) and own.places.of(own.book.reader.cell(part.text, cell))
        return known.node if known else None

    return any(
        isinstance(part, Infix)
        and part.operator == "-"
        and node(part.left) in own.numbers.step.targets
        and node(part.right) in own.numbers.solution.forward
        for part in every
    ) and not any(isinstance(part, Prefix) and part.operator == "-" for part in every)


def of_factor(times: float, of: str, columns: int = 1, is_turned: bool = False) -> tuple[str, str]:
    """The kind of a mistake that is one factor in a column or in several, and the message."""
    if times == -1 and not is_turned:
        return EditKind.SIGN.value, message_count(
            "{name} has the wrong sign", "{name} have the wrong sign", columns, name=of
        )
    if times == -1:
        return EditKind.SIGN.value, message_count(
            "{name} has the wrong sign: t − a is used instead of a − t",
            "{name} have the wrong sign: t − a is used instead of a − t",
            columns,
            name=of,
        )
    size = abs(times)
    match size:
        case 2.0:
            why = message_count(
                "{name} is twice what the chain rule gives for E_total",
                "{name} are twice what the chain rule gives for E_total",
                columns,
                name=of,
            )
        case 0.5:
            why = message_count(
                "{name} is half what the chain rule gives for E_total",
                "{name} are half what the chain rule gives for E_total",
                columns,
                name=of,
            )
        case _ if root := _root_of(size):
            why = message_count(
                "{name} is √{root} times what the chain rule gives for E_total: the division by "
                "√{root} is left out",
                "{name} are √{root} times what the chain rule gives for E_total: the division by "
                "√{root} is left out",
                columns,
                name=of,
                root=root,
            )
        case _ if root := _root_of(1 / size):
            why = message_count(
                "{name} is 1/√{root} of what the chain rule gives for E_total: it is divided by "
                "√{root} once too often",
                "{name} are 1/√{root} of what the chain rule gives for E_total: they are divided "
                "by √{root} once too often",
                columns,
                name=of,
                root=root,
            )
        case _:
            why = message_count(
                "{name} is {factor} times what the chain rule gives for E_total",
                "{name} are {factor} times what the chain rule gives for E_total",
                columns,
                name=of,
                factor=WrittenNumber(f"{size:.6g}"),
            )
    if times < 0:
        why = Message("{mistake}, with the wrong sign", mistake=why)
    too_many = (size > 1) != bool(_root_of(size) or _root_of(1 / size))  # a root is a divisor
    kind = EditKind.OMISSION if too_many else EditKind.FACTOR
    return kind.value, why
