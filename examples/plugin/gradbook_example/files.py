"""`gradbook export MODEL -o weights.csv`."""

from __future__ import annotations

from gradbook.lab.models.exporting import (
    ExportContents,
    ExportFormat,
    ExportOptions,
    ExportSource,
)


def _table(source: ExportSource, options: ExportOptions) -> ExportContents:
    """A row for each number of the network: its tensor, its place in it, itself."""
    rows = ["tensor,place,value"]
    for name, tensor in source.trained.tensors().items():
        rows += [f"{name},{place},{value!r}" for place, value in enumerate(tensor.ravel().tolist())]
    return ExportContents({".csv": "\n".join(rows) + "\n"})


WEIGHTS_TABLE = ExportFormat("every weight in a row of its own, for a spreadsheet", _table)
