"""An exercise on paper: the drawing, the given numbers, a blank for each value; and its key.

It has the same blanks as the workbook of the same `Exercise`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from gradbook.errors import LimitError
from gradbook.graph.names import RATE, Name
from gradbook.graph.node import Array, Node, ancestors
from gradbook.language import mark, tr
from gradbook.net import Net
from gradbook.net.derivation import derivation
from gradbook.net.lower import scalar_step
from gradbook.net.step import Step, run
from gradbook.report.document import PageOnly, Report
from gradbook.report.markup import report_page
from gradbook.report.page_shell import text
from gradbook.targets.algebra.derive import sigmoid_meaning
from gradbook.targets.algebra.forms import (
    Comparison,
    Factors,
    Form,
    Numeral,
    Symbol,
    Words,
    fill,
)
from gradbook.targets.algebra.formula import algebra, definition, symbol_of
from gradbook.targets.algebra.mathml import inline
from gradbook.targets.drawing import Drawing, draw, svg
from gradbook.targets.drawing import style as drawing_style
from gradbook.targets.excel.plan.column_order import (
    FORWARD,
    GRADIENTS,
    LOSS,
    UPDATE,
    Exercise,
    forward_values,
)

MOST_SAMPLES = 8  # side by side in a table
MOST_VALUES = 400  # named on a page
TITLES = {
    FORWARD: mark("Forward pass: fill in"),
    LOSS: mark("Error: fill in"),
    GRADIENTS: mark("Gradients: fill in"),
    UPDATE: mark("Weights after one step: fill in"),
}


@dataclass(frozen=True)
class PaperValue:
    """A named value with one number, or with one per sample."""

    name: Form
    numbers: tuple[float, ...]
    each: bool


@dataclass(frozen=True)
class Handout:
    """One student's page: the given values, the blanks by kind, and the rules to use."""

    net: Net
    student: str
    printed: tuple[PaperValue, ...]
    asked: dict[str, tuple[PaperValue, ...]]
    rules: tuple[Form, ...]
    drawing: Drawing

    @property
    def blanks(self) -> int:
        return sum(len(value.numbers) for part in self.asked.values() for value in part)


def handout(net: Net, exercise: Exercise, rate: float) -> Handout:
    """The page with the exercise's blanks, for the first epoch at that rate."""
    step = scalar_step(net)
    _require_room(step)
    kinds = exercise.kind_of(step)
    values = next(iter(run(step, 1, rate, watch=list(kinds))))
    asked: dict[str, list[PaperValue]] = {}
    for node, kind in kinds.items():
        shown = values[step.next[node]] if kind == UPDATE else values[node]
        asked.setdefault(kind, []).append(_quantity(node, shown, step.samples))
    blank = {node for node, kind in kinds.items() if kind != UPDATE}
    memories = _memories(step) if UPDATE in asked else []
    leaves = [*step.inputs, *step.targets, *step.weights, *memories]
    computed = [node for node in forward_values(step) if not blank & set(ancestors([node]))]
    printed = [
        _quantity(node, values[node] if node in values else step.start[node], step.samples)
        for node in (*leaves, *computed)
    ]
    if UPDATE in asked:
        printed.append(PaperValue(Symbol(RATE), (rate,), each=False))
    rules = tuple(_rules(step, kinds, UPDATE in asked))
    by_kind = {kind: tuple(asked[kind]) for kind in TITLES if kind in asked}
    return Handout(net, exercise.student, tuple(printed), by_kind, rules, draw(net, numbers=True))


def _require_room(step: Step) -> None:
    if step.samples > MOST_SAMPLES:
        raise LimitError(
            f"a handout has room for {MOST_SAMPLES} samples, this network has {step.samples}: "
            "give it fewer, or hand out the workbook"
        )
    named = len(step.weights) + len(step.inputs) + len(step.outputs)
    if named > MOST_VALUES:
        raise LimitError(
            f"a handout is one page, and this network has {len(step.weights)} weights: use a "
            "smaller one, or hand out the workbook"
        )


def _quantity(node: Node, value: Array, samples: int) -> PaperValue:
    each = node.each and samples > 1
    numbers = np.broadcast_to(value, samples) if each else np.asarray(value).reshape(-1)[:1]
    return PaperValue(symbol_of(node), tuple(map(float, numbers)), each)


def _rules(step: Step, asked: Iterable[Node], updates: bool) -> Iterator[Form]:
    """The formulas that the drawing doesn't show: the sigmoid, the error, the update."""
    yield from sigmoid_meaning(step.net)
    say = algebra(derivation(step)).say_symbols()
    for node in forward_values(step):
        if node.name and node.name.stem == "E":
            yield Comparison(symbol_of(node), "=", definition(node, say))
    if any(node.name and node.name.stem == "g" for node in asked):
        weight = symbol_of(step.trained[0])
        share = Symbol(Name("g", of=step.trained[0].name))
        sentence = tr("{share} is a sample's share of the gradient of {weight}")
        parts = fill(sentence, share=share, weight=weight)
        yield Factors(tuple(it if isinstance(it, Form) else Words(str(it)) for it in parts), "")
    if updates:
        yield from _updates(step)


