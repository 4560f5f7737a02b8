"""Activations: one block each, with the op, its derivative and its words.

A call `activation(kind, words, …)` is all that an activation needs: the text form, the help, every
target and every page then know it. A target without a name for its op writes its expansion.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf, isfinite, pi, sqrt
from typing import Any, ClassVar

import numpy as np

from gradbook.arguments import one_of, settle
from gradbook.errors import ShapeError, UsageError
from gradbook.graph.names import Name, is_sequence
from gradbook.graph.node import Array, Node, define
from gradbook.graph.ops import bell, normal_share, normal_share_of, sigmoid, sigmoid_of
from gradbook.graph.sequences import by_feature, by_step
from gradbook.graph.tensors import reshape, spread
from gradbook.graph.window import Shape
from gradbook.language import mark, numeral, tr
from gradbook.layers.card import (
    FLAT_ONLY,
    AnswerKind,
    Layer,
    LayerSite,
    ParameterSpec,
    Role,
    spell,
)
from gradbook.layers.fields import (
    Configured,
    FlagField,
    NumberField,
    StatementForm,
    TextField,
    WholeField,
)

ANSWER_KINDS = {  # of activations whose values are restricted
    "sigmoid": AnswerKind.CHANCES,
    "softmax": AnswerKind.SHARES,
    "log softmax": AnswerKind.LOGARITHMS,
}


@dataclass(frozen=True)
class ActivationCard:
    """An activation: the description of its values, and its statement."""

    words: str  # a description of its values, given those before it
    form: StatementForm  # its help is the formula for each x
    rises_from: float | None = None  # its limit far below 0, if it never decreases


ACTIVATIONS: dict[str, ActivationCard] = {}
NUMBERED: dict[str, ActivationCard] = {}  # functions with a number that a statement must give


def activation(
    kind: str,
    words: str,
    formula: str,
    value: Callable[..., Any] | None = None,
    synonyms: tuple[str, ...] = (),
    fields: tuple[TextField, ...] = (),
    rises_from: float | None = None,
    **parts: Callable[..., Any],
) -> None:
    """Register an activation, and its op unless that exists already."""
    if value is not None:
        define(kind.replace(" ", "_"), value, **parts)
    form = StatementForm(kind, fields, (formula,), synonyms, preset={"kind": kind})
    ACTIVATIONS[kind] = ActivationCard(words, form, rises_from)


def numbered(
    kind: str, label: str, words: str, formula: str, value: Callable[..., Any], **parts: Any
) -> None:
    """Register a function with a number that its statement gives, and its op."""
    define(kind, value, **parts)
    fields = (NumberField("slope", "A", label=label),)
    form = StatementForm(kind, fields, (formula,), preset={"kind": kind})
    NUMBERED[kind] = ActivationCard(words, form, rises_from=-inf)


@dataclass(frozen=True, init=False)
class Activation(Configured, Layer):
    """A function of each single value; softmax alone depends on all values, or on all those of a
    step of a sequence.

    Args:
        kind: "sigmoid", "tanh", "relu", "leaky relu", "softmax" …; an unknown one is refused with
            the names of all.
        settings: The numbers that its statement has, in order or by name: the slope of leaky relu
            for negative values.

    >>> import gradbook as gb
    >>> print(gb.Activation("leaky relu", slope=0.2))
    leaky relu 0.2
    """

    kind: str
    settings: Mapping[str, float] = field(hash=False)
    letter: ClassVar[str] = "a"
    names_after: ClassVar[bool] = True
    among: ClassVar[Mapping[str, ActivationCard]] = ACTIVATIONS

    def __init__(self, kind: str, *settings: float, **by_name: float) -> None:
        settle(self, kind=one_of("activation", kind, self.among))
        known = {part.name for card in self.among.values() for part in card.form.fields}
        for name in by_name:
            one_of("setting of an activation", name, known)
        self.configure(self.form(), settings, by_name)
        self.check()

    @property
    def card(self) -> ActivationCard:
        return self.among[self.kind]

    def check(self) -> None:
        for part in self.form().fields:
            value = self.settings[part.name]
            if isinstance(part, NumberField) and not isfinite(value):
                raise UsageError(f"{part.label} of {self.kind} is a finite number, not {value}")

    def form(self) -> StatementForm:
        return self.card.form

    @property
    def fields(self) -> dict[str, Any]:
        return {"kind": self.kind, **self.settings}

    @property
    def word(self) -> str:  # type: ignore[override]
        """Its kind as one word, which is its op's name: leaky_relu."""
        return self.kind.replace(" ", "_")

    @property
    def ending(self) -> str:  # type: ignore[override]
        return self.kind

    @property
    def answer_kind(self) -> AnswerKind:  # type: ignore[override]
        return ANSWER_KINDS.get(self.kind, AnswerKind.NUMBERS)

    @property
    def is_softmax(self) -> bool:  # type: ignore[override]
        return self.answer_kind.are_shares

    @property
    def rising(self) -> bool:  # type: ignore[override]
        is_upward = all(number >= 0 for number in self.settings.values())
        return self.card.rises_from is not None and is_upward

    @property
    def lowest(self) -> float:  # type: ignore[override]
        if self.answer_kind is AnswerKind.SHARES:
            return 0
        limit = self.card.rises_from
        return -inf if limit is None else limit

    @property
    def idle(self) -> bool:  # type: ignore[override]
        return self.kind == "identity"

    @property
    def elementwise(self) -> bool:  # type: ignore[override]
        return not self.is_softmax

    def output(self, shape: Shape, *others: Shape) -> Shape:
        if not self.is_softmax:
            return shape
        if len(shape) == 3 and is_sequence(shape):
            return shape
        if max(shape[1:], default=1) > 1:
            raise ShapeError(FLAT_ONLY.format(word=self.kind, shape=spell(shape)))
        return shape[:1]

    def words(self, shape: Shape) -> str:
        numbers = {name: numeral(f"{number:g}") for name, number in self.settings.items()}
        return tr(self.card.words, **numbers)

    def ops(self, site: LayerSite, inputs: Sequence[Node], parameters: Sequence[Node]) -> Node:
        if self.is_softmax:
            if len(site.output) == 3:
                return by_feature(self._softmax(site, by_step(inputs[0])))
            return self._softmax(site, reshape(inputs[0], site.output))
        return self.at_a_place(inputs)

    def at_a_place(self, inputs: Sequence[Node], parameters: Sequence[Node] = ()) -> Node:
        (x,) = inputs
        return activate(self.kind, x, tuple(self.settings.values()))

    def _softmax(self, site: LayerSite, x: Node) -> Node:
        """Through ln Σ e^o, which the softmax subtracts from every value."""
        total = site.make("log_sum_exp_all", x)
        total = site.graph.named(total, Name("L", of=site.before))
        logs = x - spread(total, x.shape[-1:])
        return site.make("exp", logs) if self.answer_kind is AnswerKind.SHARES else logs


