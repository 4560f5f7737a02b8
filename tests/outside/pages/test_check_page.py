"""The page that checks by itself, in browsers: from a file and from a site, with real books."""

from __future__ import annotations

import json
import time
from base64 import b64encode
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from threading import Thread
from zipfile import ZipFile

import pytest
import xlsxwriter

from gradbook.audit.check_book import report_on
from gradbook.cells.formula.address import cells_of, name_of
from gradbook.cli.main import main
from gradbook.engine.pyodide import browser_python
from gradbook.report.check_page import check_page, check_parts, part_script
from tests.outside.firefox import firefox
from tests.outside.pages.test_translated_pages import english
from tests.outside.witness import PYODIDE
from tests.pseudo import pseudo_language
from tests.serve.books import a_class, content, exercises, laid_out

PATIENCE = 300.0  # seconds: other tests run beside it
READY = "document.body.dataset.python === 'ready'"
JUDGED = """(books => books.length && books.every(row => row.querySelector('.verdict')
  || /stopped/.test(row.textContent)))(
  [...document.querySelectorAll('table.books tbody tr')])
  && document.querySelector('#progress').hidden"""
ROWS = """[...document.querySelectorAll('table.books tbody tr')].map(
  row => [row.cells[0].textContent, row.cells[2].textContent])"""
PUT_IN = """(async letters => {
  const given = new DataTransfer()
  const bytes = Uint8Array.from(atob(letters), it => it.charCodeAt(0))
  given.items.add(new File([bytes], "ada.xlsx"))
  const field = document.querySelector('#files')
  field.files = given.files
  field.dispatchEvent(new Event('change'))
})"""
WIDER = "document.documentElement.scrollWidth > innerWidth"


@pytest.fixture(scope="module")
def parts():
    """What the page runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADBOOK_PYODIDE", str(PYODIDE))
        return check_parts(browser_python())


@pytest.fixture(scope="module")
def written(tmp_path_factory, parts):
    """The page as the command writes it, the one of a site, and a class of books beside them."""
    folder = tmp_path_factory.mktemp("check")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADBOOK_PYODIDE", str(PYODIDE))
        assert main(["check", "--page", str(folder / "check.html")]) == 0
    (folder / "files").mkdir()
    for name, letters in parts.items():
        (folder / "files" / f"{name}.js").write_text(part_script(name, letters))
    (folder / "site.html").write_text(check_page(parts, folder="files"), encoding="utf-8")
    laid_out(folder / "class", [*a_class(), *exercises()])
    return folder


@contextmanager
def site(folder):
    """The folder as a site has it."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    handler.func.log_message = lambda *said: None
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def page(chromium, written):
    """The page from its file, once Python has started; it must not have complained in the end."""
    chromium.said.clear()
    chromium.show(written / "check.html")
    chromium.until(READY, PATIENCE)
    yield chromium
    assert chromium.said == []
    assert chromium.text("#problem") == ""


@pytest.fixture
def saved(chromium, tmp_path):
    """`saved(name, selector)`: what is saved under that name by a click."""
    chromium.save_to(tmp_path)

    def save(name, selector):
        chromium.click(selector)
        end = time.monotonic() + PATIENCE
        while not (tmp_path / name).exists() and time.monotonic() < end:
            time.sleep(0.05)
        return (tmp_path / name).read_bytes()

    return save


@pytest.mark.witness("chromium", "pyodide")
def test_a_book_is_judged_and_its_copies_are_those_of_the_command(page, written, saved, tmp_path):
    folder = written / "class"
    page.drop("#drop", folder / "sign.xlsx")
    page.until(JUDGED, PATIENCE)
    assert page.value(ROWS) == [["sign.xlsx", "wrong"]]
    assert page.text("#book-heading") == "sign.xlsx"
    assert "−" in page.text("#findings") or "sign" in page.text("#findings")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        asked = ["-o", str(tmp_path / "wanted.html"), "--annotate", str(tmp_path / "a")]
        assert main(["check", "sign.xlsx", *asked, "--fix", str(tmp_path / "f")]) == 1
    assert saved("sign.html", "#report") == (tmp_path / "wanted.html").read_bytes()
    marked = saved("marked-sign.xlsx", "[data-copy='mark']")
    assert marked == (tmp_path / "a" / "sign.xlsx").read_bytes()
    corrected = saved("corrected-sign.xlsx", "[data-copy='correct']")
    assert corrected == (tmp_path / "f" / "sign.xlsx").read_bytes()
    assert page.text("#book-problem") == ""


