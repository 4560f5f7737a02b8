"""One step of a program as a live sheet: what has a name in it has cells, which formulas compute.

Knows neither how formulas are written nor how the sheet looks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from gradbook.audit.programs.judging import JudgedStep, ModelDescription, best_trial
from gradbook.audit.programs.naming import SourceNames
from gradbook.audit.programs.number_ops import applied
from gradbook.audit.programs.program_report import SourceSpan
from gradbook.audit.programs.stepping import Watch, find_trainings
from gradbook.errors import LimitError, UsageError
from gradbook.graph.chain import gradients
from gradbook.graph.names import Name
from gradbook.graph.node import Graph, Node
from gradbook.graph.reference import evaluate
from gradbook.language import tr
from gradbook.language.message import translate
from gradbook.recording.calls import RecordedCall, Ref, Tape, substitute
from gradbook.recording.source_places import SourceText
from gradbook.targets.excel.sheets.step import NumberGrid, step_content

MOST_NUMBERS = 300  # of a step that is still read cell by cell
MOST_AT_ONCE = 10 * MOST_NUMBERS  # of a value without a name
NEAR = 1e-9  # up to this share, a formula's value is the program's
Description = tuple[str, str, SourceSpan | None]  # kind, name, expression
GRADIENT_OF = re.compile(r"(?:d|d_|grad_?|g_|delta_?)(\w+)")


def step_workbook(tape: Tape, watch: Watch, sources: dict[str, SourceText], file: str) -> bytes:
    """The workbook of the program's first training; the tape is the recorder's."""
    for group in find_trainings(watch):
        trial = best_trial(tape.calls, tape.branches, group)
        if trial is not None:
            naming = SourceNames(tape.calls, sources, file, trial.step.first, trial.step.last)
            grids, values = _StepNumbers(trial, naming).sheet()
            return step_content(grids, values, file, trial.number + 1)
    raise UsageError(f"{file}: no training in NumPy was found in it")


class _StepNumbers:
    def __init__(self, trial: JudgedStep, naming: SourceNames) -> None:
        self.step, self.naming, self.calls = trial.step, naming, trial.step.calls
        self.words = ModelDescription(trial, naming, 1, 0.0)
        self.depends = trial.judge.worlds.replay.depends
        self.weights = {state.now: n for n, state in enumerate(self.step.states)}
        self.updates = {state.next: n for n, state in enumerate(self.step.states)}
        self.gradients = {index: n for n, index in enumerate(self.words.gradient_calls)}
        judged = [trial.judgement.objective] if trial.judgement else []
        stated = [o.ends for o in [*judged, *self.step.objectives] if not o.is_assumed]
        if not stated:
            raise UsageError(f"{naming.file}: no line computes a loss: keep it in a name")
        self.ends = stated[0]
        self.forward = set(self._behind(self.ends))
        self.order = self._behind([*self.ends, *self.updates])
        self.graph, self.known = Graph(), dict[Node, Any]()
        self.arrays: dict[int, Any] = {}
        self.slopes_by: dict[str, list[Node]] = {}  # by the names of the forward pass

    def _is_outside(self, index: int) -> bool:
        """Whether the step begins with it, such as with samples that are picked by chance."""
        call = self.calls[index]
        is_picked = not self.depends[index] and (call.is_random or call.name == "getitem")
        return index < self.step.first or not call.function or is_picked or index in self.weights

    def _behind(self, ends: Iterable[int]) -> list[int]:
        """The calls of the step that these are computed from, in order."""
        seen: set[int] = set()
        todo = list(ends)
        while todo:
            index = todo.pop()
            if index not in seen:
                seen.add(index)
                todo += () if self._is_outside(index) else self.calls[index].operands
        return sorted(seen)

    def _described(self, index: int) -> Description | None:
        """What is known of a value that gets cells."""
        words, assigned = self.words, self.naming.assigned(index)
        if index in self.weights:
            return "weight", words._weight_name(self.weights[index]), None
        if self._is_outside(index):
            name = self.naming.name(index) or "number"
            return None if self._is_literal(index) else ("input", name, None)
        span = self.naming.span_of(index)
        if index in self.updates:
            return "update", *(assigned or (words._weight_name(self.updates[index]), span))
        if index in self.gradients:
            number = self.gradients[index]
            return "backward", words._gradient_name(number), words._expression(number)
        if self.ends == (index,):
            return "loss", *(assigned or ("loss", span))
        if not assigned and not self._is_spread(index):
            return None
        kind = "forward" if index in self.forward else "backward"
        return kind, *(assigned or (span.text.partition("(")[0] if span else "", span))

    def _users(self, index: int) -> list[RecordedCall]:
        return [self.calls[i] for i in self.order if index in self.calls[i].operands]

    def _is_literal(self, index: int) -> bool:
        """Whether it is a number without a name, or a 0 to which others are added."""
        value, users = self.calls[index].value, self._users(index)
        is_start = not np.any(value) and all(user.name == "add" for user in users)
        return np.size(value) == 1 and (is_start or not self.naming.name(index))

    def _is_spread(self, index: int) -> bool:
        """Whether it is a sum without a name that several numbers are computed from."""
        size = np.size(self.calls[index].value)
        before = max((np.size(self.calls[i].value) for i in self.calls[index].operands), default=0)
        return size < before and any(np.size(user.value) > size for user in self._users(index))

    def sheet(self) -> tuple[list[NumberGrid], Mapping[Node, Any]]:
        """What gets cells, and the numbers of all nodes."""
        groups: dict[tuple[int, Description], list[int]] = {}  # an array is alone
        for index in self.order:
            described = self._described(index)
            part = index if np.ndim(self.calls[index].value) else -(index in self.gradients)
            if described:
                groups.setdefault((part, described), []).append(index)
        sizes = [np.size(self.calls[index].value) for index in self.order]
        total = sum(np.size(self.calls[i].value) for indices in groups.values() for i in indices)
        if total > MOST_NUMBERS or max(sizes) > MOST_AT_ONCE:
            raise LimitError(
                f"{self.naming.file}: a step of it has {max(total, *sizes):,} numbers, and a "
                f"workbook of a step at most {MOST_NUMBERS}: take fewer samples or units"
            )
        for index in self.order:
            self.arrays[index] = self._array(index)
        loss = reduce(add, self._nodes(self.ends))
        self.slopes = gradients(loss, self._nodes(i for i in self.order if i in self.weights))
        grids = [self._grid(*each, indices) for (_, each), indices in groups.items()]
        if len(self.ends) > 1:
            grids.append(NumberGrid("loss", "loss", "", "", np.array(loss, object)))
        last = {grid.name: grid for grid in grids if grid.kind == "backward"}
        grids = [g if g is last.get(g.name, g) else replace(g, exact=()) for g in grids]
        values = evaluate([n for g in grids for n in (*g.nodes.flat, *g.exact)], self.known)
        for index in (i for indices in groups.values() for i in indices):
            numbers = np.ravel(np.asarray(self.calls[index].value, float))
            computed = [values[node] for node in self._nodes([index])]
            if not np.allclose(computed, numbers, NEAR, NEAR, equal_nan=True):
                raise self._unwritable(index)
        return grids, values

    def _nodes(self, indices: Iterable[int]) -> list[Node]:
        return [node for index in indices for node in np.ravel(self.arrays[index])]

    def _grid(
        self, kind: str, name: str, span: SourceSpan | None, indices: list[int]
    ) -> NumberGrid:
        nodes = self.arrays[indices[0]] if len(indices) == 1 else _array_of(self._nodes(indices))
        by, rival = name, GRADIENT_OF.fullmatch(name)
        zero = self.graph.constant(0)
        exact = [self.slopes.get(node, zero) for node in nodes.flat]
        if indices[0] in self.gradients:
            states = [self.step.states[self.gradients[index]] for index in indices]
            by = self.words._weight_name(self.gradients[indices[0]])
            exact = [self.slopes[node] for node in self._nodes(state.now for state in states)]
        elif kind == "backward":  # what is called dz1 is beside the slope by z1
            by = rival[1] if rival else ""
            exact = self.slopes_by.get(by, [])
        is_whole = len(exact) == nodes.size or indices[0] in self.gradients
        if not is_whole or kind in ("loss", "update") or all(each.is_constant() for each in exact):
            exact = []
        if kind == "forward":
            self.slopes_by[name] = [] if name in self.slopes_by else exact  # it may mean two
        text = " ".join(span.text.split()) if span else ""
        where = tr("line {line}", line=span.line) if span else ""
        if span and span.cell is not None:
            where = tr("cell {cell}, line {line}", cell=span.cell, line=span.line)
        is_named = re.match(rf"{re.escape(name)} ?[-+*/@]*[=(]", text) or not text
        code = text if is_named else f"{translate(name)} = {text}"
        return NumberGrid(kind, translate(name), code, where, nodes, tuple(exact), translate(by))

    def _array(self, index: int) -> Any:
        """The nodes of a call's value: computed, or leaves."""
        value = np.asarray(self.calls[index].value)
        try:
            result = None if self._is_outside(index) else self._applied(self.calls[index])
        except (AttributeError, LookupError, StopIteration, TypeError, ValueError):
            result = None
        if result is not None and np.shape(result) == value.shape:
            return np.asarray(np.frompyfunc(self._node, 1, 1)(result), object)
        if self.depends[index] and index not in self.weights:
            raise self._unwritable(index)
        if index not in self.weights and self._is_literal(index):
            return _array_of([self.graph.constant(float(value.flat[0]))]).reshape(value.shape)
        nodes = [self.graph.leaf(Name(f"{index}.{k}")) for k in range(value.size)]
        self.known.update(zip(nodes, map(float, value.flat), strict=True))
        return _array_of(nodes).reshape(value.shape)

    def _node(self, number: Any) -> Node:
        return number if isinstance(number, Node) else self.graph.constant(float(number))

    def _applied(self, call: RecordedCall) -> Any:
        def nodes(index: int) -> Any:
            return self.arrays[index][()] if index in self.arrays else self.calls[index].value

        arguments, function = list(substitute(call.arguments, nodes)), call.function
        if call.name in ("getitem", "setitem", "put_flat"):
            place = call.arguments[1]
            if isinstance(place, Ref) and self.depends[place.index]:  # a mask
                if call.name == "setitem":
                    array, mask, number = arguments
                    return applied(np.where, (mask, number, array), {})
                raise LookupError
            arguments[1] = substitute(place, lambda index: self.calls[index].value)
        return applied(function, tuple(arguments), substitute(call.options, nodes))

    def _unwritable(self, index: int) -> UsageError:
        span = self.naming.span_of(index)
        where = f"line {span.line}: {' '.join(span.text.split())}" if span else "a value"
        return UsageError(f"{self.naming.file}: {where} can't be written as formulas of cells")


def _array_of(nodes: list[Node]) -> Any:
    return np.array([*nodes, None], object)[:-1]
