"""A mistake in a network that somebody typed is called what it is, and a right one stays right."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from openpyxl import Workbook
from openpyxl.utils import get_column_letter
from openpyxl.workbook.defined_name import DefinedName

from gradbook.audit.check_book import check
from tests.cases import for_each

EPOCHS = 22
DATA = {"t1": 0.1, "t2": 0.9, "i1": 0.05, "i2": 0.1}
START = {f"w{k}": 0.1 + k / 20 for k in range(1, 9)}
SLOPE, TANH = "{a}*(1-{a})", "(1-{a}^2)"
CELL = re.compile(r"\b([A-Z]{1,2})(\d+)\b(?!\()")
Typing = Callable[[str, int], object]  # what should stand in a row, and what does


def delta(k: int) -> str:
    return f"({{a_o{k}}}-{{t{k}}})*{SLOPE.replace('{a}', f'{{a_o{k}}}')}"


def formulas(slope: str = SLOPE) -> dict[str, str]:
    """What each column says; the slope of the hidden layer may be another's."""
    said = {
        **{f"h{k}": f"={{i1}}*{{w{2 * k - 1}}}+{{i2}}*{{w{2 * k}}}" for k in (1, 2)},
        **{f"a_h{k}": f"=1/(1+EXP(-{{h{k}}}))" for k in (1, 2)},
        **{f"o{k}": f"={{a_h1}}*{{w{2 * k + 3}}}+{{a_h2}}*{{w{2 * k + 4}}}" for k in (1, 2)},
        **{f"a_o{k}": f"=1/(1+EXP(-{{o{k}}}))" for k in (1, 2)},
        **{f"E{k}": f"=0.5*({{t{k}}}-{{a_o{k}}})^2" for k in (1, 2)},
        "E_total": "={E1}+{E2}",
    }
    for k in range(1, 5):
        unit, source = (k + 1) // 2, 2 - k % 2
        back = f"({delta(1)}*{{w{4 + unit}}}+{delta(2)}*{{w{6 + unit}}})"
        own = slope.replace("{a}", f"{{a_h{unit}}}")
        said[f"dE/dw{k}"] = f"={back}*{own}*{{i{source}}}"
    for k in range(5, 9):
        said[f"dE/dw{k}"] = f"={delta((k - 3) // 2)}*{{a_h{2 - k % 2}}}"
    return said


class Network:
    """The 2-2-2 network as a student types it: a row an epoch, and η somewhere."""

    def __init__(self, where: str = "above") -> None:
        self.book = Workbook()
        self.sheet = self.book.active
        self.sheet.title = "Training"
        self.top, self.left = (1, 3) if where == "beside" else (4, 1)
        self.names = [*DATA, *START, *formulas()]
        columns = range(self.left + 1, self.left + 1 + len(self.names))
        self.columns = dict(zip(self.names, map(get_column_letter, columns), strict=True))
        eta = {"above": "$B$1", "beside": "$A$2", "over w1": f"${self.columns['w1']}$1"}
        self.eta = {**eta, "elsewhere": "Rate!$B$1", "by name": "eta"}[where]
        sheet = self.book.create_sheet("Rate") if where == "elsewhere" else self.sheet
        number = {**eta, "elsewhere": "$B$1", "by name": "$B$1"}[where].replace("$", "")
        sheet["A1" if where != "over w1" else f"{self.columns['i2']}1"] = "eta"
        sheet[number] = 0.5
        if where == "by name":
            self.book.defined_names["eta"] = DefinedName("eta", attr_text="Training!$B$1")

    def fill_in(self, said: dict[str, str], update: str = "={w}-{eta}*{g}", *of: str) -> None:
        """… with an update of some weights, the others' being right."""
        first = self.top + 1
        self.sheet.cell(self.top, self.left).value = "epoch"
        for name, column in self.columns.items():
            self.sheet[f"{column}{self.top}"] = name
        for row in range(first, first + EPOCHS):
            self.sheet.cell(row, self.left).value = row - first
            here = {name: f"{column}{row}" for name, column in self.columns.items()}
            for name, cell in here.items():
                value: object = said[name].format(**here) if name in said else DATA.get(name)
                if name in START:
                    wrong = name in of or not of
                    value = self.updated(name, row, update if wrong else "={w}-{eta}*{g}")
                self.sheet[cell] = START[name] if row == first and name in START else value

    def updated(self, name: str, row: int, update: str) -> str:
        above = {
            "w": f"{self.columns[name]}{row - 1}",
            "g": f"{self.columns[f'dE/d{name}']}{row - 1}",
        }
        sheet, _, number = self.eta.rpartition("$")
        drifting = (
            f"{sheet.replace('$', '')}{row - self.top - 2 + int(number or 0)}" if sheet else ""
        )
        return update.format(**above, eta=self.eta, drifting=drifting)

    def retype(self, name: str, typing: Typing, rows: slice = slice(None)) -> None:
        first = self.top + 1 + (name in START)
        for row in range(first, self.top + 1 + EPOCHS)[rows]:
            cell = self.sheet[f"{self.columns[name]}{row}"]
            cell.value = typing(str(cell.value), row)

    def told(self, path: Path) -> tuple[str, list[tuple[str, str]], str]:
        self.book.save(path)
        report = check(path)
        kinds = [(f.kind, f.weight or f.quantity) for f in report.findings]
        return report.verdict, kinds, " ".join(str(f.why) for f in report.findings)


