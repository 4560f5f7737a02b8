"""Lines learned letter by letter, and new lines written like them.

Each letter is a token, and one more stands before the first and behind the last. At every step the
network is given the letters so far and learns the next, so a line gives a target for each letter.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from math import ceil
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook import limits
from gradbook.amounts import counted
from gradbook.builtin_networks import MICROGPT
from gradbook.engine.base import Engine
from gradbook.engine.engines import open_faster
from gradbook.errors import DataError, ShapeError
from gradbook.files import read_text
from gradbook.lab.models.model import trained_shapes
from gradbook.lab.training.doubts import MOST_LOOKED_AT, Ending, doubts, find_dead_units
from gradbook.language import mark
from gradbook.layers import Loss
from gradbook.net import Net, parse
from gradbook.net.text import input_words

END = 0  # the token before the first letter and behind the last
USUAL_CONTEXT = 16
MOST_TOKENS = 300
HELD_OUT = 10  # one line in so many
Tokens = NDArray[np.intp]


@dataclass(frozen=True)
class TextLines:
    """Lines to learn from, each once, and the letters in them."""

    lines: tuple[str, ...]
    alphabet: str
    source: str = mark("the names that come along")

    @property
    def tokens(self) -> int:
        return len(self.alphabet) + 1

    def encode(self, line: str) -> list[int]:
        return [END, *(self.alphabet.index(letter) + 1 for letter in line), END]


def lines_of(text: str, source: str) -> TextLines:
    """The lines of a text, without empty ones."""
    lines = tuple(dict.fromkeys(filter(None, map(str.strip, text.splitlines()))))
    alphabet = "".join(sorted(set("".join(lines))))
    if len(lines) < HELD_OUT:
        raise DataError(
            f"{source} has {counted(len(lines), 'different line')}: give at least {HELD_OUT}, with "
            "one name or word on each"
        )
    if len(alphabet) >= MOST_TOKENS:
        raise DataError(
            f"{source} has {len(alphabet):,} different letters: at most {MOST_TOKENS - 1} can be "
            "learned"
        )
    return TextLines(lines, alphabet, source)


def read_lines(path: str | os.PathLike[str]) -> TextLines:
    return lines_of(read_text(path, limit=limits.TEXT), os.fspath(path))


def usual_lines() -> TextLines:
    """First names, which come with gradbook."""
    text = (files("gradbook.data") / "names.txt").read_text(encoding="utf-8")
    return lines_of(text, TextLines.source)


def usual_network(tokens: int, context: int) -> Net:
    """microgpt for so many tokens and so many steps of a line."""
    text = MICROGPT.replace("tokens 16 of 27", f"tokens {context} of {tokens}")
    return parse(text.replace("conv1d 27 1", f"conv1d {tokens} 1"))


def require_fit(net: Net, lines: TextLines) -> None:
    """Refuse a network that doesn't read these letters, or doesn't say the next of each."""
    if len(net.input) != 2 or net.input[1] != lines.tokens:
        raise ShapeError(
            f"{lines.source} has {len(lines.alphabet)} letters, and one token more that ends a "
            f"line: begin the network with 'input tokens {USUAL_CONTEXT} of {lines.tokens}', not "
            f"'input {input_words(net)}'"
        )
    if net.wanted != net.input or net.objective is not Loss.CROSS:
        raise ShapeError(
            f"the network has to say the next letter at each step: end it with "
            f"'conv1d {lines.tokens} 1; softmax; loss cross-entropy'"
        )


def learning_order(lines: TextLines, seed: int = 0) -> tuple[list[str], list[str]]:
    """The lines that are held out, and the others as they are learned from."""
    random = np.random.default_rng(seed)
    order = [lines.lines[place] for place in random.permutation(len(lines.lines))]
    held = ceil(len(order) / HELD_OUT)
    return order[:held], order[held:]


@dataclass(frozen=True)
class LettersLearned:
    """How a training went, after so many lines."""

    step: int
    loss: float  # of the latest lines, for each letter: ln(tokens) by guessing
    seconds: float


class LineWriter:
    """A network that learns lines, one at each step, and writes others like them."""

    def __init__(self, net: Net, lines: TextLines, seed: int = 0) -> None:
        require_fit(net, lines)
        self.net, self.lines, self.context = net, lines, net.input[0]
        self.held_out, self.training = learning_order(lines, seed)
        self.engine: Engine = open_faster(net, 1, len(self.training), 1)

    @property
    def cut(self) -> int:
        """How many lines are longer than the network sees."""
        return sum(len(line) >= self.context for line in self.lines.lines)

    def arrays(self, lines: list[str]) -> tuple[NDArray[Any], NDArray[Any]]:
        """The letters of each line and those that follow; behind a line's end all are 0."""
        one = np.eye(self.lines.tokens, dtype=np.float32)
        given = np.zeros((len(lines), self.context, self.lines.tokens), np.float32)
        wanted = np.zeros_like(given)
        for row, line in enumerate(lines):
            tokens = self.lines.encode(line)[: self.context + 1]
            given[row, : len(tokens) - 1] = one[tokens[:-1]]
            wanted[row, : len(tokens) - 1] = one[tokens[1:]]
        return given, wanted.reshape(len(lines), -1)

    def learn(self, steps: int, pieces: int = 10) -> Iterator[LettersLearned]:
        """Train on a line at each step, at a rate that falls to 0; so many reports of it."""
        began, rate, done = monotonic(), self.net.learning_rate, 0
        given, wanted = self.arrays(self.training)
        for piece in range(1, pieces + 1):
            end = round(steps * piece / pieces)
            if end == done:
                continue
            rates = rate * (1 - np.arange(done, end) / steps)
            places = np.arange(done, end) % len(self.training)
            found = self.engine.epoch(given, wanted, rates, order=places, epoch=piece)
            done = end
            yield LettersLearned(done, float(found.losses.mean()), monotonic() - began)

    def loss(self, lines: list[str]) -> float:
        """For each letter of these lines: the mean over the letters of the mean over a line."""
        given, wanted = self.arrays(lines)
        shares = self.engine.predict(given).reshape(given.shape)
        wanted = wanted.reshape(given.shape)
        logs = -np.log(np.maximum((shares * wanted).sum(axis=2), np.finfo(float).tiny))
        counted_steps = wanted.any(axis=2)
        return float(((logs * counted_steps).sum(axis=1) / counted_steps.sum(axis=1)).mean())

    def doubts(self, first: float, last: float) -> tuple[str, ...]:
        """What is said against a training whose loss went from the first to the last."""
        counts = np.ones(self.lines.tokens)
        held_out = np.bincount(self._letters(self.held_out), minlength=self.lines.tokens)
        counts += np.bincount(self._letters(self.training), minlength=self.lines.tokens)
        frequent = -float(held_out @ np.log(counts / counts.sum())) / held_out.sum()
        return doubts(
            Ending(
                net=self.net,
                first_loss=first,
                last_loss=last,
                scored=counted(len(self.held_out), "line") + " held out",
                unit="line",
                dead=find_dead_units(
                    self.net,
                    {name: self.engine.state()[name] for name in trained_shapes(self.net)},
                    self.arrays(self.training[:MOST_LOOKED_AT])[0],
                ),
                letters=(self.loss(self.held_out), frequent),
            )
        )

    def _letters(self, lines: list[str]) -> list[int]:
        """All that are to be learned of these lines, as tokens."""
        return [one for line in lines for one in self.lines.encode(line)[1 : self.context + 1]]

    def write(self, random: np.random.Generator, temperature: float) -> str:
        """A new line: at temperature 0 the likeliest letter each time, else one by chance, where a
        higher temperature makes the unlikely likelier."""
        tokens, line = [END], ""
        one = np.eye(self.lines.tokens, dtype=np.float32)
        while len(tokens) <= self.context:
            given = np.zeros((1, self.context, self.lines.tokens), np.float32)
            given[0, : len(tokens)] = one[tokens]
            said = self.engine.predict(given).reshape(self.context, -1)[len(tokens) - 1]
            token = _chosen(np.asarray(said, float), random, temperature)
            if token == END:
                break
            tokens.append(token)
            line += self.lines.alphabet[token - 1]
        return line


def _chosen(shares: NDArray[np.float64], random: np.random.Generator, temperature: float) -> int:
    if not temperature:
        return int(shares.argmax())
    with np.errstate(divide="ignore"):
        logs = np.log(shares) / temperature
    weights = np.exp(logs - logs.max())
    return int(random.choice(len(weights), p=weights / weights.sum()))


def learn_lines(
    writer: LineWriter, steps: int, listener: Callable[[LettersLearned], object]
) -> LettersLearned:
    """Train to the end; the last report."""
    last = LettersLearned(0, float("nan"), 0.0)
    for last in writer.learn(steps):
        listener(last)
    return last
