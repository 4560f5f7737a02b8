"""A layer in its network, and what its values, slopes and parameters are called in general."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from gradbook.graph.names import Name, layer_names
from gradbook.net.layers import Conv, Dense, Layer
from gradbook.net.network import Net
from gradbook.net.parameters import Parameter, Role
from gradbook.targets.algebra.math import (
    Form,
    Product,
    Symbol,
)

LETTERS = {Role.WEIGHT: "W", Role.BIAS: "b", Role.SCALE: "γ", Role.SHIFT: "β"}


def each(*factors: Form) -> Form:
    """Multiplied element by element."""
    return Product(factors, "⊙")


@dataclass(frozen=True)
class Place:
    """One layer in its network: what it is given (x), what it makes of it (y), what it owns."""

    net: Net
    index: int

    @property
    def layer(self) -> Layer:
        return self.net.layers[self.index]

    @cached_property
    def names(self) -> tuple[Name, Name]:
        before, after = layer_names(self.net)[self.index : self.index + 2]
        return before, after

    @property
    def x(self) -> Form:
        return Symbol(self.names[0], bold=True)

    @property
    def y(self) -> Form:
        return Symbol(self.names[1], bold=True)

    @property
    def delta(self) -> Form:
        """How the error changes with y."""
        return delta(self.names[1])

    @property
    def parameters(self) -> list[Parameter]:
        return [p for p in self.net.parameters if p.layer == self.index]

    def own(self, role: Role) -> Form:
        return parameter_symbol(self.net, next(p for p in self.parameters if p.role is role))

    @property
    def normal(self) -> Name:
        return Name("n", layer=self.names[1].layer)

    def named(self, stem: str) -> Form:
        """A value within the layer: n, μ, s of batch normalisation."""
        return Symbol(Name(stem, layer=self.names[1].layer), bold=True)


def delta(name: Name) -> Form:
    return Symbol(Name("δ", of=name), bold=True)


def parameter_symbol(net: Net, parameter: Parameter) -> Form:
    """W_h of the layer that makes h; a bias for all of a layer is a plain number."""
    shared = parameter.role is Role.BIAS and is_shared(net.layers[parameter.layer])
    name = Name(LETTERS[parameter.role], of=layer_names(net)[parameter.layer + 1])
    return Symbol(name, bold=not shared)


def is_shared(layer: Layer) -> bool:
    return isinstance(layer, Dense | Conv) and layer.bias.shared
