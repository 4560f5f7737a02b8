"""How a limit is said."""

from __future__ import annotations

from gradbook import limits
from gradbook.limits import ReadLimit
from tests.cases import for_each


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
