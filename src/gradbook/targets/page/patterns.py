"""What each kind of value in a network is made of, with places for others.

A page builds networks of these by itself, in the lines of `lines.py`. A pattern is cut out of the
graph of a real network, so that no formula and no derivative stands here. An expression is a
number, a place's name, or a list of a word and its operands:

    ["divide", 1, ["add", 1, ["exp", ["negate", "x"]]]]

`["every", word, expression]` takes the word over all values of a kind: places that count, x1, x2
and so on, are called x* there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from gradbook.graph.names import Name
from gradbook.graph.node import Graph, Node
from gradbook.layers import ACTIVATIONS, LOSSES, UPDATES
from gradbook.layers.updates import WeightStep
from gradbook.net import Loss, Update, parse
from gradbook.net.derivation import Local, derivation
from gradbook.net.lower import scalar_step
from gradbook.targets.page.criteria import least_loss
from gradbook.targets.page.lines import SAYS, WORDS
from gradbook.targets.page.plane import CLASSES, class_targets, share_of

Places = Mapping[Node, str]
MARKS = {  # numbers that stand for what a network says, and for nothing else
    0.123457: "slope",
    0.234561: "smoothing",
    0.345612: "momentum",
    0.456123: "beta1",
    0.561234: "beta2",
    0.000612: "epsilon",
    0.712345: "decay",
    0.271828: "varianceEpsilon",
}
MARK = {word: number for number, word in MARKS.items()}
BELOW_ZERO = -MARK["slope"]
FEW, MANY = 2, 6  # outputs; a long sum is divided by writing its share in front
SEVERAL_PLACES = 3  # of a window or a group: no formula says 3 for another reason
MANY_PLACES = 7
SIZES = {1: "one", FEW: "few", SEVERAL_PLACES: "few", MANY: "many", MANY_PLACES: "many"}
PLACES: tuple[
    tuple[int, str, dict[float, str] | None], ...
] = (  # of a mean; 2/6 is written as 1/3, and 2/7 as it is
    (2, "two", {}),
    (6, "even", {6.0: "n", 3.0: "half"}),
    (1, "one", None),
    (SEVERAL_PLACES, "few", None),
    (MANY_PLACES, "many", None),
)
SEVERAL = "; sample {0} -> {1}; sample {0} -> {1}"


@dataclass(frozen=True)
class ValuePattern:
    """One kind of value: its node in a network, the places of those that it is made of."""

    name: str
    value: Node
    places: Places
    locals: tuple[Local, ...]
    count: int  # of the values of a kind
    spoken: frozenset[Node]
    size: str  # which counts its formulas are for: one, few or many; two, or evenly many
    numbers: Mapping[float, str]  # in its formulas, that follow from the count

    def at(self, node: Node) -> str | None:
        """The place that a value holds, or the name of the setting that a number stands for."""
        if node in self.places:
            return self.places[node]
        if not node.is_constant():
            return None
        return "slope" if node.number == BELOW_ZERO else MARKS.get(node.number)

    def table(self) -> dict[str, Any]:
        seen: dict[str, Any] = {}
        for local in self.locals:
            place = general(self.places[local.to])
            if place not in seen:
                seen[place] = self._partial(local)
        value = gathered(_expression(self.value, self.at, top=True), self.count)
        return {"value": value, "partials": seen}

    def _partial(self, local: Local) -> Any:
        """The expression, with its own of several values called x."""
        said = gathered(_expression(local.formula, self.at), self.count)
        return _own(said, _index(self.places[local.to]))


def general(place: str) -> str:
    """x1 and x2 are both x."""
    return place.rstrip("0123456789")


def _index(place: str) -> str:
    return place[len(general(place)) :]


def _expression(node: Node, at: Callable[[Node], str | None], top: bool = False) -> Any:
    """The node down to places and numbers, in words that the page's machine has."""
    place = None if top else at(node)
    if place:
        return place
    if node.is_constant():
        return node.number
    if node.op.name == "copy":
        return ["copy", _expression(node.inputs[0], at)]
    if node.op.name in WORDS:
        which = [node.attributes[0]] if node.op.name == "is_largest" else []
        return [node.op.name, *which, *(_expression(x, at) for x in node.inputs)]
    (simpler,) = SAYS.sources(node)
    return _expression(simpler, at)


