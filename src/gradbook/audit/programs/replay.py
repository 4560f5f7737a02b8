"""The process that runs a program as it is, unrecorded, and keeps what its losses were.

`python -m gradbook.audit.programs.replay PROGRAM RESULT SECONDS SPANS [TEXT]`

Unseeded programs draw the same numbers each time, so that two runs can be compared.
"""

from __future__ import annotations

import ast
import builtins
import json
import os
import random
import sys
import types
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from gradbook.recording.alarm import Alarm
from gradbook.recording.recorder import RECORDER, EnoughError
from gradbook.recording.running import ProgramSource, read_program, without_magics

KEEP, BEFORE, AFTER = "__gradbook_keep__", "__gradbook_before__", "__gradbook_after__"
MOST_KEPT = 200_000  # values of a loss
FRAMES = 6  # of the program's functions that tell one use of a loss from another
LEAST = 3  # values that make a course
Place = tuple[int | None, int, int, int, int]  # cell, lines from 1 and columns in characters


class _Keeping(ast.NodeTransformer):
    """Wraps the expressions at these places; sums that are added to are looked at before and
    after."""

    def __init__(self, lines: list[str], numbers: dict[tuple[int, int, int, int], int]) -> None:
        self.lines, self.numbers = lines, numbers

    def visit(self, node: ast.AST) -> Any:
        self.generic_visit(node)
        if isinstance(node, ast.AugAssign):
            number = self.numbers.pop(self._place(node), None)
            if number is None or not isinstance(node.target, ast.Name):
                return node
            total = ast.Name(node.target.id, ast.Load())
            around = [ast.Expr(_call(name, number, total)) for name in (BEFORE, AFTER)]
            for statement in around:
                ast.fix_missing_locations(ast.copy_location(statement, node))
            return [around[0], node, around[1]]
        if not isinstance(node, ast.expr):
            return node
        if not isinstance(getattr(node, "ctx", None), ast.Load | None):
            return node
        number = self.numbers.pop(self._place(node), None)
        if number is None:
            return node
        return ast.fix_missing_locations(ast.copy_location(_call(KEEP, number, node), node))

    def _place(self, node: ast.expr | ast.AugAssign) -> tuple[int, int, int, int]:
        end_line = node.end_lineno or node.lineno
        begin = self._column(node.lineno, node.col_offset)
        return node.lineno, begin, end_line, self._column(end_line, node.end_col_offset or 0)

    def _column(self, line: int, offset: int) -> int:
        """Python counts bytes."""
        return len(self.lines[line - 1].encode()[:offset].decode(errors="replace"))


def _call(name: str, number: int, value: ast.expr) -> ast.expr:
    return ast.Call(ast.Name(name, ast.Load()), [ast.Constant(number), value], [])


class Courses:
    """The values of each loss, apart for each place in the program that led to it."""

    def __init__(self) -> None:
        self.values: defaultdict[tuple[int, Any], list[float]] = defaultdict(list)
        self.files: set[str] = set()
        self.goes_on: dict[int, bool] = {}  # whether a sum is the one that was added to before
        self.summed: set[int] = set()

    def keep(self, number: int, value: Any) -> Any:
        kept = self.values[(number, self._way())]
        if np.size(value) == 1 and len(kept) < MOST_KEPT:
            kept.append(_number(value))
        return value

    def look_before(self, number: int, total: Any) -> None:
        kept = self.values[(number, self._way())]
        self.goes_on[number] = bool(kept) and np.size(total) == 1 and kept[-1] == _number(total)

    def look_after(self, number: int, total: Any) -> None:
        """Only the whole sum is a loss."""
        kept = self.values[(number, self._way())]
        if self.goes_on[number]:
            kept.pop()
            self.summed.add(number)
        if np.size(total) == 1 and len(kept) < MOST_KEPT:
            kept.append(_number(total))

    def _way(self) -> tuple[tuple[str, int], ...]:
        frame: types.FrameType | None = sys._getframe(2)
        way: list[tuple[str, int]] = []
        while frame is not None and len(way) < FRAMES:
            if frame.f_code.co_filename in self.files:
                way.append((frame.f_code.co_filename, frame.f_lineno))
            frame = frame.f_back
        return tuple(way)

    def chosen(self, number: int) -> tuple[Any, list[float]]:
        """The first use of a loss that is repeated: others evaluate it on other data."""
        uses = [(way, kept) for (one, way), kept in self.values.items() if one == number]
        repeated = [use for use in uses if len(use[1]) >= LEAST]
        return (repeated or uses or [((), [])])[0]


