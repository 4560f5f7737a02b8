"""The update: what every weight, and whatever its rule remembers, is in the next step."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from gradbook.graph.names import Name
from gradbook.graph.node import Node
from gradbook.graph.reference import losses
from gradbook.graph.step import Step
from gradbook.targets.algebra.chains import Algebra, at, symbol_of
from gradbook.targets.algebra.decimals import sign_before, worked_out
from gradbook.targets.algebra.formula import definition
from gradbook.targets.algebra.math import Form, Number, Relation
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
    memories = _memories(step)
    for leaf in _in_order(memories.values(), weights):
        _tell_next(story, known, leaf, memories)
    fixed = [symbol_of(weight) for weight in step.weights if weight not in step.gradients]
    if fixed:
        story.say("Fixed, and so the same as before: ", *listed(fixed), ".")
    _tell_error(story, known)


def _memories(step: Step) -> dict[Node, Node]:
    """What the rule remembers from step to step, by what it will be next."""
    weights = set(step.weights)
    return {following: leaf for leaf, following in step.next.items() if leaf not in weights}


def _in_order(memories: Iterable[Node], weights: Sequence[Node]) -> list[Node]:
    """What is counted for all, then for each weight what is remembered of it, and itself."""
    own: defaultdict[Name | None, list[Node]] = defaultdict(list)
    for leaf in memories:
        assert leaf.name
        own[leaf.name.of].append(leaf)
    return [*own[None], *(leaf for weight in weights for leaf in (*own[weight.name], weight))]


def _tell_next(story: Story, known: Algebra, leaf: Node, memories: Mapping[Node, Node]) -> None:
    """leaf ← its formula = the numbers = the number. A new memory is said by its own name."""
    following = known.derived.step.next[leaf]

    def by_name(node: Node) -> Form | None:
        return symbol_of(memories.get(node, node)) if node in memories or node.name else None

    def by_number(node: Node) -> Form | None:
        return Number(at(known.values[node])) if node in memories or node.name else None

    story.equation(
        symbol_of(leaf),
        ("←", definition(following, by_name)),
        *worked_out(definition(following, by_number), at(known.values[following])),
    )


def _tell_error(story: Story, known: Algebra) -> None:
    step = known.derived.step
    before, after = map(float, losses(step, 2))
    error = Relation(symbol_of(step.loss), sign_before(Number(after)), Number(after))
    story.say("Once all weights are updated the error is ", error, "; it was ", Number(before), ".")
