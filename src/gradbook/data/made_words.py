"""Six short words and a background, generated as sums of harmonics shaped by formants, and noise.

Each speaker has an individual pitch, length of the vocal tract, speed and loudness, and each take
differs a little. They sound like a machine, and nobody was recorded: figures about them show that
a network and its training work, not how well real words are recognised.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

import numpy as np

from gradbook.chance import Dice, Purpose, normal
from gradbook.data.signals import Recording, Signals
from gradbook.data.tables import Numbers

RATE, SECONDS = 8000, 1.2
SPEAKERS, TAKES = 24, 2
DECIMALS = 4
BACKGROUND = "noise"
WIDTHS = (80.0, 110.0, 160.0)  # of the formants, in hertz
FRAME = 40  # samples with constant formants
RAMP = 0.012  # seconds in which a sound fades in or out
HIGHEST = 3900.0


@dataclass(frozen=True)
class Phone:
    """A part of a word: voiced with three formants, or noise between two frequencies."""

    seconds: float
    level: float
    formants: tuple[float, float, float] | None = None
    noise: tuple[float, float] | None = None


IN_YES, IN_GO = (530, 1840, 2480), (450, 850, 2410)
IN_STOP, IN_UP = (700, 1100, 2440), (640, 1190, 2390)
PAUSE, S = Phone(0.05, 0), Phone(0.14, 0.5, noise=(2800, 3900))
P, T = Phone(0.03, 0.5, noise=(300, 1500)), Phone(0.025, 0.6, noise=(2200, 3900))
WORDS = {
    "go": (Phone(0.025, 0.6, noise=(1300, 2500)), Phone(0.24, 1, IN_GO)),
    "left": (
        Phone(0.09, 0.7, (360, 1300, 2700)),
        Phone(0.13, 1, IN_YES),
        Phone(0.09, 0.25, noise=(1000, 3900)),
        T,
    ),
    "no": (Phone(0.1, 0.4, (250, 1100, 2200)), Phone(0.22, 1, IN_GO)),
    BACKGROUND: (),
    "stop": (S, PAUSE, T, Phone(0.14, 1, IN_STOP), PAUSE, P),
    "up": (Phone(0.15, 1, IN_UP), PAUSE, P),
    "yes": (Phone(0.08, 0.8, (280, 2200, 2900)), Phone(0.14, 1, IN_YES), S),
}


@dataclass(frozen=True)
class Voice:
    """How a person speaks."""

    pitch: float  # in hertz
    tract: float  # the factor of the formants
    pace: float
    loudness: float

    @staticmethod
    def of(speaker: int) -> Voice:
        dice = Dice.of(4, Purpose.WORD, speaker)
        high = dice.between(0, 1)  # a high voice mostly has a short tract
        return Voice(
            90 * 2.6**high,
            0.9 + 0.22 * high + dice.between(-0.04, 0.04),
            dice.between(0.8, 1.25),
            dice.between(0.4, 1.0),
        )


def keywords() -> Signals:
    """24 speakers, each with two takes of six words and of noise alone, 1.2 seconds each,
    as a 16-bit microphone would record them."""
    recordings = [
        Recording(
            "keywords",
            f"speaker {speaker + 1}, {word} {take + 1}",
            np.round(sound(word, speaker, take)[:, None], DECIMALS),
            word,
            f"speaker {speaker + 1}",
        )
        for speaker in range(SPEAKERS)
        for word in WORDS
        for take in range(TAKES)
    ]
    return Signals("keywords", ("sound",), tuple(recordings), RATE, "subject")


def sound(word: str, speaker: int, take: int) -> Numbers:
    """A take, 8,000 samples per second: the word begins at a random time, in random noise."""
    voice, number = Voice.of(speaker), list(WORDS).index(word)
    words = (Purpose.WORD, speaker, number, take)
    dice, rows = Dice.of(8, *words), round(RATE * SECONDS)
    loudness, around = voice.loudness * dice.between(0.7, 1.3), 10 ** dice.between(-3, -1.7)
    samples = around * normal(rows, *words, 1)
    pace, begins = voice.pace * dice.between(0.9, 1.1), dice.between(0.15, 0.35)
    pitch, tract = voice.pitch * dice.between(0.9, 1.1), voice.tract * dice.between(0.97, 1.03)
    if not WORDS[word]:  # a rustling at a random time
        low = dice.between(200, 2500)
        spoken = _noise(round(0.3 * RATE), low, low + 1000, *words, 2) * dice.between(0, 0.4)
    else:
        spoken = _spoken(WORDS[word], pitch, tract, pace, words)
    first = round(begins * RATE)
    spoken = spoken[: rows - first]
    samples[first : first + len(spoken)] += loudness * spoken
    return samples


def _spoken(
    phones: tuple[Phone, ...], pitch: float, tract: float, pace: float, words: tuple[int, ...]
) -> Numbers:
    lengths = [round(RATE * phone.seconds / pace) for phone in phones]
    ends = np.cumsum(lengths)
    samples = np.zeros(ends[-1])
    voiced = [k for k, phone in enumerate(phones) if phone.formants]
    middles = [ends[k] - lengths[k] / 2 for k in voiced]
    frequencies = np.array([phones[k].formants for k in voiced], np.float64) * tract
    times = np.arange(len(samples))
    formants = [np.interp(times[::FRAME], middles, column) for column in frequencies.T]
    tone = _voiced(len(samples), pitch, np.stack(formants))
    for k, phone in enumerate(phones):
        span = slice(ends[k] - lengths[k], ends[k])
        rising = np.minimum(np.arange(lengths[k]), np.arange(lengths[k])[::-1]) / (RAMP * RATE)
        shape = phone.level * np.minimum(rising, 1)
        if phone.formants:
            samples[span] += shape * tone[span]
        elif phone.noise:
            samples[span] += shape * _noise(lengths[k], *phone.noise, *words, 10 + k)
    return samples


def _voiced(count: int, pitch: float, formants: Numbers) -> Numbers:
    """Harmonics of a falling pitch, each with a loudness that the nearest formants determine."""
    pitches = pitch * np.linspace(1.08, 0.85, count)
    phase = 2 * pi * np.cumsum(pitches) / RATE
    voiced, at = np.zeros(count), pitches[::FRAME]
    for harmonic in range(1, int(HIGHEST / pitches.max()) + 1):
        off = [
            1 / (1 + ((harmonic * at - formant) / (width / 2)) ** 2)
            for formant, width in zip(formants, WIDTHS, strict=True)
        ]
        gain = (off[0] + 0.5 * off[1] + 0.25 * off[2] + 0.01) / np.sqrt(harmonic)
        voiced += np.repeat(gain, FRAME)[:count] * np.sin(harmonic * phase)
    return voiced


def _noise(count: int, low: float, high: float, *words: int) -> Numbers:
    """Noise of these frequencies alone, with the power of all frequencies."""
    if not count:
        return np.zeros(0)
    parts = np.fft.rfft(normal(count, *words))
    frequencies = np.fft.rfftfreq(count, 1 / RATE)
    kept = np.fft.irfft(np.where((frequencies >= low) & (frequencies <= high), parts, 0), count)
    return np.asarray(0.3 * kept / max(float(kept.std()), 1e-9))
