"""The derivation of a network, from its layers to the updated weights: for people and programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import isfinite
from typing import Any

import numpy as np

from gradbook.errors import UsageError, did_you_mean
from gradbook.graph.names import RATE, TOTAL_ERROR, Name
from gradbook.graph.node import Array, Node
from gradbook.graph.window import Shape
from gradbook.language import mark, numeral, tr, tr_count
from gradbook.layers.activations import Activation
from gradbook.layers.card import Bias, Layer, Parameter, Role
from gradbook.net.derivation import Derivation, Local, derivation, partials
from gradbook.net.formulas import Formulas
from gradbook.net.names import layer_names, named_weight, weight_name
from gradbook.net.network import Net
from gradbook.net.step import Step
from gradbook.net.work.at_work import AtWork
from gradbook.targets.algebra.forms import (
    Cell,
    Code,
    Comparison,
    Document,
    Form,
    Inline,
    Numeral,
    Paragraph,
    Partial,
    Story,
    Symbol,
    exp,
    fill,
    list_forms,
    sigmoid,
)
from gradbook.targets.algebra.formula import (
    MOST_TOLD,
    Algebra,
    algebra,
    at,
    definition,
    shown_samples,
    symbol,
    symbol_of,
)
from gradbook.targets.algebra.matrix_form import tell_in_general
from gradbook.targets.algebra.one_weight import OneWeight, tell_one_weight, value_symbol
from gradbook.targets.algebra.passes import tell_backward, tell_forward, tell_update, x
from gradbook.targets.algebra.terminal_text import spell

# The network in words --------------------------------------------------------


def introduce(story: Story, step: Step) -> None:
    """The first part of a derivation from a network's own samples: all numbers that a reader
    needs to work it out again, or the place to find them."""
    if isinstance(step.source, Formulas):
        _introduce_formulas(story, step, step.source)
        return
    net = step.net
    introduce_layers(story, net)
    of_one, of_several = mark("The target is {values}."), mark("The targets are {values}.")
    if step.samples == 1:
        _tell_numbers(story, step, tr("The sample is {values}."), step.inputs)
        words = tr(of_several if len(step.targets) > 1 else of_one)
        _tell_numbers(story, step, words, step.targets)
    if not net.has_samples:
        story.say(net.made_up())
    _tell_numbers(story, step, tr("At the start {values}."), step.weights)
    numbers = [step.weights, step.inputs, step.targets]
    if len(shown_samples(step.samples)) < step.samples or max(map(len, numbers)) > MOST_TOLD:
        words = tr("There are too many numbers to list here: {command} gives all of them.")
        story.say(words, command=Code("--json"))
    introduce_rule(story, net)


def _introduce_formulas(story: Story, step: Step, formulas: Formulas) -> None:
    """What is minimised, by which numbers, and what all numbers are."""
    story.heading(tr("The formulas"))
    names = list_forms([symbol_of(weight) for weight in step.trained], most=MOST_TOLD)
    result = symbol_of(step.outputs[0])
    words = mark(
        "How does {result} change with {names}? Each derivative follows by the chain rule."
    )
    story.say(tr(words), result=result, names=names)
    if formulas.supposed:
        story.say(formulas.made_up())
    if step.samples == 1 and step.inputs:
        _tell_numbers(story, step, tr("The sample is {values}."), step.inputs)
    _tell_numbers(story, step, tr("At the start {values}."), step.weights)
    introduce_rule(story, formulas)


def _tell_numbers(story: Story, step: Step, words: str, leaves: Sequence[Node]) -> None:
    if len(leaves) <= MOST_TOLD:
        known = {**step.data, **step.start}
        numbers = [
            Comparison(symbol(leaf.name), "=", Numeral(float(known[leaf])))
            for leaf in leaves
            if leaf.name
        ]
        story.say(words, values=list_forms(numbers, most=MOST_TOLD))


def title(net: Net | Formulas) -> str:
    """The title of a derivation."""
    if net.name:
        return tr("Backpropagation step by step: {network}", network=net.name)
    return tr("Backpropagation step by step")


def introduce_layers(story: Story, net: Net) -> None:
    """Describe each layer's values and parameters."""
    story.heading(tr("The network"))
    story.table(((tr("values"),), (tr("what they are"),), (tr("parameters"),)), _rows(net))
    if any(layer.bits for layer in net.layers):
        scale, of_w = Symbol(Name("s")), Partial(LEVEL, Symbol(Name("w")))
        slope = Comparison(of_w, "=", Numeral(1))
        story.say(tr(FEW_BITS), level=LEVEL, scale=scale, slope=slope)
    if any(layer.has_few_values for layer in net.layers):
        rounded = Symbol(Name("â"))
        slope = Comparison(Partial(rounded, Symbol(Name("x"))), "=", Numeral(1))
        story.say(tr(ROUNDED), rounded=rounded, value=Symbol(Name("x")), slope=slope)
    for meaning in sigmoid_meaning(net):
        words = tr("The sigmoid maps any number to one between 0 and 1: {formula}.")
        story.say(words, formula=meaning)


