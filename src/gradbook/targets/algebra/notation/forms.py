"""Mathematics as people write it: a small tree of forms that every writer spells in its own way.

A form says what stands there, never how: brackets, dots and digits are the writer's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields

from gradbook.graph.names import Name

MOST_TERMS = 20  # of a sum in the forward part


class Written:
    """What every form can do: arithmetic on forms makes forms, and numbers count as forms."""

    def __add__(self, other: Written | float) -> Form:
        return added([as_form(self), as_form(other)])

    def __sub__(self, other: Written | float) -> Form:
        return added([as_form(self), Minus(as_form(other))])

    def __rsub__(self, other: float) -> Form:
        return Number(other) - self

    def __radd__(self, other: float) -> Form:
        return Number(other) + self

    def __mul__(self, other: Written | float) -> Form:
        return multiplied([as_form(self), as_form(other)])

    def __rmul__(self, other: float) -> Form:
        return Number(other) * self

    def __truediv__(self, other: Written | float) -> Form:
        return Fraction(as_form(self), as_form(other))

    def __rtruediv__(self, other: float) -> Form:
        return Fraction(Number(other), as_form(self))

    def __pow__(self, other: Written | float) -> Form:
        return Power(as_form(self), as_form(other))

    def __neg__(self) -> Form:
        return Minus(as_form(self))


@dataclass(frozen=True)
class Symbol(Written):
    """A named value: w5, a_h1, E_total. Bold for a vector or a matrix."""

    name: Name
    bold: bool = False


@dataclass(frozen=True)
class Number(Written):
    value: float


@dataclass(frozen=True)
class Words(Written):
    """A few words within a formula."""

    text: str


@dataclass(frozen=True)
class Partial(Written):
    """∂of/∂to."""

    of: Form
    to: Form


@dataclass(frozen=True)
class Derived(Written):
    """∂/∂to (of), with the formula written out."""

    of: Form
    to: Form


@dataclass(frozen=True)
class Minus(Written):
    of: Form


@dataclass(frozen=True)
class Sum(Written):
    """Terms in their order; a Minus among them is subtracted."""

    terms: tuple[Form, ...]


@dataclass(frozen=True)
class Product(Written):
    """Factors in their order, with '·' between them; '⊙' element by element; '' for matrices."""

    factors: tuple[Form, ...]
    sign: str = "·"


@dataclass(frozen=True)
class Fraction(Written):
    top: Form
    bottom: Form


@dataclass(frozen=True)
class Power(Written):
    base: Form
    exponent: Form


@dataclass(frozen=True)
class Root(Written):
    """√of."""

    of: Form


@dataclass(frozen=True)
class Transposed(Written):
    of: Form


@dataclass(frozen=True)
class Call(Written):
    """A function of something: σ, σ′, tanh, exp, ln, max …"""

    function: str
    arguments: tuple[Form, ...]


@dataclass(frozen=True)
class Bracket(Written):
    """[x > 0]: 1 where it holds, else 0."""

    relation: Relation


@dataclass(frozen=True)
class Cases(Written):
    """Values, each with its condition."""

    rows: tuple[tuple[Form, Form], ...]


@dataclass(frozen=True)
class BigSum(Written):
    """Σ over an index, or over a few words such as 'samples'."""

    of: Form
    over: str = ""


@dataclass(frozen=True)
class Relation(Written):
    """left = right; the sign may also be ≈, ←, > …"""

    left: Form
    sign: str
    right: Form


Form = (
    Symbol
    | Number
    | Words
    | Partial
    | Derived
    | Minus
    | Sum
    | Product
    | Fraction
    | Power
    | Root
    | Transposed
    | Call
    | Bracket
    | Cases
    | BigSum
    | Relation
)


def as_form(value: Written | float) -> Form:
    if isinstance(value, (int, float)):
        return Number(value)
    assert isinstance(value, Form)
    return value


def added(terms: Iterable[Form]) -> Form:
    """The sum of the terms; sums that begin with one are joined to it."""
    flat: list[Form] = []
    for term in terms:
        flat.extend(term.terms if isinstance(term, Sum) and not flat else [term])
    return flat[0] if len(flat) == 1 else Sum(tuple(flat))


def shortened(form: Form) -> Form:
    """Of a very long sum the beginning and the end."""
    if not isinstance(form, Sum) or len(form.terms) <= MOST_TERMS:
        return form
    return Sum((*form.terms[:3], Words("…"), *form.terms[-2:]))


def multiplied(factors: Iterable[Form]) -> Form:
    """The product of the factors, signs gathered in front."""
    flat: list[Form] = []
    negative = False
    for factor in factors:
        inner = factor.of if isinstance(factor, Minus) else factor
        negative ^= isinstance(factor, Minus)
        if isinstance(inner, Product) and inner.sign == "·":
            flat.extend(inner.factors)
        else:
            flat.append(inner)
    product = flat[0] if len(flat) == 1 else Product(tuple(flat))
    return Minus(product) if negative else product


# The functions and numbers that formulas are made of.

HALF = Fraction(Number(1), Number(2))


def _function(name: str) -> Callable[[Form], Form]:
    return lambda x: Call(name, (x,))


sigmoid, exp, ln, tanh = map(_function, ("σ", "exp", "ln", "tanh"))
sinh, cosh, softmax, mean = map(_function, ("sinh", "cosh", "softmax", "mean"))


DIGITS = 7  # significant, of a number that had to be rounded
EXACT = 1e-14  # a number this close to its rounding was meant to be it, relatively


def sign_before(form: Form) -> str:
    """'=' before what is printed to the last digit, '≈' before what is rounded anywhere."""
    return "=" if all(map(_exact, numbers_in(form))) else "≈"


def worked_out(put_in: Form, number: float) -> list[tuple[str, Form]]:
    """The numbers put into a formula, and what they come to, each with its sign."""
    result = Number(number)
    steps = [result] if isinstance(put_in, Number) else [put_in, result]
    return [(sign_before(step), step) for step in steps]


def digits(value: float) -> str:
    """0.4, or 0.1496830 where digits are lost: then what is left keeps its zeros. No minus zero."""
    return f"{value + 0.0:{'' if _exact(value) else '#'}.{DIGITS}g}"


def _exact(value: float) -> bool:
    return abs(float(f"{value:.{DIGITS}g}") - value) <= EXACT * abs(value)


def numbers_in(form: Form) -> Iterator[float]:
    if isinstance(form, Number):
        yield form.value
    for part in fields(form):
        inner = getattr(form, part.name)
        for piece in inner if isinstance(inner, tuple) else (inner,):
            if isinstance(piece, Form):
                yield from numbers_in(piece)
