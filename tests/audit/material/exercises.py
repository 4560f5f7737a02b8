"""Exercises of random networks, filled in as students do: in many styles, and with their mistakes.

The formulas are written out from what everybody knows of two layers, and not by our graph.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from random import Random

from openpyxl import Workbook, load_workbook
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from gradbook.lab.classroom import personalise
from gradbook.net import Net, parse
from gradbook.report.workbook import write_workbook
from gradbook.targets.excel.plan.column_order import Exercise

SLOPES = {
    "sigmoid": "{a}*(1-{a})",
    "tanh": "(1-{a}^2)",
    "relu": "IF({h}>0,1,0)",
    "": "1",
}
OTHER_SLOPES = {
    "sigmoid": "({a}-{a}^2)",
    "tanh": "(1-{a})*(1+{a})",
    "relu": "({h}>0)",
    "": "1",
}
EPOCHS = 4
STYLES = ("expanded", "helpers", "sumproduct", "others")
Formulas = dict[str, str]  # by heading: with {x} for the cell of x in the same row


@dataclass(frozen=True)
class Variation:
    """A network of two layers with one sample, and how a student writes."""

    seed: int
    inputs: int = 2
    hidden: int = 2
    outputs: int = 2
    biases: bool = False
    bends: tuple[str, str] = ("sigmoid", "sigmoid")
    loss: str = "half squared error"
    style: str = "expanded"
    renamed: bool = False

    @classmethod
    def of(cls, seed: int) -> Variation:
        """The worked network first, then others."""
        draw = Random(f"variation {seed}")
        if seed == 0:
            return cls(seed)
        return cls(
            seed,
            inputs=draw.choice((1, 2, 3)) if seed % 4 else 2,
            hidden=draw.choice((2, 3)),
            outputs=draw.choice((2, 2, 3)),
            biases=draw.random() < 0.5,
            bends=(
                draw.choice(("sigmoid", "tanh", "relu")),
                draw.choice(("sigmoid", "tanh", "")),
            ),
            loss=draw.choice(("half squared error", "mean squared error")),
            style=STYLES[seed % len(STYLES)],
            renamed=seed % 3 == 0,
        )

    @cached_property
    def net(self) -> Net:
        bias = "" if self.biases else " no bias"
        draw = Random(f"numbers {self.seed}")
        first, last = (f"; {bend}" if bend else "" for bend in self.bends)
        given = " ".join(f"{draw.uniform(0.1, 0.9):.2f}" for _ in range(self.inputs))
        wanted = " ".join(f"{draw.uniform(0.1, 0.9):.2f}" for _ in range(self.outputs))
        text = (
            f"input {self.inputs}; dense {self.hidden}{bias}{first}; "
            f"dense {self.outputs}{bias}{last}; loss {self.loss}; rate 0.5; "
            f"sample {given} -> {wanted}"
        )
        return personalise(parse(text.replace("; ", "\n")), f"student {self.seed}")

    # Names --------------------------------------------------------------------------

    def hidden_weight(self, unit: int, source: int) -> str:
        return f"w{unit * self.inputs + source + 1}"

    def output_weight(self, unit: int, source: int) -> str:
        return f"w{self.hidden * self.inputs + unit * self.hidden + source + 1}"

    @property
    def of_hidden(self) -> list[str]:
        """The gradients of the hidden layer."""
        weights = [self.hidden_weight(j, i) for j in range(self.hidden) for i in range(self.inputs)]
        biases = [f"b{j + 1}" for j in range(self.hidden)] if self.biases else []
        sums = [f"h{j + 1}" for j in range(self.hidden)] if self.biases else []
        return [f"∂E/∂{name}" for name in (*weights, *sums, *biases)]

    @property
    def of_outputs(self) -> list[str]:
        weights = [
            self.output_weight(k, j) for k in range(self.outputs) for j in range(self.hidden)
        ]
        biases = [f"b{self.hidden + k + 1}" for k in range(self.outputs)] if self.biases else []
        sums = [f"o{k + 1}" for k in range(self.outputs)] if self.biases else []
        return [f"∂E/∂{name}" for name in (*weights, *sums, *biases)]

    @property
    def every(self) -> list[str]:
        return [*self.of_hidden, *self.of_outputs]

    # What a student writes --------------------------------------------------------------

    def activation(self, layer: int, unit: int) -> str:
        letter = "ho"[layer]
        return f"{{a_{letter}{unit + 1}}}" if self.bends[layer] else f"{{{letter}{unit + 1}}}"

    def slope(self, layer: int, unit: int, slopes: Mapping[str, str] = SLOPES) -> str:
        letter = "ho"[layer]
        said = slopes[self.bends[layer]]
        a, h = self.activation(layer, unit), f"{{{letter}{unit + 1}}}"
        return said.replace("{a}", a).replace("{h}", h)

    def signal(self, unit: int, turned: bool = False, slopes: Mapping[str, str] = SLOPES) -> str:
        """∂E/∂o of an output."""
        a, t = self.activation(1, unit), f"{{t{unit + 1}}}"
        error = f"({t}-{a})" if turned else f"({a}-{t})"
        factor = "" if self.loss.startswith("half") else f"*2/{self.outputs}"
        return f"{error}*{self.slope(1, unit, slopes)}{factor}"

    def formulas(
        self,
        *,
        turned: bool = False,
        times: str = "",
        ways: Sequence[int] | None = None,
        no_slope: bool = False,
        slopes: Mapping[str, str] = SLOPES,
    ) -> Formulas:
        """All gradients, with one of the usual mistakes in them."""
        through = range(self.outputs) if ways is None else ways
        signals = [self.signal(k, turned, slopes) for k in range(self.outputs)]
        found: Formulas = {}
        for j in range(self.hidden):
            parts = [(signals[k], f"{{{self.output_weight(k, j)}}}") for k in through]
            back = self._sum(parts)
            slope = "" if no_slope else f"*{self.slope(0, j, slopes)}"
            for i in range(self.inputs):
                name = self.hidden_weight(j, i)
                found[f"∂E/∂{name}"] = f"{times}{back}{slope}*{{i{i + 1}}}"
            if self.biases:
                found[f"∂E/∂b{j + 1}"] = found[f"∂E/∂h{j + 1}"] = f"{times}{back}{slope}"
        for k in range(self.outputs):
            for j in range(self.hidden):
                name = self.output_weight(k, j)
                found[f"∂E/∂{name}"] = f"{times}{signals[k]}*{self.activation(0, j)}"
            if self.biases:
                found[f"∂E/∂b{self.hidden + k + 1}"] = f"{times}{signals[k]}"
                found[f"∂E/∂o{k + 1}"] = f"{times}{signals[k]}"
        return found

    def _sum(self, parts: Sequence[tuple[str, str]]) -> str:
        if self.style == "sumproduct":
            return f"SUM({','.join(f'PRODUCT({a},{b})' for a, b in parts)})"
        return f"({'+'.join(f'{a}*{b}' for a, b in parts)})"


# Books ------------------------------------------------------------------------------


def exercise(variation: Variation, folder: Path, asked: Exercise | None = None) -> Path:
    """The book as it is given out."""
    path = folder / f"given-{variation.seed}.xlsx"
    if not path.exists():
        exercise = asked or Exercise(f"student {variation.seed}")
        write_workbook(variation.net, path, epochs=EPOCHS, rates=(), exercise=exercise)
    return path


def headings(sheet: Worksheet) -> dict[str, str]:
    """Each heading's column."""
    return {str(cell.value): cell.column_letter for cell in sheet[4] if cell.value is not None}