def gathered(said: Any, count: int) -> Any:
    """With `every` where a word goes over all values of a kind, and n where it is their number."""
    if isinstance(said, float) and said == count and count > 1:
        return "n"
    if not isinstance(said, list):
        return said
    if said[0] == "is_largest":  # which of them it is, is its own number
        return ["every", said[0], _counting(said[2], 1)]
    terms = _terms(said, count)
    alike = {str(_counting(term, k)) for k, term in enumerate(terms, 1)}
    if len(terms) == count > 1 and len(alike) == 1 and "*" in str(alike):
        return ["every", said[0], gathered(_counting(terms[0], 1), count)]
    return [said[0], *(gathered(part, count) for part in said[1:])]


def _terms(said: Any, count: int) -> list[Any]:
    """So many terms added from the left, or what a word of many operands is given."""
    if said[0] in ("log_sum_exp", "largest"):
        return list(said[1:])
    if count == 1:
        return [said]
    return [*_terms(said[1], count - 1), said[2]] if said[0] == "add" else []


def _counting(said: Any, k: int) -> Any:
    """x2 as x*, where k is 2."""
    if isinstance(said, str):
        return f"{general(said)}*" if _index(said) == str(k) else said
    return [_counting(part, k) for part in said] if isinstance(said, list) else said


def _own(said: Any, index: str) -> Any:
    if isinstance(said, str):
        return general(said) if _index(said) == index else said
    return [_own(part, index) for part in said] if isinstance(said, list) else said


# Where they are cut out --------------------------------------------------------


class _Sheet:
    """A network whose values are looked up by their names."""

    def __init__(self, text: str, batch: bool = False) -> None:
        self.step = scalar_step(parse(text), 2 if batch else None)
        self.derived = derivation(self.step)

    @cached_property
    def nodes(self) -> dict[str, Node]:
        return self.step.graph.by_name

    def pattern(
        self,
        name: str,
        of: str,
        places: Mapping[str, str],
        count: int = 1,
        size: str = "",
        numbers: Mapping[float, str] | None = None,
    ) -> ValuePattern:
        """The value called `of`; `places` names the others by what they are called here."""
        nodes = self.nodes
        value = nodes[of]
        held = {nodes[called]: place for called, place in places.items() if called in nodes}
        towards = self.derived.locals.get(value, ())
        spoken = frozenset(self.derived.spoken)
        found = {float(count): "n"} if numbers is None and count > 1 else numbers or {}
        size = size or SIZES[count]
        return ValuePattern(name, value, held, towards, count, spoken, size, found)


def _row(stem: str, place: str, count: int, first: int = 1) -> dict[str, str]:
    return {f"{stem}{k + first - 1}": f"{place}{k}" for k in range(1, count + 1)}


def patterns() -> Iterator[ValuePattern]:
    """Every kind of value from the sums to E_total."""
    for bias in ("", " no bias"):
        for count in (1, FEW):
            sums = _Sheet(f"input 1; dense {count}; dense 1{bias}; loss half squared error")
            places = {**_row("w", "w", count, count + 1), **_row("h", "x", count)}
            bias_place = {f"b{count + 1}": "b"}
            name = f"sum{bias}"
            yield sums.pattern(name, "o1", {**places, **bias_place}, count)
    yield from _pools()
    yield from _norms()
    yield from _sums_of_earlier()
    yield from _activations()
    yield from _errors()


