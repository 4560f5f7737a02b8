"""Every slope of a result is what a nudge of the cell says."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import isclose, isnan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradbook.cells.book import Book
from gradbook.cells.evaluate import Evaluation
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import Address, name_of
from gradbook.cells.formula.syntax import write
from gradbook.cells.slopes import NoDerivative, propose_results, slopes_of
from tests.audit.material.small import at, small
from tests.cases import for_each
from tests.cells.models import MODELS


def nudged(book: Book, flow: Flow, result: Address, cell: Address, size: float = 1e-3) -> float:
    """The slope by differences, which Richardson's rule makes exact to the fourth order."""
    typed = book.values[cell]
    assert isinstance(typed, float)
    step = size * max(1.0, abs(typed))

    def difference(step: float) -> float:
        ends = []
        for value in (typed + step, typed - step):
            book.values[cell] = value
            ends.append(Evaluation(book, flow).value(result))
        book.values[cell] = typed
        return (ends[0] - ends[1]) / (2 * step)

    return (4 * difference(step / 2) - difference(step)) / 3


NUMBERS = {"A1": 1.5, "A2": 2.5, "A3": -0.5, "A4": 4.0, "B1": 0.1, "B2": 0.25, "B3": 0.3, "B4": 0.4}
OTHERS = {
    "D1": "x",
    "D2": "y",
    "D3": "x",
    "D4": "z",
    "E1": -100.0,
    "E2": 40.0,
    "E3": 45.0,
    "E4": 50.0,
    "F1": 45000.0,
    "F2": 45100.0,
    "F3": 45300.0,
    "F4": 45700.0,
}
FORMULAS = [
    "=A1*A2+A3/B1-A4",
    "=-A1^2+A2^-1*B1%",
    "=A1^B2",
    "=1/(1+EXP(-A1))",
    "=A1/(1+EXP(-A1*B1))",
    "=SUM(A1:A4)*SUM(B1:B4)",
    "=SUM(EXP(A1:A4)*B1)",
    "=SUMPRODUCT((A1:A4-AVERAGE(A1:A4))^2,B1:B4)",
    "=EXP(A1)/SUMPRODUCT(EXP(A1:A4))",
    "=SUMPRODUCT(A1:A4,B1:B4)",
    "=SUMPRODUCT((A1:A4>0)*B1:B4)",
    "=SUMPRODUCT(A1:A4*B1,B1:B4)",
    "=SUMSQ(A1:A4,B1)",
    "=PRODUCT(A1:A4)*PRODUCT(A1:B2,3)",
    "=SUMXMY2(A1:A4,B1:B4)",
    "=SUMX2MY2(A1:A4,B1:B4)+SUMX2PY2(A1:A4,B1:B4)",
    "=SUM(MMULT(TRANSPOSE(A1:A4),B1:B4))",
    "=SUM(MMULT(A1:B2,A3:B4))",
    "=INDEX(MMULT(A1:B2,A3:B4),2,1)",
    "=SUM(A1:A4*TRANSPOSE(B1:B4))",
    "=IF(A1>1,A1*A2,LN(B1))",
    "=IF(A1>2,A1*A2,LN(B1))",
    "=IF(B1<0,1/(B1-0.1),B1)",
    "=SUM(IF(A1:A4>0,A1:A4*B1,B1:B4))",
    "=IFERROR(SQRT(A3),A1)*B1",
    "=IFERROR(SQRT(A1),A1)*B1",
    "=MAX(A1:A4)*MIN(A1,B1)+MAX(A1,3)",
    "=MAX(A1:B4)+MIN(A1:A4,B1:B4,-3)",
    "=INDEX(A1:B4,2,1)*INDEX(B1:B4,3)",
    "=SUM(INDEX(A1:B4,0,2))*A1",
    "=SUM(INDEX(A1:B4,2,0))*A1",
    "=LARGE(A1:A4,2)*SMALL(B1:B4,3)",
    "=MEDIAN(A1:A4)+MEDIAN(B1:B3)",
    "=MEDIAN(A1,2,A4)",
    "=QUARTILE(A1:A4,1)+PERCENTILE(B1:B4,0.6)",
    "=PERCENTILE(A1:A4,B2)",
    "=STDEV(A1:A4)+VAR(B1:B4)+STDEVP(A1:A4)*VARP(A1:A4)+DEVSQ(A1:A4)",
    "=AVERAGE(A1:A4,B1)",
    "=GEOMEAN(B1:B4)+HARMEAN(B1:B4)",
    "=SLOPE(A1:A4,B1:B4)",
    "=INTERCEPT(A1:A4,B1:B4)",
    "=CORREL(A1:A4,B1:B4)*RSQ(B1:B4,A1:A4)",
    "=COVAR(A1:A4,B1:B4)",
    "=FORECAST(3,A1:A4,B1:B4)",
    "=STEYX(A1:A4,B1:B4)",
    "=INDEX(LINEST(A1:A4,B1:B4),1,2)+INDEX(LINEST(A1:A4,B1:B4),1)",
    "=NPV(B1,E1:E4)",
    "=NPV(B1,A1:A4)+E1",
    "=IRR(E1:E4)",
    "=MIRR(E1:E4,B1,B2)",
    "=SKEW(A1:A4)*B1+SKEW(A1:A3,B1:B3)",
    '=CONVERT(A1,"mi","km")+CONVERT(A2*B1,"F","C")',
    "=CUMIPMT(B1,12,A4,2,5,0)+CUMPRINC(B2,12,A2,1,4,1)",
    "=GAMMA.DIST(A1,A2,B1*9,TRUE)+WEIBULL.DIST(A1,A2,B1,FALSE)+CHISQ.DIST.RT(A1,3)",
    "=T.DIST(A1,4,TRUE)+F.DIST(A2,3,5,TRUE)+BINOM.DIST(1,3,B1,TRUE)+POISSON.DIST(2,A4,TRUE)",
    "=GAMMALN(A1)*EFFECT(B1,4)+DDB(A4*100,A1,5,2)",
    "=XNPV(B1,E1:E4,F1:F4)",
    "=XIRR(E1:E4,F1:F4)",
    "=PMT(B1/12,A1*12,-A4*100)",
    "=FV(B1,A1,A2,A4,1)+PV(B2,A1,A2,A4)",
    "=NPER(B1,-A4*10,A4*10)",
    "=RATE(A4*3,-A2*4,100)",
    "=IPMT(B1,2,A4,100)+PPMT(B1,2,A4,100)",
    '=SUMIF(D1:D4,"x",A1:A4)*A1',
    '=SUMIF(A1:A4,">1")*B1',
    '=SUMIFS(A1:A4,D1:D4,"x",B1:B4,">0.2")',
    '=AVERAGEIF(A1:A4,">0",B1:B4)',
    '=AVERAGEIFS(A1:A4,B1:B4,">0.2")',
    "=VLOOKUP(2.5,A1:B4,2,FALSE)*A1",
    '=VLOOKUP("y",D1:E4,2,FALSE)*A1',
    "=HLOOKUP(1.5,A1:B4,3,FALSE)*A1",
    "=LOOKUP(0.27,B1:B4,A1:A4)*B1",
    "=CHOOSE(2,A1,A2*B1,A3)",
    "=CHOOSE(A2,A1,A2*B1,A3)",
    '=SWITCH(D1,"y",A1,"x",A2*A1,A3)',
    "=IFS(A1>2,A1,A1>1,A2*A1,TRUE,5)",
    "=NORM.DIST(A1,A2,B1*20,TRUE)+NORM.S.DIST(A3,TRUE)+NORM.S.INV(B1)+NORM.INV(B1,A1,A2)",
    "=NORM.DIST(A1,A2,B1*20,FALSE)+NORM.S.DIST(A3,FALSE)",
    "=ATAN2(A1,A2)+SINH(A1)*COSH(B1)+ASIN(B1)*ACOS(B2)+ATAN(A3)",
    "=LOG(A1,A2)+LOG10(A4)+LOG(A1)",
    "=MOD(A4,A1)+ABS(A3)*SIGN(A3)*A1",
    "=ROUND(A1*A2,2)*0+A1",
    "=SUBTOTAL(9,A1:A4)*SUBTOTAL(1,B1:B4)+SUBTOTAL(4,A1:A4)*B1",
    "=AGGREGATE(9,6,A1:A4)*B1",
    "=OFFSET(A1,A2-0.5,1)*A1",
    "=SUM(OFFSET(A1,1,0,3,2))*A1",
    '=INDIRECT("A"&F1-44998)*B1',
    '=SUMPRODUCT(--(D1:D4="x"),A1:A4,B1:B4)',
    '=SUMPRODUCT((D1:D4="x")*(A1:A4))',
    "=N(A1)*VALUE(A2)+GAUSS(A1)+PHI(A1)+ERF(A1)",
    "=A1*(A2>2)+(A3<0)*B1",
    "=SQRT(SUMSQ(A1:A4))/COUNT(A1:A4)",
    "=(A1+A2)^2/(A3-B1)^3",
    "=A1/A2/A3*B1",
    "=-(A1-A2)/-(B1-B2)",
    "=A1-(A2-(A3-(A4-B1)))",
    "=EXP(-((A1-A2)^2)/(2*B1))",
    "=EXP(-(A1-A2)^2/20)",
    "=2^A1*B1^-A3",
    "=A1*10%+A2%",
    "=MAX(0,A1*A2-3)-MIN(A3*A1,0,B1)",
    "=LN(SUMPRODUCT(EXP(A1:A4-MAX(A1:A4))))+MAX(A1:A4)",
    "=SUMPRODUCT(A1:B4*B1:B4)",
    "=SUMPRODUCT(A1:A2*TRANSPOSE(B1:B2))",
    "=TANH(A1*B1+A2*B2)*(1-A3^2)",
    "=IF(AND(A1>1,B1<1),A1*B1,A2)*IF(OR(A1>9,B1>9),1,A4)",
    '=MAXIFS(A1:A4,D1:D4,"x")*B1',
    "=SUM(A1:B2,A3,B4*2)",
    "=LOGNORM.DIST(A1,A2,B1*10,TRUE)+EXPON.DIST(A1,B1,TRUE)",
    "=STANDARDIZE(A1,A2,B1)",
    "=LET(q,A1*A2,r,q+B1,q*r)",
    "=SUM(MAP(A1:A3,LAMBDA(x,x^2)))",
    "=REDUCE(1,A1:A3,LAMBDA(a,v,a*v+v))",
    "=SUM(BYROW(A1:B3,LAMBDA(r,SUM(r)^2)))",
    "=SUM(SCAN(0,A1:A3,LAMBDA(a,v,a*2+v))*B1:B3)",
    "=SUM(SORT(A1:A4)*B1:B4)",
    "=SUM(VSTACK(A1:A2,B1:B2)*A1:A4)",
    "=SUM(SEQUENCE(3,1,A1,A2))",
    "=XLOOKUP(2.5,A1:A4,B1:B4,9)*A1",
    "=SUM(TAKE(A1:A4,2)*DROP(B1:B4,2))",
    "=SUM(CHOOSECOLS(A1:B4,2)*TOCOL(A1:B2))",
    "=INDEX(SORT(B1:B4,1,-1),2)*A1",
    "=SUM(LARGE(A1:A4,{1,2}))*B1",
    "=SUMPRODUCT(SMALL(A1:A4,{1,3,4}),{0.5,0.3,-2})",
    "=SUM(SMALL(A1:A4,ROW(A1:A2))^2)",
    '=SUM(VLOOKUP({"y","z"},D1:E4,2,FALSE)*A1:B1)',
    '=SUMPRODUCT(SUMIF(D1:D4,{"x";"z"},A1:A4),{3;4})',
    '=SUMPRODUCT(SUMIF(D1:D4,{"x","z"},A1:A4)*B1)',
    "=SUM(INDEX(A1:A4,{1,3})*A2)",
    "=SUM(INDEX(A1:B4,{1;3},{1,2})*A2)",
    "=SUM(LOOKUP(A1:A2,{-9,2,3},B1:B3)*A1:A2)",
    "=SUM(CHOOSE({2,1},A1,A2)*B1)",
    "=SUM({1,2;3,-4}*A1:B2^{2})",
    "=MDETERM(A1:B2)*A3",
    "=SUM(MMULT(MINVERSE(A1:B2),A3:B4))",
    "=SUM(TREND(A1:A4,B1:B4,A3:A4))",
    "=MAXA(A1:A4)*MINA(B1:B4)",
    "=A1*FACT(3)*COMBIN(5,2)+BIN2DEC(101)*B1",
]