@pytest.mark.witness("chromium", "pyodide")
def test_a_class_on_a_site_comes_to_the_json_of_the_command(chromium, written, saved, capsys):
    with site(written) as address, pytest.MonkeyPatch.context() as patch:
        chromium.said.clear()
        chromium.show(f"{address}/site.html")
        chromium.drop("#drop", written / "class")  # Python may still be on its way
        chromium.until(JUDGED, PATIENCE)
        record = json.loads(saved("found.json", "[data-ending='.json']"))
        patch.chdir(written)
        main(["check", "class", "--json"])
        assert record == json.loads(capsys.readouterr().out)
        assert chromium.value("document.querySelectorAll('b b, td script').length") == 0
        assert [line for line in chromium.said if "favicon" not in line] == []
        assert chromium.text("#said").startswith("14 workbooks: ")
        chromium.click("table.books tbody tr:nth-child(4) button.name")
        assert chromium.text("#book-heading") == chromium.value(ROWS)[3][0]
        chromium.click("#clear")
        assert chromium.value("document.querySelector('#class').hidden")


@pytest.mark.witness("chromium")
def test_given_books_are_shown_with_nothing_loaded(chromium, tmp_path):
    """The first wrong one is open, and no Python starts until another book is dropped."""
    laid_out(tmp_path / "class", a_class())
    page = tmp_path / "given.html"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gradbook.cli.verbs.check.browser_parts", lambda: {"gradbook": "none"})
        main(["check", str(tmp_path / "class"), "--page", str(page)])
    chromium.said.clear()
    chromium.show(page)
    rows = chromium.value(ROWS)
    assert {name for name, _ in rows} == {path.name for path in (tmp_path / "class").iterdir()}
    first = next(name for name, verdict in rows if verdict == "wrong")
    assert chromium.text("#book-heading") == first
    assert "should be" in chromium.text("#findings")
    assert chromium.value("document.querySelector('#python').hidden")
    assert chromium.value("document.querySelectorAll('script[id^=part-]').length") == 1
    assert chromium.said == []


@pytest.mark.witness("chromium", "pyodide")
def test_the_first_wrong_book_is_opened_unless_the_reader_chose_another(page, written):
    folder = written / "class"
    page.drop("#drop", folder / "ada.xlsx")
    page.until(JUDGED, PATIENCE)
    page.drop("#drop", folder / "sign.xlsx")
    page.until(JUDGED, PATIENCE)
    assert page.text("#book-heading") == "sign.xlsx"
    page.click("table.books tbody tr:first-child button.name")
    page.drop("#drop", folder / "carried.xlsx")
    page.until(JUDGED, PATIENCE)
    assert page.text("#book-heading") == "ada.xlsx"


def kiosk(path):
    """A workbook in which nothing trains: what a kiosk earns, on two sheets."""
    with xlsxwriter.Workbook(path) as book:
        prices, plan = book.add_worksheet("Prices"), book.add_worksheet("Ada's plan")
        for row, (words, number) in enumerate([("Tea", 2.5), ("Milk", 0.4), ("Cups", 80)]):
            prices.write_row(row, 1, [words, number])
        plan.write("A1", "Margin")
        plan.write_formula("B1", "=Prices!C1-Prices!C2", None, 2.1)
        plan.write("A2", "<b>Profit</b>")
        plan.write_formula("B2", "=B1*Prices!C3-IF(B1>0,25,0)", None, 143)
    return path


HEAT = """[...document.querySelectorAll('#grid .sheet')].map(sheet =>
  [...sheet.querySelectorAll('td[title]')].map(cell => cell.title))"""


@pytest.mark.witness("chromium", "pyodide")
def test_a_click_on_a_cell_shows_what_it_depends_on(page, saved, tmp_path):
    page.drop("#drop", kiosk(tmp_path / "kiosk.xlsx"))
    page.until(JUDGED, PATIENCE)
    page.until("document.querySelectorAll('#grid table').length === 2", PATIENCE)
    assert page.value(HEAT) == [
        ["C1: derivative 80", "C2: derivative −80", "C3: derivative 2.1"],
        ["B1: derivative 80", "B2: derivative 1"],
    ]
    assert "143" in page.text("#sensitivities")
    assert page.value("document.querySelectorAll('#cells b b, #cells td b').length") == 0
    page.click("#grid .sheet:not([hidden]) tr:nth-child(1) td[data-cell]")
    page.until(f"{HEAT}[0][0] === 'C1: derivative 1'", PATIENCE)
    assert page.value(HEAT)[0] == ["C1: derivative 1", "C2: derivative −1"]
    page.press("#sheets button:first-child")
    assert page.value("document.querySelector('#grid .sheet:not([hidden]) td').textContent") == ""
    copy = saved("derivatives-kiosk.xlsx", "#derived")
    with ZipFile(BytesIO(copy)) as parts:
        assert b'<sheet name="Derivatives"' in parts.read("xl/workbook.xml")


