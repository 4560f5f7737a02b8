"""Compilers at work: processes that end when who waits for them is interrupted."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from subprocess import PIPE
from threading import Timer
from typing import IO, Any

from gradbook import interruption, system
from gradbook.errors import GradbookError

LONGEST, AT_ONCE = 300, 60  # seconds that a compiler may take, and that an answer may
MOST_SAID = 2**22  # bytes that it may print; no compiler has that much to say of an engine
ANOTHER = "; GRADBOOK_CC can name another compiler"

Process = subprocess.Popen[bytes]
_running: set[Process] = set()


class CompilerError(GradbookError):
    """There is no compiler, or it can't compile what we wrote."""


def are_running() -> bool:
    """Whether anything is being compiled, in any thread, at this moment."""
    return bool(_running)


def side_by_side(*works: Callable[[], Any]) -> list[Any]:
    """What each came to. Interrupted, the compilers end, and so do the works."""
    return interruption.side_by_side(*works, stop=_end_all)


def _end_all() -> None:
    for process in tuple(_running):
        _end(process)


def _end(process: Process) -> None:
    """Asked to, it removes what it wrote. Its helpers are asked as well."""
    if process.poll() is None:
        system.end(process)


def answer(command: Sequence[str], given: str = "") -> str | None:
    """What a compiler tells at once; None where there is none, or where it objects."""
    try:
        with subprocess.Popen(
            command, stdin=PIPE, stdout=PIPE, stderr=subprocess.DEVNULL, **system.apart()
        ) as process:
            told = _told(process, process.stdout, AT_ONCE, given)
    except (OSError, ValueError, RuntimeError, CompilerError):  # RuntimeError: no more threads
        return None
    return told if process.returncode == 0 else None


def compile_in(folder: Path, command: Sequence[str]) -> None:
    """Run a compiler in the folder, where the files that it is to read and to write have plain
    names: not every compiler can spell every folder.
    """
    try:
        code, said = _worked(folder, command)
    except (OSError, CompilerError) as error:
        raise CompilerError(f"{command[0]} doesn't run: {error}{ANOTHER}") from error
    if code:
        wrong = [line for line in said.splitlines() if "error" in line]
        first = (wrong or said.splitlines() or ["no reason given"])[0]
        raise CompilerError(f"{command[0]} can't compile the engine: {first}{ANOTHER}")


def _worked(folder: Path, command: Sequence[str]) -> tuple[int, str]:
    """Its exit code, and what it complained of."""
    with system.bound_to_us(command) as (words, given), _started(folder, words, given) as process:
        _running.add(process)
        try:
            complaints = _told(process, process.stderr, LONGEST)
        finally:
            _running.remove(process)
        return process.returncode, complaints


def _told(process: Process, stream: IO[bytes] | None, patience: float, given: str = "") -> str:
    """What it says until it ends, which it is made to where it goes on and on."""
    assert stream is not None
    late = Timer(patience, system.kill, [process])
    late.daemon = True
    try:
        late.start()
        if process.stdin:
            with suppress(BrokenPipeError):  # it didn't want to know
                process.stdin.write(given.encode())
                process.stdin.close()
        content = stream.read(MOST_SAID + 1)
        is_late = late.finished.is_set()
        if len(content) <= MOST_SAID:
            process.wait()
    finally:
        late.cancel()
        system.kill(process)
    if is_late:
        raise CompilerError(f"it takes more than {patience:g} s")
    if len(content) > MOST_SAID:
        raise CompilerError(f"it prints more than {MOST_SAID:,} bytes")
    return content.decode("utf-8", "replace")


def _started(folder: Path, words: Sequence[str], given: int) -> Process:
    return subprocess.Popen(
        words,
        cwd=folder,
        env={**os.environ, "TMPDIR": "."},  # so that the folder takes what is left there with it
        stdin=given,
        stdout=subprocess.DEVNULL,
        stderr=PIPE,
        **system.apart(),
    )
