"""The witnesses are heard rightly: each is asked something whose answer is known."""

from __future__ import annotations

import math

import pytest
import xlsxwriter

from tests.outside.witness import (
    WitnessError,
    compile_latex,
    console_messages,
    dom,
    page_text,
    read_formulas,
    read_values,
    recalculate,
    recalculate_all,
    screenshot,
)

PAGE = """<!doctype html><meta charset="utf-8"><title>a page</title>
<style>body { background: #fff } @media (prefers-color-scheme: dark) { body { background: #000 } }
</style><h1>∂E/∂w5</h1>
<script>document.body.append(matchMedia("(prefers-color-scheme: dark)").matches ? "night" : "day")
console.log("spoke")</script>"""


@pytest.fixture
def book(tmp_path):
    """A workbook whose stored results are all wrong."""
    path = tmp_path / "book.xlsx"
    with xlsxwriter.Workbook(path) as workbook:
        sheet = workbook.add_worksheet("One")
        sheet.write("A1", 2.5)
        sheet.write_formula("A2", "=-A1^2", value=999)
        sheet.write_formula("A3", "=1/(1+EXP(-A1))", value=999)
    return path


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "page.html"
    path.write_text(PAGE, encoding="utf-8")
    return path


@pytest.mark.witness("libreoffice")
def test_libreoffice_computes_every_formula_anew(book, tmp_path):
    again = recalculate(book, tmp_path / "again")
    values = read_values(again)["One"]
    assert values["A2"] == 6.25
    assert values["A3"] == pytest.approx(1 / (1 + math.exp(-2.5)), rel=5e-15)
    assert read_formulas(again)["One"]["A2"] == "=-A1^2"
    assert read_values(book)["One"]["A2"] == 999


@pytest.mark.witness("libreoffice")
def test_libreoffice_overwrites_no_original(book):
    with pytest.raises(WitnessError, match="overwrite"):
        recalculate(book, book.parent)


@pytest.mark.witness("libreoffice")
def test_a_missing_workbook_is_an_error(book, tmp_path):
    with pytest.raises(WitnessError, match=r"no absent\.xlsx"):
        recalculate_all([book, tmp_path / "absent.xlsx"], tmp_path / "again")


@pytest.mark.witness("chromium")
@pytest.mark.parametrize(("dark", "said"), [(False, "day"), (True, "night")])
def test_chromium_knows_day_from_night(page, dark, said):
    assert f"</script>{said}" in dom(page, dark)


@pytest.mark.witness("chromium")
def test_chromium_takes_the_picture_it_is_asked_for(page, tmp_path):
    picture = screenshot(page, tmp_path / "page.png", width=640, height=480).read_bytes()
    assert int.from_bytes(picture[16:20]) == 640
    assert int.from_bytes(picture[20:24]) == 480


@pytest.mark.witness("chromium")
def test_a_pages_words_and_its_console_are_heard(page):
    assert page_text(page).splitlines() == ["a page", "∂E/∂w5", "day"]
    assert ['"spoke"' in line for line in console_messages(page)] == [True]


@pytest.mark.witness("pdflatex")
def test_latexs_complaint_is_passed_on(tmp_path):
    text = r"\documentclass{article}\begin{document}\nonsense\end{document}"
    with pytest.raises(WitnessError, match="Undefined control sequence"):
        compile_latex(text, tmp_path)