def assert_slopes(book: Book, result: Address, fixed: Collection[Address] = ()) -> int:
    """Compare each slope with a nudge; returns how many were compared."""
    slopes = slopes_of(book, result)
    values = slopes.values()
    compared = 0
    for cell in slopes.inputs:
        expected = nudged(book, slopes.flow, result, cell)
        if not isnan(expected) and cell not in fixed:
            near = isclose(values[cell], expected, rel_tol=1e-6, abs_tol=1e-7)
            assert near, f"{name_of(cell)}: {values[cell]}, and by a nudge {expected}"
            compared += 1
    return compared


@for_each("formula", FORMULAS)
def test_a_slope_is_what_a_nudge_says(formula):
    book, _ = small({**NUMBERS, **OTHERS, "C1": formula, "C2": "=C1*3"})
    dates = {at(name) for name in ("F1", "F2", "F3", "F4")}
    assert assert_slopes(book, at("C2"), dates)


@for_each("model", MODELS.values(), ids=list(MODELS))
def test_each_slope_of_a_model_is_what_a_nudge_says(model):
    book, _ = small(model.cells)
    assert assert_slopes(book, at(model.result)) >= 4


# Random books ---------------------------------------------------------------------------

PLACES = st.sampled_from(["A1", "A2", "A3", "A4", "B1", "B2", "B3", "B4"])
RANGES = st.sampled_from(["A1:A4", "B1:B4", "A1:B2", "A3:B4"])
COLUMNS = st.sampled_from(["A1:A4", "B1:B4"])
OF_ONE = st.sampled_from(
    [
        *(
            "-({})",
            "({})%",
            "TANH({})",
            "SIN({})",
            "COS({})",
            "ATAN({})",
            "ABS({})",
            "EXP(-ABS({}))",
        ),
        *("SQRT(1+({})^2)", "LN(1+({})^2)", "({})^2", "1/(1+EXP(-({})))", "NORM.S.DIST({},TRUE)"),
        *("ROUND({},1)*0+1", "2^TANH({})", "ASINH({})", "LET(q,{},q*q+q)"),
    ]
)
OF_TWO = st.sampled_from(
    [
        *("({})+({})", "({})-({})", "({})*({})", "({})/(3+ABS({}))", "MAX({},{})", "MIN({},{})"),
        *("ATAN2({},5+ABS({}))", "(1+ABS({}))^TANH({})", "IF(A1>B2,{},{})", "IFERROR({},{})"),
        *(
            "CHOOSE(2,{},{})",
            "IFS(A2>0,{},TRUE,{})",
            "MEDIAN({},0.1,{})",
            "NORM.DIST({},1,2+ABS({}),TRUE)",
        ),
    ]
)
OF_RANGES = st.sampled_from(
    [
        *("SUM({})", "AVERAGE({})", "SUMSQ({})", "MAX({})", "MIN({})", "STDEV({})", "VAR({})"),
        *("DEVSQ({})", "LARGE({},2)", "SMALL({},1)", "MEDIAN({})", "PRODUCT({})", "SUM(EXP({}))"),
        *("SUMPRODUCT(TANH({})*2)", "SUM({})/COUNT({})", 'SUMIF({},">0.3")', "INDEX({},2,1)"),
        *("SUM(MAP({},LAMBDA(v,v^2)))", "NPV(0.1,{})", "QUARTILE({},1)", "SUM(IF({}>0,{},1))"),
    ]
)
OF_COLUMNS = st.sampled_from(
    [
        *("SUMPRODUCT({},{})", "SUMXMY2({},{})", "SUM({}*{})", "SUM(MMULT(TRANSPOSE({}),{}))"),
        *("COVAR({},{})", "SUM({})/(9+SUM({})^2)", "SUM(({}-AVERAGE({}))^2)"),
    ]
)


