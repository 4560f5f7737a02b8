"""Writes the live workbook: every value a cell, every step a formula, one row per epoch."""

from __future__ import annotations

import os
import re
from argparse import ArgumentTypeError, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from gradbook.cli.arguments import (
    MODELS,
    named_model,
    network,
    network_of,
    network_or_recipe,
    number,
    numbers_or_names,
    rates,
    reading_of,
    students_of,
    whole_number,
)
from gradbook.cli.output import busy
from gradbook.cli.page import Verb
from gradbook.errors import UsageError
from gradbook.files import require_replaceable, write_whole
from gradbook.language import mark, tr
from gradbook.rates import USUAL_EPOCHS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gradbook.lab.models.model import Model
    from gradbook.net import Net
    from gradbook.report.handout import Handout
    from gradbook.targets.excel.plan.columns import Exercise


def run(options: Namespace) -> int:
    for flag in ("solution", "blank", "places", "check_sheet", "handout"):
        if getattr(options, flag) and not options.exercise:
            said = flag.replace("_", "-")
            raise UsageError(f"--{said} needs --exercise SEED: without it nothing is left blank")
    model = named_model(options.net)
    if model is not None:
        return _reader(model, options)
    if options.net.lower().endswith(MODELS):
        net = network_of(network_or_recipe(options.net))
    else:
        net = network(options.net, options.data, **reading_of(options))
    if options.exercise:
        return _exercises(net, options)
    _write(net, _workbook(_stem(options.net, net), options), options)
    print(tr("open it: the first sheet is a guide to the others; change η and watch the curve"))
    return 0


def _reader(model: Model, options: Namespace) -> int:
    """The workbook in which a trained network reads images."""
    from gradbook.data.sources import load
    from gradbook.report.other_workbooks import write_reader

    for flag in ("epochs", "rate", "rates", "exercise"):
        if getattr(options, flag) is not None:
            raise UsageError(
                f"--{flag} is for a workbook that trains: {options.net} is trained already"
            )
    model.require_classes()
    path = _workbook(_stem("", model.net), options)
    with busy(tr("writing {file}", file=path.name)):
        write_reader(model, load(options.data or model.data), path)
    print(tr("wrote {file}", file=path))
    print(tr("open it: choose an image or paint one, and see what the network takes it for"))
    return 0


def _exercises(net: Net, options: Namespace) -> int:
    from gradbook.lab.classroom import personalise

    students = students_of(options.exercise)
    asked = [(student, _exercise(student, options)) for student in students]
    paths = _places(net, options, students)
    handouts = _Handouts(options) if options.handout else None
    all_of_them = paths[0].with_name(f"{_stem(options.net, net)}-exercises.pdf")
    for path in paths:
        solutions = [_solution(path)] if options.solution else []
        papers = _papers(path.with_suffix(".pdf")) if options.handout else []
        require_replaceable(path, *solutions, *papers)
    if handouts and len(students) > 1:
        require_replaceable(*_papers(all_of_them))
    for (student, exercise), path in zip(asked, paths, strict=True):
        own = personalise(net, student)
        if handouts:
            handouts.write(own, exercise, path)
        _write(own, path, options, exercise)
        if options.solution:
            _write(own, _solution(path), options)
    if handouts and len(students) > 1:
        handouts.write_all(all_of_them)
    print(tr(FILL_IN[len(net.samples) > 1, asked[0][1].has_check], **SHEETS))
    return 0


SHEETS = {"training": "Training", "samples": "Samples", "check": "Check"}  # in any language
FILL_IN = {  # whether it has several samples, and the sheet Check
    (False, False): mark("fill in the yellow cells of the sheet {training}"),
    (False, True): mark(
        "fill in the yellow cells of the sheet {training}; {check} shows when it is right"
    ),
    (True, False): mark("fill in the yellow cells of {training} and {samples}"),
    (True, True): mark(
        "fill in the yellow cells of {training} and {samples}; {check} shows when it is right"
    ),
}


def _solution(book: Path) -> Path:
    return book.with_stem(f"{book.stem}-solution")


