"""A network to play with: one page that trains it and shows every number of its backpropagation.

In a formula, ⟦12⟧ stands for the value of line 12; the page fills in its name or number.
Knows how the parts of the page are put together, not what is computed there.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from html import escape
from itertools import chain
from pathlib import Path
from typing import Any

from gradbook.amounts import size
from gradbook.builtin_networks import OPENING, SCENES
from gradbook.data.made_points import samples_of
from gradbook.errors import LimitError, UsageError
from gradbook.graph.node import Node
from gradbook.language import ENGLISH, in_language, numeral, tr
from gradbook.layers import ACTIVATIONS, KINDS, LOSSES, UPDATES, Role
from gradbook.net import Net, parse
from gradbook.net.derivation import LONGEST_CHAIN
from gradbook.net.lower import scalars_of
from gradbook.net.network import DROPPED
from gradbook.palette import colour_of
from gradbook.rates import USUAL_EPOCHS
from gradbook.report.document import Report, Side, made_with
from gradbook.report.markup import report_page
from gradbook.report.page_shell import PageTemplate, packed, text, text_box
from gradbook.report.play_drawing import columns
from gradbook.targets.algebra.forms import FIXED_SPACE, Form, Terms, Words
from gradbook.targets.algebra.formula import LONGEST_TOP, Say, definition, formula, symbol
from gradbook.targets.algebra.mathml import inline
from gradbook.targets.drawing.layout import spell_out
from gradbook.targets.drawing.stages import FIRST_UNITS, MOST_UNITS
from gradbook.targets.page.criteria import criteria_table
from gradbook.targets.page.grammar import (
    MOST_SINGLES,
    MOST_WEIGHTS,
    grammar_table,
    traced_patterns,
    unbuilt,
)
from gradbook.targets.page.page_content import MOST_SAMPLES, PageContent, content
from gradbook.targets.page.patterns import (
    SIZES,
    ValuePattern,
    least_table,
    patterns,
    plane_table,
    update_table,
)
from gradbook.targets.page.plane import USUAL_SET
from gradbook.targets.page.recurrent_steps import step_patterns, step_table, traced_layers

# Names and formulas -----------------------------------------------------------

NAME_SLOT = re.compile(r"<mtext>(⟦\w+⟧)</mtext>")


def formula_table(content: PageContent) -> dict[str, Any]:
    """The names of the values that are shown, their formulas, and every partial derivative."""
    places = content.lines.places
    say = _slots(content)
    rate = content.step.rate
    return {
        "names": {places[node]: _name(node) for node in [*content.named_values, rate]},
        "formulas": {
            places[node]: bare_template(definition(node, say))
            for node in content.derivation.forward
        },
        "partials": [
            [places[it.of], places[it.to], bare_template(formula(it.formula, say))]
            for it in content.locals
        ],
    }


def _slots(content: PageContent) -> Say:
    places: Mapping[Node, int] = content.lines.places

    def say(node: Node) -> Form | None:
        return Words(f"⟦{places[node]}⟧") if node in content.derivation.spoken else None

    return say


def bare_template(form: Form) -> str:
    """The formula as MathML, with ⟦⟧ where values are to be filled in."""
    return NAME_SLOT.sub(r"\1", _bare(form))


def _bare(form: Form) -> str:
    return inline(form).removeprefix("<math>").removesuffix("</math>")


def _name(node: Node) -> dict[str, str]:
    assert node.name
    letter, below = spell_out(node.name)
    return {
        "said": str(node.name),
        "letter": letter,
        "below": below,
        "kind": colour_of(node.name.stem, owned=node.name.of is not None).key,
        "math": _bare(symbol(node.name)),
    }


# Building networks there ------------------------------------------------------

LETTERS = {letter: None for kind in KINDS for letter in (kind.letter, kind.last_letter) if letter}
STEMS = ("i", "t", *Role, "N", "η", "d", "u", "L", "E", "μ", "σ²", "s", "n", *LETTERS)
BRACKETS = {"«": '<mo stretchy="false">(</mo>', "»": '<mo stretchy="false">)</mo>'}
SLOT = re.compile(r"⟦([a-zA-Z]+)(\d+)⟧")


def builds(net: Net) -> bool:
    """Whether a page can build this network by itself."""
    return not unbuilt(net) and net.count() <= MOST_WEIGHTS and scalars_of(net) <= MOST_SINGLES


def building_table() -> dict[str, Any]:
    """What a page builds any network from, in the reader's language."""
    return {
        "grammar": grammar_table(),
        **_in_words(_traced(known_cards())),
        "most": MOST_SAMPLES,
        "usualSet": USUAL_SET,
        "opening": opening_state(),
        "epochs": USUAL_EPOCHS,
        "longestTop": LONGEST_TOP,
        "longestChain": LONGEST_CHAIN,
        "shown": [MOST_UNITS, FIRST_UNITS],
        "kinds": {stem: colour_of(stem).key for stem in STEMS},
    }


