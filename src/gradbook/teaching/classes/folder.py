"""A class and its files: class.toml, names.csv and the folders beside them."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from functools import cached_property, lru_cache
from os import PathLike
from time import monotonic, sleep
from typing import Any

from gradbook import limits
from gradbook.audit.findings import AskedColumn
from gradbook.errors import DataError, GradbookError, UsageError
from gradbook.files import (
    InnerPath,
    as_bytes,
    clear_parts,
    inside,
    made_folder,
    read_bytes,
    read_text,
    require_size,
    write_whole,
)
from gradbook.folders import alone_in
from gradbook.lab.classroom import file_stems, personalise, read_roster
from gradbook.language import LANGUAGES, in_same_language
from gradbook.net import Net, parse
from gradbook.net.lower import scalar_step
from gradbook.net.step import Step
from gradbook.targets.excel.plan.column_order import (
    FORWARD,
    GRADIENTS,
    LOSS,
    Exercise,
    read_kinds,
)
from gradbook.targets.excel.plan.record import ExerciseRecord
from gradbook.work import Task
from gradbook.work.processes import ProcessCrew

VERSION = 1
DEEPEST_KEY = 8  # parts of a key, with dots between them
TOO_DEEP = re.compile(rf"(?<![\w-])(?:[\w-]+[ \t]*\.[ \t]*){{{DEEPEST_KEY}}}[\w-]")
TOML_TEXT = re.compile(  # strings, which may contain dots, and comments
    r'"""(?:\\.|[^\\])*?"""|"(?:\\.|[^"\\\n])*"|'
    r"'''.*?'''|'[^'\n]*'|#[^\n]*",
    re.DOTALL,
)
SHEET, NAMES, RUBRIC = "class.toml", "names.csv", "rubric.toml"
MARKS, PAGE = "marks.csv", "class.html"
EXERCISES, HANDOUTS, KEYS = "exercises", "handouts", "keys"
HANDED_IN, FEEDBACK, GRADES, KEPT = "handed-in", "feedback", "grades", ".gradbook"
INDEX, WRITTEN, MARKED_WITH = "index.html", "written.txt", "marked-with.toml"
FOLDERS = (EXERCISES, HANDOUTS, KEYS, HANDED_IN, FEEDBACK, GRADES, KEPT)
HEAD = "# The settings of this class: don't change them. The students are listed in names.csv.\n"
LONGEST = 120.0  # seconds for a student's files
PATIENCE = 10.0  # seconds to wait for another run in the folder
LONGEST_TOLD = 60  # characters of a value in an error


@dataclass(frozen=True)
class ClassPlan:
    """The settings of a class: its network, and what the exercises leave blank."""

    network: str  # as a text
    blank: tuple[str, ...] = ("gradients",)
    places: int = 0  # columns left blank; 0: all of these kinds
    check_sheet: bool = True
    epochs: int = 20
    paper: str = "a4"  # "" for no handouts

    def text(self) -> str:
        """The content of class.toml."""
        lines = []
        for field in fields(self):  # JSON's texts, numbers and lists are TOML's
            value = json.dumps(getattr(self, field.name), ensure_ascii=False)
            value = value.replace("\x7f", "\\u007f")
            lines.append(f"{field.name} = {value}\n")
        return f"{HEAD}version = {VERSION}\n{''.join(lines)}"

    def net(self) -> Net:
        return parse(self.network, SHEET)

    def exercise(self, student: str) -> Exercise:
        tells = {FORWARD, LOSS} & set(self.blank)  # the sheet Check would show these
        has_check = self.check_sheet and not tells
        kinds = read_kinds(self.blank)
        places = self.places or None
        return Exercise(student, kinds, places, student, has_check, self.key_of(student))

    def asked(self, student: str) -> list[AskedColumn]:
        """The columns that the student's exercise asks for."""
        kinds = self.exercise(student).kind_of(_step(self.network))
        return [AskedColumn(str(node.name), "", "", kind) for node, kind in kinds.items()]

    @property
    def gradients(self) -> list[AskedColumn]:
        """What a workbook that isn't the exercise has to have."""
        nodes = _step(self.network).gradients.values()
        return [AskedColumn(str(node.name), "", "", GRADIENTS) for node in nodes]

    def key_of(self, student: str) -> str:
        """The key in the student's exercise, which identifies it whatever its file is called."""
        content = f"{self.network}\n{self.blank}\n{self.places}\n{student}"
        return hashlib.blake2b(content.encode(), digest_size=12).hexdigest()