def _pools() -> Iterator[ValuePattern]:
    for count in (1, SEVERAL_PLACES, MANY_PLACES):
        maps = f"input 1x{count}x1; conv 1 1; {{}}; flatten; dense 1; loss half squared error"
        places = {f"c{k}_1": f"x{k}" for k in range(1, count + 1)}
        window = f"{count}x1"
        yield _Sheet(maps.format(f"maxpool {window}")).pattern(
            "maxpool", "p1_1", {**places, "p1_1": "y"}, count
        )
        if count == 1:  # with a padding that counts, what is read is divided by more
            window = "2x1 pad 1x0x0x0 stride 2x1 zeros"
        yield _Sheet(maps.format(f"avgpool {window}")).pattern(
            "avgpool", "p1_1", places, count, numbers={float(max(count, 2)): "n"}
        )


def _norms() -> Iterator[ValuePattern]:
    """A mean and a variance: of a group of a sample, or of a channel over all samples."""
    for over in ("group", "samples"):
        for count, size, numbers in PLACES:
            norm = f"batchnorm epsilon {MARK['varianceEpsilon']}"
            text = f"input 1x{count}x1; conv 1 1; {norm}; flatten; dense 1; loss half squared error"
            sheet = _Sheet(text, batch=over == "samples")
            places = {f"c{k}_1": f"x{k}" for k in range(1, count + 1)}
            others = {"μ1": "mean", "σ²1": "variance", "s1": "deviation", "N": "N"}
            given = {**places, **others}
            if size in SIZES.values():
                yield sheet.pattern(f"mean of {over}", "μ1", given, count)
            yield sheet.pattern(f"variance of {over}", "σ²1", given, count, size, numbers)
    yield sheet.pattern("deviation", "s1", {**others, "s1": "y"})
    own = {"c1_1": "x", "n1_1": "y", **others}
    yield sheet.pattern("normal", "n1_1", own)
    yield sheet.pattern("scaled", "y1_1", {"n1_1": "x", "γ1": "scale", "β1": "shift"})


def _sums_of_earlier() -> Iterator[ValuePattern]:
    ending = "add back 1; dense 1; loss half squared error"
    sheet = _Sheet(f"input 1; dense 1; tanh; {ending}")
    yield sheet.pattern("added", "z1", {"a_h1": "x", "h1": "before"})
    sheet = _Sheet(f"input 1; dense 1; dropout 0; {ending}")
    yield sheet.pattern("doubled", "z1", {"h1": "x"})
    sheet = _Sheet("input 1; dense 1; dropout 0.5; dense 1; loss half squared error", batch=True)
    yield sheet.pattern("kept", "u1", {"h1": "x", "d1": "mask"})


def _activations() -> Iterator[ValuePattern]:
    for kind in ACTIVATIONS:
        for count in (1, FEW) if kind.endswith("softmax") else (1,):
            slope = f" {MARK['slope']}" if kind == "leaky relu" else ""
            sheet = _Sheet(f"input 1; dense {count}; {kind}{slope}; loss half squared error")
            if kind.endswith("softmax"):
                rows = {**_row("o", "x", count), **_row("a_o", "a", count), "L_o": "y"}
                yield sheet.pattern(f"logarithm of {kind}", "L_o", rows, count)
            if count == 1:
                yield sheet.pattern(kind, "a_o1", {"o1": "x", "L_o": "L", "a_o1": "y"})
    # Of these the formulas are written in ways of their own.
    steepness = {MARK["slope"]: "steepness"}  # what stands behind the sign
    for number, said in ((0, 0), (1, 1), (-1, -1), (BELOW_ZERO, "below 0")):
        sheet = _Sheet(f"input 1; dense 1; leaky relu {number}; loss half squared error")
        own = {"o1": "x", "a_o1": "y"}
        yield sheet.pattern(f"leaky relu {said}", "a_o1", own, numbers=steepness)


