"""The table of a training's epochs, a row as each is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from gradbook.amounts import duration, loss, percent, short
from gradbook.lab.training.epochs import Epoch
from gradbook.lab.training.train import Trained
from gradbook.report.page import text, text_table
from gradbook.report.words import RULE, TableColumn, TextLine, TextTable, fit

GOOD = "green"
TRAINING, VALIDATION = "training", "validation"
BEST = "validation_accuracy"  # what is marked where it is the most so far

COLUMNS = (  # a key is the figure's name in an epoch
    TableColumn("epoch", "epoch", width=5),
    TableColumn("loss", "train_loss", spell=loss, width=8, group=TRAINING),
    TableColumn("right", "train_accuracy", spell=percent, width=8, group=TRAINING, spare=3),
    TableColumn("loss", "validation_loss", spell=loss, width=8, group=VALIDATION, spare=1),
    TableColumn("right", BEST, spell=percent, width=8, group=VALIDATION),
    TableColumn("rate", "rate", spell=short, width=9, spare=4),
    TableColumn("images/s", "images_per_second", spell="{:,.0f}".format, width=8, spare=5),
    TableColumn("time", "seconds", spell=duration, width=7, spare=2),
)


@dataclass(frozen=True)
class EpochTable:
    """Rows that come one after the other, so the widths are settled before the first."""

    table: TextTable
    rule: str = RULE

    def heading(self) -> list[TextLine]:
        return list(self.table.heading(self.rule))

    def row(self, epoch: Epoch, best: bool = False) -> TextLine:
        """One epoch; `best` marks what it got right as the most so far."""
        columns = self.table.columns
        cells = [column.spell(getattr(epoch, column.key)) for column in columns]
        inked = tuple(replace(c, ink=GOOD) if c.key == BEST else c for c in columns)
        return (TextTable(inked) if best else self.table).line(cells)


def epoch_table(width: int, validated: bool = True, ascii_only: bool = False) -> EpochTable:
    """As many columns as the width holds."""
    table, _ = fit(table_of((), validated), width)
    return EpochTable(table, "-" if ascii_only else RULE)


def table_of(history: Sequence[Epoch], validated: bool) -> TextTable:
    """Every figure of every epoch."""
    columns = (c for c in COLUMNS if validated or c.group != VALIDATION)
    return TextTable.of(columns, map(asdict, history))


def cell(trained: Trained) -> str:
    """A training as a notebook shows it: how it went, epoch by epoch."""
    validated = any(epoch.validation_loss is not None for epoch in trained.history)
    shown = text_table(table_of(trained.history, validated))
    return f"<p>{text(repr(trained).strip('<>'))}</p>{shown}"
