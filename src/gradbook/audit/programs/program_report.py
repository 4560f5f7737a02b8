"""What was found in a program: records that the terminal, a page and JSON all show."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from gradbook.looks import look

Verdict = Literal[
    "right",  # every gradient of every model is the loss's slope
    "factor",  # right up to a factor that all gradients share
    "another loss",  # the gradients belong to another loss than the one that is computed
    "wrong",  # proved: a change makes the gradient exact, or factors disagree
    "unknown",  # trained, but neither shown right nor proved wrong
    "no loss",  # trained, but no line computes what the gradients are of
    "no training",  # nothing is updated again and again
    "framework",  # the gradients come from PyTorch, JAX or Keras
    "fault",  # the program stopped with an error of its own
]


WITHOUT_MISTAKE: tuple[Verdict, ...] = ("right", "factor", "another loss")


@dataclass(frozen=True, slots=True)
class SourceSpan:
    """An expression of the source: lines from 1, columns from 0 in characters."""

    file: str  # as named on the command line; of a notebook, its name
    line: int  # from 1
    column: int  # from 0
    end_line: int
    end_column: int
    text: str  # the expression as written
    cell: int | None = None  # of a notebook, from 1; lines then count within the cell


@dataclass(frozen=True, slots=True)
class SourceEdit:
    """What `--fix` writes: this text in place of the span's."""

    span: SourceSpan
    text: str


@dataclass(frozen=True, slots=True)
class ProgramFinding:
    """One mistake: an expression, what it should be, and which gradients it spoils."""

    span: SourceSpan  # the expression that is wrong
    replacement: str | None  # what should stand in the span's place; None: only the place is known
    why: str  # a sentence or two; code in `backticks`
    note: str  # the same in at most 34 letters, beside the line
    kind: str  # "axis", "slope", "factor", "sign", "transposed", "operand", "stale", "update"
    gradients: tuple[str, ...]  # the names of those that it makes wrong
    called_from: tuple[SourceSpan, ...] = ()  # where a shared function was called by what is wrong
    edits: tuple[SourceEdit, ...] = ()  # usually the span's own; empty where no text can be given


@dataclass(frozen=True, slots=True)
class Gradient:
    """One gradient beside the exact one, at the worst entry."""

    name: str  # of the gradient in the program, "dW1"; else "gradient of W1"
    weight: str  # what the program calls it
    shape: tuple[int, ...]  # of the numbers, () for one
    is_right: bool | None  # None: not judged
    entry: tuple[int, ...]  # the worst one
    yours: float | None  # what the program computed there
    exact: float | None  # the loss's slope there
    difference: float | None
    factor: float | None  # yours is so many times the exact one, at all entries; None: it isn't
    update: SourceSpan
    expression: SourceSpan | None  # where the gradient is computed
    too_far: float | None = None  # the weight moves by this share too far (1.68: 168 %)


@dataclass(frozen=True, slots=True)
class ProgramLoss:
    span: SourceSpan | None  # None: not computed by the program, so assumed
    words: str  # "binary cross-entropy, mean of 4 samples"
    is_assumed: bool
    course: tuple[float, ...] = ()  # its values over the whole run, as written
    corrected_course: tuple[float, ...] = ()  # and after the edits; empty: not run


@dataclass(frozen=True, slots=True)
class NamedValue:
    """What a line of the source computed in the step that was judged, for those who point at it."""

    span: SourceSpan  # of the name, or of the statement that assigns it
    name: str  # "dz1"
    shape: tuple[int, ...]  # of the numbers, () for one
    numbers: tuple[float, ...]  # the first four
    slopes: tuple[float, ...] = ()  # the loss's slope by these four; empty: not known


@dataclass(frozen=True, slots=True)
class ProgramModel:
    """One training of the program."""

    verdict: Verdict  # "right", "wrong" and so on
    loss: ProgramLoss | None  # which one it is judged by
    gradients: tuple[Gradient, ...]  # one for each weight
    findings: tuple[ProgramFinding, ...]  # what is wrong, and what should be there
    law: str  # how weights are moved: "descent", "momentum", "Adam or the like"
    steps: int  # that were recorded
    reason: str = ""  # of "unknown", "factor" and "another loss", one sentence
    factor: float | None = None  # of "factor": all gradients are so many times the slope
    largest_difference: float | None = None  # after the edits, else as it is
    candidates: tuple[SourceSpan, ...] = ()  # which lines may be the loss, where none was found
    step: int = 1  # whose gradients are shown, from 1
    values: tuple[NamedValue, ...] = ()  # of that step


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of the program, for those who show it."""

    file: str
    text: str
    cells: tuple[str, ...] = ()  # of a notebook: the text of each of its code cells


@dataclass(frozen=True, slots=True)
class ProgramReport:
    """What was found. Printed, it is text; in a notebook it shows itself."""

    file: str
    verdict: Verdict  # the worst of its models
    models: tuple[ProgramModel, ...]  # one for each training
    sources: tuple[SourceFile, ...]
    reason: str = ""  # where there is no model: why; of a fault: Python's message
    fault: SourceSpan | None = None  # where the program stopped, or where the trail was lost
    lost: tuple[tuple[SourceSpan, str], ...] = ()  # values that couldn't be followed, and why
    finished: bool = False  # whether the program ran to its end
    epochs: int = 0  # how often the loss was computed, when it ran to its end
    seconds: float = 0.0
    corrected: Verdict | None = None  # what is said of it with all edits; None: not tried

    def __str__(self) -> str:
        return look("ProgramReport as text", self)

    def _repr_html_(self) -> str:
        return look("ProgramReport as html", self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self).rstrip())


def with_hints(report: ProgramReport) -> ProgramReport:
    """The report without any solution: where something is wrong, but not what."""
    models = tuple(
        replace(
            model,
            findings=tuple(
                replace(finding, replacement=None, why="", note="", edits=())
                for finding in model.findings
            ),
            loss=replace(model.loss, corrected_course=()) if model.loss else None,
        )
        for model in report.models
    )
    return replace(report, models=models)
