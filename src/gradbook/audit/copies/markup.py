"""An XML text's elements and the bytes they stand in, so that single ones can be replaced."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from gradbook.audit.workbook.package import WorkbookError, local, parse, parser

_TAG = re.compile(rb"""<(?:[^>"']|"[^"]*"|'[^']*')*>""")
_NAME = re.compile(rb"<([^\s/>]+)")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

ByteEdit = tuple[int, int, bytes]  # from where to where in the text, and what belongs there


@dataclass(frozen=True, slots=True)
class Element:
    """<tag …>…</tag>, and where that is."""

    tag: str  # without its prefix
    attributes: dict[str, str] = field(repr=False)
    depth: int  # the root has 0
    start: int  # of its start tag
    _inside: int  # how far from there the rest is: small numbers, for a sheet has very many
    _close: int
    _end: int

    @property
    def inside(self) -> int:
        """Where its start tag ends."""
        return self.start + self._inside

    @property
    def close(self) -> int:
        """Where its end tag starts; `inside` where it has none."""
        return self.start + self._close

    @property
    def end(self) -> int:
        return self.start + self._end

    def is_empty(self) -> bool:
        return self.close == self.end

    def attribute(self, name: str) -> str:
        """An attribute by its name, whatever its prefix."""
        return next((v for k, v in self.attributes.items() if local(k) == name), "")


NONE: dict[str, str] = {}  # that most elements share
Wanted = Callable[[int, str, dict[str, str]], bool]  # by depth, tag and attributes


def elements(data: bytes, part: str, wanted: Wanted) -> list[Element]:
    """The wanted elements of a part's text, in the order in which they end."""
    found: list[Element] = []
    opened: list[tuple[str, dict[str, str], int] | None] = []
    made = parser()

    def begin(tag: str, attributes: dict[str, str]) -> None:
        tag = local(tag)
        keep = wanted(len(opened), tag, attributes)
        opened.append((tag, attributes, made.CurrentByteIndex) if keep else None)

    def end(_: str) -> None:
        entry = opened.pop()
        if entry is None:
            return
        tag, attributes, start = entry
        close = finish = inside = _matched(_TAG, data, start).end()
        if data[inside - 2 : inside] != b"/>":
            close = made.CurrentByteIndex
            finish = _matched(_TAG, data, close).end()
        places = (place - start for place in (inside, close, finish))
        found.append(Element(tag, attributes or NONE, len(opened), start, *places))

    parse(part, [data], made, begin, end)
    return found


def _matched(pattern: re.Pattern[bytes], data: bytes, start: int = 0) -> re.Match[bytes]:
    found = pattern.match(data, start)
    assert found, "the parser found a tag here"
    return found


def outline(data: bytes, part: str) -> list[Element]:
    """The root and what is directly inside it."""
    return elements(data, part, lambda depth, tag, attributes: depth <= 1)


def plain(data: bytes) -> bytes:
    """The text in an encoding that ASCII can be put into."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = _DECLARATION.sub("", data.decode("utf-16", "replace"), count=1)
        return b'<?xml version="1.0" encoding="UTF-8"?>' + text.encode()
    return data


def edited(data: bytes, edits: Iterable[ByteEdit]) -> bytes:
    """The text with other bytes in some places; what is put into one place keeps its order."""
    pieces: list[bytes] = []
    done = 0
    for start, end, content in sorted(edits, key=lambda edit: edit[:2]):
        assert start >= done, "changes to the same bytes"
        pieces += [data[done:start], content]
        done = end
    return b"".join([*pieces, data[done:]])


def words(text: str) -> bytes:
    """A text as XML that holds in any encoding: what isn't ASCII becomes a reference."""
    escaped = escape(_FORBIDDEN.sub("\ufffd", text), {'"': "&quot;"})
    return escaped.encode("ascii", "xmlcharrefreplace")


def prefix(data: bytes, element: Element) -> bytes:
    """The prefix that an element's name has in the text, with its colon."""
    before, colon, _ = _matched(_NAME, data, element.start)[1].rpartition(b":")
    return before + colon


def tag(before: bytes, name: str, inside: bytes = b"", /, **attributes: str) -> bytes:
    """A new element, with a prefix before its name."""
    start = before + name.encode()
    said = b"".join(_said(*attribute) for attribute in attributes.items())
    return b"<%s%s>%s</%s>" % (start, said, inside, start) if inside else b"<%s%s/>" % (start, said)


def _said(name: str, value: str) -> bytes:
    return b' %s="%s"' % (name.encode(), words(value))


def with_attributes(data: bytes, element: Element, **values: str) -> ByteEdit:
    """The element's start tag with other values of some attributes."""
    opening = data[element.start : element.inside]
    for name, value in values.items():
        there = re.search(rb"\s" + name.encode() + rb"""\s*=\s*(?:"[^"]*"|'[^']*')""", opening)
        start, end = there.span() if there else (_matched(_NAME, opening).end(),) * 2
        opening = opening[:start] + _said(name, value) + opening[end:]
    return element.start, element.inside, opening


def with_child(data: bytes, element: Element, child: bytes, **values: str) -> list[ByteEdit]:
    """One more child at an element's end; attributes may change with it."""
    start, inside, opening = with_attributes(data, element, **values)
    if not element.is_empty():
        own = [(start, inside, opening)] if values else []
        return [*own, (element.close, element.close, child)]
    name = _matched(_NAME, opening)[1]
    opening = opening[: opening.rindex(b"/")].rstrip() + b">"
    return [(start, inside, opening + child + b"</" + name + b">")]


def only(found: Iterable[Element], tag: str, part: str) -> Element:
    """The one element of that tag, without which the part can't be added to."""
    first = next((element for element in found if element.tag == tag), None)
    if first is None:
        raise WorkbookError(f"its part {part} has no <{tag}>: save it again as .xlsx")
    return first


def place_after(found: Sequence[Element], earlier: str) -> int:
    """Where a child of the root belongs: behind those that come earlier."""
    names = set(earlier.split())
    root = found[-1]
    return max((e.end for e in found if e.depth == 1 and e.tag in names), default=root.inside)
