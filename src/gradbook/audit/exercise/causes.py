"""Why a column of an exercise isn't what it should be: the likeliest slip that explains it.

The right formula is known, so the search starts there: one sign, one factor, another weight's
gradient. What a formula would come to without the way through E2, or without a_h1·(1 − a_h1), is
computed so as to be recognised. Then small edits of what was written are tried, as in the books of
strangers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations, islice
from math import copysign, isclose, sqrt

import numpy as np

from gradbook.audit.budget import spend, within_budget
from gradbook.audit.edits import formula_edits
from gradbook.audit.edits.formula_edits import (
    USUAL_TEMPLATES,
    Substitute,
    Substitutes,
    constants,
    edits_that_give,
    fill_templates,
)
from gradbook.audit.exercise.places import Place, Places
from gradbook.audit.exercise.verdicts import ALL, OwnFormulas, StepNumbers
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
)
from gradbook.audit.formula.address import DOWN, Address, sheet_of
from gradbook.audit.formula.expression import Edit, EditKind, pointless_parts, references
from gradbook.audit.formula.meaning import NotUnderstood
from gradbook.audit.formula.pattern import (
    CellReference,
    Pattern,
    RangeReference,
    copy_formula,
    rename_cells_in,
)
from gradbook.audit.search.wording import (
    Surroundings,
    Wording,
    other_slope,
    tied,
)
from gradbook.audit.step.formulas import (
    USUAL_KINDS,
    EvaluatedFormula,
    kind_with,
    remember,
    slope_of,
)
from gradbook.audit.step.points import agree
from gradbook.audit.workbook.book import Book
from gradbook.graph.chain import gradients
from gradbook.graph.node import Array, Node, ancestors, named_inputs
from gradbook.language.message import Message, WrittenNumber, enumerated, message_count
from gradbook.targets.excel.language import NAMES, Expression, Reference, Speller, read, write

# The chain rule, also with a way or a slope left out --------------------------

MOST_WAYS = 6  # of which some may be left out
Edge = tuple[Node, Node]  # a value, and one that it is made of


@dataclass(frozen=True)
class Omission:
    """What may be left out on the way back."""

    ways: tuple[Node, ...] = ()  # the way through each
    slopes: tuple[Node, ...] = ()  # the slope of each activation
    edges: frozenset[Edge] = frozenset()
    flat: frozenset[Node] = frozenset()
    taken: str = ""  # the activation whose slope stands there instead

    def __str__(self) -> str:
        return ", ".join(str(node.name) for node in self.ways or self.slopes)


class WaysBack:
    """From the loss back to a value, in one epoch."""

    def __init__(self, numbers: StepNumbers, epoch: int) -> None:
        self.numbers, self.step, self.epoch = numbers, numbers.step, epoch
        self.forward = numbers.solution.forward
        self.partials: dict[Edge, Array] = {}
        self.sources: dict[Node, list[Node]] = {}
        for made in self.forward:
            self.sources[made] = list(dict.fromkeys(named_inputs(made)))
            found = gradients(made, self.sources[made], set(self.sources[made]))
            for source in self.sources[made]:
                self.partials[made, source] = self._now(found[source])
        self._known: dict[Omission, tuple[dict[Node, Array], dict[Node, Array]]] = {}

    def _now(self, node: Node) -> Array:
        array = self.numbers.array(node)
        turn = self.epoch % self.numbers.turns
        return array[:, turn] if node.each else array[turn]

    def value(self, wanted: Node, sample: int, left_out: Omission = Omission()) -> Array | None:
        """The derivative that a value is named as, with something left out; None of any other."""
        name = wanted.name
        if name is None or name.of is None or name.stem not in ("∂", "g"):
            return None
        of = next((node for node in self._all if node.name == name.of), None)
        if of is None:
            return None
        same = Omission(edges=left_out.edges, flat=left_out.flat, taken=left_out.taken)
        if same not in self._known:
            spend(self.numbers.step.samples, len(self.partials))
            self._known[same] = self._back(same)
        slopes, shares = self._known[same]
        if name.stem == "g":
            share = shares.get(of)
            return share[sample] if share is not None and share.ndim > 1 else None
        found = slopes.get(of)
        return found[sample] if found is not None and of.each else found

    @cached_property
    def _all(self) -> list[Node]:
        return [*self.forward, *self.step.weights]

    def _back(self, left_out: Omission) -> tuple[dict[Node, Array], dict[Node, Array]]:
        """∂loss/∂x of each named x, and one sample's shares of it."""
        slopes: dict[Node, Array] = {self.step.loss: np.asarray(1.0)}
        shares: defaultdict[Node, list[Array]] = defaultdict(list)
        with np.errstate(all="ignore"):
            for made in reversed(self.forward):
                if made not in slopes:
                    continue
                for source in self.sources[made]:
                    if (made, source) in left_out.edges:
                        continue
                    partial = self.partials[made, source]
                    if made in left_out.flat:
                        partial = self._instead(made, left_out.taken)
                    share = slopes[made] * partial
                    shares[source].append(share)
                    whole = made.each and not source.each and share.ndim > 1
                    share = share.sum(axis=0) if whole else share
                    slopes[source] = slopes.get(source, np.asarray(0.0)) + share
        return slopes, {node: np.asarray(sum(found)) for node, found in shares.items()}

    def _instead(self, activation: Node, taken: str) -> Array:
        """The slope that stands in the place of an activation's: another's, or none."""
        (source,) = self.sources[activation]
        return slope_of(taken, self._now(source), self._now(activation)) if taken else np.ones(())

    # What may be left out ---------------------------------------------------------

    def omissions(self, wanted: Node) -> Iterator[Omission]:
        """The likeliest first: the way through an output's error, an activation's slope, the way
        through a value of the next layer."""
        errors = [node for node in self.forward if node.name and node.name.stem == "E"]
        ends = [node for node in errors if node.name and node.name.index]
        yield from self._ways(ends)
        slopes = list(self._slopes(wanted))
        yield from slopes
        yield from (replace(one, taken=kind) for kind in USUAL_KINDS for one in slopes)
        for node in self._on_the_way(wanted):
            users = [made for made in self.forward if node in self.sources[made]]
            for some in _some_of(users):
                edges = frozenset((made, node) for made in some)
                yield Omission(ways=some, edges=edges)

    def _ways(self, ends: list[Node]) -> Iterator[Omission]:
        for some in _some_of(ends):
            edges = {
                (made, end) for end in some for made in self.forward if end in self.sources[made]
            }
            yield Omission(ways=some, edges=frozenset(edges))

    def _slopes(self, wanted: Node) -> Iterator[Omission]:
        own = [node for node in self._on_the_way(wanted) if self._is_slope(node)]
        layers: defaultdict[object, list[Node]] = defaultdict(list)
        for node in own:
            layers[
                (node.name.of.stem, node.name.of.layer) if node.name and node.name.of else None
            ] += [node]
        for same in layers.values():
            if len(same) > 1:
                yield Omission(slopes=tuple(same), flat=frozenset(same))
        for node in own:
            yield Omission(slopes=(node,), flat=frozenset([node]))
        if len(own) > 1:
            yield Omission(slopes=tuple(own), flat=frozenset(own))

    def _is_slope(self, node: Node) -> bool:
        return node in self.numbers.solution.activations and len(self.sources[node]) == 1

    def _on_the_way(self, wanted: Node) -> list[Node]:
        """The named values between what a derivative is taken of and the loss."""
        found = [n for n in self._all if wanted.name and n.name == wanted.name.of]
        for made in self.forward:
            if not set(found).isdisjoint(self.sources[made]):
                found.append(made)
        return [node for node in found if node in self.forward]

    # In words -----------------------------------------------------------------------

    def slope_in_names(self, activation: Node) -> str:
        """a_h1*(1-a_h1)"""
        (source,) = self.sources[activation]
        slope = gradients(activation, [source], {source})[source]
        return write(NAMES.mention(slope))

    def kind_of(self, activation: Node) -> str:
        """What the activation is called, as the usual ones are; else its own cell's name."""
        (source,) = self.sources[activation]
        x, a = self._now(source), self._now(activation)
        kind = kind_with(x, a, self.partials[activation, source])
        return USUAL_KINDS.get(kind, str(activation.name))

    def share_through(self, wanted: Node, ways: Collection[Node]) -> Node | None:
        """What of a gradient comes by some ways alone, as a value; None where samples are added."""
        name = wanted.name
        of = next((node for node in self._all if name and node.name == name.of), None)
        if of is None or of.each or self.step.samples > 1 or not name or name.stem != "∂":
            return None
        shares = []
        for way in ways:
            onto = gradients(self.step.loss, [way], {way})[way]
            from_there = gradients(way, [of])[of]
            is_whole = onto.is_constant(1)
            shares.append(from_there if is_whole else onto * from_there)
        total = shares[0]
        for share in shares[1:]:
            total = total + share
        return total if len(ancestors([total])) > 1 else None


