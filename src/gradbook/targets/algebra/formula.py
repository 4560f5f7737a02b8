"""The mathematics of a graph: the only place where ops get a notation, and chains of partials.

An op without a notation is written as its expansion.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction as Ratio
from math import e, pi, prod

import numpy as np

from gradbook.graph.levels import Bits
from gradbook.graph.names import TOTAL_ERROR, Name, read_name
from gradbook.graph.node import Array, Node
from gradbook.graph.ops import BELL, TWO_BY_ROOT_PI
from gradbook.graph.reference import Values
from gradbook.language import mark, tr
from gradbook.layers.activations import GELU_SCALE
from gradbook.lowering import Vocabulary, expansion
from gradbook.net.derivation import (
    Chain,
    ChainProduct,
    ChainSum,
    Derivation,
    Local,
    OverSamples,
    Worked,
    chain_value,
    first_values,
    slopes,
)
from gradbook.targets.algebra.forms import (
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
    add_up,
    exp,
    ln,
    multiply,
    signed,
)

SHARE = Fraction(Numeral(1), Symbol(Name("N")))  # of each sample in a mean over N of them

Say = Callable[[Node], Form | None]  # the form for a value; None: write out its formula
Notation = Callable[[Node, Sequence[Form], Say], Form]

MOST_SAMPLES = 6  # written out
MOST_TOLD = 200  # weights, inputs or targets whose numbers a derivation lists
LONGEST_TOP = 4  # terms in a numerator: the places of a 2 x 2 window


def symbol(name: Name) -> Form:
    """The name as a symbol; a gradient's is the partial derivative that it stands for."""
    if name.stem == "∂" and name.of:
        error = read_name(name.word) if name.word else TOTAL_ERROR
        return Partial(symbol(error), symbol(name.of))
    return Symbol(name)


def symbols(spoken: Collection[Node]) -> Say:
    """Writes these values by their names."""

    def say(node: Node) -> Form | None:
        return symbol(node.name) if node.name and node in spoken else None

    return say


def numbers(
    spoken: Collection[Node], values: Mapping[Node, Array], samples: int, sample: int | None = None
) -> Say:
    """Writes these values by their numbers, of one sample if they differ between samples."""

    def say(node: Node) -> Form | None:
        is_chosen = node.op.name in CHOICES and not _is_guarded(node)
        if node in spoken or (is_chosen and node in values):
            value = np.asarray(values[node])
            return Numeral(float(value[sample] if value.ndim else value))
        if node.op.name == "total":
            return over_samples(samples, lambda k: formula(node.inputs[0], of_sample(k)))
        return None

    def of_sample(k: int) -> Say:
        return numbers(spoken, values, samples, k)

    return say


def _is_guarded(node: Node) -> bool:
    """Whether it is a quotient whose `choose` only avoids division by 0 or less, which never
    occurs in a derivation: ranges are positive."""
    if node.op.name != "choose" or node.inputs[1].op.name != "divide":
        return False
    return node.inputs[1].inputs[1] is node.inputs[0]


def shown_samples(samples: int) -> Sequence[int]:
    """The samples that are written out: all, or the first two and the last of many."""
    return range(samples) if samples <= MOST_SAMPLES else (0, 1, samples - 1)


def over_samples(samples: int, term: Callable[[int], Form]) -> Form:
    """The sum of a term for each sample; of many samples, the middle is left out."""
    terms = [signed(term(k)) for k in shown_samples(samples)]
    if len(terms) < samples:
        terms.insert(-1, Words("…"))
    return Terms(tuple(terms))


def formula(node: Node, say: Say) -> Form:
    """The value's name if it has one, else its definition."""
    return say(node) or definition(node, say)


