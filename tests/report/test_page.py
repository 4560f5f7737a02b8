"""Tables of a page: which cells are headings, which stand left, what is escaped."""

from __future__ import annotations

import re
import subprocess
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

import pytest

from gradbook.palette import ERROR, PAPER
from gradbook.report.document import Chapter, PageOnly, Passage, Report
from gradbook.report.markup import markup, report_cell, report_page, words_markup
from gradbook.report.page_shell import PageTemplate, WholePage, text, wide
from gradbook.report.scripts import script
from gradbook.report.styled_text import Span, TableColumn, TextTable, bar
from tests.cases import for_each
from tests.outside.witness import program

HOSTILE = '"><script>alert(1)</script>'
VOID = {"meta", "link", "br", "hr", "img", "rect", "path", "mspace"}


class Outline(HTMLParser):
    """What a page's tags say: their order, attributes, nesting."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.misnested: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.misnested.append(tag)


def policy(html: str) -> str:
    return re.search(r'Content-Security-Policy" content="([^"]*)"', html)[1]


def digest(content: str) -> str:
    return f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"


def small(**parts: object) -> str:
    chapters = [Chapter("one", "One", [Passage("1")]), Chapter("two", "Two", ())]
    return report_page(Report("Rates", chapters, **parts))


def test_a_page_is_well_nested_and_keeps_its_order():
    html = small(lead=[Passage("lead")], foot=[Passage("foot")])
    outline = Outline(html)
    assert (outline.open, outline.misnested) == ([], [])
    places = [
        html.index(part) for part in ("<h1>Rates", "<p>lead", 'id="one"', 'id="two"', "<p>foot")
    ]
    assert places == sorted(places)


def test_its_own_style_and_script_are_all_that_is_obeyed():
    html = str(WholePage("Rates", style="p{color:red}", script="let a = 1 < 2"))
    style = re.search(r"<style>(.*?)</style>", html, re.S)[1]
    assert style.endswith("p{color:red}")
    assert f"style-src {digest(style)}" in policy(html)
    assert f"script-src {digest('let a = 1 < 2')}" in policy(html)
    assert policy(html).startswith("default-src 'none'")
    assert "unsafe" not in policy(html)


def test_without_a_script_no_script_may_run():
    assert "script-src 'none'" in policy(small())
    assert "<script" not in small()


def test_nothing_is_asked_for_from_elsewhere():
    html = small()
    assert not re.search(r"https?:|url\(|@import|src=|<link", html)


@for_each("hostile", [HOSTILE, "a & b", "<b>", "'single'"])
def test_a_title_is_words_and_never_markup(hostile):
    html = report_page(Report(hostile))
    assert {tag for tag, _ in Outline(html).tags} == {
        *("html", "head", "meta", "title", "style", "body", "header", "h1", "main")
    }
    assert html.count(text(hostile)) == 2


def test_headings_are_in_order_and_sections_have_names():
    tags = Outline(small()).tags
    assert [tag for tag, _ in tags if re.fullmatch("h[1-6]", tag)] == ["h1", "h2", "h2"]
    labels = [attributes["aria-labelledby"] for tag, attributes in tags if tag == "section"]
    ids = [attributes.get("id") for tag, attributes in tags if tag == "h2"]
    assert labels == ids


def test_the_palette_is_there_for_light_and_for_dark_screens():
    html = small()
    light, dark = html.split("@media screen and (prefers-color-scheme:dark)", 1)
    assert f"--errors:{ERROR.ink}" in light
    assert f"--paper:{PAPER.fill}" in light
    assert f"--errors:{ERROR.dark_ink}" in dark
    assert f"--paper:{PAPER.dark_fill}" in dark
    assert "color-scheme: light dark" in html


def test_wide_things_scroll_in_a_box():
    assert wide("<i></i>") == '<div class="wide" tabindex="0"><i></i></div>'
    assert wide("<i></i>", focusable=False) == '<div class="wide"><i></i></div>'


# Tables of a page -------------------------------------------------------------


SHOWN = TextTable(
    (TableColumn("<a>", words=True), TableColumn("n")), (("x & y", 1200),), ("all", 1)
)


def test_rows_may_begin_with_their_heading_and_words_stand_left():
    columns = (TableColumn("a", words=True), TableColumn("b"))
    html = markup([TextTable(columns, (("x", 1),), has_row_heads=True)])
    assert html.removeprefix('<div class="wide" tabindex="0">').splitlines()[:-1] == [
        "<table>",
        '<thead><tr><th scope="col" class="words">a</th><th scope="col">b</th></tr></thead>',
        "<tbody>",
        '<tr><th scope="row" class="words">x</th><td>1</td></tr>',
        "</tbody>",
    ]


def test_tables_and_rows_may_be_of_a_kind():
    table = TextTable((TableColumn(""),), ((1,), (2,)), kind="runs", row_kinds=("", "best"))
    html = markup([table])
    assert html.count("class=") == 3
    assert '<tr class="best"><td>2</td></tr>' in html
    assert "<thead>" not in html


def test_cells_may_have_links_and_what_is_drawn():
    cell = (Span("x", link="there"), bar(0.5, "good"))
    html = markup([TextTable((TableColumn("a"),), ((cell,),))])
    assert '<td><a href="#there">x</a><svg class="bar good"' in html


def test_words_are_escaped_numbers_spelled_and_a_total_stands_below():
    html = markup([SHOWN])
    assert "&lt;a&gt;" in html
    assert '<td class="words">x &amp; y</td><td>1,200</td>' in html
    assert '<tfoot><tr><td class="words">all</td><td>1</td></tr></tfoot>' in html


def test_a_notebook_knows_no_classes():
    assert "class=" not in report_cell(Report("", cell=[SHOWN]))


@for_each("share", [0.25, 0])
def test_a_bar_is_as_long_as_its_share(share):
    html = words_markup([bar(share, "good")])
    assert float(re.search(r'<rect width="([^"]*)"', html)[1]) == 100 * share


def test_of_a_column_each_bar_is_a_share_of_the_largest_and_stands_right():
    html = markup([TextTable((TableColumn("n", has_bars=True),), ((1,), (4,)))])
    assert re.findall(r'<rect x="([^"]*)" width="([^"]*)"', html) == [("75", "25"), ("0", "100")]


def test_a_piece_of_html_says_its_messages_with_what_stands_in_their_places():
    pieces = PageTemplate("view/page.html", lines="<b>", reason="", written="")
    assert pieces.html("save") == '<button type="button" id="save">Save as net.txt</button>'
    assert "write <code>dropout 0</code> into the text first.</p>" in pieces.html("commands")
    assert '<code id="text-alone"><b></code>' in pieces.html("text")
    chapter = pieces.chapter("text", "more")
    assert (chapter.anchor, chapter.heading) == ("more", "Text")
    assert isinstance(chapter.blocks[0], PageOnly)


@pytest.mark.witness("node")
@for_each("main", ["view", "digits", "letters", "serve", "class"])
def test_every_script_can_be_read(main, tmp_path):
    path = tmp_path / f"{main}.js"
    path.write_text(script(f"{main}/main.js"), encoding="utf-8")
    command = [program("node"), "--check", path]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.stderr == ""
