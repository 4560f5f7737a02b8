"""Formulas that use a value more than once are worked through in time that grows with their lines.

Each line doubles what is read if anything follows every path instead of visiting each value once.
"""

from __future__ import annotations

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


def test_a_quiz_about_hundreds_of_values_is_refused(capsys, tmp_path):
    words = ["quiz", formulas("{a}*{a}", 120), "-o", str(tmp_path / "quiz.gift")]
    assert main(words) == 2
    assert "too many to be worked by hand (at most 100)" in capsys.readouterr().err
