"""A message that is made now and shown later, maybe in several languages.

It equals its English text, so that what is compared, stored and given to programs is English;
`translate` puts it for a reader.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from gradbook.language import ENGLISH, current_language, numeral, tr, tr_count

LISTED = re.compile(r"\{part0\}(, \{part\d+\})+")  # templates of `joined` with a comma
TEMPLATE, PARTS, SEVERAL, COUNT, NUMBER = "message", "parts", "several", "count", "number"


class WrittenNumber(str):
    """A number as it is written in English."""

    __slots__ = ()


class Message(str):
    """A sentence, or a phrase that is a part of one, with its named parts."""

    template: str
    parts: Mapping[str, object]
    several: str  # the plural's template, of a message with a count
    amount: int

    def __new__(cls, template: str, /, **parts: object) -> Message:
        made = super().__new__(cls, template.format(**parts) if parts else template)
        made.template, made.parts, made.several, made.amount = template, parts, "", 1
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (self.template, self.several, self.amount, self.parts)

    def with_parts(self, change: Callable[[str], str]) -> Message:
        """The same message, with something changed in each of its parts."""
        parts = {
            name: change_parts(part, change) if isinstance(part, str) else part
            for name, part in self.parts.items()
        }
        return _rebuilt(self.template, self.several, self.amount, parts)


def message_count(single: str, several: str, count: int, /, **parts: object) -> Message:
    """The message for so many."""
    chosen = single if count == 1 else several
    made = str.__new__(Message, chosen.format(count=count, **parts))
    made.template, made.parts, made.several, made.amount = single, parts, several, count
    return made


def _rebuilt(template: str, several: str, amount: int, parts: Mapping[str, object]) -> Message:
    if several:
        return message_count(template, several, amount, **parts)
    return Message(template, **parts)


def joined(sign: str, messages: Iterable[str]) -> str:
    """Messages joined by a sign such as a comma."""
    parts = list(messages)
    if len(parts) == 1:
        return parts[0]
    named = {f"part{number}": part for number, part in enumerate(parts)}
    return Message(sign.join(f"{{{name}}}" for name in named), **named) if named else ""


def enumerated(names: Iterable[str]) -> str:
    """A and B; A, B and C."""
    *first, last = names
    return Message("{names} and {last}", names=joined(", ", first), last=last) if first else last


def change_parts(text: str, change: Callable[[str], str]) -> str:
    """A text with a change made in it; only the parts of a message change, its words are fixed."""
    return text.with_parts(change) if isinstance(text, Message) else change(text)


def words_of(error: BaseException) -> str:
    """The text of an error, which stays a message if it was made of one."""
    first = error.args[0] if error.args else None
    return first if isinstance(first, Message) else str(error)


def translate(text: str) -> str:
    """The text in the reader's language, if it is a message or a number; else as it is."""
    if current_language() is ENGLISH:
        return str(text)
    if isinstance(text, WrittenNumber):
        return numeral(text)
    if not isinstance(text, Message):
        return text
    parts = {
        n: translate(part) if isinstance(part, str) else part for n, part in text.parts.items()
    }
    if LISTED.fullmatch(text.template):
        return current_language().list_sign.join(map(str, parts.values()))
    if text.several:
        return tr_count(text.template, text.several, text.amount, **parts)
    return tr(text.template, **parts)


# As a record ------------------------------------------------------------------


def record_of_text(text: str) -> object:
    """A text as a record for JSON, from which a message can be restored."""
    if isinstance(text, WrittenNumber):
        return {NUMBER: str(text)}
    if not isinstance(text, Message):
        return text
    parts = {n: record_of_text(p) if isinstance(p, str) else p for n, p in text.parts.items()}
    counted = {SEVERAL: text.several, COUNT: text.amount} if text.several else {}
    return {TEMPLATE: text.template, PARTS: parts, **counted}


def text_of_record(record: object) -> str:
    """The text of a record; a ValueError if it isn't one."""
    match record:
        case str():
            return record
        case {"number": str(written), **rest} if not rest:
            return WrittenNumber(written)
        case {"message": str(template), "parts": dict(parts), **rest}:
            read = {n: p if isinstance(p, int) else text_of_record(p) for n, p in parts.items()}
            match rest:
                case {"several": str(several), "count": int(count)}:
                    return _filled(template, several, count, read)
                case {}:
                    return _filled(template, "", 1, read)
    raise ValueError("no text")


def _filled(template: str, several: str, count: int, parts: Mapping[str, object]) -> Message:
    try:
        return _rebuilt(template, several, count, parts)
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise ValueError("no text") from error
