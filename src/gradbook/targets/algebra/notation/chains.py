"""Chains as mathematics: in partials, in formulas, and with the numbers put in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from gradbook.graph.node import Array, Node
from gradbook.graph.reference import Values
from gradbook.net.derivation import (
    Chain,
    ChainProduct,
    ChainSum,
    Derivation,
    Local,
    OverSamples,
    Worked,
    chain_value,
    first_values,
    slopes,
)
from gradbook.targets.algebra.notation.forms import (
    BigSum,
    Form,
    Fraction,
    Numeral,
    Partial,
    Terms,
    added,
    multiplied,
)
from gradbook.targets.algebra.notation.formula import (
    SHARE,
    Say,
    formula,
    numbers,
    over_all,
    over_samples,
    symbol,
    symbols,
)

CANCELLED = 1e-15  # of the size of the terms

Factor = Callable[[Local | Worked], Form]  # how a partial is said
Total = Callable[[Chain], Form]  # how a sum over the samples is said

MOST_OVER_A_LINE = 2  # samples' chains


@dataclass(frozen=True)
class Algebra:
    """What can be said of a derivation's values and chains, in symbols and in numbers."""

    derived: Derivation
    values: Values
    slopes: Mapping[Node, Array]

    @property
    def samples(self) -> int:
        return self.derived.step.samples

    def slope(self, value: Node) -> Form:
        """∂E_total/∂value, or of one sample's error, as the value's chain has it."""
        return partial(self.derived.roots.get(value, self.derived.step.loss), value)

    def in_partials(self, chain: Chain) -> Form:
        """∂E1/∂a_o1 · ∂a_o1/∂o1 · ∂o1/∂w5."""
        return self._said(
            chain, as_partial, lambda x: BigSum(self.in_partials(x), "samples"), spare_ones=False
        )

    def in_formulas(self, chain: Chain) -> Form:
        """(a_o1 − t1) · a_o1 · (1 − a_o1) · a_h1."""

        def factor(part: Local | Worked) -> Form:
            return self.derivative(part) if isinstance(part, Local) else as_partial(part)

        return self._said(chain, factor, lambda x: BigSum(self.in_formulas(x), "samples"))

    def derivative(self, local: Local) -> Form:
        """a_o1 − t1, or 1/N of the error of all towards one sample's."""
        is_share = self.samples > 1 and local.of is self.derived.step.loss
        return SHARE if is_share else formula(local.formula, self.say_symbols())

    def in_numbers(self, chain: Chain, sample: int | None = None) -> Form:
        """The same with the numbers put in; Σ is written out."""
        say = self.say_numbers(sample)

        def factor(part: Local | Worked) -> Form:
            if isinstance(part, Local):
                return formula(part.formula, say)
            return Numeral(at(self.slopes[part.value], sample))

        def total(inside: Chain) -> Form:
            return over_samples(self.samples, lambda k: self.in_numbers(inside, k))

        return self._said(chain, factor, total)

    def in_shares(self, chain: Chain) -> Form:
        """Only each sample's number, where a chain adds over the samples."""

        def total(inside: Chain) -> Form:
            shares = self._number(inside)
            return over_samples(self.samples, lambda k: Numeral(at(shares, k)))

        return self._said(chain, lambda part: Numeral(self.number(part)), total)

    def number(self, chain: Chain, sample: int | None = None) -> float:
        """What the chain comes to; 0 where its terms cancel but for rounding."""
        number = at(self._number(chain), sample)
        return 0.0 if abs(number) <= CANCELLED * self._size(chain) else number

    def _size(self, chain: Chain) -> float:
        """What the chain would come to if nothing in it cancelled, at most."""
        match chain:
            case ChainSum(terms):
                return sum(map(self._size, terms))
            case ChainProduct(factors):
                return prod(map(self._size, factors))
            case Local() if chain.formula.op.name == "total":
                return float(np.abs(self.values[chain.formula.inputs[0]]).sum())
            case OverSamples(inside, mean):
                total = float(np.abs(np.broadcast_to(self._number(inside), self.samples)).sum())
                return total / self.samples if mean else total
            case _:
                return float(np.abs(self._number(chain)).max())

    def say_symbols(self) -> Say:
        return symbols(self.derived.spoken)

    def say_numbers(self, sample: int | None = None) -> Say:
        return numbers(self.derived.spoken, self.values, self.samples, sample)

    def _number(self, chain: Chain) -> Array:
        with np.errstate(all="ignore"):
            return chain_value(chain, self.values, self.slopes, self.samples)

    def _mean(self, whole: Form) -> Form:
        """Over how many samples there are; in front of a long sum, which can be broken into lines
        where what stands over a fraction's line can't."""
        samples = Numeral(self.samples)
        if isinstance(whole, Terms) and len(whole.terms) > MOST_OVER_A_LINE:
            return multiplied([Fraction(Numeral(1), samples), whole])
        return over_all(whole, samples)

    def _said(self, chain: Chain, factor: Factor, total: Total, spare_ones: bool = True) -> Form:
        """Put together from its parts; a factor that is 1 is left out unless asked for."""

        def said(part: Chain) -> Form:
            return self._said(part, factor, total, spare_ones)

        match chain:
            case Local() | Worked():
                return factor(chain)
            case ChainSum(terms):
                return added([*map(said, terms)] or [Numeral(0)])
            case OverSamples(inside, mean):
                whole = total(inside)
                return self._mean(whole) if mean else whole
            case ChainProduct(factors):
                kept = [part for part in factors if not (spare_ones and _is_one(part))]
                return multiplied(map(said, kept or factors[:1]))


def algebra(derived: Derivation) -> Algebra:
    """With the values of the first epoch."""
    values = first_values(derived)
    return Algebra(derived, values, slopes(derived, values))


def symbol_of(value: Node) -> Form:
    assert value.name is not None
    return symbol(value.name)


def partial(of: Node, to: Node) -> Form:
    """∂of/∂to."""
    return Partial(symbol_of(of), symbol_of(to))


def _is_one(chain: Chain) -> bool:
    return isinstance(chain, Local) and chain.formula.is_constant(1)


def as_partial(part: Local | Worked) -> Form:
    return partial(part.of, part.to) if isinstance(part, Local) else partial(part.root, part.value)


def at(value: Array, sample: int | None = None) -> float:
    """One sample's number, or the number that all share."""
    array = np.asarray(value)
    return float(array if not array.ndim or sample is None else array[sample])
