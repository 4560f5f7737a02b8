"""A checked program in words: its verdict, places in its source, numbers of its gradients.

The terminal and the page say the same. Knows findings, but not how they were made.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, log10

from gradbook.amounts import loss as loss_number
from gradbook.audit.programs.program_report import (
    WITHOUT_MISTAKE,
    Gradient,
    NamedValue,
    ProgramFinding,
    ProgramLoss,
    ProgramModel,
    ProgramReport,
    SourceSpan,
)
from gradbook.errors import one_line
from gradbook.language import mark, numeral, tr, tr_count
from gradbook.language.message import Message, translate
from gradbook.report.charts import SUPERSCRIPTS
from gradbook.report.styled_text import Span, TextLine

MOST_OPEN = 3  # findings that are shown in full; others are a line each
COLOURS = {
    "right": "green",
    "factor": "yellow",
    "another loss": "yellow",
    "wrong": "red",
    "fault": "red",
}  # of a verdict; the others are neither good nor bad
PLAIN = (5e-4, 1e5)  # of numbers that are written without a power of ten, the larger of a row
CODE = re.compile(r"`([^`]+)`")
LEAST_LOSS = 5e-5
UNKNOWN_NUMBER = "–"
NO_NAME = "gradient of "  # of a gradient that the program gives no name
AGREES = 1e-4  # the largest relative difference of numbers that are called equal
IS_RIGHT = mark("{right} of {count} gradients is right")
ARE_RIGHT = mark("{right} of {count} gradients are right")
UP_TO_A_FACTOR = mark("right up to a factor")
HEADLINES = {
    "another loss": mark("right, but for another loss than the one that is computed"),
    "no loss": mark("which line is the loss?"),
    "no training": mark("no training found"),
    "framework": mark("the gradients come from a framework"),
    "fault": mark("the program stopped with an error"),
    "unknown": mark("neither shown right nor proved wrong"),
}


# Verdicts ---------------------------------------------------------------------


@dataclass(frozen=True)
class RightGradients:
    """How many gradients are right, of all that were judged."""

    right: int
    count: int

    @classmethod
    def of(cls, models: Sequence[ProgramModel]) -> RightGradients:
        every = [gradient for model in models for gradient in model.gradients]
        return cls(sum(gradient.is_right is True for gradient in every), len(every))

    @property
    def wrong(self) -> int:
        return self.count - self.right


def headline(report: ProgramReport | ProgramModel) -> str:
    """The verdict as a sentence: on top of a page, and of a model where there are several."""
    models = report.models if isinstance(report, ProgramReport) else (report,)
    counts = RightGradients.of(models)
    match report.verdict:
        case "right":
            message = IS_RIGHT if counts.count == 1 else ARE_RIGHT
            return tr(message, right=counts.right, count=counts.count)
        case "wrong" if counts.wrong:
            return tr_count(
                "{wrong} of {of} gradients is wrong",
                "{wrong} of {of} gradients are wrong",
                counts.wrong,
                wrong=counts.wrong,
                of=counts.count,
            )
        case "wrong":
            return tr("the update is wrong")
        case "factor":
            model = next((it for it in models if it.factor is not None), None)
            if model is None or model.factor is None:
                return tr(UP_TO_A_FACTOR)
            reason, factor = model.reason, brief(model.factor)
            name = reason.parts.get("name") if isinstance(reason, Message) else None
            if isinstance(name, str):
                factor = f"{factor} ({shown_words(name)})"
            return tr("right up to a factor of {factor}", factor=factor)
        case _:
            return tr(HEADLINES[report.verdict])


def verdict_line(report: ProgramReport) -> str:
    """The same after the file's name in a terminal."""
    if report.verdict != "wrong":
        return headline(report)
    counts = RightGradients.of(report.models)
    return tr(
        "wrong: {findings}, {right} of {count} gradients right",
        findings=tr_count("{count} finding", "{count} findings", len(every_finding(report))),
        right=counts.right,
        count=counts.count,
    )