LEVEL = Symbol(Name("ŵ"))
FEW_BITS = mark(
    "Weights of few bits are used as {level}: a scale {scale} times the nearest permitted whole "
    "number. Between its jumps {level} doesn't change, and nothing would be learned; instead the "
    "derivative is taken to be {slope}, straight through, and {scale} is treated as a constant."
)

ROUNDED = mark(
    "A rounded value {rounded} changes in jumps with the {value} that it is computed from, and "
    "nothing would be learned; instead the derivative is taken to be {slope}, straight through, or "
    "0 where {value} lies beyond the outermost steps."
)


def sigmoid_meaning(net: Net) -> list[Form]:
    """The definition of σ, if the network uses it: no drawing explains it."""
    used = Activation("sigmoid") in net.layers
    return [Comparison(sigmoid(x), "=", 1 / (1 + exp(-x)))] if used else []


def introduce_rule(story: Story, net: Net | Formulas) -> None:
    """Describe how the weights are updated."""
    rate = Comparison(Symbol(RATE), "=", Numeral(net.learning_rate))
    words = tr("The weights are updated by {rule}, with the learning rate {rate}.")
    story.say(words, rule=_rule(net), rate=rate)


def _rule(net: Net | Formulas) -> str:
    update = net.update
    settings = {name: numeral(f"{number:g}") for name, number in update.settings.items()}
    rule = tr(update.words, **settings)
    decays = [numeral(f"{net.decay_of(role):g}") for role in Role if net.decay_of(role)]
    if not decays:
        return rule
    return tr("{rule} and a decay of {decays}", rule=rule, decays=", ".join(dict.fromkeys(decays)))


# One row for each layer ------------------------------------------------------


def _rows(net: Net) -> list[tuple[Cell, ...]]:
    names = layer_names(net)
    rows: list[tuple[Cell, ...]] = [(_values(names[0], net.input), (_inputs(net),), ("",))]
    for index, layer in enumerate(net.layers):
        if not layer.passes_on:
            again = net.owners[index] != index
            values = _values(names[index + 1], net.shapes[index + 1])
            words = layer.words(net.shapes[index])
            rows.append((values, (words,), _parameters(net.taken(index), layer, again)))
    return [*rows, ((Symbol(TOTAL_ERROR),), (_error(net),), ("",))]


def _values(name: Name, shape: Shape) -> Cell:
    return list_forms([symbol(element) for element in name.elements(shape).values()], most=2)


def _inputs(net: Net) -> str:
    shape = net.shapes[0]
    if net.laid_out:
        return tr_count(
            "{steps} steps of {amount} feature",
            "{steps} steps of {amount} features",
            shape[0],
            steps=shape[2],
            amount=numeral(f"{shape[0]:,}"),
        )
    if len(shape) == 1:
        return tr_count("the input", "{count} inputs", shape[0])
    *channels, height, width = shape
    return tr_count(
        "a picture of {height} × {width}",
        "{count} planes of {height} × {width}",
        channels[0] if channels else 1,
        height=height,
        width=width,
    )


def _parameters(parameters: Sequence[Parameter], layer: Layer, again: bool) -> Cell:
    text: tuple[Inline, ...] = ()
    for parameter in parameters:
        names = (Name(str(parameter.role), (parameter.first + k,)) for k in range(parameter.size))
        text += ((", ",) if text else ()) + list_forms([Symbol(name) for name in names], most=2)
    if again:
        return fill(tr("{names} again"), names=text) if text else ("",)
    by_card = layer.bias is Bias.NONE and any(p.role is Role.BIAS for p in parameters)
    if layer.sums and layer.bias is not Bias.EACH and not by_card:
        return fill(tr(BIASES[layer.bias]), names=text)
    return text or ("",)


BIASES = {
    Bias.NONE: mark("{names}, no bias"),
    Bias.SHARED: mark("{names} for all"),
    Bias.FIXED: mark("{names} (fixed)"),
    Bias.FIXED_SHARED: mark("{names} for all (fixed)"),
}


def _error(net: Net) -> str:
    samples = len(net.examples())
    words = tr("the error: {loss}", loss=tr(str(net.objective)))
    if net.smoothing:
        share = numeral(f"{net.smoothing:g}")
        words = tr("{error}, {share} of each target spread over all", error=words, share=share)
    if samples > 1:
        words = tr("{error}, mean over the N = {count} samples", error=words, count=samples)
    return words


# A small network, value by value ---------------------------------------------

