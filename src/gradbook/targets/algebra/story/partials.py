"""How a local partial is found: the steps from a formula to its derivative, and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest

from gradbook.graph.names import Name
from gradbook.net.derivation import Local
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


def _of_square(local: Local, say: Say, *before: Form) -> Form:
    target, output = (formula(part, say) for part in local.of.inputs)
    return Factors((*before, Numeral(2), target - output, Minus(Numeral(1))))


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
    "half_square": lambda local, say: [_of_square(local, say, HALF)],
    "square": lambda local, say: [_of_square(local, say)],
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


def sentence(template: str, *forms: Form) -> tuple[Inline, ...]:
    """The words with a form in place of each {}."""
    parts = zip_longest(template.split("{}"), forms)
    return tuple(part for pair in parts for part in pair if part)


WHY: dict[str, Sequence[Inline]] = {
    "add": sentence(
        "In a weighted sum only one term holds the value that is asked for; what it is multiplied "
        "with is left, and the other terms fall away."
    ),
    "half_square": sentence(
        "The 2 that comes down from the square cancels the {}, and {} is the derivative of what "
        "stands in the brackets.",
        *(HALF, Numeral(-1)),
    ),
    "square": sentence(
        "The 2 comes down from the square, and {} is the derivative of what stands in the "
        "brackets.",
        Numeral(-1),
    ),
    "absolute_error": sentence(
        "The brackets are 1 where what they say holds, and 0 elsewhere: the slope is 1 or −1, "
        "towards the target, however far the output is off."
    ),
    "sigmoid": sentence(
        "Why {}: the derivative of {} is {}, and that is {} times {}. So the value that is known "
        "already gives the slope. The slope is 1/4 at most, and close to 0 where the sigmoid is "
        "close to 0 or to 1: there a network hardly learns.",
        Comparison(Function("σ′", (x,)), "=", sigmoid(x) * (1 - sigmoid(x))),
        *(1 / (1 + exp(-x)), exp(-x) / (1 + exp(-x)) ** 2, sigmoid(x)),
        Comparison(exp(-x) / (1 + exp(-x)), "=", 1 - sigmoid(x)),
    ),
    "tanh": sentence(
        "Why {}: the derivative of {} is {}. So the value that is known already gives the slope.",
        Comparison(Function("tanh′", (x,)), "=", 1 - tanh(x) ** 2),
        *(sinh(x) / cosh(x), (cosh(x) ** 2 - sinh(x) ** 2) / cosh(x) ** 2),
    ),
    "relu": sentence(
        "{} is 1 where {}, and 0 elsewhere: what is positive passes a change on as it is, the "
        "rest stops it.",
        *(Bracket(POSITIVE), POSITIVE),
    ),
    "leaky_relu": sentence("Left of zero a change is passed on as well, only much weaker."),
    "softplus": sentence("The slope of softplus is the sigmoid."),
    "gelu": sentence(
        "By the product rule: the second term holds {} still and takes the slope of tanh, {}, "
        "times that of what stands in its brackets.",
        *(x, 1 - tanh(x) ** 2),
    ),
    "relu6": sentence(
        "{} is 1 between 0 and 6, and 0 elsewhere: what has reached 6 stops a change as well.",
        Bracket(POSITIVE),
    ),
    "elu": sentence(
        "Left of zero the slope is {}, which is the value that is known already, and 1.", exp(x)
    ),
    "exact_gelu": sentence(
        "By the product rule: {} is the share of a normal distribution below {}, and its slope the "
        "distribution's density {}.",
        *(Function("Φ", (x,)), x, exp(-(x**2) / 2) / Root(2 * Symbol(Name("π")))),
    ),
    "hard_swish": sentence(
        "By the product rule; below −3 both terms are 0, and from 3 on only the first is left, 1."
    ),
    "silu": sentence(
        "By the product rule; {} in the second term is the value that is known already.",
        x * sigmoid(x),
    ),
    "z": sentence(
        "A sum passes a change on as it is: to what the last layers made, and past them to what "
        "went into them."
    ),
    "largest": sentence(
        "Only the largest value of a window counts, so only that one passes a change on. The "
        "brackets are 1 for it (for the first of equal ones), and 0 for the others."
    ),
    "binary_cross_entropy": sentence(
        "Why sigmoid and binary cross-entropy go together: the slope of the sigmoid cancels, and "
        "what is left is how far {} is from {}. However wrong the output is, it learns.",
        *(a, t),
    ),
    "cross_entropy_of": sentence(
        "Why softmax and cross-entropy go together: {}, so the error is {} less what the wanted "
        "output adds, since the targets sum to 1. The slope of {} towards an output is that "
        "output's share {}, and {} is left. However wrong the output is, it learns.",
        *(Comparison(ln(a), "=", o - L), L, L, a, a - t),
    ),
    "a to L": sentence(
        "Every {} depends on every {}: on its own directly, and on all of them over {}. Each of "
        "the two ways is worked on its own.",
        *(a, o, L),
    ),
    "log_sum_exp": sentence(
        "The slope of {} towards one {} is that one's share of the sum, {}.", L, o, exp(o - L)
    ),
    "n to s": sentence(
        "What is normalised depends on every sample in three ways: directly, over the mean, and "
        "over the spread. Each way is worked on its own, the others held still."
    ),
    "σ² to μ": sentence(
        "The distances from the mean sum to 0, so the spread doesn't feel the mean move."
    ),
    "sqrt": sentence("The derivative of a root {} is 1 over twice the root.", Root(x)),
}
