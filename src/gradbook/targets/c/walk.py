"""A program's text: its functions, and what each thread does with them in one step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod

from gradbook.targets.c.fields import Fields
from gradbook.targets.c.placing import Pass
from gradbook.targets.c.program import Program
from gradbook.targets.c.slides import places
from gradbook.targets.c.syntax import indented, task
from gradbook.targets.c.timing import FIRST

TRAIN = "train"


def weight(made: Pass) -> float:
    """About how long a compiler takes for it."""
    if made.beside is not None:
        return 1.7
    return 1 if made.heavy is not None and len(made.heavy.inputs) > 1 else 0.2


def text(program: Program, fields: Fields) -> str:
    """All but the passes."""
    return "\n".join(
        [
            *program.packings.values(),
            *program.updates.values(),
            _fetch(program, fields),
            *_meetings(program),
            _step(program),
        ]
    )


def _fetch(program: Program, fields: Fields) -> str:
    """The tile's images, targets and masks, each where the passes read it."""
    lines = []
    for leaf in program.storage.longer:
        where, sizes = program.storage.whole(leaf), ", ".join(map(str, places(leaf)))
        at = "at->e->job, at->first, at->lanes"
        if leaf in program.masks:
            drop = program.masks[leaf]
            lines.append(
                f"draw_mask({at}, at->kept, {where}, {drop.layer}, {drop.below}, {sizes});"
            )
        elif program.inputs.get(leaf) == "image":
            drawn = _room_for_images(program, fields, prod(places(leaf)))
            lines.append(f"fetch_images({at}, {drawn}, {where}, {sizes});")
        elif program.inputs.get(leaf) == "target":
            lines.append(f"fetch_targets({at}, {where}, {places(leaf)[0]});")
    masks = [prod(places(leaf)) for leaf in program.storage.longer if leaf in program.masks]
    if masks:
        fields.place.append(f"bits kept[{max(masks) + 3}]; /* a mask as it is drawn */")
    return task(f"fetch_{program.name}", lines)


def _room_for_images(program: Program, fields: Fields, size: int) -> str:
    """Where a tile's images are drawn anew; nobody draws anew what is to be predicted."""
    if program.name != TRAIN:
        return "NULL"
    fields.place.append(f"float drawn[LANES * {size}]; /* images drawn anew */")
    return "at->drawn"


def _phases(program: Program) -> range:
    return range(FIRST, program.plan.phases)


def _meetings(program: Program) -> list[str]:
    """What one thread computes before each phase, before the update and after it."""
    name = program.name
    texts = [
        task(f"before_{name}_{phase}", program.meetings.get(phase, []))
        for phase in _phases(program)
    ]
    if name == TRAIN:
        last = program.meetings.get(program.plan.phases, [])
        loss = "end_step(at->e, at->e->loss[0]);"
        return [*texts, task("before_update", last), task("close_train", [*program.closing, loss])]
    return [*texts, task(f"close_{name}", ["end_step(at->e, 0);"])]


def _step(program: Program) -> str:
    name = program.name
    lines = [*_each_tile([f"fetch_{name}(at);"]), *_shared_out(program.packings)]
    for phase in _phases(program):
        calls = [
            line
            for made, (function, _) in program.passes.items()
            if made.phase == phase
            for line in (f"{function}(at);", *_answers(program, made))
        ]
        lines.append(f"meet(at, before_{name}_{phase});")
        lines += _each_tile(calls)
    if name == TRAIN:
        lines += ["meet(at, before_update);", *_shared_out(program.updates)]
    lines.append(f"meet(at, close_{name});")
    return task(f"{name}_step", lines)


def _answers(program: Program, made: Pass) -> list[str]:
    """Outputs are delivered, or right ones counted, at once: other values may take their place."""
    if made is not program.plan.made_in[program.output]:
        return []
    size = prod(program.output.shape)
    said = program.storage.whole(program.output)
    if program.name != TRAIN:
        return [f"deliver(at->e->job, at->first, at->lanes, {said}, {size});"]
    target = next(leaf for leaf, what in program.inputs.items() if what == "target")
    wanted = program.storage.whole(target)
    return [f"at->e->right[at->tile] = right_answers({said}, {wanted}, {size}, at->lanes);"]


def _each_tile(calls: Sequence[str]) -> list[str]:
    return ["EACH_OF_MY_TILES(at) {", *indented(calls), "}"]


def _shared_out(functions: Iterable[str]) -> list[str]:
    """Calls that the threads share out."""
    return [f"if (MY_TURN(at, {number})) {name}(at);" for number, name in enumerate(functions)]
