"""One epoch worked: why each partial is what it is, forward, backward, the update."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from gradbook.graph.names import Name
from gradbook.graph.node import Array, Node
from gradbook.layers import Role
from gradbook.lowering import expansion
from gradbook.net.derivation import Chain, ChainSum, Local, OverSamples, Worked, partials, pieces
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
    listed,
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
    """What stands between ∂of/∂to and its formula."""
    between = STEPS.get(local.of.op.name)
    return between(local, say) if between else []


def differentiate(local: Local, say: Say) -> list[Form]:
    """∂/∂to (the formula of `of`), where that mentions `to`."""
    said, to = definition(local.of, say), formula(local.to, say)
    op = local.of.op
    if op.name == "cross_entropy_of":
        said = formula(expansion(local.of) or local.of, say)
    return [] if op.name == "binary_cross_entropy" else [Derived(said, to)]


def _of_square(local: Local, say: Say, *before: Form) -> Form:
    target, output = (formula(part, say) for part in local.of.inputs)
    return Factors((*before, Numeral(2), target - output, Minus(Numeral(1))))


def _primed(function: str) -> Between:
    return lambda local, say: [Function(f"{function}′", (formula(local.of.inputs[0], say),))]


def _binary_cross_entropy(local: Local, say: Say) -> list[Form]:
    """By way of a = σ(o), in whose words the error is said."""
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


def why(local: Local) -> Sequence[Inline]:
    """A sentence or two on the derivative of this kind of formula; none where it is plain."""
    assert local.of.name
    assert local.to.name
    stem = local.of.name.stem
    keys = (f"{stem} to {local.to.name.stem}", stem, local.of.op.name)
    return next((WHY[key] for key in keys if key in WHY), ())


x, a, t, o, L = (Symbol(Name(stem)) for stem in "xatoL")
POSITIVE = Comparison(x, ">", Numeral(0))


def sentence(template: str, *forms: Form) -> tuple[Inline, ...]:
    """The words with a form in place of each {}."""
    parts = zip_longest(template.split("{}"), forms)
    return tuple(part for pair in parts for part in pair if part)


WHY: dict[str, Sequence[Inline]] = {
    "add": sentence(
        "Only one term of a weighted sum contains the value in question; the derivative is "
        "what that value is multiplied by, and the other terms drop out."
    ),
    "half_square": sentence(
        "The 2 that comes down from the square cancels the {}, and {} is the derivative of "
        "the brackets' contents.",
        *(HALF, Numeral(-1)),
    ),
    "square": sentence(
        "The 2 comes down from the square, and {} is the derivative of the brackets' contents.",
        Numeral(-1),
    ),
    "absolute_error": sentence(
        "The brackets are 1 where their condition holds, and 0 elsewhere: the slope is 1 or "
        "−1, however far the output is from the target."
    ),
    "sigmoid": sentence(
        "Why {}: the derivative of {} is {}, and that is {} times {}. So the value that is "
        "already known gives the slope. The slope is at most 1/4, and close to 0 where the "
        "sigmoid is close to 0 or 1: there a network hardly learns.",
        Comparison(Function("σ′", (x,)), "=", sigmoid(x) * (1 - sigmoid(x))),
        *(1 / (1 + exp(-x)), exp(-x) / (1 + exp(-x)) ** 2, sigmoid(x)),
        Comparison(exp(-x) / (1 + exp(-x)), "=", 1 - sigmoid(x)),
    ),
    "tanh": sentence(
        "Why {}: the derivative of {} is {}. So the value that is already known gives the slope.",
        Comparison(Function("tanh′", (x,)), "=", 1 - tanh(x) ** 2),
        *(sinh(x) / cosh(x), (cosh(x) ** 2 - sinh(x) ** 2) / cosh(x) ** 2),
    ),
    "relu": sentence(
        "{} is 1 where {}, and 0 elsewhere: positive values pass a change on unaltered, the "
        "others stop it.",
        *(Bracket(POSITIVE), POSITIVE),
    ),
    "leaky_relu": sentence("Below zero a change is passed on too, only much more weakly."),
    "softplus": sentence("The slope of softplus is the sigmoid."),
    "gelu": sentence(
        "By the product rule: the second term keeps {} fixed and takes the slope of tanh, "
        "{}, times that of its brackets' contents.",
        *(x, 1 - tanh(x) ** 2),
    ),
    "relu6": sentence(
        "{} is 1 between 0 and 6, and 0 elsewhere: values that have reached 6 also stop a change.",
        Bracket(POSITIVE),
    ),
    "elu": sentence(
        "Below zero the slope is {}, which is the value that is already known plus 1.", exp(x)
    ),
    "exact_gelu": sentence(
        "By the product rule: {} is the share of a normal distribution below {}, and its slope the "
        "distribution's density {}.",
        *(Function("Φ", (x,)), x, exp(-(x**2) / 2) / Root(2 * Symbol(Name("π")))),
    ),
    "hard_swish": sentence(
        "By the product rule; below −3 both terms are 0, and from 3 on only the first is left, 1."
    ),
    "silu": sentence(
        "By the product rule; {} in the second term is the value that is already known.",
        x * sigmoid(x),
    ),
    "z": sentence(
        "A sum passes a change on unaltered: to the result of the last layers, and past them "
        "to their input."
    ),
    "largest": sentence(
        "Only the largest value of a window counts, so only that value passes a change on. "
        "The brackets are 1 for it (for the first of equal ones), and 0 for the others."
    ),
    "binary_cross_entropy": sentence(
        "Why sigmoid and binary cross-entropy go together: the slope of the sigmoid cancels, "
        "and what remains is how far {} is from {}. However wrong the output is, it learns.",
        *(a, t),
    ),
    "cross_entropy_of": sentence(
        "Why softmax and cross-entropy go together: {}, so the error is {} minus the target "
        "output's part, since the targets sum to 1. The slope of {} with respect to an "
        "output is that output's share {}, and {} remains. However wrong the output is, it "
        "learns.",
        *(Comparison(ln(a), "=", o - L), L, L, a, a - t),
    ),
    "a to L": sentence(
        "Every {} depends on every {}: on its own directly, and on all of them through {}. "
        "Each of the two ways is worked separately.",
        *(a, o, L),
    ),
    "log_sum_exp": sentence(
        "The slope of {} with respect to one {} is that one's share of the sum, {}.",
        L,
        o,
        exp(o - L),
    ),
    "n to s": sentence(
        "A normalised value depends on every sample in three ways: directly, through the "
        "mean, and through the spread. Each way is worked separately, with the others kept "
        "fixed."
    ),
    "σ² to μ": sentence(
        "The distances from the mean sum to 0, so the spread doesn't change when only the "
        "mean moves."
    ),
    "sqrt": sentence("The derivative of a square root {} is 1 over twice the root.", Root(x)),
}


# Forward ---------------------------------------------------------------------

LONGEST_DIFFERENTIATED = 8  # values in a formula that is written out behind ∂/∂w
MOST_NUMBERS = 8  # of one sample, where those of all stand in one formula
MEMORY_OF_ADAM = (
    "Adam counts the steps in k and keeps running means of the gradient in m and of its "
    "square in s; all start at 0. Dividing by 1 minus a power with exponent k corrects for "
    "that start. The new k, m and s move the weight."
)
MEMORIES = {
    "momentum": "With momentum, v remembers which way a weight has been moving; it starts at 0, "
    "and the new v moves the weight.",
    "adam": MEMORY_OF_ADAM,
    "adamw": f"{MEMORY_OF_ADAM} In addition, decay shrinks the weight itself.",
}


def tell_forward(story: Story, known: Algebra, values: Sequence[Node]) -> None:
    """The formulas of these values in order, with the numbers put in."""
    story.heading("Forward")
    if known.samples > 1:
        story.say(
            "Each sample goes through the network separately; Σ sums over the N = "
            f"{known.samples} samples. The numbers are in the table below."
        )
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
        told = {*values, *(node for value in values for node in known.derived.mentions(value))}
        order = (*step.inputs, *step.targets, *known.derived.forward)
        each = [node for node in order if node in told and node.each]
        _tell_samples(story, known, [(symbol_of(node), known.values[node]) for node in each])


def _tell_samples(story: Story, known: Algebra, values: Sequence[tuple[Form, Array]]) -> None:
    """A table of values, a column for each sample, or for the first and the last of many."""
    shown = shown_samples(known.samples)
    head: list[Cell] = [("sample",), *((Numeral(k + 1),) for k in shown)]
    rows = [[(name,), *((Numeral(at(value, k)),) for k in shown)] for name, value in values]
    story.table(head, rows)


# Backward --------------------------------------------------------------------


def tell_backward(story: Story, known: Algebra, weights: Sequence[Node]) -> None:
    """What the chain rule does, then one weight after the other."""
    story.heading("Backward")
    story.explain(
        "The chain rule: a change in a weight changes the value it feeds, which changes the "
        "next value, and so on up to the error. How strongly the error changes is the "
        "product of how strongly each value changes with the one before it."
    )
    if known.samples > 1:
        story.explain(
            "The error is a mean over the samples, and so is its derivative: each chain runs "
            "within one sample and uses its values, and the mean is written in front."
        )
    telling = _Backward(story, known)
    for weight in weights:
        telling.weight(weight)


@dataclass(frozen=True)
class _Backward:
    """For every weight its chain, each partial, the formula, the numbers; nothing told twice."""

    story: Story
    known: Algebra

    def weight(self, weight: Node) -> None:
        chain = self.known.derived.chains[weight]
        self.shared_steps(chain)
        assert weight.name
        self.story.heading(
            f"{Role(weight.name.stem).name.capitalize()} ", symbol_of(weight), level=2
        )
        if chain == ChainSum(()):
            self.story.say("It only ever meets zeros at the edge, so nothing depends on it.")
        self.line(weight)

    def shared_steps(self, chain: Chain) -> None:
        """The lines that the chain begins with, as far as they are new, the error's side first."""
        needed = set(self.begins_with(chain))
        new = [value for value in self.known.derived.worked if value in needed]
        if not new:
            return
        what = "Shared steps: " if len(new) > 1 else "A shared step: "
        self.story.heading(what, *listed([self.known.slope(value) for value in new]), level=2)
        self.story.explain(
            "Many weights affect the error through the same values. How the error changes "
            "with such a value is worked out once, going backwards from the error, and every "
            "chain through it begins there. That is backpropagation."
        )
        for value in new:
            self.line(value)
        if self.known.samples > 1:
            each = [value for value in new if value.each]
            rows = [(self.known.slope(value), self.known.slopes[value]) for value in each]
            _tell_samples(self.story, self.known, rows)

    def begins_with(self, chain: Chain) -> Iterator[Node]:
        """The values worked before that this chain needs and that were not told yet."""
        for part in partials(chain):
            if isinstance(part, Worked) and part.value not in self.story.numbers:
                yield part.value
                yield from self.begins_with(self.known.derived.chains[part.value])

    def line(self, value: Node) -> None:
        """One chain: in partials, each partial, in formulas, in numbers."""
        known, chain = self.known, self.known.derived.chains[value]
        slope = known.slope(value)
        self.story.equation(slope, ("=", known.in_partials(chain)))
        uses = known.derived.step.net.again and value in known.derived.step.gradients
        if isinstance(chain, ChainSum) and len(chain.terms) > 1 and uses:
            self.story.explain(
                "It is used several times: a change in it reaches the error through every "
                "value it contributes to, and the effects add up."
            )
        elif any(isinstance(piece, ChainSum) for piece in pieces(chain)):
            self.story.explain(
                "If a value feeds several others, a change in it reaches the error through "
                "each of them, and the effects add up."
            )
        told = list(dict.fromkeys(partials(chain)))
        self.recall([part for part in told if _key(part) in self.story.numbers])
        for part in told:
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
        """Where each of these was worked."""
        text: list[Inline] = []
        for part in parts:
            text += [", " if text else "As before: ", as_partial(part), " in "]
            text.append(self.story.reference(_key(part)))
        if text:
            self.story.say(*text, ".")

    def local(self, local: Local) -> None:
        """∂of/∂to = ∂/∂to (formula) = derivative = numbers = number."""
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
        self.story.explain(*why(local))

    def is_long(self, chain: Chain) -> bool:
        """Whether a sum over the samples is better worked sample by sample."""
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
            lines.append(EquationLine(Words(f"sample {k + 1}"), ":", form))
        self.story.lines(lines)

    def numbers(self, chain: Chain) -> list[tuple[str, Form]]:
        """What the chain comes to, and on the way to it what each sample adds."""
        rights = worked_out(self.known.in_numbers(chain), self.known.number(chain))
        if self.known.samples > 1 and len(rights) > 1:
            shares = self.known.in_shares(chain)
            rights.insert(-1, (sign_before(shares), shares))
        return rights


