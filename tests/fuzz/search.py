"""Looks for faults of one reader, led by what of its code each input reaches; needs Atheris.

    python -m tests.fuzz.search TARGET SECONDS FOLDER

Inputs that reach something new are kept in FOLDER/corpus/TARGET, from which the next search goes
on. Each find is kept in `finds/`, the smallest of its kind, and told on standard output as JSON;
what Atheris tells goes to standard error.
"""

from __future__ import annotations

import gc
import json
import pkgutil
import sys
import warnings
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from types import FunctionType

import atheris
from hypothesis import HealthCheck, Phase, given, settings

import gradbook
from tests.fuzz.kept import CORPUS, FINDS, keep, named
from tests.fuzz.targets import TARGETS, Target
from tests.fuzz.watched import outcome

SEEDS = 60  # inputs that the grammar makes to begin with
STUCK, ROOM = 60, 4_000  # seconds and megabytes after which Atheris itself ends it


def main(name: str, seconds: str, folder: str) -> None:
    warnings.simplefilter("ignore")
    target, work = TARGETS[name], Path(folder)
    grown, words = work / "corpus" / name, work / f"{name}.words"
    grown.mkdir(parents=True, exist_ok=True)
    for seed in seeds(target):
        if len(seed) <= target.longest:
            (grown / sha256(seed).hexdigest()[:16]).write_bytes(seed)
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in target.words), "ascii")
    known = [str(place / name) for place in (CORPUS, FINDS) if (place / name).is_dir()]
    options = {
        "max_total_time": seconds,
        "max_len": target.longest,
        "timeout": STUCK,
        "rss_limit_mb": ROOM,
        **({"dict": words} if target.words else {}),
        "artifact_prefix": f"{work}/{name}-",
        "print_final_stats": 1,
    }
    said = [f"-{option}={value}" for option, value in options.items()]
    with TemporaryDirectory() as place:
        one = _one(target, Path(place))
        atheris.Setup([name, *said, str(grown), *known], one, custom_mutator=_mutator(target))
        follow(target.rooms)
        atheris.Fuzz()


def follow(rooms: Sequence[str]) -> None:
    """Let Atheris see which lines of these modules are reached: others only take time."""

    def is_inside(module: str | None) -> bool:
        return f"{module}.".startswith(tuple(f"gradbook.{room}." for room in rooms))

    for found in pkgutil.walk_packages(gradbook.__path__, "gradbook."):
        if is_inside(found.name):
            __import__(found.name)
    for thing in gc.get_objects():
        if isinstance(thing, FunctionType) and is_inside(thing.__module__):
            atheris.instrument_func(thing)


def seeds(target: Target) -> Iterator[bytes]:
    """What the target's grammar makes."""
    found: list[bytes] = []

    @settings(
        max_examples=SEEDS,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(target.valid)
    def collect(data: bytes) -> None:
        found.append(data)

    collect()
    yield from dict.fromkeys(found)


def _one(target: Target, folder: Path):
    """What is done with each input: no find ends the search."""

    def one(data: bytes) -> None:
        found = outcome(target.read, data, folder)
        if found.is_fault:
            file, is_new = keep(target.name, found, data)
            if is_new:
                told = {"kind": named(found.kind), "file": str(file), "trace": found.trace}
                print(json.dumps(told), flush=True)

    return one


def _mutator(target: Target):
    """Half of the changes are those of the target's own kind."""

    def mutated(data: bytes, most: int, seed: int) -> bytes:
        draw = Random(seed)
        if draw.random() < 0.5:
            return atheris.Mutate(data, most)
        return target.broken(bytes(data), draw)[:most]

    return mutated


def _escaped(word: str) -> str:
    return "".join(rf"\x{byte:02x}" for byte in word.encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
