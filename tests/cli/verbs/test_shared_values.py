"""Formulas that use a value more than once are worked through in time that grows with their lines.

Each line doubles what is read if anything follows every path instead of visiting each value once.
"""

from __future__ import annotations

import json
import signal
import sys
from contextlib import contextmanager

import pytest

from gradbook.cli.main import main
from tests.cases import for_each

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a timer of the processor's time")
LINES, SECONDS = 40, 10
FORMS = {
    "a product with itself": "{a}*{a}",
    "a sum with itself": "{a}+{a}",
    "the larger one": "max({a}, {a}*{a})",
    "a function of itself": "tanh({a})*{a}",
    "an absolute value": "abs({a}) + {a}",
    "of two lines": "{a}*{b}",
    "a quotient": "{a}/(1 + {a}*{a})",
    "an activation": "gelu({a})*{a}",
    "a power": "{a}^2 - {a}",
    "a sum of two weighed lines": "w*{a} + x*{b}",
}


def formulas(form: str, lines: int) -> str:
    names = [f"a{max(0, k)}" for k in range(-1, lines + 1)]
    chain = [
        f"{name} = {form.format(a=names[k + 1], b=names[k])}" for k, name in enumerate(names[2:])
    ]
    return "; ".join(["a0 = w*x", *chain, f"E = ({names[-1]} - t)^2; w = 0.9; x = 1; t = 0.5"])


@contextmanager
def in_little_time():
    def late(number, frame):
        raise TimeoutError(f"more than {SECONDS} s")

    before = signal.signal(signal.SIGVTALRM, late)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@for_each("form", ["a product with itself", "of two lines"])
def test_a_derivation_visits_each_value_once(form, tmp_path):
    with in_little_time():
        assert main(["explain", formulas(FORMS[form], 24), "-o", str(tmp_path / "e.txt")]) == 0


@for_each("form", FORMS)
def test_each_target_visits_each_value_once(form, tmp_path):
    net = formulas(FORMS[form], LINES)
    for verb, out in (("explain", "e.html"), ("explain", "e.tex"), ("sheet", "s.xlsx")):
        with in_little_time():
            assert main([verb, net, "-o", str(tmp_path / out)]) == 0
    with in_little_time():
        assert main(["play", net, "-o", str(tmp_path / "p.html")]) in (0, 2)


@for_each("form", FORMS)
def test_a_record_is_as_long_as_its_formulas(form, capsys):
    sizes = []
    for lines in (20, 40):
        with in_little_time():
            assert main(["explain", formulas(FORMS[form], lines), "--json"]) == 0
        sizes.append(len(capsys.readouterr().out))
    assert sizes[1] < 5 * sizes[0]


IN_THEMSELVES = {  # by how often: written out, the first would have 3^20 x
    "an activation": ("gelu({a})", 20),
    "another activation": ("mish({a})", 20),
    "a function times a number": ("tanh({a})*x", 20),
    "a sum with itself": ("s({a})", 20),
    "a quotient": ("x/({a} + 2)", 20),
    "a function of the text": ("f({a})", 20),
    "a power": ("({a})^2 - x", 15),
    "a power of itself": ("p({a})", 12),
    "conditions": ("g({a})", 20),
    "the larger one": ("max({a}, 1 - x)*x", 15),
    "an inverse": ("asinh({a})", 20),
}
FUNCTIONS = "f(y) = y*y - y/2; g(y) = if(y > 0.2, y, y*y); p(y) = y^y; s(y) = y + y; x = 0.4"


def nested(form: str, times: int) -> str:
    """The form in itself, in one formula."""
    whole = "x"
    for _ in range(times):
        whole = form.format(a=whole)
    return f"E = {whole}; {FUNCTIONS}"


def line_by_line(form: str, times: int) -> str:
    lines = [f"a{k} = {form.format(a=f'a{k - 1}' if k > 1 else 'x')}" for k in range(1, times)]
    return "; ".join([*lines, f"E = {form.format(a=f'a{times - 1}')}; {FUNCTIONS}"])


def derived(text: str, capsys: pytest.CaptureFixture[str]) -> tuple[float, ...]:
    assert main(["explain", text, "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    (weight,) = record["weights"]
    return record["error"], weight["gradient"]


@for_each(("form", "times"), list(IN_THEMSELVES.values()), ids=list(IN_THEMSELVES))
def test_a_function_in_itself_is_derived_as_if_each_had_a_line(form, times, capsys):
    with in_little_time():
        exact = pytest.approx(derived(line_by_line(form, times), capsys), rel=1e-12)
        assert derived(nested(form, times), capsys) == exact


@for_each(("form", "times"), list(IN_THEMSELVES.values())[::3])
def test_each_target_writes_a_function_in_itself(form, times, tmp_path):
    for verb, out in (
        *(("explain", f"e.{ending}") for ending in ("txt", "html", "tex")),
        *(("sheet", "s.xlsx"), ("play", "p.html"), ("quiz", "q.gift")),
    ):
        with in_little_time():
            assert main([verb, nested(form, times), "-o", str(tmp_path / out)]) == 0


def test_what_is_named_has_no_name_of_the_text(capsys):
    text = nested("gelu({a})", 6).replace("x", "u1")
    assert main(["explain", text]) == 0
    printed = capsys.readouterr().out
    assert "v1 = 0.5·u1·(1" in printed
    assert "E = 0.5·v5·(1" in printed


@for_each("text", ["E = tanh(tanh(tanh(x)*x)*x)*x", "E = silu(silu(x))", "E = (w*x + b - t)^2"])
def test_what_can_be_read_as_it_is_gets_no_more_names(text, capsys):
    assert main(["explain", text, "--json"]) == 0
    assert [it["name"] for it in json.loads(capsys.readouterr().out)["forward"]] == ["E"]


def test_a_long_sum_stays_one_formula(capsys):
    text = "E = " + " + ".join(f"w{k}*tanh(x{k})" for k in range(1, 100))
    assert main(["explain", text, "--json"]) == 0
    assert [it["name"] for it in json.loads(capsys.readouterr().out)["forward"]] == ["E"]


def test_a_quiz_about_hundreds_of_values_is_refused(capsys, tmp_path):
    words = ["quiz", formulas("{a}*{a}", 120), "-o", str(tmp_path / "quiz.gift")]
    assert main(words) == 2
    assert "too many to be worked by hand (at most 100)" in capsys.readouterr().err
