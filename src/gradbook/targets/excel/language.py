"""The language of cells: its forms and precedence, to write and to read, and how it says each op.

Excel negates before it raises, so -2^2 is 4; every infix operator associates to the left, 2^3^2
being 64. Knows formulas, and nothing of sheets, of which cell a value has, or of the library that
writes workbooks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import chain
from math import isfinite
from string import Formatter
from typing import NamedTuple, NoReturn

from gradbook.errors import GradbookError
from gradbook.graph.node import Node
from gradbook.language import tr
from gradbook.lowering import Vocabulary

LONGEST_FORMULA = 8192  # characters, in Excel

COMPARING = 2  # and joining: what binds so loosely is read as two sides
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
    """A number from zero up; a negative one is a prefix before it."""

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
    """A function and its arguments; None is one left out, as in IF(A1,,2)."""

    function: str
    arguments: tuple[Expression | None, ...]


Expression = Number | Text | Reference | Infix | Prefix | Postfix | Call


def quote(words: str) -> str:
    """Words as a formula says them."""
    return write(Text(words))


def sentence(message: str, **cells: str) -> str:
    """A formula that says a sentence, with what cells hold in the place of its {names}."""
    parts = []
    for words, name, _, _ in Formatter().parse(message):
        parts += [quote(words)] if words else []
        parts += [cells[name]] if name is not None else []
    return "&".join(parts)


def number(value: float) -> Expression:
    """The number, with a minus before it where it is negative."""
    return Prefix("-", Number(-value)) if value < 0 else Number(abs(value))


def write(expression: Expression) -> str:
    """The formula, without its =, with the parentheses that it needs.

    And with one kind more, for people: (-x)^2 and a-(-b) could do without.
    """
    return "".join(_pieces(expression))


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
            yield f"{function}("
            for place, argument in enumerate(arguments):
                yield "," if place else ""
                yield from _pieces(argument) if argument is not None else ()
            yield ")"


def _chain(expression: Infix) -> Iterator[str]:
    """a+b+c…: the left side in a loop, since a sum may be thousands of terms deep."""
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
    """A part, in parentheses where it binds less tightly than its place asks."""
    if binding(part) >= at_least and (signed or not isinstance(part, Prefix)):
        yield from _pieces(part)
    else:
        yield "("
        yield from _pieces(part)
        yield ")"


def binding(expression: Expression) -> int:
    """How tightly an expression holds together."""
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
    """A number from zero up, in full: 0.05, 2, 1E-08."""
    return repr(float(value)).removesuffix(".0").upper()


# Reading, a stranger's formulas too: precedence climbing ---------------------

DEEPEST = 100  # parts within parts; Excel nests 64 calls
TOO_DEEP = f"more than {DEEPEST} parts within parts"


class FormulaError(GradbookError):
    """A formula that can't be read; the column counts from 1."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(message)
        self.column = column

    def where(self) -> str:
        return f"character {self.column} of the formula"


_SHEET = r"(?:(?<!')'(?:[^']|'')++'|(?<![\w.\[\]])[\w.\[\]]++)!"
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
  | (?P<mark><>|<=|>=|[-+*/^&=<>%(),])
    """,
    re.VERBOSE,
)

LAMBDAS = ("LAMBDA", "_XLFN.LAMBDA")


class Token(NamedTuple):
    kind: str
    text: str
    column: int


def read(formula: str) -> Expression:
    """What a formula says, with or without its =; a FormulaError where it can't be told."""
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


def with_arguments(function: Call, given: Sequence[Expression | None]) -> Call | None:
    """What a LAMBDA comes to with these arguments, as a LET; None where their numbers differ."""
    *names, result = function.arguments or (None,)
    if len(names) != len(given):
        return None
    return Call("LET", (*chain.from_iterable(zip(names, given, strict=True)), result))


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
        """All that binds at least so tightly, from here on."""
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
            case "mark", mark if mark in PREFIX:
                return Prefix(mark, self.expression(PREFIX[mark]))
        self.at -= 1
        self.fail()

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


# How it says each op: one table of words, and a few phrases --------------------

# Ops that are one word. The audit reads formulas with the same two tables.
INFIX_OPS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "power": "^"}
CALLED_OPS = {
    "exp": "EXP",
    "log": "LN",
    "sqrt": "SQRT",
    "tanh": "TANH",
    "largest": "MAX",
    "normal_share": "NORMSDIST",
}

LARGEST_EXP = 709  # EXP of more is #NUM!

Parts = Sequence[Expression]
Refer = Callable[[Node], Reference | None]
Guarded = Collection[str]  # names of ops


def infix(operator: str, *terms: Expression) -> Expression:
    """a+b+c, added from the left."""
    return reduce(lambda left, right: Infix(operator, left, right), terms)


def call(function: str, *arguments: Expression) -> Call:
    return Call(function, arguments)


ZERO, ONE = Number(0.0), Number(1.0)


def _choose(parts: Parts, node: Node) -> Expression:
    condition, then, otherwise = parts
    return call("IF", Infix(">", condition, ZERO), then, otherwise)


