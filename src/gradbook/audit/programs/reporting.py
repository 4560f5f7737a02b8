"""From a recording to a report's models: every training that was seen, judged.

Knows neither how the program was run nor how a report looks.
"""

from __future__ import annotations

from typing import Any

from gradbook.audit.programs.judging import judge_training
from gradbook.audit.programs.program_report import ProgramModel, Verdict
from gradbook.audit.programs.stepping import Watch, find_trainings
from gradbook.language.message import Message
from gradbook.recording.calls import Tape
from gradbook.recording.source_places import SourceText

ORDER: tuple[Verdict, ...] = (
    *("wrong", "unknown", "no loss", "another loss"),
    *("factor", "right"),
)
NOTHING_TRAINED = Message("nothing is updated again and again by what a loss depends on")


def judged_models(
    tape: Tape, watch: Watch, sources: dict[str, SourceText], path: str, seconds: float
) -> tuple[ProgramModel, ...]:
    """A model for each training; the tape is the recorder's."""
    models = []
    groups = find_trainings(watch)
    for group in groups:
        budget = min(20.0, max(3.0, seconds)) / len(groups)
        model = judge_training(tape.calls, tape.branches, group, sources, path, budget)
        if model is not None:
            models.append(model)
    return tuple(_without_echoes(models))


def worst_verdict(models: tuple[ProgramModel, ...]) -> Verdict:
    return min((model.verdict for model in models), key=ORDER.index)


def _without_echoes(models: list[ProgramModel]) -> list[ProgramModel]:
    """One model a training: what a second phase trains by the same lines is said once."""
    best: dict[Any, ProgramModel] = {}
    for model in models:
        key = tuple(sorted((g.update.file, g.update.line, g.shape) for g in model.gradients))
        other = best.setdefault(key, model)
        if other.loss is None or (
            other.loss.is_assumed and model.loss and not model.loss.is_assumed
        ):
            best[key] = model
    return list(best.values())
