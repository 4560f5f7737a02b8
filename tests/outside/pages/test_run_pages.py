"""The pages of runs as Chromium shows them."""

from __future__ import annotations

import pytest

from gradbook.lab.runs import find_misread, gather, open_runs
from gradbook.lab.training.run_folder import RunFolder
from gradbook.lab.training.train import SeedsFolder
from gradbook.report.compare import compare_report
from gradbook.report.markup import report_page
from gradbook.report.training_report import run_report, seeds_report
from tests.outside.pages.framed import asked, beyond_the_sheet, paper_and_ink
from tests.outside.witness import console_messages, page_text, page_to_pdf, pdf_to_png, screenshot
from tests.runs import finished, pictures, several

pytestmark = pytest.mark.witness("chromium")

DATA = pictures(each=24)
FRUIT = pictures(("apple", "<b>pear</b>", "a fruit with a name that has no end"), (3, 40, 20), 24)
NAMES = ("run", "fruit", "seeds", "compared")
PHONE, DESK = 400, 1400

LOOK = """({
  room: innerWidth,
  page: document.documentElement.scrollWidth,
  pictures: [...document.images].map(image =>
    image.complete && image.naturalWidth > 0 && image.getBoundingClientRect().width > 4),
})"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    finished(folder / "run", DATA, changes="warp rotate 20, shift 1")
    finished(folder / "fruit", FRUIT, changes="hold back none; warp shift 2", epochs=1)
    several(folder / "seeds", DATA)
    return folder


@pytest.fixture(scope="module")
def evidence(runs):
    return gather(RunFolder(runs / "run"), DATA)


@pytest.fixture(scope="module")
def pages(runs, evidence):
    both = open_runs([runs / "run", runs / "seeds"])
    made = {
        "run": report_page(run_report(evidence)),
        "fruit": report_page(run_report(gather(RunFolder(runs / "fruit"), FRUIT))),
        "seeds": report_page(seeds_report(SeedsFolder(runs / "seeds"), DATA)),
        "compared": report_page(compare_report(both, find_misread(both, DATA), "gradbook compare")),
    }
    for name, html in made.items():
        (runs / f"{name}.html").write_text(html, encoding="utf-8")
    return runs


def html(pages, name: str) -> str:
    return (pages / f"{name}.html").read_text("utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_a_page_has_nothing_to_complain_of_and_asks_nobody(name, pages):
    assert console_messages(pages / f"{name}.html") == []


@pytest.mark.parametrize("name", NAMES)
def test_print_cuts_nothing_off(name, chromium, pages):
    assert beyond_the_sheet(chromium, pages / f"{name}.html") == []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_no_page_scrolls_sideways_and_every_picture_is_seen(name, width, pages, tmp_path):
    found = asked(html(pages, name), width, LOOK, tmp_path)
    assert found["page"] == found["room"] == width
    assert found["pictures"] == [True] * html(pages, name).count("<img")


def test_the_page_says_the_numbers_of_the_run(pages, evidence):
    lines = page_text(pages / "run.html").splitlines()
    accuracy = evidence.answers.accuracy
    missed = int((~evidence.answers.right).sum())
    assert f"{100 * accuracy:.1f} %" in lines
    assert f"{missed} misread" in lines
    assert lines[lines.index("parameters") + 1] == f"{evidence.model.parameters:,}"


def test_pointing_at_a_chart_reads_all_of_them_at_that_epoch(pages, evidence, tmp_path):
    read = """(() => {
      const said = () => [...document.querySelectorAll(".at, .readings b")].map(x => x.textContent)
      const chart = document.querySelector(".panel .gb-chart"), box = chart.getBoundingClientRect()
      const before = said()
      const at = { clientX: box.left + 0.32 * box.width, clientY: box.top + 60 }
      chart.dispatchEvent(new PointerEvent("pointermove", at))
      const pointed = said()
      const hairs = [...document.querySelectorAll(".hair")].map(x => getComputedStyle(x).display)
      chart.dispatchEvent(new PointerEvent("pointerleave"))
      return { before, pointed, after: said(), hairs }
    })()"""
    found = asked(html(pages, "run"), DESK, read, tmp_path)
    second = evidence.history[1]
    assert found["pointed"] == [
        "epoch 2",
        f"{second.train_loss:.4f}",
        f"{second.validation_loss:.4f}",
        "epoch 2",
        f"{100 * second.train_accuracy:.2f} %",
        f"{100 * second.validation_accuracy:.2f} %",
        "epoch 2",
        f"{second.rate:.3g}",
    ]
    assert found["before"] == found["after"] != found["pointed"]
    assert set(found["hairs"]) == {"inline"}


def test_the_arrow_keys_walk_through_the_epochs(pages, tmp_path):
    walk = """(() => {
      const figure = document.querySelector(".charts")
      const press = key => figure.dispatchEvent(new KeyboardEvent("keydown", { key }))
      press("Home"), press("ArrowRight"), press("ArrowRight")
      const third = document.querySelector(".at").textContent
      press("End"), press("ArrowRight")
      return [third, document.querySelector(".at").textContent]
    })()"""
    assert asked(html(pages, "run"), DESK, walk, tmp_path) == ["epoch 3", "epoch 5"]


def test_a_number_of_the_table_shows_its_mistakes_and_only_those(pages, evidence, tmp_path):
    click = """(() => {
      const link = document.querySelector(".confusion a")
      const seen = () => [...document.querySelectorAll("#cards li")]
        .filter(card => card.getBoundingClientRect().height).map(card => card.dataset.kind)
      const all = seen().length
      link.click()
      const some = seen()
      document.querySelector(".only button").click()
      return { hash: link.hash, count: +link.textContent, all, some, again: seen().length }
    })()"""
    found = asked(html(pages, "run"), DESK, click, tmp_path)
    assert found["some"] == [found["hash"][1:]] * found["count"]
    assert found["all"] == found["again"] == len(evidence.answers.wrong())


def test_a_long_name_of_a_class_leaves_room_for_the_numbers(pages, tmp_path):
    measure = """(() => {
      const box = query => document.querySelector(query).getBoundingClientRect()
      return [box(".confusion thead").height, box(".confusion tbody th").width]
    })()"""
    head, side = asked(html(pages, "fruit"), DESK, measure, tmp_path)
    assert 50 < head < 180
    assert 50 < side < 180


@pytest.mark.parametrize(("dark", "low", "high"), [(False, 235, 255), (True, 0, 45)])
def test_the_paper_is_light_or_dark_as_the_reader_asks(dark, low, high, pages, tmp_path):
    shot = screenshot(pages / "run.html", tmp_path / "p.png", DESK, 2000, dark=dark)
    paper, ink = paper_and_ink(shot)
    assert low <= paper <= high
    assert ink > 0.01


@pytest.mark.witness("pdftoppm")
def test_print_is_on_white(pages, tmp_path):
    pdf = page_to_pdf(pages / "run.html", tmp_path / "p.pdf")
    sheets = pdf_to_png(pdf, tmp_path, dpi=40)
    assert 2 < len(sheets) < 20
    assert [paper_and_ink(sheet)[0] for sheet in sheets] == [255] * len(sheets)
