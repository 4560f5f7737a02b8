"""Compiling: once for each content, in parts or whole, and one line where it can't."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradbook import system
from gradbook.engine import compilers
from gradbook.engine.compilers import Compiler, CompilerError, require_compiler
from gradbook.engine.libraries import compile_library, load, share_out
from gradbook.engine.native import NativeEngine
from gradbook.folders import TEMPORARY
from gradbook.net import builtin
from tests.cases import for_each
from tests.engine.levels import COMPILERS, compiler_called

TEXT = "int answer(void) { return 42; }\n"
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="groups of processes")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADBOOK_CACHE", str(tmp_path))
    return tmp_path / "engines"


@pytest.mark.witness("cc")
def test_the_same_content_is_compiled_once(cache):
    compiler = require_compiler()
    first = compile_library(TEXT, compiler)
    assert (load(first.path).answer(), first.remark, first.path.parent) == (42, "", cache)
    made = first.path.stat().st_mtime_ns
    assert compile_library(TEXT, compiler) == first
    assert first.path.stat().st_mtime_ns == made
    assert compile_library(TEXT, compiler, extra=("-O0",)).path != first.path
    assert compile_library(TEXT + "\n", compiler).path != first.path


TWICE = """\
from gradbook.engine.libraries import compile_library
from gradbook.engine.compilers import require_compiler
print(compile_library("int answer(void) { return 43; }", require_compiler()).path)
"""


@pytest.mark.witness("cc")
def test_two_processes_may_compile_the_same_at_once(cache):
    words = [sys.executable, "-c", TWICE]
    running = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = {process.communicate()[0].strip() for process in running}
    assert {str(path) for path in cache.iterdir()} == said
    assert len(said) == 1


@given(st.lists(st.floats(0.1, 5), min_size=1, max_size=20), st.integers(1, 6))
def test_every_part_has_one_compiler_and_none_has_much_more_than_another(effort, most):
    shares = share_out(effort, most)
    assert sorted(part for share in shares for part in share) == list(range(len(effort)))
    assert len(shares) <= most
    loads = [sum(effort[part] for part in share) for share in shares]
    assert max(loads) - min(loads) <= max(effort) + 1e-9


@pytest.mark.witness("cc")
def test_a_network_trains_to_the_same_bits_however_many_compilers_share_it(cache, monkeypatch):
    images = np.random.default_rng(0).integers(0, 256, (40, 1, 28, 28), dtype=np.uint8)
    weights = set()
    for cores in (1, 2, 4):
        monkeypatch.setattr(system, "cores", lambda cores=cores: cores)
        engine = NativeEngine(builtin("reference"), 16, extra=(f"-DCORES={cores}",))
        assert len(share_out(engine.source.effort, cores)) == cores
        engine.epoch(images, np.arange(40) % 10, 0.1)
        weights.add(b"".join(values.tobytes() for values in engine.arrays.values()))
    assert len(weights) == 1
    assert len(list(cache.iterdir())) == 3


@pytest.mark.witness("cc")
def test_parts_side_by_side_make_the_same_as_the_whole(cache, monkeypatch):
    monkeypatch.setattr(system, "cores", lambda: 2)
    compiler = require_compiler()
    text = """
#ifdef PARTS
#define IN_PART(number) (PARTS >> (number) & 1)
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
    ways: list[tuple[tuple[str, ...], tuple[float, ...]]] = [((), (1,)), (("-g0",), (3, 3))]
    made = [compile_library(text, compiler, extra=extra, effort=effort) for extra, effort in ways]
    assert [load(one.path).answer() for one in made] == [42, 42]


@pytest.mark.witness("cc")
def test_what_does_not_compile_is_told_in_a_line_and_leaves_nothing(cache):
    with pytest.raises(CompilerError, match="can't compile the engine: .*error") as caught:
        compile_library("int answer(void) { return fortytwo; }\n", require_compiler())
    assert "\n" not in str(caught.value)
    assert not list(cache.iterdir())


