"""The general lines as a part of the document, with what their letters and signs mean."""

from __future__ import annotations

from collections.abc import Iterator

from gradbook.graph.names import Name
from gradbook.net.layers import BatchNorm, Conv, Pool, spell
from gradbook.net.network import Net
from gradbook.net.parameters import Parameter
from gradbook.targets.algebra.document import Cell, Inline
from gradbook.targets.algebra.general import (
    backward,
    delta,
    forward,
    parameter_symbol,
    sample_error,
)
from gradbook.targets.algebra.math import Partial, Symbol
from gradbook.targets.algebra.story import Story, listed


def tell_in_general(story: Story, net: Net) -> None:
    """Every layer's lines, forward and backward."""
    story.heading("The lines in general")
    story.say(
        "In vectors and matrices the network is a few lines, however wide it is. A bold letter "
        "holds all values of a layer, ⊙ multiplies element by element, ᵀ swaps rows and columns."
    )
    story.table((("letter",), ("holds",), ("size",)), [_holding(net, p) for p in net.parameters])
    for left, right in forward(net):
        story.equation(left, ("=", right))
    story.say(*_what_delta_is(net))
    for left, right in backward(net):
        story.equation(left, ("=", right))
    for remark in _remarks(net):
        story.say(remark)


def _holding(net: Net, parameter: Parameter) -> tuple[Cell, ...]:
    names = [Name(str(parameter.role), (parameter.first + k,)) for k in range(parameter.size)]
    held = listed([Symbol(name) for name in names], most=2)
    return (parameter_symbol(net, parameter),), held, (spell(parameter.shape).replace("x", " × "),)


def _what_delta_is(net: Net) -> tuple[Inline, ...]:
    x = Name("x")
    of = Partial(sample_error(net), Symbol(x, bold=True))
    whose = "the error" if len(net.examples()) == 1 else "a sample's error"
    return (
        *(
            "Backward, ",
            delta(x),
            " is ",
            of,
            f": how {whose} changes with each value of a layer. ",
        ),
        "It goes from layer to layer, the last one first.",
    )


def _remarks(net: Net) -> Iterator[str]:
    kinds = {type(layer) for layer in net.layers}
    pools = {layer.kind for layer in net.layers if isinstance(layer, Pool)}
    if Conv in kinds:
        yield (
            "W ⋆ x slides each of W's windows over x and adds the products in it; δ ⋆ x does the "
            "same with δ as the window; W ∗ δ sends each δ back over the window that it came from."
        )
    if "max" in pools:
        yield "unmaxpool puts each δ where the largest value of its window stood, 0 elsewhere."
    if "avg" in pools:
        yield "unavgpool gives every place of a window the same share of its δ."
    if BatchNorm in kinds:
        yield (
            "The mean is taken over all samples, and over all places of a plane, for each value or "
            "plane by itself. Since that mixes the samples, δ before it is the number of samples "
            "times the derivative of the error of all."
        )
