"""A report as one line of text, with all that is known of the book, and the report of such a line.

A line may be a stranger's: it holds no code, and one that isn't what it has to be is no report.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any

from gradbook.audit.findings.findings import (
    KINDS,
    VERDICTS,
    AskedColumn,
    BookReport,
    Finding,
    LossCurves,
    SheetReport,
)
from gradbook.audit.workbook.book import Origin
from gradbook.schema import (
    AnyNumber,
    Choice,
    InTurn,
    ListOf,
    Maybe,
    Schema,
    SchemaError,
    TrueOrFalse,
    Usually,
    WholeNumber,
    read_json,
)


class _Text:
    """A text, with halves of characters too: names of files have them."""

    def read(self, value: object) -> str:
        if not isinstance(value, str):
            raise SchemaError("a text, nothing else")
        return value


class _Texts:
    """Texts by their names."""

    def read(self, value: object) -> dict[str, str]:
        if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
            raise SchemaError("texts by their names, nothing else")
        return value


TEXT, COUNT = _Text(), WholeNumber()
FINDING = Schema(
    kind=Choice(*KINDS),
    quantity=TEXT,
    weight=TEXT,
    cells=TEXT,
    formula=TEXT,
    expected=TEXT,
    why=TEXT,
    relative_error=Maybe(AnyNumber()),
    sheet=TEXT,
    fixes=_Texts(),
    spoils=ListOf(TEXT),
    edits=ListOf(TEXT),
    judges=TEXT,
    first_step=COUNT,
)
CURVE = Schema(made=ListOf(AnyNumber(), least=1), corrected=ListOf(AnyNumber(), least=1))
ASKED = Schema(
    quantity=TEXT,
    sheet=TEXT,
    cells=TEXT,
    kind=TEXT,
    state=TEXT,
    made_of=ListOf(TEXT),
    is_first_right=TrueOrFalse(),
)
SHEET = Schema(
    sheet=TEXT,
    verdict=Choice(*VERDICTS),
    loss=TEXT,
    rate=TEXT,
    weights=ListOf(TEXT),
    rows=Maybe(InTurn((COUNT, COUNT))),
    findings=ListOf(FINDING),
    notes=ListOf(TEXT),
    curve=Maybe(CURVE),
    asked=ListOf(ASKED),
    rule=TEXT,
    updates=COUNT,
    is_half_judged=Usually(TrueOrFalse(), False),
)
ORIGIN = Schema(
    student=TEXT,
    content=TEXT,
    numbers=ListOf(TEXT),
    formulas=_Texts(),
    saved_by=TEXT,
    created=TEXT,
)
REPORT = Schema(
    book=TEXT,
    verdict=Choice(*VERDICTS),
    sheets=ListOf(SHEET),
    problem=TEXT,
    fingerprint=TEXT,
    formulas=COUNT,
    notes=ListOf(TEXT),
    origin=ORIGIN,
)


def line_of(report: BookReport) -> str:
    """All of a report, in one line."""
    return json.dumps(report, default=_plain, separators=(",", ":"))


def report_of_line(line: str | bytes) -> BookReport:
    """The report of a line; a SchemaError if there is none in it."""
    found = read_json(line, REPORT)
    sheets = tuple(map(_sheet, found["sheets"]))
    origin = _made(Origin, ORIGIN, found["origin"], numbers=frozenset(found["origin"]["numbers"]))
    report: BookReport = _made(BookReport, REPORT, found, sheets=sheets, origin=origin)
    return report


def _sheet(found: Mapping[str, Any]) -> SheetReport:
    curve = found["curve"] and _made(LossCurves, CURVE, found["curve"])
    asked = tuple(_made(AskedColumn, ASKED, one) for one in found["asked"])
    findings = tuple(_made(Finding, FINDING, one) for one in found["findings"])
    parts = {"curve": curve, "asked": asked, "findings": findings}
    sheet: SheetReport = _made(SheetReport, SHEET, found, **parts)
    return sheet


def _made(kind: type[Any], schema: Schema, found: Mapping[str, Any], **parts: object) -> Any:
    """A record of that kind: the parts, and the other fields as they were read."""
    own = {name: found[name] for name in schema.kinds if name not in parts}
    lists = {name: tuple(value) for name, value in own.items() if isinstance(value, list)}
    return kind(**own | lists | parts)


def _plain(value: object) -> object:
    if is_dataclass(value):
        return vars(value)
    assert isinstance(value, frozenset | Mapping)
    return sorted(value) if isinstance(value, frozenset) else dict(value)
