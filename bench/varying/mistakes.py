"""Mistakes that people make in a training, each with the cells in which it stands."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from gradbook.cells.formula.address import letters
from tests.audit.material.layouts.planted import MISTAKES as OF_FORMULAS
from tests.audit.material.layouts.sketch import Quantity, Sketch
from varying.layouts import Ground

Formulas = dict[str, str]  # of quantities, in all steps but a first one that differs
Steps = dict[tuple[str, int], str | float]  # of single steps: a formula, or a typed number
Values = Mapping[tuple[str, int], float]


@dataclass(frozen=True)
class Spoiling:
    """What a mistake is made of."""

    sketch: Sketch
    steps: int
    draw: random.Random
    values: Values  # of the right book
    ground: Ground

    def weights(self) -> list[Quantity]:
        return [q for q in self.sketch.of("weight") if q.sample < 2]

    def other(self, weight: str) -> str:
        return self.draw.choice([q.name for q in self.weights() if q.name != weight])

    def one(self, kinds: tuple[str, ...], what: str) -> Quantity | None:
        """A quantity of these kinds whose formula has a match."""
        each = [q for q in self.sketch.of(*kinds) if re.search(what, q.formula) and q.sample < 2]
        return self.draw.choice(each) if each else None

    def replaced(self, kinds: tuple[str, ...], what: str, new: str) -> Formulas | None:
        """The first match in one such quantity exchanged, in all samples if it has some."""
        q = self.one(kinds, what)
        if q is None:
            return None
        alike = [o for o in self.sketch.quantities if o.name == q.name and o.kind == q.kind]
        return {
            o.called: re.sub(what, new, o.formula, count=1) for o in alike if o.sample or o is q
        }


Mistake = Callable[[Spoiling], Formulas | Steps | None]


# Updates ------------------------------------------------------------------------------


def _from_another_weight(s: Spoiling) -> Formulas:
    q = s.draw.choice(s.weights())
    at = "@1" * bool(q.sample)
    return {q.called: q.formula.replace(f"{{{q.name}{at}<}}", f"{{{s.other(q.name)}{at}<}}")}


def _never_updated(s: Spoiling) -> Formulas:
    q = s.draw.choice(s.weights())
    return {q.called: f"{{{q.called}<}}"}


def _one_branch_kept(s: Spoiling) -> Formulas | None:
    """The right update in one branch, an old weight in the other."""
    return s.replaced(("weight",), r"\),(\{\w+<\})-.*\)$", r"),\1,\1)")


def _without_rate(s: Spoiling) -> Formulas | None:
    return s.replaced(("weight", "memory"), r"\{η(_t)?<?\}\*(?=[{(M])", "")


def _rate_squared(s: Spoiling) -> Formulas | None:
    return s.replaced(("weight", "memory"), r"(\{η(_t)?<?\}\*)(?=[{(M])", r"\1\1")


def _rate_doubled(s: Spoiling) -> Formulas | None:
    return s.replaced(("weight", "memory"), r"(\{η(_t)?<?\}\*)(?=[{(M])", r"2*\1")


def _plus(s: Spoiling) -> Formulas | None:
    return s.replaced(("weight",), r"-(?=\{η)", "+")


def _other_gradient(s: Spoiling) -> Formulas | None:
    q = s.one(("weight", "memory"), r"\{∂E/∂")
    if q is None:
        return None
    (name,) = set(re.findall(r"\{∂E/∂(\w+)", q.formula))
    return {q.called: q.formula.replace(f"{{∂E/∂{name}", f"{{∂E/∂{s.other(name)}")}


def _other_memory(s: Spoiling) -> Formulas | None:
    """The memory of another weight: its velocity, its root."""
    q = s.one(("weight", "memory"), r"\{(v|m|s|G|mh|sh|d|u)_\w+<?\}")
    if q is None:
        return None
    found = s.draw.choice(list(re.finditer(r"\{(v|m|s|G|mh|sh|d|u)_(\w+)(<?)\}", q.formula)))
    new = f"{{{found[1]}_{s.other(found[2])}{found[3]}}}"
    return {q.called: q.formula[: found.start()] + new + q.formula[found.end() :]}


def _other_decay(s: Spoiling) -> Formulas | None:
    q = s.one(("weight", "memory"), r"\{λ\}\*\{\w+<?\}")
    if q is None:
        return None
    (name,) = re.findall(r"\{λ\}\*\{(\w+)<?\}", q.formula)
    return {q.called: q.formula.replace(f"{{λ}}*{{{name}", f"{{λ}}*{{{s.other(name)}")}


def _root_left_out(s: Spoiling) -> Formulas | None:
    return s.replaced(("weight", "memory"), r"SQRT\((\{\w+<?\})\)", r"\1")


def _of_formula(name: str) -> Mistake:
    """One of the mistakes of the layouts."""
    kinds, edit = OF_FORMULAS[name]

    def spoil(s: Spoiling) -> Formulas | None:
        for _ in range(5):
            q = s.draw.choice(s.sketch.of(*kinds) or [None])
            new = edit(q, s.sketch, s.draw) if q and q.formula else None
            if q and new and new != q.formula:
                if not q.sample:
                    return {q.called: new}
                moved = {o.called: new for o in s.sketch.quantities if o.name == q.name}
                return {c: new.replace(f"@{q.sample}", "@" + c.partition("@")[2]) for c in moved}
        return None

    return spoil


# The passes ---------------------------------------------------------------------------


def _slope_of_the_sum(s: Spoiling) -> Formulas | None:
    what, new = r"\{a_(\w+)(@\d)?\}\*\(1-\{a_\1(@\d)?\}\)", r"{\1\2}*(1-{\1\2})"
    return s.replaced(("delta",), what, new)


def _tanh_slope_of_the_sum(s: Spoiling) -> Formulas | None:
    return s.replaced(("delta",), r"\(1-\{a_(\w+)(@\d)?\}\^2\)", r"(1-{\1\2}^2)")


def _tanh_slope_of_tanh(s: Spoiling) -> Formulas | None:
    return s.replaced(("delta",), r"\(1-\{a_(\w+)(@\d)?\}\^2\)", r"(1-TANH({a_\1\2})^2)")


def _bias_forgotten(s: Spoiling) -> Formulas | None:
    return s.replaced(("forward",), r"\+\{b\d(@\d)?\}", "")


def _fewer_samples(s: Spoiling) -> Formulas | None:
    n = s.sketch.samples
    return (
        s.replaced(("gradient",), r"\{(\w+)@\*\}", rf"{{\1@1}}:{{\1@{n - 1}}}") if n > 1 else None
    )


def _already_updated(s: Spoiling) -> Formulas | None:
    """The way back goes through the weights of the next step."""
    return s.replaced(("delta",), r"\*\{(w\d+)\}", r"*{n_\1}")


# Single steps -------------------------------------------------------------------------


def _pasted(kind: str) -> Mistake:
    def spoil(s: Spoiling) -> Steps:
        step = s.draw.randrange(2, s.steps - 1)
        each = s.sketch.of(kind)
        return {(q.called, step): round(s.values[q.called, step], 4) for q in each}

    return spoil


def _last_step(s: Spoiling) -> Steps | None:
    new = _of_formula("gradient: another")(s)
    return {(called, s.steps - 1): said for called, said in new.items()} if new else None


def _one_step(s: Spoiling) -> Steps | None:
    new = _of_formula("delta: another")(s) or _other_gradient(s)
    step = s.draw.randrange(2, s.steps - 1)
    return {(called, step): said for called, said in new.items()} if new else None


def _tied(s: Spoiling) -> Steps | None:
    """A $ keeps one reference on the first step's cell."""
    q = s.one(("gradient", "delta"), r"\{(a_\w+|x\d|w\d|δ\w+)\}")
    if q is None:
        return None
    found = s.draw.choice(list(re.finditer(r"\{(a_\w+|x\d|w\d|δ\w+)\}", q.formula)))
    place = s.ground.layout.place(s.sketch)
    sheet, row, column = place(found[1], 0)
    word = f"${letters(column)}${row + 1}"
    steps: Steps = {}
    for step in range(s.steps):
        there = word if place(q.called, step)[0] == sheet else f"{sheet}!{word}"
        steps[q.called, step] = q.formula[: found.start()] + there + q.formula[found.end() :]
    return steps


