"""A checked program as JSON: stable names for all that was found, for other programs.

Knows neither how a mistake is found nor how it is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

from gradbook.audit.programs.program_report import (
    Gradient,
    ProgramFinding,
    ProgramLoss,
    ProgramModel,
    ProgramReport,
    SourceSpan,
)

Record = dict[str, Any]


def program_record(report: ProgramReport) -> Record:
    """Everything but the sources, whose lines and columns are named."""
    return {
        "file": report.file,
        "verdict": report.verdict,
        "reason": str(report.reason),
        "corrected": report.corrected,
        "fault": _place(report.fault),
        "models": [_model(model) for model in report.models],
        "lost": [{"place": _place(span), "why": str(why)} for span, why in report.lost],
        "finished": report.finished,
        "epochs": report.epochs,
        "seconds": _number(report.seconds),
    }


def _model(model: ProgramModel) -> Record:
    return {
        "verdict": model.verdict,
        "reason": str(model.reason),
        "law": str(model.law),
        "steps": model.steps,
        "step": model.step,
        "factor": _number(model.factor),
        "largest_difference": _number(model.largest_difference),
        "loss": _loss(model.loss) if model.loss else None,
        "candidates": list(map(_place, model.candidates)),
        "findings": [_finding(finding, model.gradients) for finding in model.findings],
        "gradients": list(map(_gradient, model.gradients)),
    }


def _finding(finding: ProgramFinding, gradients: Sequence[Gradient]) -> Record:
    spoilt = {*finding.gradients}
    return {
        **_where(finding.span),
        "found": finding.span.text,
        "should_be": finding.replacement,
        "why": str(finding.why),
        "note": str(finding.note),
        "kind": finding.kind,
        "gradients": list(finding.gradients),
        "weights": [it.weight for it in gradients if it.name in spoilt],
        "called_from": list(map(_place, finding.called_from)),
        "edits": [{**_where(edit.span), "text": edit.text} for edit in finding.edits],
    }


def _gradient(gradient: Gradient) -> Record:
    return {
        "name": gradient.name,
        "weight": gradient.weight,
        "shape": list(gradient.shape),
        "right": gradient.is_right,
        "entry": list(gradient.entry),
        "yours": _number(gradient.yours),
        "exact": _number(gradient.exact),
        "difference": _number(gradient.difference),
        "factor": _number(gradient.factor),
        "too_far": _number(gradient.too_far),
        "expression": _place(gradient.expression),
        "update": _place(gradient.update),
    }


def _loss(loss: ProgramLoss) -> Record:
    return {
        "place": _place(loss.span),
        "words": str(loss.words),
        "assumed": loss.is_assumed,
        "course": list(map(_number, loss.course)),
        "corrected_course": list(map(_number, loss.corrected_course)),
    }


def _place(span: SourceSpan | None) -> Record | None:
    return {**_where(span), "text": span.text} if span else None


def _where(span: SourceSpan) -> Record:
    return {
        "file": span.file,
        "cell": span.cell,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }


def _number(value: float | None) -> float | None:
    """JSON has no infinity."""
    return value if value is not None and isfinite(value) else None
