"""Where people let a training's steps go, and the book that comes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gradbook.cells.formula.address import letters
from tests.audit.material.layouts.sketch import MENTION, STEPS, Quantity, Sketch
from tests.audit.material.made import Spot, Table

TOP, LEFT = 5, 1  # of the first step
SETTINGS = "input", "setting"  # what is the same in all steps, where nobody repeats it

Place = Callable[[str, int], Spot | None]  # a quantity in a step → its cell


@dataclass(frozen=True)
class Layout:
    """A way to place a training: each quantity of each step, and the cells that serve all."""

    place: Callable[[Sketch], Place]
    heading: Callable[[Sketch], Mapping[Spot, str]]
    fixed: frozenset[str] = frozenset()  # names whose cells are the same in all steps
    word: Callable[[str], str] | None = None  # a name that a formula has for a cell, or ''


def laid(sketch: Sketch, layout: str | Layout, steps: int = STEPS) -> Table:
    """The book."""
    chosen = LAYOUTS[layout] if isinstance(layout, str) else layout
    place = chosen.place(sketch)
    table = Table({})
    for spot, text in chosen.heading(sketch).items():
        table.sheets.setdefault(spot[0], {})[spot[1:]] = text
    for step in range(steps):
        for quantity in sketch.quantities:
            spot = place(quantity.called, step)
            if spot is None or (quantity.given and spot[1:] in table.sheets.get(spot[0], {})):
                continue
            said = quantity.said(step)
            content = written(sketch, chosen, said, spot, step) if isinstance(said, str) else said
            table.sheets.setdefault(spot[0], {})[spot[1:]] = content
    return table


def spots(sketch: Sketch, layout: str, called: str, steps: int = STEPS) -> list[Spot]:
    """The cells of a quantity in which its usual formula stands."""
    place = LAYOUTS[layout].place(sketch)
    quantity = next(q for q in sketch.quantities if q.called == called)
    found = [place(called, k) for k in range(1 if quantity.first is not None else 0, steps)]
    return [spot for spot in found if spot is not None]


def written(sketch: Sketch, layout: Layout, said: str, home: Spot, step: int) -> str:
    """A formula with cells in the place of names."""
    place = layout.place(sketch)

    def mention(name: str, spot: Spot) -> str:
        called = layout.word(name) if layout.word else ""
        return called or _mention(sketch, name, spot, home, name in layout.fixed)

    def cell(called: str, back: str) -> Spot:
        spot = place(called, step - 1 if back else step)
        assert spot is not None, called
        return spot

    def word(found) -> str:  # type: ignore[no-untyped-def]
        name, sample, back = found[1], found[2] or "", found[3]
        if sample != "@*":
            return mention(name, cell(name + sample, back))
        each = [cell(f"{name}@{s}", back) for s in range(1, sketch.samples + 1)]
        first, last = each[0], each[-1]
        if (last[1] - first[1], last[2] - first[2]) in ((len(each) - 1, 0), (0, len(each) - 1)):
            return f"{mention(name, first)}:{_named(last)}"
        return ",".join(mention(name, spot) for spot in each)

    return "=" + MENTION.sub(word, said)


def _mention(sketch: Sketch, name: str, spot: Spot, home: Spot, fixed: bool) -> str:
    sheet, row, column = spot
    is_setting = any(q.name == name and q.kind in SETTINGS for q in sketch.quantities)
    fixed = fixed or (is_setting and _stands(spot))
    text = f"${letters(column)}${row + 1}" if fixed else _named(spot)
    return text if sheet == home[0] else f"'{sheet}'!{text}"


def _stands(spot: Spot) -> bool:
    return spot[1] < TOP - 1


def _named(spot: Spot) -> str:
    return f"{letters(spot[2])}{spot[1] + 1}"


# The places ----------------------------------------------------------------------------


def _settings(sketch: Sketch) -> dict[str, Spot]:
    """Settings side by side at the top, each below its name."""
    names = [q.called for q in sketch.of("setting")]
    return {name: ("Sheet1", 1, LEFT + k) for k, name in enumerate(names)}


def _moving(sketch: Sketch) -> list[Quantity]:
    return [q for q in sketch.quantities if q.kind != "setting"]


def _top_words(sketch: Sketch) -> dict[Spot, str]:
    return {("Sheet1", 0, spot[2]): name for name, spot in _settings(sketch).items()}


def _in_rows(sketch: Sketch) -> Place:
    columns = {q.called: LEFT + k for k, q in enumerate(_moving(sketch))}
    settings = _settings(sketch)
    return lambda called, step: settings.get(called) or ("Sheet1", TOP + step, columns[called])


def _row_words(sketch: Sketch) -> dict[Spot, str]:
    names = {("Sheet1", TOP - 1, LEFT + k): q.called for k, q in enumerate(_moving(sketch))}
    return {**names, **_top_words(sketch)}


def _in_columns(sketch: Sketch) -> Place:
    rows = {q.called: TOP + k for k, q in enumerate(_moving(sketch))}
    settings = _settings(sketch)
    return lambda called, step: settings.get(called) or ("Sheet1", rows[called], LEFT + 1 + step)


def _column_words(sketch: Sketch) -> dict[Spot, str]:
    names = {("Sheet1", TOP + k, LEFT): q.called for k, q in enumerate(_moving(sketch))}
    return {**names, **_top_words(sketch)}


def _in_blocks(sketch: Sketch) -> Place:
    """A row for each sample, steps below each other; what is the whole step's, in the first."""
    names = list(dict.fromkeys(q.name for q in _moving(sketch)))
    columns = {name: LEFT + k for k, name in enumerate(names)}
    settings, height = _settings(sketch), sketch.samples + 1

    def place(called: str, step: int) -> Spot:
        name, _, sample = called.partition("@")
        row = TOP + step * height + (int(sample) - 1 if sample else 0)
        return settings.get(called) or ("Sheet1", row, columns[name])

    return place


