"""Pages at work in another language: nothing that their scripts say stays English."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import gradbook as gb
from gradbook.builtin_networks import LESSONS
from gradbook.cli.verbs.browser import picture_page, picture_reader
from gradbook.lab.texts import usual_lines
from gradbook.layers import ACTIVATIONS, LOSSES, UPDATES
from gradbook.net.text import known_words
from gradbook.report.letters_page import letters_page
from gradbook.report.play_page import play_page
from gradbook.teaching.classes.folder import open_class
from tests.outside.pages.drawn import READY, aim, choose, until
from tests.pseudo import plain_words, pseudo_language, spelled
from tests.serve.books import a_class, laid_out
from tests.teaching.classes.made import solved, without

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
    page = shown(html, "!document.querySelector('#go').disabled")
    page.value("document.querySelector('#pace').value = '100000'")
    page.press("#go")
    page.until("Number(document.querySelector('#done').textContent.replace(/\\D/g, '')) > 150")
    assert english(page, "microgpt") == []
    page.write("#begun", "m1")
    assert spelled("is in none of the lines") in page.text("#begun-said")


PLAYED = ["worked", "xor", "strokes", "attention-by-hand", "echo"]
NAMES = ("query", "key", "value", "score", "share", "mixed", "output", "recurrent")  # within names
TOTAL = ("total", "sample", "xor", "sin", "CSV", "txt", "net", "gradbook")
IS_JUDGED = "document.querySelector('#limit').textContent"


@pytest.mark.parametrize("name", PLAYED)
def test_a_page_to_play_with_says_nothing_in_english(name, shown):
    net = gb.builtin(name)
    play_page(net)  # what is remembered of an English page stays out of others
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


SERVER = """
import sys
from pathlib import Path
from threading import Thread

from gradbook.serve.server import serving
from gradbook.serve.site import opened_site
from tests.pseudo import pseudo_language

with pseudo_language(), opened_site(1, Path(sys.argv[1])) as site, serving(site) as on:
    at_work = Thread(target=on.serve)
    at_work.start()
    print(on.address, flush=True)
    sys.stdin.read()
    on.is_closing = True
    at_work.join()
"""
ROOT = Path(__file__).parents[3]


@pytest.fixture
def spoken(tmp_path):
    """A server in a process without other threads, so that its helpers are copies that know the
    language as well, and its class's folder."""
    folder = tmp_path / "teacher"
    words = [sys.executable, "-c", SERVER, str(folder)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with pseudo_language(), subprocess.Popen(words, cwd=ROOT, text=True, **pipes) as at_work:
        yield at_work.stdout.readline().strip(), folder
        at_work.stdin.close()
        at_work.wait(60)


FILES = {"explain": "derivation.tex", "sheet": "net.xlsx", "sweep": "sweep.svg"}
ENDINGS = ("html", "csv", "tex", "txt", "json", "svg", "xls", "xlsx")
OWN = (
    "gradbook",
    "books",
    "worksheets",
    "sheet",
    "xml",
    "class",
    "grades",
    "derivation",
    "sweep",
    *ENDINGS,
)
ROOM_SAID = "document.querySelector('#room-said').textContent"


def test_the_served_page_says_nothing_in_english(spoken, chromium, tmp_path):
    address, folder = spoken
    books, students = a_class(), ("Ada Lovelace", "Alan Turing")
    typed = " ".join((str(folder), *students, *LESSONS, *(name for name, _ in books)))
    own = (*words_of(gb.builtin("worked"), *TOTAL, *OWN), *plain_words(typed))
    chromium.said.clear()
    chromium.show(address)
    chromium.until("!document.querySelector('#begin').hidden")
    assert english(chromium, *own) == []
    chromium.write("#room-names", "\n".join(students))
    chromium.press("#begin button")
    chromium.until("document.querySelectorAll('table.room tbody tr').length")
    assert english(chromium, *own) == []
    ada = solved(open_class(folder), students[0], tmp_path / "Ada-Lovelace.xlsx", without())
    chromium.choose("#room-files", ada)
    chromium.until(f"{ROOM_SAID}.startsWith('1 ')")
    chromium.press("#room-mark")
    chromium.until("document.querySelector('table.room tbody tr').cells[3].textContent")
    assert english(chromium, *own) == []

    laid_out(tmp_path / "books", books)
    chromium.drop("#drop", tmp_path / "books")
    chromium.until("document.querySelector('#common').children.length")
    assert english(chromium, *own) == []
    for k in range(len(books)):
        chromium.value(f"document.querySelectorAll('table.books tbody .name')[{k}].click()")
        chromium.until("document.querySelector('#book').open")
        assert english(chromium, *own) == []
        chromium.press("#close")

    for verb, file in FILES.items():
        chromium.press(f"[value={verb}]")
        chromium.until(f"document.querySelector('#result-files').textContent.includes({file!r})")
        assert english(chromium, *own) == [], verb
    assert chromium.said == []
