"""From a formula's text to nodes: each name's formula, down to numbers.

It doesn't know what the formulas are for, nor which lines of a text they come from.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from math import isfinite
from typing import Any, NoReturn, Protocol

import numpy as np

from gradbook.errors import did_you_mean
from gradbook.graph.names import read_name
from gradbook.graph.node import Array, Graph, Node, ancestors
from gradbook.graph.reference import evaluate_in_order
from gradbook.layers import ACTIVATIONS
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
from gradbook.statements import Statement, digits

MOST_VALUES = 20_000  # in all formulas and their gradients
LONGEST, DEEPEST = 4_000, 60  # characters of a formula, nested parts
LARGEST = 1e308
SIMPLE = re.compile(r"[^\W\d_](_?\d+)?")  # a name that can only be one number: x, w1, s_0
WRITE_NUMBER = "write the number instead, or name what can change in it, such as x = 3"
NO_INPUTS: Mapping[str, Parts] = {}


class ReadableFormulas(Protocol):
    """What formulas are read from: each by its name, and the numbers of the other names."""

    @property
    def formulas(self) -> Mapping[str, str]: ...
    @property
    def numbers(self) -> Mapping[str, tuple[float, ...]]: ...
    @property
    def functions(self) -> Mapping[str, tuple[tuple[str, ...], str]]: ...
    @property
    def data(self) -> tuple[str, ...]: ...
    @property
    def result(self) -> str: ...
    @property
    def places(self) -> Mapping[str, Statement]: ...


def element_name(vector: str, place: int) -> str:
    """The name of a vector's number: w1, or h1_1."""
    return f"{vector}{'_' * vector[-1].isdigit()}{place}"


class FormulaReader:
    """Makes the node of each name, from its formula down to numbers."""

    def __init__(self, formulas: ReadableFormulas) -> None:
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
