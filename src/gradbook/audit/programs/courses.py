"""What becomes of a checked program's loss over the whole run, as written and with its changes.

The program runs once more as it is, and once with all changes, which is judged again as well.
Knows neither how a run is recorded nor what is wrong.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from gradbook.audit.programs.correcting import corrected_text
from gradbook.audit.programs.program_report import WITHOUT_MISTAKE, ProgramModel, ProgramReport
from gradbook.errors import GradbookError
from gradbook.language.message import Message

LONGEST = 5.0  # seconds of such a run
PATIENCE = 15.0  # seconds for Python to begin
MOST_RESULT = 64_000_000  # bytes
TRAINED = ("right", "wrong", "factor", "another loss", "unknown")


@dataclass(frozen=True)
class _Course:
    """The values of a loss, and in how many loops it is computed."""

    values: tuple[float, ...] = ()
    loops: int = 0


@dataclass(frozen=True)
class _Run:
    courses: tuple[_Course, ...]
    finished: bool = False
    was_run: bool = False
    failed: bool = False


def with_courses(
    report: ProgramReport, seconds: float, judge: Callable[[str], ProgramReport]
) -> ProgramReport:
    """The report with the courses of the losses, and with what `judge` says of the program's text
    with all changes."""
    if report.verdict == "fault":
        return _of_the_recording(report, seconds)
    if report.verdict not in TRAINED:
        return report
    text = corrected_text(report)
    with ThreadPoolExecutor(2) as pool:
        running = pool.submit(_run, report, None, seconds)
        again = _judged(text, judge) if text else None
        as_written = running.result()
        is_right = again is not None and again.verdict in WITHOUT_MISTAKE
        corrected = _run(again, text, seconds) if again and is_right else None
    if again and again.verdict == "fault":
        report = _without_changes(report)
    models = []
    for number, model in enumerate(report.models):
        right = again.models[number] if again and number < len(again.models) else None
        both = _both(as_written, corrected, number)
        models.append(_completed(model, right if is_right else None, *both))
    epochs = report.epochs
    if as_written.finished and as_written.courses:
        first = next((it for it in as_written.courses if it.values), _Course())
        epochs = len(first.values) if first.loops == 1 else 0
    return replace(
        report,
        models=tuple(models),
        finished=as_written.finished if as_written.was_run else report.finished,
        epochs=epochs,
        corrected=again.verdict if again else None,
    )


def _of_the_recording(report: ProgramReport, seconds: float) -> ProgramReport:
    """An error that the program doesn't have when it runs by itself is gradbook's, and is said
    to be."""
    alone = _run(report, None, seconds)
    if not alone.was_run or alone.failed:
        return report
    why = Message("it runs, but can't be recorded: {error}", error=report.reason)
    return replace(report, verdict="unknown", reason=why)


def _without_changes(report: ProgramReport) -> ProgramReport:
    """What doesn't run isn't proposed; the place may be right all the same."""
    models = []
    for model in report.models:
        bare = (replace(it, replacement=None, edits=()) for it in model.findings)
        models.append(replace(model, findings=tuple(bare)))
    return replace(report, models=tuple(models))


def _judged(text: str, judge: Callable[[str], ProgramReport]) -> ProgramReport | None:
    try:
        return judge(text)
    except GradbookError:
        return None


def _both(
    as_written: _Run, corrected: _Run | None, number: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Both courses, as long as both were run."""
    first = as_written.courses[number].values if number < len(as_written.courses) else ()
    if corrected is None or number >= len(corrected.courses):
        return first, ()
    second = corrected.courses[number].values
    if as_written.finished and corrected.finished:
        return first, second
    length = min(len(first), len(second))
    return first[:length], second[:length]


def _completed(
    model: ProgramModel,
    right: ProgramModel | None,
    course: tuple[float, ...],
    corrected: tuple[float, ...],
) -> ProgramModel:
    differences = [it.difference for it in (right or model).gradients if it.difference is not None]
    is_known = right is not None or model.verdict == "right"
    loss = model.loss
    return replace(
        model,
        loss=replace(loss, course=course, corrected_course=corrected) if loss else None,
        largest_difference=max(differences, default=None) if is_known else model.largest_difference,
    )


def _run(report: ProgramReport, text: str | None, seconds: float) -> _Run:
    """Run the program, or its changed text, and keep its losses."""
    spans: list[list[int | None]] = []
    for model in report.models:
        span = model.loss.span if model.loss else None
        is_here = span is not None and span.file == report.file
        spans.append(
            [span.cell, span.line, span.column, span.end_line, span.end_column]
            if span is not None and is_here
            else [0, 0, 0, 0, 0]
        )
    empty = _Run((_Course(),) * len(spans))
    if spans and not any(span[1] for span in spans):
        return empty
    limit = min(seconds, LONGEST)
    with tempfile.TemporaryDirectory(prefix="gradbook-") as folder:
        result = Path(folder, "courses.json")
        command = [sys.executable, "-P", "-m", "gradbook.audit.programs.replay", report.file]
        command += [str(result), str(limit), json.dumps(spans)]
        if text is not None:
            changed = Path(folder, "text")
            changed.write_text(text, encoding="utf-8", newline="")
            command.append(str(changed))
        if not _is_done(command, 2 * limit + PATIENCE) or not result.exists():
            return empty
        if result.stat().st_size > MOST_RESULT:
            return empty
        record = json.loads(result.read_text("utf-8"))
    courses = (_Course(tuple(it["values"]), it["loops"]) for it in record["courses"])
    return _Run(tuple(courses), record["finished"], was_run=True, failed=record["failed"])


def _is_done(command: Sequence[str], seconds: float) -> bool:
    """Whether it ended in time; what it prints was printed before."""
    try:
        subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
            check=False,
            env={**os.environ, "MPLBACKEND": "Agg", "PYTHONDONTWRITEBYTECODE": "1"},
        )
    except subprocess.TimeoutExpired:
        return False
    return True