MOST_WEIGHTS = 16  # trained, in a network that is derived whole by default
MOST_FORMULAS = 40  # of its forward part
MOST_PARTIALS = 30  # of the one weight that is derived in a larger network


def derive(step: Step, only: str | None = None, everything: bool = False) -> Document:
    """The derivation of a scalar step: of one weight, of all, or of as many as can be read."""
    known = algebra(derivation(step))
    story = Story(title(step.source))
    introduce(story, step)
    if only is not None:
        weights = [weight_named(step, only)]
    elif everything or isinstance(step.source, Formulas) or _is_small(known.derived):
        weights = sorted(step.gradients, key=lambda weight: -step.layers[weight])
    else:
        weights = [_telling(known)]
        tell_in_general(story, step.net)
        story.heading(tr("One weight in full: {weight}"), weight=symbol_of(weights[0]))
        story.say(
            tr(
                "The other {count} are worked in the same way. {only} works another one in full, "
                "{all} works them all."
            ),
            count=numeral(f"{len(step.gradients) - 1:,}"),
            only=Code(f"--only {list(step.gradients)[-1].name}"),
            all=Code("--only all"),
        )
    tell_forward(story, known, _forward_to_write(known.derived, weights))
    tell_backward(story, known, weights)
    tell_update(story, known, [weight for weight in step.weights if weight in weights])
    return story.document()


def _is_small(derived: Derivation) -> bool:
    return len(derived.step.gradients) <= MOST_WEIGHTS and len(derived.forward) <= MOST_FORMULAS


def _telling(known: Algebra) -> Node:
    """A weight with a gradient whose derivation is short; preferably of an early layer."""
    weights = {str(weight.name): weight for weight in known.derived.step.gradients}
    candidates = list[Node]()
    for parameter in known.derived.step.net.parameters:
        trained = [weights[name] for name in parameter.names if name in weights]
        changing = [weight for weight in trained if at(known.slopes[weight])]
        candidates += (changing or trained)[:1]
    lengths = {weight: len(set(_locals(known.derived, [weight]))) for weight in candidates}
    short = (weight for weight in candidates if lengths[weight] <= MOST_PARTIALS)
    return next(short, min(candidates, key=lambda weight: lengths[weight]))


def _forward_to_write(derived: Derivation, weights: Sequence[Node]) -> Sequence[Node]:
    """The values that the chains of these weights mention; in a small network all values."""
    if _is_small(derived) or len(weights) > 1:
        return derived.forward
    spoken = {derived.step.loss}
    for local in _locals(derived, weights):
        spoken |= {local.of, local.formula, *derived.mentions(local.formula)}
    for value in reversed(derived.forward):
        if value in spoken and value.op.name != "add":  # sums would lead to too many
            spoken.update(other for other in derived.mentions(value) if other.op.name != "add")
    return [value for value in derived.forward if value in spoken]


def _locals(derived: Derivation, weights: Sequence[Node]) -> Iterator[Local]:
    """The local partials in these weights' chains, and in the chains to which these refer."""
    waiting, seen = list(weights), set(weights)
    while waiting:
        for part in partials(derived.chains[waiting.pop()]):
            if isinstance(part, Local):
                yield part
            elif part.value not in seen:
                seen.add(part.value)
                waiting.append(part.value)


def weight_named(step: Step, name: str) -> Node:
    """The trained weight with that name."""
    trained = {str(weight.name): weight for weight in step.gradients}
    if name in trained:
        return trained[name]
    names = _spans(step.gradients)
    if name in {str(weight.name) for weight in step.weights}:
        raise UsageError(f"'{name}' is fixed and has no gradient: choose one of {names}")
    close = did_you_mean(name, trained)
    raise UsageError(f"no weight is called '{name}'{close} (the weights are {names})")


def _spans(weights: Iterable[Node]) -> str:
    """w1 … w8, b1, b2: the names, abbreviated."""
    kinds: dict[str, list[str]] = {}
    for weight in weights:
        assert weight.name
        kinds.setdefault(weight.name.stem, []).append(str(weight.name))
    return ", ".join(
        f"{names[0]} … {names[-1]}" if len(names) > 2 else ", ".join(names)
        for names in kinds.values()
    )


# A network of any size, one weight on one input ------------------------------


def derive_input(weight: OneWeight, about: Sequence[Inline]) -> Document:
    """The derivation of one weight on one input, which `about` describes."""
    net = weight.worked.net
    story = Story(title(net))
    introduce_layers(story, net)
    story.blocks.append(Paragraph(tuple(about)))
    tell_in_general(story, net)
    tell_one_weight(story, weight)
    return story.document()


def weight_at_work(worked: AtWork, only: str | None) -> OneWeight:
    """The weight with that name, or the one in the first layer with the largest gradient."""
    parameter, place = named_weight(worked.net, only) if only else most_telling_weight(worked)
    return OneWeight(worked, parameter, place)


