"""The whole source of an engine: a training step, inference, and the parts around them.

Compilers may take a long source in parts, side by side: `-DPARTS=5` compiles the passes of the
parts 0 and 2, whose bits are set; part 0 has all the rest, too. Without PARTS the same text is
whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import prod

from gradbook.chance import dropped_below
from gradbook.graph.names import Name, gradient_name
from gradbook.graph.node import Node, ancestors
from gradbook.graph.window import Shape
from gradbook.net.build import Forward
from gradbook.net.step import Step
from gradbook.targets.c.engine_program import Computation, Program, program
from gradbook.targets.c.machine import ROWS, Machine
from gradbook.targets.c.pass_functions import line_members
from gradbook.targets.c.scope import PREDICT, TRAIN, DropoutMask, Members, Names
from gradbook.targets.c_words import MATH_FUNCTIONS

GROUND = ("room", "lanes", "threads", "chance", "fetch")  # files of C, in the order they build on
LOOPS = ("direct", "direct_gradients", "windows")
MOST_TOGETHER, FEWEST_GROUPS = 4, 8  # tiles whose gradients are summed together; groups of them
WINOGRAD = ("winograd_points", "winograd", "winograd_gradients")  # for those that need any
SINGLE = ("N", "rate", "loss")  # values that every engine has
ENOUGH_PARTS = 15  # to share out; about twice as many is the limit: each is a bit of a number
REST = 1.3  # everything but the passes takes as long to compile as so many convolutions


@dataclass(frozen=True)
class Array:
    """An array that can be read from outside, and written if it is carried from step to step."""

    name: str  # in the graph
    symbol: str
    shape: Shape
    is_carried: bool

    @classmethod
    def of(cls, name: Name | None, shape: Shape, carried: bool, names: Names) -> Array:
        return cls(str(name), names.of(("array", name), str(name)), shape, carried)


@dataclass(frozen=True)
class Source:
    """C, and the arrays that can be read from outside."""

    text: str
    arrays: tuple[Array, ...]
    effort: tuple[float, ...]  # of each part: about how long it takes to compile, in convolutions


@cache
def part(name: str) -> str:
    """One of the files of C that don't depend on the network."""
    return (files("gradbook.targets.c") / "runtime" / f"{name}.c").read_text(encoding="utf-8")


def _loop(name: str) -> str:
    return part(f"loops/{name}")


def source(step: Step, inference: Forward, machine: Machine, shown: Sequence[Node] = ()) -> Source:
    """Write the engine of a step that takes batches from outside, and of inference, which outputs
    the `shown` values of each sample before what it predicts.
    """
    names = Names(), Names()
    arrays = _carried({leaf: leaf.shape for leaf in step.start}, names[0])
    gradients = {
        Array.of(gradient_name(leaf.name), leaf.shape, False, names[0]): node
        for leaf, node in step.gradients.items()
        if leaf.name
    }
    leaves = {**_leaves(arrays), str(step.rate.name): "rate"}
    read = {array.symbol: node for array, node in gradients.items()} | {"loss": step.loss}
    computations = [
        _training(step, leaves, read),
        _predicting(inference, [*shown, inference.outputs], leaves),
    ]
    title = step.net.name, "training steps and inference"
    return _write_source(title, computations, [*arrays, *gradients], step.samples, machine, names)


def reader(
    inference: Forward, shown: Sequence[Node], batch: int, machine: Machine, name: str = ""
) -> Source:
    """Write inference alone, for at most so many images.

    For each image it outputs the `shown` values, which may be derivatives of its error.
    """
    names = Names(), Names()
    needs = [n for n in ancestors(shown) if n.op.name == "leaf" and not n.each and n.shape]
    arrays = _carried({leaf: leaf.shape for leaf in needs}, names[0])
    computation = _predicting(inference, shown, _leaves(arrays))
    return _write_source((name, "inference"), [computation], arrays, batch, machine, names)


def _carried(leaves: Mapping[Node, Shape], members: Names) -> list[Array]:
    """The arrays of these leaves, after the single values that every engine has."""
    for word in SINGLE:
        members.of(word, word)
    return [Array.of(leaf.name, shape, True, members) for leaf, shape in leaves.items()]


def _leaves(arrays: Iterable[Array]) -> dict[str, str]:
    return {**{array.name: array.symbol for array in arrays}, "N": "N"}


def _predicting(
    inference: Forward, outputs: Sequence[Node], leaves: Mapping[str, str]
) -> Computation:
    inputs = {str(inference.inputs.name): "image", str(inference.targets.name): "target"}
    return Computation(PREDICT, outputs, leaves, inputs)


