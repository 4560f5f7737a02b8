"""The syntax of formulas in cells, for writing and for reading: tokens, precedence, tree.

Excel negates before it raises, so -2^2 is 4; every infix operator associates to the left, so 2^3^2
is 64.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from math import isfinite
from string import Formatter
from typing import NamedTuple, NoReturn

from gradbook.cells.formula.address import QUOTED
from gradbook.errors import GradbookError

LONGEST_FORMULA = 8192  # characters, in Excel

COMPARING = 2  # and joining: such a formula reads as two separate sides
INFIX = {
    **dict.fromkeys(("=", "<>", "<", ">", "<=", ">="), 1),
    "&": 2,
    **dict.fromkeys(("+", "-"), 3),
    **dict.fromkeys(("*", "/"), 4),
    "^": 5,
}
POSTFIX = {"%": 6}
PREFIX = {"-": 7, "+": 7}
ALONE = 8  # numbers, references, calls


@dataclass(frozen=True)
class Number:
    """A number that is at least zero; a negative one is written with a prefix."""

    value: float


@dataclass(frozen=True)
class Text:
    """Words between quotation marks."""

    value: str


@dataclass(frozen=True)
class Reference:
    """A cell, a range or a name as it is typed: E5, $E$5, Training!E5:E9, eta, TRUE, #N/A."""

    text: str


@dataclass(frozen=True)
class Infix:
    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True)
class Prefix:
    operator: str
    operand: Expression


@dataclass(frozen=True)
class Postfix:
    operator: str
    operand: Expression


@dataclass(frozen=True)
class Call:
    """A function and its arguments; None is an omitted argument, as in IF(A1,,2)."""

    function: str
    arguments: tuple[Expression | None, ...]


Expression = Number | Text | Reference | Infix | Prefix | Postfix | Call
TABLE, LINE = "{}", "{;}"  # an array constant is a call of its lines: {1,2;3,4}


def quote(words: str) -> str:
    """A text as a formula writes it."""
    return write(Text(words))


def sentence(message: str, **cells: str) -> str:
    """A formula whose result is a sentence, with the contents of cells in place of its {names}."""
    parts = []
    for words, name, _, _ in Formatter().parse(message):
        parts += [quote(words)] if words else []
        parts += [cells[name]] if name is not None else []
    return "&".join(parts)


def number(value: float) -> Expression:
    """The number, with a minus sign before it if it is negative."""
    return Prefix("-", Number(-value)) if value < 0 else Number(abs(value))


def write(expression: Expression) -> str:
    """The formula, without its =, with the parentheses that it needs.

    Some are added for readability: (-x)^2 and a-(-b) would mean the same without them.
    """
    return "".join(_pieces(expression))


def written_tokens(expression: Expression) -> list[str]:
    """The signs, cells, numbers and functions, each with its parenthesis, of a written formula."""
    return [piece for piece in _pieces(expression) if piece]


def _pieces(expression: Expression) -> Iterator[str]:
    match expression:
        case Number(value):
            yield digits(value)
        case Text(value):
            yield '"' + value.replace('"', '""') + '"'
        case Reference(text):
            yield text
        case Infix():
            yield from _chain(expression)
        case Prefix(operator, operand):
            yield operator
            yield from _within(operand, binding(expression))
        case Postfix(operator, operand):
            yield from _within(operand, binding(expression))
            yield operator
        case Call(function, arguments):
            opening, between, closing = _BRACKETS.get(function, (f"{function}(", ",", ")"))
            yield opening
            for place, argument in enumerate(arguments):
                yield between if place else ""
                yield from _pieces(argument) if argument is not None else ()
            yield closing


_BRACKETS = {TABLE: ("{", ";", "}"), LINE: ("", ",", "")}


def _chain(expression: Infix) -> Iterator[str]:
    """a+b+c…: a loop follows the left side, since a sum may be thousands of terms deep."""
    links: list[Infix] = []
    first: Expression = expression
    while isinstance(first, Infix) and (not links or binding(first) >= binding(links[-1])):
        links.append(first)
        first = first.left
    yield from _within(first, binding(links[-1]), signed=links[-1].operator != "^")
    for link in reversed(links):
        yield link.operator
        yield from _within(link.right, binding(link) + 1, signed=binding(link) <= COMPARING)


def _within(part: Expression, at_least: int, signed: bool = True) -> Iterator[str]:
    """A part, in parentheses if it binds less tightly than its place requires."""
    if binding(part) >= at_least and (signed or not isinstance(part, Prefix)):
        yield from _pieces(part)
    else:
        yield "("
        yield from _pieces(part)
        yield ")"


def binding(expression: Expression) -> int:
    """The precedence of an expression's outermost operator."""
    match expression:
        case Infix(operator):
            return INFIX[operator]
        case Prefix(operator):
            return PREFIX[operator]
        case Postfix(operator):
            return POSTFIX[operator]
        case _:
            return ALONE


def digits(value: float) -> str:
    """A number that is at least zero, in full precision: 0.05, 2, 1E-08."""
    return repr(float(value)).removesuffix(".0").upper()


# Reading, also of untrusted formulas: precedence climbing -------------------

DEEPEST = 100  # nested parts; Excel nests 64 calls
TOO_DEEP = f"more than {DEEPEST} nested parts"