def _is_largest(parts: Parts, node: Node) -> Expression:
    """A tie goes to the first."""
    (k,) = node.attributes
    assert isinstance(k, int)
    tests = [Infix(">", parts[k], part) for part in parts[:k]]
    tests += [Infix(">=", parts[k], part) for part in parts[k + 1 :]]
    return call("IF", call("AND", *tests), ONE, ZERO) if tests else ONE


def _log_sum_exp(parts: Parts, node: Node) -> Expression:
    """Measured from the largest, so that no EXP overflows."""
    most = call("MAX", *parts)
    powers = (call("EXP", Infix("-", part, most)) for part in parts)
    return infix("+", most, call("LN", infix("+", *powers)))


def _softplus(parts: Parts, node: Node) -> Expression:
    (x,) = parts
    tail = call("LN", Infix("+", ONE, call("EXP", Prefix("-", call("ABS", x)))))
    return Infix("+", call("MAX", x, ZERO), tail)


def _sigmoid(parts: Parts, node: Node) -> Expression:
    return Infix("/", ONE, Infix("+", ONE, call("EXP", Prefix("-", *parts))))


def _guarded_sigmoid(parts: Parts, node: Node) -> Expression:
    """For values so far below zero that the textbook's form overflows."""
    far = Infix("<", parts[0], number(-LARGEST_EXP))
    return call("IF", far, ZERO, _sigmoid(parts, node))


def _guarded_power(parts: Parts, node: Node) -> Expression:
    """Some sheets take a power that vanishes for an error, and a product that does for 0."""
    base, exponent = parts
    if exponent == Number(2.0):
        return Infix("*", base, base) if isinstance(base, Reference) else call("SUMSQ", base)
    if base == ZERO:
        return Infix("^", base, exponent)
    return call("EXP", Infix("*", exponent, call("LN", base)))


Phrase = Callable[[Parts, Node], Expression]


def _infix_phrase(sign: str) -> Phrase:
    return lambda parts, node: infix(sign, *parts)


def _call_phrase(word: str) -> Phrase:
    return lambda parts, node: call(word, *parts)


PHRASES: dict[str, Phrase] = {
    **{op: _infix_phrase(sign) for op, sign in INFIX_OPS.items()},
    **{op: _call_phrase(word) for op, word in CALLED_OPS.items()},
    "constant": lambda parts, node: number(node.number),
    "copy": lambda parts, node: parts[0],
    "repeat": lambda parts, node: parts[0],
    "total": _call_phrase("SUM"),
    "negate": lambda parts, node: Prefix("-", *parts),
    "relu": lambda parts, node: call("MAX", ZERO, *parts),
    "floor": _call_phrase("INT"),
    "choose": _choose,
    "is_largest": _is_largest,
    "log_sum_exp": _log_sum_exp,
    "softplus": _softplus,
    "sigmoid": _sigmoid,
}

GUARDED_PHRASES: dict[str, Phrase] = {"sigmoid": _guarded_sigmoid, "power": _guarded_power}


SAYS = Vocabulary("a sheet", frozenset({*PHRASES, "leaf"}))


@dataclass(frozen=True)
class Speller:
    """Says nodes as formulas: what has a cell is referred to, the rest is written out.

    `refer` gives a node's cell (or nothing), `block` the cells of a value of all samples.
    The ops of `guarded` are spelled so that extreme values do them no harm.
    """

    refer: Refer
    block: Callable[[Node], Reference]
    guarded: Guarded = frozenset()

    def mention(self, node: Node) -> Expression:
        """What another cell says for it: its reference, where it has one."""
        return self.refer(node) or self.formula(node)

    def formula(self, node: Node) -> Expression:
        """What the node's own cell says."""
        written: dict[Node, Expression] = {}
        waiting = [node]
        while waiting:  # no recursion: a sum may be hundreds of terms deep
            last = waiting[-1]
            cell = self.refer(last) if last is not node else None
            parts = () if cell else self._parts(last)
            missing = [part for part in parts if part not in written]
            if missing:
                waiting.extend(reversed(missing))
                continue
            written[last] = cell or self._phrase(last, [written[part] for part in parts])
            waiting.pop()
        return written[node]

    def _parts(self, node: Node) -> tuple[Node, ...]:
        """What a node's phrase is made of: its inputs, or a simpler way to say it."""
        if node.op.name == "total":
            return ()
        return SAYS.sources(node)

    def _phrase(self, node: Node, parts: Parts) -> Expression:
        if node.op.name == "total":
            parts = [self.block(node.inputs[0])]
        phrases = GUARDED_PHRASES if node.op.name in self.guarded else PHRASES
        phrase = phrases.get(node.op.name)
        return phrase(parts, node) if phrase else parts[0]


NAMES: Speller = Speller(  # says formulas in names
    lambda node: Reference(str(node.name)) if node.name is not None else None,
    lambda node: Reference(tr("{value} of all samples", value=write(NAMES.mention(node)))),
)
