"""The page that learns lines: it trains as the command does, and writes by temperature and seed."""

from __future__ import annotations

import numpy as np
import pytest

from gradbook.engine.engines import open_faster
from gradbook.lab.texts import LineProblem, LineWriter, arrays, learning_order, usual_lines
from gradbook.lab.training.train import train
from gradbook.net import builtin
from gradbook.report.letters_page import letters_page
from tests.cases import for_each
from tests.outside.pages.play.drawing import number

pytestmark = pytest.mark.witness("chromium")
OVER = "document.querySelector('#run').textContent === 'Train again'"
READY = "!document.querySelector('#run').disabled"
ROWS = """[...document.querySelectorAll('#written li')].map(row => [
  Number(row.dataset.done), row.querySelector('.remark').textContent,
  ...[...row.querySelectorAll('.lines span')].map(it => it.textContent)])"""
BARS = (
    "[...document.querySelectorAll('#bars li')].map(it => [...it.children].map(e => e.textContent))"
)
SET = """((id, value) => {
  const field = document.querySelector(`#${id}`)
  field.value = value
  for (const kind of ["input", "change"]) field.dispatchEvent(new Event(kind, {bubbles: true}))
})"""


@pytest.fixture(scope="module")
def page_of_names(tmp_path_factory):
    path = tmp_path_factory.mktemp("letters") / "microgpt.html"
    path.write_text(letters_page(builtin("microgpt"), usual_lines()), encoding="utf-8")
    return path


@pytest.fixture
def opened(chromium, page_of_names):
    """The page, freshly loaded; it must not have complained in the end."""
    chromium.said.clear()
    chromium.show(page_of_names, 1200)
    chromium.until(READY)
    yield chromium
    assert chromium.said == []
    assert chromium.text("#problem") == ""


def trained(page, pace="100000"):
    page.value(f"{SET}('pace', '{pace}')")
    page.press("#run")
    page.until(OVER)


def test_it_is_small_enough_to_be_mailed_and_asks_nobody(page_of_names):
    html = page_of_names.read_text(encoding="utf-8")
    assert len(html.encode()) < 150_000
    assert "default-src 'none'" in html


@for_each("width", [390, 1280])
def test_nothing_is_wider_than_the_window(width, chromium, page_of_names):
    chromium.show(page_of_names, width)
    chromium.until(READY)
    assert chromium.value("document.documentElement.scrollWidth") == width


def test_before_training_it_says_what_the_command_says(opened):
    writer = LineWriter(usual_lines(), open_faster(builtin("microgpt"), 1, 1000, 1))
    held_out, _ = learning_order(writer.lines)
    assert number(opened.text("#tested")) == pytest.approx(writer.loss(held_out), abs=2e-3)
    given, _ = arrays(["ma"], writer.lines, writer.context)
    shares = writer.engine.predict(given).reshape(writer.context, -1)[2] * 100
    order = np.argsort(-shares, kind="stable")[:8]
    letters = ["the end", *writer.lines.alphabet]
    said = opened.value(BARS)
    assert [letter for letter, *_ in said] == [letters[token] for token in order]
    shown = [float(share.removesuffix(" %")) for *_, share in said]
    assert shown == pytest.approx([shares[token] for token in order], abs=0.06)


def test_it_learns_as_the_command_does_and_writes_as_it_learns(opened):
    trained(opened)
    problem = LineProblem(usual_lines(), 1000)
    command = train(problem.recipe(builtin("microgpt")), data=problem)
    assert opened.text("#done") == "1,000"
    assert number(opened.text("#tested")) == pytest.approx(command.test.score, abs=0.01)
    rows = opened.value(ROWS)
    assert [done for done, *_ in rows] == list(range(1000, -1, -100))
    assert rows[0][1] == "after 1,000 lines, temperature 0.5, seed 0"
    learned, untrained = (" ".join(rows[k][2:]) for k in (0, -1))
    assert len(rows[0]) == 2 + 8
    vowels = [sum(map(text.count, "aeiou")) / len(text) for text in (learned, untrained)]
    assert vowels[0] > 0.3 > vowels[1]


def test_temperature_and_seed_say_what_is_written(opened):
    trained(opened)
    first = opened.value(ROWS)[0][2:]
    opened.value(f"{SET}('seed', '7')")
    other = opened.value(ROWS)[0]
    assert other[1].endswith("seed 7")
    assert other[2:] != first
    opened.value(f"{SET}('seed', '0')")
    assert opened.value(ROWS)[0][2:] == first
    opened.value(f"{SET}('temperature', '0')")
    assert len(set(opened.value(ROWS)[0][2:])) == 1
    assert len(opened.value(ROWS)) == 11


def test_a_training_pauses_goes_on_and_starts_over(opened):
    opened.press("#run")
    opened.until("Number(document.querySelector('#done').textContent) > 20")
    opened.press("#run")
    assert opened.text("#run") == "Continue"
    done = opened.text("#done")
    opened.settle()
    assert opened.text("#done") == done
    start = opened.value(ROWS)[-1]
    opened.press("#reset")
    assert opened.value(ROWS) == [start]
    assert (opened.text("#done"), opened.text("#run")) == ("0", "Train")


@pytest.mark.parametrize(
    ("begun", "said"),
    [("né", "‘é’ is in none of the lines"), ("a" * 16, "it sees at most 15 letters"), ("", "")],
)
def test_a_line_that_can_not_go_on_is_told_in_a_line(begun, said, opened):
    opened.value(f"{SET}('begun', '{begun}')")
    assert opened.text("#begun-said") == said
    assert len(opened.value(BARS)) == (0 if said else 8)


@pytest.mark.witness("axe")
def test_everybody_can_use_it(opened):
    assert opened.objections() == []
