"""Only libraries are loaded that nobody else could have written, and that are as they were made."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gradbook.data.digits import SUMS
from gradbook.engine import libraries as keeping
from gradbook.engine.compilers import CompilerError, require_compiler
from gradbook.engine.libraries import Library, compile_library, digest_of, keep_library, load
from gradbook.folders import of_this_process
from gradbook.system import LIBRARY
from tests.cases import for_each

pytestmark = pytest.mark.witness("cc")

TEXT = "int answer(void) { return 42; }\n"
NOBODY = 65534
PLANTED = "int answer(void) { return 666; }\n"
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="there files have no such owners")
ROOT = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away"
)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADBOOK_CACHE", str(tmp_path))
    of_this_process.cache_clear()
    yield tmp_path / "engines"
    of_this_process.cache_clear()


def answer(found: Library) -> int:
    return int(load(found.path, "answer").answer())


def planted_in(folder: Path) -> None:
    """A library that would be taken for what TEXT makes, its hash and all."""
    name = compile_library(TEXT, require_compiler()).path.name
    content = compile_library(PLANTED, require_compiler()).path.read_bytes()
    for path in folder.iterdir():
        path.unlink()
    made_of = name.partition("-")[0]
    place = folder / f"{made_of}-{digest_of(content)}{LIBRARY}"
    place.write_bytes(content)
    place.chmod(0o755)


@POSIX
@pytest.mark.parametrize("thing", [os.mkfifo, os.mkdir, lambda path: os.symlink("/dev/zero", path)])
def test_what_stands_in_place_of_a_kept_file_is_not_opened(thing, tmp_path):
    """A process of its own, which can be ended: a pipe that is waited for hears no signal."""
    asked = (
        "from gradbook.engine.compilers import require_compiler;"
        "from gradbook.engine.libraries import compile_library, load;"
        "from gradbook.data.digits import contents;"
        f"print(load(compile_library({TEXT!r}, require_compiler()).path, 'answer').answer(),"
        " sum(map(len, contents().values())))"
    )
    words, around = [sys.executable, "-c", asked], {**os.environ, "GRADBOOK_CACHE": str(tmp_path)}
    first = subprocess.run(words, env=around, capture_output=True, text=True, check=True)
    kept = [*(tmp_path / "engines").iterdir(), *(tmp_path / "digits" / name for name in SUMS)]
    assert len(kept) == 1 + len(SUMS)
    for path in kept:
        path.unlink(missing_ok=True)
        thing(path)
    settings = {"env": around, "capture_output": True, "text": True, "timeout": 60}
    again = subprocess.run(words, check=False, **settings)
    assert (again.stdout, again.returncode) == (first.stdout, 0), again.stderr


# Folders of others: each makes a folder as others might have, and what is then said


def open_to_others(cache: Path, mode: int) -> str:
    os.chown(cache, -1, NOBODY) if os.geteuid() == 0 else None
    cache.chmod(mode)
    return f"can't cache in {cache}: others may write to {cache}; set GRADBOOK_CACHE to"


def open_above(cache: Path, mode: int) -> str:
    """Who may write there may put another folder in its place."""
    cache.parent.chmod(mode)
    return f"others may write to {cache.parent}"


def somebody_elses(cache: Path, mode: int) -> str:
    os.chown(cache, NOBODY, NOBODY)
    cache.chmod(mode)
    return f"{cache} belongs to somebody else"


def below_somebody_elses(cache: Path, mode: int) -> str:
    os.chown(cache.parent, NOBODY, NOBODY)
    cache.parent.chmod(mode)
    return f"{cache.parent} belongs to somebody else"


def a_link(cache: Path, mode: int) -> str:
    cache.rename(cache.with_name("elsewhere"))
    cache.symlink_to(cache.with_name("elsewhere"))
    return f"{cache} is a link"


def with_somebody_elses_file(cache: Path, mode: int) -> str:
    (planted,) = cache.iterdir()
    os.chown(planted, NOBODY, NOBODY)
    return f"{planted} had been changed or damaged: it was compiled again"


@POSIX
@pytest.mark.parametrize(
    ("made", "modes"),
    [
        (open_to_others, (0o777, 0o1777, 0o775, 0o757)),
        (open_above, (0o777, 0o757)),
        pytest.param(somebody_elses, (0o755, 0o700), marks=ROOT),
        pytest.param(below_somebody_elses, (0o755, 0o700), marks=ROOT),
        (a_link, (0,)),
        pytest.param(with_somebody_elses_file, (0,), marks=ROOT),
    ],
)
def test_what_others_could_have_put_there_is_not_taken(made, modes, tmp_path, monkeypatch):
    for mode in modes:
        above = tmp_path / f"{mode:o}"
        monkeypatch.setenv("GRADBOOK_CACHE", str(above))
        cache = above / "engines"
        cache.mkdir(parents=True)
        planted_in(cache)
        said = made(cache, mode)
        of_this_process.cache_clear()
        library = compile_library(TEXT, require_compiler())
        assert answer(library) == 42
        assert said in library.remark
    of_this_process.cache_clear()


@POSIX
def test_what_is_made_is_for_nobody_else_whatever_is_usual(cache, tmp_path, monkeypatch):
    monkeypatch.setenv("GRADBOOK_CACHE", str(tmp_path / "a" / "b"))
    before = os.umask(0)
    try:
        library = compile_library(TEXT, require_compiler())
    finally:
        os.umask(before)
    assert library.remark == ""
    made = [library.path, *list(library.path.parents)[:3]]
    assert [path.stat().st_mode & 0o777 for path in made] == [0o700] * 4


# Damage


def turned_over(place: int):
    """A bit of a library, so many hundredths from its beginning."""
    return lambda whole: (
        whole[: (at := place * len(whole) // 100)] + bytes([whole[at] ^ 16]) + whole[at + 1 :]
    )


def another(whole: bytes) -> bytes:
    return compile_library(PLANTED, require_compiler()).path.read_bytes()


DAMAGE = {
    **{f"{place} %": turned_over(place) for place in range(0, 100, 7)},
    "half": lambda whole: whole[:99],
    "empty": lambda whole: b"",
    "longer": lambda whole: whole + b"\0",
    "another": another,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_library_that_was_changed_is_compiled_anew(damage, cache):
    first = compile_library(TEXT, require_compiler()).path
    whole = first.read_bytes()
    first.write_bytes(damage(whole))
    again = compile_library(TEXT, require_compiler())
    assert again == Library(first, f"{first} had been changed or damaged: it was compiled again")
    assert again.path.read_bytes() == whole
    assert compile_library(TEXT, require_compiler()) == Library(first)


def test_a_folder_in_its_place_is_walked_round(cache):
    first = compile_library(TEXT, require_compiler()).path
    first.unlink()
    first.mkdir()
    library = compile_library(TEXT, require_compiler())
    assert answer(library) == 42
    assert "can't keep engines in" in library.remark


def test_a_clock_that_jumps_changes_nothing(cache):
    first = compile_library(TEXT, require_compiler())
    for seconds in (0, 2**32):
        os.utime(first.path, (seconds, seconds))
        os.utime(cache, (seconds, seconds))
        assert compile_library(TEXT, require_compiler()) == first


def test_a_machine_of_another_kind_makes_its_own(cache, monkeypatch):
    first = compile_library(TEXT, require_compiler())
    monkeypatch.setattr("gradbook.system.kind_of_machine", lambda: "linux x86_64 musl 1.2")
    second = compile_library(TEXT, require_compiler())
    assert second.path != first.path
    assert answer(second) == 42


def test_what_cannot_be_loaded_is_told_in_a_line(tmp_path):
    broken = tmp_path / f"broken{LIBRARY}"
    broken.write_bytes(b"no library")
    with pytest.raises(CompilerError, match="can't be loaded .*GRADBOOK_CC can name another"):
        load(broken)


def test_a_library_without_our_functions_is_told_in_a_line_and_not_kept(cache):
    with pytest.raises(CompilerError, match="has no engine_open; GRADBOOK_CC can name another"):
        load(compile_library(TEXT, require_compiler()).path, "answer", "engine_open")
    assert not list(cache.iterdir())


# No room


@pytest.mark.parametrize("there", [True, False], ids=["a folder", "nothing yet"])
def test_where_nothing_can_be_kept_an_engine_lasts_as_long_as_the_process(
    there, cache, monkeypatch
):
    """Whoever runs this may be allowed everything, so permissions are said to be missing."""

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    if there:
        cache.mkdir()
        monkeypatch.setattr(keeping, "temporary_folder", refused_in(cache))
    else:
        monkeypatch.setattr(Path, "mkdir", refused)
    library = compile_library(TEXT, require_compiler())
    assert answer(library) == 42
    assert str(cache) in library.remark
    assert not list(cache.glob("*"))


def refused_in(folder: Path):
    usual = keeping.temporary_folder

    def temporary_folder(within: Path):
        if within == folder:
            raise PermissionError(errno.EACCES, "Permission denied")
        return usual(within)

    return temporary_folder


@pytest.mark.skipif(not shutil.which("unshare"), reason="Linux alone has small disks for a while")
@for_each("size", ["16k", "64k"])
def test_on_a_full_disk_it_is_compiled_elsewhere(size, tmp_path):
    """A real disk, so small that the compiler or what it made finds no room."""
    disk = tmp_path / "disk"
    disk.mkdir()
    script = (
        "from gradbook.engine.compilers import require_compiler;"
        "from gradbook.engine.libraries import compile_library, load;"
        "text = 'char zeros[] = {1, [99999] = 1}; int answer(void) { return 42; }';"
        "found = compile_library(text, require_compiler());"
        "print(load(found.path).answer(), found.remark)"
    )
    mount = 'mount -t tmpfs -o size=$0 small "$1" && exec "$2" -c "$3"; exit 77'
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", mount, size, str(disk), sys.executable, script],
        env={**os.environ, "GRADBOOK_CACHE": str(disk)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 77:
        pytest.skip("a disk of a few kB can't be mounted here: namespaces of users are off")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("42 can't keep engines in ")
    assert "the disk is full" in done.stdout


def test_a_library_that_is_in_use_elsewhere_serves_as_well(cache, monkeypatch):
    """On Windows none takes the place of one that a process has loaded."""

    def held_open(made: Path, target: Path) -> None:
        target.write_bytes(made.read_bytes())
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(keeping.os, "replace", held_open)
    assert answer(compile_library(TEXT, require_compiler())) == 42
    assert [path.suffix for path in cache.iterdir()] == [LIBRARY]


def test_what_a_compiler_objects_to_is_not_taken_for_a_full_disk(cache):
    def objects(folder: Path) -> Path:
        raise CompilerError("gcc can't compile the engine: error")

    with pytest.raises(CompilerError, match="gcc can't compile"):
        keep_library(digest_of("a"), LIBRARY, objects)
