"""Every kind of page, light and dark, as the checker of accessibility sees it."""

from __future__ import annotations

import pytest

from gradbook.cli.main import main
from gradbook.report.markup import report_page
from gradbook.report.study import study_report
from gradbook.report.training_report import write_report
from tests.audit.material import lookalikes
from tests.cases import for_each
from tests.outside.witness import inaccessible
from tests.report.trials import trials
from tests.runs import finished, pictures, text_for

pytestmark = pytest.mark.witness("axe", "chromium")
LAYERS = "conv 4 3x3; batchnorm; relu; maxpool 2; flatten; dense {classes}; log softmax"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with a run and three books of a class, one of them wrong."""
    folder, data = tmp_path_factory.mktemp("accessible"), pictures()
    finished(folder / "one", data, text_for(data, LAYERS))
    write_report(folder / "one", data)
    for name, target in (("numbers", lambda k: 3 * k), ("classes", lambda k: "ab"[k % 2])):
        rows = [f"{k},{k % 2},{target(k)}" for k in range(40)]
        (folder / f"{name}.csv").write_text("\n".join(["x,y,z", *rows]), encoding="utf-8")
        main(["train", str(folder / f"{name}.csv"), "-o", str(folder / name)])
    (folder / "class").mkdir()
    wrong = {"∂E/∂w5": "=({a_o1}-{t1})*{a_o1}*(1-{a_o1})*{a_h2}"}
    for name, formulas in (("anna", {}), ("ben", wrong), ("cleo", {"∂E/∂w1": ""})):
        lookalikes.book(folder / "class" / f"{name}.xlsx", formulas)
    return folder


PAGES = {
    "derivation": ["explain", "worked", "-o"],
    "derivation of an image": ["explain", "tiny", "--image", "7", "-o"],
    "sweep": ["sweep", "worked", "-o"],
    "page to play with": ["play", "xor", "-o"],
    "page of a convolution": ["play", "strokes", "-o"],
    "page of one sample": ["play", "worked", "-o"],
    "page to draw on": ["play", "tiny", "-o"],
    "page to train on": ["play", "small", "--train", "500", "-o"],
    "summary": ["summary", "reference", "-o"],
    "class": ["check", "class", "-o"],
    "book": ["check", "class/ben.xlsx", "-o"],
}


@for_each("dark", [False, True], ids=["light", "dark"])
@for_each("kind", PAGES)
def test_a_page_is_there_for_everybody(kind, dark, made, monkeypatch):
    monkeypatch.chdir(made)
    assert main([*PAGES[kind], "page.html"]) in (0, 1)
    assert inaccessible("page.html", dark) == []


@for_each("dark", [False, True], ids=["light", "dark"])
def test_a_study_is_there_for_everybody(dark, tmp_path):
    page = tmp_path / "page.html"
    page.write_text(report_page(study_report("widths", trials(), {"conv": 1.0})), encoding="utf-8")
    assert inaccessible(page, dark) == []


@for_each("dark", [False, True], ids=["light", "dark"])
@for_each("run", ["one", "numbers", "classes"])
def test_a_report_is_there_for_everybody(run, dark, made):
    assert inaccessible(made / run / "report.html", dark) == []
