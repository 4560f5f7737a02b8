"""Solves what Calc's own Solver dialog asks for, by exact derivatives.

Knows the dialog's cells, constraints and options; it doesn't know how a solution is found.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from gradbook.cells.formula.address import Address, pack
from gradbook.cells.solving import CellLimit, Relation, SolutionKind
from gradbook.derivatives.public_book import bounded, read_book
from gradbook.derivatives.solutions import SolvedCells, solve_cells, within
from gradbook.folders import temporary_folder
from gradbook.language import in_language, tr
from gradbook.office.document import copy_document
from gradbook.office.open_document import SUCCESS, WARNING, office_language, reason_in, session_of
from gradbook.report.in_spreadsheet import LIMITS_KEPT, SOLVER_TITLES

RELATIONS = {
    "LESS_EQUAL": Relation.AT_MOST,
    "GREATER_EQUAL": Relation.AT_LEAST,
    "EQUAL": Relation.EQUAL,
    "INTEGER": Relation.WHOLE,
    "BINARY": Relation.WHOLE,
}
OFFERED = (SolutionKind.JUMP, SolutionKind.UNFINISHED, SolutionKind.STOPPED)
"""Better numbers than before, which the user may keep though none can say that they are best."""


def title_of(context: Any, name: str) -> str:
    """What the dialog calls an option; without a name, the solver."""
    with in_language(office_language(context)):
        return tr(SOLVER_TITLES[name]) if name in SOLVER_TITLES else name


def solve_in_calc(context: Any, solver: Any) -> None:
    """Solve what the dialog has set; it shows the reason if there is no solution."""
    with in_language(office_language(context)), temporary_folder() as folder:
        try:
            solved = _solved(solver, folder)
        except Exception as error:
            solver.StatusDescription = reason_in(error, folder)
            return
        sentences = solved.sentences
        if solver.Constraints and not solved.solution.broken:
            sentences += (tr(LIMITS_KEPT, count=len(solver.Constraints)),)
        is_offered = solved.solution.kind in OFFERED and not solved.solution.broken
        solver.Success = solved.is_good or is_offered
        solver.Solution, solver.ResultValue = tuple(solved.values()), solved.value
        solver.StatusDescription = "\n".join(sentences)
        controller = solver.Document.getCurrentController()
        if solver.Success and controller is not None:  # for the dialog says only what went wrong
            session = session_of(context, controller.getFrame())
            if session.work is None:
                session.end("; ".join(sentences), SUCCESS if solved.is_good else WARNING)


def _solved(solver: Any, folder: Path) -> SolvedCells:
    path = copy_document(solver.Document, folder)
    workbook = read_book(path)
    book, sheets = workbook.content, solver.Document.getSheets()

    def cell_at(place: Any) -> Address:
        number = book.sheet_number(sheets.getByIndex(place.Sheet).getName())
        number = place.Sheet if number is None else number  # a copy may have cut a long title
        return pack(number, place.Row, place.Column)

    result, inputs = cell_at(solver.Objective), [cell_at(it) for it in solver.Variables]
    to: str | float = "max" if solver.Maximize else "min"
    limits = within(inputs, (0.0, None)) if solver.options["NonNegative"] else []
    for constraint in solver.Constraints:
        cell, relation = cell_at(constraint.Left), RELATIONS[constraint.Operator.value]
        bound = constraint.Right
        if relation is Relation.WHOLE:
            limits.append(CellLimit(cell, relation))
        elif not isinstance(bound, int | float):
            limits.append(CellLimit(cell, relation, cell_at(bound), of_cell=True))
        elif cell == result and relation is Relation.EQUAL:
            to = float(bound)  # as the dialog asks for a value
        else:
            limits.append(CellLimit(cell, relation, float(bound)))
    end = time.monotonic() + solver.options["Timeout"]
    with bounded(path):
        return solve_cells(
            *(path, book, workbook.flow, result, inputs, to, limits),
            lambda progress: time.monotonic() < end,
        )
