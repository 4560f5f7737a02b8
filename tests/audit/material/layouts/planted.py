"""Mistakes planted in a training before it is laid out; and what the audit makes of the book."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from gradbook.audit.check_book import check
from tests.audit.material.layouts.optimisers import RATES, RULES, drawn_sketch
from tests.audit.material.layouts.places import laid, spots
from tests.audit.material.layouts.sketch import MENTION, Quantity, Sketch
from tests.audit.material.made import Table, cells_of
from tests.audit.material.mutants import is_right_once_corrected
from tests.audit.material.tables import leads_back, same_everywhere

Edit = Callable[[Quantity, Sketch, random.Random], str | None]
TRIES = 8


# Mistakes in a formula ---------------------------------------------------------------


def _another(quantity: Quantity, sketch: Sketch, draw: random.Random) -> str | None:
    """Another quantity of the same kind: another weight, another delta."""
    found = list(MENTION.finditer(quantity.formula))
    if not found:
        return None
    old = draw.choice(found)
    called = old[1] + (old[2] or "")
    kinds = {q.called: q.kind for q in sketch.quantities}
    samples = {q.called: q.sample for q in sketch.quantities}
    likes = [
        name
        for name, kind in kinds.items()
        if kind == kinds.get(called) and name != called and samples[name] == samples.get(called)
    ]
    if not likes or kinds[called] == "setting":
        return None
    new = f"{{{draw.choice(likes)}{old[3]}}}"
    return quantity.formula[: old.start()] + new + quantity.formula[old.end() :]


def _operator(quantity: Quantity, sketch: Sketch, draw: random.Random) -> str | None:
    return _replaced(quantity.formula, r"(?<=\})\*(?=[{(])", "+", draw)


def _turned(quantity: Quantity, sketch: Sketch, draw: random.Random) -> str | None:
    return _replaced(quantity.formula, r"(?<=\})-(?=\{)", "+", draw)


def _dropped(quantity: Quantity, sketch: Sketch, draw: random.Random) -> str | None:
    return _replaced(quantity.formula, r"\*\{[^{}]+\}", "", draw)


def _doubled(quantity: Quantity, sketch: Sketch, draw: random.Random) -> str | None:
    return f"2*({quantity.formula})"


def _other_gradient(quantity: Quantity, sketch: Sketch, draw: random.Random) -> str | None:
    """The gradient of another weight."""
    found = re.search(r"\{∂E/∂(\w+)", quantity.formula)
    others = [q.name for q in sketch.of("gradient") if found and q.name != f"∂E/∂{found[1]}"]
    if not others or not found:
        return None
    return quantity.formula.replace(found[0], "{" + draw.choice(others))


def _without_square(quantity: Quantity, sketch: Sketch, draw: random.Random) -> str | None:
    return quantity.formula.replace("^2", "") if "^2" in quantity.formula else None


def _other_share(quantity: Quantity, sketch: Sketch, draw: random.Random) -> str | None:
    """One β for the other."""
    if "{β1}" in quantity.formula:
        return quantity.formula.replace("{β1}", "{β2}")
    return quantity.formula.replace("{β2}", "{β1}") if "{β1}" in _names(sketch) else None


def _names(sketch: Sketch) -> set[str]:
    return {f"{{{q.called}}}" for q in sketch.quantities}


def _replaced(formula: str, what: str, new: str, draw: random.Random) -> str | None:
    found = list(re.finditer(what, formula))
    if not found:
        return None
    one = draw.choice(found)
    return formula[: one.start()] + new + formula[one.end() :]


MISTAKES: dict[str, tuple[tuple[str, ...], Edit]] = {
    "gradient: another": (("gradient", "share"), _another),
    "gradient: operator": (("gradient", "share"), _operator),
    "gradient: factor": (("gradient", "share"), _dropped),
    "delta: another": (("delta",), _another),
    "delta: sign": (("delta",), _turned),
    "delta: factor": (("delta",), _dropped),
    "sum: another": (("forward",), _another),
    "sum: operator": (("forward",), _operator),
    "update: another gradient": (("weight",), _other_gradient),
    "memory: another gradient": (("memory",), _other_gradient),
    "memory: no square": (("memory",), _without_square),
    "memory: another share": (("memory",), _other_share),
    "memory: doubled": (("memory",), _doubled),
}


# Planted -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Judged:
    """What became of a book."""

    number: int
    what: str
    found: bool  # the very cells, and no others; of a clean book, that nothing is
    repaired: bool
    words: str


def drawn(number: int, layout: str) -> tuple[Sketch, random.Random]:
    """The training of this number."""
    draw = random.Random(f"{number} {layout}")
    rule = draw.choice(["descent", *RULES])
    rate = draw.choice(["one rate"] * 3 + list(RATES))
    return drawn_sketch(draw, rule, rate), draw


def clean(path: Path, number: int, layout: str) -> Judged:
    """What is said of a training in which nothing is wrong."""
    sketch, _ = drawn(number, layout)
    report = check(laid(sketch, layout).save(path))
    one = report.verdict == "right" and len(report.sheets) == 1
    words = f"{sketch.words} {report.verdict} {report.problem}" + "".join(
        f" {f.sheet}!{f.cells}: {f.kind}" for f in report.findings
    )
    return Judged(number, "clean", one, one, words)


def spoilt(path: Path, number: int, layout: str) -> Judged | None:
    """What is said of one mistake; None where there is no place for one."""
    sketch, draw = drawn(number, layout)
    planted = planted_table(sketch, draw, layout)
    if planted is None:
        return None
    what, table = planted
    return replace(judged(path, sketch, table), number=number, what=what)


def changed(path: Path, sketch: Sketch, layout: str, called: str, formula: str) -> Judged:
    """What is said where one quantity of a training has another formula."""
    table = laid(sketch.with_formula(called, formula), layout)
    marked = frozenset(spots(sketch, layout, called))
    return judged(path, sketch, replace(table, marked=marked))


def judged(path: Path, sketch: Sketch, table: Table) -> Judged:
    """What is said of a book with a mistake in the marked cells, and once it is repaired."""
    report = check(table.save(path))
    blamed = {(f.sheet, *cell) for f in report.findings for cell in cells_of(f.cells)}
    found = blamed == table.marked
    right = found and is_right_once_corrected(path, report)
    said = [f"{f.sheet}!{f.cells}: {f.kind}" for f in report.findings]
    words = f"{sketch.words} {sorted(table.marked)[:2]}, said {said or report.verdict}"
    return Judged(0, "", found, right, words)


def planted_table(sketch: Sketch, draw: random.Random, layout: str) -> tuple[str, Table] | None:
    """A kind of mistake, and the laid-out training that has it; None where there is no place."""
    clean_table = laid(sketch, layout)
    for _ in range(TRIES):
        what = draw.choice(list(MISTAKES))
        kinds, edit = MISTAKES[what]
        options = [q for q in sketch.of(*kinds) if q.formula]
        if len(sketch.of("weight")) < 3 and kinds == ("memory",):
            continue  # nobody can say which of two is right
        quantity = draw.choice(options) if options else None
        new = edit(quantity, sketch, draw) if quantity else None
        if quantity is None or new is None or new == quantity.formula:
            continue
        table = laid(sketch.with_formula(quantity.called, new), layout)
        marked = frozenset(spots(sketch, layout, quantity.called))
        if not leads_back(table, marked) and not same_everywhere(clean_table, table, marked):
            return what, replace(table, marked=marked)
    return None
