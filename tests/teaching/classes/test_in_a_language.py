"""A class is told what it earns in the language in which it is marked."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gradbook.audit.check_book import check
from gradbook.audit.classes.scoring import Rubric, score
from gradbook.language import current_language
from gradbook.teaching.classes.feedback import StudentFeedback, feedback_page
from gradbook.teaching.classes.folder import do_each
from gradbook.teaching.classes.making import make_class
from gradbook.teaching.classes.marking import mark_class
from tests.pseudo import plain_words, pseudo_language, spelled
from tests.report.html import words
from tests.teaching.classes.made import begun, negated, solved, without

LAST = "∂E/∂w6"
NAMES = {
    *("Ada", "Lovelace", "Alan", "Turing", "Emmy", "Noether", "xlsx", "rain", "Training", "class"),
    *("gradbook", "mark", "handed", "csv", "names", "stranger", "Network"),
}


@pytest.fixture
def folder(tmp_path):
    return begun(tmp_path)


@pytest.fixture
def handed_in(folder):
    """One book with everything wrong in sign, one with a blank and one of a stranger."""
    there = Path(folder.path) / "handed-in"
    every = ("∂E/∂w5", LAST)
    books = [
        solved(folder, "Ada Lovelace", there / "Ada-Lovelace.xlsx", negated(*every)),
        solved(folder, "Alan Turing", there / "Alan-Turing.xlsx", without(LAST)),
    ]
    (there / "stranger.xlsx").write_bytes(books[1].read_bytes()[:100])
    return books


def english_in(said: str) -> list[str]:
    """What isn't translated, but for names and for what formulas are made of."""
    plain = re.sub(r"(?s)<(style|script)\b.*?</\1>|<(code|link)\b.*?</\2>", "", said)
    plain = re.sub(r"[\w.-]+\.(xlsx|csv|html|pdf)|E_total|gradbook", "", words(plain))
    return sorted(word for word in set(plain_words(plain)) if word not in NAMES)


def test_the_pages_of_a_class(folder, handed_in):
    with pseudo_language():
        make_class(folder, 1)
        marked = mark_class(folder, 1)
    assert marked.renewed == 2
    index, page = Path(folder.path) / "index.html", Path(folder.path) / "class.html"
    feedback = [
        Path(folder.path) / "feedback" / f"{folder.stems[one.student]}.html" for one in marked.marks
    ]
    shown = [path.read_text("utf-8") for path in (index, page, *feedback) if path.is_file()]
    assert len(shown) == 4
    assert [english_in(one) for one in shown] == [[]] * 4
    assert spelled("Commonest mistakes") in shown[1]
    assert spelled("nothing handed in") in shown[1]


def test_feedback_on_paper(handed_in):
    for hints, book in enumerate(handed_in):
        report = check(str(book))
        mark = score(report, Rubric(per_day=1.0, deductions={"wrong sign": 0.5}), 2)
        told = StudentFeedback("Ada Lovelace", "rain", report, mark, 1.5)
        with pseudo_language():
            page = feedback_page(told)
        assert english_in(page) == []
        assert spelled("What was found") in page or hints
        assert "1,5" in page  # points, with the language's sign


def test_another_language_writes_the_feedback_again(folder, handed_in):
    assert mark_class(folder, 1).renewed == 2
    assert mark_class(folder, 1).renewed == 0
    with pseudo_language():
        assert mark_class(folder, 1).renewed == 2


def spoken() -> str:
    return current_language().code


def test_every_task_speaks_the_language_of_who_gives_it():
    with pseudo_language():
        given = do_each([("a", spoken), ("b", spoken)], 1, lambda done: None)
        assert [said for _, said in given] == ["xx", "xx"]
