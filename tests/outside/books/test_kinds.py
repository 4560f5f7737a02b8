"""LibreOffice nudges the weights of books made by hand, PyTorch lets them go on: they are right."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.audit.material.kinds.catalogue import KINDS, disagreements

pytestmark = pytest.mark.witness("libreoffice", "torch")

SOME = ("momentum on another sheet", "Eve", "attention, backward", "attention, forward")


def test_right_books_are_right_and_wrong_ones_are_not(tmp_path):
    right = {name: KINDS[name] for name in SOME}
    wrong = KINDS["attention, backward"]
    spoilt = replace(wrong, table=wrong.mistakes["term"])
    found = disagreements({**right, "spoilt": spoilt}, tmp_path)
    assert [name for name, cells in found.items() if cells] == ["spoilt"]