def _filled(form: str, parts: Sequence[str]) -> str:
    """A form with a part for each gap; the last one for all that are left."""
    gaps = form.count("{}")
    return form.format(*[parts[min(k, len(parts) - 1)] for k in range(gaps)])


LEAVES = st.one_of(
    PLACES,
    st.sampled_from(["0.5", "2", "1.25"]),
    st.builds(lambda form, area: _filled(form, [area]), OF_RANGES, RANGES),
    st.builds(lambda form, a, b: _filled(form, [a, b]), OF_COLUMNS, COLUMNS, COLUMNS),
)
EXPRESSIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda form, a: _filled(form, [a]), OF_ONE, inner),
        st.builds(lambda form, a, b: _filled(form, [a, b]), OF_TWO, inner, inner),
    ),
    max_leaves=5,
)
NUMBER = st.integers(-40, 40).map(lambda n: n / 16 + 0.01)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(NUMBER, min_size=8, max_size=8, unique=True),
    st.lists(EXPRESSIONS, min_size=3, max_size=3),
)
def test_slopes_of_random_books_are_what_nudges_say(numbers, formulas):
    names = [f"{column}{row}" for column in "AB" for row in (1, 2, 3, 4)]
    first, second, third = formulas
    cells = {
        **dict(zip(names, numbers, strict=True)),
        "C1": f"={first}",
        "C2": f"=C1*TANH({second})+A1",
        "C3": f"=({third})*C1+C2^2",
    }
    book, flow = small(cells)
    slopes = slopes_of(book, at("C3"))
    values = slopes.values()
    for cell in slopes.inputs:
        expected = nudged(book, flow, at("C3"), cell)
        near = isclose(values[cell], expected, rel_tol=1e-5, abs_tol=1e-7)
        if not near and not isnan(expected):
            again = nudged(book, flow, at("C3"), cell, 3e-4)
            is_kink = not isclose(expected, again, rel_tol=1e-6, abs_tol=1e-8)
            assert is_kink, f"{name_of(cell)}: {values[cell]}, and by a nudge {expected}"


