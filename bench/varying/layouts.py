"""Where a training stands in a book, by lot: its sheets, first cells, order, headings and names."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from gradbook.cells.formula.address import letters
from tests.audit.material.layouts.places import Layout
from tests.audit.material.layouts.sketch import Quantity, Sketch
from tests.audit.material.made import Content, Spot

WORDS = {  # headings: what stands before a quantity's own name
    "symbols": {},
    "none": {"": None},
    "English": {"weight": "weight ", "gradient": "d", "loss": "Loss", "input": "in ", "η": "rate"},
    "German": {
        "weight": "Gewicht ",
        "gradient": "Ableitung nach ",
        "loss": "Fehler",
        "input": "Eingabe ",
        "η": "Lernrate",
    },
    "French": {
        "weight": "poids ",
        "gradient": "dérivée ",
        "loss": "erreur",
        "input": "entrée ",
        "η": "taux",
    },
    "Spanish": {"weight": "peso ", "gradient": "gradiente ", "loss": "pérdida", "η": "tasa"},
    "Chinese": {
        "weight": "权重",
        "gradient": "梯度",
        "loss": "损失",
        "input": "输入",
        "η": "学习率",
    },
}
NAMES = {"η": "rate_", "μ": "mu_", "β1": "beta_1", "β2": "beta_2", "ε": "eps_", "λ": "lambda_"}
ORDERS = (
    ("counter", "input", "weight", "forward", "error", "loss", "delta", "share", "gradient"),
    ("counter", "weight", "input", "forward", "delta", "share", "gradient", "error", "loss"),
    ("input", "forward", "error", "loss", "delta", "share", "gradient", "counter", "weight"),
    ("gradient", "counter", "loss", "weight", "share", "delta", "error", "forward", "input"),
)
PARTS = {  # the sheet of each kind of quantity where the passes have sheets of their own
    "Params": ("counter", "weight"),
    "Forward": ("input", "forward", "error", "loss", "penalty"),
    "Backward": ("delta", "share", "gradient", "memory"),
}


@dataclass(frozen=True)
class Ground:
    """A layout, the names that it defines, and cells that aren't part of any step."""

    layout: Layout
    names: Mapping[str, str]
    words: str
    further: Mapping[Spot, Content]


def drawn(sort: str, sketch: Sketch, steps: int, draw: random.Random) -> Ground:
    """A layout of some sort."""
    corners = CORNERS[sort](sketch, draw)
    settings = [q.called for q in sketch.of("setting")]
    style = draw.choice(["above", "sheet", "names"])
    sheet = "Parameter" if style != "above" else corners.main
    left = draw.randint(0, 3)
    fixed = {name: (sheet, 1, left + k) for k, name in enumerate(settings)}

    def place(called: str, step: int) -> Spot:
        return fixed.get(called) or corners.place(called, step)

    language = draw.choice(list(WORDS))
    defined = {name: NAMES[name] for name in settings if name in NAMES} if style == "names" else {}

    def heading(_: Sketch) -> dict[Spot, str]:
        every = {name: (spot[0], spot[1] - 1, spot[2]) for name, spot in fixed.items()}
        for q in sketch.quantities:
            if q.called not in fixed:
                every |= {f"{q.called} {k}": spot for k, spot in corners.headings(q.called, steps)}
        kinds = {q.called: q.kind for q in sketch.quantities}
        return {
            spot: text
            for called, spot in every.items()
            if (text := _text(called.partition(" ")[0], kinds, WORDS[language])) is not None
        }

    layout = Layout(lambda _: place, heading, frozenset(fixed), lambda name: defined.get(name, ""))
    names = {
        defined[n]: f"{s}!${letters(c)}${r + 1}" for n, (s, r, c) in fixed.items() if n in defined
    }
    return Ground(layout, names, f"{sort}, settings: {style}, headings: {language}", {})


def _text(called: str, kinds: Mapping[str, str], words: Mapping[str, str | None]) -> str | None:
    """A quantity's heading in some language."""
    if "" in words:
        return None
    name = called.partition("@")[0]
    kind = kinds[called]
    if name in words:
        return words[name]
    if kind == "loss":
        return words.get(kind, name)
    own = name.removeprefix("∂E/∂") if kind in words else name
    return f"{words.get(kind, '')}{own}"


# The cells of each sort ---------------------------------------------------------------


@dataclass(frozen=True)
class Corners:
    """The cells of all quantities that change."""

    main: str  # the sheet of settings, if they stand above the steps
    place: Callable[[str, int], Spot]
    headings: Callable[[str, int], Sequence[tuple[int, Spot]]]  # a name, steps → once for some


def _moving(sketch: Sketch, draw: random.Random) -> list[Quantity]:
    """Quantities in an order that somebody may have chosen."""
    order = draw.choice(ORDERS)
    moving = [q for q in sketch.quantities if q.kind != "setting"]
    if draw.random() < 0.3:
        return moving
    place = {kind: k for k, kind in enumerate(order)}
    return sorted(moving, key=lambda q: place.get(q.kind, len(order)))


def _columns(
    moving: Sequence[str], kinds: Mapping[str, str], draw: random.Random
) -> dict[str, int]:
    """A column for each name; a free one between some groups."""
    column, found, last = draw.randint(0, 5), {}, ""
    gap = draw.choice([0, 0, 1])
    for name in dict.fromkeys(moving):
        column += gap * (bool(last) and kinds[name] != last)
        found[name], last = column, kinds[name]
        column += 1
    return found


