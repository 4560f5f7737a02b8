"""Formulas of your own instead of layers: `E = (a - t)^2 / 2; a = tanh(w*x); w = 0.5; …`.

Their text form, its reader, which names the place of a mistake, and the values that they define.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from math import isfinite
from typing import Any, NoReturn

from gradbook.errors import UsageError, did_you_mean
from gradbook.graph.names import RATE
from gradbook.graph.node import Node, ancestors
from gradbook.language import tr
from gradbook.layers import Role, Update
from gradbook.layers.updates import DESCENT
from gradbook.net.formula_functions import (
    CONSTANTS,
    function_called,
)
from gradbook.net.formula_reader import (
    SIMPLE,
    WRITE_NUMBER,
    FormulaReader,
    element_name,
)
from gradbook.net.formula_text import (
    MARKS,
    NAME,
    Called,
    FormulaTextError,
    NamePart,
    Operation,
    parts_of,
    read_formulas,
)
from gradbook.net.text import TRAINING, Draft
from gradbook.statements import NUMBER, Statement, digits, statements

DEFINITION = re.compile(
    rf"\s*(?P<name>{NAME.pattern})\s*(?:\((?P<inputs>[^()]*)\)\s*)?=(?!=)(?P<right>.*)", re.DOTALL
)
LEARN, MINIMIZE, SAMPLE = "learn", "minimize", "sample"
SELECTIONS = {LEARN: LEARN, MINIMIZE: MINIMIZE, "minimise": MINIMIZE, SAMPLE: SAMPLE}
SETTINGS = ("rate", "update")
MOST_FORMULAS = 1_000
USUAL_RATE = 0.1
RESULTS = "yzfgEL"  # names for a formula without one

USAGE = """\
explain, sheet, play, sweep and quiz also accept formulas of your own, as people
type them: y = 2x² + e^(-x), sin 2x, |x|, √x, ½(a - t)².

  NAME = FORMULA             from + - * / ^, parentheses, exp, ln, sqrt, sin, tan, atan, cosh,
                             erf, abs, max, min, if(x > 0, a, b), … and activations; other
                             names may be defined before or after
  NAME = NUMBER              a number, or one number per sample: x = 0.5, 1, 2
  NAME = [NUMBER, …]         a vector: y = sum(w*x), max(w), tanh(w*x + b)
  f(x) = FORMULA             a function, for other formulas: y = f(2a)
  minimize NAME              the result (default: the last formula that no other uses)
  learn NAME …               the numbers to train (default: all except the sample's)
  sample NAME …              the numbers of a sample, which training doesn't change
  rate NUMBER                the learning rate η (default: 0.1); also 'update' and 'name'

  h = w*x + b; a = tanh(h); E = (a - t)^2 / 2; w = 0.5; b = 0.1; x = 2; t = 1; sample x t
"""


# Formulas as they are written -----------------------------------------------------------


@dataclass(frozen=True)
class Formulas:
    """Named formulas and numbers, the numbers that are learned, and the result that is minimised.

    It has what targets need of a `Net`, like a network without layers.
    """

    formulas: Mapping[str, str]
    numbers: Mapping[str, tuple[float, ...]]  # several: one for each sample
    learned: tuple[str, ...]
    data: tuple[str, ...] = ()  # the names of the numbers in a sample
    result: str = ""
    update: Update = DESCENT
    rate: float | None = None
    name: str = ""
    functions: Mapping[str, tuple[tuple[str, ...], str]] = field(default_factory=dict)
    supposed: tuple[str, ...] = field(default=(), compare=False)  # names without a number there
    trains: bool = field(default=True, compare=False)  # whether its text chooses what is learned
    places: Mapping[str, Statement] = field(default_factory=dict, compare=False, repr=False)

    layers = parameters = again = classes = columns = samples = ()
    has_samples = True
    laid_out = False

    @property
    def equations(self) -> list[str]:
        """Each formula with its name."""
        return [f"{name} = {formula}" for name, formula in self.formulas.items()]

    @property
    def learning_rate(self) -> float:
        return min(self.update.card.rate, USUAL_RATE) if self.rate is None else self.rate

    def decay_of(self, role: Role) -> float:
        return 0.0

    def made_up(self) -> str:
        """A remark on the names without a number in the text, or ''."""
        if not self.supposed:
            return ""
        numbers = ", ".join(f"{name} = {digits(self.numbers[name][0])}" for name in self.supposed)
        return tr(
            "The text has no numbers, so this is worked out for {numbers}; a line such as "
            "{example} chooses another.",
            numbers=numbers,
            example=f"{self.supposed[0]} = 2",
        )

    def __str__(self) -> str:
        """The text form."""
        lines = [f"name {self.name}"] if self.name else []
        lines += [f"{f}({', '.join(xs)}) = {body}" for f, (xs, body) in self.functions.items()]
        lines += self.equations
        lines += [f"{name} = {', '.join(map(digits, row))}" for name, row in self.numbers.items()]
        sampled = [name for name in self.data if len(self.numbers[name]) == 1]
        lines += [f"{SAMPLE} {' '.join(sampled)}"] if sampled else []
        lines += [f"{LEARN} {' '.join(self.learned)}", f"{MINIMIZE} {self.result}"]
        lines += [f"update {self.update}"] if self.update != DESCENT else []
        lines += [f"rate {digits(self.rate)}"] if self.rate is not None else []
        return "\n".join(lines) + "\n"

    def changed(self, lines: Sequence[Statement]) -> Formulas:
        """The same formulas with other lines for their training."""
        return replace(self, trains=self.trains or bool(lines), **_training(lines))


def reads_as_formulas(text: str) -> bool:
    """Whether a text defines a name by a formula, or begins with one, which no network does."""
    lines = [line for line in statements(text, None) if line.next.lower() != "name"]
    return any(DEFINITION.match(line.text) for line in lines) or any(map(_is_formula, lines[:1]))


def _is_formula(line: Statement) -> bool:
    """Whether it can only be a formula: `x/y` may be a file, `leaky relu` a layer."""
    try:
        (tree,) = read_formulas(line.text, lambda word: function_called(word) is not None)
    except (FormulaTextError, ValueError):
        return any(sign in line.text for sign in "^√|²³½·×")  # with a mistake
    parts = [*parts_of(tree)]
    is_simple = all(
        SIMPLE.fullmatch(part.name) or part.name in CONSTANTS
        for part in parts
        if isinstance(part, NamePart)
    )
    signs = {part.sign for part in parts if isinstance(part, Operation)}
    called = [part.function for part in parts if isinstance(part, Called)]
    is_called = any(function_called(word) or SIMPLE.fullmatch(word) for word in called)
    return is_simple and (is_called or bool(signs - {"-", "/"}) or bool(signs and " " in line.text))


def parse_formulas(text: str, source: str | None = None, of: str = "") -> Formulas:
    """The formulas that a text describes; `of` is the result, rather than the one it chooses."""
    draft = _Lines()
    for line in statements(text, source):
        draft.read(line)
    return draft.whole(of)


@dataclass
class _Lines:
    """The part of a text that has been read so far."""

    formulas: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, tuple[float, ...]] = field(default_factory=dict)
    functions: dict[str, tuple[tuple[str, ...], str]] = field(default_factory=dict)
    vectors: dict[str, tuple[str, ...]] = field(default_factory=dict)  # of numbers: their names
    places: dict[str, Statement] = field(default_factory=dict)
    nameless: list[Statement] = field(default_factory=list)
    named: dict[str, tuple[Statement, list[str]]] = field(default_factory=dict)  # after learn, …
    training: list[Statement] = field(default_factory=list)
    title: str = ""

    def read(self, line: Statement) -> None:
        definition, word = DEFINITION.match(line.text), line.next.lower()
        if definition:
            name = definition["name"].translate(MARKS)
            self.define(line, name, definition["right"].strip(), definition["inputs"])
        elif word in SELECTIONS:
            line.take()
            names = line.rest().translate(MARKS).split()
            self.named[SELECTIONS[word]] = line, names
        elif word == "name":
            line.take()
            self.title = line.rest()
        elif word in SETTINGS:
            self.training.append(line)
        elif (
            len(line.words) > 1 and line.next.isalpha() and NUMBER.fullmatch(line.words[1].group())
        ):
            line.fail(
                f"{line.next!r} isn't a formula: write 'name = formula', 'learn w b', "
                "'sample x t', 'minimize E' or 'rate 0.1'"
            )
        else:
            self.nameless.append(line)

    def define(self, line: Statement, name: str, right: str, inputs: str | None = None) -> None:
        if name in self.places:
            line.fail(f"{name!r} is already defined: use another name", at=0)
        if name == str(RATE) or re.match(r"π[^\W\d_]", name):
            line.fail(f"{name!r} is reserved: choose another name", at=0)
        if len(self.places) == MOST_FORMULAS:
            line.fail(f"more than {MOST_FORMULAS:,} formulas and numbers", at=0)
        self.places[name] = line
        values = _numbers(right)
        if inputs is not None:
            self.functions[name] = self.inputs(line, inputs), right
        elif values:
            self.numbers[name] = values
        else:
            self.formulas[name] = right

    def inputs(self, line: Statement, words: str) -> tuple[str, ...]:
        """The names between a function's parentheses."""
        names = tuple(word.strip().translate(MARKS) for word in words.split(","))
        if not all(map(NAME.fullmatch, names)) or len({*names}) < len(names):
            line.fail("between these parentheses belong different names: f(x, y) = x^2 + y", at=0)
        return names

    def whole(self, of: str = "") -> Formulas:
        """The complete formulas, once every name that they use exists."""
        self.name_formulas()
        self.take_numbers_apart()
        reader = FormulaReader(self.draft())
        self.take_functions_as_formulas(reader)
        if not self.formulas:
            self.refuse_no_formula()
        reader = FormulaReader(self.draft())
        used = {name: reader.names_in(name) for name in self.formulas}
        supposed = self.suppose_numbers(reader, used)
        result = self.result(used, of)
        needed = self.needed(result, used)
        formulas = replace(
            self.draft(),
            formulas={name: text for name, text in self.formulas.items() if name in needed},
            numbers={name: row for name, row in self.numbers.items() if name in needed},
            learned=tuple(self.selected(LEARN, self.numbers, "number")),
            result=result,
            supposed=supposed,
            trains=bool(self.named or self.training),
            **_training(self.training),
        )
        node = FormulaReader(formulas).result()
        self.refuse_unused(result, needed, used)
        formulas = replace(formulas, data=self.sample(formulas.numbers))
        return replace(formulas, learned=self.learned(formulas, node))

    def refuse_no_formula(self) -> NoReturn:
        missing = "there is no formula: write one such as 'E = (w*x - t)^2'"
        if not self.places:
            raise UsageError(missing)
        name, line = next(iter(self.places.items()))
        if self.functions:
            f = next(iter(self.functions))
            self.places[f].fail(f"nothing uses {f!r}: write a formula such as 'y = {f}(2a)'", at=0)
        if not _numbers(line.text.partition("=")[2]):
            line.fail(
                f"{name!r} always equals {digits(self.numbers[name][0])}: {WRITE_NUMBER}", at=0
            )
        line.fail(missing, at=0)

    def draft(self) -> Formulas:
        return Formulas(
            self.formulas,
            self.numbers,
            (),
            functions=self.functions,
            name=self.title,
            places=self.places,
        )

    def name_formulas(self) -> None:
        """Give names to formulas that stand for themselves: x^2 + 3*x."""
        used = {*self.places, *(word for line in self.nameless for word in NAME.findall(line.text))}
        used |= {word for text in self.formulas.values() for word in NAME.findall(text)}
        names = (*RESULTS, *(f"{RESULTS[0]}{k}" for k in range(1, 2 * MOST_FORMULAS)))
        free = (name for name in names if name not in used)
        for line in self.nameless:
            self.define(line, next(free), line.text)

    def take_numbers_apart(self) -> None:
        """What is a number after all: π/4, √2; and the numbers of vectors, each with a name."""
        reader = FormulaReader(self.draft())
        for name in [*self.formulas]:
            trees = reader.trees(name)
            values = [value for tree in trees if (value := reader.fixed(name, tree))]
            if len(values) < len(trees):
                if len(trees) > 1:
                    reader.fail("a comma stands only between the numbers of samples", trees[1].at)
                continue
            if len({*map(len, values)}) > 1:
                reader.fail("each sample needs as many numbers", trees[1].at)
            del self.formulas[name]
            by_place = [*zip(*values, strict=True)]
            if len(by_place) == 1:
                self.numbers[name] = by_place[0]
                continue
            names = tuple(element_name(name, k) for k in range(1, len(by_place) + 1))
            for element, numbers in zip(names, by_place, strict=True):
                if element in self.places:
                    message = f"{element!r} is also a number of the vector {name!r}"
                    self.places[element].fail(f"{message}: choose another name", at=0)
                self.numbers[element], self.places[element] = numbers, self.places[name]
            self.vectors[name] = names
            self.formulas = {name: f"[{', '.join(names)}]", **self.formulas}

    def take_functions_as_formulas(self, reader: FormulaReader) -> None:
        """A function that is never called, of names that have numbers, is a formula."""
        called = {
            word for name in (*self.formulas, *self.functions) for word in reader.called_in(name)
        }
        for name, (inputs, right) in [*self.functions.items()]:
            is_known = all(word in self.places for word in inputs) or not self.numbers
            if name not in called and (is_known or not self.formulas):
                del self.functions[name]
                self.formulas[name] = right

    def suppose_numbers(
        self, reader: FormulaReader, used: Mapping[str, Collection[str]]
    ) -> tuple[str, ...]:
        """Numbers for the names of a text that has none: x = 0.5."""
        if self.numbers:
            return ()
        unknown = dict.fromkeys(
            word for words in used.values() for word in words if not reader.is_known(word)
        )
        supposed = tuple(word for word in unknown if SIMPLE.fullmatch(word))
        if len(supposed) == len(unknown):
            for k, word in enumerate(supposed):
                self.numbers[word] = (round(0.5 + 0.1 * k, 1),)
        return supposed

    def result(self, used: Mapping[str, Collection[str]], of: str) -> str:
        """The chosen formula, or the last one that no other uses."""
        if of and of not in self.formulas:
            known = ", ".join(self.formulas)
            hint = did_you_mean(of, self.formulas) or f": they are {known}"
            raise UsageError(f"no formula is called {of!r}{hint}")
        chosen = [of] if of else self.selected(MINIMIZE, self.formulas, "formula")
        taken = {word for words in used.values() for word in words}
        free = [name for name in self.formulas if name not in taken]
        return (chosen or free[-1:] or [*self.formulas][-1:])[0]

    def needed(self, result: str, used: Mapping[str, Collection[str]]) -> set[str]:
        """The names on which the result depends, itself included."""
        names, waiting = set[str](), [result]
        while waiting:
            name = waiting.pop()
            if name not in names:
                names.add(name)
                waiting += used.get(name, ())
        return names

    def refuse_unused(
        self, result: str, needed: Collection[str], used: Mapping[str, Collection[str]]
    ) -> None:
        """A number that no formula uses may be a slip."""
        taken = {word for words in used.values() for word in words}
        for name in (*self.numbers, *self.vectors):
            if name not in needed and name not in taken and name in self.places:
                self.refuse_number(name, result)

    def refuse_number(self, name: str, result: str) -> NoReturn:
        self.places[name].fail(
            f"{result!r} doesn't depend on {name!r}: leave it out, or choose with "
            "'minimize' another result",
            at=0,
        )

    def sample(self, numbers: Mapping[str, tuple[float, ...]]) -> tuple[str, ...]:
        """The names of the numbers that are a sample's; every sample has one of each."""
        chosen = self.selected(SAMPLE, self.numbers, "number")
        lists = [name for name, values in numbers.items() if len(values) > 1]
        for name in lists:
            if len(numbers[name]) != len(numbers[lists[0]]):
                self.places[name].fail(
                    f"{len(numbers[name])} numbers, but {lists[0]!r} has "
                    f"{len(numbers[lists[0]])}: every sample needs one of each",
                    at=0,
                )
        return tuple(name for name in numbers if name in (*lists, *chosen))

    def selected(self, word: str, known: Collection[str], kind: str) -> list[str]:
        """The names after a word such as 'learn'; a vector's name stands for its numbers."""
        if word not in self.named:
            return []
        line, names = self.named[word]
        if not names:
            line.fail(f"{word} needs the name of a {kind}")
        for place, name in enumerate(names, 1):
            if name not in known and (word == MINIMIZE or name not in self.vectors):
                line.fail(f"no {kind} is called {name!r}{did_you_mean(name, known)}", at=place)
        if word == MINIMIZE:
            if len(names) > 1:
                line.fail("minimize one formula, such as the sum of several", at=2)
            return names
        return [element for name in names for element in self.vectors.get(name, (name,))]

    def learned(self, formulas: Formulas, result: Node) -> tuple[str, ...]:
        """The chosen numbers, or every number on which the result depends."""
        reached = {str(node.name) for node in ancestors([result]) if node.name}
        for name in formulas.numbers:
            if name not in reached and name not in formulas.learned and name in self.places:
                self.refuse_number(name, formulas.result)
        for place, name in enumerate(formulas.learned, 1):
            if name in formulas.data or name not in reached:
                reason = (
                    f"{name!r} is part of the sample, so it can't be learned"
                    if name in formulas.data
                    else f"{formulas.result!r} doesn't depend on {name!r}"
                )
                self.named[LEARN][0].fail(reason, at=place)
        free = (name for name in formulas.numbers if name in reached and name not in formulas.data)
        learned = tuple(dict.fromkeys(formulas.learned or free))
        if not learned:
            self.places[formulas.result].fail(
                "there is no number to train: write one such as 'w = 0.5'", at=0
            )
        card = formulas.update.card
        names = {f"{stem}_{name}": "the update" for stem, name in product(card.memories, learned)}
        names |= {"k": "the update"} if card.counts_steps else {}
        if any(len(values) > 1 for values in formulas.numbers.values()):
            names |= dict.fromkeys(("N", f"{formulas.result}_total"), "the mean of the samples")
            names |= {f"g_{name}": "the mean of the samples" for name in learned}
        for name, user in names.items():
            if name in self.places:
                self.places[name].fail(f"{user} uses this name: choose another", at=0)
        return learned


def _numbers(right: str) -> tuple[float, ...]:
    """The numbers on a line, if it contains nothing else."""
    parts = [part.strip() for part in right.split(",")]
    if not all(NUMBER.fullmatch(part) for part in parts):
        return ()
    values = tuple(float(part.replace("−", "-")) for part in parts)
    return values if all(map(isfinite, values)) else ()


def _training(lines: Sequence[Statement]) -> dict[str, Any]:
    draft = Draft(None)
    for line in lines:
        if line.next not in SETTINGS:
            line.fail(f"{line.next!r} is for networks: formulas have only 'rate' and 'update'")
        TRAINING[line.take()](draft, line)
        line.end()
    return draft.settings
