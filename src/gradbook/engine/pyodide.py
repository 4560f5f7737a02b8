"""Python for browsers: the core of Pyodide as npm has it, checked and kept for the next time.

It isn't part of gradbook, since most pages don't need it: a page that runs Python fetches it once,
or takes it from a folder that the user names.
"""

from __future__ import annotations

import io
import json
import os
import re
import tarfile
from base64 import b64decode
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha512
from pathlib import Path

from gradbook import limits
from gradbook.errors import FileError, GradbookError, UsageError
from gradbook.files import read_bytes, renew, write_whole
from gradbook.folders import kept_in
from gradbook.schema import PlainText, Schema, SchemaError, read_json

VERSION = "314.0.7"
ADDRESS = f"https://registry.npmjs.org/pyodide/-/pyodide-{VERSION}.tgz"
SIZE = 6_488_647  # bytes of that archive
DIGEST = "0YvXxEhfEdpLfb/XkM2BFAeMROq0iMUX2bzzH9pOttyMcWkwq+HbE5uyuGD82LN7y2q+SNvi/6V5JEsOlD2R1A=="
VARIABLE = "GRADBOOK_PYODIDE"  # names a folder with the unpacked package
KIND = "pyodide"
PATIENCE = 30.0  # seconds within which a piece must arrive
PIECE = 2**16  # bytes

LOADER, MODULE, LOCK = "pyodide.mjs", "pyodide.asm.mjs", "pyodide-lock.json"
CODE, LIBRARY = "pyodide.asm.wasm", "python_stdlib.zip"
FILES = (LOADER, MODULE, LOCK, CODE, LIBRARY)
LOADER_EXPORT = re.compile(r"export\{(\w+) as loadPyodide,\w+ as version\};")
MODULE_EXPORT = "export default _createPyodideModule;"
SOURCE_MAP = re.compile(r"^//# sourceMappingURL=.*", re.MULTILINE)
NO_IMPORTS = "self.importScripts=()=>{throw Error()}"  # with this it checks whether it is a module


@dataclass(frozen=True)
class BrowserPython:
    """What a worker needs to run Python."""

    script: str  # after which loadPyodide, _createPyodideModule and pyodideLock are known
    code: bytes  # of WebAssembly
    library: bytes  # Python's own, as a zip


def browser_python(tell: Callable[[int], None] = lambda done: None) -> BrowserPython:
    """Python from the named folder, the cache or, now, the network; `tell` gets the number of
    bytes, of `SIZE`, that have arrived."""
    named = os.environ.get(VARIABLE)
    files = _in_folder(Path(named)) if named else _in_archive(_archive(tell))
    return BrowserPython(_script(files), files[CODE], files[LIBRARY])


def _script(files: Mapping[str, bytes]) -> str:
    """Its modules as a plain script: a worker made by a page that was opened from a file can run no
    other. Its list of packages is left empty."""
    loader, is_found = LOADER_EXPORT.subn(r"self.loadPyodide=\1;", files[LOADER].decode())
    module = files[MODULE].decode()
    if not is_found or MODULE_EXPORT not in module:
        raise FileError(f"{LOADER} and {MODULE} aren't those of Pyodide {VERSION}")
    module = module.replace(MODULE_EXPORT, "").replace("import.meta.url", '""')
    lock = json.dumps({"info": json.loads(files[LOCK])["info"], "packages": {}})
    pieces = (NO_IMPORTS, loader, module, f"self.pyodideLock={lock}")
    return "".join(f"{SOURCE_MAP.sub('', piece)};\n" for piece in pieces)


def _in_folder(folder: Path) -> dict[str, bytes]:
    path = folder / "package.json"
    try:
        version = read_json(read_bytes(path, limits.TEXT), Schema(version=PlainText()))["version"]
    except SchemaError as error:
        raise FileError(f"{path} isn't the one of Pyodide: {error.message}") from None
    if version != VERSION:
        raise UsageError(
            f"{folder} has version {version} of Pyodide: {VARIABLE} must name a folder with "
            f"{VERSION}"
        )
    return {name: read_bytes(folder / name, limits.FOREIGN) for name in FILES}


def _in_archive(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        files = {Path(entry.name).name: packed.extractfile(entry) for entry in packed}
        return {name: file.read() for name in FILES if (file := files[name])}


def _archive(tell: Callable[[int], None]) -> bytes:
    """The archive as it was published, or an error."""
    path = kept_in(KIND) / f"pyodide-{VERSION}.tgz"
    with suppress(GradbookError):
        kept = read_bytes(path, limits.FOREIGN)
        if _is_as_published(kept):
            return kept
    fetched = _fetch(tell)
    if not _is_as_published(fetched):
        raise FileError(f"what came from {ADDRESS} isn't what was published there: try again")
    renew(path.parent)
    write_whole(path, fetched)
    return fetched


def _is_as_published(archive: bytes) -> bool:
    return sha512(archive).digest() == b64decode(DIGEST)


def _fetch(tell: Callable[[int], None]) -> bytes:
    from http.client import HTTPException
    from urllib.request import urlopen

    content = bytearray()
    try:
        with urlopen(ADDRESS, timeout=PATIENCE) as answer:
            while len(content) <= SIZE and (piece := answer.read(PIECE)):
                content += piece
                tell(len(content))
    except (OSError, HTTPException) as error:
        raise FileError(
            f"this needs Python for browsers, once, and {ADDRESS} can't be reached: connect this "
            f"computer, or name a folder with that package unpacked in {VARIABLE}"
        ) from error
    return bytes(content)
