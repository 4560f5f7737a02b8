"""Chains of partials: what a derivative is put together from, its pieces and its number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add, mul

import numpy as np

from gradbook.graph.node import Node
from gradbook.graph.op import Array
from gradbook.graph.reference import Values


@dataclass(frozen=True)
class Local:
    """∂of/∂to, where the formula of `of` mentions `to`."""

    of: Node
    to: Node
    formula: Node


@dataclass(frozen=True)
class Worked:
    """∂root/∂value, which has a line of its own."""

    root: Node
    value: Node


@dataclass(frozen=True)
class Product:
    """Factors, from the error towards the weight; none of them is 1."""

    factors: tuple[Chain, ...]


@dataclass(frozen=True)
class Sum:
    """One chain for each value that is fed, in the order in which those are computed.

    There is none for a weight that reads only padding.
    """

    terms: tuple[Chain, ...]


@dataclass(frozen=True)
class OverSamples:
    """What is inside, of every sample, added up; or the mean of it."""

    inside: Chain
    mean: bool


Chain = Local | Worked | Product | Sum | OverSamples


def product_of(factors: Sequence[Chain]) -> Chain:
    flat: list[Chain] = []
    for factor in factors:
        flat.extend(factor.factors if isinstance(factor, Product) else [factor])
    return flat[0] if len(flat) == 1 else Product(tuple(flat))


def sum_of(terms: Sequence[Chain]) -> Chain:
    return terms[0] if len(terms) == 1 else Sum(tuple(terms))


def pieces(chain: Chain) -> Iterator[Chain]:
    """The chain and all that it is put together from, in the order it is written."""
    yield chain
    match chain:
        case Product(parts) | Sum(parts):
            for part in parts:
                yield from pieces(part)
        case OverSamples(inside):
            yield from pieces(inside)


def partials(chain: Chain) -> Iterator[Local | Worked]:
    """Those of them that are partials."""
    return (piece for piece in pieces(chain) if isinstance(piece, Local | Worked))


def chain_value(chain: Chain, values: Values, worked: Mapping[Node, Array], samples: int) -> Array:
    """A chain's number, from the values of local partials and of chains that it begins with."""

    def value(part: Chain) -> Array:
        return chain_value(part, values, worked, samples)

    match chain:
        case Local():
            return values[chain.formula]
        case Worked():
            return worked[chain.value]
        case Product(factors):
            return reduce(mul, map(value, factors), np.asarray(1.0))
        case Sum(terms):
            return reduce(add, map(value, terms)) if terms else np.asarray(0.0)
        case OverSamples(inside, mean):
            total = np.asarray(np.broadcast_to(value(inside), samples).sum())
            return total / samples if mean else total
