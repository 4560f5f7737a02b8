"""Recordings generated from rules and a seed, so that gradbook includes signals in little space.

`gestures` imitates an accelerometer in a hand for five gestures. Each person has an individual
speed, strength, grip and tremor, and each take differs a little, so a network trained on some
people is tested on others. Nobody's hand was measured: figures about it show that a network and
its training work, not how well real gestures are classified.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import pi

import numpy as np

from gradbook.chance import Dice, Purpose, normal
from gradbook.data.made_words import BACKGROUND, keywords
from gradbook.data.signals import Recording, SignalColumns, Signals
from gradbook.data.tables import Numbers
from gradbook.errors import UsageError


@dataclass(frozen=True)
class MadeSignals:
    """A generated source: its description, and its usual windows."""

    about: str
    make: Callable[[], Signals]
    window: int
    step: int
    background: str = ""


# Gestures ---------------------------------------------------------------------

RATE = 50  # rows per second
SECONDS = 6.0
PEOPLE, TAKES = 48, 1
AXES = ("ax", "ay", "az")
DECIMALS = 3  # of g
TAP_RING, TAP_DECAY = 15.0, 18.0  # how fast a tap oscillates, and how fast it decays


@dataclass(frozen=True)
class Hand:
    """How a person moves."""

    pace: float  # 1 is usual
    strength: float
    pitch: float  # of the grip, in radians
    roll: float
    tremor: float  # in g
    mirrored: float  # −1 for a left hand

    @staticmethod
    def of(person: int) -> Hand:
        dice = Dice.of(8, Purpose.GESTURE, person)
        return Hand(
            dice.between(0.7, 1.4),
            dice.between(0.5, 1.5),
            dice.between(-0.6, 0.6),
            dice.between(-0.6, 0.6),
            dice.between(0.02, 0.1),
            -1.0 if dice.between(0, 1) < 0.2 else 1.0,
        )


def _circle(t: Numbers, hand: Hand, phase: float) -> Numbers:
    """In circles, upright, about 1.4 times per second."""
    turn = 2 * pi * 1.4 * hand.pace * t + phase
    return 0.6 * np.stack([np.cos(turn), 0.15 * np.sin(turn), np.sin(turn)], axis=1)


def _shake(t: Numbers, hand: Hand, phase: float) -> Numbers:
    """To and fro, about 4 times per second."""
    turn = 2 * pi * 4.0 * hand.pace * t + phase
    to_and_fro = np.sin(turn) + 0.25 * np.sin(2 * turn)
    return np.stack([1.1 * to_and_fro, 0.2 * to_and_fro, 0.1 * np.cos(turn)], axis=1)


def _swing(t: Numbers, hand: Hand, phase: float) -> Numbers:
    """Like a pendulum, about 0.9 times per second: along its arc, and outwards twice as often."""
    turn = 2 * pi * 0.9 * hand.pace * t + phase
    return np.stack([0.75 * np.sin(turn), 0 * turn, -0.35 * np.cos(turn) ** 2], axis=1)


def _tap(t: Numbers, hand: Hand, phase: float) -> Numbers:
    """Knocks against something, about 1.6 times per second."""
    since = np.mod(t * 1.6 * hand.pace + phase / (2 * pi), 1) / (1.6 * hand.pace)
    knock = np.exp(-TAP_DECAY * since) * np.cos(2 * pi * TAP_RING * since)
    return np.stack([0.1 * knock, 0.1 * knock, 1.2 * knock], axis=1)


def _still(t: Numbers, hand: Hand, phase: float) -> Numbers:
    """Held still, with a slight drift."""
    drift = 0.06 * np.sin(2 * pi * 0.25 * t + phase)
    return np.stack([drift, 0.5 * drift, 0 * t], axis=1)


GESTURES = {"circle": _circle, "shake": _shake, "still": _still, "swing": _swing, "tap": _tap}


def gestures() -> Signals:
    """48 people, each with one take of five gestures, 6 seconds at 50 rows per second, in g."""
    recordings = [
        Recording(
            "gestures",
            f"person {person + 1}, {name} {take + 1}",
            _gesture(name, person, take),
            name,
            f"person {person + 1}",
        )
        for person in range(PEOPLE)
        for name in GESTURES
        for take in range(TAKES)
    ]
    return Signals("gestures", AXES, tuple(recordings), float(RATE), "subject")


def _gesture(name: str, person: int, take: int) -> Numbers:
    """The accelerometer's values: gravity by the hand's position, the movement, and tremor."""
    hand, number = Hand.of(person), list(GESTURES).index(name)
    words = (Purpose.GESTURE, person, number, take)
    dice = Dice.of(8, *words)
    t = np.arange(round(RATE * SECONDS)) / RATE * dice.between(0.9, 1.1)
    strength = hand.strength * dice.between(0.85, 1.15)
    moved = strength * GESTURES[name](t, hand, dice.between(0, 2 * pi))
    moved = moved * [hand.mirrored, 1, 1] + [0, 0, 1]
    held = moved @ _turned(hand.pitch + dice.between(-0.15, 0.15), hand.roll).T
    trembling = [normal(len(t), *words, axis + 1) for axis in range(len(AXES))]
    return np.round(held + hand.tremor * np.stack(trembling, axis=1), DECIMALS)


def _turned(pitch: float, roll: float) -> Numbers:
    """The rotation by these angles, about the first and the second axis."""
    about_x = np.array(
        [[1, 0, 0], [0, np.cos(roll), -np.sin(roll)], [0, np.sin(roll), np.cos(roll)]]
    )
    about_y = np.array(
        [[np.cos(pitch), 0, np.sin(pitch)], [0, 1, 0], [-np.sin(pitch), 0, np.cos(pitch)]]
    )
    return np.asarray(about_y @ about_x)


MADE = {
    "gestures": MadeSignals(
        "five gestures of 48 people, like those of an accelerometer; generated",
        gestures,
        128,
        32,
        "still",
    ),
    "keywords": MadeSignals(
        "six words of 24 speakers, 8,000 samples per second; generated",
        keywords,
        7776,
        640,
        BACKGROUND,
    ),
}


def made_signals(name: str, columns: SignalColumns) -> Signals:
    """The generated signals of this name, whose columns are known."""
    if columns != SignalColumns():
        raise UsageError(f"{name} is generated, so the meaning of its columns is already known")
    return MADE[name].make()
