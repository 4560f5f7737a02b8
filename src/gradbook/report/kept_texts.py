"""Texts in the user's cache that take long to make, and depend on modules and language alone.

They are made anew as soon as one of the modules that made them has changed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from hashlib import sha256
from itertools import chain
from pathlib import Path

from gradbook import limits
from gradbook.errors import GradbookError
from gradbook.files import read_bytes, renew, write_whole
from gradbook.folders import kept_in
from gradbook.graph.node import OPS
from gradbook.language import CATALOGUES, ENGLISH, current_language
from gradbook.layers import KINDS
from gradbook.schema import ListOf, PlainText, Schema, read_json

KIND = "texts"
OURS = {"gradbook", "numpy", "functools", "None"}  # packages with the functions of our ops
PACKAGE = Path(__file__).parents[1]
KEPT = Schema(modules=ListOf(PlainText()), made_of=PlainText(), text=PlainText(limits.TEXT.most))


def kept_text(name: str, make: Callable[[], str]) -> str:
    """The text of this name in the reader's language; if it isn't in the cache, or was made by
    other modules, `make` makes it."""
    language = current_language().code
    catalogue = CATALOGUES / f"{language}.mo"
    if _has_additions() or not (language == ENGLISH.code or catalogue.is_file()):
        return make()
    with suppress(GradbookError, OSError):
        path = kept_in(KIND) / f"{name}-{language}.json"
        with suppress(GradbookError, OSError):
            kept = read_json(read_bytes(path, limits.TEXT), KEPT)
            if kept["made_of"] == _digest(kept["modules"], catalogue):
                return str(kept["text"])
        text, modules = make(), _modules()
        entry = {"modules": modules, "made_of": _digest(modules, catalogue), "text": text}
        renew(path.parent)
        write_whole(path, json.dumps(entry))
        return text
    return make()


def _has_additions() -> bool:
    """Whether plug-ins or callers have added layers or ops, whose files aren't known here."""
    parts = chain.from_iterable((op.value, op.derivative, op.expansion) for op in OPS.values())
    homes = {str(getattr(part, "__module__", None)).partition(".")[0] for part in (*parts, *KINDS)}
    return not homes <= OURS


def _modules() -> list[str]:
    """The files of all modules of gradbook that have been loaded: those that made the text are
    among them."""
    files = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    paths = (Path(file) for file in files if file)
    return sorted(p.relative_to(PACKAGE).as_posix() for p in paths if p.is_relative_to(PACKAGE))


def _digest(modules: Iterable[str], catalogue: Path) -> str:
    """A hash of modules, and of the words in the reader's language."""
    digest = sha256(sys.version.encode())
    for path in (*(PACKAGE / module for module in modules), catalogue):
        content = path.read_bytes() if path.is_file() else b""
        digest.update(f"{path.name} {len(content)} ".encode() + content)
    return digest.hexdigest()
