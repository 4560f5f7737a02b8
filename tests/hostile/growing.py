"""Small books that grow when they are computed: texts that double, arrays, shared parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random

from tests.hostile.cases import Case, Words

Cells = Mapping[str, str | float]
LONG = 'REPT("x",32000)'


def chain(formula: str, start: str | float, rows: int) -> Cells:
    """A column in which {a} is the cell above, {first} the first and {row} the number."""
    below = {f"A{k}": formula.format(a=f"A{k - 1}", first="A1", row=k) for k in range(2, rows + 1)}
    return {"A1": start, **below}


def column(formula: str, rows: int, beside: Cells | None = None) -> Cells:
    return {**(beside or {}), **{f"B{k}": formula.format(k=k) for k in range(1, rows + 1)}}


def numbers(rows: int) -> Cells:
    return {f"A{k}": k % 7 + 0.5 for k in range(1, rows + 1)}


def nested(function: str, times: int) -> str:
    """f(f(f(A1))), with {x} for the inside."""
    inside = "A1"
    for _ in range(times):
        inside = function.format(x=inside)
    return f"={inside}"


def names_of_texts(count: int) -> str:
    """A LET in which each name is the one before it twice."""
    pairs = ",".join(f"t{k}_,t{k - 1}_&t{k - 1}_" for k in range(1, count))
    return f"=LET(t0_,A1,{pairs},t{count - 1}_)"


BOOKS: Mapping[str, Callable[[], Cells]] = {
    "text joined to itself": lambda: chain("={a}&{a}", "x", 60),
    "text joined to itself by CONCATENATE": lambda: chain("=CONCATENATE({a},{a},{a})", "x", 60),
    "text joined by CONCAT": lambda: chain("=CONCAT({first}:{a},{first}:{a})", "x", 60),
    "text joined by TEXTJOIN": lambda: chain("=TEXTJOIN({a},FALSE,{first}:{a})", "x", 60),
    "text in place of each letter": lambda: chain('=SUBSTITUTE({a},"x",{a})', "xx", 30),
    "the second letter replaced": lambda: chain('=SUBSTITUTE({a},"x",{a},2)', "xx", 60),
    "text replaced by REPLACE": lambda: chain("=REPLACE({a},1,1,{a}&{a})", "xx", 60),
    "letters that grow": lambda: chain("=UPPER(LOWER({a}))&{a}", "ßﬃİ", 60),
    "long texts": lambda: column(f"={LONG}&ROW()", 20_000),
    "long texts compared": lambda: {
        **column(f"={LONG}&ROW()", 3_000),
        "C1": '=MATCH("y",B1:B3000,0)',
        "C2": "=COUNTIF(B1:B3000,B3000)",
    },
    "an array of long texts": lambda: {**numbers(20_000), "B1": f"=SUM(LEN(A1:A20000&{LONG}))"},
    "arrays of long texts": lambda: column(f"=SUM(LEN(A$1:A$400&{LONG}&{{k}}))", 400, numbers(400)),
    "texts joined by REDUCE": lambda: {"A1": "x", "B1": "=REDUCE(A1,ROW(1:60),LAMBDA(a,b,a&a))"},
    "texts joined by SCAN": lambda: {
        "A1": "x",
        "B1": f"=SUM(LEN(SCAN({LONG},ROW(1:20000),LAMBDA(a,b,b&{LONG}))))",
    },
    "texts joined by LET": lambda: {"A1": "x", "B1": names_of_texts(60)},
    "text as many digits": lambda: chain('=TEXT(1/3,"0."&REPT("0",{row}*500))&{a}', "x", 60),
    "text as a number": lambda: {
        **chain("={a}&{a}", "9", 16),
        "B1": "=VALUE(A15)+A15*1+BIN2DEC(A15)+DEC2HEX(A15)",
    },
    "every row": lambda: {
        "A1": "=SUM(ROW(1:1048576))",
        "A2": "=SUMPRODUCT(ROW(1:1048576)*COLUMN(A:XFD))",
    },
    "rows that are columns": lambda: {
        **numbers(3),
        "B1": "=SUMPRODUCT(MMULT(A:A,TRANSPOSE(A:A)))",
        "B2": "=SUM(A1:A5000*TRANSPOSE(A1:A5000))",
    },
    "a large unit matrix": lambda: {
        "A1": "=SUM(MUNIT(10000))",
        "A2": "=SUM(MUNIT(200))",
        "A3": "=MDETERM(MUNIT(200))",
        "A4": "=SUM(MINVERSE(MUNIT(40)))",
    },
    "products of unit matrices": lambda: column("=SUM(MMULT(MUNIT(36),MUNIT(36)))", 400),
    "inverse matrices": lambda: column("=SUM(MINVERSE(MUNIT(40)+$A$1))", 200, {"A1": 0.5}),
    "a large sequence": lambda: {
        "A1": "=SUM(SEQUENCE(1048576,16384))",
        "A2": "=SUM(SEQUENCE(50000))",
        "A3": "=SUM(RANDARRAY(1048576,10))",
    },
    "arrays of sums": lambda: {
        **numbers(10_000),
        "B1": "=SUM(MAKEARRAY(200,200,LAMBDA(r,c,SUM(A1:A10000)+r*c)))",
    },
    "arrays of arrays": lambda: {
        "A1": 1,
        "B1": "=SUM(MAKEARRAY(200,200,LAMBDA(r,c,SUM(MAKEARRAY(200,200,LAMBDA(p,q,p*q+A1))))))",
    },
    "an indirect reference": lambda: {
        **numbers(9),
        "B1": '=SUM(INDIRECT("A1:A"&1000000))',
        "B2": "=SUM(OFFSET(A1,0,0,1048576,16384))",
    },
    "factorials": lambda: {
        **chain("=FACT({a}+1)", 3, 30),
        "B1": "=FACT(170)*COMBIN(1000,500)",
        "B2": "=FACT(1E9)",
        "B3": "=COMBIN(1E9,5E8)",
    },
    "powers of powers": lambda: {
        **chain("={a}^{a}", 3, 60),
        "B1": "=10^10^10^10",
        "B2": "=BITLSHIFT(1,1E9)",
    },
    "squares": lambda: chain("={a}*{a}", 1.01, 1000),
    "sums with themselves": lambda: chain("={a}+{a}", 1.01, 1000),
    "the larger of equals": lambda: chain("=MAX({a},{a})", 1.01, 1000),
    "conditions": lambda: chain("=IF({a}>0,{a}*{a},{a}+{a})", 0.99, 1000),
    "quotients": lambda: chain("={a}/(1+{a}^2)+SIN({a})*{a}", 0.99, 300),
    "sums of all above": lambda: chain("=SUM({first}:{a})", 1.01, 600),
    "products of all above": lambda: chain("=SUMPRODUCT({first}:{a},{first}:{a})/{row}", 0.5, 400),
    "a function in itself": lambda: {
        "A1": 0.3,
        "B1": nested("IF({x}>0,{x},-{x})", 8),
        "B2": nested("TANH({x})", 60),
        "B3": nested("({x})", 500),
    },
    "a function of itself in many rows": lambda: chain(
        "=IF(IF({a}>0,{a},-{a})>0,IF({a}>0,{a},-{a}),{a})", 0.3, 300
    ),
    "a long sum": lambda: {
        **numbers(1000),
        "B1": "=" + "+".join(f"A{k}*A{k + 1}" for k in range(1, 700)),
    },
    "running sums": lambda: column("=SUM(A$1:A{k})", 5_000, numbers(5_000)),
    "counts by conditions": lambda: column(
        "=SUMIFS(A$1:A$4000,A$1:A$4000,A{k})+COUNTIF(A$1:A$4000,A{k})", 4_000, numbers(4_000)
    ),
    "lookups": lambda: column(
        "=VLOOKUP(A{k},A$1:A$4000,1,FALSE)+MATCH(A{k},A$1:A$4000)", 4_000, numbers(4_000)
    ),
    "wildcards": lambda: {
        **chain("={a}&{a}", "a", 15),
        "B1": '=SEARCH("' + "*a" * 30 + '*b",A14)',
        "B2": '=COUNTIF(A1:A14,"' + "*a" * 30 + '*b")',
        "B3": '=MATCH("' + "?*" * 30 + 'b",A1:A14,0)',
    },
    "a circle": lambda: {f"A{k}": f"=A{k % 3000 + 1}+1" for k in range(1, 3001)},
    "everything of everything": lambda: {f"A{k}": f"=SUM(A$1:A$2000)-A{k}" for k in range(1, 2001)},
    "cash flows": lambda: {
        **numbers(5_000),
        "B1": "=IRR(A1:A5000)",
        "B2": "=XIRR(A1:A5000,A1:A5000)",
        "B3": "=NPV(0.1,A1:A5000)",
        "B4": "=RATE(1E9,-1,5)",
    },
    "workdays": lambda: column("=WORKDAY({k},39000)+NETWORKDAYS(1,39000)", 200),
    "sorted": lambda: column(
        "=SUM(SORT(A$1:A$4000))+LARGE(A$1:A$4000,{k})+MEDIAN(A$1:A$4000)", 300, numbers(4_000)
    ),
    "regressions": lambda: column(
        "=INDEX(LINEST(A$1:A$2000,ROW(A$1:A$2000)^{{1,2,3,4,5}}),{k})", 60, numbers(2_000)
    ),
    "whole sheets": lambda: {
        "A1": 1,
        "B1": "=SUM(Other!1:1048576)",
        "B2": "=COUNT(A:XFD)",
        "B3": "=SUM(A1:XFD1048576)",
    },
}


def book(path: Path, cells: Cells) -> None:
    import xlsxwriter

    with xlsxwriter.Workbook(path) as writer:
        sheet = writer.add_worksheet("S")
        writer.add_worksheet("Other")
        for place, content in cells.items():
            if isinstance(content, str) and content.startswith("="):
                sheet.write_formula(place, content)
            else:
                sheet.write(place, content)


ASKED = {
    "check": lambda last: ["check", "book.xlsx"],
    "explain": lambda last: ["explain", "book.xlsx", "--of", last],
    "sheet": lambda last: ["sheet", "book.xlsx", "--of", last, "-o", "made.xlsx"],
}


def _asked(verb: str, make: Callable[[], Cells]):
    def made(folder: Path, draw: Random) -> Words:
        cells = make()
        book(folder / "book.xlsx", cells)
        last = [place for place, content in cells.items() if str(content).startswith("=")][-1]
        return ASKED[verb](last)

    return made


CASES = [
    Case(f"{name}, by {verb}", _asked(verb, make), codes=(0, 1, 2))
    for name, make in BOOKS.items()
    for verb in ASKED
]