def activate(kind: str, x: Node, settings: Sequence[Any] = ()) -> Node:
    """An activation's result for each value; its settings are numbers, or values of the graph."""
    if kind == "identity":
        return x
    return x.graph.make(kind.replace(" ", "_"), x, attributes=tuple(settings))


# The usual ones ------------------------------------------------------------------

activation("sigmoid", mark("the sigmoid σ of each"), "σ(x) = 1 / (1 + e^−x)", rises_from=0)
activation("tanh", mark("the hyperbolic tangent of each"), "tanh(x)", rises_from=-1)
activation(
    "relu",
    mark("each if it is positive, else 0 (ReLU)"),
    "max(0, x)",
    rises_from=0,
)
activation(
    "leaky relu",
    mark("each, times {slope} if it is negative (leaky ReLU)"),
    "x if it is positive, else SLOPE·x",
    lambda x, slope: np.where(x > 0, x, slope * x),
    fields=(NumberField("slope", "SLOPE", usual=0.01, label="the slope"),),
    derivative=lambda d, y, x: (d * x.graph.make("choose", x, 1, y.attributes[0]),),
    expansion=lambda x, slope: x.graph.make("choose", x, x, slope * x),
    rises_from=-inf,
)


def _up_to_6(x: Node, inside: Node | float, beyond: float) -> Node:
    """0 up to 0, `inside` between 0 and 6, `beyond` from there on."""
    return x.graph.make("choose", x, x.graph.make("choose", 6 - x, inside, beyond), 0)


