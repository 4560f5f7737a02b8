"""An exercise on paper: the drawing, the given numbers, a blank for each value; and its key.

It has the same blanks as the workbook of the same `Exercise`. Knows the page; Typst sets it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from string import Formatter

import numpy as np

from gradbook.errors import LimitError, UsageError
from gradbook.graph.names import RATE, Name
from gradbook.graph.node import Array, Node, ancestors
from gradbook.language import mark, tr
from gradbook.net import Net
from gradbook.net.derivation import derivation
from gradbook.net.lower import scalar_step
from gradbook.net.step import Step, run
from gradbook.report.document import PageOnly, Report
from gradbook.report.explanation import set_pdf
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
from gradbook.targets.algebra.typst import (
    decimal,
    escape,
    in_its_language,
    quote,
    spell,
    spell_inline,
)
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

PAPERS = {"a4": "a4", "letter": "us-letter"}
MOST_SAMPLES = 8  # side by side in a table
MOST_VALUES = 400  # named on a page
TITLES = {
    FORWARD: mark("Forward pass: fill in"),
    LOSS: mark("Error: fill in"),
    GRADIENTS: mark("Gradients: fill in"),
    UPDATE: mark("Weights after one step: fill in"),
}
FULL = "gradbook-page-is-full"  # Typst's error if no size is small enough


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
    rate: float
    given: tuple[PaperValue, ...]
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
    told = [node for node in forward_values(step) if not blank & set(ancestors([node]))]
    given = [
        _quantity(node, values[node] if node in values else step.start[node], step.samples)
        for node in (*leaves, *told)
    ]
    rules = tuple(_rules(step, kinds, UPDATE in asked))
    found = {kind: tuple(asked[kind]) for kind in TITLES if kind in asked}
    return Handout(net, exercise.student, rate, tuple(given), found, rules, draw(net, numbers=True))


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
        told = tr("{share} is a sample's share of the gradient of {weight}")
        parts = fill(told, share=share, weight=weight)
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

PREAMBLE = """\
#set text(size: 10pt)
#set par(leading: 0.55em)
#let ink = rgb("#6C409D")
#let line-colour = rgb("#62646C")
// A blank to write in; on the key, its number.
#let blank(key, width: 1fr) = box(width: width, height: 1.9em, baseline: 0.35em,
  stroke: (bottom: 0.5pt + line-colour), inset: (bottom: 0.4em, x: 0.2em),
  align(bottom + left, if solved { text(fill: ink, box(key)) }))
#let rule(width) = box(width: width, line(length: 100%, stroke: 0.5pt + line-colour))
#let heading-line(body) = block(above: 1.1em, below: 0.6em, sticky: true,
  text(size: 1.12em, weight: 600, body))
// As large as one page has room for.
#let fitted(body) = layout(size => {
  let sizes = (10.5pt, 9.8pt, 9.1pt, 8.4pt, 7.7pt, 7.2pt)
  let found = sizes.find(s =>
    measure(block(width: size.width, text(size: s, body))).height <= size.height)
  assert(found != none, message: "gradbook-page-is-full")
  text(size: found, body)
})
// What is left of the page, squared, to work on.
#let squares = tiling(size: (5mm, 5mm), box(width: 100%, height: 100%,
  stroke: (top: 0.4pt + rgb("#CFCDC5"), left: 0.4pt + rgb("#CFCDC5"))))
