"""A verb's help page, and the parser that is made from it.

Each page is a file in `pages/` as it is printed, so that an option is described only once:

    usage: gradbook sweep [NET] -o FILE [OPTION]...

    Show what the learning rate does: a verdict for each rate, …

    arguments:
      NET                 default: worked

    options:
      -o, --out FILE      where to write: .html or .csv
      --epochs N          how long to train (default: $epochs)
      --form choice|number
                          one of these words
      --train [N]         with a number or without
      --mean M...         one number or several
    $shared

    examples:
      gradbook sweep xor -o xor.html

The usage line shows how many arguments there may be, what is required, and which option may be
given several times: `[--vary LINE]...`. The text before the first heading describes the verb.
The code fills in each `$name`. The parts of a verb have pages of their own: `class init`.
"""

from __future__ import annotations

import re
import shlex
from argparse import SUPPRESS, Action, ArgumentParser, Namespace
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from pathlib import Path
from string import Template
from typing import Any, NoReturn

from gradbook.cli.argument_kinds import OneOf
from gradbook.errors import UsageError, did_you_mean
from gradbook.language import LANGUAGES

LANGUAGE = f"""\
  --language CODE   {", ".join(LANGUAGES)} (default: the system's)"""
FORCE = """\
  --force           replace files that gradbook didn't write or you changed"""
SPEAKS, IS_ENGLISH = (
    "This verb also takes --force, --language and --help: see gradbook help",
    "Every verb also takes --force and --help: see gradbook help",
)
SET_OF_NET = """\
  --set LINE          a line that replaces the network's, such as 'rate 0.5', or
                      sets how the table is read: 'decimal ,' or 'dates dmy'"""
HEADING = re.compile(r"^(?=arguments:$|options:$)", re.MULTILINE)
EXAMPLES = "examples:\n"
TWO_COLUMNS = re.compile(r" *\S+(?: \S+)* {2,}(?=\S)")
INDENTED = 8  # columns before what is written beside or beneath something
BESIDE = 3 / 8  # of the columns are at most left of what stands beside a word
ENTRY = re.compile(r" {2}(\S+(?: \S+)*)(?: {2,}(\S.*))?")
REQUIRED = re.compile(r"(?<![\[\w-])(--?\w[\w-]*) \S+")
REPEATED = re.compile(r"\[(--?[\w-]+) \S+\]\.\.\.")
ANY_OPTION = "[OPTION]..."
CHOICES = re.compile(r"[^\s|]+(\|[^\s|]+)+")


@dataclass(frozen=True)
class Verb:
    """How a verb is run, and the values that its page leaves to the code."""

    run: Callable[[Namespace], int]
    kinds: Mapping[str, Callable[[str], Any]] = field(default_factory=dict)  # by option
    defaults: Mapping[str, Any] = field(default_factory=dict)
    facts: Callable[[], Mapping[str, object]] = dict  # the values for the page's $names
    speaks: bool = False  # whether its output is translated
    gone: Mapping[str, str] = field(default_factory=dict)  # the replacements of former options


@dataclass(frozen=True)
class Entry:
    """An argument or an option: how it is typed, and its description."""

    typed: str  # -o, --out FILE
    about: str
    section: str

    @property
    def flags(self) -> list[str]:
        words = takewhile(lambda word: word.startswith("-"), self.typed.split())
        return [word.rstrip(",") for word in words]

    @property
    def value(self) -> str:
        """What follows the option; empty for a flag."""
        return " ".join(self.typed.split()[len(self.flags) :])

    @property
    def name(self) -> str:
        """The option's name in the parsed options."""
        word = next((flag for flag in self.flags if flag.startswith("--")), self.typed)
        return word.strip("-").replace("-", "_")


@dataclass(frozen=True)
class HelpPage:
    """A page with all $names filled in."""

    verb: str
    text: str
    entries: tuple[Entry, ...]

    @classmethod
    def of(cls, verb: str, entry: Verb) -> HelpPage:
        shared = f"\n{SPEAKS if entry.speaks else IS_ENGLISH}"
        text = read_page(verb, shared=shared, set_of_net=SET_OF_NET, **entry.facts())
        return cls(verb, text, tuple(_entries(text)))

    @property
    def usage(self) -> str:
        return self.text.partition("\n")[0].removeprefix("usage: ")

    @property
    def about(self) -> str:
        return HEADING.split(self.text.partition("\n")[2])[0].partition(EXAMPLES)[0].strip("\n")

    @property
    def examples(self) -> str:
        return self.text.partition(EXAMPLES)[2]


def read_page(name: str, **facts: object) -> str:
    """The text of a page in `pages/`, with its $names filled in."""
    text = Path(__file__).with_name("pages") / f"{name.replace(' ', '-')}.txt"
    return Template(text.read_text("utf-8")).substitute(facts)


def print_page(text: str) -> None:
    from shutil import get_terminal_size

    print(fit(text, get_terminal_size().columns), end="")


def fit(text: str, columns: int) -> str:
    """A page for a narrow terminal: what is too wide is wrapped beneath its own column."""
    if max(map(len, text.splitlines())) <= columns:
        return text
    pieces: list[tuple[str, str, int]] = []  # on the left, beside it, and the column of that
    for line in text.splitlines():
        indent, words = len(line) - len(line.lstrip()), line.strip()
        left, beside, column = pieces[-1] if pieces else ("", "", -1)
        if words and beside and indent == column and not beside.endswith(":"):
            pieces[-1] = left, f"{beside} {words}", column
        elif begun := TWO_COLUMNS.match(line):
            pieces.append((begun[0], line[begun.end() :], begun.end()))
        elif indent in range(1, INDENTED):  # such as a command, which isn't wrapped
            pieces.append((line, "", -1))
        else:
            pieces.append(("", words, indent))
    from textwrap import wrap

    lines, furthest = [], int(BESIDE * columns)
    for left, beside, column in pieces:
        hang = min(column, furthest)
        if left and column > hang:
            lines.append(left.rstrip())
        first = left if left and column == hang else " " * hang
        filled = wrap(
            beside,
            columns,
            initial_indent=first,
            subsequent_indent=" " * hang,
            break_long_words=False,
            break_on_hyphens=False,
        )
        lines += filled or [left]
    return "\n".join(lines) + "\n"


