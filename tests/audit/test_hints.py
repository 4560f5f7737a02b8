"""With --hints nothing that a student may see has the solution, whichever mistake it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gradbook.audit.check_book import check
from gradbook.audit.findings import HARMLESS, KINDS, BookReport, with_hints
from gradbook.cli.main import main
from tests.audit.material.copies import WRONG, opened
from tests.audit.material.lookalikes import FORMULAS, book

W1, W3, W5 = (FORMULAS[f"∂E/∂w{k}"] for k in (1, 3, 5))
MISTAKES = {
    "another unit": WRONG,
    "a path": {"∂E/∂w1": W1[: W1.index("+")] + W1[W1.index(")*{a_h1}") :]},
    "a slope": {"∂E/∂w1": W1.replace("*{a_h1}*(1-{a_h1})", "")},
    "a sign": {"∂E/∂w5": W5.replace("{a_o1}-{t1}", "{t1}-{a_o1}")},
    "another input": {"∂E/∂w3": W3.replace("{i1}", "{i2}")},
    "a number": {"∂E/∂w5": W5.replace("(1-{a_o1})", "(2-{a_o1})")},
    "a sum": {"h2": "={i1}*{w3}+{i2}*{w3}"},
    "something else": {"∂E/∂w5": "=EXP({a_h1})*{w7}"},
}


def outputs(folder: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """Everything that --hints writes of the books in a folder."""
    asked = ["check", str(folder / "class"), "--hints", "-v"]
    files = ["-o", "page.html", "-o", "grades.csv", "--annotate", "marked"]
    main(
        [
            *asked,
            *(str(folder / word) if "." in word or word == "marked" else word for word in files),
        ]
    )
    said = {"text": capsys.readouterr().out}
    main([*asked, "--json"])
    said["JSON"] = capsys.readouterr().out
    said |= {name: (folder / name).read_text("utf-8") for name in ("page.html", "grades.csv")}
    for copy in sorted((folder / "marked").iterdir()):
        book = opened(copy)
        notes = [c.comment.text for row in book["Sheet1"].rows for c in row if c.comment]
        said[copy.name] = "\n".join(notes)
    return said


def plain(text: str) -> str:
    """As it would be read aloud: without tags, entities, spaces and escapes."""
    return re.sub(r"<[^>]*>|\s|\\\\", "", text).replace("&#x27;", "'").replace("&amp;", "&")


def secrets(report: BookReport) -> set[str]:
    """What would give the solution away: the right formulas, and the reasons that name them."""
    found = set()
    for finding in report.findings:
        found |= {finding.expected, *finding.fixes.values()}
        found |= {finding.why} if finding.kind not in HARMLESS else set()
    return {plain(secret) for secret in found if secret}


def test_no_output_has_the_solution(tmp_path, capsys):
    (tmp_path / "class").mkdir()
    paths = {
        name: book(tmp_path / "class" / f"{name}.xlsx", changed)
        for name, changed in MISTAKES.items()
    }
    reports = {name: check(path) for name, path in paths.items()}
    assert all(report.findings for report in reports.values())
    said = {name: plain(text) for name, text in outputs(tmp_path, capsys).items()}
    for report in reports.values():
        assert secrets(report)
        for secret in secrets(report):
            assert [name for name, text in said.items() if secret in text] == []
    for name, report in reports.items():
        for finding in report.findings:
            where, what = finding.cells.partition(",")[0], finding.quantity
            told = said["text"] + said["page.html"]
            assert where in told
            assert what in told
            assert plain(what) in said[f"{name}.xlsx"]


def test_without_hints_the_same_looks_find_the_solution(tmp_path, capsys):
    """So that the look above could fail."""
    report = check(book(tmp_path / "ada.xlsx", WRONG))
    main(["check", str(tmp_path / "ada.xlsx")])
    said = plain(capsys.readouterr().out)
    assert any(secret in said for secret in secrets(report))


def test_a_hint_says_what_kind_it_is_and_points_stay(tmp_path):
    report = check(book(tmp_path / "ada.xlsx", WRONG))
    (finding,), (told,) = report.findings, with_hints(report).findings
    assert told.why == f"look again: {KINDS[finding.kind]}"
    assert (told.cells, told.quantity, told.formula) == (
        finding.cells,
        finding.quantity,
        finding.formula,
    )
    assert (told.expected, told.fixes) == ("", {})


def test_corrected_copies_are_the_teachers_and_stay_whole(tmp_path):
    path = book(tmp_path / "ada.xlsx", WRONG)
    asked = ["check", str(path), "--hints", "--fix", str(tmp_path / "right")]
    main(asked)
    assert check(tmp_path / "right" / "ada.xlsx").verdict == "right"