def _papers(page: Path) -> list[Path]:
    """The page itself, and its key."""
    return [page, page.with_stem(f"{page.stem}-key")]


class _Handouts:
    """The pages on paper, beside the workbooks that ask for the same."""

    def __init__(self, options: Namespace) -> None:
        from gradbook.report.derivation import require_typst

        require_typst()  # before anything is written
        self.options = options
        self.pages: list[Handout] = []

    def write(self, net: Net, exercise: Exercise, book: Path) -> None:
        from gradbook.rates.sweep import usable_rate
        from gradbook.report.handout import handout

        rate = self.options.rate
        if rate is None:
            rate = usable_rate(net, self.options.epochs or USUAL_EPOCHS)
        page = handout(net, exercise, rate)
        self.pages.append(page)
        self._write([page], book.with_suffix(".pdf"))

    def write_all(self, path: Path) -> None:
        self._write(self.pages, path)

    def _write(self, pages: Sequence[Handout], path: Path) -> None:
        from gradbook.report.handout import handouts_pdf

        for solved, file in enumerate(_papers(path)):
            with busy(tr("writing {file}", file=file.name)):
                write_whole(file, handouts_pdf(pages, self.options.handout, solved=bool(solved)))
            print(tr("wrote {file}", file=file))


def _exercise(student: int | str, options: Namespace) -> Exercise:
    from gradbook.targets.excel.plan.columns import FORWARD, LOSS, Exercise, read_kinds

    kinds = read_kinds([word.strip() for word in (options.blank or "gradients").split(",")])
    tells = {FORWARD, LOSS} & set(kinds)  # what the sheet Check is made of
    return Exercise(
        student=str(student),
        kinds=kinds,
        places=options.places,
        seed=student,
        has_check=options.check_sheet == "on" or not (options.check_sheet or tells),
    )


def _places(net: Net, options: Namespace, students: Sequence[int | str]) -> list[Path]:
    """Each student's file: one as it is named, many in a folder."""
    stem = f"{_stem(options.net, net)}-exercise"
    if len(students) == 1 and not isinstance(options.exercise, str):
        return [_workbook(f"{stem}-{students[0]}", options)]
    if options.out and options.out.lower().endswith((".xlsx", ".ods")):
        raise UsageError(
            f"{len(students)} exercises are written to a folder, not {options.out}: name one"
        )
    from gradbook.files import made_folder
    from gradbook.lab.classroom import file_stems

    folder = made_folder(options.out or ".")
    stems = file_stems(list(map(str, students)))
    return [folder / f"{stem}-{own}.xlsx" for own in stems]


def _write(net: Net, path: Path, options: Namespace, exercise: Exercise | None = None) -> None:
    from gradbook.report.workbook import write_workbook

    with busy(tr("writing {file}", file=path.name)):
        written = write_workbook(
            net,
            path,
            epochs=options.epochs or USUAL_EPOCHS,
            rate=options.rate,
            rates=options.rates,
            exercise=exercise or False,
        )
    print(tr("wrote {file}", file=path))
    for remark in written.remarks:
        print(f"  {remark}")


def _workbook(stem: str, options: Namespace) -> Path:
    """Where one workbook goes."""
    from gradbook.report.workbook import require_excel

    path = Path(options.out or f"{stem}.xlsx")
    require_excel(path)
    return path


def _stem(argument: str, net: Net) -> str:
    """What the file is called: like the network's file, or like the network."""
    if os.path.isfile(argument):
        return Path(argument).stem
    words = re.sub(r"\W+", "-", net.name).strip("-")
    return words or "network"


def _rate(word: str) -> float:
    value = number(word)
    if value < 0:
        raise ArgumentTypeError(f"{word} is out of range: a learning rate is at least 0")
    return value


ENTRIES = {
    "sheet": Verb(
        run,
        kinds={
            "epochs": whole_number(2),
            "rate": _rate,
            "rates": lambda words: () if words.strip() == "none" else rates(words),
            "exercise": numbers_or_names,
            "places": whole_number(1),
        },
        defaults={"net": "worked"},
        facts=lambda: {"epochs": USUAL_EPOCHS},
    )
}
