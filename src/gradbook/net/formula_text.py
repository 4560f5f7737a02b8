"""A formula as people type it: its signs, what binds more tightly, and its tree.

Products may be unwritten (2x), bars are an absolute value and ² is a power. What can be read in two
ways is refused with both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isfinite
from typing import NamedTuple, NoReturn
from unicodedata import numeric

MOST_BRACKETS = 80  # inside each other

SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-", strict=True))
SHARES = "¼½¾⅐⅑⅒⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"
MARKS = str.maketrans(  # each sign by the usual one, in the same column
    {
        **dict(zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True)),
        **dict.fromkeys("×∗", "*"),
        **dict.fromkeys("\N{DOT OPERATOR}\N{BULLET}\N{BULLET OPERATOR}", "·"),
        **dict.fromkeys("−–", "-"),
        **dict.fromkeys("÷\N{DIVISION SLASH}\N{FRACTION SLASH}", "/"),
        "∑": "Σ",
        "\N{MICRO SIGN}": "μ",
        "\N{OHM SIGN}": "Ω",
    }
)
NO_NAME = f"[^\\W{SHARES}{''.join(SUPERSCRIPTS)}]"
NAME = re.compile(rf"(?!\d){NO_NAME}+")
_TOKENS = re.compile(
    rf"""
    (?P<space>\s+)
  | (?P<number>([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?)
  | (?P<share>[{SHARES}])
  | (?P<superscript>[{"".join(SUPERSCRIPTS)}]+)
  | (?P<name>π(?=[^\W\d_])|{NAME.pattern})
  | (?P<mark>\*\*|<=|>=|<>|!=|==|[-+*·/^()\[\],|√<>=≤≥≠])
    """,
    re.VERBOSE,
)
ALIKE = {"**": "^", "<=": "≤", ">=": "≥", "<>": "≠", "!=": "≠", "==": "="}
COMPARING, SUM, PRODUCT, SIGN, POWER = range(1, 6)  # how tightly operators bind
BINDING = {
    **dict.fromkeys("<>=≤≥≠", COMPARING),
    **dict.fromkeys("+-", SUM),
    **dict.fromkeys("*·/", PRODUCT),
    "^": POWER,
}
NEVER = {"if": "if(c, a, b)", "else": "if(c, a, b)", "for": "sum([a, b])", "lambda": "f(x) = x^2"}


class FormulaTextError(Exception):
    """A formula that can't be read, and the place in it."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.message, self.at = message, at


@dataclass(frozen=True)
class NumberPart:
    value: float
    at: int


@dataclass(frozen=True)
class NamePart:
    """A name of a value."""

    name: str
    at: int


@dataclass(frozen=True)
class Operation:
    sign: str
    left: Tree
    right: Tree
    at: int


@dataclass(frozen=True)
class Negation:
    of: Tree
    at: int


@dataclass(frozen=True)
class ComparedParts:
    """Two parts, or more: 0 < x < 1."""

    parts: tuple[Tree, ...]
    signs: tuple[str, ...]
    at: int


@dataclass(frozen=True)
class Called:
    function: str
    arguments: tuple[Tree, ...]
    at: int


@dataclass(frozen=True)
class Vector:
    parts: tuple[Tree, ...]
    at: int


Tree = NumberPart | NamePart | Operation | Negation | ComparedParts | Called | Vector


def parts_of(tree: Tree) -> Iterator[Tree]:
    """The tree and all its parts."""
    waiting = [tree]
    while waiting:
        part = waiting.pop()
        yield part
        match part:
            case Operation(_, left, right):
                waiting += (right, left)
            case Negation(of):
                waiting.append(of)
            case ComparedParts(parts) | Vector(parts) | Called(_, parts):
                waiting += reversed(parts)


class FormulaToken(NamedTuple):
    kind: str
    text: str
    at: int
    is_adjacent: bool  # to the one before it


def tokens(formula: str) -> Iterator[FormulaToken]:
    at, is_adjacent = 0, True
    text = formula.translate(MARKS)
    while at < len(text):
        token = _TOKENS.match(text, at)
        if token is None or token.lastgroup is None:
            start = at
            while start and (text[start - 1].isalnum() or text[start - 1] in "._"):
                start -= 1
            near = re.match(r"\w*.?[\w.]*", text[start:])
            assert near
            raise FormulaTextError(f"{near.group()[:20]!r} isn't allowed in a formula", start)
        if token.lastgroup != "space":
            words = token[token.lastgroup]
            yield FormulaToken(token.lastgroup, ALIKE.get(words, words), at, is_adjacent)
        at, is_adjacent = token.end(), token.lastgroup != "space"
    yield FormulaToken("end", "", len(text), False)


def read_formulas(text: str, is_function: Callable[[str], bool]) -> list[Tree]:
    """The formulas of a line, between which there are commas."""
    reader = _TextReader(text, is_function)
    formulas = reader.several()
    if reader.token.kind != "end":
        reader.fail()
    return formulas


class _TextReader:
    """Precedence climbing over the tokens."""

    def __init__(self, text: str, is_function: Callable[[str], bool]) -> None:
        self.text = text
        self.tokens = list(tokens(text))
        self.is_function = is_function  # whether a word can be applied without parentheses
        self.at = 0
        self.brackets = 0
        self.open_bars = 0

    @property
    def token(self) -> FormulaToken:
        return self.tokens[self.at]

    def several(self) -> list[Tree]:
        formulas = [self.expression()]
        while self.take(","):
            formulas.append(self.expression())
        return formulas

    def expression(self, at_least: int = COMPARING) -> Tree:
        """The longest expression from here whose operators bind at least this tightly."""
        left = self.operand()
        while True:
            token = self.token
            binding = BINDING.get(token.text, 0) if token.kind == "mark" else 0
            if token.kind == "superscript":
                left = self.raised(left, token)
            elif binding >= at_least and binding == COMPARING:
                left = self.comparison(left)
            elif binding >= at_least:
                self.at += 1
                right = self.expression(binding + (binding < POWER))
                left = Operation(token.text, left, right, token.at)
                self.refuse_two_readings(left)
            elif at_least <= PRODUCT and self.begins_operand(left):
                left = Operation("*", left, self.expression(SIGN), token.at)
            else:
                return left

    def raised(self, base: Tree, token: FormulaToken) -> Operation:
        self.at += 1
        digits = "".join(SUPERSCRIPTS[sign] for sign in token.text)
        if not re.fullmatch("-?[0-9]+", digits):
            self.fail()
        power: Tree = NumberPart(float(digits.removeprefix("-")), token.at)
        power = Negation(power, token.at) if digits.startswith("-") else power
        return Operation("^", base, power, token.at)

    def comparison(self, first: Tree) -> Tree:
        at, parts, signs = self.token.at, [first], list[str]()
        while BINDING.get(self.token.text) == COMPARING:
            signs.append(self.token.text)
            self.at += 1
            parts.append(self.expression(SUM))
        return ComparedParts(tuple(parts), tuple(signs), at)

    def refuse_two_readings(self, read: Operation) -> None:
        """Refuse 1/2x and e^2x, which can be read in two ways."""
        token, last = self.token, self.tokens[self.at - 1]
        is_unclear = read.sign == "/" or (
            read.sign == "^" and token.is_adjacent and token.text != "(" and last.kind != "mark"
        )
        if is_unclear and self.begins_operand(read.right):
            left, right = (self.source(part) for part in (read.left, read.right))
            more = "(…)" if token.text == "(" else token.text
            self.fail(
                f"{left}{read.sign}{right}{more} can be read in two ways: write "
                f"{left}{read.sign}({right}*{more}) or ({left}{read.sign}{right})*{more}"
            )

    def source(self, tree: Tree) -> str:
        """A part as it is typed, if it is a single word."""
        match tree:
            case NamePart(name):
                return name
            case NumberPart(value):
                return repr(value).removesuffix(".0")
        return "…"

    def begins_operand(self, before: Tree) -> bool:
        """Whether a factor follows without a sign."""
        token = self.token
        if token.text == "|":
            return not self.open_bars
        if token.kind in ("number", "share"):
            is_number = isinstance(before, NumberPart)
            self.fail(
                "two numbers without a sign between them"
                if is_number
                else f"{token.text!r} follows without a sign: write *{token.text} or ^{token.text}"
            )
        return token.kind == "name" or token.text in ("(", "√", "[")

    def operand(self) -> Tree:
        token = self.token
        self.at += 1
        match token.kind, token.text:
            case "number" | "share", word:
                value = numeric(word) if token.kind == "share" else float(word)
                if not isfinite(value):
                    raise FormulaTextError("a number is too large: use less than 1e308", token.at)
                return NumberPart(value, token.at)
            case "name", word:
                return self.word(word, token.at)
            case "mark", "(":
                self.at -= 1
                return self.single(self.bracketed(), token)
            case "mark", "[":
                parts = self.within(self.several, "]")
                return Vector(tuple(parts), token.at) if len(parts) > 1 else parts[0]
            case "mark", "√":
                return Called("sqrt", (self.under_the_root(),), token.at)
            case "mark", "|":
                return self.absolute(token)
            case "mark", "-":
                return Negation(self.expression(SIGN), token.at)
            case "mark", "+":
                return self.expression(SIGN)
        self.at -= 1
        self.fail()

    def word(self, word: str, at: int) -> Tree:
        """A name, or a function of what follows."""
        is_function = self.is_function(word)
        if self.token.text == "(" and (self.token.is_adjacent or is_function):
            return Called(word, self.bracketed(), at)
        if word in NEVER:
            message = f"{word!r} isn't allowed in a formula here: write {NEVER[word]}"
            raise FormulaTextError(message, at)
        return self.applied(word, at) if is_function else NamePart(word, at)

    def within(self, read: Callable[[], list[Tree]], closing: str) -> list[Tree]:
        """What stands in brackets, in which bars are counted anew."""
        self.brackets += 1
        if self.brackets > MOST_BRACKETS:
            self.fail(f"this formula can't be read: more than {MOST_BRACKETS} nested brackets")
        outside, self.open_bars = self.open_bars, 0
        parts = read()
        if not self.take(closing):
            self.fail(f"this formula can't be read: {closing!r} is missing" * (not self.token.text))
        self.open_bars, self.brackets = outside, self.brackets - 1
        return parts

    def bracketed(self) -> tuple[Tree, ...]:
        self.take("(")
        if self.take(")"):
            return ()
        return tuple(self.within(self.several, ")"))

    def single(self, parts: tuple[Tree, ...], token: FormulaToken) -> Tree:
        if len(parts) != 1:
            raise FormulaTextError("a vector is written in brackets: [1, 2]", token.at)
        return parts[0]

    def under_the_root(self) -> Tree:
        under = self.operand()
        if self.token.text == "^" or self.token.kind == "superscript":
            self.fail("a power after a root can be read in two ways: write √(x^2) or (√x)^2")
        return under

    def absolute(self, token: FormulaToken) -> Tree:
        self.open_bars += 1
        inside = self.expression()
        if not self.take("|"):
            self.fail("this formula can't be read: the second | is missing" * (not self.token.text))
        self.open_bars -= 1
        rest = self.tokens[self.at :]
        if rest[0].kind in ("name", "number", "share") and any(later.text == "|" for later in rest):
            self.fail("these bars can be read in two ways: write abs(…)")
        return Called("abs", (inside,), token.at)

    def applied(self, word: str, at: int) -> Tree:
        """A function without parentheses, or raised before its argument: sin x, cos²(x)."""
        powers = []
        if self.token.text == "^" or self.token.kind == "superscript":
            powers.append(self.early_power(NumberPart(1.0, at)))
            if isinstance(powers[0].right, Negation):
                self.fail(f"{word}^-1 can be read in two ways: write a{word}(x) or 1/{word}(x)")
        if self.token.text == "(":
            arguments = self.bracketed()
        elif self.token.kind in ("name", "number", "share") or self.token.text in ("√", "|"):
            arguments = (self.argument(),)
        else:
            raise FormulaTextError(f"{word!r} is a function: write {word}(x)", at)
        called: Tree = Called(word, arguments, at)
        return Operation("^", called, powers[0].right, powers[0].at) if powers else called

    def early_power(self, base: Tree) -> Operation:
        """The power of a function that is raised before its argument."""
        token = self.token
        if token.kind == "superscript":
            return self.raised(base, token)
        self.at += 1
        return Operation("^", base, self.operand(), token.at)

    def argument(self) -> Tree:
        """The 2πx of sin 2πx; what follows after a space doesn't belong to it."""
        left = self.expression(SIGN)
        while (
            self.token.is_adjacent
            and self.token.kind == "name"
            and not self.is_function(self.token.text)
        ):
            at = self.token.at
            left = Operation("*", left, self.expression(SIGN), at)
        if self.token.kind == "name" and not self.is_function(self.token.text):
            self.fail("where this argument ends can be read in two ways: put it in parentheses")
        return left

    def take(self, mark: str) -> bool:
        is_next = self.token.kind == "mark" and self.token.text == mark
        self.at += is_next
        return is_next

    def fail(self, message: str = "") -> NoReturn:
        here = self.token
        near = self.text[here.at :].strip()[:20]
        seen = (
            f"this formula can't be read at {near!r}"
            if near
            else "this formula can't be read: it ends too early"
        )
        raise FormulaTextError(message or seen, here.at)