activation(
    "relu6",
    mark("each between 0 and 6, else the nearer of the two (ReLU6)"),
    "min(6, max(0, x))",
    lambda x: np.clip(x, 0, 6),
    derivative=lambda d, y, x: (d * _up_to_6(x, 1, 0),),  # flat at both corners, as in PyTorch
    expansion=lambda x: _up_to_6(x, x, 6),
    rises_from=0,
)
activation(
    "elu",
    mark("each if it is positive, else e to its power minus 1 (ELU)"),
    "x if it is positive, else e^x − 1",
    lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    derivative=lambda d, y, x: (d * x.graph.make("choose", x, 1, y + 1),),
    expansion=lambda x: x.graph.make("choose", x, x, x.graph.make("exp", x) - 1),
    rises_from=-1,
)
activation(
    "softplus",
    mark("each, smoothly rounded to stay positive (softplus)"),
    "ln(1 + e^x)",
    rises_from=0,
)
activation(
    "logrelu",  # Liu et al. (2019)
    mark("the logarithm of each plus 1 if it is positive, else 0 (log ReLU)"),
    "ln(1 + x) if x is positive, else 0",
    lambda x: np.log(1 + np.maximum(x, 0)),
    derivative=lambda d, y, x: (
        d * x.graph.make("choose", x, 1 / (1 + x.graph.make("relu", x)), 0),
    ),
    expansion=lambda x: x.graph.make("log", 1 + x.graph.make("relu", x)),
    rises_from=0,
)

SELU_SCALE, SELU_ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717
activation(
    "selu",  # Klambauer et al. (2017)
    mark("each if it is positive, else below 0 as e to its power; all scaled (SELU)"),
    "1.0507·x if it is positive, else 1.7581·(e^x − 1)",
    lambda x: SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(np.minimum(x, 0))),
    derivative=lambda d, y, x: (
        d * x.graph.make("choose", x, SELU_SCALE, y + SELU_SCALE * SELU_ALPHA),
    ),
    expansion=lambda x: (
        SELU_SCALE * x.graph.make("choose", x, x, SELU_ALPHA * (x.graph.make("exp", x) - 1))
    ),
    rises_from=-SELU_SCALE * SELU_ALPHA,
)
activation(
    "abs",
    mark("the absolute value of each"),
    "x if it is positive, else −x",
    np.abs,
    derivative=lambda d, y, x: (d * x.graph.make("sign", x),),
    expansion=lambda x: x.graph.make("choose", x, x, -x),
)

# Smooth gates: x times a share -----------------------------------------------------

GELU_SCALE, GELU_CUBE = sqrt(2 / pi), 0.044715


def _gelu_tanh(x: Node) -> Node:
    """tanh(√(2/π)·(x + 0.044715·x³)), written only with squares, which every target has."""
    return x.graph.make("tanh", GELU_SCALE * x * (1 + GELU_CUBE * x**2))


def _gelu_derivative(d: Node, y: Node, x: Node) -> tuple[Node]:
    t = _gelu_tanh(x)
    inner = GELU_SCALE * (1 + 3 * GELU_CUBE * x**2)
    return (d * (0.5 * (1 + t) + 0.5 * x * (1 - t**2) * inner),)


activation(
    "gelu",  # Hendrycks and Gimpel (2016)
    mark("each, times a smooth step from 0 to 1 (GELU, in the tanh form)"),
    "½·x·(1 + tanh(√(2/π)·(x + 0.044715·x³)))",
    lambda x: 0.5 * x * (1 + np.tanh(GELU_SCALE * x * (1 + GELU_CUBE * x**2))),
    derivative=_gelu_derivative,
    expansion=lambda x: 0.5 * x * (1 + _gelu_tanh(x)),
)
activation(
    "exact gelu",  # Hendrycks and Gimpel (2016)
    mark("each, times the share of a normal distribution below it (GELU)"),
    "x·Φ(x), where Φ is a normal distribution's share below x",
    lambda x: x * normal_share(x),
    derivative=lambda d, y, x: (d * (normal_share_of(x) + x * bell(x)),),
    expansion=lambda x: x * normal_share_of(x),
)
activation(
    "silu",  # x·σ(x); its slope is σ(x) + y·(1 − σ(x))
    mark("each, times its own sigmoid (SiLU)"),
    "x·σ(x)",
    lambda x: x * sigmoid(x),
    synonyms=("swish",),
    derivative=lambda d, y, x: (d * (sigmoid_of(x) + y * (1 - sigmoid_of(x))),),
    expansion=lambda x: x * sigmoid_of(x),
)


