"""A network as a workbook: the public `write_workbook`.

Decides what a workbook contains; `targets/excel` writes it.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from gradbook.errors import UsageError
from gradbook.files import write_whole
from gradbook.language import numeral, tr
from gradbook.net import Net
from gradbook.net.description import DEFAULT_RATES
from gradbook.net.formulas import Formulas
from gradbook.net.lower import scalar_step
from gradbook.net.recorded_numbers import Value, as_net_or_formulas
from gradbook.net.step import Step
from gradbook.rates import USUAL_EPOCHS
from gradbook.rates.sweep import usable_rate
from gradbook.targets.algebra.forms import FIXED_SPACE
from gradbook.targets.algebra.passes import why
from gradbook.targets.algebra.terminal_text import sentences
from gradbook.targets.drawing import net_png
from gradbook.targets.excel.plan.column_order import Exercise
from gradbook.targets.excel.plan.workbook_plan import PICTURE_FINENESS, WorkbookPlan, fitting_rates
from gradbook.targets.excel.write import workbook_content


@dataclass(frozen=True)
class WrittenWorkbook:
    """A workbook that was written, and the rates that it compares."""

    path: Path  # where it is
    rates: tuple[float, ...]  # the compared ones
    rate: float  # the initial value of the η cell
    remarks: tuple[str, ...] = ()  # if something differs from the usual


def write_workbook(
    net: Net | Formulas | Value | str,
    path: str | os.PathLike[str],
    *,
    epochs: int = USUAL_EPOCHS,
    rate: float | None = None,
    rates: Sequence[float] | None = None,
    exercise: bool | Exercise = False,
) -> WrittenWorkbook:
    """Write the workbook: every value a cell, every step a formula, one row per epoch.

    Args:
        net: The network, the name of a built-in one, or a text.
        path: Where to write; it ends in .xlsx.
        epochs: The number of epochs, one row each.
        rate: The initial value of the η cell: by default the network's own rate, or else the
            usual one, or the next below it that trains.
        rates: The learning rates that are compared; as many of the usual ones as fit.
        exercise: True, or an `Exercise`: the gradients, or the values that it lists, are left
            blank for a student to fill in.

    Returns:
        Where it was written, its rates, and remarks on what was left out.

    Raises:
        GradbookError: The network is too large for a sheet, or the file can't be written.

    >>> import gradbook as gb
    >>> gb.write_workbook("xor", "xor.xlsx", epochs=200).rate
    1.0
    """
    require_excel(path)
    net = as_net_or_formulas(net)
    asked_for = Exercise() if exercise is True else exercise or None
    if epochs < 2:
        raise UsageError(f"a workbook has at least 2 epochs, not {epochs}")
    for compared_rate in rates or ():
        if not isfinite(compared_rate):
            raise UsageError(f"a learning rate is a number, not {compared_rate}")
    if rate is not None and (not isfinite(rate) or rate < 0):
        raise UsageError(f"a learning rate is a number from 0 up, not {rate}")
    step = scalar_step(net)
    _require_names_apart(step)
    asked = None if rates is None else tuple(dict.fromkeys(map(float, rates)))
    compared = fitting_rates(step, epochs, asked, DEFAULT_RATES)
    if isinstance(net, Formulas):  # how low their result can fall isn't known
        compared = ()
    if asked_for and (step.samples > 1 or not asked_for.is_usual):
        compared = ()  # their sheet would have to be filled in as well
    if rate is not None:
        begin = float(rate)
    else:
        begin = net.learning_rate if isinstance(net, Formulas) else usable_rate(net, epochs)
    book = WorkbookPlan(
        step,
        epochs,
        begin,
        compared,
        net_png(net, PICTURE_FINENESS),
        asked_for,
        why=lambda local: sentences(why(local)).replace(FIXED_SPACE, " "),  # as a derivation does
    )
    write_whole(path, workbook_content(book))
    remarks = (
        net.made_up(),
        "" if rate is not None else _begins(begin, net.learning_rate),
        "" if rates is not None or asked_for or not step.targets else _compares(len(compared)),
    )
    return WrittenWorkbook(Path(path), compared, begin, tuple(filter(None, remarks)))


def _require_names_apart(step: Step) -> None:
    """Refuse names that a workbook, which reads capitals as small letters, takes for one."""
    names = defaultdict[str, list[str]](list)
    for leaf in (*step.weights, *step.inputs, *step.targets):
        names[str(leaf.name).casefold()].append(str(leaf.name))
    for first, second, *_ in (alike for alike in names.values() if len(alike) > 1):
        raise UsageError(
            f"a workbook can't tell {first} from {second}: give one of them another name"
        )


def require_excel(path: str | os.PathLike[str]) -> None:
    """A workbook's name has to end in .xlsx."""
    match Path(path).suffix.lower():
        case ".xlsx":
            return
        case ".ods":
            raise UsageError(f"write {Path(path).with_suffix('.xlsx')}: LibreOffice opens it too")
    raise UsageError(f"a workbook's name ends in .xlsx: write {path}.xlsx")


def _begins(rate: float, usual: float) -> str:
    """The remark that η starts lower than usual, or ''."""
    if rate == usual:
        return ""
    return tr(
        "η starts at {rate}: at the usual {usual} the loss doesn't fall steadily",
        rate=numeral(f"{rate:g}"),
        usual=numeral(f"{usual:g}"),
    )


def _compares(count: int) -> str:
    """The remark that fewer rates are compared than usual, or ''."""
    if count == len(DEFAULT_RATES):
        return ""
    if not count:
        return tr(
            "compares no learning rates, so that it opens quickly: add some with --rates, or use "
            "fewer --epochs"
        )
    return tr(
        "compares {count} learning rates, not {usual}, so that it opens quickly: add some with "
        "--rates, or use fewer --epochs",
        count=count,
        usual=len(DEFAULT_RATES),
    )
