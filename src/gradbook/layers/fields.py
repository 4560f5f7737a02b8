"""The fields of a layer's statement: how each is read, checked, written and explained.

A `StatementForm` is a statement such as 'conv N K [stride S] … [BIAS]'. Its fields read themselves
from the line, in order, and write themselves unless they equal their default. `table()` has the
same rules for a page, whose own reader follows them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from gradbook.arguments import as_list, number, settle, sizes, whole
from gradbook.errors import UsageError, did_you_mean
from gradbook.graph.window import NOWHERE, SAME, Shape, pad_words, short
from gradbook.statements import TWICE, Statement, digits

UNKNOWN_CHOICE = "unknown {word!r}{hint}"
ONE_OF = ": expected one of {known}"
EXPECTED = "expected {phrase!r}"
SHARE = "{what} is at least 0 and below 1, not {value!r}"
SHARE_ABOVE_0 = "{what} is between 0 and 1, not {value!r}"
HELP_COLUMN = 29  # where a help line's explanation begins


@dataclass(frozen=True)
class TextField:
    """One field of a layer: `name` in the record, `letter` in the help."""

    name: str
    letter: str = ""
    kind: ClassVar[str] = ""  # its kind for a page's reader

    @property
    def usage(self) -> str:
        return self.letter

    def read(self, line: Statement, form: StatementForm) -> dict[str, Any]:
        """The field's value, read from the next words of the line."""
        raise NotImplementedError

    def write(self, value: Any) -> str:
        """The words for a value; '' for the default."""
        raise NotImplementedError

    def settle(self, word: str, value: Any) -> Any:
        """A caller's value in its canonical form; `word` is the layer's."""
        return value

    def table(self) -> dict[str, Any]:
        return {"kind": self.kind, **vars(self)}


@dataclass(frozen=True)
class WholeField(TextField):
    """A whole number: dense 3."""

    what: str = ""  # width
    least: int = 1
    kind: ClassVar[str] = "whole"

    def read(self, line: Statement, form: StatementForm) -> dict[str, Any]:
        return {self.name: line.whole(f"{form.words}'s {self.what}")}

    def write(self, value: int) -> str:
        return str(value)

    def settle(self, word: str, value: Any) -> int:
        return whole(f"{word}'s {self.what}", value, self.least)


@dataclass(frozen=True)
class WholesField(TextField):
    """Several whole numbers, up to the end of the line: concat back 0 2."""

    what: str = ""
    least: int = 0
    kind: ClassVar[str] = "wholes"

    def read(self, line: Statement, form: StatementForm) -> dict[str, Any]:
        numbers = [line.whole(f"{form.words}'s {self.what}")]
        while line.next:
            numbers.append(line.whole(f"{form.words}'s {self.what}"))
        return {self.name: tuple(numbers)}

    def write(self, value: Sequence[int]) -> str:
        """A leading 0 is left out, unless there is another 0."""
        first, *others = value
        return " ".join(map(str, value if first or 0 in others else others))

    def settle(self, word: str, value: Any) -> tuple[int, ...]:
        numbers = as_list(f"{word}'s {self.what.replace('number', 'numbers')}", value)
        return tuple(whole(f"{word}'s {self.what}", number, self.least) for number in numbers)


MOST_PICKED = 2**16
NOT_PLACES = "{what} is a number, or a run such as 1-4 or 4-1, up to {most:,}, not {word!r}"
TOO_MANY_PLACES = "{what}: at most {most:,} can be named"
RUN = re.compile(r"([0-9]{1,9})-([0-9]{1,9})")


@dataclass(frozen=True)
class PlacesField(WholesField):
    """Several places, up to the end of the line, with runs of them as 1-4 or 4-1."""

    kind: ClassVar[str] = "places"

    def read(self, line: Statement, form: StatementForm) -> dict[str, Any]:
        what = f"{form.words}'s {self.what}"
        places: list[int] = []
        while line.next or not places:
            run = RUN.fullmatch(line.next)
            if not run:
                places.append(line.whole(what))
                continue
            first, last = map(int, run.groups())
            if not 0 < min(first, last) <= max(first, last) <= MOST_PICKED:
                line.fail(NOT_PLACES.format(what=what, most=MOST_PICKED, word=line.next))
            line.take()
            by = 1 if first <= last else -1
            places += range(first, last + by, by)
            if len(places) > MOST_PICKED:
                line.fail(TOO_MANY_PLACES.format(what=what, most=MOST_PICKED))
        return {self.name: tuple(places)}

    def write(self, value: Sequence[int]) -> str:
        ends = (run if len(run) == 1 else (run[0], run[-1]) for run in runs(value))
        return " ".join("-".join(map(str, each)) for each in ends)