@lru_cache(maxsize=1)
def _step(network: str) -> Step:
    """Kept outside the plan, which is sent to other processes."""
    return scalar_step(parse(network, SHEET))


@dataclass(frozen=True)
class ClassExercises:
    """What a class's exercises ask for, by the key in each, whatever else is left in the book."""

    plan: ClassPlan
    students: Mapping[str, str]  # by key

    def __call__(self, record: ExerciseRecord) -> ExerciseRecord:
        student = self.students.get(record.key)
        if student is None:
            return record
        columns = tuple((column.kind, column.quantity) for column in self.plan.asked(student))
        network = str(personalise(self.plan.net(), student))
        return replace(record, network=network, asked=columns, epochs=self.plan.epochs)


@dataclass(frozen=True)
class MarkedWith:
    """How a class was marked last, which holds until something else is asked for."""

    hints: bool = False
    language: str = ""


@dataclass(frozen=True)
class ClassFolder:
    """The folder of a class that has been set up."""

    path: InnerPath
    plan: ClassPlan
    force: bool = False  # whether to replace files that gradbook didn't write

    @cached_property
    def students(self) -> list[str]:
        return read_roster(self.path / NAMES)

    @cached_property
    def stems(self) -> dict[str, str]:
        """Each student's file name, without an ending."""
        return dict(zip(self.students, file_stems(self.students), strict=True))

    @cached_property
    def keys(self) -> dict[str, str]:
        """The student of each key."""
        return {self.plan.key_of(student): student for student in self.students}

    @property
    def marked_with(self) -> MarkedWith:
        path = self.path / KEPT / MARKED_WITH
        known = read_toml(path) if path.is_file() else {}
        hints, language = known.get("hints"), known.get("language")
        return MarkedWith(hints is True, language if language in LANGUAGES else "")

    def keep_marked_with(self, how: MarkedWith) -> None:
        text = f'hints = {str(how.hints).lower()}\nlanguage = "{how.language}"\n'
        write_whole(self.inside(KEPT) / MARKED_WITH, text)

    def inside(self, folder: str) -> InnerPath:
        """A folder of the class, made if it doesn't exist."""
        made_folder(self.path / folder)
        return self.path / folder

    # The checksums of files that gradbook may overwrite are kept in the class's own folder, so that
    # they are known on another machine, too.

    def require_ours(self, *names: str) -> None:
        """Raise an error, before long work, if gradbook didn't write one of these files."""
        known = self._written
        if known is None or self.force:
            return
        for name in names:
            if (sum_there := self._sum(name)) and sum_there not in known.get(name, ()):
                raise UsageError(
                    f"{self.path / name} already exists, and gradbook didn't write it as it is "
                    "now: move it away, or replace it with --force"
                )

    def write(self, files: Mapping[str, str | bytes]) -> None:
        """Write these files, replacing only what gradbook wrote itself."""
        self.require_ours(*files)
        known = dict(self._written or {})
        for name, content in files.items():
            # a run that is killed now leaves one of these two
            known[name] = [self._sum(name), sum_of(as_bytes(content))]
        lines = [f"{checksum} {name}" for name, sums in known.items() for checksum in sums]
        write_whole(self.inside(KEPT) / WRITTEN, "\n".join(lines))
        for name, content in files.items():
            write_whole(self.path / name, content)

    @property
    def _written(self) -> dict[str, list[str]] | None:
        """The checksums by file name; None for a class made before they were recorded."""
        path = self.path / KEPT / WRITTEN
        if not path.is_file():
            return None if (self.path / SHEET).is_file() else {}
        known: defaultdict[str, list[str]] = defaultdict(list)
        for line in read_text(path).splitlines():
            checksum, _, name = line.partition(" ")
            known[name].append(checksum)
        return known

    def _sum(self, name: str) -> str:
        path = self.path / name
        content = read_bytes(path, limits.REPORT) if path.is_file() else b""
        return sum_of(content) if content else ""

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other runs out of the class, and remove what a killed one left half-written.
        If another run is at work, wait for it, but not for long."""
        until = monotonic() + PATIENCE
        while True:
            with alone_in(self.path) as is_alone:
                if is_alone:
                    for folder in (self.path, *map(self.path.__truediv__, FOLDERS)):
                        clear_parts(folder)
                    yield
                    return
            if monotonic() > until:
                raise UsageError(
                    f"another process uses the class in {self.path}: wait for it, or stop it"
                )
            sleep(0.1)


def sum_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def open_class(path: str | PathLike[str], force: bool = False) -> ClassFolder:
    sheet = inside(path) / SHEET
    if not sheet.is_file():
        raise UsageError(
            f"{path} isn't a class: begin one with gradbook class init {path} --names names.csv"
        )
    return ClassFolder(inside(path), read_plan(sheet), force)


def read_plan(sheet: PathLike[str]) -> ClassPlan:
    plan = read_toml(sheet)
    if plan.pop("version", None) != VERSION:
        raise DataError("it was made by another version of gradbook", file=str(sheet))
    kinds = {field.name: field for field in fields(ClassPlan)}
    odd = [name for name in plan if name not in kinds]
    if odd or "network" not in plan:
        what = f"it has no key called {odd[0]!r}" if odd else "its network is missing"
        raise DataError(f"{what}: restore the file as it was made", file=str(sheet))
    usual = ClassPlan("")
    for name, value in plan.items():
        plain = tuple(value) if isinstance(value, list) else value
        if type(plain) is not type(getattr(usual, name)):
            raise DataError(f"{name} can't be {shorten_value(value)}", file=str(sheet))
        plan[name] = plain
    return ClassPlan(**plan)


def read_toml(path: PathLike[str]) -> dict[str, Any]:
    text = read_text(path, limit=limits.SETTINGS_BY_HAND)
    # the cost of a key is quadratic in its depth, which is therefore checked before parsing
    if TOO_DEEP.search(TOML_TEXT.sub(lambda match: "" if match[0][0] == "#" else "key", text)):
        raise DataError(f"a key in it is deeper than {DEEPEST_KEY}: use fewer dots", file=str(path))
    try:
        return tomllib.loads(text)
    except ValueError as error:  # in the syntax, or a number with thousands of digits
        raise DataError(f"it isn't TOML: {error}", file=str(path)) from error
    except RecursionError as error:
        raise DataError("it has too many parts within parts", file=str(path)) from error


def shorten_value(value: object) -> str:
    """A value of such a file for an error message, cut off if it is long."""
    try:
        text = repr(value)
    except ValueError:  # an integer with thousands of digits
        return "so large a number"
    return text if len(text) <= LONGEST_TOLD else f"{text[:LONGEST_TOLD]}…"


def begin_class(
    path: str | PathLike[str], plan: ClassPlan, names: str, force: bool = False
) -> ClassFolder:
    """Set up a folder with class.toml and names.csv, or open the folder of the same class.

    Students may be added to the list, but not removed, for they may have marks.
    """
    plan.net()
    new = read_roster(names)
    folder = inside(path)
    sheet = folder / SHEET
    if sheet.is_file():
        begun = open_class(path)
        if begun.plan != plan:
            odd = next(
                setting.name
                for setting in fields(plan)
                if getattr(plan, setting.name) != getattr(begun.plan, setting.name)
            )
            raise UsageError(
                f"{path} holds another class: its {odd} differs (see {sheet}); choose another "
                "folder"
            )
        gone = [name for name in begun.students if name not in new] if _has_names(begun) else []
        if gone:
            raise UsageError(f"{names} lacks {gone[0]!r}, who is already in {path}: add the name")
    require_size(len(plan.text().encode()), "the network of a class", limits.SETTINGS_BY_HAND)
    begun = ClassFolder(folder, plan, force)
    content = read_bytes(names, limits.LIST)
    is_new = not _has_names(begun) or read_bytes(folder / NAMES, limits.LIST) != content
    index = folder / INDEX
    if index.is_file() and os.path.samefile(names, index):
        raise UsageError(f"{names} is where the class's page goes: name another file or folder")
    begun.require_ours(INDEX, *[NAMES] * is_new)
    made_folder(folder)
    with begun.alone():
        if is_new:
            begun.write({NAMES: content})
        if not sheet.is_file():
            write_whole(sheet, plan.text())
    return begun


def _has_names(begun: ClassFolder) -> bool:
    return (begun.path / NAMES).is_file()


# Work for every student ---------------------------------------------------------------


def do_each(
    tasks: Sequence[tuple[str, Task]], workers: int, tell: Callable[[int], object]
) -> Iterable[tuple[str, Any]]:
    """Yield each task's name and result as it finishes; the first error ends all tasks."""
    tasks = [(name, in_same_language(task)) for name, task in tasks]
    if len(tasks) < 2 or workers < 2:
        for number, (name, task) in enumerate(tasks, 1):
            yield name, task()
            tell(number)
        return
    with ProcessCrew(workers, LONGEST) as crew:
        for done, (name, outcome) in enumerate(crew.do_all(tasks), 1):
            tell(done)
            if error := outcome.error:
                raise error if isinstance(error, GradbookError) else GradbookError(str(error))
            yield name, outcome.value
