"""The page to play with in another browser: the way that most of its readers go through it."""

from __future__ import annotations

import pytest

from gradbook.net import parse
from gradbook.net.build import training_step
from gradbook.net.step import losses
from tests.agree.runs import reference_run
from tests.outside.firefox import firefox
from tests.outside.pages.play.drawing import NETS, weights
from tests.outside.pages.play.test_play_see import COLOURS
from tests.outside.pages.play.test_play_still import BOXES, CUT, scene

pytestmark = pytest.mark.witness("firefox")
CONTROL = "\ue009"
BOX = "document.querySelector('#text').value"
COUNT = "Number(document.querySelector('#epoch').textContent.replace(',', ''))"


@pytest.fixture(scope="module")
def fox():
    with firefox() as opened:
        yield opened


@pytest.fixture
def page(fox, pages):
    """The page of xor, from its file; it must not have complained in the end."""
    fox.said.clear()
    fox.show(pages / "xor.html")
    yield fox
    assert fox.said == []


def test_it_trains_to_the_numbers_of_the_command(page):
    wanted = reference_run(training_step(NETS["xor"]), 11)
    found = []
    for epoch in wanted:
        assert weights(page) == pytest.approx(epoch.weights, rel=1e-12)
        found.append(page.text("#loss"))
        page.click("#step")
    assert found == [f"{epoch.loss:.4f}" for epoch in wanted]
    page.click("#run")
    page.until(f"{COUNT} > 30")
    page.click("#run")
    epoch = page.value(COUNT) + 1
    fell = losses(training_step(NETS["xor"]), epoch)
    assert page.text("#loss") == f"{fell[-1]:.4f}"
    assert fell[-1] < fell[0]


def test_a_click_changes_the_network_and_undo_brings_it_back(page):
    before, text = weights(page), page.value(BOX)
    page.click('[data-key="more 0"]')
    assert parse(page.value(BOX)).layers[0].text == "dense 4"
    assert len(weights(page)) == 4 * 2 + 4 + 4 + 1
    page.value("document.querySelector('#undo').click()")
    assert (weights(page), page.value(BOX)) == (before, text)
    page.value("document.querySelector('#redo').click()")
    page.key(CONTROL, "z")
    assert (weights(page), page.value(BOX)) == (before, text)


def test_a_link_opens_where_it_was_copied(page):
    page.click('[data-key="more 0"]')
    for _ in range(5):
        page.click("#step")
    page.value("document.querySelector('[aria-controls=share]').click()")
    page.click("#share-moment")
    address = page.until("document.querySelector('#share-text').value")
    there = (weights(page), page.text("#loss"), page.value(BOX))
    page.ask("browsingContext.navigate", context=page.page, url="about:blank", wait="complete")
    page.show(address)
    page.until(f"{COUNT} === 5")
    assert (weights(page), page.text("#loss"), page.value(BOX)) == there


def test_it_looks_as_it_should(page):
    """Formulas are set as such, units have their pictures, nothing is wider than its window."""
    assert page.value("document.querySelectorAll('#chain math mfrac').length") > 2
    for width in (390, 1440):
        page.show(page.value("location.href"), width)
        page.click("#look-pictures")
        assert min(page.value(COLOURS)) > 1000
        assert page.value("document.documentElement.scrollWidth") <= width


def test_nothing_moves_while_it_trains_and_nothing_is_cut(fox, tmp_path):
    (tmp_path / "still.html").write_text(scene("quadrants"), encoding="utf-8")
    fox.said.clear()
    fox.show(tmp_path / "still.html", 1280, 800)
    before = fox.value(BOXES)
    assert len(before) > 40
    fox.value("document.querySelector('#pace').value = '50'")
    fox.click("#run")
    k = 0
    while fox.value(COUNT) < 200:
        k += 1
        fox.hover(200 + (37 * k) % 700, 120 + (53 * k) % 560)
        assert fox.value(BOXES) == before
    fox.click("#run")
    for width in (390, 1280, 1920):
        fox.show(tmp_path / "still.html", width)
        assert (width, fox.value(CUT)) == (width, [])
    assert fox.said == []
