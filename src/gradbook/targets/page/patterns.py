"""How each kind of value in a network is computed, with places for other values.

A page builds networks from these by itself, in the lines of `lines.py`. A pattern is traced: the
ops of a layer, a loss or an update are applied to leaves for values and for a network's settings,
so that no formula and no derivative is written here. What depends on a whole layer is taken from
the graph of a small network. An expression is a number, a place's name, or a list of a word and its
operands:

    ["divide", 1, ["add", 1, ["exp", ["negate", "x"]]]]

`["every", word, expression]` applies the word to all values of a kind: numbered places, x1, x2
and so on, are called x* there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import Any, cast

import numpy as np

from gradbook.graph.chain import gradients
from gradbook.graph.names import Name
from gradbook.graph.node import Graph, Node, named_inputs
from gradbook.layers import ACTIVATIONS, LOSSES, NUMBERED, UPDATES, LayerNorm, LayerSite
from gradbook.layers.activations import activate
from gradbook.layers.fields import FlagField, NumberField
from gradbook.layers.losses import op_of_all, smooth
from gradbook.layers.updates import UpdateCard, WeightStep
from gradbook.net import Activation, Loss, parse
from gradbook.net.lower import scalar_step
from gradbook.targets.page.criteria import least_loss
from gradbook.targets.page.lines import SAYS, WORDS
from gradbook.targets.page.plane import CLASSES, class_targets, share_of

FEW, MANY = 2, 6  # outputs; a long sum is divided by writing its share in front
SEVERAL_PLACES = 3  # in a window or a group: no formula contains 3 otherwise
MANY_PLACES = 7
SIZES = {1: "one", FEW: "few", SEVERAL_PLACES: "few", MANY: "many", MANY_PLACES: "many"}
PLACES: tuple[
    tuple[int, str, dict[float, str] | None], ...
] = (  # for a mean; 2/6 is written as 1/3, and 2/7 as it is
    (2, "two", {}),
    (6, "even", {6.0: "n", 3.0: "half"}),
    (1, "one", None),
    (SEVERAL_PLACES, "few", None),
    (MANY_PLACES, "many", None),
)
SEVERAL_SAMPLES = "; sample {0} -> {1}; sample {0} -> {1}"
BELOW_ZERO = "below 0"
ANY = "any"
SLOPES: tuple[float | str, ...] = (0, 1, -1, BELOW_ZERO, ANY)
"""Settings for which formulas are written differently."""


@dataclass(frozen=True)
class ValuePattern:
    """One kind of value: its node, and the places of those that it is computed from."""

    name: str
    value: Node
    places: Mapping[Node, str]
    partials: Mapping[str, Node]  # by the place of the value in the denominator
    count: int  # the number of values of a kind
    size: str  # which counts its formulas are for: one, few or many; two, or an even number
    numbers: Mapping[float, str]  # in its formulas, computed from the count
    is_rewritten: bool = False  # whether another has its expressions, and only its formulas differ
    below_zero: Sequence[str] = ()  # the places of settings that are negative
    apart: str = ""  # the place of the first of several, if it is separate from the others
    said_number: float = 0.0  # in its expressions, instead of a network's setting

    def table(self) -> dict[str, Any]:
        seen: dict[str, Any] = {}
        for place, partial in self.partials.items():
            if self.place_name(place) not in seen:
                seen[self.place_name(place)] = self._partial(place, partial)
        value = gather(_expression(self.value, self.places.get, top=True), self.count)
        return {"value": self._apart(value), "partials": seen}

    def place_name(self, place: str) -> str:
        """x for x1 and x2, except for the separate one."""
        return self.apart if self.apart and _index(place) == "1" else general(place)

    def _apart(self, term: Any) -> Any:
        """Replace the separate value and a network's setting in the term by their places."""
        if isinstance(term, float) and term and term == self.said_number:
            return "varianceEpsilon"
        if isinstance(term, list):
            return [self._apart(part) for part in term]
        return self.place_name(term) if self.apart and isinstance(term, str) else term

    def _partial(self, place: str, partial: Node) -> Any:
        """A partial's expression, in which the value that it is for is called x."""
        term = self._apart(gather(_expression(partial, self.places.get), self.count))
        return _of_one(term, _index(place))


def general(place: str) -> str:
    """x for x1 and x2."""
    return place.rstrip("0123456789")


def _index(place: str) -> str:
    return place[len(general(place)) :]


