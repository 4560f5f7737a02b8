from __future__ import annotations

import re

import pytest

from gradbook.rates.criteria import MEANINGS
from gradbook.report.media import write
from gradbook.report.sweep import sweep_report
from tests.outside.witness import console_messages, dom, page_text


def test_the_page_says_everything_without_its_script(worked):
    page = write(sweep_report(worked, "gradbook sweep worked -o a.html"), "html")
    for outcome in worked.outcomes:
        assert outcome.reason.replace("<", "&lt;") in page
    for verdict, meaning in MEANINGS.items():
        assert f">{verdict}</span></dt><dd>{meaning.replace(chr(39), '&#x27;')}" in page
    assert worked.limit.words(70) in page
    assert "<code>gradbook sweep worked -o a.html</code>" in page


def test_the_page_asks_nobody_for_anything(worked):
    page = re.sub(r'xmlns="[^"]*"', "", write(sweep_report(worked), "html"))
    assert not re.search(r"https?://|src=|@import|url\(", page)


def test_words_from_outside_do_no_harm(wild):
    page = write(sweep_report(wild), "html")
    assert "<b>" not in re.sub("<b>[^<]*</b></button>", "", page)
    assert page.count("</script>") == 2


@pytest.fixture(scope="module")
def page_file(worked, tmp_path_factory):
    file = tmp_path_factory.mktemp("page") / "worked.html"
    file.write_text(write(sweep_report(worked), "html"), encoding="utf-8")
    return file


def acted_on(file, script):
    """The page's DOM after this script; the page allows none but its own, so it is told to."""
    page = re.sub(r"<meta http-equiv=.Content-Security-Policy.[^>]*>", "", file.read_text("utf-8"))
    acted = file.with_name("acted.html")
    acted.write_text(page.replace("</body>", f"<script>{script}</script></body>"), "utf-8")
    return dom(acted)


POINT = """
const plot = document.querySelectorAll(".gb-chart")[WHICH], box = plot.getBoundingClientRect();
const at = {clientX: box.left + ACROSS * box.width, clientY: box.top + DOWN * box.height};
plot.dispatchEvent(new PointerEvent("pointermove", at));
"""


@pytest.mark.witness("chromium")
def test_the_page_runs_without_a_complaint(page_file):
    assert console_messages(page_file) == []
    assert "Rates up to about 730 train for 70 epochs" in page_text(page_file)


@pytest.mark.witness("chromium")
def test_pointing_at_a_curve_tells_rate_epoch_and_loss(page_file, worked):
    script = POINT.replace("WHICH", "0").replace("ACROSS", "0.999").replace("DOWN", "0.86")
    shown = acted_on(page_file, script)
    tip = re.search(r'<div class="tip" role="status"[^>]*>(.*?)</div>', shown)[1]
    said = re.sub("<[^>]*>", " ", tip).split()
    assert said == ["rate", "2", "epoch", "70", "loss", "1.6018e-06"]
    assert len(re.findall(r'class="curve c2 lit"', shown)) == 1
    assert shown.count('<line class="hair shown"') == 2


@pytest.mark.witness("chromium")
def test_nothing_is_told_before_anything_is_pointed_at(page_file):
    assert dom(page_file).count('role="status" hidden=""') == 1


@pytest.mark.witness("chromium")
def test_a_click_on_its_name_puts_a_curve_away_and_brings_it_back(page_file):
    click = "document.querySelectorAll('.readings button')[1].click();"
    once, twice = acted_on(page_file, click), acted_on(page_file, click * 2)
    assert len(re.findall(r'class="curve c1 off"', once)) == 1
    assert once.count('aria-pressed="false"') == 1
    assert not re.findall(r'class="curve c\d off', twice)
    assert 'aria-pressed="false"' not in twice


@pytest.mark.witness("chromium")
def test_curves_can_be_walked_along_by_key(page_file):
    script = """const plot = document.querySelector(".charts");
    plot.focus();
    for (const key of ["Home", "ArrowRight", "ArrowRight", "ArrowDown"])
      plot.dispatchEvent(new KeyboardEvent("keydown", {key}));"""
    shown = acted_on(page_file, script)
    assert re.search(r"rate 0\.5<small>epoch 3</small>", shown)
    assert shown.count('<p class="at">epoch 3</p>') == 2


@pytest.mark.witness("chromium")
def test_losses_that_are_no_numbers_can_be_pointed_past(wild, tmp_path):
    file = tmp_path / "wild.html"
    file.write_text(write(sweep_report(wild), "html"), encoding="utf-8")
    script = POINT.replace("WHICH", "1").replace("ACROSS", "0.9").replace("DOWN", "0.5")
    assert not re.search(r'="[^"]*NaN', acted_on(file, script))  # no place is
    assert console_messages(file) == []
