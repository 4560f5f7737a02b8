"""What is fuzzed: each reader with its grammar, the ways to break what that makes, and its words.

A target's reader is given bytes and a folder. It takes them, or a GradbookError refuses them; a
reader of texts also holds that what it took reads back as the same. Nothing else may come of it.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from hypothesis.strategies import SearchStrategy

from gradbook.audit.check_book import check
from gradbook.audit.copies.annotate import annotate
from gradbook.audit.copies.correct import correct
from gradbook.cells.formula.address import pack
from gradbook.cells.formula.pattern import Reader as FormulaReader
from gradbook.cells.formula.syntax import read as read_formula
from gradbook.cells.formula.syntax import write
from gradbook.cells.read import read_book
from gradbook.data import sources
from gradbook.data.dataset import Framing
from gradbook.data.formats import npz, pictures
from gradbook.data.formats.wav import read_wav
from gradbook.data.photo import as_seen, ground_behind
from gradbook.data.signals import read_signals
from gradbook.data.tables import read_columns, read_table
from gradbook.data.warp import WARP_GRAMMAR, parse_warp, write_warp
from gradbook.errors import GradbookError, UsageError
from gradbook.formats.file_kinds import read_network
from gradbook.lab.models.model import Model
from gradbook.lab.models.stored import kind_of
from gradbook.lab.recipes import recipe_text
from gradbook.lab.runs import open_run
from gradbook.lab.signals import WindowsAsked, signal_problem
from gradbook.lab.study import study_plan as studies
from gradbook.lab.study.run_study import StudyFolder
from gradbook.lab.training import run_folder
from gradbook.net import Net, grammar
from gradbook.net.formulas import parse_formulas, reads_as_formulas
from gradbook.net.lower import scalar_step
from gradbook.net.work.at_work import at_start
from gradbook.report.dataset import dataset_report
from gradbook.report.terminal import report_text
from tests.audit.material.mangled.packages import packed
from tests.fuzz import breaks, classes, grammars
from tests.fuzz.breaks import Break
from tests.fuzz.forms import (
    bundle_of_archive,
    parts_of,
    tensors,
    text_of,
    with_right_sum,
    with_right_sums,
)

MOST_PARAMETERS = 2_000  # of a network whose model is made, so that it is made at once
DEFINES = " := "  # in a line of formulas: the name before it means what follows
FEW, COMPARED = 20, 500  # formulas of an input; characters of those that are read once more


@dataclass(frozen=True)
class Target:
    """A reader, and where its inputs come from."""

    name: str
    read: Callable[[bytes, Path], object]
    valid: SearchStrategy[bytes]
    broken: Break
    rooms: Sequence[str]  # of gradbook, whose code a search looks at
    words: Sequence[str] = ()  # that its inputs are made of
    longest: int = 4_000  # bytes of an input
    needs: Sequence[str] = ()  # witnesses without which there is nothing to read


# Texts.


def _read_back(read: Callable[[str], object], text: str, found: object) -> None:
    """Hold that what was read is written as a text that says the same."""
    try:
        again = read(text)
    except GradbookError as error:
        raise AssertionError(f"it doesn't read back: {error}") from error
    assert again == found, "it reads back as another"


def _network(data: bytes, folder: Path) -> None:
    net = Net.parse(text_of(data))
    _read_back(Net.parse, str(net), net)


def _recipe(data: bytes, folder: Path) -> None:
    found = recipe_text.parse(text_of(data), None, folder)
    _read_back(recipe_text.parse, str(found), found)


def _study(data: bytes, folder: Path) -> None:
    found = studies.read_plan(text_of(data), folder=str(folder))
    _read_back(studies.read_plan, str(found), found)


def _warp(data: bytes, folder: Path) -> None:
    found = parse_warp(text_of(data))
    _read_back(parse_warp, write_warp(found), found)


def _typed(data: bytes, folder: Path) -> None:
    text = text_of(data)
    if reads_as_formulas(text):
        found = parse_formulas(text)
        scalar_step(found)
        _read_back(parse_formulas, str(found), found)


def _formulas(data: bytes, folder: Path) -> None:
    """Formulas typed one below the other, in a book with the names that some lines define."""
    typed = data.decode("utf-8", "replace").split("\n")[:FEW]
    names = dict(line.split(DEFINES, 1) for line in typed if DEFINES in line)
    reader = FormulaReader({"s": 0, "it's": 1}, {name.lower(): names[name] for name in names})
    refused = None
    for row, line in enumerate(typed):
        home = pack(0, row + 5, 3)
        found = reader.pattern(line, home)
        reader.element(line, home, 1, 1)
        _ = found.expression, found.shape, found.makeup, found.text_at(home + pack(0, 1, 1))
        try:
            said = read_formula(line)
        except GradbookError as error:
            refused = refused or error
        else:
            if len(line) <= COMPARED:
                _read_back(read_formula, write(said), said)
    if refused:
        raise refused


# Workbooks.


def _book(data: bytes, folder: Path) -> Path:
    path = folder / "book.xlsx"
    path.write_bytes(packed(parts_of(data), zipfile.ZIP_STORED))
    return path


def _workbook(data: bytes, folder: Path) -> None:
    read_book(_book(data, folder))


def _package(data: bytes, folder: Path) -> None:
    path = folder / "book.xlsx"
    path.write_bytes(data)
    read_book(path)


def _audit(data: bytes, folder: Path) -> None:
    path = _book(data, folder)
    report = check(path)
    if report.verdict == "unreadable":
        raise UsageError(report.problem)
    for copy in (annotate, correct):
        with suppress(GradbookError):
            copy(path, report)


# Networks of others.


def _onnx(data: bytes, folder: Path) -> None:
    (folder / "net.onnx").write_bytes(data)
    read_network(folder / "net.onnx")


def _keras(data: bytes, folder: Path) -> None:
    (folder / "net.keras").write_bytes(packed(parts_of(data), zipfile.ZIP_STORED))
    read_network(folder / "net.keras")


# Data.


def _folder_of(data: bytes, folder: Path) -> Path:
    """A folder of the bundle's files."""
    made = folder / "set"
    made.mkdir(exist_ok=True)
    for old in made.iterdir():
        old.unlink()
    for name, content in parts_of(data).items():
        plain = name.replace("/", "_").strip(".")
        (made / (plain or "_")).write_bytes(content)
    return made


