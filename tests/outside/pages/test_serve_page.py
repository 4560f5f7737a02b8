"""The served page in Chromium: books are dropped, the table grows, texts are worked."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from tests.serve.books import NAMES, a_class, exercises, laid_out
from tests.serve.running import served

pytestmark = pytest.mark.witness("chromium")
JUDGED = "!document.querySelector('#class').hidden && / workbooks?: /.test(said.textContent)"
ROWS = """[...document.querySelectorAll('table.books tbody tr')].map(
  row => [row.cells[0].textContent, row.cells[2].textContent, row.hidden])"""
OF_A_STATUS = "Failed to load resource"  # that a browser says of every refusal
WRONG = "input 2\ndense two; sigmoid\nloss half squared error"


@pytest.fixture(scope="module")
def on():
    with served() as running:
        yield running


@pytest.fixture
def saved(chromium, tmp_path):
    """`saved(name, selector)`: what is saved under that name by a click."""
    folder = tmp_path / "saved"
    folder.mkdir()
    chromium.save_to(folder)

    def save(name, selector):
        chromium.click(selector)
        end = time.monotonic() + 60
        while not (folder / name).exists() and time.monotonic() < end:
            time.sleep(0.05)
        return (folder / name).read_bytes()

    return save


@pytest.fixture
def page(chromium, on):
    """The page in a tab of its own, without a complaint in the end."""
    chromium.turn_to(chromium.new_tab())
    chromium.said.clear()
    chromium.show(on.address)
    yield chromium
    assert [said for said in chromium.said if not said.startswith(OF_A_STATUS)] == []


@pytest.fixture(scope="module")
def books():
    return a_class()


@pytest.fixture
def folder(tmp_path, books):
    laid_out(tmp_path / "class", books)
    return tmp_path / "class"


def commanded(where: Path, *words: str) -> bytes:
    """What the command prints."""
    command = [sys.executable, "-m", "gradbook", *words]
    done = subprocess.run(command, cwd=where, capture_output=True, check=False)
    assert b"Traceback" not in done.stderr
    return done.stdout


def test_a_folder_is_dropped_judged_and_saved_as_the_command_writes_it(page, folder, saved):
    page.drop("#drop", folder)
    page.until(JUDGED)
    commanded(
        folder.parent,
        *("check", "class", "-o", "grades.csv", "-o", "class.html", "--annotate", "marked"),
    )
    rows = page.value(ROWS)
    grades = list(csv.reader(io.StringIO((folder.parent / "grades.csv").read_text("utf-8-sig"))))
    assert [row[1] for row in rows] == [line[6] for line in grades[1:]]
    assert {row[1] for row in rows} >= {"right", "wrong", "unreadable"}
    for name in ("grades.csv", "class.html"):
        assert saved(name, f"[data-save='{name}']") == (folder.parent / name).read_bytes()
    with zipfile.ZipFile(io.BytesIO(saved("marked.zip", "[data-save='marked.zip']"))) as archive:
        copies = {name: archive.read(name) for name in archive.namelist()}
    assert copies == {p.name: p.read_bytes() for p in (folder.parent / "marked").iterdir()}


def test_files_are_chosen_by_their_names_whatever_these_are(page, folder):
    page.choose("#files", *(folder / name for name in NAMES))
    page.until(JUDGED)
    assert {row[0] for row in page.value(ROWS)} == set(NAMES)
    page.drop("#drop", folder / "ada.xlsx", folder / "nothing.xlsx")
    page.until("said.textContent.startsWith('7 workbooks')")
    rows = {name: verdict for name, verdict, _ in page.value(ROWS)}
    assert (rows["ada.xlsx"], rows["nothing.xlsx"]) == ("right", "unreadable")


def test_a_chosen_folder_is_its_workbooks(page, folder):
    (folder / "notes.txt").write_text("no book", encoding="utf-8")
    page.choose("#folder", folder)
    page.until(JUDGED)
    assert len(page.value(ROWS)) == len(a_class())
    assert "notes.txt: it isn't a" in page.text("#left")


def test_what_a_repeated_mistake_costs_can_be_chosen(page, tmp_path, saved):
    laid_out(tmp_path / "class", exercises())
    page.drop("#drop", tmp_path / "class")
    page.until(JUDGED)
    points = (
        "[...document.querySelectorAll('.books tbody tr')].map(row => row.cells[4]?.textContent)"
    )
    page.click("#points")
    page.until(f"{points}.join() === '7,7'")
    page.write("#repeated", "4")
    page.key("Tab")
    page.until(f"{points}.join() === '7,4'")
    grades = saved("grades.csv", "[data-save='grades.csv']").decode("utf-8-sig")
    assert [row["points"] for row in csv.DictReader(io.StringIO(grades))] == ["7", "4"]


def test_with_hints_the_page_has_no_solution_and_a_class_its_marks(page, folder):
    page.drop("#drop", folder)
    page.until(JUDGED)
    page.write("#out-of", "20")
    page.click("#hints")
    page.until("/Marks/.test(document.querySelector('#common').textContent)")
    page.until("/look again/.test(document.querySelector('#common').textContent)")
    common = page.text("#common")
    assert "mean" in common.lower()
    assert "Commonest mistakes" in common
    names = "[...document.querySelectorAll('tbody button.name')]"
    page.value(f"{names}.find(one => one.textContent.includes('bob 2')).click()")
    page.until("document.querySelector('dialog').open")
    page.until("/look again/.test(document.querySelector('#findings').textContent)")
    findings = page.text("#findings")
    assert "found" in findings
    assert "should be" not in findings


def test_a_books_findings_open_and_its_copies_are_saved(page, folder, saved):
    page.drop("#drop", folder / "ada.xlsx", folder / "bob 2.xlsx")
    page.until(JUDGED)
    page.click("tbody tr:nth-child(2) button.name")
    page.until("document.querySelector('dialog').open")
    assert page.text("#book-name") == "bob 2.xlsx"
    assert "should be" in page.text("#findings")
    commanded(folder, "check", "bob 2.xlsx", "--annotate", "marked", "--fix", "corrected")
    for kind in ("marked", "corrected"):
        expected = (folder / kind / "bob 2.xlsx").read_bytes()
        assert saved("bob 2.xlsx", f"[data-copy={kind}]") == expected
        (Path(folder).parent / "saved" / "bob 2.xlsx").unlink()
    page.key("Escape")
    assert not page.value("document.querySelector('dialog').open")


def test_two_tabs_have_two_classes_and_keep_them(page, on, folder):
    page.drop("#drop", folder / "ada.xlsx")
    page.until(JUDGED)
    first = page.session
    page.turn_to(page.new_tab())
    page.show(on.address)
    page.drop("#drop", folder / "bob 2.xlsx", folder / "bomb.xlsx")
    page.until(JUDGED)
    assert [row[0] for row in page.value(ROWS)] == ["bob 2.xlsx", "bomb.xlsx"]
    page.turn_to(first)
    page.show(on.address)
    page.until(JUDGED)
    assert page.value(ROWS) == [["ada.xlsx", "right", False]]


# Texts -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "words", "names"),
    [
        ("explain", (), ["html", "tex", "md", "txt", "json"]),
        ("sweep", (), ["html", "svg", "csv", "json"]),
    ],
)
def test_a_text_becomes_what_the_verb_writes(page, verb, words, names, saved, tmp_path):
    text = "input 2; dense 2; tanh; dense 1; sigmoid; loss binary cross-entropy"
    (tmp_path / "net.txt").write_text(text, encoding="utf-8")
    page.write("#text", text)
    page.click(f"button[value={verb}]")
    page.until("!document.querySelector('#result').hidden")
    stem = {"explain": "derivation", "sweep": "sweep"}[verb]
    for ending in names:
        name = f"{stem}.{ending}"
        if ending == "json":  # which is printed, not written
            expected = commanded(tmp_path, verb, "net.txt", *words, "--json")
        else:
            commanded(tmp_path, verb, "net.txt", *words, "-o", name)
            expected = (tmp_path / name).read_bytes()
        assert saved(name, f"#result-files a[download='{name}']") == expected
    assert page.value("document.querySelector('#result-shown h2') !== null")


def test_a_text_becomes_the_verbs_workbook(page, saved, tmp_path):
    page.click("button[value=sheet]")
    page.until("!document.querySelector('#result').hidden")
    found = saved("net.xlsx", "#result-files a")
    (tmp_path / "net.txt").write_text(page.value("text.value"), encoding="utf-8")
    commanded(tmp_path, "sheet", "net.txt", "-o", "net.xlsx")
    assert parts(found) == parts((tmp_path / "net.xlsx").read_bytes())


def parts(content: bytes) -> dict[str, bytes]:
    """All but the hour at which it was made."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        return {name: book.read(name) for name in book.namelist() if name != "docProps/core.xml"}