def _updates(step: Step) -> Iterator[Form]:
    """The update of the first weight, after those of its memories such as a velocity."""
    memories = {step.next[leaf]: leaf for leaf in _memories(step)}

    def by_name(node: Node) -> Form | None:
        return symbol_of(memories.get(node, node)) if node in memories or node.name else None

    weight = step.trained[0]
    for leaf in (*_memories(step), weight):
        if leaf.name and (leaf is weight or leaf.name.of in (None, weight.name)):
            yield Comparison(symbol_of(leaf), "←", definition(step.next[leaf], by_name))


def _memories(step: Step) -> list[Node]:
    """The values that a rule such as Adam keeps from step to step."""
    weights = set(step.weights)
    return [leaf for leaf in step.next if leaf not in weights]


# The page ---------------------------------------------------------------------

PRINTED = """
.handout{{break-after:page;margin-bottom:4em}}.handout:last-child{{break-after:auto}}
.handout ul{{display:grid;grid-template-columns:repeat(auto-fill,minmax(11em,1fr));
gap:.6em 1.2em;list-style:none;padding:0}}
.handout .rules{{display:flex;flex-wrap:wrap;gap:.4em 2.4em}}
.handout li{{display:flex;gap:.3em;align-items:baseline;break-inside:avoid}}
.handout svg{{display:block;max-width:100%;height:auto;max-height:15em;margin:auto}}
.handout h3{{margin:1.2em 0 .4em}}
.handout table{{width:100%;table-layout:fixed}}
.handout td,.handout th{{padding:.2em .6em .2em 0;text-align:left;vertical-align:bottom}}
.blank{{flex:1;display:inline-block;min-width:4em;min-height:1.4em;border-bottom:1px solid}}
td .blank{{width:100%}}
@page{{size:{paper};margin:1.5cm}}
"""
BLANK = '<span class="blank"></span>'


def handouts_page(pages: Sequence[Handout], paper: str = "a4", *, solved: bool = False) -> str:
    """One page for all of them, which a browser prints on a sheet each, or their key."""
    title = tr("Key: backpropagation by hand" if solved else "Exercise: backpropagation by hand")
    blocks = [PageOnly(partial(_printed, page, solved), is_chart=True) for page in pages]
    styles = drawing_style() + PRINTED.format(paper=paper)
    return report_page(Report(title, lead=blocks, style=styles))


def _printed(page: Handout, solved: bool) -> str:
    parts = [f"<p>{_printed_names(page, solved)}</p>", svg(page.drawing, alone=False)]
    parts += [f"<h3>{text(tr('Given'))}</h3>", _printed_values(page.printed, True)]
    parts += [_list(map(inline, page.rules), "rules")]
    for kind, part in page.asked.items():
        parts += [f"<h3>{text(tr(TITLES[kind]))}</h3>", _printed_values(part, solved)]
    return f'<section class="handout">{"".join(parts)}</section>'


def _printed_names(page: Handout, solved: bool) -> str:
    name = f"<b>{text(page.student)}</b>"
    if solved:
        return name
    names = (
        text(tr("Name: {name}")).format(name=name),
        text(tr("Date: {date}")).format(date=BLANK),
        text(tr("Right: {right} of {all}")).format(right=BLANK, all=page.blanks),
    )
    return " · ".join(names)


def _printed_values(values: Sequence[PaperValue], is_told: bool) -> str:
    """Each value with its number or a blank; what each sample has in a table of them."""

    def place(number: float) -> str:
        return f"<span>{inline(Numeral(number))}</span>" if is_told else BLANK

    alone = (f"{inline(it.name)} = {place(*it.numbers)}" for it in values if not it.each)
    each = {inline(it.name): list(map(place, it.numbers)) for it in values if it.each}
    return (_table(each) if each else "") + _list(alone)


def _list(items: Iterable[str], kind: str = "values") -> str:
    return f'<ul class="{kind}">{"".join(f"<li>{item}</li>" for item in items)}</ul>'


def _table(rows: Mapping[str, Sequence[str]]) -> str:
    """A row for each value, a column for each sample."""
    samples = range(1, 1 + len(next(iter(rows.values()))))
    lines = [_row("th", [text(tr("sample")), *map(str, samples)])]
    lines += [_row("td", [name, *cells]) for name, cells in rows.items()]
    return f"<table>{''.join(lines)}</table>"


def _row(tag: str, cells: Iterable[str]) -> str:
    return f"<tr>{''.join(f'<{tag}>{cell}</{tag}>' for cell in cells)}</tr>"
