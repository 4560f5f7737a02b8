"""In how many files the package tells layers, activations and losses apart.

    python bench/spread.py           # the counts
    python bench/spread.py --files   # and the files, with the names in each

A file counts if something in it depends on a layer's class, an activation's word or a loss, outside
of the cards in `layers/` and the ops in `graph/`: in Python as a case, a key, a thing compared or
asked for by `isinstance`; in JavaScript as any string. Making a layer tells none apart. Facts that
a card states itself need no such name.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from gradbook.graph.node import OPS
from gradbook.layers import ACTIVATIONS, KINDS, LOSSES, Activation, Loss, SampleNorm, forms

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "gradbook"
OWN_PLACES = ("layers", "graph", "arrays")  # the last writes NumPy's functions
# An op's name isn't a layer's there:
SAY_OPS = re.compile(r"^(targets|formats/layer_ops\.py|formats/\w+/op_words\.py)")
CLASSES = {kind.__name__ for kind in [*KINDS, Activation, SampleNorm]}
WORDS = {
    "layers": {first for first, (kind, _) in forms().items() if kind is not Activation}
    - {"add", "go", "multiply", "embed"}  # which are ops, verbs, or how a page is embedded as well
    - {"rows", "columns", "channels", "steps", "scale", "shift"},  # plain words of tables and axes
    "activations": {*ACTIVATIONS, *(kind.replace(" ", "_") for kind in ACTIVATIONS)},
    "losses": {*LOSSES, *(loss.op for loss in LOSSES.values())},
}
LOSS_NAMES = {name for name in vars(Loss) if name.isupper()}
QUOTED = re.compile(r"""(["'`])((?:(?!\1).)*)\1""")


def python_names(source: str) -> Iterator[tuple[str, str]]:
    """The names that a Python file tells apart, with their subjects."""
    for node in ast.walk(ast.parse(source)):
        for told in _told_apart(node):
            if isinstance(told, ast.Name) and told.id in CLASSES:
                yield "layers", told.id
            elif isinstance(told, ast.Attribute) and told.attr in LOSS_NAMES:
                yield "losses", f"Loss.{told.attr}"
            elif isinstance(told, ast.Constant) and isinstance(told.value, str):
                yield from named(told.value)


def _told_apart(node: ast.AST) -> Iterator[ast.AST]:
    """What the node's outcome depends on: keys, cases, what is compared, classes asked for."""
    match node:
        case ast.Dict(keys):
            yield from (key for key in keys if key)
        case ast.Compare(left, _, others):
            for side in (left, *others):
                yield from side.elts if isinstance(side, ast.Tuple | ast.Set | ast.List) else [side]
        case ast.Set(parts):
            for part in parts:
                yield from ast.walk(part)
        case ast.MatchValue(value):
            yield value
        case ast.MatchClass(kind):
            yield kind
        case ast.Call(ast.Name("isinstance" | "issubclass"), [_, kinds]):
            yield from ast.walk(kinds)
        case ast.Call(ast.Attribute(_, "get" | "startswith" | "endswith"), [name, *_]):
            yield name
        case ast.Assign(_, ast.Tuple(parts)):
            yield from parts


def script_names(source: str) -> Iterator[tuple[str, str]]:
    """The names that a JavaScript file tells apart, with their subjects."""
    for match in QUOTED.finditer(source):
        yield from named(match[2])


def named(text: str) -> Iterator[tuple[str, str]]:
    yield from ((subject, text) for subject, words in WORDS.items() if text in words)


def names_by_file() -> dict[Path, set[tuple[str, str]]]:
    """Every file that names a layer, activation or loss, with the names in it."""
    names = {}
    for path in sorted(PACKAGE.rglob("*")):
        place = path.relative_to(PACKAGE)
        reader = {".py": python_names, ".js": script_names}.get(path.suffix)
        if reader and place.parts[0] not in OWN_PLACES:
            told = set(reader(path.read_text("utf-8")))
            if SAY_OPS.match(place.as_posix()):
                told = {(subject, name) for subject, name in told if name not in OPS}
            names[place] = told
    return names


def main() -> None:
    names = names_by_file()
    for subject in WORDS:
        files = {path: [name for of, name in told if of == subject] for path, told in names.items()}
        files = {path: sorted(told) for path, told in files.items() if told}
        scripts = sum(path.suffix == ".js" for path in files)
        print(f"{subject:12}{len(files):4} files, {scripts} of them JavaScript")
        if "--files" in sys.argv[1:]:
            for path, told in files.items():
                print(f"  {path}: {', '.join(told)}")


if __name__ == "__main__":
    main()
