"""What the derivation says, read again and worked out, is what the chain rule and SymPy say."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings

from gradbook.net import LESSONS, Loss, builtin, parse
from gradbook.net.derivation import derivation, first_values, slopes
from gradbook.net.lower import scalar_step
from gradbook.net.step import run
from gradbook.targets.algebra.derive import derive, records
from gradbook.targets.algebra.forms import Derived, Equation, numbers_in
from gradbook.targets.algebra.terminal_text import TextPrinter, spell, write_text
from tests.cases import for_each
from tests.families import networks
from tests.targets.algebra.reading import NUMPY, worked_out


class Read:
    """A network's formulas from its records, worked out one after the other."""

    def __init__(self, net):
        self.step = scalar_step(net)
        self.said = records(self.step)
        self.truth = next(run(self.step, 1))
        self.nodes = {str(node.name): node for node in self.truth if node.name}
        self.values = {name: self.truth[node] for name, node in self.nodes.items()}
        self.values["N"] = self.step.samples

    def __call__(self, formula):
        samples = self.step.samples
        functions = NUMPY | {"Σ": lambda x: np.sum(np.broadcast_to(x, samples))}
        with np.errstate(all="ignore"):
            return worked_out(formula, self.values, functions, self.chosen)

    def chosen(self, pool, part):
        inputs = self.nodes[pool].inputs
        values = np.array([np.asarray(self.truth[node]) for node in inputs])
        return (values.argmax(axis=0) == inputs.index(self.nodes[part])).astype(float)

    def shared_steps(self):
        for step in self.said["shared"]:
            self.values[step["name"]] = self(step["formula"])

    def gradients(self):
        """Each weight's name with what its formula comes to and what the chain rule found."""
        self.shared_steps()
        for weight in self.said["weights"]:
            gradient = self.truth[self.step.gradients[self.nodes[weight["name"]]]]
            yield weight["name"], float(self(weight["formula"])), float(gradient)


def wrong_formulas(net):
    found = list(Read(net).gradients())
    size = max(abs(gradient) for _, _, gradient in found)
    return [name for name, said, gradient in found if abs(said - gradient) > 1e-12 * max(size, 1)]


@for_each("name", LESSONS)
def test_the_formulas_as_read_come_to_the_gradients(name):
    assert wrong_formulas(builtin(name)) == []


@given(networks(depth=3))
def test_the_formulas_of_any_network_come_to_its_gradients(net):
    assert wrong_formulas(net) == []


# Every step of every equation ------------------------------------------------


class ExactPrinter(TextPrinter):
    """As the terminal shows it, but with every digit."""

    def write_numeral(self, form):
        yield self.piece(f"{'−' * (form.value < 0)}{abs(form.value)!r}")


def exactly(form):
    return ExactPrinter(stacks=False).spell(form)


def partials_of(read):
    """Every local partial and every chain by its name, as the graph has them."""
    derived = derivation(read.step)
    values = first_values(derived)
    found = {
        f"∂{local.of.name}/∂{local.to.name}": values[local.formula]
        for partials in derived.locals.values()
        for local in partials
    }
    for value, slope in slopes(derived, values).items():
        found[f"∂{derived.roots[value].name}/∂{value.name}"] = slope
    return found | by_way_of_the_sigmoid(read)


def by_way_of_the_sigmoid(read):
    """What binary cross-entropy's slope is explained with, though the graph goes past it."""
    if read.step.net.loss is not Loss.BINARY:
        return {}
    found = {}
    for target, output in zip(read.step.targets, read.step.outputs, strict=True):
        error, sums = f"E{target.name.index[0]}", output.name.of
        a, t = read.truth[output], read.truth[target]
        found[f"∂{error}/∂{output.name}"] = (a - t) / (a * (1 - a))
        found[f"∂{output.name}/∂{sums}"] = a * (1 - a)
    return found


def is_whole(form):
    """Whether it can be worked out: not behind ∂/∂w, and nothing left out."""
    return not isinstance(form, Derived) and "…" not in spell(form)