def _tanh_softplus(x: Node) -> Node:
    return x.graph.make("tanh", x.graph.make("softplus", x))


def _mish_derivative(d: Node, y: Node, x: Node) -> tuple[Node]:
    share = _tanh_softplus(x)
    return (d * (share + x * (1 - share**2) * sigmoid_of(x)),)


activation(
    "mish",  # Misra (2019)
    mark("each, times the hyperbolic tangent of its softplus (Mish)"),
    "x·tanh(ln(1 + e^x))",
    lambda x: x * np.tanh(np.logaddexp(0, x)),
    derivative=_mish_derivative,
    expansion=lambda x: x * _tanh_softplus(x),
)


def _relu6(x: Node) -> Node:
    return x.graph.make("relu6", x)


activation(
    "hardsigmoid",  # sigmoid in straight lines
    mark("a straight rise from 0 at −3 to 1 at 3 (hardsigmoid)"),
    "min(6, max(0, x + 3))/6",
    lambda x: np.clip(x + 3, 0, 6) / 6,
    rises_from=0,
    derivative=lambda d, y, x: (d * _up_to_6(x + 3, 1, 0) / 6,),
    expansion=lambda x: _relu6(x + 3) / 6,
)

activation(
    "hard swish",  # SiLU in straight lines
    mark("each, times a straight rise from 0 at −3 to 1 at 3 (hard swish)"),
    "x·min(6, max(0, x + 3))/6",
    lambda x: x * np.clip(x + 3, 0, 6) / 6,
    derivative=lambda d, y, x: (d * (_relu6(x + 3) / 6 + x * _up_to_6(x + 3, 1, 0) / 6),),
    expansion=lambda x: x * _relu6(x + 3) / 6,
)

# Of all values -------------------------------------------------------------------

activation("identity", mark("unchanged (identity)"), "x")
activation("softmax", mark("their shares of 1 (softmax)"), "e^x over the sum of e^x of all values")
activation(
    "log softmax",
    mark("the logarithms of their shares of 1 (log softmax)"),
    "x minus the logarithm of the sum of e^x of all values",
)

# With a number that a statement gives -----------------------------------------------

numbered(
    "scale",
    "the factor",
    mark("{slope} times each"),
    "A·x, with a number A that isn't trained",
    lambda x, factor: factor * x,
    derivative=lambda d, y, x: (d * y.attributes[0],),
    expansion=lambda x, factor: factor * x,
)
numbered(
    "shift",
    "the term",
    mark("each plus {slope}"),
    "x + A, with a number A that isn't trained",
    lambda x, term: x + term,
    derivative=lambda d, y, x: (d,),
    expansion=lambda x, term: x + term,
)
numbered(
    "atleast",
    "the least value",
    mark("each, but at least {slope}"),
    "x if it is above A, else A",
    np.maximum,
    derivative=lambda d, y, x: (d * x.graph.make("choose", x - y.attributes[0], 1, 0),),
    expansion=lambda x, least: x.graph.make("choose", x - least, x, least),
)
numbered(
    "atmost",
    "the greatest value",
    mark("each, but at most {slope}"),
    "x if it is below A, else A",
    np.minimum,
    derivative=lambda d, y, x: (d * x.graph.make("choose", y.attributes[0] - x, 1, 0),),
    expansion=lambda x, most: x.graph.make("choose", most - x, x, most),
)


@dataclass(frozen=True, init=False)
class Numbered(Activation):
    """A function of each value with a number that isn't trained: scale, shift, atleast, atmost."""

    among: ClassVar[Mapping[str, ActivationCard]] = NUMBERED
    forms: ClassVar[tuple[StatementForm, ...]] = tuple(card.form for card in NUMBERED.values())


