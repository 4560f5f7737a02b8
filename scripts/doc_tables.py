"""Writes the tables of docs/networks.md that say what the cards of `gradbook.layers` say.

    python scripts/doc_tables.py

A table stands between `<!-- activations -->` and `<!-- end -->`; a test holds it against the cards.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from gradbook.layers import ACTIVATIONS, LOSSES, PRelu, Quantize

PAGE = Path(__file__).resolve().parents[1] / "docs" / "networks.md"


def activations() -> str:
    rows = [
        (f"`{card.form.usage}`", "; ".join(filter(None, [*card.form.help, card.note])))
        for card in ACTIVATIONS.values()
    ]
    rows += [(f"`{form.usage}`", " ".join(form.help)) for form in (*PRelu.forms, *Quantize.forms)]
    return table(("word", "value of each x"), rows)


def losses() -> str:
    rows = (
        (
            ", ".join(f"`{words}`" for words in (name, *loss.synonyms)),
            loss.formula.replace("|", "\\|"),
            loss.over_outputs,
            f"`{loss.ending}`" if loss.ending else "anything",
        )
        for name, loss in LOSSES.items()
    )
    return table(("words", "error of an output", "over the outputs", "stands after"), rows)


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    first, *others = [f"| {' | '.join(row)} |\n" for row in (head, *rows)]
    return "".join([first, f"|{'---|' * len(head)}\n", *others])


def with_tables(text: str) -> str:
    """The page with its tables as the cards say them."""
    for name, rows in (("activations", activations()), ("losses", losses())):
        before, _, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition("<!-- end -->")
        text = f"{before}<!-- {name} -->\n{rows}{end}{after}"
    return text


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text("utf-8")), "utf-8")
