"""What a report says in words, held to be messages that can be said in any language."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gradbook.audit.classes.scoring import score
from gradbook.audit.findings import BookReport, hint
from gradbook.language.message import Message
from tests.pseudo import words_of_its_own

PROSE = re.compile(r"^[a-z]{3,} [a-z]{2,} [a-z]{3,}")  # nothing that a heading of these books has


def sayings(report: BookReport) -> Iterator[str]:
    """All that is said of a book in words."""
    if report.book not in report.problem:  # what is said of any file, whatever is to be read
        yield from filter(None, [report.problem])
    yield from report.notes
    for sheet in report.sheets:
        yield from sheet.notes
        for finding in sheet.findings:
            yield finding.why
            yield hint(finding)
    yield from (part.why for part in score(report).parts)


def leaves(message: str) -> Iterator[str]:
    """The parts that are said as they are."""
    if not isinstance(message, Message):
        yield message
        return
    for part in message.parts.values():
        if isinstance(part, str):
            yield from leaves(part)


def untranslated(report: BookReport) -> list[str]:
    """What would be said in English whatever the language."""
    return [
        saying
        for saying in sayings(report)
        if words_of_its_own(saying) or any(map(PROSE.search, leaves(saying)))
    ]