def definition(node: Node, say: Say) -> Form:
    """The value's formula, even if it has a name.

    Written from the inside out and not by recursion: a sum of a thousand terms is nested as deep.
    """
    forms: dict[Node, Form] = {}
    waiting = [node]
    while waiting:
        part = waiting[-1]
        is_spelled = part.op.name in NOTATION and ratio(part) is None
        missing = [x for x in part.inputs if x not in forms] if is_spelled else []
        for x in missing:
            form = say(x)
            if form is not None:
                forms[x] = form
        waiting += (x for x in missing if x not in forms)
        if part is waiting[-1]:
            forms[waiting.pop()] = _written(part, forms, say)
    return forms[node]


def _written(node: Node, forms: Mapping[Node, Form], say: Say) -> Form:
    fraction = ratio(node)
    if fraction is not None:
        top, bottom = Numeral(abs(fraction.numerator)), fraction.denominator
        form: Form = top if bottom == 1 else Fraction(top, Numeral(bottom))
        return Minus(form) if fraction < 0 else form
    write = NOTATION.get(node.op.name)
    if write is not None:
        return write(node, [forms[x] for x in node.inputs], say)
    simpler = SAYS.simpler(node)
    assert simpler is not None
    return formula(simpler, say)


def _expanded(node: Node, say: Say) -> Form:
    """The op written with simpler ones, though it has a notation."""
    simpler = expansion(node)
    assert simpler is not None
    return formula(simpler, say)


# The notation of each op.


def _quotient(node: Node, args: Sequence[Form], say: Say) -> Form:
    """A quotient; the division of a long sum is written as a factor in front."""
    top, bottom = args
    summed, count = node.inputs
    if count.is_constant():
        of_samples = summed.op.name == "total"
        name = summed.inputs[0].name if of_samples else None
        if name is not None and name.stem == TOTAL_ERROR.stem:
            return over_all(top, bottom)
        if of_samples or (isinstance(top, Terms) and len(top.terms) > LONGEST_TOP):
            return multiply([Fraction(Numeral(1), bottom), top])
    if isinstance(top, Minus):
        return Minus(Fraction(top.of, bottom))
    if isinstance(top, Fraction):
        return Fraction(top.top, multiply([top.bottom, bottom]))
    return Fraction(top, bottom)


def over_all(total: Form, samples: Form) -> Form:
    """The mean over the samples. With symbols, 1/N is written in front, so that it isn't taken for
    the ½ of a squared error; with numbers, it is the sum divided by the number of samples."""
    return multiply([SHARE, total]) if isinstance(total, BigSum) else Fraction(total, samples)


def _times(node: Node, args: Sequence[Form], say: Say) -> Form:
    """A factor −1 is written as a sign, and one that comes to 1, as ½·2 does, is left out."""
    factors = [(x, arg) for x, arg in zip(node.inputs, args, strict=True) if ratio(x) != 1]
    kept = [arg for x, arg in factors if not x.is_constant(-1)]
    product = multiply(kept or [Numeral(1)])
    return product if (len(factors) - len(kept)) % 2 == 0 else _minus(product)


def _minus(form: Form) -> Form:
    return form.of if isinstance(form, Minus) else Minus(form)


def _choice(node: Node, args: Sequence[Form], say: Say) -> Form:
    """a where c > 0, else b."""
    test = node.inputs[0]
    if _is_guarded(node):
        return args[1]
    condition = Comparison(args[0], ">", Numeral(0))
    if test.op.name == "subtract":
        most, x = (formula(part, say) for part in test.inputs)
        condition = Comparison(x, "<", most)
    if node.inputs[2].is_constant(0):
        return Bracket(condition) if args[1] == Numeral(1) else args[1] * Bracket(condition)
    return Cases(((args[1], condition), (args[2], Words(tr("else")))))


def _chosen(node: Node, args: Sequence[Form], say: Say) -> Form:
    """[p is a]: whether this value is the largest; the first of equal ones counts."""
    (k,) = node.attributes
    assert isinstance(k, int)
    largest = node.graph.make("largest", *node.inputs)
    return Bracket(Comparison(formula(largest, say), mark("is"), args[k]))


