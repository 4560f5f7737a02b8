"""Characters that a console hasn't, spelled in those that every console has: η as eta, ∂ as d.

Consoles on Windows may have no more than Western Europe's characters, or those of the first PCs.
Where a character isn't there Python would end the command; it asks here instead.
"""

from __future__ import annotations

import codecs
from unicodedata import decomposition, name, normalize

READABLY = "readably"  # what Python calls this way to deal with errors
SPELLED = {
    "∂": "d", "∇": "grad", "Σ": "sum", "∑": "sum", "√": "sqrt", "∞": "inf",
    "−": "-", "–": "-", "·": "*", "∗": "*", "⋆": "*", "⊙": ".*", "×": "x", "±": "+/-",
    "≈": "~", "≤": "<=", "≥": ">=", "≠": "!=", "‖": "||", "⟦": "[", "⟧": "]", "⊤": "T",
    "→": "->", "←": "<-", "↑": "^", "↓": "v", "▶": ">", "⁄": "/",
    "′": "'", "’": "'", "‘": "'", "“": "'", "”": "'", "«": "<<", "»": ">>", "…": "...",
    "€": "EUR", "£": "GBP", "¥": "JPY", "₽": "RUB", "₹": "INR", "₺": "TRY", "⋮": ":",
    "ł": "l", "Ł": "L", "ø": "o", "Ø": "O",
    "█": "#", "▇": "#", "▆": "*", "▅": "+", "▄": "=", "▃": "-", "▂": ".", "▁": "_", "▀": "^",
}  # fmt: skip
UNKNOWN = "?"


def spelled(character: str) -> str:
    """In ASCII, whatever it is."""
    if character.isascii():
        return character
    if character in SPELLED:
        return SPELLED[character]
    called = name(character, "")
    script, _, letter = called.partition(" LETTER ")
    if script.startswith("GREEK ") and letter.isalpha():
        return letter.capitalize() if "CAPITAL" in script else letter.lower()
    if called.startswith("BOX DRAWINGS "):
        return _line(called)
    return _taken_apart(character)


def _line(called: str) -> str:
    """A part of a frame."""
    if " AND " in called:
        return "+"
    return "|" if called.endswith("VERTICAL") else "-"


def _taken_apart(character: str) -> str:
    """A letter without its accent, a digit without its height; a question mark if there is none."""
    raised = "^" if decomposition(character).startswith("<super>") else ""
    parts = normalize("NFKD", character)
    plain = "".join(part if part.isascii() else SPELLED.get(part, "") for part in parts)
    return raised + plain if plain else UNKNOWN


def _instead(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    failing = error.object[error.start : error.end]
    return "".join(map(spelled, failing)), error.end


codecs.register_error(READABLY, _instead)
