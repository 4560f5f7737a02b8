"""What holds of every page of a report, as Chromium shows it: on a phone, a desk and paper."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gradbook.lab.runs import gather
from gradbook.lab.training.run_folder import RunFolder
from gradbook.lab.training.train import SeedsFolder
from gradbook.net import builtin
from gradbook.rates.sweep import sweep
from gradbook.report.audit_page import audit_page
from gradbook.report.markup import report_page
from gradbook.report.media import write
from gradbook.report.play_page import play_page
from gradbook.report.study import study_report
from gradbook.report.sweep import sweep_report
from gradbook.report.training_report import run_report, seeds_report
from tests.outside.pages.framed import beyond_the_sheet, paper_and_ink
from tests.outside.pages.test_pages import derivation
from tests.outside.witness import page_to_pdf, pdf_to_png
from tests.report.test_audit_page import CLASS, WRONG_BOOK, hostile
from tests.report.trials import trials
from tests.runs import finished, pictures, several

pytestmark = pytest.mark.witness("chromium")

PHONE, DESK = 390, 1400
NAMES = (
    *("worked", "hostile", "sweep", "play"),
    *("one book", "class", "hostile books"),
    *("run", "fruit", "seeds"),
    *("study", "study of one", "study of none"),
)
LOOK = """({
  room: innerWidth,
  page: document.documentElement.scrollWidth,
  unseen: [...document.images].filter(image =>
    !image.complete || !image.naturalWidth || image.getBoundingClientRect().width < 5).length,
})"""
FRUIT = ("apple", "<b>pear</b>", "a fruit with a name that has no end")


def of_runs(folder: Path) -> Iterator[tuple[str, str]]:
    data, fruit = pictures(each=24), pictures(FRUIT, (3, 40, 20), 24)
    finished(folder / "run", data, changes="warp rotate 20, shift 1")
    finished(folder / "fruit", fruit, changes="hold back none; warp shift 2", epochs=1)
    several(folder / "seeds", data)
    yield "run", report_page(run_report(gather(RunFolder(folder / "run"), data)))
    yield "fruit", report_page(run_report(gather(RunFolder(folder / "fruit"), fruit)))
    yield "seeds", report_page(seeds_report(SeedsFolder(folder / "seeds"), data))


def of_studies() -> Iterator[tuple[str, str]]:
    every = trials()
    trained = [trial for trial in every if trial["value"]]
    shares = {"cycle": 0.7, "conv": 0.3, "relu": 0.0}
    yield "study", report_page(study_report("widths", every, shares, "gradbook study"))
    yield "study of one", report_page(study_report("<b>one</b>", trained[:1], {}))
    untrained = [trial for trial in every if not trial["value"]]
    yield "study of none", report_page(study_report("none", untrained, {}))


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    books = {"one book": [WRONG_BOOK], "class": CLASS * 8, "hostile books": hostile()}
    made = {
        **{name: derivation(name) for name in ("worked", "hostile")},
        "sweep": write(sweep_report(sweep(builtin("worked")), "gradbook sweep"), "html"),
        "play": play_page(builtin("worked")),
        **{name: audit_page(reports) for name, reports in books.items()},
        **dict(of_runs(folder)),
        **dict(of_studies()),
    }
    assert made.keys() == set(NAMES)
    for name, html in made.items():
        (folder / f"{name}.html").write_text(html, encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_it_fits_phone_and_desk_and_has_nothing_to_complain_of(name, chromium, pages):
    chromium.said.clear()
    for width in (PHONE, DESK):
        chromium.show(pages / f"{name}.html", width)
        assert chromium.value(LOOK) == {"room": width, "page": width, "unseen": 0}
    assert chromium.said == []


@pytest.mark.parametrize("name", NAMES)
def test_print_cuts_nothing_off(name, chromium, pages):
    assert beyond_the_sheet(chromium, pages / f"{name}.html") == []


@pytest.mark.parametrize("name", ["worked", "class", "run", "study"])
@pytest.mark.parametrize(("scheme", "low", "high"), [("light", 235, 255), ("dark", 0, 45)])
def test_the_paper_is_light_or_dark_as_the_reader_asks(
    name, scheme, low, high, chromium, pages, tmp_path
):
    chromium.show(pages / f"{name}.html", DESK, 2000, prefers_color_scheme=scheme)
    chromium.picture(tmp_path / "page.png")
    paper, ink = paper_and_ink(tmp_path / "page.png")
    assert low <= paper <= high
    assert ink > 0.004  # one finding is a few lines on a wide page


@pytest.mark.witness("pdftoppm")
@pytest.mark.parametrize("name", ["worked", "class", "run"])
def test_print_is_on_white_whatever_the_screen(name, pages, tmp_path):
    pdf = page_to_pdf(pages / f"{name}.html", tmp_path / "page.pdf")
    sheets = pdf_to_png(pdf, tmp_path, dpi=40)
    assert 1 < len(sheets) < 40
    assert {paper_and_ink(sheet)[0] for sheet in sheets} == {255}
