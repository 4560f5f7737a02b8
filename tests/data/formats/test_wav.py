"""WAV files: what is read of each width, and what of hostile ones is refused."""

from __future__ import annotations

import struct
import wave

import numpy as np
import pytest

from gradbook.data.formats.wav import read_wav
from gradbook.errors import DataError
from tests.cases import for_each

WIDE = [-1.0, -0.5, 0.0, 0.25, 0.5]  # what every width can say


def as_bytes(values, width):
    """As the format has them: one byte counts from 128, more are signed, the lowest byte first."""
    if width == 1:
        return bytes(round(v * 128) + 128 for v in values)
    top = 2 ** (8 * width - 1)
    return b"".join(int(v * top).to_bytes(width, "little", signed=True) for v in values)


def write(path, values, width=2, channels=1, rate=8000):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(as_bytes(values, width))
    return path


@for_each("width", [1, 2, 3, 4])
def test_every_width_says_the_same_numbers(tmp_path, width):
    signal = read_wav(write(tmp_path / "a.wav", WIDE, width, rate=16_000))
    assert signal.rate == 16_000
    assert signal.samples[:, 0].tolist() == WIDE


def test_channels_stand_beside_each_other(tmp_path):
    signal = read_wav(write(tmp_path / "a.wav", [0.5, -0.5, 0.25, 0], channels=2))
    np.testing.assert_array_equal(signal.samples, [[0.5, -0.5], [0.25, 0]])


CHANNELS, RATE, BITS, KIND, SIZE = 22, 24, 34, 20, 40  # where the header says each


def put(good: bytes, at: int, kind: str, value: int) -> bytes:
    said = struct.pack(kind, value)
    return good[:at] + said + good[at + len(said) :]


BROKEN = {
    "empty": lambda good: b"",
    "text": lambda good: b"a,b\n1,2\n",
    "cut short": lambda good: good[:-3],
    "cut in the head": lambda good: good[:30],
    "no sound": lambda good: put(good, SIZE, "<I", 0),
    "no channels": lambda good: put(good, CHANNELS, "<H", 0),
    "many channels": lambda good: put(good, CHANNELS, "<H", 65535),
    "no rate": lambda good: put(good, RATE, "<I", 0),
    "floats": lambda good: put(good, KIND, "<H", 3),
    "a promise of 4 GB": lambda good: put(good, SIZE, "<I", 2**32 - 2),
    "a part that ends beyond the whole": lambda good: (
        good[:36] + b"LIST" + struct.pack("<I", 2**31) + good[36:]
    ),
    "many bits": lambda good: put(good, BITS, "<H", 64),
}


@for_each("what", BROKEN)
def test_a_hostile_one_is_refused_in_one_line(tmp_path, what):
    good = write(tmp_path / "good.wav", WIDE * 8).read_bytes()
    bad = tmp_path / "bad.wav"
    bad.write_bytes(BROKEN[what](good))
    with pytest.raises(DataError) as caught:
        read_wav(bad)
    assert str(caught.value).startswith(f"{bad}: ")
    assert "\n" not in str(caught.value)