def _expression(node: Node, at: Callable[[Node], str | None], top: bool = False) -> Any:
    """The node as an expression of places and numbers, in words of the page's machine."""
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


def gather(term: Any, count: int) -> Any:
    """The term with `every` for a word over all values of a kind, and n for their number."""
    if isinstance(term, float) and term == count > 1:
        return "n"
    if not isinstance(term, list):
        return term
    if term[0] == "is_largest":  # its own number says which of them it is
        return ["every", term[0], _counting(term[2], 1)]
    terms = _terms(term, count)
    alike = {str(_counting(term, k)) for k, term in enumerate(terms, 1)}
    if len(terms) == count > 1 and len(alike) == 1 and "*" in str(alike):
        return ["every", term[0], gather(_counting(terms[0], 1), count)]
    return [term[0], *(gather(part, count) for part in term[1:])]


def _terms(term: Any, count: int) -> list[Any]:
    """The terms of a sum of so many, from the left, or the operands of a word that takes many."""
    if isinstance(term, list) and term[0] in ("log_sum_exp", "largest"):
        return list(term[1:])
    if count == 1:
        return [term]
    if not isinstance(term, list):
        return []
    return [*_terms(term[1], count - 1), term[2]] if term[0] == "add" else []


def _counting(term: Any, k: int) -> Any:
    """The term with x2 as x*, if k is 2."""
    if isinstance(term, str):
        return f"{general(term)}*" if _index(term) == str(k) else term
    return [_counting(part, k) for part in term] if isinstance(term, list) else term


def _of_one(term: Any, index: str) -> Any:
    if isinstance(term, str):
        return general(term) if _index(term) == index else term
    return [_of_one(part, index) for part in term] if isinstance(term, list) else term


# Tracing -----------------------------------------------------------------------

SETTINGS = {  # places of a network's settings
    *(part.name for card in (ACTIVATIONS | NUMBERED).values() for part in card.form.fields),
    *("smoothing", "varianceEpsilon"),
}
GIVEN = {"t", "N", "mask", "count", *SETTINGS}  # places of values that no weight changes


def pattern_of(
    name: str,
    value: Node,
    places: Mapping[Node, str],
    count: int = 1,
    size: str = "",
    numbers: Mapping[float, str] | None = None,
) -> ValuePattern:
    """The pattern of a value, with its partials with respect to the places in its formula."""
    towards = [node for node in named_inputs(value, places) if general(places[node]) not in GIVEN]
    slopes = gradients(value, towards, stop=places)
    partials = {places[node]: slopes[node] for node in towards}
    if numbers is None:
        numbers = {float(count): "n"} if count > 1 else {}
    return ValuePattern(name, value, places, partials, count, size or SIZES[count], numbers)


class _Sheet:
    """A network whose values are looked up by their names."""

    def __init__(self, text: str, batch: bool = False) -> None:
        self.step = scalar_step(parse(text), 2 if batch else None, learns=False)

    @cached_property
    def nodes(self) -> dict[str, Node]:
        return self.step.graph.by_name

    def held(self, places: Mapping[str, str]) -> dict[Node, str]:
        """The place of each node; `places` has them by the nodes' names."""
        return {self.nodes[name]: place for name, place in places.items() if name in self.nodes}

    def pattern(self, name: str, of: str, places: Mapping[str, str], *size: Any) -> ValuePattern:
        """The value called `of`."""
        return pattern_of(name, self.nodes[of], self.held(places), *size)


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
    yield from _attention()
    yield from _norms()
    yield from _rms()
    yield from _of_each_place()
    yield from _activations()
    yield from _errors()


def _attention() -> Iterator[ValuePattern]:
    """The score of one step for another, and its share among all that are attended to."""
    for count in (1, SEVERAL_PLACES, MANY_PLACES):
        sheet = _Sheet(f"input 2x{count}; attention; flatten; dense 1; loss half squared error")
        places = {
            f"h_{word}_{k}(1)": f"{place}{k}"
            for word, place in (("query", "w"), ("key", "x"))
            for k in range(1, count + 1)
        }
        yield sheet.pattern("score", "h_score_1_1", places, count)
    for count in (1, SEVERAL_PLACES):
        sheet = _Sheet(
            f"input {max(count, 2)}x1; attention{' causal' * (count == 1)}; flatten; dense 1; "
            "loss half squared error"
        )
        places = {f"h_score_1_{k}": f"x{k}" for k in range(1, count + 1)}
        shares = {f"a_share_1_{k}": f"a{k}" for k in range(2, count + 1)}
        all_places = {**places, **shares, "a_share_1_1": "y"}
        pattern = sheet.pattern("share", "a_share_1_1", all_places, count)
        yield replace(pattern, apart="own")