Entry = str | float | None | Callable[[int], str | float | None]  # by row, counted from 0


def hand_in(
    given: Path,
    entries: Mapping[str, Entry],
    variation: Variation | None = None,
    change: Callable[[Workbook], None] | None = None,
    name: str = "handed-in",
) -> Path:
    """The book with columns filled in; `change` does something else to it."""
    book = load_workbook(given)
    sheet = book["Training"]
    helpers = variation is not None and variation.style == "helpers"
    for heading, entry in entries.items():
        _fill(sheet, headings(sheet)[heading], entry, helpers)
    if variation is not None and variation.renamed:
        sheet.title, book["Network"].title = "Meine Tabelle", "Das Netz"
        _rename(book)
    if change is not None:
        change(book)
    path = given.with_name(f"{name}.xlsx")
    book.save(path)
    return path


def _fill(sheet: Worksheet, column: str, entry: Entry, helpers: bool) -> None:
    places = headings(sheet)
    aside = get_column_letter(sheet.max_column + 2)
    for row in range(EPOCHS):
        said = entry(row) if callable(entry) else entry
        if isinstance(said, str):
            cells = {name: f"{letters}{row + 5}" for name, letters in places.items()}
            said = f"={said.format(**cells)}"
            head, star, tail = said.removeprefix("=").rpartition("*")
            if helpers and star and head.count("(") == head.count(")"):
                sheet[f"{aside}{row + 5}"] = f"={head}"
                said = f"={aside}{row + 5}*{tail}"
        sheet[f"{column}{row + 5}"] = said


