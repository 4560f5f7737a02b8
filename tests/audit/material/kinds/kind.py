"""A right book of some kind: what people make by hand, who says that it is right, and mistakes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from gradbook.cells.formula.address import letters
from tests.audit.material.made import Content, Spot, Table, cells_of
from tests.audit.material.small import filled

Areas = Mapping[str, Content]
Values = Mapping[str, float]  # 'Sheet1!B7' → its number
Claims = Callable[[Values], Mapping[str, float]]  # what some cells should be, given all numbers

MAIN = "Sheet1"
MENTION = re.compile(r"\{(\$?)([^{}<]+)(<?)\}")


@dataclass(frozen=True)
class Kind:
    """A right book, its witnesses, and the same book with mistakes.

    Of a loss with a formula, the witness nudges each weight and looks at what becomes of the loss;
    other numbers are computed without the sheet.
    """

    table: Table
    loss: str = ""  # of one step, in the sheet's cells
    slopes: Mapping[str, str] = field(default_factory=dict)  # a gradient's cell → its weight's
    factor: float = 1.0  # what all gradients are multiplied by
    claims: Claims = lambda values: {}
    mistakes: Mapping[str, Table] = field(default_factory=dict)
    is_training: bool = True  # else there is nothing to check
    iterates: bool = False  # the circle in it is meant
    precision: float = 1e-5


def typed(
    *sheets: Areas, titles: Sequence[str] = (), names: Mapping[str, str] | None = None
) -> Table:
    """A book typed cell by cell, each formula filled over its area."""
    called = [*titles, *(f"Sheet{k + 1}" for k in range(len(titles), len(sheets)))]
    cells = {title: filled(areas) for title, areas in zip(called, sheets, strict=True)}
    return Table(cells, dict(names or {}))


def spoilt(table: Table, changed: Areas, sheet: str = MAIN) -> Table:
    """The book with other formulas in some cells, which are marked."""
    made = table.copy()
    new = filled(changed)
    made.sheets[sheet] = {**made.sheets[sheet], **new}
    return Table(made.sheets, made.names, frozenset((sheet, *place) for place in new))


def on(cells: Mapping[str, str], sheet: str = MAIN) -> dict[str, str]:
    """Cells of one sheet by their full names."""
    return {f"{sheet}!{cell}": f"{sheet}!{other}" for cell, other in cells.items()}


def pairs(gradients: str, weights: str, sheet: str = MAIN) -> dict[str, str]:
    """The cells of two areas of one shape, one by one: gradients and their weights."""
    found = zip(cells_of(gradients), cells_of(weights), strict=True)
    return {f"{sheet}!{_named(*g)}": f"{sheet}!{_named(*w)}" for g, w in found}


def _named(row: int, column: int) -> str:
    return f"{letters(column)}{row + 1}"


# Tables of steps -----------------------------------------------------------------------


@dataclass(frozen=True)
class Steps:
    """Columns by their headings, a step a row; or rows, a step a column.

    {w} is a quantity of the same step, {w<} of the one before, {$η} a setting. A pair is the first
    step's content and that of the others, a list is typed over and over.
    """

    columns: Mapping[str, Content | tuple[Content, Content] | list[float]]
    settings: Mapping[str, float] = field(default_factory=dict)
    steps: int = 10
    across: bool = False
    elsewhere: Mapping[str, Sequence[str]] = field(default_factory=dict)  # sheet → its columns
    settings_on: str = MAIN
    top: int = 5  # the row of the first step, counted from 0
    left: int = 0

    def spot(self, name: str, step: int) -> Spot:
        """The cell of a quantity in a step."""
        for sheet, names in self.elsewhere.items():
            if name in names:
                return (sheet, *self._turned(self.top + step, self.left + names.index(name)))
        apart = {name for names in self.elsewhere.values() for name in names}
        own = [name for name in self.columns if name not in apart]
        return (MAIN, *self._turned(self.top + step, self.left + own.index(name)))

    def cell(self, name: str, step: int = 3) -> str:
        sheet, row, column = self.spot(name, step)
        return f"{sheet}!{_named(row, column)}"

    def line(self, name: str) -> list[str]:
        return [self.cell(name, step) for step in range(self.steps)]

    def table(self, changed: Mapping[str, Content] | None = None) -> Table:
        """The book; with other formulas, their cells are marked."""
        sheets: dict[str, dict[tuple[int, int], Content]] = {MAIN: {}, self.settings_on: {}}
        for k, (name, number) in enumerate(self.settings.items()):
            sheets[self.settings_on][0, k] = name
            sheets[self.settings_on][1, k] = number
        marked = set()
        for name, usual in self.columns.items():
            content = usual
            if changed and name in changed:
                content = (usual[0], changed[name]) if isinstance(usual, tuple) else changed[name]
            sheet, row, column = self.spot(name, 0)
            back = (row, column - 1) if self.across and column else (row - 1, column)
            sheets.setdefault(sheet, {})[back] = name
            for step in range(self.steps):
                place = self.spot(name, step)
                said = self._said(content, step, place)
                sheets[sheet][place[1:]] = said
                if changed and name in changed and isinstance(said, str):
                    marked.add(place)
        return Table(sheets, marked=frozenset(marked))

    def _said(
        self, content: Content | tuple[Content, Content] | list[float], step: int, home: Spot
    ) -> Content:
        if isinstance(content, list):
            return content[step % len(content)]
        if isinstance(content, tuple):
            content = content[min(step, 1)]
        if not isinstance(content, str):
            return content

        def mentioned(found: re.Match[str]) -> str:
            if found[1]:
                place = f"${letters(list(self.settings).index(found[2]))}$2"
                sheet = self.settings_on
            else:
                sheet, *rest = self.spot(found[2], step - bool(found[3]))
                place = _named(*rest)
            return place if sheet == home[0] else f"{sheet}!{place}"

        return MENTION.sub(mentioned, content)

    def _turned(self, row: int, column: int) -> tuple[int, int]:
        return (column + 3, row - self.top + 2) if self.across else (row, column)


def training(
    steps: Steps,
    loss: str,
    slopes: Mapping[str, str],
    mistakes: Mapping[str, Content],
    *,
    factor: float = 1.0,
    claims: Claims = lambda values: {},
    at: int = 3,
    precision: float = 1e-5,
) -> Kind:
    """A training by its columns: the gradients' names and the weights', and wrong formulas."""
    said = MENTION.sub(
        lambda m: (
            f"{steps.settings_on}!${letters(list(steps.settings).index(m[2]))}$2"
            if m[1]
            else steps.cell(m[2], at)
        ),
        loss,
    )
    return Kind(
        steps.table(),
        said,
        {steps.cell(g, at): steps.cell(w, at) for g, w in slopes.items()},
        factor,
        claims,
        {f"{name} {k}": steps.table({name: wrong}) for k, (name, wrong) in _each(mistakes)},
        precision=precision,
    )


def _each(mistakes: Mapping[str, Content]) -> list[tuple[int, tuple[str, Content]]]:
    """Mistakes by the name of what they spoil; a name may end in spaces, to stand twice."""
    return [(k, (name.strip(), wrong)) for k, (name, wrong) in enumerate(mistakes.items(), 1)]


def by_optimiser(
    word: str,
    steps: Steps,
    weights: Mapping[str, str],
    rate_at: Callable[[int], float] | None = None,
    **settings: object,
) -> Claims:
    """What PyTorch's optimiser makes of each weight's first number, given its gradients."""

    def claimed(values: Values) -> Mapping[str, float]:
        import torch

        found = {}
        for weight, gradient in weights.items():
            line, given = steps.line(weight), steps.line(gradient)
            one = torch.tensor([values[line[0]]], dtype=torch.float64, requires_grad=True)
            rule = getattr(torch.optim, word)([one], **settings)
            for k, cell in enumerate(line[1:]):
                if rate_at is not None:
                    rule.param_groups[0]["lr"] = rate_at(k)
                one.grad = torch.tensor([values[given[k]]], dtype=torch.float64)
                rule.step()
                found[cell] = one.item()
        return found

    return claimed