def _images(data: bytes, folder: Path) -> None:
    report_text(dataset_report(sources.load(_folder_of(data, folder))))


def _arrays(data: bytes, folder: Path) -> None:
    path = folder / "set.npz"
    path.write_bytes(packed(parts_of(data), zipfile.ZIP_STORED))
    report_text(dataset_report(npz.read(path)))


def _columns(data: bytes, folder: Path) -> None:
    path = folder / "table.csv"
    path.write_bytes(data)
    columns = read_columns(path)
    for name in columns.names:
        columns.column(name)


SAMPLED = Net.parse("input 2; dense 3; softmax; loss cross-entropy")


def _samples(data: bytes, folder: Path) -> None:
    path = folder / "table.csv"
    path.write_bytes(data)
    read_table(path, SAMPLED)


def _sound(data: bytes, folder: Path) -> None:
    path = folder / "sound.wav"
    path.write_bytes(data)
    read_wav(path)


def _recordings(data: bytes, folder: Path) -> None:
    path = folder / "moves.csv"
    path.write_bytes(data)
    signals = read_signals(path)
    problem = signal_problem(signals, WindowsAsked(2, 1), everything=True)
    problem.balance(None)


def _picture(data: bytes, folder: Path) -> None:
    path = folder / "picture.png"
    path.write_bytes(with_right_sums(data))
    as_seen(pictures.read(path, enough=28), (3, 28, 28), None)
    as_seen(pictures.read(path, ground_behind), (1, 28, 28), Framing(20, True))