def _errors() -> Iterator[ValuePattern]:
    """Each output's, those of several together, and the mean over the samples."""
    for loss in LOSSES.values():
        if loss is Loss.CROSS:
            yield from _cross_entropies()
            continue
        ending = "sigmoid; " if loss is Loss.BINARY else ""
        one = _Sheet(f"input 1; dense 1; {ending}loss {loss}")
        yield one.pattern(str(loss), "E1", {"t1": "t", "o1": "x", "a_o1": "y"})
        for count in (FEW, MANY):
            several = _Sheet(f"input 1; dense {count}; {ending}loss {loss}")
            yield several.pattern(f"all of {loss}", "E_total", _row("E", "x", count), count)
    alone = _Sheet("input 1; dense 1; loss half squared error")
    yield alone.pattern("alone", "E_total", {"E1": "x"})
    mean = _Sheet("input 1; dense 1; loss half squared error" + SEVERAL.format(0, 0), batch=True)
    yield mean.pattern("mean", "E_total", {"E1": "x", "N": "N"})


def _cross_entropies() -> Iterator[ValuePattern]:
    for ending in ("softmax", "log softmax"):
        for smoothing in ("", f" smoothing {MARK['smoothing']}"):
            for count in (1, FEW):
                sheet = _Sheet(f"input 1; dense {count}; {ending}; loss {Loss.CROSS}{smoothing}")
                rows = (("t", "t"), ("o", "x"), ("a_o", "y"))
                places = {k: v for stem, own in rows for k, v in _row(stem, own, count).items()}
                name = f"{Loss.CROSS} of {ending}{' smoothed' * bool(smoothing)}"
                yield sheet.pattern(name, "E_total", {**places, "L_o": "L"}, count)


def least_table() -> dict[str, Any]:
    """For losses of probabilities, one sample's loss of perfect outputs."""
    found = {}
    for loss, ending in ((loss, loss.ending) for loss in LOSSES.values() if loss.ending):
        sheet = _Sheet(f"input 1; dense {FEW}; {ending}; loss {loss}")
        targets = sheet.pattern("least", "E_total", _row("t", "t", FEW), FEW)
        found[str(loss)] = gathered(_expression(least_loss(sheet.step), targets.at), FEW)
    return found


def plane_table() -> dict[str, Any]:
    """How outputs say the classes of points on a plane, by their number and what they end in."""
    return {
        f"{outputs} {ending}".strip(): _plane(outputs, ending)
        for outputs, ending in ((1, ""), (1, "tanh"), (2, ""), (2, "log softmax"))
    }


def _plane(outputs: int, ending: str) -> dict[str, Any]:
    net = parse(f"input 2; dense {outputs}; {ending or 'identity'}")
    step = scalar_step(net)
    places = {output: f"x{k}" for k, output in enumerate(step.outputs, 1)}
    return {
        "share": _expression(share_of(step), places.get),
        "classes": [class_targets(net, k) for k in range(CLASSES)],
    }


# How weights go on -------------------------------------------------------------


def update_table() -> dict[str, Any]:
    """For each rule what a weight, and what is remembered of it, are in the next step."""
    found = {}
    for kind in UPDATES:
        for nesterov in (False, True) if kind == "momentum" else (False,):
            rule = Update(
                kind,
                momentum=MARK["momentum"],
                betas=(MARK["beta1"], MARK["beta2"]),
                epsilon=MARK["epsilon"],
                nesterov=nesterov,
            )
            for decay in (0.0, MARK["decay"]):
                name = f"{kind}{' nesterov' * nesterov}{' with decay' * bool(decay)}"
                found[name] = _changes(rule, decay)
    return found


def _changes(rule: Update, decay: float) -> dict[str, Any]:
    graph = Graph()
    weight, slope, rate = (graph.leaf(Name(stem)) for stem in ("w", "g", "η"))
    made = rule.card.changes(WeightStep(rule, weight, np.zeros(()), slope, rate, decay))
    own = {**{it.leaf: it.leaf.name.stem for it in made if it.leaf.name}, slope: "g", rate: "η"}

    def at(node: Node) -> str | None:
        return own.get(node) or (MARKS.get(node.number) if node.is_constant() else None)

    return {own[it.leaf]: _expression(it.next, at) for it in made}
