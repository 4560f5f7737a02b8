"""Compilers as people have them: found, and made to compile what can be loaded here."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from gradbook.engine import compilers
from gradbook.engine.compilers import Compiler, CompilerError, find_compiler, require_compiler
from gradbook.engine.libraries import compile_library, load
from tests.cases import for_each
from tests.engine.levels import compiler_called
from tests.outside.witness import program as path_of

TEXT = "int answer(void) { return 42; }\n"


@pytest.fixture
def program(tmp_path, monkeypatch):
    """`program(name, text)`: a shell script of that name, the only folder that is searched."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("GRADBOOK_CC", raising=False)
    monkeypatch.setattr(compilers, "find_spec", lambda name: None)

    def make(name: str, text: str) -> Path:
        file = folder / name
        file.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
        return file

    return make


def test_without_a_compiler_one_line_says_how_to_get_one(monkeypatch):
    monkeypatch.setattr(compilers, "_candidates", list)
    monkeypatch.delenv("GRADBOOK_CC", raising=False)
    assert find_compiler() is None
    with pytest.raises(CompilerError, match=r"install gcc or clang, or pip install"):
        require_compiler()
    monkeypatch.setenv("GRADBOOK_CC", "no-such-compiler")
    assert find_compiler() is None


def test_another_program_is_no_compiler(monkeypatch):
    monkeypatch.setenv("GRADBOOK_CC", f"{sys.executable} -c 1/0")
    assert find_compiler() is None


def test_an_offer_to_install_one_is_no_compiler(program):
    """As macOS's own cc is before Xcode's tools are there."""
    program("cc", "echo 'xcode-select: note: No developer tools were found' >&2; exit 1")
    assert find_compiler() is None


@pytest.mark.parametrize(
    ("system", "there", "said"),
    [
        ("linux", "", "install gcc or clang, or pip install 'gradbook[zig]'"),
        ("darwin", "", "xcode-select --install, or pip install 'gradbook[zig]'"),
        ("win32", "", "pip install gradbook[zig] brings one, or install MinGW-w64's gcc"),
        ("win32", "cl", "Visual Studio's can't compile an engine; pip install gradbook[zig]"),
    ],
)
def test_each_system_has_its_own_way_to_get_one(system, there, said, program, monkeypatch):
    if there:
        program(there, "exit 0")
    monkeypatch.setattr(compilers, "sys", SimpleNamespace(platform=system))
    with pytest.raises(CompilerError) as caught:
        require_compiler()
    assert str(caught.value).startswith(f"no C compiler found: {said}")
    assert "\n" not in str(caught.value)


@pytest.mark.witness("gcc")
@for_each("words", ["-m32", "-nostdinc", "-nosuchoption"])
def test_one_that_makes_nothing_for_here_is_passed_over(words, monkeypatch):
    """Programs of another size, no headers, an option it doesn't know."""
    monkeypatch.setenv("GRADBOOK_CC", f"gcc {words}")
    assert find_compiler() is None


@pytest.mark.witness("gcc", "clang")
def test_the_next_is_taken_where_the_first_is_of_no_use(program):
    gcc, clang = (shutil.which(name, path=os.defpath) for name in ("gcc", "clang"))
    program("gcc", f'exec {gcc} -m32 "$@"')
    program("clang", f'exec {clang} "$@"')
    found = find_compiler()
    assert found
    assert Path(*found.command).name == "clang"


@pytest.mark.witness("mingw")
@pytest.mark.parametrize("is_old", [False, True], ids=["new assembler", "old assembler"])
def test_an_assembler_that_only_moves_aligned_vectors_is_of_no_use_on_windows(is_old, request):
    gcc = path_of("mingw")
    program = request.getfixturevalue("program")  # after which no other program is found
    refusing = f'for word; do [ "$word" = {compilers.ANYWHERE} ] && exit 1; done\n' * is_old
    program("gcc", f'PATH=/usr/bin:/bin\n{refusing}exec {gcc} "$@"')
    found = find_compiler()
    assert (found is None) == is_old
    if found:
        assert compilers.ANYWHERE in found.words("avx2")


@pytest.mark.witness("gcc")
@for_each("options", ["", " -g0"])
def test_its_path_may_have_spaces(options, tmp_path, monkeypatch):
    folder = tmp_path / "Program Files ü"
    folder.mkdir()
    (folder / "gcc").symlink_to(shutil.which("gcc"))
    spelled = f'"{folder}/gcc"{options}' if options else f"{folder}/gcc"
    monkeypatch.setenv("GRADBOOK_CC", spelled)
    monkeypatch.setenv("GRADBOOK_CACHE", str(tmp_path))
    assert require_compiler().command == (f"{folder}/gcc", *options.split())
    assert load(compile_library(TEXT, require_compiler()).path).answer() == 42


@pytest.mark.witness("zig")
def test_a_compiler_for_windows_is_told_nothing_of_positions():
    zig = Compiler((sys.executable, "-m", "ziglang", "cc", "-target", "x86_64-windows-gnu"), "zig")
    assert zig.is_for_windows
    assert "-fPIC" not in zig.words("plain")
    assert "-fPIC" in compiler_called("zig").words("plain")
