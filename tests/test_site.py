"""The documentation site: no warning, no link that leads nowhere, pages that everybody can read."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote_plus, unquote

import pytest

from gradbook.cli.main import VERBS
from gradbook.language import LANGUAGES
from tests.cases import for_each
from tests.conftest import require
from tests.outside.browser import browser
from tests.outside.witness import PYODIDE

ROOT = Path(__file__).parent.parent
NARROW = 390  # pixels
CLIPPED = (
    "[...document.querySelectorAll('pre > code')]"
    ".filter(code => code.scrollWidth > code.clientWidth).map(code => code.textContent)"
)
BOX = "document.querySelector('{}').getBoundingClientRect().toJSON()"
OVERFLOWING = (  # of the page to play with: what is beyond the window
    "[document.documentElement, ...document.querySelectorAll('button, a, canvas, .fac')]"
    ".filter(it => it.checkVisibility()).map(it => [it, it.getBoundingClientRect()])"
    ".filter(([it, { right, bottom }]) => right > innerWidth || bottom > innerHeight)"
    ".map(([it]) => it.outerHTML.slice(0, 90))"
)
KINDS = (
    *("index", "gallery", "tutorials/by-hand", "tutorials/attention", "install", "glossary"),
    *("explanation/workbooks", "explanation/which-tool"),
    "reference/check",
    *("reference/commands/sheet", "reference/texts/networks", "reference/python/networks"),
    *("guides/small-devices", "guides/page"),
)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    require("zensical", "pyodide")
    from scripts.site import build

    folder = tmp_path_factory.mktemp("site") / "site"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADBOOK_PYODIDE", str(PYODIDE))
        build(folder)  # which is strict: a warning ends it
    return folder


def pages(site: Path) -> list[Path]:
    """Those that the generator made; the gallery's own have tests of theirs."""
    own = {"check", "gallery", "play"}
    found = [path for path in site.rglob("*.html") if own.isdisjoint(path.parts)]
    return sorted(path for path in found if path.name != "404.html")


class Places(HTMLParser):
    """What a page leads to, and what can be led to in it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.anchors |= {str(given[name]) for name in ("id", "name") if given.get(name)}
        self.links += [str(given[name]) for name in ("href", "src") if given.get(name)]


def test_workbooks_are_checked_there_in_every_language(site):
    every = {path.name for path in (site / "check").glob("*.html")}
    pages = {name for name in every if not name.startswith("excel-")}  # those are of a task pane
    assert len(pages) == len(every - pages) == len(LANGUAGES)
    for name in pages:
        page = (site / "check" / name).read_text("utf-8")
        assert all(f'href="{other}"' in page for other in pages if other != name)
    assert (site / "check/files/wasm.js").stat().st_size > 1_000_000


def test_the_page_to_play_with_has_an_address_a_card_and_is_kept(site):
    page = (site / "play/index.html").read_text("utf-8")
    assert '<meta property="og:title" content="gradbook: ' in page
    assert '"isKept":true' in page
    assert "worker-src 'self'" in page
    assert (site / "play/sw.js").read_text("utf-8").count("addEventListener(") == 2
    assert (site / "play/card.png").read_bytes().startswith(b"\x89PNG")


def test_every_document_has_a_place_in_the_navigation():
    written = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    written |= {path.name for path in (ROOT / "site").glob("*.md")} | {"changelog.md"}
    settings = (ROOT / "site" / "zensical.toml").read_text("utf-8")
    named = set(re.findall(r'= "([\w/-]+\.md)"', settings))
    assert named == written


@pytest.mark.witness("zensical")
def test_every_link_and_every_anchor_is_there(site):
    places = {path.resolve(): Places(path) for path in site.rglob("*.html")}
    astray = []
    for path in map(Path.resolve, pages(site)):
        for link in places[path].links:
            if re.match(r"[a-z]+:", link):
                continue
            name, _, anchor = link.removesuffix("#compact").partition("#")  # how a page is shown
            target = (path.parent / unquote(name)).resolve() if name else path
            known = places[target].anchors if target in places else set()
            if not target.exists() or (anchor and unquote(anchor) not in known):
                astray.append((path.name, link))
    assert astray == []


@pytest.mark.witness("zensical")
def test_the_page_for_what_is_not_there_leads_on_from_wherever_the_site_lies(site):
    links = [link for link in Places(site / "404.html").links if not re.match(r"[a-z]+:", link)]
    assert len(links) > len(VERBS)
    assert [link for link in links if link.startswith("/")] == []
    assert [link for link in links if not (site / unquote(link.partition("#")[0])).exists()] == []


@pytest.mark.witness("zensical")
def test_nothing_is_fetched_from_elsewhere(site):
    loaded = re.compile(
        r"<(?:script|img|iframe)[^>]* src=\"?(https?:[^\"> ]*)|<link[^>]*stylesheet[^>]*https?:"
    )
    assert [path.name for path in pages(site) if loaded.search(path.read_text("utf-8"))] == []


@pytest.mark.witness("zensical")
def test_every_verb_has_a_page(site):
    assert {path.stem for path in (site / "reference/commands").glob("*.html")} == {"index", *VERBS}


@pytest.mark.witness("zensical")
def test_lists_and_blocks_are_no_paragraphs(site):
    """As they are without a blank line before them, or with words that the generator can't read."""
    run_in = re.compile(r"<p>[^<]*(?:\n(?:- |\d+\. )|```)")
    assert [path.name for path in pages(site) if run_in.search(path.read_text("utf-8"))] == []


