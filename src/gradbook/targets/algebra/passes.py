"""One epoch worked out: the reasons for each partial, forward, backward, the update."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from gradbook.graph.names import Name
from gradbook.graph.node import Array, Node, ancestors
from gradbook.language import mark, tr
from gradbook.layers import Role
from gradbook.lowering import expansion
from gradbook.net.derivation import Chain, ChainSum, Local, OverSamples, Worked, partials, pieces
from gradbook.net.formulas import Formulas
from gradbook.net.step import losses
from gradbook.targets.algebra.forms import (
    HALF,
    Bracket,
    Cell,
    Comparison,
    Derived,
    EquationLine,
    Factors,
    Form,
    Function,
    Inline,
    Minus,
    Numeral,
    Root,
    Story,
    Symbol,
    Words,
    cosh,
    exp,
    fill,
    list_forms,
    ln,
    numbers_in,
    shorten,
    sigmoid,
    sign_before,
    sinh,
    tanh,
    worked_out,
)
from gradbook.targets.algebra.formula import (
    MOST_TOLD,
    Algebra,
    Say,
    as_partial,
    at,
    definition,
    formula,
    partial,
    shown_samples,
    symbol_of,
)

# Partials: from a formula to its derivative ----------------------------------

Between = Callable[[Local, Say], list[Form]]


def steps(local: Local, say: Say) -> list[Form]:
    """The intermediate forms between ∂of/∂to and its result."""
    between = STEPS.get(local.of.op.name)
    return between(local, say) if between else []


def differentiate(local: Local, say: Say) -> list[Form]:
    """∂/∂to (the formula of `of`), if that mentions `to`."""
    formula_of, to = definition(local.of, say), formula(local.to, say)
    op = local.of.op
    if op.name == "cross_entropy_of":
        formula_of = formula(expansion(local.of) or local.of, say)
    return [] if op.name == "binary_cross_entropy" else [Derived(formula_of, to)]


def _of_square(local: Local, say: Say, *before: Form) -> Form:
    target, output = (formula(part, say) for part in local.of.inputs)
    return Factors((*before, Numeral(2), target - output, Minus(Numeral(1))))


def _primed(function: str) -> Between:
    return lambda local, say: [Function(f"{function}′", (formula(local.of.inputs[0], say),))]


def _binary_cross_entropy(local: Local, say: Say) -> list[Form]:
    """Through a = σ(o), in terms of which the error is written."""
    target, output = local.of.inputs
    chance = output.graph.make("sigmoid", output)
    a, t = formula(chance, say), formula(target, say)
    outer, inner = (a - t) / (a * (1 - a)), a * (1 - a)
    by_way = [partial(local.of, chance) * partial(chance, output)] if chance.name else []
    return [*by_way, outer * inner]


STEPS: dict[str, Between] = {
    "half_square": lambda local, say: [_of_square(local, say, HALF)],
    "square": lambda local, say: [_of_square(local, say)],
    "sigmoid": _primed("σ"),
    "tanh": _primed("tanh"),
    "binary_cross_entropy": _binary_cross_entropy,
}


def why(local: Local) -> tuple[Inline, ...]:
    """A sentence or two that explain this kind of derivative; none if it is obvious."""
    assert local.of.name
    assert local.to.name
    stem = local.of.name.stem
    keys = (f"{stem} to {local.to.name.stem}", stem, local.of.op.name)
    message, forms = next((WHY[key] for key in keys if key in WHY), ("", {}))
    return fill(tr(message), **forms) if message else ()


x, a, t, o, L = (Symbol(Name(stem)) for stem in "xatoL")
POSITIVE = Comparison(x, ">", Numeral(0))

Reason = tuple[str, Mapping[str, Form]]  # a message, and its forms


def reason(message: str, **forms: Form) -> Reason:
    return message, forms


WHY: dict[str, Reason] = {
    "add": reason(
        mark(
            "Only one term of a weighted sum contains the value in question; the derivative is "
            "what that value is multiplied by, and the other terms drop out."
        )
    ),
    "half_square": reason(
        mark(
            "The 2 that comes down from the square cancels the {half}, and {inner} is the "
            "derivative of the brackets' contents."
        ),
        half=HALF,
        inner=Numeral(-1),
    ),
    "square": reason(
        mark(
            "The 2 comes down from the square, and {inner} is the derivative of the brackets' "
            "contents."
        ),
        inner=Numeral(-1),
    ),
    "absolute_error": reason(
        mark(
            "The brackets are 1 where their condition holds, and 0 elsewhere: the slope is 1 or "
            "−1, however far the output is from the target."
        )
    ),
    "sigmoid": reason(
        mark(
            "Why {rule}: the derivative of {function} is {slope}, and that is {value} times "
            "{rest}. So the value that is already known gives the slope. The slope is at most "
            "1/4, and close to 0 where the sigmoid is close to 0 or 1: there a network hardly "
            "learns."
        ),
        rule=Comparison(Function("σ′", (x,)), "=", sigmoid(x) * (1 - sigmoid(x))),
        function=1 / (1 + exp(-x)),
        slope=exp(-x) / (1 + exp(-x)) ** 2,
        value=sigmoid(x),
        rest=Comparison(exp(-x) / (1 + exp(-x)), "=", 1 - sigmoid(x)),
    ),
    "tanh": reason(
        mark(
            "Why {rule}: the derivative of {function} is {slope}. So the value that is already "
            "known gives the slope."
        ),
        rule=Comparison(Function("tanh′", (x,)), "=", 1 - tanh(x) ** 2),
        function=sinh(x) / cosh(x),
        slope=(cosh(x) ** 2 - sinh(x) ** 2) / cosh(x) ** 2,
    ),
    "relu": reason(
        mark(
            "{bracket} is 1 where {condition}, and 0 elsewhere: positive values pass a change on "
            "unaltered, the others stop it."
        ),
        bracket=Bracket(POSITIVE),
        condition=POSITIVE,
    ),
    "leaky_relu": reason(mark("Below zero a change is passed on too, only much more weakly.")),
    "softplus": reason(mark("The slope of softplus is the sigmoid.")),
    "gelu": reason(
        mark(
            "By the product rule: the second term keeps {x} fixed and takes the slope of tanh, "
            "{slope}, times that of its brackets' contents."
        ),
        x=x,
        slope=1 - tanh(x) ** 2,
    ),
    "relu6": reason(
        mark(
            "{bracket} is 1 between 0 and 6, and 0 elsewhere: values that have reached 6 also "
            "stop a change."
        ),
        bracket=Bracket(POSITIVE),
    ),
    "elu": reason(
        mark("Below zero the slope is {slope}, which is the value that is already known plus 1."),
        slope=exp(x),
    ),
    "exact_gelu": reason(
        mark(
            "By the product rule: {share} is the share of a normal distribution below {x}, and "
            "its slope is the distribution's density {density}."
        ),
        share=Function("Φ", (x,)),
        x=x,
        density=exp(-(x**2) / 2) / Root(2 * Symbol(Name("π"))),
    ),
    "hard_swish": reason(
        mark(
            "By the product rule; below −3 both terms are 0, and from 3 on only the first is "
            "left, 1."
        )
    ),
    "silu": reason(
        mark("By the product rule; {value} in the second term is the value that is already known."),
        value=x * sigmoid(x),
    ),
    "z": reason(
        mark(
            "A sum passes a change on unaltered: to the result of the last layers, and past them "
            "to their input."
        )
    ),
    "largest": reason(
        mark(
            "Only the largest value of a window counts, so only that value passes a change on. "
            "The brackets are 1 for it (for the first of equal ones), and 0 for the others."
        )
    ),
    "binary_cross_entropy": reason(
        mark(
            "Why sigmoid and binary cross-entropy go together: the slope of the sigmoid cancels, "
            "and what remains is how far {output} is from {target}. However wrong the output is, "
            "it learns."
        ),
        output=a,
        target=t,
    ),
    "cross_entropy_of": reason(
        mark(
            "Why softmax and cross-entropy go together: {log}, so the error is {sum} minus the "
            "target output's part, since the targets sum to 1. The slope of {sum} with respect "
            "to an output is that output's share {share}, and {difference} remains. However "
            "wrong the output is, it learns."
        ),
        log=Comparison(ln(a), "=", o - L),
        sum=L,
        share=a,
        difference=a - t,
    ),
    "a to L": reason(
        mark(
            "Every {share} depends on every {output}: on its own directly, and on all of them "
            "through {sum}. Each of the two paths is worked separately."
        ),
        share=a,
        output=o,
        sum=L,
    ),
    "log_sum_exp": reason(
        mark(
            "The slope of {sum} with respect to one {output} is that output's share of the sum, "
            "{share}."
        ),
        sum=L,
        output=o,
        share=exp(o - L),
    ),
    "n to s": reason(
        mark(
            "A normalised value depends on every sample in three ways: directly, through the "
            "mean, and through the spread. Each is worked separately, with the others kept "
            "fixed."
        )
    ),
    "σ² to μ": reason(
        mark(
            "The distances from the mean sum to 0, so the spread doesn't change when only the "
            "mean moves."
        )
    ),
    "sqrt": reason(
        mark("The derivative of a square root {root} is 1 over twice the root."), root=Root(x)
    ),
}


# Forward ---------------------------------------------------------------------

LONGEST_DIFFERENTIATED = 8  # values in a formula that is written out after ∂/∂w
MOST_NUMBERS = 8  # of one sample, if one formula contains all samples


def tell_forward(story: Story, known: Algebra, values: Sequence[Node]) -> None:
    """Write the formulas of these values in order, with their numbers."""
    story.heading(tr("Forward"))
    if known.samples > 1:
        about = tr(
            "Each sample goes through the network separately; Σ sums over the N = {count} "
            "samples. The numbers are in the table below."
        )
        story.say(about, count=str(known.samples))
    for value in values:
        rights: list[tuple[str, Form]] = [
            ("=", shorten(definition(value, known.say_symbols()))),
        ]
        if not value.each:
            put_in = shorten(definition(value, known.say_numbers()))
            rights += worked_out(put_in, at(known.values[value]))
        story.equation(symbol_of(value), *rights)
    if known.samples > 1:
        step = known.derived.step
        mentioned = {*values, *(node for value in values for node in known.derived.mentions(value))}
        for leaves in (step.inputs, step.targets):  # the error depends on all of them
            mentioned.update(leaves if len(leaves) <= MOST_TOLD else ())
        order = (*step.inputs, *step.targets, *known.derived.forward)
        each = [node for node in order if node in mentioned and node.each]
        _tell_samples(story, known, [(symbol_of(node), known.values[node]) for node in each])


def _tell_samples(story: Story, known: Algebra, values: Sequence[tuple[Form, Array]]) -> None:
    """Add a table of values: a column for each sample, or for the first and the last of many."""
    shown = shown_samples(known.samples)
    head: list[Cell] = [(tr("sample"),), *((Numeral(k + 1),) for k in shown)]
    rows = [[(name,), *((Numeral(at(value, k)),) for k in shown)] for name, value in values]
    story.table(head, rows)


# Backward --------------------------------------------------------------------


def tell_backward(story: Story, known: Algebra, weights: Sequence[Node]) -> None:
    """Explain the chain rule, then apply it to one weight after the other."""
    story.heading(tr("Backward"))
    story.explain(
        tr(
            "The chain rule: a change in a weight changes the value it feeds, which changes the "
            "next value, and so on up to the error. How strongly the error changes is the "
            "product of how strongly each value changes with the one before it."
        )
    )
    if known.samples > 1:
        story.explain(
            tr(
                "The error is a mean over the samples, and so is its derivative: each chain runs "
                "within one sample and uses its values, and the mean is written in front."
            )
        )
    telling = _Backward(story, known)
    for weight in weights:
        telling.weight(weight)
    if isinstance(known.derived.step.source, Formulas):
        _tell_corners(story, known)


def _tell_corners(story: Story, known: Algebra) -> None:
    """Say where a formula has no derivative at its own numbers, and what is taken instead."""
    for node in ancestors([known.derived.step.loss]):
        is_at_corner, message = CORNERS.get(node.op.name, (None, ""))
        if is_at_corner and is_at_corner(*(known.values[part] for part in node.inputs)):
            written = shorten(definition(node, known.say_symbols()))
            story.say(tr(message), formula=written)


def _is_zero(x: Array, *others: Array) -> bool:
    return bool(np.any(x == 0))


def _are_equal(*values: Array) -> bool:
    largest = reduce(np.maximum, values)
    return bool(np.any(sum((value == largest).astype(int) for value in values) > 1))


JUMPS = mark("{formula} jumps exactly here, so it has no derivative: 0 is taken.")
CORNERS: Mapping[str, tuple[Callable[..., bool], str]] = {
    "abs": (
        _is_zero,
        mark(
            "{formula} has a corner where it is 0, so it has no derivative there: 0 is taken, "
            "halfway between −1 and 1."
        ),
    ),
    "relu": (_is_zero, mark("{formula} has a corner exactly here: 0 is taken as its derivative.")),
    "largest": (
        _are_equal,
        mark("In {formula} several values are the largest: the derivative of the first is taken."),
    ),
    "sign": (_is_zero, JUMPS),
    "floor": (lambda x: bool(np.any(x == np.floor(x))), JUMPS),
    "choose": (
        _is_zero,
        mark("{formula} is exactly where its cases meet: the derivative is that of the one here."),
    ),
}


@dataclass(frozen=True)
class _Backward:
    """Writes each weight's chain, its partials, the formula and the numbers, none of them twice."""

    story: Story
    known: Algebra

    def weight(self, weight: Node) -> None:
        chain = self.known.derived.chains[weight]
        self.shared_steps(chain)
        assert weight.name
        is_of_layers = bool(self.known.derived.step.source.parameters)
        heading = Role(weight.name.stem).card.heading if is_of_layers else mark("Number {name}")
        self.story.heading(tr(heading), level=2, name=symbol_of(weight))
        if chain == ChainSum(()):
            self.story.say(tr("It only multiplies zeros of the padding, so nothing depends on it."))
        self.line(weight)

    def shared_steps(self, chain: Chain) -> None:
        """Write the new steps to which the chain refers, those near the error first."""
        needed = self.begins_with(chain)
        new = [value for value in self.known.derived.worked if value in needed]
        if not new:
            return
        single, several = mark("A shared step: {slopes}"), mark("Shared steps: {slopes}")
        slopes = list_forms([self.known.slope(value) for value in new])
        self.story.heading(tr(several if len(new) > 1 else single), level=2, slopes=slopes)
        self.story.explain(
            tr(
                "Many weights affect the error through the same values. How the error changes "
                "with such a value is worked out once, going backwards from the error, and every "
                "chain through it begins there. That is backpropagation."
            )
        )
        for value in new:
            self.line(value)
        each = [value for value in new if value.each]
        if self.known.samples > 1 and each:
            rows = [(self.known.slope(value), self.known.slopes[value]) for value in each]
            _tell_samples(self.story, self.known, rows)

    def begins_with(self, chain: Chain) -> set[Node]:
        """The values whose lines this chain needs and which aren't written yet."""
        needed: set[Node] = set()
        waiting = [chain]
        while waiting:
            for part in partials(waiting.pop()):
                if not isinstance(part, Worked) or part.value in needed:
                    continue
                if part.value not in self.story.numbers:
                    needed.add(part.value)
                    waiting.append(self.known.derived.chains[part.value])
        return needed

    def line(self, value: Node) -> None:
        """Write one chain: in partials, each partial, in formulas, in numbers."""
        known, chain = self.known, self.known.derived.chains[value]
        slope = known.slope(value)
        if isinstance(chain, Local) and (chain.of, chain.to) == (known.root(value), value):
            self.local(chain)  # the formula mentions the value itself
            return
        self.story.equation(slope, ("=", known.in_partials(chain)))
        uses = known.derived.step.source.again and value in known.derived.step.gradients
        if isinstance(chain, ChainSum) and len(chain.terms) > 1 and uses:
            self.story.explain(
                tr(
                    "It is used several times: a change in it reaches the error through every "
                    "value it contributes to, and the effects add up."
                )
            )
        elif any(isinstance(piece, ChainSum) for piece in pieces(chain)):
            self.story.explain(
                tr(
                    "If a value feeds several others, a change in it reaches the error through "
                    "each of them, and the effects add up."
                )
            )
        parts = list(dict.fromkeys(partials(chain)))
        self.recall([part for part in parts if _key(part) in self.story.numbers])
        for part in parts:
            if isinstance(part, Local) and part not in self.story.numbers:
                self.local(part)
        formula: tuple[str, Form] = ("=", known.in_formulas(chain))
        if value.each:
            self.story.equation(slope, formula, of=value)
        elif self.is_long(chain):
            self.story.equation(slope, formula, of=value)
            self.sample_by_sample(chain)
            self.story.equation(slope, *worked_out(known.in_shares(chain), known.number(chain)))
        else:
            self.story.equation(slope, formula, *self.numbers(chain), of=value)

    def recall(self, parts: Sequence[Local | Worked]) -> None:
        """Refer to the equations of partials that were worked before."""
        places: list[Inline] = []
        for part in parts:
            where = self.story.reference(_key(part))
            places += [", "] * bool(places)
            places += fill(tr("{partial} in {equation}"), partial=as_partial(part), equation=where)
        if places:
            self.story.say(tr("As before: {places}."), places=places)

    def local(self, local: Local) -> None:
        """Write ∂of/∂to = ∂/∂to (formula) = derivative = numbers = number."""
        known, say = self.known, self.known.say_symbols()
        rights: list[tuple[str, Form]] = []
        if len(known.derived.mentions(local.of)) <= LONGEST_DIFFERENTIATED:
            rights += [("=", step) for step in differentiate(local, say)]
        result = known.derivative(local)
        rights += [*(("=", step) for step in steps(local, say)), ("=", result)]
        if not (local.of.each or local.formula.each):
            put_in = formula(local.formula, known.say_numbers())
            rights += worked_out(put_in, known.number(local)) if put_in != result else []
        self.story.equation(partial(local.of, local.to), *rights, of=local)
        self.story.aside(why(local))

    def is_long(self, chain: Chain) -> bool:
        """Whether a sum over the samples is clearer sample by sample."""
        if not isinstance(chain, OverSamples):
            return False
        return len(list(numbers_in(self.known.in_numbers(chain.inside, 0)))) > MOST_NUMBERS

    def sample_by_sample(self, chain: Chain) -> None:
        assert isinstance(chain, OverSamples)
        lines = []
        for k in shown_samples(self.known.samples):
            put_in = self.known.in_numbers(chain.inside, k)
            (_, first), *rest = worked_out(put_in, self.known.number(chain.inside, k))
            form = first if not rest else Comparison(first, *rest[0])
            lines.append(EquationLine(Words(tr("sample {number}", number=k + 1)), ":", form))
        self.story.lines(lines)

    def numbers(self, chain: Chain) -> list[tuple[str, Form]]:
        """The chain's number, and before it the sum of the samples' contributions."""
        rights = worked_out(self.known.in_numbers(chain), self.known.number(chain))
        if self.known.samples > 1 and len(rights) > 1:
            shares = self.known.in_shares(chain)
            rights.insert(-1, (sign_before(shares), shares))
        return rights


