"""Whatever is pressed on a page of formulas, of digits or of letters, its numbers are true."""

from __future__ import annotations

import re
from functools import cache, partial

import numpy as np
import pytest

from gradbook.cli.main import main
from gradbook.engine.engines import open_faster
from gradbook.lab.models.model import load_shipped
from gradbook.lab.texts import LineWriter, arrays, learning_order, usual_lines
from gradbook.net import builtin
from gradbook.net.formulas import parse_formulas
from gradbook.net.lower import formula_step
from gradbook.net.step import run
from tests.outside.pages.play.test_play_walk import half_a_digit, number
from tests.outside.pages.walking import walk

pytestmark = pytest.mark.witness("chromium")


def page_of(what, tmp_path):
    file = tmp_path / "page.html"
    assert main(["play", what, "-o", str(file)]) == 0
    return file


def paused(page, button, condition):
    """What runs is stopped, so that numbers read one after another are of one moment."""
    if page.value(condition):
        page.press(button)
    page.settle()


# Formulas ---------------------------------------------------------------------

PRICES = (
    "d = exp(-k*n); p = v*d; m = max(p - f, 0.1*v); s = sqrt(m^2 + 1); E = (s - t)^2/2; "
    "k = 0.11; f = 3.5; n = 2, 5, 0.5; v = 9, 4, 12; t = 5, 3, 7; sample n v t; rate 0.02"
)
NUMBERS = re.compile(r"[-+.\de, ]+")
GRAPH = """[document.querySelector("#lines").textContent,
  document.querySelector("#whose-mean").checked ? 0 :
    Number(document.querySelector("#whose-sample + span").textContent.replace(/\\D/g, "")),
  document.querySelector("#loss").textContent,
  [...document.querySelectorAll(".net .unit")].map(unit => [
    unit.getAttribute("aria-label").split(" ")[0],
    ...["number", "slope"].map(kind => unit.querySelector("." + kind).textContent)])]"""
RUNS = "document.querySelector('#run').getAttribute('aria-pressed') === 'true'"


def check_graph(page):
    """Values and slopes as Python has them for the formulas that the page says."""
    paused(page, "#run", RUNS)
    text, sample, loss, shown = page.value(GRAPH)
    known = expected(text, None if sample == 0 else sample - 1)
    assert near(loss, known["E_total"][0]), text
    for name, *said in shown:
        for words, exact in zip(said, known.get(name, ()), strict=False):
            assert near(words, exact), (name, words, exact, sample, text)


def expected(text, sample):
    """Each value and its slope: the means over all samples, or over one of them alone."""
    total = values_of(text)["E_total"]
    if sample is not None:
        text = re.sub(r"(?<= = ).*,.*$", partial(twice, sample), text, flags=re.M)
    found = {
        name: (np.mean(value), np.sum(slope)) for name, (value, slope) in values_of(text).items()
    }
    return found | {"E_total": total}


def twice(sample, numbers):
    """One of several numbers, again in a list, so that it stays a number of samples."""
    if not NUMBERS.fullmatch(numbers[0]):
        return numbers[0]
    own = numbers[0].split(",")[sample]
    return f"{own}, {own}"


def values_of(text):
    step = formula_step(parse_formulas(text), every_operation=True)
    named = {str(it.name): it for it in step.adjoints if it.name}
    (values,) = run(step, 1, watch=[step.adjoints[it] for it in named.values()])
    return {name: (values[it], values[step.adjoints[it]]) for name, it in named.items()}


def near(words, exact):
    shown = number(words.removeprefix("∂ "))
    if not (np.isfinite(shown) and np.isfinite(exact)):
        return not np.isfinite(shown) and not np.isfinite(exact)
    return abs(shown - exact) <= 1.01 * half_a_digit(words.removeprefix("∂ ")) + 1e-9 * abs(exact)


def test_whatever_is_pressed_each_value_and_slope_of_formulas_is_python_s(chromium, tmp_path):
    walk(chromium, page_of(PRICES, tmp_path), check_graph)


# Digits -----------------------------------------------------------------------

READ = """(() => {
  const seen = document.createElement("canvas")
  const brush = seen.getContext("2d", {willReadFrequently: true})
  const {width, height} = document.querySelector("#seen")
  Object.assign(seen, {width, height})
  brush.drawImage(document.querySelector("#seen"), 0, 0)
  const text = selector => document.querySelector(selector)?.textContent ?? ""
  const target = document.querySelector("#target")
  return {
    image: [...brush.getImageData(0, 0, width, height).data]
      .filter((_, k) => k % 4 === 0),
    shares: [...document.querySelectorAll("#bars .share")].map(it => it.textContent),
    answer: text("#answer b"),
    error: text("#error"),
    target: target.value || target.selectedOptions[0].textContent,
    value: text("#sum .value-of b"),
    sum: text("#sum .result"),
    problem: text("#problem"),
  }
})()"""