def opening_state() -> dict[str, Any]:
    """What a page's tour begins with, as in an address."""
    text = SCENES[OPENING]
    return {"text": text, "rate": parse(text).learning_rate, "fields": {"sets": OPENING}}


TRACED = Path(__file__).parents[1] / "web" / "build" / "traced.json"
WORD_OR_NUMBER = re.compile(f"<(mtext|mn)>({FIXED_SPACE}?)([^<⟦]+?)({FIXED_SPACE}?)</")


def known_cards() -> tuple[str, ...]:
    return (*ACTIVATIONS, *LOSSES, *UPDATES, *(kind.__name__ for kind in KINDS))


@cache
def _traced(cards: tuple[str, ...]) -> str:
    """What is traced of these cards, in English: it is in the package unless some were added."""
    known = TRACED.read_text("utf-8")
    return known if json.loads(known)["cards"] == list(cards) else json.dumps(trace(cards))


def trace(cards: Sequence[str]) -> dict[str, Any]:
    """The patterns of all known cards, in English; `scripts/traced_cards.py` writes them down."""
    with in_language(ENGLISH.code):
        tables = {"updates": update_table(), "least": least_table(), "planes": plane_table()}
        return {"cards": cards, "tables": _patterns_and_steps() | tables}


def _in_words(traced: str) -> dict[str, Any]:
    """The patterns, with the words and the decimal sign of the reader's language."""

    def spoken(part: re.Match[str]) -> str:
        tag, before, english, after = part.groups()
        words = escape(tr(english)) if tag == "mtext" else numeral(english)
        return f"<{tag}>{before}{words}{after}</"

    tables: dict[str, Any] = json.loads(WORD_OR_NUMBER.sub(spoken, traced))["tables"]
    return tables


def _patterns_and_steps() -> dict[str, Any]:
    """All patterns, those of steps without duplicates, and the steps of recurrent layers."""
    traced = traced_layers()
    patterns_of_steps, known = _pattern_table(step_patterns(traced)), dict[str, str]()
    names = {
        name: known.setdefault(json.dumps(entry), name) for name, entry in patterns_of_steps.items()
    }
    steps = {
        layer: [[(line, names[name], sources) for line, name, sources in step] for step in pair]
        for layer, pair in step_table(traced).items()
    }
    different = {name: patterns_of_steps[name] for name in known.values()}
    every = chain(patterns(), traced_patterns())
    return {"patterns": _pattern_table(every) | different, "steps": steps}


def _pattern_table(all_of_them: Iterable[ValuePattern]) -> dict[str, Any]:
    """The patterns by name; the expressions for several values also apply to one value."""
    table: dict[str, Any] = {}
    for pattern in all_of_them:
        say = _say(pattern)
        size = pattern.size
        entry = table.setdefault(pattern.name, {"formulas": {}})
        if not pattern.is_rewritten:
            entry.update(pattern.table())
        if size in SIZES.values():
            pieces = _pieces(_template(definition(pattern.value, say)), pattern)
            _add(entry["formulas"], size, pieces)
        slopes = {
            pattern.place_name(place): _slope(_template(formula(partial, say)), pattern)
            for place, partial in pattern.partials.items()
        }
        _add(entry.setdefault("slopes", {}), size, slopes)
    return table


