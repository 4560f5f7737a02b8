"""The pages of runs as Chromium shows them."""

from __future__ import annotations

import pytest

from gradbook.lab.runs import gather
from gradbook.report.markup import report_page
from gradbook.report.training_report import run_report
from tests.outside.pages.framed import asked
from tests.outside.witness import page_text
from tests.runs import finished, pictures

pytestmark = pytest.mark.witness("chromium")

DATA = pictures(each=24)
FRUIT = pictures(("apple", "<b>pear</b>", "a fruit with a name that has no end"), (3, 40, 20), 24)
DESK = 1400


@pytest.fixture(scope="module")
def evidence(tmp_path_factory):
    run = finished(tmp_path_factory.mktemp("runs") / "run", DATA, changes="warp rotate 20, shift 1")
    return gather(run, DATA)


@pytest.fixture(scope="module")
def html(evidence) -> str:
    return report_page(run_report(evidence))


def test_the_page_says_the_numbers_of_the_run(html, evidence, tmp_path):
    (tmp_path / "run.html").write_text(html, encoding="utf-8")
    lines = page_text(tmp_path / "run.html").splitlines()
    accuracy = evidence.answers.accuracy
    missed = int((~evidence.answers.right).sum())
    assert f"{100 * accuracy:.1f} %" in lines
    assert f"{missed} misread" in lines
    assert lines[lines.index("parameters") + 1] == f"{evidence.model.parameters:,}"


def test_pointing_at_a_chart_reads_all_of_them_at_that_epoch(html, evidence, tmp_path):
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
    found = asked(html, DESK, read, tmp_path)
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


def test_the_arrow_keys_walk_through_the_epochs(html, tmp_path):
    walk = """(() => {
      const figure = document.querySelector(".charts")
      const press = key => figure.dispatchEvent(new KeyboardEvent("keydown", { key }))
      press("Home"), press("ArrowRight"), press("ArrowRight")
      const third = document.querySelector(".at").textContent
      press("End"), press("ArrowRight")
      return [third, document.querySelector(".at").textContent]
    })()"""
    assert asked(html, DESK, walk, tmp_path) == ["epoch 3", "epoch 5"]


def test_a_number_of_the_table_shows_its_mistakes_and_only_those(html, evidence, tmp_path):
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
    found = asked(html, DESK, click, tmp_path)
    assert found["some"] == [found["hash"][1:]] * found["count"]
    assert found["all"] == found["again"] == len(evidence.answers.wrong())


def test_a_long_name_of_a_class_leaves_room_for_the_numbers(tmp_path):
    run = finished(tmp_path / "fruit", FRUIT, changes="hold back none; warp shift 2", epochs=1)
    measure = """(() => {
      const box = query => document.querySelector(query).getBoundingClientRect()
      return [box(".confusion thead").height, box(".confusion tbody th").width]
    })()"""
    head, side = asked(report_page(run_report(gather(run, FRUIT))), DESK, measure, tmp_path)
    assert 50 < head < 180
    assert 50 < side < 180
