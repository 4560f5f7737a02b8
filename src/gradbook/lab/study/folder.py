"""The folder of a study: which file holds what."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gradbook import limits
from gradbook.errors import DataError, UsageError
from gradbook.files import clear_parts, made_folder, read_text, write_whole
from gradbook.folders import alone_in
from gradbook.lab.study import plan as plans
from gradbook.lab.study.plan import StudyPlan
from gradbook.schema import (
    AnyRecord,
    FiniteNumber,
    ListOf,
    Maybe,
    PlainText,
    Schema,
    SchemaError,
    WholeNumber,
    read_json,
)

TESTS = "tests.jsonl"
SHARE = FiniteNumber(0, 1)
RECORD = Schema(  # of a trial, at least
    number=WholeNumber(),
    parameters=AnyRecord(),
    value=Maybe(SHARE),
    state=PlainText(),
    why=PlainText(),
    accuracies=Maybe(ListOf(SHARE)),
    network_parameters=Maybe(WholeNumber()),
    macs=Maybe(WholeNumber()),
    seconds=Maybe(FiniteNumber(0)),
    bits=ListOf(PlainText()),
    recipe=Maybe(PlainText()),
)
TEST = Schema(
    trial=WholeNumber(),
    mean=SHARE,
    deviation=FiniteNumber(0),
    accuracies=ListOf(SHARE),
    seeds=WholeNumber(1),
)


class StudyFolder:
    """A study's files. Each is written whole or not at all; the journal is Optuna's, and made anew
    of the results whenever the study goes on."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.plan_file = self.path / "study.txt"
        self.results = self.path / "results"
        self.journal = self.path / "journal.log"
        self.table_file = self.path / "trials.csv"
        self.records_file = self.path / "trials.json"
        self.report_file = self.path / "report.html"
        self.tests_file = self.path / TESTS

    @property
    def holds_a_study(self) -> bool:
        return os.path.exists(self.plan_file)

    def plan(self) -> StudyPlan:
        self.require_study()
        return plans.read_file(self.plan_file)

    def require_study(self) -> None:
        if not self.holds_a_study:
            raise UsageError(f"no study in {self.path}: name the folder that holds its study.txt")

    def require_free(self) -> None:
        if self.holds_a_study or os.path.exists(self.results):
            raise UsageError(
                f"{self.path} holds a study already: gradbook study --resume {self.path}, "
                "or name another folder"
            )

    def begin(self, plan: StudyPlan) -> None:
        self.require_free()
        made_folder(self.results)
        write_whole(self.plan_file, f"version {plans.VERSION}\n{plan}")

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other processes from searching here at the same time."""
        made_folder(self.results)
        with alone_in(self.path) as alone:
            if not alone:
                raise UsageError(
                    f"{self.path} is at work in another process: wait for it, or stop it"
                )
            clear_parts(self.path)
            clear_parts(self.results)
            yield

    def records(self) -> list[dict[str, Any]]:
        """What programs are told of each trial, of a study that came to its end."""
        self.require_study()
        if not self.records_file.exists():
            again = f"gradbook study --resume {self.path}"
            raise UsageError(f"{self.path} isn't done: {again}")
        try:
            text = read_text(self.records_file, limit=limits.TRIALS)
            found: list[dict[str, Any]] = read_json(text, ListOf(RECORD))
            return found
        except SchemaError as error:
            raise DataError(
                f"not the trials of a study ({error})", file=self.records_file
            ) from error

    # How often the test images were looked at.

    def tests(self) -> list[dict[str, object]]:
        """What was scored on the test images, one after the other."""
        if not self.tests_file.exists():
            return []
        try:
            return [read_json(line, TEST) for line in read_text(self.tests_file).splitlines()]
        except SchemaError as error:
            raise DataError(f"not the tests of a study ({error})", file=self.tests_file) from error

    def add_test(self, record: dict[str, object]) -> None:
        lines = [*map(json.dumps, self.tests()), json.dumps(record)]
        write_whole(self.tests_file, "\n".join(lines) + "\n")
