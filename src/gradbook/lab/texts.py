"""Lines learned letter by letter, and new lines like them.

Each letter is a token, and another token marks the beginning and the end of a line. At each step
the network reads the letters so far and learns the next one, so each letter is a target.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from math import ceil
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gradbook import limits
from gradbook.amounts import counted
from gradbook.builtin_networks import MICROGPT
from gradbook.engine.base import Engine
from gradbook.engine.engines import PlainEngine, open_faster
from gradbook.errors import DataError, ShapeError
from gradbook.files import read_text
from gradbook.lab.models import stored
from gradbook.lab.models.answers import FinalScore
from gradbook.lab.models.model import require_shapes, trained_shapes
from gradbook.lab.problem import (
    About,
    AdaptedRecipe,
    Material,
    Problem,
    Rows,
    Samples,
    Values,
)
from gradbook.lab.recipes.recipe import Recipe, Schedule
from gradbook.language import mark
from gradbook.net import Net, parse
from gradbook.net.text import input_words
from gradbook.schema import Choice, PlainText, Schema, WholeNumber

END = 0  # the token before the first and after the last letter
USUAL_CONTEXT, USUAL_STEPS = 16, 1000
MOST_TOKENS = 300
MOST_STEPS = 1_000_000
HELD_OUT = 10  # one line in so many
NAMES = "names"  # the name of the included lines in a recipe


@dataclass(frozen=True)
class TextLines:
    """Training lines, each once, and the letters in them."""

    lines: tuple[str, ...]
    alphabet: str
    source: str = mark("the included names")

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
    """The included first names."""
    text = (files("gradbook.data") / "names.txt").read_text(encoding="utf-8")
    return lines_of(text, TextLines.source)


def usual_network(tokens: int, context: int) -> Net:
    """microgpt for this many tokens and steps."""
    text = MICROGPT.replace("tokens 16 of 27", f"tokens {context} of {tokens}")
    return parse(text.replace("conv1d 27 1", f"conv1d {tokens} 1"))


def named_lines(name: str) -> TextLines:
    """The included lines, or those of a file."""
    return usual_lines() if name == NAMES else read_lines(name)


def require_fit(net: Net, lines: TextLines) -> None:
    """Refuse a network that reads other letters or doesn't predict the next one at each step."""
    if len(net.input) != 2 or net.input[1] != lines.tokens:
        raise ShapeError(
            f"{lines.source} has {len(lines.alphabet)} letters, and one token more that ends a "
            f"line: begin the network with 'input tokens {USUAL_CONTEXT} of {lines.tokens}', not "
            f"'input {input_words(net)}'"
        )
    if net.wanted != net.input or not net.objective.of_all:
        raise ShapeError(
            f"the network must predict the next letter at each step: end it with "
            f"'conv1d {lines.tokens} 1; softmax; loss cross-entropy'"
        )


def learning_order(lines: TextLines, seed: int = 0) -> tuple[list[str], list[str]]:
    """The lines that are held out, and the others as they are learned from."""
    random = np.random.default_rng(seed)
    order = [lines.lines[place] for place in random.permutation(len(lines.lines))]
    held = ceil(len(order) / HELD_OUT)
    return order[:held], order[held:]


# Training and its result --------------------------------------------------------

REPORTS = 10  # of a training
KIND, WRITER_KIND, VERSION = "lines", "writer", 1  # in the records of a run and a model
KEPT = Schema(kind=Choice(KIND), steps=WholeNumber(1, MOST_STEPS), seed=WholeNumber())
WRITER = Schema(network=PlainText(), alphabet=PlainText(), source=PlainText())


@dataclass(frozen=True, eq=False, kw_only=True)
class LineMaterial(Material):
    """Lines in the order in which they are learned, so many per epoch."""

    each: int

    @property
    def epoch_size(self) -> int:
        return self.each

    def order(self, seed: int, epoch: int) -> Rows:
        return self.numbers[epoch * self.each :][: self.each]


