"""Compile what pages of the built-in recipes run, so that making one needs no compiler.

    .venv/bin/python -m scripts.pack_modules

`make wheel` does it before it builds the wheel. A module is named after the C that it was made of:
one that is out of date is never taken, and none of them is kept in the repository.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from gradbook.amounts import size
from gradbook.cli.verbs.browser.pictures import USUAL
from gradbook.engine.wasm import PACKED, WasmModule, trainer, viewer
from gradbook.files import made_folder, write_whole
from gradbook.lab.models.shipped import shipped
from gradbook.lab.recipes import RECIPES
from gradbook.lab.recipes.builtin import recipe
from gradbook.lab.training.adapt import adapted, for_fewer
from gradbook.report.digits.page import READ_AT_ONCE


def main(names: list[str], folder: Path = PACKED) -> None:
    made_folder(folder)
    for name in names or RECIPES:
        for module in modules(name):
            write_whole(folder / module.name, module.code)
            print(f"{name}: {module.name}, {size(len(module.code))}")


def modules(name: str) -> Iterator[WasmModule]:
    """What reads, and what trains on as many images as a page brings along."""
    meant = for_fewer(adapted(recipe(name)).recipe, USUAL)
    model = shipped(name)
    yield viewer(model.net if model else meant.net, READ_AT_ONCE)
    yield trainer(meant.net, meant.batch, weighted=bool(meant.class_weights))


if __name__ == "__main__":
    main(sys.argv[1:])
