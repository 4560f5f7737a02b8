"""Checks a program: runs it in a process of its own, and reads what that process found.

The program can do there whatever it could when run by hand; nothing of it reaches this process
but a report.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import types
import typing
from base64 import b64decode
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, get_args, get_origin, get_type_hints

from gradbook.audit.programs.program_report import ProgramReport
from gradbook.errors import GradbookError
from gradbook.language import current_language
from gradbook.language.message import Message, text_of_record

if TYPE_CHECKING:
    from gradbook.audit.programs.explaining import ProgramChain

PATIENCE = 30.0  # seconds that judging may take after the run
MOST_REPORT = 64_000_000  # bytes


def check_program(
    path: str,
    *,
    seconds: float = 20,
    text: str | None = None,
    progress: Callable[[str], None] | None = None,
    output: IO[bytes] | None = None,
) -> ProgramReport:
    """Run the program for at most so many seconds, and judge every training in it.

    With `text`, that is run in place of the file's own, in the same folder. What it prints is
    added to `output` when it has ended.
    """
    if text is None and not os.path.isfile(path):
        raise GradbookError(f"{path}: there is no such program")
    if progress is not None:
        progress(path)
    with tempfile.TemporaryDirectory(prefix="gradbook-") as folder:
        more = []
        if text is not None:
            changed = Path(folder, "text")
            changed.write_text(text, encoding="utf-8", newline="")
            more.append(str(changed))
        try:
            record, printed, cause = _left_by_child(path, seconds, Path(folder), *more)
        except subprocess.TimeoutExpired:
            return ProgramReport(path, "unknown", (), (), reason=_no_end(seconds))
    if output is not None:
        output.write(printed)
        output.flush()
    if record is None:
        return ProgramReport(path, "fault", (), (), reason=cause)
    return typing.cast(ProgramReport, _read(ProgramReport, record))


def explain_program(path: str, weight: str = "", *, seconds: float = 20) -> ProgramChain:
    """Run the program, and follow the loss back to the weight that it calls so, or to the first."""
    from gradbook.audit.programs.explaining import ProgramChain

    record = _asked_of_child(path, seconds, "--only", weight)
    return typing.cast(ProgramChain, _read(ProgramChain, record))


def sheet_of_program(path: str, *, seconds: float = 20) -> bytes:
    """Run the program, and make the workbook of a step of its training."""
    record = _asked_of_child(path, seconds, "--sheet", current_language().code)
    return b64decode(record["workbook"])


def _asked_of_child(path: str, seconds: float, *more: str) -> dict[str, Any]:
    if not os.path.isfile(path):
        raise GradbookError(f"{path}: there is no such program")
    with tempfile.TemporaryDirectory(prefix="gradbook-") as folder:
        try:
            record, _, cause = _left_by_child(path, seconds, Path(folder), *more)
        except subprocess.TimeoutExpired:
            raise GradbookError(f"{path}: {_no_end(seconds)}") from None
    if record is None:
        raise GradbookError(f"{path}: {cause}")
    return record


def _no_end(seconds: float) -> str:
    return Message("no end within {seconds} s", seconds=f"{2 * seconds + PATIENCE:.0f}")


def _left_by_child(
    path: str, seconds: float, folder: Path, *more: str
) -> tuple[dict[str, Any] | None, bytes, str]:
    """What the process left, what the program printed, and why it left nothing."""
    result, output_file = folder / "report.json", folder / "output.txt"
    command = [
        sys.executable,
        "-P",  # a file of the user's mustn't stand in for a module of ours
        "-m",
        "gradbook.audit.programs.child",
        path,
        str(result),
        str(seconds),
        *more,
    ]
    with output_file.open("wb") as written:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.STDOUT,
            timeout=2 * seconds + PATIENCE,
            check=False,
            env={**os.environ, "MPLBACKEND": "Agg", "PYTHONDONTWRITEBYTECODE": "1"},
        )
    printed = output_file.read_bytes()
    if not result.exists() or result.stat().st_size > MOST_REPORT:
        last = printed[-400:].decode(errors="replace").strip().splitlines()
        ended = Message("its process ended with {code}", code=done.returncode)
        return None, printed, last[-1] if last else ended
    record = json.loads(result.read_text())
    if "error" in record:
        raise GradbookError(record["error"])
    return record, printed, ""


def _read(kind: Any, value: Any) -> Any:
    """A record of the kind from its JSON."""
    if is_dataclass(kind) and isinstance(kind, type):
        hints = get_type_hints(kind)
        parts = {
            f.name: _read(hints[f.name], value[f.name]) for f in fields(kind) if f.name in value
        }
        return kind(**parts)
    origin = get_origin(kind)
    if origin is tuple:
        inner = get_args(kind)
        if len(inner) == 2 and inner[1] is Ellipsis:
            return tuple(_read(inner[0], part) for part in value)
        return tuple(_read(each, part) for each, part in zip(inner, value, strict=True))
    if origin in (typing.Union, types.UnionType):
        if value is None:
            return None
        return _read(next(each for each in get_args(kind) if each is not type(None)), value)
    if isinstance(value, dict):
        return text_of_record(value)
    return float(value) if kind is float and value is not None else value