def _pools() -> Iterator[ValuePattern]:
    for count in (1, SEVERAL_PLACES, MANY_PLACES):
        maps = f"input 1x{count}x1; conv 1 1; {{}}; flatten; dense 1; loss half squared error"
        places = {f"c{k}_1": f"x{k}" for k in range(1, count + 1)}
        window = f"{count}x1"
        yield _Sheet(maps.format(f"maxpool {window}")).pattern(
            "maxpool", "p1_1", {**places, "p1_1": "y"}, count
        )
        if count == 1:  # if padding counts, the divisor is larger than what is read
            window = "2x1 pad 1x0x0x0 stride 2x1 zeros"
        yield _Sheet(maps.format(f"avgpool {window}")).pattern(
            "avgpool", "p1_1", places, count, "", {float(max(count, 2)): "n"}
        )


def _norms() -> Iterator[ValuePattern]:
    """A mean and a variance: of a group of a sample, or of a channel over all samples."""
    for over in ("group", "samples"):
        for count, size, numbers in PLACES:
            text = f"input 1x{count}x1; conv 1 1; batchnorm; flatten; dense 1; loss mse"
            sheet = _Sheet(text, batch=over == "samples")
            places = {f"c{k}_1": f"x{k}" for k in range(1, count + 1)}
            others = {"μ1": "mean", "σ²1": "variance", "s1": "deviation", "N": "N"}
            all_places = {**places, **others}
            if size in SIZES.values():
                yield sheet.pattern(f"mean of {over}", "μ1", all_places, count)
            yield sheet.pattern(f"variance of {over}", "σ²1", all_places, count, size, numbers)
    yield _deviation()
    of_one = {"c1_1": "x", "n1_1": "y", **others}
    yield sheet.pattern("normal", "n1_1", of_one)
    yield sheet.pattern("scaled", "y1_1", {"n1_1": "x", "γ1": "scale", "β1": "shift"})


def _rms() -> Iterator[ValuePattern]:
    """The root of the mean of squares, values divided by it, and these times a scale."""
    for count in (SEVERAL_PLACES, MANY_PLACES):
        epsilon = 2**-7  # a number that occurs nowhere else
        text = f"input 1; dense {count}; rmsnorm epsilon {epsilon}; dense 1; loss mse"
        sheet = _Sheet(text)
        numbers = {float(count): "n", epsilon: "varianceEpsilon"}
        places = {**_row("h", "x", count), "s": "y"}
        pattern = sheet.pattern("root of mean square", "s", places, count, "", numbers)
        yield replace(pattern, said_number=epsilon)
    yield sheet.pattern("over size", "n1", {"h1": "x", "s": "size", "n1": "y"})
    yield sheet.pattern("times scale", "y1", {"n1": "x", "γ1": "scale"})


def _deviation() -> ValuePattern:
    """The deviation, traced with epsilon as a network's setting."""
    graph, norm = Graph(), LayerNorm()
    x, scale, shift = (graph.leaf(Name(name), (1,)) for name in ("x", "γ", "β"))
    epsilon = graph.leaf(Name("ε"))
    object.__setattr__(norm, "epsilon", epsilon)
    norm.ops(
        LayerSite(graph, 0, None, Name("y"), Name("x"), (1,), 1, False, True), [x], [scale, shift]
    )
    deviation, variance = graph.by_name["s"], graph.by_name["σ²"]
    places = {variance: "variance", deviation: "y", epsilon: "varianceEpsilon"}
    return pattern_of("deviation", deviation, places)


