"""The update: what every weight, and whatever its rule remembers, is in the next step."""

from __future__ import annotations

from collections.abc import Sequence

from gradbook.graph.node import Node
from gradbook.graph.reference import losses
from gradbook.targets.algebra.chains import Algebra, at, symbol_of
from gradbook.targets.algebra.formula import definition
from gradbook.targets.algebra.math import Form, Number, Relation, sign_before, worked_out
from gradbook.targets.algebra.story import Story, listed

REMEMBERED = {
    "momentum": "With momentum, v remembers which way a weight has been moving; it begins at 0, "
    "and the new v moves the weight.",
    "adam": "Adam counts the steps in k and remembers means of the gradient in m and of its square "
    "in s; all begin at 0. Dividing by 1 less a power of k makes up for that beginning. The new "
    "k, m and s move the weight.",
}
REMEMBERED["adamw"] = REMEMBERED["adam"] + " Decay shrinks the weight itself, beside that."


def tell_update(story: Story, known: Algebra, weights: Sequence[Node]) -> None:
    """How these weights change, and what becomes of the error once all have changed."""
    step = known.derived.step
    story.heading("The update")
    story.say(
        "All weights change at once: every gradient is taken with the weights as they were, and "
        "only when all are known does any weight change."
    )
    if step.net.update.kind in REMEMBERED:
        story.say(REMEMBERED[step.net.update.kind])
    for leaf in _in_order(known, weights):
        _tell_next(story, known, leaf)
    fixed = [symbol_of(weight) for weight in step.weights if weight not in step.gradients]
    if fixed:
        story.say("Fixed, and so the same as before: ", *listed(fixed), ".")
    _tell_error(story, known)


def _in_order(known: Algebra, weights: Sequence[Node]) -> list[Node]:
    """What is counted for all, then for each weight what is remembered of it, and itself."""
    step = known.derived.step
    memories = [leaf for leaf in step.next if leaf not in step.weights and leaf.name]
    order = [leaf for leaf in memories if leaf.name and leaf.name.of is None]
    for weight in weights:
        order += [leaf for leaf in memories if leaf.name and leaf.name.of == weight.name]
        order.append(weight)
    return order


def _tell_next(story: Story, known: Algebra, leaf: Node) -> None:
    """leaf ← its formula = the numbers = the number."""
    step = known.derived.step
    following = step.next[leaf]
    put_in = definition(following, lambda node: _number(known, node))
    story.equation(
        symbol_of(leaf),
        ("←", definition(following, lambda node: _symbol(known, node))),
        *worked_out(put_in, at(known.values[following])),
    )


def _remembered(known: Algebra, node: Node) -> Node | None:
    """The memory that has this as its next value."""
    step = known.derived.step
    found = (m for m, following in step.next.items() if following is node)
    return next((m for m in found if m not in step.weights), None)


def _symbol(known: Algebra, node: Node) -> Form | None:
    memory = _remembered(known, node)
    return symbol_of(memory or node) if memory or node.name else None


def _number(known: Algebra, node: Node) -> Form | None:
    told = node.name or _remembered(known, node)
    return Number(at(known.values[node])) if told else None


def _tell_error(story: Story, known: Algebra) -> None:
    step = known.derived.step
    before, after = losses(step, 2)
    error, result = symbol_of(step.loss), Number(float(after))
    direction = "down from" if after < before else "up from"
    story.say(
        "After the update of all weights the error is ",
        Relation(error, sign_before(result), result),
        f", {direction} ",
        Number(float(before)),
        ".",
    )
