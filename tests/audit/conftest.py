"""What tests of an audit share: where a book is written, and that its answer hangs on no clock."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradbook.audit import budget

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