def _key(part: Local | Worked) -> Local | Node:
    """Under what the story remembers where it was worked."""
    return part if isinstance(part, Local) else part.value


# The update ------------------------------------------------------------------


def tell_update(story: Story, known: Algebra, weights: Sequence[Node]) -> None:
    """How these weights change, and what becomes of the error once all have changed."""
    step = known.derived.step
    story.heading("The update")
    story.say(
        "All weights change at once: every gradient is computed with the old weights, and no "
        "weight changes until all gradients are known."
    )
    if step.net.update.kind in MEMORIES:
        story.say(MEMORIES[step.net.update.kind])
    memories = {after: leaf for leaf, after in step.next.items() if leaf not in set(step.weights)}
    own: defaultdict[Name | None, list[Node]] = defaultdict(list)
    for leaf in memories.values():
        assert leaf.name
        own[leaf.name.of].append(leaf)
    # What is counted for all, then for each weight what is remembered of it, and itself.
    for leaf in (*own[None], *(leaf for w in weights for leaf in (*own[w.name], w))):
        _tell_next(story, known, leaf, memories)
    fixed = [symbol_of(weight) for weight in step.weights if weight not in step.gradients]
    if fixed:
        story.say("Fixed, and therefore unchanged: ", *listed(fixed), ".")
    before, after = map(float, losses(step, 2))
    error = Comparison(symbol_of(step.loss), sign_before(Numeral(after)), Numeral(after))
    story.say(
        "Once all weights are updated the error is ", error, "; it was ", Numeral(before), "."
    )


def _tell_next(story: Story, known: Algebra, leaf: Node, memories: Mapping[Node, Node]) -> None:
    """leaf ← its formula = the numbers = the number. A new memory is said by its own name."""
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
