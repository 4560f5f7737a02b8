"""Typical wrong answers: values, derivatives and weights computed with one common mistake.

This module knows no particular layer. A wrong formula is the graph's own with one part changed, a
wrong chain is the derivation's own with another partial in one place, so that each mistake works
for every layer, loss and update.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce

import numpy as np

from gradbook.graph.node import Array, Node, ancestors
from gradbook.graph.reference import Values, evaluate, evaluate_in_order
from gradbook.language import numeral, tr
from gradbook.net import Net
from gradbook.net.derivation import Local, derivation, slopes_by
from gradbook.net.formulas import Formulas
from gradbook.net.lower import scalar_step
from gradbook.net.step import Step, run
from gradbook.targets.algebra.formula import Algebra, algebra, at, partial
from gradbook.targets.algebra.terminal_text import spell
from gradbook.targets.excel.plan.column_order import is_activation

ONE, NOTHING = np.asarray(1.0), np.asarray(0.0)


@dataclass(frozen=True)
class TypicalSlip:
    """A wrong number, and the mistake that makes it."""

    number: float
    why: str


class FirstStep:
    """The first step of a student's network: every value, every derivative, and common mistakes."""

    def __init__(self, net: Net | Formulas, rate: float) -> None:
        self.step: Step = scalar_step(net)
        self.known: Algebra = algebra(derivation(self.step))
        self.rate = rate
        partials = [
            local.formula for parts in self.known.derived.locals.values() for local in parts
        ]
        self.values: Values = next(run(self.step, 1, rate, watch=partials))

    # Values -----------------------------------------------------------------------

    def value(self, node: Node, sample: int) -> float:
        return at(self.values[node], sample)

    def after(self, weight: Node, rate: float | None = None) -> float:
        """A weight after the step, at another rate if one is given."""
        if rate is None:
            return at(self.values[self.step.next[weight]])
        return at(self._step_with({self.step.rate: np.asarray(rate)}, self.step.next[weight]))

    def _step_with(self, changed: Mapping[Node, Array], wanted: Node) -> Array:
        """A value of the step, computed with some other values changed."""
        leaves = {**self.step.data, **self.step.start, self.step.rate: np.asarray(self.rate)}
        return evaluate([wanted], {**leaves, **changed})[wanted]

    def all_with(self, node: Node, wrong: float) -> Values:
        """All values of the step, with one of them wrong and the others computed from it."""
        leaves = {**self.step.data, **self.step.start, self.step.rate: np.asarray(self.rate)}
        changed = {**leaves, node: np.broadcast_to(wrong, np.shape(self.values[node]))}
        wanted = [self.step.loss, *self.step.outputs, *self.step.next.values()]
        return evaluate(wanted, changed)

    def _partial(self, local: Local, changed: Mapping[Node, Array]) -> Array:
        """A local partial with some values changed; it may be one of them: ∂o1/∂w5 is a_h1."""
        if local.formula in self.known.derived.spoken:
            return changed.get(local.formula, self.values[local.formula])
        return self._remade(local.formula, changed)

    def _remade(self, formula: Node, changed: Mapping[Node, Array]) -> Array:
        """A formula, computed with some of its values or constants changed."""
        spoken = self.known.derived.spoken
        order = ancestors([formula], stop=spoken)
        unchanged = {
            node: self.values[node] for node in order if node in spoken and node is not formula
        }
        values = evaluate_in_order(order, {**unchanged, **changed}, self.step.samples)
        return values[formula]

    # Wrong values -----------------------------------------------------------------

    def wrong_values(self, node: Node, sample: int) -> Iterator[TypicalSlip]:
        """Numbers that people mistake for a value of the forward pass."""
        sources = self.known.derived.mentions(node)
        if is_activation(node) and len(sources) == 1:
            (source,) = sources
            why = tr("That is {name}: the activation is left out.", name=source.name)
            yield TypicalSlip(self.value(source, sample), why)
            why = tr("{name} has the wrong sign.", name=source.name)
            yield self._changed(node, sample, {source: -self.values[source]}, why)
        for source in sources:
            if is_activation(source):
                (before,) = self.known.derived.mentions(source)[:1] or (source,)
                text = tr("{taken} is used instead of {name}: its activation is left out.")
                why = text.format(taken=before.name, name=source.name)
                yield self._changed(node, sample, {source: self.values[before]}, why)
        yield from self._without_parts(node, sample, sources)
        for other in self._alike(node):
            why = tr("That is {taken}, not {name}.", taken=other.name, name=node.name)
            yield TypicalSlip(self.value(other, sample), why)
        yield TypicalSlip(-self.value(node, sample), tr("The sign is wrong."))

    def _without_parts(self, node: Node, sample: int, sources: list[Node]) -> Iterator[TypicalSlip]:
        """The value with a term or a constant left out of its formula."""
        for part in ancestors([node], stop=self.known.derived.spoken):
            if part.is_constant() and part.number not in (0, 1):
                number = numeral(f"{part.number:g}")
                why = tr("The {number} in the formula is left out.", number=number)
                yield self._changed(node, sample, {part: np.asarray(1.0)}, why)
        weights = set(self.step.weights)
        of_weights = [source for source in sources if source in weights]
        for source in of_weights or sources[: len(sources) * (not is_activation(node))]:
            why = tr("{name} is left out.", name=source.name)
            yield self._changed(node, sample, {source: 0 * self.values[source]}, why)

    def _changed(
        self, node: Node, sample: int, changed: Mapping[Node, Array], why: str
    ) -> TypicalSlip:
        return TypicalSlip(at(self._remade(node, changed), sample), why)

    def _alike(self, node: Node) -> Iterator[Node]:
        """The other values of its layer."""
        for other in self.known.derived.forward:
            if other is not node and _layer_of(other) == _layer_of(node) is not None:
                yield other

    # Wrong derivatives --------------------------------------------------------------

    def wrong_derivatives(self, value: Node, sample: int) -> Iterator[TypicalSlip]:
        """Numbers that people mistake for a derivative: the likeliest first, each kind in turn."""
        right = at(self.known.slopes[value], sample)
        here = list(self._on_the_way(value))
        bent = [local for local in here if self._is_slope(local)]
        kinds: list[Iterator[TypicalSlip]] = [
            self._without_a_slope(value, sample, bent),
            iter([TypicalSlip(-right, tr("The sign is wrong: did you use t − a for a − t?"))]),
            self._without_a_way(value, sample, here),
            self._of_another(value, sample),
            self._slope_of_the_sum(value, sample, bent),
            self._without_the_last(value, sample),
            self._with_new_weights(value, sample, here),
            self._not_the_mean(value, right),
        ]
        while kinds:
            firsts = [(kind, next(kind, None)) for kind in kinds]
            kinds = [kind for kind, slip in firsts if slip]
            yield from (slip for _, slip in firsts if slip)

    def _taken(self, value: Node, sample: int, changed: Mapping[Local, Array]) -> float:
        """The derivative with some partials replaced."""

        def number(local: Local) -> Array:
            return changed[local] if local in changed else self.values[local.formula]

        return at(slopes_by(self.known.derived, number)[value], sample)

    def _on_the_way(self, value: Node) -> Iterator[Local]:
        """The partials between a value and the error, those next to the value first."""
        reached, waiting = {value}, [value]
        while waiting:
            for local in self._fed[waiting.pop(0)]:
                yield local
                if local.of not in reached:
                    reached.add(local.of)
                    waiting.append(local.of)

    @cached_property
    def _fed(self) -> defaultdict[Node, list[Local]]:
        readers: defaultdict[Node, list[Local]] = defaultdict(list)
        for locals_of in self.known.derived.locals.values():
            for local in locals_of:
                readers[local.to].append(local)
        return readers

    def _is_slope(self, local: Local) -> bool:
        is_alone = len(self.known.derived.mentions(local.of)) == 1
        return is_activation(local.of) and is_alone and not local.formula.is_constant()

    def _without_a_slope(
        self, value: Node, sample: int, bent: list[Local]
    ) -> Iterator[TypicalSlip]:
        for left in bent:
            number = self._taken(value, sample, {left: ONE})
            why = tr("The slope {slope} of the activation is left out.", slope=_spelled(left))
            yield TypicalSlip(number, why)
        if len(bent) > 1:
            number = self._taken(value, sample, dict.fromkeys(bent, ONE))
            yield TypicalSlip(number, tr("The slopes of all activations are left out."))

    def _without_a_way(self, value: Node, sample: int, here: list[Local]) -> Iterator[TypicalSlip]:
        for way in here:
            ways = self._fed[way.to]
            if len(ways) < 2:
                continue
            number = self._taken(value, sample, {way: NOTHING})
            others = [str(other.of.name) for other in ways if other is not way]
            why = tr("The path through {name} is missing: here it only goes through {others}.")
            yield TypicalSlip(number, why.format(name=way.of.name, others=_and(others)))

    def _of_another(self, value: Node, sample: int) -> Iterator[TypicalSlip]:
        """The derivative with respect to another input of the same value."""
        for fed in self._fed[value]:
            for other in self.known.derived.locals[fed.of]:
                if other.to is not value and (other.to in self.step.gradients) is (
                    value in self.step.gradients
                ):
                    number = at(self.known.slopes[other.to], sample)
                    slope = spell(self.known.slope(other.to))
                    yield TypicalSlip(number, tr("That is {slope}.", slope=slope))

    def _slope_of_the_sum(
        self, value: Node, sample: int, bent: list[Local]
    ) -> Iterator[TypicalSlip]:
        """σ'(h1) computed from h1 instead of a_h1, or the other way round."""
        for local in bent:
            of, to = local.of, local.to
            made_of = [n for n in (of, to) if n in ancestors([local.formula], stop={of, to})]
            if len(made_of) != 1:
                continue
            (used,) = made_of
            other = to if used is of else of
            swapped = self._partial(local, {used: self.values[other]})
            number = self._taken(value, sample, {local: swapped})
            text = tr("{slope} is computed from {taken}, not from {name}.")
            why = text.format(slope=_spelled(local), taken=other.name, name=used.name)
            yield TypicalSlip(number, why)

    def _without_the_last(self, value: Node, sample: int) -> Iterator[TypicalSlip]:
        for last in self._fed[value]:
            if not last.formula.is_constant():
                number = self._taken(value, sample, {last: ONE})
                why = tr("The factor {factor} is left out.", factor=_spelled(last))
                yield TypicalSlip(number, why)

    def _with_new_weights(
        self, value: Node, sample: int, here: list[Local]
    ) -> Iterator[TypicalSlip]:
        """The derivative carried back through weights that the step has already changed."""
        trained = {weight: self.values[self.step.next[weight]] for weight in self.step.trained}
        behind = {local: self._partial(local, trained) for local in here}
        number = self._taken(value, sample, behind)
        why = tr("The weights after the step are used, not those before it.")
        yield TypicalSlip(number, why)

    def _not_the_mean(self, value: Node, right: float) -> Iterator[TypicalSlip]:
        if self.step.samples > 1 and not value.each:
            why = tr("That is the sum over the samples: E_total is their mean.")
            yield TypicalSlip(right * self.step.samples, why)

    # Wrong weights ------------------------------------------------------------------

    def wrong_updates(self, weight: Node) -> Iterator[TypicalSlip]:
        """Numbers that people mistake for a weight after the step."""
        before, after = at(self.values[weight]), self.after(weight)
        slope, following = self.step.gradients[weight], self.step.next[weight]
        name, error = weight.name, spell(self.known.slope(weight))
        why = tr("The step is added to {name}, not subtracted.", name=name)
        yield TypicalSlip(2 * before - after, why)
        if self.rate != 1:
            yield TypicalSlip(self.after(weight, 1.0), tr("The learning rate η is left out."))
        why = tr("That is the step alone: subtract it from {name}.", name=name)
        yield TypicalSlip(before - after, why)
        why = tr("That is {slope}, not the weight after the step.", slope=error)
        yield TypicalSlip(at(self.values[slope]), why)
        for other in self.step.trained:
            if other is not weight:
                changed = {slope: self.values[self.step.gradients[other]]}
                taken = spell(self.known.slope(other))
                why = tr("The step of {name} uses {slope}.", name=name, slope=taken)
                yield TypicalSlip(at(self._step_with(changed, following)), why)
        yield TypicalSlip(before, tr("{name} hasn't moved.", name=name))


def _layer_of(node: Node) -> tuple[object, ...] | None:
    """Equal for the values of one layer; None for a value that belongs to none."""
    name = node.name
    while name and name.of:
        name = name.of
    if node.name is None or name is None or not name.index:
        return None
    return node.name.stem, name.stem, name.layer, name.step


def _and(names: Sequence[str]) -> str:
    return reduce(lambda others, last: tr("{others} and {last}", others=others, last=last), names)


def _spelled(local: Local) -> str:
    return spell(partial(local.of, local.to))