@dataclass(frozen=True, eq=False)
class LineProblem(Problem):
    """The next letter at each place of a line, with one line per step."""

    lines: TextLines
    steps: int
    seed: int = 0  # it decides which lines are held out

    unit = "line"
    samples_key = "lines"
    columns: ClassVar[Mapping[str, str]] = {
        name: name for name in ("epoch", "rate", "train_loss", "seconds")
    }
    everything = False
    classes = ()
    score_name = "held_out_loss"

    @property
    def title(self) -> str:
        return NAMES if self.lines.source == TextLines.source else self.lines.source

    @property
    def about(self) -> Mapping[str, Any]:
        return {"different_lines": len(self.lines.lines), "tokens": self.lines.tokens}

    @property
    def record(self) -> dict[str, Any]:
        return {"kind": KIND, "steps": self.steps, "seed": self.seed}

    def words_to_repeat(self) -> list[str]:
        """The options with which a command learns the same lines."""
        data = [] if self.title == NAMES else ["--data", self.title]
        return [*data, "--set", f"steps {self.steps}", "--seed", str(self.seed)]

    @cached_property
    def parts(self) -> tuple[list[str], list[str]]:
        """The lines that are held out, and the training lines."""
        return learning_order(self.lines, self.seed)

    def test_count(self) -> int:
        return len(self.parts[0])

    def scored(self, count: int) -> str:
        return f"{counted(count, self.unit)} held out"

    def recipe(self, net: Net) -> Recipe:
        """A recipe with a rate that falls to 0 and one epoch for each report."""
        require_fit(net, self.lines)
        schedule = Schedule("one cycle", net.learning_rate, warm=0.0)
        epochs = ceil(self.steps / self._each)
        return Recipe(net, schedule, epochs, batch=1, held_back=None)

    @property
    def _each(self) -> int:
        return ceil(self.steps / REPORTS)

    def adapt(self, recipe: Recipe) -> AdaptedRecipe:
        require_fit(recipe.net, self.lines)
        return AdaptedRecipe(recipe, (), self)

    def material(self, recipe: Recipe) -> LineMaterial:
        training = self.parts[1]
        letters, wanted = arrays(training, self.lines, recipe.net.input[0])
        return LineMaterial(
            net=recipe.net,
            samples=Samples(letters, wanted),
            numbers=np.arange(self.steps) % len(training),
            held_back=None,
            mark=zlib.crc32("\n".join(training).encode()),
            each=self._each,
        )

    def set_up(self, recipe: Recipe, threads: int | None) -> tuple[LineMaterial, Engine]:
        return self.material(recipe), open_faster(recipe.net, 1, len(self.parts[1]))

    def model(self, recipe: Recipe, material: Material, values: Values, about: About) -> LineWriter:
        engine = PlainEngine(recipe.net, 1)
        engine.restore(values)
        return LineWriter(self.lines, engine)

    def test(self, recipe: Recipe, engine: Engine, model: LineWriter) -> FinalScore:
        held_out, training = self.parts
        counts = np.ones(self.lines.tokens)
        frequency = np.bincount(self._letters(held_out, recipe.net), minlength=self.lines.tokens)
        counts += np.bincount(self._letters(training, recipe.net), minlength=self.lines.tokens)
        frequent = -float(frequency @ np.log(counts / counts.sum())) / frequency.sum()
        loss = LineWriter(self.lines, engine).loss(held_out)
        rows = np.arange(len(held_out))
        return FinalScore(loss=loss, score=loss, rows=rows, letters=(loss, frequent))

    def figures(self, test: FinalScore | None) -> dict[str, Any]:
        loss, frequent = (test.letters if test else None) or (None, None)
        return {self.score_name: loss, "loss_by_frequency": frequent}

    def _letters(self, lines: list[str], net: Net) -> list[int]:
        """All letters to learn in these lines, as tokens."""
        return [token for line in lines for token in self.lines.encode(line)[1 : net.input[0] + 1]]


def read_lines_problem(data: str, kept: Mapping[str, Any]) -> LineProblem:
    """The problem of a run again, from its record."""
    known = KEPT.read(kept)
    return LineProblem(named_lines(data), known["steps"], known["seed"])


def arrays(
    lines: Sequence[str], known: TextLines, context: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """The letters of each line and those that follow them; after a line's end, all are 0."""
    one = np.eye(known.tokens, dtype=np.float32)
    letters = np.zeros((len(lines), context, known.tokens), np.float32)
    wanted = np.zeros_like(letters)
    for row, line in enumerate(lines):
        tokens = known.encode(line)[: context + 1]
        letters[row, : len(tokens) - 1] = one[tokens[:-1]]
        wanted[row, : len(tokens) - 1] = one[tokens[1:]]
    return letters, wanted.reshape(len(lines), -1)


@dataclass(frozen=True, eq=False)
class LineWriter:
    """A network that writes lines like those that it learned."""

    lines: TextLines
    engine: Engine  # with the network's current values

    @property
    def context(self) -> int:
        return self.engine.net.input[0]

    @property
    def cut(self) -> int:
        """The number of lines that are longer than the network's input."""
        return sum(len(line) >= self.context for line in self.lines.lines)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it to one file: safetensors, with the network's text and the known letters."""
        record = {
            "kind": WRITER_KIND,
            "version": VERSION,
            "network": str(self.engine.net),
            "alphabet": self.lines.alphabet,
            "source": self.lines.source,
        }
        state, kept = self.engine.state(), trained_shapes(self.engine.net)
        stored.write(path, {name: state[name] for name in kept}, record)

    @staticmethod
    def load(path: str | os.PathLike[str]) -> LineWriter:
        """The writer in a file that `save` wrote; the file doesn't contain the training lines."""
        return stored.read_as(path, WRITER_KIND, VERSION, _fitted)

    def loss(self, lines: Sequence[str]) -> float:
        """The loss per letter of these lines: the mean over the letters of the mean over a line."""
        letters, wanted = arrays(lines, self.lines, self.context)
        shares = self.engine.predict(letters).reshape(letters.shape)
        wanted = wanted.reshape(letters.shape)
        logs = -np.log(np.maximum((shares * wanted).sum(axis=2), np.finfo(float).tiny))
        counted_steps = wanted.any(axis=2)
        return float(((logs * counted_steps).sum(axis=1) / counted_steps.sum(axis=1)).mean())

    def write(self, random: np.random.Generator, temperature: float) -> str:
        """A new line: at temperature 0 always the likeliest letter, otherwise random ones; a higher
        temperature makes unlikely letters likelier."""
        tokens, line = [END], ""
        one = np.eye(self.lines.tokens, dtype=np.float32)
        while len(tokens) <= self.context:
            letters = np.zeros((1, self.context, self.lines.tokens), np.float32)
            letters[0, : len(tokens)] = one[tokens]
            shares = self.engine.predict(letters).reshape(self.context, -1)[len(tokens) - 1]
            token = _chosen(np.asarray(shares, float), random, temperature)
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


def _fitted(shapes: stored.Shapes, record: stored.Record) -> Callable[[stored.Arrays], LineWriter]:
    known = WRITER.read(record)
    lines, net = TextLines((), known["alphabet"], known["source"]), parse(known["network"])
    require_fit(net, lines)
    require_shapes(net, shapes)

    def make(arrays: stored.Arrays) -> LineWriter:
        engine = PlainEngine(net, 1)
        engine.restore(arrays)
        return LineWriter(lines, engine)

    return make
