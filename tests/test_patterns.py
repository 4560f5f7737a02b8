"""No pattern of gradbook takes longer than its text: each is tried on texts made to be hard for it.

A pattern whose repeats can share a text in several ways tries all of them before it gives up: one
cell of 20,000 digits once took 36 seconds. Patterns are found where modules keep them and where
calls of `re` say them, and are tried as they are used.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import pkgutil
import re
import signal
import sys
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from re import _constants as ops  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from time import process_time
from types import ModuleType
from typing import Any

import pytest

import gradbook
from gradbook import statements
from gradbook.cells.formula import address
from tests.cases import for_each

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a limit of processor time")

LENGTH = 100_000
LONGEST = 1.0  # seconds of a processor; what takes a time like its length needs thousandths
INSTANT = (
    0.005  # for a tenth of a text, which even if time grew like its square would make half a second
)
SCANS = ("search", "sub", "subn", "split", "findall", "finditer")  # which begin anywhere
USES = ("match", "fullmatch", *SCANS)
FLAGS_AT = {"sub": 4, "subn": 4, "split": 3}  # of the call's arguments; else 2, and 1 of compile
REPEATS = (ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT)
FIRST_TRIED = "a1 .,-+_/\"'<>=:;()[]{}\\\n\t$E#é中"
MADE_AS_IT_RUNS = {"_pattern": "words, escaped"}


ENDS = ("", "\0", "!x")  # of a text: none, and two that hardly a pattern takes


def all_modules() -> Iterator[ModuleType]:
    for info in pkgutil.walk_packages(gradbook.__path__, "gradbook."):
        if not info.name.endswith("__main__") and ".office." not in info.name:  # needs an office
            yield importlib.import_module(info.name)


class Collection:
    """Each pattern of these modules, and its uses: match, fullmatch, search for all that scan."""

    def __init__(self, modules: Iterable[ModuleType]) -> None:
        self.uses: dict[re.Pattern[Any], set[str]] = defaultdict(set)
        self.places: dict[re.Pattern[Any], str] = {}
        self.unread: set[str] = set()
        for module in modules:
            for name, value in vars(module).items():
                for pattern in _patterns_in(value):
                    self.places.setdefault(pattern, f"{module.__name__}.{name}")
            tree = ast.parse(Path(str(module.__file__)).read_text("utf-8"))
            for function in (tree, *_functions(tree)):
                self._look(module, function)

    def _look(self, module: ModuleType, within: ast.AST) -> None:
        for node in _inside(within):
            if isinstance(node, ast.Call) and _is_of_re(node.func) and node.args:
                self._add_call(module, within, node)
            elif isinstance(node, ast.Attribute) and node.attr in USES:
                kept = node.value.value if isinstance(node.value, ast.Subscript) else node.value
                if isinstance(kept, ast.Name):
                    for pattern in _patterns_in(vars(module).get(kept.id)):
                        self.uses[pattern].add(_plain(node.attr))

    def _add_call(self, module: ModuleType, within: ast.AST, call: ast.Call) -> None:
        use = call.func.attr  # type: ignore[attr-defined]
        at = FLAGS_AT.get(use, 1 if use == "compile" else 2)
        flags = [word.value for word in call.keywords if word.arg == "flags"] + call.args[at:]
        known = Known(module, within)
        try:
            pattern = re.compile(known.value(call.args[0]), *map(known.value, flags))
        except (TypeError, AttributeError, LookupError, NameError):
            self.unread.add(getattr(within, "name", module.__name__))
            return
        self.places.setdefault(pattern, f"{module.__name__}:{call.lineno}")
        if use != "compile":
            self.uses[pattern].add(_plain(use))


class Known(dict[str, Any]):
    """The names of a module and of a function in it; any word where only a call knows."""

    def __init__(self, module: ModuleType, within: ast.AST) -> None:
        super().__init__()
        self.module = module
        self.said = {
            target.id: node.value
            for node in _inside(within)
            if isinstance(node, ast.Assign) and isinstance(within, ast.FunctionDef)
            for target in node.targets
            if isinstance(target, ast.Name)
        }

    def __missing__(self, name: str) -> Any:
        if name in self.said:
            return self.value(self.said.pop(name))
        names = vars(self.module)
        return names[name] if name in names else getattr(builtins, name, "name")

    def value(self, expression: ast.expr) -> Any:
        if isinstance(expression, ast.JoinedStr):
            return "".join(map(str, map(self.value, expression.values)))
        if isinstance(expression, ast.FormattedValue):
            try:
                return self.value(expression.value)
            except (TypeError, AttributeError):
                return "name"
        return eval(compile(ast.Expression(expression), "", "eval"), vars(self.module), self)


def _patterns_in(value: object) -> Iterator[re.Pattern[Any]]:
    match value:
        case re.Pattern():
            yield value
        case dict():
            yield from _patterns_in(list(value.values()))
        case list() | tuple() | set() | frozenset():
            for part in value:
                yield from _patterns_in(part)


def _functions(tree: ast.Module) -> Iterator[ast.AST]:
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return (node for node in ast.walk(tree) if isinstance(node, kinds))


def _inside(node: ast.AST) -> Iterator[ast.AST]:
    """What stands in it, but not in functions of its own."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield child
            yield from _inside(child)