def tied(said: str, row: int) -> str:
    """All references with a $, as they were in the first row."""
    back = row - 5 if "EXP" in said or "(" in said or "+" in said else row - 6
    return CELL.sub(lambda cell: f"${cell[1]}${int(cell[2]) - back}", said)


PLACES = pytest.mark.parametrize("where", ["above", "beside", "elsewhere", "by name", "over w1"])
ONE_CELL = slice(7, 8)
TYPED: dict[str, tuple[str, str, Typing]] = {
    "number": ("pasted value", "a typed number", lambda said, row: 0.01 + row / 1000),
    "text": ("number as text", "decimal comma", lambda said, row: f"0,000{row}"),
    "stored": ("formula as text", "stored as text", lambda said, row: f" {said}"),
}


@PLACES
def test_a_right_network_is_right_wherever_its_rate_stands(where, path):
    network = Network(where)
    network.fill_in(formulas())
    assert network.told(path) == ("right", [], "")


@for_each("of", [(), ("w1",), ("w1", "w2", "w3", "w4")], ids=len)
@PLACES
def test_an_update_without_the_rate_lacks_it(where, of, path):
    network = Network(where)
    network.fill_in(formulas(), "={w}-{g}", *of)
    verdict, kinds, why = network.told(path)
    assert (verdict, kinds) == ("wrong", [("missing rate", name) for name in of or START])
    assert "the learning rate η is missing" in why


def test_a_rate_of_1_that_nobody_multiplies_with_is_none_that_is_missing(path):
    network = Network()
    network.fill_in(formulas(), "={w}-{g}")
    network.sheet["B1"] = 1
    assert network.told(path)[0] == "right"


@for_each("update", ["={eta}*{g}", "=-{eta}*{g}"])
@for_each("of", [(), ("w1",)], ids=len)
def test_an_update_that_is_only_the_change_lacks_the_old_weight(of, update, path):
    network = Network()
    network.fill_in(formulas(), update, *of)
    verdict, kinds, why = network.told(path)
    assert (verdict, kinds) == ("wrong", [("missing weight", name) for name in of or START])
    assert "only the change of w1" in why


@for_each("of", [(), ("w1",)], ids=len)
@for_each("where", ["above", "beside", "elsewhere", "over w1"])
def test_a_rate_that_runs_down_the_rows_is_not_anchored(where, of, path):
    network = Network(where)
    network.fill_in(formulas(), "={w}-{drifting}*{g}", *of)
    verdict, kinds, why = network.told(path)
    assert (verdict, kinds) == ("wrong", [("drifting rate", name) for name in of or START])
    assert network.eta in why


@for_each("rows", [slice(None), ONE_CELL], ids=["column", "cell"])
@for_each("name", ["dE/dw1", "dE/dw5", "w1", "h1"])
@for_each("mistake", TYPED)
def test_what_stands_in_a_formula_s_place_is_called_what_it_is(mistake, name, rows, path):
    kind, words, typing = TYPED[mistake]
    network = Network()
    network.fill_in(formulas())
    network.retype(name, typing, rows)
    verdict, kinds, why = network.told(path)
    assert (verdict, kinds) == ("wrong", [(kind, name.removeprefix("dE/d"))])
    assert words in why


@for_each("name", ["dE/dw1", "w1", "h1"])
def test_a_dollar_in_every_reference_keeps_all_copies_at_the_first_row(name, path):
    network = Network()
    network.fill_in(formulas())
    network.retype(name, tied)
    verdict, kinds, why = network.told(path)
    assert (verdict, kinds) == ("wrong", [("frozen row", name.removeprefix("dE/d"))])
    assert "$ every copy refers to row 5" in why


def test_a_formula_shown_as_text_above_its_column_is_no_mistake(path):
    network = Network()
    network.fill_in(formulas())
    network.sheet[f"{network.columns['h1']}3"] = "'=D5*F5+E5*G5"
    assert network.told(path)[0] == "right"
