"""The loudness of a signal's frequency bands in integers, with the same bits as in C.

It begins with samples of 16 bits.

Samples are weighted by Hann's window and transformed by a Fourier transform of half their number,
whose real parts are the even samples and whose imaginary parts the odd ones (Cooley and Tukey,
1965). Cosines have 15 fractional bits, their factors up to 29 bits: each product is rounded down. A
power has 60 bits, a weight 15, and the sum's logarithm to base 2 is computed bit by bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.int64]
SHARE_BITS = 15  # fractional, of cosines, windows and bands' weights
MOST_SHARE = (1 << SHARE_BITS) - 1  # in 16 bits with a sign
SUM_BITS = 30  # the most bits of twice a sum of a frame's samples, without sign
LOG_BITS = 10  # fractional, of a logarithm
AT_ONCE = 64  # windows that are computed at once in Python


@dataclass(frozen=True, eq=False)
class FrameHearing:
    """How frames are converted: the input minus `middle`, times 2^`up`. Each band adds up its
    shares of the powers from its first frequency on, plus `silence`.
    """

    frame: int  # samples, a power of 2
    step: int
    rows: int  # frames
    middle: int
    up: int
    silence: int
    firsts: tuple[int, ...]
    shares: tuple[Whole, ...]

    @cached_property
    def quarter(self) -> Whole:
        """The cosines of a quarter turn, including its end."""
        angles = np.arange(self.frame // 4 + 1) * (2 * np.pi / self.frame)
        cosines = np.rint(np.cos(angles) * (1 << SHARE_BITS)).astype(np.int64)
        return np.asarray(np.minimum(cosines, MOST_SHARE))

    @property
    def memory(self) -> int:
        """The bytes that C needs for a frame."""
        return 8 * (self.frame // 2 + 1)

    def sums(self, samples: NDArray[Any]) -> NDArray[np.float64]:
        """The logarithms of windows over 2^15, (windows, rows, 1, bands)."""
        parts = (samples[first : first + AT_ONCE] for first in range(0, len(samples), AT_ONCE))
        return np.concatenate([self._heard(np.asarray(part, np.int64)) for part in parts])

    def _heard(self, samples: Whole) -> NDArray[np.float64]:
        every = np.lib.stride_tricks.sliding_window_view(samples, self.frame, axis=1)
        frames = every[:, :: self.step][:, : self.rows] - self.middle
        frames = frames << self.up if self.up >= 0 else frames >> -self.up
        places = np.arange(self.frame)
        window = (1 << SHARE_BITS) - self._cosines(np.minimum(places, self.frame - places)) >> 1
        across, down = self._transformed(_part(frames, window))
        powers = across**2 + down**2
        taken = np.stack(
            [
                _part(powers[..., first : first + len(share)], share).sum(axis=-1)
                for first, share in zip(self.firsts, self.shares, strict=True)
            ],
            axis=-1,
        )
        return logarithm(taken + self.silence).astype(np.float64)[:, :, None]

    def _transformed(self, frames: Whole) -> tuple[Whole, Whole]:
        """Twice the cosines and sines of each frequency, from 0 to half the number of samples."""
        half = self.frame // 2
        order = [0]  # the numbers below half, each with its bits reversed
        while len(order) < half:
            order = [2 * k for k in order] + [2 * k + 1 for k in order]
        across, down = frames[..., ::2][..., order], frames[..., 1::2][..., order]
        size = 1
        while size < half:
            shape = (*frames.shape[:-1], -1, 2, size)
            a, b = across.reshape(shape), down.reshape(shape)
            angles = np.arange(size) * (half // size)
            real, imaginary = self._turned(a[..., 1, :], b[..., 1, :], angles)
            across = np.stack([a[..., 0, :] + real, a[..., 0, :] - real], axis=-2)
            down = np.stack([b[..., 0, :] + imaginary, b[..., 0, :] - imaginary], axis=-2)
            across, down = (x.reshape(*frames.shape[:-1], half) for x in (across, down))
            size *= 2
        return self._apart(across, down)

    def _apart(self, across: Whole, down: Whole) -> tuple[Whole, Whole]:
        """Combine the transforms of even and odd samples, as complex numbers, into that of all."""
        half = self.frame // 2
        near = np.arange(half // 2 + 1)
        far = (half - near) % half
        even = across[..., near] + across[..., far], down[..., near] - down[..., far]
        odd = down[..., near] + down[..., far], across[..., far] - across[..., near]
        real, imaginary = self._turned(*odd, near)
        transform = np.empty((2, *across.shape[:-1], half + 1), np.int64)
        transform[0][..., half - near], transform[1][..., half - near] = (
            even[0] - real,
            imaginary - even[1],
        )
        transform[0][..., near], transform[1][..., near] = even[0] + real, even[1] + imaginary
        return transform[0], transform[1]

    def _turned(self, across: Whole, down: Whole, angles: Whole) -> tuple[Whole, Whole]:
        """Rotate complex numbers back by these angles; by 0 they stay exact."""
        cosine, sine = self._cosines(angles), self.quarter[abs(self.frame // 4 - angles)]
        real = _part(across, cosine) + _part(down, sine)
        imaginary = _part(down, cosine) - _part(across, sine)
        return np.where(angles, real, across), np.where(angles, imaginary, down)

    def _cosines(self, angles: Whole) -> Whole:
        """The cosines of angles up to half a turn."""
        beyond = angles > self.frame // 4
        return (
            np.where(beyond, -1, 1)
            * self.quarter[np.where(beyond, self.frame // 2 - angles, angles)]
        )


def _part(number: Whole, share: Whole) -> Whole:
    """Multiply by a share and round down, in two parts to avoid overflow."""
    rest = (number & MOST_SHARE) * share >> SHARE_BITS
    return np.asarray((number >> SHARE_BITS) * share + rest)


def logarithm(numbers: Whole) -> Whole:
    """The logarithm to base 2 of numbers over 2^15, in units of 2^-LOG_BITS."""
    result, left = np.zeros_like(numbers), numbers.copy()
    while (large := left >> SHARE_BITS > 1).any():
        result, left = result + (large << LOG_BITS), np.where(large, left >> 1, left)
    while (small := left >> SHARE_BITS < 1).any():
        result, left = result - (small << LOG_BITS), np.where(small, left << 1, left)
    for bit in range(LOG_BITS - 1, -1, -1):
        left = left * left >> SHARE_BITS
        large = left >> SHARE_BITS > 1
        result, left = result + (large << bit), np.where(large, left >> 1, left)
    return result