CERTAIN = (Numeral(0), Numeral(1))  # probabilities so extreme that their logarithms are lost


def _binary_cross_entropy(node: Node, args: Sequence[Form], say: Say) -> Form:
    """The error in terms of the probability σ(o), by its name if it has one."""
    output = node.inputs[1]
    chance = formula(output.graph.make("sigmoid", output), say)
    wanted = args[0]
    if chance in CERTAIN:
        return _expanded(node, say)
    return -(wanted * ln(chance)) - (1 - wanted) * ln(1 - chance)


def _cross_entropy(node: Node, args: Sequence[Form], say: Say) -> Form:
    """The error in terms of the probabilities e^(o − L), or of their logarithms if named."""
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
    return add_up(terms)


def _at_least_0(x: Form) -> Form:
    return Function("max", (Numeral(0), x))


def _level(node: Node, args: Sequence[Form], say: Say) -> Form:
    """A weight of few bits: s·round(w/s), limited to the lowest and the highest level."""
    w, s = args
    if isinstance(s, Numeral) and s.value == 0:  # all weights of the channel are 0
        return Numeral(0)
    return s * level(Bits(str(node.attributes[0])), w, s)


def level(kind: Bits, w: Form, s: Form) -> Form:
    """The permitted whole number nearest to w/s."""
    if kind.step == 2:
        number = 2 * Function("floor", (Fraction(w, 2 * s),)) + Numeral(1)
    else:
        number = Function("round", (Fraction(w, s),))
    if not kind.of_mean:
        return number
    below = Function("min", (Numeral(kind.highest), number))
    return Function("max", (Minus(Numeral(kind.highest)), below))


def _stepped(node: Node, args: Sequence[Form], say: Say) -> Form:
    """A value of few bits: step·round(x/step), limited to the lowest and the highest."""
    x, limit = args
    lowest, highest = (Numeral(float(str(end))) for end in node.attributes)
    ratio = Fraction(multiply([highest, x]), limit)
    inside = Function("max", (lowest, Function("min", (highest, ratio))))
    return multiply([Fraction(limit, highest), Function("round", (inside,))])


def _call(function: str) -> Notation:
    return lambda node, args, say: Function(function, tuple(args))


EXACTLY = {  # written exactly rather than with a few digits
    GELU_SCALE: Root(Fraction(Numeral(2), Symbol(Name("π")))),
    BELL: Fraction(Numeral(1), Root(2 * Symbol(Name("π")))),
    TWO_BY_ROOT_PI: Fraction(Numeral(2), Root(Symbol(Name("π")))),
    pi: Symbol(Name("π")),
    e: Symbol(Name("e")),
}

