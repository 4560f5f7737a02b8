"""Sound as a spectrogram of mel bands: how much of each pitch there is, a row every few moments.

A band is a triangle over frequencies; bands lie evenly on the scale of mel, which follows how high
a tone seems: 2595·log₁₀(1 + f/700) (O'Shaughnessy, 1987).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradbook.data.tables import Numbers

QUIET = 1e-6  # of a band's power, below which all is silence


@dataclass(frozen=True)
class MelBands:
    """So many bands from `low` to `high` hertz, of frames of so many samples, every `hop`."""

    bands: int
    rate: int  # samples a second
    frame: int
    hop: int
    low: float
    high: float

    def filters(self) -> Numbers:
        """What each band takes of each frequency of a frame: (bands, frame // 2 + 1)."""
        low, high = mel(np.array([self.low, self.high])).tolist()
        edges = hertz(np.linspace(low, high, self.bands + 2))
        frequencies = np.arange(self.frame // 2 + 1) * self.rate / self.frame
        below, middle, above = (edges[k : k + self.bands, None] for k in range(3))
        rising = (frequencies - below) / (middle - below)
        falling = (above - frequencies) / (above - middle)
        return np.asarray(np.maximum(np.minimum(rising, falling), 0))

    def spectrogram(self, samples: Numbers) -> Numbers:
        """The logarithm of each band's power, (frames, bands): whole frames alone."""
        starts = np.arange(0, len(samples) - self.frame + 1, self.hop)
        framed = samples[starts[:, None] + np.arange(self.frame)] * np.hanning(self.frame)
        power = np.abs(np.fft.rfft(framed, axis=1)) ** 2 / self.frame
        return np.asarray(np.log10(power @ self.filters().T + QUIET))


def mel(frequencies: NDArray[np.float64]) -> Numbers:
    return np.asarray(2595 * np.log10(1 + frequencies / 700))


def hertz(mels: NDArray[np.float64]) -> Numbers:
    return np.asarray(700 * (10 ** (mels / 2595) - 1))
