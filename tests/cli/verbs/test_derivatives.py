"""gradbook explain and sheet with a workbook: what they print, write and refuse."""

from __future__ import annotations

import json
from zipfile import ZipFile

import pytest

import gradbook as gb
from gradbook.cli.main import main
from gradbook.schema import (
    Anything,
    FiniteNumber,
    ListOf,
    Maybe,
    Only,
    PlainText,
    Schema,
    WholeNumber,
)
from tests.cases import for_each
from tests.derivatives.cell_models import CALL, LESSON, STAND, TWO_SHEETS, write_model


@pytest.fixture
def books(tmp_path, monkeypatch):
    """A folder with the workbooks that the commands name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    write_model(tmp_path / "stand.xlsx", STAND)
    write_model(tmp_path / "call.xlsx", CALL)
    write_model(tmp_path / "lesson.xlsx", LESSON)
    write_model(tmp_path / "zwei.xlsx", **TWO_SHEETS)
    return tmp_path


def printed(capsys, *words):
    capsys.readouterr()
    code = main(list(words))
    output = capsys.readouterr()
    assert (code, output.err) == (0, "")
    return output.out


def test_the_list_begins_with_what_matters_most(books, capsys):
    output = printed(capsys, "explain", "stand.xlsx", "--of", "B13")
    assert output.startswith("What Profit (Model!B13) depends on\n")
    inputs = ["Temperature", "Rent per day", "Days", "Price per cup", "Price of a lemon"]
    table = output.partition("% per %")[2]
    places = [table.index(f" {one}  ") for one in inputs]
    assert places == sorted(places)
    assert max(map(len, output.splitlines())) <= 80


def test_without_of_it_says_what_it_chose(books, capsys):
    output = printed(capsys, "explain", "stand.xlsx")
    assert "No result was named: Profit (Model!B13) is the likeliest." in output
    assert "No result" not in printed(capsys, "explain", "stand.xlsx", "--of", "Profit")


@for_each("cell", ["Model.B6", "Model!B6", "'Model!B6'", "B6", "Volatility"])
def test_the_chain_of_one_input(cell, books, capsys):
    output = printed(capsys, "explain", "call.xlsx", "--of", "Call price", "--only", cell)
    assert "How Call price (Model!B11) depends on Volatility (Model!B6)" in output
    assert "d2 = d1 − Volatility·√Time" in output
    assert "d Call price/d Volatility" in output
    assert "≈ 39.89" in output.partition("The chain\n")[2]


@for_each(
    ("suffix", "begins"),
    [
        (".txt", "How"),
        (".html", "<!doctype html>"),
        (".tex", r"\documentclass"),
        (".md", "# How"),
    ],
)
def test_every_medium_has_it(suffix, begins, books, capsys):
    file = f"chain{suffix}"
    words = ["explain", "stand.xlsx", "--of", "B13", "--only", "B3", "-o", file]
    assert printed(capsys, *words) == f"wrote {file}\n"
    text = (books / file).read_text("utf-8")
    assert text.lower().startswith(begins.lower())
    assert "Price per cup" in text


CELL = Schema(cell=PlainText(), label=PlainText(), formula=PlainText(), value=Maybe(Anything()))
INPUT = Schema(
    cell=PlainText(),
    label=PlainText(),
    value=Maybe(FiniteNumber()),
    derivative=Maybe(FiniteNumber()),
    percent_per_percent=Maybe(FiniteNumber()),
    step=FiniteNumber(0),
    nudged=Maybe(FiniteNumber()),
    sentence=PlainText(),
)
SLOPE = Schema(of=PlainText(), by=PlainText(), formula=PlainText(), value=Maybe(FiniteNumber()))
RECORD = Schema(
    version=Only(1),
    book=PlainText(),
    result=CELL,
    other_results=ListOf(PlainText()),
    formulas=WholeNumber(1),
    inputs=ListOf(INPUT, 1),
    remarks=ListOf(Schema(why=PlainText(), cells=ListOf(PlainText(), 1))),
    chain=Schema(
        input=CELL,
        derivative=Maybe(FiniteNumber()),
        formulas=ListOf(CELL, 1),
        slopes=ListOf(SLOPE, 1),
        paths=ListOf(Schema(cells=ListOf(PlainText(), 2), product=Maybe(FiniteNumber())), 1),
        path_count=WholeNumber(1),
        other_paths=Maybe(FiniteNumber()),
    ),
)


def test_json_has_all_digits(books, capsys):
    output = printed(capsys, "explain", "stand.xlsx", "--of", "B13", "--only", "B3", "--json")
    found = RECORD.read_whole(json.loads(output))
    assert found["result"]["cell"] == "Model!B13"
    price = next(one for one in found["inputs"] if one["cell"] == "Model!B3")
    chain = found["chain"]
    assert chain["derivative"] == price["derivative"]
    assert sum(path["product"] for path in chain["paths"]) == pytest.approx(chain["derivative"])
    assert chain["path_count"] == 2


def test_a_sheet_with_derivatives_is_written_beside_the_book(books, capsys):
    before = (books / "stand.xlsx").read_bytes()
    output = printed(capsys, "sheet", "stand.xlsx", "--of", "B13")
    assert "wrote stand-derivatives.xlsx\n" in output
    assert "Derivatives" in gb.read_book("stand-derivatives.xlsx").sheets
    assert (books / "stand.xlsx").read_bytes() == before


def test_a_lesson_learns_to_train(books, capsys):
    words = ["sheet", "lesson.xlsx", "--of", "E", "--learn", "B1:B2", "-o", "trains.xlsx"]
    output = printed(capsys, *words, "--epochs", "5", "--set", "rate 0.5")
    assert "wrote trains.xlsx\n" in output
    assert gb.check("trains.xlsx").verdict == "right"


def test_macros_keep_their_ending(books, capsys):
    kinds, macros = "[Content_Types].xml", b"ms-excel.sheet.macroEnabled.main+xml"
    with ZipFile("stand.xlsx") as plain, ZipFile("stand.xlsm", "w") as copy:
        for part in plain.namelist():
            content = plain.read(part)
            if part == kinds:
                content = content.replace(
                    b"openxmlformats-officedocument.spreadsheetml.sheet.main+xml", macros
                )
            copy.writestr(part, content)
    assert "wrote stand-derivatives.xlsm" in printed(capsys, "sheet", "stand.xlsm", "--of", "B13")


def test_sheets_with_spaces_and_other_languages(books, capsys):
    output = printed(capsys, "explain", "zwei.xlsx", "--of", "Ergebnis.B2", "--language", "en")
    assert "Größe" in output
    assert "63.5" in output


WRONG = {
    "explain none.xlsx": "it doesn't exist",
    "explain stand.xlsx --of B99": "B99 is empty",
    "explain stand.xlsx --of Prifot": "did you mean 'Profit'?",
    "explain stand.xlsx --of B3": "Model!B3",
    "explain stand.xlsx --of A3": "Model!A3",
    "explain stand.xlsx --of B13 --only B13": "is the result itself: name one of its inputs",
    "explain stand.xlsx --of B10 --only B7": "Model!B10 doesn't depend on Model!B7",
    "explain stand.xlsx --of B10 --by B7": "Model!B10",
    "explain stand.xlsx --image 3": "--image is for networks: leave it out for stand.xlsx",
    "explain stand.xlsx --set 'rate 3'": "--set is for networks: leave it out for stand.xlsx",
    "explain xor --of B3": "--of is for workbooks",
    "explain xor --by B3": "--by is for workbooks",
    "sheet xor --learn B3": "--learn is for workbooks",
    "sheet stand.xlsx -o stand.xlsx": "this command reads it: name another file",
    "sheet stand.xlsx -o other.ods": "is written with its own ending, .xlsx",
    "sheet stand.xlsx --epochs 3": "name its weights with --learn",
    "sheet stand.xlsx --set 'rate 3'": "name its weights with --learn",
    "sheet stand.xlsx --set 'momentum 3'": "is for networks: a workbook has only 'rate 0.1'",
    "sheet stand.xlsx --exercise 3": "--exercise is for networks: leave it out for stand.xlsx",
    "sheet lesson.xlsx --of E --learn B99": "B99 is empty",
    "play stand.xlsx -o stand.gif": "end it in one of .html, .htm",
}


@for_each("words", WRONG)
def test_wrong_words_are_one_line(words, books, capsys):
    import shlex

    capsys.readouterr()
    assert main(shlex.split(words)) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert WRONG[words] in output.err
    assert output.err.count("\n") == 1
