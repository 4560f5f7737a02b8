"""Books that go back once: gradients in cells, right and spoilt, and ordinary sheets."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path

import pytest

from gradbook.audit.sheets.single_steps import JudgedSingle, judge_single_step
from gradbook.audit.sheets.state_chains import SheetChains
from gradbook.cells.book import Book
from gradbook.cells.budget import budget_of_book
from gradbook.cells.evaluate import fill_in
from gradbook.cells.flow import Flow
from gradbook.cells.read import read_book
from tests.audit.material.kinds.kind import typed
from tests.audit.material.kinds.worked import WORKED
from tests.audit.material.made import Content, Table, cells_of
from tests.audit.material.ordinary import write_ordinary
from tests.audit.material.worked_once.book import WorkedBook
from tests.audit.material.worked_once.list import listed
from tests.audit.material.worked_once.planted import LAYOUTS

WEIGHT_OF_ROW = {4: 7, 5: 8, 6: 3, 7: 4, 8: 5, 9: 6}
UPDATES: dict[str, Content] = {
    "G1": 0.5,
    **{f"H{row}": f"=B{weight}-$G$1*E{row}" for row, weight in WEIGHT_OF_ROW.items()},
}


def judgement(path: Path) -> tuple[JudgedSingle, set[str]]:
    """What is said of a book, and the cells that are blamed."""
    with budget_of_book():
        book = read_book(path)
        flow = Flow(book)
        fill_in(book, flow)
        judged = judge_single_step(SheetChains(book, flow))
    return judged, _names(book, judged)


def _names(book: Book, judged: JudgedSingle) -> set[str]:
    return {book.name_of(cell).rpartition("!")[2] for cell in judged.blamed}


def of_list(folder: Path, other: Mapping[str, Content]) -> tuple[str, set[str]]:
    cells = {cells_of(name)[0]: content for name, content in listed(**other).items()}
    judged, blamed = judgement(Table({"Sheet1": cells}).save(folder / "book.xlsx"))
    return judged.word, blamed


@pytest.mark.parametrize(
    "other",
    [
        {},
        {"A15": "", "B15": ""},  # no cell has the loss
        {"E1": "=2*(B13-B14)"},  # a factor that all share
        {"E1": "=B14-B13"},
        UPDATES,
    ],
)
def test_a_right_list_is_right(other: Mapping[str, Content], tmp_path: Path) -> None:
    assert of_list(tmp_path, other) == ("right", set())


@pytest.mark.parametrize(
    ("other", "blamed"),
    [
        ({"E3": "=E1*B8*B12"}, {"E3"}),  # a delta, which spoils two gradients
        ({"E6": "=E2*B2"}, {"E6"}),  # one gradient is another weight's
        ({"E8": "=2*E3*B1"}, {"E8"}),
        ({"E9": "=E3"}, {"E9"}),  # a delta instead
        ({"E5": "=E1*B10"}, {"E5"}),  # a sum in place of its activation
        ({**UPDATES, "H6": "=B3-$G$1*E7"}, {"H6"}),
        ({**UPDATES, "H6": "=B3+$G$1*E6"}, {"H6"}),
        ({**UPDATES, "H6": "=B3-E6"}, {"H6"}),
    ],
)
def test_a_wrong_cell_is_named(
    other: Mapping[str, Content], blamed: set[str], tmp_path: Path
) -> None:
    assert of_list(tmp_path, other) == ("wrong", blamed)


def test_updates_that_climb_are_wrong(tmp_path: Path) -> None:
    climbing = {cell: str(text).replace("-", "+") for cell, text in UPDATES.items() if cell != "G1"}
    assert of_list(tmp_path, {"G1": 0.5, **climbing})[0] == "wrong"


def test_a_forward_pass_alone_says_nothing(tmp_path: Path) -> None:
    nothing = dict.fromkeys((f"{column}{row}" for column in "DE" for row in range(1, 10)), "")
    assert of_list(tmp_path, nothing)[0] == "no training"


SAMPLES: dict[str, Content] = {  # a logistic regression of rows, and mean gradients
    "A1": "x1",
    "B1": "x2",
    "C1": "t",
    "D1": "z",
    "E1": "p",
    "F1": "loss",
    "G1": "d",
    "H1": "dw1",
    "I1": "dw2",
    "K1": "w1",
    "L1": "w2",
    "M1": "b",
    "K2": 0.3,
    "L2": -0.2,
    "M2": 0.1,
    **{f"A{row}": round(0.3 * row - 1.1, 2) for row in range(2, 8)},
    **{f"B{row}": round(0.9 - 0.05 * (row - 2) ** 2, 2) for row in range(2, 8)},
    **{f"C{row}": float(row % 2) for row in range(2, 8)},
    "D2:D7": "=$K$2*A2+$L$2*B2+$M$2",
    "E2:E7": "=1/(1+EXP(-D2))",
    "F2:F7": "=-(C2*LN(E2)+(1-C2)*LN(1-E2))",
    "F8": "=AVERAGE(F2:F7)",
    "G2:G7": "=E2-C2",
    "H2:H7": "=G2*A2",
    "I2:I7": "=G2*B2",
    **{f"{column}8": f"=AVERAGE({column}2:{column}7)" for column in "GHI"},
}


def of_samples(folder: Path, other: Mapping[str, Content]) -> tuple[str, set[str]]:
    judged, blamed = judgement(typed({**SAMPLES, **other}).save(folder / "book.xlsx"))
    return judged.word, blamed


@pytest.mark.parametrize(
    "other",
    [
        {},
        {f"{column}8": f"=SUM({column}2:{column}7)" for column in "GHI"},
        {"O2:O7": "=IF((E2>0.5)=(C2>0.5),1,0)", "O8": "=AVERAGE(O2:O7)"},  # how many are right
        {"F2:F7": "=IF(C2=1,-LN(E2),-LN(1-E2))"},
        {"F8": "=AVERAGE(F2:F7)+0.01*K2^2", "H8": "=AVERAGE(H2:H7)+0.02*K2"},
        {"K4": 0.5, "K3": "=K2-$K$4*H8", "L3": "=L2-$K$4*I8", "M3": "=M2-$K$4*G8"},
    ],
)
def test_right_samples_are_right(other: Mapping[str, Content], tmp_path: Path) -> None:
    assert of_samples(tmp_path, other) == ("right", set())


@pytest.mark.parametrize(
    ("other", "blamed"),
    [
        ({"I8": "=SUM(I2:I7)"}, {"I8"}),  # a sum beside means
        ({"I8": "=AVERAGE(I2:I6)"}, {"I8"}),
        ({"I5": "=G5*B4"}, {"I5"}),  # another row
    ],
)
def test_a_wrong_sample_is_named(
    other: Mapping[str, Content], blamed: set[str], tmp_path: Path
) -> None:
    assert of_samples(tmp_path, other) == ("wrong", blamed)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("number", range(6))
def test_a_right_network_is_right(layout: str, number: int, tmp_path: Path) -> None:
    book = LAYOUTS[layout][0](number, "")
    assert judgement(book.save(tmp_path / "book.xlsx"))[0].word == "right"


def planted(layout: str, number: int) -> WorkedBook:
    draw, faults = LAYOUTS[layout]
    return draw(number, random.Random(f"{number} {layout}").choice(faults))


PLANTED = [(layout, number) for layout in LAYOUTS for number in range(300, 308)]


@pytest.mark.parametrize(("layout", "number"), [each for each in PLANTED if planted(*each).wrong])
def test_a_planted_mistake_is_found(layout: str, number: int, tmp_path: Path) -> None:
    book = planted(layout, number)
    judged, blamed = judgement(book.save(tmp_path / "book.xlsx"))
    assert judged.word == "wrong"
    assert blamed & book.wrong


@pytest.mark.parametrize("name", WORKED)
def test_a_right_pass_of_another_kind_is_right(name: str, tmp_path: Path) -> None:
    assert judgement(WORKED[name].table.save(tmp_path / "book.xlsx"))[0].word == "right"


@pytest.mark.parametrize(
    ("name", "mistake"),
    [
        (name, mistake)
        for name, kind in WORKED.items()
        for mistake in kind.mistakes
        if name != "a line, by whole columns"  # which has too few weights to tell
    ],
)
def test_a_mistake_in_another_kind_is_found(name: str, mistake: str, tmp_path: Path) -> None:
    judged, _ = judgement(WORKED[name].mistakes[mistake].save(tmp_path / "book.xlsx"))
    assert judged.word == "wrong"


@pytest.mark.parametrize("seed", range(100, 110))
def test_an_ordinary_sheet_is_no_network(seed: int, tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    write_ordinary(path, random.Random(seed))
    assert judgement(path)[0].word == "no training"