class FormulaError(GradbookError):
    """A formula that can't be read; the column counts from 1."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(message)
        self.column = column

    def where(self) -> str:
        return f"character {self.column} of the formula"


_SHEET = rf"(?:(?<!'){QUOTED}|(?<![\w.\[\]])[\w.\[\]]++)!"
_CELL = r"\$?[A-Za-z]{1,3}\$?[1-9][0-9]{0,6}"
_TOKENS = re.compile(
    rf"""
    (?P<space>[ \t\r\n]+)
  | (?P<text>"(?:[^"]|"")*")
  | (?P<error>\#(?:DIV/0!|N/A|NAME\?|NULL!|NUM!|REF!|VALUE!))
  | (?P<call>[A-Za-z_][\w.]*)[ ]*\(
  | (?P<reference>
        (?:{_SHEET})?(?:{_CELL}(?::{_CELL})?(?![\w.(!])
                      |\$?[A-Za-z]{{1,3}}:\$?[A-Za-z]{{1,3}}(?![\w.(!])
                      |\$?[1-9][0-9]*:\$?[1-9][0-9]*(?![\w.(!])
                      |\#REF!)
      | (?:{_SHEET})?[^\W\d][\w.]*(?![\w.(!])
    )
  | (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[Ee][+-]?[0-9]+)?)
  | (?P<mark><>|<=|>=|[-+*/^&=<>%(),{{}};])
    """,
    re.VERBOSE,
)

LAMBDAS = ("LAMBDA", "_XLFN.LAMBDA")


class Token(NamedTuple):
    kind: str
    text: str
    column: int


def read(formula: str) -> Expression:
    """Parse a formula, with or without its =; a FormulaError if it can't be parsed."""
    if len(formula) > LONGEST_FORMULA + 1:
        raise FormulaError(f"longer than {LONGEST_FORMULA:,} characters", LONGEST_FORMULA + 1)
    return _FormulaReader(formula).whole()


def _tokens(formula: str) -> Iterator[Token]:
    at = 1 if formula.startswith("=") else 0
    while at < len(formula):
        token = _TOKENS.match(formula, at)
        if token is None or token.lastgroup is None:
            raise FormulaError(f"{formula[at]!r} has no meaning here", at + 1)
        if token.lastgroup != "space":
            yield Token(token.lastgroup, token[token.lastgroup], at + 1)
        at = token.end()
    yield Token("end", "", len(formula) + 1)


def with_arguments(function: Call, values: Sequence[Expression | None]) -> Call | None:
    """A LAMBDA applied to these arguments, as a LET; None if their numbers differ."""
    *names, result = function.arguments or (None,)
    if len(names) != len(values):
        return None
    return Call("LET", (*chain.from_iterable(zip(names, values, strict=True)), result))


class _FormulaReader:
    """Precedence climbing over the tokens."""

    def __init__(self, formula: str) -> None:
        self.tokens = list(_tokens(formula))
        self.at = 0
        self.depth = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def whole(self) -> Expression:
        formula = self.expression(0)
        if self.token.kind != "end":
            self.fail()
        return formula

    def expression(self, at_least: int) -> Expression:
        """The longest expression from here whose operators bind at least this tightly."""
        outside = self.depth
        self.deeper()
        expression = self.operand()
        while self.token.kind == "mark":
            mark = self.token.text
            if POSTFIX.get(mark, -1) >= at_least:
                self.at += 1
                self.deeper()
                expression = Postfix(mark, expression)
            elif INFIX.get(mark, -1) >= at_least:
                self.at += 1
                expression = Infix(mark, expression, self.expression(INFIX[mark] + 1))
            else:
                break
        self.depth = outside
        return expression

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise FormulaError(TOO_DEEP, self.token.column)

    def operand(self) -> Expression:
        token = self.token
        self.at += 1
        match token.kind, token.text:
            case "number", digits if isfinite(float(digits)):
                return Number(float(digits))
            case "text", quote:
                return Text(quote[1:-1].replace('""', '"'))
            case "reference" | "error", name:
                return Reference(name)
            case "call", function:
                called = Call(function.upper(), self.arguments())
                while called.function in LAMBDAS and self.take("("):
                    called = with_arguments(called, self.arguments()) or self.fail()
                return called
            case "mark", "(":
                inner = self.expression(0)
                self.expect(")")
                return inner
            case "mark", "{":
                return self.table()
            case "mark", mark if mark in PREFIX:
                return Prefix(mark, self.expression(PREFIX[mark]))
        self.at -= 1
        self.fail()

    def table(self) -> Call:
        """An array constant: numbers, texts and truths in lines of one length."""
        lines: list[list[Expression]] = [[self.constant()]]
        while not self.take("}"):
            if self.take(";"):
                lines.append([self.constant()])
            elif self.take(","):
                lines[-1].append(self.constant())
            else:
                self.expect("}")
        if len({len(line) for line in lines}) > 1:
            self.fail("the lines of this array differ in length")
        return Call(TABLE, tuple(Call(LINE, tuple(line)) for line in lines))

    def constant(self) -> Expression:
        is_fixed = self.token.kind in ("number", "text", "error") or self.token.text in PREFIX
        if not is_fixed and self.token.text.upper() not in ("TRUE", "FALSE"):
            self.fail()
        return self.expression(PREFIX["-"])

    def arguments(self) -> tuple[Expression | None, ...]:
        arguments: list[Expression | None] = []
        if not self.take(")"):
            arguments.append(self.argument())
            while self.take(","):
                arguments.append(self.argument())
            self.expect(")")
        return tuple(arguments)

    def argument(self) -> Expression | None:
        left_out = self.token.kind == "mark" and self.token.text in ",)"
        return None if left_out else self.expression(0)

    def take(self, mark: str) -> bool:
        is_next = self.token.kind == "mark" and self.token.text == mark
        self.at += is_next
        return is_next

    def expect(self, mark: str) -> None:
        if not self.take(mark):
            self.fail(f"'{mark}' is missing")

    def fail(self, message: str = "") -> NoReturn:
        here = self.token
        seen = f"'{here.text}' doesn't belong here" if here.text else "it ends too early"
        raise FormulaError(message or seen, here.column)
