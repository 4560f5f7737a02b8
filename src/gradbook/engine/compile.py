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


def library(
    text: str, compiler: Compiler, level: str = "native", extra: Sequence[str] = (), parts: int = 1
) -> Library:
    """The compiled text, kept where it was compiled before. Text that knows what PART is may be
    compiled in so many `parts` side by side.
    """
    words = [*compiler.words(level), *extra]
    compiles_for = [f"{name} {value}" for name, value in macros(compiler, level).items()]
    own_words = words[len(compiler.command) :]
    machine = system.kind_of_machine()
    made_of = hashed(text, compiler.version, machine, " ".join(own_words), *compiles_for)
    make = partial(built, text=text, compiler=compiler, words=words, parts=parts)
    return kept(made_of, compiler.ending, make)


def built(
    folder: Path, text: str, compiler: Compiler, words: Sequence[str], parts: int = 1
) -> Path:
    """The library of a text, made in this folder."""
    source, made = folder / "engine.c", folder / f"engine{compiler.ending}"
    source.write_text(text, encoding="utf-8")
    inputs = [source.name] if parts == 1 else _objects(source, words, parts)
    compile_in(folder, [*words, *compiler.to_link, *inputs, "-o", made.name, "-lm"])
    if not made.is_file() or made.stat().st_size > LARGEST:
        raise CompilerError(f"{words[0]} says that it compiled the engine, and didn't{ANOTHER}")
    return made


def _objects(source: Path, words: Sequence[str], parts: int) -> list[str]:
    objects = [f"{part}.o" for part in range(parts)]
    compiling = (
        partial(
            compile_in, source.parent, [*words, f"-DPART={part}", "-c", source.name, "-o", made]
        )
        for part, made in enumerate(objects)
    )
    side_by_side(*compiling)
    return objects