@pytest.mark.parametrize("name", COMPILERS)
def test_a_folder_may_be_called_anything(name, tmp_path, monkeypatch):
    monkeypatch.setenv("GRADBOOK_CACHE", str(tmp_path / "Jörgs Übung ½ €"))
    assert load(compile_library(TEXT, compiler_called(name)).path).answer() == 42


# Compilers that are left behind

ENDLESS = """#!/bin/sh
echo "$$" >>"{pids}"
sleep 600 & echo "$!" >>"{pids}"
wait
"""
COMPILING = """\
import sys
from gradbook import system
from gradbook.engine.libraries import compile_library
from gradbook.engine.compilers import require_compiler
from gradbook.engine.libraries import Library
gcc = require_compiler()
system.cores = lambda: 2
slow = type(gcc)((sys.argv[1],), gcc.version)
compile_library("int answer(void) { return 42; }", slow, effort=(3, 3))
"""


def is_running(pid: str) -> bool:
    """Whether there is such a process, and not only what it came to."""
    words = ["ps", "-o", "stat=", "-p", pid]
    process = subprocess.run(words, capture_output=True, text=True, check=False)
    return process.stdout.strip()[:1] not in ("", "Z")


def waited_for(is_so, seconds: float = 60.0) -> bool:
    until = time.monotonic() + seconds
    while not is_so() and time.monotonic() < until:
        time.sleep(0.02)
    return is_so()


@POSIX
@pytest.mark.witness("cc")
@pytest.mark.parametrize("name", ["SIGKILL", "SIGSEGV", "SIGTERM"])
def test_compilers_and_their_helpers_end_with_who_waits_for_them(name, cache, tmp_path):
    pids, compiler = tmp_path / "pids", tmp_path / "cc"
    real = require_compiler().command[0]
    # what it compiles for is told; compiling never ends
    script = ENDLESS.format(pids=pids)
    asked = f'for word; do [ "$word" = -E ] && exec {real} "$@"; done\n'
    compiler.write_text(script.replace("echo", f"{asked}echo", 1), encoding="utf-8")
    compiler.chmod(0o755)
    with subprocess.Popen([sys.executable, "-c", COMPILING, str(compiler)]) as process:
        assert waited_for(lambda: pids.exists() and len(pids.read_text().split()) == 4)
        process.send_signal(getattr(signal, name))
        assert process.wait(60) != 0
    left = pids.read_text().split()
    assert waited_for(lambda: not any(map(is_running, left)))
    assert [path.name[: len(TEMPORARY)] for path in cache.iterdir()] == [TEMPORARY]
    compile_library(TEXT, require_compiler())
    assert len(list(cache.iterdir())) == 1, "the next one tidies up"


@POSIX
def test_what_compilers_leave_of_their_own_goes_with_the_folder(cache, tmp_path, monkeypatch):
    """Those that are killed tidy nothing up."""
    elsewhere = tmp_path / "tmp"
    elsewhere.mkdir()
    monkeypatch.setenv("TMPDIR", str(elsewhere))
    told = tmp_path / "told"
    asked = 'for word; do [ "$word" = -E ] && exit 1; done'  # what it compiles for
    script = f'#!/bin/sh\n{asked}\ntouch "$TMPDIR/left"; ls "$PWD" >{told}; kill -9 $$\n'
    compiler = tmp_path / "cc"
    compiler.write_text(script, encoding="utf-8")
    compiler.chmod(0o755)
    monkeypatch.setattr("gradbook.engine.libraries.macros", lambda *_: {})
    with pytest.raises(CompilerError, match="can't compile the engine: Killed"):
        compile_library(TEXT, Compiler((str(compiler),), "one that dies"))
    assert "left" in told.read_text().split()
    assert not [*cache.iterdir(), *elsewhere.iterdir()]