def badge(report: ProgramReport) -> str:
    """The verdict in two or three words."""
    if report.verdict == "wrong":
        return tr_count("{count} mistake", "{count} mistakes", max(len(every_finding(report)), 1))
    words = {
        "right": mark("right"),
        "factor": mark("but for a factor"),
        "another loss": mark("another loss"),
        "no loss": mark("no loss found"),
        "no training": mark("no training"),
        "framework": mark("a framework"),
        "fault": mark("doesn’t run"),
    }
    return tr(words.get(report.verdict, mark("unknown")))


def reason_of(report: ProgramReport | ProgramModel) -> str:
    """Why the verdict is what it is, where it needs a reason beside its own words."""
    reason = report.reason
    if not reason and isinstance(report, ProgramReport) and len(report.models) == 1:
        reason = report.models[0].reason
    return "" if reason.startswith(UP_TO_A_FACTOR) else shown_words(reason)


def capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def every_finding(report: ProgramReport) -> list[ProgramFinding]:
    """The findings of all models, in the order of the source."""
    every = [finding for model in report.models for finding in model.findings]
    order = {source.file: number for number, source in enumerate(report.sources)}

    def place(finding: ProgramFinding) -> tuple[int, int, int, int]:
        span = finding.span
        return order.get(span.file, len(order)), span.cell or 0, span.line, span.column

    return sorted(dict.fromkeys(every), key=place)


def every_value(report: ProgramReport) -> list[NamedValue]:
    return [value for model in report.models for value in model.values]


def is_correctable(report: ProgramReport) -> bool:
    """Whether a text can be given for everything that is wrong, without a mistake if it was
    tried."""
    findings = every_finding(report)
    is_given = bool(findings) and all(finding.edits for finding in findings)
    return is_given and report.corrected in (None, *WITHOUT_MISTAKE)


# Places -----------------------------------------------------------------------


def line_of(span: SourceSpan, main: str) -> str:
    """line 20; cell 3, line 4; layers.py, line 20 where it isn't the program itself."""
    where = tr("line {line}", line=span.line)
    if span.cell is not None:
        where = tr("cell {cell}, line {line}", cell=span.cell, line=span.line)
    return where if span.file == main else f"{one_line(span.file)}, {where}"


def address_of(span: SourceSpan) -> str:
    """xor.py:20, as editors link it."""
    if span.cell is not None:
        return f"{one_line(span.file)}, {line_of(span, span.file)}"
    return f"{one_line(span.file)}:{span.line}"


def used_loss(loss: ProgramLoss, main: str) -> tuple[str, str]:
    """Where the loss is computed, and what it is."""
    if loss.span is None:
        return tr("assumed"), translate(loss.words)
    where = line_of(loss.span, main)
    return (tr("{line}, assumed", line=where) if loss.is_assumed else where), translate(loss.words)


def shown_words(words: str) -> str:
    """Words from a judge in the reader's language, as one line."""
    return one_line(translate(words))


def without_marks(words: str) -> str:
    """The same without the marks around code."""
    return CODE.sub(r"\1", words)


def with_code(words: str) -> TextLine:
    """The same with code as code."""
    pieces = CODE.split(words)
    return [
        Span(piece, tag="code" if number % 2 else "")
        for number, piece in enumerate(pieces)
        if piece
    ]


def gradient_names(gradients: Sequence[Gradient]) -> list[str]:
    """A name for each: the program's own, or that of its weight if it has none or shares it."""
    counts = Counter(gradient.name for gradient in gradients)
    return [
        one_line(it.name if counts[it.name] == 1 and not it.name.startswith(NO_NAME) else it.weight)
        for it in gradients
    ]


def spoilt_gradients(finding: ProgramFinding) -> tuple[str, list[str]]:
    """What a finding makes wrong: a message, and the {gradients} in it."""
    names = [one_line(name) for name in finding.gradients]
    if not all(name.startswith(NO_NAME) for name in names):
        return tr("makes {gradients} wrong"), names
    weights = [name.removeprefix(NO_NAME) for name in names]
    if len(weights) == 1:
        return tr("makes the gradient of {gradients} wrong"), weights
    return tr("makes the gradients of {gradients} wrong"), weights


def possible_losses(model: ProgramModel) -> list[SourceSpan]:
    """Lines that may be the loss, each once, of a program in which none was found."""
    if model.verdict != "no loss":
        return []
    return list({(it.file, it.cell, it.line): it for it in reversed(model.candidates)}.values())[
        ::-1
    ]


