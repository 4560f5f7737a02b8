"""C names for values: μ1 becomes mu1, ∂E/∂w3 becomes dE_dw3."""

from __future__ import annotations

import re

GREEK = {
    "∂E/∂": "dE_d",
    "σ²": "var",
    "μ": "mu",
    "σ": "sigma",
    "γ": "gamma",
    "β": "beta",
    "η": "rate",
    "²": "2",
}
RESERVED = {
    "room",
    "tile",
    "all",
    "c",
    "h",
    "w",
    "at",
    "e",
    "row",
    "to",
    "auto",
    "do",
    "if",
    "int",
    "for",
}


def spelled(name: str) -> str:
    for letter, word in GREEK.items():
        name = name.replace(letter, word)
    name = name.replace("_layer_", "")
    name = re.sub(r"[^A-Za-z0-9_]", "_", name)
    return f"{name}_" if name in RESERVED or not name[:1].isalpha() else name


class Names:
    """One name for each key, and each name once."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._of: dict[object, str] = {}

    def of(self, key: object, wish: str) -> str:
        if key not in self._of:
            base = spelled(wish)
            name, number = base, 2
            while name in self._taken:
                name, number = f"{base}_{number}", number + 1
            self._taken.add(name)
            self._of[key] = name
        return self._of[key]