def _of_each_place() -> Iterator[ValuePattern]:
    ending = "add back 1; dense 1; loss half squared error"
    sheet = _Sheet(f"input 1; dense 1; tanh; {ending}")
    yield sheet.pattern("added", "z1", {"a_h1": "x", "h1": "before"})
    sheet = _Sheet(f"input 1; dense 1; dropout 0; {ending}")
    yield sheet.pattern("doubled", "z1", {"h1": "x"})
    ending = "multiply back 1; dense 1; loss half squared error"
    sheet = _Sheet(f"input 1; dense 1; tanh; {ending}")
    yield sheet.pattern("times", "m1", {"a_h1": "x", "h1": "before"})
    sheet = _Sheet(f"input 1; dense 1; dropout 0; {ending}")
    yield sheet.pattern("squared", "m1", {"h1": "x"})
    sheet = _Sheet("input 1; dense 1; prelu; loss half squared error")
    yield sheet.pattern("prelu", "a_o1", {"o1": "x", "α1": "w"})
    sheet = _Sheet("input 1; dense 1; dropout 0.5; dense 1; loss half squared error", batch=True)
    yield sheet.pattern("kept", "u1", {"h1": "x", "d1": "mask"})


def _activations() -> Iterator[ValuePattern]:
    for kind, card in ACTIVATIONS.items():
        if Activation(kind).elementwise:
            yield _activated(kind, dict.fromkeys(field.name for field in card.form.fields))
            continue
        for count in (1, FEW):
            sheet = _Sheet(f"input 1; dense {count}; {kind}; loss half squared error")
            rows = {**_row("o", "x", count), **_row("a_o", "a", count), "L_o": "y"}
            yield sheet.pattern(f"logarithm of {kind}", "L_o", rows, count)
            if count == 1:
                yield sheet.pattern(kind, "a_o1", {"o1": "x", "L_o": "L", "a_o1": "y"})
    for kind, card in NUMBERED.items():
        yield _activated(kind, dict.fromkeys(field.name for field in card.form.fields))
    for kind, card in (ACTIVATIONS | NUMBERED).items():
        names = [field.name for field in card.form.fields]
        for values in product(SLOPES, repeat=len(names)):
            if set(values) - {ANY}:
                yield _activated(kind, dict(zip(names, values, strict=True)))


def _activated(kind: str, settings: Mapping[str, float | str | None]) -> ValuePattern:
    """An activation's op, with its settings as leaves, or as numbers with formulas of their own."""
    graph = Graph()
    x, *leaves = (graph.leaf(Name(letter)) for letter in ("x", *settings))
    places = dict(zip([x, *leaves], ["x", *settings], strict=True))
    pairs = zip(settings.values(), leaves, strict=True)
    arguments = [value if isinstance(value, int) else leaf for value, leaf in pairs]
    result = graph.named(activate(kind, x, arguments), Name("y"))
    written = [str(value) for value in settings.values() if value is not None]
    pattern = pattern_of(" ".join([kind, *written]), result, {**places, result: "y"})
    below_zero = [name for name, value in settings.items() if value == BELOW_ZERO]
    return replace(pattern, is_rewritten=bool(written), below_zero=below_zero)


def _errors() -> Iterator[ValuePattern]:
    """The error of each output, of several outputs, and the mean over the samples."""
    for loss in LOSSES.values():
        if loss.of_all:
            yield from _errors_of_all(loss)
            continue
        ending = f"{loss.ending}; " * bool(loss.ending)
        single = _Sheet(f"input 1; dense 1; {ending}loss {loss}")
        places = {"t1": "t", "o1": "x", "a_o1": "y", "E1": "E"}
        yield single.pattern(str(loss), "E1", places)
    for loss in {loss.over_outputs: loss for loss in LOSSES.values() if not loss.ending}.values():
        for count in (FEW, MANY):
            several = _Sheet(f"input 1; dense {count}; loss {loss}")
            places = _row("E", "x", count)
            yield several.pattern(f"all {loss.over_outputs}", "E_total", places, count)
    yield from _over_steps()
    alone = _Sheet("input 1; dense 1; loss half squared error")
    yield alone.pattern("alone", "E_total", {"E1": "x"})
    mean = _Sheet(
        "input 1; dense 1; loss half squared error" + SEVERAL_SAMPLES.format(0, 0), batch=True
    )
    yield mean.pattern("mean", "E_total", {"E1": "x", "N": "N"})


def _over_steps() -> Iterator[ValuePattern]:
    """The mean over the steps that have a target."""
    for steps in (SEVERAL_PLACES, MANY_PLACES):
        text = f"input {steps}x1; conv1d 2 1; softmax; loss cross-entropy"
        sheet = _Sheet(text, batch=True)
        places: dict[Node, str] = {}
        for k in range(1, steps + 1):
            places[sheet.nodes[f"t1({k})"] + sheet.nodes[f"t2({k})"]] = f"count{k}"
            places[sheet.nodes[f"E{k}"]] = f"x{k}"
        value = sheet.nodes["E_sample"]
        yield pattern_of("steps that count", value, places, steps)


