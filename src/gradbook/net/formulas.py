"""Formulas of your own instead of layers: `E = (a - t)^2 / 2; a = tanh(w*x); w = 0.5; …`.

Their text form, its reader, which names the place of a mistake, and the values that they define.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from itertools import product
from math import isfinite, pi
from typing import Any, NoReturn

import numpy as np

from gradbook.errors import did_you_mean
from gradbook.graph.names import read_name
from gradbook.graph.node import OPS, Array, Graph, Node, ancestors
from gradbook.layers import ACTIVATIONS, Role, Update
from gradbook.layers.updates import DESCENT
from gradbook.net.text import TRAINING, Draft, update_words
from gradbook.statements import NUMBER, Statement, digits, statements

DEFINITION = re.compile(r"\s*([^\W\d]\w*)\s*=(?!=)(.*)", re.DOTALL)
LEARN, MINIMIZE, SAMPLE = "learn", "minimize", "sample"
SELECTIONS = {LEARN: LEARN, MINIMIZE: MINIMIZE, "minimise": MINIMIZE, SAMPLE: SAMPLE}
SETTINGS = ("rate", "update")
MOST_FORMULAS = 1_000
MOST_VALUES = 20_000  # in all formulas and their gradients
LONGEST, DEEPEST = 4_000, 60  # characters of a formula, nested parts
MARKS = str.maketrans({"·": "*", "×": "*", "−": "-", "÷": "/"})
USUAL_RATE = 0.1
LARGEST = 1e308
CONSTANTS = {"pi": pi, "π": pi}
RESERVED = ("η", "k", "N")  # names that the update and the samples use

USAGE = """\
explain, sheet, play, sweep and quiz also accept formulas of your own:

  NAME = FORMULA             from + - * / ^, parentheses, exp, ln, sqrt, sin, cos, abs, max, min
                             and activations; other names may be defined before or after
  NAME = NUMBER              a number, or one number per sample: x = 0.5, 1, 2
  minimize NAME              the result; the default is the last formula
  learn NAME …               the numbers to train (default: all except the sample's)
  sample NAME …              the numbers of a sample, which training doesn't change
  rate NUMBER                the learning rate η (default: 0.1); also 'update' and 'name'

  h = w*x + b; a = tanh(h); E = (a - t)^2 / 2; w = 0.5; b = 0.1; x = 2; t = 1; sample x t
"""

# The parts of a formula ---------------------------------------------------------------


def _power(base: Node, exponent: Node) -> Node:
    """x^n; if the exponent isn't a plain number, e^(n·ln x)."""
    if exponent.is_constant():
        return base**exponent
    return _op("exp")(exponent * _op("log")(base))


def _op(name: str) -> Callable[..., Node]:
    return lambda *inputs: inputs[0].graph.make(name, *inputs)


def _smallest(*values: Node) -> Node:
    return -_op("largest")(*(-value for value in values))


FUNCTIONS: dict[str, tuple[int | None, Callable[..., Node]]] = {  # with the number of arguments
    **{word: (1, _op(word)) for word in ("exp", "log", "sqrt", "sin", "cos")},
    "ln": (1, _op("log")),
    "abs": (1, lambda x: _op("largest")(x, -x)),
    "max": (None, _op("largest")),
    "min": (None, _smallest),
    "σ": (1, _op("sigmoid")),
    "when": (3, _op("choose")),
    "Phi": (1, _op("normal_share")),
}
OPERATORS: dict[str, Callable[[Node, Node], Node]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "^": _power,
}
SIGNS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Pow: "^",
}


def function_called(word: str) -> tuple[int | None, Callable[..., Node]] | None:
    """One of FUNCTIONS, or an activation on one value without settings."""
    if word in FUNCTIONS:
        return FUNCTIONS[word]
    card = ACTIVATIONS.get(word.replace("_", " "))
    has_op = card is not None and not card.form.fields and word in OPS
    return (1, _op(word)) if has_op else None


