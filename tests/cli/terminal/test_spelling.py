"""On a console without our characters everything is said all the same, so that it can be read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from unicodedata import east_asian_width

import pytest
from hypothesis import given
from hypothesis import strategies as st

import gradbook
from gradbook.cli.output import READABLY, spell_in_ascii
from gradbook.lab.classroom import HEADINGS
from gradbook.language import CATALOGUES
from tests.cases import for_each
from tests.cli.desk import RECIPE, laid_out

PACKAGE = Path(gradbook.__file__).parent
ONLY_READ = set(f"{list(HEADINGS.values())}")  # headings of lists of names, in many scripts
LATIN = ("de", "es", "fr", "pt", "vi")  # who reads another script has a console for it
CONSOLES = ("cp1252", "cp437", "ascii")
VERBS = {
    "explain": ["explain", "worked", "--only", "w5"],
    "summary": ["summary", "reference"],
    "sweep": ["sweep", "worked", "--epochs", "5"],
    "sheet": ["sheet", "worked", "-o", "Übung.xlsx"],
    "check": ["check", "nothing ∂.xlsx"],
    "data": ["data", "made.npz", "--show", "2"],
    "train": ["train", RECIPE, "--epochs", "1", "-o", "runs/ü η"],
    "recipes": ["train", "--list"],
    "help": ["help", "networks"],
}


@for_each(
    ("text", "ascii_only", "western"),
    [
        ("∂E/∂w5 = −η·Σ", "dE/dw5 = -eta*sum", "dE/dw5 = -eta·sum"),
        ("10⁻³ × Δ → ½ …", "10^-^3 x Delta -> 1/2 ...", "10^-³ × Delta -> ½ …"),
        ("├─│└ Übung “x” ᵀ＝", "+-|+ Ubung 'x' ^T=", "+-|+ Übung “x” ^T="),
    ],
)
def test_our_characters_are_spelled_as_people_would(text, ascii_only, western):
    assert text.encode("ascii", READABLY).decode("ascii") == ascii_only
    assert text.encode("cp1252", READABLY).decode("cp1252") == western


def test_none_of_ours_becomes_a_question_mark():
    said = [*PACKAGE.rglob("*.py"), *(CATALOGUES / f"{code}.po" for code in LATIN)]
    ours = set("".join(path.read_text("utf-8") for path in said))
    spinner = {character for character in ours if "\u2800" <= character <= "\u28ff"}
    wide = {character for character in ours if east_asian_width(character) in "WF"}
    unknown = {
        character
        for character in ours - spinner - wide - ONLY_READ
        if spell_in_ascii(character) == "?"
    }
    assert unknown == {"?"}


@given(st.text())
@pytest.mark.parametrize("console", CONSOLES)
def test_whatever_it_is_it_can_be_printed(console, text):
    text.encode(console, READABLY)
    assert all(spell_in_ascii(character).isascii() for character in text)


def output_of(words, folder, **settings):
    done = subprocess.run(
        [sys.executable, "-m", "gradbook", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent), "PYTHONUTF8": "0", **settings},
        capture_output=True,
        check=False,
    )
    assert b"internal error in gradbook" not in done.stderr
    assert b"Traceback" not in done.stderr
    assert done.returncode == (2 if words[0] == "check" else 0), done.stderr
    return done.stdout


@for_each("console", CONSOLES)
@for_each("verb", VERBS)
def test_every_verb_can_be_read_on_any_console(verb, console, tmp_path):
    laid_out(tmp_path)
    printed = output_of(VERBS[verb], tmp_path, PYTHONIOENCODING=console).decode(console)
    assert "�" not in printed
    if verb == "explain":
        assert "dE_total/dw5" in printed


def test_where_the_locale_is_c_everything_is_said_as_well(tmp_path):
    laid_out(tmp_path)
    plain = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}
    for verb in ("explain", "sheet", "train"):
        assert output_of(VERBS[verb], tmp_path, **plain).isascii()


@for_each("console", CONSOLES)
def test_json_is_exact_on_any_console(console, tmp_path):
    laid_out(tmp_path)
    for words in (["sweep", "worked", "--epochs", "5", "--json"], ["explain", "--json"]):
        printed = [
            json.loads(output_of(words, tmp_path, PYTHONIOENCODING=encoding).decode(encoding))
            for encoding in (console, "utf-8")
        ]
        assert printed[0] == printed[1]
