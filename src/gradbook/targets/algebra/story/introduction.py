"""The network in words: what it takes, what each layer makes of it, and how it starts."""

from __future__ import annotations

from collections.abc import Iterable

from gradbook.graph.names import RATE, TOTAL_ERROR, Name
from gradbook.graph.node import Node
from gradbook.graph.window import Shape
from gradbook.net.layers import Activation, Conv, Dense, Layer
from gradbook.net.names import layer_names
from gradbook.net.network import Net
from gradbook.net.parameters import Bias, Parameter, Role
from gradbook.net.step import Step
from gradbook.targets.algebra.notation.document import Cell, Inline
from gradbook.targets.algebra.notation.forms import Comparison, Numeral, Symbol, exp, sigmoid
from gradbook.targets.algebra.notation.formula import symbol
from gradbook.targets.algebra.story.partials import x
from gradbook.targets.algebra.story.story import Story, listed

MOST_TOLD = 16  # values in a sentence


def introduce(story: Story, step: Step) -> None:
    """The first part of every derivation that begins with a network's own samples."""
    net = step.net
    introduce_layers(story, net)
    if step.samples == 1 and len(step.inputs) <= MOST_TOLD:
        story.say("The sample is ", *_start(step, step.inputs), ".")
        verb = "targets are " if len(step.targets) > 1 else "target is "
        story.say(f"The {verb}", *_start(step, step.targets), ".")
    if not net.has_samples:
        story.say(net.made_up())
    if len(step.weights) <= MOST_TOLD:
        story.say("At the start ", *_start(step, step.weights), ".")
    introduce_rule(story, net)


def title(net: Net) -> str:
    """What a derivation is called."""
    return f"Backpropagation step by step{': ' * bool(net.name)}{net.name}"


def introduce_layers(story: Story, net: Net) -> None:
    """What each layer makes, and what it owns."""
    story.heading("The network")
    story.table((("values",), ("what they are",), ("parameters",)), _rows(net))
    if Activation("sigmoid") in net.layers:
        meaning = Comparison(sigmoid(x), "=", 1 / (1 + exp(-x)))
        story.say("The sigmoid brings any number between 0 and 1: ", meaning, ".")


def introduce_rule(story: Story, net: Net) -> None:
    """How the weights move."""
    rate = Comparison(Symbol(RATE), "=", Numeral(net.learning_rate))
    story.say(f"The weights move by {_rule(net)}, with the learning rate ", rate, ".")


def _start(step: Step, leaves: Iterable[Node]) -> tuple[Inline, ...]:
    known = {**step.data, **step.start}
    equalities = [
        Comparison(symbol(leaf.name), "=", Numeral(float(known[leaf])))
        for leaf in leaves
        if leaf.name
    ]
    return listed(equalities, most=MOST_TOLD)


def _rule(net: Net) -> str:
    update = net.update
    first, second = update.betas
    rules = {
        "momentum": f"gradient descent with {'Nesterov ' if update.nesterov else ''}momentum "
        f"{update.momentum:g}",
        "adam": f"Adam ({first:g}, {second:g})",
        "adamw": f"AdamW ({first:g}, {second:g})",
    }
    decays = dict.fromkeys(f"{net.decay_of(role):g}" for role in Role if net.decay_of(role))
    decay = f" and a decay of {', '.join(decays)}" if decays else ""
    return rules.get(update.kind, "gradient descent") + decay


# One row for each layer ------------------------------------------------------


def _rows(net: Net) -> list[tuple[Cell, ...]]:
    names = layer_names(net)
    rows: list[tuple[Cell, ...]] = [(_values(names[0], net.input), (_inputs(net.input),), ("",))]
    for index, layer in enumerate(net.layers):
        if not layer.passes_on:
            again = net.owners[index] != index
            values = _values(names[index + 1], net.shapes[index + 1])
            words = layer.words(net.shapes[index])
            rows.append((values, (words,), _parameters(net.taken(index), layer, again)))
    return [*rows, ((Symbol(TOTAL_ERROR),), (_error(net),), ("",))]


def _values(name: Name, shape: Shape) -> Cell:
    return listed([symbol(one) for one in name.elements(shape).values()], most=2)


def _inputs(shape: Shape) -> str:
    if len(shape) == 1:
        return "the input" if shape[0] == 1 else f"{shape[0]} inputs"
    *channels, height, width = shape
    planes = f"{channels[0]} planes of" if channels and channels[0] > 1 else "a picture of"
    return f"{planes} {height} × {width}"


def _parameters(own: Iterable[Parameter], layer: Layer, again: bool) -> Cell:
    text: list[Inline] = []
    for parameter in own:
        names = (Name(str(parameter.role), (parameter.first + k,)) for k in range(parameter.size))
        text += [", "] * bool(text)
        text += listed([Symbol(name) for name in names], most=2)
    if again:
        return (*text, " again") if text else ("",)
    if isinstance(layer, Dense | Conv) and layer.bias is not Bias.EACH:
        text.append(", no bias" if layer.bias is Bias.NONE else BIASES[layer.bias])
    return tuple(text) or ("",)


BIASES = {
    Bias.SHARED: " for all",
    Bias.FIXED: " (fixed)",
    Bias.FIXED_SHARED: " for all (fixed)",
}


def _error(net: Net) -> str:
    samples = len(net.examples())
    several = f", mean over the N = {samples} samples" if samples > 1 else ""
    smooth = f", {net.smoothing:g} of each target spread over all" if net.smoothing else ""
    return f"the error: {net.objective}{smooth}{several}"
