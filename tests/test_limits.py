"""What the documents say of limits is what the readers hold."""

from __future__ import annotations

import re
from pathlib import Path

from gradbook import limits
from gradbook.limits import ReadLimit
from tests.cases import for_each

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "limits.md"


def test_the_table_of_the_docs_is_the_one_that_readers_hold():
    rows = re.findall(r"^\| (.*) \| (.*) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    told = [row for row in rows if row[0] not in ("of", "--")]
    assert told == [limits.row(limit) for limit in limits.table()]


@for_each(
    ("limit", "said"),
    [
        (ReadLimit(2**26, limits.BYTES, "a"), "64 MiB"),
        (ReadLimit(1000, limits.BYTES, "a"), "1,000 bytes"),
        (ReadLimit(2**30, "pixels", "a"), "1,073,741,824 pixels"),
        (ReadLimit(5000, "", "a"), "5,000"),
    ],
)
def test_a_limit_is_told_in_its_unit(limit, said):
    assert str(limit) == said
