"""The chain rule as people write it: a sum of products of local partials for every weight.

∂E_total/∂w5 is ∂E1/∂a_o1 · ∂a_o1/∂o1 · ∂o1/∂w5: each factor is the partial of a named value with
respect to another one in its formula, with all others held fixed. If a value feeds several others,
their chains are added. If chains grow too long to read, the values that several of them share get
lines of their own, such as ∂E_total/∂h1, and chains begin there.

With several samples a chain stays within one sample and begins at its own error; the result is the
mean over the samples. Batch normalisation mixes the samples, so the values before it are derived
from the error of all samples.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add, mul

import numpy as np

from gradbook.graph.chain import gradients
from gradbook.graph.node import Array, Node, ancestors, named_inputs
from gradbook.graph.reference import Values
from gradbook.net.formulas import Formulas
from gradbook.net.step import Step, run


@dataclass(frozen=True)
class Local:
    """∂of/∂to, where the formula of `of` contains `to`."""

    of: Node
    to: Node
    formula: Node


@dataclass(frozen=True)
class Worked:
    """∂root/∂value, which is worked out on a line of its own."""

    root: Node
    value: Node


@dataclass(frozen=True)
class ChainProduct:
    """Factors, from the error to the weight; none of them is 1."""

    factors: tuple[Chain, ...]


@dataclass(frozen=True)
class ChainSum:
    """One chain for each value that this one feeds, in the order of computation.

    A weight that reads only padding has none.
    """

    terms: tuple[Chain, ...]


@dataclass(frozen=True)
class OverSamples:
    """The chain inside, summed or averaged over the samples."""

    inside: Chain
    mean: bool


Chain = Local | Worked | ChainProduct | ChainSum | OverSamples


def product_of(factors: Sequence[Chain]) -> Chain:
    flat: list[Chain] = []
    for factor in factors:
        flat.extend(factor.factors if isinstance(factor, ChainProduct) else [factor])
    return flat[0] if len(flat) == 1 else ChainProduct(tuple(flat))


def sum_of(terms: Sequence[Chain]) -> Chain:
    return terms[0] if len(terms) == 1 else ChainSum(tuple(terms))


def pieces(chain: Chain) -> Iterator[Chain]:
    """The chain and all its parts, in the order in which they are written."""
    yield chain
    match chain:
        case ChainProduct(parts) | ChainSum(parts):
            for part in parts:
                yield from pieces(part)
        case OverSamples(inside):
            yield from pieces(inside)


def partials(chain: Chain) -> Iterator[Local | Worked]:
    """The local partials in a chain."""
    return (piece for piece in pieces(chain) if isinstance(piece, Local | Worked))


def chain_value(
    chain: Chain, number: Callable[[Local], Array], worked: Mapping[Node, Array], samples: int
) -> Array:
    """A chain's number, computed from its local partials and the chains that it begins with."""

    def value(part: Chain) -> Array:
        return chain_value(part, number, worked, samples)

    match chain:
        case Local():
            return number(chain)
        case Worked():
            return worked[chain.value]
        case ChainProduct(factors):
            return reduce(mul, map(value, factors), np.asarray(1.0))
        case ChainSum(terms):
            return reduce(add, map(value, terms)) if terms else np.asarray(0.0)
        case OverSamples(inside, mean):
            total = np.asarray(np.broadcast_to(value(inside), samples).sum())
            return total / samples if mean else total


LONGEST_CHAIN = 12  # partials: the longest chain of a 2-2-2 network has 8
SHEET_ONLY = ("q", "g")  # stems of values that only a sheet needs, to sum over its rows


@dataclass(frozen=True)
class Derivation:
    """The forward formulas, and the chain of every weight and of every value before the error."""

    step: Step
    spoken: Collection[Node]  # the values with a name in the algebra; others are parts of formulas
    forward: tuple[Node, ...]  # the formulas from the inputs to the error, in order
    locals: Mapping[Node, tuple[Local, ...]]  # by value, towards its inputs
    roots: Mapping[Node, Node]  # the error that each value's chain differentiates
    chains: Mapping[Node, Chain]  # of every value on the way to the error
    worked: tuple[Node, ...]  # the values with a line of their own, from the error backwards

    def mentions(self, value: Node) -> list[Node]:
        """The named values in a value's formula, in the order in which they are written."""
        return named_inputs(value, self.spoken)


def derivation(step: Step, longest: int = LONGEST_CHAIN) -> Derivation:
    """All chains of a step on single values, each with at most about `longest` partials."""
    computed = ancestors([*step.outputs, step.loss])
    unsaid = () if isinstance(step.source, Formulas) else SHEET_ONLY
    spoken = {node for node in computed if node.name and node.name.stem not in unsaid}
    forward = tuple(node for node in computed if node in spoken and node.op.name != "leaf")
    towards: dict[Node, tuple[Local, ...]] = {}
    for value in forward:
        if value in step.adjoints:
            sources = [node for node in named_inputs(value, spoken) if node in step.adjoints]
            formulas = gradients(value, sources, stop=spoken)
            towards[value] = tuple(Local(value, node, formulas[node]) for node in sources)
    chains = _Chains(step, towards, longest)
    for weight in step.gradients:  # a weight that reads only padding feeds nothing
        chains.made.setdefault(weight, ChainSum(()))
        chains.roots.setdefault(weight, step.loss)
    return Derivation(
        step, spoken, forward, towards, chains.roots, chains.made, tuple(chains.worked)
    )