# With a parameter ------------------------------------------------------------------


@dataclass(frozen=True)
class PRelu(Layer):
    """A leaky ReLU whose slope is learned, for each channel or for all; He et al. (2015)."""

    shared: bool = False
    word: ClassVar[str] = "prelu"
    letter: ClassVar[str] = "a"
    names_after: ClassVar[bool] = True
    elementwise: ClassVar[bool] = True
    forms: ClassVar[tuple[StatementForm, ...]] = (
        StatementForm(
            "prelu",
            (FlagField("shared"),),
            ("x if it is positive, else α·x, with α learned for each channel, or", "for all"),
        ),
    )

    def parameters(self, shape: Shape) -> tuple[ParameterSpec, ...]:
        return (ParameterSpec(Role.SLOPE, (1,) if self.shared else shape[:1]),)

    def words(self, shape: Shape) -> str:
        if self.shared or shape[0] == 1:
            return tr("each, times a learned slope if it is negative (the same for all; PReLU)")
        return tr("each, times a learned slope if it is negative (one per channel; PReLU)")

    def at_a_place(self, inputs: Sequence[Node], parameters: Sequence[Node] = ()) -> Node:
        (x,), (slope,) = inputs, parameters
        return x.graph.make("prelu", x, slope)


define(
    "prelu",
    lambda x, slope: np.where(x > 0, x, slope * x),
    derivative=lambda d, y, x, slope: (
        d * x.graph.make("choose", x, 1, slope),
        d * x.graph.make("choose", x, 0, x),
    ),
    expansion=lambda x, slope: x.graph.make("choose", x, x, slope * x),
)


MOST_BITS = 8
DEPTHS = "quantize takes 2 to 8 bits, not {depth}"


@dataclass(frozen=True)
class Quantize(Layer):
    """Rounds each value to one of the steps of a learned range; see `graph/levels.py`."""

    depth: int  # bits of a value
    signed: bool = False
    limit: float = 0  # the range as a number, if it isn't learned
    word: ClassVar[str] = "quantize"
    letter: ClassVar[str] = "â"
    names_after: ClassVar[bool] = True
    elementwise: ClassVar[bool] = True
    rising: ClassVar[bool] = True
    forms: ClassVar[tuple[StatementForm, ...]] = (
        StatementForm(
            "quantize",
            (WholeField("depth", "N", mark("number of bits")), FlagField("signed")),
            (
                "x rounded to one of the 2^N steps from 0 to a learned range ρ, or",
                "signed, as many below 0; straight-through (N from 2 to 8)",
            ),
            ("quantise",),
        ),
    )

    def check(self) -> None:
        if not 2 <= self.depth <= MOST_BITS:
            raise UsageError(DEPTHS.format(depth=self.depth))

    @property
    def levels(self) -> tuple[int, int]:
        if self.signed:
            return -(1 << self.depth - 1), (1 << self.depth - 1) - 1
        return 0, (1 << self.depth) - 1

    def parameters(self, shape: Shape) -> tuple[ParameterSpec, ...]:
        return (ParameterSpec(Role.RANGE, (1,)),)

    @property
    def level_step(self) -> float:
        return self.limit / self.levels[1]

    def takes_in(self, before: Layer) -> bool:
        return before.ending == "relu" and not self.signed

    def with_numbers(self, tensors: Mapping[str, Array]) -> Layer:
        return replace(self, limit=max(0.0, float(tensors["range"].item())))

    def words(self, shape: Shape) -> str:
        lowest, highest = self.levels
        count = highest - lowest + 1
        if self.signed:
            return tr(
                "each rounded to one of {count} steps around 0 in a learned range", count=count
            )
        return tr("each rounded to one of {count} steps from 0 to a learned range", count=count)

    def at_a_place(self, inputs: Sequence[Node], parameters: Sequence[Node] = ()) -> Node:
        (x,) = inputs
        limit = parameters[0] if parameters else x.graph.constant(self.limit)
        return x.graph.make("stepped", x, limit, attributes=tuple(map(float, self.levels)))
