"""`gradbook sheet`: what it writes, what it says, and what it refuses."""

from __future__ import annotations

import pytest
from openpyxl import load_workbook

from gradbook.audit.check_book import check
from gradbook.net import parse
from tests.cases import for_each

VERB = "sheet"


@pytest.fixture
def output_of(output_of):
    """`output_of(*words)`: the lines that the command prints, run in an empty folder."""
    return lambda *words: output_of(*words).splitlines()


QUICK = ("--epochs", "3", "--rates", "0.5")


def test_without_a_word_the_worked_example_is_written(output_of, tmp_path):
    assert output_of(*QUICK) == [
        "wrote worked.xlsx",
        "open it: the first sheet is a guide to the others; change η and watch the curve",
    ]
    assert load_workbook(tmp_path / "worked.xlsx")["Training"].max_row == 4 + 3


def test_the_file_is_called_like_the_networks_file(output_of, tmp_path):
    (tmp_path / "mine.txt").write_text("name Other\ninput 1; dense 1; sample 1 -> 1")
    assert output_of("mine.txt", *QUICK)[0] == "wrote mine.xlsx"


def test_a_network_without_a_name_gets_one(output_of):
    assert output_of("input 1; dense 1; sample 1 -> 1", *QUICK)[0] == "wrote network.xlsx"


def test_eta_begins_with_the_rate_asked_for(output_of, tmp_path):
    output_of("mazur", "-o", "book.xlsx", "--set", "rate 0.25", *QUICK)
    assert load_workbook(tmp_path / "book.xlsx")["Network"]["C5"].value == 0.25


def test_samples_come_from_a_table(output_of, tmp_path):
    (tmp_path / "data.csv").write_text("i1,i2,t1\n0,0,0\n0,1,1\n1,1,0\n")
    output_of("input 2; dense 1; sigmoid", "--data", "data.csv", *QUICK)
    book = load_workbook(tmp_path / "network.xlsx")
    assert book["Samples"].max_row == 4 + 3 * 3


def test_no_rates_at_all_is_possible(output_of, tmp_path):
    output_of("--epochs", "3", "--rates", "none")
    assert "Learning rates" not in load_workbook(tmp_path / "worked.xlsx").sheetnames


def test_what_was_left_out_is_said(output_of, monkeypatch):
    monkeypatch.setattr("gradbook.targets.excel.plan.workbook_plan.QUICK_CELLS", 200)
    lines = output_of("--epochs", "3")
    assert lines[1].startswith("  compares 5 learning rates, not 13, so that it opens quickly")


def test_an_exercise_comes_with_its_solution(output_of, tmp_path):
    lines = output_of("--exercise", "7", "--solution", *QUICK)
    assert lines[:2] == ["wrote worked-exercise-7.xlsx", "wrote worked-exercise-7-solution.xlsx"]
    exercise, solution = (load_workbook(tmp_path / line.split()[1]) for line in lines[:2])
    assert exercise["Training"]["Y5"].value is None
    assert solution["Training"]["Y5"].value.startswith("=((S5-B5)")
    start = [
        [sheet[f"C{row + below}"].value for row in range(18, 26)]
        for sheet, below in ((exercise["Network"], 2), (solution["Network"], 0))
    ]
    assert start[0] == start[1]
    assert [exercise["Network"][place].value for place in ("B4", "C4")] == ["Student", "7"]


def test_a_class_gets_an_exercise_each(output_of, tmp_path):
    lines = output_of("--exercise", "1-2,5", "-o", "class", *QUICK)
    assert len(lines) == 4
    names = sorted(path.name for path in (tmp_path / "class").iterdir())
    assert names == [f"worked-exercise-{seed}.xlsx" for seed in (1, 2, 5)]


def test_a_list_of_names_gets_a_book_each_with_the_name_inside(output_of, tmp_path):
    (tmp_path / "names.csv").write_text("First name,Surname\nAda,Lovelace\nZoë,O’Neil\n", "utf-8")
    output_of("--exercise", "names.csv", "-o", "class", *QUICK)
    books = sorted((tmp_path / "class").iterdir())
    assert [book.stem for book in books] == [
        "worked-exercise-Ada-Lovelace",
        "worked-exercise-Zoë-O-Neil",
    ]
    assert [check(book).origin.student for book in books] == ["Ada Lovelace", "Zoë O’Neil"]
    assert len({started(book) for book in books}) == 2


def started(path):
    """What w1 starts with."""
    book = load_workbook(path)
    ((sheet, cell),) = book.defined_names["w1_start"].destinations
    return book[sheet][cell].value


def test_blanks_are_where_they_are_asked_for(output_of, tmp_path):
    lines = output_of("--exercise", "7", "--blank", "forward,update", "--epochs", "3")
    assert lines[-1] == "fill in the yellow cells of the sheet Training"
    book = load_workbook(tmp_path / "worked-exercise-7.xlsx")
    assert book.sheetnames == ["Network", "Training", "Exercise"]
    blank = [
        cell for row in book["Training"].iter_rows(min_row=5) for cell in row if cell.value is None
    ]
    assert len({cell.column for cell in blank}) > 8


@for_each(
    ("words", "there"),
    [
        ([], True),
        (["--blank", "update"], True),
        (["--blank", "loss"], False),
    ],
)
def test_the_check_is_there_unless_it_would_tell(words, there, output_of, tmp_path):
    output_of("--exercise", "7", *words, *QUICK)
    book = load_workbook(tmp_path / "worked-exercise-7.xlsx")
    assert ("Check" in book.sheetnames, "Check work" in book.sheetnames) == (there, there)
    named = {name for sheet in book for row in sheet.iter_rows() for name in _mentions(row)}
    assert there or "gradients_checked" not in named


def _mentions(row):
    return [str(cell.value).strip("=") for cell in row if str(cell.value).startswith("=")]


# A trained network that reads.


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    from gradbook.data.sources import load
    from gradbook.lab.models.model import untrained_model

    def save(text, name):
        path = tmp_path_factory.mktemp("model") / f"{name}.safetensors"
        untrained_model(parse(text), load("digits")).save(path)
        return str(path)

    return save


def test_a_trained_network_becomes_a_workbook_that_reads(output_of, tmp_path, model_file):
    file = model_file("input 1x28x28; avgpool 4; flatten; dense 10; softmax", "small")
    lines = output_of(file, "-o", "reader.xlsx")
    assert lines[0] == "wrote reader.xlsx"
    book = load_workbook(tmp_path / "reader.xlsx")
    assert book.sheetnames == ["Read", "Inside", "Weights", "Images"]
    assert len([cell for cell in book["Images"]["A"] if cell.value]) == 22
    assert len(book["Read"]._charts) == 1
    (rule,) = [rule for rule in book["Read"].data_validations.dataValidation if rule.type == "list"]
    assert rule.formula1 == "Images!$A$2:$A$22"


@for_each(
    ("text", "words", "complaint"),
    [
        ("input 1x28x28; flatten; dense 10", ["--rates", "1"], "--rates is for a workbook that"),
        ("input 1x28x28; flatten; dense 10", ["--epochs", "9"], "--epochs is for a workbook that"),
        ("input 1x28x28; conv 99 3x3; flatten; dense 10", [], "train a smaller network"),
        ("input 784; dense 10", [], "needs one for grey pictures"),
    ],
)
def test_a_workbook_that_cannot_read_is_refused(refused, model_file, text, words, complaint):
    assert complaint in refused(["sheet", model_file(text, "model"), "-o", "reader.xlsx", *words])