def is_taken(name: str) -> bool:
    """Whether the name already has a meaning in every formula."""
    return name in (*RESERVED, *CONSTANTS) or function_called(name) is not None


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
        """Always empty, since all numbers are given."""
        return ""

    def __str__(self) -> str:
        """The text form."""
        lines = [f"name {self.name}"] if self.name else []
        lines += self.equations
        lines += [f"{name} = {', '.join(map(digits, it))}" for name, it in self.numbers.items()]
        given = [name for name in self.data if len(self.numbers[name]) == 1]
        lines += [f"{SAMPLE} {' '.join(given)}"] if given else []
        lines += [f"{LEARN} {' '.join(self.learned)}", f"{MINIMIZE} {self.result}"]
        lines += [f"update {update_words(self.update)}"] if self.update != DESCENT else []
        lines += [f"rate {digits(self.rate)}"] if self.rate is not None else []
        return "\n".join(lines) + "\n"

    def changed(self, lines: Sequence[Statement]) -> Formulas:
        """The same formulas with other lines for their training."""
        return replace(self, **_training(lines))


def reads_as_formulas(text: str) -> bool:
    """Whether a text defines a name by a formula, which no network does."""
    return any(DEFINITION.match(line.text) for line in statements(text, None))


def parse_formulas(text: str, source: str | None = None) -> Formulas:
    """The formulas that a text describes."""
    draft = _Lines()
    for line in statements(text, source):
        draft.read(line)
    return draft.whole()


@dataclass
class _Lines:
    """The part of a text that has been read so far."""

    formulas: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, tuple[float, ...]] = field(default_factory=dict)
    places: dict[str, Statement] = field(default_factory=dict)
    named: dict[str, tuple[Statement, list[str]]] = field(default_factory=dict)  # after learn, …
    training: list[Statement] = field(default_factory=list)
    title: str = ""

    def read(self, line: Statement) -> None:
        definition, word = DEFINITION.match(line.text), line.next.lower()
        if definition:
            self.define(line, definition[1], definition[2].strip())
        elif word in SELECTIONS:
            line.take()
            self.named[SELECTIONS[word]] = line, line.rest().split()
        elif word == "name":
            line.take()
            self.title = line.rest()
        elif word in SETTINGS:
            self.training.append(line)
        else:
            line.fail(
                f"{line.next!r} isn't a formula: write 'name = formula', 'learn w b', "
                "'sample x t', 'minimize E' or 'rate 0.1'"
            )

    def define(self, line: Statement, name: str, right: str) -> None:
        if name in self.places:
            line.fail(f"{name!r} is already defined: use another name", at=0)
        if is_taken(name):
            line.fail(f"{name!r} is reserved: choose another name", at=0)
        if len(self.places) == MOST_FORMULAS:
            line.fail(f"more than {MOST_FORMULAS:,} formulas and numbers", at=0)
        self.places[name] = line
        values = _numbers(right)
        if values:
            self.numbers[name] = values
        else:
            self.formulas[name] = right

    def whole(self) -> Formulas:
        """The complete formulas, once every name that they use exists."""
        if not self.formulas:
            line = next(iter(self.places.values()))
            line.fail("there is no formula: write one such as 'E = (w*x - t)^2'", at=0)
        (result,) = self.selected(MINIMIZE, self.formulas, "formula") or [*self.formulas][-1:]
        chosen = self.selected(SAMPLE, self.numbers, "number")
        lists = [name for name, values in self.numbers.items() if len(values) > 1]
        for name in lists:
            if len(self.numbers[name]) != len(self.numbers[lists[0]]):
                self.places[name].fail(
                    f"{len(self.numbers[name])} numbers, but {lists[0]!r} has "
                    f"{len(self.numbers[lists[0]])}: every sample needs one of each",
                    at=0,
                )
        data = tuple(name for name in self.numbers if name in (*lists, *chosen))
        formulas = Formulas(
            self.formulas,
            self.numbers,
            tuple(self.selected(LEARN, self.numbers, "number")),
            data,
            result,
            name=self.title,
            places=self.places,
            **_training(self.training),
        )
        return replace(formulas, learned=self.learned(formulas))

    def selected(self, word: str, known: Collection[str], kind: str) -> list[str]:
        """The names after a word such as 'learn'."""
        if word not in self.named:
            return []
        line, names = self.named[word]
        if not names:
            line.fail(f"{word} needs the name of a {kind}")
        for place, name in enumerate(names, 1):
            if name not in known:
                line.fail(f"no {kind} is called {name!r}{did_you_mean(name, known)}", at=place)
        if word == MINIMIZE and len(names) > 1:
            line.fail("minimize one formula, such as the sum of several", at=2)
        return names

    def learned(self, formulas: Formulas) -> tuple[str, ...]:
        """The chosen numbers, or every number on which the result depends."""
        result = FormulaReader(formulas).value(formulas.result)
        reached = {str(node.name) for node in ancestors([result]) if node.name}
        for name in self.places:
            if name not in reached and name not in formulas.learned:
                self.places[name].fail(
                    f"{formulas.result!r} doesn't depend on {name!r}: leave it out, or choose with "
                    "'minimize' another result",
                    at=0,
                )
        for place, name in enumerate(formulas.learned, 1):
            if name in formulas.data or name not in reached:
                reason = (
                    f"{name!r} is part of the sample, so it can't be learned"
                    if name in formulas.data
                    else f"{formulas.result!r} doesn't depend on {name!r}"
                )
                self.named[LEARN][0].fail(reason, at=place)
        free = (name for name in self.numbers if name in reached and name not in formulas.data)
        learned = tuple(dict.fromkeys(formulas.learned or free))
        if not learned:
            self.places[formulas.result].fail(
                "there is no number to train: write one such as 'w = 0.5'", at=0
            )
        for stem, name in product(formulas.update.card.memories, learned):
            memory = self.places.get(f"{stem}_{name}")
            if memory:
                memory.fail("the update uses this name: choose another", at=0)
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


