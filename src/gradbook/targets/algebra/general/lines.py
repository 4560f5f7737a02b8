"""Each layer's lines, forward and backward."""

from __future__ import annotations

from collections.abc import Generator, Iterator

from gradbook.graph.names import TOTAL_ERROR
from gradbook.net.layers import Activation, BatchNorm, Conv, Dense, Dropout, Flatten, Pool
from gradbook.net.network import Net
from gradbook.net.parameters import Role
from gradbook.targets.algebra.general.activation import activated, slopes
from gradbook.targets.algebra.general.error import error, from_error, over_samples, sample_error
from gradbook.targets.algebra.general.place import Place, delta, each, is_shared, parameter_symbol
from gradbook.targets.algebra.math import (
    BigSum,
    Call,
    Form,
    Partial,
    Product,
    Root,
    Symbol,
    Transposed,
    exp,
    mean,
)

Rule = tuple[Form, Form]  # left = right


def forward(net: Net) -> Iterator[Rule]:
    """Each layer's line, and the error's."""
    for index in range(len(net.layers)):
        yield from _forward(Place(net, index))
    yield sample_error(net), error(net)
    if len(net.examples()) > 1:
        yield Symbol(TOTAL_ERROR), over_samples(net, sample_error(net))


def _forward(place: Place) -> Iterator[Rule]:
    match place.layer:
        case Dense():
            yield place.y, _shifted(place, Product((place.own(Role.WEIGHT), place.x), ""))
        case Conv():
            yield place.y, _shifted(place, Product((place.own(Role.WEIGHT), place.x), "⋆"))
        case Pool(kind):
            yield place.y, Call(f"{kind}pool", (place.x,))
        case BatchNorm(epsilon):
            middle, spread, normal = map(place.named, "μsn")
            yield middle, mean(place.x)
            yield spread, Root(mean((place.x - middle) ** 2) + epsilon)
            yield normal, (place.x - middle) / spread
            yield place.y, each(place.own(Role.SCALE), normal) + place.own(Role.SHIFT)
        case Activation(kind, slope):
            yield place.y, activated(kind, slope, place.x)


def _shifted(place: Place, sums: Form) -> Form:
    has_bias = any(p.role is Role.BIAS for p in place.parameters)
    return sums + place.own(Role.BIAS) if has_bias else sums


def backward(net: Net) -> Iterator[Rule]:
    """From the error to the first layer that is trained: every δ, and every gradient."""
    last = min(p.layer for p in net.parameters if not p.fixed)
    arriving, index = from_error(net)
    while index >= last:
        arriving = yield from _backward(Place(net, index), arriving, index > last)
        index -= 1


def _backward(place: Place, arriving: Form, goes_on: bool) -> Generator[Rule, None, Form]:
    """The layer's δ and gradients, from what arrives at its values; returns what it sends on."""
    match place.layer:
        case Flatten() | Dropout():
            return arriving
        case Activation(kind, slope) if not kind.endswith("softmax"):
            factors = slopes(kind, slope, place.x, place.y)
            return each(arriving, *factors) if factors else arriving
    yield place.delta, arriving
    yield from _gradients(place)
    match place.layer:
        case Dense():
            return Product((Transposed(place.own(Role.WEIGHT)), place.delta), "")
        case Conv():
            return Product((place.own(Role.WEIGHT), place.delta), "∗")
        case Pool(kind):
            return Call(f"un{kind}pool", (place.delta,))
        case BatchNorm():
            return (yield from _through_normalisation(place))
        case _:
            return _through_softmax(place)


def _through_softmax(place: Place) -> Form:
    d, a = place.delta, place.y
    if place.layer == Activation("softmax"):
        return each(a, d - BigSum(each(a, d), "outputs"))
    return d - each(exp(a), BigSum(d, "outputs"))


def _through_normalisation(place: Place) -> Generator[Rule, None, Form]:
    normal = place.named("n")
    d = delta(place.normal)
    yield d, each(place.own(Role.SCALE), place.delta)
    return (d - mean(d) - each(normal, mean(each(normal, d)))) / place.named("s")


def _gradients(place: Place) -> Iterator[Rule]:
    for parameter in place.parameters:
        if not parameter.fixed:
            symbol = parameter_symbol(place.net, parameter)
            gradient = over_samples(place.net, _of_one_sample(place, parameter.role))
            yield Partial(Symbol(TOTAL_ERROR), symbol), gradient


def _of_one_sample(place: Place, role: Role) -> Form:
    d, in_planes = place.delta, len(place.net.shapes[place.index]) == 3
    match role:
        case Role.WEIGHT if isinstance(place.layer, Conv):
            return Product((d, place.x), "⋆")
        case Role.WEIGHT:
            return Product((d, Transposed(place.x)), "")
        case Role.SCALE:
            d = each(d, place.named("n"))
    if role is Role.BIAS and is_shared(place.layer):
        return BigSum(d, "units")
    return BigSum(d, "places") if in_planes else d
