"""What this process computes is recorded; and programs in processes of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from gradbook.recording.arithmetic import give_arithmetic
from gradbook.recording.calls import Tape
from gradbook.recording.recorder import RECORDER

CHILD = """
import json, sys
from gradbook.recording import recorder
from gradbook.recording.source_places import position
from gradbook.recording.running import read_program, run_recorded
program, result, most = sys.argv[1], sys.argv[2], int(sys.argv[3])
recorder.MOST_BYTES = most or recorder.MOST_BYTES
run = run_recorded(read_program(program), 60.0, None)
sys.stdout.flush()
tape = recorder.RECORDER.tape
places = {}
for call in tape.calls:
    for frame in call.frames[:1]:
        place = position(frame)
        source = run.sources[place.file]
        places.setdefault(call.name, []).append(source.segment(place))
with open(result, "w") as file:
    json.dump(
        {
            "error": run.error,
            "finished": run.finished,
            "calls": len(tape),
            "kept": tape.kept_bytes,
            "full": recorder.RECORDER.full,
            "places": places,
        },
        file,
    )
"""


@dataclass
class Recorded:
    output: str
    error: str
    finished: bool
    calls: int
    kept: int
    full: bool
    places: dict[str, list[str]]  # a function → the source of each of its calls


@pytest.fixture(scope="module")
def run_program(tmp_path_factory):
    folder = tmp_path_factory.mktemp("program")

    def run(text: str, most_bytes: int = 0) -> Recorded:
        path, result = folder / "program.py", folder / "result.json"
        path.write_text(text, "utf-8")
        done = subprocess.run(
            [sys.executable, "-c", CHILD, str(path), str(result), str(most_bytes)],
            capture_output=True,
            text=True,
            cwd=folder,
            check=False,
        )
        assert result.exists(), done.stderr
        return Recorded(done.stdout, **json.loads(result.read_text("utf-8")))

    run.folder = folder
    return run


@pytest.fixture
def run_plain(run_program):
    def run(text: str) -> str:
        path = run_program.folder / "program.py"
        path.write_text(text, "utf-8")
        done = subprocess.run(
            [sys.executable, str(path)],
            capture_output=True,
            text=True,
            cwd=run_program.folder,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture
def recording():
    """The recorder, while it records what the tests compute."""
    give_arithmetic()
    state = dict(vars(RECORDER))
    RECORDER.tape, RECORDER.full, RECORDER.watch, RECORDER.is_on = Tape(), False, None, False
    RECORDER.program_files = {str(path) for path in Path(__file__).parent.glob("test_*.py")}
    RECORDER.known = {}
    RECORDER.start()
    yield RECORDER
    episode = RECORDER.episode
    vars(RECORDER).update(state, episode=episode, is_on=False)
