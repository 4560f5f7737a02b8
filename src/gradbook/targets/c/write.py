"""The whole source of an engine: a training step, inference, and what holds them together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import prod

from gradbook.chance import dropped_below
from gradbook.graph.build import Forward
from gradbook.graph.name import gradient_name
from gradbook.graph.node import Node
from gradbook.graph.step import Step
from gradbook.net.layers import Shape
from gradbook.targets.c.machine import Machine
from gradbook.targets.c.names import Names
from gradbook.targets.c.plan import FIRST, places, plan
from gradbook.targets.c.program import Dropped, Fields, Program
from gradbook.targets.c.simplify import labels, simplified

PARTS = ("lanes", "threads", "fetch", "place", "direct", "winograd", "windows", "run")


@dataclass(frozen=True)
class Array:
    """An array that can be read from outside, and written if it is carried from step to step."""

    name: str  # as the graph calls it
    symbol: str
    shape: Shape
    carried: bool


@dataclass(frozen=True)
class Source:
    """C, and where it keeps what others want to know."""

    text: str
    arrays: tuple[Array, ...]


def source(step: Step, inference: Forward, machine: Machine) -> Source:
    """The engine of a step that takes batches from outside, and of the same network at work."""
    return _Writer(step, inference, machine).source()


@cache
def part(name: str) -> str:
    """One of the files of C that don't depend on the network."""
    return (files("gradbook.targets.c") / "runtime" / f"{name}.c").read_text(encoding="utf-8")


