"""What the program itself calls a value, and where in its source a call stands.

Knows neither what is right nor what should change.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator, Mapping
from functools import cached_property
from types import CodeType

from gradbook.audit.programs.program_report import SourceSpan
from gradbook.recording.calls import CallFrame, RecordedCall, Ref
from gradbook.recording.source_places import Position, SourceText, place_of, position

PARTS: dict[type, tuple[str, ...]] = {
    ast.BinOp: ("left", "right"),
    ast.UnaryOp: ("operand",),
    ast.AugAssign: ("target", "value"),
    ast.Subscript: ("value", "slice"),
    ast.Attribute: ("value",),
}
SIMPLE = (ast.Name, ast.Attribute, ast.Subscript)


class SourceNames:
    def __init__(
        self,
        calls: list[RecordedCall],
        sources: dict[str, SourceText],
        file: str,
        first: int,
        last: int,
    ) -> None:
        self.calls, self.sources, self.file = calls, sources, file
        self.main = os.path.abspath(file)
        self.first, self.last = first, last
        self.returned: dict[ast.AST, tuple[int | None, bool]] = {}

    def source(self, place: Position) -> SourceText | None:
        return self.sources.get(place.file)

    def node(self, frame: CallFrame) -> ast.AST | None:
        place = position(frame)
        source = self.source(place)
        return source.node_at(place) if source else None

    def text(self, node: ast.AST, file: str) -> str:
        return self.sources[file].text_of(node)

    def span(self, place: Position) -> SourceSpan:
        source = self.sources[place.file]
        column, end = source.columns(place)
        file, cell = place.file, None
        if "#" in file and file.startswith(self.main):
            file, number = file.rsplit("#", 1)
            cell = int(number)
        shown = self.file if file == self.main else os.path.relpath(file)
        return SourceSpan(
            shown, place.line, column, place.end_line, end, source.segment(place), cell
        )

    def span_of(self, index: int, level: int = 0) -> SourceSpan | None:
        frames = self.calls[index].frames
        if len(frames) <= level:
            return None
        place = position(frames[level])
        return self.span(place) if place.file in self.sources else None

    def line(self, index: int) -> int:
        return position(self.calls[index].frames[0]).line

    def assigned(self, index: int) -> tuple[str, SourceSpan] | None:
        """The name that a value is given, and the expression that computes it."""
        for frame in self.calls[index].frames:
            place = position(frame)
            source = self.sources.get(place.file)
            node = source.node_at(place) if source else None
            if source is None or node is None:
                return None
            if isinstance(node, ast.AugAssign):
                return source.text_of(node.target), self.span(place)
            target, returned = _target(source, node)
            if target is not None:
                return source.text_of(target), self.span(place_of(place.file, node))
            if not returned:
                return None
        return None

    def name(self, index: int) -> str | None:
        assigned = self.assigned(index)
        if assigned:
            return assigned[0]
        texts = [texts[index] for texts in self.scopes.values() if index in texts]
        return min(texts, key=len) if texts else None

    @cached_property
    def scopes(self) -> dict[object, dict[int, str]]:
        """In each function: what its expressions call the values that they use."""
        scopes: dict[object, dict[int, str]] = {}
        for index in range(self.first, self.last + 1):
            call = self.calls[index]
            if not call.frames:
                continue
            texts = scopes.setdefault(call.frames[0][0], {})
            for part, operand in self.operand_nodes(index):
                if isinstance(operand, SIMPLE) and _is_plain(operand):
                    place = position(call.frames[0])
                    text = self.text(operand, place.file)
                    if part not in texts or "[-" in texts[part]:
                        texts[part] = text
            assigned = _assigned_here(self, index)
            if assigned:
                texts.setdefault(index, assigned)
        return scopes

    @cached_property
    def every_text(self) -> dict[object, dict[int, set[str]]]:
        """In each function: all that its expressions call the values that they use."""
        texts: dict[object, dict[int, set[str]]] = {}
        for index in range(self.first, self.last + 1):
            frames = self.calls[index].frames
            for part, operand in self.operand_nodes(index) if frames else ():
                if isinstance(operand, SIMPLE) and _is_plain(operand):
                    text = self.text(operand, position(frames[0]).file)
                    texts.setdefault(frames[0][0], {}).setdefault(part, set()).add(text)
        return texts

    def shared_name(self, mapping: Mapping[int, int]) -> str | None:
        """What an expression may write in each of its calls, for another value in each."""
        names = {self.name_in_scope(index, at) for at, index in mapping.items()}
        if len(names) == 1:
            return names.pop()
        scopes = [
            (self.every_text.get(self.calls[at].frames[0][0], {}), index)
            for at, index in mapping.items()
        ]
        shared = set.intersection(*(texts.get(index, set()) for texts, index in scopes))
        return min(shared, key=len) if shared else None

    def name_in_scope(self, index: int, at: int, level: int = 0) -> str | None:
        """What the function of a call may write for a value."""
        frames = self.calls[at].frames
        if len(frames) <= level:
            return None
        texts = self.scopes.get(frames[level][0], {})
        if index in texts and not self._changes_meaning(texts[index], texts):
            return texts[index]
        call = self.calls[index]
        if not call.function:
            assigned = self.assigned(index)
            if assigned:
                return assigned[0]
        scope = frames[level][0]
        for code, text in self._names_on_the_way(index):
            if code is scope:
                return text
            is_shared = text.startswith("self.") and _class_of(code) == _class_of(scope) != ""
            if is_shared and self._newest_attribute(text, index, at) == index:
                return text
        for operand, text in texts.items():  # a transposition of a named value
            inner = self.calls[index]
            if inner.name == "transpose" and inner.operands == (operand,):
                return f"{text}.T"
        return None

    def _names_on_the_way(self, index: int) -> Iterator[tuple[CodeType, str]]:
        """What each function calls a value that goes from one to the other as its result."""
        part: int | None = None  # of several results
        for frame in self.calls[index].frames:
            place = position(frame)
            source = self.sources.get(place.file)
            node = source.node_at(place) if source else None
            if source is None or node is None:
                return
            if isinstance(node, ast.AugAssign):
                target: ast.AST | None = node.target
                is_returned = False
            else:
                target, is_returned = _target(source, node)
            if part is not None:
                parent = source.parents.get(node)
                several = parent.targets[0] if isinstance(parent, ast.Assign) else None
                parts = several.elts if isinstance(several, (ast.Tuple, ast.List)) else []
                target = parts[part] if part < len(parts) else None
                part = None
            if target is not None:
                text = source.text_of(target)
                yield frame[0], text
                if node not in self.returned:
                    self.returned[node] = _returned_part(source, node, text)
                part, is_returned = self.returned[node]
            if not is_returned:
                return

    def _newest_attribute(self, text: str, index: int, at: int) -> int | None:
        """The last value of this name that this object has had, but for other objects' ones."""
        way = self.calls[index].frames[1:]
        alike = [
            i for i in self._attributes.get(text, ()) if i < at and self.calls[i].frames[1:] == way
        ]
        return next((i for i in reversed(alike) if i >= index), None)

    @cached_property
    def _attributes(self) -> dict[str, list[int]]:
        places: dict[str, list[int]] = {}
        for index in range(self.first, self.last + 1):
            for _, text in self._names_on_the_way(index):
                if text.startswith("self."):
                    places.setdefault(text, []).append(index)
        return places

    @staticmethod
    def _changes_meaning(text: str, texts: dict[int, str]) -> bool:
        """Such as `values[-1]`, which is another value whenever one is appended."""
        return "[-" in text and sum(other == text for other in texts.values()) > 1

    def operand_nodes(self, index: int, level: int = 0) -> list[tuple[int, ast.AST]]:
        """Which part of the expression each operand of a call is."""
        call = self.calls[index]
        if len(call.frames) <= level:
            return []
        node = self.node(call.frames[level])
        parts = expression_parts(node)
        pairs = []
        for argument, part in zip(call.arguments, parts, strict=False):
            if isinstance(argument, Ref) and part is not None:
                pairs.append((argument.index, part))
        return pairs


