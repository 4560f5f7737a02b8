"""Handouts as Chromium prints them: a sheet each, on either paper, the numbers on the key alone."""

from __future__ import annotations

import re
import subprocess

import pytest

import gradbook as gb
from gradbook.lab.classroom import personalise
from gradbook.report.handout import handout, handouts_page
from gradbook.targets.excel.plan.column_order import FORWARD, GRADIENTS, UPDATE, Exercise
from tests.cases import for_each
from tests.outside.witness import page_to_pdf, program

pytestmark = pytest.mark.witness("chromium", "pdftotext")

SIZES = {"a4": ("594", "841"), "letter": ("612", "792")}
NAMES = ("Ada Lovelace", r'Zoë #1 *L* _x_ $y$ "q" \ [a] <b> //')


def printed(html: str, folder) -> str:
    """Its words and the sizes of its sheets."""
    (folder / "a.html").write_text(html, "utf-8")
    pdf = page_to_pdf(folder / "a.html", folder / "a.pdf")
    command = [program("pdftotext"), "-bbox", str(pdf), "-"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@for_each(("paper", "kinds"), [("a4", (FORWARD, GRADIENTS, UPDATE)), ("letter", (GRADIENTS,))])
def test_each_student_has_a_sheet_and_only_the_key_has_the_numbers(paper, kinds, tmp_path):
    pages = [
        handout(personalise(gb.builtin("worked"), name), Exercise(name, seed=7, kinds=kinds), 1)
        for name in NAMES
    ]
    number = f"{abs(pages[0].asked[GRADIENTS][0].numbers[0]):#.7g}"
    for solved in (False, True):
        output = printed(handouts_page(pages, paper, solved=solved), tmp_path)
        sizes = re.findall(r'<page width="(\d+)\.\d+" height="(\d+)\.\d+">', output)
        assert sizes == [SIZES[paper]] * 2
        words = " ".join(re.findall(r">([^<>]+)</word>", output))
        assert NAMES[1].replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;") in words
        assert (number in words) == solved
