"""How a local partial is found: the steps from a formula to its derivative, and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gradbook.graph.derivation import Local
from gradbook.graph.names import Name
from gradbook.targets.algebra.notation.chains import partial
from gradbook.targets.algebra.notation.document import Inline
from gradbook.targets.algebra.notation.forms import (
    HALF,
    Bracket,
    Comparison,
    Derived,
    Factors,
    Form,
    Function,
    Minus,
    Numeral,
    Root,
    Symbol,
    cosh,
    exp,
    ln,
    sigmoid,
    sinh,
    tanh,
)
from gradbook.targets.algebra.notation.formula import Say, definition, formula

Between = Callable[[Local, Say], list[Form]]


def steps(local: Local, say: Say) -> list[Form]:
    """What stands between ∂of/∂to and its formula."""
    between = STEPS.get(local.of.op.name)
    return between(local, say) if between else []


def differentiated(local: Local, say: Say) -> list[Form]:
    """∂/∂to (the formula of `of`), where that mentions `to`."""
    said, to = definition(local.of, say), formula(local.to, say)
    op = local.of.op
    if op.name == "cross_entropy_of" and op.expansion:
        said = formula(op.expansion(*local.of.inputs), say)
    return [] if op.name == "binary_cross_entropy" else [Derived(said, to)]


def _difference(local: Local, say: Say) -> Form:
    target, output = local.of.inputs
    return formula(target, say) - formula(output, say)


def _primed(function: str) -> Between:
    return lambda local, say: [Function(f"{function}′", (formula(local.of.inputs[0], say),))]


def _binary_cross_entropy(local: Local, say: Say) -> list[Form]:
    """By way of a = σ(o), in whose words the error is said."""
    target, output = local.of.inputs
    chance = output.graph.make("sigmoid", output)
    a, t = formula(chance, say), formula(target, say)
    outer, inner = (a - t) / (a * (1 - a)), a * (1 - a)
    by_way = [partial(local.of, chance) * partial(chance, output)] if chance.name else []
    return [*by_way, outer * inner]


STEPS: dict[str, Between] = {
    "half_square": lambda local, say: [
        Factors((HALF, Numeral(2), _difference(local, say), Minus(Numeral(1))))
    ],
    "square": lambda local, say: [
        Factors((Numeral(2), _difference(local, say), Minus(Numeral(1))))
    ],
    "sigmoid": _primed("σ"),
    "tanh": _primed("tanh"),
    "binary_cross_entropy": _binary_cross_entropy,
}


def why(local: Local) -> Sequence[Inline]:
    """A sentence or two on the derivative of this kind of formula; none where it is plain."""
    assert local.of.name
    assert local.to.name
    stem = local.of.name.stem
    keys = (f"{stem} to {local.to.name.stem}", stem, local.of.op.name)
    return next((WHY[key] for key in keys if key in WHY), ())


x, a, t, o, L = (Symbol(Name(stem)) for stem in "xatoL")
POSITIVE = Comparison(x, ">", Numeral(0))

WHY: dict[str, Sequence[Inline]] = {
    "add": (
        "In a weighted sum only one term holds the value that is asked for; what it is multiplied "
        "with is left, and the other terms fall away.",
    ),
    "half_square": (
        "The 2 that comes down from the square cancels the ",
        HALF,
        ", and ",
        Numeral(-1),
        " is the derivative of what stands in the brackets.",
    ),
    "square": (
        "The 2 comes down from the square, and ",
        Numeral(-1),
        " is the derivative of what stands in the brackets.",
    ),
    "sigmoid": (
        "Why ",
        Comparison(Function("σ′", (x,)), "=", sigmoid(x) * (1 - sigmoid(x))),
        ": the derivative of ",
        1 / (1 + exp(-x)),
        " is ",
        exp(-x) / (1 + exp(-x)) ** 2,
        ", and that is ",
        sigmoid(x),
        " times ",
        Comparison(exp(-x) / (1 + exp(-x)), "=", 1 - sigmoid(x)),
        ". So the value that is known already gives the slope. The slope is 1/4 at most, and "
        "close to 0 where the sigmoid is close to 0 or to 1: there a network hardly learns.",
    ),
    "tanh": (
        "Why ",
        Comparison(Function("tanh′", (x,)), "=", 1 - tanh(x) ** 2),
        ": the derivative of ",
        sinh(x) / cosh(x),
        " is ",
        (cosh(x) ** 2 - sinh(x) ** 2) / cosh(x) ** 2,
        ". So the value that is known already gives the slope.",
    ),
    "relu": (
        Bracket(POSITIVE),
        " is 1 where ",
        POSITIVE,
        ", and 0 elsewhere: what is positive passes a change on as it is, the rest stops it.",
    ),
    "leaky_relu": ("Left of zero a change is passed on as well, only much weaker.",),
    "softplus": ("The slope of softplus is the sigmoid.",),
    "gelu": (
        "By the product rule: the second term holds ",
        x,
        " still and takes the slope of tanh, ",
        1 - tanh(x) ** 2,
        ", times that of what stands in its brackets.",
    ),
    "silu": (
        "By the product rule; ",
        x * sigmoid(x),
        " in the second term is the value that is known already.",
    ),
    "z": (
        "A sum passes a change on as it is: to what the last layers made, and past them to what "
        "went into them.",
    ),
    "largest": (
        "Only the largest value of a window counts, so only that one passes a change on. The "
        "brackets are 1 for it (for the first of equal ones), and 0 for the others.",
    ),
    "binary_cross_entropy": (
        "Why sigmoid and binary cross-entropy go together: the slope of the sigmoid cancels, and "
        "what is left is how far ",
        a,
        " is from ",
        t,
        ". However wrong the output is, it learns.",
    ),
    "cross_entropy_of": (
        "Why softmax and cross-entropy go together: ",
        Comparison(ln(a), "=", o - L),
        ", so the error is ",
        L,
        " less what the wanted output adds, since the targets sum to 1. The slope of ",
        L,
        " towards an output is that output's share ",
        a,
        ", and ",
        a - t,
        " is left. However wrong the output is, it learns.",
    ),
    "a to L": (
        "Every ",
        a,
        " depends on every ",
        o,
        ": on its own directly, and on all of them over ",
        L,
        ". Each of the two ways is worked on its own.",
    ),
    "log_sum_exp": (
        "The slope of ",
        L,
        " towards one ",
        o,
        " is that one's share of the sum, ",
        exp(o - L),
        ".",
    ),
    "n to s": (
        "What is normalised depends on every sample in three ways: directly, over the mean, and "
        "over the spread. Each way is worked on its own, the others held still.",
    ),
    "σ² to μ": ("The distances from the mean sum to 0, so the spread doesn't feel the mean move.",),
    "sqrt": (
        "The derivative of a root ",
        Root(x),
        " is 1 over twice the root.",
    ),
}
