"""Compiling: once for each content, whole or not at all, and one line where it can't."""

from __future__ import annotations

import errno
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gradbook.engine import compile as compiling
from gradbook.engine.compile import library, loaded
from gradbook.engine.compilers import needed
from gradbook.engine.processes import CompilerError
from gradbook.system import LIBRARY
from tests.engine.levels import COMPILERS, compiler_called

TEXT = "int answer(void) { return 42; }\n"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADBOOK_CACHE", str(tmp_path))
    return tmp_path / "engines"


@pytest.mark.witness("cc")
def test_the_same_content_is_compiled_once(cache):
    compiler = needed()
    first = library(TEXT, compiler)
    made = first.stat().st_mtime_ns
    assert library(TEXT, compiler) == first
    assert first.stat().st_mtime_ns == made
    assert library(TEXT, compiler, extra=("-O0",)) != first
    assert library(TEXT + "\n", compiler) != first


@pytest.mark.witness("cc")
def test_several_may_compile_the_same_at_once(cache):
    compiler = needed()
    with ThreadPoolExecutor(4) as pool:
        paths = {made.result() for made in [pool.submit(library, TEXT, compiler) for _ in range(4)]}
    assert list(cache.iterdir()) == list(paths)


TWICE = """\
from gradbook.engine.compile import library
from gradbook.engine.compilers import needed
print(library("int answer(void) { return 43; }", needed()))
"""


@pytest.mark.witness("cc")
def test_two_processes_may_compile_the_same_at_once(cache):
    words = [sys.executable, "-c", TWICE]
    running = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = {process.communicate()[0].strip() for process in running}
    assert {str(path) for path in cache.iterdir()} == said
    assert len(said) == 1


@pytest.mark.witness("cc")
def test_parts_side_by_side_make_the_same_as_the_whole(cache):
    compiler = needed()
    text = """
#ifdef PART
#define IN_PART(number) (PART == (number))
#else
#define IN_PART(number) 1
#endif
int half(void);
#if IN_PART(0)
int answer(void) { return 2 * half(); }
#endif
#if IN_PART(1)
int half(void) { return 21; }
#endif
"""
    made = [library(text, compiler, extra=extra, parts=n) for n, extra in ((1, ()), (2, ("-g0",)))]
    assert [loaded(path).answer() for path in made] == [42, 42]


@pytest.mark.witness("cc")
def test_an_engine_that_was_cut_short_is_compiled_anew(cache):
    path = library(TEXT, needed())
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    again = library(TEXT, needed())
    assert again.read_bytes() == whole
    assert loaded(again).answer() == 42


@pytest.mark.witness("cc")
def test_what_cannot_be_loaded_is_told_in_a_line(cache):
    cache.mkdir()
    broken = cache / f"broken{LIBRARY}"
    broken.write_bytes(b"no library")
    with pytest.raises(CompilerError, match="can't be loaded: remove it"):
        loaded(broken)


@pytest.mark.witness("cc")
@pytest.mark.parametrize("there", [True, False], ids=["a folder", "nothing yet"])
def test_where_nothing_can_be_kept_an_engine_lasts_as_long_as_the_process(
    there, tmp_path, monkeypatch
):
    """Whoever runs this may be allowed everything, so permissions are said to be missing."""
    folder, compiler = tmp_path / "locked", needed()
    monkeypatch.setenv("GRADBOOK_CACHE", str(folder))

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    if there:
        (folder / "engines").mkdir(parents=True)
        monkeypatch.setattr(compiling.os, "access", lambda path, mode: False)
    else:
        monkeypatch.setattr(Path, "mkdir", refused)
    assert loaded(library(TEXT, compiler)).answer() == 42
    assert not list(folder.glob("engines/*"))


@pytest.mark.witness("cc")
def test_what_does_not_compile_is_told_in_a_line_and_leaves_nothing(cache):
    with pytest.raises(CompilerError, match="can't compile the engine: .*error") as caught:
        library("int answer(void) { return fortytwo; }\n", needed())
    assert "\n" not in str(caught.value)
    assert not list(cache.iterdir())


@pytest.mark.witness("cc")
def test_a_library_that_is_in_use_elsewhere_serves_as_well(cache, monkeypatch):
    """On Windows none takes the place of one that a process has loaded."""

    def held_open(made: Path, target: Path) -> None:
        target.write_bytes(made.read_bytes())
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(compiling.os, "replace", held_open)
    assert loaded(library(TEXT, needed())).answer() == 42
    assert [path.suffix for path in cache.iterdir()] == [LIBRARY]


@pytest.mark.parametrize("name", COMPILERS)
def test_a_folder_may_be_called_anything(name, tmp_path, monkeypatch):
    monkeypatch.setenv("GRADBOOK_CACHE", str(tmp_path / "Jörgs Übung ½ €"))
    assert loaded(library(TEXT, compiler_called(name), parts=1)).answer() == 42