def _some_of(nodes: list[Node]) -> Iterator[tuple[Node, ...]]:
    """Some of the nodes, not all; few first."""
    if len(nodes) <= MOST_WAYS:
        for count in range(1, len(nodes)):
            yield from combinations(nodes, count)


# Slips ------------------------------------------------------------------------

ENOUGH = 3  # points at which a factor can be told
MOST_ROOT = 100  # what a root that somebody leaves out may come to
MOST_PAIRED = 40  # cells of which two may stand in the place of others
FEW = 8  # edits of a kind, to choose from
LONGEST_SHARE = 200  # characters of what is to be added


@dataclass(frozen=True)
class SlipCause:
    """What is wrong with a formula."""

    kind: str
    why: str
    right_expression: Expression | None = None  # its own formula, put right by a small edit
    edits: tuple[str, ...] = ()  # the same in every book that has the mistake
    other_column: Node | None = None  # whose column this is


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
        self.rate = {place.node: cell for cell, place in places.given_cells.items()}

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
                return None if cell is None else Reference(self.book.name_of(cell, home))
            if node.name is None or node in self.unmentioned:
                return None
            cell = self.places.at(node, epoch, sample)
            if cell is not None:
                return Reference(self.book.name_of(cell, home))
            cell = self.rate.get(node)
            if cell is None:
                return None
            name = "eta" if "eta" in self.book.names else ""
            return Reference(name or self._fixed(cell, home))

        def block(node: Node) -> Reference:
            own = [c for c in self.places.over(node) if self.places.cells[c].epoch == epoch]
            last = self.book.name_of(own[-1], home).rpartition("!")[2]
            return Reference(f"{self.book.name_of(own[0], home)}:{last}")

        return Speller(refer, block)

    def _fixed(self, cell: Address, home: Address) -> str:
        sheet, mark, own = self.book.name_of(cell, home).rpartition("!")
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
    right_value: Array
    ways: Callable[[int], WaysBack]  # back from the loss, in each epoch

    @cached_property
    def pattern(self) -> Pattern:
        return self.own.book.read_typed(self.home)

    @property
    def back(self) -> WaysBack:
        """The ways back in its epoch, which all columns share."""
        return self.ways(self.place.epoch)

    @property
    def weight(self) -> str:
        """Whose gradient it should be; nothing where it is no weight's."""
        name = self.place.node.name
        weights = {weight.name for weight in self.numbers.step.weights}
        return str(name.of) if name and name.of in weights else ""

    def causes(self) -> Iterator[SlipCause]:
        """What explains it, the likeliest first."""
        yield from self._given_away()
        if not self.own.mentioned_values(self.home):
            yield SlipCause(PASTED, Message("numbers are typed where a formula belongs"))
            return
        yield from self._tied()
        yield from self._odd_update()
        yield from self._one_factor()
        yield from self._another_gradient()
        for way in (lambda: next(self._omissions(), None), self._edited):
            found = within_budget(way)
            if found:
                yield found

    def small_edit(self) -> SlipCause | None:
        """A reference of its own formula that puts it right, where one does."""
        found = within_budget(self._edited)
        return found if found and found.kind == EditKind.REFERENCE.value else None

    def cause(self) -> SlipCause:
        """What explains it best, if only the whole formula does."""
        why = Message("no small change makes it right; the formula below is")
        return next(self.causes(), SlipCause(EditKind.FORMULA.value, why))

    # From what is right -----------------------------------------------------------

    def _given_away(self) -> Iterator[SlipCause]:
        """What is taken from a sheet that only measures or shows."""
        behind = self.own.flow.behind([self.home], self.own.known) & self.own.telling
        if behind:
            why = Message(
                "this is taken from {sheet}, which only checks: {name} is to be computed from the "
                "network's own values",
                sheet=self.own.book.sheets[sheet_of(min(behind))].title,
                name=str(self.place.node.name),
            )
            yield SlipCause(EditKind.FORMULA.value, why, edits=("checks",))

    def _tied(self) -> Iterator[SlipCause]:
        """A right formula whose copies all stay at the first row, by a $ before its number."""
        book, own = self.own.book, self.own.places
        like = book.patterns[self.home]
        column = own.over(self.place.node)
        first = next((cell for cell in column if book.patterns.get(cell) is like), self.home)
        ties: list[Address] = []

        def free(said: str) -> str:
            cell = book.reader.cell(said, first)
            if cell not in own.cells or own.cells[cell].epoch == self.place.epoch:
                return said
            head, fixed, row = said.rpartition("$")
            if not fixed or not row.isdigit():
                return said
            ties.append(cell)
            return head + row

        said = copy_formula(rename_cells_in(like.text_at(first), free), first, self.home)
        freed = book.reader.read_typed(said, self.home)
        expression = freed.expression if ties else None
        if expression is not None and agree(self._value_of(expression), self.right_value):
            yield SlipCause(TIED, tied(first, ties[0], DOWN), expression, ("$",))

    def _odd_update(self) -> Iterator[SlipCause]:
        """An update that adds what it should subtract, or lacks the rate or the old weight."""
        place, step = self.place, self.numbers.step
        if place.node not in step.gradients or not place.epoch:
            return
        before = self.numbers.of(place.node, place.epoch - 1)
        change, name = self.right_value - before, str(place.node.name)
        without_rate = change / self.numbers.of(step.rate, 0)
        if agree(self.value - before, -change):
            why = Message("{weight} climbs: it adds η·∂E/∂{weight}, not subtracts it", weight=name)
            yield SlipCause("adds the gradient", why)
        if agree(self.value, change) or agree(self.value, -change):
            yield SlipCause(NO_WEIGHT, only_the_change(name))
        if agree(self.value - before, without_rate):
            yield SlipCause(NO_RATE, RATE_LEFT_OUT)
        if agree(self.value - before, -without_rate):
            yield SlipCause(NO_RATE, _turned(RATE_LEFT_OUT, True))
        if agree(self.value, without_rate) or agree(self.value, -without_rate):
            why = Message(
                "this is only the gradient: η times it is to be subtracted from the old {weight}, "
                "in the row above",
                weight=name,
            )
            yield SlipCause(NO_WEIGHT, why)

    def _one_factor(self) -> Iterator[SlipCause]:
        times = common_factor(self.value, self.right_value)
        if times is not None:
            yield SlipCause(*of_factor(times, str(self.place.node.name)))

    def _another_gradient(self) -> Iterator[SlipCause]:
        step, place = self.numbers.step, self.place
        for weight, gradient in step.gradients.items():
            if gradient is place.node:
                continue
            other = self.numbers.of(gradient, place.epoch, place.sample)
            if agree(self.value, other):
                why = Message(
                    "this is ∂E/∂{weight}, the gradient of another weight", weight=str(weight.name)
                )
                yield SlipCause(OTHER_GRADIENT, why, other_column=gradient)

    def _omissions(self) -> Iterator[SlipCause]:
        place = self.place
        for left_out in self.back.omissions(place.node):
            without = self.back.value(place.node, place.sample, left_out)
            if without is None or agree(without, self.right_value):
                continue
            for sign in (1, -1):
                if agree(self.value, sign * without):
                    yield self._left_out(left_out, turned=sign < 0)

    def _left_out(self, left_out: Omission, *, turned: bool) -> SlipCause:
        edits = (f"left out {left_out}",)
        if left_out.slopes:
            slopes = enumerated(self.back.slope_in_names(one) for one in left_out.slopes)
            if left_out.taken:
                why = other_slope(
                    USUAL_KINDS[left_out.taken],
                    enumerated(str(one.name) for one in left_out.slopes),
                    self.back.kind_of(left_out.slopes[0]),
                    slopes,
                )
                edits = (f"{left_out.taken}'s slope at {left_out}",)
                return SlipCause(OTHER_SLOPE, _turned(why, turned), edits=edits)
            why = message_count(
                "lacks the slope {slopes} of the activation",
                "lacks the slopes {slopes} of the activations",
                len(left_out.slopes),
                slopes=slopes,
            )
            return SlipCause(EditKind.FACTOR.value, _turned(why, turned), edits=edits)
        why = message_count(
            "lacks the path through {names}",
            "lacks the paths through {names}",
            len(left_out.ways),
            names=enumerated(str(way.name) for way in left_out.ways),
        )
        why = _turned(why, turned)
        share = self.back.share_through(self.place.node, left_out.ways)
        if share is not None:
            place = self.place
            said = self.spelling.mention(share, self.home, place.epoch, place.sample)
            if len(said) <= LONGEST_SHARE:
                add = Message("add {part}", part=said)
                why = Message("{mistake}: {remedy}", mistake=why, remedy=add)
        return SlipCause(EditKind.TERM.value, why, edits=edits)

    # From what was written ------------------------------------------------------------

    def _edited(self) -> SlipCause | None:
        expression = self.pattern.expression
        if expression is None:
            return None
        evaluated = EvaluatedFormula(expression, remember(self._value_of))
        known = self._substitutes
        for kind in formula_edits.EDITS:
            for edit in islice(
                edits_that_give(kind.propose(evaluated, known), self.right_value), FEW
            ):
                if not self._is_pointless(edit.apply_to(expression)):
                    return self._of_edits(edit)
        some = [*known.references[:MOST_PAIRED], *constants((ALL,))[:3]]
        for two in islice(formula_edits.pairs(evaluated, some, self.right_value), FEW):
            if not self._is_pointless(two[1].apply_to(two[0].apply_to(expression))):
                return self._of_edits(*two)
        return None

    def _is_pointless(self, changed: Expression) -> bool:
        assert self.pattern.expression is not None
        return pointless_parts(changed) > pointless_parts(self.pattern.expression)

    def _of_edits(self, *edits: Edit) -> SlipCause:
        expression = self.pattern.expression
        assert expression is not None
        for edit in edits:
            expression = edit.apply_to(expression)
        wording = Wording(self._surroundings, self.home)
        why, kind = wording.why(edits, self.weight), wording.kind(edits)
        if write(edits[0].new) == self._rate:
            return self._of_rate(edits[0].old, expression)
        cell = self.own.book.reader.cell(write(edits[0].old), self.home)
        taken = self.own.places.of(cell) if cell is not None else None
        if self.place.node in self.numbers.step.next and taken is not None:
            gradients = self.numbers.step.gradients.values()
            kind = OTHER_GRADIENT if taken.node in gradients else kind
        return SlipCause(kind, why, expression, wording.in_names(edits))

    @property
    def _rate(self) -> str:
        """How an update mentions the learning rate; nothing where none belongs."""
        place, step = self.place, self.numbers.step
        if place.node not in step.next or not place.epoch:
            return ""
        return self.spelling.mention(step.rate, self.home, place.epoch, place.sample)

    def _of_rate(self, old: Expression, right: Expression) -> SlipCause:
        """That something else stands in the place of the learning rate."""
        taken = self.pattern.mentions.get(old.text) if isinstance(old, Reference) else None
        both = {"taken": write(old), "right": self._rate}
        if isinstance(taken, CellReference) and taken.moves:
            why = Message(
                "the learning rate isn't anchored: copied down, its reference moves to {taken} and "
                "on; {right} stays",
                **both,
            )
            return SlipCause(DRIFTING_RATE, why, right, ("η stays",))
        why = Message("{taken} is taken for the learning rate: {right} belongs there", **both)
        return SlipCause(WRONG_RATE, why, right, ("η",))

    @property
    def _surroundings(self) -> Surroundings:
        own, cells = self.own, self.own.places.cells
        weights = set(self.numbers.step.start)
        every = {cell for cell, place in cells.items() if place.node in weights}
        here = frozenset(cell for cell in every if cells[cell].epoch == self.place.epoch)
        return Surroundings(own.book, own.flow, DOWN, every, here, cells.keys() - every)

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
            self.pattern.words,
            {**self.pattern.mentions, **more},
            places=(*self.pattern.places, *places),
        )

    @cached_property
    def _substitutes(self) -> Substitutes:
        """The values of this epoch and sample, and the usual numbers."""
        place, places, step = self.place, self.own.places, self.numbers.step
        epoch = place.epoch - (place.node in step.next)
        cells = {
            node: cell
            for node in places.columns
            if (cell := places.at(node, epoch, place.sample)) not in (None, self.home)
        }
        found = [
            Substitute(
                Reference(self.own.book.name_of(cell, self.home)),
                self.numbers.of(node, epoch, place.sample),
            )
            for node, cell in cells.items()
            if cell is not None
        ]
        words = {str(node.name): one.expression for node, one in zip(cells, found, strict=True)}
        if self._rate:
            found.append(Substitute(Reference(self._rate), self.numbers.of(step.rate, 0)))
        every = [*found, *constants((ALL,))]
        activations = {
            said.text: other.text
            for name, said in words.items()
            if isinstance(said, Reference)
            and isinstance(other := words.get(f"a_{name}"), Reference)
        }

        def factors() -> Sequence[Substitute]:
            return [
                *every,
                *fill_templates([read(said) for said in USUAL_TEMPLATES], found),
            ]

        return Substitutes(every, every, factors, lambda: every, activations)


