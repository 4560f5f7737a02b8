"""Builds the documentation site: docs/ and site/, and beside them what gradbook says of itself.

    python -m scripts.site [FOLDER]        out/site, if no folder is named

The reference comes from the parsers of the verbs and the cards of the layers (`command_pages`) and
from the docstrings (`python_reference`); the gallery is made by the commands that site/gallery.md
names. zensical makes pages of it and refuses links and anchors that lead nowhere.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import chdir, redirect_stdout, suppress
from hashlib import sha256
from html import escape
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from openpyxl import load_workbook
from openpyxl.cell import Cell
from openpyxl.worksheet.worksheet import Worksheet

import gradbook
from gradbook.builtin_networks import OPENING, SCENES
from gradbook.cli.main import main
from gradbook.engine.pyodide import browser_python
from gradbook.language import ENGLISH, LANGUAGES, in_language
from gradbook.net import builtin, parse
from gradbook.report.check_page import check_page, check_parts, part_script
from gradbook.report.play_page import HOME_VARIABLE, play_page
from scripts.command_pages import command_pages
from scripts.command_pages import places as command_places
from scripts.embedded import Embedded
from scripts.excel_manifest import ICONS, icon
from scripts.home import HOME
from scripts.python_reference import places as python_places
from scripts.python_reference import python_pages
from scripts.scenes import scene_script

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "out" / "site"
WORKER_ELSEWHERE = "https://unpkg.com/iframe-worker/shim"
WORDLESS = re.compile(r"<thead>\s*<tr>\s*(?:<th></th>\s*)+</tr>\s*</thead>")
FROM_ROOT = re.compile(r'((?:href|src)="?|"(?:base|search)":")/')
CODE = (".c", ".css", ".html", ".js", ".po", ".py", ".txt")  # what the gallery is made by
NAMES = "name\nAda\nAlan\nEmmy\nGrace\nKurt\nSofia\nZoë\n"
LINK = re.compile(r"\[([^\[\]]*)\]\(([^)\s]+)\)")
COMMAND = re.compile(r"`(gradbook [^`]+)`")
PLAY_TITLE = "gradbook: see how a neural network learns, number by number"
NOT_HERE = (
    "<h1>This page isn't here</h1><p>It may have moved. Search for it, or begin at the "
    '<a href="index.html">start</a> or in the <a href="gallery.html">gallery</a>.</p>'
)
VERSIONS = '\n[project.extra.version]\nprovider = "mike"\n'  # reads ../versions.json


def build(folder: Path, among_versions: bool = False) -> None:
    """Make the whole site in `folder`, in place of what is there.

    Among versions it lies beside those of other releases, and has a menu of them.
    """
    with TemporaryDirectory() as name:
        stage, docs = Path(name), Path(name, "docs")
        shutil.copytree(ROOT / "docs", docs)
        shutil.copytree(ROOT / "site", docs, dirs_exist_ok=True)
        (docs / "zensical.toml").unlink()
        start = docs / "index.md"
        start.write_text(start.read_text("utf-8").replace("@guides", guides()), "utf-8")
        for path in docs.rglob("*.md"):
            path.write_text(inward(path.read_text("utf-8"), path.relative_to(docs)), "utf-8")
        for place, text in reference():
            (docs / place).parent.mkdir(parents=True, exist_ok=True)
            (docs / place).write_text(text, "utf-8")
        embedded = Embedded()
        for path in docs.rglob("*.md"):
            path.write_text(embedded.kept_apart(path.read_text("utf-8")), "utf-8")
        (docs / "scene.js").write_text(scene_script(), "utf-8")
        shutil.copytree(keep_gallery((docs / "gallery.md").read_text("utf-8")), docs / "gallery")
        make_play(docs / "play")
        make_check(docs / "check")
        settings = configuration() + (VERSIONS if among_versions else "")
        (stage / "zensical.toml").write_text(settings, "utf-8")
        words = [sys.executable, "-m", "zensical", "build", "--strict"]
        subprocess.run(words, cwd=stage, check=True)
        finish(stage / "site", embedded)
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(stage / "site", folder)


def configuration() -> str:
    """The generator's settings, with this version and a place for each page of the reference."""
    text = (ROOT / "site" / "zensical.toml").read_text("utf-8")
    for mark, pages in (command_places() | {"python": python_places()}).items():
        text = text.replace(f'"@{mark}"', json.dumps(pages))
    addresses = {"repo_url": HOME.repository, "site_url": HOME.site}
    lines = "".join(f'{name} = "{value}"\n' for name, value in addresses.items() if value)
    return text.replace("# @addresses\n", lines).replace("@version", gradbook.__version__)