#let working = if not solved { v(0.6em); block(width: 100%, height: 1fr, fill: squares) }
"""
MARGINS = "(x: 1.9cm, top: 1.5cm, bottom: 1.4cm)"
BROADEST, HIGHEST = 44.0, 16.0  # of the drawing, in em
GIVEN_COLUMNS, ASKED_COLUMNS = 4, 3  # columns of given numbers, and of blanks


def handouts_pdf(pages: Sequence[Handout], paper: str = "a4", *, solved: bool = False) -> bytes:
    """The pages as a PDF, or their key: the same with the numbers filled in."""
    drawings = {f"drawing-{k}.svg": svg(page.drawing) for k, page in enumerate(pages, 1)}
    source = write_handouts(pages, list(drawings), paper, solved=solved)
    try:
        return set_pdf(source, drawings)
    except RuntimeError as error:  # Typst raises one
        if FULL not in str(error):
            raise
        most = max(page.blanks for page in pages)
        raise LimitError(
            f"a handout is one page, and {most} blanks and the given values don't fit on it: use a "
            "smaller network, or ask for fewer values or fewer kinds of values"
        ) from error


def write_handouts(
    pages: Sequence[Handout], drawings: Sequence[str], paper: str, *, solved: bool
) -> str:
    """A whole Typst document, a page for each student, with the files of their drawings."""
    if paper not in PAPERS:
        raise UsageError(f"no paper is called {paper!r}: choose {' or '.join(PAPERS)}")
    exercise = mark("Exercise: backpropagation by hand")
    title = tr(mark("Key: backpropagation by hand") if solved else exercise)
    return "\n".join(
        [
            f"#set document(title: {quote(title)}, date: none)",
            f'#set page(paper: "{PAPERS[paper]}", margin: {MARGINS})',
            f"#let solved = {str(solved).lower()}",
            PREAMBLE + in_its_language(),
            *(
                f"#page[#fitted[\n{_page(page, drawing, solved)}\n]\n#working]"
                for page, drawing in zip(pages, drawings, strict=True)
            ),
            "",
        ]
    )


def _page(page: Handout, drawing: str, solved: bool) -> str:
    width = min(BROADEST, HIGHEST * page.drawing.width / page.drawing.height)
    return "\n".join(
        [
            _head(page, solved),
            f'#align(center, image("{drawing}", width: {width:.2f}em))',
            *_given(page),
            *(line for kind, part in page.asked.items() for line in _asked(tr(TITLES[kind]), part)),
        ]
    )


def _head(page: Handout, solved: bool) -> str:
    with_name, plain = mark("Backpropagation by hand: {network}"), mark("Backpropagation by hand")
    title = escape(tr(with_name if page.net.name else plain, network=page.net.name))
    number = tr("Exercise {number}", number=page.student) if page.student.isdecimal() else ""
    right = escape(" · ".join(filter(None, [number, tr("Key") if solved else ""])))
    return (
        f"#text(size: 1.5em, weight: 600)[{title}] #h(1fr) #text(fill: line-colour)[{right}]\n\n"
        f"#v(0.4em)\n{_line_of_names(page, solved)}\n"
    )


def _line_of_names(page: Handout, solved: bool) -> str:
    """The line for the name, the date and the points."""
    name = "" if page.student.isdecimal() else f"*{escape(page.student)}*"
    if solved:
        return name
    parts = (
        _filled(tr("Name: {name}"), name=name or "#rule(1fr)"),
        "#h(1fr)" if name else "#h(1.5em)",
        _filled(tr("Date: {date}"), date="#rule(7em)"),
        "#h(1.5em)",
        _filled(tr("Right: {right} of {all}"), right="#rule(2.6em)", all=str(page.blanks)),
    )
    return " ".join(parts)


def _filled(message: str, **parts: str) -> str:
    """A message as Typst source, its parts filled in with Typst source."""
    return "".join(
        escape(words) + ("" if name is None else parts[name])
        for words, name, _, _ in Formatter().parse(message)
    )


def _given(page: Handout) -> Iterator[str]:
    yield f"#heading-line[{escape(tr('Given'))}]"
    single = [
        f"#box[${spell_inline(value.name)} = {decimal(value.numbers[0])}$]"
        for value in page.given
        if not value.each
    ]
    rate = Comparison(Symbol(RATE), "=", Numeral(page.rate))
    yield _grid([*single, f"${spell_inline(rate)}$"], GIVEN_COLUMNS, "0.65em")
    each = [value for value in page.given if value.each]
    if each:
        yield _table(each, "0.28em", lambda number: f"${decimal(number)}$")
    formulas = "#h(2.2em, weak: true) ".join(
        f"#box[$display({spell(value)})$]" for value in page.rules
    )
    yield f"#v(0.35em)\n{formulas}\n"


def _asked(title: str, part: Sequence[PaperValue]) -> Iterator[str]:
    yield f"#heading-line[{escape(title)}]"
    single = [value for value in part if not value.each]
    if len(single) < len(part):
        yield _table(
            [value for value in part if value.each],
            "0.08em",
            lambda number: f"#blank(width: 100%)[${decimal(number)}$]",
        )
    if single:
        blanks = [
            f"#box[{_name(value)} $=$] #blank[${decimal(value.numbers[0])}$]" for value in single
        ]
        yield _grid(blanks, ASKED_COLUMNS, "0.35em")


def _name(value: PaperValue) -> str:
    return f"${spell_inline(value.name)}$"


def _grid(cells: Iterable[str], columns: int, gutter: str) -> str:
    inside = ", ".join(f"[{cell}]" for cell in cells)
    return (
        f"#grid(columns: (1fr,) * {columns}, row-gutter: {gutter}, column-gutter: 1.2em, {inside})"
    )


def _table(rows: Sequence[PaperValue], inset: str, cell: Callable[[float], str]) -> str:
    """A line for each value, a column for each sample."""
    samples = len(rows[0].numbers)
    head = ", ".join([f"[{escape(tr('sample'))}]", *(f"[{k + 1}]" for k in range(samples))])
    lines = ",\n  ".join(
        ", ".join([f"[{_name(value)}]", *(f"[{cell(number)}]" for number in value.numbers)])
        for value in rows
    )
    return (
        f"#table(columns: (auto, ..((1fr,) * {samples})), stroke: none, inset: (x: 0.4em, "
        f"y: {inset}), align: left + horizon, table.header({head}), table.hline(stroke: 0.5pt),\n"
        f"  {lines})"
    )


# To be printed from a browser -----------------------------------------------------------

PRINTED = """
.handout{{break-after:page;margin-bottom:4em}}.handout:last-child{{break-after:auto}}
.handout ul{{display:grid;grid-template-columns:repeat(auto-fill,minmax(11em,1fr));
gap:.7em 1.2em;list-style:none;padding:0}}
.handout li{{display:flex;gap:.3em;align-items:baseline}}
.handout svg{{display:block;max-width:100%;max-height:18em;margin:auto}}
.blank{{flex:1;display:inline-block;min-width:4em;min-height:1.4em;border-bottom:1px solid}}
@page{{size:{paper};margin:1.5cm}}
"""
BLANK = '<span class="blank"></span>'


def handouts_page(pages: Sequence[Handout], paper: str = "a4", *, solved: bool = False) -> str:
    """The same without Typst: a page for a browser, which prints each exercise on its own sheet."""
    title = tr("Key: backpropagation by hand" if solved else "Exercise: backpropagation by hand")
    blocks = [PageOnly(partial(_printed, page, solved), is_chart=True) for page in pages]
    styles = drawing_style() + PRINTED.format(paper=paper)
    return report_page(Report(title, lead=blocks, style=styles))


def _printed(page: Handout, solved: bool) -> str:
    parts = [f"<p>{_printed_names(page, solved)}</p>", svg(page.drawing, alone=False)]
    parts += [f"<h3>{text(tr('Given'))}</h3>", _printed_values(page.given, True)]
    parts += [f"<p>{inline(rule)}</p>" for rule in page.rules]
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
    """Each value with its number or a blank; of several samples, a row with one for each."""

    def place(number: float) -> str:
        return f"<span>{inline(Numeral(number))}</span>" if is_told else BLANK

    rows = (f"{inline(value.name)} = {''.join(map(place, value.numbers))}" for value in values)
    return f"<ul>{''.join(f'<li>{row}</li>' for row in rows)}</ul>"
