"""One weight of a network of any size, worked out in numbers for one input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gradbook.graph.names import TOTAL_ERROR, Name
from gradbook.graph.window import Shape
from gradbook.language import mark, numeral, tr
from gradbook.layers import Parameter, Role
from gradbook.net.names import layer_names, weight_name
from gradbook.net.network import Net
from gradbook.net.work.at_work import AtWork, GradientPart, error_with, leaf_of, parts
from gradbook.net.work.feeding import WayStep, way_to_error
from gradbook.targets.algebra.forms import (
    BigSum,
    Cell,
    Form,
    Numeral,
    Partial,
    Story,
    Symbol,
    Words,
    add_up,
    multiply,
    worked_out,
)

MOST_PARTS = 6  # of a sum, to show
MOST_TERMS = 3  # terms of a sum in an equation
NUDGE = 1e-6
ERROR = Symbol(TOTAL_ERROR)


@dataclass(frozen=True)
class OneWeight:
    """A weight of a network at work, and the products whose sum is its gradient."""

    worked: AtWork
    parameter: Parameter
    place: Shape

    @property
    def symbol(self) -> Symbol:
        name = weight_name(self.parameter, self.place)
        return Symbol(Name(name[0], (int(name[1:]),)))

    @property
    def value(self) -> float:
        return float(self.worked.kept[leaf_of(self.parameter)][self.place])

    @property
    def gradient(self) -> float:
        return float(self.worked.gradients[self.parameter][self.place])

    @cached_property
    def parts(self) -> list[GradientPart]:
        """The products, the largest first."""
        products = parts(self.worked, self.parameter, self.place)
        return sorted(products, key=lambda part: -abs(part.product))

    @property
    def way(self) -> list[WayStep]:
        """From the value of the largest product to the error."""
        first = self.parts[0]
        return way_to_error(self.worked, first.layer + 1, first.place)

    def measured(self) -> float:
        """The gradient measured by nudging the weight."""
        leaf = leaf_of(self.parameter)
        here = np.zeros(self.parameter.shape)
        here[self.place] = NUDGE
        kept = self.worked.kept[leaf]
        up, down = (error_with(self.worked, {leaf: kept + sign * here}) for sign in (1, -1))
        return (up - down) / (2 * NUDGE)


def value_symbol(net: Net, value: int, place: Shape) -> Symbol:
    return Symbol(layer_names(net)[value].element(place, net.shapes[value]))


def slope(of: Form) -> Form:
    return Partial(ERROR, of)


# Writing ---------------------------------------------------------------------


def tell_one_weight(story: Story, weight: OneWeight) -> None:
    """Write where the weight is used, the sum that is its gradient, and where that comes from."""
    story.heading(tr("One weight in full: {weight}"), weight=weight.symbol)
    _tell_use(story, weight)
    products = weight.parts
    if not products or not weight.gradient:
        story.say(tr("The error doesn't depend on it for this input: its gradient is 0."))
        return
    _tell_sum(story, weight, products)
    _tell_way(story, weight)
    _tell_check(story, weight)


def _tell_use(story: Story, weight: OneWeight) -> None:
    net, index = weight.worked.net, weight.parameter.layer
    at = ",".join(map(str, weight.place))
    values = Symbol(layer_names(net)[index + 1], bold=True)
    message = tr(
        "{weight} belongs to layer {number}, '{layer}', which computes {made}; its place in the "
        "layer's array is [{place}], counted from 0. Its value is {value}."
    )
    story.say(
        " ".join([message, *_applied_again(weight)]),
        weight=weight.symbol,
        number=str(index + 1),
        layer=net.layers[index].text,
        made=values,
        place=at,
        value=Numeral(weight.value),
    )


def _applied_again(weight: OneWeight) -> list[str]:
    """A sentence about the other layers that use it."""
    numbers = [str(index + 1) for index in weight.worked.net.uses(weight.parameter)[1:]]
    if not numbers:
        return []
    *others, last = numbers
    if not others:
        return [tr("Layer {last} applies the same weights, so it is used there too.", last=last)]
    message = tr("Layers {others} and {last} apply the same weights, so it is used there too.")
    return [message.format(others=", ".join(others), last=last)]


def _tell_sum(story: Story, weight: OneWeight, products: Sequence[GradientPart]) -> None:
    """Write ∂E/∂w as a sum of products, the largest of them in a table."""
    story.heading(tr("The sum that is its gradient"), level=2)
    if len(products) > 1:
        story.explain(
            tr(
                "The weight is used in many places. In each it changes one value, which changes "
                "the error: a product of two slopes. The gradient is the sum of all these "
                "products."
            )
        )
    part = products[0]
    first = multiply([slope(_value_of(weight, part)), _factor(weight, part)])
    if len(products) == 1:
        put_in = multiply([Numeral(part.slope), Numeral(part.factor)])
        story.equation(slope(weight.symbol), ("=", first), *worked_out(put_in, weight.gradient))
        return
    uses = dict.fromkeys(sorted(part.layer for part in products))
    total = add_up(BigSum(_general_product(weight, index), mark("places")) for index in uses)
    story.equation(
        slope(weight.symbol), ("=", total), *worked_out(Numeral(weight.gradient), weight.gradient)
    )
    head: list[Cell] = [
        (tr("value"),),
        (tr("how the error changes with it"),),
        (tr("times"),),
        ("",),
        (tr("product"),),
    ]
    shown = products[:MOST_PARTS]
    rows = [_row(weight, part) for part in shown]
    rest = products[len(shown) :]
    if rest:
        others = sum(part.product for part in rest)
        count = numeral(f"{len(rest):,}")
        of_others = tr("the other {count}", count=count)
        rows.append(((of_others,), ("",), ("",), ("",), (Numeral(others),)))
    story.table(head, rows)


def _general_product(weight: OneWeight, index: int) -> Form:
    net = weight.worked.net
    names = layer_names(net)
    values = Symbol(names[index + 1], bold=True)
    of = slope(values)
    match weight.parameter.role:
        case Role.WEIGHT:
            return multiply([of, Symbol(names[index], bold=True)])
        case Role.SCALE:
            return multiply([of, Symbol(Name("n", layer=names[index + 1].layer), bold=True)])
        case Role.SLOPE:
            return multiply([of, Symbol(names[index], bold=True)])
        case Role.BIAS | Role.SHIFT:
            return of
    return multiply([of, Partial(values, weight.symbol)])


def _value_of(weight: OneWeight, part: GradientPart) -> Symbol:
    return value_symbol(weight.worked.net, part.layer + 1, part.place)


def _factor(weight: OneWeight, part: GradientPart) -> Form:
    net, index = weight.worked.net, part.layer
    if part.source is not None:
        return value_symbol(net, index, part.source)
    if weight.parameter.role is Role.SCALE:
        name = Name("n", layer=layer_names(net)[index + 1].layer)
        return Symbol(name.element(part.place, net.shapes[index + 1]))
    if weight.parameter.role in (Role.BIAS, Role.SHIFT):
        return Numeral(1)
    return Partial(_value_of(weight, part), weight.symbol)


def _row(weight: OneWeight, part: GradientPart) -> tuple[Cell, ...]:
    return (
        (_value_of(weight, part),),
        (Numeral(part.slope),),
        (_factor(weight, part),),
        (Numeral(part.factor),),
        (Numeral(part.product),),
    )


# From the largest product to the error ---------------------------------------


def _tell_way(story: Story, weight: OneWeight) -> None:
    """Write how the error changes with the value of the largest product: layer by layer, through
    the value that has the most effect."""
    story.heading(tr("From there to the error"), level=2)
    story.explain(
        tr(
            "The chain rule continues layer by layer. For every value that a value feeds, "
            "multiply how the fed value changes with it by how the error changes with the fed "
            "value; the sum is how the error changes with the value itself. If there are many such "
            "products, only the largest is followed."
        )
    )
    *steps, end = weight.way
    for step in steps:
        if not weight.worked.net.layers[step.fed[0].value - 1].passes_on:  # else nothing changes
            _tell_step(story, weight.worked, step)
    if end.value == weight.worked.last:
        _tell_end(story, weight.worked, end)


def _tell_step(story: Story, worked: AtWork, step: WayStep) -> None:
    net, index = worked.net, step.fed[0].value - 1
    symbol = value_symbol(net, step.value, step.place)
    shown, rest = step.fed[:MOST_TERMS], step.fed[MOST_TERMS:]
    fed = [value_symbol(net, feed.value, feed.place) for feed in shown]
    terms = [multiply([slope(value), Partial(value, symbol)]) for value in fed]
    numbers = [multiply([Numeral(feed.arriving), Numeral(feed.slope)]) for feed in shown]
    if rest:
        count = numeral(f"{len(rest):,}")
        terms.append(Words(tr("{count} more", count=count)))
        numbers.append(Numeral(sum(feed.share for feed in rest)))
    story.equation(slope(symbol), ("=", add_up(terms)), *worked_out(add_up(numbers), step.slope))
    layer = net.layers[index]
    does = layer.words(net.shapes[index])
    if layer.statistics:
        does = tr("each minus its channel's mean, over its spread, both from training, times γ")
    story.explain("{layer}: {words}.", layer=layer.text, words=does)


def _tell_end(story: Story, worked: AtWork, end: WayStep) -> None:
    """Write how the error changes with an output."""
    net = worked.net
    rights = worked_out(Numeral(end.slope), end.slope)
    loss = net.objective
    if loss.of_all or loss.op == "half_square":
        output = int(np.ravel_multi_index(end.place, net.shapes[end.value]))
        outputs = worked.answers if loss.of_all else worked.values[-1].reshape(-1)
        off = add_up([Numeral(outputs[output]), -Numeral(worked.wanted[output])])
        rights = worked_out(off, end.slope)
    story.equation(slope(value_symbol(net, end.value, end.place)), *rights)
    if loss.of_all:
        plain = mark(
            "With cross-entropy after softmax that is the network's output minus the target."
        )
        smoothed = mark(
            "With cross-entropy after softmax that is the network's output minus the smoothed "
            "target."
        )
        story.explain(tr(smoothed if net.smoothing else plain))


def _tell_check(story: Story, weight: OneWeight) -> None:
    story.heading(tr("Measured"), level=2)
    story.say(
        tr(
            "Nudging the weight by {nudge} either way changes the error with a slope of "
            "{measured}; by the chain rule it is {worked}."
        ),
        nudge=numeral(f"{NUDGE:g}"),
        measured=Numeral(weight.measured()),
        worked=Numeral(weight.gradient),
    )
    story.explain(
        tr(
            "Training averages such gradients over the images of a batch and applies its update "
            "rule to the weight."
        )
    )
