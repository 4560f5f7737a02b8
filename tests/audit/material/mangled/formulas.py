"""Formulas mangled as nobody would type them: tokens swapped, calls with too many arguments."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

Mangle = Callable[[str, random.Random], str]

TOKEN = re.compile(r'"[^"]*"|[A-Za-z_$][\w.$]*|\d+\.?\d*(?:[eE][+-]?\d+)?|<=|>=|<>|\s+|.', re.S)
FUNCTIONS = (
    *("ABS", "AND", "AVERAGE", "CHOOSE", "COUNT", "COUNTIF", "EXP", "IF", "IFERROR", "INDEX"),
    *("INDIRECT", "LAMBDA", "LET", "LN", "LOG", "MATCH", "MAX", "MIN", "MMULT", "MOD", "NOT"),
    *("OFFSET", "OR", "PI", "POWER", "PRODUCT", "RAND", "ROUND", "ROW", "COLUMN", "SIGN", "SQRT"),
    *("SUM", "SUMIF", "SUMPRODUCT", "SUMSQ", "SUMXMY2", "TANH", "TRANSPOSE", "VLOOKUP", "XOR"),
    *("SEQUENCE", "MUNIT", "MINVERSE", "MAKEARRAY", "REDUCE", "_xlfn.LET", "_xlfn._xlws.SORT"),
)
ARGUMENTS = (
    *("", "1", "-1", "0", "A1", "$A$1:$C$9", "A:A", "1:1", "A1:XFD1048576", "x", '"text"', "TRUE"),
    *("1E308", "1E-320", "9^9^9", "#N/A", "#REF!", "{1,2;3,4}", "{1,2;3}", "A1:B2:C3", "(A1,B2)"),
    *("[1]Sheet1!A1", "'C:\\x\\[y.xlsx]S'!$A$1", "Nowhere!A1", "XFD1048576", "XFE1", "A1048577"),
    *("A0", "Sheet1:Sheet3!A1", "Table1[[#This Row],[w]]", "A1#", "@A1", "1%%", "A1 B2", "--A1"),
    *("B5:K9", "$B$6:B6", "1/0", "99999999999999999999", "0.1", "1e", "..", "R1C1", "_", "\\x"),
)
OPERATORS = ("+", "-", "*", "/", "^", "&", "=", "<>", "<", ">=", "%", ":", ",", ";", "!", "(", ")")


def call(draw: random.Random) -> str:
    """Some function of some number of arguments, which may be none."""
    return (
        f"{draw.choice(FUNCTIONS)}({','.join(_argument(draw) for _ in range(draw.randrange(6)))})"
    )


def _argument(draw: random.Random) -> str:
    return call(draw) if draw.random() < 0.15 else draw.choice(ARGUMENTS)


def tokens(text: str) -> list[str]:
    return TOKEN.findall(text)


def _swapped(text: str, draw: random.Random) -> str:
    said = tokens(text)
    a, b = draw.randrange(len(said)), draw.randrange(len(said))
    said[a], said[b] = said[b], said[a]
    return "".join(said)


def _dropped(text: str, draw: random.Random) -> str:
    said = tokens(text)
    del said[draw.randrange(len(said))]
    return "".join(said)


def _put(draw_one: Callable[[random.Random], str], instead: int) -> Mangle:
    """Something in the place of so many tokens."""

    def mangle(text: str, draw: random.Random) -> str:
        said = tokens(text)
        place = draw.randrange(len(said) + 1)
        said[place : place + instead] = [draw_one(draw)]
        return "".join(said)

    return mangle


def _nested(text: str, draw: random.Random) -> str:
    deep = int(10 ** draw.uniform(0, 3.5))
    before, after = draw.choice(
        [("(", ")"), ("-", ""), ("ABS(", ")"), ("IF(A1,", ",0)"), ("1+", ""), ("LET(x,", ",x)"),
         ("EXP(", ")"), ("SUM(", ",1)"), ("", "^2"), ("", "%"), ("2*(", "+A1)"), ("{", "}")]
    )  # fmt: skip
    return before * deep + text + after * deep


def _long(text: str, draw: random.Random) -> str:
    joint = draw.choice("+*-/^,&")
    return joint.join(
        [text] * min(int(10 ** draw.uniform(0, draw.choice([1, 1, 1, 3]))), 12_000 // len(text) + 1)
    )


def _wider(text: str, draw: random.Random) -> str:
    """A number in it becomes a huge or an odd one, often a row."""
    odd = ("0", "1", "2", "1048576", "1048577", "99999999", "4294967296", "1e400", "00007", "-1")
    numbers = list(re.finditer(r"\d+", text))
    if not numbers:
        return text
    found = draw.choice(numbers)
    return text[: found.start()] + draw.choice(odd) + text[found.end() :]


def _other_row(text: str, draw: random.Random) -> str:
    """A reference a little elsewhere: circles, rows that are yet to come, blank cells."""

    def move(found: re.Match[str]) -> str:
        if draw.random() < 0.5:
            return found[0]
        return found[1] + str(max(1, int(found[2]) + draw.randint(-3, 3)))

    return re.sub(r"(\$?[A-Z]{1,3}\$?)(\d{1,9})", move, text)


def _fixed(text: str, draw: random.Random) -> str:
    kind = draw.choice(["${}${}", "{}${}", "${}{}"])
    return re.sub(r"\$?([A-Z]{1,3})\$?(\d+)", lambda f: kind.format(f[1], f[2]), text)


MANGLES: tuple[Mangle, ...] = (
    _swapped,
    _dropped,
    _put(lambda draw: draw.choice(OPERATORS), 0),
    _put(lambda draw: draw.choice(OPERATORS), 1),
    _put(call, 0),
    _put(call, 1),
    _put(call, 1),
    _put(_argument, 1),
    _put(_argument, 1),
    _put(lambda draw: draw.choice(FUNCTIONS), 1),
    lambda text, draw: call(draw),
    lambda text, draw: f"{draw.choice(FUNCTIONS)}({text})",
    lambda text, draw: f"{text}{draw.choice(OPERATORS)}{call(draw)}",
    lambda text, draw: draw.choice(ARGUMENTS),
    _nested,
    _long,
    _wider,
    _other_row,
    _other_row,
    _fixed,
)


def mangled_formula(text: str, draw: random.Random) -> str:
    for _ in range(draw.choice([1, 1, 1, 2, 3])):
        text = draw.choice(MANGLES)(text, draw) or "A1"
    return text
