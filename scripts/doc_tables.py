"""Writes the tables of the documents that say what is known elsewhere.

    python -m scripts.doc_tables

Those of docs/reference/networks.md say what the cards of `gradbook.layers` say, those of
docs/explanation/workbooks.md what workbooks.csv beside it says. A table stands between
`<!-- activations -->` and `<!-- end -->`; a test holds it against its source.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from gradbook.layers import ACTIVATIONS, LOSSES, PRelu, Quantize
from scripts.mathematics import as_tex

DOCS = Path(__file__).resolve().parents[1] / "docs"
WORKBOOKS = DOCS / "explanation" / "workbooks.csv"
DIGITS = 8  # of a SHA-256: no two workbooks of the list share them


def activations() -> str:
    rows = [
        (
            f"`{card.form.usage}`",
            "; ".join(filter(None, [*map(as_tex, card.form.help), card.note])),
        )
        for card in ACTIVATIONS.values()
    ]
    rows += [(f"`{form.usage}`", " ".join(form.help)) for form in (*PRelu.forms, *Quantize.forms)]
    return table(("word", "value of each x"), rows)


def losses() -> str:
    rows = (
        (
            ", ".join(f"`{words}`" for words in (name, *loss.synonyms)),
            _parts_as_tex(loss.formula),
            loss.over_outputs,
            f"`{loss.ending}`" if loss.ending else "anything",
        )
        for name, loss in LOSSES.items()
    )
    return table(("words", "error of an output", "over the outputs", "stands after"), rows)


def _parts_as_tex(formula: str) -> str:
    """A formula that may have words in its middle."""
    parts = re.split(r"( up to a distance of 1, then )", formula)
    return "".join(part if part.startswith(" ") else as_tex(part) for part in parts)


def workbooks() -> list[dict[str, str]]:
    """The public workbooks that were judged: sha256, kind of mistake, verdict, cells, mistake."""
    with WORKBOOKS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def wrong_workbooks() -> list[dict[str, str]]:
    return [book for book in workbooks() if book["verdict"] == "wrong"]


def mistakes() -> str:
    """How many workbooks have each kind of mistake, the commonest first."""
    counts = Counter(f"`{book['kind']}`" for book in wrong_workbooks())
    rows = [(kind, str(count)) for kind, count in counts.most_common()]
    return table(("kind of mistake", "workbooks"), rows)


def listed_workbooks() -> str:
    columns = ("verdict", "kind", "cells", "mistake")
    rows = (
        (f"`{book['sha256'][:DIGITS]}`", *(book[column] for column in columns))
        for book in workbooks()
    )
    return table(("SHA-256", *columns), rows)


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    first, *others = [f"| {' | '.join(row)} |\n" for row in (head, *rows)]
    return "".join([first, f"|{'---|' * len(head)}\n", *others])


PAGES: Mapping[Path, Mapping[str, Callable[[], str]]] = {
    DOCS / "reference" / "networks.md": {"activations": activations, "losses": losses},
    DOCS / "explanation" / "workbooks.md": {
        "mistakes": mistakes,
        "workbooks": listed_workbooks,
    },
}


def with_tables(page: Path) -> str:
    """The page with its tables as their sources say them."""
    text = page.read_text("utf-8")
    for name, rows in PAGES[page].items():
        before, _, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition("<!-- end -->")
        text = f"{before}<!-- {name} -->\n{rows()}{end}{after}"
    return text


if __name__ == "__main__":
    for each in PAGES:
        each.write_text(with_tables(each), "utf-8")
