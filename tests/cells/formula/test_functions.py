"""Functions that LibreOffice 7 lacks, and what is asked at the edges of others."""

from __future__ import annotations

import math

import pytest

from gradbook.cells import budget
from gradbook.cells.evaluate import Evaluation
from gradbook.cells.formula.elementwise import ELEMENTWISE
from gradbook.cells.formula.expression import references
from gradbook.cells.formula.formula_values import ARGUMENTS
from gradbook.cells.formula.lookups import wildcard
from gradbook.cells.formula.syntax import read
from tests.audit.material.small import at, small
from tests.cases import for_each

TABLE = {
    **{f"A{k}": x for k, x in enumerate((3.0, 1.0, 4.0, 1.5, 9.0), 1)},
    **{f"B{k}": x for k, x in enumerate((10.0, 20.0, 30.0, 40.0, 50.0), 1)},
    **{f"C{k}": x for k, x in enumerate(("pear", "fig", "apple", "fig", "plum"), 1)},
    "D1": 0.0,
}


def computed(formula: str) -> object:
    book, flow = small({**TABLE, "F9": f"={formula}"})
    return Evaluation(book, flow).of(at("F9"))


@for_each(
    ("formula", "value"),
    [
        ("SUM(MAP(A1:A5,LAMBDA(x,x^2)))", 9 + 1 + 16 + 2.25 + 81),
        ("SUM(MAP(A1:A5,B1:B5,LAMBDA(x,y,x*y)))", 30 + 20 + 120 + 60 + 450),
        ("SUM(_xlfn.MAP(A1:A5,_xlfn.LAMBDA(_xlpm.x,_xlpm.x+1)))", 23.5),
        ("MAX(BYROW(A1:B5,LAMBDA(r,SUM(r))))", 59),
        ("MAX(BYCOL(A1:B5,LAMBDA(c,MIN(c))))", 10),
        ("REDUCE(1,A1:A5,LAMBDA(a,x,a*x))", 3 * 4 * 1.5 * 9),
        ("SUM(SCAN(0,A1:A3,LAMBDA(a,x,a+x)))", 3 + 4 + 8),
        ("SUM(MAKEARRAY(2,3,LAMBDA(r,c,r*c)))", 18),
        ("LET(f,LAMBDA(x,x*B1),f(2)+f(3))", 50),
        ("LAMBDA(x,y,x-y)(B2,B1)", 10),
        ("SUM(SEQUENCE(3,2,5,-1))", 5 + 4 + 3 + 2 + 1 + 0),
        ("INDEX(SORT(A1:A5),2)", 1.5),
        ("INDEX(SORT(A1:B5,1,-1),1,2)", 50),
        ("INDEX(SORTBY(B1:B5,A1:A5),5)", 50),
        ("SUM(VSTACK(A1:A2,B4:B5))", 94),
        ("INDEX(HSTACK(A1:A5,B1:B5),5,2)", 50),
        ("SUM(FILTER(B1:B5,A1:A5>2))", 90),
        ("ROWS(UNIQUE(C1:C5))", 4),
        ("SUM(TAKE(B1:B5,-2))+SUM(DROP(B1:B5,3))", 180),
        ("SUM(CHOOSECOLS(A1:B5,2))", 150),
        ("SUM(TOCOL(A1:B2))", 34),
        ('XLOOKUP("fig",C1:C5,B1:B5)', 20),
        ('XLOOKUP("fig",C1:C5,B1:B5,0,0,-1)', 40),
        ('XLOOKUP("none",C1:C5,B1:B5,7)', 7),
        ('XLOOKUP("p*m",C1:C5,B1:B5,7,2)', 50),
        ("XLOOKUP(3.5,A1:A5,B1:B5,,-1)", 10),
        ("XLOOKUP(3.5,A1:A5,B1:B5,,1)", 30),
        ("SUM(XLOOKUP(4,A1:A5,A1:B5))", 34),
        ("XMATCH(9,A1:A5)", 5),
        ('IFNA(XLOOKUP("none",C1:C5,B1:B5),-1)', -1),
        ("IFERROR(1/D1,5)", 5),
        ("IF(D1,1/D1,6)", 6),
        ("SUM(IF(A1:A5>2,B1:B5,0))", 90),
        ("ROW()+COLUMN()*100+ROW(B3)", 612),
        ("SUM(ROW(A1:A4))", 10),
        ("0^0.5+(-2)^A1", -8),
        ("RATE(12,-100,1000)", 0.029228540769133),
        ("PMT(0,10,-1000)", 100),
        ("(C2<=C4)+10*(C2>=C4)+100*(C2<C4)+1000*(C1>C2)+10000*(C1>=7)+100000*(C1<=7)", 11011),
        ("STEYX(A1:A5,B1:B5)", 2.8968373559222593),
        ("NPER(0,-100,1000)", 10),
        ("MOD(-7,3)+10*MOD(7,-3)", 2 - 20),
        ("IRR(B1:B5)", math.nan),
        ("SQRT(-1)", math.nan),
        ("INDEX(B1:B5,9)", math.nan),
        ("IF(A1>2,1,INDEX(B1:B5,9))", 1),
        ("IF(A1>2,1,INDEX(B1:B5,MATCH(99,A1:A5,0)))", 1),
        ("OR(TRUE,1/D1>2)", math.nan),
        ("AND(FALSE,1/D1>2)", math.nan),
        ("XOR(TRUE,1/D1>2)", math.nan),
        ("ATAN2(0,0)", math.nan),
        ("PRODUCT(D1:D3)", 0),
        ("VLOOKUP(99,A1:B5,3,FALSE)", math.nan),
        ("NORM.S.INV(1)", math.nan),
        ('DATE(2024,2,30)+MONTH("45000")', 45352 + 3),
        ("EOMONTH(45000,-1)", 44985),
        ("HOUR(A4+0.75)*10000+MINUTE(TIME(1,2,3))*100+SECOND(TIME(1,2,3))", 60203),
    ],
)
def test_a_function_has_the_value_that_excel_shows(formula, value):
    found = computed(formula)
    assert isinstance(found, float)
    assert found == pytest.approx(value, rel=1e-12, nan_ok=True)


