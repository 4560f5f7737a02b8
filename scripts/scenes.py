"""Scenes of documents: a network drawn from its own numbers, with the path that is spoken of lit.

    <gb-scene net="net.txt" boxes="i1 i2 | a_h1 a_h2 | a_o1 a_o2 | E1 E2" lit="E1 a_o1"
      factors="E1/a_o1 a_o1/o1 o1/w5" step="1" control="w5">

    Text and formulas.

    </gb-scene>

`net` is a block of the same document, by its title, or a built-in network. `boxes` names the values
that are drawn, a column after the other; `a_h1=share` shows another name. Neighbouring columns are
joined where a value is computed from the other. `lit` is a path through boxes, or several with `;`
between; `factors` are the slopes of a chain, and `step` says of which one the text speaks;
`control` is a weight with a slider, which the other scenes of this network follow.

A number of the text with four decimals or more has to be one of the network's: it is looked up when
the document is built, and follows when the weight is dragged.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from html import escape
from itertools import pairwise, product

import numpy as np

from gradbook.graph.chain import gradients
from gradbook.graph.node import Array, Node, ancestors
from gradbook.graph.reference import evaluate
from gradbook.net import Net, builtin, parse
from gradbook.net.derivation import derivation
from gradbook.net.lower import scalar_step
from gradbook.net.step import Step
from gradbook.report.scripts import script
from gradbook.targets.page.lines import write_lines

SCENE = re.compile(r"^<gb-scene ([^>]*)>\n(.*?)^</gb-scene>", re.MULTILINE | re.DOTALL)
ATTRIBUTE = re.compile(r'(\w+)="([^"]*)"')
TITLED = '```text title="{}"\n'
NUMBER = re.compile(r"(<mn>)?(?<![\w.])(\d+\.\d{4,})(?![\w.])")
TAGGED = re.compile(r"(<[^>]*>)")
NAME = re.compile(r"([^\W\d_])_?(\w*?)(\(\d+\))?")
SLIDER = (-2.0, 2.0)
CLASSES = {"i": "input", "h": "sum", "o": "sum", "a": "act", "E": "error", "t": "target"}


@dataclass(frozen=True)
class Box:
    """A value, where it is drawn."""

    name: str
    label: str
    x: float
    y: float
    width: float

    @property
    def middle(self) -> float:
        return self.x + self.width / 2

    @property
    def end(self) -> float:
        return self.x + self.width


@dataclass(frozen=True)
class Size:
    """Where the parts of a drawing are."""

    places: tuple[tuple[float, float], ...]  # of columns: left and width
    rows: tuple[float, float] = (104, 216)
    box_height: float = 50
    all_weights: bool = False  # shown on their lines, and all factors over them
    chip: tuple[float, float, float] = (108, 6, 50)  # width, y, height

    def row(self, index: int, count: int) -> float:
        low, high = self.rows
        return low if count == 1 else low + (high - low) * index / (count - 1)

    @property
    def width(self) -> float:
        left, width = self.places[-1]
        return left + width + self.places[0][0]


FOUR = Size(((1, 44), (84, 58), (192, 62), (284, 61)))
FIVE = Size(((1, 44), (74, 52), (149, 52), (223, 52), (294, 53)))
WIDE = Size(
    ((1, 46), (133, 55), (188, 55), (331, 55), (412, 55), (495, 58)),
    rows=(106, 250),
    box_height=48,
    all_weights=True,
    chip=(74, 18, 46),
)
SIZES = {len(size.places): size for size in (FOUR, FIVE, WIDE)}


@dataclass(frozen=True)
class Scene:
    """What one tag asks for, with the network's values."""

    net: Net
    columns: tuple[tuple[tuple[str, str], ...], ...]  # names and labels
    lit: tuple[tuple[str, ...], ...]  # paths
    factors: tuple[str, ...] = ()
    step: int = 0  # of which factor the text speaks, from 1
    control: str = ""
    title: str = ""  # of the network: scenes of one page with the same share its weights

    @staticmethod
    def of(attributes: str, document: str) -> Scene:
        given = dict(ATTRIBUTE.findall(attributes))
        columns = tuple(
            tuple((word.partition("=")[0], word.partition("=")[2]) for word in column.split())
            for column in given["boxes"].split("|")
        )
        return Scene(
            _network(given["net"], document),
            columns,
            tuple(tuple(path.split()) for path in given.get("lit", "").split(";")),
            tuple(given.get("factors", "").split()),
            int(given.get("step", 0)),
            given.get("control", ""),
            given["net"],
        )

    @cached_property
    def trained(self) -> Step:
        return scalar_step(self.net)

    @cached_property
    def nodes(self) -> dict[str, Node]:
        """Every value of the network, factor and gradient, by its name."""
        named = self.trained.graph.by_name
        forward = derivation(self.trained).forward
        nodes = {str(node.name): node for node in forward} | dict(named)
        for factor in self.factors:
            of, to = (named[name] for name in factor.split("/"))
            nodes[factor] = gradients(of, [to])[to]
        return {"chain": self._product(nodes)} | nodes if self.factors else nodes

    def _product(self, nodes: Mapping[str, Node]) -> Node:
        """What the factors up to this step give together."""
        result = nodes[self.factors[0]]
        for factor in self.factors[1:]:
            result = result * nodes[factor]
        return result

    @cached_property
    def given(self) -> dict[Node, Array]:
        rate = {self.trained.rate: np.asarray(self.net.learning_rate)}
        return {**self.trained.start, **self.trained.data, **rate}

    @cached_property
    def values(self) -> dict[str, float]:
        values = evaluate(list(self.nodes.values()), self.given)
        return {name: float(np.ravel(values[node])[0]) for name, node in self.nodes.items()}

    @property
    def candidates(self) -> list[str]:
        """The names of what a number of the text may be, the likeliest first."""
        last = ["chain", *self.factors] if self.step else []
        return [*last, *(name for name in self.nodes if not name.startswith("w"))]

    def table(self, shown: set[str]) -> str:
        """How the shown values are computed, for the script."""
        names = sorted({*shown, self.control} - {""})
        lines = write_lines([self.nodes[name] for name in names])
        given = {
            lines.places[leaf]: float(np.ravel(value)[0])
            for leaf, value in self.given.items()
            if leaf in lines.places
        }
        places = {name: lines.places[self.nodes[name]] for name in names}
        table = {"net": self.title, "control": self.control, "lines": lines.lines}
        table |= {"given": given, "places": places}
        return json.dumps(table, ensure_ascii=False, separators=(",", ":"))

    @property
    def edges(self) -> list[tuple[str, str]]:
        """What is lit, from box to box; what two paths share, once."""
        return list(dict.fromkeys(edge for path in self.lit for edge in pairwise(path)))

    @property
    def on_path(self) -> list[str]:
        return [name for path in self.lit for name in path]

    # The drawing

    def boxes(self, size: Size) -> list[list[Box]]:
        """The boxes of each column."""
        return [
            [
                Box(name, label or name, left, size.row(row, len(column)), width)
                for row, (name, label) in enumerate(column)
            ]
            for (left, width), column in zip(size.places, self.columns, strict=True)
        ]

    def _joined(self, here: list[str], after: list[str]) -> list[tuple[str, str]]:
        stops = {self.nodes[name] for column in self.columns for name, _ in column}
        return [
            (of, to)
            for to in after
            for of in here
            if self.nodes[of] in ancestors([self.nodes[to]], stops - {self.nodes[to]})
        ]

    def weight(self, of: str, to: str) -> str:
        """The weight that a value is multiplied by on its way to another; none if it has none."""
        weights = {str(leaf.name) for leaf in self.trained.weights}
        stops = {self.nodes[name] for column in self.columns for name, _ in column}
        for node in ancestors([self.nodes[to]], stops - {self.nodes[to]}):
            if node.op.name == "multiply" and self.nodes[of] in node.inputs:
                for source in node.inputs:
                    if str(source.name) in weights:
                        return str(source.name)
        return ""

    def drawing(self) -> str:
        """The network, with the path and the factors, as SVG."""
        size = SIZES[len(self.columns)]
        columns = self.boxes(size)
        boxes = {box.name: box for column in columns for box in column}
        parts = [*self._lines(columns, boxes), *self._path(boxes)]
        parts += [self._box(box, size) for box in boxes.values()]
        parts += self._arrows(boxes)
        parts += self._weights(columns, boxes, size)
        shown = range(len(self.factors)) if size.all_weights else [self.step - 1]
        parts += [self._chip(k, boxes, size) for k in shown if self.factors and k >= 0]
        parts += self._target(boxes, size)
        parts += self._row(size)
        has_row = self.step and len(self.factors) > 1
        top = size.chip[1] - 6 if self.factors else size.rows[0] - 52
        end = 300 if has_row else size.rows[1] + size.box_height / 2 + 2
        view = f'viewBox="0 {top:g} {size.width:g} {end - top:g}"'
        words = escape(self._told(), quote=True)
        return (
            f'<svg class="scene-net" {view} role="img" aria-label="{words}">{"".join(parts)}</svg>'
        )

    def _told(self) -> str:
        """The drawing in a sentence, without numbers, which change."""
        paths = ", and ".join(" to ".join(path) for path in self.lit)
        return f"The network, from its inputs to its error; lit: {paths}"

    def _lines(self, columns: list[list[Box]], boxes: Mapping[str, Box]) -> Iterator[str]:
        hot = {*self.edges, *((b, a) for a, b in self.edges)}
        for here, after in pairwise(columns):
            for of, to in self._joined([it.name for it in here], [it.name for it in after]):
                weight = self.weight(of, to)
                a, b = boxes[of], boxes[to]
                if a.end == b.x:
                    continue
                kinds = ["wire"] if weight else ["wire plain"]
                kinds += ["hot"] if (of, to) in hot or weight == self.control != "" else []
                kinds += ["below"] if weight and self.values[weight] < 0 else []
                width = min(6, 1 + 2 * abs(self.values[weight])) if weight else 1.6
                live = f' data-of="{weight}"' if weight else ""
                yield (
                    f'<line class="{" ".join(kinds)}" x1="{a.end:g}" y1="{a.y:g}" x2="{b.x:g}" '
                    f'y2="{b.y:g}" style="stroke-width:{width:.3g}"{live}/>'
                )

    def _path(self, boxes: Mapping[str, Box]) -> Iterator[str]:
        for first, second in self.edges:
            x1, x2 = self._ends(boxes[first], boxes[second])
            ends = f'x1="{x1:g}" y1="{boxes[first].y:g}" x2="{x2:g}" y2="{boxes[second].y:g}"'
            yield f'<line class="glow" {ends}/>'
            yield f'<line class="path" {ends}/>'

    def _ends(self, first: Box, second: Box) -> tuple[float, float]:
        """From one box to the other, leftwards or rightwards."""
        backwards = second.x < first.x
        return (first.x, second.end) if backwards else (first.end, second.x)

    def _arrows(self, boxes: Mapping[str, Box]) -> Iterator[str]:
        for first, second in self.edges:
            x1, x2 = self._ends(boxes[first], boxes[second])
            if x1 == x2:
                continue
            turn = np.degrees(np.arctan2(boxes[second].y - boxes[first].y, x2 - x1))
            yield (
                '<path class="tip" d="M0,0l-10,-6v12z" '
                f'transform="translate({x2:g} {boxes[second].y:g}) rotate({turn:.4g})"/>'
            )

    def _box(self, box: Box, size: Size) -> str:
        height, lit = size.box_height, box.name in self.on_path
        kind = CLASSES.get(box.name[0], "sum")
        quiet = "" if lit or size.all_weights else " quiet"
        return (
            f'<g class="box {kind}{quiet}{" lit" if lit else ""}">'
            f'<rect x="{box.x:g}" y="{box.y - height / 2:g}" width="{box.width:g}" '
            f'height="{height:g}" rx="9"/>'
            f'<text class="name" x="{box.middle:g}" y="{box.y - 5:g}">{_written(box.label)}</text>'
            f"{self._number(box.name, box.middle, box.y + 16)}</g>"
        )

    def _number(self, name: str, x: float, y: float, kind: str = "") -> str:
        value = self.values[name]
        digits = _digits(value) if self.nodes[name].op.name == "leaf" else 4
        shown = _number(value, digits)
        return (
            f'<text class="number{kind}" x="{x:g}" y="{y:g}" data-of="{escape(name)}" '
            f'data-digits="{digits}">{shown}</text>'
        )

    def _weights(
        self, columns: list[list[Box]], boxes: Mapping[str, Box], size: Size
    ) -> Iterator[str]:
        """Their names and numbers: of all on their lines, or of the dragged one above it."""
        for here, after in pairwise(columns):
            for of, to in self._joined([it.name for it in here], [it.name for it in after]):
                weight, a, b = self.weight(of, to), boxes[of], boxes[to]
                if not weight or not (size.all_weights or weight == self.control):
                    continue
                lit = (of, to) in self.edges or (to, of) in self.edges
                hot = " hot" * lit + " dragged" * (weight == self.control)
                along = 0.5 if a.y == b.y or not size.all_weights else 0.28
                x, y = a.end + (b.x - a.end) * along, a.y + (b.y - a.y) * along
                y -= 0 if size.all_weights else 26
                yield (
                    f'<g class="weight{hot}"><rect x="{x - 20:g}" y="{y - 17:g}" width="40" '
                    f'height="34" rx="6"/><text class="name" x="{x:g}" y="{y - 3:g}">'
                    f"{_written(weight)}</text>{self._number(weight, x, y + 13)}</g>"
                )

    def _chip(self, index: int, boxes: Mapping[str, Box], size: Size) -> str:
        """A factor, over what it belongs to."""
        x, y = self._place(self.factors[index], boxes)
        width, top, height = size.chip
        left = min(max(x - width / 2, 0.5), size.width - width - 0.5)
        end = y - (size.box_height / 2 if self._is_inside(index, boxes) else 7)
        if self.factors[index].split("/")[1] not in boxes and not self._is_inside(index, boxes):
            end = y - (17 if size.all_weights else 46)
        labels = {name: label for column in self.columns for name, label in column if label}
        of, to = (_written(labels.get(it, it)) for it in self.factors[index].split("/"))
        value = self.values[self.factors[index]]
        return (
            f'<g class="chip {_kind(self.factors[index])}"><line x1="{x:g}" x2="{x:g}" '
            f'y1="{top + height:g}" y2="{end:g}"/><rect x="{left:g}" y="{top:g}" '
            f'width="{width:g}" height="{height:g}" rx="9"/><text class="slope" '
            f'x="{left + width / 2:g}" y="{top + 19:g}">∂{of}/∂{to}</text>'
            f'<text class="number" x="{left + width / 2:g}" y="{top + height - 9:g}" '
            f'data-of="{escape(self.factors[index])}" data-digits="4">{_number(value, 4)}'
            "</text></g>"
        )

    def _is_inside(self, index: int, boxes: Mapping[str, Box]) -> bool:
        """Whether it is the slope within one box: from a sum to its activation."""
        of, to = self.factors[index].split("/")
        return of in boxes and to not in boxes

    def _place(self, factor: str, boxes: Mapping[str, Box]) -> tuple[float, float]:
        of, to = factor.split("/")
        if of in boxes and to in boxes:
            a, b = boxes[of], boxes[to]
            return (a.x + b.end) / 2, (a.y + b.y) / 2
        if of in boxes and not to.startswith("w"):
            return boxes[of].middle, boxes[of].y
        for first, second in product(boxes, boxes):
            if self.weight(first, second) == to:
                a, b = boxes[first], boxes[second]
                return (a.end + b.x) / 2, (a.y + b.y) / 2
        raise AssertionError(f"{factor} has no place among the boxes")

    def _target(self, boxes: Mapping[str, Box], size: Size) -> Iterator[str]:
        """The target of the lit error, below the line to it."""
        errors = [name for name in self.on_path if name.startswith("E") and name[1:].isdigit()]
        outputs = [name for name in self.on_path if name.startswith("a_o")]
        if size.all_weights or not errors or not outputs:
            return
        error, output = boxes[errors[0]], boxes[outputs[0]]
        x, y = (error.x + output.end) / 2, error.y
        target = f"t{errors[0][1:]}"
        yield (
            f'<path class="elbow" d="M{x + 16:g},{y + 54:g}H{error.middle:g}V{y + 25:g}"/>'
            f'<g class="box target"><rect x="{x - 52:g}" y="{y + 41:g}" width="68" height="26" '
            f'rx="8"/><text class="name" x="{x - 36:g}" y="{y + 59:g}">{_written(target)}</text>'
            f"{self._number(target, x - 8, y + 59)}</g>"
        )

    def _row(self, size: Size) -> Iterator[str]:
        """The factors in a row: those that were spoken of, and those that follow."""
        if size.all_weights or len(self.factors) < 2 or not self.step:
            return
        whole = self.step == len(self.factors)
        words = [self.values[name] for name in self.factors[: self.step]]
        cells = len(self.factors) + whole
        width = min(76.0, (size.width - 12 * (cells - 1)) / cells)
        y, x = 264.0, size.width - cells * width - 12 * (cells - 1)
        if x > 80:
            yield f'<text class="quiet-word start" x="0" y="{y + 20:g}">this scene</text>'
        for k, factor in enumerate(self.factors):
            kind = _kind(factor) if k < self.step else "to-come"
            kind += " now" if k == self.step - 1 else ""
            yield (
                f'<g class="link {kind}"><rect x="{x:g}" y="{y:g}" width="{width:g}" height="30" '
                'rx="8"/>'
            )
            if k < self.step:
                yield (
                    f'<text class="number" x="{x + width / 2:g}" y="{y + 20:g}" '
                    f'data-of="{escape(factor)}" data-digits="4">{_number(words[k], 4)}</text></g>'
                )
            else:
                word = "next" if k == self.step else "then"
                middle = f'x="{x + width / 2:g}" y="{y + 20:g}"'
                yield f'<text class="quiet-word" {middle}>{word}</text></g>'
            if k + 1 < cells:
                sign = "=" if k + 1 == len(self.factors) else "·"
                yield f'<text class="quiet-word" x="{x + width + 6:g}" y="{y + 20:g}">{sign}</text>'
            x += width + 12
        if whole:
            yield (
                f'<g class="link product"><rect x="{x:g}" y="{y:g}" width="{width:g}" height="30" '
                f'rx="8"/><text class="number" x="{x + width / 2:g}" y="{y + 20:g}" '
                f'data-of="chain" data-digits="4">{_number(self.values["chain"], 4)}</text></g>'
            )

    # The text

    def with_numbers(self, html: str) -> str:
        """The text with each of its long numbers as the value that it is."""
        parts = TAGGED.split(html)
        for index in range(0, len(parts), 2):
            inside = parts[index - 1] if index else ""
            if inside == "<mn>":
                match = NUMBER.fullmatch(parts[index])
                if match:
                    parts[index - 1] = f"<mn{self._live(match[2])}>"
            elif inside != "<code>":
                parts[index] = NUMBER.sub(
                    lambda it: f"<span{self._live(it[2])}>{it[2]}</span>", parts[index]
                )
        return "".join(parts)

    def _live(self, number: str) -> str:
        """What a number is, as attributes; one below 0 stands still, for its sign is apart."""
        digits = len(number.partition(".")[2])
        for name in self.candidates:
            if _number(abs(self.values[name]), digits) == number:
                if self.values[name] < 0:
                    return ""
                kind = ""
                if name in self.factors:
                    kind = f' class="factor {_kind(name)}"'
                return f' data-of="{escape(name)}" data-digits="{digits}"{kind}'
        raise AssertionError(f"{number} is no value of this scene's network")

    def html(self, text: str, place: str, following: str) -> str:
        """All of it: the text, the drawing, the slider and the link to the next scene."""
        text, drawing = self.with_numbers(text), self.drawing()
        steps = f"chain · {self.step} of {len(self.factors)}" if len(self.factors) > 1 else ""
        head = f'<p class="scene-step">{steps}</p>' if steps else ""
        foot = self.foot(following)
        shown = set(re.findall(r'data-of="([^"]+)"', text + drawing + foot))
        table = self.table(shown).replace("</", "<\\/")
        data = f'<script type="application/json">{table}</script>' if self.control else ""
        return (
            f'<gb-scene id="{place}">{head}<div class="scene-words">{text}</div>'
            f"{drawing}{foot}{data}</gb-scene>"
        )

    def foot(self, following: str) -> str:
        parts = []
        if self.control:
            value = self.values[self.control]
            low, high = SLIDER
            parts.append(
                f'<label><span class="scene-weight">{_as_html(self.control)} '
                f'<output data-of="{self.control}" data-digits="4">{_number(value, 4)}</output>'
                f'</span><input type="range" min="{low:g}" max="{high:g}" step="0.01" '
                f'value="{value:g}" disabled></label><span class="scene-hint">drag: every number '
                "that depends on it follows</span>"
            )
        if following:
            parts.append(f'<a class="scene-next" href="#{following}">Next ▸</a>')
        return f'<div class="scene-foot">{"".join(parts)}</div>' if parts else ""


