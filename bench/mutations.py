"""Plant faults at random in rooms of the package: how many of them do the tests find?

    python bench/mutations.py ROOM... [--count N] [--seed N] [--seconds S] [--test FOLDER]...

In a copy of this tree the quick tests of a room run once, and the functions that each of them calls
are recorded. Then one fault after the other is planted (another operator, comparison or number, an
inverted condition, a missing statement or result), and the tests that call its function run, the
quickest first, until one fails. A fault in a function that no test calls survives at once. The
choice of faults depends on the seed and on the faulty lines themselves: moving code doesn't change
it.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import subprocess
import sys
import threading
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree, ignore_patterns
from tempfile import TemporaryDirectory
from types import CodeType, FrameType

import pytest

ROOT = Path(__file__).parents[1]
TESTS = {"cli": ("cli", "first_hours"), "lab": ("lab", "cli/training"), "work": ("work", "lab")}
LEFT_OUT = (".git", ".venv", "out", "__pycache__", ".*_cache")
PAIRS = (
    *((ast.Lt, ast.LtE), (ast.Gt, ast.GtE), (ast.Eq, ast.NotEq), (ast.Is, ast.IsNot)),
    *((ast.In, ast.NotIn), (ast.And, ast.Or), (ast.Add, ast.Sub), (ast.Mult, ast.Div)),
)
OTHERS: dict[type, type] = {a: b for pair in PAIRS for a, b in (pair, pair[::-1])}
MUTE = (ast.JoinedStr, ast.Assert, ast.Raise, ast.Import, ast.ImportFrom, ast.AnnAssign)


@dataclass(frozen=True)
class Fault:
    path: str
    function: str  # its qualified name
    line: int
    place: tuple[int, int]  # bytes of the source
    before: str
    after: str

    def __str__(self) -> str:
        changed = f"{self.before[:70]} → {self.after[:70]}"
        return f"{self.path}:{self.line} in {self.function}: {changed}"

    def lot(self, seed: int) -> bytes:
        words = f"{seed}|{self.path}|{self.function}|{self.before}|{self.after}"
        return hashlib.sha256(words.encode()).digest()


def main() -> None:
    parser = ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("rooms", nargs="+", metavar="ROOM", help="a folder of src/gradbook")
    parser.add_argument("--count", type=int, default=10, help="faults in each room")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=20, help="seconds of tests per fault")
    parser.add_argument("--test", action="append", metavar="FOLDER", help="a folder of tests/")
    options = parser.parse_args()
    for room in options.rooms:
        with TemporaryDirectory() as copy:
            tree = copytree(ROOT, Path(copy, "tree"), ignore=ignore_patterns(*LEFT_OUT))
            folders = options.test or TESTS.get(room, (room,))
            calls = _calls(tree, [f"tests/{folder}" for folder in folders])
            lots = {fault.lot(options.seed): fault for fault in _faults_of(tree, room)}
            drawn = [lots[lot] for lot in sorted(lots)[: options.count]]
            survivors = [fault for fault in drawn if not _is_found(fault, tree, calls, options)]
            print(f"{room}: {len(drawn) - len(survivors)} of {len(drawn)} found", flush=True)
            print("".join(f"  survives: {fault}\n" for fault in survivors), flush=True)


def _pytest(tree: Path, *words: str, seconds: float | None = None) -> int:
    environment = os.environ | {"PYTHONPATH": f"{tree / 'src'}{os.pathsep}{tree}"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words]
    silence = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.run(
        command, cwd=tree, env=environment, timeout=seconds, check=False, **silence
    ).returncode


def _calls(tree: Path, tests: Sequence[str]) -> list[dict]:
    """Each passing test, with its seconds and the functions that it calls."""
    _pytest(tree, "-p", "bench.mutations", "--long", "none", *tests)
    return json.loads((tree / "calls.json").read_text("utf-8"))


def _is_found(fault: Fault, tree: Path, calls: Sequence[dict], options) -> bool:
    place = [fault.path] if fault.function == "<module>" else [fault.path, fault.function]
    asked, seconds = {}, 0.0
    for test in sorted(calls, key=lambda test: test["seconds"]):
        if any(call[: len(place)] == place for call in test["calls"]):
            seconds += test["seconds"]
            if asked and seconds > options.seconds:
                break
            asked.setdefault(test["name"].partition("::")[0], []).append(test["name"])
    if not asked:
        return False
    (tree / "asked.txt").write_text("\n".join(name for names in asked.values() for name in names))
    path = tree / fault.path
    source = path.read_bytes()
    begin, end = fault.place
    path.write_bytes(source[:begin] + fault.after.encode() + source[end:])
    try:
        return _pytest(tree, "--long", "none", "-x", "@asked.txt", seconds=30 + 5 * seconds) != 0
    except subprocess.TimeoutExpired:
        return True
    finally:
        path.write_bytes(source)


def _faults_of(tree: Path, room: str) -> Iterator[Fault]:
    """All faults that the files of a room could have."""
    for path in sorted((tree / "src" / "gradbook" / room).rglob("*.py")):
        source = path.read_bytes()
        starts = [0]
        for line in source.splitlines(keepends=True):
            starts.append(starts[-1] + len(line))
        for function, node, after in _changes(ast.parse(source), "<module>", ""):
            begin = starts[node.lineno - 1] + node.col_offset
            end = starts[node.end_lineno - 1] + node.end_col_offset
            before = " ".join(source[begin:end].decode().split())
            name = path.relative_to(tree).as_posix()
            yield Fault(name, function, node.lineno, (begin, end), before, after)


def _changes(node: ast.AST, function: str, inner: str) -> Iterator[tuple[str, ast.AST, str]]:
    """The function, the place changed in it, and the new text."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        name = inner + node.name
        is_class = isinstance(node, ast.ClassDef)
        function, inner = (function, f"{name}.") if is_class else (name, f"{name}.<locals>.")
    if isinstance(node, ast.If | ast.IfExp):
        yield function, node.test, f"(not ({ast.unparse(node.test)}))"
    for after in _other_expressions(node):
        yield function, node, after if isinstance(after, str) else f"({ast.unparse(after)})"
    is_left_out = isinstance(node, ast.Assign | ast.AugAssign) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    )
    if isinstance(node, ast.Raise) or (is_left_out and function != "<module>"):
        yield function, node, "pass"
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list") or isinstance(node, MUTE):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _changes(child, function, inner)


