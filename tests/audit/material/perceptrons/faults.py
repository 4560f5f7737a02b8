"""Mistakes that people make by the perceptron rule, planted in books that are right."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tests.audit.material.perceptrons.books import PerceptronBook, Place, RuleWeight

Spoil = Callable[["Planting"], "set[Place] | None"]
TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}


@dataclass
class Planting:
    """A book, and the chance by which it is spoilt."""

    book: PerceptronBook
    draw: random.Random

    @property
    def all_rows(self) -> bool:
        return self.draw.random() < 0.5

    def steps(self) -> list[int]:
        """All steps, or one in the middle."""
        if self.all_rows:
            return list(range(self.book.steps))
        return [self.draw.randrange(1, self.book.steps)]

    def weight(self, with_input: bool = False) -> RuleWeight:
        return self.draw.choice([w for w in self.book.weights if w.x or not with_input])

    def change(self, weight: RuleWeight, k: int) -> Place | None:
        """Where a step's change of a weight is computed."""
        if self.book.style.deltas in ("columns", "all"):
            return self.book.places[f"d{weight.role}", k]
        return self.update(weight, k)

    def update(self, weight: RuleWeight, k: int) -> Place | None:
        place = self.book.places[self.book.after(weight, k)]
        return place if place in self.book.cells else None

    def rewrite(
        self, places: Iterable[Place | None], edits: Iterable[Callable[[str], str]]
    ) -> set[Place] | None:
        """Formulas rewritten; None where one of them doesn't change."""
        found = set()
        for place, edit in zip(places, edits, strict=True):
            if place is None:
                continue
            old = str(self.book.cells[place])
            new = edit(old)
            if new == old:
                return None
            self.book.cells[place] = new
            found.add(place)
        return found or None


def replaced(old: str, new: str, count: int = -1) -> Callable[[str], str]:
    """An edit that puts one cell in the place of another."""
    pattern = rf"(?<![A-Z$]){re.escape(old)}(?![0-9])"
    return lambda text: re.sub(pattern, new, text, count=max(count, 0))


def without(factor: str) -> Callable[[str], str]:
    """An edit that leaves out a factor."""
    return lambda text: text.replace(f"*{factor}", "", 1)


def wrong_input(plant: Planting) -> set[Place] | None:
    """A weight's change takes the input of another weight."""
    book, weight, steps = plant.book, plant.weight(True), plant.steps()
    if len(book.inputs) < 2:
        return None
    other = plant.draw.choice([x for x in book.inputs if x != weight.x])
    return plant.rewrite(
        [plant.change(weight, k) for k in steps],
        [replaced(book.ref(weight.x, k), book.ref(other, k)) for k in steps],
    )


def wrong_sign(plant: Planting) -> set[Place] | None:
    """A weight goes the other way."""
    book, weight, steps = plant.book, plant.weight(), plant.steps()

    def turned(k: int) -> Callable[[str], str]:
        base = book.before(weight, k)
        return lambda text: re.sub(
            rf"(?<=[=,]){base}([+-])",
            lambda found: base + ("-" if found[1] == "+" else "+"),
            text,
        )

    return plant.rewrite([plant.update(weight, k) for k in steps], map(turned, steps))


def turned_error(plant: Planting) -> set[Place] | None:
    """t − y for y − t, in a column of its own."""
    book, steps = plant.book, plant.steps()
    if book.style.deltas not in ("error", "all"):
        return None
    a, b = ("y", "t") if book.style.flipped else ("t", "y")
    return plant.rewrite(
        [book.places["e", k] for k in steps],
        [lambda text, k=k: f"={book.ref(b, k)}-{book.ref(a, k)}" for k in steps],  # type: ignore[misc]
    )


def wrong_target(plant: Planting) -> set[Place] | None:
    """An error takes another sample's target, or an input for it."""
    book = plant.book
    if book.style.deltas not in ("error", "all") or len(book.samples) < 3:
        return None
    if plant.all_rows:
        steps = list(range(book.steps))
        others = [book.ref(book.inputs[-1], k) for k in steps]
    else:
        k = plant.draw.randrange(1, book.steps)
        steps, others = [k], [book.ref("t", k - 1)]
    return plant.rewrite(
        [book.places["e", k] for k in steps],
        [replaced(book.ref("t", k), other) for k, other in zip(steps, others, strict=True)],
    )


def not_carried(plant: Planting) -> set[Place] | None:
    """One update goes on from an older weight."""
    book, weight = plant.book, plant.weight()
    if book.steps < 4 or len(book.weights) < 2:
        return None
    k = plant.draw.randrange(2, book.steps - 1)
    if book.style.carry == "two":
        place = book.places[weight.role, k]
        old, new = book.ref(f"n{weight.role}", k - 1), book.ref(f"n{weight.role}", k - 2)
        return plant.rewrite([place], [replaced(old, new)])
    return plant.rewrite(
        [plant.update(weight, k)], [replaced(book.before(weight, k), book.before(weight, k - 1))]
    )