@for_each(
    ("formula", "partial"),
    [
        ("=A1*A2", "Sheet1!A2"),
        ("=A2/A1", "-Sheet1!C1/Sheet1!A1"),
        ("=TANH(A1*A2)", "(1-Sheet1!C1^2)*Sheet1!A2"),
        ("=1/(1+EXP(-A1))", "Sheet1!C1*(1-Sheet1!C1)"),
        ("=SUM(A1:A4)", "1"),
        ("=SUMPRODUCT(A1:A2,B1:B2)", "Sheet1!B1"),
        ("=A1^3", "3*Sheet1!A1^2"),
        ("=IF(A2>0,A1*B1,1)", "IF(Sheet1!A2>0,Sheet1!B1,0)"),
    ],
)
def test_a_partial_slope_is_written_as_a_person_writes_it(formula, partial):
    book, _ = small({**NUMBERS, "C1": formula})
    slopes = slopes_of(book, at("C1"), [at("A1")])
    (term,) = slopes.terms[at("A1")]
    assert write(term.partial) == partial


def test_the_result_by_itself_has_slope_one_and_each_formula_comes_once():
    cells = {"A1": 2.0, "B1": "=A1*3", "B2": "=B1+A1", "B3": "=B1*B2+B1"}
    book, _ = small(cells)
    slopes = slopes_of(book, at("B3"))
    assert slopes.order == (at("B1"), at("B2"), at("B3"))
    assert slopes.values()[at("B3")] == 1
    assert slopes.values()[at("A1")] == 6 * 2 * 4 + 3