def _assigned_here(naming: SourceNames, index: int) -> str | None:
    frame = naming.calls[index].frames[0]
    place = position(frame)
    source = naming.sources.get(place.file)
    node = source.node_at(place) if source else None
    if source is None or node is None or isinstance(node, ast.stmt):
        return None
    target, _ = _target(source, node)
    return source.text_of(target) if target is not None and _is_plain(target) else None


def _class_of(code: CodeType) -> str:
    return code.co_qualname.rpartition(".")[0].removesuffix(".<locals>")


def _returned_part(source: SourceText, node: ast.AST, name: str) -> tuple[int | None, bool]:
    """Whether the function returns the value of that name, and as which of several."""
    function: ast.AST | None = node
    while function is not None and not isinstance(function, ast.FunctionDef):
        function = source.parents.get(function)
    for statement in ast.walk(function) if function is not None else ():
        if isinstance(statement, ast.Return) and statement.value is not None:
            values = getattr(statement.value, "elts", None)
            if values is None and source.text_of(statement.value) == name:
                return None, True
            for number, value in enumerate(values or ()):
                if source.text_of(value) == name:
                    return number, True
    return None, False


def _is_plain(node: ast.AST) -> bool:
    """Whether the name means the same at another place of the function."""
    if isinstance(node, ast.Name):
        return True
    if isinstance(node, ast.Attribute):
        return (node.attr == "T" and _is_plain(node.value)) or _is_plain(node.value)
    if isinstance(node, ast.Subscript):
        return _is_plain(node.value) and isinstance(
            node.slice, (ast.Constant, ast.UnaryOp, ast.Name, ast.BinOp)
        )
    return False


