"""The page of a class of five hundred, in Chromium: it is searched, filtered and sorted there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gradbook.audit.classes.scoring import Rubric, score
from gradbook.audit.findings import BookReport, LossCurves
from gradbook.audit.origin import Origin
from gradbook.report.audit_page import LARGEST, audit_page
from tests.outside.pages.framed import asked
from tests.report.test_audit_page import CLASS, FINDING, SHEET

COUNT = 500
NAMES = ("Ada", "Alan", "Emmy", "Grace", "Zoë")

QUESTION = """(() => {
  const visible = () => [...document.querySelectorAll("table.books tbody tr")]
    .filter(row => !row.hidden)
  const column = k => visible().map(row => row.cells[k].textContent)
  const type = words => {
    const input = document.querySelector(".tools input")
    input.value = words
    input.dispatchEvent(new Event("input"))
  }
  const chip = word => document.querySelector(`.tools button[value="${word}"]`).click()
  const head = word => [...document.querySelectorAll("table.books thead button")]
    .find(button => button.textContent === word).click()
  const said = {all: visible().length}
  type("zoë"); said.zoe = visible().length; said.told = document.querySelector("output").textContent
  said.parts = [...document.querySelectorAll("details.book")].filter(part => !part.hidden).length
  type("zoë 44"); said.both = column(0)
  type(""); chip("unreadable"); said.unreadable = new Set(column(2)).size
  said.count = visible().length; chip("right"); said.two = visible().length
  chip("right"); chip("unreadable"); said.again = visible().length
  head("points"); said.points = column(4); head("points"); said.down = column(4)
  head("workbook"); said.books = column(0).slice(0, 12)
  head("verdict"); said.verdicts = [...new Set(column(2))]
  document.querySelector("table.books a").click()
  const link = document.querySelector("table.books a").hash.slice(1)
  said.tools = document.querySelector(".tools").hidden
  location.hash = link
  return {...said, part: document.getElementById(link).matches("details.book")}
})()"""


def class_of(count: int) -> list[BookReport]:
    found = []
    for k in range(count):
        like = CLASS[k % len(CLASS)]
        name = NAMES[k % len(NAMES)]
        origin = Origin(student=f"{name} {k}", content=str(k))
        found.append(
            replace(like, book=f"class/{name}-{k}.xlsx", fingerprint=str(k), origin=origin)
        )
    return found


@pytest.fixture(scope="module")
def html():
    reports = class_of(COUNT)
    return audit_page(reports, [score(report, Rubric(20.0)) for report in reports])


@pytest.mark.witness("chromium")
def test_five_hundred_books_are_searched_filtered_and_sorted(html, tmp_path):
    said = asked(html, 1100, QUESTION, tmp_path)
    assert said["all"] == said["again"] == COUNT
    assert (said["zoe"], said["told"]) == (100, "100 of 500 shown")
    assert said["parts"] == 0  # Zoë handed in nothing that could be judged
    assert said["both"] == [f"Zoë-{k}.xlsx" for k in range(4, COUNT, 5) if "44" in str(k)]
    assert (said["unreadable"], said["count"], said["two"]) == (1, 100, 200)
    numbers = [float(points) for points in said["points"] if points]
    assert numbers == sorted(numbers)
    assert said["points"][-200:] == [""] * 200
    assert [float(points) for points in said["down"] if points] == sorted(numbers, reverse=True)
    assert said["down"][-200:] == [""] * 200
    assert said["books"][:3] == ["Ada-0.xlsx", "Ada-5.xlsx", "Ada-10.xlsx"]
    assert said["verdicts"] == ["unreadable", "wrong", "right", "no network"]
    assert said["part"]
    assert not said["tools"]


@pytest.mark.parametrize(
    ("findings", "remark"),
    [
        (1, ""),
        (8, "The loss curves are left out"),
        (40, "Only the first 5 findings of each workbook are shown"),
    ],
)
def test_a_page_of_five_hundred_stays_small_however_much_there_is_to_say(findings, remark):
    loss = tuple(1 / (k + 1) for k in range(300))
    sheet = replace(SHEET, findings=(FINDING,) * findings, curve=LossCurves(loss, loss))
    reports = [replace(report, sheets=(sheet,)) for report in class_of(COUNT)]
    html = audit_page(reports)
    assert len(html.encode()) <= LARGEST < 5_000_000
    assert all(f"-{k}.xlsx" in html for k in range(COUNT))
    assert remark in html