def _is_of_re(function: ast.expr) -> bool:
    return (
        isinstance(function, ast.Attribute)
        and isinstance(function.value, ast.Name)
        and function.value.id == "re"
        and function.attr in (*USES, "compile")
    )


def _plain(use: str) -> str:
    return "search" if use in SCANS else use


# Texts that are hard for a pattern ------------------------------------------------------------


def texts(pattern: re.Pattern[Any], ends: Sequence[str]) -> Iterator[tuple[Any, Any]]:
    """Long ones of its own signs, and of what its repeats take, behind what it begins with; each
    whole, and with an end that it doesn't take. Before each, the same a tenth as long."""
    tree = _parsed(pattern)
    signs = list(dict.fromkeys(["1", "a", " ", ".", *_signs(tree)]))[:20]
    pieces = {("", sign) for sign in signs}
    pieces |= {("", sign + other) for sign in signs[4:] for other in "1a "}
    for before, repeated in list(_repeated(tree, ""))[:40]:
        for piece in (repeated, repeated + "1", repeated + "a"):
            pieces |= {(before, piece), ("", before + piece)}
    for before, piece in sorted(pieces):
        for end in ends:
            made = [before + piece * (size // len(piece)) + end for size in (LENGTH // 10, LENGTH)]
            is_bytes = isinstance(pattern.pattern, bytes)
            short, long = (text.encode("latin-1", "replace") for text in made) if is_bytes else made
            yield short, long


def _parsed(pattern: re.Pattern[Any]) -> Any:
    return parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG)


def _example(tree: Iterable[tuple[Any, Any]]) -> str:
    """The shortest text that it takes, nearly: what follows or precedes isn't looked at."""
    return "".join(_example_of(op, argument) for op, argument in tree)


def _example_of(op: Any, argument: Any) -> str:
    if op is ops.LITERAL:
        return chr(argument)
    if op is ops.NOT_LITERAL:
        return "b" if argument == ord("a") else "a"
    if op is ops.ANY:
        return "a"
    if op is ops.IN:
        taken = re.compile(_set_of(argument), re.DOTALL)
        first = next((arg for kind, arg in argument if kind is ops.LITERAL), ord("a"))
        return next((sign for sign in FIRST_TRIED if taken.fullmatch(sign)), chr(first))
    if op in REPEATS:
        least, _, inside = argument
        return _example(inside) * least
    if op is ops.SUBPATTERN:
        return _example(argument[3])
    if op is ops.BRANCH:
        return _example(argument[1][0])
    return _example(argument) if op is ops.ATOMIC_GROUP else ""


CATEGORIES = {
    ops.CATEGORY_DIGIT: r"\d",
    ops.CATEGORY_NOT_DIGIT: r"\D",
    ops.CATEGORY_SPACE: r"\s",
    ops.CATEGORY_NOT_SPACE: r"\S",
    ops.CATEGORY_WORD: r"\w",
    ops.CATEGORY_NOT_WORD: r"\W",
}


def _set_of(members: Iterable[tuple[Any, Any]]) -> str:
    """A set of signs as it is written."""
    said = ""
    for kind, argument in members:
        match kind:
            case ops.NEGATE:
                said += "^"
            case ops.LITERAL:
                said += re.escape(chr(argument))
            case ops.RANGE:
                said += f"{re.escape(chr(argument[0]))}-{re.escape(chr(argument[1]))}"
            case ops.CATEGORY:
                said += CATEGORIES[argument]
    return f"[{said}]"


def _within(op: Any, argument: Any) -> list[Any]:
    if op in REPEATS:
        return [argument[2]]
    if op is ops.SUBPATTERN:
        return [argument[3]]
    if op in (ops.BRANCH, ops.ASSERT, ops.ASSERT_NOT):
        return list(argument[1]) if op is ops.BRANCH else [argument[1]]
    return [argument] if op is ops.ATOMIC_GROUP else []


def _signs(tree: Iterable[tuple[Any, Any]]) -> Iterator[str]:
    for op, argument in tree:
        if inner := _within(op, argument):
            for part in inner:
                yield from _signs(part)
        elif sign := _example_of(op, argument):
            yield sign


def _repeated(tree: Iterable[tuple[Any, Any]], before: str) -> Iterator[tuple[str, str]]:
    """What stands before each of its repeats, and what the repeat takes."""
    for op, argument in tree:
        inner = _within(op, argument)
        if op in REPEATS:
            ways = [way for kind, arg in argument[2] if kind is ops.BRANCH for way in arg[1]]
            for way in (argument[2], *ways):
                yield before, _example(way) or "a"
        for part in inner:
            yield from _repeated(part, before)
        before += _example_of(op, argument)


class TooSlow(BaseException):
    pass


def _stop(number: int, frame: object) -> None:
    raise TooSlow


def too_slow_for(pattern: re.Pattern[Any], use: str, ends: Sequence[str] = ENDS) -> str:
    """How the first text begins that takes it too long."""
    before = signal.signal(signal.SIGVTALRM, _stop)
    try:
        for short, text in texts(pattern, ends):
            try:
                if _seconds(pattern, use, short) > INSTANT:
                    _seconds(pattern, use, text)
            except TooSlow:
                return repr(text[:30])
    finally:
        signal.signal(signal.SIGVTALRM, before)
    return ""


def _seconds(pattern: re.Pattern[Any], use: str, text: Any) -> float:
    signal.setitimer(signal.ITIMER_VIRTUAL, LONGEST)
    start = process_time()
    try:
        if use == "search":
            deque(pattern.finditer(text), maxlen=0)
        else:
            getattr(pattern, use)(text)
        return process_time() - start
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def slow_ones(collected: Collection, ends: Sequence[str] = ENDS) -> list[str]:
    return [
        f"{place}: {use} of {pattern.pattern!r} on {text}…"
        for pattern, place in collected.places.items()
        for use in sorted(collected.uses[pattern] or {"match", "fullmatch", "search"})
        if (text := too_slow_for(pattern, use, ends))
    ]


def has_choice(tree: Iterable[tuple[Any, Any]], is_possessive: bool = False) -> bool:
    """Whether what is repeated possessively can be read in two ways: Python before 3.11.5 forgets
    the ways that are left, and doesn't match."""
    for op, argument in tree:
        if is_possessive and (
            op is ops.BRANCH or (op in REPEATS[:2] and argument[0] != argument[1])
        ):
            return True
        inside = is_possessive or op in (ops.POSSESSIVE_REPEAT, ops.ATOMIC_GROUP)
        if any(has_choice(part, inside) for part in _within(op, argument)):
            return True
    return False


@pytest.fixture(scope="module")
def collected():
    return Collection(all_modules())


def test_no_pattern_of_the_package_takes_long_on_a_long_text(collected):
    assert len(collected.places) > 150
    assert collected.unread <= set(MADE_AS_IT_RUNS)
    assert slow_ones(collected) == []


def test_no_pattern_needs_a_python_that_goes_back_within_possessive_repeats(collected):
    assert has_choice(parser.parse(r"(?:[^a]|a(?!a))*+"))
    assert [place for it, place in collected.places.items() if has_choice(_parsed(it))] == []


def test_no_pattern_that_every_text_and_cell_meets_takes_long_on_a_long_text():
    """The quick part of the above."""
    collected = Collection([statements, address])
    assert len(collected.places) > 5
    assert slow_ones(collected, ENDS[1:2]) == []


@for_each(
    ("pattern", "use"),
    [
        (r"([0-9]+\.?[0-9]*|\.[0-9]+)x?", "fullmatch"),
        (r"(a+)+b", "match"),
        (r"\s*(?:\s*b)?\s*c", "match"),
        (r"[0-9]+$", "search"),
        (r"<!--.*?-->", "search"),
        (rb"\s+[=]", "search"),
    ],
)
def test_a_pattern_whose_repeats_share_a_text_is_noticed(pattern, use, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "LONGEST", 0.05)  # which none of these keeps to
    assert too_slow_for(re.compile(pattern, re.DOTALL), use)