def _rows(sketch: Sketch, draw: random.Random) -> Corners:
    moving = _moving(sketch, draw)
    columns = _columns([q.called for q in moving], {q.called: q.kind for q in moving}, draw)
    top, sheet = draw.randint(4, 14), draw.choice(["Tabelle1", "net", "Sheet1", "Feuille 1"])
    sheet = sheet.replace(" ", "")
    return Corners(
        sheet,
        lambda called, step: (sheet, top + step, columns[called]),
        lambda called, _: [(0, (sheet, top - 1, columns[called]))],
    )


def _across(sketch: Sketch, draw: random.Random) -> Corners:
    down = _rows(sketch, draw)
    shift = draw.randint(4, 9)

    def turned(spot: Spot) -> Spot:
        return spot[0], spot[2] + shift, spot[1]

    return Corners(
        down.main,
        lambda called, step: turned(down.place(called, step)),
        lambda called, steps: [(k, turned(s)) for k, s in down.headings(called, steps)],
    )


def _blocks(sketch: Sketch, draw: random.Random) -> Corners:
    """A row for each sample; what belongs to the whole step, in the first."""
    moving = _moving(sketch, draw)
    columns = _columns([q.name for q in moving], {q.name: q.kind for q in moving}, draw)
    top, height = draw.randint(4, 9), sketch.samples + draw.randint(0, 2)
    sheet = draw.choice(["Epochen", "Sheet1", "training"])

    def place(called: str, step: int) -> Spot:
        name, _, sample = called.partition("@")
        return sheet, top + step * height + int(sample or 1) - 1, columns[name]

    return Corners(
        sheet,
        place,
        lambda called, _: [(0, (sheet, top - 1, columns[called.partition("@")[0]]))],
    )


def _sheets_by_part(sketch: Sketch, draw: random.Random) -> Corners:
    tops = {part: draw.randint(4, 8) for part in PARTS}
    parts = {kind: part for part, kinds in PARTS.items() for kind in kinds}
    columns: dict[str, tuple[str, int]] = {}
    for part in PARTS:
        here = [q for q in _moving(sketch, draw) if parts[q.kind] == part]
        own = _columns([q.called for q in here], {q.called: q.kind for q in here}, draw)
        columns |= {name: (part, column) for name, column in own.items()}

    def place(called: str, step: int) -> Spot:
        part, column = columns[called]
        return part, tops[part] + step, column

    return Corners("Params", place, lambda called, _: [(0, place(called, -1))])


def _sheet_per_step(sketch: Sketch, draw: random.Random) -> Corners:
    moving = _moving(sketch, draw)
    wide, left, top = draw.randint(3, 6), draw.randint(0, 3), draw.randint(4, 6)
    word = draw.choice(["Epoch", "Schritt", "it"])
    numbers = {q.called: k for k, q in enumerate(moving)}

    def place(called: str, step: int) -> Spot:
        down, across = divmod(numbers[called], wide)
        return f"{word}{step + 1}", top + 2 * down, left + across

    def headings(called: str, steps: int) -> list[tuple[int, Spot]]:
        spots = [place(called, k) for k in range(steps)]
        return [(k, (s, r - 1, c)) for k, (s, r, c) in enumerate(spots)]

    return Corners(f"{word}1", place, headings)


CORNERS: dict[str, Callable[[Sketch, random.Random], Corners]] = {
    "rows": _rows,
    "columns": _across,
    "blocks": _blocks,
    "sheets by part": _sheets_by_part,
    "a sheet per step": _sheet_per_step,
}


# Other ways to give a step its inputs and weights -------------------------------------


def by_index(sketch: Sketch, draw: random.Random) -> tuple[Sketch, dict[Spot, Content]]:
    """The inputs of each step fetched from a list of samples by INDEX and MOD."""
    count, inputs = draw.randint(3, 5), sketch.of("input")
    top, left = draw.randint(1, 4), draw.randint(0, 3)
    cells: dict[Spot, Content] = {}
    found = []
    for k, q in enumerate(inputs):
        for row in range(count):
            cells["Samples", top + row, left + k] = round(draw.uniform(0.1, 0.9), 2)
        column = letters(left + k)
        area = f"Samples!${column}${top + 1}:${column}${top + count}"
        found.append(replace(q, formula=f"INDEX({area},MOD({{n}}-1,{count})+1)", given=()))
    rest = [q for q in sketch.quantities if q.kind != "input"]
    counter = Quantity("n", "{n<}+1", 1.0, "counter")
    return replace(sketch, quantities=(counter, *found, *rest)), cells


def carried_down(sketch: Sketch) -> Sketch:
    """The weights beside each sample: the first sample's updated, the others' by =D3."""
    weights = {q.name for q in sketch.of("weight")}
    found: list[Quantity] = []
    for q in sketch.quantities:
        sample = q.sample or 1
        said = {
            field: _beside(getattr(q, field), weights, sample) for field in ("formula", "first")
        }
        if q.name not in weights:
            found.append(replace(q, **said))
            continue
        found.append(replace(q, sample=1, **said))
        found += [
            Quantity(q.name, f"{{{q.name}@{k - 1}}}", kind="weight", sample=k)
            for k in range(2, sketch.samples + 1)
        ]
    return replace(sketch, quantities=tuple(found))


def _beside(said: object, weights: set[str], sample: int) -> object:
    if isinstance(said, str):
        for weight in weights:
            said = said.replace(f"{{{weight}}}", f"{{{weight}@{sample}}}")
            said = said.replace(f"{{{weight}<}}", f"{{{weight}@1<}}")
    return said
