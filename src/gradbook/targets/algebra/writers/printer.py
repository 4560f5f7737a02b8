"""What writers of formulas have in common: brackets by precedence, and places to break a line."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from itertools import accumulate, pairwise
from typing import ClassVar

from gradbook.targets.algebra.notation.forms import BigSum, Factors, Form, Minus, Numeral, Terms


class Level(IntEnum):
    """How tightly a form holds together."""

    COMPARISON = 0
    SUM = 1
    MINUS = 2
    FRACTION = 3
    PRODUCT = 4
    POWER = 5
    ATOM = 6


class Printer:
    """Writes forms as text. A language's own printer has a method for each form, and its levels.

    Where a line may be broken stands a mark that says how badly it would break there: worse
    within brackets than outside, worse in a product than in a sum.
    """

    levels: ClassVar[dict[type, Level]]
    brackets: ClassVar[tuple[str, str]] = ("(", ")")
    before_sum: ClassVar[str] = " "

    def write(self, form: Form) -> str:
        method: Callable[[Form], str] = getattr(self, f"write_{type(form).__name__.lower()}")
        return method(form)

    def level(self, form: Form) -> Level:
        if isinstance(form, Numeral) and form.value < 0:
            return Level.MINUS
        return self.levels.get(type(form), Level.ATOM)

    def part(self, form: Form, least: Level) -> str:
        """The form within another, in brackets where it holds together less than it must."""
        inside = self.write(form)
        return self.bracketed(inside) if self.level(form) < least else inside

    def bracketed(self, inside: str) -> str:
        opening, closing = self.brackets
        return f"{opening}{deeper(inside)}{closing}"

    def terms(self, form: Terms, plus: str = "+", minus: str = "−") -> str:
        """a + b − c."""
        first, *others = form.terms
        said = self.part(first, Level.MINUS)
        for term in others:
            sign, inner = (minus, term.of) if isinstance(term, Minus) else (plus, term)
            said += f"{SUM_BREAK} {sign} {self.part(inner, Level.FRACTION)}"
        return said

    def factors(self, form: Factors, sign: str) -> str:
        """a·b·c; what reaches to the right may stand last, a Σ without a sign before it."""
        *others, last = form.factors
        said = f"{PRODUCT_BREAK}{sign}".join(
            self.factor(factor, form, Level.PRODUCT) for factor in others
        )
        sign = self.before_sum if isinstance(last, BigSum) else sign
        return f"{said}{PRODUCT_BREAK}{sign}{self.factor(last, form, self.last_factor(last))}"

    def factor(self, factor: Form, of: Factors, least: Level) -> str:
        """Another kind of product within a product stands in brackets."""
        other = isinstance(factor, Factors) and factor.sign != of.sign
        return self.part(factor, Level.POWER if other else least)

    def last_factor(self, last: Form) -> Level:
        return Level.FRACTION if isinstance(last, BigSum) else Level.PRODUCT


# Breaking lines --------------------------------------------------------------

FIRST_MARK, MARKS = 0xE000, 64  # of Unicode's private characters
SUM_BREAK, PRODUCT_BREAK = chr(FIRST_MARK), chr(FIRST_MARK + 1)
DEEPER = {FIRST_MARK + k: FIRST_MARK + min(k + 2, MARKS - 1) for k in range(MARKS)}
GONE = dict.fromkeys(range(FIRST_MARK, FIRST_MARK + MARKS))
EMPTY = 2  # an empty line does as much harm as a break this much deeper


def deeper(marked: str) -> str:
    """What stands within brackets breaks less readily."""
    return marked.translate(DEEPER)


def unmarked(marked: str) -> str:
    return marked.translate(GONE)


def broken(marked: str, room: float, measure: Callable[[str], float] = len) -> list[str]:
    """The lines of a formula that may be `room` wide; it breaks before '+' and '·'."""
    lines = []
    while measure(unmarked(marked)) > room:
        place = _best_break(marked, room, measure)
        if place is None:
            break
        lines.append(unmarked(marked[:place]).rstrip())
        marked = marked[place + 1 :].lstrip()
    return [*lines, unmarked(marked)]


def _best_break(marked: str, room: float, measure: Callable[[str], float]) -> int | None:
    """Where little of the line is left empty and few brackets are torn; or the first there is."""
    marks = [k for k, character in enumerate(marked) if ord(character) in GONE]
    pieces = (measure(unmarked(marked[a:b])) for a, b in pairwise([0, *marks]))
    widths = dict(zip(marks, accumulate(pieces), strict=True))
    marks = [k for k in marks if widths[k]]
    fitting = [k for k in marks if widths[k] <= room]

    def harm(k: int) -> float:
        return ord(marked[k]) - FIRST_MARK + EMPTY * (1 - widths[k] / room)

    return min(fitting or marks[:1], key=harm, default=None)