def scene_script() -> str:
    """What all scenes share."""
    return script("scene/scene.js")


def _kind(factor: str) -> str:
    """The error that comes, a slope, or what a weight carries."""
    return {"E": "error", "a": "act"}.get(factor[0], "input")


def _network(name: str, document: str) -> Net:
    _, title, rest = document.partition(TITLED.format(name))
    return parse(rest.partition("```")[0]) if title else builtin(name)


def _digits(value: float) -> int:
    """Of a number that somebody typed: two, or as many as it has."""
    return next(k for k in (2, 3, 4) if k == 4 or round(value, k) == value)


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}".replace("-", "−")


def _written(name: str) -> str:
    """A name with its index below, in SVG."""
    base, below, mark = _apart(name)
    face = "it" if len(base) == 1 else "word"
    low = f'<tspan class="below-line" dy="3">{escape(below)}</tspan>' if below else ""
    back = f'<tspan dy="{-3 if below else 0}">{mark}</tspan>' if mark else ""
    if below and not mark:
        back = '<tspan dy="-3">\u200b</tspan>'
    return f'<tspan class="{face}">{escape(base)}</tspan>{low}{back}'


def _as_html(name: str) -> str:
    base, below, mark = _apart(name)
    return f"<i>{escape(base)}</i><sub>{escape(below)}</sub>{mark}"


def _apart(name: str) -> tuple[str, str, str]:
    """Letter, index and step: a_h1 is a with h1 below it; words stay whole."""
    match = NAME.fullmatch(name)
    if match and len(match[2]) <= 3:
        return match[1], match[2], match[3] or ""
    word, _, index = name.partition("_")
    return word, index, ""
