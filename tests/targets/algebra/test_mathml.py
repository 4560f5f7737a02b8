import re
from xml.etree import ElementTree

from gradbook.graph.names import RATE, TOTAL_ERROR, Name
from gradbook.targets.algebra.forms import (
    BigSum,
    Bracket,
    Cases,
    Comparison,
    Derived,
    EquationLine,
    Factors,
    Form,
    Fraction,
    Function,
    Minus,
    Numeral,
    Partial,
    Power,
    Root,
    Symbol,
    Terms,
    Transposed,
    Words,
)
from gradbook.targets.algebra.mathml import display, inline
from tests.cases import for_each

CORE = {"math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "mfrac", "msqrt"}
CORE |= {"msub", "msup", "msubsup", "munder", "mtable", "mtr", "mtd"}

H1 = Symbol(Name("h", (1,)))
A_H1 = Symbol(Name("a", of=Name("h", (1,))))
W5 = Symbol(Name("w", (5,)))
E = Symbol(TOTAL_ERROR)
ONE = Numeral(1)


def tree(form: Form) -> ElementTree.Element:
    return ElementTree.fromstring(inline(form))


def said(form: Form) -> str:
    """What stands there, in the order in which it is read."""
    return read(tree(form))


def read(element: ElementTree.Element) -> str:
    return "".join(element.itertext()).replace("\u2061", "").replace(" ", "")


# Where brackets stand is decided once, for all formats, and tested in test_text.py.
@for_each(
    ("form", "reads"),
    [
        (Terms((H1, Minus(W5), Numeral(-2))), "h1−w5+(−2)"),
        (Factors((W5, H1), "⊙"), "w5⊙h1"),
        (Factors((W5, BigSum(H1, "samples"))), "w5∑samplesh1"),
        (Power(Terms((H1, W5)), Numeral(2)), "(h1+w5)2"),
        (Power(Fraction(ONE, H1), Numeral(2)), "(1h1)2"),
        (Fraction(Terms((ONE, H1)), W5), "1+h1w5"),
        (Root(Terms((H1, ONE))), "h1+1"),
        (Function("σ", (H1,)), "σ(h1)"),
        (Function("σ′", (H1,)), "σ′(h1)"),
        (Function("max", (Numeral(0), H1)), "max(0,h1)"),
        (Function("exp", (Minus(H1),)), "e−h1"),
        (Bracket(Comparison(H1, ">", Numeral(0))), "[h1>0]"),
        (Bracket(Comparison(H1, "is", W5)), "[h1\u00a0is\u00a0w5]"),
        (Transposed(Symbol(Name("W"), bold=True)), "W⊤"),
        (Derived(Factors((W5, H1)), W5), "∂∂w5(w5·h1)"),
        (Comparison(Symbol(RATE), "=", ONE), "η=1"),
        (Words("a<b"), "a<b"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_forms_read_as_people_write_them(form, reads):
    assert said(form) == reads


@for_each(
    ("value", "reads"),
    [
        (1e-5, "10−5"),
        (-2.5e-9, "−2.5·10−9"),
        (float("-inf"), "−∞"),
        (float("nan"), "undefined"),
    ],
)
def test_powers_of_ten_have_their_exponent_above(value, reads):
    assert said(Numeral(value)) == reads


def test_a_partial_is_a_fraction_of_two_changes():
    (fraction,) = tree(Partial(E, W5))
    assert fraction.tag == "mfrac"
    assert ["".join(part.itertext()) for part in fraction] == ["∂Etotal", "∂w5"]


def test_subscripts_stand_below_and_words_upright():
    (total,) = tree(E)
    assert (total.tag, total[1][0].tag, total[1][0].text) == ("msub", "mtext", "total")
    (activation,) = tree(A_H1)
    assert [(part.tag, part.text) for part in activation[1]] == [("mi", "h"), ("mn", "1")]


def test_places_in_a_layer_are_told_apart_by_a_comma():
    assert said(Symbol(Name("h", (2,), layer=1))) == "h1,2"


def test_an_exponent_stands_above_the_subscript():
    (power,) = tree(Power(A_H1, Numeral(2)))
    assert power.tag == "msubsup"
    (variance,) = tree(Symbol(Name("σ²", (3,))))
    assert ["".join(part.itertext()) for part in variance] == ["σ", "3", "2"]


def test_a_variance_is_bracketed_before_it_is_squared():
    assert said(Power(Symbol(Name("σ²", (3,))), Numeral(2))) == "(σ32)2"


@for_each(
    ("name", "kind"),
    [
        (Name("i", (1,)), "k-inputs"),
        (Name("γ", (1,)), "k-weights"),
        (Name("a", of=Name("h", (1,))), "k-activations"),
        (Name("s", (1,)), "k-sums"),
        (Name("s", of=Name("w", (1,))), "k-update"),
    ],
)
def test_every_symbol_carries_its_kind(name, kind):
    (symbol,) = tree(Symbol(name))
    assert symbol.get("class") == kind


def test_brackets_grow_only_around_what_is_tall():
    assert 'stretchy="false"' in inline(Function("σ", (H1,)))
    assert 'stretchy="false"' not in inline(Power(Fraction(ONE, H1), Numeral(2)))


def test_cases_stand_below_each_other():
    rows = ((H1, Comparison(H1, ">", Numeral(0))), (Numeral(0), Words("else")))
    assert said(Cases(rows)) == "{h1if\u00a0h1>00else"
    assert len(list(tree(Cases(rows)).iter("mtr"))) == 2


def rows_of(*lines: EquationLine) -> list[str]:
    table = ElementTree.fromstring(display(lines))
    return ["|".join(map(read, row)) for row in table.iter("mtr")]


def test_short_steps_share_a_row_and_long_ones_stand_below_each_other():
    short = [EquationLine(H1, "=", Factors((W5, A_H1))), EquationLine(None, "≈", Numeral(0.25))]
    assert rows_of(*short) == ["h1|=w5·ah1≈0.25"]
    long = [EquationLine(H1, "=", Terms((A_H1,) * 12)), EquationLine(None, "≈", Numeral(0.25))]
    assert rows_of(*long) == ["h1|=" + "+".join(["ah1"] * 12), "|≈0.25"]


def test_what_is_too_wide_breaks_before_an_operator():
    first, *others = rows_of(EquationLine(H1, "=", Terms((Numeral(0.1234567),) * 12)))
    assert others
    assert all(re.match(r"\|\+0\.1234567", other) for other in others)
    assert "".join([first, *(other[1:] for other in others)]).count("0.1234567") == 12


def test_it_breaks_within_brackets_where_it_must():
    inner = Terms((Factors((Numeral(0.1234567),) * 3),) * 5)
    found = rows_of(EquationLine(H1, "=", Factors((inner, W5))))
    assert len(found) > 1
    assert "".join(found).count("0.1234567") == 15


def test_only_elements_of_mathml_core_are_used():
    forms = [Partial(E, W5), Power(A_H1, Numeral(2)), BigSum(H1, "samples"), Root(H1)]
    cases = Cases(((H1, Comparison(H1, ">", Numeral(0))),))
    whole = ElementTree.fromstring(display([EquationLine(None, "=", Terms((*forms, cases)))]))
    assert {element.tag for element in whole.iter()} <= CORE
