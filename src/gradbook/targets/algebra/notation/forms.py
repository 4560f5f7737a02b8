"""Mathematics as people write it: a small tree of forms that every writer spells in its own way.

A form says what stands there, never how: brackets and dots are the writer's. How many digits a
number has, and whether those are all of it (= or ≈), is the same in every format.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from gradbook.graph.names import Name

MOST_TERMS = 20  # of a sum in the forward part


class Form:
    """A piece of mathematics. Arithmetic on forms makes forms, and numbers count as forms."""

    def __add__(self, other: Form | float) -> Form:
        return added([self, as_form(other)])

    def __sub__(self, other: Form | float) -> Form:
        return added([self, Minus(as_form(other))])

    def __rsub__(self, other: float) -> Form:
        return Numeral(other) - self

    def __radd__(self, other: float) -> Form:
        return Numeral(other) + self

    def __mul__(self, other: Form | float) -> Form:
        return multiplied([self, as_form(other)])

    def __rmul__(self, other: float) -> Form:
        return Numeral(other) * self

    def __truediv__(self, other: Form | float) -> Form:
        return Fraction(self, as_form(other))

    def __rtruediv__(self, other: float) -> Form:
        return Fraction(Numeral(other), self)

    def __pow__(self, other: Form | float) -> Form:
        return Power(self, as_form(other))

    def __neg__(self) -> Form:
        return Minus(self)


@dataclass(frozen=True)
class Symbol(Form):
    """A named value: w5, a_h1, E_total. Bold for a vector or a matrix."""

    name: Name
    bold: bool = False


@dataclass(frozen=True)
class Numeral(Form):
    value: float


@dataclass(frozen=True)
class Words(Form):
    """A few words within a formula."""

    text: str


@dataclass(frozen=True)
class Partial(Form):
    """∂of/∂to."""

    of: Form
    to: Form


@dataclass(frozen=True)
class Derived(Form):
    """∂/∂to (of), with the formula written out."""

    of: Form
    to: Form


@dataclass(frozen=True)
class Minus(Form):
    of: Form


@dataclass(frozen=True)
class Terms(Form):
    """Terms in their order; a Minus among them is subtracted."""

    terms: tuple[Form, ...]


@dataclass(frozen=True)
class Factors(Form):
    """Factors in their order, with '·' between them; '⊙' element by element; '' for matrices."""

    factors: tuple[Form, ...]
    sign: str = "·"


@dataclass(frozen=True)
class Fraction(Form):
    top: Form
    bottom: Form


@dataclass(frozen=True)
class Power(Form):
    base: Form
    exponent: Form


@dataclass(frozen=True)
class Root(Form):
    """√of."""

    of: Form


@dataclass(frozen=True)
class Transposed(Form):
    of: Form


@dataclass(frozen=True)
class Function(Form):
    """A function of something: σ, σ′, tanh, exp, ln, max …"""

    function: str
    arguments: tuple[Form, ...]


@dataclass(frozen=True)
class Bracket(Form):
    """[x > 0]: 1 where it holds, else 0."""

    relation: Comparison


@dataclass(frozen=True)
class Cases(Form):
    """Values, each with its condition."""

    rows: tuple[tuple[Form, Form], ...]


@dataclass(frozen=True)
class BigSum(Form):
    """Σ over an index, or over a few words such as 'samples'."""

    of: Form
    over: str = ""


@dataclass(frozen=True)
class Comparison(Form):
    """left = right; the sign may also be ≈, ←, > …"""

    left: Form
    sign: str
    right: Form


def as_form(value: Form | float) -> Form:
    return value if isinstance(value, Form) else Numeral(value)


def added(terms: Iterable[Form]) -> Form:
    """The sum of the terms; sums that begin with one are joined to it."""
    flat: list[Form] = []
    for term in terms:
        flat.extend(term.terms if isinstance(term, Terms) and not flat else [term])
    return flat[0] if len(flat) == 1 else Terms(tuple(flat))


def shortened(form: Form) -> Form:
    """Of a very long sum the beginning and the end."""
    if not isinstance(form, Terms) or len(form.terms) <= MOST_TERMS:
        return form
    return Terms((*form.terms[:3], Words("…"), *form.terms[-2:]))


def multiplied(factors: Iterable[Form]) -> Form:
    """The product of the factors, signs gathered in front; vectors element by element."""
    flat: list[Form] = []
    negative = False
    for factor in factors:
        inner = factor.of if isinstance(factor, Minus) else factor
        negative ^= isinstance(factor, Minus)
        flat.extend(inner.factors if isinstance(inner, Factors) and inner.sign == "·" else [inner])
    vectors = tuple(factor for factor in flat if _is_vector(factor))
    if len(vectors) > 1:
        flat = [*(factor for factor in flat if factor not in vectors), Factors(vectors, "⊙")]
    product = flat[0] if len(flat) == 1 else Factors(tuple(flat))
    return Minus(product) if negative else product


def _is_vector(form: Form) -> bool:
    return any(isinstance(piece, Symbol) and piece.bold for piece in pieces(form))


def pieces(form: Form) -> Iterator[Form]:
    """The form and all that it is put together from."""
    yield form
    for inner in vars(form).values():
        for piece in inner if isinstance(inner, tuple) else (inner,):
            if isinstance(piece, Form):
                yield from pieces(piece)


# The functions and numbers that formulas are made of.

HALF = Fraction(Numeral(1), Numeral(2))


def _function(name: str) -> Callable[[Form], Form]:
    return lambda x: Function(name, (x,))


sigmoid, exp, ln, tanh = map(_function, ("σ", "exp", "ln", "tanh"))
sinh, cosh, softmax, mean = map(_function, ("sinh", "cosh", "softmax", "mean"))
absolute, sign = map(_function, ("abs", "sgn"))


# Digits ----------------------------------------------------------------------

DIGITS = 7  # significant, of a number that had to be rounded
EXACT = 1e-14  # a number this close to its rounding was meant to be it, relatively


def sign_before(form: Form) -> str:
    """'=' before what is printed to the last digit, '≈' before what is rounded anywhere."""
    return "=" if all(map(_exact, numbers_in(form))) else "≈"


def worked_out(put_in: Form, number: float) -> list[tuple[str, Form]]:
    """The numbers put into a formula, and what they come to, each with its sign."""
    result = Numeral(number)
    steps = [result] if isinstance(put_in, Numeral) else [put_in, result]
    return [(sign_before(step), step) for step in steps]


def digits(value: float) -> str:
    """0.4, or 0.1496830 where digits are lost: then what is left keeps its zeros. No minus zero."""
    return f"{value + 0.0:{'' if _exact(value) else '#'}.{DIGITS}g}"


def _exact(value: float) -> bool:
    return abs(float(f"{value:.{DIGITS}g}") - value) <= EXACT * abs(value)


def numbers_in(form: Form) -> Iterator[float]:
    return (piece.value for piece in pieces(form) if isinstance(piece, Numeral))
