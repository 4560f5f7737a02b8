"""Reports in a file: nothing of one is lost there, and a run that was interrupted goes on."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import pytest

from gradbook.audit.check_book import check
from gradbook.audit.classes.marks import class_json
from gradbook.audit.classes.reports import StoredReports, line_of, report_of_line
from gradbook.audit.classes.scoring import Rubric, score, score_each
from gradbook.audit.findings import BookReport
from gradbook.errors import DataError, FileError
from gradbook.report.audit import audit_lines, grades_csv
from gradbook.report.audit_page import audit_page
from gradbook.report.styled_text import plain
from gradbook.schema import SchemaError
from tests.audit.material.lookalikes import FORMULAS, book
from tests.cases import for_each

SIGN = {"∂E/∂w5": "=-(" + FORMULAS["∂E/∂w5"][1:] + ")"}
ODD = {"o1": "={w5}*{a_h1}+{a_h2}*{w6}+0", "E1": "=0.5*({a_o1}-{t1})^2"}


@pytest.fixture(scope="module")
def books(tmp_path_factory) -> list[str]:
    """Right, wrong, unfinished and unreadable ones, some of them alike."""
    folder = tmp_path_factory.mktemp("books")
    made = [
        book(folder / "right.xlsx"),
        book(folder / "wrong.xlsx", SIGN),
        book(folder / "wrong too.xlsx", SIGN | ODD),
        book(folder / "blank rate.xlsx", rate=None),
        book(folder / "short.xlsx", rows=1),
    ]
    (folder / "same.xlsx").write_bytes((folder / "wrong.xlsx").read_bytes())
    (folder / "no book.xlsx").write_text("Dear teacher,")
    return [*map(str, made), str(folder / "same.xlsx"), str(folder / "no book.xlsx")]


@pytest.fixture(scope="module")
def reports(books) -> list[BookReport]:
    return [check(path) for path in books]


def test_a_line_holds_all_of_a_report(reports):
    for report in reports:
        line = line_of(report)
        assert "\n" not in line
        assert report_of_line(line) == report


def test_whatever_is_asked_for_is_the_same_from_a_file(books, reports, tmp_path):
    with StoredReports(books, tmp_path / "kept") as kept:
        for number in reversed(kept.list_missing()):
            kept.put(number, reports[number])
        for of in (_text, _page, _grades, _json):
            assert of(kept) == of(reports)


def _text(reports):
    return plain(list(audit_lines(reports, 80)))


def _page(reports):
    return audit_page(reports, score_each(reports, Rubric(20.0)))


def _grades(reports):
    return grades_csv(reports, score_each(reports))


def _json(reports):
    return json.loads("".join(class_json(reports, [score(report) for report in reports])))


# Interrupted.


def test_what_was_judged_is_not_judged_again(books, reports, tmp_path):
    path = tmp_path / "kept"
    with StoredReports(books, path) as kept:
        for number in (1, 3):
            kept.put(number, reports[number])
    with StoredReports(books, path) as kept:
        same = books.index(next(name for name in books if name.endswith("same.xlsx")))
        assert kept.list_missing() == [k for k in range(len(books)) if k not in (1, 3, same)]
        assert kept[3] == reports[3]
        assert kept[same] == reports[same]  # the same content, under its own name


def test_a_book_that_was_changed_is_judged_again(books, reports, tmp_path):
    mine = tmp_path / "mine.xlsx"
    book(mine)
    with StoredReports([str(mine)], tmp_path / "kept") as kept:
        kept.put(0, check(mine))
    book(mine, SIGN)
    with StoredReports([str(mine)], tmp_path / "kept") as kept:
        assert kept.list_missing() == [0]


def test_a_torn_line_is_taken_away(books, reports, tmp_path):
    path = tmp_path / "kept"
    with StoredReports(books, path) as kept:
        kept.put(0, reports[0])
        whole = path.stat().st_size
        kept.put(1, reports[1])
    path.write_bytes(path.read_bytes()[:-9])
    with StoredReports(books, path) as kept:
        assert path.stat().st_size == whole
        assert kept.list_missing()[0] == 1
        kept.put(1, reports[1])
        assert [kept[0], kept[1]] == reports[:2]


@for_each("there", [b"Dear teacher,\n", b'{"reports of": "gradbook 0.0.1"}\n'])
def test_another_file_stays_as_it_is(there, books, tmp_path):
    path = tmp_path / "letter"
    path.write_bytes(there)
    with pytest.raises(DataError, match="name another file"):
        StoredReports(books, path)
    assert path.read_bytes() == there


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="POSIX only")
def test_only_a_file_keeps_reports(books, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for place, kind in (tmp_path / "pipe", "a pipe"), (os.devnull, "a device"), (tmp_path, "a fol"):
        with pytest.raises(FileError, match=f"it is {kind}"):
            StoredReports(books, place)


def test_lines_that_are_no_reports_count_for_nothing(books, reports, tmp_path):
    path = tmp_path / "kept"
    with StoredReports(books, path) as kept:
        kept.put(0, reports[0])
    strange = [
        b"[" * 50_000,
        b"{}",
        b"\xff",
        line_of(replace(reports[1], fingerprint="?")).encode(),
    ]
    with path.open("ab") as file:
        file.writelines(line + b"\n" for line in strange)
    with StoredReports(books, path) as kept:
        assert kept.list_missing()[0] == 1


@for_each(
    ("part", "wrong"),
    [("verdict", "splendid"), ("notes", "none"), ("sheets", [{}]), ("formulas", -1)],
)
def test_a_line_that_is_not_what_it_has_to_be_is_no_report(part, wrong, reports):
    said = json.loads(line_of(reports[1])) | {part: wrong}
    with pytest.raises(SchemaError, match=part):
        report_of_line(json.dumps(said))
