"""Programs named on the command line: run, shown, corrected; never run from a folder."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gradbook.cli.main import main
from tests.audit.material.lookalikes import book
from tests.cases import for_each
from tests.report.checked_programs import XOR

RIGHT = XOR.replace("a1 * (1 - a1)", "(1 - a1**2)").replace("dz1.sum()", "dz1.sum(axis=0)")
PATIENCE = 25  # seconds for Python to start, and for judging, on a busy computer
MARK = "import pathlib; pathlib.Path('ran').touch()\n"  # of a program that leaves a trace
STOPPED = RIGHT.replace("a1.T @ dz2", "a1 @ dz2")
TUTORIAL = Path(__file__).parents[3] / "docs" / "tutorials" / "own-program.md"


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    (tmp_path / "xor.py").write_text(XOR, "utf-8")
    (tmp_path / "right.py").write_text(RIGHT, "utf-8")
    (tmp_path / "stopped.py").write_text(STOPPED, "utf-8")
    return tmp_path


@pytest.fixture(scope="module")
def mended(tmp_path_factory):
    """A folder in which both mistakes were corrected and a page written, and what was printed."""
    folder = tmp_path_factory.mktemp("mended")
    (folder / "xor.py").write_text(XOR, "utf-8")
    words = ["check", "xor.py", "--fix", "fixed", "-o", "page.html"]
    with contextlib.chdir(folder), pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "80")
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            assert main(words) == 1
    return folder, printed.getvalue()


def check(capsys, *words, code):
    """What is printed, and what is said of problems."""
    capsys.readouterr()
    assert main(["check", *map(str, words)]) == code
    return capsys.readouterr()


def test_both_mistakes_of_the_tutorial_are_named_with_their_lines(mended):
    _, said = mended
    assert said.startswith("xor.py: wrong: 2 findings, 2 of 4 gradients right\n")
    assert "     20 │ dz1 = dz2 @ W2.T * a1 * (1 - a1)\n        │ " in said
    assert re.search(r"22 │ db1 = dz1\.sum\(\)\n +│ +\^{9}\n", said)
    assert "should be  dz1.sum(axis=0)" in said
    for file in ("fixed/xor.py", "page.html"):
        assert f"wrote {Path(file)}\n" in said


def test_the_command_that_corrects_it_is_named(here, capsys):
    assert check(capsys, "xor.py", code=1).out.endswith(
        "gradbook check xor.py --fix fixed   writes the corrected program to fixed/\n"
    )


def test_it_is_the_program_of_the_tutorial():
    assert XOR in TUTORIAL.read_text("utf-8")


@for_each(
    ("names", "code"),
    [
        (["right.py"], 0),
        (["xor.py"], 1),
        (["right.py", "xor.py"], 1),
        (["stopped.py"], 2),
        (["right.py", "absent.py"], 2),
    ],
)
def test_the_exit_code_is_that_of_the_worst_program(names, code, here, capsys):
    check(capsys, *names, code=code)


def test_a_fault_is_the_line_and_the_message_of_python(here, capsys):
    said = check(capsys, "stopped.py", code=2).out
    assert "stopped.py:18\n     18 │ dW2 = a1 @ dz2\n" in said
    assert "ValueError: " in said
    assert "Traceback" not in said


# What is run ------------------------------------------------------------------


def test_no_program_is_run_from_a_folder(here, capsys):
    (here / "books").mkdir()
    book(here / "books" / "right.xlsx")
    (here / "books" / "train.py").write_text(MARK + XOR, "utf-8")
    said = check(capsys, "books", code=0).out
    assert "right.xlsx" in said
    assert "train.py" not in said
    assert not list(here.rglob("ran"))


def test_a_class_that_is_marked_runs_no_program(here, capsys):
    (here / "names.csv").write_text("name\nAda Lovelace\n", "utf-8")
    init = ["class", "init", "c", "--names", "names.csv", "--epochs", "3", "--paper", "none"]
    assert main(init) == 0
    (here / "c" / "handed-in" / "Ada-Lovelace.py").write_text(MARK + XOR, "utf-8")
    main(["class", "mark", "c", "--workers", "1"])
    assert not list(here.rglob("ran"))


@for_each(
    "words",
    [
        ["marked.py", "-o", "page.csv"],
        ["marked.py", "right.py", "-o", "page.html"],
        ["marked.py", "--annotate", "copies"],
        ["marked.py", "--record", "record.jsonl"],
        ["marked.py", "--page", "page.html"],
        ["marked.py", "right.py", "--fix", "one.py"],
        ["marked.py", "-o", "right.py"],
        ["marked.py", "--seconds", "0"],
        ["marked.py", "--seconds", "soon"],
    ],
)
def test_what_cant_be_done_is_refused_before_anything_is_run(words, here, refused):
    (here / "marked.py").write_text(MARK + XOR, "utf-8")
    assert refused(["check", *words])
    assert not (here / "ran").exists()


def test_the_help_says_that_a_program_is_run(capsys):
    assert main(["check", "--help"]) == 0
    assert "A program IS RUN, like `python train.py`" in capsys.readouterr().out


@for_each(
    ("text", "verdict"),
    [
        ("import time\nwhile True:\n    time.sleep(100)\n", "no training found"),
        (XOR.replace("range(1000)", "iter(int, 1)"), "wrong: 2 findings"),
    ],
)
def test_a_program_without_end_is_stopped_and_judged_by_what_was_seen(text, verdict, here, capsys):
    (here / "endless.py").write_text(text, "utf-8")
    began = time.monotonic()
    said = check(capsys, "endless.py", "--seconds", "3", code=1).out
    assert said.startswith(f"endless.py: {verdict}")
    assert time.monotonic() - began < 3 + PATIENCE


def test_what_a_program_prints_isnt_mixed_with_the_report_and_shown_if_asked_for(here):
    (here / "says.py").write_text(RIGHT + "print('größer', loss)\n", "utf-8")
    words = [sys.executable, "-m", "gradbook", "check", "says.py", "--json"]
    quiet, loud = (
        subprocess.run([*words, *more], capture_output=True, check=True, timeout=120)
        for more in ([], ["-v"])
    )
    assert quiet.stderr == b""
    assert loud.stderr.decode().startswith("größer 0.0067")
    assert json.loads(quiet.stdout)["programs"][0]["verdict"] == "right"
    assert json.loads(loud.stdout)["programs"][0]["verdict"] == "right"


def test_a_file_beside_a_program_doesnt_stand_in_for_a_module_of_ours(here, capsys):
    for name in ("gradbook.py", "tempfile.py"):
        (here / name).write_text("raise ValueError('mine')\n", "utf-8")
    (here / "beside.py").write_text("RATE = 0.5\n", "utf-8")
    text = XOR.replace("import numpy", "import beside, numpy").replace("0.5\n", "beside.RATE\n")
    (here / "both.py").write_text(text, "utf-8")
    assert "wrong: 2 findings" in check(capsys, "both.py", code=1).out


# JSON -------------------------------------------------------------------------


def test_json_has_every_place_in_the_source(here, capsys):
    record = json.loads(check(capsys, "xor.py", "--json", code=1).out)
    assert record["version"] == 1
    (program,) = record["programs"]
    assert (program["file"], program["verdict"]) == ("xor.py", "wrong")
    (model,) = program["models"]
    lines = XOR.splitlines()
    found = {}
    for finding in model["findings"]:
        line = lines[finding["line"] - 1]
        assert line[finding["column"] : finding["end_column"]] == finding["found"]
        found[finding["line"]] = finding
    assert found.keys() == {20, 22}
    assert found[22]["gradients"] == ["db1"]
    assert found[22]["weights"] == ["b1"]
    right = {it["name"]: it["right"] for it in model["gradients"]}
    assert right == {"dW1": False, "db1": False, "dW2": True, "db2": True}
    assert model["loss"]["place"]["line"] == 15


def test_hints_leave_no_solution_in_json(here, capsys):
    said = check(capsys, "xor.py", "--json", "--hints", code=1).out
    (model,) = json.loads(said)["programs"][0]["models"]
    for finding in model["findings"]:
        assert (finding["should_be"], finding["why"], finding["edits"]) == (None, "", [])


def test_books_and_programs_are_checked_together(here, capsys):
    book(here / "right.xlsx")
    record = json.loads(check(capsys, "right.xlsx", "xor.py", "--json", code=1).out)
    assert [entry["verdict"] for entry in record["books"]] == ["right"]
    assert [entry["verdict"] for entry in record["programs"]] == ["wrong"]
    said = check(capsys, "right.xlsx", "right.py", code=0).out
    assert "right.py: 4 of 4 gradients are right" in said
    assert "right.xlsx: right" in said


# Corrections ------------------------------------------------------------------


def test_the_corrected_program_differs_in_the_expressions_alone(mended):
    folder, _ = mended
    assert (folder / "xor.py").read_text("utf-8") == XOR
    assert (folder / "fixed" / "xor.py").read_text("utf-8") == RIGHT


@for_each(("newline", "head"), [("\n", "\ufeff"), ("\r\n", "# größer\n")])
def test_line_ends_and_letters_of_a_corrected_program_stay(newline, head, here, capsys):
    shutil.rmtree(here / "fixed", ignore_errors=True)
    whole = (head + XOR).replace("\n", newline).encode()
    (here / "mine.py").write_bytes(whole)
    said = check(capsys, "mine.py", "--fix", "fixed", code=1).out
    assert said.endswith(f"wrote {Path('fixed/mine.py')}\n")
    assert (here / "mine.py").read_bytes() == whole
    fixed = (here / "fixed" / "mine.py").read_bytes()
    old, new = (text.decode().split(newline) for text in (whole, fixed))
    assert [k for k, pair in enumerate(zip(old, new, strict=True)) if pair[0] != pair[1]] == [
        k for k, line in enumerate(old) if "a1 * (1 - a1)" in line or "dz1.sum()" in line
    ]
    check(capsys, "fixed/mine.py", code=0)


def test_a_program_in_another_encoding_keeps_it(here, capsys):
    whole = ("# -*- coding: latin-1 -*-\n# größer\n" + XOR).encode("latin-1")
    (here / "mine.py").write_bytes(whole)
    check(capsys, "mine.py", "--fix", "mine-fixed.py", code=1)
    fixed = (here / "mine-fixed.py").read_bytes()
    assert "größer".encode("latin-1") in fixed
    assert b"dz1.sum(axis=0)" in fixed


def notebook_of(*cells):
    return {
        "cells": [
            {
                "cell_type": "code",
                "execution_count": None,
                "metadata": {},
                "outputs": [],
                "source": cell.splitlines(keepends=True),
            }
            for cell in cells
        ],
        "metadata": {"kernelspec": {"name": "python3"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def test_a_notebook_is_checked_and_its_cell_corrected(here, capsys):
    cells = (XOR[: XOR.index("\nfor")], XOR[XOR.index("for") :])
    text = json.dumps(notebook_of(*cells), indent=1, ensure_ascii=False) + "\n"
    (here / "xor.ipynb").write_text(text, "utf-8")
    said = check(capsys, "xor.ipynb", "--fix", "fixed", "-o", "page.html", code=1).out
    assert "xor.ipynb, cell 2, line 13   makes db1 wrong" in said
    fixed = (here / "fixed" / "xor.ipynb").read_text("utf-8")
    old, new = text.splitlines(), fixed.splitlines()
    changed = [pair for pair in zip(old, new, strict=True) if pair[0] != pair[1]]
    assert len(changed) == 2
    assert "dz1.sum(axis=0)" in changed[1][1]
    check(capsys, "fixed/xor.ipynb", code=0)
    assert "copy the corrected cells" in (here / "page.html").read_text("utf-8")


def test_nothing_is_overwritten_unasked(here, capsys):
    (here / "fixed").mkdir()
    (here / "fixed" / "xor.py").write_text("mine", "utf-8")
    said = check(capsys, "xor.py", "--fix", "fixed", code=2).err
    assert "--force" in said
    assert (here / "fixed" / "xor.py").read_text("utf-8") == "mine"
    check(capsys, "xor.py", "--fix", "fixed", "--force", code=1)
    assert "axis=0" in (here / "fixed" / "xor.py").read_text("utf-8")


def test_a_right_program_isnt_written(here, capsys):
    assert "wrote" not in check(capsys, "right.py", "--fix", "fixed", code=0).out
    assert not (here / "fixed").exists()


def test_the_page_is_of_this_program(mended):
    folder, _ = mended
    page = (folder / "page.html").read_text("utf-8")
    assert "2 of 4 gradients are wrong" in page
    assert "gradbook check xor.py" in page