def _write_source(
    title: tuple[str, str],
    computations: Sequence[Computation],
    arrays: Sequence[Array],
    batch: int,
    machine: Machine,
    names: tuple[Names, Names],
) -> Source:
    """The whole C of these computations, with these arrays, for batches of at most so many."""
    programs = [program(computation, machine, names) for computation in computations]
    engine = [f"real {symbol}[1];" for symbol in SINGLE]
    engine += [f"real {a.symbol}[{prod(a.shape)}]; /* {a.name} */" for a in arrays]
    needs = Members.of_all(
        [Members(tuple(engine)), *(computation.members for computation in programs)]
    )
    parts, effort = _parts(programs)
    entries = ", ".join(f"[{program.name.upper()}] = {program.name}_step" for program in programs)
    files = sorted({file for program in programs for file in program.files})
    pieces = [
        _head(*title, batch, machine, any(program.slides for program in programs)),
        *map(part, GROUND),
        _structs(needs),
        *map(_loop, LOOPS),
        *(_loop(part) for file in files for part in (WINOGRAD if file == "winograd" else [file])),
        *(line for program in programs for line in _program(program, parts)),
        "#if IN_PART(0)",
        *(f"#define {name.upper()} {k}" for k, name in enumerate((TRAIN, PREDICT))),
        f"static void (*const programs[2])(struct place *) = {{{entries}}};\n",
        part("run"),
        _table(arrays),
        "#endif",
    ]
    return Source("\n".join(pieces), tuple(arrays), effort)


def _training(step: Step, leaves: Mapping[str, str], read: Mapping[str, Node]) -> Computation:
    masks = {
        str(mask.leaf.name): DropoutMask(mask.scale, mask.layer, dropped_below(mask.rate))
        for mask in step.masks
    }
    return Computation(
        TRAIN,
        step.outputs,
        leaves,
        {str(step.inputs[0].name): "image", str(step.targets[0].name): "target"},
        [step.loss, *step.next.values(), *step.gradients.values()],
        masks,
        step.next,
        read,
        {d: f"∂E/∂{value.name}" for value, d in step.adjoints.items() if value.name},
    )


def _parts(programs: Sequence[Program]) -> tuple[dict[str, int], tuple[float, ...]]:
    """The part in which each pass is compiled, and each part's effort."""
    effort = {name: seconds for program in programs for name, seconds in program.effort.items()}
    each = max(1.0, sum(effort.values()) / ENOUGH_PARTS)
    parts, efforts = {}, [REST]
    for name, seconds in effort.items():
        if len(efforts) == 1 or efforts[-1] + seconds > each:
            efforts.append(0.0)
        efforts[-1] += seconds
        parts[name] = len(efforts) - 1
    return parts, tuple(efforts)


def _program(program: Program, parts: Mapping[str, int]) -> Iterator[str]:
    yield f"/* ======== {program.name} ======== */\n"
    for function in program.passes:
        yield f"ACROSS void {function}(struct place *at);"
    now = None
    for function, text in program.passes.items():
        if parts[function] != now:
            yield "#endif\n" if now is not None else ""
            now = parts[function]
            yield f"#if IN_PART({now})"
        yield text.text
    yield "#endif\n\n#if IN_PART(0)"
    yield program.rest
    yield "#endif\n"


def _head(name: str, what: str, batch: int, machine: Machine, slides: bool) -> str:
    tiles = -(-batch // machine.lanes)
    together = 1 if slides else max(1, min(MOST_TOGETHER, tiles // FEWEST_GROUPS))
    title = f"the network {name}" if name else "a network"
    ending = "" if machine.double else "f"
    defined = "\n".join(f"#define {name.upper()} {name}{ending}" for name in MATH_FUNCTIONS)
    return f"""\
/* {title.capitalize()}: {what}, for batches of at most {batch} images.
 *
 * {machine.lanes} images go side by side, one in each lane of a vector. Values lie as
 * [tile of images][row][channel][column][lane]. Generated from the network's
 * graph; the parts that don't depend on it are files of their own. */

typedef {machine.real} real;
{"#define REAL_IS_DOUBLE" if machine.double else ""}
#define LANES {machine.lanes}
#define REGISTERS {machine.registers}
#define TILES {tiles}
#define GROUP {together} /* tiles whose gradients are summed together */
#define ROWS {ROWS} /* of gradients at once */
{defined}
"""


def _structs(members: Members) -> str:
    text = part("place")
    placed = [*members.place, f"vec scratch[{members.scratch}];"]
    lines = {"LINE": line_members(members.line), "ENGINE": members.engine, "PLACE": placed}
    for mark, lines_of_mark in lines.items():
        text = text.replace(f"    /* {mark} */", "\n".join(f"    {line}" for line in lines_of_mark))
    return text


def _table(arrays: Sequence[Array]) -> str:
    symbols = ", ".join(f"offsetof(struct engine, {array.symbol})" for array in arrays)
    return (
        "/* Where the arrays lie that are read and written from outside. */\n"
        f"static const size_t offsets[] = {{{symbols}}};\n"
        "real *engine_array(struct engine *e, int number) {\n"
        "    return (real *)((char *)e + offsets[number]);\n}\n"
    )
