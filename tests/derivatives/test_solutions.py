"""Solved workbooks: limits as people write them, numbers, sentences, copies."""

from __future__ import annotations

import math

import pytest
from openpyxl import load_workbook

import gradbook as gb
from gradbook.cells.evaluate import Evaluation
from gradbook.cells.solving import Relation
from gradbook.cli.main import main
from gradbook.derivatives.solutions import read_limits
from tests.cases import for_each
from tests.derivatives.cell_models import STAND, TWO_SHEETS, write_model


@pytest.fixture
def stand(tmp_path):
    return gb.read_book(write_model(tmp_path / "stand.xlsx", STAND))


BEST = 0.32 + 1 / 0.8  # the price at which the profit is highest: cost and 1/decay
MOST, LEAST, SAME = Relation.AT_MOST, Relation.AT_LEAST, Relation.EQUAL


@for_each(
    ("words", "limits"),
    [
        ("B3 >= 0", [("B3", LEAST, 0.0)]),
        ("B3<=1.5", [("B3", MOST, 1.5)]),
        ("B3 ≤ 50%", [("B3", MOST, 0.5)]),
        ("0 <= B3 <= 1", [("B3", LEAST, 0.0), ("B3", MOST, 1.0)]),
        ("2 > Days", [("B8", MOST, 2.0)]),
        ("B3:B4 = 7", [("B3", SAME, 7.0), ("B4", SAME, 7.0)]),
        ("Profit >= B7", [("B13", LEAST, "B7")]),
        ("B4 whole", [("B4", Relation.WHOLE, 0.0)]),
    ],
)
def test_a_limit_is_read_as_it_is_written(words, limits, tmp_path):
    book = gb.read_book(write_model(tmp_path / "stand.xlsx", STAND))
    expected = [
        (book[cell].address, relation, book[x].address if isinstance(x, str) else x)
        for cell, relation, x in limits
    ]
    found = [(x.cell, x.relation, x.bound) for x in read_limits(book.content, words, 0)]
    assert found == expected


@for_each("words", ["B3", "B3 >=", "1 <= 2", "B3 >= 0 <= 1 <= 2", "B3 >= Nothing"])
def test_other_words_are_no_limit(words, stand):
    with pytest.raises(gb.GradbookError):
        list(read_limits(stand.content, words, 0))


def test_the_best_price_is_found_and_written_to_a_copy(stand, tmp_path):
    before = stand.path.read_bytes()
    solved = stand.solve("Profit", by="Price per cup", to="max")
    assert solved["Price per cup"] == pytest.approx(BEST, rel=1e-8)
    assert solved["Model!B3"] == solved["B3"]
    assert solved.kind == "slopeless"
    assert solved.is_good
    copy = gb.read_book(solved.write(tmp_path / "best.xlsx"))
    assert copy["B3"].value == solved["B3"]
    assert copy["B13"].value == pytest.approx(solved.value, rel=1e-12)
    assert copy["B13"].formula == stand["B13"].formula
    computed = Evaluation(copy.content, copy.flow)
    assert computed.value(copy["B13"].address) == pytest.approx(solved.value, rel=1e-12)
    assert copy.sheets == ["Model", "Solution"]
    rows = [row[0].value for row in load_workbook(copy.path)["Solution"]]
    assert rows[1 : 1 + len(solved.sentences)] == list(solved.sentences)
    assert stand.path.read_bytes() == before


def test_bounds_and_limits_hold(stand):
    bounded = stand.solve("Profit", by="B3", to="max", bounds=(None, 1.3))
    assert bounded["B3"] == 1.3
    assert bounded.kind == "limited"
    kept = stand.solve("Profit", by="B3", to="max", keep="Cups per day >= 40")
    assert 4 * 27 * math.exp(-0.8 * kept["B3"]) == pytest.approx(40)


def test_cells_on_another_sheet_are_solved_for(tmp_path):
    book = gb.read_book(write_model(tmp_path / "two.xlsx", **TWO_SHEETS))
    solved = book.solve("Preis", by="Meine Eingaben!B1", to=300)
    assert solved.value == pytest.approx(300)
    assert 12.5 * 5 * solved["Größe"] + solved["Größe"] + 5 == pytest.approx(300)
    copy = gb.read_book(solved.write(tmp_path / "copy.xlsx"))
    assert copy["Preis"].value == pytest.approx(300)


def test_a_watch_ends_the_search(stand):
    count = 0

    def watch(progress):
        nonlocal count
        count += 1
        return count < 3

    assert stand.solve("Profit", by="B3", to="max", watch=watch).kind == "stopped"


def test_the_command_writes_the_copy_and_says_how_good_it_is(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_model(tmp_path / "stand.xlsx", STAND)
    words = ["sheet", "stand.xlsx", "--of", "Profit", "--solve", "B3"]
    assert main([*words, "--to", "max", "--set", "B3 >= 0; B3 <= 9"]) == 0
    assert gb.read_book("stand-solved.xlsx")["B3"].value == pytest.approx(BEST)
    written = capsys.readouterr()
    assert "highest" in written.out + written.err
    assert main([*words, "--solve", "B4", "--to", "max", "-o", "endless.xlsx"]) == 1
    assert "rises without end" in "".join(capsys.readouterr())


@for_each(
    ("options", "words"),
    [
        (["--solve", "B3"], "--solve needs --of"),
        (["--of", "B13", "--to", "max"], "--to is for --solve"),
        (["--of", "B13", "--solve", "B3", "--learn", "B4"], "leave one of them out"),
        (["--of", "B13", "--solve", "B3", "--to", "up"], "no goal"),
        (["--of", "B13", "--solve", "B3", "--set", "B3 whole"], "whole number"),
        (["--of", "B13", "--solve", "B12"], "has a formula"),
    ],
)
def test_the_command_refuses_in_one_line(options, words, tmp_path, refused):
    write_model(tmp_path / "stand.xlsx", STAND)
    assert words in refused(["sheet", "stand.xlsx", *options])


def test_options_for_solving_are_refused_for_networks(refused):
    assert "for workbooks" in refused(["sheet", "xor", "--solve", "B3"])
