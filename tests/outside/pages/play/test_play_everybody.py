"""Whatever is open on the page, in the colours of day and night: axe finds nothing to object to."""

from __future__ import annotations

import pytest

from tests.outside.pages.drawn import choose
from tests.outside.pages.play.drawing import choose as chosen

pytestmark = pytest.mark.witness("axe", "chromium")
FIRST = "document.querySelector('.net [data-line]')"
SYMBOL = "document.querySelector('#chain mrow[data-line]')"


def typed_wrong(page):
    page.write("#text", "input 2\nnonsense")


def pointed(page):
    page.press('[aria-controls="chain-rule"]')
    page.value(f"{SYMBOL}.dispatchEvent(new PointerEvent('pointerover', {{bubbles: true}}))")
    page.until("!document.querySelector('#tip').hidden")


def embedded(page):
    page.value("void (location.hash = 'embed')")


def passing(page):
    for _ in range(3):
        page.press("#wave-next")


def running(page):
    page.press("#run")
    page.until("Number(document.querySelector('#epoch').textContent.replace(',', '')) > 3")
    page.press("#run")


STATES = {
    "as it is": lambda page: None,
    "the tour": lambda page: page.press("#tour"),
    "a question": lambda page: page.press("#questions"),
    "a link": lambda page: page.press("#share-link"),
    "samples": lambda page: page.press('[aria-controls="samples-table"]'),
    "rates": lambda page: page.press('[aria-controls="rates"]'),
    "a phone's tabs": lambda page: page.press('[aria-controls="more"]'),
    "batches": lambda page: page.write("#batch", "7"),
    "a layer that is refused": lambda page: chosen(page, "add", "conv"),
    "a text astray": typed_wrong,
    "what a symbol means": pointed,
    "a value that is chosen": lambda page: page.value(f"{FIRST}.focus()"),
    "a pass": passing,
    "trained": running,
    "what is held out": lambda page: choose(page, "#data-test", "0.5"),
    "in a frame": embedded,
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize(("scheme", "width"), [("dark", 1440), ("light", 390), ("dark", 390)])
def test_whatever_is_open_is_there_for_everybody(state, scheme, width, shown):
    shown("worked")  # so that what was opened before is gone
    page = shown("play", width, prefers_color_scheme=scheme)
    STATES[state](page)
    page.settle()
    assert page.objections() == []
