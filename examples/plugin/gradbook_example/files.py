"""`gradbook export MODEL -o weights.csv`, and `gradbook train --log lines`."""

from __future__ import annotations

from collections.abc import Mapping

from gradbook.lab.logs import RunLog
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


class LinesLog(RunLog):
    """A line for each figure of each epoch, in the folder of the run."""

    library = "gradbook_example"

    def begin(self, settings: Mapping[str, str | int]) -> None:
        self.lines = [f"{name}: {value}" for name, value in settings.items()]

    def scalar(self, name: str, value: float, epoch: int) -> None:
        self.lines.append(f"epoch {epoch}: {name} {value:.6g}")

    def close(self) -> None:
        (self.folder / "lines.txt").write_text("\n".join(self.lines) + "\n", "utf-8")
