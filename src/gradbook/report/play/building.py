"""What a page that builds networks by itself is told: the text form, the patterns, their formulas.

Where a pattern goes over several values its formula is four pieces: what stands before the first,
what stands for each, what between two, and what after the last. « and » are brackets.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from gradbook.graph.node import Node
from gradbook.net import Net
from gradbook.net.derivation import LONGEST_CHAIN
from gradbook.net.lower import scalars_of
from gradbook.palette import colour_of
from gradbook.rates import USUAL_EPOCHS
from gradbook.report.play.formulas import bare_template
from gradbook.targets.algebra.forms import Form, Terms, Words
from gradbook.targets.algebra.formula import LONGEST_TOP, Say, definition, formula
from gradbook.targets.drawing.stages import FIRST_UNITS, MOST_UNITS
from gradbook.targets.page.content import MOST_SAMPLES
from gradbook.targets.page.grammar import MOST_SINGLES, MOST_WEIGHTS, grammar_table
from gradbook.targets.page.patterns import (
    SETTINGS,
    SIZES,
    ValuePattern,
    general,
    least_table,
    patterns,
    plane_table,
    update_table,
)
from gradbook.targets.page.plane import USUAL_SET, point_sets

STEMS = ("i", "t", "w", "b", "γ", "β", "N", "η", "d", *"hoacpyzjfuLE", "μ", "σ²", "s", "n")
BRACKETS = {"«": '<mo stretchy="false">(</mo>', "»": '<mo stretchy="false">)</mo>'}
SLOT = re.compile(r"⟦([a-zA-Z]+)(\d+)⟧")


def builds(net: Net) -> bool:
    """Whether a page can build this network by itself."""
    return net.count() <= MOST_WEIGHTS and scalars_of(net) <= MOST_SINGLES


@cache
def building_table() -> dict[str, Any]:
    """The same for every network."""
    return {
        "grammar": grammar_table(),
        "patterns": _pattern_table(),
        "updates": update_table(),
        "least": least_table(),
        "planes": plane_table(),
        "sets": point_sets(),
        "most": MOST_SAMPLES,
        "usualSet": USUAL_SET,
        "epochs": USUAL_EPOCHS,
        "longestTop": LONGEST_TOP,
        "longestChain": LONGEST_CHAIN,
        "shown": [MOST_UNITS, FIRST_UNITS],
        "kinds": {stem: colour_of(stem).key for stem in STEMS},
    }


def _pattern_table() -> dict[str, Any]:
    """By their names; the expressions of one that goes over several values hold of one as well."""
    found: dict[str, Any] = {}
    for pattern in patterns():
        say = _say(pattern)
        size = pattern.size
        entry = found.setdefault(pattern.name, {"formulas": {}})
        if not pattern.is_rewritten:
            entry.update(pattern.table())
        if size in SIZES.values():
            said = _pieces(_template(definition(pattern.value, say)), pattern)
            _add(entry["formulas"], size, said)
        slopes = {
            general(place): _slope(_template(formula(partial, say)), pattern)
            for place, partial in pattern.partials.items()
        }
        _add(entry.setdefault("slopes", {}), size, slopes)
    return found


def _template(form: Form) -> str:
    said = bare_template(form)
    for short, long in BRACKETS.items():
        said = said.replace(long, short)
    return said


def _add(sizes: dict[str, Any], size: str, said: Any) -> None:
    """What is written alike of one and of few, or of few and of many, is there once."""
    smaller = sizes.get("few", sizes.get("one"))
    if said != smaller or size in ("two", "even"):
        sizes[size] = said


def _say(pattern: ValuePattern) -> Say:
    def say(node: Node) -> Form | None:
        place = pattern.places.get(node)
        if place and place in SETTINGS and pattern.is_below_zero:
            return Terms((Words(f"⟦{place}⟧"),))  # within brackets, as the sign asks
        return Words(f"⟦{place}⟧") if place else None

    return say


def _numbered(template: str, pattern: ValuePattern) -> str:
    """With ⟦n⟧ for how many values there are, or for what they are divided by."""
    for number, place in pattern.numbers.items():
        template = template.replace(f"<mn>{number:g}</mn>", f"⟦{place}⟧")
    return template


def _slope(template: str, pattern: ValuePattern) -> str | list[str]:
    """Of several places of a kind a slope mentions its own alone, or all of them."""
    if len({slot[2] for slot in SLOT.finditer(template)}) > 1:
        return _pieces(template, pattern)
    return SLOT.sub(r"⟦\1⟧", _numbered(template, pattern))


def _pieces(template: str, pattern: ValuePattern) -> list[str]:
    """Before the first, each, between, after the last; one piece where nothing is counted."""
    said = _numbered(template, pattern)
    slots = list(SLOT.finditer(said))
    if not slots:
        return [said]
    ends = [
        (min(it.start() for it in mine), max(it.end() for it in mine))
        for k in range(1, pattern.count + 1)
        if (mine := [it for it in slots if it[2] == str(k)])
    ]
    (start, end), *others = ends
    between = said[end : others[0][0]] if others else ""
    return [said[:start], SLOT.sub(r"⟦\1*⟧", said[start:end]), between, said[ends[-1][1] :]]