def _number(value: Any) -> float:
    return float(np.asarray(value).reshape(()))


def main() -> None:
    path, result, seconds, spans, *texts = sys.argv[1:]
    text = Path(texts[0]).read_bytes().decode() if texts else None
    program = read_program(path, text)
    places = [tuple(place) for place in json.loads(spans)]
    courses = Courses()
    end = _run(program, places, courses, float(seconds))
    loops = _loops(program)
    record = []
    for number in range(len(places)):
        way, values = courses.chosen(number)
        depth = sum(begin < line <= end for file, line in way for begin, end in loops.get(file, []))
        record.append({"values": values, "loops": depth - (number in courses.summed)})
    partial = f"{result}.part"
    Path(partial).write_text(json.dumps({"courses": record, **end}), "utf-8")
    os.replace(partial, result)
    os._exit(0)  # threads that the program left don't matter any more


def _run(
    program: ProgramSource, places: list[Any], courses: Courses, seconds: float
) -> dict[str, bool]:
    """Whether it ran to its end, and whether it stopped with an error."""
    codes = []
    for cell, (name, text) in enumerate(program.parts, 1):
        plain = without_magics(text)
        numbers = {
            place[1:]: number
            for number, place in enumerate(places)
            if place[0] in (None, cell) and (place[0] is None) == (not program.cells)
        }
        tree = ast.parse(plain, name)
        _Keeping(plain.split("\n"), numbers).visit(tree)
        codes.append(compile(tree, name, "exec"))
        courses.files.add(name)
    module = types.ModuleType("__main__")
    more: dict[str, Any] = {
        KEEP: courses.keep,
        BEFORE: courses.look_before,
        AFTER: courses.look_after,
    }
    more |= {"__file__": os.path.abspath(program.path)}
    more |= {"display": print} if program.cells else {}
    module.__dict__.update(more, __builtins__=builtins)
    sys.modules["__main__"] = module
    sys.argv = [program.path]
    sys.path.insert(0, str(Path(program.path).resolve().parent))
    _draw_alike()
    RECORDER.is_on = True  # nothing is recorded: the alarm rings by the clock alone
    try:
        with Alarm(seconds):
            for code in codes:
                exec(code, module.__dict__)
    except EnoughError:
        return {"finished": False, "failed": False}
    except SystemExit as end:
        return {"finished": end.code in (None, 0), "failed": end.code not in (None, 0)}
    except Exception:
        return {"finished": False, "failed": True}
    return {"finished": True, "failed": False}


def _draw_alike() -> None:
    """Generators without a seed begin with the same one."""
    np.random.seed(0)
    random.seed(0)
    make = np.random.default_rng

    def default_rng(seed: Any = None) -> np.random.Generator:
        return make(0 if seed is None else seed)

    np.random.default_rng = default_rng


def _loops(program: ProgramSource) -> dict[str, list[tuple[int, int]]]:
    """The lines of each loop: after the first, to the last."""
    return {
        name: [
            (node.lineno, node.end_lineno or node.lineno)
            for node in ast.walk(ast.parse(without_magics(text)))
            if isinstance(node, ast.For | ast.While)
        ]
        for name, text in program.parts
    }


if __name__ == "__main__":
    main()
