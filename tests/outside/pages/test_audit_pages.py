"""The page of `gradbook check`, about one book and about a class, as Chromium shows it."""

from __future__ import annotations

import pytest

from gradbook.report.audit_page import audit_page
from tests.outside.pages.framed import asked, beyond_the_sheet, paper_and_ink
from tests.outside.witness import console_messages, page_to_pdf, pdf_to_png, screenshot
from tests.report.test_audit_page import CLASS, WRONG_BOOK, hostile

pytestmark = pytest.mark.witness("chromium")

PAGES = {"one": [WRONG_BOOK], "class": CLASS * 8, "hostile": hostile()}
PHONE, DESK = 400, 1400

LOOK = """({
  room: innerWidth,
  page: document.documentElement.scrollWidth,
  outside: [...document.querySelectorAll("body *")].filter(part => {
    const scrolls = part.closest(".scroll, .wide, pre, svg")
    const box = part.getBoundingClientRect()
    return !scrolls && box.width && (box.right > innerWidth + 1 || box.left < -1)
  }).map(part => part.tagName + "." + part.className),
})"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    for name, reports in PAGES.items():
        (folder / f"{name}.html").write_text(audit_page(reports), encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_nothing_to_complain_of_and_asks_nobody(name, pages):
    assert console_messages(pages / f"{name}.html") == []


@pytest.mark.parametrize("name", PAGES)
def test_print_cuts_nothing_off(name, chromium, pages):
    assert beyond_the_sheet(chromium, pages / f"{name}.html") == []


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_nothing_is_wider_than_the_window(name, width, pages, tmp_path):
    found = asked((pages / f"{name}.html").read_text("utf-8"), width, LOOK, tmp_path)
    assert found == {"room": width, "page": width, "outside": []}


@pytest.mark.parametrize("name", ["one", "class"])
@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize(("dark", "low", "high"), [(False, 235, 255), (True, 0, 45)])
def test_the_paper_is_light_or_dark_as_the_reader_asks(
    name, width, dark, low, high, pages, tmp_path
):
    shot = screenshot(pages / f"{name}.html", tmp_path / "p.png", width, 1200, dark=dark)
    paper, ink = paper_and_ink(shot)
    assert low <= paper <= high
    assert ink > 0.004  # one finding is a few lines on a wide page


@pytest.mark.witness("pdftoppm")
def test_print_is_on_white(pages, tmp_path):
    for sheet in pdf_to_png(
        page_to_pdf(pages / "class.html", tmp_path / "p.pdf"), tmp_path, dpi=40
    ):
        assert paper_and_ink(sheet)[0] == 255
