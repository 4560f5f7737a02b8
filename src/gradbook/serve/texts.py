"""What the page makes from a network that is typed as text: derivation, workbook, sweep.

Each is what its command makes from a file `net.txt` with that text, run in a worker.
"""

from __future__ import annotations

import shlex
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from shutil import rmtree
from threading import Lock
from typing import Any

from gradbook.errors import UsageError
from gradbook.files import write_whole
from gradbook.folders import temporary_folder
from gradbook.language.message import Message, translate
from gradbook.net import Net
from gradbook.net.description import DEFAULT_RATES
from gradbook.net.formulas import Formulas, parse_formulas, reads_as_formulas
from gradbook.net.network import parse
from gradbook.rates import USUAL_EPOCHS
from gradbook.rates.sweep import sweep
from gradbook.report.derivation import explain
from gradbook.report.media import write
from gradbook.report.sweep import sweep_report, sweep_svg
from gradbook.report.workbook import write_workbook
from gradbook.serve.requests import Answer, Field, RefusalError
from gradbook.work import Task

SOURCE = "net.txt"
LONGEST_TEXT = 200_000  # characters
LONGEST_RATES, MOST_EPOCHS, MOST_ROWS = 400, 100_000, 10_000
MOST_KEPT = 40  # results
NAMES = (
    *(f"derivation.{ending}" for ending in ("html", "tex", "md", "txt", "json")),
    *(f"sweep.{ending}" for ending in ("html", "svg", "csv", "json")),
    "net.xlsx",
)
GONE = Message("that result is no longer kept: make it again")
TEXT = Field(str, 1, LONGEST_TEXT, is_needed=True)
FIELDS = {
    "explain": {"text": TEXT, "only": Field(str, 1, 40)},
    "sheet": {"text": TEXT, "epochs": Field(int, 2, MOST_ROWS), "rate": Field(float, 0)},
    "sweep": {
        "text": TEXT,
        "epochs": Field(int, 2, MOST_EPOCHS),
        "rates": Field(str, 1, LONGEST_RATES),
    },
}


@dataclass(frozen=True)
class TextResult:
    """The files made from a text, the one to show first, and remarks."""

    files: Mapping[str, bytes]
    remarks: Sequence[str] = ()


# What a worker does ----------------------------------------------------------------


def network(text: str) -> Net | Formulas:
    """The network in a text that includes its samples, or formulas; no other file is opened."""
    if reads_as_formulas(text):
        return parse_formulas(text, SOURCE)
    net = parse(text, SOURCE)
    if net.table:
        raise UsageError(f"a page can't open {net.table}: write the samples into the text")
    return net


def explain_text(text: str, only: str | None) -> TextResult:
    explanation = explain(network(text), only)
    words = ["--only", only] if only else []
    files = {
        "derivation.html": explanation.html(_command("explain", *words, "-o", "derivation.html")),
        "derivation.tex": explanation.latex(),
        "derivation.md": explanation.markdown(),
        "derivation.txt": str(explanation),
        "derivation.json": explanation.json(),
    }
    return TextResult({name: content.encode() for name, content in files.items()})


def write_sheet(text: str, epochs: int | None, rate: float | None) -> TextResult:
    with temporary_folder() as folder:
        path = Path(folder, "net.xlsx")
        book = write_workbook(network(text), path, epochs=epochs or USUAL_EPOCHS, rate=rate)
        return TextResult({path.name: path.read_bytes()}, book.remarks)


def sweep_rates(text: str, rates: str | None, epochs: int | None) -> TextResult:
    result = sweep(network(text), _rates(rates), epochs or USUAL_EPOCHS)
    words = ["--rates", rates] if rates else []
    words += ["--epochs", str(epochs)] if epochs else []
    report = sweep_report(result, _command("sweep", *words, "-o", "sweep.html"))
    files = {
        "sweep.html": write(report, "html"),
        "sweep.svg": sweep_svg(result),
        "sweep.csv": write(report, "csv"),
        "sweep.json": write(report, "json"),
    }
    remarks = (result.finding,)
    return TextResult({name: content.encode() for name, content in files.items()}, remarks)


def _rates(words: str | None) -> Sequence[float]:
    if words is None:
        return DEFAULT_RATES
    try:
        return [float(word) for word in words.split(",")]
    except ValueError:
        raise UsageError(f"'{words}' aren't learning rates: give numbers and commas") from None


def _command(verb: str, *words: str) -> str:
    return shlex.join(["gradbook", verb, SOURCE, *words])


def made_of_text(kind: str, asked: Mapping[str, Any]) -> Task:
    """The task that makes a result of this kind from a text."""
    works: Mapping[str, Callable[..., TextResult]] = {
        "explain": explain_text,
        "sheet": write_sheet,
        "sweep": sweep_rates,
    }
    return partial(works[kind], **asked)


# Kept results ----------------------------------------------------------------------


class KeptResults:
    """Files made from texts; the oldest are removed when there are too many."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._numbers = count(1)
        self._kept: deque[int] = deque()
        self._lock = Lock()
        folder.mkdir()

    def keep(self, result: TextResult) -> dict[str, Any]:
        """Keep a result; return what a page needs to ask for its files."""
        with self._lock:
            number = next(self._numbers)
            self._kept.append(number)
            old = [self._kept.popleft() for _ in range(len(self._kept) - MOST_KEPT)]
        for other in old:
            rmtree(self.folder / str(other), ignore_errors=True)
        place = self.folder / str(number)
        place.mkdir()
        for name, content in result.files.items():
            write_whole(place / name, content)
        return {
            "result": number,
            "files": list(result.files),
            "remarks": list(map(translate, result.remarks)),
        }

    def file(self, number: int, name: str) -> Answer:
        if name not in NAMES or number not in self._kept:
            raise RefusalError(404, GONE)
        try:
            file = (self.folder / str(number) / name).open("rb")
        except OSError:
            raise RefusalError(404, GONE) from None
        return Answer(file, Path(name).suffix)
