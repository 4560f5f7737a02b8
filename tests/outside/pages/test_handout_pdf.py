"""Handouts as Typst sets them: a page each, on either paper, the numbers on the key alone."""

from __future__ import annotations

import re
import subprocess

import pytest

import gradbook as gb
from gradbook.errors import LimitError
from gradbook.lab.classroom import personalise
from gradbook.report.handout import handout, handouts_pdf
from gradbook.targets.excel.plan.column_order import KINDS, Exercise
from tests.outside.witness import program

pytestmark = pytest.mark.witness("typst", "pdftotext")

SIZES = {"a4": ("595", "841"), "letter": ("612", "792")}


def boxes(pdf: bytes, folder) -> str:
    (folder / "a.pdf").write_bytes(pdf)
    command = [program("pdftotext"), "-bbox", str(folder / "a.pdf"), "-"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def page_of(name, seed, **asked):
    return handout(personalise(gb.builtin(name), seed), Exercise(str(seed), seed=seed, **asked), 1)


@pytest.mark.parametrize("paper", SIZES)
@pytest.mark.parametrize("name", ["worked", "mazur", "xor"])
def test_a_student_has_one_page_and_only_the_key_has_the_numbers(name, paper, tmp_path):
    pages = [
        page_of(name, seed, kinds=(KINDS if name == "mazur" else KINDS[2:3])) for seed in (1, 2)
    ]
    asked, key = (
        boxes(handouts_pdf(pages, paper, solved=solved), tmp_path) for solved in (False, True)
    )
    for said in (asked, key):
        sizes = re.findall(r'<page width="(\d+)\.\d+" height="(\d+)\.\d+">', said)
        assert sizes == [SIZES[paper]] * 2
    gradient = next(one for one in pages[0].asked["gradients"] if not one.each)
    number = f"{abs(gradient.numbers[0]):#.7g}"
    assert number in key
    assert number not in asked


def test_names_stand_as_they_are(tmp_path):
    name = r'Ada #1 *L* _x_ $y$ @z "q" \ [a] <b> //'
    net = personalise(gb.builtin("worked"), name)
    said = boxes(handouts_pdf([handout(net, Exercise(name), 1)]), tmp_path)
    words = " ".join(re.findall(r">([^<>]+)</word>", said))
    assert name.replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;") in words


def test_what_no_size_has_room_for_is_refused():
    with pytest.raises(LimitError, match="a handout is one page, and .* don't fit on it"):
        handouts_pdf([page_of("strokes", 3, kinds=KINDS)])
