"""Which chains the sheet Derivation works, what they refer to, and how they read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from gradbook.graph.node import Node, named_inputs, needed
from gradbook.net.derivation import (
    Chain,
    ChainProduct,
    ChainSum,
    Derivation,
    Local,
    OverSamples,
    Worked,
    partials,
)
from gradbook.targets.excel.language.grammar import Expression, write

MOST_CELLS = 12_000  # beyond this two weights are worked, and the others go the same way
A_WEIGHTS_LINES = 12  # or so: its partials, its chain


@dataclass(frozen=True)
class Chains:
    """The chains of a derivation; a sum of paths has a line of its own and is referred to."""

    derived: Derivation

    @cached_property
    def owners(self) -> dict[int, Node]:
        """The value whose whole chain a sum is, by the sum's identity."""
        chains = self.derived.chains.items()
        return {id(chain): value for value, chain in chains if isinstance(chain, ChainSum)}

    def weights(self) -> list[Node]:
        """The weights that are worked: all, or the first one of the first and the last layer."""
        step = self.derived.step
        trained = step.trained
        if len(trained) * A_WEIGHTS_LINES * step.samples <= MOST_CELLS:
            return trained
        by_name = {str(weight.name): weight for weight in trained}
        names = [p.names[0] for p in step.net.parameters if p.names[0] in by_name]
        return [by_name[name] for name in dict.fromkeys((names[0], names[-1]))]

    def reached(self, weights: Iterable[Node]) -> list[Node]:
        """The weights and the lines that their chains refer to, from the error backwards."""
        chains = self.derived.chains
        found = set(needed(list(weights), sources=lambda value: self._referred(chains[value])))
        return [value for value in chains if value in found]

    def _referred(self, chain: Chain, inside: bool = False) -> Iterator[Node]:
        """The values whose own lines a chain refers to."""
        match chain:
            case Worked(_, value):
                yield value
            case ChainSum() if inside and (owner := self.owners.get(id(chain))):
                yield owner
            case ChainProduct(several) | ChainSum(several):
                for part in several:
                    yield from self._referred(part, inside=True)
            case OverSamples(part):
                yield from self._referred(part, inside=True)

    def locals(self, reached: Sequence[Node]) -> Iterator[Local]:
        """The local partials in the chains of these values."""
        for value in reached:
            for part in partials(self.derived.chains[value]):
                if isinstance(part, Local):
                    yield part

    def forward(self, reached: Sequence[Node]) -> list[Node]:
        """The values whose formulas those partials are taken of."""
        mentioned = {local.of for local in self.locals(reached)} | {self.derived.step.loss}
        return [node for node in self.derived.forward if node in mentioned]

    def given(self, reached: Sequence[Node], forward: Sequence[Node]) -> list[Node]:
        """What the formulas of those partials and values mention besides those values."""
        formulas = [local.formula for local in self.locals(reached)]
        found: set[Node] = set()
        for formula in [*formulas, *forward]:
            found.update([formula] if formula in self._named else named_inputs(formula))
        found.update(node for value in forward for node in named_inputs(value))
        return sorted(found - set(forward), key=lambda node: node.index)

    @cached_property
    def _named(self) -> set[Node]:
        return set(self.derived.step.graph.names)

    def words(self, chain: Chain, top: bool = False) -> str:
        """A chain in names: ∂E1/∂a_o1 · ∂a_o1/∂o1 · ∂o1/∂w5."""
        owner = None if top else self.owners.get(id(chain))
        if owner is not None:
            return derivative(self.derived.roots[owner], owner)
        match chain:
            case Local(of, to):
                return derivative(of, to)
            case Worked(root, value):
                return derivative(root, value)
            case ChainProduct(factors):
                return " · ".join(self.words(factor) for factor in factors)
            case ChainSum(()):
                return "0: it reaches no error"
            case ChainSum(terms):
                return " + ".join(self.words(term) for term in terms)
            case OverSamples(inside, mean):
                return f"{'mean' if mean else 'sum'} of ({self.words(inside)})"


def derivative(of: Node, to: Node) -> str:
    return f"∂{of.name}/∂{to.name}"


def prose(expression: Expression) -> str:
    """A formula in names, with room around its signs."""
    apart = re.sub(r"(?<=[\w)])(?<!\dE)([-+])", r" \1 ", write(expression))
    return apart.replace("*", "·").replace("-", "−")