def _block_words(sketch: Sketch) -> dict[Spot, str]:
    names = list(dict.fromkeys(q.name for q in _moving(sketch)))
    found: dict[Spot, str] = {("Sheet1", TOP - 1, LEFT + k): n for k, n in enumerate(names)}
    return {**found, **_top_words(sketch)}


def _in_forms(sketch: Sketch) -> Place:
    """A form for each step, names beside numbers; forms below each other."""
    return _forms(sketch, lambda step, tall: ("Sheet1", TOP + step * (tall + 1), LEFT))


def _on_sheets(sketch: Sketch) -> Place:
    """The same form on a sheet of its own for each step."""
    return _forms(sketch, lambda step, tall: (f"Step {step + 1}", 2, LEFT))


ACROSS = 4  # names beside each other in a form


def _forms(sketch: Sketch, corner: Callable[[int, int], Spot]) -> Place:
    every = _moving(sketch)
    tall = -(-len(every) // ACROSS)
    numbers = {q.called: k for k, q in enumerate(every)}
    settings = _settings(sketch)

    def place(called: str, step: int) -> Spot:
        if called in settings:
            return settings[called]
        sheet, row, column = corner(step, tall)
        down, across = divmod(numbers[called], ACROSS)
        return sheet, row + down, column + 2 * across + 1

    return place


def _form_words(place: Callable[[Sketch], Place]) -> Callable[[Sketch], dict[Spot, str]]:
    def words(sketch: Sketch) -> dict[Spot, str]:
        where = place(sketch)
        found = _top_words(sketch)
        for step in range(STEPS):
            for q in _moving(sketch):
                spot = where(q.called, step)
                assert spot is not None
                found[spot[0], spot[1], spot[2] - 1] = q.called
        return found

    return words


LAYOUTS: dict[str, Layout] = {
    "a step a row": Layout(_in_rows, _row_words),
    "a step a column": Layout(_in_columns, _column_words),
    "a block per step": Layout(_in_blocks, _block_words),
    "a form per step": Layout(_in_forms, _form_words(_in_forms)),
    "a sheet per step": Layout(_on_sheets, _form_words(_on_sheets)),
}
