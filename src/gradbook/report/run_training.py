"""How a run trained: its charts, and every epoch in numbers."""

from __future__ import annotations

from gradbook.lab.runs.evidence import Evidence
from gradbook.report import epoch_charts
from gradbook.report.amounts import counted
from gradbook.report.page import wide
from gradbook.report.training_text import COLUMNS, VALIDATION


def training(run: Evidence) -> str:
    warped = run.recipe.warp.changes_images
    on = "on images as they were warped, " if warped else ""
    said = (
        f"Training is measured {on}while the network learns from them; validation on "
        f"{counted(_held_back(run), 'image')} that it never learns from."
        if run.validated
        else f"Nothing was held back: all {run.trained_on:,} images were trained on, and what is "
        f"shown was measured {on}while the network learnt from them."
    )
    charts = epoch_charts.figure(epoch_charts.of_run(run.history), "How it trained")
    return f"<p>{said}</p>\n{charts}\n{_epochs(run)}"


def _held_back(run: Evidence) -> int:
    return len(run.dataset.training_and_validation) - run.trained_on


def _epochs(run: Evidence) -> str:
    """Every epoch's numbers, for those who want them all."""
    columns = [it for it in COLUMNS if it.group != VALIDATION or run.validated]
    head = "".join(f"<th>{f'{it.group} {it.title}'.strip()}</th>" for it in columns)
    rows = "\n".join(
        f"<tr>{''.join(f'<td>{it.spell(epoch)}</td>' for it in columns)}</tr>"
        for epoch in run.history
    )
    table = f"<table><thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table>"
    return f"<details><summary>Every epoch in numbers</summary>{wide(table)}</details>"
