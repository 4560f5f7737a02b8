"""Runs a program in this process with all its numbers remembered, until enough was seen.

Knows neither what a training is nor who asks; the process is spent afterwards.
"""

from __future__ import annotations

import builtins
import gc
import importlib
import json
import os
import sys
import traceback
import types
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

from gradbook.errors import GradbookError
from gradbook.recording.alarm import Alarm
from gradbook.recording.recorder import RECORDER, EnoughError
from gradbook.recording.replaced_functions import HELPERS, Replacements
from gradbook.recording.rewriting import compile_program, follow_modules
from gradbook.recording.source_places import SourceText

MOST_TEXT = 2_000_000  # characters of a program
MOST_BESIDE = 50
LIBRARIES = (
    "matplotlib.pyplot",
    "pandas",
    "sklearn.datasets",
    "sklearn.model_selection",
    "sklearn.preprocessing",
    "sklearn.metrics",
    "scipy.special",
    "scipy.stats",
    "scipy.signal",
)
FRAMEWORKS = ("torch", "jax", "tensorflow", "keras", "autograd", "mxnet", "tinygrad")


@dataclass
class ProgramSource:
    """A file that is to be run: a script, or a notebook's code cells."""

    path: str
    text: str
    cells: tuple[str, ...] = ()

    @property
    def parts(self) -> list[tuple[str, str]]:
        """The name and the text of each part that is compiled by itself."""
        if not self.cells:
            return [(os.path.abspath(self.path), self.text)]
        name = os.path.abspath(self.path)
        return [(f"{name}#{n}", text) for n, text in enumerate(self.cells, 1)]


def read_program(path: str, text: str | None = None) -> ProgramSource:
    if text is None:
        try:
            with open(path, "rb") as file:
                data = file.read(4 * MOST_TEXT + 1)
        except OSError as error:
            raise GradbookError(f"{path}: {error.strerror}") from error
        if len(data) > 4 * MOST_TEXT:
            raise GradbookError(f"{path}: larger than {4 * MOST_TEXT:,} bytes, which no program is")
        text = decode(path, data)
    if path.lower().endswith(".ipynb"):
        return ProgramSource(path, text, notebook_cells(path, text))
    return ProgramSource(path, text)


def decode(path: str, data: bytes) -> str:
    import io
    import tokenize

    try:
        encoding = tokenize.detect_encoding(io.BytesIO(data).readline)[0]
        return data.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        raise GradbookError(f"{path}: not a text that Python reads") from error


def notebook_cells(path: str, text: str) -> tuple[str, ...]:
    try:
        notebook = json.loads(text)
        cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
        texts = [
            cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
            for cell in cells
        ]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise GradbookError(f"{path}: not a notebook of Jupyter") from error
    if not any(each.strip() for each in texts):
        raise GradbookError(f"{path}: has no code")
    return tuple(texts)


def without_magics(text: str) -> str:
    """The cell as Python reads it: IPython's own lines become comments of the same length."""
    if text.lstrip().startswith("%%"):
        return ""
    lines = text.split("\n")
    for n, line in enumerate(lines):
        rest = line.lstrip()
        if rest.startswith(("%", "!", "?")) or (rest.endswith("?") and "#" not in rest):
            space = line[: len(line) - len(rest)]
            lines[n] = f"{space}pass #"[: max(len(line), 4 + len(space))]
    return "\n".join(lines)


@dataclass
class Run:
    """What a run left: its sources, and how it ended."""

    sources: dict[str, SourceText]
    finished: bool = False
    stopped_by: str = ""  # "enough", "time", "memory"
    error: str = ""
    error_file: str = ""
    error_line: int = 0
    seconds: float = 0.0
    frameworks: list[str] = field(default_factory=list)


def run_recorded(program: ProgramSource, seconds: float, watch: Callable[[int], None]) -> Run:
    """Run the program; its numbers are on the recorder's tape afterwards."""
    try:
        sources = {
            name: SourceText(name, without_magics(text) if program.cells else text)
            for name, text in program.parts
        }
        codes = [compile_program(source.text, name) for name, source in sources.items()]
    except (SyntaxError, ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None) or 0
        name = getattr(error, "filename", None) or program.parts[0][0]
        return Run({}, error=_message(error), error_file=name, error_line=line)
    run = Run(sources)
    replacements = Replacements()
    module = _prepare_module(program, sources, replacements)
    RECORDER.watch, RECORDER.outermost = watch, run_recorded.__code__
    start = perf_counter()
    RECORDER.deadline = start + seconds
    RECORDER.start()
    try:
        with Alarm(seconds):
            for code in codes:
                exec(code, module.__dict__)
        run.finished = True
    except EnoughError:
        run.stopped_by = "time" if perf_counter() > RECORDER.deadline else "enough"
    except SystemExit as end:
        run.finished = end.code in (None, 0)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        _note_error(run, error)
    finally:
        RECORDER.pause()
        RECORDER.watch = None
        replacements.undo()
    run.seconds = perf_counter() - start
    for name in RECORDER.program_files - set(sources):
        try:
            sources[name] = SourceText(name, Path(name).read_text())
        except (OSError, ValueError, SyntaxError):
            continue
    run.frameworks = [name for name in FRAMEWORKS if name in sys.modules]
    return run


def _prepare_module(
    program: ProgramSource, sources: dict[str, SourceText], replacements: Replacements
) -> types.ModuleType:
    """An empty `__main__` in which numbers remember, in a process that looks like the program's."""
    folder = Path(program.path).resolve().parent
    _import_libraries(_texts_beside(folder, sources))
    follow_modules(folder, RECORDER.program_files, HELPERS)
    replacements.make()
    module = types.ModuleType("__main__")
    module.__dict__.update(HELPERS, __file__=os.path.abspath(program.path), __builtins__=builtins)
    if program.cells:
        module.__dict__["display"] = print
    sys.modules["__main__"] = module
    sys.argv = [program.path]
    sys.path.insert(0, str(folder))
    sys.setrecursionlimit(20_000)
    gc.set_threshold(100_000, 50, 50)  # the tape is no garbage, and long
    RECORDER.program_files |= set(sources)
    return module


def _texts_beside(folder: Path, sources: dict[str, SourceText]) -> str:
    texts = [source.text for source in sources.values()]
    for file in sorted(folder.glob("*.py"))[:MOST_BESIDE]:
        try:
            texts.append(file.read_text())
        except (OSError, ValueError):
            continue
    return "\n".join(texts)


def _import_libraries(texts: str) -> None:
    """Libraries that look at NumPy when they are imported see the real one."""
    os.environ.setdefault("MPLBACKEND", "Agg")
    for name in LIBRARIES:
        if name.split(".")[0] in texts:
            try:
                importlib.import_module(name)
            except Exception:
                continue


def _message(error: BaseException) -> str:
    return "".join(traceback.format_exception_only(error)).strip().splitlines()[-1]


def _note_error(run: Run, error: BaseException) -> None:
    run.error = _message(error)
    for frame, line in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_filename in RECORDER.program_files:
            run.error_file, run.error_line = frame.f_code.co_filename, line
