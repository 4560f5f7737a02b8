"""Names and formulas for a page whose numbers change: MathML with places to put numbers into.

Where a formula mentions a value stands ⟦12⟧, the value's line. The page puts the value's name
there, or its number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gradbook.graph.node import Node
from gradbook.palette import colour_of
from gradbook.targets.algebra.forms import Form, Words
from gradbook.targets.algebra.formula import Say, definition, formula, symbol
from gradbook.targets.algebra.mathml import inline
from gradbook.targets.drawing.layout import spelled
from gradbook.targets.page.content import PageContent

SLOT = re.compile(r"<mtext>(⟦\w+⟧)</mtext>")


def formula_table(content: PageContent) -> dict[str, Any]:
    """The names of the values that are shown, what each is made of, and every partial."""
    places = content.lines.places
    say = _slots(content)
    rate = content.step.rate
    return {
        "names": {places[node]: _name(node) for node in [*content.named, rate]},
        "formulas": {
            places[node]: bare_template(definition(node, say)) for node in content.derived.forward
        },
        "partials": [
            [places[it.of], places[it.to], bare_template(formula(it.formula, say))]
            for it in content.locals
        ],
    }


def _slots(content: PageContent) -> Say:
    places: Mapping[Node, int] = content.lines.places

    def say(node: Node) -> Form | None:
        return Words(f"⟦{places[node]}⟧") if node in content.derived.spoken else None

    return say


def bare_template(form: Form) -> str:
    """The formula, with what stands in ⟦⟧ to be put in."""
    return SLOT.sub(r"\1", _bare(form))


def _bare(form: Form) -> str:
    return inline(form).removeprefix("<math>").removesuffix("</math>")


def _name(node: Node) -> dict[str, str]:
    assert node.name
    letter, below = spelled(node.name)
    return {
        "said": str(node.name),
        "letter": letter,
        "below": below,
        "kind": colour_of(node.name.stem, owned=node.name.of is not None).key,
        "math": _bare(symbol(node.name)),
    }