def test_copies_of_a_formula_are_differentiated_in_their_own_cells():
    book, flow = small({"A1:A9": 0.5, "B1": 1.0, "B2:B9": "=B1*$A$1+A2"})
    slopes = slopes_of(book, at("B9"))
    assert write(slopes.terms[at("A1")][0].partial) == "Sheet1!B8"
    values = slopes.values()
    for cell in slopes.inputs:
        assert isclose(values[cell], nudged(book, flow, at("B9"), cell), rel_tol=1e-6)


def test_copies_are_differentiated_by_the_inputs_that_are_asked_for():
    book, _ = small({"A1:A2": 2.0, "B1:B2": 3.0, "C1:C2": "=A1*B1", "D1": "=C1+C2"})
    slopes = slopes_of(book, at("D1"), [at("A1"), at("B2")]).values()
    assert (slopes[at("A1")], slopes[at("B2")]) == (3, 2)


@for_each("formula", ["=MAX(A1:B2)", "=LARGE(A1:B2,1)"])
@for_each("largest", ["A1 B1", "A1 B2", "A2 B1", "A1 A2"])
def test_of_equals_the_first_alone_has_the_slope(formula, largest):
    cells = dict.fromkeys(("A1", "B1", "A2", "B2"), 1.0) | dict.fromkeys(largest.split(), 3.0)
    book, _ = small({**cells, "C1": formula})
    slopes = slopes_of(book, at("C1")).values()
    first = next(name for name in cells if name in largest)  # row by row
    assert {name: slopes[at(name)] for name in cells} == {name: name == first for name in cells}