# Records.


def _tensors(data: bytes, folder: Path) -> None:
    """A file of numbers, whatever it says that they are."""
    path = folder / "some.safetensors"
    path.write_bytes(with_right_sum(data))
    is_checkpoint = kind_of(path) == run_folder.CHECKPOINT_KIND
    (run_folder.read_checkpoint if is_checkpoint else Model.load)(path)


def _model(data: bytes, folder: Path) -> None:
    """A model's record, with values that fit its network if that is small."""
    path = folder / "model.safetensors"
    path.write_bytes(with_right_sum(tensors(_values(data), data)))
    model = Model.load(path)
    _ = model.data, model.summary(), repr(model)
    if model.net.count() <= MOST_PARAMETERS:
        model.predict(np.zeros((1, *model.net.input), np.uint8))
    _ = model.picture


def _values(record: bytes) -> dict[str, np.ndarray]:
    try:
        net = Net.parse(json.loads(record)["network"])
    except (GradbookError, ValueError, TypeError, LookupError, RecursionError):
        return {}
    if net.count() > MOST_PARAMETERS:
        return {}
    return {name: np.asarray(value, np.float32) for name, value in at_start(net).items()}


STANDING = {
    "w_1": np.ones((2, 3), np.float32),
    "best/w_1": np.ones((2, 3), np.float32),
    run_folder.LOSSES: np.zeros(2),
    run_folder.RIGHT: np.zeros(2, np.int32),
}


def _checkpoint(data: bytes, folder: Path) -> None:
    path = folder / "000001.safetensors"
    path.write_bytes(with_right_sum(tensors(STANDING, data)))
    run_folder.read_checkpoint(path)


def _run(data: bytes, folder: Path) -> None:
    """The records of a run, and of the study beside it."""
    made = _folder_of(data, folder)
    study = StudyFolder(made)
    if Path(study.plan_file).exists():
        study.records()
    found = open_run(made)
    _ = found.test, found.seconds, found.validation, found.parameters


# All of them.


def _words(*texts: str) -> tuple[str, ...]:
    """What a grammar's own text is made of, from words to marks."""
    return tuple(dict.fromkeys(word for text in texts for word in re.findall(r"\S+", text)))


NETWORK = _words(grammar())
RECIPE = (*NETWORK, *_words(recipe_text.GRAMMAR, WARP_GRAMMAR))
STUDY = (*RECIPE, *_words(studies.GRAMMAR), "vary quick")
XML = _words('<c r="A1" t="s"> <f t="shared" si="0" ref="A1:B2"> <v> </v> </f> </c> <row r="1">')

TYPED = (*"()[]|√²½·^*/+-=,;<>e2", "sin", "if(", "max(", " = ", "; ")
OF_RECIPE, CELL = breaks.of_words(RECIPE), breaks.of_words((",", ";", '"', "\n"))
IN_XML, IN_BYTES = breaks.of_parts(breaks.of_xml), breaks.of_parts(breaks.of_bytes)
MODEL = ("schema", "lab.models.stored", "lab.models.model")

