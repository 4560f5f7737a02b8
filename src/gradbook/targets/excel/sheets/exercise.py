"""The hidden sheet Exercise: what is asked for, in cells that every program saves again."""

from __future__ import annotations

from gradbook.targets.excel.plan.book import EXERCISE, WorkbookPlan
from gradbook.targets.excel.plan.exercise_record import ExerciseRecord
from gradbook.targets.excel.sheets.look import Look

FIRST_ROW = 3
LONGEST_CELL = 30_000  # characters, of the 32,767 that a cell holds


def write_exercise(look: Look, book: WorkbookPlan) -> None:
    remark = "gradbook check reads here which network this is and what is to be filled in."
    sheet = look.sheet(EXERCISE, "What this exercise asks", remark)
    asked = book.exercise.kind_of(book.step) if book.exercise else {}
    record = ExerciseRecord(
        str(book.step.net),
        book.rate,
        tuple((kind, str(node.name)) for node, kind in asked.items()),
    )
    for row, line in enumerate(record.lines(), FIRST_ROW):
        for column, start in enumerate(range(0, max(len(line), 1), LONGEST_CELL)):
            part = line[start : start + LONGEST_CELL]
            sheet.write_string(row, column, part, look.text)