def _target(source: SourceText, node: ast.AST) -> tuple[ast.AST | None, bool]:
    """What an expression is assigned to; whether a function returns it."""
    parent = source.parents.get(node)
    if isinstance(parent, ast.Assign) and parent.value is node and len(parent.targets) == 1:
        target = parent.targets[0]
        return (None, False) if isinstance(target, (ast.Tuple, ast.List)) else (target, False)
    if isinstance(parent, ast.Assign) and parent.value is node:
        return parent.targets[0], False
    if isinstance(parent, (ast.AnnAssign, ast.NamedExpr)) and parent.value is node:
        return parent.target, False
    if isinstance(parent, ast.Tuple):
        above = source.parents.get(parent)
        if isinstance(above, ast.Assign) and isinstance(above.targets[0], (ast.Tuple, ast.List)):
            targets = above.targets[0].elts
            number = parent.elts.index(node)  # type: ignore[arg-type]
            if len(targets) == len(parent.elts):
                return targets[number], False
    return None, isinstance(parent, (ast.Return, ast.Lambda))


def expression_parts(node: ast.AST | None) -> list[ast.AST | None]:
    """The parts of an expression, in the order of its call's arguments."""
    if isinstance(node, ast.Call):
        arguments: list[ast.AST | None] = list(node.args)
        if isinstance(node.func, ast.Attribute) and not is_module(node.func.value):
            return [node.func.value, *arguments]
        return arguments
    if isinstance(node, ast.Compare):
        return [node.left, node.comparators[0]]
    return [getattr(node, name) for name in PARTS.get(type(node), ())]


def is_module(node: ast.AST) -> bool:
    """Whether it is NumPy, or a part of it, by the usual names."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name) and node.id in ("np", "numpy", "math", "sp", "scipy", "jnp")
