"""A recorded run as the steps that the core judges."""

from __future__ import annotations

from gradbook.audit.core.training_step import State, TrainingStep
from gradbook.audit.programs.objectives import (
    Reach,
    finite_guards,
    first_call,
    implied_losses,
    stated_losses,
)
from gradbook.audit.programs.stepping import StepSpan
from gradbook.recording.calls import RecordedCall


def make_step(
    calls: list[RecordedCall],
    branches: list[tuple[int, bool]],
    span: StepSpan,
    memories: frozenset[int] = frozenset(),
) -> TrainingStep:
    reach = Reach(calls, span)
    inside = _updating_cone(calls, span)
    objectives = stated_losses(calls, span, reach, inside) + implied_losses(calls, reach)
    reached = 0
    for objective in objectives:
        for end in objective.ends:
            reached |= reach.bits[end]
    # a loss depends on weights; on a momentum's memory, only the next weights do
    weights = [
        moved
        for moved in span.moved
        if reach.bits[moved.old] & reached and moved.root not in memories
    ]
    last = max([moved.new for moved in span.moved] + [e for o in objectives for e in o.ends])
    states = [
        State(f"#{n}", moved.old, moved.new, moved.updates, moved.key[0][:1])
        for n, moved in enumerate(weights)
    ]
    return TrainingStep(
        calls,
        states,
        objectives,
        branches,
        reach.first,
        last,
        lambda index: calls[index].frames[:1],
        [
            State(f"memory {n}", m.old, m.new, m.updates, m.key)
            for n, m in enumerate([*span.memories, *(m for m in span.moved if m not in weights)])
        ],
        tiny=finite_guards(calls, reach.first, last),
    )


def _updating_cone(calls: list[RecordedCall], span: StepSpan) -> set[int]:
    """Whatever the next weights are computed from."""
    first = first_call(calls, span) - 1
    seen: set[int] = set()
    todo = [index for moved in span.moved for index in moved.updates]
    while todo:
        index = todo.pop()
        if index in seen or index <= first:
            continue
        seen.add(index)
        todo += calls[index].operands
    return seen