def _rename(book: Workbook) -> None:
    """As a program does that renames a sheet: references follow."""
    new = {"Training!": "'Meine Tabelle'!", "Network!": "'Das Netz'!"}
    for sheet in book:
        for line in sheet.iter_rows():
            for cell in line:
                if isinstance(cell.value, str) and cell.value.startswith("="):
                    cell.value = _replaced(cell.value, new)
    for defined in book.defined_names.values():
        defined.value = _replaced(defined.value, new)


def _replaced(text: str, new: Mapping[str, str]) -> str:
    for old, instead in new.items():
        text = text.replace(old, instead)
    return text


# Mistakes ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Mistake:
    """What a student does wrong, and what is to be said of it."""

    letter: str
    entries: Mapping[str, Entry]
    wrong: frozenset[str]  # the columns that aren't right
    kinds: frozenset[str]
    points: float
    said: str = ""  # in every reason


def mistakes(variation: Variation) -> Iterator[Mistake]:
    """(a) to (j)."""
    right = variation.formulas()
    if variation.style == "others":
        right = variation.formulas(slopes=OTHER_SLOPES)
    every, hidden = frozenset(variation.every), frozenset(variation.of_hidden)
    count = len(every)
    rest = count - 1.0  # what is made throughout costs once
    last = variation.outputs
    without = {**right, **_only(hidden, variation.formulas(ways=range(last - 1)))}
    yield Mistake("a", without, hidden, frozenset({"missing term"}), rest, f"path through E{last}")
    turned = variation.formulas(turned=True)
    yield Mistake("b", turned, every, frozenset({"wrong sign"}), rest, "wrong sign")
    if variation.inputs > 1:
        a, b = "∂E/∂w1", "∂E/∂w2"
        swapped = {**right, a: right[b], b: right[a]}
        both, kinds = frozenset({a, b}), frozenset({"swapped columns"})
        yield Mistake("c", swapped, both, kinds, rest, "exchanged")
    half = variation.formulas(times="0.5*")
    yield Mistake("d", half, every, frozenset({"missing factor"}), rest, "half")
    twice = variation.formulas(times="2*")
    kinds = frozenset({"one factor or term too many"})
    yield Mistake("d", twice, every, kinds, rest, "twice")
    flat = {**right, **_only(hidden, variation.formulas(no_slope=True))}
    yield Mistake("e", flat, hidden, frozenset({"missing factor"}), rest, "slope")
    only = {**right, **_only(hidden, variation.formulas(ways=[0]))}
    yield Mistake("f", only, hidden, frozenset({"missing term"}), rest, "lacks the path")
    some = frozenset({variation.of_outputs[0], variation.of_hidden[-1]})
    typed = {**right, **{name: (lambda row: 0.01 + row / 1000) for name in some}}
    yield Mistake("g", typed, some, frozenset({"pasted value"}), count - 2.0, "typed")
    yield Mistake("h", variation.formulas(slopes=OTHER_SLOPES), frozenset(), frozenset(), count)
    blank = {name: None if name in some else formula for name, formula in right.items()}
    yield Mistake("i", blank, some, frozenset({"to fill in"}), count - 2.0, "to be filled in")
    first, second = (f"∂E/∂{variation.output_weight(0, j)}" for j in range(2))
    early = right[first].replace(variation.activation(0, 0), variation.activation(1, 0))
    early = f"{early}*{{i1}}" if early == right[first] else early
    follows = f"{{{first}}}/{variation.activation(0, 0)}*{variation.activation(0, 1)}"
    carried = {**right, first: early, second: follows}
    yield Mistake("j", carried, frozenset({first}), frozenset(), count - 1.0)


def _only(names: frozenset[str], formulas: Formulas) -> Formulas:
    return {name: formula for name, formula in formulas.items() if name in names}


def as_saved_elsewhere(book: Workbook) -> None:
    """As a program that keeps cells, and none of a book's properties."""
    book.properties.description = None
    book.properties.title = book.properties.subject = book.properties.keywords = None
    book.properties.creator = "another program"


def without_names(book: Workbook, in_formulas: bool = True) -> None:
    """As a program that knows no names: they become the cells that they meant, or nothing."""
    names = {name: defined.attr_text for name, defined in book.defined_names.items()}
    for sheet in book if in_formulas else ():
        for line in sheet.iter_rows():
            for cell in line:
                if isinstance(cell.value, str) and cell.value.startswith("="):
                    for name in sorted(names, key=len, reverse=True):
                        cell.value = cell.value.replace(name, names[name])
    for name in names:
        del book.defined_names[name]
