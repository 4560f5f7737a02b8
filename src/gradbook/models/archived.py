"""What lies in a zip archive of a stranger's, no more of it than was asked for."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from gradbook.errors import DataError

MOST_TEXT = 2**23  # bytes of a .json in it
MOST_BYTES = 2**28  # of weights


@contextmanager
def archive_of(
    stream: IO[bytes], file: str | os.PathLike[str], kind: str
) -> Iterator[zipfile.ZipFile]:
    """An archive; whatever is wrong with it, or with what is found in it, is told in one line."""
    try:
        with zipfile.ZipFile(stream) as archive:
            yield archive
    except DataError as error:
        raise DataError(error.message, file=os.fspath(file)) from error
    except (
        zipfile.BadZipFile,
        RecursionError,
        NotImplementedError,
        RuntimeError,
        EOFError,
    ) as error:
        raise DataError(f"no {kind} file that can be read", file=os.fspath(file)) from error
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, OSError) as error:
        raise DataError(
            f"its layers or weights aren't as a {kind} file has them", file=os.fspath(file)
        ) from error


def member(archive: zipfile.ZipFile, name: str, most: int = MOST_BYTES) -> bytes:
    """No more than that, whatever the archive says of its size."""
    try:
        with archive.open(name) as stream:
            content = stream.read(most + 1)
    except KeyError:
        raise DataError(f"it has no {name}") from None
    if len(content) > most:
        raise DataError(f"its {name} is larger than {most // 2**20} MiB")
    return content


def json_member(archive: zipfile.ZipFile, name: str) -> dict[str, Any]:
    found = json.loads(member(archive, name, MOST_TEXT))
    if not isinstance(found, dict):
        raise DataError(f"its {name} says something else than is expected there")
    return found