# Compilers that are none

NEVER = "trap '' TERM INT; sleep 600 & wait; sleep 600"
MADE = 'while [ "$1" != -o ]; do shift; done; made=$2'  # what is to be made
WHILE_COMPILING = {
    "it vanishes": ('rm "$0"; exit 1', "can't compile the engine: no reason given"),
    "it makes nothing": ("exit 0", "reported success but wrote no engine"),
    "it makes a folder": (f'{MADE}; mkdir "$made"', "reported success but wrote no engine"),
    "it makes a terabyte": (
        f'{MADE}; truncate -s 1T "$made"',
        "reported success but wrote no engine",
    ),
    "it makes garbage": (f'{MADE}; echo garbage >"$made"', "can't be loaded"),
    "it makes it for others": (
        f'{{real}} "$@"; {MADE}; printf "\\363\\0" | dd of="$made" bs=1 seek=18 conv=notrunc',
        "can't be loaded",
    ),
    "it makes something else": (f'{MADE}; {{real}} -shared -x c /dev/null -o "$made"', "no answer"),
    "it complains without end": ("yes error: >&2", "doesn't run: it prints more than 4,194,304"),
    "it complains in no script": (
        r"printf '\033[2J\377error\0\n' >&2; exit 1",
        "can't compile the engine: \\x1b[2J",
    ),
    "it never ends": (NEVER, "doesn't run: it takes more than 2 s"),
}


def odd_compiler(file: Path, script: str, *, told: bool) -> Path:
    """What does as the script says, once it has `told` what compilers tell, or at once."""
    real = require_compiler().command[0]
    asked = f'for word; do case "$word" in --version|-E) exec {real} "$@"; esac; done\n' * told
    file.write_text(f"#!/bin/sh\n{asked}{script.replace('{real}', real)}\n", encoding="utf-8")
    file.chmod(0o755)
    return file


@POSIX
@pytest.mark.witness("cc")
@pytest.mark.parametrize("what", WHILE_COMPILING)
def test_what_an_odd_compiler_makes_is_told_in_a_line_and_not_kept(
    what, cache, tmp_path, monkeypatch
):
    script, said = WHILE_COMPILING[what]
    monkeypatch.setattr(compilers, "LONGEST", 2.0 if "ends" in what else 60.0)
    file = odd_compiler(tmp_path / "cc", script, told=True)
    with pytest.raises(CompilerError) as caught:
        load(compile_library(TEXT, require_compiler(str(file))).path, "answer")
    assert said in str(caught.value)
    assert str(caught.value).count("GRADBOOK_CC can name another compiler") == 1
    assert "\n" not in str(caught.value)
    assert not list(cache.iterdir())


@POSIX
@pytest.mark.witness("cc")
@for_each("script", ["head -c 9999 /dev/urandom", "yes '#define a b'", NEVER, "kill -SEGV $$", ""])
def test_what_tells_no_compilers_tale_is_none_and_that_is_said(script, tmp_path, monkeypatch):
    monkeypatch.setattr(compilers, "AT_ONCE", 1.0)
    file = odd_compiler(tmp_path / "cc", script, told=False)
    monkeypatch.setenv("GRADBOOK_CC", str(file))
    assert compilers.find_compiler() is None
    assert compilers.why_numpy().startswith(
        f"GRADBOOK_CC names '{file}', which can't compile anything, so training runs in NumPy"
    )


@POSIX
@pytest.mark.witness("cc")
def test_what_a_compiler_calls_itself_steers_no_terminal(tmp_path):
    real = require_compiler().command[0]
    calls = f'[ "$1" = --version ] && exec printf \'\\033]0;{"x" * 900}\\a\' || exec {real} "$@"'
    name = require_compiler(str(odd_compiler(tmp_path / "cc", calls, told=False))).name
    assert name.startswith("\\x1b]0;xxx")
    assert name.isprintable()
    assert len(name) < 200