def most_telling_weight(worked: AtWork) -> tuple[Parameter, Shape]:
    trained = [p for p in worked.net.parameters if p.role is Role.WEIGHT and not p.fixed]
    if not trained:
        raise UsageError("this network has no trained weights, so there is no gradient")
    slopes = worked.gradients[trained[0]]
    place = np.unravel_index(int(np.abs(slopes).argmax()), slopes.shape)
    return trained[0], tuple(map(int, place))


# For programs: a record for each value, shared step and weight -----------------

Record = dict[str, Any]


def records(step: Step, only: str | None = None) -> Record:
    """The whole derivation, or that of one weight.

        {
          "network": the text form,
          "made_up": a remark on inputs and targets that are made up, or "",
          "samples": {name: value, …} of inputs and targets, "start": {name: value, …} of weights,
          "error": E_total of the first epoch,
          "forward": [{"name", "formula", "value"}, …],
          "shared": [{"name", "chain", "formula", "value"}, …],   steps of several weights
          "weights": [{"name", "chain", "formula", "gradient", "value", "next"}, …]
        }

    A chain consists of partials, a formula of values; both are written as in the terminal. Σ sums
    over the samples. A value that differs between samples is a list in their order.
    A number that is infinite or undefined is null.
    """
    known = algebra(derivation(step))
    weights = list(step.gradients) if only is None else [weight_named(step, only)]
    return {
        "network": str(step.source),
        "made_up": step.source.made_up(),
        "samples": {
            str(leaf.name): _plain(step.data[leaf]) for leaf in (*step.inputs, *step.targets)
        },
        "start": {str(leaf.name): _plain(step.start[leaf]) for leaf in step.weights},
        "error": _plain(known.values[step.loss]),
        "forward": [
            {
                "name": str(value.name),
                "formula": spell(definition(value, known.say_symbols())),
                "value": _plain(known.values[value]),
            }
            for value in known.derived.forward
        ],
        "shared": [_chain(known, value) for value in known.derived.worked],
        "weights": [_weight(known, weight) for weight in weights],
    }


def _chain(known: Algebra, value: Node) -> Record:
    chain = known.derived.chains[value]
    return {
        "name": spell(known.slope(value)),
        "chain": spell(known.in_partials(chain)),
        "formula": spell(known.in_formulas(chain)),
        "value": _plain(known.slopes[value]),
    }


def _weight(known: Algebra, weight: Node) -> Record:
    record, step = _chain(known, weight), known.derived.step
    return {
        "name": str(weight.name),
        "chain": record["chain"],
        "formula": record["formula"],
        "gradient": record["value"],
        "value": _plain(known.values[weight]),
        "next": _plain(known.values[step.next[weight]]),
    }


def _plain(value: Array) -> Any:
    """The value for JSON."""
    if np.ndim(value):
        return [_plain(number) for number in value]
    return float(value) if isfinite(value) else None


# One weight on one input -----------------------------------------------------


def records_of_input(weight: OneWeight) -> Record:
    """The derivation of one weight on one input.

    It has the weight, the products whose sum is its gradient, and the path from
    there to the error:

        {
          "network": the text form,
          "error": E_total of this input,
          "outputs": the network's outputs,
          "weight": {"name", "layer" (from 0), "place", "value", "gradient", "measured"},
          "products": [{"value", "slope", "factor", "product"}, …],   the largest first
          "way": [{"value", "slope", "feeds": [{"value", "slope", "arriving"}, …]}, …]
        }

    Values have the names that the derivation uses. The "slope" of a value is ∂E_total/∂value. Of a
    value that it feeds, "slope" is ∂fed/∂value, and "arriving" ∂E_total/∂fed.
    """
    worked, net = weight.worked, weight.worked.net
    output = weight.parameter.layer + 1
    return {
        "network": str(net),
        "error": worked.error,
        "outputs": worked.answers.tolist(),
        "weight": {
            "name": weight_name(weight.parameter, weight.place),
            "layer": weight.parameter.layer,
            "place": list(weight.place),
            "value": weight.value,
            "gradient": weight.gradient,
            "measured": weight.measured(),
        },
        "products": [
            {
                "value": _value_name(net, output, part.place),
                "slope": part.slope,
                "factor": part.factor,
                "product": part.product,
            }
            for part in weight.parts
        ],
        "way": [
            {
                "value": _value_name(net, step.value, step.place),
                "slope": step.slope,
                "feeds": [
                    {
                        "value": _value_name(net, feed.value, feed.place),
                        "slope": feed.slope,
                        "arriving": feed.arriving,
                    }
                    for feed in step.fed
                ],
            }
            for step in weight.way
        ],
    }


def _value_name(net: Net, value: int, place: Shape) -> str:
    return str(value_symbol(net, value, place).name)
