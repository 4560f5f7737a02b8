"""Layers for sound: frames of a signal are turned into the strengths of their frequencies.

A frame is multiplied by Hann's window and split into frequencies by cosines and sines, whose
squares are the power. All of these are sums, products and a logarithm of other cards, with weights
that aren't trained, so a network can read a microphone's samples without any program before it. A
band is a triangle over frequencies; bands are spaced evenly on the mel scale, which follows the
perceived pitch: 2595·log₁₀(1 + f/700) (O'Shaughnessy, 1987).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from gradbook.errors import ShapeError, UsageError
from gradbook.graph.node import Array, Node
from gradbook.graph.window import Shape
from gradbook.language import tr
from gradbook.layers.activations import Activation
from gradbook.layers.card import Bias, Layer, LayerSite, ParameterSpec, spell
from gradbook.layers.fields import OptionsField, StatementForm, WholeField, WholeOption
from gradbook.layers.sums import Conv
from gradbook.layers.wiring import Product

FRAME, STEP, RATE, LOW, HIGH = 256, 128, 8000, 100, 3800  # the defaults
LOUDER = 1e6  # factor of a power: below about a millionth, it counts as silence
LOUDNESS = Activation("logrelu")  # of such a power
LONGEST_FRAME = 1024  # its cosines and sines are a million numbers
FRAME_LENGTH = "{word}'s frame has 2 to {most:,} samples, not {frame:,}"
ONE_SIGNAL = (
    "{word} takes the samples of one signal, such as 'input 4000x1', not {shape}: with several, "
    "put 'conv1d 1 1' before it"
)
TOO_SHORT = "{word}'s frame has {frame} samples, but there are {steps}: use a shorter frame"
BAND_EDGES = (
    "mel's bands lie between two frequencies, of which the higher is at most half the rate: {low} "
    "to {high} Hz is out of range at {rate} samples per second"
)
NARROW_BANDS = (
    "mel's band {band} of {bands} contains no frequency that a frame of {frame} samples resolves: "
    "use fewer bands, or a longer frame"
)


class Composed(Layer):
    """A layer that consists of layers of other cards, one after the other.

    Each part reads the output of the one before it, as all of its inputs. Parameters have the
    part's name, such as wave_weight, and so do sums: h_wave1.
    """

    @property
    def parts(self) -> Mapping[str, Layer]:
        raise NotImplementedError

    def fixed_weights(self, part: str) -> tuple[float, ...]:
        """A part's weights, if they aren't trained."""
        return ()

    def shapes(self, shape: Shape) -> list[Shape]:
        """The shape of the input, then of each part's output."""
        shapes = [shape]
        for layer in self.parts.values():
            shapes.append(layer.output(*[shapes[-1]] * len(readings(layer))))
        return shapes

    def output(self, shape: Shape, *others: Shape) -> Shape:
        return self.shapes(shape)[-1]

    def parameters(self, shape: Shape) -> tuple[ParameterSpec, ...]:
        placed = zip(self.parts.items(), self.shapes(shape), strict=False)
        return tuple(
            replace(
                spec,
                part=name,
                fixed=bool(self.fixed_weights(name)),
                start=self.fixed_weights(name),
            )
            for (name, layer), before in placed
            for spec in layer.parameters(before)
        )

    def ops(self, site: LayerSite, inputs: Sequence[Node], parameters: Sequence[Node]) -> Node:
        (x,), remaining = inputs, list(parameters)
        for (name, layer), output in zip(self.parts.items(), self.shapes(x.shape)[1:], strict=True):
            owned = [remaining.pop(0) for _ in layer.parameters(x.shape)]
            x = layer.ops(replace(site, output=output), [x] * len(readings(layer)), owned)
            if layer.sums:
                x = site.graph.named(x, replace(site.part("h"), word=name))
        return x


def readings(layer: Layer) -> tuple[int, ...]:
    """The values that a part reads, all of which are the latest."""
    return layer.reads(1)


@dataclass(frozen=True)
class FixedConv(Conv):
    """A convolution whose weights aren't trained."""

    bias: Bias = Bias.NONE
    row: bool = True
    forms: ClassVar[tuple[StatementForm, ...]] = ()
    learns: ClassVar[bool] = False


@dataclass(frozen=True)
class FourierSums(FixedConv):
    """The cosine of each frequency, then the sine of each, for a signal's frame under Hann's
    window, divided by the root of its length."""

    is_fourier: ClassVar[bool] = True


FRAMES = (
    WholeOption("frame", "F", FRAME, "frame"),
    WholeOption("step", "S", STEP, "step"),
)


