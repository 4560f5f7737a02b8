"""Make the README's pictures: the workbook as LibreOffice shows it, the pages as Chromium does.

    .venv/bin/python -m scripts.readme_pictures

Needs libreoffice, pdftoppm and chromium. The workbook is drawn from what LibreOffice computes.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image, ImageChops

from gradbook.lab.sweep import sweep
from gradbook.net import builtin
from gradbook.report.explanation import explain
from gradbook.report.sweep_page import sweep_page
from gradbook.report.workbook import write_workbook
from tests.outside.witness import screenshot, workbook_to_png

PICTURES = Path("docs/pictures")
MARGIN = 24  # pixels of paper left around what is on it


def main() -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    net = builtin("worked")
    with TemporaryDirectory() as folder:
        _workbook(net, Path(folder))
        _page("derivation", explain(net).html(), Path(folder), height=1500)
        _page("learning-rates", sweep_page(sweep(net), "gradbook sweep"), Path(folder), height=900)


def _workbook(net, folder: Path) -> None:
    book = folder / "worked.xlsx"
    write_workbook(net, book)
    sheets = workbook_to_png(book, folder / "sheets", dpi=110)
    _save(Image.open(sheets[0]), "workbook")


def _page(name: str, html: str, folder: Path, height: int) -> None:
    page, picture = folder / f"{name}.html", folder / f"{name}.png"
    page.write_text(html, encoding="utf-8")
    screenshot(page, picture, width=1000, height=height)
    _save(Image.open(picture), name)


def _save(picture: Image.Image, name: str) -> None:
    path = PICTURES / f"{name}.png"
    _trimmed(picture.convert("RGB")).quantize(128).save(path, optimize=True)
    print(f"wrote {path}, {path.stat().st_size // 1024} KB")


def _trimmed(picture: Image.Image) -> Image.Image:
    """Without the empty paper around what is on it."""
    paper = Image.new("RGB", picture.size, picture.getpixel((0, 0)))
    left, top, right, bottom = ImageChops.difference(picture, paper).getbbox()
    box = (left - MARGIN, top - MARGIN, right + MARGIN, bottom + MARGIN)
    width, height = picture.size
    return picture.crop((max(box[0], 0), max(box[1], 0), min(box[2], width), min(box[3], height)))


if __name__ == "__main__":
    main()