def _errors_of_all(loss: Loss) -> Iterator[ValuePattern]:
    """The loss's op on the values of a network that ends as the loss requires."""
    for ending in (loss.ending, f"log {loss.ending}"):
        for is_smoothed in (False, True):
            for count in (1, FEW):
                sheet = _Sheet(f"input 1; dense {count}; {ending}; loss {loss}")
                rows = (("t", "t"), ("o", "x"), ("a_o", "y"))
                of_rows = {k: v for stem, row in rows for k, v in _row(stem, row, count).items()}
                places = sheet.held({**of_rows, "L_o": "L"})
                outputs = [sheet.nodes[f"o{k}"] for k in range(1, count + 1)]
                value = sheet.step.loss
                if is_smoothed:
                    share = sheet.step.graph.leaf(Name("smoothing"))
                    places[share] = "smoothing"
                    smoothed = [smooth(target, share, count) for target in sheet.step.targets]
                    value = op_of_all(loss, smoothed, outputs)
                name = f"{loss} of {ending}{' smoothed' * is_smoothed}"
                yield pattern_of(name, value, places, count)


def least_table() -> dict[str, Any]:
    """For each loss of probabilities, one sample's loss if its outputs are perfect."""
    table = {}
    for loss in LOSSES.values():
        if loss.ending:
            text = f"input 1; dense {FEW}; {loss.ending}; loss {loss}"
            step = scalar_step(parse(text), learns=False)
            places = {target: f"t{k}" for k, target in enumerate(step.targets, 1)}
            table[str(loss)] = gather(_expression(least_loss(step), places.get), FEW)
    return table


def plane_table() -> dict[str, Any]:
    """How outputs classify points of a plane, by the number of outputs, the last activation and
    whether the loss is of all; the default by the number only."""
    table: dict[str, Any] = {}
    for outputs in range(1, CLASSES + 1):
        usual = table[str(outputs)] = _plane(outputs, "", Loss.HALF_SQUARED)
        for loss in LOSSES.values():
            for ending in ACTIVATIONS if outputs > 1 or not loss.of_all else ():
                fits = not loss.ending or loss.ending == ending.removeprefix("log ")
                plane = _plane(outputs, ending, loss) if fits else usual
                if plane != usual:
                    table[f"{outputs} {ending}{' of all' * loss.of_all}"] = plane
    return table


def _plane(outputs: int, ending: str, loss: Loss) -> dict[str, Any]:
    graph = Graph()
    places = {graph.leaf(Name("x", (k,))): f"x{k}" for k in range(1, outputs + 1)}
    return {
        "share": _expression(share_of(list(places), ending, loss), places.get),
        "classes": [class_targets(outputs, ending, k) for k in range(CLASSES)],
    }


# How weights change ------------------------------------------------------------


def update_table() -> dict[str, Any]:
    """For each rule, the next values of a weight and of its memories."""
    table = {}
    for kind, card in UPDATES.items():
        flags = [part.name for part in card.form.fields if isinstance(part, FlagField)]
        for values in product((False, True), repeat=len(flags)):
            words = dict(zip(flags, values, strict=True))
            for decays in (False, True):
                name = " ".join([kind, *(flag for flag in flags if words[flag])])
                table[f"{name}{' with decay' * decays}"] = _changes(card, words, decays)
    return table


def _changes(card: UpdateCard, words: Mapping[str, bool], decays: bool) -> dict[str, Any]:
    """The rule, traced with leaves for a network's settings."""
    graph = Graph()
    numbers = [part.name for part in card.form.fields if isinstance(part, NumberField)]
    names = {graph.leaf(Name(it)): it for it in ("w", "g", "η", *numbers, "decay")}
    weight, slope, rate, *leaves, decay = names
    settings = {**dict(zip(numbers, leaves, strict=True)), **words}
    pulled = cast(float, decay) if decays else 0.0
    changes = card.changes(WeightStep(settings, weight, np.zeros(()), slope, rate, pulled))
    names |= {it.leaf: it.leaf.name.stem for it in changes if it.leaf.name}
    return {names[it.leaf]: _expression(it.next, names.get) for it in changes}
