"""A workbook's package: a zip of XML, read within bounds; nothing outside it is ever opened."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import BinaryIO, NamedTuple
from xml.parsers import expat

from gradbook import limits
from gradbook.archives import (
    SMALL,
    Archive,
    ArchiveError,
    EncryptedEntry,
    MissingEntry,
    OddlyPacked,
    Overlarge,
)
from gradbook.errors import GradbookError
from gradbook.files import open_file
from gradbook.language import mark
from gradbook.language.message import Message

TOO_LARGE = Message("the file is larger than {limit}: too large to check", limit=str(limits.BOOK))
ENCRYPTED = Message("it is encrypted: remove the password and save it as .xlsx")
ODDITIES: dict[type[ArchiveError], str] = {  # what is wrong with a part, in a user's words
    MissingEntry: mark("its part {name} is missing: save it again as .xlsx"),
    EncryptedEntry: ENCRYPTED,
    OddlyPacked: mark("its part {name} is packed in an unusual way: save it as .xlsx"),
    Overlarge: mark("its part {name} unpacks to more than the limit"),
    ArchiveError: mark("its part {name} is damaged: save it again as .xlsx"),
}
SHORTEST_ELEMENT = len(b"<a/>")
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # how an old .xls, or an encrypted book, begins

Begin = Callable[[str, dict[str, str]], object]  # an element begins, with its attributes
End = Callable[[str], object]


class TextElement(NamedTuple):
    """An element of a part, when it ends."""

    tag: str  # without its namespace's prefix, as all of these
    attributes: dict[str, str]
    text: str  # directly inside it
    around: str  # the tag of its parent


class WorkbookError(GradbookError):
    """A workbook that can't be read."""


class Package:
    """The parts of an opened workbook, by name."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.parts = archive.entries

    def __contains__(self, name: str) -> bool:
        return name in self.archive

    def size(self, name: str) -> int:
        """The size that the archive states for a part, unpacked."""
        return self.archive.size(name)

    def bytes_of(self, name: str) -> bytes:
        return b"".join(self.chunks(name))

    def chunks(self, name: str) -> Iterator[bytes]:
        """A part's content, piece by piece, up to the limit for a workbook's part."""
        try:
            yield from self.archive.chunks(name, limits.PART)
        except ArchiveError as error:
            raise WorkbookError(Message(ODDITIES[type(error)], name=name)) from error

    def parse(
        self,
        name: str,
        begin: Begin,
        end: End | None = None,
        text: End | None = None,
        reader: expat.XMLParserType | None = None,
    ) -> None:
        """Read a part's XML, calling back for each element and text."""
        self.refuse_very_many(name)
        parse(name, self.chunks(name), reader or parser(), begin, end, text)

    def each(self, name: str, keep: Callable[[TextElement], object]) -> None:
        """Read a part's XML, passing each element to `keep` when it ends."""
        opened: list[tuple[str, dict[str, str], list[str]]] = [("", {}, [])]

        def end(tag: str) -> None:
            last, attributes, text = opened.pop()
            keep(TextElement(last, attributes, "".join(text), opened[-1][0]))

        def add(piece: str) -> None:
            opened[-1][2].append(piece)

        def begin(tag: str, attributes: dict[str, str]) -> None:
            opened.append((local(tag), attributes, []))

        self.parse(name, begin, end, add)

    def refuse_very_many(self, name: str) -> None:
        """Refuse a part with too many elements; counting costs little compared with reading."""
        if self.size(name) > limits.ELEMENTS.most * SHORTEST_ELEMENT:
            tags = ((piece.count(b"<"), piece.count(b"</")) for piece in self.chunks(name))
            if sum(every - last for every, last in tags) > limits.ELEMENTS.most:
                raise _very_many()


CONTENT = "content.xml"  # the part with all sheets of an OpenDocument spreadsheet


def is_opendocument(parts: Package) -> bool:
    """Whether a package is an OpenDocument spreadsheet rather than an Excel workbook."""
    return "mimetype" in parts and CONTENT in parts


