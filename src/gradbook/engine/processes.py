"""Compilers at work: processes that end when who waits for them is interrupted."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from gradbook import interruption, system
from gradbook.errors import GradbookError

LONGEST, AT_ONCE = 300, 60  # seconds that a compiler may take, and that an answer may
IN_WORDS: dict[str, Any] = {"encoding": "utf-8", "errors": "replace"}  # whatever they print

_running: set[subprocess.Popen[str]] = set()


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


def _end(process: subprocess.Popen[str]) -> None:
    """Asked to, it removes what it wrote. Its helpers are asked as well."""
    if process.poll() is None:
        system.end(process)


def answer(command: Sequence[str], given: str = "") -> str | None:
    """What a compiler tells at once; None where there is none, or where it objects."""
    try:
        found = subprocess.run(
            command,
            input=given,
            capture_output=True,
            timeout=AT_ONCE,
            check=False,
            **IN_WORDS,
            **system.apart(),
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return found.stdout if found.returncode == 0 else None


def compile_in(folder: Path, command: Sequence[str]) -> None:
    """Run a compiler in the folder, where the files that it is to read and to write have plain
    names: not every compiler can spell every folder.
    """
    try:
        code, said = _worked(folder, command)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CompilerError(f"{command[0]} doesn't run: {error}") from error
    if code:
        wrong = [line for line in said.splitlines() if "error" in line]
        first = (wrong or said.splitlines() or ["no reason given"])[0]
        raise CompilerError(f"{command[0]} can't compile the engine: {first}")


def _worked(folder: Path, command: Sequence[str]) -> tuple[int, str]:
    """Its exit code, and what it complained of."""
    with system.bound_to_us(command) as (words, given), _started(folder, words, given) as process:
        _running.add(process)
        try:
            _, complaints = process.communicate(timeout=LONGEST)
        finally:
            _end(process)
            _running.remove(process)
        return process.returncode, complaints


def _started(folder: Path, words: Sequence[str], given: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        words,
        cwd=folder,
        env={**os.environ, "TMPDIR": "."},  # so that the folder takes what is left there with it
        stdin=given,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        **IN_WORDS,
        **system.apart(),
    )
