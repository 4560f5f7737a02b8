"""Typst sets every derivation as a PDF, and nothing stands over the margin."""

from __future__ import annotations

import re
import subprocess

import pytest

import gradbook as gb
from gradbook.report.explanation import Explanation
from gradbook.targets.algebra.typst import HIGHEST, write_typst
from tests.outside.witness import program
from tests.targets.algebra.samples import NAMES, document_of

pytestmark = pytest.mark.witness("typst", "pdftotext")

PAGE = (595.28, 841.89)  # A4 in points
MARGIN = 65.2
FORGIVEN = 6  # points: a letter's width
WORD = re.compile(r'<word xMin="(\S+)" yMin="(\S+)" xMax="(\S+)" yMax="(\S+)">(.*?)</word>')


def words_of(pdf: bytes, folder) -> list[tuple[float, float, float, str]]:
    """The words, where they begin and end, and how low they reach."""
    (folder / "a.pdf").write_bytes(pdf)
    command = [program("pdftotext"), "-bbox", str(folder / "a.pdf"), "-"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [
        (float(x), float(right), float(low), word) for x, _, right, low, word in WORD.findall(said)
    ]


def set_pdf(source: str) -> bytes:
    import typst

    return typst.compile(source.encode(), format="pdf")


@pytest.mark.parametrize("name", NAMES)
def test_typst_sets_the_derivation_within_its_margins(name, tmp_path):
    found = words_of(set_pdf(write_typst(document_of(name))), tmp_path)
    assert len(found) > 50
    outside = [
        word
        for begins, ends, low, word in found
        if begins < MARGIN - FORGIVEN or ends > PAGE[0] - MARGIN + FORGIVEN or low > PAGE[1]
    ]
    assert outside == []


def test_a_name_of_any_characters_is_set_as_it_is(tmp_path):
    name = r'50 % of $x_1^2$ & \more #let <a> @b "c" [d] *e* `f` //g'
    net = gb.Net.parse(f"input 1\ndense 1\nname {name}".replace("#let", "let"))
    words = " ".join(word for *_, word in words_of(gb.explain(net).pdf(), tmp_path))
    said = (
        words.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"')
    )
    assert name.replace("#let", "let") in said


def test_numbers_and_drawing_stand_there(tmp_path):
    found = words_of(gb.explain(gb.builtin("worked"), "w5").pdf(), tmp_path)
    words = {word for *_, word in found}
    assert "0.01288082" in words
    assert {"hidden", "output"} <= words  # below the drawing's units


def test_a_high_drawing_fits_its_page(tmp_path):
    net = gb.Net.parse("input 1; dense 12; sigmoid; dense 1")
    assert all(low < PAGE[1] - 30 for *_, low, _ in words_of(gb.explain(net, "w1").pdf(), tmp_path))
    assert HIGHEST < 24


def test_the_command_writes_it_or_says_why_not(gradbook, tmp_path):
    assert gradbook("explain", "-o", "worked.pdf").returncode == 0
    assert (tmp_path / "worked.pdf").read_bytes().startswith(b"%PDF-")
    (tmp_path / "typst.py").write_text("raise ImportError\n", "utf-8")
    without = gradbook("explain", "-o", "b.pdf", environment={"PYTHONPATH": str(tmp_path)})
    assert without.returncode == 2
    assert "pip install 'gradbook[pdf]'" in without.stderr
    assert not (tmp_path / "b.pdf").exists()


def test_the_same_network_gives_the_same_bytes():
    made = gb.explain(gb.builtin("worked"), "w5")
    assert isinstance(made, Explanation)
    assert made.pdf() == made.pdf()