@dataclass(frozen=True)
class MelBands(Composed):
    """The loudness of each band of frequencies, in frames of a signal: ln(1 + 10⁶·power).

    Without bands, of each frequency with a whole number of waves in a frame.
    """

    bands: int = 0
    frame: int = FRAME
    step: int = STEP
    rate: int = RATE
    low: int = LOW
    high: int = HIGH
    word: ClassVar[str] = "mel"
    letter: ClassVar[str] = "l"
    reads_sequences: ClassVar[bool] = True
    has_inner_values: ClassVar[bool] = True
    forms: ClassVar[tuple[StatementForm, ...]] = (
        StatementForm(
            "mel",
            (
                WholeField("bands", "N", "number of bands"),
                OptionsField(
                    "",
                    options=(
                        *FRAMES,
                        WholeOption("rate", "R", RATE, "rate"),
                        WholeOption("low", "HZ", LOW, "lowest frequency"),
                        WholeOption("high", "HZ", HIGH, "highest frequency"),
                    ),
                ),
            ),
            (
                "the loudness of N frequency bands in frames of F samples, one every",
                "S samples, of a signal with R samples per second; not trained",
            ),
        ),
        StatementForm(
            "spectrogram",
            (OptionsField("", options=FRAMES),),
            ("the same for each frequency that such a frame resolves",),
            preset={"bands": 0},
        ),
    )

    def form(self) -> StatementForm:
        return self.forms[not self.bands]

    def check(self) -> None:
        if not 2 <= self.frame <= LONGEST_FRAME:
            values = {"word": self.form().words, "most": LONGEST_FRAME, "frame": self.frame}
            raise UsageError(FRAME_LENGTH.format(**values))
        if not self.bands:
            return
        if not self.low < self.high <= self.rate / 2:
            values = {"low": self.low, "high": self.high, "rate": self.rate}
            raise UsageError(BAND_EDGES.format(**values))
        empty = np.flatnonzero(~triangles(self).any(axis=1))
        if len(empty):
            values = {"band": empty[0] + 1, "bands": self.bands, "frame": self.frame}
            raise UsageError(NARROW_BANDS.format(**values))

    @property
    def frequencies(self) -> int:
        """The number of frequencies that a frame resolves, from 0 on."""
        return self.frame // 2 + 1

    @property
    def parts(self) -> Mapping[str, Layer]:
        sums = self.bands or self.frequencies
        return {
            "wave": FourierSums(2 * self.frequencies, (1, self.frame), (1, self.step)),
            "power": Product(1),
            "band": FixedConv(sums, (1, 1)),
            "loudness": LOUDNESS,
        }

    def fixed_weights(self, part: str) -> tuple[float, ...]:
        if part == "wave":
            return waves(self.frame)
        return bank(self) if part == "band" else ()

    def shapes(self, shape: Shape) -> list[Shape]:
        if len(shape) != 3 or shape[:2] != (1, 1):
            raise ShapeError(ONE_SIGNAL.format(word=self.form().words, shape=spell(shape)))
        if shape[2] < self.frame:
            values = {"word": self.form().words, "frame": self.frame, "steps": shape[2]}
            raise ShapeError(TOO_SHORT.format(**values))
        return super().shapes(shape)

    def words(self, shape: Shape) -> str:
        sizes = {"frame": self.frame, "step": self.step}
        if not self.bands:
            return tr("the loudness of each frequency in frames of {frame}, every {step}", **sizes)
        return tr(
            "the loudness of {bands} frequency bands in frames of {frame}, every {step}",
            bands=self.bands,
            **sizes,
        )


@cache
def waves(frame: int) -> tuple[float, ...]:
    """A cosine of each frequency under Hann's window, then a sine of each; the sums' squares are
    the power of a frame."""
    places = np.arange(frame)
    window = (0.5 - 0.5 * np.cos(2 * np.pi * places / frame)) / np.sqrt(frame)
    angles = np.arange(frame // 2 + 1)[:, None] * places % frame * (2 * np.pi / frame)
    factors = np.concatenate([np.cos(angles), np.sin(angles)]) * window
    return tuple(factors.round(15).ravel().tolist())  # exact zeros rather than 6·10⁻¹⁷


@cache
def bank(layer: MelBands) -> tuple[float, ...]:
    """The factor of each frequency's power in each band, for its cosine and its sine."""
    factors = triangles(layer) if layer.bands else np.eye(layer.frequencies)
    return tuple((LOUDER * np.tile(factors, 2)).ravel().tolist())


def triangles(layer: MelBands) -> Array:
    """The factor of each frequency of a frame in each band: (bands, frequencies)."""
    low, high = mel(np.array([layer.low, layer.high], float)).tolist()
    edges = hertz(np.linspace(low, high, layer.bands + 2))
    frequencies = np.arange(layer.frequencies) * layer.rate / layer.frame
    below, middle, above = (edges[k : k + layer.bands, None] for k in range(3))
    rising = (frequencies - below) / (middle - below)
    falling = (above - frequencies) / (above - middle)
    return np.asarray(np.maximum(np.minimum(rising, falling), 0))


def mel(frequencies: NDArray[np.float64]) -> Array:
    return np.asarray(2595 * np.log10(1 + frequencies / 700))


def hertz(mels: NDArray[np.float64]) -> Array:
    return np.asarray(700 * (10 ** (mels / 2595) - 1))