def _key(part: Local | Worked) -> Local | Node:
    """The key under which the story keeps the equation's number."""
    return part if isinstance(part, Local) else part.value


# The update ------------------------------------------------------------------


def tell_update(story: Story, known: Algebra, weights: Sequence[Node]) -> None:
    """Write the update of these weights, and the error after all weights have changed."""
    step = known.derived.step
    story.heading(tr("The update"))
    story.say(
        tr(
            "All weights change at once: every gradient is computed with the old weights, and no "
            "weight changes until all gradients are known."
        )
    )
    if remarks := step.source.update.card.remarks:
        story.say(" ".join(map(tr, remarks)))
    memories = {after: leaf for leaf, after in step.next.items() if leaf not in set(step.weights)}
    remembered: defaultdict[Name | None, list[Node]] = defaultdict(list)
    for leaf in memories.values():
        assert leaf.name
        remembered[leaf.name.of].append(leaf)
    # First the memory that all weights share, then each weight's own, followed by the weight.
    for leaf in (*remembered[None], *(leaf for w in weights for leaf in (*remembered[w.name], w))):
        _tell_next(story, known, leaf, memories)
    fixed = [symbol_of(weight) for weight in step.weights if weight not in step.gradients]
    if fixed:
        story.say(tr("Fixed, and therefore unchanged: {weights}."), weights=list_forms(fixed))
    before, after = map(float, losses(step, 2))
    error = Comparison(symbol_of(step.loss), sign_before(Numeral(after)), Numeral(after))
    message = tr("Once all weights are updated the error is {error}; it was {before}.")
    story.say(message, error=error, before=Numeral(before))


def _tell_next(story: Story, known: Algebra, leaf: Node, memories: Mapping[Node, Node]) -> None:
    """Write leaf ← formula = numbers = number. An updated memory is written by its name."""
    following = known.derived.step.next[leaf]

    def by_name(node: Node) -> Form | None:
        return symbol_of(memories.get(node, node)) if node in memories or node.name else None

    def by_number(node: Node) -> Form | None:
        return Numeral(at(known.values[node])) if node in memories or node.name else None

    story.equation(
        symbol_of(leaf),
        ("←", definition(following, by_name)),
        *worked_out(definition(following, by_number), at(known.values[following])),
    )