def guides() -> str:
    """The guides in their groups, as the navigation has them."""
    settings = tomllib.loads((ROOT / "site" / "zensical.toml").read_text("utf-8"))
    groups = next(entry["Guides"] for entry in settings["project"]["nav"] if "Guides" in entry)
    shown = []
    for name, pages in (pair for group in groups for pair in group.items()):
        links = (f"- [{title}]({place})" for page in pages for title, place in page.items())
        shown.append("\n".join((f"<div markdown>\n\n### {name}\n", *links, "\n</div>")))
    return "\n".join(('<div class="groups" markdown>', *shown, "</div>"))


def finish(site: Path, embedded: Embedded) -> None:
    """What the generator leaves: formulas and scenes, a script from elsewhere, headings of tables
    without words, and a page for what isn't there whose links begin at the host's root."""
    for path in site.rglob("*.html"):
        up = "../" * (len(path.relative_to(site).parts) - 1)
        text = path.read_text("utf-8").replace(WORKER_ELSEWHERE, f"{up}worker.js")
        text = WORDLESS.sub("", text).replace("<th></th>", "<td></td>")
        path.write_text(embedded.in_page(text), "utf-8")
    for path in site.glob("search.js*"):
        path.write_text(embedded.in_search(path.read_text("utf-8")), "utf-8")
    missing = site / "404.html"
    base = f'<base href="{escape(HOME.site)}">' if HOME.site else ""
    text = FROM_ROOT.sub(r"\1", missing.read_text("utf-8")).replace('"base":""', '"base":"."')
    text = text.replace("<h1>404 - Not found</h1>", NOT_HERE)
    missing.write_text(text.replace("<head>", f"<head>{base}", 1), "utf-8")


def inward(text: str, place: Path) -> str:
    """The page with links that lead out of docs/ turned to what the site has of it, or to where its
    source is kept."""
    up = "../" * len(place.parts)

    def turned(link: re.Match[str]) -> str:
        words, target = link.groups()
        if not target.startswith(up):
            return link[0]
        path = target.removeprefix(up)
        if path.startswith("site/") or path == "CHANGELOG.md":
            address = up.removesuffix("../") + path.removeprefix("site/").replace(
                "CHANGELOG", "changelog"
            )
        else:
            address = HOME.file(path)
        return f"[{words}]({address})" if address else words

    return LINK.sub(turned, text)


# The gallery ------------------------------------------------------------------


def keep_gallery(text: str) -> Path:
    """The folder of what the commands of that page made, made anew after the code has changed."""
    sources = sorted((ROOT / "src").rglob("*.*"))
    code = b"".join(path.read_bytes() for path in sources if path.suffix in CODE)
    kept = OUT.parent / "gallery" / sha256(code + text.encode()).hexdigest()
    if not kept.is_dir():
        kept.parent.mkdir(parents=True, exist_ok=True)
        earlier = [path for path in kept.parent.iterdir() if len(path.name) == len(kept.name)]
        with TemporaryDirectory(dir=kept.parent) as name:
            make_gallery(text, Path(name, "gallery"))
            with suppress(OSError):  # another build has made it meanwhile
                Path(name, "gallery").rename(kept)
        for path in earlier:
            shutil.rmtree(path, ignore_errors=True)
    return kept


