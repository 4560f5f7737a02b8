"""A derivation as a structure without a format: formulas, and the document that contains them.

A form has the content of a formula; brackets and dots are added by each writer. The number of
digits, and whether they are exact (= or ≈), is the same in every format.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from string import Formatter

from gradbook.graph.names import Name
from gradbook.graph.node import Node
from gradbook.language import numeral, tr
from gradbook.net.derivation import Local

# Mathematics -----------------------------------------------------------------

MOST_TERMS = 20  # of a sum in the forward part


class Form:
    """A formula or a part of one. Arithmetic on forms yields forms, and numbers count as forms."""

    def __add__(self, other: Form | float) -> Form:
        return add_up([self, as_form(other)])

    def __sub__(self, other: Form | float) -> Form:
        return add_up([self, Minus(as_form(other))])

    def __rsub__(self, other: float) -> Form:
        return Numeral(other) - self

    def __radd__(self, other: float) -> Form:
        return Numeral(other) + self

    def __mul__(self, other: Form | float) -> Form:
        return multiply([self, as_form(other)])

    def __rmul__(self, other: float) -> Form:
        return Numeral(other) * self

    def __truediv__(self, other: Form | float) -> Form:
        return Fraction(self, as_form(other))

    def __rtruediv__(self, other: float) -> Form:
        return Fraction(Numeral(other), self)

    def __pow__(self, other: Form | float) -> Form:
        return Power(self, as_form(other))

    def __neg__(self) -> Form:
        return self.of if isinstance(self, Minus) else Minus(self)


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
    """A sum of terms in this order; a Minus among them is subtracted."""

    terms: tuple[Form, ...]


@dataclass(frozen=True)
class Factors(Form):
    """A product in this order, written with '·'; '⊙' is element by element, '' is for matrices."""

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
    """[x > 0]: 1 if the relation is true, else 0."""

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


def add_up(terms: Iterable[Form]) -> Form:
    """The sum of the terms; if the first is itself a sum, its terms are joined to it."""
    flat: list[Form] = []
    for term in terms:
        flat.extend(term.terms if isinstance(term, Terms) and not flat else [term])
    return flat[0] if len(flat) == 1 else Terms(tuple(flat))


def signed(term: Form) -> Form:
    """A negative number as the Minus of a positive one, so that a sum subtracts it."""
    if isinstance(term, Numeral) and term.value < 0:
        return Minus(Numeral(-term.value))
    return term


def shorten(form: Form) -> Form:
    """Keep only the beginning and the end of a very long sum."""
    if not isinstance(form, Terms) or len(form.terms) <= MOST_TERMS:
        return form
    return Terms((*form.terms[:3], Words("…"), *form.terms[-2:]))


def multiply(factors: Iterable[Form]) -> Form:
    """The product of the factors, with one sign in front; vectors multiply element by element."""
    flat: list[Form] = []
    negative = False
    for factor in factors:
        inner = factor.of if isinstance(factor, Minus) else factor
        negative ^= isinstance(factor, Minus)
        flat.extend(inner.factors if isinstance(inner, Factors) and inner.sign == "·" else [inner])
    vectors = tuple(
        factor
        for factor in flat
        if any(isinstance(piece, Symbol) and piece.bold for piece in pieces(factor))
    )
    if len(vectors) > 1:
        flat = [*(factor for factor in flat if factor not in vectors), Factors(vectors, "⊙")]
    product = flat[0] if len(flat) == 1 else Factors(tuple(flat))
    return Minus(product) if negative else product


def pieces(form: Form) -> Iterator[Form]:
    """The form and all its parts."""
    yield form
    waiting = list(vars(form).values())
    while waiting:
        inner = waiting.pop(0)
        if isinstance(inner, Form):
            yield from pieces(inner)
        elif isinstance(inner, tuple):
            waiting[:0] = inner


# Common functions and numbers.

HALF = Fraction(Numeral(1), Numeral(2))
FIXED_SPACE = "\u00a0"  # a space at which lines aren't broken


def _function(name: str) -> Callable[[Form], Form]:
    return lambda x: Function(name, (x,))


sigmoid, exp, ln, tanh = map(_function, ("σ", "exp", "ln", "tanh"))
sinh, cosh, softmax, mean = map(_function, ("sinh", "cosh", "softmax", "mean"))
absolute, sign = map(_function, ("abs", "sgn"))


# Digits ----------------------------------------------------------------------

DIGITS = 7  # significant digits of a rounded number
EXACT = 1e-14  # relative: a number this close to its rounding counts as exact


def sign_before(form: Form) -> str:
    """'=' before exact numbers, '≈' if any of them is rounded."""
    return "=" if all(map(_exact, numbers_in(form))) else "≈"


def worked_out(put_in: Form, number: float) -> list[tuple[str, Form]]:
    """A formula with its numbers, and the result, each with its sign."""
    result = Numeral(number)
    steps = [result] if isinstance(put_in, Numeral) else [put_in, result]
    return [(sign_before(step), step) for step in steps]


def digits(value: float) -> str:
    """0.4, or 0.1496830 if rounded: then trailing zeros are kept. There is no minus zero."""
    return f"{value + 0.0:{'' if _exact(value) else '#'}.{DIGITS}g}"


def _exact(value: float) -> bool:
    return abs(float(f"{value:.{DIGITS}g}") - value) <= EXACT * abs(value)


def numbers_in(form: Form) -> Iterator[float]:
    return (piece.value for piece in pieces(form) if isinstance(piece, Numeral))


# Documents -------------------------------------------------------------------


@dataclass(frozen=True)
class EquationNumber:
    """A reference to an equation, such as '(7)'."""

    number: int


@dataclass(frozen=True)
class Code:
    """A command to type."""

    text: str


Inline = str | Form | EquationNumber | Code


@dataclass(frozen=True)
class Heading:
    """Level 1 is a section of the document, level 2 a subsection."""

    text: tuple[Inline, ...]
    level: int = 1


@dataclass(frozen=True)
class Paragraph:
    """Sentences. An aside explains a reason and may be skipped."""

    text: tuple[Inline, ...]
    aside: bool = False


@dataclass(frozen=True)
class EquationLine:
    """One line of an equation; without a left side, it continues the line before."""

    left: Form | None
    sign: str
    right: Form


@dataclass(frozen=True)
class Equation:
    """Lines aligned at their signs, under one number."""

    lines: tuple[EquationLine, ...]
    number: int | None = None


Cell = tuple[Inline, ...]


@dataclass(frozen=True)
class TableBlock:
    """Cells in columns with headings; numbers are aligned right, words left."""

    head: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]

    @property
    def columns(self) -> list[tuple[Cell, ...]]:
        return list(zip(*self.rows, strict=True))

    @property
    def numeric(self) -> list[bool]:
        """Whether each column contains only numbers."""
        return [
            all(len(cell) == 1 and isinstance(cell[0], Numeral) for cell in column)
            for column in self.columns
        ]


Block = Heading | Paragraph | Equation | TableBlock


@dataclass(frozen=True)
class Document:
    title: str
    blocks: tuple[Block, ...]


# Writing a document ----------------------------------------------------------


@dataclass
class Story:
    """The blocks so far, and the equation numbers of the facts in them."""

    title: str
    blocks: list[Block] = field(default_factory=list)
    numbers: dict[Local | Node, int] = field(default_factory=dict)
    explained: set[Sequence[Inline]] = field(default_factory=set)
    count: int = 0

    def document(self) -> Document:
        return Document(self.title, tuple(self.blocks))

    def heading(self, message: str, level: int = 1, **parts: Inline | Sequence[Inline]) -> None:
        self.blocks.append(Heading(fill(message, **parts), level))

    def say(self, message: str, **parts: Inline | Sequence[Inline]) -> None:
        """Add a paragraph: a message in the reader's language, with its parts."""
        self.blocks.append(Paragraph(fill(message, **parts)))

    def explain(self, message: str, **parts: Inline | Sequence[Inline]) -> None:
        """Add an aside, unless it was already added."""
        self.aside(fill(message, **parts))

    def aside(self, text: tuple[Inline, ...]) -> None:
        if text and text not in self.explained:
            self.explained.add(text)
            self.blocks.append(Paragraph(text, aside=True))

    def equation(
        self, left: Form, *rights: tuple[str, Form], of: Local | Node | None = None
    ) -> None:
        """Add a numbered equation: left = this = that."""
        lines = [
            EquationLine(None if k else left, sign, right)
            for k, (sign, right) in enumerate(rights)
            if not k or right != rights[k - 1][1]  # not the same form twice in a row
        ]
        self.count += 1
        self.blocks.append(Equation(tuple(lines), self.count))
        if of is not None:
            self.numbers[of] = self.count

    def lines(self, lines: Sequence[EquationLine]) -> None:
        """Add equations below each other, without a number."""
        self.blocks.append(Equation(tuple(lines)))

    def table(self, head: Sequence[Cell], rows: Iterable[Sequence[Cell]]) -> None:
        self.blocks.append(TableBlock(tuple(head), tuple(tuple(row) for row in rows)))

    def reference(self, fact: Local | Node) -> EquationNumber:
        return EquationNumber(self.numbers[fact])


def fill(message: str, **parts: Inline | Sequence[Inline]) -> tuple[Inline, ...]:
    """The message, with each {name} replaced by its part."""
    text: list[Inline] = []
    for words, name, _, _ in Formatter().parse(message):
        text += [words] * bool(words)
        if name is not None:
            part = parts[name]
            text += [part] if isinstance(part, str | Form | EquationNumber | Code) else part
    return tuple(text)


def list_forms(things: Sequence[Form], most: int = 4) -> tuple[Inline, ...]:
    """a, b and c; of many, only the first and the last: a … z."""
    if len(things) > most:
        return (things[0], " … ", things[-1])
    has_comma = numeral(".") == "," and any(
        number % 1 for thing in things for number in numbers_in(thing)
    )
    text: list[Inline] = []
    for thing in things[:-1]:
        text += ["; " if has_comma else tr(", ")] * bool(text) + [thing]
    return fill(tr("{others} and {last}"), others=text, last=things[-1]) if text else tuple(things)