class _Writer:
    def __init__(self, step: Step, inference: Forward, machine: Machine) -> None:
        self.step = step
        self.machine = machine
        self.names = Names()
        self.fields = Fields()
        self.arrays: list[Array] = []
        self.symbols: dict[str, str] = {}
        for word in ("N", "rate", "loss"):
            self.symbols[{"rate": "η"}.get(word, word)] = self.names.of(word, word)
            self.fields.engine.append(f"real {word}[1];")
        for leaf in step.start:
            self._carry(leaf)
        wanted = {
            self._read(str(gradient_name(leaf.name)), leaf.shape): node
            for leaf, node in step.gradients.items()
            if leaf.name
        }
        self.train = self._train(wanted)
        self.predict = self._predict(inference)

    def _carry(self, leaf: Node) -> None:
        name = str(leaf.name)
        symbol = self.names.of(("state", name), name)
        self.symbols[name] = symbol
        self.arrays.append(Array(name, symbol, leaf.shape, carried=True))
        self.fields.engine.append(f"real {symbol}[{prod(leaf.shape)}]; /* {name} */")

    def _read(self, name: str, shape: Shape) -> str:
        symbol = self.names.of(("read", name), name)
        self.arrays.append(Array(name, symbol, shape, carried=False))
        self.fields.engine.append(f"real {symbol}[{prod(shape)}]; /* {name} */")
        return symbol

    # The programs.

    def _train(self, wanted: dict[str, Node]) -> Program:
        step = self.step
        once = [step.loss, *step.next.values(), *step.gradients.values()]
        rewritten = simplified(once)
        answers = rewritten[step.outputs[0]]
        program = self._program("train", rewritten, [answers], [rewritten[node] for node in once])
        following = {
            rewritten[leaf]: rewritten[node]
            for leaf, node in step.next.items()
            if leaf in rewritten
        }
        reads = {name: rewritten[node] for name, node in wanted.items()}
        self.updates, self.closing = program.ended(
            following, {**reads, self.symbols["loss"]: rewritten[step.loss]}
        )
        return program

    def _predict(self, inference: Forward) -> Program:
        rewritten = simplified([inference.outputs])
        return self._program("predict", rewritten, [rewritten[inference.outputs]], [])

    def _program(
        self,
        name: str,
        rewritten: dict[Node, Node],
        outputs: Sequence[Node],
        once: Sequence[Node],
    ) -> Program:
        leaves = [node for node in rewritten.values() if node.op.name == "leaf"]
        drawn = {str(mask.leaf.name): mask for mask in self.step.masks}
        inputs = {str(self.step.inputs[0].name): "image", str(self.step.targets[0].name): "target"}
        masks = {
            leaf: Dropped(mask.scale, mask.layer, dropped_below(mask.rate))
            for leaf in leaves
            if leaf.each and (mask := drawn.get(str(leaf.name)))
        }
        return Program(
            name,
            plan(outputs, once),
            self.machine,
            self.names,
            labels(rewritten),
            {leaf: self.symbols[str(leaf.name)] for leaf in leaves if not leaf.each},
            {leaf: inputs[str(leaf.name)] for leaf in leaves if str(leaf.name) in inputs},
            masks,
            self.fields,
        )

    # The text.

    def source(self) -> Source:
        programs = [self._program_text(self.train), self._program_text(self.predict)]
        text = "\n".join(
            [
                self._head(),
                *(part(name) for name in ("lanes", "threads", "chance", "fetch")),
                self._structs(),
                *(part(name) for name in ("direct", "winograd", "windows")),
                *programs,
                part("run"),
                self._table(),
            ]
        )
        return Source(text, tuple(self.arrays))

    def _head(self) -> str:
        lanes = self.machine.lanes
        suffix = "" if self.machine.double else "f"
        functions = ("exp", "log", "log1p", "tanh", "sqrt", "fabs", "pow")
        spelled = [f"#define {name.upper()} {name}{suffix}" for name in functions]
        double = ["#define REAL_IS_DOUBLE"] if self.machine.double else []
        title = f"the network {self.step.net.name}" if self.step.net.name else "a network"
        return "\n".join(
            [
                f"/* {title.capitalize()}: one training step and inference, for batches of at most "
                f"{self.step.samples} images.",
                " *",
                f" * {lanes} images go side by side, one in each lane of a vector. Values lie as",
                " * [tile of images][row][channel][column][lane]. Generated from the network's",
                " * graph; the parts that don't depend on it are files of their own. */",
                "",
                "#define _GNU_SOURCE",
                "#include <math.h>",
                "#include <stdint.h>",
                "#include <stdlib.h>",
                "#include <string.h>",
                "#if defined(__linux__)",
                "#include <sys/mman.h>",
                "#endif",
                "#if defined(__AVX512F__)",
                "#include <immintrin.h>",
                "#endif",
                "",
                f"typedef {self.machine.real} real;",
                *double,
                f"#define LANES {lanes}",
                f"#define TILES {-(-self.step.samples // lanes)}",
                *spelled,
                "",
            ]
        )

    def _structs(self) -> str:
        engine = "\n".join(f"    {line}" for line in self.fields.engine)
        place = "\n".join(f"    {line}" for line in self.fields.place)
        return (
            part("place")
            .replace("    /* ENGINE */", engine)
            .replace("    /* PLACE */", f"{place}\n    vec scratch[{self.fields.scratch}];")
        )

    def _program_text(self, program: Program) -> str:
        plan = program.plan
        passes = [program.pass_text(made) for made in plan.passes]
        packings = [text for _, text in program.packings]
        updates = [text for _, text in self.updates] if program is self.train else []
        return "\n".join(
            [
                f"/* ======== {program.name} ======== */\n",
                *packings,
                *passes,
                *updates,
                self._fetch(program),
                *self._meetings(program),
                self._main(program),
            ]
        )

    def _fetch(self, program: Program) -> str:
        """The tile's images, targets and masks, each where the passes read it."""
        lines = []
        for leaf in program.memory:
            where = program.where(leaf)
            sizes = ", ".join(map(str, places(leaf)))
            if leaf in program.masks:
                drop = program.masks[leaf]
                lines.append(
                    f"draw_mask(at->e->job, at->first, at->lanes, {where}, {drop.layer}, "
                    f"{drop.below}, {sizes});"
                )
            elif program.inputs.get(leaf) == "image":
                drawn = self._room_for_images(program, prod(places(leaf)))
                lines.append(
                    f"fetch_images(at->e->job, at->first, at->lanes, {drawn}, {where}, {sizes});"
                )
            elif program.inputs.get(leaf) == "target":
                lines.append(
                    f"fetch_targets(at->e->job, at->first, at->lanes, {where}, {places(leaf)[0]});"
                )
        body = "\n".join(f"    {line}" for line in lines)
        return f"static void fetch_{program.name}(struct place *at) {{\n    (void)at;\n{body}\n}}\n"

    def _room_for_images(self, program: Program, size: int) -> str:
        """Where a tile's images are drawn anew; nobody draws anew what is to be predicted."""
        if program is not self.train:
            return "NULL"
        self.fields.place.append(f"float drawn[LANES * {size}]; /* images drawn anew */")
        return "at->drawn"

    def _meetings(self, program: Program) -> list[str]:
        """What one thread computes between two phases."""
        texts = []
        for phase in range(FIRST, program.plan.phases):
            lines = program.section(phase)
            body = "\n".join(f"    {line}" for line in lines)
            texts.append(
                f"static void before_{program.name}_{phase}(struct place *at) {{\n"
                f"    (void)at;\n{body}\n}}\n"
            )
        if program is self.train:
            lines = program.section(program.plan.phases)
            body = "\n".join(f"    {line}" for line in lines)
            texts.append(
                f"static void before_update(struct place *at) {{\n    (void)at;\n{body}\n}}\n"
            )
            body = "\n".join(f"    {line}" for line in self.closing)
            texts.append(
                "static void close_train(struct place *at) {\n"
                f"{body}\n    end_step(at->e, at->e->loss[0]);\n}}\n"
            )
        else:
            texts.append(
                f"static void close_{program.name}(struct place *at) {{ end_step(at->e, 0); }}\n"
            )
        return texts

    def _main(self, program: Program) -> str:
        name = program.name
        lines = [
            "EACH_OF_MY_TILES(at) {",
            f"    fetch_{name}(at);",
            "}",
            *_shared([function for function, _ in program.packings]),
        ]
        for phase in range(FIRST, program.plan.phases):
            calls = [
                f"    {program.pass_name(made)}(at);"
                for made in program.plan.passes
                if made.phase == phase
            ]
            calls += self._answers(program, phase)
            lines += [f"meet(at, before_{name}_{phase});", "EACH_OF_MY_TILES(at) {", *calls, "}"]
        if program is self.train:
            lines += ["meet(at, before_update);", *_shared([f for f, _ in self.updates])]
        else:
            (output,) = program.plan.outputs
            lines += [
                "EACH_OF_MY_TILES(at) {",
                f"    deliver(at->e->job, at->first, at->lanes, "
                f"{program.where(output)}, {prod(output.shape)});",
                "}",
            ]
        lines.append(f"meet(at, close_{name});")
        body = "\n".join(f"    {line}" for line in lines)
        return f"static void {name}_step(struct place *at) {{\n{body}\n}}\n"

    def _answers(self, program: Program, phase: int) -> list[str]:
        """Right ones are counted where the outputs are at hand."""
        (outputs,) = program.plan.outputs
        if program is not self.train or program.plan.made_in[outputs].phase != phase:
            return []
        target = next(leaf for leaf, what in program.inputs.items() if what == "target")
        return [
            f"    at->e->right[at->tile] = right_answers({program.where(outputs)}, "
            f"{program.where(target)}, {prod(outputs.shape)}, at->lanes);"
        ]

    def _table(self) -> str:
        symbols = ", ".join(f"offsetof(struct engine, {array.symbol})" for array in self.arrays)
        return (
            "/* Where the arrays lie that are read and written from outside. */\n"
            f"static const size_t offsets[] = {{{symbols}}};\n"
            "real *engine_array(struct engine *e, int number) {\n"
            "    return (real *)((char *)e + offsets[number]);\n}\n"
        )


def _shared(functions: Sequence[str]) -> list[str]:
    """Calls that the threads share out."""
    return [
        f"if (MY_TURN(at, {number})) {function}(at);" for number, function in enumerate(functions)
    ]