def _template(form: Form) -> str:
    template = bare_template(form)
    for short, long in BRACKETS.items():
        template = template.replace(long, short)
    return template


def _add(sizes: dict[str, Any], size: str, expression: Any) -> None:
    """Add what is written for a size, unless it is the same as for the smaller size."""
    smaller = sizes.get("few", sizes.get("one"))
    if expression != smaller or size in ("two", "even"):
        sizes[size] = expression


def _say(pattern: ValuePattern) -> Say:
    def say(node: Node) -> Form | None:
        place = pattern.places.get(node)
        if place in pattern.below_zero:
            return Terms((Words(f"⟦{place}⟧"),))  # in brackets, because of the sign
        return Words(f"⟦{place}⟧") if place else None

    return say


def _numbered(template: str, pattern: ValuePattern) -> str:
    """The template with ⟦n⟧ for the number of values, or for their divisor."""
    for number, place in pattern.numbers.items():
        template = template.replace(f"<mn>{number:.7g}</mn>", f"⟦{place}⟧")
    return template


def _slope(template: str, pattern: ValuePattern) -> str | list[str]:
    """The template of a derivative, which mentions only its own place of a kind, or all of them."""
    if len({slot[2] for slot in SLOT.finditer(template)}) > 1:
        return _pieces(template, pattern)
    return SLOT.sub(r"⟦\1⟧", _numbered(template, pattern))


def _pieces(template: str, pattern: ValuePattern) -> list[str]:
    """A pattern over several values in four pieces: before the first, each value, between two,
    after the last. Each further kind of values adds three; for single values there is one piece.
    """
    text = _numbered(template, pattern)
    pieces, end = [""], 0
    for run in _runs(list(SLOT.finditer(text))):
        first = [slot for slot in run if slot[2] == run[0][2]]
        others = run[len(first) :]
        is_apart = not others and (pattern.apart or pattern.count > 1)  # it isn't in a row
        pieces[-1] += text[end : run[0].start()]
        end = run[-1].end()
        if is_apart:
            is_first = len(pieces) == 1 and run[0][2] == "1"
            replacement = pattern.apart if pattern.apart and is_first else r"\1"
            pieces[-1] += SLOT.sub(f"⟦{replacement}⟧", text[run[0].start() : end])
            continue
        between = text[first[-1].end() : others[0].start()] if others else ""
        each = text[run[0].start() : first[-1].end()]
        pieces += [SLOT.sub(r"⟦\1*⟧", each), between, ""]
    pieces[-1] += text[end:]
    return pieces


def _runs(slots: Sequence[re.Match[str]]) -> list[list[re.Match[str]]]:
    """The slots in runs, each numbered 1, 2 and so on."""
    runs: list[list[re.Match[str]]] = []
    for slot in slots:
        last = runs[-1][-1] if runs else None
        goes_on = last and int(slot[2]) - int(last[2]) in (0, 1)
        is_there = runs and slot.groups() in [it.groups() for it in runs[-1]]
        if goes_on and not is_there:
            runs[-1].append(slot)
        else:
            runs.append([slot])
    return runs


# The page ---------------------------------------------------------------------

MOST_BYTES = 350_000  # of a page, so that it can be mailed
HOME_VARIABLE = "GRADBOOK_HOME"


