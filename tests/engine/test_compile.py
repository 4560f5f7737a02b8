"""Compiling: once for each content, whole or not at all, and one line where it can't."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from gradbook.engine import compile as compiling
from gradbook.engine.compile import CompilerError, find, library, needed

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


@pytest.mark.witness("cc")
def test_what_does_not_compile_is_told_in_a_line_and_leaves_nothing(cache):
    with pytest.raises(CompilerError, match="can't compile the engine: .*error") as caught:
        library("int answer(void) { return fortytwo; }\n", needed())
    assert "\n" not in str(caught.value)
    assert not list(cache.iterdir())


def test_without_a_compiler_one_line_says_how_to_get_one(monkeypatch):
    monkeypatch.setattr(compiling, "_candidates", list)
    monkeypatch.delenv("GRADBOOK_CC", raising=False)
    assert find() is None
    with pytest.raises(CompilerError, match=r"install gcc or clang, or pip install"):
        needed()
    monkeypatch.setenv("GRADBOOK_CC", "no-such-compiler")
    assert find() is None


def test_another_program_is_no_compiler(monkeypatch):
    monkeypatch.setenv("GRADBOOK_CC", f"{sys.executable} -c 1/0")
    assert find() is None
