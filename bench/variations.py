"""Makes books of many kinds and layouts, clean and with a mistake, and says what is true of each.

    python bench/variations.py FOLDER [--seed N] [--each N] [--kind NAME]...
    python bench/variations.py out/variations --seed 3
    python bench/truths.py out/variations --again

FOLDER gets the books, recalculated by LibreOffice, and their `truth.json`. Each kind is drawn
`--each` times: what is learned, by which rule, where it stands, in which language. Each clean book
is confirmed by finite differences that LibreOffice computes and by the optimiser in Python; what
isn't confirmed is named and left out. Each has some twins: rewritten and still right, or with a
mistake, which changes at least one value in the cells that have it.
"""

from __future__ import annotations

import json
import random
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isclose, nan
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))

from varying import matrices
from varying.layouts import CORNERS, Ground, by_index, carried_down, drawn
from varying.mistakes import MISTAKES, Formulas, Spoiling, Steps, changed
from varying.networks import WRITTEN, Passes, dense, written
from varying.witness import disagreements, table_with_differences, values_of

from gradbook.cells.formula.address import Address, pack, ranges
from tests.audit.material.layouts.optimisers import B2, EPS, MU, RATES, RULES, Rule, T, by_rule
from tests.audit.material.layouts.places import laid
from tests.audit.material.layouts.places import written as formula_in
from tests.audit.material.layouts.sketch import Quantity, Shape, Sketch, drawn_shape
from tests.audit.material.made import Cells, Content, Spot, Table, cells_of
from tests.outside.witness import read_values, recalculate_all

FURTHER = {  # rules that the layouts of the tests don't have
    "stopping": Rule("IF({E_total<}<0.001,{⟦w⟧<},{⟦w⟧<}-{⟦η⟧}*{⟦g⟧<})", sort="descent"),
    "halved later": Rule(
        "IF({t<}>4,{⟦w⟧<}-{⟦η⟧}*{⟦g⟧<}/2,{⟦w⟧<}-{⟦η⟧}*{⟦g⟧<})", counters=(T,), sort="descent"
    ),
    "sign": Rule("{⟦w⟧<}-{⟦η⟧}*SIGN({⟦g⟧<})", sort="sign"),
    "looking ahead": Rule(
        "{⟦w⟧<}-{v_⟦w⟧<}",
        (("v_⟦w⟧", "{μ}*{v_⟦w⟧<}+{⟦η⟧}*{⟦g⟧}", "{⟦η⟧}*{⟦g⟧}"),),
        (MU,),
        sort="looking ahead",
    ),
    "adadelta": Rule(
        "{⟦w⟧<}-{d_⟦w⟧<}",
        (
            ("s_⟦w⟧", "{β2}*{s_⟦w⟧<}+(1-{β2})*{⟦g⟧}^2", "(1-{β2})*{⟦g⟧}^2"),
            (
                "d_⟦w⟧",
                "SQRT({u_⟦w⟧<}+{ε})/SQRT({s_⟦w⟧}+{ε})*{⟦g⟧}",
                "SQRT({ε})/SQRT({s_⟦w⟧}+{ε})*{⟦g⟧}",
            ),
            ("u_⟦w⟧", "{β2}*{u_⟦w⟧<}+(1-{β2})*{d_⟦w⟧}^2", "(1-{β2})*{d_⟦w⟧}^2"),
        ),
        (B2, EPS),
        sort="adadelta",
    ),
}
STEPS = 9
PENALTY, INDEXED, CARRIED = "penalty", "indexed", "carried"
OF_RULES = (
    *("update from another weight", "never updated", "another weight's gradient"),
    *("η missing", "η squared", "η doubled", "η·gradient added"),
)
OF_MEMORIES = (
    *("another weight's gradient", "another weight's memory", "a square left out"),
    *("a root left out", "one β for the other", "a memory doubled", "update from another weight"),
)
OF_PASSES = (
    *("a gradient takes another cell", "a gradient lacks a factor", "a delta takes another cell"),
    *("a delta with another sign", "σ′ of the sum", "tanh′ of the sum", "tanh′ of tanh"),
    *("a bias forgotten", "a sample forgotten"),
)
OF_STEPS = (
    "weights pasted",
    "gradients pasted",
    "the last step",
    "one step",
    "tied to the first step",
)


