"""A sweep in another language: verdicts, reasons, findings and charts to the last word."""

from __future__ import annotations

import json
import re

import pytest

import gradbook as gb
from gradbook.net import Net, parse
from gradbook.rates.criteria import Verdict
from gradbook.rates.sweep import Sweep, sweep
from gradbook.report.markup import report_page
from gradbook.report.media import json_of, markdown
from gradbook.report.sweep import sweep_report, sweep_svg
from gradbook.report.terminal import report_text
from tests.pseudo import PLAIN_WORD, plain_words, pseudo_language, spelled
from tests.report.test_languages import INVISIBLE, seen

RATES = (-1, 0, 0.01, 0.5, 1, 2, 5, 10, 30, 100, 1000, 1e4, 1e200)
EPOCHS = 40
NETWORKS = {
    "worked": gb.builtin("worked"),
    "xor": gb.builtin("xor"),
    "dead": parse("input 2; dense 2; relu; dense 1; biases -5 -5 0; sample 1 1 -> 1"),
    "known": parse("input 1; dense 1 no bias; weights 1; sample 1 -> 1"),
    "made up": parse("input 2; dense 3; relu; dense 2; softmax"),
}


@pytest.fixture(scope="module", params=NETWORKS)
def found(request) -> Sweep:
    return sweep(NETWORKS[request.param], RATES, EPOCHS)


def known(net: Net) -> set[str]:
    typed = {"NUMBER", "sample", "gradbook", "sweep", "NaN"}
    return {*typed, *PLAIN_WORD.findall(f"{net} {net.name}")}


def shown_by_scripts(page: str) -> str:
    """The words in a page's data, without their keys."""
    (content,) = re.findall(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)
    data = json.loads(content)
    curves = [curve for chart in data["charts"] for curve in chart]
    own = [f"{one['title']} {one['measure']} {' '.join(one['words'])}" for one in curves]
    return " ".join([data["at"].replace("{epoch}", ""), *own])


def test_every_medium_is_translated(found):
    with pseudo_language():
        report = sweep_report(found, "gradbook sweep")
        page = report_page(report)
        texts = [report_text(report), markdown(report), seen(page), shown_by_scripts(page)]
        picture = sweep_svg(found)
    drawn = " ".join(re.findall(r">([^<>]+)<", INVISIBLE.sub("", picture)))
    for said in (*texts, drawn):
        assert plain_words(said, *known(found.net)) == []
    assert "v-good" in page or "v-stuck" in page
    assert spelled("Verdicts") in page


def test_numbers_have_the_language_s_sign(found):
    with pseudo_language():
        said = " ".join(one.reason for one in found.outcomes) + found.finding
    assert not re.search(r"\b0\.[0-9]", said)


def test_a_reason_is_said_in_the_language_of_whoever_asks(found):
    english = [one.reason for one in found.outcomes]
    with pseudo_language():
        translated = [one.reason for one in found.outcomes]
    assert all(one != other for one, other in zip(english, translated, strict=True))
    assert [one.reason for one in found.outcomes] == english


def test_for_programs_it_stays_english(found):
    english = json_of(sweep_report(found))
    with pseudo_language():
        assert json_of(sweep_report(found)) == english
    assert json.loads(english)["rates"][0]["verdict"] in set(Verdict)
