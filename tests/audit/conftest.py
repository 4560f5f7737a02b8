"""What tests of an audit share: where a book is written, and that its answer hangs on no clock."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradbook.audit import check_book as checking
from gradbook.audit.findings import BookReport
from gradbook.cells import budget
from tests.audit.material.said import untranslated

CLOCKS = {  # as they ship
    name: getattr(budget, name)
    for clock in ("LONGEST_JUDGED", "LONGEST_SOUGHT")
    for name in (clock, f"{clock}_AGAIN")
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "book.xlsx"


@pytest.fixture(autouse=True)
def judged_by_work_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock guards against what isn't counted; beside other tests it would decide as well."""
    for clock in CLOCKS:
        monkeypatch.setattr(budget, clock, 120.0)


@pytest.fixture(autouse=True)
def said_in_any_language(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever an audit says in a test is a message, to be said in the reader's language."""
    report_on = checking._report

    def checked(name: str, path: str | Path, *asked: checking.Asked) -> BookReport:
        report = report_on(name, path, *asked)
        assert untranslated(report) == []
        return report

    monkeypatch.setattr(checking, "_report", checked)