@for_each(
    ("formula", "text"),
    [
        ('C1&"-"&A4', "pear-1.5"),
        ('IF(A1>2,"high","low")', "high"),
        ('TEXT(B1/3,"0.00")', "3.33"),
        ('TEXTJOIN(", ",TRUE,C1:C3)', "pear, fig, apple"),
        ('SUBSTITUTE(C1,"ea","oo")', "poor"),
        ("INDEX(SORT(C1:C5),1)", "apple"),
        ("REPT(C2,2)", "figfig"),
    ],
)
def test_a_text_is_composed(formula, text):
    assert computed(formula) == text


@for_each(
    ("pattern", "text", "matches"),
    [
        ("a*e", "apple", True),
        ("a?ple", "Apple", True),
        ("a~*e", "a*e", True),
        ("a~*e", "ape", False),
        ("*", "", True),
        ("?", "", False),
        ("*a*a*a*a*a*a*a*a*b", "a" * 5000, False),
    ],
)
def test_a_wildcard_matches_in_little_time(pattern, text, matches):
    assert wildcard(pattern)(text) is matches


@for_each(
    ("formula", "below", "at_it", "above"),
    [
        ("INT(A1)", 2, 3, 3),
        ("MOD(A1,3)", 3, 0, 0),
        ("CEILING(A1,3)", 3, 3, 6),
        ("IF(A1>3,1,0)", 0, 0, 1),
        ("SIGN(A1-3)", -1, 0, 1),
        ('SUMIF(A1,">=3",B1)', 0, 10, 10),
        ("VLOOKUP(A1,VSTACK(1,3),1)", 1, 3, 3),
        ("RANK(3,A1:A1)", math.nan, 1, math.nan),
    ],
)
def test_both_sides_of_a_jump(formula, below, at_it, above):
    book, flow = small({**TABLE, "F9": f"={formula}"})
    for number, value in ((3 - 1e-6, below), (3.0, at_it), (3 + 1e-6, above)):
        found = Evaluation(book, flow, numbers={at("A1"): number}).value(at("F9"))
        assert found == pytest.approx(value, abs=1e-5, nan_ok=True), number


def test_slopes_mention_only_arguments_and_the_value():
    for name, function in ELEMENTWISE.items():
        names = {*ARGUMENTS[: len(function.slopes)], "value", "TRUE", "FALSE"}
        for slope in filter(None, (*function.slopes, *function.defaults)):
            assert {part.text for part in references(read(slope))} <= names, name
        assert len(function.defaults) in (0, len(function.slopes)), name


def test_a_table_of_lookups_has_its_values():
    count = 1_000
    table = {f"A1:A{count}": 1.0, f"B1:B{count}": "=ROW()*2"}
    book, flow = small({**table, "D1:D500": f"=VLOOKUP(ROW()*2,$B$1:$B${count},1,FALSE)"})
    assert Evaluation(book, flow).value(at("D500")) == 1000


@for_each(
    "formula",
    [
        'REPT("x",20000)&REPT("x",20000)',
        'REPT("x",40000)',
        'CONCATENATE(REPT("x",20000),REPT("x",20000))',
        'CONCAT(REPT("x",9000)&C1:C5)',
        'TEXTJOIN(REPT("x",20000),FALSE,C1:C3)',
        'SUBSTITUTE(REPT("x",200),"x",REPT("x",200))',
        'SUBSTITUTE(REPT("x",30000),"x",REPT("x",30000),2)',
        'UPPER(REPT("ß",20000))',
        'TEXT(A1,"0."&REPT("0",32766))',
        'SUM(LEN(C1:C5&REPT("x",32766)))',
    ],
)
def test_a_text_longer_than_a_cell_holds_is_an_error(formula):
    assert math.isnan(float(computed(formula)))


def test_texts_that_double_end_at_the_size_of_a_cell():
    book, flow = small({"A1": "x", **{f"A{k}": f"=A{k - 1}&A{k - 1}" for k in range(2, 60)}})
    values = Evaluation(book, flow)
    values.of(at("A59"))
    sizes = [len(value) for value in values.known.values() if isinstance(value, str)]
    assert max(sizes) == 2**14


def test_the_texts_of_a_book_have_a_size_together(monkeypatch):
    monkeypatch.setattr(budget, "MOST_TEXT", 100_000)
    rows = range(1, 21)
    book, flow = small({f"A{k}": f'=REPT("x",{30_000 + k})' for k in rows})
    with budget.budget_of_book():
        values = Evaluation(book, flow)
        kept = [k for k in rows if isinstance(values.of(at(f"A{k}")), str)]
    assert kept == [1, 2, 3]
