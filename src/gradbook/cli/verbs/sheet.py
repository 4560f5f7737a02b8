"""Writes a live workbook: every value has a cell, every step is a formula, each epoch is a row."""

from __future__ import annotations

import os
import re
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from gradbook.cli.argument_kinds import (
    MODELS,
    READING_GONE,
    asked_network_or_formulas,
    named_model,
    network_of,
    network_or_recipe,
    numbers_or_names,
    rates,
    students_of,
    whole_number,
)
from gradbook.cli.help_page import Verb
from gradbook.cli.output import busy, print_written, say
from gradbook.cli.programs import names_program, write_sheet_of_program
from gradbook.cli.workbooks import (
    names_workbook,
    refuse_for_networks,
    write_copy_of_workbook,
)
from gradbook.errors import UsageError
from gradbook.files import require_replaceable
from gradbook.language import mark, tr
from gradbook.rates import USUAL_EPOCHS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gradbook.lab.models.model import Model
    from gradbook.net import Net
    from gradbook.net.formulas import Formulas
    from gradbook.targets.excel.plan.column_order import Exercise


def run(options: Namespace) -> int:
    if names_program(options.net):
        return write_sheet_of_program(options)
    if names_workbook(options.net):
        return write_copy_of_workbook(options)
    refuse_for_networks(options)
    for flag in ("solution", "blank"):
        if getattr(options, flag) and not options.exercise:
            raise UsageError(f"--{flag} needs --exercise SEED: without it nothing is left blank")
    model = named_model(options.net)
    if model is not None:
        return _reader(model, options)
    net: Net | Formulas
    if options.net.lower().endswith(MODELS):
        net = network_of(network_or_recipe(options.net))
    else:
        net = asked_network_or_formulas(options)
    if options.exercise:
        return _exercises(net, options)
    _write(net, _workbook(_stem(options.net, net), options), options)
    say(tr("open it: the first sheet is a guide to the others; change η and watch the curve"))
    return 0


def _reader(model: Model, options: Namespace) -> int:
    """Write the workbook in which a trained network reads images."""
    from gradbook.data.sources import load
    from gradbook.report.other_workbooks import write_reader

    for flag in ("epochs", "rates", "exercise", "set"):
        if getattr(options, flag) not in (None, []):
            raise UsageError(
                f"--{flag} is for a workbook that trains: {options.net} is trained already"
            )
    model.require_classes()
    path = _workbook(_stem("", model.net), options)
    with busy(tr("writing {file}", file=path.name)):
        write_reader(model, load(options.data or model.data), path)
    print_written(path)
    say(tr("open it: choose an image or paint one, and see what the network reads"))
    return 0


def _exercises(net: Net | Formulas, options: Namespace) -> int:
    from gradbook.lab.classroom import personalise

    students = students_of(options.exercise)
    asked = [(student, _exercise(student, options)) for student in students]
    paths = _places(net, options, students)
    for path in paths:
        require_replaceable(path, *([_solution(path)] if options.solution else []))
    for (student, exercise), path in zip(asked, paths, strict=True):
        variant = personalise(net, student)
        _write(variant, path, options, exercise)
        if options.solution:
            _write(variant, _solution(path), options)
    say(tr(FILL_IN[_has_samples(net), asked[0][1].has_check], **SHEETS))
    return 0


def _has_samples(what: Net | Formulas) -> bool:
    from gradbook.net import Net

    if isinstance(what, Net):
        return len(what.samples) > 1
    return any(len(values) > 1 for values in what.numbers.values())


SHEETS = {"training": "Training", "samples": "Samples", "check": "Check"}  # in any language
FILL_IN = {  # by whether it has several samples, and the sheet Check
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


def _exercise(student: int | str, options: Namespace) -> Exercise:
    from gradbook.targets.excel.plan.column_order import FORWARD, LOSS, Exercise, read_kinds

    kinds = read_kinds([word.strip() for word in (options.blank or "gradients").split(",")])
    tells = {FORWARD, LOSS} & set(kinds)  # the parts that the sheet Check compares
    return Exercise(
        student=str(student),
        kinds=kinds,
        seed=student,
        has_check=not tells,
    )


def _places(net: Net | Formulas, options: Namespace, students: Sequence[int | str]) -> list[Path]:
    """Each student's file: the name of the option for one, names in a folder for several."""
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
    return [folder / f"{stem}-{student}.xlsx" for student in stems]


def _write(
    net: Net | Formulas, path: Path, options: Namespace, exercise: Exercise | None = None
) -> None:
    from gradbook.report.workbook import write_workbook

    with busy(tr("writing {file}", file=path.name)):
        written = write_workbook(
            net,
            path,
            epochs=options.epochs or USUAL_EPOCHS,
            rates=options.rates,
            exercise=exercise or False,
        )
    print_written(path)
    for remark in written.remarks:
        say(f"  {remark}")


def _workbook(stem: str, options: Namespace) -> Path:
    """The path of one workbook."""
    from gradbook.report.workbook import require_excel

    path = Path(options.out or f"{stem}.xlsx")
    require_excel(path)
    return path


def _stem(argument: str, net: Net | Formulas) -> str:
    """The file's name without its ending: like the network's file, or like the network."""
    if os.path.isfile(argument):
        return Path(argument).stem
    words = re.sub(r"\W+", "-", net.name).strip("-")
    return words or "network"


FOR_A_CLASS = "gradbook class init has it"


ENTRIES = {
    "sheet": Verb(
        run,
        kinds={
            "epochs": whole_number(2),
            "rates": lambda words: () if words.strip() == "none" else rates(words),
            "exercise": numbers_or_names,
        },
        defaults={"net": "worked"},
        facts=lambda: {"epochs": USUAL_EPOCHS},
        speaks=True,
        gone={
            **dict.fromkeys(("--places", "--check-sheet"), FOR_A_CLASS),
            "--handout": f"{FOR_A_CLASS}, with --paper",
            "--rate": "write --set 'rate …'",
            **READING_GONE,
        },
    )
}
