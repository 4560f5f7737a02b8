"""What a page leaves on its paper: nothing beside what fits, nothing cut off in print."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradbook.net import builtin, parse
from gradbook.net.lower import scalar_step
from gradbook.rates.sweep import sweep
from gradbook.report.derivation_page import derivation_page
from gradbook.report.media import write
from gradbook.report.play_page import play_page
from gradbook.report.sweep import sweep_report
from gradbook.targets.algebra.derive import derive
from tests.cases import for_each
from tests.outside.browser import Browser
from tests.outside.pages.framed import beyond_the_sheet

pytestmark = pytest.mark.witness("chromium")

PHONE = 390  # pixels
WIDTHS = (PHONE, 878, 1280)
EIGHT = "input 8; dense 8; sigmoid; dense 8"
SEEN = "input 2; dense 8; tanh; dense 1; sigmoid; loss binary cross-entropy"

BOXES = """[...document.querySelectorAll(".wide")]
  .filter(box => box.offsetHeight > 20 && box.scrollWidth <= box.clientWidth + 1)
  .map(box => box.getBoundingClientRect())
  .map(({ top, right, bottom }) => [top + scrollY, right + scrollX, bottom + scrollY])"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("paper")
    net = builtin("worked")
    made = {
        "derivation": derivation_page(derive(scalar_step(net)), net, "gradbook explain"),
        "play": play_page(parse(EIGHT)),
        "sweep": write(sweep_report(sweep(net), "gradbook sweep"), "html"),
    }
    for name, html in made.items():
        (folder / f"{name}.html").write_text(html, encoding="utf-8")
    return folder


def stray(chromium: Browser, folder: Path) -> list[tuple[float, ...]]:
    """Boxes at whose right edge a line stands that nothing inside of it reaches."""
    from PIL import Image

    picture = folder / "page.png"
    chromium.picture(picture, whole=True)
    seen = Image.open(picture).convert("RGB")
    found = []
    for top, right, bottom in chromium.value(BOXES):
        rows = range(int(top) + 2, min(int(bottom) - 2, seen.height))
        before = [seen.getpixel((int(right) - 8, y)) for y in rows]
        for x in range(int(right) - 3, min(int(right) + 2, seen.width)):
            column = [seen.getpixel((x, y)) for y in rows]
            if sum(a != b for a, b in zip(column, before, strict=True)) > 0.9 * len(column):
                found.append((top, right, bottom, x))
    return found


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["derivation", "sweep"])
def test_no_line_stands_beside_what_does_not_scroll(name, width, chromium, pages, tmp_path):
    chromium.show(pages / f"{name}.html", width)
    assert stray(chromium, tmp_path) == []


def test_a_line_that_stands_there_is_noticed(chromium, pages, tmp_path):
    chromium.show(pages / "sweep.html", 878)
    chromium.value("document.querySelector('.wide').style.borderRight = '1px solid #ddd'")
    assert stray(chromium, tmp_path) != []


@for_each("width", [700, 1200])
def test_in_print_pictures_lie_in_their_units(width, chromium, tmp_path):
    page = tmp_path / "seen.html"
    page.write_text(play_page(parse(SEEN)), encoding="utf-8")
    chromium.show(page, width)
    chromium.ask("Emulation.setEmulatedMedia", media="print")
    chromium.settle()
    box = """(box => ["x", "y", "width", "height"].map(it => Math.round(box[it])))(
      document.querySelector({!r}).getBoundingClientRect())"""
    drawn, pictures = (chromium.value(box.format(it)) for it in (".stage svg", ".pictures"))
    chromium.ask("Emulation.setEmulatedMedia", media="")
    assert drawn == pictures


def test_what_print_would_cut_off_is_noticed(chromium, tmp_path):
    (tmp_path / "wide.html").write_text("<main><p style='width: 900px'>wide</p></main>", "utf-8")
    ((tag, by),) = beyond_the_sheet(chromium, tmp_path / "wide.html")
    assert tag == "P"
    assert by > 200


@pytest.mark.parametrize(("width", "scrolls"), [(PHONE, True), (1280, False)])
def test_a_derivation_s_drawing_says_that_it_scrolls_where_it_does(width, scrolls, chromium, pages):
    chromium.show(pages / "derivation.html", width)
    box = "document.querySelector('.drawing .wide')"
    assert chromium.value(f"{box}.scrollWidth > {box}.clientWidth + 1") is scrolls
    assert chromium.value("!!document.querySelector('.scrolls').offsetHeight") is scrolls
