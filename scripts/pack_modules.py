"""Compile what pages of built-in recipes and networks run, so that making one needs no compiler.

    make modules

It takes the version of zig that the Makefile names, for each compiles to other bytes. A module is
named after the C that it was made of: after every change of that C the archive is packed anew, and
until then a test fails.
"""

from __future__ import annotations

import io
import lzma
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from gradbook.amounts import size
from gradbook.builtin_networks import LETTERS
from gradbook.engine.wasm import PACKED, WasmModule, learner, trainer, viewer
from gradbook.files import write_whole
from gradbook.lab.images import adapt
from gradbook.lab.models.model import load_shipped
from gradbook.lab.recipes import RECIPES
from gradbook.lab.recipes.recipe_text import recipe
from gradbook.net import builtin
from gradbook.report.digits_page import READ_AT_ONCE


def modules(name: str) -> Iterator[WasmModule]:
    """What reads, trained or to be trained, and what trains."""
    meant = adapt(recipe(name)).recipe
    model = load_shipped(name)
    yield viewer(model.net if model else meant.net, READ_AT_ONCE)
    yield trainer(meant.net, meant.batch, weighted=bool(meant.class_weights))


def named(recipes: Iterable[str] = RECIPES) -> dict[str, WasmModule]:
    """The modules of the recipes; those that read lie side by side, for they are alike."""
    found = zip(*map(modules, recipes), strict=True)
    return {module.name: module for kind in found for module in kind}


def all_modules() -> dict[str, WasmModule]:
    """Those of the recipes, and of the networks that learn letters."""
    writing = [learner(builtin(name)) for name in LETTERS]
    return named() | {module.name: module for module in writing}


def archive(contents: Mapping[str, bytes]) -> bytes:
    """What is the same, from whichever machine and at whatever time."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as made:
        for name, content in contents.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            made.addfile(entry, io.BytesIO(content))
    return lzma.compress(packed.getvalue(), preset=9 | lzma.PRESET_EXTREME)


def unpacked(path: Path = PACKED) -> dict[str, bytes]:
    """What an archive holds."""
    with tarfile.open(path) as packed:
        return {entry.name: packed.extractfile(entry).read() for entry in packed}


def main() -> None:
    contents = {name: module.compile() for name, module in all_modules().items()}
    if PACKED.exists() and unpacked() == contents:
        print(f"{PACKED.name} is as it has to be")
        return
    packed = archive(contents)
    write_whole(PACKED, packed)
    print(f"{PACKED.name}: {len(contents)} modules in {size(len(packed))}")


if __name__ == "__main__":
    main()
