"""Formulas as people type them: their values and slopes are SymPy's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import gradbook as gb
from gradbook.cli.main import main
from gradbook.errors import GradbookError
from gradbook.net.formulas import Formulas, parse_formulas, reads_as_formulas
from gradbook.net.lower import scalar_step
from gradbook.net.step import run
from gradbook.report.workbook import write_workbook
from gradbook.targets.page.page_content import formula_content
from tests.net.spellings import SPELLINGS, complete
from tests.outside.witness import recalculate_all
from tests.report.workbooks import tables
from tests.web.looking import in_node

if TYPE_CHECKING:
    import sympy  # which takes a second

IN_SYMPY = {"λ": "lam", "μ": "mu", "σ": "sig", "φ": "phi"}


def symbolic(meaning: str) -> sympy.Expr:
    import sympy

    for letter, word in IN_SYMPY.items():
        meaning = meaning.replace(letter, word)
    names = {name: sympy.Symbol(name) for name in ("N", "e", "c", "sum")}
    return sympy.sympify(meaning, names)


def numbers(formulas: Formulas) -> tuple[float, dict[str, float]]:
    """The result, and its slope for each number."""
    step = scalar_step(formulas)
    values = next(run(step, 1))
    slopes = {str(leaf.name): float(values[step.gradients[leaf]]) for leaf in step.trained}
    return float(values[step.loss]), slopes


def expected(meaning: str, starts: dict[str, float]) -> tuple[float, dict[str, float]]:
    import sympy

    value = symbolic(meaning)
    at = {sympy.Symbol(IN_SYMPY.get(name, name)): start for name, start in starts.items()}

    def number(it: sympy.Expr) -> float:
        smooth = it.replace(lambda part: isinstance(part, sympy.Subs), lambda _: 0)  # floor's
        return float(smooth.subs(at).evalf())

    names = {name: sympy.Symbol(IN_SYMPY.get(name, name)) for name in starts}
    return number(value), {name: number(_slope(value, symbol)) for name, symbol in names.items()}


def _slope(value: sympy.Expr, symbol: sympy.Symbol) -> sympy.Expr:
    import sympy

    real = sympy.Symbol(symbol.name, real=True)
    at = {it: sympy.Symbol(it.name, real=True) for it in value.free_symbols}
    back = {new: old for old, new in at.items()}
    return sympy.diff(value.subs(at), real).subs(back)


def test_what_people_type_has_the_values_and_slopes_of_sympy():
    wrong = {}
    for text, meaning in SPELLINGS.items():
        try:
            formulas = parse_formulas(complete(text))
            starts = {name: it[0] for name, it in formulas.numbers.items()}
            value, slopes = numbers(formulas)
            right, slopes_of_sympy = expected(meaning, starts)
            if value != pytest.approx(right, rel=1e-12) or slopes != pytest.approx(
                {name: slopes_of_sympy[name] for name in slopes}, rel=1e-11, abs=1e-12
            ):
                wrong[text] = value, right, slopes, slopes_of_sympy
        except Exception as error:
            wrong[text] = repr(error)
    assert wrong == {}


@pytest.mark.witness("node")
def test_a_page_has_the_same_numbers(tmp_path):
    asked, expected = [], []
    for text in SPELLINGS:
        formulas = parse_formulas(complete(text))
        known = formula_content(formulas, every_operation=False)
        step, places = known.step, known.lines.places
        leaves = [[places[leaf], float(value)] for leaf, value in step.start.items()]
        wanted = [places[step.loss], *(places[slope] for slope in step.gradients.values())]
        asked.append({"lines": known.lines.lines, "leaves": leaves, "wanted": wanted})
        value, slopes = numbers(formulas)
        expected.append([value, *slopes.values()])
    record = json.loads(in_node("formulas.mjs", tmp_path, json.dumps(asked)))
    for text, page, ours in zip(SPELLINGS, record, expected, strict=True):
        assert page == pytest.approx(ours, rel=1e-9, abs=1e-12), text


@pytest.mark.witness("node")
def test_the_plane_reads_a_formula_of_x_as_it_is_read_here_or_not_at_all(tmp_path):
    asked = []
    for text in SPELLINGS:
        formulas = parse_formulas(complete(text))
        if {*formulas.numbers} == {"x"} and ";" not in text:
            asked.append([text.rpartition("=")[2], formulas.numbers["x"][0], numbers(formulas)[0]])
    answers = in_node("plane.mjs", tmp_path, json.dumps(asked))
    answer_by_text = dict(zip((text for text, *_ in asked), json.loads(answers), strict=True))
    assert [text for text, answer in answer_by_text.items() if answer == "other"] == []
    assert sum(answer == "same" for answer in answer_by_text.values()) > 20
    unclear = [text.removeprefix("y = ") for text in UNCLEAR if "two ways" in UNCLEAR[text]]
    answers = in_node("plane.mjs", tmp_path, json.dumps([[text, 0.5, 0] for text in unclear]))
    assert {*json.loads(answers)} == {"refused"}


@pytest.mark.witness("libreoffice")
def test_a_workbook_has_the_same_numbers(tmp_path):
    texts = [*SPELLINGS][::6]
    for k, text in enumerate(texts):
        formulas = parse_formulas(complete(text))
        write_workbook(formulas, tmp_path / f"{k}.xlsx", epochs=2, rate=0)
    paths = [tmp_path / f"{k}.xlsx" for k in range(len(texts))]
    for text, path in zip(texts, recalculate_all(paths, tmp_path / "again"), strict=True):
        formulas = parse_formulas(complete(text))
        value, slopes = numbers(formulas)
        columns, name = tables(path).columns, formulas.result
        assert columns[name][0] == pytest.approx(value, rel=1e-9), text
        found = {to: columns[f"∂{name}/∂{to}"][0] for to in slopes}
        assert found == pytest.approx(slopes, rel=1e-9, abs=1e-12), text


def test_what_was_read_is_written_so_that_it_reads_back():
    for text in SPELLINGS:
        formulas = parse_formulas(complete(text))
        again = parse_formulas(str(formulas))
        assert numbers(again) == numbers(formulas), text


UNCLEAR = {
    "y = 1/2x": "column 8: 1/2x can be read in two ways: write 1/(2*x) or (1/2)*x",
    "y = e^2x": "e^2x can be read in two ways: write e^(2*x) or (e^2)*x",
    "y = x^2z; z = 1": "x^2z can be read in two ways",
    "y = |x|z|x|; z = 1": "these bars can be read in two ways: write abs(…)",
    "y = sin^-1(x)": "sin^-1 can be read in two ways: write asin(x) or 1/sin(x)",
    "y = √x^2": "write √(x^2) or (√x)^2",
    "y = sin x z; z = 1": "can be read in two ways: put it in parentheses",
    "y = x(x + 1)": "column 5: 'x' is a value here, not a function: for a product write x*(…)",
    "y = xz; z = 2": "column 5: 'xz' has no value: for a product write x*z",
    "y = a x^2 + bx; a = 1; b = 2": "'bx' has no value: for a product write b*x",
    "y = 2 3 x": "two numbers without a sign between them",
    "y = (x + 1)2": "'2' follows without a sign: write *2 or ^2",
    "y = x +": "this formula can't be read: it ends too early",
    "y = ln(x": "this formula can't be read: ')' is missing",
    "y = |x": "this formula can't be read: the second | is missing",
    "y = tan": "'tan' is a function: write tan(x)",
    "y = x = 2": "'=' isn't allowed in a formula, except in if(x = 0, a, b)",
    "y = f(x)": "unknown function 'f': define it, as in 'f(x) = x^2'",
    "f(u) = f(u) + 1": "nothing uses 'f': write a formula such as 'y = f(2a)'",
    "f(u) = u^2; y = f(x, 1)": "f takes 1, not 2 values",
    "f(u) = f(u - 1) x; y = f(x)": "the function 'f' uses itself",
    "f(u, u) = u; y = f(x, x)": "between these parentheses belong different names",
    "v = [1, 2]; y = v x": "'y' is a vector of 2 numbers: write sum(y)",
    "v = [1, 2]; w = [1, 2, 3]; y = sum(v w) x": "vectors of 2 and 3 numbers don't fit",
    "v = [1, 2]; v1 = 3; y = sum(v) x": "'v1' is also a number of the vector 'v'",
    "v = [[1, 2], 3]; y = sum(v) x": "a vector of vectors isn't allowed in a formula",
    "y = x; z = x + q": "'q' has no value: add a line such as 'q = 0.5'",
    "N = 3; y = N x; x = 1, 2": "the mean of the samples uses this name",
    "k = 3; y = k x; update adam": "the update uses this name",
    "y = sqrt(x, 2)": "sqrt takes 1, not 2 values",
    "c = 1/0; y = c x": "give no finite number here",
    "c = ln(0); y = c x": "this gives no finite number",
}


def test_what_is_unclear_is_refused_at_its_place_with_what_to_write():
    wrong = {}
    for text, message in UNCLEAR.items():
        try:
            answer = str(parse_formulas(text if "; x" in text else f"{text}; x = 0.5"))
        except GradbookError as error:
            answer = str(error)
        if message not in answer:
            wrong[text] = answer
    assert wrong == {}


def test_a_formula_alone_is_told_from_a_file_and_from_a_layer():
    formulas = ("x^2 + 3*x", "e^x", "2x", "tan(x)", "|x|", "x - y", "√x", "e^2x", "x(1 - x)")
    assert [text for text in formulas if not reads_as_formulas(text)] == []
    others = ("x/y", "my-net", "runs/quick", "leaky relu", "dense 3", "input 2; dense 1", "xor")
    assert [text for text in others if reads_as_formulas(text)] == []


def test_names_of_a_formula_without_numbers_get_some_and_it_is_said(capsys):
    assert main(["explain", "x^2 + a x"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "worked out for x = 0.5, a = 0.6; a line such as x = 2 chooses another." in text
    assert "made" not in parse_formulas("x^2; x = 2").made_up()
    with pytest.raises(GradbookError, match="'ax' has no value: for a product write a\\*x"):
        parse_formulas("ax^2 + x")


def test_of_several_formulas_the_last_that_no_other_uses_is_the_result(capsys):
    text = "u = x^2; z = 3u; y = u + 1; E = y; q = u - c; x = 2; c = 1"
    assert parse_formulas(text).result == "q"
    assert main(["explain", text, "--of", "z", "--json"]) == 0
    (x,) = json.loads(capsys.readouterr().out)["weights"]
    assert (x["name"], x["gradient"]) == ("x", 12)
    assert main(["explain", text, "--of", "Z"]) == 2
    assert "no formula is called 'Z': did you mean 'z'?" in capsys.readouterr().err
    assert main(["explain", "xor", "--of", "E"]) == 2


def test_a_corner_has_a_slope_and_a_remark():
    for text, slope, remark in (
        ("y = |x|; x = 0", 0, "has a corner where it is 0, so it has no derivative there: 0"),
        ("y = max(x, z); x = 1; z = 1", 1, "several values are the largest"),
        ("y = floor(x) x; x = 2", 2, "floor(x) jumps exactly here"),
        ("y = if(x > 0, x, 2x); x = 0", 2, "is exactly where its cases meet"),
    ):
        assert numbers(parse_formulas(text))[1]["x"] == slope
        assert remark in " ".join(str(gb.explain(text)).split())
    assert "corner" not in str(gb.explain("y = |x|; x = 1"))


def test_calls_of_calls_take_no_longer_than_the_values_that_they_make():
    calls = " + ".join(["f{0}(x)"] * 8)  # of calls of calls: 8^13 in all
    lines = ["f0(x) = x", *(f"f{k}(x) = ({calls.format(k - 1)})/8" for k in range(1, 14))]
    formulas = parse_formulas("; ".join([*lines, "y = f13(x)", "x = 1"]))
    assert numbers(formulas) == (1, {"x": 1})
