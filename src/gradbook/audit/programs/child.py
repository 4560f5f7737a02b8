"""The process that runs a program: records it, judges it, and leaves a report in a file.

`python -m gradbook.audit.programs.child PROGRAM REPORT SECONDS [TEXT]`; with `--only WEIGHT` in
place of the text, it leaves the chain of that weight, with `--sheet LANGUAGE` a step's workbook.
"""

from __future__ import annotations

import json
import os
import sys
from base64 import b64encode
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gradbook.errors import GradbookError
from gradbook.language.message import Message, enumerated, record_of_text


def main() -> None:
    path, result, seconds, *more = sys.argv[1:]
    try:
        record: dict[str, Any]
        if more[:1] == ["--only"]:
            record = _with_messages(asdict(_chain(path, float(seconds), more[1])))
        elif more[:1] == ["--sheet"]:
            record = {"workbook": _workbook(path, float(seconds), more[1])}
        else:
            text = Path(more[0]).read_bytes().decode() if more else None
            record = _with_messages(asdict(_report(path, text, float(seconds))))
    except GradbookError as error:
        record = {"error": str(error)}
    partial = f"{result}.part"
    with open(partial, "w") as file:
        json.dump(record, file, default=_plain)
    os.replace(partial, result)
    os._exit(0)  # threads that the program left don't matter any more


def _with_messages(value: Any) -> Any:
    """The record with each message as one that can be read again."""
    if isinstance(value, str):
        return record_of_text(value)
    if isinstance(value, dict):
        return {name: _with_messages(part) for name, part in value.items()}
    return [_with_messages(part) for part in value] if isinstance(value, (list, tuple)) else value


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else str(value)


def _report(path: str, text: str | None, seconds: float) -> Any:
    from gradbook.audit.programs.program_report import ProgramReport, SourceFile
    from gradbook.audit.programs.reporting import NOTHING_TRAINED, judged_models, worst_verdict
    from gradbook.audit.programs.stepping import Watch
    from gradbook.recording.recorder import RECORDER
    from gradbook.recording.running import read_program, run_recorded

    program = read_program(path, text)
    watch = Watch()
    run = run_recorded(program, seconds, watch)
    sources = [SourceFile(path, program.text, program.cells)]
    for name, source in run.sources.items():
        if name.split("#")[0] != os.path.abspath(path):
            sources.append(SourceFile(os.path.relpath(name), source.text))
    models = judged_models(RECORDER.tape, watch, run.sources, path, seconds)
    fault = _fault(run, path)
    common = {
        "fault": fault,
        "finished": run.finished,
        "seconds": run.seconds,
    }
    if not models:
        if run.error:
            return ProgramReport(path, "fault", (), tuple(sources), run.error, **common)
        if run.frameworks:
            reason = Message(
                "its gradients come from {frameworks}, which gradbook doesn't check",
                frameworks=enumerated(run.frameworks),
            )
            return ProgramReport(path, "framework", (), tuple(sources), reason, **common)
        return ProgramReport(path, "no training", (), tuple(sources), NOTHING_TRAINED, **common)
    return ProgramReport(path, worst_verdict(models), models, tuple(sources), "", **common)


def _chain(path: str, seconds: float, weight: str) -> Any:
    from gradbook.audit.programs.explaining import explain_weight

    tape, watch, sources = _recorded(path, seconds)
    return explain_weight(tape, watch, sources, path, weight)


def _workbook(path: str, seconds: float, language: str) -> str:
    """The workbook in the letters of base64."""
    from gradbook.audit.programs.step_sheet import step_workbook
    from gradbook.language import in_language

    tape, watch, sources = _recorded(path, seconds)
    with in_language(language):
        return b64encode(step_workbook(tape, watch, sources, path)).decode()


def _recorded(path: str, seconds: float) -> tuple[Any, Any, Any]:
    """The tape of the program's run, what was updated in it, and the source."""
    from gradbook.audit.programs.stepping import Watch, find_trainings
    from gradbook.recording.recorder import RECORDER
    from gradbook.recording.running import read_program, run_recorded

    watch = Watch()
    run = run_recorded(read_program(path), seconds, watch)
    if run.error and not find_trainings(watch):
        raise GradbookError(f"{path}: {run.error}")
    if run.frameworks and not find_trainings(watch):
        names = " and ".join(run.frameworks)
        raise GradbookError(f"{path}: its gradients come from {names}, not from NumPy")
    return RECORDER.tape, watch, run.sources


def _fault(run: Any, path: str) -> Any:
    from gradbook.audit.programs.program_report import SourceSpan

    if not run.error or not run.error_line:
        return None
    source = run.sources.get(run.error_file)
    text = ""
    if source is not None and run.error_line <= len(source.lines):
        text = source.lines[run.error_line - 1].decode(errors="replace")
    file, cell = run.error_file, None
    if "#" in file:
        file, number = file.rsplit("#", 1)
        cell = int(number) if number.isdigit() else None
    shown = path if os.path.abspath(path) == file else file
    return SourceSpan(shown, run.error_line, 0, run.error_line, len(text), text, cell)


if __name__ == "__main__":
    main()
