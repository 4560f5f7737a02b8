"""C to a shared library, compiled where it wasn't before."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from gradbook import system
from gradbook.engine.compilers import Compiler, macros
from gradbook.engine.kept import Library, hashed, kept
from gradbook.engine.processes import ANOTHER, CompilerError, compile_in, side_by_side

LARGEST = 2**28  # bytes of a library: those of large networks have a few million
MOST_AT_ONCE = 4  # compilers
WORTH_ANOTHER = 2  # effort: for less, reading the text once more costs more than it saves


def library(
    text: str,
    compiler: Compiler,
    level: str = "native",
    extra: Sequence[str] = (),
    effort: Sequence[float] = (1,),
) -> Library:
    """The compiled text, kept where it was compiled before. Text that knows what PARTS are may be
    compiled by several compilers side by side; `effort` says how much of one each part is.
    """
    words = [*compiler.words(level), *extra]
    compiles_for = [f"{name} {value}" for name, value in macros(compiler, level).items()]
    own_words = words[len(compiler.command) :]
    machine = system.kind_of_machine()
    made_of = hashed(text, compiler.version, machine, " ".join(own_words), *compiles_for)
    make = partial(built, text=text, compiler=compiler, words=words, effort=effort)
    return kept(made_of, compiler.ending, make)


def built(
    folder: Path,
    text: str,
    compiler: Compiler,
    words: Sequence[str],
    effort: Sequence[float],
) -> Path:
    """The library of a text, made in this folder."""
    source, made = folder / "engine.c", folder / f"engine{compiler.ending}"
    source.write_text(text, encoding="utf-8")
    most = system.cores()
    if compiler.is_for_browsers:  # whose modules have the same bytes from every machine
        most = MOST_AT_ONCE
    shares = shared_out(effort, min(most, MOST_AT_ONCE))
    inputs = [source.name] if len(shares) == 1 else _objects(source, words, shares)
    compile_in(folder, [*words, *compiler.to_link, *inputs, "-o", made.name, "-lm"])
    if not made.is_file() or made.stat().st_size > LARGEST:
        raise CompilerError(f"{words[0]} says that it compiled the engine, and didn't{ANOTHER}")
    return made


def shared_out(effort: Sequence[float], most: int) -> list[list[int]]:
    """The parts of each compiler, about as much for each: for all of at most so many, or of fewer
    where there is little to do.
    """
    count = max(1, min(most, len(effort), int(sum(effort) / WORTH_ANOTHER)))
    shares: list[list[int]] = [[] for _ in range(count)]
    for part in sorted(range(len(effort)), key=lambda part: -effort[part]):
        min(shares, key=lambda share: sum(effort[one] for one in share)).append(part)
    return shares


def _objects(source: Path, words: Sequence[str], shares: Sequence[Sequence[int]]) -> list[str]:
    objects = [f"{number}.o" for number in range(len(shares))]
    compiling = (
        partial(compile_in, source.parent, [*words, only(share), "-c", source.name, "-o", made])
        for share, made in zip(shares, objects, strict=True)
    )
    side_by_side(*compiling)
    return objects


def only(parts: Sequence[int]) -> str:
    """How a compiler is told to take these parts."""
    return f"-DPARTS={sum(1 << part for part in parts)}"