def runs(places: Sequence[int]) -> list[list[int]]:
    """The places in runs of three or more that go up, or down, by one, and single ones."""
    grouped: list[list[int]] = []
    first = 0
    while first < len(places):
        end = first + 1
        by = places[end] - places[first] if end < len(places) else 0
        while by in (1, -1) and 0 not in places[first : end + 1] and end < len(places):
            if places[end] - places[end - 1] != by:
                break
            end += 1
        end = end if end - first > 2 else first + 1
        grouped.append(list(places[first:end]))
        first = end
    return grouped


@dataclass(frozen=True)
class SizesField(TextField):
    """Channels, rows and columns: 8x7x7."""

    what: str = ""
    kind: ClassVar[str] = "sizes"

    def read(self, line: Statement, form: StatementForm) -> dict[str, Any]:
        return {self.name: line.sizes(f"{form.words}'s {self.what}", 3, "8x7x7")}

    def write(self, value: Sequence[int]) -> str:
        return "x".join(map(str, value))

    def settle(self, word: str, value: Any) -> tuple[int, ...]:
        numbers = as_list(f"{word}'s {self.what}", value)
        return tuple(whole(f"{word}'s {self.what}", number, 1) for number in numbers)


@dataclass(frozen=True)
class NumberField(TextField):
    """A number: dropout 0.1; perhaps after a keyword: epsilon 0.001."""

    what: str = ""
    keyword: str = ""
    usual: float | None = None  # the default; None: it is required
    label: str = ""  # the name of the value in errors, if not the layer's word
    always: bool = False  # whether the default is written too: another number may follow
    kind: ClassVar[str] = "number"

    @property
    def usage(self) -> str:
        words = f"{self.keyword} {self.letter}".strip()
        return words if self.usual is None else f"[{words}]"

    def read(self, line: Statement, form: StatementForm) -> dict[str, Any]:
        if self.keyword:
            is_named = line.option(self.keyword)
            return {self.name: line.value(self.keyword)} if is_named else {}
        flags = (part.name for part in form.fields if isinstance(part, FlagField))
        if self.usual is not None and line.next in ("", *flags):
            return {}
        return {self.name: line.value(self.label or f"{form.words}'s {self.what}")}

    def write(self, value: float) -> str:
        is_left_out = value == self.usual and not self.always
        return "" if is_left_out else f"{self.keyword} {digits(value)}".strip()

    def settle(self, word: str, value: Any) -> float:
        return number(self.label or f"{word}'s {self.what}", value)


@dataclass(frozen=True)
class ShareField(NumberField):
    """A number from 0 to 1, without 1, and perhaps without 0: momentum 0.9."""

    above_0: bool = False
    kind: ClassVar[str] = "share"

    def settle(self, word: str, value: Any) -> float:
        share = super().settle(word, value)
        if not 0 <= share < 1 or (self.above_0 and share == 0):
            message = SHARE_ABOVE_0 if self.above_0 else SHARE
            what = self.label or f"{word}'s {self.what}"
            raise UsageError(message.format(what=what, value=share))
        return share


@dataclass(frozen=True)
class FlagField(TextField):
    """An optional word, which is the field's name: dropout 0.1 channels."""

    usual: ClassVar[bool] = False
    kind: ClassVar[str] = "flag"

    @property
    def usage(self) -> str:
        return f"[{self.name}]"

    def read(self, line: Statement, form: StatementForm) -> dict[str, Any]:
        return {self.name: line.option(self.name)}

    def write(self, value: bool) -> str:
        return self.name if value else ""

    def settle(self, word: str, value: Any) -> bool:
        return bool(value)


@dataclass(frozen=True)
class PhraseField(TextField):
    """The rest of the line, which is one of several phrases: no bias. If there are several such
    fields, each is read `until` a word that begins the next one."""

    among: Sequence[str] = ()
    usual: str = ""
    what: str = ""
    until: tuple[str, ...] = ()
    kind: ClassVar[str] = "choice"

    @property
    def usage(self) -> str:
        return f"[{self.letter}]"

    def read(self, line: Statement, form: StatementForm) -> dict[str, Any]:
        start = line.used
        phrase = line.rest(*self.until)
        if phrase not in ("", *self.among):
            options = [part for part in plain(form.fields) if isinstance(part, OptionField)]
            flags = [part.name for part in form.fields if isinstance(part, FlagField)]
            phrases = [
                word for part in form.fields if isinstance(part, PhraseField) for word in part.among
            ]
            known = [*(f"{part.name} {part.letter}" for part in options), *flags, *phrases]
            hint = did_you_mean(phrase, known) or ONE_OF.format(known=", ".join(known))
            line.fail(UNKNOWN_CHOICE.format(word=phrase, hint=hint), at=start)
        return {self.name: phrase or self.usual}

    def write(self, value: str) -> str:
        return "" if value == self.usual else str(value)