MISTAKES: dict[str, Mistake] = {
    "update from another weight": _from_another_weight,
    "never updated": _never_updated,
    "the old weight in both branches": _one_branch_kept,
    "η missing": _without_rate,
    "η squared": _rate_squared,
    "η doubled": _rate_doubled,
    "η·gradient added": _plus,
    "another weight's gradient": _other_gradient,
    "another weight's memory": _other_memory,
    "another weight decays": _other_decay,
    "a root left out": _root_left_out,
    "a square left out": _of_formula("memory: no square"),
    "one β for the other": _of_formula("memory: another share"),
    "a memory doubled": _of_formula("memory: doubled"),
    "a gradient takes another cell": _of_formula("gradient: another"),
    "a gradient lacks a factor": _of_formula("gradient: factor"),
    "a delta takes another cell": _of_formula("delta: another"),
    "a delta with another sign": _of_formula("delta: sign"),
    "σ′ of the sum": _slope_of_the_sum,
    "tanh′ of the sum": _tanh_slope_of_the_sum,
    "tanh′ of tanh": _tanh_slope_of_tanh,
    "a bias forgotten": _bias_forgotten,
    "a sample forgotten": _fewer_samples,
    "weights already updated": _already_updated,
    "weights pasted": _pasted("weight"),
    "gradients pasted": _pasted("gradient"),
    "the last step": _last_step,
    "one step": _one_step,
    "tied to the first step": _tied,
}


def changed(s: Spoiling, made: Formulas | Steps) -> Iterator[tuple[str, int, str | float]]:
    """Each changed cell by its quantity and step."""
    quantities = {q.called: q for q in s.sketch.quantities}
    for key, content in made.items():
        if isinstance(key, tuple):
            yield *key, content
            continue
        first = 1 if quantities[key].first is not None else 0
        yield from ((key, step, content) for step in range(first, s.steps))