@for_each(
    ("cells", "said"),
    [
        ({"A1": 1.0, "C1": "=FOURIER(A1)"}, "Sheet1!C1: gradbook doesn't know the derivative"),
        ({"A1": 1.0, "A2": "=C1+A1", "C1": "=A2*2"}, "it depends on itself"),
        ({"A1": "x", "C1": "=A1"}, "no typed number is behind it"),
        ({"A1": 1.0}, "it has no formula"),
        ({"A1:B2": 3.0, "C1": "=SUM(SORT(A1:B2,A1))"}, "SORT with these arguments"),
        ({"A1": 1.0, "B1": "=A1*Unknown", "C1": "=A1+B1"}, "Sheet1!B1: gradbook can't follow"),
        (
            {"A1": 1.0, "B1": "=" + "+".join(["A1"] * 4000), "C1": "=A1+B1"},
            "Sheet1!B1: its formula",
        ),
    ],
)
def test_what_has_no_slopes_is_refused_with_its_cell(cells, said):
    book, _ = small(cells)
    with pytest.raises(NoDerivative, match="Sheet1!") as refusal:
        slopes_of(book, at("C1"))
    assert said in str(refusal.value)


def test_the_proposed_result_depends_on_most_numbers_and_is_the_last_of_equals():
    cells = {"A1": 1.0, "A2": 2.0, "B1": "=A1", "B2": "=A1+A2", "B3": "=A2+A1", "B4": "=B3"}
    book, flow = small(cells)
    assert propose_results(book, flow) == [at("B4"), at("B2"), at("B1")]