def drifting_rate(plant: Planting) -> set[Place] | None:
    """The rate loses its $ and moves away."""
    book, weight = plant.book, plant.weight()
    if book.style.rate != "cell" or book.style.carry in ("down", "right") or book.style.gap:
        return None
    row, column = book.rate_place
    away = [
        (row, column + k) if book.style.across else (row + k, column) for k in range(book.steps)
    ]
    if any(isinstance(book.cells.get(place), float) for place in away[1:]):
        return None  # it moves to other numbers: not the mistake that is meant
    names = [book.fixed(place).replace("$", "") for place in away]
    rate = book.fixed(book.rate_place)
    steps = range(book.steps)
    found = plant.rewrite(
        [plant.change(weight, k) for k in steps],
        [lambda text, k=k: text.replace(rate, names[k]) for k in steps],  # type: ignore[misc]
    )
    return found and found - {plant.change(weight, 0)}  # the first still has its rate


def turned_step(plant: Planting) -> set[Place] | None:
    """The activation compares the wrong way."""
    book, steps = plant.book, plant.steps()
    if len(re.findall("[<>]", book.style.step)) != 1:
        return None
    return plant.rewrite(
        [book.places["y", k] for k in steps],
        [lambda text: re.sub("[<>]=?", lambda found: TURNED[found[0]], text, count=1)] * len(steps),
    )


def pasted(plant: Planting) -> set[Place] | None:
    """A value stands where a formula should."""
    book = plant.book
    k = plant.draw.randrange(1, book.steps - 1) if book.steps > 2 else 0
    if not k:
        return None
    changes = (
        [f"d{w.role}" for w in book.weights] if book.style.deltas in ("columns", "all") else []
    )
    error = ["e"] if book.style.deltas in ("error", "all") else []
    net = ["net"] if book.style.net != "inline" else []
    role = plant.draw.choice(["y", *net, *error, *changes, "weight"])
    if role == "weight":
        if len(book.weights) < 2:
            return None
        place = plant.update(plant.weight(), k)
    else:
        place = book.places[role, k]
    if place is None:
        return None
    book.cells[place] = float(plant.draw.choice([0, 1, 0.5]))
    return {place}


def missing_rate(plant: Planting) -> set[Place] | None:
    """One weight's change leaves out the rate."""
    book, weight, steps = plant.book, plant.weight(), plant.steps()
    if book.style.rate == "none" or len(book.weights) < 3:
        return None
    rates = [book.ref("r", k) if book.style.rate == "column" else book.rate_text for k in steps]
    return plant.rewrite(
        [plant.change(weight, k) for k in steps],
        [lambda text, r=r: text.replace(f"{r}*", "", 1) for r in rates],  # type: ignore[misc]
    )


def missing_input(plant: Planting) -> set[Place] | None:
    """One weight's change leaves out its input."""
    book, weight, steps = plant.book, plant.weight(True), plant.steps()
    return plant.rewrite(
        [plant.change(weight, k) for k in steps],
        [without(book.ref(weight.x, k)) for k in steps],
    )


def wrong_weight(plant: Planting) -> set[Place] | None:
    """The sum takes a weight twice, and another not at all."""
    book, weight, steps = plant.book, plant.weight(True), plant.steps()
    others = [w for w in book.weights if w is not weight and w.sign > 0]
    if book.style.net != "cell" or not others:
        return None
    other = plant.draw.choice(others)
    return plant.rewrite(
        [book.places["net", k] for k in steps],
        [replaced(book.before(weight, k), book.before(other, k)) for k in steps],
    )


def wrong_input_of_sum(plant: Planting) -> set[Place] | None:
    """The sum takes an input twice, and another not at all."""
    book, weight, steps = plant.book, plant.weight(True), plant.steps()
    others = [x for x in book.inputs if x != weight.x]
    if book.style.net != "cell" or not others:
        return None
    other = plant.draw.choice(others)
    return plant.rewrite(
        [book.places["net", k] for k in steps],
        [replaced(book.ref(weight.x, k), book.ref(other, k)) for k in steps],
    )


def stale_weight(plant: Planting) -> set[Place] | None:
    """One sum takes the weight of the step before."""
    book, weight = plant.book, plant.weight(True)
    if book.style.net != "cell":
        return None
    k = plant.draw.randrange(1, book.steps)
    return plant.rewrite(
        [book.places["net", k]], [replaced(book.before(weight, k), book.before(weight, k - 1))]
    )


def wrong_operator(plant: Planting) -> set[Place] | None:
    """A sum for a product in the weighted sum."""
    book, steps = plant.book, plant.steps()
    if book.style.net != "cell":
        return None
    return plant.rewrite(
        [book.places["net", k] for k in steps],
        [lambda text: text.replace("*", "+", 1)] * len(steps),
    )


def another_change(plant: Planting) -> set[Place] | None:
    """A weight's update takes the change of another."""
    book, steps = plant.book, plant.steps()
    if book.style.deltas not in ("columns", "all") or len(book.weights) < 2:
        return None
    one, other = plant.draw.sample(book.weights, 2)
    return plant.rewrite(
        [plant.update(one, k) for k in steps],
        [replaced(book.ref(f"d{one.role}", k), book.ref(f"d{other.role}", k)) for k in steps],
    )


FAULTS: dict[str, Spoil] = {
    spoil.__name__.replace("_", " "): spoil
    for spoil in (
        wrong_input,
        wrong_sign,
        turned_error,
        wrong_target,
        not_carried,
        drifting_rate,
        turned_step,
        pasted,
        missing_rate,
        missing_input,
        wrong_weight,
        wrong_input_of_sum,
        stale_weight,
        wrong_operator,
        another_change,
    )
}