@pytest.mark.witness("chromium", "pyodide")
def test_a_book_that_is_stopped_takes_nothing_else_along(chromium, written):
    chromium.show(written / "check.html")
    chromium.drop("#drop", written / "class" / "carried.xlsx")
    chromium.until("!!document.querySelector('.stop')", PATIENCE)
    chromium.until(f"{READY} && !!document.querySelector('.stop')", PATIENCE)
    chromium.press(".stop")
    chromium.until(JUDGED, PATIENCE)
    assert chromium.value(ROWS)[0][1] == "stopped"
    chromium.choose("#files", written / "class" / "ada.xlsx")
    chromium.until(f"({ROWS}).some(row => row[1] === 'right')", PATIENCE)


@pytest.mark.witness("chromium", "pyodide", "axe")
@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1200, "dark")])
def test_everybody_can_use_it_at_any_width(chromium, written, width, scheme):
    chromium.show(written / "check.html", width, prefers_color_scheme=scheme)
    assert (chromium.objections(), chromium.value(WIDER)) == ([], False)
    chromium.until(READY, PATIENCE)
    chromium.choose("#files", *(written / "class" / f"{it}.xlsx" for it in ("sign", "ada", "bomb")))
    chromium.until(JUDGED, PATIENCE)
    chromium.until("!!document.querySelector('#said').textContent", PATIENCE)
    assert (chromium.objections(), chromium.value(WIDER)) == ([], False)


@pytest.mark.witness("firefox", "pyodide")
def test_another_browser_says_the_same(written):
    with firefox() as page:
        page.show(written / "check.html")
        page.value(f"{PUT_IN}({b64encode(content(is_right=False)).decode()!r})")
        page.until(JUDGED, PATIENCE)
        assert page.value(ROWS) == [["ada.xlsx", "wrong"]]
        assert page.said == []


@pytest.mark.witness("chromium")
def test_it_says_nothing_in_english_and_what_is_missing(chromium, tmp_path):
    with pseudo_language():
        page = check_page({"python": "its content"}, folder="gone")
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    chromium.show(tmp_path / "page.html")
    chromium.until("!!document.querySelector('#problem').textContent")
    assert "gone" in chromium.text("#problem")
    chromium.said.clear()
    assert english(chromium, "gone", "Pyodide", "MPL", "found", "html", "csv", "json") == []


# As a task pane of Excel ------------------------------------------------------------

EXCEL = Path(__file__).with_name("excel_mock.js")
DONE = "!document.querySelector('#excel-said').textContent.includes('…')"


@pytest.mark.witness("chromium", "pyodide")
def test_the_open_workbook_of_excel_is_marked_corrected_and_left_as_it_was(
    chromium, written, parts, tmp_path, monkeypatch
):
    """By a mock: this was never tried in Excel itself."""
    book = written / "class" / "sign.xlsx"
    report = report_on(book)
    wrong = {
        f"{finding.sheet}!{name_of(cell)}"
        for finding in report.findings
        for cell in cells_of(finding.cells, 0)
    }
    fixes = {f"{f.sheet}!{cell}": text for f in report.findings for cell, text in f.fixes.items()}
    assert main(["check", str(book), "--fix", str(tmp_path / "fixed")]) == 1
    letters = [
        b64encode(path.read_bytes()).decode() for path in (book, tmp_path / "fixed" / "sign.xlsx")
    ]
    (written / "office.js").write_text(EXCEL.read_text("utf-8"), "utf-8")
    chromium.said.clear()
    with site(written) as address:
        monkeypatch.setattr("gradbook.report.check_page.OFFICE_SCRIPT", f"{address}/office.js")
        pane = check_page(parts, folder="files", is_pane=True)
        (written / "pane.html").write_text(pane, encoding="utf-8")
        chromium.show(f"{address}/pane.html", width=350)
        chromium.until(READY, PATIENCE)
        marked = sorted(wrong)[0]
        before = {marked: "#00FF00"}  # as the user had coloured it
        given = {"bytes": letters[0], "corrected": letters[1], "fills": before}
        chromium.value(f"void Object.assign(excel, {json.dumps(given)})")
        chromium.click("#excel-check")
        chromium.until(f"{DONE} && excel.comments.size > 0", PATIENCE)
        assert chromium.text("#excel-said").startswith("wrong")
        assert set(chromium.value("excel.fills")) == wrong
        notes = dict(chromium.value("[...excel.comments.values()]"))
        assert len(notes) == len(report.findings)
        assert chromium.value(WIDER) is False
        chromium.click("#excel-clear")
        chromium.until(f"{DONE} && excel.comments.size === 0", PATIENCE)
        assert chromium.value("excel.fills") == before
        chromium.click("#excel-check")
        chromium.until(f"{DONE} && excel.comments.size > 0", PATIENCE)
        chromium.click("#excel-correct")
        chromium.until(f"{DONE} && excel.comments.size === 0", PATIENCE)
        assert chromium.value("excel.formulas") == fixes
        assert "right" in chromium.text("#excel-said")
        assert chromium.value("excel.closed") == 3
        assert chromium.text("#excel-problem") == ""
    assert chromium.said == []