@pytest.mark.witness("zensical", "chromium")
@for_each("size", [(1280, 800), (390, 844)])
def test_the_front_page_opens_with_the_live_page_in_sight(site, size):
    with browser() as chromium:
        chromium.show(site / "index.html", *size)
        live = chromium.value(BOX.format(".live"))
        assert 0 < live["bottom"] <= size[1]
        doors = [chromium.value(BOX.format(f".doors a:nth-child({k})")) for k in (1, 2, 3)]
        assert all(door["height"] >= 148 for door in doors)
        assert size[0] == 390 or max(door["bottom"] for door in doors) <= size[1]
        address = f"{(site / 'play/index.html').as_uri()}#compact"
        chromium.show(address, int(live["width"]), int(live["height"]))
        assert chromium.value(OVERFLOWING) == []
        chromium.click("#run")
        chromium.until("Number(document.querySelector('#epoch').textContent.replace(',', '')) > 3")
        assert chromium.said == []


@pytest.mark.witness("zensical", "chromium")
def test_a_door_opens_wherever_it_is_clicked(site):
    with browser() as chromium:
        chromium.show(site / "index.html", 1280, 800)
        door = chromium.value(BOX.format(".doors a:nth-child(2)"))
        chromium.click_at(door["right"] - 8, door["bottom"] - 8)
        chromium.until("location.pathname.endsWith('by-hand.html')")


@pytest.mark.witness("zensical", "chromium")
def test_without_javascript_the_front_page_has_a_picture_of_the_live_page(site):
    with browser() as chromium:
        chromium.ask("Emulation.setScriptExecutionDisabled", value=True)
        chromium.ask("Page.navigate", url=(site / "index.html").as_uri())
        shown = "document.querySelector('.live img')?.getBoundingClientRect().height"
        assert chromium.until(shown) > 400


@pytest.mark.witness("zensical")
def test_the_front_page_leads_to_every_guide(site):
    written = {f"guides/{path.stem}.html" for path in (ROOT / "docs/guides").glob("*.md")}
    article = (site / "index.html").read_text("utf-8").partition("<article")[2]
    assert [link for link in sorted(written) if link not in article] == []


@pytest.mark.witness("zensical", "chromium", "axe")
@for_each("scheme", ["light", "dark"])
def test_a_page_of_each_kind_is_there_for_everybody(site, scheme):
    with browser() as chromium:
        for kind in KINDS:
            chromium.show(site / f"{kind}.html", width=1280, prefers_color_scheme=scheme)
            assert chromium.objections() == [], kind
            assert chromium.value(CLIPPED) == [], kind


