"""What programs add to `struct engine` and `struct place`, and what they call it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gradbook.graph.node import Node
from gradbook.targets.c.lines import LineFields
from gradbook.targets.c.names import Names, Titles


@dataclass
class Fields:
    """The lines in `struct engine` and in each thread's `struct place`; `scratch` is in vectors."""

    engine: list[str] = field(default_factory=list)
    place: list[str] = field(default_factory=list)
    scratch: int = 1
    names: Names = field(default_factory=Names)
    line: LineFields = field(default_factory=LineFields)


@dataclass
class Scope:
    """The names of one program. Members and functions are called alike in all of them but for
    the prefix; the variables of a function have names of their own.
    """

    program: str
    titles: Titles
    fields: Fields
    functions: Names

    @property
    def prefix(self) -> str:
        return "" if self.program == "train" else f"{self.program}_"

    def member(self, kind: str, node: Node, ending: str = "") -> str:
        """Of the engine or a place, for what this is of the node."""
        wish = f"{self.prefix}{self.titles.of(node)}{ending}"
        return self.fields.names.of((self.program, kind, node), wish)

    def partial(self, reduction: Node) -> str:
        """What the tiles give towards a sum."""
        return self.member("partial", reduction, "_of")

    def function(self, verb: str, what: str, key: object) -> str:
        return self.functions.of((self.program, verb, key), f"{verb}_{self.prefix}{what}")


@dataclass
class Dropped:
    """A dropout mask: the scale of what is kept, and how it is drawn."""

    scale: float
    layer: int
    below: int  # of 2¹⁶: a piece below it is dropped


Masks = Mapping[Node, Dropped]
