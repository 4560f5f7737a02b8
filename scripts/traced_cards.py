"""Writes what a page builds networks from: the patterns that are traced of all cards.

    python -m scripts.traced_cards

Tracing takes three times as long as all else that a page needs. After a change of a card or of how
formulas are written they are traced anew, and until then a test fails.
"""

from __future__ import annotations

import json
from typing import Any

from gradbook.report.play_page import TRACED, known_cards, trace


def traced_cards() -> str:
    """A line for each pattern, so that a difference shows what has changed."""
    traced = trace(known_cards())
    tables = {
        name: _object({key: _text(entry) for key, entry in table.items()})
        for name, table in traced["tables"].items()
    }
    return _object({"cards": _text(traced["cards"]), "tables": _object(tables)}) + "\n"


def _object(entries: dict[str, str]) -> str:
    return "{\n" + ",\n".join(f"{_text(name)}: {text}" for name, text in entries.items()) + "\n}"


def _text(entry: Any) -> str:
    return json.dumps(entry, ensure_ascii=False)


if __name__ == "__main__":
    TRACED.write_text(traced_cards(), "utf-8")