PAIR = (1, 2)


@dataclass(frozen=True)
class BothField(TextField):
    """Rows by columns: 3x3; a single number is for both, unless `always_both` are written, or for
    columns if there is only one `row`."""

    what: str = ""
    always_both: bool = False
    row: bool = False
    everything: str = ""  # the word for an unlimited size, after which nothing else follows
    kind: ClassVar[str] = "both"

    def read(self, line: Statement, form: StatementForm) -> dict[str, Any]:
        if self.everything and line.option(self.everything):
            return {self.name: None}
        if self.row:
            return {self.name: line.whole(f"{form.words}'s {self.what}")}
        if self.always_both:
            pair = line.sizes(f"{line.words[0].group()}'s {self.what}", 2, "3x3")
        else:
            pair = line.wholes(f"{form.words}'s {self.what}", PAIR, "2 or 2x3")
        return {self.name: (pair[0], pair[-1])}

    def write(self, value: tuple[int, int] | None) -> str:
        if value is None:
            return self.everything
        if self.row:
            return str(value[1])
        return "x".join(map(str, value)) if self.always_both else short(value)

    def settle(self, word: str, value: Any) -> Any:
        return None if value is None else _pair(f"{word}'s {self.what}", value, self.row)


def _pair(what: str, value: Any, row: bool) -> tuple[int, int]:
    """A pair for rows and columns; if there is only one row, a number is for columns."""
    pair = sizes(what, (1, value) if row and isinstance(value, int) else value)
    if len(pair) not in (1, 2):
        raise UsageError(f"{what} has two sizes such as 3x3, not {value!r}")
    return pair[0], pair[-1]


@dataclass(frozen=True)
class OptionField(TextField):
    """One of a window's options, which may be in any order: stride 2, ceil."""

    usual: Any = None
    kind: ClassVar[str] = ""

    @property
    def usage(self) -> str:
        return f"[{self.name} {self.letter}]" if self.letter else f"[{self.name}]"

    def take(self, line: Statement) -> Any:
        raise NotImplementedError


@dataclass(frozen=True)
class PairOption(OptionField):
    """A pair for rows and columns: stride 2x1."""

    row: bool = False
    kind: ClassVar[str] = "pair"

    def take(self, line: Statement) -> Any:
        if self.row:
            return line.whole(self.name)
        return line.wholes(self.name, PAIR, "2 or 2x1")

    def write(self, value: Any) -> str:
        if value in (None, self.usual):
            return ""
        return f"{self.name} {value[1] if self.row else short(value)}"

    def settle(self, word: str, value: Any) -> Any:
        return None if value is None else _pair(f"{word}'s {self.name}", value, self.row)


@dataclass(frozen=True)
class PadOption(OptionField):
    """The padding of all sides, of rows and columns, or of each side: pad 1x0; with only one `row`,
    of both ends or of each. It is checked together with the window."""

    row: bool = False
    kind: ClassVar[str] = "pad"

    def take(self, line: Statement) -> Any:
        if line.option(SAME):
            return SAME
        if self.row:
            return line.wholes(self.name, PAIR, "1 or 2x0")
        return line.wholes(self.name, (1, 2, 4), "1, 1x0 or 0x0x1x1")

    def write(self, value: Any) -> str:
        if value == NOWHERE:
            return ""
        ends = short(value[1::2]) if self.row and value != SAME else pad_words(value)
        return f"{self.name} {ends}"

    def settle(self, word: str, value: Any) -> Any:
        """With only one row, a number is for both ends, a pair for each end."""
        ends = (value,) if isinstance(value, int) else value
        if self.row and value != SAME and len(ends) < 4:
            return (0, ends[0], 0, ends[-1])
        return value


@dataclass(frozen=True)
class WholeOption(OptionField):
    """A whole number: groups 2."""

    what: str = ""
    kind: ClassVar[str] = "count"

    def take(self, line: Statement) -> Any:
        return line.whole(self.name)

    def write(self, value: int) -> str:
        return "" if value == self.usual else f"{self.name} {value}"

    def settle(self, word: str, value: Any) -> int:
        return whole(f"{word}'s {self.what}", value, 1)


