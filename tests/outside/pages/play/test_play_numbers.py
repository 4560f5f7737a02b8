"""Numbers are typed and shown in the reader's way, and one reader takes them all."""

from __future__ import annotations

import re

import pytest

from gradbook.language import LANGUAGES, in_language
from gradbook.net import builtin, parse
from gradbook.report.play_page import play_page
from tests.cases import for_each
from tests.outside.pages.play.drawing import CAUGHT

pytestmark = pytest.mark.witness("chromium")
SEEN = """[...document.querySelectorAll("body, body *")].filter(it => it.checkVisibility()).flatMap(
  it => [...it.childNodes].filter(text => text.nodeType === 3).map(text => text.data)
    .concat(it.matches("input:not([type=radio], [type=range])") ? [it.value] : []))"""
FIELD = "#own-sample input"


def network(page):
    return parse(page.value(CAUGHT))


def type_over(page, selector, text):
    page.write(selector, text)
    page.value("document.activeElement.blur()")
    page.settle()


@for_each("language", LANGUAGES)
def test_numbers_are_read_and_written_in_every_language(language, chromium, tmp_path):
    with in_language(language):
        (tmp_path / "page.html").write_text(play_page(builtin("worked")), encoding="utf-8")
    chromium.show(tmp_path / "page.html", 1280, 800)
    for text, value in {"1,5": 1.5, "−3,5": -3.5, "0.25": 0.25, "-2": -2}.items():
        type_over(chromium, FIELD, text)
        assert network(chromium).samples[0].inputs[0] == value
    before = chromium.value(f"document.querySelector('{FIELD}').value")
    type_over(chromium, FIELD, "abc")
    assert chromium.value(f"document.querySelector('{FIELD}').value") == before
    assert "abc" in chromium.text("#said")
    type_over(chromium, "#rate-field", "0,75")
    assert network(chromium).rate == 0.75
    type_over(chromium, "#rate-field", "-2")
    assert network(chromium).rate == 0.75
    assert "-2" in chromium.text("#said")
    sign = chromium.value("document.documentElement.dataset.decimal") or "."
    other = re.compile(r"\d\.\d" if sign == "," else r"\d,\d\b(?!\d\d)")
    assert [text for text in chromium.value(SEEN) if other.search(text)] == []


def test_arrows_change_the_last_digit(chromium, tmp_path):
    (tmp_path / "page.html").write_text(play_page(builtin("worked")), encoding="utf-8")
    chromium.show(tmp_path / "page.html", 1280, 800)
    chromium.value(f"document.querySelector('{FIELD}').focus()")
    chromium.key("ArrowUp")
    chromium.key("ArrowUp")
    chromium.key("ArrowDown", shift=True)
    assert network(chromium).samples[0].inputs[0] == pytest.approx(0.05 + 0.02 - 0.1)