TARGETS = {
    target.name: target
    for target in (
        Target(
            "network", _network, grammars.networks(), breaks.of_words(NETWORK), ("net",), NETWORK
        ),
        Target(
            *("recipe", _recipe, grammars.recipes(), OF_RECIPE),
            rooms=("lab.recipes", "net.text"),
            words=RECIPE,
        ),
        Target(
            *("study", _study, grammars.studies(), breaks.of_words(STUDY)),
            rooms=("lab.study.plan", "lab.study.braces"),
            words=STUDY,
        ),
        Target("warp", _warp, grammars.warps(), OF_RECIPE, ("data.warp",), RECIPE),
        Target(
            *("typed formula", _typed, grammars.typed(), breaks.of_words(TYPED)),
            rooms=("net.formulas", "net.formula_text"),
            words=TYPED,
        ),
        Target(
            *("formula", _formulas, grammars.formulas(), breaks.of_formulas),
            rooms=("cells.formula", "targets.excel.language"),
            words=(DEFINES, "LET(", "!", "{", "$A$1"),
        ),
        Target(
            *("workbook", _workbook, grammars.books(), IN_XML),
            rooms=("cells",),
            words=XML,
            longest=20_000,
        ),
        Target("audit", _audit, grammars.books(), IN_XML, ("audit",), XML, 20_000),
        Target(
            *("package", _package, grammars.packages(), breaks.of_bytes),
            rooms=("archives", "cells.package", "cells.read"),
            longest=20_000,
        ),
        Target(
            *("onnx", _onnx, grammars.exported("onnx"), breaks.of_bytes),
            rooms=("formats.onnx", "formats"),
            needs=["onnx"],
        ),
        Target(
            *("keras", _keras, grammars.exported("keras").map(bundle_of_archive)),
            broken=breaks.of_parts(breaks.one_of(breaks.of_bytes, breaks.of_fields)),
            rooms=("formats.keras", "formats"),
            longest=40_000,
            needs=["keras"],
        ),
        Target("images", _images, grammars.image_folders(), IN_BYTES, ("data", "archives")),
        Target(
            *("arrays", _arrays, grammars.archives(), IN_BYTES),
            rooms=("data.formats.npz", "data.dataset", "archives"),
        ),
        Target(
            "columns",
            _columns,
            grammars.tables(),
            CELL,
            ("data.tables", "data.formats.cells"),
        ),
        Target(
            "samples",
            _samples,
            grammars.sample_tables(),
            CELL,
            ("data.tables", "data.formats.cells"),
        ),
        Target(
            *("sound", _sound, grammars.sounds(), breaks.of_bytes),
            rooms=("data.formats.wav",),
        ),
        Target(
            *("recordings", _recordings, grammars.recordings(), CELL),
            rooms=("data.signals", "data.tables", "data.formats.cells"),
        ),
        Target(
            *("picture", _picture, grammars.pictures(), breaks.of_bytes),
            rooms=("data.formats.pictures", "data.photo"),
        ),
        Target(
            *("tensors", _tensors, grammars.files_of_tensors(), breaks.of_tensors),
            rooms=(*MODEL, "lab.models.columns"),
        ),
        Target("model", _model, grammars.models(), breaks.of_fields, (*MODEL, "net"), NETWORK),
        Target(
            *("checkpoint", _checkpoint, grammars.checkpoints(), breaks.of_fields),
            rooms=(*MODEL, "lab.training.run_folder"),
        ),
        Target(
            *("run", _run, grammars.runs(), breaks.of_parts(breaks.of_fields)),
            rooms=("schema", "lab.runs", "lab.training.run_folder", "lab.study.study"),
        ),
        Target(
            *("rubric", classes.read_rubric_and_mark, classes.rubrics()),
            breaks.of_words(classes.RUBRIC),
            rooms=("teaching.classes.rubric", "teaching.classes.folder"),
            words=classes.RUBRIC,
        ),
        Target(
            *("marks", classes.read_marks, classes.marks(), CELL),
            rooms=("teaching.classes.ledger", "data.formats.cells"),
        ),
        Target(
            *("class", classes.read_class, classes.plans(), breaks.of_words(NETWORK)),
            rooms=("teaching.classes.folder", "net.text"),
        ),
        Target(
            *("handed in", classes.take_in_parts, classes.sent(), IN_BYTES),
            rooms=("teaching.classes.collecting", "archives"),
        ),
        Target(
            *("sent", classes.take_in, classes.archives(), breaks.of_bytes),
            rooms=("teaching.classes.collecting", "archives"),
        ),
    )
}