def test_a_mistake_in_a_text_is_marked_at_its_place(page):
    page.write("#text", WRONG)
    page.click("button[value=explain]")
    said = page.until("document.querySelector('#mistake').textContent")
    assert said.startswith("line 2, column 7: dense's width")
    assert page.value("text.value.slice(text.selectionStart, text.selectionEnd)") == "two"
    assert page.value("text.getAttribute('aria-invalid')") == "true"
    page.write("#text", "input 2; dense 1; sigmoid; loss half squared error")
    assert page.text("#mistake") == ""


def test_a_text_opens_no_file(page):
    page.write("#text", "input 2; dense 1; sigmoid; loss half squared error; data /etc/passwd")
    page.click("button[value=explain]")
    assert "can't open" in page.until("document.querySelector('#mistake').textContent")


def test_a_result_is_a_page_of_its_own(page, on):
    page.click("button[value=sweep]")
    page.until("!document.querySelector('#result').hidden")
    place = page.value("document.querySelector('#result-files a[target]').href")
    page.turn_to(page.new_tab())
    page.show(place)
    assert page.value("document.querySelectorAll('figure svg').length") > 0
    assert page.value("document.querySelector('.readings button') !== null")


# For everybody ---------------------------------------------------------------------


@pytest.mark.parametrize("width", [390, 1600])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.witness("axe")
def test_everybody_can_use_it_at_any_width(page, on, folder, width, scheme):
    page.show(on.address, width, 900, prefers_color_scheme=scheme)
    page.drop("#drop", folder / "ada.xlsx", folder / "bob 2.xlsx", folder / "nothing.xlsx")
    page.until(JUDGED)
    page.click("#points")
    page.click("button[value=explain]")
    page.until("!document.querySelector('#result').hidden")
    assert page.value("document.documentElement.scrollWidth") <= width
    assert page.objections() == []
    page.click("tbody tr:nth-child(2) button.name")
    page.until("document.querySelector('dialog').open")
    assert page.objections() == []


def test_the_keyboard_alone_is_enough(page, folder):
    page.drop("#drop", folder / "ada.xlsx", folder / "bob 2.xlsx")
    page.until(JUDGED)
    reached = []
    page.value("document.activeElement.blur()")
    for _ in range(40):
        page.key("Tab")
        reached.append(
            page.value("document.activeElement.id || document.activeElement.textContent")
        )
        if reached[-1] == "bob 2.xlsx":
            break
    assert {
        "files",
        "folder",
        "points",
        "out-of",
        "hints",
        "accept-elsewhere",
        "repeated",
        "grades.csv",
    } <= set(reached)
    page.key("Enter")
    page.until("document.querySelector('dialog').open")
    page.key("Escape")
    assert page.value("document.activeElement.textContent") == "bob 2.xlsx"


def test_a_server_that_is_gone_is_said(chromium, folder):
    with served() as on:
        chromium.turn_to(chromium.new_tab())
        chromium.show(on.address)
    chromium.drop("#drop", folder / "ada.xlsx")
    said = chromium.until("document.querySelector('#problem').textContent")
    assert said == "gradbook doesn’t answer: is it still running?"
