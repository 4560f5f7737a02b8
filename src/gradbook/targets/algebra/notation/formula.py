"""Turns a graph's formulas into mathematics: the one place where an op gets its notation.

An op without one is said by its own expansion.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from fractions import Fraction as Ratio

import numpy as np

from gradbook.errors import TargetError
from gradbook.graph.names import TOTAL_ERROR, Name
from gradbook.graph.node import Array, Node
from gradbook.graph.ops import BELL, GELU_SCALE
from gradbook.targets.algebra.notation.forms import (
    HALF,
    BigSum,
    Bracket,
    Cases,
    Comparison,
    Form,
    Fraction,
    Function,
    Minus,
    Numeral,
    Partial,
    Root,
    Symbol,
    Terms,
    Words,
    absolute,
    added,
    exp,
    ln,
    multiplied,
)

SHARE = Fraction(Numeral(1), Symbol(Name("N")))  # of each sample in a mean over N of them

Say = Callable[[Node], Form | None]  # what stands for a value; None: its formula
Notation = Callable[[Node, Sequence[Form], Say], Form]

MOST_SAMPLES = 6  # written out
LONGEST_TOP = 4  # terms over a fraction's line: the places of a 2 x 2 window


def symbol(name: Name) -> Form:
    """The name as it is written; a gradient's is the partial that it is."""
    if name.stem == "∂" and name.of:
        return Partial(Symbol(TOTAL_ERROR), symbol(name.of))
    return Symbol(name)


def symbols(spoken: Collection[Node]) -> Say:
    """Says these values by their names."""

    def say(node: Node) -> Form | None:
        return symbol(node.name) if node.name and node in spoken else None

    return say


def numbers(
    spoken: Collection[Node], values: Mapping[Node, Array], samples: int, sample: int | None = None
) -> Say:
    """Says them by their numbers, of one sample where there is one for each."""

    def say(node: Node) -> Form | None:
        if node in spoken or (node.op.name in CHOICES and node in values):
            value = np.asarray(values[node])
            return Numeral(float(value[sample] if value.ndim else value))
        if node.op.name == "total":
            return over_samples(samples, lambda k: formula(node.inputs[0], of_sample(k)))
        return None

    def of_sample(k: int) -> Say:
        return numbers(spoken, values, samples, k)

    return say


def shown_samples(samples: int) -> Sequence[int]:
    """The samples that are written out: all, or the first two and the last of many."""
    return range(samples) if samples <= MOST_SAMPLES else (0, 1, samples - 1)


def over_samples(samples: int, term: Callable[[int], Form]) -> Form:
    """The sum of a term for each sample; of many samples the middle is left out."""
    terms = [_signed(term(k)) for k in shown_samples(samples)]
    if len(terms) < samples:
        terms.insert(-1, Words("…"))
    return Terms(tuple(terms))


def _signed(term: Form) -> Form:
    """A negative number is subtracted."""
    if isinstance(term, Numeral) and term.value < 0:
        return Minus(Numeral(-term.value))
    return term


def formula(node: Node, say: Say) -> Form:
    """What the value is, by name where it has one."""
    return say(node) or definition(node, say)


def definition(node: Node, say: Say) -> Form:
    """What the value is made of, even where it has a name.

    Written from the inside out and not by recursion: a sum of a thousand terms nests as deep.
    """
    forms: dict[Node, Form] = {}
    waiting = [node]
    while waiting:
        part = waiting[-1]
        missing = [x for x in _parts(part) if x not in forms]
        for x in missing:
            said = say(x)
            if said is not None:
                forms[x] = said
        waiting += (x for x in missing if x not in forms)
        if part is waiting[-1]:
            forms[waiting.pop()] = _written(part, forms, say)
    return forms[node]


def _parts(node: Node) -> Sequence[Node]:
    """What has to be written before the node's own notation can be."""
    return node.inputs if node.op.name in NOTATION and ratio(node) is None else ()


def _written(node: Node, forms: Mapping[Node, Form], say: Say) -> Form:
    found = ratio(node)
    if found is not None:
        return ratio_form(found)
    write = NOTATION.get(node.op.name)
    if write is not None:
        return write(node, [forms[x] for x in node.inputs], say)
    if node.op.expansion is not None:
        return _expanded(node, say)
    raise TargetError(
        f"the algebra has no words for '{node.op.name}': "
        f"give the op a notation in targets/algebra/notation/formula.py, or an expansion"
    )


def _expanded(node: Node, say: Say) -> Form:
    """The op said with simpler ones."""
    assert node.op.expansion
    return formula(node.op.expansion(*node.inputs, *node.attributes), say)


# The notation of each op.


def _quotient(node: Node, args: Sequence[Form], say: Say) -> Form:
    """A long sum is divided by writing its share in front."""
    top, bottom = args
    if _is_mean_error(node):
        return over_all(top, bottom)
    long = isinstance(top, Terms) and len(top.terms) > LONGEST_TOP
    if (long or node.inputs[0].op.name == "total") and node.inputs[1].is_constant():
        return multiplied([Fraction(Numeral(1), bottom), top])
    if isinstance(top, Minus):
        return Minus(Fraction(top.of, bottom))
    if isinstance(top, Fraction):
        return Fraction(top.top, multiplied([top.bottom, bottom]))
    return Fraction(top, bottom)


def _is_mean_error(node: Node) -> bool:
    """Whether it is the samples' mean error, over their constant number."""
    top, bottom = node.inputs
    name = top.inputs[0].name if top.op.name == "total" else None
    return bottom.is_constant() and name is not None and name.stem == TOTAL_ERROR.stem


