"""A table that one test goes through: each row is tried, and all that fail are told together."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import require

SHOWN = 60  # characters of a value in the name of its case

WITHOUT_FILES = {"capsys", "golden", "monkeypatch", "tmp_path_factory", "torch"}
PARAM = type(pytest.param())
Test = Callable[..., None]


def for_each(
    names: str | Sequence[str], rows: Iterable[Any], *, ids: Any = None
) -> Callable[[Test], Test]:
    """What `pytest.mark.parametrize` says, as one test instead of one for each row.

    Every row gets `tmp_path` as it was before the first, and a monkeypatch of its own. Two tables
    above one another are one with every pair of their rows. Of marks a row can have witnesses: it
    is skipped where one is missing.
    """
    arguments = [name.strip() for name in names.split(",")] if isinstance(names, str) else names
    table = list(_cases(arguments, list(rows), ids))
    assert table, f"no case of {names}"

    def decorate(decorated: Test) -> Test:
        test = getattr(decorated, "test", decorated)
        cases = [
            inner.with_(outer) for outer in table for inner in getattr(decorated, "cases", [Case()])
        ]
        asked, taken = signature(decorated).parameters, signature(test).parameters
        wanted = {name: value for name, value in asked.items() if name not in arguments}
        if wanted.keys() - WITHOUT_FILES:  # others may lay files there
            wanted.setdefault("tmp_path", Parameter("tmp_path", Parameter.POSITIONAL_OR_KEYWORD))

        @wraps(decorated)
        def run(**fixtures: Any) -> None:
            failures, skipped = [], None
            for case in cases[:: run.step]:
                try:
                    require(*case.witnesses)
                    with ExitStack() as stack:
                        mine = _its_own(fixtures, stack)
                        test(**{name: mine[name] for name in mine if name in taken}, **case.values)
                except pytest.skip.Exception as reason:
                    skipped = reason
                except (Exception, pytest.fail.Exception) as failure:
                    failure.add_note(f"in the case [{case}]")
                    failures.append(failure)
            if failures:
                raise _all_of(failures, len(cases[:: run.step]))
            if skipped:
                raise skipped

        run.test, run.cases = test, cases
        run.step = 1  # more in a quick run of a table that takes long: see conftest
        run.__signature__ = Signature([*wanted.values()])
        return run

    return decorate


@dataclass(frozen=True)
class Case:
    values: dict[str, Any] = field(default_factory=dict)
    names: tuple[Any, ...] = ()  # of the values, in a message
    witnesses: tuple[str, ...] = ()

    def with_(self, other: Case) -> Case:
        return Case(
            self.values | other.values, self.names + other.names, self.witnesses + other.witnesses
        )

    def __str__(self) -> str:
        return "-".join(map(_shown, self.names))


def _cases(arguments: Sequence[str], rows: Sequence[Any], ids: Any) -> Iterator[Case]:
    given = [None] * len(rows) if ids is None or callable(ids) else ids
    for row, identity in zip(rows, given, strict=True):
        name = identity
        witnesses: tuple[str, ...] = ()
        if isinstance(row, PARAM):
            assert all(mark.name == "witness" for mark in row.marks), f"{row}: other marks"
            values, name = row.values, identity if row.id is None else row.id
            witnesses = tuple(word for mark in row.marks for word in mark.args)
        else:
            values = row if len(arguments) > 1 else (row,)
        if name is not None:
            names = (name,)
        elif callable(ids):
            names = tuple(value if (said := ids(value)) is None else said for value in values)
        else:
            names = tuple(values)
        yield Case(dict(zip(arguments, values, strict=True)), names, witnesses)


def _shown(value: Any) -> str:
    said = value if isinstance(value, str) else getattr(value, "__name__", None) or repr(value)
    said = " ".join(str(said).split())
    return said if len(said) <= SHOWN else f"{said[: SHOWN - 1]}…"


def _its_own(fixtures: dict[str, Any], stack: ExitStack) -> dict[str, Any]:
    """The fixtures of one case: what it leaves behind isn't there for the next."""
    mine = dict(fixtures)
    if "tmp_path" in mine:
        stack.enter_context(_put_back(mine["tmp_path"]))
    if "monkeypatch" in mine:
        mine["monkeypatch"] = stack.enter_context(pytest.MonkeyPatch.context())
    if "capsys" in mine:
        mine["capsys"].readouterr()
    return mine


@contextmanager
def _put_back(folder: Path) -> Iterator[None]:
    """Everything in the folder, as it was; and the folder at hand."""
    at_hand = os.getcwd()
    before = {path: _content(path) for path in folder.rglob("*")}
    try:
        yield
    finally:
        os.chdir(at_hand)
        for path in sorted(folder.rglob("*"), reverse=True):
            if path not in before or _content(path) != before[path]:
                path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
        for path, content in sorted(before.items()):
            if not os.path.lexists(path):
                path.mkdir() if content is None else path.write_bytes(content)


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _all_of(failures: list[BaseException], cases: int) -> BaseException:
    if len(failures) == 1:
        return failures[0]
    return BaseExceptionGroup(f"{len(failures)} of {cases} cases fail", failures)
