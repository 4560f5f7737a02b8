"""The folder of a study: which file holds what."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gradbook.errors import DataError, UsageError
from gradbook.files import alone_in, clear_parts, made_folder, read_text, write_whole
from gradbook.lab.study import plan as plans
from gradbook.lab.study.plan import StudyPlan

TESTS = "tests.jsonl"
LARGEST_TABLE = 2**30  # bytes
RECORD = {"number", "parameters", "value", "state", "why", "network_parameters", "recipe"}


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
        return self.plan_file.exists()

    def plan(self) -> StudyPlan:
        if not self.holds_a_study:
            raise UsageError(f"no study in {self.path}: name the folder that holds its study.txt")
        return plans.read_file(self.plan_file)

    def begin(self, plan: StudyPlan) -> None:
        if self.holds_a_study or self.results.exists():
            raise UsageError(
                f"{self.path} holds a study already: gradbook study --resume {self.path}, "
                "or name another folder"
            )
        made_folder(self.results)
        write_whole(self.plan_file, str(plan))

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
        if not self.records_file.exists():
            again = f"gradbook study --resume {self.path}"
            raise UsageError(f"{self.path} isn't done: {again}")
        try:
            found = json.loads(read_text(self.records_file, limit=LARGEST_TABLE))
            if not all(record.keys() >= RECORD for record in found):
                raise TypeError
            return [dict(record) for record in found]
        except (ValueError, TypeError, AttributeError) as error:
            raise DataError("not the trials of a study", file=self.records_file) from error

    # How often the test images were looked at.

    def tests(self) -> list[dict[str, object]]:
        """What was scored on the test images, one after the other."""
        if not self.tests_file.exists():
            return []
        try:
            return [dict(json.loads(line)) for line in read_text(self.tests_file).splitlines()]
        except (ValueError, TypeError) as error:
            raise DataError("not the tests of a study", file=self.tests_file) from error

    def add_test(self, record: dict[str, object]) -> None:
        lines = [*map(json.dumps, self.tests()), json.dumps(record)]
        write_whole(self.tests_file, "\n".join(lines) + "\n")