@dataclass(frozen=True)
class FlagOption(OptionField):
    """A single word: ceil."""

    kind: ClassVar[str] = "word"

    def take(self, line: Statement) -> Any:
        return True

    def write(self, value: bool) -> str:
        return self.name if value else ""

    def settle(self, word: str, value: Any) -> bool:
        return bool(value)


@dataclass(frozen=True)
class OptionsField(TextField):
    """Options in any order, each at most once."""

    options: tuple[OptionField, ...] = ()
    kind: ClassVar[str] = "options"

    @property
    def usage(self) -> str:
        return " ".join(option.usage for option in self.options)

    def read(self, line: Statement, form: StatementForm) -> dict[str, Any]:
        known = {option.name: option for option in self.options}
        options: dict[str, Any] = {}
        while line.next in known:
            if line.next in options:
                line.fail(TWICE.format(word=line.next))
            word = line.take()
            options[word] = known[word].take(line)
        return options

    def table(self) -> dict[str, Any]:
        return {"kind": self.kind, "options": [option.table() for option in self.options]}


@dataclass(frozen=True)
class StatementForm:
    """A statement for a layer, with its explanation in `gradbook help networks`.

    `preset` are fields that the words alone determine; `per_channel` are those that equal the
    number of input channels; `takes` is the error message if the input has no channels.
    """

    words: str  # conv, add back
    fields: tuple[TextField, ...] = ()
    help: tuple[str, ...] = ()
    synonyms: tuple[str, ...] = ()
    preset: Mapping[str, Any] = field(default_factory=dict)
    per_channel: tuple[str, ...] = ()
    takes: str = ""

    @property
    def first(self) -> str:
        """The first word, by which the statement is recognised."""
        return self.words.split()[0]

    @property
    def usage(self) -> str:
        return " ".join([self.words, *(part.usage for part in self.fields)])

    @property
    def help_lines(self) -> Iterator[str]:
        """The usage, with the explanation beside it or below."""
        start = f"  {self.usage}"
        first, *rest = self.help
        if len(start) + 2 < HELP_COLUMN:
            yield start.ljust(HELP_COLUMN) + first
        else:
            yield start
            rest = [first, *rest]
        yield from (" " * HELP_COLUMN + text for text in rest)

    def read(self, line: Statement, shape: Shape) -> dict[str, Any]:
        """The fields that the rest of the line determines, given the shape of the layer's input."""
        for word in self.words.split()[1:]:
            if not line.option(word):
                line.fail(EXPECTED.format(phrase=self.words))
        if self.takes and len(shape) != 3:
            raise UsageError(self.takes.format(shape="x".join(map(str, shape))))
        values = {**self.preset, **dict.fromkeys(self.per_channel, *shape[:1])}
        for part in self.fields:
            values |= part.read(line, self)
            if isinstance(part, BothField) and values[part.name] is None:
                break
        return values

    def fits(self, layer: object) -> bool:
        """Whether the layer has the fields that the words determine."""
        return all(getattr(layer, name) == value for name, value in self.preset.items())

    def write(self, layer: object) -> str:
        words = (part.write(getattr(layer, part.name)) for part in plain(self.fields))
        return " ".join([self.words, *filter(None, words)])

    def table(self) -> dict[str, Any]:
        return {
            "words": self.words,
            "fields": [part.table() for part in self.fields],
            "preset": dict(self.preset),
            "perChannel": list(self.per_channel),
            "takes": self.takes,
        }


class Configured:
    """A record whose settings are the fields of its statement: update.momentum.

    Settings that only other statements have are ignored.
    """

    settings: Mapping[str, Any]

    def configure(
        self, form: StatementForm, values: Sequence[Any], by_name: Mapping[str, Any]
    ) -> None:
        """Settle each field's value: in order, by name, or the usual one."""
        fields = [part for part in form.fields if isinstance(part, NumberField | FlagField)]
        named = {**dict(zip((part.name for part in fields), values, strict=False)), **by_name}
        settings = {
            part.name: part.settle(form.words, named.get(part.name, part.usual)) for part in fields
        }
        settle(self, settings=settings)

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["settings"][name]
        except KeyError:
            raise AttributeError(f"{type(self).__name__} has no {name!r}") from None


def plain(fields: Iterable[TextField]) -> Iterator[TextField]:
    """The fields, with each option as its own field."""
    for part in fields:
        yield from part.options if isinstance(part, OptionsField) else (part,)
