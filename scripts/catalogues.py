"""The catalogues of languages: gathers the messages of the code, and compiles what is translated.

python -m scripts.catalogues          every catalogue anew, with what is missing in each
python -m scripts.catalogues de --new start another
"""

from __future__ import annotations

import ast
import re
import sys
from argparse import ArgumentParser
from collections.abc import Container, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from gradbook.language import CATALOGUES

SOURCE = Path(__file__).parents[1] / "src/gradbook"
KEYWORDS = {
    "tr": None,
    "mark": None,
    "message_mark": None,
    "tr_count": (1, 2),
    "trCount": (1, 2),
    "Message": None,
    "message_count": (1, 2),
}
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


def _said_in_python(
    file: IO[bytes], names: Container[str], *_: object, **__: object
) -> Iterator[Found]:
    """What a file's calls say, those within f-strings too, which Babel passes over."""
    for node in ast.walk(ast.parse(file.read())):
        match node:
            case ast.Call(ast.Name(name)) if name in names:
                said = [it.value if isinstance(it, ast.Constant) else None for it in node.args]
                yield node.lineno, name, said, []


def _said_in_html(file: IO[bytes], *_: object, **__: object) -> Iterator[Found]:
    """What stands in [[…]], without what takes the places of its parts."""
    text = file.read().decode("utf-8")
    for message in re.finditer(r"\[\[(.*?)(?:\|.*?)?\]\]", text, re.DOTALL):
        line = text.count("\n", 0, message.start()) + 1
        yield line, "tr", [" ".join(message[1].split())], []


Found = tuple[int, str, list[Any], list[str]]  # line, function, what it is given, remarks
METHODS: list[Any] = [
    ("web/**.js", "javascript"),
    ("web/**.html", _said_in_html),
    ("**.py", _said_in_python),
]


@cache
def messages() -> list[tuple[str, str | tuple[str, ...]]]:
    """Every file and a message that it has; of a message with a plural both."""
    found = extract_from_dir(SOURCE, METHODS, keywords=KEYWORDS)
    return [(f"src/gradbook/{file}", message) for file, _, message, _, _ in found]


@cache
def template() -> Catalog:
    """Every message of the code, with the files that say it."""
    found = Catalog(project="gradbook", charset="utf-8")
    for file, message in messages():
        found.add(message, locations=[(file, None)])
    return found


def new_catalogue(code: str) -> Catalog:
    return Catalog(locale=code, project="gradbook", charset="utf-8", fuzzy=False)


def catalogue(code: str) -> Catalog:
    """A language's, as it is translated so far."""
    with (CATALOGUES / f"{code}.po").open("rb") as file:
        return read_po(file, locale=code, abort_invalid=True)


def updated(code: str, is_new: bool = False) -> Catalog:
    """With the messages that the code has today, and no others."""
    found = new_catalogue(code) if is_new else catalogue(code)
    found.update(template(), no_fuzzy_matching=True, update_header_comment=False)
    found.obsolete.clear()
    return _plain(found)


def _plain(found: Catalog) -> Catalog:
    """Without what a header says of days and people, so that equal messages are equal files."""
    found.header_comment = ""
    found.creation_date = found.revision_date = BEGINNING
    found.last_translator = found.language_team = found.msgid_bugs_address = found.project
    return found


def untranslated(found: Catalog) -> list[Message]:
    """The messages that a reader would see in English."""
    return [message for message in found if message.id and not _is_said(message)]


def _is_said(message: Message) -> bool:
    forms = message.string if isinstance(message.string, tuple | list) else (message.string,)
    return not message.fuzzy and all(forms)


def compiled(found: Catalog) -> bytes:
    """As gettext reads it."""
    written = BytesIO()
    write_mo(written, found)
    return written.getvalue()


def main(words: Sequence[str]) -> int:
    parser = ArgumentParser(prog="scripts.catalogues")
    parser.add_argument("codes", nargs="*", metavar="CODE")
    parser.add_argument("--new", action="store_true", help="start the catalogue of a language")
    options = parser.parse_args(words)
    for code in options.codes or sorted(file.stem for file in CATALOGUES.glob("*.po")):
        found = updated(code, options.new)
        with (CATALOGUES / f"{code}.po").open("wb") as file:
            write_po(file, found, width=96, sort_by_file=True, omit_header=False)
        (CATALOGUES / f"{code}.mo").write_bytes(compiled(found))
        missing = len(untranslated(found))
        print(f"{code}: {len(found)} messages, {missing} still in English")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
