"""Formulas of your own instead of layers: `E = (a - t)^2 / 2; a = tanh(w*x); w = 0.5; …`.

Their text form, its reader, which names the place of a mistake, and the values that they define.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product
from math import isfinite
from types import MappingProxyType
from typing import Any, NoReturn

import numpy as np

from gradbook.errors import UsageError, did_you_mean
from gradbook.graph.names import RATE, read_name
from gradbook.graph.node import Array, Graph, Node, ancestors
from gradbook.graph.reference import evaluate_in_order
from gradbook.language import tr
from gradbook.layers import ACTIVATIONS, Role, Update
from gradbook.layers.updates import DESCENT
from gradbook.net.formula_functions import (
    COMPARISONS,
    CONSTANTS,
    FUNCTIONS,
    OF_SEVERAL,
    OPERATORS,
    Parts,
    by_element,
    function_called,
    name_long_parts,
    unused,
)
from gradbook.net.formula_text import (
    MARKS,
    NAME,
    Called,
    ComparedParts,
    FormulaTextError,
    NamePart,
    Negation,
    NumberPart,
    Operation,
    Tree,
    Vector,
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
MOST_FORMULAS, MOST_VALUES = 1_000, 20_000  # values in all formulas and their gradients
LONGEST, DEEPEST = 4_000, 60  # characters of a formula, nested parts
USUAL_RATE, LARGEST = 0.1, 1e308
SIMPLE = re.compile(r"[^\W\d_](_?\d+)?")  # a name that can only be one number: x, w1, s_0
WRITE_NUMBER = "write the number instead, or name what can change in it, such as x = 3"
NO_INPUTS: Mapping[str, Parts] = MappingProxyType({})
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


def element_name(vector: str, place: int) -> str:
    """The name of a vector's number: w1, or h1_1."""
    return f"{vector}{'_' * vector[-1].isdigit()}{place}"


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


# From a text to the graph ---------------------------------------------------------------