@pytest.mark.witness("zensical", "chromium", "axe")
def test_every_page_can_be_read_on_a_phone(site):
    """Without scrolling sideways; contrast, which takes axe longest, is the same as of its kind."""
    with browser() as chromium:
        for path in pages(site):
            chromium.show(path, width=NARROW)
            assert chromium.value("document.documentElement.scrollWidth") <= NARROW, path.name
            assert chromium.objections("color-contrast") == [], path.name
        assert chromium.said == []


@pytest.mark.witness("zensical", "chromium")
def test_the_search_works_in_files(site):
    field = "document.activeElement.shadowRoot"
    with browser() as chromium:
        chromium.show(site / "index.html")
        chromium.press(".md-search__button")
        chromium.until(f"{field}?.activeElement?.tagName === 'INPUT'")
        for word in ("saturated", "perceptron"):  # the second in place of the first
            chromium.type(word)
            every = f"[...{field}.querySelectorAll('ol > li')]"
            chromium.until(
                f"{every}.length && {every}.every(it => /{word[:5]}/i.test(it.textContent))"
            )
            for _ in word:
                chromium.key("Backspace")
        assert chromium.said == []


SEARCHES = {  # what a stranger types, and the page that must come first or second
    "use my own images": "questions.html",
    "no C compiler": "troubleshooting.html",
    "no internet": "troubleshooting.html",
    "momentum": "questions.html",
    "adam": "questions.html",
    "relu": "questions.html",
    "convolution": "questions.html",
    "batch normalization": "questions.html",
    "learning rate too high": "troubleshooting.html",
    "overfitting": "troubleshooting.html",
    "regression": "guides/tables.html",
    "early stopping": "guides/scikit-learn.html",
    "tensorflow lite": "questions.html",
    "onnx": "guides/export.html",
    "arduino": "tutorials/board.html",
    "numpy": "guides/export.html",
    "check my spreadsheet": "tutorials/workbook.html",
    "excel": "guides/check.html",
    "libreoffice": "guides/check.html",
    "moodle": "guides/quiz.html",
    "marks for a class": "guides/class.html",
    "wrong gradient": "questions.html",
}


@pytest.mark.witness("zensical", "chromium")
def test_the_search_answers_in_the_words_of_strangers(site):
    field = "document.activeElement.shadowRoot"
    places = f"[...{field}.querySelectorAll('ol > li a')].slice(0, 2).map(link => link.href)"
    missed = {}
    with browser() as chromium:
        for words, page in SEARCHES.items():
            chromium.show(site / "index.html")
            chromium.press(".md-search__button")
            chromium.until(f"{field}?.activeElement?.tagName === 'INPUT'")
            chromium.type(words)
            chromium.until(f"{places}.length && {places}[0].includes({quote_plus(words[-3:])!r})")
            first = chromium.value(places)
            if not any(f"/{page}?" in place for place in first):
                missed[words] = first
    assert missed == {}


@pytest.mark.witness("zensical", "chromium")
@for_each("word", ["export", "learning rate", "tables"])
def test_the_search_gives_guides_before_the_reference(site, word):
    field = "document.activeElement.shadowRoot"
    with browser() as chromium:
        chromium.show(site / "index.html")
        chromium.press(".md-search__button")
        chromium.until(f"{field}?.activeElement?.tagName === 'INPUT'")
        chromium.type(word)
        links = f"[...{field}.querySelectorAll('ol > li a')].map(link => link.href)"
        places = chromium.until(f"{links}.length > 5 && {links}")
        assert "/guides/" in " ".join(places)
        of_reference = ["/reference/" in place for place in places if "changelog" not in place]
        assert of_reference == sorted(of_reference)
        assert chromium.said == []


@pytest.mark.witness("zensical")
def test_no_two_pages_have_the_same_title(site):
    titles = [
        re.search(r"<h1[^>]*>(.*?)<", path.read_text("utf-8"), re.DOTALL) for path in pages(site)
    ]
    names = [title[1].strip() for title in titles if title]
    assert sorted(names) == sorted(set(names))