class _Chains:
    """Makes the chains from the error backwards, each from those of the values it feeds."""

    def __init__(self, step: Step, towards: Mapping[Node, Sequence[Local]], longest: int) -> None:
        self.step, self.towards = step, towards
        self.fed: defaultdict[Node, list[Local]] = defaultdict(list)
        for local in (local for partials in towards.values() for local in partials):
            self.fed[local.to].append(local)
        self.errors = [step.loss]
        if step.samples > 1:
            (self.share,) = towards[step.loss]
            self.errors.append(self.share.to)
        self.sample_error = self.errors[-1]  # for a single sample, it is the whole error
        self.order = sorted(self.fed.keys() - self.errors, key=lambda node: -node.index)
        # a value on the way may combine all samples, as a mean of batch normalisation does
        mixes_samples = any(not self._of_one_sample(v) and v is not step.loss for v in towards)
        self.shorten = mixes_samples or self.longest() > longest
        self.roots = {error: error for error in self.errors}
        self.made: dict[Node, Chain] = {}
        self.worked: dict[Node, None] = {}  # in the order of the lines
        for value in self.order:
            self.roots[value] = self._root(value)
            self.made[value] = self._chain(value)
            if self._deserves_a_line(value):
                self.worked[value] = None

    def longest(self) -> int:
        """The number of partials in the longest chain, written out in full."""
        sizes = dict.fromkeys(self.errors, 0)
        for value in self.order:
            sizes[value] = sum(
                sizes[local.of] + (not self._goes_unsaid(local)) for local in self.fed[value]
            )
        return max(sizes.values())

    def _root(self, value: Node) -> Node:
        """The sample's own error if the value affects only that, otherwise the total error."""
        alone = all(self._is_alone(local) for local in self.fed[value])
        return self.sample_error if alone and self._of_one_sample(value) else self.step.loss

    def _is_alone(self, local: Local) -> bool:
        return self.roots[local.of] is self.sample_error

    def _of_one_sample(self, value: Node) -> bool:
        return value.each or self.step.samples == 1

    def _chain(self, value: Node) -> Chain:
        root, loss, fed = self.roots[value], self.step.loss, self.fed[value]
        if self._of_one_sample(value):
            return sum_of([self._term(local, root) for local in fed])
        alone = [self._term(local, self.sample_error) for local in fed if self._is_alone(local)]
        mixed = [local for local in fed if not self._is_alone(local)]
        each = [self._term(local, loss) for local in mixed if local.of.each]
        once = [self._term(local, loss) for local in mixed if not local.of.each]
        means: list[Chain] = [OverSamples(sum_of(alone), mean=True)] if alone else []
        sums: list[Chain] = [OverSamples(sum_of(each), mean=False)] if each else []
        return sum_of([*means, *sums, *once])

    def _term(self, local: Local, root: Node) -> Chain:
        """∂root/∂to along one of the values that `to` feeds."""
        begin = [] if root is self.roots[local.of] else [self.share]
        is_unsaid = self._goes_unsaid(local) and local.to not in self.step.gradients
        end = [] if is_unsaid else [local]
        return product_of([*begin, self._reach(local.of), *end])

    def _goes_unsaid(self, local: Local) -> bool:
        """Whether the partial is omitted: ∂E_total/∂E1 is 1."""
        return local.of in self.errors and local.formula.is_constant(1)

    def _reach(self, value: Node) -> Chain:
        """∂root/∂value as it is written at the beginning of other chains."""
        if value in self.errors:
            return ChainProduct(())
        return Worked(self.roots[value], value) if value in self.worked else self.made[value]

    def _deserves_a_line(self, value: Node) -> bool:
        """Whether several long chains share the value, or all samples do."""
        if value not in self.towards:
            return False  # a weight ends a chain
        if not self._of_one_sample(value):
            return True
        shared = len(self.towards[value]) > 1
        return self.shorten and shared and len(list(partials(self.made[value]))) > 1


def first_values(derived: Derivation) -> Values:
    """The values of the first epoch, including those of all local partials."""
    formulas = [local.formula for partials in derived.locals.values() for local in partials]
    return next(run(derived.step, 1, watch=formulas))


def slopes(derived: Derivation, values: Values) -> dict[Node, Array]:
    """The number of every chain: ∂root/∂value, one for each sample if there are several."""
    return slopes_by(derived, lambda local: values[local.formula])


def slopes_by(derived: Derivation, number: Callable[[Local], Array]) -> dict[Node, Array]:
    """Like `slopes`, with other numbers for the local partials."""
    by_node: dict[Node, Array] = {}
    with np.errstate(all="ignore"):  # an overflow is visible in the value
        for value, chain in derived.chains.items():
            by_node[value] = chain_value(chain, number, by_node, derived.step.samples)
    return by_node
