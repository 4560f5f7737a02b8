"""The notes of the headings: what a column holds, and its formula in names."""

from __future__ import annotations

from collections.abc import Mapping

from xlsxwriter.worksheet import Worksheet

from gradbook.graph.names import Name
from gradbook.graph.node import Node
from gradbook.targets.excel.book import Book
from gradbook.targets.excel.grammar import Reference, write
from gradbook.targets.excel.spelling import Speller

LONGEST_NOTE = 400  # characters of a formula that a note still shows

MEANINGS = {
    "i": "An input. Its value stands on the Network sheet.",
    "t": "A target: what the output should be. Its value stands on the Network sheet.",
    "w": "A weight. It starts as the Network sheet says, and each epoch takes a step downhill.",
    "b": "A bias. It starts as the Network sheet says.",
    "γ": "A scale of batch normalisation, trained like a weight.",
    "β": "A shift of batch normalisation, trained like a weight.",
    "h": "A hidden unit's weighted sum.",
    "o": "An output's weighted sum.",
    "a": "An activation: what the unit passes on.",
    "c": "One place of a convolution: the weighted sum of its window.",
    "p": "A pooled value: what is kept of its window.",
    "μ": "The mean over the samples.",
    "σ²": "The variance over the samples.",
    "s": "The deviation over the samples.",
    "n": "The value centred and scaled.",
    "y": "The normalised value, scaled by γ and shifted by β.",
    "L": "The logarithm of the sum of all e^o, from which softmax measures.",
    "E": "An error: how far the output is from its target.",
    "g": "One sample's share of a sum over the samples.",
    "q": "One sample's share of a mean over the samples.",
    "∂": "How fast the error changes with this value.",
    "k": "How many steps have been taken.",
}
MEMORIES = {
    "v": "The velocity of the weight: a fading memory of its gradients.",
    "m": "Adam's running mean of the gradient.",
    "s": "Adam's running mean of the gradient's square.",
}


def write_notes(sheet: Worksheet, book: Book, row: int, places: Mapping[Node, int]) -> None:
    """A note on every heading."""
    for node, place in places.items():
        text = note(book, node)
        lines = sum(1 + len(line) // 38 for line in text.split("\n"))
        options = {"x_scale": 2, "height": 18 + 15 * lines, "font_size": 9}
        sheet.write_comment(row, place, text, options)


def note(book: Book, node: Node) -> str:
    """What a column holds. In an exercise the formulas to be found are not told."""
    assert node.name is not None
    name = str(node.name)
    lines = [f"{name}", meaning(node.name)]
    if node in book.blank:
        return "\n".join([*lines, "To be filled in: write its formula and copy it down."])
    following = book.step.next.get(node)
    if following is not None and following is not node:
        lines.append(f"in the next row: {said(following)}")
    elif node.op.name != "leaf":
        lines.append(f"{name} = {said(node)}")
    return "\n".join(lines)


def meaning(name: Name) -> str:
    """A kind of value in words."""
    own = MEMORIES if name.of is not None and name.stem in MEMORIES else MEANINGS
    return own.get(name.stem, "")


def said(node: Node) -> str:
    """A node's formula with names for the cells."""
    text = write(NAMES.formula(node))
    return text if len(text) <= LONGEST_NOTE else f"{text[:LONGEST_NOTE]} …"


def _name(node: Node) -> Reference | None:
    return Reference(str(node.name)) if node.name is not None else None


def _of_all(node: Node) -> Reference:
    return Reference(f"{write(NAMES.mention(node))} of all samples")


NAMES = Speller(_name, _of_all)  # says formulas in names