def common_factor(value: Array, wanted: Array) -> float | None:
    """How many times what is right something is, the same at every point; None where it isn't."""
    with np.errstate(all="ignore"):
        ratio = value / wanted
    ratio = ratio[np.isfinite(ratio)]
    near = _usual_factors(float(np.median(ratio))) if ratio.size >= ENOUGH else ()
    times = next((times for times in near if agree(value, times * wanted)), 0.0)
    return times if times not in (0.0, 1.0) else None


def _usual_factors(ratio: float) -> Iterator[float]:
    """What is near to a ratio: the root of a whole number, or 1 over such a root, as attention
    divides by; else a number of nine digits."""
    size = abs(ratio)
    if 1 <= size < MOST_ROOT:
        yield copysign(sqrt(round(size * size)), ratio)
    elif 1 / MOST_ROOT < size < 1:
        yield copysign(1 / sqrt(round(1 / size / size)), ratio)
    yield float(f"{ratio:.9g}")


def _root_of(number: float) -> int:
    """The whole number whose root this is, if it is no whole number itself; else 0."""
    square = round(number * number) if number < MOST_ROOT else 0
    return square if number != round(number) and isclose(number, sqrt(square), rel_tol=1e-12) else 0


def _turned(why: Message, turned: bool) -> Message:
    return Message("{mistake}, and has the wrong sign", mistake=why) if turned else why


def of_factor(times: float, of: str, columns: int = 1) -> tuple[str, str]:
    """The kind of a mistake that is one factor, maybe of several columns, and why."""
    if times == -1:
        return EditKind.SIGN.value, message_count(
            "{name} has the wrong sign, as of t − a where a − t belongs",
            "{name} have the wrong sign, as of t − a where a − t belongs",
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
                "{name} is 1/√{root} of what the chain rule gives for E_total: divided by "
                "√{root} once too often",
                "{name} are 1/√{root} of what the chain rule gives for E_total: divided by "
                "√{root} once too often",
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
    too_many = (size > 1) != bool(_root_of(size) or _root_of(1 / size))  # it is a division then
    kind = EditKind.OMISSION if too_many else EditKind.FACTOR
    return kind.value, why
