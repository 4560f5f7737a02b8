"""The whole source of an engine: a training step, inference, and what holds them together.

Compilers may take a long source in parts, side by side: `-DPART=0` to `-DPART=n` each compile the
passes of their part, and PART 0 all the rest. Without PART the same text is whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import prod

from gradbook.chance import dropped_below
from gradbook.graph.build import Forward
from gradbook.graph.names import gradient_name
from gradbook.graph.node import Node
from gradbook.graph.step import Step
from gradbook.net.parameters import Shape
from gradbook.targets.c.emit.names import Dropped, Fields, Names
from gradbook.targets.c.emit.program import (
    TRAIN,
    Asked,
    Program,
    pass_weight,
    program,
    program_text,
)
from gradbook.targets.c.kernels.machine import Machine

GROUND = ("lanes", "threads", "chance", "fetch")  # files of C, in the order they build on
LOOPS = (
    "hooks",
    "direct",
    "direct_slopes",
    "winograd_points",
    "winograd",
    "winograd_slopes",
    "windows",
)
MOST_PARTS = 4
REST = 8  # heavy passes take as long to compile as all that part 0 has besides
WORTH_A_PART = 6  # heavy passes: with fewer, reading the text once more costs more than it saves


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
    parts: int  # that can be compiled side by side


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
        self.fields = Fields()
        self.arrays: list[Array] = []
        self.leaves = {"N": "N", str(step.rate.name): "rate"}
        for word in ("N", "rate", "loss"):
            self.fields.engine.append(f"real {self.fields.names.of(word, word)}[1];")
        for leaf in step.start:
            self.leaves[str(leaf.name)] = self._array(str(leaf.name), leaf.shape, carried=True)
        slopes = {
            self._array(str(gradient_name(leaf.name)), leaf.shape, carried=False): node
            for leaf, node in step.gradients.items()
            if leaf.name
        }
        functions = Names()
        self.programs = [
            program(asked, machine, self.fields, functions)
            for asked in (
                self._training({**slopes, "loss": step.loss}),
                self._prediction(inference),
            )
        ]

    def _array(self, name: str, shape: Shape, carried: bool) -> str:
        symbol = self.fields.names.of(("array", name), name)
        self.arrays.append(Array(name, symbol, shape, carried))
        self.fields.engine.append(f"real {symbol}[{prod(shape)}]; /* {name} */")
        return symbol

    # The programs.

    def _training(self, read: dict[str, Node]) -> Asked:
        step = self.step
        return Asked(
            TRAIN,
            step.outputs,
            [step.loss, *step.next.values(), *step.gradients.values()],
            self.leaves,
            {str(step.inputs[0].name): "image", str(step.targets[0].name): "target"},
            {
                str(mask.leaf.name): Dropped(mask.scale, mask.layer, dropped_below(mask.rate))
                for mask in step.masks
            },
            step.next,
            read,
            {d: f"∂E/∂{value.name}" for value, d in step.adjoints.items() if value.name},
        )

    def _prediction(self, inference: Forward) -> Asked:
        inputs = {str(inference.inputs.name): "image"}
        return Asked("predict", [inference.outputs], [], self.leaves, inputs, {})

    # The text.

    def source(self) -> Source:
        parts = self._parts()
        programs = [line for each in self.programs for line in self._program(each, parts)]
        pieces = [
            self._head(),
            *map(part, GROUND),
            self._structs(),
            *map(part, LOOPS),
            *programs,
            "#if IN_PART(0)",
            part("run"),
            self._table(),
            "#endif",
        ]
        return Source("\n".join(pieces), tuple(self.arrays), max(parts.values()) + 1)

    def _parts(self) -> dict[str, int]:
        """The part in which each pass is compiled: about as much in each."""
        weights = {
            function: pass_weight(made)
            for each in self.programs
            for made, (function, _) in each.passes.items()
        }
        parts, before = {}, float(REST)
        whole = before + sum(weights.values())
        count = max(1, min(MOST_PARTS, int(whole / WORTH_A_PART)))
        for function, own in weights.items():
            parts[function] = min(int(before / whole * count), count - 1)
            before += own
        return parts

    def _program(self, each: Program, parts: dict[str, int]) -> Iterator[str]:
        yield f"/* ======== {each.name} ======== */\n"
        rest = program_text(each, self.fields)
        for function, _ in each.passes.values():
            yield f"ACROSS void {function}(struct place *at);"
        now = None
        for function, text in each.passes.values():
            if parts[function] != now:
                yield "#endif\n" if now is not None else ""
                now = parts[function]
                yield f"#if IN_PART({now})"
            yield text
        yield "#endif\n\n#if IN_PART(0)"
        yield rest
        yield "#endif\n"

    def _head(self) -> str:
        lanes = self.machine.lanes
        suffix = "" if self.machine.double else "f"
        functions = ("exp", "log", "log1p", "tanh", "sqrt", "fabs", "pow")
        title = f"the network {self.step.net.name}" if self.step.net.name else "a network"
        double = ["#define REAL_IS_DOUBLE"] if self.machine.double else []
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
                "/* With PART a compiler takes only that part of the passes, beside others. */",
                "#ifdef PART",
                "#define IN_PART(number) (PART == (number))",
                '#define ACROSS __attribute__((visibility("hidden")))',
                "#else",
                "#define IN_PART(number) 1",
                "#define ACROSS static",
                "#endif",
                "",
                f"typedef {self.machine.real} real;",
                *double,
                f"#define LANES {lanes}",
                f"#define TILES {-(-self.step.samples // lanes)}",
                *(f"#define {name.upper()} {name}{suffix}" for name in functions),
                "",
            ]
        )

    def _structs(self) -> str:
        engine = "\n".join(f"    {line}" for line in self.fields.engine)
        place = "\n".join(f"    {line}" for line in self.fields.place)
        row = "\n".join(f"    {line}" for line in self.fields.line.lines)
        return (
            part("place")
            .replace("    /* LINE */", row)
            .replace("    /* ENGINE */", engine)
            .replace("    /* PLACE */", f"{place}\n    vec scratch[{self.fields.scratch}];")
        )

    def _table(self) -> str:
        symbols = ", ".join(f"offsetof(struct engine, {array.symbol})" for array in self.arrays)
        return (
            "/* Where the arrays lie that are read and written from outside. */\n"
            f"static const size_t offsets[] = {{{symbols}}};\n"
            "real *engine_array(struct engine *e, int number) {\n"
            "    return (real *)((char *)e + offsets[number]);\n}\n"
        )