EXPORTED = {  # the remedy for a file that isn't an Excel workbook, by its suffix
    ".ods": Message("it isn't a spreadsheet, or it is damaged: save it again as .ods or .xlsx"),
    ".fods": Message(
        "it is a flat OpenDocument spreadsheet: in LibreOffice choose File, Save As, .ods"
    ),
    ".gsheet": Message(
        "it is only a link to Google Sheets: there choose File, Download, Microsoft Excel (.xlsx)"
    ),
    ".numbers": Message("it is a Numbers document: there choose File, Export To, Excel (.xlsx)"),
    ".csv": Message(
        "a CSV file contains values but no formulas, so nothing can be checked: save the workbook "
        "as .xlsx or .ods"
    ),
    ".tsv": Message(
        "a table of text contains values but no formulas, so nothing can be checked: save the "
        "workbook as .xlsx or .ods"
    ),
    ".xls": Message("it isn't a readable workbook: open it and save it as .xlsx"),
}
TABLES = (".csv", ".tsv")
FORMULA = re.compile(rb"""(?:^|[,;\t])[ ]*"?=""", re.MULTILINE)  # in a table of text
FORMULAS_AS_TEXT = Message(
    "a table of text has its formulas only as text: open it in your spreadsheet and save it as "
    ".xlsx or .ods"
)
DAMAGED = Message("it isn't a workbook, or it is damaged: save it as .xlsx")


@contextmanager
def package(path: str | PathLike[str]) -> Iterator[Package]:
    """Open the workbook at `path`."""
    with open_file(path, limits.BOOK) as file:
        head = file.read(len(OLE))
        if not head:
            raise WorkbookError(Message("the file is empty"))
        if head == OLE:
            raise WorkbookError(
                Message(
                    "it is encrypted, or an old .xls: open it, remove the password and save it "
                    "as .xlsx"
                )
            )
        file.seek(0)
        try:
            opened = Package(Archive(file))
        except ArchiveError as error:
            raise WorkbookError(_remedy(Path(path).suffix.lower(), file)) from error
        if "xl/workbook.bin" in opened:
            raise WorkbookError(Message("it is a binary workbook (.xlsb): save it as .xlsx"))
        if "EncryptedPackage" in opened:
            raise WorkbookError(ENCRYPTED)
        yield opened


def _remedy(ending: str, file: BinaryIO) -> str:
    """What to do about a file that isn't a workbook."""
    if ending in TABLES:
        file.seek(0)
        if FORMULA.search(file.read(SMALL)):
            return FORMULAS_AS_TEXT
    return EXPORTED.get(ending, DAMAGED)


# XML ------------------------------------------------------------------------


def parser() -> expat.XMLParserType:
    expat_parser = expat.ParserCreate()
    expat_parser.buffer_text = True
    return expat_parser


def parse(
    name: str,
    pieces: Iterable[bytes],
    parser: expat.XMLParserType,
    begin: Begin,
    end: End | None = None,
    text: End | None = None,
) -> None:
    """Read a part's XML, calling back for each element and text; errors become one-line messages.

    Document types are refused, and so are entities: both bombs and those that fetch something.
    """
    depth = count = size = 0

    def refuse(*_: object) -> None:
        raise WorkbookError(
            Message("its XML declares entities, which a workbook never needs: not opened")
        )

    def deeper(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth, count
        depth += 1
        count += 1
        if depth > limits.DEPTH.most:
            raise WorkbookError(Message("its XML is nested too deeply: this isn't a workbook"))
        if count > limits.ELEMENTS.most:
            raise _very_many()  # in an encoding that hid them from the count before
        begin(tag, attributes)

    def back(tag: str) -> None:
        nonlocal depth
        depth -= 1
        if end:
            end(tag)

    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = lambda *_: 0  # nothing is fetched: a reference is an error
    parser.StartElementHandler, parser.EndElementHandler = deeper, back
    parser.CharacterDataHandler = text
    try:
        for piece in pieces:
            parser.Parse(piece, False)
            size += len(piece)
            if size - parser.CurrentByteIndex > limits.TAG.most:  # reread with each piece
                what = Message(
                    "its part {name} has a tag of more than {limit}",
                    name=name,
                    limit=str(limits.TAG),
                )
                raise WorkbookError(what)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise WorkbookError(
            Message(
                "its part {name} isn't XML (line {line}): save it again as .xlsx",
                name=name,
                line=error.lineno,
            )
        ) from error
    except (ValueError, LookupError, UnicodeError) as error:
        what = Message("its part {name} can't be read: save it again as .xlsx", name=name)
        raise WorkbookError(what) from error


def _very_many() -> WorkbookError:
    return WorkbookError(
        Message("it has more than {limit} elements: too large to check", limit=str(limits.ELEMENTS))
    )


def local(tag: str) -> str:
    """A tag without its namespace's prefix."""
    return tag.rpartition(":")[2]


def relations_part(of: str) -> str:
    """The name of the part that lists the relations of a part."""
    folder, name = posixpath.split(of)
    return posixpath.join(folder, "_rels", f"{name}.rels")


def resolve_target(of: str, target: str) -> str:
    """The name of the part that is the target of a part's relation."""
    return posixpath.normpath(posixpath.join("/", posixpath.dirname(of), target)).lstrip("/")
