"""A teacher works a class by clicks in Chromium, from names to grades."""

from __future__ import annotations

import csv
import io
import time
import zipfile

import pytest

from gradbook.teaching.classes.folder import open_class
from gradbook.teaching.classes.marks_file import read_ledger
from tests.serve.running import served
from tests.teaching.classes.made import solved, without

pytestmark = pytest.mark.witness("axe", "chromium")
SAID = "document.querySelector('#room-said').textContent"
ROWS = """[...document.querySelectorAll('table.room tbody tr')].map(
  row => [...row.cells].slice(0, 4).map(cell => cell.textContent))"""


def test_from_names_to_grades(chromium, tmp_path):
    path = tmp_path / "rain"
    with served(str(path)) as on:
        chromium.turn_to(chromium.new_tab())
        chromium.said.clear()
        chromium.show(on.address)
        chromium.until("!document.querySelector('#begin').hidden")
        chromium.write("#room-names", "Ada Lovelace\nAlan Turing")
        chromium.press("#begin button")
        chromium.until(f"{SAID}.startsWith('2 exercises made')")
        ada = solved(open_class(path), "Ada Lovelace", tmp_path / "Ada-Lovelace.xlsx", without())
        book = "Alan-Turing.xlsx"
        alan = solved(open_class(path), "Alan Turing", tmp_path / book, without("∂E/∂w1"))
        chromium.choose("#room-files", ada, alan)
        chromium.until(f"{SAID} === '2 new workbooks'")
        chromium.press("#room-mark")
        chromium.until(f"{SAID} === '2 students, 2 workbooks handed in'")
        assert chromium.value(ROWS) == [
            ["Ada Lovelace", "20", "20", "right"],
            ["Alan Turing", "17.5", "20", "unfinished"],
        ]
        row = "table.room tbody tr:nth-child(2)"
        chromium.write(f"{row} input", "18.5")
        chromium.press(f"{row} button")
        chromium.until(f"{SAID} === 'kept for Alan Turing'")
        assert chromium.value(ROWS)[1][1] == "18.5"
        change_behind_the_page(chromium, path / "marks.csv", row)
        chromium.show(on.address)  # the page, opened again, has what is in the folder
        chromium.until(f"document.querySelector('{row} input')?.value === '18.5'")
        folder = tmp_path / "saved"
        folder.mkdir()
        chromium.save_to(folder)
        chromium.press("[data-room='grades.zip']")
        end = time.monotonic() + 30
        while not (folder / "grades.zip").exists() and time.monotonic() < end:
            time.sleep(0.05)
        with zipfile.ZipFile(folder / "grades.zip") as grades:
            name = next(name for name in grades.namelist() if "moodle" in name)
            rows = list(csv.reader(io.StringIO(grades.read(name).decode("utf-8-sig"))))
        assert any("18.5" in row for row in rows)
        assert chromium.objections() == []
        assert chromium.said == []


def change_behind_the_page(chromium, marks, row):
    """Somebody types into marks.csv: that is shown, and what is typed here offered again."""
    marks.write_text(marks.read_text("utf-8-sig").replace(",18.5,,,", ",3,1,ill,"), "utf-8")
    chromium.write("table.room tbody tr:nth-child(1) input", "19")  # not kept yet
    chromium.write(f"{row} td:nth-child(7) input", "very good")
    chromium.press(f"{row} button")
    chromium.until("document.querySelector('#room-problem').textContent.includes('meanwhile')")
    own = f"[...document.querySelectorAll('{row} input')].map(it => it.value)"
    assert chromium.value(own) == ["3", "1", "very good"]
    chromium.write(f"{row} input", "18.5")
    chromium.press(f"{row} button")
    chromium.until(f"{SAID} === 'kept for Alan Turing'")
    assert read_ledger(marks)["Alan Turing"].cells == ("18.5", "1", "very good")
    first = "document.querySelector('table.room tbody tr:nth-child(1) input').value"
    assert chromium.value(first) == "19"
    assert [line.rpartition(" ")[2] for line in chromium.said] == ["(Conflict)"]
    chromium.said.clear()
