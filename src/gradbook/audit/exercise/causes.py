"""Why a column of an exercise isn't what it should be: the likeliest slip that explains it.

The right formula is known, so the search starts there: one sign, one factor, another weight's
gradient, a way or a slope left out. Then small edits of what was written are tried, as in the
books of strangers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice

import numpy as np

from gradbook.audit.budget import sought
from gradbook.audit.exercise.own_formulas import OwnFormulas
from gradbook.audit.exercise.places import Place, Places
from gradbook.audit.exercise.step_numbers import ALL, StepNumbers
from gradbook.audit.exercise.ways_back import Omission, WaysBack
from gradbook.audit.findings import OTHER_GRADIENT
from gradbook.audit.formula.address import DOWN, Address, Axis
from gradbook.audit.formula.expression import Edit, EditKind, pointless_parts, references
from gradbook.audit.formula.meaning import NotUnderstood
from gradbook.audit.formula.pattern import CellReference, Pattern, RangeReference
from gradbook.audit.judge.numbers import agree
from gradbook.audit.repair import formula_edits
from gradbook.audit.repair.faults import Wording
from gradbook.audit.repair.formula_edits import (
    USUAL_TEMPLATES,
    EvaluatedFormula,
    Substitute,
    Substitutes,
    constants,
    fill_templates,
    matching,
    remember,
)
from gradbook.audit.workbook.book import Book
from gradbook.graph.node import Array, Node
from gradbook.targets.excel.language.grammar import Expression, Reference, read, write
from gradbook.targets.excel.language.spelling import Speller

ENOUGH = 3  # points at which a factor can be told
MOST_PAIRED = 40  # cells of which two may stand in the place of others
FEW = 8  # edits of a kind, to choose from
LONGEST_SHARE = 200  # characters of what is to be added
TIMES = {2.0: "twice", 0.5: "half"}


@dataclass(frozen=True)
class SlipCause:
    """What is wrong with a formula."""

    kind: str
    why: str
    expected: Expression | None = None  # its own formula, put right by a small edit
    edits: tuple[str, ...] = ()  # the same in every book that has the mistake
    other: Node | None = None  # whose column this is


class Respelling:
    """Says the exercise's values in the book's own cells."""

    def __init__(
        self,
        book: Book,
        places: Places,
        unmentioned: frozenset[Node],
        memory: Mapping[Node, Node],
    ) -> None:
        self.book, self.places, self.unmentioned = book, places, unmentioned
        self.made = {made: leaf for leaf, made in memory.items()}
        self.rate = {place.node: cell for cell, place in places.given.items()}

    def formula(self, node: Node, home: Address, epoch: int, sample: int) -> str:
        """The right formula of a value in its own cell."""
        return write(self._speller(home, epoch, sample).formula(node))

    def mention(self, node: Node, home: Address, epoch: int, sample: int) -> str:
        """The same in other cells, which refer to it."""
        return write(self._speller(home, epoch, sample).mention(node))

    def _speller(self, home: Address, epoch: int, sample: int) -> Speller:
        def refer(node: Node) -> Reference | None:
            if node in self.made:  # what a step makes of the memory stands in the next one's row
                cell = self.places.at(self.made[node], epoch + 1, sample)
                return None if cell is None else Reference(self.book.called(cell, home))
            if node.name is None or node in self.unmentioned:
                return None
            cell = self.places.at(node, epoch, sample)
            if cell is not None:
                return Reference(self.book.called(cell, home))
            cell = self.rate.get(node)
            if cell is None:
                return None
            name = "eta" if "eta" in self.book.names else ""
            return Reference(name or self._fixed(cell, home))

        def block(node: Node) -> Reference:
            own = [c for c in self.places.over(node) if self.places.cells[c].epoch == epoch]
            last = self.book.called(own[-1], home).rpartition("!")[2]
            return Reference(f"{self.book.called(own[0], home)}:{last}")

        return Speller(refer, block)

    def _fixed(self, cell: Address, home: Address) -> str:
        sheet, mark, own = self.book.called(cell, home).rpartition("!")
        letters = own.rstrip("0123456789")
        return f"{sheet}{mark}${letters}${own[len(letters) :]}"


@dataclass(frozen=True, eq=False)
class Slip:
    """A formula of a student's that isn't what it should be, in one cell."""

    own: OwnFormulas
    numbers: StepNumbers
    spelling: Respelling
    home: Address
    place: Place
    value: Array  # what it comes to, the student's other cells being right
    wanted: Array
    ways: dict[int, WaysBack] = field(default_factory=dict)  # known already, by epoch

    @cached_property
    def pattern(self) -> Pattern:
        return self.own.book.typed(self.home)

    @property
    def back(self) -> WaysBack:
        """The ways back in its epoch, which all columns share."""
        if self.place.epoch not in self.ways:
            self.ways[self.place.epoch] = WaysBack(self.numbers, self.place.epoch)
        return self.ways[self.place.epoch]

    @property
    def weight(self) -> str:
        """Whose gradient it should be; nothing where it is no weight's."""
        name = self.place.node.name
        weights = {weight.name for weight in self.numbers.step.weights}
        return str(name.of) if name and name.of in weights else ""

    def causes(self) -> Iterator[SlipCause]:
        """What explains it, the likeliest first."""
        if not self.own.mentioned_values(self.home):
            yield SlipCause("pasted value", "numbers are typed where a formula belongs")
            return
        yield from self._climbs()
        yield from self._one_factor()
        yield from self._another_gradient()
        for way in (lambda: next(self._omissions(), None), self._edited):
            found = sought(way)
            if found:
                yield found

    def small_edit(self) -> SlipCause | None:
        """A reference of its own formula that puts it right, where one does."""
        found = sought(self._edited)
        return found if found and found.kind == EditKind.REFERENCE.value else None

    def cause(self) -> SlipCause:
        """What explains it best, if only the whole formula does."""
        why = "no small change makes it right; the formula below is"
        return next(self.causes(), SlipCause(EditKind.FORMULA.value, why))

    # From what is right -----------------------------------------------------------

    def _climbs(self) -> Iterator[SlipCause]:
        """An update that adds what it should subtract."""
        place, step = self.place, self.numbers.step
        if place.node in step.gradients and place.epoch:
            before = self.numbers.of(place.node, place.epoch - 1)
            if agree(self.value - before, before - self.wanted):
                why = f"{place.node.name} climbs: it adds η·∂E/∂{place.node.name}, not subtracts it"
                yield SlipCause("adds the gradient", why)

    def _one_factor(self) -> Iterator[SlipCause]:
        times = common_factor(self.value, self.wanted)
        if times is not None:
            yield SlipCause(*of_factor(times, str(self.place.node.name)))

    def _another_gradient(self) -> Iterator[SlipCause]:
        step, place = self.numbers.step, self.place
        for weight, gradient in step.gradients.items():
            if gradient is place.node:
                continue
            other = self.numbers.of(gradient, place.epoch, place.sample)
            if agree(self.value, other):
                why = f"this is ∂E/∂{weight.name}, the gradient of another weight"
                yield SlipCause(OTHER_GRADIENT, why, other=gradient)

    def _omissions(self) -> Iterator[SlipCause]:
        place = self.place
        for left_out in self.back.omissions(place.node):
            without = self.back.value(place.node, place.sample, left_out)
            if without is None or agree(without, self.wanted):
                continue
            for sign, more in ((1, ""), (-1, ", and has the wrong sign")):
                if agree(self.value, sign * without):
                    yield self._left_out(left_out, more)

    def _left_out(self, left_out: Omission, more: str) -> SlipCause:
        edits = (f"left out {left_out}",)
        if left_out.slopes:
            slopes = " and ".join(self.back.slope_in_names(one) for one in left_out.slopes)
            noun = "slope" if len(left_out.slopes) == 1 else "slopes"
            why = f"lacks the {noun} {slopes} of the activation{'s' * (noun != 'slope')}{more}"
            return SlipCause(EditKind.FACTOR.value, why, edits=edits)
        names = " and ".join(str(way.name) for way in left_out.ways)
        noun = "way" if len(left_out.ways) == 1 else "ways"
        share, added = self.back.share_through(self.place.node, left_out.ways), ""
        if share is not None:
            place = self.place
            said = self.spelling.mention(share, self.home, place.epoch, place.sample)
            added = f": add {said}" if len(said) <= LONGEST_SHARE else ""
        return SlipCause(
            EditKind.TERM.value, f"lacks the {noun} through {names}{more}{added}", edits=edits
        )

    # From what was written ------------------------------------------------------------

    def _edited(self) -> SlipCause | None:
        expression = self.pattern.expression
        if expression is None:
            return None
        evaluated = EvaluatedFormula(expression, remember(self._value_of))
        known = self._substitutes
        for kind in formula_edits.EDITS:
            for edit in islice(matching(kind.propose(evaluated, known), self.wanted), FEW):
                if not self._is_pointless(edit.applied(expression)):
                    return self._of_edits(edit)
        some = [*known.references[:MOST_PAIRED], *constants((ALL,))[:3]]
        for two in islice(formula_edits.pairs(evaluated, some, self.wanted), FEW):
            if not self._is_pointless(two[1].applied(two[0].applied(expression))):
                return self._of_edits(*two)
        return None

    def _is_pointless(self, changed: Expression) -> bool:
        assert self.pattern.expression is not None
        return pointless_parts(changed) > pointless_parts(self.pattern.expression)

    def _of_edits(self, *edits: Edit) -> SlipCause:
        expression = self.pattern.expression
        assert expression is not None
        for edit in edits:
            expression = edit.applied(expression)
        wording = Wording(_Words(self), self.home)
        why, kind = wording.why(edits, self.weight), wording.kind(edits)
        cell = self.own.book.reader.cell(write(edits[0].old), self.home)
        taken = self.own.places.of(cell) if cell is not None else None
        if self.place.node in self.numbers.step.next and taken is not None:
            gradients = self.numbers.step.gradients.values()
            kind = OTHER_GRADIENT if taken.node in gradients else kind
        return SlipCause(kind, why, expression, wording.in_names(edits))

    def _value_of(self, part: Expression) -> Array:
        try:
            return self.own.expression(part, self.home, self._aware(part))
        except NotUnderstood:
            return np.full(1, np.nan)

    def _aware(self, part: Expression) -> Pattern:
        """The pattern of its cell, aware of what another expression mentions there."""
        missing = {r.text for r in references(part)} - self.pattern.mentions.keys()
        if not missing:
            return self.pattern
        reader = self.own.book.reader
        more = {text: reader.mention(text, self.home) for text in missing}
        places = tuple(m for m in more.values() if isinstance(m, CellReference | RangeReference))
        return Pattern(
            self.pattern.key,
            self.pattern.home,
            self.pattern.text,
            self.pattern.form,
            self.pattern.typed,
            {**self.pattern.mentions, **more},
            places=(*self.pattern.places, *places),
        )

    @cached_property
    def _substitutes(self) -> Substitutes:
        """The values of this epoch and sample, and the usual numbers."""
        place, places = self.place, self.own.places
        epoch = place.epoch - (place.node in self.numbers.step.next)
        cells = {
            node: cell
            for node in places.columns
            if (cell := places.at(node, epoch, place.sample)) not in (None, self.home)
        }
        found = [
            Substitute(
                Reference(self.own.book.called(cell, self.home)),
                self.numbers.of(node, epoch, place.sample),
            )
            for node, cell in cells.items()
            if cell is not None
        ]
        every = [*found, *constants((ALL,))]
        words = {str(node.name): one.expression for node, one in zip(cells, found, strict=True)}
        activations = {
            said.text: other.text
            for name, said in words.items()
            if isinstance(said, Reference)
            and isinstance(other := words.get(f"a_{name}"), Reference)
        }

        def factors() -> Sequence[Substitute]:
            return [
                *every,
                *fill_templates([read(said) for said in USUAL_TEMPLATES], found, self._value_of),
            ]

        return Substitutes(every, every, factors, lambda: every, activations)