def _entries(text: str) -> list[Entry]:
    entries: list[Entry] = []
    section = ""
    listed = "".join(HEADING.split(text)[1:]).partition(EXAMPLES)[0]
    for line in listed.splitlines():
        begun = ENTRY.fullmatch(line)
        if begun:
            entries.append(Entry(begun[1], begun[2] or "", section))
        elif line.startswith(" "):
            last = entries.pop()
            entries.append(replace(last, about=f"{last.about} {line.strip()}".strip()))
        elif line:
            section = line.rstrip(":")
    return entries


# The parser -------------------------------------------------------------------


class Parser(ArgumentParser):
    """A parser that reports errors in one line with a remedy, and accepts no shortened options."""

    def __init__(self, page: HelpPage, verb: Verb) -> None:
        super().__init__(prog=f"gradbook {page.verb}", allow_abbrev=False, add_help=False)
        self.page, self.verb = page, verb
        self.add_argument("-h", "--help", action="help", help=SUPPRESS)
        self.add_argument("--force", action="store_true", help=SUPPRESS)
        self.add_argument("--language", metavar="CODE", type=OneOf(*LANGUAGES), help=SUPPRESS)
        usage = page.usage.removeprefix(self.prog).replace(ANY_OPTION, "")
        about = {entry.typed: entry.about for entry in page.entries}
        for word in REQUIRED.sub("", REPEATED.sub("", usage)).split():
            typed = word.removesuffix("...").strip("[]")
            many = word.endswith("...")
            name = typed.partition(".")[0].lower() + "s" * many
            self.add_argument(
                name,
                nargs=("*" if many else "?") if word.startswith("[") else "+" if many else None,
                metavar=typed,
                type=verb.kinds.get(name, str),
                default=verb.defaults.get(name),
                help=about.get(typed, "").replace("%", "%%"),
            )
        repeated, required = REPEATED.findall(usage), REQUIRED.findall(usage)
        for entry in page.entries:
            if entry.flags:
                self._add_option(
                    entry,
                    verb,
                    repeated=not {*entry.flags}.isdisjoint(repeated),
                    required=not {*entry.flags}.isdisjoint(required),
                )

    @property
    def own_options(self) -> list[Action]:
        """The options that belong to this verb alone."""
        return [
            action for action in self._actions if action.option_strings and action.help != SUPPRESS
        ]

    def _add_option(self, entry: Entry, verb: Verb, *, repeated: bool, required: bool) -> None:
        value, about = entry.value, entry.about.replace("%", "%%")
        if not value:
            self.add_argument(*entry.flags, action="store_true", help=about)
            return
        metavar = value.removesuffix("...").strip("[]")
        usual = OneOf(*metavar.split("|")) if CHOICES.fullmatch(metavar) else str
        kind = verb.kinds.get(entry.name, usual)
        more: dict[str, Any] = {"action": "append"} if repeated else {}
        if value.endswith("..."):
            more["nargs"] = "+"
        elif value.startswith("["):
            more |= {"nargs": "?", "const": True}
        self.add_argument(
            *entry.flags,
            metavar=metavar,
            type=kind,
            default=verb.defaults.get(entry.name, [] if repeated else None),
            required=required,
            help=about,
            **more,
        )

    def format_help(self) -> str:
        return self.page.text

    def print_help(self, file: Any = None) -> None:
        print_page(self.page.text)

    def error(self, message: str) -> NoReturn:
        plain = message.removeprefix("argument ")
        raise UsageError(f"{plain} (see {self.prog} --help)")

    def read(self, words: Sequence[str]) -> Namespace:
        """The options in these words; `typed` is the whole command, to type again."""
        options, left_over = self.parse_known_args(words)
        if left_over:
            word = left_over[0]
            if not word.startswith("-"):
                self.error(f"unexpected argument '{word}'")
            flag = word.partition("=")[0]
            if flag in self.verb.gone:
                raise UsageError(f"{self.prog} no longer has {flag}: {self.verb.gone[flag]}")
            known = [name for action in self._actions for name in action.option_strings]
            self.error(f"unknown option '{flag}'{_instead(flag, known)}")
        if options.language and not self.verb.speaks:
            self.error(f"{self.prog} is available only in English: leave out --language")
        for action in self._actions:
            if action.option_strings and getattr(options, action.dest, None) == "":
                self.error(f"{'/'.join(action.option_strings)}: its value is missing")
        options.typed = shlex.join([*self.prog.split(), *words])
        return options


ELSEWHERE = {  # flags of other programs, and gradbook's with the same meaning
    "--lr": ("--rate", "--rates"),
    "--learning-rate": ("--rate", "--rates"),
    "--output": ("--out",),
    "--model": ("--network",),
}
QUIET = ("--quiet", "--silent", "-q")


def _instead(flag: str, known: Sequence[str]) -> str:
    """What to type instead of an unknown option."""
    if flag in QUIET:
        json = ", or use --json" if "--json" in known else ""
        return f": save what is printed with '> FILE'{json}"
    ours = next((name for name in ELSEWHERE.get(flag, ()) if name in known), None)
    return f": did you mean '{ours}'?" if ours else did_you_mean(flag, known)