NOTATION: dict[str, Notation] = {
    "constant": lambda node, args, say: EXACTLY.get(node.number, Numeral(node.number)),
    "copy": lambda node, args, say: args[0],
    "repeat": lambda node, args, say: args[0],
    "total": lambda node, args, say: BigSum(args[0], mark("samples")),
    "add": lambda node, args, say: add_up(args),
    "subtract": lambda node, args, say: add_up([args[0], _minus(args[1])]),
    "multiply": _times,
    "divide": _quotient,
    "negate": lambda node, args, say: _minus(args[0]),
    "power": lambda node, args, say: args[0] ** args[1],
    "exp": _call("exp"),
    "log": _call("ln"),
    **{op: _call(op) for op in ("sin", "cos", "tan", "sinh", "cosh", "erf", "sign")},
    **{f"a{op}": _call(f"a{op}") for op in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    **{op: _call(op) for op in ("log10", "log2")},
    "abs": lambda node, args, say: absolute(args[0]),
    "sqrt": lambda node, args, say: Root(args[0]),
    "choose": _choice,
    "floor": _call("floor"),
    "level": _level,
    "stepped": _stepped,
    "largest": _call("max"),
    "is_largest": _chosen,
    "sigmoid": _call("σ"),
    "tanh": _call("tanh"),
    "normal_share": _call("Φ"),
    "softplus": lambda node, args, say: ln(1 + exp(args[0])),
    "relu": lambda node, args, say: _at_least_0(args[0]),
    "relu6": lambda node, args, say: Function("min", (Numeral(6), _at_least_0(args[0]))),
    "log_sum_exp": lambda node, args, say: ln(add_up(map(exp, args))),
    "half_square": lambda node, args, say: HALF * (args[0] - args[1]) ** 2,
    "square": lambda node, args, say: (args[0] - args[1]) ** 2,
    "absolute_error": lambda node, args, say: absolute(args[0] - args[1]),
    "binary_cross_entropy": _binary_cross_entropy,
    "cross_entropy_of": _cross_entropy,
}
SAYS = Vocabulary(
    "the algebra",
    frozenset(NOTATION),
    "give the op a notation in targets/algebra/formula.py, or an expansion",
)
CHOICES = ("choose", "is_largest", "largest")  # with numbers, only the result is written


# Ratios: 1/4 for four samples, 2/3, not 0.6666667 ----------------------------


def ratio(node: Node) -> Ratio | None:
    """The value of a formula that consists only of whole numbers, and of no named value."""
    if node.is_constant():
        return Ratio(int(node.number)) if node.number.is_integer() else None
    work = RATIOS.get(node.op.name)
    known: list[Ratio] = []
    for x in node.inputs if work else ():
        part = None if x.name else ratio(x)
        if part is None:
            return None
        known.append(part)
    return work(*known) if work else None


RATIOS: dict[str, Callable[..., Ratio]] = {
    "repeat": lambda x: x,
    "negate": lambda x: -x,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
}


# Chains ----------------------------------------------------------------------

CANCELLED = 1e-15  # of the size of the terms

Factor = Callable[[Local | Worked], Form]  # writes a partial
Total = Callable[[Chain], Form]  # writes a sum over the samples

MOST_OVER_A_LINE = 2  # samples' chains in a numerator


@dataclass(frozen=True)
class Algebra:
    """Writes a derivation's values and chains, in symbols and in numbers."""

    derived: Derivation
    values: Values
    slopes: Mapping[Node, Array]

    @property
    def samples(self) -> int:
        return self.derived.step.samples

    def slope(self, value: Node) -> Form:
        """∂E_total/∂value, or ∂ of one sample's error, as in the value's chain."""
        return partial(self.root(value), value)

    def root(self, value: Node) -> Node:
        """The error of which the value's chain is the derivative."""
        return self.derived.roots.get(value, self.derived.step.loss)

    def in_partials(self, chain: Chain) -> Form:
        """∂E1/∂a_o1 · ∂a_o1/∂o1 · ∂o1/∂w5."""
        return self._joined(
            chain,
            as_partial,
            lambda x: BigSum(self.in_partials(x), mark("samples")),
            spare_ones=False,
        )

    def in_formulas(self, chain: Chain) -> Form:
        """(a_o1 − t1) · a_o1 · (1 − a_o1) · a_h1."""

        def factor(part: Local | Worked) -> Form:
            return self.derivative(part) if isinstance(part, Local) else as_partial(part)

        return self._joined(chain, factor, lambda x: BigSum(self.in_formulas(x), mark("samples")))

    def derivative(self, local: Local) -> Form:
        """a_o1 − t1; of the total error with respect to one sample's it is 1/N."""
        is_share = self.samples > 1 and local.of is self.derived.step.loss
        return SHARE if is_share else formula(local.formula, self.say_symbols())

    def in_numbers(self, chain: Chain, sample: int | None = None) -> Form:
        """The formulas with numbers in place of symbols; Σ is written out."""
        say = self.say_numbers(sample)

        def factor(part: Local | Worked) -> Form:
            if isinstance(part, Local):
                return formula(part.formula, say)
            return Numeral(at(self.slopes[part.value], sample))

        def total(inside: Chain) -> Form:
            return over_samples(self.samples, lambda k: self.in_numbers(inside, k))

        return self._joined(chain, factor, total)

    def in_shares(self, chain: Chain) -> Form:
        """Only each sample's number, in a chain that sums over the samples."""

        def total(inside: Chain) -> Form:
            shares = self._number(inside)
            return over_samples(self.samples, lambda k: Numeral(at(shares, k)))

        return self._joined(chain, lambda part: Numeral(self.number(part)), total)

    def number(self, chain: Chain, sample: int | None = None) -> float:
        """The chain's value; 0 if its terms cancel except for rounding."""
        number = at(self._number(chain), sample)
        return 0.0 if abs(number) <= CANCELLED * self._size(chain) else number

    def _size(self, chain: Chain) -> float:
        """An upper bound of the chain's magnitude, as if none of its terms cancelled."""
        match chain:
            case ChainSum(terms):
                return sum(map(self._size, terms))
            case ChainProduct(factors):
                return prod(map(self._size, factors))
            case Local() if chain.formula.op.name == "total":
                return float(np.abs(self.values[chain.formula.inputs[0]]).sum())
            case OverSamples(inside, mean):
                total = float(np.abs(np.broadcast_to(self._number(inside), self.samples)).sum())
                return total / self.samples if mean else total
            case _:
                return float(np.abs(self._number(chain)).max())

    def say_symbols(self) -> Say:
        return symbols(self.derived.spoken)

    def say_numbers(self, sample: int | None = None) -> Say:
        return numbers(self.derived.spoken, self.values, self.samples, sample)

    def _number(self, chain: Chain) -> Array:
        with np.errstate(all="ignore"):
            return chain_value(
                chain, lambda local: self.values[local.formula], self.slopes, self.samples
            )

    def _mean(self, total: Form) -> Form:
        """The mean over the samples. Before a long sum it is a factor, since a sum can be broken
        into lines but a numerator can't."""
        samples = Numeral(self.samples)
        if isinstance(total, Terms) and len(total.terms) > MOST_OVER_A_LINE:
            return multiply([Fraction(Numeral(1), samples), total])
        return over_all(total, samples)

    def _joined(self, chain: Chain, factor: Factor, total: Total, spare_ones: bool = True) -> Form:
        """The chain composed of its parts; factors of 1 are left out if `spare_ones`."""

        def joined(part: Chain) -> Form:
            return self._joined(part, factor, total, spare_ones)

        match chain:
            case Local() | Worked():
                return factor(chain)
            case ChainSum(terms):
                return add_up([*map(joined, terms)] or [Numeral(0)])
            case OverSamples(inside, mean):
                added = total(inside)
                return self._mean(added) if mean else added
            case ChainProduct(factors):
                kept = [part for part in factors if not (spare_ones and _is_one(part))]
                return multiply(map(joined, kept or factors[:1]))


def algebra(derived: Derivation) -> Algebra:
    """The algebra with the values of the first epoch."""
    values = first_values(derived)
    return Algebra(derived, values, slopes(derived, values))


def symbol_of(value: Node) -> Form:
    assert value.name is not None
    return symbol(value.name)


def partial(of: Node, to: Node) -> Form:
    """∂of/∂to."""
    return Partial(symbol_of(of), symbol_of(to))


def _is_one(chain: Chain) -> bool:
    return isinstance(chain, Local) and chain.formula.is_constant(1)


def as_partial(part: Local | Worked) -> Form:
    return partial(part.of, part.to) if isinstance(part, Local) else partial(part.root, part.value)


def at(value: Array, sample: int | None = None) -> float:
    """One sample's number, or the number that all samples share."""
    array = np.asarray(value)
    return float(array if not array.ndim or sample is None else array[sample])
