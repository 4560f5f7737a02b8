"""What commands print of their files, and what to do with these, in another language."""

from __future__ import annotations

import pytest

from gradbook.cli.main import main
from gradbook.cli.output import progress
from gradbook.language import tr
from tests.cases import for_each
from tests.pseudo import plain_words, pseudo_language

NAMES = {"worked", "xor", "xlsx", "Training", "Samples", "Check", "exercise", "gradbook", "net"}
OF_A_CLASS = {"exercises", "rubric", "toml", "handed", "broken", "zip", "inner", "names", "csv"}


@pytest.fixture
def english(capsys, tmp_path, monkeypatch):
    """`english(*words)`: the plain words that a command prints, but for names."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LANGUAGE", raising=False)
    monkeypatch.setenv("LC_ALL", "xx_XX.UTF-8")

    def run(*words):
        capsys.readouterr()
        with pseudo_language():
            main(words)
        text = "".join(capsys.readouterr())
        assert text
        return plain_words(text, *NAMES, *OF_A_CLASS)

    return run


QUICK = ("--epochs", "3")


@for_each(
    "words",
    [
        ("worked", *QUICK, "--rates", "0.5"),
        ("worked", *QUICK, "--exercise", "1"),
        ("worked", *QUICK, "--exercise", "1", "--blank", "loss"),
        ("xor", *QUICK, "--exercise", "1"),
        ("xor", *QUICK, "--exercise", "1", "--blank", "loss"),
    ],
    ids=" ".join,
)
def test_a_workbook_is_written_and_how_to_begin_is_said(words, english):
    assert english("sheet", *words) == []


def test_a_class_is_told_what_cant_be_read(english, tmp_path):
    (tmp_path / "names.csv").write_text("Ada\n", encoding="utf-8")
    (tmp_path / "broken.zip").write_bytes(b"no archive")
    assert english("class", "init", "9b", "--names", "names.csv", "--paper", "none") == []
    assert english("class", "collect", "9b", "broken.zip") == []


def test_progress_is_told_as_the_language_counts():
    with pseudo_language():
        said = progress(1_234, 5_000, tr("books"), 2.5)
        assert plain_words(said) == []
    assert "1.234" in said