def make_gallery(text: str, folder: Path) -> None:
    """Run the commands that the page names."""
    folder.mkdir()
    (folder / "names.csv").write_text(NAMES, "utf-8")
    with chdir(folder):
        for command in COMMAND.findall(text):
            run(command)
            if command.startswith("gradbook class init "):
                hand_in(Path("class"))


def run(command: str) -> None:
    said = StringIO()
    with redirect_stdout(said):
        code = main(shlex.split(command)[1:])
    if code:
        raise SystemExit(f"{command}: exit code {code}\n{said.getvalue()}")


def make_play(folder: Path) -> None:
    """The page to play with, where links to it lead: with a card for previews, and kept by a
    service worker for when there is no network."""
    folder.mkdir()
    home = os.environ.get(HOME_VARIABLE, HOME.site).rstrip("/")
    address = f"{home}/play/" if home else ""
    card = {"title": PLAY_TITLE, "type": "website", "image": f"{address}card.png", "url": address}
    tags = (
        f'<meta property="og:{k}" content="{escape(said)}">' for k, said in card.items() if said
    )
    net = parse(SCENES[OPENING])
    page = play_page(net, home=home, kept_with="".join(tags), points_of=OPENING)
    (folder / "index.html").write_text(page, "utf-8")
    (folder / "card.png").write_bytes(net._repr_png_())
    shutil.move(folder.parent / "sw.js", folder)


def make_check(folder: Path) -> None:
    """The page that checks workbooks, in each language, and what all of them run."""
    parts = check_parts(browser_python())
    places = {code: "index.html" if code == ENGLISH.code else f"{code}.html" for code in LANGUAGES}
    (folder / "files").mkdir(parents=True)
    for name, letters in parts.items():
        (folder / "files" / f"{name}.js").write_text(part_script(name, letters), "utf-8")
    for code, place in places.items():
        with in_language(code):
            (folder / place).write_text(check_page(parts, folder="files", places=places), "utf-8")
            pane = check_page(parts, folder="files", is_pane=True)
            (folder / f"excel-{code}.html").write_text(pane, "utf-8")
    for size in ICONS:
        (folder / f"icon-{size}.png").write_bytes(icon(size))


def hand_in(folder: Path) -> None:
    """What the students of a class give back; some of their columns have the wrong sign."""
    with TemporaryDirectory() as name:
        solved = Path(name, "solved.xlsx")
        gradbook.write_workbook(builtin("worked"), solved, rates=())
        right = columns_by_heading(load_workbook(solved)["Training"])
    for number, path in enumerate(sorted((folder / "exercises").iterdir())):
        book = load_workbook(path)
        wrong = ("∂E/∂w2", "∂E/∂w5")[: number % 3]
        for heading, column in columns_by_heading(book["Training"]).items():
            for cell, solution in zip(column, right[heading], strict=False):
                if cell.value is None:
                    cell.value = f"=-({solution.value[1:]})" if heading in wrong else solution.value
        book.save(folder / "handed-in" / path.name)


def columns_by_heading(sheet: Worksheet) -> dict[str, tuple[Cell, ...]]:
    return {str(head.value): cells for head, *cells in sheet.iter_cols(min_row=4)}


# Pages that others write --------------------------------------------------------


def reference() -> Iterator[tuple[str, str]]:
    """Every page that isn't written for the site, by its place."""
    yield from command_pages()
    yield from python_pages()
    yield "changelog.md", changelog()


def changelog() -> str:
    """The changes, with links that lead on from within the site."""
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    return LINK.sub(lambda link: f"[{link[1]}]({link[2].removeprefix('docs/')})", text)


if __name__ == "__main__":
    build(Path(sys.argv[1]) if sys.argv[1:] else OUT)