# What is drawn ------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A clean training, where it stands, and how it may be spoilt."""

    sketch: Sketch  # as it is laid out
    plain: Sketch  # as the witness sees it
    ground: Ground
    law: str
    loss: str = "E_total"
    slips: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    twins: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    mistakes: Sequence[str] = ()


@dataclass(frozen=True)
class Kind:
    """How a case is drawn, and how many mistakes are planted in it."""

    draw: Callable[[random.Random], Case]
    mistakes: int = 2


def _case(
    draw: random.Random,
    passes: Passes,
    rule: str,
    sorts: Sequence[str],
    mistakes: Sequence[str],
    *,
    rate: str = "one rate",
    more: str = "",
) -> Case:
    """A case; perhaps with `more` in it: a penalty, samples by INDEX, or weights carried down."""
    known = RULES.get(rule) or FURTHER[rule]
    sketch = by_rule(passes.quantities, passes.weights, passes.samples, draw, known, rate)
    cells: dict[Spot, Content] = {}
    if rule == "looking ahead":
        sketch = _looking_ahead(sketch)
    if more == PENALTY:
        sketch = _penalised(sketch)
    if more == INDEXED:
        sketch, cells = by_index(sketch, draw)
    own = carried_down(sketch) if more == CARRIED else sketch
    ground = replace(drawn(draw.choice(list(sorts)), own, STEPS, draw), further=cells)
    loss = next(q.name for q in sketch.of("loss"))
    return Case(
        own,
        sketch,
        ground,
        rule if rate == "one rate" else "",
        loss,
        passes.slips,
        passes.twins,
        mistakes,
    )


def _looking_ahead(sketch: Sketch) -> Sketch:
    """Both passes use the weights where the velocity would take them."""
    weights = [q.name for q in sketch.of("weight")]
    ahead = [Quantity(f"ahead_{w}", f"{{{w}}}-{{μ}}*{{v_{w}<}}", f"{{{w}}}") for w in weights]
    found: list[Quantity] = []
    for q in sketch.quantities:
        formula = q.formula
        for w in weights if q.kind in ("forward", "delta") else ():
            formula = formula.replace(f"{{{w}}}", f"{{ahead_{w}}}")
        found.append(replace(q, formula=formula))
        if q.name == weights[-1]:
            found += ahead
    return replace(sketch, quantities=tuple(found))


def _penalised(sketch: Sketch) -> Sketch:
    """The loss with a penalty for large weights."""
    weights = [q.name for q in sketch.of("weight")]
    total = "+".join(f"{{{w}}}^2" for w in weights)
    loss = sketch.of("loss")[0]
    found = [*sketch.quantities]
    found.insert(
        found.index(loss) + 1, Quantity("J", f"{{{loss.name}}}+{{λ}}/2*({total})", kind="penalty")
    )
    return replace(sketch, quantities=tuple(found))


def _shape(draw: random.Random, **fields: object) -> Shape:
    return replace(drawn_shape(draw), **fields)  # type: ignore[arg-type]


def _by_rule(*rules: str, mistakes: Sequence[str] = OF_MEMORIES) -> Callable[[random.Random], Case]:
    def draw_case(draw: random.Random) -> Case:
        shape = _shape(draw, inputs=draw.randint(2, 3), bias=True)
        sorts = [s for s in CORNERS if s != "blocks" or shape.samples > 1]
        return _case(draw, dense(shape, draw), draw.choice(rules), sorts, mistakes)

    return draw_case


def _of_network(name: str) -> Callable[[random.Random], Case]:
    def draw_case(draw: random.Random) -> Case:
        sorts = (
            [*CORNERS]
            if name == "samples and logarithms"
            else [s for s in CORNERS if s != "blocks"]
        )
        rule = draw.choice(["descent", "descent, new weight apart", "momentum", "clipped"])
        return _case(draw, written(name, draw), rule, sorts, OF_RULES)

    return draw_case