def unequal_sides(net):
    """Of a network with one sample the equations whose two sides don't come to the same."""
    read = Read(net)
    read.values |= partials_of(read)
    found = []
    for equation in derive(read.step, everything=True).blocks:
        if not isinstance(equation, Equation) or equation.lines[0].sign == "←":
            continue
        rights = [line.right for line in equation.lines if is_whole(line.right)]
        numbers = [float(read(exactly(form))) for form in (equation.lines[0].left, *rights)]
        size = max([1.0, *(abs(number) for form in rights for number in numbers_in(form))])
        if not max(numbers) - min(numbers) <= 1e-9 * size:
            found.append([spell(equation.lines[0].left), *map(spell, rights), numbers])
    return found


@for_each("name", ["worked", "mazur"])
def test_every_step_equals_the_one_before(name):
    assert unequal_sides(builtin(name)) == []


@settings(max_examples=25)
@given(networks(samples=1, depth=2, width=2))
def test_every_step_of_any_network_equals_the_one_before(net):
    assert unequal_sides(net) == []


# SymPy -----------------------------------------------------------------------

SMALL = {
    "half squares": "input 2; dense 2; sigmoid; dense 2; sigmoid; sample 0.3 -0.2 -> 0.5 0.1",
    "mean squares": "input 2; dense 2; tanh; dense 2; loss mean squared error",
    "softplus": "input 1; dense 2 shared bias; softplus; dense 1 no bias; identity",
    "binary": "input 2; dense 2; tanh; dense 2; sigmoid; loss binary cross-entropy",
    "classes": "input 2; dense 2; sigmoid; dense 2; softmax; loss cross-entropy",
    "log classes": "input 2; dense 3; log softmax; loss cross-entropy",
    "shares": "input 2; dense 2; softmax; loss half squared error",
    "normalised": "input 2; dense 2; batchnorm; dense 1",
    "deep": "input 1; " + "dense 2; tanh; " * 3 + "dense 1",
    "averaged": "input 1x3x3; conv 1 2x2; tanh; avgpool 2; flatten; dense 1",
}


class Symbolic:
    """The whole error, and every gradient, as one expression in inputs, targets and weights."""

    def __init__(self, text):
        import sympy

        functions = {
            "σ": lambda x: 1 / (1 + sympy.exp(-x)),
            "exp": sympy.exp,
            "ln": sympy.log,
            "tanh": sympy.tanh,
            "√": sympy.sqrt,
        }
        step = scalar_step(parse(text))
        said = records(step)
        leaves = [*step.inputs, *step.targets, *step.weights]
        self.values = {str(leaf.name): sympy.Symbol(str(leaf.name)) for leaf in leaves}
        for part in ("forward", "shared"):
            for value in said[part]:
                self.values[value["name"]] = worked_out(value["formula"], self.values, functions)
        self.error = self.values["E_total"]
        self.gradients = {
            weight["name"]: worked_out(weight["formula"], self.values, functions)
            for weight in said["weights"]
        }


@for_each("text", SMALL.values(), ids=SMALL)
def test_sympy_differentiates_to_the_same_formulas(text):
    import sympy

    whole = Symbolic(text)
    symbols = sorted(whole.error.free_symbols, key=str)
    dice = random.Random(text)
    for name, said in whole.gradients.items():
        truth = sympy.diff(whole.error, sympy.Symbol(name))
        both = sympy.lambdify(symbols, [said, truth], "math")
        for _ in range(3):
            one, other = both(*random_point(dice, symbols))
            assert one == pytest.approx(other, rel=1e-9, abs=1e-12), name


def random_point(dice, symbols):
    """Targets that sum to 1, as cross-entropy wants them; everything else at will."""
    targets = [str(symbol) for symbol in symbols if str(symbol).startswith("t")]
    point = {str(symbol): dice.uniform(-1, 1) for symbol in symbols}
    shares = [dice.random() for _ in targets]
    point.update(zip(targets, (share / sum(shares) for share in shares), strict=True))
    return [point[str(symbol)] for symbol in symbols]


# The terminal's own lines ----------------------------------------------------


@for_each("name", LESSONS)
def test_a_broken_line_loses_nothing(name):
    step = scalar_step(builtin(name))
    squeezed = "".join(write_text(derive(step, everything=True)).split())
    for weight in records(step)["weights"]:
        assert "".join(weight["chain"].split()) in squeezed
        assert "".join(weight["formula"].split()) in squeezed
