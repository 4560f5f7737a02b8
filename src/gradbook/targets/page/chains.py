"""Chains as trees of lines: every factor, product and sum has a value of its own.

    {"kind": "product", "value": 40,
     "parts": [{"kind": "partial", "of": 7, "to": 3, "value": 21}, …]}

`kind` is partial, worked (a chain that has a line of its own), product, sum, mean or total; the
last two run over the samples.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import add, mul
from typing import Any

from gradbook.graph.chain import gradients
from gradbook.graph.node import Node
from gradbook.net.derivation import (
    Chain,
    ChainProduct,
    ChainSum,
    Derivation,
    Local,
    OverSamples,
    Worked,
    product_of,
    sum_of,
)


def to_the_inputs(derived: Derivation) -> Derivation:
    """Add chains of the inputs, and of values that are computed from inputs alone.

    They begin with the values that these feed, whose own chains are shown separately.
    """
    chains, roots = dict(derived.chains), dict(derived.roots)
    towards = dict(derived.locals)
    fed = defaultdict[Node, list[Local]](list)
    for value, partials in _locals_of_inputs(derived).items():
        towards[value] = (*towards.get(value, ()), *partials)
        for local in partials:
            fed[local.to].append(local)
    for value in sorted(fed, key=lambda node: -node.index):
        known = [local for local in fed[value] if local.of in chains]
        if len({roots[local.of] for local in known}) == 1:
            worked = [(Worked(roots[local.of], local.of), local) for local in known]
            chains[value] = sum_of([product_of(pair) for pair in worked])
            roots[value] = roots[known[0].of]
    return replace(derived, chains=chains, roots=roots, locals=towards)


def _locals_of_inputs(derived: Derivation) -> dict[Node, tuple[Local, ...]]:
    """For each value, the partials with respect to values that don't depend on a weight."""
    changing = set(derived.step.inputs)
    partials: dict[Node, tuple[Local, ...]] = {}
    for value in derived.forward:
        mentioned = [node for node in derived.mentions(value) if node in changing]
        if mentioned:
            changing.add(value)
            early = [node for node in mentioned if node not in derived.step.adjoints]
            formulas = gradients(value, early, stop=derived.spoken)
            partials[value] = tuple(Local(value, node, formulas[node]) for node in early)
    return partials


@dataclass(frozen=True)
class ChainLines:
    """The nodes of a derivation's chains, added to its graph."""

    derivation: Derivation
    slopes: dict[Node, Node] = field(default_factory=dict)  # the node of each value's chain

    @staticmethod
    def of(derived: Derivation) -> ChainLines:
        lines = ChainLines(derived)
        for value, chain in derived.chains.items():
            lines.slopes[value] = lines.node(chain)
        return lines

    @property
    def nodes(self) -> list[Node]:
        """All nodes whose values the chains show."""
        nodes: dict[Node, None] = {}
        waiting = list(self.derivation.chains.values())
        while waiting:
            chain = waiting.pop()
            nodes[self.node(chain)] = None
            waiting += _parts(chain)
        return list(nodes)

    def node(self, chain: Chain) -> Node:
        """The node with the value of a chain."""
        match chain:
            case Local():
                return chain.formula
            case Worked():
                return self.slopes[chain.value]
            case ChainProduct(factors):
                return reduce(mul, map(self.node, factors)) if factors else self._number(1)
            case ChainSum(terms):
                return reduce(add, map(self.node, terms)) if terms else self._number(0)
            case OverSamples(inside, mean):
                each = self.node(inside)
                each = each if each.each else each.graph.make("repeat", each)
                total = each.graph.make("total", each)
                return (
                    total / (self.derivation.step.count or self.derivation.step.samples)
                    if mean
                    else total
                )

    def _number(self, value: float) -> Node:
        return self.derivation.step.graph.constant(value)

    def tree(self, chain: Chain, places: Mapping[Node, int]) -> dict[str, Any]:
        """The chain for a page, by the lines of its values."""
        value = places[self.node(chain)]
        match chain:
            case Local(of, to):
                ends = {"of": places[of], "to": places[to]}
                return {"kind": "partial", **ends, "value": value}
            case Worked(root, to):
                ends = {"of": places[root], "to": places[to]}
                return {"kind": "worked", **ends, "value": value}
        kind = {ChainProduct: "product", ChainSum: "sum"}.get(type(chain))
        if isinstance(chain, OverSamples):
            kind = "mean" if chain.mean else "total"
        return {
            "kind": kind,
            "parts": [self.tree(part, places) for part in _parts(chain)],
            "value": value,
        }


def _parts(chain: Chain) -> tuple[Chain, ...]:
    match chain:
        case ChainProduct(parts) | ChainSum(parts):
            return parts
        case OverSamples(inside):
            return (inside,)
        case _:
            return ()
