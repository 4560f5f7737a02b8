"""The folder of a stranger: a class, a run, a study. No link in it is followed, read or written."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gradbook import system
from gradbook.cli.main import main
from gradbook.errors import FileError
from gradbook.files import inside, made_folder, read_text, write_whole
from gradbook.lab.training.train import train
from gradbook.report.training_report import write_report
from gradbook.teaching.classes.folder import open_class
from gradbook.teaching.classes.making import make_class
from tests.cases import for_each
from tests.lab import made
from tests.lab.study.test_study import VARIED
from tests.serve.running import served
from tests.teaching.classes.made import begun, solved

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there links need a privilege")

SECRET = "a secret of whoever opens the folder: 41077"
LINK = "it is a link, which isn't followed there"
Way = Callable[[Path, Path], None]


def _linked(place: Path, to: Path) -> None:
    place.symlink_to(to)


def _linked_to_nothing(place: Path, to: Path) -> None:
    place.symlink_to(to.with_name("nothing"))


WAYS: dict[str, tuple[Way, str]] = {
    "a link": (_linked, LINK),
    "a link to nothing": (_linked_to_nothing, LINK),
    "a pipe": (lambda place, to: os.mkfifo(place), "it is a pipe"),
}


class Trap:
    """Copies of a folder, one thing in each of which leads to what lies outside."""

    def __init__(self, original: Path, place: Path) -> None:
        self.original, self.place, self.count = original, place, 0
        self.outside = place / "outside"
        self.outside.mkdir()
        (self.outside / "file").write_text(SECRET)
        (self.outside / "000009.safetensors").write_text(SECRET)
        self.before = self.content()

    def content(self) -> dict[str, str]:
        return {path.name: path.read_text() for path in self.outside.iterdir()}

    def set(self, name: str, way: Way) -> Path:
        self.count += 1
        copy = self.place / f"{self.count}" / "it"
        shutil.copytree(self.original, copy)
        goal = self.outside if (copy / name).is_dir() else self.outside / "file"
        shutil.rmtree(copy / name) if (copy / name).is_dir() else (copy / name).unlink()
        way(copy / name, goal)
        return copy

    def require_untouched(self, copy: Path) -> None:
        assert self.content() == self.before
        assert sorted(os.listdir(self.place)) == sorted(
            ["outside", *(str(k + 1) for k in range(self.count))]
        )
        for path in copy.rglob("*"):
            if path.is_file() and not path.is_symlink():
                assert SECRET.encode() not in path.read_bytes(), path
        shutil.rmtree(copy)
        copy.parent.mkdir(exist_ok=True)


def _names(folder: Path) -> Iterator[str]:
    """All its files, and its folders."""
    yield from sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


# A class ----------------------------------------------------------------------

GIVEN_OUT = ("exercises", "index.html")  # what init makes, and mark doesn't look at


@pytest.fixture(scope="module")
def marked(tmp_path_factory) -> Path:
    """A class that was marked, whose rubric has changed since, so that all is written again."""
    place = tmp_path_factory.mktemp("class")
    folder = begun(place)
    for student in folder.students[:2]:
        name = f"{folder.stems[student]}.xlsx"
        solved(folder, student, Path(folder.path) / "handed-in" / name)
    assert main(["class", "mark", str(folder.path)]) == 0
    (Path(folder.path) / "rubric.toml").write_text("out_of = 9\n")
    return Path(folder.path)


@pytest.mark.parametrize("kind", WAYS)
def test_no_link_in_a_class_is_followed(kind, marked, tmp_path, capsys):
    way, why = WAYS[kind]
    trap = Trap(marked, tmp_path)
    names = [name for name in _names(marked) if kind != "a pipe" or (marked / name).is_file()]
    assert len(names) > 15
    for name in names:
        copy = trap.set(name, way)
        capsys.readouterr()
        if name.startswith(GIVEN_OUT):
            code = _made_again(copy)
        else:
            code = main(["class", "mark", str(copy)])
        output = capsys.readouterr().err
        assert (code, str(copy / name) in output, why in output) == (2, True, True), (name, output)
        assert output.count("\n") == 1
        trap.require_untouched(copy)


def _made_again(folder: Path) -> int:
    """As `class init` does, by the plan that is there."""
    try:
        make_class(open_class(folder), 1)
    except FileError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def test_what_is_served_of_a_class_is_its_own(marked, tmp_path):
    kept = Trap(marked, tmp_path)
    for name, path in (
        ("feedback/Ada-Lovelace.html", "class/feedback.zip"),
        ("exercises/Ada-Lovelace.xlsx", "class/exercises.zip"),
        ("class.html", "class/class.html"),
        ("grades", "class/grades.zip"),
    ):
        copy = kept.set(name, _linked)
        with served(str(copy)) as on:
            status, content, _ = on.ask(path)
        assert (status, LINK in content.decode("utf-8", "replace")) == (507, True), (name, content)
        kept.require_untouched(copy)


def test_no_link_leads_out_of_a_folder_of_books(tmp_path, capsys):
    """As a student's, who hands in a link to where the teacher has the key."""
    key = tmp_path / "key.xlsx"
    assert main(["sheet", "worked", "-o", str(key)]) == 0
    books = tmp_path / "class"
    books.mkdir()
    shutil.copy(key, books / "ada.xlsx")
    (books / "again.xlsx").symlink_to("ada.xlsx")
    assert main(["check", str(books)]) == 0
    (books / "mallory.xlsx").symlink_to(key)
    capsys.readouterr()
    assert main(["check", str(books), "--annotate", str(tmp_path / "marked")]) == 2
    output = capsys.readouterr()
    assert (output.out, output.err.count("\n")) == ("", 1)
    assert f"{books / 'mallory.xlsx'} is a link that leads out of the folder" in output.err
    assert not (tmp_path / "marked").exists()


