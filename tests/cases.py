"""A table that one test goes through: each row is tried, and all that fail are told together."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import wraps
from typing import Any

import pytest

SHOWN = 60  # characters of a value in the name of its case

Test = Callable[..., None]


def for_each(
    names: str | Sequence[str], rows: Iterable[Any], *, ids: Any = None
) -> Callable[[Test], Test]:
    """What `pytest.mark.parametrize` says, as one test instead of one for each row.

    Every row gets a folder, a monkeypatch and an empty capsys of its own. Two tables above one
    another are one with every pair of their rows. A row cannot have marks: for a witness that only
    some rows need, call `require` of conftest in the test.
    """
    arguments = [name.strip() for name in names.split(",")] if isinstance(names, str) else names
    table = list(_named(arguments, rows, ids))
    assert table, f"no case of {names}"

    def decorate(decorated: Test) -> Test:
        test = getattr(decorated, "test", decorated)
        cases = [
            (f"{inner}-{outer}" if inner else outer, values | more)
            for outer, more in table
            for inner, values in getattr(decorated, "cases", [("", {})])
        ]
        asked = inspect.signature(decorated).parameters
        fixtures_asked = [value for name, value in asked.items() if name not in arguments]

        @wraps(decorated)
        def run(**fixtures: Any) -> None:
            failures, skipped = [], None
            for place, (name, values) in enumerate(cases[: run.most]):
                try:
                    with ExitStack() as stack:
                        test(**_its_own(fixtures, place, stack), **values)
                except pytest.skip.Exception as reason:
                    skipped = reason
                except (Exception, pytest.fail.Exception) as failure:
                    failure.add_note(f"in the case [{name}]")
                    failures.append(failure)
            if failures:
                raise _all_of(failures, len(cases))
            if skipped:
                raise skipped

        run.test, run.cases = test, cases
        run.most = None  # conftest sets it where only the first is quick
        run.__signature__ = inspect.Signature(fixtures_asked)
        return run

    return decorate


def _named(
    arguments: Sequence[str], rows: Iterable[Any], ids: Any
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each case: its name in a message, and the values of its arguments."""
    given = [None] * len(rows := list(rows)) if ids is None or callable(ids) else list(ids)
    for row, identity in zip(rows, given, strict=True):
        name, values = identity, row if len(arguments) > 1 else (row,)
        if isinstance(row, type(pytest.param())):
            assert not row.marks, f"{row}: a case has no marks"
            name, values = row.id or identity, row.values
        said = name or "-".join(_shown(value, ids) for value in values)
        yield said, dict(zip(arguments, values, strict=True))


def _shown(value: Any, ids: Any) -> str:
    said = ids(value) if callable(ids) else None
    if said is None:
        said = value if isinstance(value, str) else getattr(value, "__name__", None) or repr(value)
    said = " ".join(str(said).split())
    return said if len(said) <= SHOWN else f"{said[: SHOWN - 1]}…"


def _its_own(fixtures: dict[str, Any], place: int, stack: ExitStack) -> dict[str, Any]:
    """The fixtures of one case: what an earlier one left behind is no longer in them."""
    mine = dict(fixtures)
    if "monkeypatch" in mine:
        mine["monkeypatch"] = stack.enter_context(pytest.MonkeyPatch.context())
    if "tmp_path" in mine and not mine.keys() & {"gradbook", "refused"}:  # which work in it
        mine["tmp_path"] = mine["tmp_path"] / f"case-{place}"
        mine["tmp_path"].mkdir(exist_ok=True)
    if "capsys" in mine:
        mine["capsys"].readouterr()
    stack.callback(os.chdir, os.getcwd())
    return mine


def _all_of(failures: list[BaseException], cases: int) -> BaseException:
    if len(failures) == 1:
        return failures[0]
    return BaseExceptionGroup(f"{len(failures)} of {cases} cases fail", failures)