def _other_expressions(node: ast.AST) -> Iterator[ast.AST | str]:
    match node:
        case ast.Compare(left, [operator], right):
            yield ast.Compare(left, [OTHERS[type(operator)]()], right)
        case ast.BinOp(left, operator, right) if type(operator) in OTHERS:
            yield ast.BinOp(left, OTHERS[type(operator)](), right)
        case ast.BoolOp(operator, values):
            yield ast.BoolOp(OTHERS[type(operator)](), values)
        case ast.Constant(bool(value)):
            yield str(not value)
        case ast.Constant(int(value) | float(value)):
            yield repr(value + 1)
        case ast.Return(ast.expr() as value) if ast.unparse(value) != "None":
            yield "return None"


# As a plugin of pytest: what each test calls -----------------------------------

PACKAGE = f"{Path.cwd() / 'src' / 'gradbook'}/"
tests: dict[str, dict] = {}
file_at_hand: list[Path] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    if file_at_hand != [item.path]:
        file_at_hand[:] = [item.path]
        _empty_caches()  # or only the first file would fill them
    called = set[CodeType]()

    def note(frame: FrameType, event: str, _: object) -> None:
        if frame.f_code.co_filename.startswith(PACKAGE):
            called.add(frame.f_code)

    sys.settrace(note)
    threading.settrace(note)
    result = yield
    sys.settrace(None)
    threading.settrace(None)
    if item.nodeid in tests:
        places = {(code.co_filename, code.co_qualname) for code in called}
        root = f"{Path.cwd()}/"
        calls = sorted((path.removeprefix(root), name) for path, name in places)
        tests[item.nodeid]["calls"] = calls
    return result


def _empty_caches() -> None:
    for name, module in list(sys.modules.items()):
        for value in list(vars(module).values()) if name.startswith("gradbook") else ():
            getattr(value, "cache_clear", int)()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" and report.passed:
        tests[report.nodeid] = {"name": report.nodeid, "seconds": report.duration}
    elif not report.passed:
        tests.pop(report.nodeid, None)


def pytest_sessionfinish() -> None:
    Path("calls.json").write_text(json.dumps(list(tests.values())), encoding="utf-8")


if __name__ == "__main__":
    main()
