"""How a formula mentions a cell: from where it stands, fixed where it serves every step."""

from __future__ import annotations

from gradbook.audit.formula.address import Address, sheet_of, written
from gradbook.audit.judge.judge import Bench
from gradbook.audit.workbook.book import quoted
from gradbook.targets.excel.language.grammar import Reference


def reference(bench: Bench, cell: Address, owner: Address) -> Reference:
    """A cell as a formula in another mentions it; fixed where it serves every step."""
    plain, cell = cell, bench.seen_from(cell, owner)
    text = written(cell)
    other = bench.like[-1]
    still = other is not bench.step and bench.there(cell, other) == cell
    if still and plain == cell:
        letters_ = text.rstrip("0123456789")
        text = f"${letters_}${text[len(letters_) :]}"
    if sheet_of(cell) != sheet_of(owner):
        text = f"{quoted(bench.training.book.sheets[sheet_of(cell)].title)}!{text}"
    return Reference(text)