# From a text to the graph ---------------------------------------------------------------


class FormulaReader:
    """Makes the node of each name, from its formula down to numbers."""

    def __init__(self, formulas: Formulas) -> None:
        self.formulas = formulas
        self.graph = Graph()
        self.samples = max((len(formulas.numbers[name]) for name in formulas.data), default=1)
        self.nodes: dict[str, Node] = {}
        self.at_hand = formulas.result  # the name whose formula is being read
        for name in formulas.numbers:
            each = self.samples > 1 and name in formulas.data
            self.nodes[name] = self.graph.leaf(read_name(name), each=each)

    def column(self, name: str) -> Array:
        """The numbers of a name, one for each sample if there are several."""
        values = np.array(self.formulas.numbers[name])
        return np.broadcast_to(values, self.samples) if self.samples > 1 else values[0]

    def value(self, name: str) -> Node:
        """The node of a name, made after the nodes in its formula."""
        trees: dict[str, ast.expr] = {}
        waiting = [name]
        while waiting:
            self.at_hand = waiting[-1]
            if self.at_hand in self.nodes:
                waiting.pop()
                continue
            tree = trees.setdefault(self.at_hand, self.tree(self.at_hand))
            missing = [word for word in self.names_in(tree) if word not in self.nodes]
            for word in missing:
                if word in trees:
                    circle = [*waiting[waiting.index(word) :], word]
                    self.fail(f"these formulas depend on each other: {' → '.join(circle)}")
            if missing:
                waiting.append(missing[0])
            else:
                self.define(waiting.pop(), tree)
        return self.nodes[name]

    def names_in(self, tree: ast.expr) -> Iterator[str]:
        """The names of other formulas in this one."""
        return (
            part.id
            for part in ast.walk(tree)
            if isinstance(part, ast.Name) and part.id in self.formulas.formulas
        )

    def define(self, name: str, tree: ast.expr) -> None:
        value = self.part(tree)
        if value.is_constant():
            self.fail(f"{name!r} always equals {digits(value.number)}: write the number instead")
        self.nodes[name] = self.graph.named(value, read_name(name))
        if len(self.graph.nodes) > MOST_VALUES:
            self.fail(f"more than {MOST_VALUES:,} values")

    def tree(self, name: str) -> ast.expr:
        formula = self.formulas.formulas[name].translate(MARKS)
        if not formula:
            self.fail("a formula is missing behind '='")
        if len(formula) > LONGEST:
            self.fail(f"the formula has more than {LONGEST:,} characters: split it")
        try:
            return ast.parse(formula.replace("^", "**"), mode="eval").body
        except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
            detail = (
                error.text[max((error.offset or 1) - 1, 0) :].strip()
                if (isinstance(error, SyntaxError) and error.text)
                else ""
            )
            near = f" at {detail.replace('**', '^')[:20]!r}" if detail else ""
            self.fail(f"this formula can't be read{near}")

    def part(self, tree: ast.expr, depth: int = 0) -> Node:
        """The node for a part of a formula."""
        if depth > DEEPEST:
            self.fail(f"more than {DEEPEST} nested parts: give some a name")
        match tree:
            case ast.Constant(int() | float() as number) if not isinstance(number, bool):
                if not abs(number) < LARGEST:
                    self.fail("a number is too large: use less than 1e308")
                return self.graph.constant(float(number))
            case ast.Name(word):
                return self.named(word)
            case ast.UnaryOp(ast.USub(), operand):
                return -self.part(operand, depth + 1)
            case ast.UnaryOp(ast.UAdd(), operand):
                return self.part(operand, depth + 1)
            case ast.BinOp(left, operator, right) if type(operator) in SIGNS:
                return self.binary(left, operator, right, depth)
            case ast.Call(ast.Name(word), arguments, []):
                return self.call(word, arguments, depth)
        self.fail(f"{ast.unparse(tree)[:20]!r} isn't allowed in a formula")

    def binary(self, left: ast.expr, operator: ast.operator, right: ast.expr, depth: int) -> Node:
        """Read the left side of a sum in a loop, since it may be hundreds of terms long."""
        chain = [(operator, right)]
        while isinstance(left, ast.BinOp) and type(left.op) in SIGNS:
            chain.append((left.op, left.right))
            left = left.left
        first = self.part(left, depth + 1)
        return reduce(
            lambda value, step: self.folded(step[0], value, self.part(step[1], depth + 1)),
            reversed(chain),
            first,
        )

    def folded(self, operator: ast.operator, a: Node, b: Node) -> Node:
        """The number for an operation on plain numbers."""
        number = OPERATORS[SIGNS[type(operator)]](a, b)
        if a.is_constant() and b.is_constant() and number.inputs:
            with np.errstate(all="ignore"):
                value = float(number.op.value(np.float64(a.number), np.float64(b.number)))
            if not isfinite(value):
                self.fail(f"{digits(a.number)} and {digits(b.number)} give no finite number here")
            if isinstance(operator, ast.Pow | ast.Add | ast.Sub | ast.Mult) or value.is_integer():
                return self.graph.constant(value)
        return number

    def named(self, word: str) -> Node:
        if word in self.nodes:
            return self.nodes[word]
        if word in CONSTANTS:
            return self.graph.constant(CONSTANTS[word])
        known = [*self.formulas.formulas, *self.formulas.numbers]
        guess = did_you_mean(word, known) or f": add a line such as '{word} = 0.5'"
        self.fail(f"{word!r} has no value{guess}")

    def call(self, word: str, arguments: Sequence[ast.expr], depth: int) -> Node:
        function = function_called(word)
        if function is None:
            words = [*FUNCTIONS, *(kind for kind in ACTIVATIONS if function_called(kind))]
            guess = did_you_mean(word, words) or f": they are {', '.join(words)}"
            self.fail(f"unknown function {word!r}{guess}")
        count, make = function
        if len(arguments) != (count or max(len(arguments), 1)):
            self.fail(f"{word} takes {count or 'at least one'}, not {len(arguments)} values")
        return make(*(self.part(argument, depth + 1) for argument in arguments))

    def fail(self, message: str) -> NoReturn:
        """Raise an error at the formula that is being read."""
        self.formulas.places[self.at_hand].fail(message, at=0)
