"""Networks drawn in the plane, at random: neurons where they stand in the picture, with names."""

from __future__ import annotations

import random

from gradbook.cells.formula.address import letters
from tests.audit.material.worked_once.book import ACTIVATIONS, DERIVATIVES, WorkedBook

FAULTS = ("mask", "factor", "weight", "target", "sign", "input", "term")


class PlaneSheet:
    """A network drawn: a column of neurons for each layer, each with its sum, its activation, its
    delta and the weights that lead to it; targets and the rate have names."""

    def __init__(self, draw: random.Random, fault: str = "") -> None:
        self.draw = draw
        self.fault = fault
        self.book = WorkedBook()
        layers = draw.randint(1, 2)
        self.sizes = [draw.randint(2, 3) for _ in range(layers + 1)]
        self.function = draw.choice(("sigmoid", "tanh", "relu"))
        self.switch = draw.random() < 0.5
        self.updates = draw.random() < 0.5
        self.blank = self.updates and draw.random() < 0.3
        self.loss = draw.random() < 0.6
        self.chosen = draw.randrange(layers), draw.randrange(min(self.sizes[1:]))
        self._write()

    def place(self, layer: int, unit: int, row: int, column: int) -> str:
        return f"{letters(3 + layer * 8 + column)}{3 + unit * 9 + row}"

    def number(self, cell: str, low: float = -1) -> str:
        if not self.blank:
            self.book.numbers[cell] = round(self.draw.uniform(low, 1), 3)
        return cell

    def by_switch(self, said: str, other: str) -> str:
        if not self.switch:
            return said
        return f'IF(Activation="{self.function}",{said},{other})'

    def _write(self) -> None:
        book = self.book
        book.texts["A1"] = "Learning rate"
        book.numbers["B1"] = 0.1
        book.rate = 0.1 if self.updates else 0
        book.blank = self.blank
        book.names["LearningRate"] = "$B$1"
        if self.switch:
            book.texts |= {"A2": "Activation", "B2": self.function}
            book.names["Activation"] = "$B$2"
        said = [self.number(self.place(0, j, 0, 0)) for j in range(self.sizes[0])]
        units = [said]
        for layer in range(1, len(self.sizes)):
            said = [self._unit(layer, j, said) for j in range(self.sizes[layer])]
            units.append(said)
        deltas: list[str] = []
        for layer in reversed(range(1, len(self.sizes))):
            deltas = [self._delta(layer, j, units, deltas) for j in range(self.sizes[layer])]
            for j, delta in enumerate(deltas):
                self._slopes(layer, j, units[layer - 1], delta)

    def _weight(self, layer: int, j: int, k: int) -> str:
        return self.place(layer, j, k, 0)

    def _bias(self, layer: int, j: int) -> str:
        return self.place(layer, j, self.sizes[layer - 1], 0)

    def _unit(self, layer: int, j: int, said: list[str]) -> str:
        for k in range(len(said)):
            self.book.texts.setdefault(self.place(layer, j, -1, 0), f"weights {layer}.{j}")
            self.number(self._weight(layer, j, k))
        self.number(self._bias(layer, j))
        z, a = self.place(layer, j, 0, 3), self.place(layer, j, 1, 3)
        terms = [f"{self._weight(layer, j, k)}*{x}" for k, x in enumerate(said)]
        self.book.formulas[z] = "+".join([*terms, self._bias(layer, j)])
        value = ACTIVATIONS[self.function].format(z=z)
        self.book.formulas[a] = self.by_switch(value, f"IF({z}<0,0,1)")
        return a

    def _delta(self, layer: int, j: int, units: list[list[str]], after: list[str]) -> str:
        z, a = self.place(layer, j, 0, 3), units[layer][j]
        slope = self.by_switch(f"({DERIVATIVES[self.function]})".format(z=z, a=a), "0")
        here = self.fault if (layer - 1, j) == self.chosen else ""
        cell = self.place(layer, j, 0, 4)
        self.book.texts[self.place(layer, j, -1, 4)] = f"delta {layer}.{j}"
        if after:
            terms = [f"{d}*{self._weight(layer + 1, k, j)}" for k, d in enumerate(after)]
            if here == "weight" and len(self.sizes) > 2:
                terms[0] = f"{after[0]}*{self._weight(layer + 1, 0, (j + 1) % self.sizes[layer])}"
                self.book.wrong = {cell}
            if here == "term" and len(terms) > 1:
                terms.pop()
                self.book.wrong = {cell}
            error = f"({'+'.join(terms)})"
        else:
            error = self._error(j, a, cell, here)
        if here in ("mask", "sign"):
            self.book.wrong = {cell}
        sign = "-" if here == "sign" else ""
        self.book.formulas[cell] = error if here == "mask" else f"{sign}{error}*{slope}"
        return cell

    def _error(self, j: int, a: str, cell: str, here: str) -> str:
        layer = len(self.sizes) - 1
        self.number(self.place(layer + 1, j, 0, 0), low=0)
        row, column = 3 + j * 9, letters(3 + (layer + 1) * 8)
        self.book.names[f"Target{j + 1}"] = f"${column}${row}"
        if self.loss:
            self.book.texts[self.place(layer + 1, j, -1, 1)] = "Error"
            loss = self.place(layer + 1, j, 0, 1)
            self.book.formulas[loss] = f"0.5*({a}-Target{j + 1})^2"
            self.book.losses.append(loss)
        wanted = j
        if here == "target":
            wanted = (j + 1) % self.sizes[-1]
            self.book.wrong = {cell}
        return f"({a}-Target{wanted + 1})"

    def _slopes(self, layer: int, j: int, said: list[str], delta: str) -> None:
        here = self.fault if (layer - 1, j) == self.chosen else ""
        for k, x in enumerate(said):
            slope, is_first = f"{delta}*{x}", k == 0
            cell = self.place(layer, j, k, 1)
            if is_first and here == "input":
                slope = f"{delta}*{said[1]}"
                self.book.wrong = {cell}
            if is_first and here == "factor":
                slope = f"2*{slope}"
                self.book.wrong = {cell}
            self._write_slope(cell, self._weight(layer, j, k), slope)
        cell = self.place(layer, j, len(said), 1)
        self._write_slope(cell, self._bias(layer, j), f"1*{delta}")

    def _write_slope(self, cell: str, weight: str, slope: str) -> None:
        self.book.gradients += 1
        self.book.slopes[weight] = cell
        updated = f"{weight}-LearningRate*({slope})"
        self.book.formulas[cell] = updated if self.updates else slope


def plane_book(number: int, fault: str = "") -> WorkedBook:
    """A network drawn in the plane; with a fault, unless it has no place for it."""
    return PlaneSheet(random.Random(f"plane {number}"), fault).book
