"""Measures a network layer by layer: parameters, work, memory, receptive fields.

A multiply-add (MAC) multiplies a weight and a value and adds the product; an added bias counts as
one more, since the sum begins with it. Convolutions and dense layers have them; other layers work
on each value, which costs little in comparison and isn't counted. A training step needs the same
again for the gradients of the weights and again, without biases, for the gradients of a layer's
inputs, if a parameter before the layer needs them.

Layers that are applied again do their work each time, but their parameters are counted once.
Numbers are assumed to be float32: 4 bytes each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, prod

from gradbook.graph.levels import scales_of
from gradbook.graph.window import Shape, Window
from gradbook.layers import Layer, Role
from gradbook.net.network import Net

BYTES = 4


@dataclass(frozen=True)
class ReceptiveField:
    """The pixels, down and across, that affect one value of a layer.

    `jump` is the distance between the fields of two neighbours. `area` is the number of values
    side by side that a dense layer reads at once.
    """

    size: Shape = (1, 1)
    jump: tuple[Fraction, Fraction] = (Fraction(1), Fraction(1))
    area: Shape = (1, 1)

    def through(self, window: Window, area: Shape = (1, 1)) -> ReceptiveField:
        """The field of a window that slides over this one."""
        old = zip(self.size, window.span, self.jump, strict=True)
        size = tuple(seen + ceil((span - 1) * jump) for seen, span, jump in old)
        (down, across), (tall, wide) = self.jump, window.stride
        return ReceptiveField(size, (down * tall, across * wide), area)

    def spread(self, window: Window, area: Shape) -> ReceptiveField:
        """The field after spreading this over a window of a larger map, in which each value gets
        contributions from as many windows as its span contains strides."""
        (down, across), (tall, wide) = self.jump, window.stride
        reach = tuple(
            -(-span // step) for span, step in zip(window.span, window.stride, strict=True)
        )
        return replace(
            self.through(Window((reach[0], reach[1])), area), jump=(down / tall, across / wide)
        )


@dataclass(frozen=True)
class LayerMeasure:
    """One layer, for one sample unless stated otherwise."""

    layer: Layer
    output: Shape
    parameters: int
    macs: int  # forward
    training_macs: int  # forward and backward
    window: Window | None  # of convolutions and pools
    field: ReceptiveField | None  # if the input is a picture
    again: int | None  # the number of the layer that it repeats, with the same weights
    few_bit_weights: int = 0  # of its parameters
    scales: int = 0  # of these weights

    @property
    def values(self) -> int:
        return prod(self.output)

    @property
    def bytes(self) -> int:
        """The size of the trained layer; weights of few bits are packed, with their scales."""
        return BYTES * (self.parameters - self.few_bit_weights + self.scales) + ceil(
            self.few_bit_weights * self.layer.bits.stored / 8
        )


@dataclass(frozen=True)
class NetMeasure:
    """All layers and their sums; memory is for a batch."""

    net: Net
    layers: tuple[LayerMeasure, ...]
    batch: int

    @property
    def parameters(self) -> int:
        return sum(layer.parameters for layer in self.layers)

    @property
    def trained(self) -> int:
        """The number of parameters without the fixed ones."""
        return sum(p.size for p in self.net.parameters if not p.fixed)

    @property
    def bytes(self) -> int:
        """The size of the trained network."""
        return sum(layer.bytes for layer in self.layers)

    @property
    def has_few_bits(self) -> bool:
        return any(layer.few_bit_weights for layer in self.layers)

    @property
    def macs(self) -> int:
        return sum(layer.macs for layer in self.layers)

    @property
    def training_macs(self) -> int:
        return sum(layer.training_macs for layer in self.layers)

    def memory(self, layer: LayerMeasure) -> int:
        """The bytes of a layer's outputs."""
        return BYTES * self.batch * layer.values

    @property
    def input_memory(self) -> int:
        return BYTES * self.batch * prod(self.net.input)

    @property
    def activations(self) -> int:
        """The bytes of the input and every layer's outputs, kept for the backward pass."""
        return self.input_memory + sum(map(self.memory, self.layers))

    @property
    def training_memory(self) -> int:
        """The bytes of parameters, gradients, the update's memory of each, and activations."""
        each = 1 + len(self.net.update.card.memories)
        return BYTES * (self.parameters + each * self.trained) + self.activations


def measure(net: Net, batch: int = 1) -> NetMeasure:
    return NetMeasure(net, tuple(_layers(net)), batch)


def _layers(net: Net) -> Iterator[LayerMeasure]:
    fields = [ReceptiveField(area=net.input[1:]) if len(net.input) == 3 else None]
    before = 0  # parameters so far that are trained
    for index, layer in enumerate(net.layers):
        shape, output = net.shapes[index : index + 2]
        parameters = [p for p in net.parameters if p.layer == index]
        levelled = [p for p in parameters if layer.bits and p.role is Role.WEIGHT]  # with few bits
        uses = dict.fromkeys(Role, 0)
        for spec in layer.parameters(shape):
            uses[spec.role] += prod(spec.shape) * spec.uses
        products, additions = uses[Role.WEIGHT], uses[Role.BIAS]  # biases are added
        training = 2 * (products + additions) + (products if before else 0)
        read = [fields[value] for value in layer.reads(index)]
        fields.append(_field(layer, shape, output, read))
        yield LayerMeasure(
            layer,
            output,
            sum(p.size for p in parameters),
            products + additions,
            training,
            layer.window(shape),
            fields[-1],
            net.owners[index] + 1 if net.owners[index] != index else None,
            sum(p.size for p in levelled),
            sum(scales_of(p.shape, layer.level_groups) for p in levelled),
        )
        before += sum(p.size for p in parameters if not p.fixed)


def _field(
    layer: Layer, shape: Shape, output: Shape, read: Sequence[ReceptiveField | None]
) -> ReceptiveField | None:
    """The field of a layer's values, from the largest field of the values that it reads."""
    fields = [field for field in read if field]
    if not fields:
        return None
    before = max(fields, key=lambda field: prod(field.area))
    sizes = zip(*(field.size for field in fields), strict=True)
    before = replace(before, size=tuple(map(max, sizes)))
    window = layer.window(shape)
    if window:
        return before.through(window, output[1:])
    spread = layer.spreads(shape)
    if spread:
        return before.spread(spread, output[1:])
    rows, columns = before.area
    return before.through(Window((rows, columns))) if layer.reads_all else before
