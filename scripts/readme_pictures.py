"""Make the pictures of documents and site: the workbook by LibreOffice, the pages by Chromium.

    .venv/bin/python -m scripts.readme_pictures            all of them
    .venv/bin/python -m scripts.readme_pictures RUN        those of a run's report alone

Needs libreoffice, pdftoppm, chromium and the font Carlito, which is as wide as Excel's Calibri:
without it the workbook's rows are lower and its drawing is flattened. The workbook is drawn from
what LibreOffice computes.
Without a RUN the report is that of a training by the recipe `small`, which takes a minute or two.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

import xlsxwriter
from PIL import Image, ImageChops

from gradbook.builtin_networks import OPENING, SCENES
from gradbook.cli.verbs.browser import picture_page, picture_reader
from gradbook.data.sources import load
from gradbook.derivatives.exploration import exploration_of
from gradbook.derivatives.public_book import read_book
from gradbook.lab.runs import gather
from gradbook.lab.texts import usual_lines
from gradbook.lab.training.run_folder import RunFolder
from gradbook.lab.training.train import train
from gradbook.net import builtin, parse
from gradbook.rates.sweep import sweep
from gradbook.report.derivation import explain
from gradbook.report.explored_page import explored_page
from gradbook.report.letters_page import letters_page
from gradbook.report.markup import report_page
from gradbook.report.media import write
from gradbook.report.play_page import play_page
from gradbook.report.sweep import sweep_report
from gradbook.report.training_report import run_report
from gradbook.report.workbook import write_workbook
from gradbook.serve.server import serving
from gradbook.serve.site import opened_site
from scripts.front import front
from scripts.site import ROOT, keep_gallery
from tests.outside.browser import browser
from tests.outside.witness import screenshot, workbook_to_png

PICTURES = Path("docs/pictures")
RECIPE = "small"
STEPS = 40  # of the page to play with
STEP = "document.querySelector('#step').click()"
DIGIT = 9  # of the images that the page to draw on offers: a 9
MAP = "[data-stage='4'][data-channel='3']"  # of that page: what is pointed at
LETTER = ".letters button:nth-child(5)"  # of the line that a network wrote
GALLERY = (  # pictures of it, with how much of each page is shown
    ("class", "class/class.html", 900),
    ("feedback", "class/feedback/Emmy.html", 900),
)
LEMONADE = {  # as in docs/guides/derivatives.md
    "Price per cup": 1.2,
    "Temperature": 27,
    "Lemons per cup": 0.5,
    "Price of a lemon": 0.4,
    "Rent per day": 20,
    "Days": 60,
    "Cups per day": "=4*B2*EXP(-0.8*B1)",
    "Cost per cup": "=B3*B4+0.12",
    "Profit per day": "=B7*(B1-B8)-B5",
    "Profit": "=B6*B9",
}
FRONT_SIZE = 830, 420
FRAME = 1200, 456  # of the site's first screen, for readers without JavaScript
FILM_SIZE, FILM_WIDTH = (960, 690), 830  # pixels: of the window, and of the film
FILM_FRAMES, FILM_STEPS = 24, 5  # epochs between two frames
FILM_PACE, FILM_END = 160, 2500  # milliseconds
FILM_FOOT = 96  # pixels of the film's line of factors
FILM_COLOURS = 72
MOST_OF_FILM = 500_000  # bytes
README_FRONT = """<!doctype html><meta charset="utf-8"><style>{style}
:root {{ --md-text-font-family: "DejaVu Sans" }}
body {{ background: #fffefb; font-family: "DejaVu Sans", sans-serif; margin: 0; overflow: hidden }}
gb-scene.front {{ border: 0; margin: 0; max-width: none; padding: 50px 20px 0 19px }}
.front .scene-foot {{ display: none }}
h1 {{ font-size: 15px; font-weight: 400; left: 20px; margin: 0; position: absolute; top: 18px }}
h1 {{ color: #6b675e }} h1 b {{ color: #23221f; font-size: 20px; margin-right: 22px }}
.front-plane {{ border-left: 1px solid #e7e3d9; margin-top: -50px; min-height: 370px }}
.front-plane {{ padding: 24px 0 26px 18px }}
</style><h1><b>gradbook</b>see how a neural network learns, number by number</h1>{front}"""
MARGIN = 24  # pixels of paper left around what is on it
TONES = 256  # so that no kind of quantity takes another's colour
BY_OCTREE = Image.Quantize.FASTOCTREE


def main(words: list[str]) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if words:
            _report(RunFolder(words[0]), folder)
            return
        net = builtin("worked")
        _workbook(net, folder)
        _page("derivation", explain(net).html(), folder, height=1500)
        gallery = keep_gallery((ROOT / "site" / "gallery.md").read_text("utf-8"))
        for picture, file, height in GALLERY:
            _page(picture, (gallery / file).read_text("utf-8"), folder, height)
        _live((gallery / "xor.html").as_uri(), "xor", folder, 1280, 800)
        _live(f"{_opening(folder)}#compact", "home", folder, *FRAME)
        _front(folder)
        _film(folder)
        _drawing()
        _writing()
        _served(gallery / "class/handed-in")
        _page("formula", (gallery / "formula.html").read_text("utf-8"), folder, 600, 1280)
        _workbooks_formulas(folder)
        rates = write(sweep_report(sweep(net), "gradbook sweep"), "html")
        _page("learning-rates", rates, folder, height=900)
        train(RECIPE, folder=folder / "run")
        _report(RunFolder(folder / "run"), folder)


def _workbooks_formulas(folder: Path) -> None:
    """The formulas of the guide's workbook, on a page."""
    book = folder / "lemonade.xlsx"
    with xlsxwriter.Workbook(book) as written:
        sheet = written.add_worksheet("Stand")
        for row, (label, content) in enumerate(LEMONADE.items()):
            sheet.write_row(row, 0, [label, content])
    derivatives = read_book(book).derivatives("Profit")
    _page("derivatives", explored_page(exploration_of(derivatives)), folder, 800, 1280)


def _live(address: str, name: str, folder: Path, width: int, height: int) -> None:
    """A page to play with, after some steps."""
    with browser() as chromium:
        chromium.show(address, width, height)
        chromium.value(f"for (let k = 0; k < {STEPS}; k++) {STEP}")
        chromium.value("new Promise(done => setTimeout(done, 3000))")
        chromium.picture(folder / f"{name}.png", whole=False)
        _save(Image.open(folder / f"{name}.png"), name)


def _opening(folder: Path) -> str:
    """Where the page is that the site opens with."""
    page = folder / "opening.html"
    page.write_text(play_page(parse(SCENES[OPENING]), points_of=OPENING), encoding="utf-8")
    return page.as_uri()


def _film(folder: Path) -> None:
    """The page to play with while it learns: few frames and colours, as wide as a page shows it."""
    frames = []
    with browser() as chromium:
        chromium.show(_opening(folder), *FILM_SIZE)
        for _ in range(FILM_FRAMES):
            chromium.picture(folder / "frame.png", whole=False)
            with Image.open(folder / "frame.png") as taken:
                size = FILM_WIDTH, round(taken.height * FILM_WIDTH / taken.width)
                frames.append(taken.convert("RGB").resize(size, Image.Resampling.LANCZOS))
            chromium.value(f"for (let k = 0; k < {FILM_STEPS}; k++) {STEP}")
            chromium.settle()
    seen = Image.new("RGB", (size[0], 3 * size[1]))
    seen.paste(frames[0], (0, 0))
    seen.paste(frames[-1], (0, size[1]))
    foot = frames[-1].crop((0, size[1] - FILM_FOOT, *size))  # whose words have colours of their own
    for top in range(2 * size[1], 3 * size[1], FILM_FOOT):
        seen.paste(foot, (0, top))
    colours = seen.quantize(FILM_COLOURS, dither=Image.Dither.NONE)
    first, *others = (it.quantize(palette=colours, dither=Image.Dither.NONE) for it in frames)
    times = [FILM_PACE] * len(others) + [FILM_END]
    made = PICTURES / "xor.gif"
    first.save(made, save_all=True, append_images=others, duration=times, loop=0, optimize=True)
    if made.stat().st_size > MOST_OF_FILM:
        raise AssertionError(f"{made} has {made.stat().st_size:,} bytes")


def _front(folder: Path) -> None:
    """What the README begins with, twice as fine as it is shown."""
    page = folder / "front.html"
    style = (ROOT / "site" / "scene.css").read_text("utf-8")
    page.write_text(README_FRONT.format(style=style, front=front()), encoding="utf-8")
    with browser() as chromium:
        chromium.show(page, *FRONT_SIZE)
        size = dict(zip(("width", "height"), FRONT_SIZE, strict=True))
        fine = {"deviceScaleFactor": 2, "mobile": False}
        chromium.ask("Emulation.setDeviceMetricsOverride", **size, **fine)
        chromium.settle()
        chromium.picture(folder / "front.png", whole=False)
    Image.open(folder / "front.png").convert("RGB").save(PICTURES / "front.png", optimize=True)


def _drawing() -> None:
    """The page to draw on: a digit, its maps, and the sum behind a value of one."""
    with TemporaryDirectory() as name, browser() as chromium:
        page = Path(name) / "draw.html"
        reader = picture_reader("tiny", None)
        assert reader is not None
        page.write_text(picture_page(reader, None, ""), encoding="utf-8")
        chromium.show(page, width=1280, height=800)
        chromium.until("!!document.querySelector('#answer b')")
        chromium.value(f"document.querySelectorAll('#samples button')[{DIGIT}].click()")
        chromium.value("new Promise(done => setTimeout(done, 500))")
        chromium.point_at(MAP)
        chromium.picture(PICTURES / "draw.png", whole=False)


def _writing() -> None:
    """The page of a network that learns names, once it has learned."""
    with TemporaryDirectory() as name, browser() as chromium:
        page = Path(name) / "names.html"
        page.write_text(letters_page(builtin("microgpt"), usual_lines()), encoding="utf-8")
        chromium.show(page, width=1280, height=800)
        chromium.press("#go")
        chromium.until("document.querySelector('#done').textContent === '1,000'")
        chromium.point_at(LETTER)
        chromium.picture(PICTURES / "names.png", whole=False)


def _served(books: Path) -> None:
    """The served page with a small class, some of whose gradients have the wrong sign."""
    with opened_site(2) as site, serving(site) as server, browser() as chromium:
        Thread(target=server.serve, daemon=True).start()
        chromium.show(server.address, width=1180, height=960)
        chromium.write("#out-of", "20")
        chromium.drop("#drop", *sorted(books.iterdir()))
        chromium.until("said.textContent.includes('books:')")
        chromium.value("document.activeElement.blur(), scrollTo(0, 0)")
        chromium.picture(PICTURES / "serve.png", whole=False)


def _report(run: RunFolder, folder: Path) -> None:
    html = report_page(run_report(gather(run, load(run.recipe().data))))
    _page("report", html, folder, height=1150, width=1300)
    _page("insides", _section(html, "insides"), folder, height=1060, width=1000)


def _section(html: str, anchor: str) -> str:
    """The page with one section alone."""
    section = re.search(rf'<section id="{anchor}".*?</section>', html, re.DOTALL)[0]
    return re.sub(r"<body>.*</body>", lambda _: f"<body>{section}</body>", html, flags=re.DOTALL)


def _workbook(net, folder: Path) -> None:
    book = folder / "worked.xlsx"
    write_workbook(net, book)
    sheets = workbook_to_png(book, folder / "sheets", dpi=110)
    _save(Image.open(sheets[0]), "workbook")


def _page(name: str, html: str, folder: Path, height: int, width: int = 1000) -> None:
    page, picture = folder / f"{name}.html", folder / f"{name}.png"
    page.write_text(html, encoding="utf-8")
    screenshot(page, picture, width=width, height=height)
    _save(Image.open(picture), name)


def _save(picture: Image.Image, name: str) -> None:
    path = PICTURES / f"{name}.png"
    _trimmed(picture.convert("RGB")).quantize(TONES, method=BY_OCTREE).save(path, optimize=True)
    print(f"wrote {path}, {path.stat().st_size // 1024} KB")


def _trimmed(picture: Image.Image) -> Image.Image:
    """Without the empty paper around what is on it."""
    paper = Image.new("RGB", picture.size, picture.getpixel((0, 0)))
    left, top, right, bottom = ImageChops.difference(picture, paper).getbbox()
    box = (left - MARGIN, top - MARGIN, right + MARGIN, bottom + MARGIN)
    width, height = picture.size
    return picture.crop((max(box[0], 0), max(box[1], 0), min(box[2], width), min(box[3], height)))


if __name__ == "__main__":
    main(sys.argv[1:])
