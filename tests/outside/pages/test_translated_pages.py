"""Pages at work in another language: nothing that their scripts say stays English."""

from __future__ import annotations

import re

import pytest

import gradbook as gb
from gradbook.cli.verbs.browser import picture_page, picture_reader
from gradbook.lab.texts import usual_lines
from gradbook.layers import ACTIVATIONS, LOSSES, UPDATES
from gradbook.net.text import known_words
from gradbook.report.letters_page import letters_page
from gradbook.report.play_page import play_page
from tests.outside.pages.drawn import READY, aim, choose, until
from tests.pseudo import plain_words, pseudo_language, spelled

pytestmark = pytest.mark.witness("chromium")
TYPED = "code, pre, textarea, script, style, .lines, .class"  # written, or of classes
SEEN = """(typed => {
  const found = []
  const nodes = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT)
  while (nodes.nextNode()) {
    const holder = nodes.currentNode.parentElement
    if (!holder.closest(typed)) found.push(nodes.currentNode.data)
  }
  for (const name of ["aria-label", "title", "placeholder", "alt"])
    for (const one of document.querySelectorAll(`[${name}]`)) found.push(one.getAttribute(name))
  return found
})"""
NUMBER = re.compile(r"\d\.(?!\d{3}(?!\d))\d")  # but for thousands, which have the other sign


def english(page, *names):
    """What has words in plain letters, or numbers with a point."""
    seen = page.value(f"{SEEN}({TYPED!r})")
    return sorted({text for text in seen if plain_words(text, *names) or NUMBER.search(text)})


def words_of(net, *others):
    """What is typed, and the same in every language."""
    typed = " ".join((*known_words(), *ACTIVATIONS, *LOSSES, *UPDATES, "multiply back", str(net)))
    return (net.name, *re.findall("[A-Za-z]+", typed), *others)


@pytest.fixture
def shown(chromium, tmp_path):
    """`shown(page)`: a page's text, in the browser; it must not have complained in the end."""

    def show(page, is_ready):
        place = tmp_path / "page.html"
        place.write_text(page, encoding="utf-8")
        chromium.show(place)
        until(chromium, is_ready)
        return chromium

    chromium.said.clear()
    yield show
    assert chromium.said == []


@pytest.mark.witness("zig")
def test_a_page_to_draw_on_says_nothing_in_english(shown):
    reader = picture_reader("tiny", None)
    with pseudo_language():
        page = shown(picture_page(reader, 500, ""), READY)
    own = words_of(reader.model.net, "CSV", "txt", "recipe")
    until(page, "document.querySelector('#answer b')")
    assert english(page, *own) == []
    for layer in page.value("[...document.querySelectorAll('.picker option')].map(e => e.value)"):
        choose(page, ".picker select", layer)
        assert english(page, *own) == [], layer
    aim(page, 3)
    page.click("#paint-slopes")
    for layer in page.value("[...document.querySelectorAll('.picker option')].map(e => e.value)"):
        choose(page, ".picker select", layer)
        assert english(page, *own) == [], layer
    page.press("#teach-add")
    page.press("#go")
    until(page, "document.querySelectorAll('#misread li').length")
    assert english(page, *own) == []


def test_a_page_that_writes_says_nothing_in_english(shown):
    with pseudo_language():
        html = letters_page(gb.builtin("microgpt"), usual_lines())
    page = shown(html, "!document.querySelector('#run').disabled")
    page.value("document.querySelector('#pace').value = '100000'")
    page.press("#run")
    page.until("Number(document.querySelector('#done').textContent.replace(/\\D/g, '')) > 150")
    assert english(page, "microgpt") == []
    page.value("document.querySelector('#begun').value = 'm1'")
    page.value("document.querySelector('#begun').dispatchEvent(new Event('input'))")
    assert spelled("is in none of the lines") in page.text("#begun-said")


PLAYED = ["worked", "xor", "strokes", "attention-by-hand", "echo"]
NAMES = ("query", "key", "value", "score", "share", "mixed", "output", "recurrent")  # within names
TOTAL = ("total", "sample", "xor", "sin", "CSV", "txt", "net")
IS_JUDGED = "document.querySelector('#limit').textContent"


@pytest.mark.parametrize("name", PLAYED)
def test_a_page_to_play_with_says_nothing_in_english(name, shown):
    net = gb.builtin(name)
    with pseudo_language():
        page = shown(play_page(net), IS_JUDGED)
    own = words_of(net, *NAMES, *TOTAL)
    assert english(page, *own) == []
    for line in range(page.value("document.querySelectorAll('#drawing [data-line]').length")):
        page.value(
            f"document.querySelectorAll('#drawing [data-line]')[{line}].dispatchEvent("
            "new MouseEvent('click', {bubbles: true}))"
        )
        assert english(page, *own) == []
    page.click("#step")
    page.until(IS_JUDGED)
    assert english(page, *own) == []
