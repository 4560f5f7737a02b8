"""What a class is, and where its files lie: class.toml, names.csv and the folders beside them."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any

from gradbook.errors import DataError, GradbookError, UsageError
from gradbook.files import clear_parts, made_folder, read_text, write_whole
from gradbook.lab.classroom import file_stems, read_roster
from gradbook.language import in_same_language
from gradbook.net import Net, parse
from gradbook.targets.excel.plan.columns import FORWARD, LOSS, Exercise, read_kinds
from gradbook.work.processes import ProcessCrew, Task

VERSION = 1
SHEET, NAMES, RUBRIC = "class.toml", "names.csv", "rubric.toml"
MARKS, PAGE = "marks.csv", "class.html"
EXERCISES, HANDOUTS, KEYS = "exercises", "handouts", "keys"
HANDED_IN, FEEDBACK, GRADES, KEPT = "handed-in", "feedback", "grades", ".gradbook"
HEAD = "# What this class is: leave it as it is. The students are listed in names.csv.\n"
LONGEST = 120.0  # seconds for a student's files
LONGEST_TOLD = 60  # letters of a value, in an error


@dataclass(frozen=True)
class ClassPlan:
    """What the students of a class are given."""

    network: str  # as a text
    blank: tuple[str, ...] = ("gradients",)
    places: int = 0  # columns left blank; 0: all of these kinds
    check_sheet: bool = True
    epochs: int = 20
    paper: str = "a4"  # "" without handouts

    def text(self) -> str:
        """As class.toml has it."""
        own = ((one.name, getattr(self, one.name)) for one in fields(self))
        lines = [f"{name} = {_toml(value)}\n" for name, value in own]
        return f"{HEAD}version = {VERSION}\n{''.join(lines)}"

    def net(self) -> Net:
        return parse(self.network, SHEET)

    def exercise(self, student: str) -> Exercise:
        tells = {FORWARD, LOSS} & set(self.blank)  # what the sheet Check is made of
        has_check = self.check_sheet and not tells
        kinds = read_kinds(self.blank)
        return Exercise(student, kinds, self.places or None, student, has_check)


def _toml(value: object) -> str:
    """JSON's texts, numbers and lists are TOML's."""
    said = list(value) if isinstance(value, tuple) else value
    return json.dumps(said, ensure_ascii=False).replace("\x7f", "\\u007f")


@dataclass(frozen=True)
class ClassFolder:
    """A class that was begun."""

    path: Path
    plan: ClassPlan

    @cached_property
    def students(self) -> list[str]:
        return read_roster(self.path / NAMES)

    @cached_property
    def stems(self) -> dict[str, str]:
        """What each student's files are called."""
        return dict(zip(self.students, file_stems(self.students), strict=True))

    def inside(self, folder: str) -> Path:
        """A folder of the class, which is there, without what a killed run left in it."""
        found = made_folder(self.path / folder)
        clear_parts(found)
        return found


def open_class(path: str | PathLike[str]) -> ClassFolder:
    sheet = Path(path) / SHEET
    if not sheet.is_file():
        raise UsageError(
            f"{path} is no class: begin one with gradbook class init {path} --names names.csv"
        )
    return ClassFolder(Path(path), read_plan(sheet))


def read_plan(sheet: Path) -> ClassPlan:
    found = read_toml(sheet)
    if found.pop("version", None) != VERSION:
        raise DataError("it was made by another version of gradbook", file=str(sheet))
    kinds = {one.name: one for one in fields(ClassPlan)}
    odd = [name for name in found if name not in kinds]
    if odd or "network" not in found:
        what = f"it has no key called {odd[0]!r}" if odd else "its network is missing"
        raise DataError(f"{what}: restore the file as it was made", file=str(sheet))
    usual = ClassPlan("")
    for name, value in found.items():
        own = tuple(value) if isinstance(value, list) else value
        if type(own) is not type(getattr(usual, name)):
            raise DataError(f"{name} can't be {shorten_value(value)}", file=str(sheet))
        found[name] = own
    return ClassPlan(**found)


def read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(read_text(path))
    except ValueError as error:  # of the language, or a number with thousands of digits
        raise DataError(f"it isn't TOML: {error}", file=str(path)) from error
    except RecursionError as error:
        raise DataError("it has too many parts within parts", file=str(path)) from error


def shorten_value(value: object) -> str:
    """A value of such a file in an error: its beginning, where it is long."""
    try:
        said = repr(value)
    except ValueError:  # of a whole number with thousands of digits
        return "so large a number"
    return said if len(said) <= LONGEST_TOLD else f"{said[:LONGEST_TOLD]}…"


def begin_class(path: str | PathLike[str], plan: ClassPlan, names: str) -> ClassFolder:
    """The folder with what everything else follows from; of a class begun before, the same.

    Students may be added to the list; nobody is left out, for there may be marks.
    """
    plan.net()
    new = read_roster(names)
    folder = Path(path)
    sheet = folder / SHEET
    if sheet.exists():
        begun = open_class(path)
        if begun.plan != plan:
            odd = next(
                one.name
                for one in fields(plan)
                if getattr(plan, one.name) != getattr(begun.plan, one.name)
            )
            raise UsageError(
                f"{path} holds another class: its {odd} differs (see {sheet}); choose another "
                "folder"
            )
        gone = [name for name in begun.students if name not in new] if _has_names(begun) else []
        if gone:
            raise UsageError(f"{names} lacks {gone[0]!r}, who is in {path} already: add the name")
    made_folder(folder)
    clear_parts(folder)
    content = Path(names).read_bytes()
    if not (folder / NAMES).exists() or (folder / NAMES).read_bytes() != content:
        write_whole(folder / NAMES, content)
    if not sheet.exists():
        write_whole(sheet, plan.text())
    return open_class(folder)


def _has_names(begun: ClassFolder) -> bool:
    return (begun.path / NAMES).is_file()


# Work for every student ---------------------------------------------------------------


def do_each(
    tasks: Sequence[tuple[str, Task]], workers: int, tell: Callable[[int], object]
) -> Iterable[tuple[str, Any]]:
    """What the tasks come to, by their names, as they come; the first error ends all."""
    tasks = [(name, in_same_language(task)) for name, task in tasks]
    if len(tasks) < 2 or workers < 2:
        for number, (name, task) in enumerate(tasks, 1):
            yield name, task()
            tell(number)
        return
    with ProcessCrew(workers, LONGEST) as crew:
        given = done = 0
        while done < len(tasks):
            for name, task in tasks[given : given + crew.room]:
                crew.give(name, task)
                given += 1
            for name, found in crew.outcomes():
                done += 1
                tell(done)
                yield name, _value(found.value, found.error)


def _value(value: Any, error: Exception | None) -> Any:
    if error is None:
        return value
    raise error if isinstance(error, GradbookError) else GradbookError(str(error))
