"""The error in general, and what it sends back."""

from __future__ import annotations

from gradbook.graph.names import SAMPLE_ERROR, TOTAL_ERROR, Name, layer_names
from gradbook.net.layers import (
    Activation,
)
from gradbook.net.network import Net
from gradbook.net.task import Loss
from gradbook.targets.algebra.general.place import each
from gradbook.targets.algebra.math import (
    HALF,
    BigSum,
    Form,
    Fraction,
    Number,
    Symbol,
    as_form,
    exp,
    ln,
    multiplied,
)


def sample_error(net: Net) -> Form:
    if len(net.examples()) == 1:
        return Symbol(TOTAL_ERROR)
    return Symbol(
        Name("E", (1,)) if net.outputs == 1 and net.loss is not Loss.CROSS else SAMPLE_ERROR
    )


def error(net: Net) -> Form:
    """Of one sample, over its outputs."""
    a, t = Symbol(layer_names(net)[-1], bold=True), Symbol(Name("t"), bold=True)
    share = Fraction(Number(1), Number(net.outputs)) if net.outputs > 1 else None

    def over_outputs(each_error: Form) -> Form:
        return BigSum(each_error, "outputs")

    match net.loss:
        case Loss.HALF_SQUARED:
            return HALF * over_outputs((t - a) ** 2)
        case Loss.SQUARED:
            total = over_outputs((t - a) ** 2)
        case Loss.CROSS:
            return -over_outputs(each(_wanted(net), a if _is_log(net) else ln(a)))
        case Loss.BINARY:
            total = -over_outputs(each(t, ln(a)) + each(1 - t, ln(1 - a)))
    return multiplied([share, total]) if share else total


def from_error(net: Net) -> tuple[Form, int]:
    """What the error sends back, and to the values of which layer."""
    a, t = Symbol(layer_names(net)[-1], bold=True), Symbol(Name("t"), bold=True)
    end, outputs = len(net.layers) - 1, Number(net.outputs)
    match net.loss:
        case Loss.HALF_SQUARED:
            return a - t, end
        case Loss.SQUARED:
            return multiplied([Fraction(Number(2), outputs), a - t]), end
        case Loss.CROSS:
            return (exp(a) if _is_log(net) else a) - _wanted(net), end - 1
        case Loss.BINARY:
            return (a - t if net.outputs == 1 else (a - t) / outputs), end - 1


def over_samples(net: Net, gradient: Form) -> Form:
    samples = len(net.examples())
    if samples == 1:
        return gradient
    return multiplied([Fraction(Number(1), Number(samples)), BigSum(gradient, "samples")])


def _wanted(net: Net) -> Form:
    """The targets, smoothed where the loss asks for it."""
    t, smoothing = Symbol(Name("t"), bold=True), net.smoothing
    if not smoothing:
        return t
    return (1 - as_form(smoothing)) * t + Fraction(Number(smoothing), Number(net.outputs))


def _is_log(net: Net) -> bool:
    return net.layers[-1] == Activation("log softmax")