def _dense(
    sorts: Sequence[str],
    mistakes: Sequence[str],
    rules: Sequence[str] = ("descent", "descent, change apart", "descent, new weight apart"),
    rates: Sequence[str] = ("one rate",),
    more: str = "",
    **fields: object,
) -> Callable[[random.Random], Case]:
    def draw_case(draw: random.Random) -> Case:
        shape = _shape(draw, **{"inputs": draw.randint(2, 3), **fields})
        return _case(
            draw,
            dense(shape, draw),
            draw.choice(list(rules)),
            sorts,
            mistakes,
            rate=draw.choice(list(rates)),
            more=more,
        )

    return draw_case


def _with_decay(draw: random.Random) -> Case:
    """Decay in the update and the cost; twins have it in one of the two."""
    shape = _shape(draw, inputs=2, samples=1, in_turn=False, bias=True)
    sorts = ["rows", "columns", "sheets by part"]
    case = _case(draw, dense(shape, draw), "decay", sorts, ("another weight decays",), more=PENALTY)
    weights = case.sketch.of("weight")
    without = {q.called: q.formula.replace(f"+{{λ}}*{{{q.called}<}}", "") for q in weights}
    penalty = next(q.formula for q in case.sketch.quantities if q.name == "J")
    twins = {
        "decay in the update alone": {"J": f"{{{case.loss}}}"},
        "decay in the cost alone": without,
    }
    slips = {
        "the cost lacks ½": {"J": penalty.replace("{λ}/2", "{λ}")},
        "one update forgets its decay": dict([draw.choice(list(without.items()))]),
    }
    return replace(case, twins=twins, slips=slips)


def _with_scaled_cost(draw: random.Random) -> Case:
    """The cost alone has another factor: right."""
    shape = _shape(draw, samples=draw.choice([1, 3]), inputs=2)
    sorts = ["rows", "columns", "sheets by part", "blocks" if shape.samples > 1 else "rows"]
    case = _case(draw, dense(shape, draw), "descent", sorts, OF_PASSES)
    loss = next(q for q in case.sketch.of("loss"))
    scaled = {loss.called: f"({loss.formula})/2"}
    doubled = {q.called: q.formula.replace("^2/2", "^2") for q in case.sketch.of("error")}
    slips = {}
    if len(doubled) > 1:
        one = draw.choice(list(doubled))
        slips = {"½ missing in one error": {one: doubled[one]}}
    twins = {"a further ½ in the cost alone": scaled, "½ missing in the cost alone": doubled}
    return replace(case, twins=twins, slips=slips)


ONE = {"samples": 1, "in_turn": False}
MANY = {"samples": 4}
PLAIN = ("rows", "columns", "sheets by part", "a sheet per step")
KINDS: dict[str, Kind] = {
    **{name: Kind(_of_network(name)) for name in WRITTEN},
    "plain steps": Kind(_dense(PLAIN, OF_PASSES, hidden=2), 3),
    "plain updates": Kind(_dense(PLAIN, OF_RULES), 3),
    "single steps": Kind(_dense(("rows", "columns", "sheets by part"), OF_STEPS, **ONE), 3),
    "sheets by part": Kind(_dense(("sheets by part",), OF_PASSES + OF_STEPS, hidden=2, **ONE)),
    "a sheet per step": Kind(_dense(("a sheet per step",), OF_PASSES + OF_RULES)),
    "blocks of samples": Kind(_dense(("blocks",), OF_PASSES + OF_STEPS, **MANY), 3),
    "blocks, weights carried down": Kind(
        _dense(("blocks",), OF_PASSES + OF_RULES, ("descent",), more=CARRIED, **MANY), 3
    ),
    "samples by INDEX and MOD": Kind(_dense(PLAIN, OF_PASSES + OF_RULES, more=INDEXED, **ONE), 3),
    "tanh inside": Kind(
        _dense(PLAIN, ("tanh′ of the sum", "tanh′ of tanh"), inside="tanh", hidden=2)
    ),
    "sigmoid inside": Kind(_dense(PLAIN, ("σ′ of the sum",), inside="sigmoid", hidden=2), 1),
    "weights already updated": Kind(
        _dense(PLAIN, ("weights already updated",), ("descent, new weight apart",), hidden=2), 1
    ),
    "update in a condition": Kind(
        _dense(PLAIN, (*OF_RULES, "the old weight in both branches"), ("stopping", "halved later")),
        3,
    ),
    "rate over time": Kind(_dense(PLAIN, OF_RULES, rates=[r for r in RATES if r != "one rate"])),
    "clipping": Kind(_by_rule("clipped", "clipped apart", "clipped by IF", mistakes=OF_RULES), 2),
    "momentum": Kind(_by_rule(*(r for r in RULES if r.startswith("momentum"))), 3),
    "nesterov": Kind(_by_rule("nesterov, rewritten", "nesterov, both velocities"), 2),
    "looking ahead": Kind(_by_rule("looking ahead"), 2),
    "adagrad": Kind(_by_rule(*(r for r in RULES if r.startswith("adagrad")))),
    "rmsprop": Kind(_by_rule(*(r for r in RULES if r.startswith("rmsprop"))), 3),
    "adam": Kind(_by_rule(*(r for r in RULES if r.startswith("adam"))), 4),
    "adadelta": Kind(_by_rule("adadelta")),
    "sign": Kind(_by_rule("sign", mistakes=OF_RULES), 1),
    "decay": Kind(_with_decay),
    "cost with another factor": Kind(_with_scaled_cost, 1),
}
MATRICES = "matrices"