def common_factor(value: Array, wanted: Array) -> float | None:
    """How many times what is right something is, the same at every point; None where it isn't."""
    with np.errstate(all="ignore"):
        ratio = value / wanted
    ratio = ratio[np.isfinite(ratio)]
    times = float(f"{np.median(ratio):.9g}") if ratio.size >= ENOUGH else 0.0
    return times if times not in (0.0, 1.0) and agree(value, times * wanted) else None


def of_factor(times: float, of: str, several: bool = False) -> tuple[str, str]:
    """The kind of a mistake that is one factor, maybe of `several` columns, and why."""
    if times == -1:
        verb = "have" if several else "has"
        return EditKind.SIGN.value, f"{of} {verb} the wrong sign, as of t − a where a − t belongs"
    subject = f"{of} {'are' if several else 'is'}"
    size = abs(times)
    amount = TIMES.get(size, f"{size:.6g} times")
    more = ", with the wrong sign" if times < 0 else ""
    what = f"what the chain rule gives for E_total{more}"
    kind = EditKind.OMISSION if size > 1 else EditKind.FACTOR
    return kind.value, f"{subject} {amount} {what}"


# What wording asks for --------------------------------------------------------------


@dataclass(frozen=True)
class _WeightCells:
    weights: frozenset[Address]


class _Words:
    """A formula's step, as whoever puts its mistake into words asks for it."""

    axis: Axis = DOWN

    def __init__(self, slip: Slip) -> None:
        places, weights = slip.own.places, set(slip.numbers.step.start)
        self.training = self
        self.book, self.flow = slip.own.book, slip.own.flow
        self.weight_cells = {c for c, place in places.cells.items() if place.node in weights}
        here = (c for c in self.weight_cells if places.cells[c].epoch == slip.place.epoch)
        self.step = _WeightCells(frozenset(here))
        self.computed_cells = places.cells.keys() - self.weight_cells
