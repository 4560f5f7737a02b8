"""The book that copies are made of: whatever Excel may put into one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.audit.material.copies import repacked, rich, with_parts_nobody_knows


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return repacked(rich(tmp_path / "book.xlsx"), with_parts_nobody_knows)