# Books --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Book:
    """A book as LibreOffice has it, and what is true of it."""

    name: str
    kind: str
    truth: str
    what: str
    path: Path
    numbers: Mapping[Spot, float]
    cells: frozenset[Spot] = frozenset()  # the changed ones


def main() -> None:
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--each", type=int, default=2, help="clean books of each kind")
    parser.add_argument("--kind", action="append", choices=[*KINDS, MATRICES])
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    truths: dict[str, dict[str, object]] = {}
    with TemporaryDirectory() as folder:
        office = Office(Path(folder))
        for kind in options.kind or [*KINDS, MATRICES]:
            make = _of_matrices if kind == MATRICES else _of_kind
            for number in range(options.each):
                lot = random.Random(f"{options.seed} {kind} {number}")
                name = f"{kind.replace(' ', '_').replace(',', '')}{number + 1}"
                for book in make(kind, name, lot, office):
                    copyfile(book.path, options.folder / f"{book.name}.xlsx")
                    truths[book.name] = {
                        "truth": book.truth,
                        "what": book.what,
                        "cells": _areas(book.cells),
                        "kind": book.kind,
                    }
    text = json.dumps(truths, ensure_ascii=False, indent=1)
    (options.folder / "truth.json").write_text(text, "utf-8")
    print(f"{len(truths)} books")


