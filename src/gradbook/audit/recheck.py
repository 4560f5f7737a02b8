"""Corrected copies, judged again before anyone gets them: one that isn't better isn't made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from gradbook.amounts import counted
from gradbook.audit.copies.correct import Fixed, fixed
from gradbook.audit.findings.findings import RIGHT, TO_FILL_IN, UNREADABLE, BookReport
from gradbook.audit.findings.overview import grade, right_ones
from gradbook.errors import GradbookError, one_line
from gradbook.files import write_whole
from gradbook.folders import temporary_folder


@dataclass(frozen=True)
class Correction:
    """What became of a book that was to be corrected."""

    report: BookReport
    content: bytes = b""  # of the copy; empty where there is none
    objection: str = ""  # why there is none, though something is wrong
    left: tuple[str, ...] = ()  # what is said of wrong cells that stay

    @property
    def problems(self) -> list[str]:
        """That there is no copy though something is wrong."""
        book = self.report.book
        return [f"no corrected copy of {book}: {self.objection}"] if self.objection else []

    @property
    def remarks(self) -> list[str]:
        """What else is to be said of it."""
        nothing = [] if self.content or self.objection else ["nothing to correct, so no copy"]
        return [f"{self.report.book}: {what}" for what in (*nothing, *self.left)]


Checking = Callable[[Sequence[str]], Iterator[BookReport]]


def corrections(reports: Sequence[BookReport], checking: Checking) -> Iterator[Correction]:
    """A correction of each book, in their order; copies are judged by `checking`."""
    with temporary_folder() as folder:
        made = [_made(report, Path(folder, f"{k}.xlsx")) for k, report in enumerate(reports)]
        paths = [path for _, path in made if path.exists()]
        again = checking([str(path) for path in paths])
        for report, (copy, path) in zip(reports, made, strict=True):
            if not isinstance(copy, Fixed):
                yield Correction(report, objection=copy)
            elif not path.exists():
                yield Correction(report, objection=_nothing_done(report), left=copy.left)
            elif why := objection(report, next(again), copy):
                yield Correction(report, objection=why)
            else:
                yield Correction(report, path.read_bytes(), left=copy.left)


def _made(report: BookReport, path: Path) -> tuple[Fixed | str, Path]:
    """The copy of a book, its content at `path` where anything changes; or what prevents it."""
    try:
        copy = fixed(report.book, report)
    except GradbookError as error:
        return str(error), path
    except Exception as error:
        return one_line(f"a fault of gradbook's own ({type(error).__name__}: {error})"), path
    if copy.cells:
        write_whole(path, copy.content)
    return Fixed(b"", copy.cells, copy.left, copy.lost), path


def _nothing_done(report: BookReport) -> str:
    if any(finding.fixes for finding in report.findings):
        return "what is wrong in it stands in cells that can't be changed one by one"
    return "no right formula is known for what is wrong in it" if report.findings else ""


def objection(before: BookReport, after: BookReport, copy: Fixed) -> str:
    """Why a copy isn't better than its book; '' where it is."""
    if after.verdict == UNREADABLE:
        return f"judged again, it can't be read: {after.problem}"
    if copy.lost:
        first, *more = copy.lost
        others = f" and {counted(len(more), 'more range')}" if more else ""
        return f"{first}{others} would no longer be numbers"
    if any(sheet.is_half_judged for sheet in after.sheets):
        return "judging it again takes too long"
    still = [name for key, name in _weights(before).items() if key not in _weights(after)]
    if still:
        return f"{', '.join(dict.fromkeys(still))} would no longer learn in it"
    (right, _), (good, of) = _graded(before), _graded(after)
    if good < right:
        return f"judged again, {good} of its {counted(of, 'gradient')} are right, not {right}"
    bad, left = _mistakes(before), _mistakes(after)
    if good == right and left >= bad and after.verdict != RIGHT:
        return f"judged again, {left} of {counted(bad, 'finding')} would be left"
    if after.verdict != RIGHT and _goes_astray(before):
        return "the loss would go up in it instead of down"
    return ""


def _weights(report: BookReport) -> dict[tuple[str, str], str]:
    return {(s.sheet, name): name for s in report.sheets for name in s.weights}


def _graded(report: BookReport) -> tuple[int, int]:
    """How many gradients are right, and of how many."""
    marks = grade(report)
    return right_ones(marks), len(marks)


def _mistakes(report: BookReport) -> int:
    return sum(finding.kind != TO_FILL_IN for finding in report.findings)


def _goes_astray(report: BookReport) -> bool:
    """Whether a loss that falls as the book has it wouldn't, once it is corrected."""
    for sheet in report.sheets:
        if sheet.curve is not None:
            made, corrected = sheet.curve.made, sheet.curve.corrected
            falls = isfinite(made[-1]) and made[-1] < made[0]
            if falls and not corrected[-1] < corrected[0]:
                return True
    return False