class FormulaReader:
    """Makes the node of each name, from its formula down to numbers."""

    def __init__(self, formulas: Formulas) -> None:
        self.formulas = formulas
        self.graph = Graph()
        self.samples = max((len(formulas.numbers[name]) for name in formulas.data), default=1)
        self.nodes: dict[str, Parts] = {}
        self.at_hand = formulas.result  # the name whose formula is being read
        self.read: dict[str, list[Tree]] = {}
        self.made: dict[tuple[str, tuple[Parts, ...]], Parts] = {}  # by functions of the text
        self.inside: list[str] = []  # the functions of the text that are being applied
        self.names_of_parts = unused((*formulas.formulas, *formulas.numbers, *formulas.functions))
        for name in formulas.numbers:
            each = self.samples > 1 and name in formulas.data
            self.nodes[name] = self.graph.leaf(read_name(name), each=each)

    def column(self, name: str) -> Array:
        """The numbers of a name, one for each sample if there are several."""
        values = np.array(self.formulas.numbers[name])
        return np.broadcast_to(values, self.samples) if self.samples > 1 else values[0]

    def leaf(self, name: str) -> Node:
        """The node of a number."""
        node = self.nodes[name]
        assert isinstance(node, Node)
        return node

    def result(self) -> Node:
        """The node of the result, made after everything on which it depends."""
        name = self.formulas.result
        trees: dict[str, Tree] = {}
        waiting = [name]
        while waiting:
            last, formulas = waiting[-1], self.formulas.formulas
            if last in self.nodes:
                waiting.pop()
                continue
            trees[last] = self.tree(last)
            names = self.names_in(last)
            missing = [word for word in names if word in formulas and word not in self.nodes]
            self.at_hand = last
            for word in missing:
                if word in trees:
                    circle = [*waiting[waiting.index(word) :], word]
                    self.fail(f"these formulas depend on each other: {' → '.join(circle)}", 0)
            if missing:
                waiting.append(missing[0])
            else:
                self.define(waiting.pop(), trees[last])
        result = self.nodes[name]
        if isinstance(result, Node):
            return result
        self.at_hand = name
        self.fail(f"{name!r} is a vector of {len(result)} numbers: write sum({name})", 0)

    def names_in(self, name: str) -> list[str]:
        """The names of values in a formula, and in the functions that it calls."""
        names: dict[str, None] = {}
        waiting, known = [name], {name}
        while waiting:
            at_hand = waiting.pop()
            inputs, _ = self.formulas.functions.get(at_hand, ((), ""))
            for tree in self.trees(at_hand):
                for part in parts_of(tree):
                    if isinstance(part, NamePart) and part.name not in inputs:
                        names[part.name] = None
                    if isinstance(part, Called) and part.function in self.formulas.functions:
                        waiting += {part.function} - known
                        known.add(part.function)
        return [word for word in names if word not in CONSTANTS or self.is_defined(word)]

    def called_in(self, name: str) -> list[str]:
        """The functions that a formula calls."""
        return [
            part.function
            for tree in self.trees(name)
            for part in parts_of(tree)
            if isinstance(part, Called)
        ]

    def is_defined(self, word: str) -> bool:
        return word in self.formulas.formulas or word in self.formulas.numbers

    def is_known(self, word: str) -> bool:
        return self.is_defined(word) or word in CONSTANTS

    def define(self, name: str, tree: Tree) -> None:
        value = self.part(tree)
        name_long_parts((value,) if isinstance(value, Node) else value, self.names_of_parts)
        if isinstance(value, Node):
            if value.is_constant():
                self.fail(f"{name!r} always equals {digits(value.number)}: {WRITE_NUMBER}", 0)
            self.nodes[name] = self.graph.named(value, read_name(name))
        else:
            self.nodes[name] = tuple(self.element(name, k, node) for k, node in enumerate(value, 1))
        if len(self.graph.nodes) > MOST_VALUES:
            self.fail(f"more than {MOST_VALUES:,} values", 0)

    def element(self, name: str, k: int, value: Node) -> Node:
        """A number of a vector, by its name if the vector is a formula's."""
        word = element_name(name, k)
        if value.name or value.is_constant():
            return value
        if self.is_defined(word):
            self.fail(f"{word!r} is also a number of this vector: choose another name", 0)
        return self.graph.named(value, read_name(word))

    def tree(self, name: str) -> Tree:
        first, *others = self.trees(name)
        if others:
            self.at_hand = name
            self.fail("a comma stands only between the numbers of samples", others[0].at)
        return first

    def trees(self, name: str) -> list[Tree]:
        """A formula as trees: several if there are commas in it."""
        if name not in self.read:
            self.at_hand = name
            inputs, text = self.formulas.functions.get(name, ((), ""))
            text = self.formulas.formulas.get(name, text)
            if not text:
                self.fail("a formula is missing behind '='", 0)
            if len(text) > LONGEST:
                self.fail(f"the formula has more than {LONGEST:,} characters: split it", 0)

            def is_function(word: str) -> bool:
                is_value = word in inputs or self.is_defined(word)
                return not is_value and (
                    word in self.formulas.functions or function_called(word) is not None
                )

            try:
                self.read[name] = read_formulas(text, is_function)
            except FormulaTextError as error:
                self.fail(error.message, error.at)
        return self.read[name]

    def fixed(self, name: str, tree: Tree) -> tuple[float, ...]:
        """The number of a formula, or the numbers of its vector; () if it uses names."""
        for x in parts_of(tree):
            if isinstance(x, NamePart) and (self.is_defined(x.name) or x.name not in CONSTANTS):
                return ()
            if isinstance(x, Called) and x.function in self.formulas.functions:
                return ()
        self.at_hand = name
        value = self.part(tree)
        nodes = value if isinstance(value, tuple) else (value,)
        worked = evaluate_in_order(ancestors(nodes), {}, 1)
        numbers = tuple(float(worked[node]) for node in nodes)
        if not all(map(isfinite, numbers)):
            self.fail("this gives no finite number", tree.at)
        return numbers

    def part(self, tree: Tree, depth: int = 0, inputs: Mapping[str, Parts] = NO_INPUTS) -> Parts:
        """The node for a part of a formula, or a vector of them."""
        if depth > DEEPEST:
            self.fail(f"more than {DEEPEST} nested parts: give some a name", tree.at)

        def inside(part: Tree) -> Parts:
            return self.part(part, depth + 1, inputs)

        match tree:
            case NumberPart(number):
                if not number < LARGEST:
                    self.fail("a number is too large: use less than 1e308", tree.at)
                return self.graph.constant(number)
            case NamePart(word):
                return inputs[word] if word in inputs else self.named(word, tree.at)
            case Negation(operand):
                return by_element(lambda x: -x, inside(operand))
            case Operation():
                return self.operation(tree, depth, inputs)
            case Vector(parts):
                nodes = [inside(part) for part in parts]
                single = tuple(node for node in nodes if isinstance(node, Node))
                if len(single) < len(nodes):
                    self.fail("a vector of vectors isn't allowed in a formula", tree.at)
                return single
            case ComparedParts():
                one, zero = self.graph.constant(1), self.graph.constant(0)
                if "=" in tree.signs:
                    self.fail("'=' isn't allowed in a formula, except in if(x = 0, a, b)", tree.at)
                return self.chosen(tree, [inside(side) for side in tree.parts], one, zero)
            case Called("if", (ComparedParts() as condition, yes, no)):
                sides = [inside(side) for side in condition.parts]
                return self.chosen(condition, sides, inside(yes), inside(no))
            case Called(word, arguments):
                return self.call(tree, [inside(argument) for argument in arguments], depth)

    def operation(self, tree: Operation, depth: int, inputs: Mapping[str, Parts]) -> Parts:
        """Read the left side of a sum in a loop, since it may be hundreds of terms long."""
        chain: list[Operation] = []
        left: Tree = tree
        while isinstance(left, Operation) and (not chain or left.sign != "^"):
            chain.append(left)
            left = left.left
        value = self.part(left, depth + 1, inputs)
        for step in reversed(chain):
            value = self.applied(step, value, self.part(step.right, depth + 1, inputs))
        return value

    def applied(self, step: Operation, a: Parts, b: Parts) -> Parts:
        """The result of an operator; · of two vectors is the sum of their products."""
        sign = "*" if step.sign == "·" else step.sign
        result = self.fit(step, partial(self.folded, step, sign), a, b)
        is_dot = step.sign == "·" and isinstance(a, tuple) and isinstance(b, tuple)
        return OF_SEVERAL["sum"](*result) if is_dot and isinstance(result, tuple) else result

    def fit(self, tree: Tree, function: Any, *values: Parts) -> Parts:
        try:
            return by_element(function, *values)
        except ValueError as error:
            self.fail(str(error), tree.at)

    def folded(self, step: Operation, sign: str, a: Node, b: Node) -> Node:
        """The number for an operation on plain numbers; π and e stay as they are."""
        number = OPERATORS[sign](a, b)
        if a.is_constant() and b.is_constant() and number.inputs:
            with np.errstate(all="ignore"):
                values = evaluate_in_order(ancestors([number]), {}, 1)
            value = float(values[number])
            if not isfinite(value):
                self.fail(
                    f"{digits(a.number)} and {digits(b.number)} give no finite number here", step.at
                )
            is_exact = {a.number, b.number}.isdisjoint(CONSTANTS.values())
            if is_exact and (sign != "/" or value.is_integer()):
                return self.graph.constant(value)
        return number

    def chosen(self, tree: ComparedParts, sides: Sequence[Parts], yes: Parts, no: Parts) -> Parts:
        """`yes` where all the comparisons hold, else `no`."""
        for sign, a, b in zip(tree.signs, sides, sides[1:], strict=False):
            yes = self.fit(tree, COMPARISONS[sign], a, b, yes, no)
        return yes

    def named(self, word: str, at: int) -> Parts:
        if word in self.nodes:
            return self.nodes[word]
        if word in CONSTANTS:
            return self.graph.constant(CONSTANTS[word])
        guess = self.as_product(word) or did_you_mean(word, self.formulas.places)
        more = f": add a line such as '{word} = 0.5'"
        self.fail(f"{word!r} has no value{guess or more}", at)

    def as_product(self, word: str) -> str:
        """Advice if the word may be a product that is written without signs: ax for a*x."""
        known = {*self.formulas.places, *CONSTANTS}
        for k in range(1, len(word)):
            if word[:k] in known and word[k:] in known:
                return f": for a product write {word[:k]}*{word[k:]}"
        if not self.formulas.numbers and word.isalpha():
            return f": for a product write {'*'.join(word)}, for one name add '{word} = 0.5'"
        return ""

    def call(self, tree: Called, arguments: Sequence[Parts], depth: int) -> Parts:
        word = tree.function
        if self.is_defined(word):
            self.fail(
                f"{word!r} is a value here, not a function: for a product write {word}*(…)", tree.at
            )
        if word in self.formulas.functions:
            return self.call_of_the_text(tree, tuple(arguments), depth)
        function = function_called(word)
        if function is None:
            words = [*FUNCTIONS, *(kind for kind in ACTIVATIONS if function_called(kind))]
            swapped = [other for other in words if sorted(other) == sorted(word)]
            known = swapped or [*words, *self.formulas.functions]
            guess = "" if SIMPLE.fullmatch(word) else did_you_mean(word, known)
            guess = guess or f": define it, as in '{word}(x) = x^2'; known are {', '.join(words)}"
            self.fail(f"unknown function {word!r}{guess}", tree.at)
        count, make = function
        if len(arguments) != (count or max(len(arguments), 1)):
            self.fail(
                f"{word} takes {count or 'at least one'}, not {len(arguments)} values", tree.at
            )
        if count is None and len(arguments) == 1 and isinstance(arguments[0], tuple):
            return make(*arguments[0])
        return self.fit(tree, make, *arguments)

    def call_of_the_text(self, tree: Called, arguments: tuple[Parts, ...], depth: int) -> Parts:
        """The result of a function that the text defines."""
        word = tree.function
        names, _ = self.formulas.functions[word]
        if len(names) != len(arguments):
            self.fail(f"{word} takes {len(names)}, not {len(arguments)} values", tree.at)
        if word in self.inside:
            self.fail(f"the function {word!r} uses itself", tree.at)
        if (word, arguments) not in self.made:
            outside, body = self.at_hand, self.tree(word)
            self.at_hand = word
            self.inside.append(word)
            inputs = dict(zip(names, arguments, strict=True))
            self.made[word, arguments] = self.part(body, depth + 1, inputs)
            self.inside.pop()
            self.at_hand = outside
        return self.made[word, arguments]

    def fail(self, message: str, at: int) -> NoReturn:
        """Raise an error at a place of the formula that is being read."""
        line = self.formulas.places.get(self.at_hand)
        assert line is not None
        _, body = self.formulas.functions.get(self.at_hand, ((), ""))
        text = self.formulas.formulas.get(self.at_hand, body)
        start = line.words[0].string.rfind(text)
        line.fail_at(message, start + at if start >= 0 and message else 0)