def test_the_folder_that_is_named_may_be_a_link_itself(marked, tmp_path):
    (tmp_path / "mine").symlink_to(shutil.copytree(marked, tmp_path / "theirs"))
    assert main(["class", "mark", str(tmp_path / "mine")]) == 0
    assert ",9," in (tmp_path / "theirs" / "marks.csv").read_text("utf-8")


def test_a_file_that_has_another_name_elsewhere_stays_as_it_is_there(marked, tmp_path):
    """A hard link: what is written takes the place of the name alone."""
    folder = shutil.copytree(marked, tmp_path / "class")
    outside = tmp_path / "outside"
    outside.mkdir()
    before = {}
    for number, path in enumerate(sorted(path for path in folder.rglob("*") if path.is_file())):
        os.link(path, outside / str(number))
        before[outside / str(number)] = path.read_bytes()
    assert main(["class", "mark", str(folder)]) == 0
    make_class(open_class(folder), 1)
    assert {path: path.read_bytes() for path in before} == before


# A run and a study ------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    data = made.archive(folder)
    train(made.recipe(f"data {data}"), folder=folder / "run", show=False)
    write_report(folder / "run")
    return folder / "run"


@pytest.mark.parametrize("kind", WAYS)
def test_no_link_in_a_run_is_followed(kind, trained, tmp_path, capsys):
    """It is gone on with from its last checkpoint, and finished."""
    way, why = WAYS[kind]
    trap = Trap(trained, tmp_path)
    names = [name for name in _names(trained) if kind != "a pipe" or (trained / name).is_file()]
    assert {"metrics.csv", "model.safetensors", "report.html", "result.json"} <= set(names)
    for name in names:
        copy = trap.set(name, way)
        for done in {"result.json", "report.html"} - {name}:
            (copy / done).unlink()
        capsys.readouterr()
        code = main(["train", "--resume", str(copy)])
        output = capsys.readouterr().err
        assert (code, str(copy / name) in output, why in output) == (2, True, True), (name, output)
        trap.require_untouched(copy)


def test_a_model_that_is_exported_is_read_from_its_run_alone(trained, tmp_path, capsys):
    trap = Trap(trained, tmp_path)
    copy = trap.set("model.safetensors", _linked)
    assert main(["export", str(copy), "-o", str(tmp_path / "never.onnx")]) == 2
    output = capsys.readouterr().err
    assert str(copy / "model.safetensors") in output
    assert LINK in output
    trap.require_untouched(copy)


@pytest.fixture(scope="module")
def searched(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    rows = str(made.recipe(f"data {made.archive(folder)}")).splitlines()
    own = [row for row in rows if not row.startswith(("schedule", "batch ", "recipe"))]
    (folder / "plan.txt").write_text(VARIED.replace("trials 6", "trials 2") + "\n".join(own))
    assert main(["study", str(folder / "plan.txt"), "-o", str(folder / "s")]) == 0
    return folder / "s"


@pytest.mark.parametrize("kind", WAYS)
def test_no_link_in_a_study_is_followed(kind, searched, tmp_path, capsys):
    way, why = WAYS[kind]
    trap = Trap(searched, tmp_path)
    names = [name for name in _names(searched) if kind != "a pipe" or (searched / name).is_file()]
    assert {"journal.log", "trials.csv", "report.html"} <= {*names}
    for name in names:
        copy = trap.set(name, way)
        capsys.readouterr()
        code = main(["study", "--resume", str(copy)])
        output = capsys.readouterr().err
        assert (code, str(copy / name) in output, why in output) == (2, True, True), (name, output)
        trap.require_untouched(copy)


# Where systems have no handles ------------------------------------------------


@for_each("has_handles", [True, False])
def test_a_way_over_a_link_is_refused(has_handles, tmp_path, monkeypatch):
    monkeypatch.setattr(system, "HAS_HANDLES", has_handles)
    outside, named = tmp_path / "outside", tmp_path / "named"
    (outside / "b").mkdir(parents=True)
    (outside / "file").write_text(SECRET)
    (tmp_path / "real").mkdir()
    named.symlink_to(tmp_path / "real")
    folder = inside(named)
    write_whole(folder / "mine", "mine")
    made_folder(folder / "a" / "b")
    assert read_text(folder / "mine") == "mine"
    (named / "a" / "link").symlink_to(outside)
    (named / "file").symlink_to(outside / "file")
    refusals = [
        lambda: read_text(folder / "file"),
        lambda: write_whole(folder / "file", "x"),
        (folder / "file").is_file,
        lambda: read_text(folder / "a" / "link" / "file"),
        lambda: write_whole(folder / "a" / "link" / "new", "x"),
        (folder / "a" / "link" / "file").unlink,
        lambda: made_folder(folder / "a" / "link" / "c"),
        lambda: made_folder(folder / "a" / "link"),
        (folder / "a" / "link").iterdir,
    ]
    for refusal in refusals:
        with pytest.raises(FileError, match=f"can't .*: {LINK}"):
            refusal()
    assert sorted(os.listdir(outside)) == ["b", "file"]
    assert (outside / "file").read_text() == SECRET
