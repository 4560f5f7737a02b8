"""The program's source, changed where Python itself would forget how a number was computed.

Every expression keeps its place, so that what is found later is found in the text as written.
"""

from __future__ import annotations

import ast
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import numpy as np

from gradbook.recording.calls import split_names

NUMPY_TYPES = frozenset(
    split_names("""
    int64 int32 int16 int8 uint8 intp int_ float64 float32 float16 double single
    bool_""")
)
BUILDING = frozenset(  # they take lists themselves, or shapes
    split_names("""
    array asarray asanyarray zeros ones empty full arange linspace eye identity concatenate
    vstack hstack stack column_stack row_stack block meshgrid ndarray split shape vectorize
    ndindex dtype save load savez einsum random reshape transpose broadcast_to""")
)


class _Rewriting(ast.NodeTransformer):
    def __init__(self) -> None:
        self.modules = {"np", "numpy"}  # NumPy's names in the program
        self.functions: dict[str, str] = {}  # names that it has for NumPy's functions

    def visit_Import(self, node: ast.Import) -> ast.AST:
        self.modules |= {part.asname or part.name for part in node.names if part.name == "numpy"}
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        if node.module == "numpy":
            names = {part.asname or part.name: part.name for part in node.names}
            self.functions |= {name: name for name in np.__all__} if "*" in names else names
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if type(node.value) is float:
            return _call("__gradbook_literal__", [node], node)
        return node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                part.value = self.visit(part.value)
        return node

    def visit_match_case(self, node: ast.match_case) -> ast.AST:
        node.body = [self.visit(statement) for statement in node.body]
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value:
            node.value = self.visit(node.value)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        function = node.func
        self.generic_visit(node)
        if isinstance(function, ast.Name) and function.id == "float" and not node.keywords:
            return _call("__gradbook_convert__", [function, *node.args], node)
        if isinstance(function, ast.Name) and function.id in self.functions:
            return self._listing(node, self.functions[function.id])
        if not isinstance(function, ast.Attribute):
            return node
        if function.attr in NUMPY_TYPES and len(node.args) == 1 and not node.keywords:
            return _call("__gradbook_convert__", [function, *node.args], node)
        if isinstance(function.value, ast.Name) and function.value.id in self.modules:
            return self._listing(node, function.attr)
        if function.attr == "dot":
            called = _call("__gradbook_dot__", [function.value, *node.args], node)
            called.keywords = node.keywords
            return called
        return node

    def _listing(self, node: ast.Call, function: str) -> ast.Call:
        if function not in BUILDING:
            node.args = [_listed(part) for part in node.args[:2]] + node.args[2:]
        return node


def _listed(argument: ast.expr) -> ast.expr:
    if isinstance(argument, (ast.Name, ast.Attribute, ast.Subscript, ast.List, ast.ListComp)):
        return _call("__gradbook_listed__", [argument], argument)
    return argument


def _call(name: str, arguments: Sequence[Any], at: Any) -> ast.Call:
    function = ast.copy_location(ast.Name(name, ast.Load()), at)
    return ast.copy_location(ast.Call(function, list(arguments), []), at)


def compile_program(text: str, file: str) -> CodeType:
    tree = _Rewriting().visit(ast.parse(text, file))
    return compile(tree, file, "exec", dont_inherit=True)


class ProgramLoader(importlib.machinery.SourceFileLoader):
    def __init__(self, name: str, path: str, files: set[str], helpers: dict[str, Any]) -> None:
        super().__init__(name, path)
        self.files, self.helpers = files, helpers

    def get_code(self, name: str) -> CodeType:
        path = self.get_filename(name)
        self.files.add(path)
        return compile_program(self.get_source(name) or "", path)

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__.update(self.helpers)
        super().exec_module(module)


class ProgramFinder(importlib.abc.MetaPathFinder):
    """Finds the modules that stand beside the program, and rewrites them, too."""

    def __init__(self, folder: Path, files: set[str], helpers: dict[str, Any]) -> None:
        self.folder, self.files, self.helpers = folder, files, helpers

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        origin = spec.origin if spec else None
        if spec is None or origin is None or not origin.endswith(".py"):
            return None
        place = Path(origin).resolve()
        if "site-packages" in place.parts or not place.is_relative_to(self.folder):
            return None
        loader = ProgramLoader(name, origin, self.files, self.helpers)
        return importlib.util.spec_from_file_location(
            name, origin, loader=loader, submodule_search_locations=spec.submodule_search_locations
        )


def follow_modules(folder: Path, files: set[str], helpers: dict[str, Any]) -> None:
    sys.meta_path.insert(0, ProgramFinder(folder.resolve(), files, helpers))
