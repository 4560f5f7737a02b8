"""Values as weighted sums of others, with one weight a channel: Σ coefficient·base + constant.

Batch normalisation is nothing else, forward and backward. Said like this, its sums over the batch
can be split into sums that are known earlier, and a chain of its steps becomes one multiply-add.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gradbook.graph.node import Graph, Node
from gradbook.graph.tensors import spread

MOST_TERMS = 4  # three batch normalisations side by side


@dataclass(frozen=True)
class Linear:
    """Coefficients have a value per channel or one for all; None stands for 1."""

    terms: Mapping[Node, Node | None] = field(default_factory=dict)
    constant: Node | None = None

    def times(self, by: Node) -> Linear:
        terms = {base: product(coefficient, by) for base, coefficient in self.terms.items()}
        return Linear(terms, self.constant and product(self.constant, by))

    def plus(self, other: Linear) -> Linear:
        terms = dict(self.terms)
        for base, coefficient in other.terms.items():
            one = base.graph.constant(1)
            terms[base] = (
                sum_of(terms[base] or one, coefficient or one) if base in terms else coefficient
            )
        if self.constant is None or other.constant is None:
            return Linear(terms, self.constant or other.constant)
        return Linear(terms, sum_of(self.constant, other.constant))

    @property
    def single(self) -> tuple[Node, Node | None] | None:
        """The base and its coefficient, where there is nothing else."""
        if len(self.terms) != 1 or self.constant is not None:
            return None
        ((base, coefficient),) = self.terms.items()
        return base, coefficient

    @property
    def stands_alone(self) -> bool:
        """Whether sums are better made of it than of its terms.

        Taken apart, values that are only added up gain nothing; and behind many skip connections
        each sum would be made anew of all that went into those before it.
        """
        added = set(self.terms.values()) == {None}
        return (added and (self.constant is None or len(self.terms) == 1)) or (
            len(self.terms) > MOST_TERMS
        )


def product(a: Node | None, b: Node | None) -> Node | None:
    if a is None or b is None:
        return b if a is None else a
    if a.is_constant() and b.is_constant():
        return a.graph.constant(a.number * b.number)
    if a.is_constant(-1):
        return -b
    return -a if b.is_constant(-1) else a * b


def sum_of(a: Node, b: Node) -> Node:
    if a.is_constant() and b.is_constant():
        return a.graph.constant(a.number + b.number)
    return a + b


def over(graph: Graph, coefficient: Node, shape: tuple[int, ...]) -> Node:
    """A coefficient beside values of this shape: single values go with any."""
    return spread(coefficient, shape[1:]) if coefficient.shape else coefficient


def build_sum(linear: Linear, graph: Graph, shape: tuple[int, ...]) -> Node:
    """The nodes that compute it, term by term."""
    total: Node | None = None
    for base, coefficient in linear.terms.items():
        if total is not None and coefficient is not None and coefficient.is_constant(-1):
            total = total - base
            continue
        term = base if coefficient is None else base * over(graph, coefficient, shape)
        total = term if total is None else total + term
    if linear.constant is None:
        assert total is not None
        return total
    if total is None:
        constant = linear.constant
        tail = shape if not constant.shape else shape[1:]
        return graph.make("repeat", spread(constant, tail))
    return total + over(graph, linear.constant, shape)
