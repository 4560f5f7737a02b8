"""`gradbook sheet`: what it writes, what it says, and what it refuses."""

from __future__ import annotations

import sys

import pytest
from openpyxl import load_workbook

from gradbook.audit.check import check
from gradbook.cli.main import main
from gradbook.net import parse


@pytest.fixture
def said(capsys, tmp_path, monkeypatch):
    """`said(*words)`: what the command prints, run in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*words):
        capsys.readouterr()
        assert main(["sheet", *words]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        return out.splitlines()

    return run


QUICK = ("--epochs", "3", "--rates", "0.5")


def test_without_a_word_the_worked_example_is_written(said, tmp_path):
    assert said(*QUICK) == [
        "wrote worked.xlsx",
        "open it: the first sheet is a guide to the others; change η and watch the curve",
    ]
    assert load_workbook(tmp_path / "worked.xlsx")["Training"].max_row == 4 + 3


def test_the_file_is_called_like_the_networks_file(said, tmp_path):
    (tmp_path / "mine.txt").write_text("name Other\ninput 1; dense 1; sample 1 -> 1")
    assert said("mine.txt", *QUICK)[0] == "wrote mine.xlsx"


def test_a_network_without_a_name_gets_one(said):
    assert said("input 1; dense 1; sample 1 -> 1", *QUICK)[0] == "wrote network.xlsx"


def test_eta_begins_with_the_rate_asked_for(said, tmp_path):
    said("mazur", "-o", "book.xlsx", "--rate", "0.25", *QUICK)
    assert load_workbook(tmp_path / "book.xlsx")["Network"]["C5"].value == 0.25


def test_samples_come_from_a_table(said, tmp_path):
    (tmp_path / "data.csv").write_text("i1,i2,t1\n0,0,0\n0,1,1\n1,1,0\n")
    said("input 2; dense 1; sigmoid", "--data", "data.csv", *QUICK)
    book = load_workbook(tmp_path / "network.xlsx")
    assert book["Samples"].max_row == 4 + 3 * 3


def test_no_rates_at_all_is_possible(said, tmp_path):
    said("--epochs", "3", "--rates", "none")
    assert "Learning rates" not in load_workbook(tmp_path / "worked.xlsx").sheetnames


def test_what_was_left_out_is_said(said, monkeypatch):
    monkeypatch.setattr("gradbook.targets.excel.plan.book.QUICK_CELLS", 200)
    lines = said("--epochs", "3")
    assert lines[1].startswith("  compares 3 learning rates, not 13, to open quickly: --rates")


def test_an_exercise_comes_with_its_solution(said, tmp_path):
    lines = said("--exercise", "7", "--solution", *QUICK)
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


def test_a_class_gets_an_exercise_each(said, tmp_path):
    lines = said("--exercise", "1-2,5", "-o", "class", *QUICK)
    assert len(lines) == 4
    names = sorted(path.name for path in (tmp_path / "class").iterdir())
    assert names == [f"worked-exercise-{seed}.xlsx" for seed in (1, 2, 5)]


@pytest.mark.witness("typst")
def test_handouts_lie_beside_the_workbooks_with_their_keys_and_all_in_one(said, tmp_path):
    said("--exercise", "1-2", "-o", "class", "--handout", "letter", *QUICK)
    names = {path.name for path in (tmp_path / "class").iterdir()}
    stems = ("worked-exercise-1", "worked-exercise-2")
    assert names == {
        *(f"{stem}{end}" for stem in stems for end in (".xlsx", ".pdf", "-key.pdf")),
        "worked-exercises.pdf",
        "worked-exercises-key.pdf",
    }
    assert said("--exercise", "7", "--handout", "a4", *QUICK)[:3] == [
        "wrote worked-exercise-7.pdf",
        "wrote worked-exercise-7-key.pdf",
        "wrote worked-exercise-7.xlsx",
    ]


def test_without_typst_nothing_is_written(refused, monkeypatch):
    monkeypatch.setitem(sys.modules, "typst", None)
    assert "pip install 'gradbook[pdf]'" in refused(["sheet", "--exercise", "7", "--handout", "a4"])


def test_a_list_of_names_gets_a_book_each_with_the_name_inside(said, tmp_path):
    (tmp_path / "names.csv").write_text("First name,Surname\nAda,Lovelace\nZoë,O’Neil\n", "utf-8")
    said("--exercise", "names.csv", "-o", "class", *QUICK)
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


def test_blanks_are_where_they_are_asked_for(said, tmp_path):
    lines = said("--exercise", "7", "--blank", "forward,update", "--places", "3", "--epochs", "3")
    assert lines[-1] == "fill in the yellow cells of the sheet Training"
    book = load_workbook(tmp_path / "worked-exercise-7.xlsx")
    assert book.sheetnames == ["Network", "Training", "Exercise"]
    blank = [
        cell for row in book["Training"].iter_rows(min_row=5) for cell in row if cell.value is None
    ]
    assert len({cell.column for cell in blank}) == 3


@pytest.mark.parametrize(
    ("words", "there"),
    [
        ([], True),
        (["--check-sheet", "off"], False),
        (["--blank", "update"], True),
        (["--blank", "loss"], False),
        (["--blank", "loss", "--check-sheet", "on"], True),
    ],
)
def test_the_check_is_there_unless_it_would_tell_or_nobody_wants_it(words, there, said, tmp_path):
    said("--exercise", "7", *words, *QUICK)
    book = load_workbook(tmp_path / "worked-exercise-7.xlsx")
    assert ("Check" in book.sheetnames, "Check work" in book.sheetnames) == (there, there)
    named = {name for sheet in book for row in sheet.iter_rows() for name in _mentions(row)}
    assert there or "gradients_checked" not in named


def _mentions(row):
    return [str(cell.value).strip("=") for cell in row if str(cell.value).startswith("=")]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--epochs", "1"], "--epochs: 1 is out of range: it must be at least 2"),
        (["--epochs", "many"], "--epochs: 'many' isn't a whole number"),
        (["--epochs", "1000000"], "1,000,000 epochs of 31 values are 31,000,000 cells"),
        (["--rate", "fast"], "--rate: 'fast' isn't a number"),
        (["--rate", "-1"], "--rate: -1 is out of range: a learning rate is at least 0"),
        (["--rates", "0.1,x"], "--rates: 'x' isn't a number"),
        (["--rates", "0.1;0.2"], "--rates: '0.1;0.2' isn't a number"),
        (["--rates", ""], "--rates: '' isn't a number"),
        (["--exercise", "seven"], "--exercise: 'seven' isn't a whole number"),
        (["--exercise", "9-3"], "--exercise: 3 is out of range: it must be at least 9"),
        (["--exercise", "1-100000"], "--exercise: 100000 is out of range"),
        (
            ["--exercise", "1-3", "-o", "all.xlsx"],
            "3 exercises are written to a folder, not all.xlsx",
        ),
        (["--solution"], "--solution needs --exercise SEED"),
        (["--blank", "forward"], "--blank needs --exercise SEED"),
        (["--handout", "a4"], "--handout needs --exercise SEED"),
        (["--exercise", "1", "--handout", "a5"], "--handout: unknown 'a5'"),
        (["--check-sheet", "off"], "--check-sheet needs --exercise SEED"),
        (["--exercise", "1", "--check-sheet", "no"], "--check-sheet: unknown 'no'"),
        (["--exercise", "1", "--blank", "sums"], "'sums' can't be left blank: it is one of"),
        (["--exercise", "1", "--places", "99"], "99 places to leave blank, but there are only 8"),
        (["--exercise", "names.csv"], "there is no names.csv"),
        (["-o", "book.xls"], "a workbook's name ends in .xlsx: write book.xls.xlsx"),
        (["-o", "nowhere/book.xlsx"], "there is no folder nowhere"),
        (["-o", "worked.ods"], "write worked.xlsx: LibreOffice opens it too"),
        (["--exercise", "1-3", "-o", "all.ods"], "3 exercises are written to a folder"),
        (["wroked"], "did you mean 'worked'?"),
        (["--data", "none.csv"], "none.csv"),
        (["--epoch", "3"], "unknown option '--epoch': did you mean '--epochs'?"),
        (["worked", "mazur"], "unexpected argument 'mazur'"),
        (["input 900; dense 1"], "characters, but a cell holds 8,192"),
        (["reference.txt"], "there is no network or file called"),
    ],
)
def test_bad_input_is_one_line_and_leaves_no_file(refused, words, told):
    assert told in refused(["sheet", *words])


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


def test_a_trained_network_becomes_a_workbook_that_reads(said, tmp_path, model_file):
    file = model_file("input 1x28x28; avgpool 4; flatten; dense 10; softmax", "small")
    lines = said(file, "-o", "reader.xlsx")
    assert lines[0] == "wrote reader.xlsx"
    book = load_workbook(tmp_path / "reader.xlsx")
    assert book.sheetnames == ["Read", "Inside", "Weights", "Images"]
    assert len([cell for cell in book["Images"]["A"] if cell.value]) == 22
    assert len(book["Read"]._charts) == 1
    (rule,) = [rule for rule in book["Read"].data_validations.dataValidation if rule.type == "list"]
    assert rule.formula1 == "Images!$A$2:$A$22"


@pytest.mark.parametrize(
    ("text", "words", "complaint"),
    [
        ("input 1x28x28; flatten; dense 10", ["--rates", "1"], "--rates is for a workbook that"),
        ("input 1x28x28; flatten; dense 10", ["--epochs", "9"], "--epochs is for a workbook that"),
        ("input 1x28x28; conv 99 3x3; flatten; dense 10", [], "train a smaller network"),
        ("input 784; dense 10", [], "needs one of grey pictures"),
    ],
)
def test_a_workbook_that_cannot_read_is_refused(refused, model_file, text, words, complaint):
    assert complaint in refused(["sheet", model_file(text, "model"), "-o", "reader.xlsx", *words])