def check_reading(page):
    """The model's own probabilities of what is seen, their error, and a sum that is its value."""
    page.value("new Promise(done => setTimeout(done, 80))")  # its worker reads meanwhile
    page.settle()
    value = page.value(READ)
    assert value["problem"] == ""
    assert "NaN" not in page.value("document.body.innerText")
    if not value["answer"]:
        return
    image = np.array(value["image"], np.uint8).reshape(1, 1, 28, 28)
    (expected,) = load_shipped("tiny").predict(image)
    shares = [number(it.removesuffix("%")) for it in value["shares"]]
    assert shares == pytest.approx(100 * expected, abs=0.06)
    assert int(value["answer"]) == np.argmax(expected)
    target = int(re.search(r"\d", value["target"])[0])
    assert number(value["error"]) == pytest.approx(-np.log(expected[target]), rel=1e-3, abs=6e-5)
    if value["sum"]:
        *_, last = value["sum"].split()
        assert number(last) == pytest.approx(number(value["value"]), rel=0.06, abs=1.1e-4)


def test_whatever_is_pressed_digits_are_read_as_the_model_reads_them(chromium, tmp_path):
    walk(chromium, page_of("tiny", tmp_path), check_reading)


# Letters ----------------------------------------------------------------------

LINE = """(() => {
  const text = selector => document.querySelector(selector).textContent
  const titles = [...document.querySelectorAll(".shares tr")].map(row =>
    [...row.cells].slice(1).filter(cell => cell.title).map(cell => cell.title))
  return {
    amount: Number(document.querySelector("#lines").value),
    problem: text("#problem"), refused: text("#begun-said"),
    done: text("#done"), after: text("#after"),
    bars: [...document.querySelectorAll("#bars li")].map(
      it => [...it.children].map(e => e.textContent)),
    shares: titles,
    rows: [...document.querySelectorAll("#written li")].map(row => [
      Number(row.dataset.done), row.querySelector(".remark").textContent,
      [...row.querySelectorAll(".lines span")].map(it => [it.textContent, it.className])]),
  }
})()"""
GOES = "document.querySelector('#go').textContent === 'Pause'"


def check_writing(page):
    """Shares add up; before it has learned, they are those of the initial weights."""
    paused(page, "#go", GOES)
    value = page.value(LINE)
    assert value["problem"] == ""
    done, lines = int(value["done"].replace(",", "")), usual_lines()
    _, learned = learning_order(lines)
    learned = set(learned[: value["amount"]])
    for count, words, written in value["rows"]:
        assert count <= done
        assert (f"{count:,} lines" in words) if count else words.startswith("before")
        for line, kind in written:
            assert (line in learned) == (kind == "known"), line
    if value["refused"]:
        assert value["bars"] == []
        return
    shares = [number(it.removesuffix("%")) for *_, it in value["bars"]]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) <= 100.5
    mean, *heads = (np.array(list(map(number, row))) for row in value["shares"])
    assert np.sum(heads, axis=1) == pytest.approx(1, abs=1e-5)
    assert mean == pytest.approx(np.mean(heads, axis=0), abs=1e-6)
    if not done:
        begun = "".join(re.findall(r"‘(.*)’", value["after"]))
        letters = [letter for letter, *_ in value["bars"]]
        assert dict(zip(letters, shares, strict=True)) == pytest.approx(at_first(begun), abs=0.06)


@cache
def first_writer():
    return LineWriter(usual_lines(), open_faster(builtin("microgpt"), 1, 1000))


def at_first(begun):
    """The likeliest letters after these, by the initial weights."""
    writer = first_writer()
    given, _ = arrays([begun], writer.lines, writer.context)
    shares = writer.engine.predict(given).reshape(writer.context, -1)[len(begun)]
    order = np.argsort(-shares, kind="stable")[:8]
    letters = ["the end", *writer.lines.alphabet]
    return {letters[token]: 100 * float(shares[token]) for token in order}


def test_whatever_is_pressed_letters_and_shares_are_the_network_s(chromium, tmp_path):
    walk(chromium, page_of("microgpt", tmp_path), check_writing)