# Numbers ----------------------------------------------------------------------


def brief(value: float) -> str:
    """At most four digits: 4, 0.25, 1.333."""
    return numeral(f"{value or 0.0:.4g}".replace("-", "−"))  # there is no −0


def power(value: float) -> str:
    """One digit and a power of ten: 9·10⁻¹¹."""
    if not value or not isfinite(value):
        return brief(value)
    digit, _, exponent = f"{value:.0e}".partition("e")
    return f"{digit}·10{str(int(exponent)).translate(SUPERSCRIPTS)}".replace("-", "−")


def three_numbers(gradient: Gradient) -> tuple[str, str, str]:
    """Yours, the nudged one and the difference, which is that of what stands before it."""
    numbers, off = (gradient.yours, gradient.exact), gradient.difference
    if gradient.is_right and off is not None and off > AGREES * abs(gradient.exact or 0.0):
        numbers, off = (None, gradient.exact), None  # a part of it was recorded, such as a mean's
    largest = max((abs(it) for it in numbers if it is not None and isfinite(it)), default=0.0)
    is_plain = largest == 0 or PLAIN[0] <= largest < PLAIN[1]
    decimals = 6 if is_plain and largest < 1000 else 3
    forms = (f".{decimals}f", f".{decimals - 1}f") if is_plain else (".4e", ".3e")

    def written(value: float | None, form: str) -> str:
        if value is None or not isfinite(value):
            return UNKNOWN_NUMBER if value is None else brief(value)
        number = format(value, form)
        return numeral(number.replace("-", "−"))

    if not is_plain and off is not None and abs(off) < largest * 1e-9:
        off = 0.0
    return written(numbers[0], forms[0]), written(numbers[1], forms[0]), written(off, forms[1])


def shape_of(shape: Sequence[int]) -> str:
    """2 × 3; nothing for a number alone."""
    return " × ".join(map(str, shape))


def entry_of(gradient: Gradient) -> str:
    return f"[{', '.join(map(str, gradient.entry))}]" if gradient.entry else ""


def loss_value(value: float) -> str:
    """0.7471; 3·10⁻⁷ where four decimals show nothing."""
    if 0 < abs(value) < LEAST_LOSS:
        return power(value)
    return numeral(loss_number(value).replace("-", "−"))


def first_and_last(course: Sequence[float]) -> tuple[str, str]:
    """0.7471, 0.4781"""
    return loss_value(course[0]), loss_value(course[-1])


def goes_unnoticed(loss: ProgramLoss) -> str:
    """Whether the loss shows that something is wrong."""
    if len(loss.course) < 2:
        return ""
    first, last = first_and_last(loss.course)
    falls = loss.course[-1] < loss.course[0]
    if falls:
        return tr(
            "The loss still falls, so it goes unnoticed: {first} → {last}", first=first, last=last
        )
    return tr("The loss doesn’t fall: {first} → {last}", first=first, last=last)


def extent(report: ProgramReport, lines: int) -> str:
    """How long the program is, and how much of it was run."""
    cells = len(report.sources[0].cells) if report.sources else 0
    length = (
        tr_count("{number} cell", "{number} cells", cells)
        if cells
        else tr_count("{number} line", "{number} lines", lines)
    )
    steps = max((model.steps for model in report.models), default=0)
    if report.finished and report.epochs:
        epochs = f"{report.epochs:,}" if report.epochs > 9_999 else str(report.epochs)
        ran = tr_count("its epoch run", "all {epochs} epochs run", report.epochs, epochs=epochs)
    elif report.finished and steps:
        ran = tr("run to its end")
    elif steps:
        ran = tr_count("the first step run", "the first {count} steps run", steps)
    else:
        return length
    return f"{length}, {ran}"


def nice_step(highest: float) -> float:
    """The step of an axis from 0 that has a tick in its middle."""
    power_of_ten = 10.0 ** (int(log10(highest / 2)) - (highest < 2))
    steps = (notch * power_of_ten for notch in (1, 2, 2.5, 4, 5, 10, 20, 50))
    return next(step for step in steps if 2 * step >= highest)
