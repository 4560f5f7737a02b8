"""A workbook recalculated by LibreOffice calls each learning rate what `sweep` calls it."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from openpyxl import load_workbook

from gradbook.net import Net, builtin, parse
from gradbook.rates.criteria import Verdict
from gradbook.rates.sweep import sweep
from gradbook.report.workbook import write_workbook
from gradbook.targets.excel.sheets.rates import TOP
from tests.outside.witness import recalculate_all
from tests.rates.made import WORKED, line
from tests.report.workbooks import edited

EPOCHS = 70
RATES = (-1.0, -0.01, 0.0, 1e-12, 0.05, 0.4, 1.0, 2.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6, 1e9)
OF_A_PARABOLA = (0.005, 0.2, 1.0, 1.3, 1.99, 2.0, 2.01, 2.5, 1e6, 1e200)
NETS: dict[str, tuple[Net, tuple[float, ...]]] = {
    "worked": (WORKED, RATES),
    "far targets": (parse(str(WORKED).replace("-> 0.5 0.5", "-> 0.01 0.99")), RATES),
    "wanted saturated": (parse(str(WORKED).replace("-> 0.5 0.5", "-> 0 1")), RATES),
    "mazur": (builtin("mazur"), RATES),
    "xor": (builtin("xor"), (-1.0, 0.05, 1.0, 10.0, 1e3, 1e6)),
    "parabola": (line(), OF_A_PARABOLA),
    "heavy ball": (line(update="momentum 0.9"), OF_A_PARABOLA),
    "adam": (line(update="adam"), (1e-4, 0.1, 100.0)),
    "at its optimum": (line(start=1), (-1.0, 0.0, 1.0)),
    "noise": (
        parse(
            "input 1; dense 1; loss half squared error; sample 1 -> 1; sample 1 -> 0; "
            "sample 2 -> 1.5; sample 3 -> 2.8"
        ),
        (0.01, 0.1, 0.4, 0.5, 1.0),
    ),
    "soft target": (
        parse(
            "input 1; dense 1; sigmoid; loss binary cross-entropy; sample 1 -> 0.5; sample 2 -> 1"
        ),
        (0.0, 0.1, 2.0, 50.0),
    ),
    "classes": (
        parse(
            "input 2; dense 3; tanh; dense 2; softmax; loss cross-entropy; seed 1; "
            "sample 0 1 -> 1 0; sample 1 0 -> 0.2 0.8; sample 1 1 -> 0 1"
        ),
        (-0.1, 0.01, 0.5, 1.0, 5.0),
    ),
    "softmax squared": (
        parse(
            "input 1; dense 2; softmax; loss half squared error; sample 1 -> 1 0; "
            "weights -30 30; biases 0 0"
        ),
        (0.1, 1.0, 1e4),
    ),
    "dead relus": (
        parse(
            "input 2; dense 2 no bias; relu; dense 1; loss half squared error; "
            "weights -1 -1 -1 -1 1 1; sample 1 1 -> 0.5; sample 1 0 -> 0.1"
        ),
        (0.1, 1.0, 3.0),
    ),
    "nothing to pull": (
        parse(
            "input 2; dense 2 no bias; tanh; dense 1 no bias; tanh; loss half squared error; "
            "weights 0 0 0 0 0 0; sample 1 1 -> 0.5"
        ),
        (0.1, 10.0),
    ),
    "two layers": (
        parse(
            "input 2; dense 2; gelu; dense 2; sigmoid; dense 1; tanh; loss mean squared error; "
            "update momentum; seed 3; sample 1 0 -> 0.5; sample 0 1 -> -0.5"
        ),
        (-0.1, 0.01, 0.1, 1.0, 20.0, 1e4),
    ),
}
TYPED = {0.05: 1e6, 1.0: -1.0, 100.0: 0.0}  # a rate of the file, and what is typed over it

pytestmark = pytest.mark.witness("libreoffice")


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("written")
    for name, (net, rates) in NETS.items():
        write_workbook(net, folder / f"{name}.xlsx", rates=rates)
    return folder


@pytest.fixture(scope="module")
def recalculated(written, tmp_path_factory) -> Path:
    done = tmp_path_factory.mktemp("recalculated")
    paths = [written / f"{name}.xlsx" for name in NETS]
    recalculate_all([*paths, type_over(written / "worked.xlsx", written / "typed.xlsx")], done)
    return done


@cache
def called(name: str) -> list[tuple[float, str]]:
    """What the sweep calls each rate of a network."""
    net, rates = NETS[name]
    found = sweep(net, rates, EPOCHS)
    return [(rate, str(found[rate].verdict)) for rate in rates]


def type_over(source: Path, target: Path) -> Path:
    """The workbook with other rates typed into the sheet Learning rates."""
    number = load_workbook(source, read_only=True).sheetnames.index("Learning rates") + 1

    def edit(part: str, text: str) -> str:
        if part != f"xl/worksheets/sheet{number}.xml":
            return text
        for old, new in TYPED.items():
            cell = f"B{TOP + 1 + RATES.index(old)}"
            text = re.sub(rf'(<c r="{cell}"[^>]*><v>)[^<]*', rf"\g<1>{new!r}", text)
        return text

    return edited(source, target, edit)


def verdicts(path: Path, count: int) -> list[tuple[float, str]]:
    sheet = load_workbook(path, data_only=True)["Learning rates"]
    rows = sheet.iter_rows(TOP + 1, TOP + count, 2, 6, values_only=True)
    return [(float(row[0]), row[4]) for row in rows]


@pytest.mark.parametrize("name", NETS)
def test_every_rate_is_called_what_the_sweep_calls_it(recalculated, name):
    assert verdicts(recalculated / f"{name}.xlsx", len(NETS[name][1])) == called(name)


@pytest.mark.parametrize("name", NETS)
def test_the_file_says_so_before_it_is_recalculated(written, name):
    assert verdicts(written / f"{name}.xlsx", len(NETS[name][1])) == called(name)


def test_a_rate_typed_over_is_called_what_the_sweep_calls_it(recalculated):
    typed = [TYPED.get(rate, rate) for rate in RATES]
    found = sweep(WORKED, sorted(set(typed)), EPOCHS)
    expected = [(rate, str(found[rate].verdict)) for rate in typed]
    assert verdicts(recalculated / "typed.xlsx", len(RATES)) == expected


def test_every_verdict_is_met():
    assert {verdict for name in NETS for _, verdict in called(name)} == set(Verdict)
