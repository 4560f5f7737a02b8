"""The sheets Training and Samples: one row per epoch, and one per sample of each epoch."""

from __future__ import annotations

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from gradbook.palette import PAPER, QUIET
from gradbook.targets.excel.book import HEAD_ROWS, SAMPLES, TRAINING, Book
from gradbook.targets.excel.look import WHOLE, Look, page, plain_zeros
from gradbook.targets.excel.notes import write_notes
from gradbook.targets.excel.table import columns, write_cells, write_headings


def write_training(workbook: Workbook, look: Look, book: Book) -> None:
    """One row per epoch."""
    remark = "One row is one epoch. All weights of a row change at once, from that row's gradients."
    _write(workbook, look, book, TRAINING, "Training", remark, each=False)


def write_samples(workbook: Workbook, look: Look, book: Book) -> None:
    """One row per sample of each epoch."""
    remark = (
        "One row is one sample in one epoch; the weights it meets stand in that epoch's row of "
        f"{TRAINING}, which adds up what the samples say."
    )
    _write(workbook, look, book, SAMPLES, "Training, sample by sample", remark, each=True)


def _write(
    workbook: Workbook, look: Look, book: Book, name: str, title: str, remark: str, *, each: bool
) -> None:
    sheet = workbook.add_worksheet(name)
    page(sheet, HEAD_ROWS - 1)
    run, parts = book.training, book.columns(each=each)
    table = run.of_sample if each else run.of_step
    counters = ["epoch", "sample"] if each else ["epoch"]
    sheet.set_column(0, len(counters) - 1, 7)
    sheet.set_column(len(counters), len(counters) + len(table.columns) - 1, 10.5)
    sheet.write_string(0, 0, title, look.title)
    sheet.write_string(1, 0, remark, look.remark)
    sheet.set_row(0, 26)
    sheet.set_row(2, 30)
    for place, word in enumerate(counters):
        sheet.write_string(HEAD_ROWS - 1, place, word, look.heading(QUIET))
    write_headings(sheet, look, HEAD_ROWS - 2, parts, table.columns)
    write_notes(sheet, book, HEAD_ROWS - 1, table.columns)
    write_cells(
        sheet,
        look,
        run,
        columns(run, name, book.starts, book.guarded),
        book.record.values,
        book.blank,
    )
    _count(sheet, look, book, each=each)
    rows, across = book.epochs * table.stride, len(table.columns)
    plain_zeros(workbook, sheet, HEAD_ROWS, len(counters), rows, across)
    sheet.freeze_panes(HEAD_ROWS, len(counters))


def _count(sheet: Worksheet, look: Look, book: Book, *, each: bool) -> None:
    style = look.value(PAPER, WHOLE, align="center")
    for epoch in range(book.epochs):
        for sample in range(book.step.samples if each else 1):
            row = HEAD_ROWS + epoch * (book.step.samples if each else 1) + sample
            sheet.write_number(row, 0, epoch + 1, style)
            if each:
                sheet.write_number(row, 1, sample + 1, style)