def over_all(whole: Form, samples: Form) -> Form:
    """The mean over the samples. In symbols 1/N stands in front, which no one takes for the ½ of a
    squared error; once numbers are put in, it is the sum over how many there are."""
    return multiplied([SHARE, whole]) if isinstance(whole, BigSum) else Fraction(whole, samples)


def _times(node: Node, args: Sequence[Form], say: Say) -> Form:
    """A factor −1 is written as a sign."""
    kept = [arg for x, arg in zip(node.inputs, args, strict=True) if not x.is_constant(-1)]
    product = multiplied(kept)
    return product if (len(args) - len(kept)) % 2 == 0 else _minus(product)


def _minus(form: Form) -> Form:
    return form.of if isinstance(form, Minus) else Minus(form)


def _choice(node: Node, args: Sequence[Form], say: Say) -> Form:
    """a where c > 0, else b."""
    given = node.inputs[0]
    condition = Comparison(args[0], ">", Numeral(0))
    if given.op.name == "subtract" and given.inputs[0].is_constant():
        most, x = (formula(part, say) for part in given.inputs)
        condition = Comparison(x, "<", most)
    if node.inputs[2].is_constant(0):
        return Bracket(condition) if args[1] == Numeral(1) else args[1] * Bracket(condition)
    return Cases(((args[1], condition), (args[2], Words("else"))))


def _chosen(node: Node, args: Sequence[Form], say: Say) -> Form:
    """[p is a]: whether it is this one that is the largest, the first of equal ones."""
    (k,) = node.attributes
    assert isinstance(k, int)
    largest = node.graph.make("largest", *node.inputs)
    return Bracket(Comparison(formula(largest, say), "is", args[k]))


CERTAIN = (Numeral(0), Numeral(1))  # probabilities so extreme that their logarithms are lost


def _binary_cross_entropy(node: Node, args: Sequence[Form], say: Say) -> Form:
    """Of the probability σ(o), whatever that is called."""
    output = node.inputs[1]
    chance = formula(output.graph.make("sigmoid", output), say)
    wanted = args[0]
    if chance in CERTAIN:
        return _expanded(node, say)
    return -(wanted * ln(chance)) - (1 - wanted) * ln(1 - chance)


def _cross_entropy(node: Node, args: Sequence[Form], say: Say) -> Form:
    """Of the probabilities e^(o − L), whatever they or their logarithms are called."""
    half = len(node.inputs) // 2
    outputs = node.inputs[half:]
    total = node.graph.make("log_sum_exp", *outputs)
    terms: list[Form] = []
    for wanted, output in zip(args[:half], outputs, strict=True):
        log = output - total
        chance = formula(node.graph.make("exp", log), say)
        if chance in CERTAIN:
            return _expanded(node, say)
        terms.append(-(wanted * (say(log) or ln(chance))))
    return added(terms)


def _at_least_0(x: Form) -> Form:
    return Function("max", (Numeral(0), x))


def _call(function: str) -> Notation:
    return lambda node, args, say: Function(function, tuple(args))


EXACTLY = {  # not by its first digits
    GELU_SCALE: Root(Fraction(Numeral(2), Symbol(Name("π")))),
    BELL: Fraction(Numeral(1), Root(2 * Symbol(Name("π")))),
}

NOTATION: dict[str, Notation] = {
    "constant": lambda node, args, say: EXACTLY.get(node.number, Numeral(node.number)),
    "copy": lambda node, args, say: args[0],
    "repeat": lambda node, args, say: args[0],
    "total": lambda node, args, say: BigSum(args[0], "samples"),
    "add": lambda node, args, say: added(args),
    "subtract": lambda node, args, say: added([args[0], _minus(args[1])]),
    "multiply": _times,
    "divide": _quotient,
    "negate": lambda node, args, say: _minus(args[0]),
    "power": lambda node, args, say: args[0] ** args[1],
    "exp": _call("exp"),
    "log": _call("ln"),
    "sqrt": lambda node, args, say: Root(args[0]),
    "choose": _choice,
    "largest": _call("max"),
    "is_largest": _chosen,
    "sigmoid": _call("σ"),
    "tanh": _call("tanh"),
    "normal_share": _call("Φ"),
    "softplus": lambda node, args, say: ln(1 + exp(args[0])),
    "relu": lambda node, args, say: _at_least_0(args[0]),
    "relu6": lambda node, args, say: Function("min", (Numeral(6), _at_least_0(args[0]))),
    "log_sum_exp": lambda node, args, say: ln(added(map(exp, args))),
    "half_square": lambda node, args, say: HALF * (args[0] - args[1]) ** 2,
    "square": lambda node, args, say: (args[0] - args[1]) ** 2,
    "absolute_error": lambda node, args, say: absolute(args[0] - args[1]),
    "binary_cross_entropy": _binary_cross_entropy,
    "cross_entropy_of": _cross_entropy,
}
CHOICES = ("choose", "is_largest", "largest")  # once numbers are put in, only the result is left


# Ratios: 1/4 of four samples, 2/3, not 0.6666667 -----------------------------


def ratio(node: Node) -> Ratio | None:
    """A formula of whole numbers alone, worked out."""
    if node.is_constant():
        return Ratio(int(node.number)) if node.number.is_integer() else None
    work = RATIOS.get(node.op.name)
    parts = [ratio(x) for x in node.inputs] if work else []
    known = [part for part in parts if part is not None]
    return work(*known) if work and len(known) == len(parts) else None


RATIOS: dict[str, Callable[..., Ratio]] = {
    "repeat": lambda x: x,
    "negate": lambda x: -x,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
}


def ratio_form(number: Ratio) -> Form:
    """As it is written, with its sign in front."""
    size = Numeral(abs(number.numerator))
    form: Form = size if number.denominator == 1 else Fraction(size, Numeral(number.denominator))
    return Minus(form) if number < 0 else form