def play_page(
    net: Net,
    command: str = "",
    home: str | None = None,
    kept_with: str = "",
    points_of: str = "",
) -> str:
    """The page; `command` makes it again. Its samples are the points of a set, if one is named.

    The text of a large network can't be changed there.

    Its links lead to `home`, the address of a site with such a page at play/; the default is
    GRADBOOK_HOME. If a service worker (sw.js beside it) keeps the page, `kept_with` is in its head.

    """
    if points_of:
        net = net.with_samples(samples_of(points_of))
    known = content(net)
    home = os.environ.get(HOME_VARIABLE, "") if home is None else home
    if home and not re.fullmatch(r"https?://[^\s#?]+", home):
        raise UsageError(f"{home} isn't the address of a site: give one like https://example.org")
    further: dict[str, Any] = {"set": points_of} if points_of else {}
    further |= ({"home": home} if home else {}) | ({"isKept": True} if kept_with else {})
    page = _page(known, command, builds(net), further, kept_with)
    if builds(net) and len(page.encode()) > MOST_BYTES:
        page = _page(known, command, False, further, kept_with)
    if len(page.encode()) > MOST_BYTES:
        raise LimitError(
            f"the page would take {size(len(page.encode()))}, more than {size(MOST_BYTES)}: "
            "use a smaller network or fewer samples"
        )
    return page


def _page(
    known: PageContent,
    command: str,
    is_building: bool,
    further: Mapping[str, Any],
    kept_with: str,
) -> str:
    net = known.net
    lines = layers_text(net)
    template = PageTemplate(
        "view/page.html",
        box=text_box(lines.rstrip(), text(tr("The network as text"))),
        reason=text(_reason(net)),
        lines=text(lines),
    )
    chapter = template.chapter
    as_text = chapter("editor" if is_building else "text", "more")
    tabs = ("more-settings", "chain-rule", "samples-table", "rates")
    return report_page(
        Report(
            f"{net.name or tr('A network')} · gradbook",
            [
                chapter("data"),
                chapter("network"),
                chapter("output"),
                chapter("line"),
                Side((*map(chapter, tabs), as_text, chapter("share"))),
            ],
            lead=[template.block("bar"), template.block("said")],
            foot=made_with(command),
            is_read=False,
            head=kept_with,
            is_kept=bool(kept_with),
            styles=["controls.css", "play.css", "see.css", "learn.css", "frame.css", "screen.css"],
            main="view/main.js",
            data={**_data(known, is_building), **further},
            is_packed=True,
        )
    )


def layers_text(net: Net) -> str:
    """The text without start values and samples, which the page shows elsewhere."""
    return str(replace(net, samples=(), table="", start={}))


def _reason(net: Net) -> str:
    """Why its text can only be read."""
    if words := unbuilt(net):
        return tr(
            "A page can't build {what} by itself, so it can't be changed here: neither layers nor "
            "inputs computed from others (x², xy) can be added. Change its text and make "
            "another page from it.",
            what=words,
        )
    return tr(
        "This network is too large to be changed here: neither layers nor inputs computed from "
        "others (x², xy) can be added. Change its text and make another page from it."
    )


def _data(known: PageContent, is_building: bool) -> dict[str, Any]:
    """The page's data: what it builds its tables from or, if it can't, the tables."""
    net, coding = known.net, None
    if net.tokens:  # the numbers of tokens and of classes: samples may be written as such numbers
        classes = net.shapes[-1][0] if net.objective.of_all else 0
        coding = {"kinds": net.input[1], "classes": classes * (classes > 1)}
    return {
        "layers": layers_text(net),
        "madeUp": net.made_up(DROPPED),
        "coding": coding,
        "roles": {role: role.plural for role in Role},
        **(_to_build(net) if is_building else {"tables": _packed(page_tables(known))}),
    }


def _to_build(net: Net) -> dict[str, Any]:
    """The text with its initial values, the samples, and what every network is built from."""
    samples = [[list(it.inputs), list(it.targets)] for it in net.samples]
    written = str(replace(net, samples=(), table=""))
    return {
        "text": written,
        "samples": samples,
        "building": _packed(building_table() | {"criteria": criteria_table()}),
    }


def _packed(table: Mapping[str, Any]) -> str:
    """A table, deflated: a quarter of its length, or less."""
    json_text = json.dumps(table, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return packed(json_text)


def page_tables(known: PageContent) -> dict[str, Any]:
    """All tables of a network, equal to those that web/build/table.js makes."""
    return {**known.table(), **formula_table(known), "columns": columns(known)}
