"""An audit is said in the reader's language; what programs read of it stays English."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import pytest
from openpyxl import load_workbook

from gradbook.audit.check_book import check
from gradbook.audit.classes.marks import class_json
from gradbook.audit.classes.reports import line_of, report_of_line
from gradbook.audit.classes.scoring import Rubric, score
from gradbook.audit.copies.annotate import annotate
from gradbook.audit.findings import BookReport, with_hints
from gradbook.language.message import Message, WrittenNumber, translate
from gradbook.report.audit import audit_lines
from gradbook.report.audit_page import audit_cell, audit_page
from gradbook.report.styled_text import plain
from tests.audit.material.by_hand import RIGHT
from tests.audit.material.exercises import Variation, exercise, hand_in, mistakes
from tests.audit.material.small import saved
from tests.audit.test_by_hand import WRONG
from tests.pseudo import plain_words, pseudo_language, spelled
from tests.report.html import words as text_of

NAMES = ("total", "xlsx", "book", "loss", "Sheet", "handed", "returned")


def judged(folder: Path, step: int) -> list[BookReport]:
    """Sheets by hand with mistakes, right ones, and exercises of ours as they are handed in: all,
    or one of so many."""
    tables = {f"{k}": {**RIGHT[n], p: f} for k, (n, (p, f)) in enumerate(WRONG.items())}
    tables |= {f"right{k}": RIGHT[name] for k, name in enumerate(list(RIGHT)[:4])}
    found = [
        check(saved(folder / f"book{name}.xlsx", tables[name])) for name in list(tables)[::step]
    ]
    for seed in (0, 3)[::step]:
        variation = Variation.of(seed)
        book = exercise(variation, folder)
        found += [
            check(hand_in(book, mistake.entries, variation))
            for mistake in list(mistakes(variation))[::step]
        ]
    return found


@pytest.fixture(scope="module")
def reports(tmp_path_factory) -> list[BookReport]:
    return judged(tmp_path_factory.mktemp("books"), 1)


@pytest.fixture(scope="module")
def few(tmp_path_factory) -> list[BookReport]:
    return judged(tmp_path_factory.mktemp("few"), 25)


def expected(reports: list[BookReport]) -> set[str]:
    """The plain words that formulas, cells and headings are made of."""
    texts = [*NAMES]
    for report in reports:
        texts += [report.book, report.origin.student]
        for sheet in report.sheets:
            texts += [sheet.sheet, sheet.loss, sheet.rate, *sheet.weights]
            texts += [column.quantity for column in sheet.asked]
            for one in sheet.findings:
                texts += [one.quantity, one.formula, one.expected, one.cells, one.weight]
    return set(re.findall(r"[A-Za-z]{3,}", " ".join(texts)))


def english_in(words: str, reports: list[BookReport]) -> list[str]:
    """The words that weren't translated; functions are written in capitals."""
    found = set(plain_words(words, *expected(reports)))
    return sorted(word for word in found if not word.isupper())


def test_the_terminal_says_it(few):
    says_it_in_the_terminal(few)


def test_the_page_says_it(few):
    says_it_on_a_page(few)


def test_whatever_the_mistake_is_all_of_it_is_said(reports):
    says_it_in_the_terminal(reports)
    says_it_on_a_page(reports)


def says_it_in_the_terminal(reports: list[BookReport]) -> None:
    with pseudo_language():
        words = plain(list(audit_lines(reports, 100)))
    assert spelled("should be") in words
    assert english_in(words, reports) == []
    hints = [with_hints(report) for report in reports]
    with pseudo_language():
        words = plain(list(audit_lines(hints, 100)))
    assert english_in(words, reports) == []


def says_it_on_a_page(reports: list[BookReport]) -> None:
    scores = [score(report, Rubric(20.0)) for report in reports]
    with pseudo_language():
        pages = audit_page(reports, scores), audit_page(reports[:1], scores[:1])
        cell = audit_cell(reports[0])
    for shown in (*pages, cell):
        words = text_of(re.sub(r"(?s)<(style|script).*?</\1>", "", shown))
        assert english_in(words, reports) == []


def test_a_marked_copy_says_it(few, tmp_path):
    report = next(one for one in few if one.findings)
    with pseudo_language():
        content = annotate(report.book, report, score(report, Rubric(20.0)))
    path = tmp_path / "marked.xlsx"
    path.write_bytes(content)
    book = load_workbook(path)
    sheet = book[spelled("Score")]
    told = [str(cell.value) for row in sheet for cell in row if cell.value is not None]
    told += [cell.comment.text for one in book for row in one for cell in row if cell.comment]
    assert any(spelled("Should be:") in one for one in told)
    assert english_in(" ".join(told), few) == []


def test_programs_read_english(few):
    english = "".join(class_json(few, list(map(score, few))))
    with pseudo_language():
        again = "".join(class_json(few, list(map(score, few))))
    assert again == english


def test_a_report_that_was_kept_is_still_said_in_the_reader_s_language(few):
    for report in few:
        for kept in (report_of_line(line_of(report)), pickle.loads(pickle.dumps(report))):
            assert kept == report
            with pseudo_language():
                whys = [translate(finding.why) for finding in kept.findings]
                assert whys == [translate(finding.why) for finding in report.findings]
                assert all(
                    why != finding.why for why, finding in zip(whys, kept.findings, strict=True)
                )


def test_a_number_in_a_sentence_has_the_language_s_decimal_sign():
    half = Message("it is {factor} times that", factor=WrittenNumber("0.25"))
    assert half == "it is 0.25 times that"
    with pseudo_language():
        assert "0,25" in translate(half)