class Office:
    """LibreOffice, and a folder for what it makes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0

    def recalculated(self, table: Table) -> tuple[Path, dict[Spot, float]]:
        """A book as LibreOffice computes it, and its numbers."""
        self.count += 1
        path = table.save(self.folder / f"{self.count}.xlsx")
        (done,) = recalculate_all([path], self.folder / "done")
        numbers = {
            (sheet, *cells_of(cell)[0]): float(value)
            for sheet, cells in read_values(done).items()
            for cell, value in cells.items()
            if isinstance(value, int | float)
        }
        return done, numbers


def _areas(cells: Iterable[Spot]) -> list[str]:
    """Sheet1!Y8:Y37 and the like."""
    by_title: dict[str, list[Address]] = {}
    for title, row, column in cells:
        by_title.setdefault(title, []).append(pack(0, row, column))
    return [f"{title}!{area}" for title, c in by_title.items() for area in ranges(c).split(",")]


def _of_kind(kind: str, name: str, draw: random.Random, office: Office) -> list[Book]:
    """A clean book and its twins; none if the witness disagrees."""
    case = KINDS[kind].draw(draw)
    further = _further(case.ground)
    wide, sketch = table_with_differences(case.plain, STEPS)
    wide.sheets |= further
    _, numbers = office.recalculated(wide)
    witnessed = values_of(sketch, numbers, STEPS)
    clean = laid(case.sketch, case.ground.layout, STEPS)
    clean = Table({**further, **clean.sheets}, dict(case.ground.names))
    path, numbers = office.recalculated(clean)
    what = f"{case.law or kind}; {case.ground.words}"
    right = Book(name, kind, "right", what, path, numbers)
    place = case.ground.layout.place(case.sketch)
    cells = [(q.called, k) for q in case.sketch.quantities for k in range(STEPS)]
    values = {one: numbers.get(place(*one), nan) for one in cells}  # type: ignore[arg-type]
    problems = list(disagreements(case.plain, case.loss, STEPS, witnessed, case.law))
    problems += [str(k) for k, v in witnessed.items() if not _is_near(v, values.get(k, v))]
    if problems:
        print(f"not confirmed: {name} ({what}): {problems[0]}", flush=True)
        return []
    spoiling = Spoiling(case.sketch, STEPS, draw, values, case.ground)
    books = [right]
    for words in draw.sample(list(case.twins), min(1, len(case.twins))):
        books += _twins(right, clean, spoiling, "right", words, dict(case.twins[words]), office)
    several = len(books) + KINDS[kind].mistakes
    options = [*draw.sample(list(case.slips), len(case.slips))]
    options += draw.sample(list(case.mistakes), len(case.mistakes))
    for words in options:
        if len(books) == several:
            break
        new = dict(case.slips[words]) if words in case.slips else MISTAKES[words](spoiling)
        if new:
            books += _twins(right, clean, spoiling, "wrong", words, new, office)
    return books


def _twins(
    right: Book,
    clean: Table,
    spoiling: Spoiling,
    truth: str,
    words: str,
    new: Formulas | Steps,
    office: Office,
) -> list[Book]:
    """The book with other contents in some cells; none if a mistake changes nothing."""
    table, layout = clean.copy(), spoiling.ground.layout
    place = layout.place(spoiling.sketch)
    cells: set[Spot] = set()
    for called, step, content in changed(spoiling, new):
        spot = place(called, step)
        there = content
        if isinstance(content, str):
            there = formula_in(spoiling.sketch, layout, content, spot, step)
        if table.sheets[spot[0]][spot[1:]] != there:
            table.sheets[spot[0]][spot[1:]] = there
            cells.add(spot)
    path, numbers = office.recalculated(table)
    differing = any(not _is_near(numbers.get(c, nan), right.numbers.get(c, nan)) for c in cells)
    if truth == "wrong" and not differing:
        return []
    named = ", ".join(str(key if isinstance(key, str) else key[0]) for key in list(new)[:3])
    what = f"{words} ({named}); {right.what}"
    wrong = frozenset(cells if truth == "wrong" else ())
    name = f"{right.name}__{words.replace(' ', '_').replace(chr(39), '')}".replace("/", "_")
    return [Book(name, right.kind, truth, what, path, numbers, wrong)]


def _of_matrices(kind: str, name: str, draw: random.Random, office: Office) -> list[Book]:
    plan, lot = matrices.drawn(draw), draw.random()
    laid_clean = matrices.Laid(plan, random.Random(lot), {})
    path, numbers = office.recalculated(laid_clean.table)
    problems = list(matrices.disagreements(laid_clean, numbers))
    what = "a sheet per step" if plan.on_sheets else "blocks"
    if problems:
        print(f"not confirmed: {name} ({what}): {problems[0]}", flush=True)
        return []
    books = [Book(name, kind, "right", what, path, numbers)]
    slips = matrices.slips(plan)
    for words in draw.sample(list(slips), 4):
        spoilt = matrices.Laid(plan, random.Random(lot), slips[words])
        path, new = office.recalculated(spoilt.table)
        cells = frozenset(spoilt.marked)
        if any(not _is_near(new.get(c, nan), numbers.get(c, nan)) for c in cells):
            called = f"{name}__{words.replace(' ', '_').replace(chr(39), '')}"
            books.append(Book(called, kind, "wrong", f"{words}; {what}", path, new, cells))
    return books


def _further(ground: Ground) -> dict[str, Cells]:
    found: dict[str, Cells] = {}
    for (sheet, row, column), content in ground.further.items():
        found.setdefault(sheet, {})[row, column] = content
    return found


def _is_near(one: float, other: float) -> bool:
    return isclose(one, other, rel_tol=1e-9, abs_tol=1e-11)


if __name__ == "__main__":
    main()
