"""Sound in WAV files: PCM of 8, 16, 24 or 32 bits, as numbers from -1 to 1.

The promises of a header are checked: nothing is read from an incomplete file, or from one whose
length isn't a multiple of its channels.
"""

from __future__ import annotations

import io
import wave
from dataclasses import dataclass
from os import PathLike, fspath

import numpy as np
from numpy.typing import NDArray

from gradbook import limits
from gradbook.errors import DataError
from gradbook.files import open_file

SUFFIX = ".wav"
MOST_CHANNELS = 64
BITS = (8, 16, 24, 32)
BROKEN = (wave.Error, EOFError, RuntimeError, ArithmeticError, ValueError)  # the errors of wave
AGAIN = "save it as WAV with 16 bits, PCM"


@dataclass(frozen=True, eq=False)
class Sound:
    """A recording: (samples, channels), and the number of samples per second."""

    samples: NDArray[np.float64]
    rate: int


def read_wav(path: str | PathLike[str]) -> Sound:
    """The whole content of a file, if it is intact."""
    with open_file(path, limits.RECORDING) as file:
        content = file.read()
    try:
        with wave.open(io.BytesIO(content)) as sound:
            about = sound.getparams()
            samples = sound.readframes(about.nframes)
    except BROKEN as error:
        reason = str(error) or "it is incomplete"
        raise DataError(
            f"not a WAV file that can be read ({reason}): {AGAIN}", file=path
        ) from error
    _require_sense(about.nchannels, 8 * about.sampwidth, about.framerate, path)
    promised = about.nframes * about.nchannels * about.sampwidth
    if not samples or len(samples) != promised:
        raise DataError(
            f"damaged: {len(samples):,} of {promised:,} bytes of sound exist: use another copy",
            file=fspath(path),
        )
    return Sound(_numbers(samples, about.sampwidth).reshape(-1, about.nchannels), about.framerate)


def _require_sense(channels: int, bits: int, rate: int, path: str | PathLike[str]) -> None:
    wrong = ""
    if not 1 <= channels <= MOST_CHANNELS:
        wrong = f"{channels:,} channels: at most {MOST_CHANNELS} are read"
    elif bits not in BITS:
        wrong = f"{bits} bits a sample: {AGAIN}"
    elif rate < 1:
        wrong = f"{rate} samples a second: {AGAIN}"
    if wrong:
        raise DataError(wrong, file=fspath(path))


def _numbers(content: bytes, width: int) -> NDArray[np.float64]:
    """The numbers in these bytes, `width` each; single bytes are unsigned, with silence at 128."""
    if width == 1:
        return (np.frombuffer(content, np.uint8).astype(np.float64) - 128) / 128
    if width == 3:  # the upper three bytes of four
        wide = np.zeros((len(content) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(content, np.uint8).reshape(-1, 3)
        return wide.view("<i4")[:, 0] / 2.0**31
    return np.frombuffer(content, f"<i{width}") / 2.0 ** (8 * width - 1)
